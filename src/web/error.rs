//! The one place that knows HTTP statuses. Faults of the API become `application/problem+json`
//! (RFC 9457); faults of a login become the status of its result page.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::fault::Code;
use crate::domain::tenant::Tenant;
use crate::flow::StoreError;
use crate::flow::confirm::ConfirmError;
use crate::flow::create_link::CreateLinkError;
use crate::flow::links::CancelError;
use crate::flow::preview::PreviewError;

use super::access::Refusal;

/// One thing that is wrong with a request body or query.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Fault)]
pub struct BodyFault {
    /// A JSON pointer (RFC 6901) to the place in the body, or `?` and the name of a query parameter.
    #[schema(examples("/conversation/channel"))]
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// The line, from 1: of the body, or of the expression that the pointer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = usize)]
    pub line: Option<usize>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = usize)]
    pub column: Option<usize>,
}

/// Why a request was refused (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Always `about:blank`: `code` says what it is.
    #[serde(rename = "type")]
    #[schema(examples("about:blank"))]
    kind: &'static str,
    /// A few words for people.
    title: &'a str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable word for programs; `docs/errors.md` has them all.
    #[schema(examples("not_found"))]
    code: &'a str,
    /// What to do.
    detail: &'a str,
    /// What is wrong and where, if a member of the request is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<BodyFault>)]
    faults: Option<&'a [BodyFault]>,
    /// With `wrong_code`: how many more may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u8)]
    attempts_left: Option<u8>,
    /// The request's name in the log, and in `X-Request-Id`.
    request_id: &'static str,
}

impl BodyFault {
    /// A fault at a place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), line: None, column: None }
    }
}

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
    /// It is over.
    Gone(String),
    /// A wrong confirmation code.
    WrongCode {
        /// How many more may be tried.
        attempts_left: u8,
    },
    /// The store does not answer.
    Unavailable,
    /// A fault of our own; its cause is in the log.
    Internal,
}

impl ApiError {
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
            Self::Refused(_) | Self::WrongCode { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotFound | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Gone(_) => StatusCode::GONE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
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
            Self::NotJson => {
                ("not_json", "The body must be JSON", "send it with `Content-Type: application/json`")
            }
            Self::NotFound => ("not_found", "Not found", "this tenant has nothing with this id"),
            Self::NoSuchPath => ("no_such_path", "Not found", "this path is not part of the API"),
            Self::MethodNotAllowed => ("method_not_allowed", "Method not allowed", "see the `Allow` header"),
            Self::Conflict(detail) => ("conflict", "Not in this state", detail),
            Self::Gone(detail) => ("gone", "It is over", detail),
            Self::WrongCode { .. } => (
                "wrong_code",
                "The code is wrong",
                "ask the customer to send the code of the sign-in page again",
            ),
            Self::Unavailable => (
                "unavailable",
                "The store does not answer",
                "nothing was changed; try again in a few seconds",
            ),
            Self::Internal => ("internal", "A fault of our own", "see the log"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let (code, title, detail) = self.words();
        let (faults, attempts_left) = match &self {
            Self::Malformed(faults) | Self::Refused(faults) => (Some(faults.as_slice()), None),
            Self::WrongCode { attempts_left } => (None, Some(*attempts_left)),
            _ => (None, None),
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
            request_id,
        };
        let problem = serde_json::to_value(problem).expect("texts and numbers are JSON");
        let mut response = super::Problem(problem).into_response();
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Self::Access { challenge, .. } = &self
            && let Ok(challenge) = HeaderValue::from_str(challenge)
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Unknown | StoreError::Conflict => {
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

impl From<CreateLinkError> for ApiError {
    fn from(error: CreateLinkError) -> Self {
        match error {
            CreateLinkError::Refused { pointer, detail } => Self::refused(pointer, detail),
            CreateLinkError::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Unknown => Self::NotFound,
            CancelError::Final(_) => Self::Gone(error.to_string()),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<ConfirmError> for ApiError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Unknown => Self::NotFound,
            ConfirmError::NothingWaits(_) => Self::Conflict(error.to_string()),
            ConfirmError::Wrong { attempts_left } => Self::WrongCode { attempts_left },
            ConfirmError::NotRecorded(fault) if fault.code == Code::StoreUnavailable => Self::Unavailable,
            ConfirmError::Spent(_) | ConfirmError::NotRecorded(_) => Self::Gone(error.to_string()),
            ConfirmError::Store(error) => error.into(),
        }
    }
}

impl From<PreviewError> for ApiError {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::NoProvider(_) => Self::refused("/provider", error.to_string()),
            PreviewError::Mapping(fault) => {
                let pointer =
                    fault.field.as_ref().map_or("/mapping".to_owned(), |field| format!("/mapping/{field}"));
                Self::Refused(vec![BodyFault {
                    pointer,
                    detail: fault.to_string(),
                    line: Some(fault.line),
                    column: Some(fault.column),
                }])
            }
            PreviewError::Evaluation(fault) => Self::refused("/mapping", fault.to_string()),
        }
    }
}

/// The status of a failed login's result page (DESIGN §6).
pub fn login_status(code: Code) -> StatusCode {
    match code {
        Code::ParamsMissing
        | Code::ParamsConflict
        | Code::StateUnknown
        | Code::StateExpired
        | Code::RouteMismatch
        | Code::ProviderChanged
        | Code::IssuerMismatch
        | Code::CookieMismatch
        | Code::AccessDenied
        | Code::ProviderError
        | Code::InvalidGrant => StatusCode::BAD_REQUEST,
        Code::LinkFinal | Code::NotConfirmed | Code::GuessesSpent | Code::Voided | Code::Declined => {
            StatusCode::GONE
        }
        Code::InvalidClient
        | Code::TokenRefused
        | Code::TokenFailed
        | Code::TokenGarbage
        | Code::TokenTooLarge
        | Code::TokenUrlRefused
        | Code::WhoamiRefused
        | Code::WhoamiFailed
        | Code::WhoamiGarbage
        | Code::WhoamiTooLarge
        | Code::WhoamiUrlRefused
        | Code::MappingFailed
        | Code::RequiredMissing => StatusCode::BAD_GATEWAY,
        Code::TokenTimeout | Code::WhoamiTimeout => StatusCode::GATEWAY_TIMEOUT,
        Code::StoreUnavailable | Code::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
