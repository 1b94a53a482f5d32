//! The parameters of an OAuth request, from a form or from a JSON object: each at most once.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// Names and values in the order they came.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, Given)>);

/// A value as it was sent.
enum Given {
    Text(String),
    /// JSON that is no string.
    Other,
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Parameters {
    /// Reads a body by its content type: `application/x-www-form-urlencoded` (RFC 6749, appendix B)
    /// or a JSON object with the same names.
    pub fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ParameterError> {
        let parameters = match body_kind(headers)? {
            BodyKind::Form => parse_form(body)?,
            BodyKind::Json => serde_json::from_slice(body).map_err(|_| ParameterError::NotJson)?,
        };
        parameters.check_names()?;
        Ok(parameters)
    }

    /// The text of a parameter. An empty one counts as left out (RFC 6749, 3.1).
    pub fn take(&mut self, name: &'static str) -> Result<Option<String>, ParameterError> {
        match self.remove(name) {
            Some(Given::Text(text)) if text.is_empty() => Ok(None),
            Some(Given::Text(text)) => Ok(Some(text)),
            Some(Given::Other) => Err(ParameterError::NotText(name)),
            None => Ok(None),
        }
    }

    /// The text of a parameter that proves something. What is no text proves nothing, so it is not
    /// a fault in the form but a proof that fails: `Some` of an empty text.
    pub fn take_proof(&mut self, name: &'static str) -> Option<String> {
        self.remove(name).map(|given| match given {
            Given::Text(text) => text,
            Given::Other => String::new(),
        })
    }

    fn remove(&mut self, name: &str) -> Option<Given> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// RFC 6749, 3.2: no parameter more than once, known or not.
    fn check_names(&self) -> Result<(), ParameterError> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ParameterError::Twice);
        }
        Ok(())
    }
}

/// Why a body holds no parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParameterError {
    /// Another content type, two, or none.
    #[error("send `application/x-www-form-urlencoded` or `application/json`")]
    ContentType,
    /// A compressed body.
    #[error("send the body without `Content-Encoding`")]
    Encoded,
    /// Bytes that are no form.
    #[error("the body is not a form")]
    NotForm,
    /// Bytes that are no JSON object.
    #[error("the body is not a JSON object")]
    NotJson,
    /// A name that stands twice.
    #[error("a parameter stands more than once")]
    Twice,
    /// A JSON value that should be a string.
    #[error("`{0}` must be a string")]
    NotText(&'static str),
}

enum BodyKind {
    Form,
    Json,
}

fn body_kind(headers: &HeaderMap) -> Result<BodyKind, ParameterError> {
    let plain = headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes() == b"identity");
    if !plain {
        return Err(ParameterError::Encoded);
    }
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return Err(ParameterError::ContentType);
    };
    let value = value.to_str().map_err(|_| ParameterError::ContentType)?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(BodyKind::Form)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Ok(BodyKind::Json)
    } else {
        Err(ParameterError::ContentType)
    }
}

fn parse_form(body: &[u8]) -> Result<Parameters, ParameterError> {
    let pairs: Vec<(String, String)> =
        serde_urlencoded::from_bytes(body).map_err(|_| ParameterError::NotForm)?;
    Ok(Parameters(pairs.into_iter().map(|(name, text)| (name, Given::Text(text))).collect()))
}

