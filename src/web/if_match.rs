//! Which version a caller has read: entity tags are versions (RFC 9110, 8.8.3 and 13.1.1).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

/// The versions that `If-Match` names; none if the caller demands nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IfMatch(pub Option<Vec<u64>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl IfMatch {
    /// Reads the header. `*` is met by anything that is there. Tags that are weak or none of ours
    /// name no version, so that a change with nothing else is refused.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(header::IF_MATCH).iter().peekable();
        if given.peek().is_none() {
            return Self(None);
        }
        let mut versions = Vec::new();
        for tag in given.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            match tag.trim() {
                "*" => return Self(None),
                tag => versions.extend(version_of(tag)),
            }
        }
        Self(Some(versions))
    }
}

/// The entity tag of a version: strong, since each change counts.
pub fn etag_of(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).expect("digits and quotes are ASCII")
}

/// A version is written in one way only.
fn version_of(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let version: u64 = digits.parse().ok()?;
    (version.to_string() == digits).then_some(version)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(values: &[&str]) -> IfMatch {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        IfMatch::of(&headers)
    }

    #[test]
    fn entity_tags_are_versions() {
        for (values, expected) in [
            (&[][..], None),
            (&["*"], None),
            (&["\"3\""], Some(vec![3])),
            (&["\"3\", \"4\"", "\"5\""], Some(vec![3, 4, 5])),
            (&["W/\"3\""], Some(vec![])),
            (&["3"], Some(vec![])),
            (&["\"03\", \"+3\", \"x\", \"-1\", \"\""], Some(vec![])),
            (&[""], Some(vec![])),
        ] {
            assert_eq!(read(values), IfMatch(expected), "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn what_we_tell_is_what_we_read_and_any_text_is_read(version: u64, text in "[ -~]{0,30}") {
            let told = etag_of(version);
            prop_assert_eq!(read(&[told.to_str().unwrap()]), IfMatch(Some(vec![version])));
            read(&[&text]);
        }
    }
}
