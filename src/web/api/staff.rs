//! The tenant's staff: who may use its pages, and as what.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::StaffId;
use crate::domain::staff::{Member, Role};
use crate::flow::settings::Precondition;
use crate::flow::settings::staff::{MemberChange, NewMember, Rename};
use crate::web::Web;
use crate::web::caller::{Caller, ReadStaff, Scope as _, WriteStaff};
use crate::web::error::ApiError;
use crate::web::if_match::etag_of;
use crate::web::once_json::{self, OnceJson};
use crate::web::openapi::answers::{Called, InState, Sought, Stored, Unconditional, Versioned, WithBody};
use crate::web::precondition::Condition;
use crate::web::segment::Segment;
use crate::web::strict_json::StrictJson;

use super::provider_view::SourceWord;
use super::whole_list::page_of;

/// Somebody who is to become staff.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewStaff)]
pub struct NewStaffBody {
    /// The address by which this person signs in.
    #[schema(examples("dana@acme.example"), max_length = 254)]
    email: String,
    role: Role,
    /// What colleagues call this person.
    #[schema(examples("Dana"), max_length = 100)]
    name: Option<String>,
}

/// All that can be changed of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = StaffSettings)]
pub struct StaffBody {
    role: Role,
    /// What colleagues call this person; none if left out.
    #[schema(examples("Dana"), max_length = 100)]
    name: Option<String>,
}

/// What changes of a member; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = StaffChange)]
pub struct StaffPatch {
    #[schema(required = false)]
    role: Option<Role>,
    /// What colleagues call this person; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, examples("Dana"), max_length = 100)]
    name: Rename,
}

/// A member of the tenant's staff.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffMember)]
pub struct StaffView {
    id: StaffId,
    #[schema(examples("dana@acme.example"))]
    email: String,
    role: Role,
    #[schema(required, examples("Dana"))]
    name: Option<String>,
    source: SourceWord,
}

/// The staff of a tenant, in the order of the settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffList)]
pub struct StaffListView {
    items: Vec<StaffView>,
    /// The `cursor` of the next page.
    #[schema(required)]
    next: Option<String>,
}

