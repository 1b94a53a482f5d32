//! A broker whose tenant has accounts at the channels, with the phone, the gateway and the Facebook beside it.

use countersign::domain::conversation::Channel;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::messages_app::{Gateway, Page, Phone, Registered, Sheet};
use crate::harness::browser::{self, Browser};
use crate::harness::{Choices, Harness};

/// What Apple gave out, in base64.
pub const APPLE_SECRET: &str = "YSBzZWNyZXQgdGhhdCBBcHBsZSBnYXZlIG91dA==";
/// What signs the webhooks of Meta's app.
pub const META_SECRET: &str = "the app's secret";
/// What Meta knows when it asks for an address.
pub const META_VERIFY: &str = "our word at Meta";
/// The page's token.
pub const PAGE_TOKEN: &str = "the page's token";

/// What the environment of a broker holds of all that.
pub const SECRETS: [(&str, &str); 4] = [
    ("APPLE_SECRET", APPLE_SECRET),
    ("META_SECRET", META_SECRET),
    ("META_VERIFY", META_VERIFY),
    ("PAGE_TOKEN", PAGE_TOKEN),
];

pub const BUSINESS: &str = "biz-1";
pub const GATEWAY: Gateway = Gateway { platform_id: "platform-1", key: b"a secret that Apple gave out" };
pub const BILLY: Phone = Phone { customer: "urn:mbid:BILLY" };
pub const MALLORY: Phone = Phone { customer: "urn:mbid:MALLORY" };

/// The tenant's account at Apple, with more lines.
pub fn apple(more: &str) -> String {
    format!(
        "[channel.apple]\nbusiness_id = \"{BUSINESS}\"\nmsp_id = \"platform-1\"\nsecret = {{ env = \"APPLE_SECRET\" }}\n{more}\n"
    )
}

/// A broker whose tenant signs in at Apple.
pub struct AppleWorld {
    pub broker: Harness,
}

/// A sheet over the chat, and the web view in it, which holds no cookies when it opens.
pub struct Opened {
    pub sheet: Sheet,
    pub view: Browser,
    /// Where our authorize page sent it.
    pub answer: browser::Page,
}

impl AppleWorld {
    pub async fn start(more: &str) -> Self {
        Self::with(Choices { tenant: apple(more), ..Choices::default() }).await
    }

    pub async fn with(choices: Choices) -> Self {
        Self { broker: Harness::with(choices).await }
    }

    /// Makes a link for somebody's phone.
    pub async fn link(&self, conversation: &str, phone: &Phone, more: Value) -> Value {
        let at = json!({"id": conversation, "channel": Channel::Apple, "handle": phone.customer});
        let mut order = json!({"conversation": at, "capabilities": ["auth"]});
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        self.broker.post("/v1/auth-links", order).await
    }

    /// What stands in Apple's register for this tenant.
    pub fn registered(&self) -> Registered {
        let authorize = format!("{}/web/inbound/abc/oauth/authorize?lost=1", self.broker.origin);
        Registered { authorize: authorize.parse().unwrap(), client_id: "countersign" }
    }

    /// Somebody presses the bubble of a message.
    pub async fn press(&self, phone: &Phone, link: &Value) -> Opened {
        self.press_in(Browser::new(), phone, link).await
    }

    /// The same in a web view that is there already.
    pub async fn press_in(&self, mut view: Browser, phone: &Phone, link: &Value) -> Opened {
        let sheet = phone.press(&link["message"]["payload"], &self.registered());
        let sheet = sheet.unwrap_or_else(|fault| panic!("the phone refuses the message: {fault}"));
        let answer = view.get(&sheet.url).await;
        Opened { sheet, view, answer }
    }

    /// The same up to the end of the sign-in: what the sheet does then.
    pub async fn sign_in(&self, phone: &Phone, link: &Value) -> (Opened, Page) {
        let mut opened = self.press(phone, link).await;
        let page = opened.sign_in("allow").await;
        (opened, page)
    }

    /// Apple's gateway posts a message: the status and the answer.
    pub async fn post(&self, message: &Value) -> (StatusCode, Value) {
        self.post_as(&GATEWAY, message, 0).await
    }

    /// Another gateway, or one whose token is some seconds old.
    pub async fn post_as(&self, gateway: &Gateway, message: &Value, age: i64) -> (StatusCode, Value) {
        let (token, body) = gateway.post(message, self.broker.clock.now().as_second() - age);
        self.send("apple", &[("authorization", &token)], body).await
    }

    /// Posts to the door of a channel.
    pub async fn send(&self, channel: &str, headers: &[(&str, &str)], body: Vec<u8>) -> (StatusCode, Value) {
        send(&self.broker, channel, headers, body).await
    }

    /// A link as the API tells it.
    pub async fn status(&self, link: &Value) -> Value {
        self.broker.status(link).await
    }
}

impl Opened {
    /// The customer signs in, and the sheet follows the provider back to us.
    pub async fn sign_in(&mut self, decision: &str) -> Page {
        let back = self.reach_callback(decision).await;
        self.arrive(&back).await
    }

    /// The customer signs in, up to the address of our callback.
    pub async fn reach_callback(&mut self, decision: &str) -> Url {
        let authorize = self.answer.location();
        self.view.sign_in_at_provider(&authorize, decision).await
    }

    /// The sheet loads an address, and follows what it says.
    pub async fn arrive(&mut self, url: &Url) -> Page {
        let answer = self.view.get(url).await;
        self.sheet.follow(&location(&answer))
    }
}

/// Whether the sheet was closed by our own last page.
pub fn is_success(page: &Page) -> bool {
    matches!(page, Page::Closed { status: "success", error_code: Some(_) })
}

/// Where a redirect leads, to the letter.
pub fn location(page: &browser::Page) -> String {
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    page.headers["location"].to_str().unwrap().to_owned()
}

/// Posts to the door of a channel, without a token of ours.
pub async fn send(
    broker: &Harness,
    channel: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (StatusCode, Value) {
    let mut request = broker.plain(Method::POST, &format!("/v1/inbound/{channel}")).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}
