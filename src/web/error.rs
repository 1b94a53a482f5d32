//! The one place that knows HTTP statuses. Faults of the API become `application/problem+json`
//! (RFC 9457); faults of a login become the status of its result page. What the flows are refused with
//! becomes an [`ApiError`] in `causes`.

mod causes;
mod settings;
mod vault;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::domain::fault::{Code, Code as C};
use crate::domain::tenant::Tenant;
use crate::flow::StoreError;

use super::access::Refusal;
use super::limit::headers;
use super::limit::rate::Quota;

pub use super::problem::{BodyFault, ProblemDocument};
pub use vault::VaultRefusal;

/// What an API call can be refused with.
#[derive(Debug)]
pub enum ApiError {
    /// No tenant has this host.
    WrongHost,
    /// The caller is not who it should be, or may not do this; status and `WWW-Authenticate` value.
    Access {
        /// 400, 401 or 403.
        status: StatusCode,
        /// The challenge (RFC 6750, 3).
        challenge: String,
        /// A stable code.
        code: &'static str,
        /// Words.
        detail: String,
    },
    /// The body is no JSON, or a query parameter cannot be read.
    Malformed(Vec<BodyFault>),
    /// The request is well formed, but cannot be carried out as it stands.
    Refused(Vec<BodyFault>),
    /// The body is too large.
    TooLarge,
    /// Path and query are too long.
    UriTooLong,
    /// The body did not arrive in time.
    TooLate,
    /// The body is not `application/json`.
    NotJson,
    /// There is no such thing in this tenant.
    NotFound,
    /// The path is no path of ours.
    NoSuchPath,
    /// The method is not allowed on this path.
    MethodNotAllowed,
    /// The state of the thing forbids it.
    Conflict(String),
    /// The same order is being carried out right now.
    StillRunning(String),
    /// A key was used for another order.
    KeyReused(String),
    /// It was changed since the caller read it.
    Stale {
        /// Its version now.
        version: u64,
    },
    /// Nobody said which version is changed.
    Unconditional(String),
    /// It is over.
    Gone(String),
    /// A wrong confirmation code.
    WrongCode {
        /// How many more may be tried.
        attempts_left: u8,
    },
    /// No more callers can wait.
    TooManyWait(String),
    /// The client or its tenant asks too often.
    TooMany(Quota),
    /// Too many requests are at work.
    Overloaded,
    /// The store does not answer; nothing was changed.
    Unavailable,
    /// The store did not say whether the change was made.
    Uncertain,
    /// No token of a provider is handed out.
    Vault(VaultRefusal),
    /// A fault of our own; its cause is in the log.
    Internal,
}

impl ApiError {
    /// Every code with its status; a test compares them with the errors themselves.
    pub const CODES: &[(&str, u16)] = &[
        ("malformed", 400),
        ("invalid_request", 400),
        ("token_missing", 401),
        ("invalid_token", 401),
        ("insufficient_scope", 403),
        ("bad_signature", 403),
        ("not_found", 404),
        ("no_such_path", 404),
        ("method_not_allowed", 405),
        ("conflict", 409),
        ("still_running", 409),
        ("gone", 410),
        ("stale", 412),
        ("too_late", 408),
        ("precondition_required", 428),
        ("too_large", 413),
        ("uri_too_long", 414),
        ("not_json", 415),
        ("wrong_host", 421),
        ("invalid", 422),
        ("wrong_code", 422),
        ("key_reused", 422),
        ("too_many_requests", 429),
        ("internal", 500),
        ("overloaded", 503),
        ("unavailable", 503),
        ("uncertain", 503),
        ("too_many_wait", 429),
        ("not_verified", 409),
        ("sign_in_again", 409),
        ("vault_off", 409),
        ("provider_failed", 502),
        ("provider_out_of_order", 503),
        ("provider_timeout", 504),
    ];

    /// A call whose token is missing, not good, or not for this. `access` has logged it.
    pub fn access(refusal: Refusal, tenant: &Tenant) -> Self {
        Self::Access {
            status: refusal.status(),
            challenge: refusal.www_authenticate(tenant),
            code: refusal.error().unwrap_or("token_missing"),
            detail: refusal.to_string(),
        }
    }

