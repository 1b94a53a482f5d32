//! The customer's app, where a browser on a desk cannot play it: the iPhone that opens Apple's sheet, closes it and
//! replies; and Facebook, which says who pressed its button and takes the customer back into Messenger. What they do is
//! what docs/apple.md and docs/channels.md say of them. Nothing here reaches Apple or Facebook.
//!
//! To add an app that vouches for its customer: 1. what it remembers of a message in [`Device::note`], 2. an arm of
//! [`Left`] with where it catches its customer, 3. what it sends then.

use aes_gcm::aead::{Aead as _, KeyInit as _, consts::U16};
use aes_gcm::{AesGcm, Nonce, aes::Aes256};
use aws_lc_rs::agreement::{ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded;

/// What stands in Apple's register for the demo, and in the demo's settings.
pub const APPLES_CLIENT: &str = "countersign";
/// The demo's page in Messenger.
pub const PAGE: &str = "demo-page";
/// The page's token, by which Facebook answers who pressed the button.
pub const PAGE_TOKEN: &str = "demo-page-token";
/// Our page in Apple's register.
pub const AUTHORIZE: &str = "/web/inbound/abc/oauth/authorize";
/// Where the phone redeems a code of the older sign-in.
pub const TOKEN: &str = "/web/inbound/abc/oauth/token";

/// Where the phone catches the newer sign-in.
const CLOSES: &str = "messages-auth:";
/// Where the phone catches the older one.
const CAUGHT: &str = "https://auth.businesschat.apple.com";
/// Where Facebook takes the customer back.
const FACEBOOKS: &str = "https://www.facebook.com/messenger_platform/account_linking/";
/// Where a message has its state.
const STATE: &str = "/interactiveData/data/authenticate/oauth2/state";
/// How many messages and sheets are remembered.
const KEPT: usize = 50;

/// What the apps of the demo's one customer remember.
#[derive(Debug, Default)]
pub struct Device {
    /// Apple's messages, as they came.
    messages: Vec<Value>,
    /// Sheets that are open: the state with which each went to the provider, and its message.
    sheets: Vec<(String, Value)>,
    /// What Facebook gave out for a press of its button, and to whom.
    presses: Vec<(String, String)>,
}

/// How a customer leaves our pages.
#[derive(Debug, PartialEq, Eq)]
pub enum Left {
    /// The sheet of the newer sign-in was closed, and the phone replies.
    Replied(Value),
    /// The phone caught a code of the older one.
    Caught {
        /// The form that it posts to our token URL.
        form: String,
        /// The message that the sheet belongs to.
        message: Value,
    },
    /// Back in Messenger; with our code, if the sign-in went well.
    InMessenger(Option<Value>),
}

impl Device {
    /// Remembers a message of Apple's.
    pub fn note(&mut self, payload: &Value) {
        keep(&mut self.messages, payload.clone());
    }

    /// The URL that Facebook makes of the button's when this customer presses it.
    pub fn press(&mut self, url: &str, token: String, customer: &str) -> Option<String> {
        let mut url = Url::parse(url).ok()?;
        let mut back = Url::parse(FACEBOOKS).ok()?;
        back.query_pairs_mut().append_pair("account_linking_token", &token);
        url.query_pairs_mut()
            .append_pair("account_linking_token", &token)
            .append_pair("redirect_uri", back.as_str());
        keep(&mut self.presses, (token, customer.to_owned()));
        Some(url.into())
    }

    /// Facebook's answer who pressed the button; none if it does not know the token.
    pub fn answer(&self, query: &str) -> Option<Value> {
        if value_of(query, "access_token")? != PAGE_TOKEN {
            return None;
        }
        let token = value_of(query, "account_linking_token")?;
        let (_, who) = self.presses.iter().find(|(known, _)| *known == token)?;
        Some(json!({"id": PAGE, "recipient": who}))
    }

    /// Our authorize URL has sent a sheet on to the provider.
    pub fn opened(&mut self, query: &str, location: &str) {
        let (Some(state), Ok(location)) = (value_of(query, "state"), Url::parse(location)) else { return };
        let sent = value_of(location.query().unwrap_or_default(), "state");
        if let (Some(message), Some(sent)) = (self.message(&state).cloned(), sent) {
            keep(&mut self.sheets, (sent, message));
        }
    }

    /// What the app makes of an address that our callback sends it to; none if a browser goes there by itself.
    pub fn left(&self, query: &str, location: &str, now: i64) -> Option<Left> {
        if let Some(rest) = location.strip_prefix(CLOSES) {
            let told = rest.trim_start_matches('/').trim_start_matches('?');
            return Some(Left::Replied(reply(self.sheet(query)?, &authenticate(told))));
        }
        let url = Url::parse(location).ok()?;
        let told = url.query().unwrap_or_default();
        if location.starts_with(FACEBOOKS) {
            let token = value_of(told, "account_linking_token")?;
            let (_, who) = self.presses.iter().find(|(known, _)| *known == token)?;
            let code = value_of(told, "authorization_code");
            return Some(Left::InMessenger(code.map(|code| webhook(who, &code, now))));
        }
        if !location.starts_with(CAUGHT) {
            return None;
        }
        let message = self.sheet(query)?.clone();
        Some(match value_of(told, "code") {
            Some(code) => Left::Caught { form: redeeming(&code), message },
            None => Left::Replied(reply(&message, &json!({"status": "failed"}))),
        })
    }

    fn sheet(&self, query: &str) -> Option<&Value> {
        let state = value_of(query, "state")?;
        let open = self.sheets.iter().find(|(known, _)| *known == state).map(|(_, message)| message);
        open.or_else(|| self.message(&state))
    }

    /// The message with this state.
    fn message(&self, state: &str) -> Option<&Value> {
        let of = |message: &&Value| message.pointer(STATE).and_then(Value::as_str) == Some(state);
        self.messages.iter().find(of)
    }
}

/// What a phone opens when somebody presses the bubble of an authentication message (docs/apple.md); none for any other
/// message.
pub fn build_sheet(payload: &Value, origin: &str) -> Option<String> {
    let oauth2 = payload.pointer("/interactiveData/data/authenticate/oauth2")?;
    let text = |name: &str| oauth2[name].as_str();
    let scope: Vec<_> = oauth2["scope"].as_array()?.iter().filter_map(Value::as_str).collect();
    let mut url = Url::parse(&format!("{origin}{AUTHORIZE}")).ok()?;
    let mut query = url.query_pairs_mut();
    query.append_pair("client_id", APPLES_CLIENT);
    match text("redirectURI") {
        Some(ours) => query.append_pair("redirect_uri", ours),
        None => query
            .append_pair("redirect_uri", CAUGHT)
            .append_pair("response_encryption_key", text("responseEncryptionKey")?),
    };
    query
        .append_pair("response_type", text("responseType")?)
        .append_pair("scope", &scope.join(" "))
        .append_pair("state", text("state")?);
    drop(query);
    Some(url.into())
}

/// The reply of the older sign-in: what our token URL gave, encrypted for the key of its message. `own` are 48 random
/// bytes; none for the one draw in 2^190 that is no key, or for a message of another kind.
pub fn reply_encrypted(message: &Value, access_token: &str, own: &[u8]) -> Option<Value> {
    let key = message.pointer("/interactiveData/data/authenticate/oauth2/responseEncryptionKey")?.as_str()?;
    let token = encrypt(&STANDARD.decode(key).ok()?, access_token.as_bytes(), own)?;
    Some(reply(message, &json!({"status": "authenticated", "token": token})))
}

/// The phone's message when its sheet is closed, as Apple posts it.
fn reply(message: &Value, authenticate: &Value) -> Value {
    let data = &message["interactiveData"]["data"];
    json!({
        "id": message["id"], "v": 1, "type": "interactive",
        "sourceId": message["destinationId"], "destinationId": message["sourceId"],
        "interactiveData": {
            "bid": message["interactiveData"]["bid"],
            "data": {
                "requestIdentifier": data["requestIdentifier"],
                "version": data["version"],
                "authenticate": authenticate,
            },
        },
    })
}

/// What the phone takes over of the address that closed its sheet: a word, and a number if there is one.
fn authenticate(told: &str) -> Value {
    let status = value_of(told, "status").unwrap_or_else(|| "unknown".to_owned());
    match value_of(told, "error_code").and_then(|number| number.parse::<i64>().ok()) {
        Some(number) => json!({"status": status, "error_code": number}),
        None => json!({"status": status}),
    }
}

fn redeeming(code: &str) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", APPLES_CLIENT)
        .append_pair("code", code)
        .append_pair("grant_type", "authorization_code")
        .append_pair("redirect_uri", CAUGHT)
        .finish()
}

