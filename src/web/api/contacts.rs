//! Contacts: list and read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;

use crate::domain::contact::Contact;
use crate::domain::ids::{ContactId, ConversationId};
use crate::flow::ContactFilter;
use crate::flow::contacts::ContactQuery;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::caller::{Caller, ReadContacts, Scope as _};
use crate::web::error::{ApiError, BodyFault};
use crate::web::openapi::answers::{Called, Sought, Stored};
use crate::web::segment::Segment;

use super::contact_changes::versioned;
use super::query::Query;
use super::view::ContactList;

/// List contacts
///
/// Newest first: all of them, or those that one filter finds.
#[utoipa::path(
    get, path = "/v1/contacts", operation_id = "listContacts", tag = "Contacts",
    security(("oauth2" = [ReadContacts::NAME])),
    params(
        ("email" = Option<String>, Query, min_length = 1, example = "billy@example.com", description = "Those with this email address, in any case."),
        ("phone" = Option<String>, Query, min_length = 1, description = "Those with this phone number; only its digits count."),
        ("externalId" = Option<String>, Query, min_length = 1, description = "The one with this id of the platform's."),
        ("conversationId" = Option<ConversationId>, Query, description = "The one that is verified in this conversation."),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of contacts.", body = ContactList), Called, Stored)
)]
pub async fn list(
    caller: Caller<ReadContacts>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<ContactList>, ApiError> {
    let known = ["email", "phone", "externalId", "conversationId", "limit", "cursor"];
    let query = Query::parse(raw.as_deref(), &known)?;
    let page =
        web.broker.contacts(&caller.tenant, wanted(&query)?, query.get("cursor"), query.limit()?).await?;
    caller.saw(&web, Seen::contacts(&page.items)).await?;
    Ok(Json(page.into()))
}

/// See a contact
///
/// The id of a contact that was merged into another one answers that one.
#[utoipa::path(
    get, path = "/v1/contacts/{id}", operation_id = "getContact", tag = "Contacts",
    security(("oauth2" = [ReadContacts::NAME])),
    params(("id" = ContactId, Path, description = "The contact.")),
    responses(
        (status = 200, description = "The contact.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`.")),
            example = json!(super::examples::contact())),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    caller: Caller<ReadContacts>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: ContactId = id.parse().map_err(|_| ApiError::NotFound)?;
    let contact = web.broker.contact(&caller.tenant, &id).await?.ok_or(ApiError::NotFound)?;
    caller.saw(&web, Seen::contact(&contact)).await?;
    Ok(versioned(contact))
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