/// List the staff
///
/// Who may use the tenant's pages. Of a tenant that stands in a file they are changed there; all others here, with the
/// `ETag` of this list.
#[utoipa::path(
    get, path = "/v1/staff", operation_id = "listStaff", tag = "Settings",
    security(("oauth2" = [ReadStaff::NAME])),
    params(
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 200, description = "How many at most; 50 if left out."),
        ("cursor" = Option<String>, Query, min_length = 1, description = "The `next` of the page before."),
    ),
    responses(
        (status = 200, description = "A page of them.", body = StaffListView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Stored,
    )
)]
pub async fn list(
    caller: Caller<ReadStaff>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, ApiError> {
    let source = SourceWord::of(web.broker.home_of(&caller.tenant.id).as_ref());
    let (staff, version) = web.broker.staff_of(&caller.tenant).await?;
    let (staff, next) = page_of(raw.as_deref(), "staff", staff, |member| member.id.to_string())?;
    let items = staff.into_iter().map(|member| StaffView::of(member, source)).collect();
    Ok(versioned(version, Json(StaffListView { items, next }).into_response()))
}

/// See a member of the staff
#[utoipa::path(
    get, path = "/v1/staff/{id}", operation_id = "getStaff", tag = "Settings",
    security(("oauth2" = [ReadStaff::NAME])),
    params(("id" = StaffId, Path, description = "The member.")),
    responses(
        (status = 200, description = "The member.", body = StaffView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`; missing where they stand in a file."))),
        Called, Sought, Stored,
    )
)]
pub async fn read(
    caller: Caller<ReadStaff>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    shown(&web, &caller, &parsed(&id)?).await
}

/// Make somebody staff
///
/// They sign in with a code that is sent to the address, or at the tenant's provider, if that vouches for the address.
/// Sent again within 24 hours
/// with the same `Idempotency-Key`, the order makes nothing and is answered with what it made then; while the first one is
/// at work with 409 `still_running`, and another order with that key with 422 `key_reused`.
#[utoipa::path(
    post, path = "/v1/staff", operation_id = "createStaff", tag = "Settings",
    security(("oauth2" = [WriteStaff::NAME])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
        description = "The sender's name for this order: visible ASCII characters.")),
    request_body = NewStaffBody,
    responses(
        (status = 201, description = "The member.", body = StaffView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."),
                ("Location" = String, description = "Where they are."),
                ("Idempotent-Replayed" = String, description = "`true` where the same order has made it before."))),
        Called, WithBody, Sought, InState, Stored,
    )
)]
pub async fn create(
    caller: Caller<WriteStaff>,
    State(web): State<Arc<Web>>,
    OnceJson { body, once }: OnceJson<NewStaffBody>,
) -> Result<Response, ApiError> {
    let new = NewMember { email: body.email, role: body.role, name: body.name };
    let made = web.broker.add_member_once(&caller.tenant.id, &new, &caller.actor(), once.as_ref()).await?;
    let response = shown(&web, &caller, &made.id).await?;
    Ok(once_json::made(response, &format!("/v1/staff/{}", made.id), made.replayed))
}

/// Set a member's role and name
///
/// The address stays: somebody with another one is somebody else. A role counts from the next request on. The last admin
/// stays one (409).
#[utoipa::path(
    put, path = "/v1/staff/{id}", operation_id = "putStaff", tag = "Settings",
    security(("oauth2" = [WriteStaff::NAME])),
    params(
        ("id" = StaffId, Path, description = "The member."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = StaffBody,
    responses(
        (status = 200, description = "The member as they are now.", body = StaffView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn put(
    caller: Caller<WriteStaff>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(body): StrictJson<StaffBody>,
) -> Result<Response, ApiError> {
    let what = MemberChange { role: Some(body.role), name: body.name.map_or(Rename::Away, Rename::To) };
    change(&web, &caller, &parsed(&id)?, &what, &condition).await
}

/// Change a member's role or name
///
/// What is left out stays. The last admin stays one (409).
#[utoipa::path(
    patch, path = "/v1/staff/{id}", operation_id = "patchStaff", tag = "Settings",
    security(("oauth2" = [WriteStaff::NAME])),
    params(
        ("id" = StaffId, Path, description = "The member."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    request_body = StaffPatch,
    responses(
        (status = 200, description = "The member as they are now.", body = StaffView,
            headers(("ETag" = String, description = "The version of the tenant's settings, for `If-Match`."))),
        Called, WithBody, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn patch(
    caller: Caller<WriteStaff>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
    StrictJson(body): StrictJson<StaffPatch>,
) -> Result<Response, ApiError> {
    let what = MemberChange { role: body.role, name: body.name };
    change(&web, &caller, &parsed(&id)?, &what, &condition).await
}

/// Take somebody out of the staff
///
/// Their pages answer with the sign-in page from the next request on. The last admin stays (409).
#[utoipa::path(
    delete, path = "/v1/staff/{id}", operation_id = "deleteStaff", tag = "Settings",
    security(("oauth2" = [WriteStaff::NAME])),
    params(
        ("id" = StaffId, Path, description = "The member."),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the version that was read."),
    ),
    responses(
        (status = 204, description = "They are no longer staff."),
        Called, Sought, InState, Versioned, Unconditional, Stored,
    )
)]
pub async fn delete(
    caller: Caller<WriteStaff>,
    State(web): State<Arc<Web>>,
    Condition(condition): Condition,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    web.broker.remove_member(&caller.tenant.id, &parsed(&id)?, &condition, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change(
    web: &Web,
    caller: &Caller<WriteStaff>,
    id: &StaffId,
    what: &MemberChange,
    condition: &Precondition,
) -> Result<Response, ApiError> {
    web.broker.change_member(&caller.tenant.id, id, what, condition, &caller.actor()).await?;
    shown(web, caller, id).await
}

async fn shown<S>(web: &Web, caller: &Caller<S>, id: &StaffId) -> Result<Response, ApiError> {
    let source = SourceWord::of(web.broker.home_of(&caller.tenant.id).as_ref());
    let (staff, version) = web.broker.staff_of(&caller.tenant).await?;
    let member = staff.into_iter().find(|member| member.id == *id).ok_or(ApiError::NotFound)?;
    Ok(versioned(version, Json(StaffView::of(member, source)).into_response()))
}

fn versioned(version: Option<u64>, mut response: Response) -> Response {
    response.headers_mut().extend(version.map(|version| (header::ETAG, etag_of(version))));
    response
}

fn parsed(id: &str) -> Result<StaffId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}

/// A member that is sent, also as null, is given.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rename, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map_or(Rename::Away, Rename::To))
}

impl StaffView {
    fn of(member: Member, source: SourceWord) -> Self {
        let Member { id, email, name, role } = member;
        Self { id, email: email.as_str().to_owned(), role, name, source }
    }
}
