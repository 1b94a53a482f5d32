//! The form of answers: `{"success": true, "data": …}`, and `{"success": false, "error": {code, message}}`. What other
//! parts of the house refuse as a problem document gets this form on its way out.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::flow::StoreError;
use crate::flow::contacts::ContactError;
use crate::flow::customers::code::NoCustomerCode;
use crate::flow::otp::{OtpError, OtpRefused};
use crate::web::Problem;
use crate::web::error::ApiError;
use crate::web::limit::headers;
use crate::web::limit::rate::Quota;

use super::UNDER;

/// An answer that is no refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    #[schema(examples(true))]
    success: bool,
    /// What was asked for.
    data: T,
}

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(refusal))]
pub struct ClientRefusal {
    /// Always false.
    #[schema(examples(false))]
    success: bool,
    /// What is wrong.
    error: ClientFault,
}

/// What is wrong with a call.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientFault {
    /// A stable word for programs; `docs/customers.md` has them all.
    #[schema(examples("wrong_code"))]
    code: String,
    /// Words for developers; what customers read is the app's.
    message: String,
    /// With `wrong_code`: how many more may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u8)]
    attempts_left: Option<u8>,
    /// Which members of the body are to blame, each with `pointer` and `detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Vec<Object>)]
    faults: Option<Value>,
}

fn refusal() -> Value {
    json!({"success": false, "error": {"code": "wrong_code", "message": "the code is wrong", "attemptsLeft": 4}})
}

/// The statuses of refusals, as the description says them.
const REFUSALS: [(u16, &str); 12] = [
    (400, "The request cannot be read: `malformed`, with `faults`."),
    (403, "The origin, the tenant's settings or the customer's consent forbid it."),
    (404, "There is no such thing: `not_found`."),
    (409, "The state of the record forbids it: `last_sign_in`, `conflict`."),
    (410, "The code is over: `code_over`."),
    (413, "The body is larger than 64 KiB: `too_large`."),
    (415, "The body is not announced as JSON: `not_json`."),
    (421, "No tenant is served at this host: `wrong_host`."),
    (422, "It can be read, but not carried out as it stands; `faults` says where and why."),
    (429, "Too many calls, or too many codes to one address; `Retry-After` says for how long to wait."),
    (500, "A fault of our own: `internal`."),
    (503, "It cannot be done now: `unavailable`, `overloaded`, `uncertain`, `no_mail`."),
];

/// What every call of the Client API may be refused with, beside 401.
#[derive(Debug)]
pub struct Refused;

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content =
            || ContentBuilder::new().schema(Some(Ref::from_schema_name(ClientRefusal::name()))).build();
        let response = |(status, description): (u16, &str)| {
            let response =
                ResponseBuilder::new().description(description).content("application/json", content());
            (status.to_string(), RefOr::T(response.build()))
        };
        REFUSALS.into_iter().map(response).collect()
    }
}

/// The answer to a call that was carried out.
pub fn success<T: Serialize>(data: T) -> Response {
    Json(Success { success: true, data }).into_response()
}

/// What a call of the Client API can be refused with, beside what every call of ours can be.
#[derive(Debug)]
pub enum ClientError {
    /// What every call of ours can be refused with.
    Api(ApiError),
    /// No website of the tenant has this publishable key.
    UnknownKey,
    /// Pages of this origin may not call, or not with this key.
    Origin,
    /// Customers do not sign in by emailed codes here.
    Off,
    /// No mail server is set up.
    NoMail,
    /// This is no address.
    NoAddress,
    /// The code is another one.
    WrongCode {
        /// How many more may be tried.
        left: u8,
    },
    /// The code was used, is too old, was tried too often, or never was.
    CodeOver,
    /// There is no access token.
    TokenMissing,
    /// The access token is not good here.
    Token,
    /// The customer did not agree to this.
    Scope(&'static str),
    /// The refresh token is not good.
    Refresh,
    /// The last way to sign in stays.
    LastSignIn,
    /// This address got enough codes for now.
    TooManyCodes {
        /// After how many seconds it may get one more.
        retry_after: u64,
    },
    /// Too many calls of this customer, or from this network address.
    TooMany(Quota),
}

impl ClientError {
    /// Every code with its status, beside those of the whole API; a test compares them with `docs/customers.md`.
    pub const CODES: &[(&str, u16)] = &[
        ("token_missing", 401),
        ("invalid_token", 401),
        ("invalid_refresh_token", 401),
        ("unknown_key", 401),
        ("insufficient_scope", 403),
        ("origin_not_allowed", 403),
        ("not_enabled", 403),
        ("last_sign_in", 409),
        ("code_over", 410),
        ("invalid_email", 422),
        ("wrong_code", 422),
        ("too_many_requests", 429),
        ("no_mail", 503),
    ];

