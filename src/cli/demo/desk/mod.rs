//! The demo page: the agent's desk on the left, the customer's phone on the right. The desk is a
//! messaging platform in small: it knows the broker only through its public API (`platform.rs`).
//!
//! | path | what |
//! |---|---|
//! | `GET /demo` | the page |
//! | `GET /demo/live` | its live parts, with an `ETag` |
//! | `POST /demo/send` | *Send sign-in* |
//! | `POST /demo/message` | a message of the customer |
//! | `POST /demo/trick` | a fault of the provider's next answer |
//! | `POST /demo/restart` | a new conversation |
//! | `POST /demo/console` | into the agent's console (`../console.rs`) |
//! | `GET /demo/graph/…` | the broker asks Facebook who pressed its button (`play.rs`) |
//!
//! The broker's own pages stand beside these, and [`Demo::around`] plays the customer's app for them.
//!
//! To add an action: 1. a handler here and a row above and in [`Demo::router`], 2. a form in
//! `templates/demo/desk/page.html` (the script sends every form in the background), 3. a case in
//! `tests/it/demo_desk.rs`.

mod app;
pub mod device;
mod message;
mod platform;
mod play;
mod scene;
mod view;

use std::sync::{Arc, MutexGuard, PoisonError};

use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::domain::conversation::Channel;
use crate::secret::Secret;

use super::provider::{Backstage, Trick};
use app::App;
use device::Device;
use message::Opens;
use platform::{Platform, PlatformError};
use scene::{Author, Scene};
use view::{Live, LiveView, PageView};

/// What the page's script may do, and nothing else may.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/// The desk and what it needs.
#[derive(Debug)]
struct Desk {
    platform: Platform,
    provider: Backstage,
    clock: Clock,
    scene: Mutex<Scene>,
    device: std::sync::Mutex<Device>,
}

/// The demo page, and the customer's apps beside it.
#[derive(Debug, Clone)]
pub struct Demo(Arc<Desk>);

impl Demo {
    /// `broker` is called in process under `host` (`127.0.0.1:8080`, as the browser writes it) with a token of `client`.
    pub fn new(
        broker: Router,
        host: String,
        client: (String, Secret),
        provider: Backstage,
        clock: Clock,
    ) -> Self {
        let scene = Mutex::new(Scene::new(fresh_conversation(&clock), "0".to_owned(), clock.now()));
        let (platform, device) = (Platform::new(broker, host, client), std::sync::Mutex::default());
        Self(Arc::new(Desk { platform, provider, clock, scene, device }))
    }

    /// The routes of the demo page, all below `/demo`.
    pub fn router(&self) -> Router {
        let desk = Arc::clone(&self.0);
        Router::new()
            .route("/demo", get(page))
            .route("/demo/live", get(live))
            .route("/demo/send", post(send))
            .route("/demo/message", post(message))
            .route("/demo/trick", post(trick))
            .route("/demo/restart", post(restart))
            .route("/demo/graph/{version}/me", get(play::graph))
            .route("/demo/desk.css", get(stylesheet))
            .route("/demo/desk.js", get(script))
            .route("/demo/icon.svg", get(icon))
            .layer(middleware::from_fn_with_state(Arc::clone(&desk), guard))
            .with_state(desk)
    }

    /// The broker's pages, with the customer's app around them.
    pub fn around(&self, broker: Router) -> Router {
        broker.layer(middleware::from_fn_with_state(Arc::clone(&self.0), play::play))
    }
}

/// Every request passes here: what is refused, and the headers of what is not.
async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    if let Some(refusal) = refusal(desk.platform.host(), &request) {
        return refusal.into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Only the page itself may act, and only under its own host name: another site that this browser
/// shows must neither press its buttons nor read it under a name of its own.
pub(super) fn refusal(own: &str, request: &Request) -> Option<(StatusCode, &'static str)> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text("host") != Some(own) {
        return Some((StatusCode::MISDIRECTED_REQUEST, "the demo is served under another address"));
    }
    let foreign_site = text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let foreign_origin = text("origin").is_some_and(|origin| origin != format!("http://{own}"));
    let acts = request.method() == Method::POST;
    (acts && (foreign_site || foreign_origin))
        .then_some((StatusCode::FORBIDDEN, "only the demo page itself can do that"))
}

async fn page(State(desk): State<Arc<Desk>>) -> Response {
    let mut scene = desk.scene.lock().await;
    let live = desk.look(&mut scene).await;
    let (channel, app) = (scene.channel, scene.app);
    let view = PageView { live, channels: &Channel::ALL, channel, apps: &App::ALL, app, tricks: Trick::ALL };
    Html(drawn(&view)).into_response()
}

async fn live(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    let mut scene = desk.scene.lock().await;
    let html = drawn(&LiveView { live: desk.look(&mut scene).await });
    let tag = format!("\"{}\"", tag_of(&html));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag)], Html(html)).into_response()
}

