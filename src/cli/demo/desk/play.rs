//! Between the broker and the customer's browser. Where a phone or Facebook would catch the customer, the demo does, and
//! says in words what happens on a real device.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::device::{self, Left};
use super::platform::PlatformError;
use super::{Desk, POLICY, drawn};

/// What the customer sees when the app has taken over.
#[derive(Template)]
#[template(path = "demo/desk/app.html")]
struct AppView {
    heading: &'static str,
    /// What happened here.
    here: &'static str,
    /// What happens on a real device.
    device: &'static str,
    /// What went wrong on the demo's side.
    fault: Option<String>,
}

/// Lets everything pass but a redirect that leads into an app.
pub(super) async fn play(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let (path, query) =
        (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let response = next.run(request).await;
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
    let Some(location) = location else { return response };
    let left = {
        let mut device = desk.device();
        if path == device::AUTHORIZE {
            device.opened(&query, location);
        }
        device.left(&query, location, desk.clock.now().as_millisecond())
    };
    let Some(left) = left else { return response };
    let mut view = view(&left);
    view.fault = desk.go_on(left).await.err().map(|error| error.to_string());
    let mut page = Html(drawn(&view)).into_response();
    let headers = page.headers_mut();
    headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in response.headers().get_all(header::SET_COOKIE) {
        headers.append(header::SET_COOKIE, cookie.clone());
    }
    page
}

/// Facebook's answer to the broker: whose press it was (`GET /<version>/me?fields=recipient`).
pub(super) async fn graph(State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery) -> Response {
    match desk.device().answer(&query.unwrap_or_default()) {
        Some(answer) => Json(answer).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({"error": {"code": 100}}))).into_response(),
    }
}

impl Desk {
    /// What the app sends, by the platform's way: it hands on what the channel posts to it.
    async fn go_on(&self, left: Left) -> Result<(), PlatformError> {
        let (channel, webhook) = match left {
            Left::Replied(reply) => ("apple", reply),
            Left::Caught { form, message } => {
                let answer = self.platform.post_form(device::TOKEN, &form).await?;
                let token = answer["access_token"].as_str().unwrap_or_default();
                let mut own = [0; 48];
                self.clock.fill(&mut own);
                ("apple", device::reply_encrypted(&message, token, &own).unwrap_or(Value::Null))
            }
            Left::InMessenger(Some(webhook)) => ("messenger", webhook),
            Left::InMessenger(None) => return Ok(()),
        };
        self.platform.post(&format!("/v1/inbound/{channel}"), &webhook).await.map(drop)
    }
}

fn view(left: &Left) -> AppView {
    let (heading, here, device) = match left {
        Left::Replied(_) => (
            "The sheet is closed",
            "The demo’s phone has replied to the message, and Apple’s webhook with its reply has reached the broker.",
            "On an iPhone this page is never seen: the last redirect leads to messages-auth:, which closes the sheet over \
             the chat, and the bubble says how it went.",
        ),
        Left::Caught { .. } => (
            "The phone has caught the code",
            "The demo’s phone has redeemed it at the token URL, encrypted the token for the key of this message, and \
             replied; Apple’s webhook with its reply has reached the broker.",
            "On an iPhone of the older kind this page is never seen: the sheet closes at Apple’s own address. The code and \
             the token are good for nothing else.",
        ),
        Left::InMessenger(_) => (
            "Back in Messenger",
            "The demo has played Facebook: it said who pressed Log In, and its webhook says who came back.",
            "In Messenger’s app this is Facebook’s own page, which closes by itself.",
        ),
    };
    AppView { heading, here, device, fault: None }
}
