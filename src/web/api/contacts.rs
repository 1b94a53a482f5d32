//! Contacts: list and read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde_json::{Value, json};

use crate::domain::contact::Contact;
use crate::domain::ids::{ContactId, ConversationId};
use crate::flow::ContactFilter;
use crate::flow::contacts::ContactQuery;
use crate::web::Web;
use crate::web::caller::{Caller, ReadContacts};
use crate::web::error::{ApiError, BodyFault};
use crate::web::segment::Segment;

use super::query::Query;

/// `GET /v1/contacts`: newest first, by `email`, `phone`, `externalId` or `conversationId`, or all.
pub async fn list(
    caller: Caller<ReadContacts>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let known = ["email", "phone", "externalId", "conversationId", "limit", "cursor"];
    let query = Query::parse(raw.as_deref(), &known)?;
    let page =
        web.broker.contacts(&caller.tenant, wanted(&query)?, query.get("cursor"), query.limit()?).await?;
    Ok(Json(json!({"items": page.items, "next": page.next})))
}

/// `GET /v1/contacts/{id}`
pub async fn read(
    caller: Caller<ReadContacts>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<Contact>, ApiError> {
    let id: ContactId = id.parse().map_err(|_| ApiError::NotFound)?;
    web.broker.contact(&caller.tenant, &id).await?.map(Json).ok_or(ApiError::NotFound)
}

/// At most one filter.
fn wanted(query: &Query) -> Result<ContactQuery, ApiError> {
    let named = |name| query.get(name).map(str::to_owned);
    let conversation = query.parsed::<ConversationId>("conversationId")?;
    let mut filters = [
        named("email").map(|email| ContactQuery::By(ContactFilter::Email(email))),
        named("phone").map(|phone| ContactQuery::By(ContactFilter::Phone(phone))),
        named("externalId").map(|id| ContactQuery::By(ContactFilter::ExternalId(id))),
        conversation.map(ContactQuery::Conversation),
    ]
    .into_iter()
    .flatten();
    let first = filters.next().unwrap_or(ContactQuery::By(ContactFilter::All));
    match filters.next() {
        None => Ok(first),
        Some(_) => Err(ApiError::Malformed(vec![BodyFault::at("?", "use one filter at a time")])),
    }
}
