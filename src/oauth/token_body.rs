//! The body of a token endpoint's answer: from bytes to members, and from members to what they
//! mean (RFC 6749, 5.1), with the common quirks repaired and recorded.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::secret::Secret;

use super::media::Media;
use super::quirk::Quirk;
use super::token::Find;
use super::wire::ProviderAnswer;
use super::{json, pairs};

/// How long an access token may be: it must fit into a header.
const ACCESS_TOKEN: usize = 16 * 1024;
/// From here on a number of seconds is a point in time (2001-09-09 in seconds).
const EPOCH_FROM: f64 = 1e9;
/// From here on it is not even that (the year 5138 in milliseconds).
const EPOCH_UNTIL: f64 = 1e14;

/// Why a body is no token response. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is no token response")]
pub struct NoTokenBody;

/// The members of an answer, and what was tolerated to read them.
pub struct TokenBody {
    /// The members; all texts if it was a form.
    pub members: Map<String, Value>,
    /// What was tolerated, in the order it was met.
    pub quirks: Vec<Quirk>,
    is_form: bool,
}

impl TokenBody {
    /// Reads an object or a form. A body that claims to be something else must at least look like
    /// an object; a form is also believed as plain text if it names a token or an error.
    pub fn parse(answer: &ProviderAnswer) -> Result<Self, NoTokenBody> {
        let looks_like_json = answer.body.trim_ascii_start().first() == Some(&b'{');
        if let Some(inside) = json::padding_off(&answer.body) {
            return Self::from_json(inside, &[Quirk::Padded]);
        }
        match (Media::parse(answer.content_type.as_deref()), looks_like_json) {
            (Media::Json, _) => Self::from_json(&answer.body, &[]),
            (Media::Text | Media::Html | Media::Missing | Media::Form, true) => {
                Self::from_json(&answer.body, &[Quirk::ContentType])
            }
            (Media::Form | Media::Text | Media::Missing, false) => Self::from_form(&answer.body),
            (Media::Html, false) | (Media::Jwt | Media::Other, _) => Err(NoTokenBody),
        }
    }

    /// Goes on with the object that `find` finds within the answer, and gives back the whole of it.
    pub fn narrow(&mut self, find: &Find<'_>) -> Result<Map<String, Value>, NoTokenBody> {
        let whole = Value::Object(std::mem::take(&mut self.members));
        let Some(Value::Object(inner)) = find(&whole) else { return Err(NoTokenBody) };
        self.members = inner;
        match whole {
            Value::Object(whole) => Ok(whole),
            _ => Err(NoTokenBody),
        }
    }

    /// Takes the access token: visible ASCII of at most 16 KiB (RFC 6749, appendix A.12).
    pub fn access_token(&self) -> Result<Secret, NoTokenBody> {
        let token = self.members.get("access_token").and_then(Value::as_str).ok_or(NoTokenBody)?;
        let fits = (1..=ACCESS_TOKEN).contains(&token.len());
        if fits && token.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Secret::new(token))
        } else {
            Err(NoTokenBody)
        }
    }

    /// Checks that the token is one to bear, in any case (RFC 6749, 7.1).
    pub fn check_token_type(&mut self) -> Result<(), NoTokenBody> {
        match self.members.get("token_type") {
            None | Some(Value::Null) => self.quirks.push(Quirk::TokenTypeMissing),
            Some(Value::String(kind)) if kind.is_empty() => self.quirks.push(Quirk::TokenTypeMissing),
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
            Some(_) => return Err(NoTokenBody),
        }
        Ok(())
    }

    /// How long the access token lives, in whole seconds; none if the provider does not say, or
    /// says what cannot be.
    pub fn expires_in(&mut self) -> Option<Duration> {
        let text = match self.members.get("expires_in")? {
            Value::Null => return None,
            Value::Number(number) => number.to_string(),
            Value::String(text) => {
                if !self.is_form {
                    self.quirks.push(Quirk::ExpiresInText);
                }
                text.trim().to_owned()
            }
            _ => String::new(),
        };
        let seconds = text.parse::<f64>().unwrap_or(f64::NAN);
        if (EPOCH_FROM..EPOCH_UNTIL).contains(&seconds) {
            self.quirks.push(Quirk::ExpiresInEpoch);
            return None;
        }
        if !(1.0..EPOCH_FROM).contains(&seconds) {
            self.quirks.push(Quirk::ExpiresInUnusable);
            return None;
        }
        if seconds.fract() > 0.0 {
            self.quirks.push(Quirk::ExpiresInFraction);
        }
        Some(Duration::from_secs(Duration::from_secs_f64(seconds).as_secs()))
    }

    /// Records a scope that is a list; what it grants is the provider's business.
    pub fn check_scope(&mut self) {
        if self.members.get("scope").is_some_and(Value::is_array) {
            self.quirks.push(Quirk::ScopeList);
        }
    }

    fn from_json(bytes: &[u8], quirks: &[Quirk]) -> Result<Self, NoTokenBody> {
        match json::parse(bytes) {
            Ok(Value::Object(members)) => Ok(Self { members, quirks: quirks.to_vec(), is_form: false }),
            _ => Err(NoTokenBody),
        }
    }

    fn from_form(bytes: &[u8]) -> Result<Self, NoTokenBody> {
        let mut members = Map::new();
        for (name, value) in pairs::decode(bytes).map_err(|_| NoTokenBody)? {
            if members.insert(name, Value::String(value)).is_some() {
                return Err(NoTokenBody);
            }
        }
        if members.contains_key("access_token") || members.contains_key("error") {
            Ok(Self { members, quirks: vec![Quirk::FormEncoded], is_form: true })
        } else {
            Err(NoTokenBody)
        }
    }
}