/// A JSON object as a list, because a map would hide the names that stand twice.
impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Parameters;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parameters, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    let given = match value {
                        Value::String(text) => Given::Text(text),
                        _ => Given::Other,
                    };
                    members.push((name, given));
                }
                Ok(Parameters(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";

    fn parse(content_type: &str, body: &str) -> Result<Parameters, ParameterError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        Parameters::parse(&headers, body.as_bytes())
    }

    #[rstest]
    #[case(FORM, "a=x+y&b=%C3%BC&c=")]
    #[case("Application/X-WWW-Form-Urlencoded; charset=UTF-8", "a=x%20y&b=%c3%bc&c")]
    #[case(JSON, r#"{"a": "x y", "b": "ü", "c": ""}"#)]
    #[case("application/json;charset=utf-8", r#"{"a":"x y","b":"\u00fc","c":"","more":[1,{"d":null}]}"#)]
    fn a_form_and_a_json_object_say_the_same(#[case] content_type: &str, #[case] body: &str) {
        let mut parameters = parse(content_type, body).unwrap();
        assert_eq!(parameters.take("a"), Ok(Some("x y".to_owned())));
        assert_eq!(parameters.take("b"), Ok(Some("ü".to_owned())));
        assert_eq!(parameters.take("c"), Ok(None));
        assert_eq!(parameters.take("d"), Ok(None));
    }

    #[rstest]
    #[case(FORM, "a=1&b=2&a=1", ParameterError::Twice)]
    #[case(FORM, "unknown=1&unknown=2", ParameterError::Twice)]
    #[case(FORM, "a=1&%61=2", ParameterError::Twice)]
    #[case(JSON, r#"{"a": "1", "a": "1"}"#, ParameterError::Twice)]
    #[case(JSON, r#"{"a": "1", "\u0061": null}"#, ParameterError::Twice)]
    #[case(JSON, "", ParameterError::NotJson)]
    #[case(JSON, "[]", ParameterError::NotJson)]
    #[case(JSON, "null", ParameterError::NotJson)]
    #[case(JSON, r#""a=1""#, ParameterError::NotJson)]
    #[case(JSON, r#"{"a": "1"} {}"#, ParameterError::NotJson)]
    #[case(JSON, "a=1", ParameterError::NotJson)]
    #[case("text/plain", "a=1", ParameterError::ContentType)]
    #[case("multipart/form-data; boundary=x", "a=1", ParameterError::ContentType)]
    #[case("application/json-patch+json", "{}", ParameterError::ContentType)]
    #[case("", "a=1", ParameterError::ContentType)]
    fn other_bodies_are_refused(
        #[case] content_type: &str,
        #[case] body: &str,
        #[case] error: ParameterError,
    ) {
        assert_eq!(parse(content_type, body).unwrap_err(), error);
    }

    #[rstest]
    #[case("null")]
    #[case("[\"x\"]")]
    #[case("7")]
    #[case("1e400")]
    #[case("true")]
    #[case("{\"x\": \"y\"}")]
    fn json_that_is_no_text_is_no_parameter_and_no_proof(#[case] value: &str) {
        let body = format!(r#"{{"a": {value}, "b": {value}}}"#);
        let mut parameters = parse(JSON, &body).unwrap();
        assert_eq!(parameters.take("a"), Err(ParameterError::NotText("a")));
        assert_eq!(parameters.take_proof("b"), Some(String::new()));
        assert_eq!(parameters.take_proof("c"), None);
    }

    #[test]
    fn deep_json_is_refused_and_does_not_overflow_the_stack() {
        let body = format!("{{\"a\": {}", "[".repeat(60_000));
        assert_eq!(parse(JSON, &body).unwrap_err(), ParameterError::NotJson);
    }

    #[test]
    fn a_compressed_body_and_a_second_content_type_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(CONTENT_TYPE, HeaderValue::from_static(FORM));
        headers.append(CONTENT_TYPE, HeaderValue::from_static(JSON));
        assert_eq!(Parameters::parse(&headers, b"a=1").unwrap_err(), ParameterError::ContentType);
        headers.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(Parameters::parse(&headers, b"a=1").unwrap_err(), ParameterError::Encoded);
        assert_eq!(Parameters::parse(&HeaderMap::new(), b"a=1").unwrap_err(), ParameterError::ContentType);
    }

    #[test]
    fn values_are_not_printed() {
        let parameters = parse(FORM, "client_secret=canary").unwrap();
        assert!(!format!("{parameters:?}").contains("canary"));
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            for content_type in [FORM, JSON] {
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
                let _ = Parameters::parse(&headers, &body);
            }
        }

        #[test]
        fn what_was_written_is_read_back(name in "[a-z_]{1,12}", text in "\\PC{1,40}") {
            let form = serde_urlencoded::to_string([(&name, &text)]).unwrap();
            let json = serde_json::to_string(&serde_json::json!({ &name: text })).unwrap();
            for (content_type, body) in [(FORM, form), (JSON, json)] {
                let parameters = parse(content_type, &body).unwrap();
                let (known, given) = &parameters.0[0];
                prop_assert_eq!(known, &name);
                prop_assert!(matches!(given, Given::Text(read) if *read == text));
            }
        }
    }
}
