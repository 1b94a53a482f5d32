//! Facebook as it behaves in account linking (CHANNELS §2): it opens our page with a token of whoever pressed the button,
//! says whose token it is, takes the customer back, and posts a signed webhook.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use url::Url;

/// Messenger, with one page.
pub struct Facebook {
    pub app_secret: &'static str,
    pub page: &'static str,
    tokens: HashMap<String, String>,
    asked: AtomicUsize,
}

impl Facebook {
    pub fn new(app_secret: &'static str, page: &'static str) -> Self {
        Self { app_secret, page, tokens: HashMap::new(), asked: AtomicUsize::new(0) }
    }

    /// The URL that opens when somebody presses *Log In* in a message.
    pub fn press(&mut self, who: &str, message: &Value) -> Url {
        let button = &message["message"]["attachment"]["payload"]["buttons"][0];
        assert_eq!(button["type"], "account_link");
        let token = format!("AR+/{}", self.tokens.len());
        self.tokens.insert(token.clone(), who.to_owned());
        let mut url: Url = button["url"].as_str().unwrap().parse().unwrap();
        let back = "https://www.facebook.com/messenger_platform/account_linking/?account_linking_token=";
        let mut back: Url = back.parse().unwrap();
        back.set_query(None);
        back.query_pairs_mut().append_pair("account_linking_token", &token);
        url.query_pairs_mut()
            .append_pair("account_linking_token", &token)
            .append_pair("redirect_uri", back.as_str());
        url
    }

    /// The answer to the question whose token it is.
    pub fn answer(&self, question: &Url) -> Vec<u8> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let of =
            |wanted: &str| question.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned();
        assert_eq!(of("fields"), "recipient");
        match self.tokens.get(&of("account_linking_token")) {
            Some(who) => json!({"id": self.page, "recipient": who}).to_string().into_bytes(),
            None => br#"{"error": {"code": 100}}"#.to_vec(),
        }
    }

    /// How often it was asked whose token it is.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The signed webhook that follows when somebody is taken back with a code.
    pub fn comes_back(&self, url: &Url) -> (String, Vec<u8>) {
        let of = |wanted: &str| {
            url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
        };
        let who = &self.tokens[&of("account_linking_token").unwrap()];
        let linking =
            of("authorization_code").map(|code| json!({"status": "linked", "authorization_code": code}));
        let event = json!({"sender": {"id": who}, "recipient": {"id": self.page}, "timestamp": 1, "account_linking": linking});
        let body = json!({"object": "page", "entry": [{"id": self.page, "messaging": [event]}]})
            .to_string()
            .into_bytes();
        (sign(self.app_secret, &body), body)
    }
}

/// The header `X-Hub-Signature-256` of a body.
pub fn sign(app_secret: &str, body: &[u8]) -> String {
    let mut header = "sha256=".to_owned();
    let key = hmac::Key::new(hmac::HMAC_SHA256, app_secret.as_bytes());
    for byte in hmac::sign(&key, body).as_ref() {
        write!(header, "{byte:02x}").unwrap();
    }
    header
}
