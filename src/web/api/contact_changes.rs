//! Contacts: patch, undo, suggestions, merge and erase. Each tells the version that it leaves, and
//! takes the version that the caller has read.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::contact::Contact;
use crate::domain::ids::ContactId;
use crate::flow::contacts::patch::ContactPatch;
use crate::flow::contacts::{Condition, ContactError, GoesUp};
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteContacts};
use crate::web::error::ApiError;
use crate::web::if_match::{IfMatch, etag_of};
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Versioned, WithBody};
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

/// What is changed in a contact: a JSON merge patch (RFC 7396). What is left out stays, `null` blanks.
// Only the description reads it; `ContactPatch` reads the body, so that every fault is told at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ContactPatch, examples(super::examples::patch))]
#[expect(dead_code, reason = "it is described, and never made")]
pub struct PatchBody {
    email: Option<String>,
    /// At least one digit must stand in it.
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    full_name: Option<String>,
    user_name: Option<String>,
    locale: Option<String>,
    /// The platform's id; one contact of a tenant has it.
    #[schema(min_length = 1, max_length = 200)]
    external_id: Option<String>,
    /// Fields of your own, each patched in the same way.
    #[schema(nullable = false)]
    fields: Option<Map<String, Value>>,
    /// The version that was read, instead of `If-Match`.
    #[schema(nullable = false)]
    version: Option<u64>,
}

/// Which change is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactUndo)]
pub struct UndoBody {
    /// The name of the field, as `provenance` has it.
    #[schema(examples("email"))]
    field: String,
}

/// Which contact goes up in this one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactMerge)]
pub struct MergeBody {
    /// The other contact.
    from: ContactId,
}

/// The path of a suggestion.
type SuggestionPath = Result<Path<(String, String)>, PathRejection>;

/// Change a contact
///
/// Each field keeps the value before, and who wrote it. A sign-in may overwrite it again where the provider's
/// settings say so. What stands there already is no change. With `If-Match`, or `version` in the body, the change
/// is made only if nobody else has changed the contact meanwhile.
#[utoipa::path(
    patch, path = "/v1/contacts/{id}", operation_id = "patchContact", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body(
        content((PatchBody = "application/merge-patch+json"), (PatchBody = "application/json")),
        description = "What is changed."
    ),
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn patch(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    Segment(id): Segment,
    StrictJson(body): StrictJson<Map<String, Value>>,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let patch = ContactPatch::parse(&body).map_err(ContactError::Refused)?;
    let condition = condition(if_match);
    let changed = web.broker.patch_contact(&caller.tenant, &caller.actor(), &id, &patch, &condition).await?;
    Ok(versioned(changed))
}

/// Erase a contact
///
/// The record, what it is found by and who it is at which provider are gone with the answer. The person's data in
/// completed links and events is erased with it or shortly after; the events stay, without the person.
#[utoipa::path(
    delete, path = "/v1/contacts/{id}", operation_id = "eraseContact", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses((status = 204, description = "It is erased."), Called, Sought, Versioned, Stored)
)]
pub async fn erase(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let id = parse_id(&id)?;
    web.broker.erase_contact(&caller.tenant, &caller.actor(), &id, &condition(if_match)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take back the last change of a field
///
/// Restores what stood there before. A field remembers one value: what was restored has none before it (409).
#[utoipa::path(
    post, path = "/v1/contacts/{id}/undo", operation_id = "undoContactField", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = UndoBody,
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn undo(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    Segment(id): Segment,
    StrictJson(body): StrictJson<UndoBody>,
) -> Result<Response, ApiError> {
    let (id, condition) = (parse_id(&id)?, condition(if_match));
    let client = &caller.actor();
    let changed = web.broker.undo_contact_field(&caller.tenant, client, &id, &body.field, &condition).await?;
    Ok(versioned(changed))
}

/// Merge two contacts
///
/// Says that both are one person. This contact gets the other's identities and conversations, and the fields that
/// are blank here; what differs becomes a suggestion. The other's id answers this contact from then on.
#[utoipa::path(
    post, path = "/v1/contacts/{id}/merge", operation_id = "mergeContacts", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact that stays."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = MergeBody,
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn merge(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    Segment(id): Segment,
    StrictJson(body): StrictJson<MergeBody>,
) -> Result<Response, ApiError> {
    let (id, condition) = (parse_id(&id)?, condition(if_match));
    let client = &caller.actor();
    let from = GoesUp { id: &body.from, version: None };
    let merged = web.broker.merge_contacts(&caller.tenant, client, &id, from, &condition).await?;
    Ok(versioned(merged))
}

/// Accept a suggestion
///
/// The suggested value becomes the field's; what stood there is kept as its previous value.
#[utoipa::path(
    post, path = "/v1/contacts/{id}/suggestions/{field}/accept", operation_id = "acceptSuggestion", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("field" = String, Path, description = "The name of the field, as `suggestions` has it."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, Sought, InState, Versioned, Stored,
    )
)]
pub async fn accept(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    path: SuggestionPath,
) -> Result<Response, ApiError> {
    let ((id, field), condition) = (parse_suggestion(path)?, condition(if_match));
    let changed =
        web.broker.accept_suggestion(&caller.tenant, &caller.actor(), &id, &field, &condition).await?;
    Ok(versioned(changed))
}

/// Dismiss a suggestion
///
/// The field stays as it is. A later sign-in may suggest the value again.
#[utoipa::path(
    post, path = "/v1/contacts/{id}/suggestions/{field}/dismiss", operation_id = "dismissSuggestion", tag = "Contacts",
    security(("oauth2" = [WriteContacts::NAME])),
    params(
        ("id" = ContactId, Path, description = "The contact."),
        ("field" = String, Path, description = "The name of the field, as `suggestions` has it."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 200, description = "The contact as it is now.", body = Contact,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, Sought, Versioned, Stored,
    )
)]
pub async fn dismiss(
    caller: Caller<WriteContacts>,
    State(web): State<Arc<Web>>,
    if_match: IfMatch,
    path: SuggestionPath,
) -> Result<Response, ApiError> {
    let ((id, field), condition) = (parse_suggestion(path)?, condition(if_match));
    let changed =
        web.broker.dismiss_suggestion(&caller.tenant, &caller.actor(), &id, &field, &condition).await?;
    Ok(versioned(changed))
}

/// A contact with its version, for the next change.
pub fn versioned(contact: Contact) -> Response {
    ([(header::ETAG, etag_of(contact.version))], Json(contact)).into_response()
}

/// An id that is none of ours is a thing that is not there.
fn parse_id(text: &str) -> Result<ContactId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}

/// A name that is no text names nothing.
fn parse_suggestion(path: SuggestionPath) -> Result<(ContactId, String), ApiError> {
    let Path((id, field)) = path.map_err(|_| ApiError::NotFound)?;
    Ok((parse_id(&id)?, field))
}

fn condition(IfMatch(any_of): IfMatch) -> Condition {
    Condition { any_of, version: None }
}
