//! Events as they happen, as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::mpsc::{self, Sender};

use crate::domain::event::Event;
use crate::flow::stream::Follower;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::access;
use crate::web::caller::{Caller, ReadEvents, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::openapi::answers::{Called, Stored};

use super::events::{Wanted, position};
use super::query::Query;

/// How often something is sent, so that nobody takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked at whether the caller may still listen.
const CHECKED: Duration = Duration::from_secs(5);
/// Pieces that wait for a reader.
const WAITING: usize = 16;
/// A reader that takes nothing for so long has gone.
const SLOWEST: Duration = Duration::from_secs(30);
/// Where a reader goes on.
const LAST_EVENT_ID: &str = "last-event-id";
/// How soon a reader comes back, in milliseconds.
const BEGIN: &str = "retry: 2000\n\n";

/// Follow events
///
/// Server-sent events, as they happen, whichever broker did the work: `id` is the event's, `event` its type, `data` the
/// event as `GET /v1/events` has it. A reader that comes back says with `Last-Event-ID` (or `after`) where it
/// was, and misses nothing; a new one without either hears what happens from now on. The stream ends when the access token expires,
/// when its client is taken away, and when the broker stops: come back then.
#[utoipa::path(
    get, path = "/v1/events/stream", operation_id = "followEvents", tag = "Events",
    security(("oauth2" = [ReadEvents::NAME])),
    params(
        ("after" = Option<String>, Query, pattern = "^(evt_[0-9a-f]{32}|[0-9]{1,20})?$", description = "The id of the last event that the reader has; `0` for all there are."),
        ("types" = Option<String>, Query, min_length = 1, description = "Only these: types or groups such as `auth.*`, with commas between."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same as `after`, which it beats; browsers send it by themselves."),
    ),
    responses(
        (status = 200, description = "A stream that does not end by itself.", body = String, content_type = "text/event-stream"),
        (status = 429, description = "Too many follow already (`too_many_wait`)."),
        Called, Stored
    )
)]
pub async fn follow(
    caller: Caller<ReadEvents>,
    State(web): State<Arc<Web>>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let query = Query::parse(raw.as_deref(), &["after", "types"])?;
    let wanted = Wanted::of(&query)?;
    let last = headers.get(LAST_EVENT_ID).filter(|last| !last.is_empty());
    let after = match (last, query.get("after")) {
        (Some(last), _) => {
            let fault =
                || ApiError::Malformed(vec![BodyFault::at("Last-Event-ID", "not the id of an event")]);
            let last = last.to_str().map_err(|_| fault())?;
            Some(position(&web, &caller, ("Last-Event-ID", last)).await?)
        }
        (None, Some(after)) => Some(position(&web, &caller, ("?after", after)).await?),
        (None, None) => None,
    };
    let follower = web.broker.follow_events(&caller.tenant.id, after).await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        Writer { web, caller, headers, wanted, sender }.run(follower).await;
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (Ok::<Bytes, std::convert::Infallible>(piece), receiver))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        // A proxy that collects answers would keep everything back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Writes one stream, until its reader, its right or the broker is gone.
struct Writer {
    web: Arc<Web>,
    caller: Caller<ReadEvents>,
    headers: HeaderMap,
    wanted: Wanted,
    sender: Sender<Bytes>,
}

impl Writer {
    async fn run(self, mut follower: Follower) {
        if !self.write(BEGIN.to_owned()).await {
            return;
        }
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        let mut checked = tokio::time::interval(CHECKED);
        loop {
            let goes_on = tokio::select! {
                events = follower.next() => match events {
                    Ok(Some(events)) => self.tell(&events).await,
                    Ok(None) => false,
                    Err(error) => {
                        tracing::warn!(tenant = %self.caller.tenant.id, detail = %error, "stream.cut");
                        false
                    }
                },
                _ = heartbeat.tick() => self.write(":\n\n".to_owned()).await,
                _ = checked.tick() => self.may_listen(),
                () = self.sender.closed() => false,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Writes the events that are wanted, once the auditor knows of them. False if the stream is over.
    async fn tell(&self, events: &[(u64, Event)]) -> bool {
        let wanted = || events.iter().filter(|(_, event)| self.wanted.holds(event.kind));
        let seen = Seen::events(wanted().map(|(position, event)| (*position, event)));
        let text = wanted().map(|(_, event)| text_of(event)).collect();
        self.caller.saw(&self.web, seen).await.is_ok() && self.write(text).await
    }

    /// False if the reader is gone, or takes nothing.
    async fn write(&self, text: String) -> bool {
        if text.is_empty() {
            return true;
        }
        matches!(tokio::time::timeout(SLOWEST, self.sender.send(Bytes::from(text))).await, Ok(Ok(())))
    }

    /// Whether the token is still good: not expired, its client and its tenant still there.
    fn may_listen(&self) -> bool {
        let directory = self.web.broker.directory();
        let Some(served) = directory.by_id(&self.caller.tenant.id) else { return false };
        access::caller_with(&self.web.issuer, &served.tenant, &self.headers, (ReadEvents::NAME, None)).is_ok()
    }
}

/// JSON has no line break of its own, so that one line is enough.
fn text_of(event: &Event) -> String {
    let data = serde_json::to_string(event).expect("an event is JSON: its maps have texts as keys");
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.kind)
}
