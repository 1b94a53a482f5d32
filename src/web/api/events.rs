//! Events, in the order in which they happened.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use crate::domain::event::EventType;
use crate::domain::ids::EventId;
use crate::domain::webhook::{EventPattern, NoSuchEvent};
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, ReadEvents, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::openapi::answers::{Called, Stored};

use super::query::Query;
use super::view::EventList;

/// Read events
///
/// Oldest first, those behind `after`; without it from the beginning. `next` is null when there are no more
/// for now: a reader keeps the id of the last event and asks again later.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "listEvents", tag = "Events",
    security(("oauth2" = [ReadEvents::NAME])),
    params(
        ("after" = Option<String>, Query, pattern = "^(evt_[0-9a-f]{32}|[0-9]{1,20})?$", description = "The id of an event, or the `next` of a page."),
        ("cursor" = Option<String>, Query, pattern = "^(evt_[0-9a-f]{32}|[0-9]{1,20})$", description = "Another name of `after`, as in all other lists."),
        ("types" = Option<String>, Query, min_length = 1, description = "Only these: types or groups such as `auth.*`, with commas between."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
    ),
    responses((status = 200, description = "A page of events.", body = EventList), Called, Stored)
)]
pub async fn list(
    caller: Caller<ReadEvents>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<EventList>, ApiError> {
    let query = Query::parse(raw.as_deref(), &["after", "cursor", "types", "limit"])?;
    let wanted = Wanted::of(&query)?;
    let limit = query.limit()?;
    let after = match (query.get("after"), query.get("cursor")) {
        (None, None) => 0,
        (Some(after), _) => position(&web, &caller, ("?after", after)).await?,
        (None, Some(cursor)) => position(&web, &caller, ("?cursor", cursor)).await?,
    };
    let page = web.broker.events_of(&caller.tenant, after, limit, |kind| wanted.holds(kind)).await?;
    caller.saw(&web, Seen::events(page.items.iter().map(|(position, event)| (*position, event)))).await?;
    let items = page.items.into_iter().map(|(_, event)| event).collect();
    Ok(Json(EventList { items, next: page.next.map(|next| next.to_string()) }))
}

/// Which types of events a caller wants.
#[derive(Debug)]
pub struct Wanted(Vec<EventPattern>);

impl Wanted {
    /// Reads the parameter `types`; without it every type is wanted.
    pub fn of(query: &Query) -> Result<Self, ApiError> {
        let Some(types) = query.get("types") else { return Ok(Self(vec![EventPattern::all()])) };
        let patterns: Result<Vec<_>, _> = types.split(',').map(str::parse).collect();
        let fault =
            |error: NoSuchEvent| ApiError::Malformed(vec![BodyFault::at("?types", error.to_string())]);
        patterns.map(Self).map_err(fault)
    }

    /// Whether a type is among them.
    pub fn holds(&self, kind: EventType) -> bool {
        self.0.iter().any(|pattern| pattern.holds(kind))
    }
}

/// The position that a cursor means; `at` is where it stood.
pub async fn position(
    web: &Web,
    caller: &Caller<ReadEvents>,
    (at, cursor): (&'static str, &str),
) -> Result<u64, ApiError> {
    let known = match cursor.parse::<EventId>() {
        Ok(id) => web.broker.event_position(&caller.tenant, &id).await?,
        Err(_) => match cursor.parse::<u64>() {
            Ok(position) if web.broker.has_event_position(&caller.tenant, position).await? => Some(position),
            _ => None,
        },
    };
    known.ok_or_else(|| {
        let detail = "not a cursor of this list; use the id of an event or the `next` of a page";
        ApiError::Malformed(vec![BodyFault::at(at, detail)])
    })
}
