//! The public keys of our tokens: `/v1/oauth/.well-known/jwks.json` and `/api/oauth2/jwks`
//! (RFC 7517, 5). It asks neither the store nor anybody else, so it answers when they do not.

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::issuer::Issuer;

use super::answer::OAuthError;

/// Answers with the keys, or 304 to who has them already. They may be kept for five minutes, which
/// a rotation has to wait for before a `next` key signs.
pub fn jwks(issuer: &Issuer, method: &Method, headers: &HeaderMap) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return OAuthError::Method("GET, HEAD").into_response();
    }
    let keys = issuer.keys();
    let published = keys.published();
    let (status, body) = if has(headers, &published.etag) {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(published.body.clone()))
    };
    let etag = HeaderValue::from_str(&published.etag).expect("a tag is quoted base64url");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (ETAG, etag),
        // Public keys: every page may read them.
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (status, headers, body).into_response()
}

/// A strong entity tag for a text, with its quotes (RFC 9110, 8.8.3).
pub fn etag_of(text: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, text);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]))
}

/// Whether the client has this version (RFC 9110, 13.1.2; the comparison is the weak one).
pub fn has(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_any_place_of_the_list() {
        let has_it = |value: &'static str| {
            has(&HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(value))]), "\"abc\"")
        };
        for hit in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(has_it(hit), "{hit}");
        }
        for miss in ["", "abc", "\"ab\"", "\"x\",\"y\""] {
            assert!(!has_it(miss), "{miss}");
        }
        assert!(!has(&HeaderMap::new(), "\"abc\""));
    }
}
