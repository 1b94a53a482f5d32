//! What went out and what came back, as the tenant's admin may see it in a test login: every name is
//! kept, and every value that opens a door is `•••`. A value is hidden where its name says what it
//! is, and wherever it stands if we know it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;
use url::form_urlencoded;

use crate::domain::trial::{Received, Sent};

use super::json as strict;
use super::jws::{Jws, decode};
use super::media::Media;
use super::wire::{OutboundRequest, ProviderAnswer};

/// What stands for a hidden value.
pub const HIDDEN: &str = "•••";
/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;
/// How much of a text is shown, in characters.
const TEXT: usize = 2000;
/// How large JSON is shown as such, in bytes.
const JSON: usize = 64 * 1024;
/// Headers whose values are shown.
const OPEN_HEADERS: [&str; 5] = ["accept", "accept-language", "content-type", "user-agent", "date"];
/// Parts of names whose values are hidden.
const SECRET: [&str; 18] = [
    "token",
    "secret",
    "password",
    "passwd",
    "code",
    "assertion",
    "verifier",
    "state",
    "nonce",
    "ticket",
    "cookie",
    "authorization",
    "apikey",
    "api_key",
    "api-key",
    "signature",
    "credential",
    "request_uri",
];
/// Names with such a part that are shown all the same.
const OPEN: [&str; 22] = [
    "token_type",
    "response_type",
    "grant_type",
    "code_challenge_method",
    "client_assertion_type",
    "errorcode",
    "error_code",
    "error_codes",
    "status_code",
    "statuscode",
    "country_code",
    "countrycode",
    "postal_code",
    "zip_code",
    "currency_code",
    "language_code",
    "tokentype",
    "token_use",
    "response_mode",
    "refresh_token_expires_in",
    "subject_token_type",
    "requested_token_type",
];
/// What opens doors also in an answer about a person.
const TOKENS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "accesstoken", "refreshtoken", "idtoken"];

/// What is to be hidden.
#[derive(Clone, Default)]
pub struct Shown {
    /// Known values, as they are and as a form or a header has them.
    values: Vec<String>,
}

impl Shown {
    /// Hides this value from now on, however it is written.
    pub fn hide(&mut self, value: &str) {
        if value.len() < SHORTEST || self.values.iter().any(|known| known == value) {
            return;
        }
        let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let spaced = form.replace('+', "%20");
        let quoted = Value::from(value).to_string().trim_matches('"').to_owned();
        self.values.extend([value.to_owned(), form, spaced, quoted]);
        // A value within another one goes last.
        self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        self.values.dedup();
    }