/// Facebook's webhook about somebody who came back with our code.
fn webhook(who: &str, code: &str, now: i64) -> Value {
    let linking = json!({"status": "linked", "authorization_code": code});
    let event = json!({
        "sender": {"id": who}, "recipient": {"id": PAGE}, "timestamp": now, "account_linking": linking,
    });
    json!({"object": "page", "entry": [{"id": PAGE, "messaging": [event]}]})
}

/// ECIES over P-384 as Apple's devices do it: the point, and the text by AES-256-GCM with an IV of 16 bytes, both of what
/// ANSI X9.63 derives from the shared secret.
fn encrypt(point: &[u8], plain: &[u8], own: &[u8]) -> Option<String> {
    let own = PrivateKey::from_private_key(&ECDH_P384, own).ok()?;
    let public = own.compute_public_key().ok()?;
    let derived = agree(&own, UnparsedPublicKey::new(&ECDH_P384, point), (), |shared| {
        let block = |counter: u8| {
            let input = [shared, &[0, 0, 0, counter], public.as_ref()].concat();
            digest::digest(&digest::SHA256, &input).as_ref().to_vec()
        };
        Ok([block(1), block(2)].concat())
    });
    let derived = derived.ok()?;
    let cipher = AesGcm::<Aes256, U16>::new_from_slice(&derived[..32]).ok()?;
    let iv = <&Nonce<U16>>::try_from(&derived[32..48]).ok()?;
    Some(STANDARD.encode([public.as_ref(), &cipher.encrypt(iv, plain).ok()?].concat()))
}

