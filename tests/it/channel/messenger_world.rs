//! A broker with a page in Messenger, and beside it a Facebook that answers whose token it is.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode as Status, Uri};
use axum::routing::get;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::facebook::{Facebook, sign};
use super::world::{META_SECRET, PAGE_TOKEN, send};
use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness, MAPPING};

/// A broker with a page in Messenger, and Facebook beside it.
pub struct World {
    pub broker: Harness,
    pub facebook: Arc<Mutex<Facebook>>,
}

async fn who(State(facebook): State<Arc<Mutex<Facebook>>>, uri: Uri) -> (Status, Vec<u8>) {
    let url: Url = format!("https://graph.facebook.com{uri}").parse().unwrap();
    let known = url.query_pairs().any(|(name, value)| name == "access_token" && value == PAGE_TOKEN);
    if uri.path() != "/v25.0/me" || !known {
        return (Status::FORBIDDEN, Vec::new());
    }
    let answer = facebook.lock().unwrap().answer(&url);
    let status = if answer.starts_with(b"{\"error\"") { Status::BAD_REQUEST } else { Status::OK };
    (status, answer)
}

pub async fn start() -> World {
    start_with("").await
}

/// With more lines for the tenant's provider.
pub async fn start_with(provider: &str) -> World {
    let provider = format!("{MAPPING}\n{provider}");
    start_as(Choices { provider, ..Choices::default() }, async |choices| Harness::with(choices).await).await
}

/// With a broker that is started in another way.
pub async fn start_as(choices: Choices, run: impl AsyncFnOnce(Choices) -> Harness) -> World {
    let facebook = Arc::new(Mutex::new(Facebook::new(META_SECRET, "PAGE")));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().fallback(get(who)).with_state(Arc::clone(&facebook));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let tenant = format!(
        "[channel.messenger]\npage_id = \"PAGE\"\napp_secret = {{ env = \"META_SECRET\" }}\npage_token = {{ env = \"PAGE_TOKEN\" }}\ngraph = \"http://{address}/v25.0\"\n"
    );
    let broker = run(Choices { tenant, allow: vec![address], ..choices }).await;
    World { broker, facebook }
}

impl World {
    pub async fn link(&self, conversation: &str, handle: &str) -> Value {
        let at = json!({"id": conversation, "channel": "messenger", "handle": handle});
        let link = self.broker.post("/v1/auth-links", json!({"conversation": at})).await;
        assert_eq!(link["message"]["carrier"], "account_link", "{link}");
        link
    }

    /// Somebody presses *Log In* in a message: the page that Meta opens.
    pub async fn press(&self, who: &str, link: &Value) -> (Browser, Page, Url) {
        self.press_in(Browser::new(), who, link).await
    }

    /// The same in a web view that is there already.
    pub async fn press_in(&self, mut view: Browser, who: &str, link: &Value) -> (Browser, Page, Url) {
        let url = self.facebook.lock().unwrap().press(who, &link["message"]["payload"]);
        let page = view.get(&url).await;
        (view, page, url)
    }

    /// Presses *Log In* and *Continue*.
    pub async fn go_on(&self, who: &str, link: &Value) -> (Browser, Page) {
        self.go_on_in(Browser::new(), who, link).await
    }

    /// The same in a web view that is there already.
    pub async fn go_on_in(&self, view: Browser, who: &str, link: &Value) -> (Browser, Page) {
        let (mut view, page, _) = self.press_in(view, who, link).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let form = page.form();
        let answer = view.submit(&page, &form, &[]).await;
        (view, answer)
    }

    /// Signs in: where the browser goes then.
    pub async fn sign_in(&self, who: &str, link: &Value, decision: &str) -> Url {
        let (mut view, answer) = self.go_on(who, link).await;
        let back = view.sign_in_at_provider(&answer.location(), decision).await;
        view.get(&back).await.location()
    }

    /// The time in milliseconds, as Facebook writes it.
    pub fn now(&self) -> i64 {
        self.broker.clock.now().as_millisecond()
    }

    pub async fn post(&self, (header, body): (String, Vec<u8>)) -> (StatusCode, Value) {
        send(&self.broker, "messenger", &[("x-hub-signature-256", &header)], body).await
    }

    /// Facebook posts a webhook with some events.
    pub async fn tells(&self, events: &[Value]) -> (StatusCode, Value) {
        let body = json!({"object": "page", "entry": [{"id": "PAGE", "messaging": events}]});
        let body = body.to_string().into_bytes();
        self.post((sign(META_SECRET, &body), body)).await
    }

    /// Facebook takes somebody back, and posts its webhook.
    pub async fn comes_back(&self, url: &Url) -> (StatusCode, Value) {
        let webhook = self.facebook.lock().unwrap().comes_back(url);
        self.post(webhook).await
    }
}

/// Somebody takes the link back, at a time in milliseconds.
pub fn unlinked(who: &str, at: i64) -> Value {
    json!({"sender": {"id": who}, "recipient": {"id": "PAGE"}, "timestamp": at, "account_linking": {"status": "unlinked"}})
}

/// Somebody comes back with a code, at a time in milliseconds.
pub fn linked(who: &str, code: &str, at: i64) -> Value {
    json!({
        "sender": {"id": who}, "recipient": {"id": "PAGE"}, "timestamp": at,
        "account_linking": {"status": "linked", "authorization_code": code},
    })
}

/// Somebody writes something.
pub fn written(who: &str, name: &str, text: &str) -> Value {
    json!({"sender": {"id": who}, "recipient": {"id": "PAGE"}, "timestamp": 1, "message": {"mid": name, "text": text}})
}

/// The code that Facebook is to bring back.
pub fn brought(url: &Url) -> String {
    let code = url.query_pairs().find(|(name, _)| name == "authorization_code").expect("a code of ours");
    code.1.into_owned()
}