    /// One fault in a request that is otherwise well formed.
    pub fn refused(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Refused(vec![BodyFault::at(pointer, detail)])
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Access { status, .. } => *status,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) | Self::WrongCode { .. } | Self::KeyReused(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::TooLate => StatusCode::REQUEST_TIMEOUT,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) | Self::StillRunning(_) => StatusCode::CONFLICT,
            Self::Stale { .. } => StatusCode::PRECONDITION_FAILED,
            Self::Gone(_) => StatusCode::GONE,
            Self::Unconditional(_) => StatusCode::PRECONDITION_REQUIRED,
            Self::TooManyWait(_) | Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::Uncertain | Self::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Vault(refusal) => refusal.status(),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A stable code, a title, and what to do.
    fn words(&self) -> (&str, &str, &str) {
        match self {
            Self::WrongHost => (
                "wrong_host",
                "Wrong host",
                "no tenant is served at this host; check the host name in the URL",
            ),
            Self::Access { code, detail, .. } => (code, "Access refused", detail),
            Self::Malformed(_) => ("malformed", "The request cannot be read", "see `faults` for the places"),
            Self::Refused(_) => {
                ("invalid", "The request cannot be carried out as it stands", "see `faults` for the places")
            }
            Self::TooLarge => ("too_large", "The body is too large", "send at most 2 MiB"),
            Self::UriTooLong => {
                ("uri_too_long", "The URI is too long", "send at most 8 KiB of path and query")
            }
            Self::TooLate => (
                "too_late",
                "The body did not arrive in time",
                "nothing was changed; send it again, as a whole",
            ),
            Self::NotJson => {
                ("not_json", "The body must be JSON", "send it with `Content-Type: application/json`")
            }
            Self::NotFound => ("not_found", "Not found", "this tenant has nothing with this id"),
            Self::NoSuchPath => ("no_such_path", "Not found", "this path is not part of the API"),
            Self::MethodNotAllowed => ("method_not_allowed", "Method not allowed", "see the `Allow` header"),
            Self::Conflict(detail) => ("conflict", "Not in this state", detail),
            Self::StillRunning(detail) => ("still_running", "The same order is at work", detail),
            Self::KeyReused(detail) => ("key_reused", "The key belongs to another order", detail),
            Self::TooManyWait(detail) => ("too_many_wait", "Too many callers wait", detail),
            Self::Stale { .. } => (
                "stale",
                "It was changed meanwhile",
                "nothing was changed; read it again, and repeat the change if it is still wanted",
            ),
            Self::Unconditional(detail) => ("precondition_required", "Say which version you change", detail),
            Self::Gone(detail) => ("gone", "It is over", detail),
            Self::WrongCode { .. } => (
                "wrong_code",
                "The code is wrong",
                "ask the customer to send the code of the sign-in page again",
            ),
            Self::TooMany(_) | Self::Overloaded | Self::Unavailable | Self::Uncertain => {
                self.words_of_passing()
            }
            Self::Vault(refusal) => refusal.words(),
            Self::Internal => ("internal", "A fault of our own", "see the log"),
        }
    }

