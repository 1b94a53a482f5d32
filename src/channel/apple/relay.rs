//! The pages of ours that Apple has on record for a tenant: the authorize URL that the phone opens in both
//! flows, and the token endpoint that it redeems a code at in the older one. The phone gets one-time relay
//! values there, never a code, token or secret of the provider's.

use url::form_urlencoded;

use super::Flow;
use crate::secret::Secret;

/// Where the phone catches the code of the older flow. It is never loaded.
pub const APPLES_REDIRECT_URI: &str = "https://auth.businesschat.apple.com";
/// The longest value.
const MOST: usize = 2048;

/// What the phone opens our authorize URL with. Whatever was in the registered URL's query is gone: it
/// writes its own.
#[derive(Debug, Clone)]
pub struct Opening {
    /// The client id on record at Apple.
    pub client_id: String,
    /// The state of the message.
    pub state: Secret,
    /// Where it wants to go back to.
    pub redirect_uri: String,
    /// The public key of the request, in the older flow.
    pub response_key: Option<String>,
}

/// What an opening must repeat of its message.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The client id that the tenant gave to Apple.
    pub client_id: &'a str,
    /// The state.
    pub state: &'a Secret,
    /// Our callback, in the newer flow.
    pub redirect_uri: &'a str,
    /// The public key of the request, in the older flow.
    pub response_key: Option<&'a str>,
}

/// What the phone redeems at our token endpoint.
#[derive(Debug, Clone)]
pub struct Redeeming {
    /// The client id on record at Apple.
    pub client_id: String,
    /// The relay code.
    pub code: Secret,
}

