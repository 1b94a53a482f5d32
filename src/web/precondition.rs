//! Which version of a setting a caller changes: `If-Match`, or `If-None-Match: *` for one that is not
//! there yet (RFC 9110, 13.1.1 and 13.1.2).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::flow::settings::Precondition;

use super::if_match::IfMatch;

/// What a caller demands of the version that is there.
#[derive(Debug)]
pub struct Condition(pub Precondition);

impl<S: Send + Sync> FromRequestParts<S> for Condition {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(of(&parts.headers)))
    }
}

/// Both headers together are met by nothing.
fn of(headers: &HeaderMap) -> Precondition {
    let is_new =
        headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes().trim_ascii() == b"*");
    let names_some = headers.contains_key(header::IF_MATCH);
    match (is_new, names_some, IfMatch::of(headers).0) {
        (true, true, _) => Precondition::Versions(Vec::new()),
        (true, false, _) => Precondition::New,
        (false, true, None) => Precondition::Any,
        (false, true, Some(versions)) => Precondition::Versions(versions),
        (false, false, _) => Precondition::Missing,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], Precondition::Missing)]
    #[case(&[("if-none-match", "*")], Precondition::New)]
    #[case(&[("if-none-match", "\"1\"")], Precondition::Missing)]
    #[case(&[("if-match", "*")], Precondition::Any)]
    #[case(&[("if-match", "\"1\", \"2\"")], Precondition::Versions(vec![1, 2]))]
    #[case(&[("if-match", "W/\"1\"")], Precondition::Versions(vec![]))]
    #[case(&[("if-match", "*"), ("if-none-match", "*")], Precondition::Versions(vec![]))]
    fn headers_say_which_version(
        #[case] given: &[(&'static str, &'static str)],
        #[case] wanted: Precondition,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().unwrap());
        }
        assert_eq!(of(&headers), wanted);
    }
}