    /// Of what passes by itself.
    fn words_of_passing(&self) -> (&str, &str, &str) {
        match self {
            Self::TooMany(_) => (
                "too_many_requests",
                "Too many requests",
                "wait for as long as `Retry-After` says; `RateLimit-Policy` says how many are allowed",
            ),
            Self::Overloaded => (
                "overloaded",
                "Too many requests are at work",
                "nothing was done; try again after `Retry-After`",
            ),
            Self::Unavailable => (
                "unavailable",
                "The store does not answer",
                "nothing was changed; try again in a few seconds",
            ),
            _ => (
                "uncertain",
                "The store did not say whether it was done",
                "read it again before you repeat it; a `POST` that makes something may be repeated with the same \
                 `Idempotency-Key`",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let (code, title, detail) = self.words();
        let (faults, attempts_left, version) = match &self {
            Self::Malformed(faults) | Self::Refused(faults) => (Some(faults.as_slice()), None, None),
            Self::WrongCode { attempts_left } => (None, Some(*attempts_left), None),
            Self::Stale { version } => (None, None, Some(*version)),
            _ => (None, None, None),
        };
        let (kind, request_id) = ("about:blank", "");
        let problem = ProblemDocument {
            kind,
            title,
            status: status.as_u16(),
            code,
            detail,
            faults,
            attempts_left,
            version,
            request_id,
        };
        let problem = serde_json::to_value(problem).expect("texts and numbers are JSON");
        let mut response = super::Problem(problem).into_response();
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Self::TooMany(quota) = &self {
            headers::refuse(headers, quota);
        }
        if let Self::Access { challenge, .. } = &self
            && !challenge.is_empty()
            && let Ok(challenge) = HeaderValue::from_str(challenge)
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE || matches!(self, Self::TooManyWait(_)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Self::Vault(VaultRefusal::OutOfOrder { retry_after }) = &self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        if matches!(self, Self::StillRunning(_)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unknown => {
                tracing::error!(detail = %error, "store.uncertain");
                Self::Uncertain
            }
            StoreError::Unavailable(_) | StoreError::Conflict => {
                tracing::error!(detail = %error, "store.unavailable");
                Self::Unavailable
            }
            StoreError::BadCursor => {
                Self::Malformed(vec![BodyFault::at("?cursor", "not a cursor of this list")])
            }
            other => {
                tracing::error!(detail = %other, "store.failed");
                Self::Internal
            }
        }
    }
}

/// The status of a failed login's result page (DESIGN §6).
pub fn login_status(code: Code) -> StatusCode {
    match code {
        C::ParamsMissing
        | C::ParamsConflict
        | C::StateUnknown
        | C::StateExpired
        | C::RouteMismatch
        | C::ProviderChanged
        | C::IssuerMismatch
        | C::CookieMismatch
        | C::VariableMismatch
        | C::AccessDenied
        | C::SomeoneElse
        | C::TakenBack
        | C::ProviderError
        | C::RedirectUriRefused
        | C::InvalidGrant
        | C::IdTokenMissing
        | C::IdTokenMalformed
        | C::IdTokenEncrypted
        | C::IdTokenAlgorithm
        | C::IdTokenKey
        | C::IdTokenSignature
        | C::IdTokenIssuer
        | C::IdTokenAudience
        | C::IdTokenExpired
        | C::IdTokenTime
        | C::IdTokenNonce
        | C::IdTokenAtHash
        | C::IdTokenClaims
        | C::SubjectMismatch => StatusCode::BAD_REQUEST,
        C::LinkFinal | C::NotConfirmed | C::GuessesSpent | C::SheetClosed | C::Voided | C::Declined => {
            StatusCode::GONE
        }
        C::InvalidClient
        | C::TokenRefused
        | C::TokenFailed
        | C::TokenGarbage
        | C::TokenTooLarge
        | C::TokenUrlRefused
        | C::DiscoveryFailed
        | C::DiscoveryMismatch
        | C::ParFailed
        | C::JwksFailed
        | C::WhoamiRefused
        | C::WhoamiFailed
        | C::WhoamiGarbage
        | C::WhoamiTooLarge
        | C::WhoamiUrlRefused
        | C::WhoamiUrlUnfilled
        | C::WhoamiUnsigned
        | C::MappingFailed
        | C::RequiredMissing => StatusCode::BAD_GATEWAY,
        C::TokenTimeout | C::WhoamiTimeout | C::DiscoveryTimeout | C::ParTimeout | C::JwksTimeout => {
            StatusCode::GATEWAY_TIMEOUT
        }
        C::StoreUnavailable | C::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        C::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::web::limit::rate::Rate;

    /// One of each; the compiler asks here for a new one.
    fn every() -> Vec<ApiError> {
        use ApiError as E;
        let text = String::new;
        let access = |code, status: StatusCode| E::Access { status, challenge: text(), code, detail: text() };
        let mut errors = vec![
            access("token_missing", StatusCode::UNAUTHORIZED),
            access("invalid_token", StatusCode::UNAUTHORIZED),
            access("invalid_request", StatusCode::BAD_REQUEST),
            access("insufficient_scope", StatusCode::FORBIDDEN),
            access("bad_signature", StatusCode::FORBIDDEN),
            E::WrongHost,
            E::Malformed(Vec::new()),
            E::Refused(Vec::new()),
            E::TooLarge,
            E::UriTooLong,
            E::TooLate,
            E::NotJson,
            E::NotFound,
            E::NoSuchPath,
            E::MethodNotAllowed,
            E::Conflict(text()),
            E::StillRunning(text()),
            E::KeyReused(text()),
            E::Stale { version: 1 },
            E::Unconditional(text()),
            E::Gone(text()),
            E::WrongCode { attempts_left: 1 },
            E::TooManyWait(text()),
            E::TooMany(Rate::per_minute(1).quota("client", 0, 0)),
            E::Overloaded,
            E::Unavailable,
            E::Uncertain,
            E::Internal,
        ];
        match errors[0] {
            E::WrongHost
            | E::Access { .. }
            | E::Malformed(_)
            | E::Refused(_)
            | E::TooLarge
            | E::UriTooLong
            | E::TooLate
            | E::NotJson
            | E::NotFound
            | E::NoSuchPath
            | E::MethodNotAllowed
            | E::Conflict(_)
            | E::StillRunning(_)
            | E::KeyReused(_)
            | E::Stale { .. }
            | E::Unconditional(_)
            | E::Gone(_)
            | E::WrongCode { .. }
            | E::TooManyWait(_)
            | E::TooMany(_)
            | E::Overloaded
            | E::Unavailable
            | E::Uncertain
            | E::Vault(_)
            | E::Internal => {}
        }
        errors.extend(VaultRefusal::every().map(E::Vault));
        errors
    }

    #[test]
    fn every_code_stands_in_the_list_with_its_status() {
        let errors = every();
        let told: BTreeSet<_> =
            errors.iter().map(|error| (error.words().0, error.status().as_u16())).collect();
        assert_eq!(told, ApiError::CODES.iter().copied().collect());
    }

    #[test]
    fn the_description_shows_each_refusal_as_it_is_answered() {
        let answered: BTreeSet<_> = every()
            .iter()
            .map(|error| (error.words().0.to_owned(), error.words().1.to_owned(), error.status().as_u16()))
            .collect();
        for (code, title, status) in crate::web::openapi::answers::examples() {
            assert!(
                answered.contains(&(code.to_owned(), title.to_owned(), status)),
                "{code} {status}: {title}"
            );
        }
    }
}
