//! The demo's desk against a broker that is scripted: which calls it makes, and what it shows.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countersign::cli::demo::desk;
use countersign::cli::demo::provider::{Backstage, DemoProvider, Trick};
use countersign::clock::Clock;
use countersign::secret::Secret;
use serde_json::{Value, json};
use tower::ServiceExt as _;

const HOST: &str = "127.0.0.1:4711";

/// A broker that answers by a script and remembers what it was asked.
#[derive(Clone, Default)]
struct Broker {
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    link: Arc<Mutex<Value>>,
    contact: Arc<Mutex<Value>>,
    reading: Arc<Mutex<Value>>,
    tokens: Arc<Mutex<u32>>,
}

impl Broker {
    fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    fn asked(&self, path: &str) -> Vec<Value> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(known, _)| known == path).map(|(_, body)| body.clone()).collect()
    }

    fn set_link(&self, link: Value) {
        *self.link.lock().unwrap() = link;
    }
}

async fn answer(State(broker): State<Broker>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 100_000).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    broker.asked.lock().unwrap().push((path.clone(), body.clone()));
    if parts.headers.get(header::HOST).map(axum::http::HeaderValue::as_bytes) != Some(HOST.as_bytes()) {
        return (StatusCode::MISDIRECTED_REQUEST, axum::Json(json!({"detail": "wrong host"})))
            .into_response();
    }
    if path == "/v1/oauth/token" {
        *broker.tokens.lock().unwrap() += 1;
        assert_eq!((&body["client_id"], &body["client_secret"]), (&json!("desk"), &json!("secret")));
        return axum::Json(json!({"access_token": format!("token-{}", broker.tokens.lock().unwrap())}))
            .into_response();
    }
    let wanted = format!("Bearer token-{}", broker.tokens.lock().unwrap());
    if parts.headers.get(header::AUTHORIZATION).is_none_or(|given| given != wanted.as_str()) {
        return (StatusCode::UNAUTHORIZED, axum::Json(json!({"detail": "token"}))).into_response();
    }
    let url = format!("http://{HOST}/a/abc");
    axum::Json(match path.as_str() {
        "/v1/auth-links" => json!({
            "id": "al_1", "status": "created", "url": url,
            "message": {"text": format!("Please sign in to Acme: {url}")},
        }),
        "/v1/auth-links/al_1" => broker.link.lock().unwrap().clone(),
        "/v1/contacts/ct_1" => broker.contact.lock().unwrap().clone(),
        "/v1/inbound/messages" => broker.reading.lock().unwrap().clone(),
        "/v1/events" => json!({"items": [], "next": "0"}),
        _ => return (StatusCode::NOT_FOUND, axum::Json(json!({"detail": "no such thing"}))).into_response(),
    })
    .into_response()
}

struct Stage {
    broker: Broker,
    desk: Router,
    provider: Backstage,
    _running: DemoProvider,
}

impl Stage {
    async fn start() -> Self {
        let clock = Clock::system();
        let running = DemoProvider::start(clock.clone()).await.unwrap();
        let (broker, provider) = (Broker::default(), running.backstage());
        broker.set_link(
            json!({"id": "al_1", "status": "created", "binding": {"minimum": "code", "reached": null}}),
        );
        let client = ("desk".to_owned(), Secret::new("secret"));
        let desk =
            desk::Demo::new(broker.router(), HOST.to_owned(), client, provider.clone(), clock).router();
        Self { broker, desk, provider, _running: running }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(Bytes::from(body.to_owned()))).unwrap();
        let response = self.desk.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1_000_000).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn page(&self) -> String {
        let (status, _, page) = self.ask("GET", "/demo", &[("host", HOST)], "").await;
        assert_eq!(status, StatusCode::OK);
        page
    }

    async fn press(&self, path: &str, form: &str) {
        let (status, headers, _) =
            self.ask("POST", path, &[("host", HOST), ("sec-fetch-site", "same-origin")], form).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(headers["location"], "/demo");
    }
}

#[tokio::test]
async fn a_sign_in_is_sent_and_stands_in_the_chat() {
    let stage = Stage::start().await;
    assert!(stage.page().await.contains("not sent"));
    stage.press("/demo/send", "channel=whatsapp").await;
    let order = &stage.broker.asked("/v1/auth-links")[0];
    assert_eq!(order["conversation"]["channel"], "whatsapp");
    assert_eq!(order["conversation"]["handle"], "+15550100");
    assert_eq!(order["sender"]["kind"], "agent");
    let page = stage.page().await;
    assert!(
        page.contains("href=\"http://127.0.0.1:4711/a/abc\" target=\"_blank\" rel=\"noopener noreferrer\"")
    );
    assert!(page.contains("data-status=\"created\""));
    assert!(page.contains("<option value=\"whatsapp\" selected>"));
}

#[tokio::test]
async fn a_message_reaches_the_broker_and_a_wrong_code_is_answered() {
    let stage = Stage::start().await;
    *stage.broker.reading.lock().unwrap() = json!({"matched": false, "attemptsLeft": 4});
    stage.press("/demo/message", "text=+CS-111111+%3Cb%3E").await;
    let inbound = &stage.broker.asked("/v1/inbound/messages")[0];
    assert_eq!((&inbound["text"], &inbound["from"]), (&json!("CS-111111 <b>"), &json!("+15550100")));
    let page = stage.page().await;
    assert!(page.contains("You have 4 more tries") && page.contains("CS-111111 &#60;b&#62;"));
    stage.press("/demo/message", "text=++").await;
    assert_eq!(stage.broker.asked("/v1/inbound/messages").len(), 1, "an empty message is none");
}

