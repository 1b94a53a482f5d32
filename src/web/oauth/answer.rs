//! What the OAuth endpoints answer: JSON that is not cached, and the errors of RFC 6749, 5.2.

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::issuer::{TokenAnswer, TokenError};
use crate::secret::Secret;
use crate::web::limit::headers;
use crate::web::limit::rate::Quota;

use super::credentials::CredentialsError;
use super::parameters::ParameterError;

/// An access token (RFC 6749, 5.1).
// With the members of seed 001 in its order.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessToken)]
pub struct TokenBody<'a> {
    /// An RS256 JWT (RFC 9068). Callers send it as it is and need not look into it.
    #[schema(examples("eyJhbGciOiJSUzI1NiIsImtpZCI6IjEiLCJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl"))]
    access_token: &'a str,
    /// Always `Bearer`.
    #[schema(examples("Bearer"))]
    token_type: &'static str,
    /// For how many seconds it is good.
    #[schema(examples(3600))]
    expires_in: i64,
    /// What brings the next access token, once; for a customer's sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("rt_0199a1b2c3d47e5f8a9b0c1d2e3f4a5bqhN…"))]
    refresh_token: Option<&'a str>,
    /// Who the customer is (OpenID Connect Core, 2), if the scope has `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id_token: Option<&'a str>,
    /// What it allows, separated by spaces.
    #[schema(examples("read:auth_links write:auth_links"))]
    scope: String,
    /// When it was made, in seconds since 1970.
    #[schema(examples(1_795_340_000))]
    created_at: i64,
}

/// Why an OAuth endpoint refuses (RFC 6749, 5.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OAuthError)]
pub struct ErrorBody {
    /// The word of the RFC.
    #[schema(examples("invalid_client"))]
    pub(super) error: &'static str,
    /// What to do.
    #[schema(examples("the client does not say who it is"))]
    pub(super) error_description: String,
}

/// A token as JSON.
pub fn token(answer: &TokenAnswer) -> Response {
    let body = TokenBody {
        access_token: answer.access_token.expose(),
        token_type: "Bearer",
        expires_in: answer.expires_in,
        refresh_token: answer.refresh_token.as_ref().map(Secret::expose),
        id_token: answer.id_token.as_ref().map(Secret::expose),
        scope: answer.scope.to_string(),
        created_at: answer.created_at,
    };
    json(StatusCode::OK, &body)
}

/// Why an OAuth endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// Another method than the endpoint's.
    #[error("use the method `{0}`")]
    Method(&'static str),
    /// A body of more than 64 KiB.
    #[error("the body is larger than 64 KiB")]
    TooLarge,
    /// A body that did not arrive whole.
    #[error("the body did not arrive")]
    Cut,
    /// A parameter that is needed is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The body holds no parameters.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Nobody to authenticate.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Too many wrong secrets.
    #[error("too many wrong secrets came from this address; wait for as long as Retry-After says")]
    Limited(Quota),
    /// Too many refreshes of one customer's tokens.
    #[error("the tokens of this customer were refreshed too often; wait for as long as Retry-After says")]
    TooOften(Quota),
    /// No token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl OAuthError {
    /// The status and the error word.
    pub fn kind(self) -> (StatusCode, &'static str) {
        use CredentialsError as C;
        match self {
            Self::Method(_) => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request"),
            Self::Cut
            | Self::Missing(_)
            | Self::Parameter(_)
            | Self::Token(TokenError::Missing(_))
            | Self::Credentials(C::Several | C::Both | C::Assertion | C::Parameter(_)) => {
                (StatusCode::BAD_REQUEST, "invalid_request")
            }
            Self::Credentials(C::None | C::NotBasic) | Self::Token(TokenError::Client) => {
                (StatusCode::UNAUTHORIZED, "invalid_client")
            }
            // The word that RFC 8628, 3.5 has for it; RFC 6749 has none.
            Self::Limited(_) | Self::TooOften(_) => (StatusCode::TOO_MANY_REQUESTS, "slow_down"),
            Self::Token(TokenError::Unauthorized) => (StatusCode::BAD_REQUEST, "unauthorized_client"),
            Self::Token(TokenError::GrantType) => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            Self::Token(TokenError::TokenType) => (StatusCode::BAD_REQUEST, "unsupported_token_type"),
            Self::Token(TokenError::Grant) => (StatusCode::BAD_REQUEST, "invalid_grant"),
            Self::Token(TokenError::Scope) => (StatusCode::BAD_REQUEST, "invalid_scope"),
            Self::Token(TokenError::Busy | TokenError::Store) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::Token(TokenError::Internal) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let (status, error) = self.kind();
        let mut response = json(status, &ErrorBody { error, error_description: self.to_string() });
        let headers = response.headers_mut();
        match self {
            Self::Limited(quota) | Self::TooOften(quota) => headers::refuse(headers, &quota),
            Self::Method(allowed) => {
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Self::Token(TokenError::Busy | TokenError::Store) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
            }
            _ if status == StatusCode::UNAUTHORIZED => {
                // RFC 9110, 15.5.2 wants it with every 401, RFC 6749 after a failed Basic.
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth\""));
            }
            _ => {}
        }
        response
    }
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let text = serde_json::to_string(body).expect("texts and numbers always serialise");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::limit::rate::Rate;

    #[test]
    fn descriptions_keep_to_the_characters_that_rfc_6749_allows() {
        let errors: [OAuthError; 13] = [
            OAuthError::Method("POST"),
            OAuthError::TooLarge,
            OAuthError::Missing("grant_type"),
            ParameterError::ContentType.into(),
            ParameterError::NotText("scope").into(),
            CredentialsError::Both.into(),
            CredentialsError::NotBasic.into(),
            TokenError::Client.into(),
            TokenError::Unauthorized.into(),
            TokenError::GrantType.into(),
            TokenError::Scope.into(),
            TokenError::Busy.into(),
            OAuthError::Limited(Rate::per_minute(1).quota("failures", 0, 0)),
        ];
        for error in errors {
            let text = error.to_string();
            let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
            assert!(text.chars().all(allowed), "{text}");
        }
    }
}
