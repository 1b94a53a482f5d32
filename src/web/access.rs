//! The bearer check of the API (RFC 6750): which client calls, and whether it may.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};

use crate::domain::tenant::Tenant;
use crate::issuer::tokens::AccessError;
use crate::issuer::{Caller, Issuer};

/// The client that calls, by the token in its `Authorization` header. A refusal is logged here.
pub fn caller(issuer: &Issuer, tenant: &Tenant, headers: &HeaderMap) -> Result<Caller, Refusal> {
    bearer_token(headers)
        .and_then(|token| issuer.verify_access(tenant, token).map_err(Refusal::Token))
        .inspect_err(|refusal| {
            tracing::info!(tenant = %tenant.id, code = refusal.as_str(), "auth.rejected");
            metrics::counter!("countersign_access_refused_total", "error" => refusal.as_str()).increment(1);
        })
}

/// The client that calls, if its token holds the scope, or the wider one. A refusal is logged here.
pub fn caller_with(
    issuer: &Issuer,
    tenant: &Tenant,
    headers: &HeaderMap,
    (scope, wider): (&'static str, Option<&'static str>),
) -> Result<Caller, Refusal> {
    let caller = caller(issuer, tenant, headers)?;
    if caller.scopes.allow(scope) || wider.is_some_and(|wider| caller.scopes.allow(wider)) {
        return Ok(caller);
    }
    let refusal = Refusal::Scope(scope);
    tracing::info!(tenant = %tenant.id, client = %caller.client_id, scope, "auth.denied");
    metrics::counter!("countersign_access_refused_total", "error" => refusal.as_str()).increment(1);
    Err(refusal)
}

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization` header.
    #[error("this needs an access token: send `Authorization: Bearer …`")]
    Missing,
    /// Another scheme than `Bearer`.
    #[error("this needs an access token: send `Authorization: Bearer …`")]
    Scheme,
    /// More than one `Authorization` header.
    #[error("the request has more than one `Authorization` header")]
    Several,
    /// Behind `Bearer` stands no token.
    #[error("the access token is malformed")]
    Malformed,
    /// The token is not good here; the fact inside is for the log.
    #[error("the access token is invalid, expired or of another tenant")]
    Token(AccessError),
    /// The token is good, but not for this.
    #[error("the access token lacks the scope `{0}`")]
    Scope(&'static str),
}

impl Refusal {
    /// The status of the answer (RFC 6750, 3.1).
    pub fn status(self) -> StatusCode {
        match self {
            Self::Several => StatusCode::BAD_REQUEST,
            Self::Missing | Self::Scheme | Self::Malformed | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
        }
    }

    /// The error word of RFC 6750, 3.1. Who sent no token at all is told none (section 3).
    pub fn error(self) -> Option<&'static str> {
        match self {
            Self::Missing | Self::Scheme => None,
            Self::Several => Some("invalid_request"),
            Self::Malformed | Self::Token(_) => Some("invalid_token"),
            Self::Scope(_) => Some("insufficient_scope"),
        }
    }

    /// The value of `WWW-Authenticate`, which goes with every one of them.
    pub fn www_authenticate(self, tenant: &Tenant) -> String {
        let mut value = format!("Bearer realm=\"{}\"", tenant.id);
        if let Some(error) = self.error() {
            value.push_str(", error=\"");
            value.push_str(error);
            value.push('"');
        }
        if let Self::Scope(scope) = self {
            value.push_str(", scope=\"");
            value.push_str(scope);
            value.push('"');
        }
        value
    }

    /// A word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Scheme => "token_scheme",
            Self::Several => "token_several",
            Self::Malformed => "token_malformed",
            Self::Token(error) => error.as_str(),
            Self::Scope(_) => "insufficient_scope",
        }
    }
}

/// The one token of the one header: `Bearer`, in any case, spaces, and a `token68` (RFC 9110, 11.2).
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::Missing)?;
    if values.next().is_some() {
        return Err(Refusal::Several);
    }
    let value = value.to_str().map_err(|_| Refusal::Malformed)?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Scheme);
    }
    let token = rest.trim_matches(' ');
    let is_token = |byte: u8| TOKEN_BYTES[usize::from(byte)];
    if !token.is_empty() && token.bytes().all(is_token) { Ok(token) } else { Err(Refusal::Malformed) }
}

/// Which bytes a `token68` may have.
const TOKEN_BYTES: [bool; 256] = {
    let mut may = [false; 256];
    let mut byte = 0_u8;
    while byte < u8::MAX {
        may[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        byte += 1;
    }
    may
};

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_the_token_to_the_letter() {
        for good in ["Bearer aB.c-d_e", "bearer aB.c-d_e", "BEARER   aB.c-d_e"] {
            assert_eq!(bearer_token(&headers(&[good])), Ok("aB.c-d_e"), "{good}");
        }
    }

    #[test]
    fn two_headers_are_one_too_many_even_if_they_are_equal() {
        assert_eq!(bearer_token(&headers(&["Bearer a", "Bearer a"])), Err(Refusal::Several));
        assert_eq!(bearer_token(&headers(&["Basic a", "Bearer a"])), Err(Refusal::Several));
    }

    #[test]
    fn what_is_not_one_bearer_token_is_refused() {
        let cases = [
            ("Basic dTpw", Refusal::Scheme),
            ("", Refusal::Scheme),
            ("Bearertoken", Refusal::Scheme),
            ("Bearer", Refusal::Malformed),
            ("Bearer ", Refusal::Malformed),
            ("Bearer a b", Refusal::Malformed),
            ("Bearer a,b", Refusal::Malformed),
            ("Bearer %00%ff", Refusal::Malformed),
            ("Bearer \"a\"", Refusal::Malformed),
        ];
        for (value, refusal) in cases {
            assert_eq!(bearer_token(&headers(&[value])), Err(refusal), "{value:?}");
        }
        assert_eq!(bearer_token(&headers(&[])), Err(Refusal::Missing));
    }

    #[test]
    fn a_header_that_is_not_ascii_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap());
        assert_eq!(bearer_token(&headers), Err(Refusal::Malformed));
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_a_token_could_be_one(value in "[ -~]{0,80}") {
            if let Ok(token) = bearer_token(&headers(&[&value])) {
                prop_assert!(!token.is_empty() && !token.contains([' ', ',', '"', '%']));
            }
        }
    }
}