/// Why a request of a phone is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayFault {
    /// A parameter is missing or empty.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A parameter stands twice.
    #[error("`{0}` stands twice")]
    Twice(&'static str),
    /// A parameter is too long, or not the one value that is possible.
    #[error("`{0}` is not what a phone sends")]
    Wrong(&'static str),
    /// A parameter is not that of the message.
    #[error("`{0}` is not that of the message")]
    Foreign(&'static str),
}

/// Reads the query of the authorize URL. Parameters that are not ours are left alone.
pub fn parse_opening(query: &str) -> Result<Opening, RelayFault> {
    let client_id = required(query, "client_id")?;
    let redirect_uri = required(query, "redirect_uri")?;
    let state = required(query, "state")?;
    if required(query, "response_type")? != "code" {
        return Err(RelayFault::Wrong("response_type"));
    }
    let response_key = optional(query, "response_encryption_key")?;
    if response_key.is_some() != (redirect_uri == APPLES_REDIRECT_URI) {
        return Err(RelayFault::Wrong("redirect_uri"));
    }
    Ok(Opening { client_id, state: Secret::new(state), redirect_uri, response_key })
}

impl Opening {
    /// Which flow it belongs to.
    pub fn flow(&self) -> Flow {
        if self.response_key.is_some() { Flow::Older } else { Flow::Newer }
    }

    /// Whether it repeats its message: nothing that was not sent begins a sign-in.
    pub fn verify(&self, sent: &Sent<'_>) -> Result<(), RelayFault> {
        let redirect_uri = if sent.response_key.is_some() { APPLES_REDIRECT_URI } else { sent.redirect_uri };
        if !sent.state.matches(self.state.expose()) {
            return Err(RelayFault::Foreign("state"));
        }
        if self.client_id != sent.client_id {
            return Err(RelayFault::Foreign("client_id"));
        }
        if self.redirect_uri != redirect_uri {
            return Err(RelayFault::Foreign("redirect_uri"));
        }
        // A `+` of base64 that was not escaped has become a space on its way.
        let key = self.response_key.as_ref().map(|key| key.replace(' ', "+"));
        if key.as_deref() != sent.response_key {
            return Err(RelayFault::Foreign("response_encryption_key"));
        }
        Ok(())
    }
}

/// Reads a request of the token endpoint: its form, and its query, where phones before iOS 15 wrote it.
pub fn parse_redeeming(query: &str, form: &str) -> Result<Redeeming, RelayFault> {
    let all = format!("{form}&{query}");
    let client_id = required(&all, "client_id")?;
    let code = required(&all, "code")?;
    if required(&all, "grant_type")? != "authorization_code" {
        return Err(RelayFault::Wrong("grant_type"));
    }
    if required(&all, "redirect_uri")? != APPLES_REDIRECT_URI {
        return Err(RelayFault::Wrong("redirect_uri"));
    }
    Ok(Redeeming { client_id, code: Secret::new(code) })
}

/// Where the older flow goes once the customer has signed in: the phone takes the relay code from there.
pub fn build_back(code: &Secret, state: &Secret) -> String {
    back(&[("code", code.expose()), ("state", state.expose())])
}

/// Where it goes if he has not. `error` is a word of RFC 6749, 4.1.2.1.
pub fn build_back_failed(error: &str, state: &Secret) -> String {
    back(&[("error", error), ("state", state.expose())])
}

/// The answer to a redeemed code: a relay token that lives as long as a phone needs to send its reply.
pub fn build_token(token: &Secret, seconds: u32) -> serde_json::Value {
    serde_json::json!({"access_token": token.expose(), "token_type": "Bearer", "expires_in": seconds})
}

fn back(pairs: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{APPLES_REDIRECT_URI}?{query}")
}

fn required(query: &str, name: &'static str) -> Result<String, RelayFault> {
    optional(query, name)?.ok_or(RelayFault::Missing(name))
}

fn optional(query: &str, name: &'static str) -> Result<Option<String>, RelayFault> {
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let value = values.next().map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty());
    if values.next().is_some() {
        return Err(RelayFault::Twice(name));
    }
    if value.as_ref().is_some_and(|value| value.len() > MOST || value.contains(char::is_control)) {
        return Err(RelayFault::Wrong(name));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: &str = "https://acme.example.com/web/inbound/abc/oauth/abcAuth2Redirect";
    const KEY: &str = "BNY+I9/3aHV==";

    fn query(pairs: &[(&str, &str)]) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }

    fn newer(redirect_uri: &str, state: &str, client_id: &str) -> Opening {
        parse_opening(&query(&[
            ("client_id", client_id),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", state),
            ("prompt", "login"),
        ]))
        .unwrap()
    }

    fn older(key: &str) -> Opening {
        parse_opening(&query(&[
            ("client_id", "c"),
            ("redirect_uri", APPLES_REDIRECT_URI),
            ("response_encryption_key", key),
            ("response_type", "code"),
            ("state", "s"),
        ]))
        .unwrap()
    }

    #[test]
    fn an_opening_of_the_newer_flow_repeats_its_message() {
        let state = Secret::new("s");
        let sent = Sent { client_id: "c", state: &state, redirect_uri: OURS, response_key: None };
        assert_eq!(
            (newer(OURS, "s", "c").flow(), newer(OURS, "s", "c").verify(&sent)),
            (Flow::Newer, Ok(()))
        );
        for (opening, fault) in [
            (newer(OURS, "S", "c"), "state"),
            (newer(OURS, "s", "d"), "client_id"),
            (newer(&format!("{OURS}/"), "s", "c"), "redirect_uri"),
            (newer("https://evil.example/", "s", "c"), "redirect_uri"),
            (older(KEY), "redirect_uri"),
        ] {
            assert_eq!(opening.verify(&sent), Err(RelayFault::Foreign(fault)));
        }
    }

    #[test]
    fn an_opening_of_the_older_flow_repeats_its_key() {
        let state = Secret::new("s");
        let sent = Sent { client_id: "c", state: &state, redirect_uri: OURS, response_key: Some(KEY) };
        assert_eq!((older(KEY).flow(), older(KEY).verify(&sent)), (Flow::Older, Ok(())));
        assert_eq!(older(&KEY.replace('+', " ")).verify(&sent), Ok(()), "a plus that was not escaped");
        assert_eq!(older("BNY").verify(&sent), Err(RelayFault::Foreign("response_encryption_key")));
        assert_eq!(newer(OURS, "s", "c").verify(&sent), Err(RelayFault::Foreign("redirect_uri")));
    }

    #[test]
    fn an_opening_that_no_phone_makes_is_refused() {
        let fine = [("client_id", "c"), ("redirect_uri", OURS), ("response_type", "code"), ("state", "s")];
        for (name, _) in fine {
            let mut pairs = fine.to_vec();
            pairs.retain(|(other, _)| *other != name);
            assert_eq!(parse_opening(&query(&pairs)).unwrap_err(), RelayFault::Missing(name));
            pairs.extend([(name, "x"), (name, "x")]);
            assert_eq!(parse_opening(&query(&pairs)).unwrap_err(), RelayFault::Twice(name));
        }
        let with = |name, value| {
            let mut pairs: Vec<_> = fine.into_iter().filter(|(other, _)| *other != name).collect();
            pairs.push((name, value));
            parse_opening(&query(&pairs)).unwrap_err()
        };
        assert_eq!(with("response_type", "token"), RelayFault::Wrong("response_type"));
        assert_eq!(
            with("redirect_uri", APPLES_REDIRECT_URI),
            RelayFault::Wrong("redirect_uri"),
            "without a key"
        );
        assert_eq!(
            with("response_encryption_key", KEY),
            RelayFault::Wrong("redirect_uri"),
            "a key to our page"
        );
        assert_eq!(with("state", "a\nb"), RelayFault::Wrong("state"));
        assert_eq!(with("state", &"x".repeat(MOST + 1)), RelayFault::Wrong("state"));
    }

    #[test]
    fn a_code_is_redeemed_from_the_form_or_the_query_but_not_from_both() {
        let pairs = [
            ("client_id", "c"),
            ("code", "relay"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", APPLES_REDIRECT_URI),
            ("client_secret", ""),
        ];
        let text = query(&pairs);
        for read in [parse_redeeming("", &text), parse_redeeming(&text, "")] {
            let read = read.unwrap();
            assert_eq!((read.code.expose(), &*read.client_id), ("relay", "c"));
        }
        assert_eq!(parse_redeeming(&text, &text).unwrap_err(), RelayFault::Twice("client_id"));
        assert_eq!(parse_redeeming("code=other", &text).unwrap_err(), RelayFault::Twice("code"));
        let wrong = text.replace("authorization_code", "refresh_token");
        assert_eq!(parse_redeeming("", &wrong).unwrap_err(), RelayFault::Wrong("grant_type"));
        let wrong = text.replace("businesschat", "evil");
        assert_eq!(parse_redeeming("", &wrong).unwrap_err(), RelayFault::Wrong("redirect_uri"));
        assert_eq!(parse_redeeming("", "").unwrap_err(), RelayFault::Missing("client_id"));
    }

    #[test]
    fn the_phone_finds_code_and_state_at_apples_own_address() {
        let (code, state) = (Secret::new("a+b&c"), Secret::new("s=/"));
        assert_eq!(
            build_back(&code, &state),
            "https://auth.businesschat.apple.com?code=a%2Bb%26c&state=s%3D%2F"
        );
        assert_eq!(
            build_back_failed("access_denied", &state),
            "https://auth.businesschat.apple.com?error=access_denied&state=s%3D%2F"
        );
        let token = build_token(&Secret::new("t"), 60);
        assert_eq!(token, serde_json::json!({"access_token": "t", "token_type": "Bearer", "expires_in": 60}));
    }

    proptest! {
        #[test]
        fn garbage_is_read_without_a_panic(text in "\\PC{0,100}", more in "[a-z_=&%]{0,100}") {
            let _ = (parse_opening(&text), parse_opening(&more), parse_redeeming(&text, &more));
        }
    }
}
