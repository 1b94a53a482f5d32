//! A JSON body of an order that may be sent again with an `Idempotency-Key`.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::idempotency::{BadKey, IdempotencyKey};
use crate::flow::once::Once;
use crate::secret::Secret;

use super::error::{ApiError, BodyFault};
use super::strict_json;

/// The header that names an order.
const HEADER: &str = "Idempotency-Key";

/// The header that marks the answer to an order that was carried out before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The answer to an order that made something: where it is, and whether the same order had made it before.
pub fn made(mut response: Response, location: &str, replayed: bool) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    // A place that is no header's value is left out; the body names what was made.
    headers.extend(HeaderValue::from_str(location).ok().map(|place| (header::LOCATION, place)));
    again(response, replayed)
}

/// The answer to an order that changed something, which may have been carried out before.
pub fn again(mut response: Response, replayed: bool) -> Response {
    response.headers_mut().extend(replayed.then(|| (REPLAYED, HeaderValue::from_static("true"))));
    response
}

/// A body, and what makes its order the same as an earlier one. In place of
/// [`StrictJson`](super::strict_json::StrictJson) in handlers that make something.
pub struct OnceJson<T> {
    /// The body.
    pub body: T,
    /// The order; none without a key.
    pub once: Option<Once>,
}

impl<S, T> FromRequest<S> for OnceJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let key = key(request.headers())?;
        let name = format!("{} {}", request.method(), request.uri().path());
        let bytes = strict_json::read(request, state).await?;
        let body = strict_json::parse(&bytes)?;
        let once = key.map(|key| Once { key, order: Secret::new(format!("{name}\n{}", canonical(&bytes))) });
        Ok(Self { body, once })
    }
}

/// The same of an order that has no body.
pub struct OnceBare(pub Option<Once>);

impl<S: Send + Sync> FromRequestParts<S> for OnceBare {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let order = format!("{} {}", parts.method, parts.uri.path());
        Ok(Self(key(&parts.headers)?.map(|key| Once { key, order: Secret::new(order) })))
    }
}

/// The one key of a request, if it has any.
fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let fault = |detail: String| ApiError::Malformed(vec![BodyFault::at(HEADER, detail)]);
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(fault("the header stands twice; send it once".to_owned()));
    }
    let parsed = value.to_str().map_err(|_| BadKey).and_then(str::parse);
    parsed.map(Some).map_err(|error| fault(error.to_string()))
}

/// A JSON text in one form: without white space, and with the names of every object in order. Numbers
/// stay as they were written.
fn canonical(bytes: &[u8]) -> String {
    let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
    sorted(value).to_string()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        values
            .iter()
            .map(|value| (HEADER.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()))
            .collect()
    }

    #[test]
    fn one_good_key_is_taken_and_everything_else_refused() {
        assert!(key(&headers(&[])).unwrap().is_none());
        assert_eq!(key(&headers(&[b"k-1"])).unwrap().unwrap().as_str(), "k-1");
        for bad in [&[&b""[..]][..], &[b"a b"], &[b"\xff"], &[b"a", b"a"], &[&[b'k'; 256]]] {
            assert!(matches!(key(&headers(bad)), Err(ApiError::Malformed(_))), "{bad:?}");
        }
    }

    #[test]
    fn the_same_order_in_another_spelling_is_the_same() {
        let one = canonical(br#"{"b": [1, {"y": 1.0, "x": null}], "a": "\u0041"}"#);
        assert_eq!(one, canonical(b"{\n\"a\":\"A\",\"b\":[1,{\"x\":null,\"y\":1.0}]}"));
        for other in [&br#"{"b": [{"y": 1.0, "x": null}, 1], "a": "A"}"#[..], br#"{"b": [1], "a": "A"}"#] {
            assert_ne!(one, canonical(other));
        }
        assert_ne!(canonical(b"12345678901234567890"), canonical(b"12345678901234567891"));
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_form_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            canonical(&bytes);
        }
    }
}