fn value_of(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

fn keep<T>(kept: &mut Vec<T>, one: T) {
    kept.push(one);
    if kept.len() > KEPT {
        kept.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::apple::response_key::ResponseKey;

    const ORIGIN: &str = "http://127.0.0.1:4711";

    fn message(oauth2: &Value) -> Value {
        json!({
            "id": "m-1", "sourceId": "business", "destinationId": "customer",
            "interactiveData": {"bid": "b", "data": {
                "version": "2.0", "requestIdentifier": "r-1", "authenticate": {"oauth2": oauth2},
            }},
        })
    }

    fn newer() -> Value {
        message(
            &json!({"responseType": "code", "scope": ["a", "b"], "state": "r-1.s", "redirectURI": "http://x/y"}),
        )
    }

    fn older(key: &str) -> Value {
        message(
            &json!({"responseType": "code", "scope": ["a"], "state": "r-1.s", "responseEncryptionKey": key}),
        )
    }

    /// A device whose sheet is at the provider.
    fn away(message: &Value) -> Device {
        let mut device = Device::default();
        device.note(message);
        device.opened("client_id=c&state=r-1.s", "https://provider.example/auth?state=ours");
        device
    }

    #[test]
    fn the_sheet_opens_what_the_message_says_and_nothing_else() {
        let url = build_sheet(&newer(), ORIGIN).unwrap();
        assert_eq!(
            url,
            "http://127.0.0.1:4711/web/inbound/abc/oauth/authorize?client_id=countersign&\
             redirect_uri=http%3A%2F%2Fx%2Fy&response_type=code&scope=a+b&state=r-1.s"
        );
        let url = build_sheet(&older("BKey"), ORIGIN).unwrap();
        assert!(url.contains("response_encryption_key=BKey") && url.contains("auth.businesschat.apple.com"));
        assert_eq!(build_sheet(&json!({"richLinkData": {}}), ORIGIN), None);
    }

    #[test]
    fn a_sheet_that_is_closed_replies_to_its_own_message_with_what_it_was_told() {
        let device = away(&newer());
        let left = device.left("state=ours&code=x", "messages-auth://?status=success&error_code=7", 0);
        let Some(Left::Replied(reply)) = left else { panic!("no reply: {left:?}") };
        assert_eq!((&reply["sourceId"], &reply["destinationId"]), (&json!("customer"), &json!("business")));
        let data = &reply["interactiveData"]["data"];
        assert_eq!(data["requestIdentifier"], "r-1");
        assert_eq!(data["authenticate"], json!({"status": "success", "error_code": 7}));
        // A second tap on the bubble is sent away by our authorize URL itself, whose state is the message's.
        let again = device.left("state=r-1.s", "messages-auth://?status=failure", 0);
        assert!(matches!(again, Some(Left::Replied(_))), "{again:?}");
        assert_eq!(device.left("state=another", "messages-auth://?status=success", 0), None);
        assert_eq!(device.left("state=ours", "https://elsewhere.example/", 0), None);
    }

    #[test]
    fn a_token_of_the_older_sign_in_reaches_us_encrypted_for_its_message() {
        let key = ResponseKey::from_random([7; 48]).unwrap();
        let message = older(&key.public_key());
        let left = away(&message).left("state=ours", "https://auth.businesschat.apple.com?code=c%2B1", 0);
        let Some(Left::Caught { form, message }) = left else { panic!("not caught: {left:?}") };
        assert!(form.contains("code=c%2B1") && form.contains("grant_type=authorization_code"), "{form}");
        let reply = reply_encrypted(&message, "the token", &[9; 48]).unwrap();
        let token = &reply["interactiveData"]["data"]["authenticate"]["token"];
        assert_eq!(key.decrypt(token.as_str().unwrap()).unwrap().expose(), "the token");
        let failed = away(&message).left("state=ours", "https://auth.businesschat.apple.com?error=x", 0);
        assert!(matches!(failed, Some(Left::Replied(_))), "{failed:?}");
    }

    #[test]
    fn facebook_knows_whose_press_it_was_and_takes_that_customer_back() {
        let mut device = Device::default();
        let url = device.press("http://127.0.0.1:4711/a/x", "T".to_owned(), "billy").unwrap();
        assert!(url.starts_with("http://127.0.0.1:4711/a/x?account_linking_token=T&redirect_uri=https%3A"));
        let question = |token: &str, access: &str| {
            device.answer(&format!("fields=recipient&account_linking_token={token}&access_token={access}"))
        };
        assert_eq!(question("T", PAGE_TOKEN), Some(json!({"id": PAGE, "recipient": "billy"})));
        assert_eq!((question("U", PAGE_TOKEN), question("T", "x")), (None, None));
        let back = format!("{FACEBOOKS}?account_linking_token=T");
        assert_eq!(device.left("", &back, 5), Some(Left::InMessenger(None)));
        let done = device.left("", &format!("{back}&authorization_code=C"), 5);
        let Some(Left::InMessenger(Some(webhook))) = done else { panic!("no webhook: {done:?}") };
        let event = &webhook["entry"][0]["messaging"][0];
        assert_eq!((&event["sender"]["id"], &event["timestamp"]), (&json!("billy"), &json!(5)));
        assert_eq!(event["account_linking"]["authorization_code"], "C");
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let mut device = Device::default();
        for number in 0..KEPT + 5 {
            device.press("http://127.0.0.1/a/x", number.to_string(), "billy");
        }
        assert_eq!(device.presses.len(), KEPT);
    }
}
