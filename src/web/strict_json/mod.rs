//! The one way in for JSON bodies: the right type, bounded, and with a pointer to the fault.
//!
//! To add a rule that serde does not know: 1. its words in [`typed`], 2. a case in its tests.

mod typed;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::domain::json;

use super::error::{ApiError, BodyFault};

use typed::Typed;

/// A JSON body. What cannot be read is answered with a pointer to the place (RFC 6901).
pub struct StrictJson<T>(pub T);

impl<S, T> FromRequest<S> for StrictJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        parse(&read(request, state).await?).map(Self)
    }
}

/// A JSON body that may be left out; then it needs no content type either.
pub struct MaybeJson<T>(pub Option<T>);

impl<S, T> FromRequest<S> for MaybeJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let named = request.headers().contains_key(header::CONTENT_TYPE);
        let is_json = has_json(&request);
        let bytes = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        match (bytes.is_empty(), is_json) {
            (true, _) if is_json || !named => Ok(Self(None)),
            (_, true) => parse(&bytes).map(|body| Self(Some(body))),
            (_, false) => Err(ApiError::NotJson),
        }
    }
}

/// The bytes of a body that says it is JSON.
pub(super) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    if !has_json(&request) {
        return Err(ApiError::NotJson);
    }
    Bytes::from_request(request, state).await.map_err(|error| unread(&error))
}

/// Why a body was not read: it is too large, or the client was cut off in the middle of it.
fn unread(error: &BytesRejection) -> ApiError {
    if is_too_large(error) {
        return ApiError::TooLarge;
    }
    ApiError::Malformed(vec![BodyFault::at("", "the body did not arrive as a whole")])
}

/// Whether a body was not read because it is too large.
pub(super) fn is_too_large(error: &BytesRejection) -> bool {
    error.status() == StatusCode::PAYLOAD_TOO_LARGE
}

fn has_json(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(is_json)
}

/// Whether a content type is JSON: `application/json` or a `+json` type, with any parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads bytes as JSON of a type.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let value = parse_value(bytes)?;
    T::deserialize(Typed(value)).map_err(|misfit| ApiError::refused(misfit.pointer(), misfit.detail))
}

/// One JSON value. A fault of the syntax is told before one of the content.
fn parse_value(bytes: &[u8]) -> Result<Value, ApiError> {
    let malformed = |line, column, detail: String| {
        ApiError::Malformed(vec![BodyFault { pointer: String::new(), detail, help: None, line, column }])
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        malformed(None, None, format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    json::parse(text).map_err(|error| malformed(Some(error.line()), Some(error.column()), words(&error)))
}

/// The parser's message without the place, which the fault carries itself.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    match text {
        json::DUPLICATE => "a member stands twice; send it once".to_owned(),
        "trailing characters" => "something follows the JSON value".to_owned(),
        "recursion limit exceeded" => "it is nested deeper than 128 levels".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[expect(dead_code, reason = "only the shape matters")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only the shape matters")]
        number: u32,
    }

    fn fault(body: &str) -> (bool, BodyFault) {
        match parse::<Body>(body.as_bytes()) {
            Err(ApiError::Refused(mut faults)) => (true, faults.remove(0)),
            Err(ApiError::Malformed(mut faults)) => (false, faults.remove(0)),
            other => panic!("expected a fault, got {other:?}"),
        }
    }

    #[test]
    fn a_wrong_type_is_named_by_its_pointer() {
        let (well_formed, fault) = fault(r#"{"inner": {"number": "x"}}"#);
        assert!(well_formed);
        assert_eq!(fault.pointer, "/inner/number");
    }

    #[test]
    fn broken_json_is_told_apart_from_wrong_json() {
        let (well_formed, fault) = fault(r#"{"inner": "#);
        assert!(!well_formed);
        assert_eq!(fault.line, Some(1));
        assert!(!self::fault(r#"{"inner": {"number": 1}} x"#).0);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_wherever_it_stands() {
        let (well_formed, fault) = fault("{\"inner\": {\"number\": 1,\n\"number\": 2}}");
        assert_eq!((well_formed, fault.line), (false, Some(2)));
        assert_eq!(fault.detail, "a member stands twice; send it once");
    }

    #[test]
    fn bytes_that_are_no_text_are_told_where_they_begin() {
        let refused = parse::<Value>(b"{\"a\": \"\xff\"}");
        let Err(ApiError::Malformed(faults)) = refused else { panic!("{refused:?}") };
        assert_eq!(faults[0].detail, "the body is not UTF-8 from byte 7 on");
    }

    #[test]
    fn broken_json_is_told_before_what_is_wrong_in_it() {
        let (well_formed, fault) = fault("{\"other\": 1,\n oops");
        assert!(!well_formed);
        assert_eq!((fault.line, fault.column), (Some(2), Some(2)));
    }

    #[test]
    fn a_content_type_with_parameters_is_json() {
        assert!(is_json("application/json; charset=utf-8"));
        assert!(is_json("Application/JSON"));
        assert!(!is_json("text/json-ish"));
        assert!(!is_json("text/plain"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Value>(&bytes);
        }
    }
}
