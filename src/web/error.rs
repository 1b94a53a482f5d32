//! The one place that knows HTTP statuses. Faults of the API become `application/problem+json`
//! (RFC 9457); faults of a login become the status of its result page.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::domain::fault::Code;
use crate::domain::tenant::Tenant;
use crate::flow::StoreError;
use crate::flow::confirm::ConfirmError;
use crate::flow::create_link::CreateLinkError;
use crate::flow::links::CancelError;
use crate::flow::preview::PreviewError;

use super::access::Refusal;

/// One thing that is wrong with a request body or query.
#[derive(Debug, Clone, Serialize)]
pub struct BodyFault {
    /// A JSON pointer (RFC 6901) to the place.
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
    /// The line in a text value, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column in a text value, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
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
    /// A call whose token is missing, not good, or not for this.
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

    fn describe(&self) -> (StatusCode, &'static str, &'static str, String) {
        let told = str::to_owned;
        match self {
            Self::WrongHost => (
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                "Wrong host",
                told("no tenant is served at this host; check the host name in the URL"),
            ),
            Self::Access { status, code, detail, .. } => (*status, code, "Access refused", detail.clone()),
            Self::Malformed(_) => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "The request cannot be read",
                told("see `faults` for the places"),
            ),
            Self::Refused(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "The request cannot be carried out as it stands",
                told("see `faults` for the places"),
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "The body is too large",
                told("send less than 2 MiB"),
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "The body must be JSON",
                told("send it with `Content-Type: application/json`"),
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "Not found",
                told("this tenant has nothing with this id"),
            ),
            Self::NoSuchPath => {
                (StatusCode::NOT_FOUND, "no_such_path", "Not found", told("this path is not part of the API"))
            }
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Method not allowed",
                told("see the `Allow` header"),
            ),
            Self::Conflict(detail) => (StatusCode::CONFLICT, "conflict", "Not in this state", detail.clone()),
            Self::Gone(detail) => (StatusCode::GONE, "gone", "It is over", detail.clone()),
            Self::WrongCode { .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "wrong_code",
                "The code is wrong",
                told("ask the customer to send the code of the sign-in page again"),
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The store does not answer",
                told("nothing was changed; try again in a few seconds"),
            ),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault of our own", told("see the log"))
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, title, detail) = self.describe();
        let mut problem = json!({
            "type": "about:blank",
            "title": title,
            "status": status.as_u16(),
            "code": code,
            "detail": detail,
        });
        match &self {
            Self::Malformed(faults) | Self::Refused(faults) => problem["faults"] = json!(faults),
            Self::WrongCode { attempts_left } => problem["attemptsLeft"] = json!(attempts_left),
            _ => {}
        }
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