/// The id_token among members, if there is a text of that name; what it says is not yet believed.
pub fn id_token_of(members: &Map<String, Value>) -> Option<Secret> {
    let token = members.get("id_token").and_then(Value::as_str)?;
    (!token.is_empty()).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn body(members: &Value) -> TokenBody {
        let (content_type, body) = (Some("application/json".to_owned()), members.to_string().into_bytes());
        TokenBody::parse(&ProviderAnswer { status: 200, content_type, body }).unwrap()
    }

    #[rstest]
    #[case::missing(json!({}))]
    #[case::null(json!({"access_token": null}))]
    #[case::number(json!({"access_token": 7}))]
    #[case::object(json!({"access_token": {"token": "x"}}))]
    #[case::empty(json!({"access_token": ""}))]
    #[case::blank(json!({"access_token": " "}))]
    #[case::inner_space(json!({"access_token": "a b"}))]
    #[case::line_break(json!({"access_token": "a\r\nX-Header: y"}))]
    #[case::not_ascii(json!({"access_token": "ä"}))]
    #[case::too_long(json!({"access_token": "a".repeat(ACCESS_TOKEN + 1)}))]
    fn what_cannot_stand_in_a_header_is_no_access_token(#[case] members: Value) {
        assert!(body(&members).access_token().is_err());
    }

    #[rstest]
    #[case(json!(3600), Some(3600), &[])]
    #[case(json!("3600"), Some(3600), &[Quirk::ExpiresInText])]
    #[case(json!(3.7), Some(3), &[Quirk::ExpiresInFraction])]
    #[case(json!(null), None, &[])]
    #[case(json!(0), None, &[Quirk::ExpiresInUnusable])]
    #[case(json!(-1), None, &[Quirk::ExpiresInUnusable])]
    #[case(json!(1e300), None, &[Quirk::ExpiresInUnusable])]
    #[case(json!("inf"), None, &[Quirk::ExpiresInText, Quirk::ExpiresInUnusable])]
    #[case(json!("soon"), None, &[Quirk::ExpiresInText, Quirk::ExpiresInUnusable])]
    #[case(json!([3600]), None, &[Quirk::ExpiresInUnusable])]
    #[case(json!(1_501_138_041), None, &[Quirk::ExpiresInEpoch])]
    #[case(json!("1501138041000"), None, &[Quirk::ExpiresInText, Quirk::ExpiresInEpoch])]
    fn a_lifetime_is_whole_seconds_or_unknown(
        #[case] given: Value,
        #[case] seconds: Option<u64>,
        #[case] quirks: &[Quirk],
    ) {
        let mut body = body(&json!({ "expires_in": given }));
        assert_eq!(body.expires_in(), seconds.map(Duration::from_secs));
        assert_eq!(body.quirks, quirks);
    }

    #[test]
    fn only_a_bearer_token_is_taken() {
        for kind in ["bearer", "Bearer", "BEARER"] {
            assert!(body(&json!({ "token_type": kind })).check_token_type().is_ok());
        }
        for kind in [json!("mac"), json!("DPoP"), json!("bearer "), json!(1), json!(["bearer"])] {
            assert!(body(&json!({ "token_type": kind })).check_token_type().is_err(), "{kind}");
        }
    }
}
