//! URLs of which parts stand in the token answer: `https://{instance}.example.com/users/{user_id}`.
//!
//! The access token is sent to what is built here, so a template may fill a path, a query, or one
//! leftmost label under a fixed domain, and by pattern only (SECURITY 12): no answer can move the
//! call to a host that does not stand in the tenant's settings.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;

/// How long a value may be, in bytes.
const VALUE: usize = 512;
/// How long a label of a host may be (RFC 1035, 2.3.4).
const LABEL: usize = 63;

/// A URL, perhaps with `{name}` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlTemplate {
    text: String,
    /// The URL if nothing is to be filled in.
    fixed: Option<Url>,
}

/// Why a text is no template of a URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other half, or with something between that is no name.
    #[error("`{{` and `}}` must stand around a name of letters, digits, `_` and `-`")]
    Braces,
    /// A name stands where it could choose the host.
    #[error(
        "`{{…}}` may stand in the path, in the query, or as the first label of a host like `{{shop}}.example.com`"
    )]
    Place,
    /// It is no URL, whatever is filled in.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
}

/// Why no URL can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// There is no such value, or it is no text or number.
    #[error("neither the token answer nor what is kept of the callback has a `{0}`")]
    Missing(String),
    /// The value cannot stand there.
    #[error("the value of `{0}` cannot stand in a URL")]
    Unfit(String),
}

impl UrlTemplate {
    /// Reads a URL with or without names in it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if !text.contains(['{', '}']) {
            return Ok(Self { text: text.to_owned(), fixed: Some(text.parse()?) });
        }
        let (_, rest) = text.split_once("://").ok_or(TemplateError::Place)?;
        if text[..text.len() - rest.len()].contains(['{', '}']) {
            return Err(TemplateError::Place);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        check_host(&rest[..end])?;
        for name in Pieces::of(text) {
            if let Piece::Name(name) = name? {
                check_name(name)?;
            }
        }
        let template = Self { text: text.to_owned(), fixed: None };
        template.example().parse::<Url>()?;
        Ok(template)
    }

    /// A URL without names.
    pub fn fixed(url: Url) -> Self {
        Self { text: url.to_string(), fixed: Some(url) }
    }

    /// As it stands in the settings.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// With `x` for each name: what can be checked before a value is known.
    pub fn example(&self) -> Cow<'_, str> {
        if self.fixed.is_some() {
            return Cow::Borrowed(&self.text);
        }
        let mut text = String::with_capacity(self.text.len());
        for piece in Pieces::of(&self.text).flatten() {
            text.push_str(if let Piece::Text(piece) = piece { piece } else { "x" });
        }
        Cow::Owned(text)
    }

    /// The URL with `value_of` each name in it, which is told whether that will choose the host. Paths and queries get percent-encoded values; a label of the host
    /// must be one.
    pub fn fill(&self, value_of: impl Fn(&str, bool) -> Option<String>) -> Result<Url, FillError> {
        if let Some(url) = &self.fixed {
            return Ok(url.clone());
        }
        let host_ends = self.text.find("://").map_or(0, |at| {
            let rest = &self.text[at + 3..];
            at + 3 + rest.find(['/', '?', '#']).unwrap_or(rest.len())
        });
        let mut text = String::with_capacity(self.text.len() + 32);
        let mut at = 0;
        for piece in Pieces::of(&self.text).flatten() {
            match piece {
                Piece::Text(piece) => {
                    text.push_str(piece);
                    at += piece.len();
                }
                Piece::Name(name) => {
                    let in_host = at < host_ends;
                    let value = value_of(name, in_host).ok_or_else(|| FillError::Missing(name.to_owned()))?;
                    let fits = if in_host { is_label(&value) } else { is_value(&value) };
                    if !fits {
                        return Err(FillError::Unfit(name.to_owned()));
                    }
                    for piece in form_urlencoded::byte_serialize(value.as_bytes()) {
                        text.push_str(if piece == "+" { "%20" } else { piece });
                    }
                    at += name.len() + 2;
                }
            }
        }
        text.parse().map_err(|_| FillError::Unfit(String::new()))
    }
}

impl TryFrom<String> for UrlTemplate {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        Self::parse(&text)
    }
}

impl From<UrlTemplate> for String {
    fn from(template: UrlTemplate) -> Self {
        template.text
    }
}

/// A part of a template.
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The parts of a template in their order.
struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    fn of(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(inner) = self.rest.strip_prefix('{') else {
            let end = self.rest.find('{').unwrap_or(self.rest.len());
            let (text, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Some(if text.contains('}') { Err(TemplateError::Braces) } else { Ok(Piece::Text(text)) });
        };
        let Some((name, rest)) = inner.split_once('}') else {
            self.rest = "";
            return Some(Err(TemplateError::Braces));
        };
        self.rest = rest;
        Some(Ok(Piece::Name(name)))
    }
}

