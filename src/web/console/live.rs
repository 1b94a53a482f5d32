//! What changed, as server-sent events for open pages: which conversation and which link, nothing that says who
//! anybody is. A page asks for its parts again when it hears of something.
//!
//! | event | when |
//! |---|---|
//! | `changed` | anything in any conversation; `id` is the position in the event log |
//! | `here` | the same, in the conversation that the page is about |
//! | `ended` | the member of staff is signed out |
//!
//! A page that was cut off says with `Last-Event-ID` where it was, a new one with `after`: neither misses anything.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc::{self, Sender};

use crate::domain::event::Event;
use crate::domain::ids::ConversationId;
use crate::domain::tenant::Tenant;
use crate::flow::desk::news::News;
use crate::flow::stream::Follower;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::staff::{Agent, OnDuty, cookie_of};

use super::query::Query;

/// How often something is sent, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked at whether the member is still signed in.
const CHECKED: Duration = Duration::from_secs(5);
/// Pieces that wait for a reader.
const WAITING: usize = 16;
/// A reader that takes nothing for so long has gone.
const SLOWEST: Duration = Duration::from_secs(30);
/// Says that the member is signed out.
const ENDED: &str = "event: ended\ndata: {}\n\n";

/// Follows what changes, for one open page.
pub async fn live(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = Query::parse(raw.as_deref());
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok()).unwrap_or_default();
    let asked = [last, query.text("after")].into_iter().find_map(|text| text.parse::<u64>().ok());
    let end = match web.broker.news_end(duty.tenant()).await {
        Ok(end) => end,
        Err(error) => return duty.unavailable(&error),
    };
    // A position that is not reached yet is of another store, such as a backup that was put back: begin anew.
    let is_lost = asked.is_some_and(|after| after > end);
    let after = asked.map_or(end, |after| after.min(end));
    let Ok(follower) = web.broker.follow_as_staff(&duty.tenant().id, &duty.member.id, after) else {
        return full();
    };
    let Some(cookie) = cookie_of(&duty.visit) else { return duty.missing() };
    let (sender, receiver) = mpsc::channel(WAITING);
    let here = query.text("conversation").parse().ok();
    let writer = Writer { web, tenant: Arc::clone(duty.tenant()), cookie, here, sender };
    tokio::spawn(writer.run(follower, begin(after, is_lost)));
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

/// As many pages are open as may be, by this member or by all; the page says that it is not live, and works.
fn full() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "30")]).into_response()
}

/// The first piece: where a page that is cut off at once goes on, and how soon it comes back.
fn begin(after: u64, is_lost: bool) -> String {
    let news = if is_lost { "event: changed\ndata: {}\n\nevent: here\ndata: {}\n\n" } else { "" };
    format!("retry: 1000\nid: {after}\n\n{news}")
}

/// Writes one stream, until its reader, its right or the broker is gone.
struct Writer {
    web: Arc<Web>,
    tenant: Arc<Tenant>,
    cookie: Secret,
    /// The conversation that the page is about.
    here: Option<ConversationId>,
    sender: Sender<Bytes>,
}

impl Writer {
    async fn run(self, mut follower: Follower, begin: String) {
        if !self.write(begin).await {
            return;
        }
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let mut checked = tokio::time::interval(CHECKED);
        loop {
            let goes_on = tokio::select! {
                events = follower.next() => match events {
                    Ok(Some(events)) => self.write(self.text_of(&events)).await,
                    Ok(None) => false,
                    Err(error) => {
                        tracing::warn!(tenant = %self.tenant.id, detail = %error, "stream.cut");
                        false
                    }
                },
                _ = heartbeat.tick() => self.write(":\n\n".to_owned()).await,
                _ = checked.tick() => self.check().await,
                () = self.sender.closed() => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// One piece for some events: what a page asks for again, it asks for once.
    fn text_of(&self, events: &[(u64, Event)]) -> String {
        let mut text = String::new();
        for (position, event) in events {
            let news = News::of(event);
            let data = json!({"type": event.kind, "link": news.link_id()});
            write!(text, "id: {position}\nevent: changed\ndata: {data}\n\n")
                .expect("a string takes every byte");
            if self.here.as_ref().is_some_and(|here| news.concerns(here)) {
                write!(text, "event: here\ndata: {data}\n\n").expect("a string takes every byte");
            }
        }
        text
    }

    /// Whether the member is still signed in. A store that does not answer now will in a moment, or the page asks it.
    async fn check(&self) -> bool {
        let directory = self.web.broker.directory();
        let tenant = directory.by_id(&self.tenant.id).map(|served| &served.tenant);
        let is_at_work = match tenant {
            Some(tenant) => {
                self.web.broker.page_at_work(tenant, self.cookie.expose()).await.map(|found| found.is_some())
            }
            None => Ok(false),
        };
        if matches!(is_at_work, Ok(false)) {
            self.write(ENDED.to_owned()).await;
            return false;
        }
        true
    }

    /// False if the reader is gone, or takes nothing.
    async fn write(&self, text: String) -> bool {
        if text.is_empty() {
            return true;
        }
        matches!(tokio::time::timeout(SLOWEST, self.sender.send(Bytes::from(text))).await, Ok(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_is_cut_off_at_once_knows_where_it_was() {
        assert_eq!(begin(7, false), "retry: 1000\nid: 7\n\n");
        assert!(begin(7, true).ends_with("event: changed\ndata: {}\n\nevent: here\ndata: {}\n\n"));
    }
}
