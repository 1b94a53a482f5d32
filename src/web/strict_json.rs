//! The one way in for JSON bodies: the right type, bounded, and with a pointer to the fault.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::Deserialize as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;

use super::error::{ApiError, BodyFault};

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
        let bytes = Bytes::from_request(request, state).await.map_err(|_| ApiError::TooLarge)?;
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
    Bytes::from_request(request, state).await.map_err(|_| ApiError::TooLarge)
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
    check_syntax(bytes)?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        let fault = BodyFault {
            pointer,
            detail: words(&inner),
            line: Some(inner.line()),
            column: Some(inner.column()),
        };
        // What is expected elsewhere is a matter of types, though serde calls it one of syntax.
        let wrong = inner.is_data() || fault.detail.starts_with("expected ");
        if wrong { ApiError::Refused(vec![fault]) } else { ApiError::Malformed(vec![fault]) }
    })
}

/// Whether it is one JSON value at all. A fault of the syntax is told before one of the content,
/// which may be its consequence.
fn check_syntax(bytes: &[u8]) -> Result<(), ApiError> {
    let malformed = |error: &serde_json::Error, detail| {
        let (line, column) = (Some(error.line()), Some(error.column()));
        ApiError::Malformed(vec![BodyFault { pointer: String::new(), detail, line, column }])
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    IgnoredAny::deserialize(&mut reader).map_err(|error| malformed(&error, words(&error)))?;
    let follows = |error: &serde_json::Error| format!("something follows the JSON value: {}", words(error));
    reader.end().map_err(|error| malformed(&error, follows(&error)))
}

/// serde's message without the place, which the fault carries itself.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer.push('/');
                pointer.push_str(&index.to_string());
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => {}
        }
    }
    pointer
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
    fn a_word_that_is_a_number_is_wrong_json_and_not_broken_json() {
        #[derive(Debug, Deserialize)]
        enum Word {}
        let refused = parse::<Word>(b"7");
        assert!(matches!(refused, Err(ApiError::Refused(_))), "{refused:?}");
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
            let _ = parse::<serde_json::Value>(&bytes);
        }
    }
}
