//! Providers: the tenant's OAuth servers, from draft to live.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::ProviderId;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::caller::{Caller, ReadProviders, Scope as _, WriteProviders};
use crate::web::error::ApiError;
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::{MaybeJson, StrictJson};

use super::provider_view::{DiffView, ProviderListView, ProviderView, Shown};
use super::query::Query;
use super::settings_body::ProviderBody;
use super::whole_list::page_of;

/// How a draft goes live.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderPublication)]
pub struct PublishBody {
    /// Go live although the draft has passed no test login.
    #[serde(default)]
    #[schema(default = false)]
    untested: bool,
}

/// Which version comes back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ProviderRollback)]
pub struct RollbackBody {
    /// One of `history`.
    #[schema(examples(3))]
    version: u64,
    /// Go back although everybody becomes a new person by it.
    #[serde(default)]
    #[schema(default = false)]
    confirm_subject_change: bool,
}

/// Another secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = ProviderSecret)]
pub struct RotateBody {
    /// The new one.
    #[schema(value_type = String, examples("correct-horse-battery-staple"))]
    client_secret: Secret,
    /// Keep the present one: it is used where the provider does not take the new one.
    #[serde(default)]
    #[schema(default = false)]
    keep_previous: bool,
}

/// List the providers
///
/// All of them, in the order in which they were made or stand in the file.
#[utoipa::path(
    get, path = "/v1/providers", operation_id = "listProviders", tag = "Providers",
    security(("oauth2" = [ReadProviders::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses((status = 200, description = "A page of them.", body = ProviderListView), Called, Stored)
)]
pub async fn list(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<ProviderListView>, ApiError> {
    let states = web.broker.provider_states(&caller.tenant).await?;
    let (states, next) = page_of(raw.as_deref(), "providers", states, |state| state.id.to_string())?;
    let home = web.broker.home_of(&caller.tenant.id);
    let items =
        states.into_iter().map(|state| ProviderView::of(&caller.tenant, state, home.as_ref())).collect();
    Ok(Json(ProviderListView { items, next }))
}

/// See a provider
///
/// What is live, the draft, and the versions before. Of a secret it says that it is set, and since when.
#[utoipa::path(
    get, path = "/v1/providers/{id}", operation_id = "getProvider", tag = "Providers",
    security(("oauth2" = [ReadProviders::NAME])),
    params(("id" = ProviderId, Path, description = "The provider.")),
    responses(
        (status = 200, description = "The provider.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`; missing where it stands in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    shown(&web, &caller, &parsed(&id)?).await.map(Shown::into_response)
}

/// Write the draft of a provider
///
/// The whole of its settings, checked as if they were live; logins go on with what is live until the draft is
/// published. With `If-None-Match: *` it makes a provider, else `If-Match` names the version that was read.
/// `callbackPath` is fixed when it is made. Another `subject`, `identity` or `issuer`, or a `mapping` with
/// another `userId`, makes everybody a new person and needs `"confirmSubjectChange": true` in the body.
#[utoipa::path(
    put, path = "/v1/providers/{id}", operation_id = "putProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
        ("If-None-Match" = Option<String>, Header, description = "`*` to make a new one."),
    ),
    request_body = ProviderBody,
    responses(
        (status = 200, description = "The provider with its draft.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        (status = 201, description = "The new provider with its draft.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."),
                ("Location" = String, description = "Where it is."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(ProviderBody(sent)): StrictJson<ProviderBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let drafted = web.broker.put_draft(&caller.tenant.id, &id, &sent, &condition, &author).await?;
    let shown = shown(&web, &caller, &id).await?.warned(drafted.warnings);
    if !drafted.created {
        return Ok(shown.into_response());
    }
    let mut response = shown.into_response();
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/providers/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Delete a provider
///
/// With its drafts and versions. While customers may come with links to it (409), only with `force=true`: they are
/// told that the link does not work.
#[utoipa::path(
    delete, path = "/v1/providers/{id}", operation_id = "deleteProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("force" = Option<bool>, Query, description = "Also if there are open links to it."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        Called, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn delete(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Result<StatusCode, ApiError> {
    let forced = Query::parse(raw.as_deref(), &["force"])?.parsed::<bool>("force")?.unwrap_or(false);
    let (id, author) = (parsed(&id)?, caller.actor());
    web.broker.delete_provider(&caller.tenant.id, &id, forced, &condition, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a draft live
///
/// Every broker uses it within a second; logins that are under way end with the settings that they began with. A draft
/// that passed no test login goes live only with `"untested": true` (409 without).
#[utoipa::path(
    post, path = "/v1/providers/{id}/publish", operation_id = "publishProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body(content = Option<PublishBody>, description = "How; may be left out."),
    responses(
        (status = 200, description = "The provider, live.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn publish(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    MaybeJson(body): MaybeJson<PublishBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let untested = body.is_some_and(|body| body.untested);
    web.broker.publish_provider(&caller.tenant.id, &id, untested, &condition, &author).await?;
    shown(&web, &caller, &id).await.map(Shown::into_response)
}

/// See what a draft would change
///
/// Setting by setting, against what is live. Of a secret it says only that it changes.
#[utoipa::path(
    get, path = "/v1/providers/{id}/diff", operation_id = "diffProvider", tag = "Providers",
    security(("oauth2" = [ReadProviders::NAME])),
    params(("id" = ProviderId, Path, description = "The provider.")),
    responses(
        (status = 200, description = "What differs; nothing without a draft.", body = DiffView),
        Called, Sought, InState, Stored,
    )
)]
pub async fn diff(
    caller: Caller<ReadProviders>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Json<DiffView>, ApiError> {
    let changes = web.broker.provider_diff(&caller.tenant.id, &parsed(&id)?).await?;
    Ok(Json(DiffView { changes }))
}

/// Make an earlier version live again
///
/// As a new version. Its settings come back; secrets stay as they are, and so does the draft.
#[utoipa::path(
    post, path = "/v1/providers/{id}/rollback", operation_id = "rollBackProvider", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = RollbackBody,
    responses(
        (status = 200, description = "The provider as it is now.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn rollback(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(body): StrictJson<RollbackBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let wanted = (body.version, body.confirm_subject_change);
    web.broker.roll_back_provider(&caller.tenant.id, &id, wanted, &condition, &author).await?;
    shown(&web, &caller, &id).await.map(Shown::into_response)
}

/// Give a draft up
///
/// What is live stays.
#[utoipa::path(
    post, path = "/v1/providers/{id}/discard", operation_id = "discardProviderDraft", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 200, description = "The provider without a draft.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, Sought, InState, Versioned, Stored,
    )
)]
pub async fn discard(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    web.broker.discard_draft(&caller.tenant.id, &id, &condition, &author).await?;
    shown(&web, &caller, &id).await.map(Shown::into_response)
}

/// Replace a provider's secret
///
/// In what is live and in the draft, at once. With `keepPrevious` the present one stays behind the new one, and is used
/// where the provider answers `invalid_client`: so a secret can be replaced while logins are under way. Drop it when
/// the provider takes the new one.
#[utoipa::path(
    post, path = "/v1/providers/{id}/rotate-secret", operation_id = "rotateProviderSecret", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = RotateBody,
    responses(
        (status = 200, description = "The provider as it is now.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Stored,
    )
)]
pub async fn rotate_secret(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(body): StrictJson<RotateBody>,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    let secret = (&body.client_secret, body.keep_previous);
    web.broker.rotate_secret(&caller.tenant.id, &id, secret, &condition, &author).await?;
    shown(&web, &caller, &id).await.map(Shown::into_response)
}

/// Drop a provider's previous secret
///
/// The one that `rotate-secret` kept.
#[utoipa::path(
    post, path = "/v1/providers/{id}/drop-previous-secret", operation_id = "dropPreviousSecret", tag = "Providers",
    security(("oauth2" = [WriteProviders::NAME])),
    params(
        ("id" = ProviderId, Path, description = "The provider."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 200, description = "The provider as it is now.", body = ProviderView,
            headers(("ETag" = String, description = "Its version, for `If-Match`."))),
        Called, Sought, InState, Versioned, Stored,
    )
)]
pub async fn drop_previous_secret(
    caller: Caller<WriteProviders>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let (id, author) = (parsed(&id)?, caller.actor());
    web.broker.drop_previous_secret(&caller.tenant.id, &id, &condition, &author).await?;
    shown(&web, &caller, &id).await.map(Shown::into_response)
}

/// A provider as it is now, with its version.
async fn shown<S>(web: &Web, caller: &Caller<S>, id: &ProviderId) -> Result<Shown, ApiError> {
    let state = web.broker.provider_state(&caller.tenant, id).await?;
    let home = web.broker.home_of(&caller.tenant.id);
    Ok(Shown(ProviderView::of(&caller.tenant, state, home.as_ref())))
}

/// An id that no provider can have is unknown.
fn parsed(id: &str) -> Result<ProviderId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