#[tokio::test]
async fn the_card_fills_in_when_the_sign_in_is_complete() {
    let stage = Stage::start().await;
    stage.press("/demo/send", "").await;
    stage.broker.set_link(json!({"status": "provisional", "binding": {"minimum": "code", "reached": null}}));
    let page = stage.page().await;
    assert!(page.contains("data-status=\"provisional\"") && page.contains("Unknown person"));
    stage.broker.set_link(json!({
        "status": "completed", "contactId": "ct_1", "binding": {"minimum": "code", "reached": "code"},
    }));
    *stage.broker.contact.lock().unwrap() = json!({
        "customerNumber": "CUST-000001", "fullName": "Billy Bob", "firstName": "Billy", "email": "billy@example.com",
        "fields": {}, "provenance": {"email": {"source": "provider", "provider": "demo", "at": "2026-11-22T14:00:00Z"}},
    });
    let page = stage.page().await;
    for shown in
        ["Billy Bob", "billy@example.com", "Binding: code", "provider “demo”, 14:00:00", "Thank you, Billy!"]
    {
        assert!(page.contains(shown), "`{shown}` is missing");
    }
}

#[tokio::test]
async fn a_failure_shows_its_step_and_code() {
    let stage = Stage::start().await;
    stage.press("/demo/send", "").await;
    stage
        .broker
        .set_link(json!({"status": "failed", "step": "exchange", "code": "token_timeout", "binding": {}}));
    assert!(stage.page().await.contains("<code>token_timeout at exchange</code>"));
    stage.broker.set_link(json!({"status": "cancelled", "code": "declined", "binding": {}}));
    let page = stage.page().await;
    assert!(page.contains("<code>declined</code>") && page.contains("that link no longer works"));
}

#[tokio::test]
async fn the_live_parts_are_sent_only_when_they_changed() {
    let stage = Stage::start().await;
    let (status, headers, html) = stage.ask("GET", "/demo/live", &[("host", HOST)], "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(html.matches("data-part=").count(), 2);
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let known = [("host", HOST), ("if-none-match", tag.as_str())];
    assert_eq!(stage.ask("GET", "/demo/live", &known, "").await.0, StatusCode::NOT_MODIFIED);
    stage.press("/demo/send", "").await;
    assert_eq!(stage.ask("GET", "/demo/live", &known, "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_token_is_fetched_anew_and_a_known_one_is_kept() {
    let stage = Stage::start().await;
    stage.page().await;
    stage.page().await;
    assert_eq!(*stage.broker.tokens.lock().unwrap(), 1);
    *stage.broker.tokens.lock().unwrap() = 7;
    assert!(!stage.page().await.contains("role=\"alert\""));
    assert_eq!(*stage.broker.tokens.lock().unwrap(), 8);
}

#[tokio::test]
async fn what_the_broker_refuses_is_shown_to_the_agent() {
    let stage = Stage::start().await;
    stage.press("/demo/send", "").await;
    stage.broker.set_link(json!({"status": "completed", "contactId": "ct_unknown", "binding": {}}));
    let page = stage.page().await;
    assert!(page.contains("role=\"alert\"") && page.contains("no such thing"));
}

#[tokio::test]
async fn a_fault_is_chosen_at_the_desk_and_the_menu_has_them_all() {
    let stage = Stage::start().await;
    let page = stage.page().await;
    for trick in Trick::ALL {
        assert!(page.contains(&format!("<option value=\"{trick}\">")), "{trick}");
    }
    stage.press("/demo/trick", "trick=token-500").await;
    stage.press("/demo/trick", "trick=whoami-401").await;
    assert_eq!(stage.provider.scripted(), [Trick::WhoamiRefused], "the last choice holds");
    assert!(stage.page().await.contains("Waiting for its turn"));
    stage.press("/demo/trick", "trick=").await;
    assert!(stage.provider.scripted().is_empty());
}

#[tokio::test]
async fn a_restart_begins_another_conversation() {
    let stage = Stage::start().await;
    stage.press("/demo/send", "").await;
    stage.press("/demo/restart", "").await;
    assert!(stage.page().await.contains("not sent"));
    stage.press("/demo/send", "").await;
    let orders = stage.broker.asked("/v1/auth-links");
    assert_ne!(orders[0]["conversation"]["id"], orders[1]["conversation"]["id"]);
}

#[tokio::test]
async fn another_site_cannot_press_its_buttons_or_read_it() {
    let stage = Stage::start().await;
    for (headers, expected) in [
        ([("host", HOST), ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        ([("host", HOST), ("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        ([("host", HOST), ("origin", "https://attacker.example")], StatusCode::FORBIDDEN),
        (
            [("host", "attacker.example"), ("origin", "http://attacker.example")],
            StatusCode::MISDIRECTED_REQUEST,
        ),
    ] {
        let (status, _, _) = stage.ask("POST", "/demo/message", &headers, "text=x").await;
        assert_eq!(status, expected, "{headers:?}");
    }
    assert!(stage.broker.asked("/v1/inbound/messages").is_empty());
    let (status, _, _) = stage.ask("GET", "/demo", &[("host", "attacker.example")], "").await;
    assert_eq!(status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_page_allows_its_own_script_and_nothing_else() {
    let stage = Stage::start().await;
    let (_, headers, page) = stage.ask("GET", "/demo", &[("host", HOST)], "").await;
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    assert!(!policy.contains("unsafe") && !page.contains(" style=") && !page.contains("<script>"));
    for path in ["/demo/desk.css", "/demo/desk.js", "/demo/icon.svg"] {
        assert!(page.contains(path));
        assert_eq!(stage.ask("GET", path, &[("host", HOST)], "").await.0, StatusCode::OK);
    }
}