/// At most the whole first label, with a domain of two labels or more behind it.
fn check_host(host: &str) -> Result<(), TemplateError> {
    let Some(inner) = host.strip_prefix('{') else {
        return if host.contains(['{', '}']) { Err(TemplateError::Place) } else { Ok(()) };
    };
    let (_, domain) = inner.split_once("}.").ok_or(TemplateError::Place)?;
    let labels = domain.split(':').next().unwrap_or_default().split('.').filter(|label| !label.is_empty());
    if domain.contains(['{', '}', '@']) || labels.count() < 2 { Err(TemplateError::Place) } else { Ok(()) }
}

fn check_name(name: &str) -> Result<(), TemplateError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=LABEL).contains(&name.len()) && name.bytes().all(is_word) {
        Ok(())
    } else {
        Err(TemplateError::Braces)
    }
}

fn is_label(value: &str) -> bool {
    (1..=LABEL).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

/// A value that stays one piece of a path or query: dots alone would climb.
fn is_value(value: &str) -> bool {
    (1..=VALUE).contains(&value.len())
        && !value.chars().any(|c| c.is_control() || c == '/' || c == '\\')
        && !value.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn fill(template: &str, value: &str) -> Result<String, FillError> {
        UrlTemplate::parse(template).unwrap().fill(|_, _| Some(value.to_owned())).map(String::from)
    }

    #[rstest]
    #[case("https://api.example.com/v1/{id}/me", "u 7", "https://api.example.com/v1/u%207/me")]
    #[case("https://api.example.com/me?user={id}", "a&b=c", "https://api.example.com/me?user=a%26b%3Dc")]
    #[case("https://{shop}.example.com/me", "acme-1", "https://acme-1.example.com/me")]
    #[case("https://{shop}.example.com:8443/{shop}", "a", "https://a.example.com:8443/a")]
    #[case("https://example.com/me", "unused", "https://example.com/me")]
    fn a_value_is_filled_in(#[case] template: &str, #[case] value: &str, #[case] url: &str) {
        assert_eq!(fill(template, value).unwrap(), url);
    }

    #[rstest]
    #[case("https://{host}/me")]
    #[case("https://{host}.com/me")]
    #[case("https://a.{b}.example.com/")]
    #[case("https://a{b}.example.com/")]
    #[case("https://example.com:{port}/")]
    #[case("{scheme}://example.com/")]
    #[case("https://{a}.{b}.example.com/")]
    #[case("https://{a}.x@evil.example/")]
    #[case("https://example.com/{a")]
    #[case("https://example.com/a}")]
    #[case("https://example.com/{}")]
    #[case("https://example.com/{a b}")]
    #[case("https://example.com/{{a}}")]
    fn a_template_cannot_choose_the_host(#[case] template: &str) {
        assert!(UrlTemplate::parse(template).is_err());
    }

    #[rstest]
    #[case("evil.example/")]
    #[case("evil.example#")]
    #[case("a@b")]
    #[case("-a")]
    #[case("a-")]
    #[case("")]
    #[case("ä")]
    #[case("a.b")]
    fn a_label_is_one_label(#[case] value: &str) {
        assert!(fill("https://{shop}.example.com/", value).is_err());
    }

    #[rstest]
    #[case("..")]
    #[case(".")]
    #[case("a/b")]
    #[case("a\\b")]
    #[case("a\nb")]
    #[case("")]
    fn a_value_is_one_piece_of_the_path(#[case] value: &str) {
        assert!(fill("https://example.com/{id}/me", value).is_err());
    }

    #[test]
    fn a_name_without_value_is_told() {
        let template = UrlTemplate::parse("https://example.com/{id}").unwrap();
        assert_eq!(template.fill(|_, _| None), Err(FillError::Missing("id".to_owned())));
    }

    #[test]
    fn it_survives_the_store() {
        let template = UrlTemplate::parse("https://{shop}.example.com/{id}").unwrap();
        let text = serde_json::to_string(&template).unwrap();
        assert_eq!(serde_json::from_str::<UrlTemplate>(&text).unwrap(), template);
        assert_eq!(template.example(), "https://x.example.com/x");
    }

    proptest! {
        #[test]
        fn no_value_moves_the_call_to_another_host(value in "\\PC{0,80}") {
            for template in ["https://{v}.example.com/{v}?a={v}", "https://www.example.com/{v}/{v}"] {
                let template = UrlTemplate::parse(template).unwrap();
                if let Ok(url) = template.fill(|_, _| Some(value.clone())) {
                    prop_assert!(url.host_str().unwrap().ends_with(".example.com"));
                    prop_assert_eq!((url.scheme(), url.port(), url.username()), ("https", None, ""));
                }
            }
        }

        #[test]
        fn any_text_is_a_template_or_none(text in "[a-z{}:/.@?#]{0,40}") {
            let _ = UrlTemplate::parse(&text);
        }
    }
}