    /// Hides what opens doors in a token answer.
    pub fn hide_tokens(&mut self, body: &Value) {
        match body {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if is_secret(name) => self.hide(text),
                        other => self.hide_tokens(other),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.hide_tokens(item)),
            _ => {}
        }
    }

    /// A text without the known values and without anything that looks like a signed token.
    pub fn text(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for value in &self.values {
            if shown.contains(value.as_str()) {
                shown = shown.replace(value.as_str(), HIDDEN);
            }
        }
        without_signed(&shown)
    }

    /// Parameters as they came back to us.
    pub fn pairs(&self, pairs: &[(String, String)]) -> Value {
        let mut members = Map::new();
        for (name, value) in pairs {
            members.insert(self.text(name), self.named(name, value).into());
        }
        Value::Object(members)
    }

    /// A request.
    pub fn request(&self, request: &OutboundRequest) -> Sent {
        let mut headers = BTreeMap::new();
        for (name, value) in &request.headers {
            let scheme = value.expose().split_once(' ').filter(|_| &**name == "authorization");
            let value = match scheme {
                Some((scheme, _)) => format!("{} {HIDDEN}", self.text(scheme)),
                None if OPEN_HEADERS.contains(&&**name) => self.text(value.expose()),
                None => HIDDEN.to_owned(),
            };
            headers.insert(name.to_string(), value);
        }
        let body = request.body.as_ref().map(|body| {
            headers.insert("content-type".to_owned(), body.content_type.to_owned());
            self.body(Some(body.content_type), body.text.expose().as_bytes(), true)
        });
        Sent { method: request.method.as_str().to_owned(), url: self.url(&request.url), headers, body }
    }

    /// An address with its query.
    pub fn url(&self, url: &Url) -> String {
        let mut shown = url.clone();
        shown.set_fragment(None);
        if url.query().is_some() {
            let pairs: Vec<_> = url
                .query_pairs()
                .map(|(name, value)| format!("{name}={}", self.named(&name, &value)))
                .collect();
            shown.set_query(None);
            return self.text(&format!("{shown}?{}", pairs.join("&")));
        }
        self.text(shown.as_str())
    }

    /// An answer that may hold tokens.
    pub fn token_answer(&self, answer: &ProviderAnswer) -> Received {
        self.answer(answer, true)
    }

    /// An answer about a person, or a page.
    pub fn plain_answer(&self, answer: &ProviderAnswer) -> Received {
        self.answer(answer, false)
    }

    /// Any JSON.
    pub fn json(&self, value: &Value, by_name: bool) -> Value {
        match value {
            Value::Object(members) => {
                let shown = members.iter().map(|(name, value)| {
                    let hide =
                        if by_name { is_secret(name) } else { TOKENS.contains(&&*name.to_lowercase()) };
                    let is_value = value.is_string() || value.is_number();
                    let value = if hide && is_value { HIDDEN.into() } else { self.json(value, by_name) };
                    (self.text(name), value)
                });
                Value::Object(shown.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.json(item, by_name)).collect(),
            Value::String(text) => self.text(text).into(),
            other => other.clone(),
        }
    }

    fn answer(&self, answer: &ProviderAnswer, tokens: bool) -> Received {
        let body = (!answer.body.is_empty())
            .then(|| self.body(answer.content_type.as_deref(), &answer.body, tokens));
        Received { status: Some(answer.status), content_type: answer.content_type.clone(), body }
    }

    fn body(&self, content_type: Option<&str>, body: &[u8], by_name: bool) -> Value {
        if body.len() <= JSON
            && let Ok(value) = strict::parse(body)
        {
            return self.json(&value, by_name);
        }
        let text = String::from_utf8_lossy(body);
        let media = Media::parse(content_type);
        if media == Media::Form {
            let pairs: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
            return self.pairs(&pairs);
        }
        let shown: String = self.text(&text).chars().take(TEXT).collect();
        // What may hold a token and cannot be taken apart is not shown at all.
        if by_name && media != Media::Html && shown.to_lowercase().contains("token") {
            return json!(format!("{HIDDEN} ({} bytes)", body.len()));
        }
        shown.into()
    }

    fn named(&self, name: &str, value: &str) -> String {
        if is_secret(name) { HIDDEN.to_owned() } else { self.text(value) }
    }
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shown({} values)", self.values.len())
    }
}

/// Header and claims of a signed token, whoever signed it; none if it is no signed token.
pub fn unverified(token: &str) -> Option<(Value, Value)> {
    Jws::parse(token).ok()?;
    let mut parts = token.split('.').map(|part| strict::parse(&decode(part).ok()?).ok());
    Some((parts.next()??, parts.next()??))
}

/// Whether a value of this name opens doors.
fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    !OPEN.contains(&name.as_str()) && SECRET.iter().any(|part| name.contains(part))
}

