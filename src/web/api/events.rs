//! Events, in the order in which they happened.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use crate::web::Web;
use crate::web::caller::{Caller, ReadEvents};
use crate::web::error::{ApiError, BodyFault};

use super::query::Query;

/// `GET /v1/events?after=`: oldest first, those behind the cursor `after`; without it from the
/// beginning. `next` is the cursor behind the last one, also when there are no more for now, so
/// that a reader keeps it and asks again.
pub async fn list(
    caller: Caller<ReadEvents>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let query = Query::parse(raw.as_deref(), &["after", "limit"])?;
    let after = match query.get("after") {
        None => 0,
        Some(text) => text.parse::<u64>().map_err(|_| {
            ApiError::Malformed(vec![BodyFault::at(
                "?after",
                "not a cursor of this list; use the `next` of a page",
            )])
        })?,
    };
    let events = web.broker.events(&caller.tenant, after, query.limit()?).await?;
    let next = events.last().map_or(after, |(position, _)| *position);
    let items: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    Ok(Json(json!({"items": items, "next": next.to_string()})))
}
