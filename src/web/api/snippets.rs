//! Snippets: the tenant's saved wordings of the message that carries a link.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::domain::ids::SnippetId;
use crate::domain::snippet::Snippet;
use crate::domain::tenant::Tenant;
use crate::web::Web;
use crate::web::caller::{Caller, Scope as _, WriteSnippets};
use crate::web::error::ApiError;
use crate::web::if_match::etag_of;
use crate::web::once_json::{self, OnceJson};
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::settings_body::SnippetBody;
use super::whole_list::page_of;

/// Snippets, in the order of the settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnippetList {
    #[schema(value_type = Vec<SnippetBody>)]
    items: Vec<Value>,
    /// The `cursor` of the next page.
    #[schema(required)]
    next: Option<String>,
}

/// List the snippets
///
/// Those of a tenant that stands in a file are changed there; all others here, with the `ETag` of this list.
#[utoipa::path(
    get, path = "/v1/snippets", operation_id = "listSnippets", tag = "Snippets",
    security(("oauth2" = [WriteSnippets::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = SnippetList,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Stored,
    )
)]
pub async fn list(
    caller: Caller<WriteSnippets>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let (snippets, version) = kept(&web, &caller.tenant).await?;
    let (snippets, next) = page_of(raw.as_deref(), "snippets", snippets, |snippet| snippet.id.to_string())?;
    let list = SnippetList { items: snippets.iter().map(shown).collect(), next };
    Ok(versioned(version, Json(list).into_response()))
}

/// See a snippet
#[utoipa::path(
    get, path = "/v1/snippets/{id}", operation_id = "getSnippet", tag = "Snippets",
    security(("oauth2" = [WriteSnippets::NAME])),
    params(("id" = SnippetId, Path, description = "The snippet.")),
    responses(
        (status = 200, description = "The snippet.", body = SnippetBody,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    caller: Caller<WriteSnippets>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    one(&web, &caller.tenant, &parsed(&id)?).await
}

/// Make a snippet
///
/// `{link}` must stand in each of its texts; `{tenant}` and `{provider}` may. Of a tenant that stands in a file, snippets
/// are made there (409). Sent again within 24 hours
/// with the same `Idempotency-Key`, the order makes nothing and is answered with what it made then; while the first one is
/// at work with 409 `still_running`, and another order with that key with 422 `key_reused`.
#[utoipa::path(
    post, path = "/v1/snippets", operation_id = "createSnippet", tag = "Snippets",
    security(("oauth2" = [WriteSnippets::NAME])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = SnippetBody,
    responses(
        (status = 201, description = "The snippet.", body = SnippetBody,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."),
                ("Location" = String, description = "Where it is."),
                ("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteSnippets>,
    State(web): State<Arc<Web>>,
    OnceJson { body: SnippetBody(sent), once }: OnceJson<SnippetBody>,
) -> Result<Response, ApiError> {
    let made = web.broker.create_snippet(&caller.tenant.id, &sent, &caller.actor(), once.as_ref()).await?;
    let response = one(&web, &caller.tenant, &made.id).await?;
    Ok(once_json::made(response, &format!("/v1/snippets/{}", made.id), made.replayed))
}

/// Change a snippet
///
/// All of it; messages that were sent stay as they are.
#[utoipa::path(
    put, path = "/v1/snippets/{id}", operation_id = "putSnippet", tag = "Snippets",
    security(("oauth2" = [WriteSnippets::NAME])),
    params(
        ("id" = SnippetId, Path, description = "The snippet."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = SnippetBody,
    responses(
        (status = 200, description = "The snippet as it is now.", body = SnippetBody,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteSnippets>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(SnippetBody(sent)): StrictJson<SnippetBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let made = web.broker.change_snippet(&caller.tenant.id, &id, &sent, &condition, &author).await?;
    changed(&web, &caller.tenant, &made).await
}

/// Delete a snippet
///
/// Orders that name it are refused from now on.
#[utoipa::path(
    delete, path = "/v1/snippets/{id}", operation_id = "deleteSnippet", tag = "Snippets",
    security(("oauth2" = [WriteSnippets::NAME])),
    params(
        ("id" = SnippetId, Path, description = "The snippet."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        Called, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn delete(
    caller: Caller<WriteSnippets>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    web.broker.delete_snippet(&caller.tenant.id, &id, &condition, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A snippet after its change, with the version of the tenant's settings.
async fn one(web: &Web, tenant: &Tenant, id: &SnippetId) -> Result<Response, ApiError> {
    let (snippets, version) = kept(web, tenant).await?;
    let snippet = snippets.iter().find(|snippet| snippet.id == *id).ok_or(ApiError::NotFound)?;
    Ok(versioned(version, Json(shown(snippet)).into_response()))
}

async fn changed(web: &Web, tenant: &Tenant, snippet: &Snippet) -> Result<Response, ApiError> {
    let (_, version) = kept(web, tenant).await?;
    Ok(versioned(version, Json(shown(snippet)).into_response()))
}

/// The snippets of a tenant, and the version that a change demands, where the settings can be changed here.
async fn kept(web: &Web, tenant: &Tenant) -> Result<(Vec<Snippet>, Option<u64>), ApiError> {
    let stored = web.broker.stored_snippets(&tenant.id).await?;
    Ok(stored
        .map_or_else(|| (tenant.snippets.clone(), None), |(snippets, version)| (snippets, Some(version))))
}

/// A snippet by the names of the tenant file.
fn shown(snippet: &Snippet) -> Value {
    let mut members = Map::from_iter([("id".to_owned(), json!(snippet.id))]);
    members.extend(snippet.tag.as_ref().map(|tag| ("tag".to_owned(), json!(tag))));
    if !snippet.text.is_empty() {
        members.insert("text".to_owned(), json!(snippet.text));
    }
    let channels =
        snippet.channels.iter().map(|(channel, text)| (channel.to_string(), json!({"text": text})));
    members.extend(channels);
    Value::Object(members)
}

fn versioned(version: Option<u64>, mut response: Response) -> Response {
    response.headers_mut().extend(version.map(|version| (header::ETAG, etag_of(version))));
    response
}

fn parsed(id: &str) -> Result<SnippetId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