async fn send(State(desk): State<Arc<Desk>>, body: Bytes) -> Redirect {
    let mut scene = desk.scene.lock().await;
    if let Some(channel) = field(&body, "channel").and_then(|name| name.parse().ok()) {
        scene.channel = channel;
    }
    if let Some(app) = field(&body, "app").and_then(|name| name.parse().ok()) {
        scene.app = app;
    }
    let order = json!({
        "conversation": {"id": scene.conversation, "channel": scene.channel, "handle": scene.handle()},
        "sender": {"kind": "agent", "id": "dana"},
        "capabilities": scene.app.capabilities(scene.channel),
        "metadata": {"from": "demo"},
    });
    let answer = desk.platform.post("/v1/auth-links", &order).await;
    scene.fault = answer.as_ref().err().map(PlatformError::to_string);
    if let Ok(link) = answer {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, url) = (text(&link["id"]), text(&link["url"]));
        let opens = desk.receive(&link["message"], &url, scene.handle());
        scene.send_link(id, &link["message"], &opens, desk.clock.now());
    }
    Redirect::to("/demo")
}

async fn message(State(desk): State<Arc<Desk>>, body: Bytes) -> Redirect {
    let text = field(&body, "text").unwrap_or_default();
    let text: String = text.trim().chars().take(1000).collect();
    if text.is_empty() {
        return Redirect::to("/demo");
    }
    let mut scene = desk.scene.lock().await;
    scene.say(Author::Customer, text.as_str(), desk.clock.now());
    let inbound = json!({
        "conversationId": scene.conversation, "channel": scene.channel, "from": scene.handle(), "text": text,
    });
    let answer = desk.platform.post("/v1/inbound/messages", &inbound).await;
    scene.fault = answer.as_ref().err().map(PlatformError::to_string);
    if let Some(left) = answer.ok().and_then(|answer| answer["attemptsLeft"].as_u64()) {
        let reply = match left {
            0 => "That was not the code, and it can no longer be used. Please sign in once more.".to_owned(),
            1 => "That was not the code. You have one more try.".to_owned(),
            left => format!("That was not the code. You have {left} more tries."),
        };
        scene.say(Author::Business, reply, desk.clock.now());
    }
    Redirect::to("/demo")
}

async fn trick(State(desk): State<Arc<Desk>>, body: Bytes) -> Redirect {
    desk.provider.forget_script();
    if let Some(trick) = field(&body, "trick").and_then(|name| name.parse().ok()) {
        desk.provider.script(trick);
    }
    Redirect::to("/demo")
}

async fn restart(State(desk): State<Arc<Desk>>) -> Redirect {
    let mut scene = desk.scene.lock().await;
    let _ = desk.look(&mut scene).await;
    let (channel, app) = (scene.channel, scene.app);
    *scene = Scene::new(fresh_conversation(&desk.clock), scene.cursor.clone(), desk.clock.now());
    (scene.channel, scene.app) = (channel, app);
    desk.provider.forget_script();
    Redirect::to("/demo")
}

async fn stylesheet() -> Response {
    let css = include_str!("../../../../assets/demo/desk.css");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], css).into_response()
}

async fn script() -> Response {
    let js = include_str!("../../../../assets/demo/desk.js");
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], js).into_response()
}

async fn icon() -> Response {
    let svg = include_str!("../../../../assets/page/icon.svg");
    ([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response()
}

impl Desk {
    /// The customer's apps.
    fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message reaches the customer's app: what it opens when the customer presses.
    fn receive(&self, message: &Value, url: &str, customer: &str) -> Opens {
        let (payload, carrier) = (&message["payload"], message["carrier"].as_str().unwrap_or_default());
        let mut device = self.device();
        let pressed = match carrier {
            "authenticate_v1" | "authenticate_v2" => {
                device.note(payload);
                device::build_sheet(payload, &format!("http://{}", self.platform.host()))
            }
            "account_link" => device.press(url, self.clock.fresh_token().expose().to_owned(), customer),
            _ => None,
        };
        Opens { link: url.to_owned(), pressed }
    }

    /// Asks the broker how things are, and lets the scene take notice.
    async fn look(&self, scene: &mut Scene) -> Live {
        let (link, contact) = match self.ask(scene).await {
            Ok(found) => found,
            Err(error) => {
                scene.fault = Some(error.to_string());
                (None, None)
            }
        };
        if let Some(status) = link.as_ref().and_then(|link| link["status"].as_str()) {
            let name = contact.as_ref().and_then(|contact| contact["firstName"].as_str());
            scene.tell_status(status, name, self.clock.now());
        }
        Live::new(scene, link.as_ref(), contact.as_ref(), self.provider.scripted())
    }

    /// The link, its contact, and the new events.
    async fn ask(&self, scene: &mut Scene) -> Result<(Option<Value>, Option<Value>), PlatformError> {
        let events = self.platform.get(&format!("/v1/events?after={}", scene.cursor)).await?;
        let items = events["items"].as_array().map_or(&[][..], Vec::as_slice);
        let last = items.last().and_then(|event| event["id"].as_str()).unwrap_or(&scene.cursor).to_owned();
        scene.note_events(items, last);
        let Some(id) = &scene.link else { return Ok((None, None)) };
        let link = self.platform.get(&format!("/v1/auth-links/{id}")).await?;
        let contact = match link["contactId"].as_str() {
            Some(id) => Some(self.platform.get(&format!("/v1/contacts/{id}")).await?),
            None => None,
        };
        Ok((Some(link), contact))
    }
}

fn drawn(view: &impl Template) -> String {
    view.render().expect("a template writes to memory, which does not fail")
}

/// A short name for a text, for the browser to compare.
fn tag_of(html: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, html.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12])
}

fn field(body: &[u8], name: &str) -> Option<String> {
    url::form_urlencoded::parse(body).find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

fn fresh_conversation(clock: &Clock) -> String {
    format!("demo-{}", clock.fresh_uuid().simple())
}