/// Every word that looks like a signed token is hidden: `eyJ` is how a header in base64url begins.
fn without_signed(text: &str) -> String {
    let Some(at) = text.find("eyJ") else { return text.to_owned() };
    let (before, rest) = text.split_at(at);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    let shown = if word.contains('.') { HIDDEN } else { word };
    format!("{before}{shown}{}", without_signed(behind))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::oauth::wire::{Method, OutboundBody};
    use crate::secret::Secret;

    fn answer(content_type: &str, body: &str) -> ProviderAnswer {
        ProviderAnswer { status: 200, content_type: Some(content_type.to_owned()), body: body.into() }
    }

    #[test]
    fn a_request_keeps_its_names_and_loses_its_secrets() {
        let mut shown = Shown::default();
        shown.hide("canary+1");
        let request = OutboundRequest {
            method: Method::Post,
            url: "https://p.example/token?state=canary&x=canary%2B1&y=1".parse().unwrap(),
            headers: vec![
                ("authorization".into(), Secret::new("Basic canary")),
                ("accept".into(), Secret::new("application/json")),
                ("x-key".into(), Secret::new("canary")),
            ],
            body: Some(OutboundBody {
                content_type: "application/x-www-form-urlencoded",
                text: Secret::new(
                    "grant_type=authorization_code&code=canary&client_secret=canary%2B1&client_id=us",
                ),
            }),
        };
        let sent = shown.request(&request);
        assert_eq!(sent.url, "https://p.example/token?state=•••&x=•••&y=1");
        assert_eq!(
            serde_json::to_value(&sent.headers).unwrap(),
            json!({"accept": "application/json", "authorization": "Basic •••", "x-key": "•••",
                   "content-type": "application/x-www-form-urlencoded"})
        );
        assert_eq!(
            sent.body.unwrap(),
            json!({"grant_type": "authorization_code", "code": "•••", "client_secret": "•••", "client_id": "us"})
        );
    }

    #[test]
    fn a_token_answer_shows_its_members_only() {
        let mut shown = Shown::default();
        let body = r#"{"access_token":"canary-1","data":{"refresh_token":"canary-2"},"expires_in":3600,"scope":"a b","token_type":"Bearer"}"#;
        shown.hide_tokens(&serde_json::from_str(body).unwrap());
        let seen = shown.token_answer(&answer("application/json", body)).body.unwrap();
        assert_eq!(
            seen,
            json!({"access_token": "•••", "data": {"refresh_token": "•••"}, "expires_in": 3600, "scope": "a b",
                   "token_type": "Bearer"})
        );
        let twice = r#"{"access_token":"canary","access_token":"canary"}"#;
        assert_eq!(
            shown.token_answer(&answer("application/json", twice)).body.unwrap(),
            json!("••• (49 bytes)")
        );
        let form =
            shown.token_answer(&answer("application/x-www-form-urlencoded", "access_token=canary&scope=x"));
        assert_eq!(form.body.unwrap(), json!({"access_token": "•••", "scope": "x"}));
        let page = shown.token_answer(&answer("text/html", "<h1>No canary-1 token here</h1>"));
        assert_eq!(page.body.unwrap(), json!("<h1>No ••• token here</h1>"));
    }

    #[test]
    fn a_person_is_shown_whole_but_for_tokens() {
        let mut shown = Shown::default();
        shown.hide("the-access-token");
        let told = json!({"user": {"code": "A7", "state": "CA", "id": 18_446_744_073_709_551_615_u64,
            "access_token": "x", "echo": "the-access-token", "jwt": "eyJhbGciOiJub25lIn0.e30."}});
        assert_eq!(
            shown.json(&told, false),
            json!({"user": {"code": "A7", "state": "CA", "id": 18_446_744_073_709_551_615_u64, "access_token": "•••",
                "echo": "•••", "jwt": "•••"}})
        );
    }

    #[test]
    fn a_signed_token_is_taken_apart() {
        let (header, claims) = unverified("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI3In0.AAAA").unwrap();
        assert_eq!((header, claims), (json!({"alg": "RS256"}), json!({"sub": "7"})));
        assert!(unverified("no").is_none());
    }

    proptest! {
        #[test]
        fn a_known_value_is_never_shown(secret in "[a-zA-Z0-9+/&= %]{8,30}", before in "[a-z =&]{0,9}") {
            let mut shown = Shown::default();
            shown.hide(&secret);
            let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            for text in [format!("{before}{secret}"), format!("{before}{form}&x=1")] {
                prop_assert!(!shown.text(&text).contains(&secret));
                let seen = shown.plain_answer(&answer("text/plain", &text));
                prop_assert!(!seen.body.map(|body| body.to_string()).unwrap_or_default().contains(&secret));
            }
        }
    }
}
