//! What a scripted provider may do with a request.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;

/// How long the silent ones are silent: longer than any deadline of the broker.
const FOREVER: Duration = Duration::from_mins(5);

/// An answer.
pub enum Answer {
    /// What a right provider answers.
    Right,
    /// This status, these headers, this body.
    Bytes(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Nothing at all.
    Silence,
    /// A right head, and then a byte every now and then.
    Trickle,
    /// A right head that promises more than comes before the connection ends.
    Truncated(Vec<u8>),
    /// Pieces of a body without an end.
    Endless,
}

impl Answer {
    /// JSON with the status 200.
    pub fn json(body: &Value) -> Self {
        Self::with(200, "application/json", body.to_string())
    }

    /// This status, content type and body.
    pub fn with(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(status, vec![("content-type", content_type.to_owned())], body.into())
    }

    /// A redirect.
    pub fn redirect(status: u16, to: &str) -> Self {
        Self::Bytes(status, vec![("location", to.to_owned())], Vec::new())
    }

    pub(super) async fn into_response(self) -> Response {
        match self {
            Self::Right => unreachable!("it was replaced by the right answer"),
            Self::Bytes(status, headers, body) => {
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = status.try_into().unwrap();
                for (name, value) in headers {
                    let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                    response.headers_mut().append(HeaderName::from_static(name), value);
                }
                response
            }
            Self::Silence => {
                tokio::time::sleep(FOREVER).await;
                Response::default()
            }
            Self::Trickle => as_json(Body::from_stream(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
            }))),
            Self::Truncated(body) => {
                let pieces: Vec<io::Result<Bytes>> =
                    vec![Ok(body.into()), Err(io::Error::other("the end of the story is missing"))];
                as_json(Body::from_stream(stream::iter(pieces)))
            }
            Self::Endless => {
                let piece = Ok::<_, Infallible>(Bytes::from(vec![b' '; 64 * 1024]));
                as_json(Body::from_stream(stream::repeat(piece)))
            }
        }
    }
}

fn as_json(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
