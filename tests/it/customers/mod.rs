//! Customers without a chat: emailed codes, the Client API, and the SDK in a browser.
//!
//! To add a case of the API: 1. a call by [`Shop`] in the file of its kind, 2. the same call as another customer, and
//! without a token, in `scope`.

#[cfg(test)]
mod codes;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod origins;
#[cfg(test)]
mod scope;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::doors::Office;
use crate::harness::{Choices, Harness};

/// The publishable key of the shop.
pub const KEY: &str = "pk_dom_0123456789abcdef";
/// Its origin.
pub const ORIGIN: &str = "https://shop.acme.example";
/// Another website of the tenant, with its own key and origin.
pub const OTHER_KEY: &str = "pk_dom_fedcba9876543210";
/// Its origin.
pub const OTHER_ORIGIN: &str = "https://blog.acme.example";
/// A customer's address.
pub const DANA: &str = "dana@customers.example";
/// Another one's.
pub const EVE: &str = "eve@customers.example";

/// A broker whose tenant has two websites, and whose letters go into a folder.
pub struct Shop {
    pub office: Office,
}

/// An answer of the Client API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// What a call that worked answers.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert_eq!((self.status, &self.body["success"]), (200, &json!(true)), "{}", self.body);
        assert_eq!(self.body.as_object().unwrap().len(), 2, "{}", self.body);
        &self.body["data"]
    }

    /// A refusal, in its form.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let error = &self.body["error"];
        assert_eq!((self.status, error["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!((&self.body["success"], self.body.as_object().unwrap().len()), (&json!(false), 2));
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
        let known = ["code", "message", "attemptsLeft", "faults"];
        assert!(error.as_object().unwrap().keys().all(|name| known.contains(&&**name)), "{error}");
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(status == 401, self.headers.contains_key("www-authenticate"), "RFC 9110, 15.5.2");
        self
    }
}

impl Shop {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// With more lines of `[customers]`.
    pub async fn with(customers: &str) -> Self {
        Self::of(customers, Choices::default()).await
    }

    /// With more lines of `[customers]`, and other choices.
    pub async fn of(customers: &str, choices: Choices) -> Self {
        let tenant = format!("{}\n{}", choices.tenant, settings(customers, ORIGIN));
        Self { office: Office::with(Choices { tenant, ..choices }).await }
    }

    pub fn broker(&self) -> &Harness {
        &self.office.broker
    }

    /// A call from the shop's pages.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.broker().plain(method, &format!("/api/client/v1/{path}")).header("origin", ORIGIN)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// A call of a customer.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).bearer_auth(token);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, Method::GET, path, None).await
    }

    /// Asks for a code.
    pub async fn send(&self, email: &str) -> Answer {
        self.post("otp/send", &json!({"publicKey": KEY, "email": email})).await
    }

    /// Asks for a code that comes: its ticket, and the six digits of the letter.
    pub async fn ask(&self, email: &str) -> (String, String) {
        let before = self.office.letters().len();
        let sent = self.send(email).await;
        let ticket = sent.data()["ticket"].as_str().unwrap().to_owned();
        (ticket, code_of(&self.office.letter(before).await))
    }

    pub async fn verify(&self, email: &str, ticket: &str, code: &str) -> Answer {
        self.post("otp/verify", &typed(email, ticket, code)).await
    }

    /// The whole way: what a customer has at its end.
    pub async fn sign_in(&self, email: &str) -> Value {
        let (ticket, code) = self.ask(email).await;
        self.verify(email, &ticket, &code).await.data().clone()
    }

    /// The same, of which only the access token is wanted.
    pub async fn token(&self, email: &str) -> String {
        self.sign_in(email).await["access_token"].as_str().unwrap().to_owned()
    }
}

/// What the shop's page sends with a code.
pub fn typed(email: &str, ticket: &str, code: &str) -> Value {
    json!({"publicKey": KEY, "email": email, "ticket": ticket, "code": code})
}

/// Lines of a tenant's file: what customers may do, and two websites.
pub fn settings(customers: &str, origin: &str) -> String {
    format!(
        r##"
[customers]
email_code = true
{customers}
[[website]]
public_key = "{KEY}"
origins = ["{origin}", "https://www.acme.example"]
sender = "Acme Shop"
accent = "#ffdd00"
[[website]]
public_key = "{OTHER_KEY}"
origins = ["{OTHER_ORIGIN}"]
"##
    )
}

/// Sends a request and reads its answer.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
}

/// The six digits of a customer's letter: the first line of its plain part.
pub fn code_of(letter: &str) -> String {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|digit| digit.is_ascii_digit());
    letter.split("\r\n").find(is_code).unwrap_or_else(|| panic!("no code in {letter}")).to_owned()
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
