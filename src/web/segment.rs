//! A name in a path: a token, a handle, an id.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

/// The path's one parameter, percent-decoded. Bytes that are no text name nothing, just as an empty
/// text does: they are answered like any unknown name, by the handler's own page or problem document.
#[derive(Debug)]
pub struct Segment(pub String);

/// The path's two parameters, likewise.
#[derive(Debug)]
pub struct Pair(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Pair {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let decoded = Path::<(String, String)>::from_request_parts(parts, state).await;
        Ok(decoded.map_or_else(|_| Self(String::new(), String::new()), |Path((one, two))| Self(one, two)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let decoded = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(decoded.map_or_else(|_| String::new(), |Path(text)| text)))
    }
}