    /// The code and words of what is not every call's.
    fn words(&self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Api(_) => return None,
            Self::UnknownKey => ("unknown_key", "no website has this publishable key; check `publicKey`"),
            Self::Origin => (
                "origin_not_allowed",
                "pages of this origin may not call; add it to `origins` of the website with this publishable key",
            ),
            Self::Off => ("not_enabled", "customers do not sign in by emailed codes here"),
            Self::NoMail => ("no_mail", "no mail server is set up, so that no code can be sent"),
            Self::NoAddress => ("invalid_email", "this is no email address"),
            Self::WrongCode { .. } => ("wrong_code", "the code is wrong"),
            Self::CodeOver => {
                ("code_over", "the code was used, is too old, or was tried too often; send a new one")
            }
            Self::TokenMissing => ("token_missing", "send the access token: `Authorization: Bearer …`"),
            Self::Token => ("invalid_token", "the access token is invalid, expired or revoked"),
            Self::Scope(_) => {
                ("insufficient_scope", "the customer did not agree to this; see `WWW-Authenticate`")
            }
            Self::Refresh => {
                ("invalid_refresh_token", "the refresh token is invalid, expired or was used before")
            }
            Self::LastSignIn => ("last_sign_in", "this is the only way to sign in; it stays"),
            Self::TooManyCodes { .. } => (
                "too_many_requests",
                "this address got enough codes for now; wait for as long as `Retry-After` says",
            ),
            Self::TooMany(_) => ("too_many_requests", "wait for as long as `Retry-After` says"),
        })
    }

    fn challenge(&self) -> Option<String> {
        Some(match self {
            Self::TokenMissing | Self::UnknownKey => "Bearer".to_owned(),
            Self::Token | Self::Refresh => "Bearer error=\"invalid_token\"".to_owned(),
            Self::Scope(scope) => format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
            _ => return None,
        })
    }
}

impl IntoResponse for ClientError {
    fn into_response(self) -> Response {
        let Some((code, message)) = self.words() else {
            let Self::Api(error) = self else { unreachable!("all others have words") };
            return error.into_response();
        };
        let known = Self::CODES.iter().find(|(known, _)| *known == code);
        let status = known.and_then(|(_, status)| StatusCode::from_u16(*status).ok());
        let attempts_left = if let Self::WrongCode { left } = self { Some(left) } else { None };
        let error =
            ClientFault { code: code.to_owned(), message: message.to_owned(), attempts_left, faults: None };
        let mut response = Json(ClientRefusal { success: false, error }).into_response();
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let told = response.headers_mut();
        if let Some(Ok(challenge)) = self.challenge().map(|challenge| HeaderValue::from_str(&challenge)) {
            told.insert(header::WWW_AUTHENTICATE, challenge);
        }
        match &self {
            Self::TooMany(quota) => headers::refuse(told, quota),
            Self::TooManyCodes { retry_after } => {
                told.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::NoMail => {
                told.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            _ => {}
        }
        response
    }
}

/// Gives a problem document on its way to a customer's app the form that it knows.
pub fn in_this_form(path: &str, mut response: Response) -> Response {
    if !path.starts_with(UNDER) {
        return response;
    }
    let Some(Problem(problem)) = response.extensions_mut().remove::<Problem>() else { return response };
    let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let faults = problem.get("faults").filter(|faults| faults.is_array()).cloned();
    let error = ClientFault { code: text("code"), message: text("detail"), attempts_left: None, faults };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = serde_json::to_string(&ClientRefusal { success: false, error }).expect("texts are JSON");
    Response::from_parts(parts, axum::body::Body::from(body))
}

impl From<ApiError> for ClientError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for ClientError {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl From<ContactError> for ClientError {
    fn from(error: ContactError) -> Self {
        match error {
            // Erased since the token was looked at.
            ContactError::Unknown => Self::Token,
            error => Self::Api(error.into()),
        }
    }
}

impl From<NoCustomerCode> for ClientError {
    fn from(error: NoCustomerCode) -> Self {
        match error {
            NoCustomerCode::Off => Self::Off,
            NoCustomerCode::NoMail => Self::NoMail,
            NoCustomerCode::NoAddress => Self::NoAddress,
            NoCustomerCode::Otp(OtpError::TooMany { retry_after }) => {
                Self::TooManyCodes { retry_after: retry_after.as_secs().max(1) }
            }
            NoCustomerCode::Otp(OtpError::Store(error)) => error.into(),
        }
    }
}

impl From<OtpRefused> for ClientError {
    fn from(error: OtpRefused) -> Self {
        match error {
            OtpRefused::Unknown | OtpRefused::Over(_) | OtpRefused::Wrong { left: 0 } => Self::CodeOver,
            OtpRefused::Wrong { left } => Self::WrongCode { left },
            OtpRefused::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_status_and_no_status_is_left_over() {
        let quota = crate::web::limit::rate::Rate::per_minute(1).quota("customer", 0, 0);
        let all = [
            ClientError::UnknownKey,
            ClientError::Origin,
            ClientError::Off,
            ClientError::NoMail,
            ClientError::NoAddress,
            ClientError::WrongCode { left: 1 },
            ClientError::CodeOver,
            ClientError::TokenMissing,
            ClientError::Token,
            ClientError::Scope("write:profile"),
            ClientError::Refresh,
            ClientError::LastSignIn,
            ClientError::TooManyCodes { retry_after: 1 },
            ClientError::TooMany(quota),
        ];
        let mut seen = std::collections::BTreeSet::new();
        for error in all {
            let code = error.words().unwrap().0;
            let status = ClientError::CODES.iter().find(|(known, _)| *known == code).unwrap().1;
            seen.insert(code);
            assert_eq!(error.into_response().status(), status, "{code}");
        }
        assert_eq!(seen.len(), ClientError::CODES.len());
    }

    #[test]
    fn a_problem_document_gets_this_form_under_these_paths_only() {
        let refused = || ApiError::refused("/email", "is missing").into_response();
        let elsewhere = in_this_form("/v1/contacts", refused());
        assert_eq!(elsewhere.headers()["content-type"], "application/problem+json");
        let here = in_this_form("/api/client/v1/otp/send", refused());
        assert_eq!(
            (here.status().as_u16(), &here.headers()["content-type"]),
            (422, &"application/json".parse().unwrap())
        );
        assert!(here.extensions().get::<Problem>().is_none(), "nothing is added to it later");
    }
}
