//! `POST /embed/listen`: what becomes of a link, as server-sent events, for the page of its chat. The element reads them
//! by `fetch`, because an `EventSource` would put the token into the URL. Only pages of the tenant's chat may read the
//! answer (CORS, to the letter, without cookies), and it says nothing of who anybody is.
//!
//! | event | data |
//! |---|---|
//! | `status` | `{"status": "opened", "final": false, "binding": null}`, at once and at every change |
//!
//! It ends when the link is final, after ten minutes, and when the broker stops: the element then comes back.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc::{self, Sender};

use crate::domain::ids::LinkId;
use crate::domain::link::LinkStatus;
use crate::domain::tenant::Tenant;
use crate::flow::waiting::Wait;
use crate::flow::web_chat::{ChatError, ChatNews};
use crate::web::Web;
use crate::web::visit::Visit;

use super::{origin_of_chat, token_of};

/// How often something is sent, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// For how long one answer goes on.
const LONGEST: Duration = Duration::from_mins(10);
/// Pieces that wait for a reader.
const WAITING: usize = 4;
/// A reader that takes nothing for so long has gone.
const SLOWEST: Duration = Duration::from_secs(30);

/// Follows one link.
pub async fn listen(visit: Visit, State(web): State<Arc<Web>>, request: Request) -> Response {
    let Ok(origin) = origin_of_chat(&visit.tenant, &visit.headers).map(str::to_owned) else {
        return plain(StatusCode::FORBIDDEN);
    };
    let mut response = if visit.method == Method::POST {
        follow(&visit, web, token_of(request).await).await
    } else {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED);
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        refusal
    };
    let headers = response.headers_mut();
    let origin = HeaderValue::from_str(&origin).expect("an origin of the settings is ASCII");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    response
}

async fn follow(visit: &Visit, web: Arc<Web>, token: String) -> Response {
    let link = match web.broker.link_of_chat(&visit.tenant, &token).await {
        Ok(link) => link,
        Err(ChatError::Unknown) => {
            let missed = web.limits.miss(visit.address, web.broker.clock().now());
            let status = missed.map_or(StatusCode::TOO_MANY_REQUESTS, |()| StatusCode::NOT_FOUND);
            return plain(status);
        }
        Err(error) => return unavailable(visit, &error),
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = Writer { web, tenant: Arc::clone(&visit.tenant), link: link.id.clone(), sender };
    tokio::spawn(writer.run(ChatNews::of(&link)));
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (Ok::<Bytes, std::convert::Infallible>(piece), receiver))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // A proxy that collects answers would keep everything back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}

fn unavailable(visit: &Visit, error: &ChatError) -> Response {
    tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, detail = %error, "chat.unavailable");
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")]).into_response()
}

/// An answer without words: the element reads the status.
fn plain(status: StatusCode) -> Response {
    status.into_response()
}

/// Writes one stream, until its reader, its link or the broker is gone.
struct Writer {
    web: Arc<Web>,
    tenant: Arc<Tenant>,
    link: LinkId,
    sender: Sender<Bytes>,
}

impl Writer {
    async fn run(self, mut news: ChatNews) {
        let began = self.web.broker.clock().tick();
        if !self.write(format!("retry: 2000\n\n{}", text_of(news))).await {
            return;
        }
        while !news.status.is_final() && !self.web.broker.is_stopping() {
            if self.web.broker.clock().tick().saturating_duration_since(began) >= LONGEST {
                return;
            }
            let Some(next) = self.next(news.status).await else { return };
            let piece = if next == news { ":\n\n".to_owned() } else { text_of(next) };
            if !self.write(piece).await {
                return;
            }
            news = next;
        }
    }

    /// How the link is once it has changed, or after a while; none if the reader has gone or nobody can say.
    async fn next(&self, seen: LinkStatus) -> Option<ChatNews> {
        let wait = Wait { seen: Some(seen), longest: HEARTBEAT };
        let link = tokio::select! {
            link = self.web.broker.wait_for_chat(&self.tenant, &self.link, wait) => link,
            () = self.sender.closed() => return None,
        };
        match link {
            Ok(link) => Some(ChatNews::of(&link)),
            Err(error) => {
                tracing::warn!(tenant = %self.tenant.id, link_id = %self.link, detail = %error, "chat.cut");
                None
            }
        }
    }

    /// False if the reader is gone, or takes nothing.
    async fn write(&self, text: String) -> bool {
        matches!(tokio::time::timeout(SLOWEST, self.sender.send(Bytes::from(text))).await, Ok(Ok(())))
    }
}

/// JSON has no line break of its own, so that one line is enough.
fn text_of(news: ChatNews) -> String {
    let ChatNews { status, binding } = news;
    let data = json!({"status": status, "final": status.is_final(), "binding": binding});
    format!("event: status\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::binding::Binding;

    #[test]
    fn a_page_hears_how_far_it_came_and_nothing_more() {
        let news = ChatNews { status: LinkStatus::Completed, binding: Some(Binding::Browser) };
        assert_eq!(
            text_of(news),
            "event: status\ndata: {\"status\":\"completed\",\"final\":true,\"binding\":\"browser\"}\n\n"
        );
    }
}
