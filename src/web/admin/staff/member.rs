//! One member: role, name, and the browsers that are signed in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::ids::{ProviderId, SessionId, StaffId};
use crate::domain::staff::Role;
use crate::flow::settings::SettingsError;
use crate::flow::settings::staff::{MemberChange, Rename};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::{Pair, Segment};
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, see_other_saying,
};

use super::{LIST, condition, member, words_of};

/// A browser in which a member is signed in.
struct BrowserRow {
    id: String,
    device: String,
    since: Moment,
    seen: Moment,
    is_own: bool,
}

#[derive(Template)]
#[template(path = "admin/staff_member.html")]
struct MemberView {
    frame: Frame,
    id: String,
    name: String,
    /// The name in the settings, which may be none, or what was typed.
    given: String,
    email: String,
    is_admin: bool,
    is_self: bool,
    file: Option<String>,
    version: u64,
    /// Where the member signs in, if that is pinned.
    providers: Vec<String>,
    browsers: Vec<BrowserRow>,
    mails: bool,
    /// What is wrong, and at which field.
    fault: Option<(&'static str, String)>,
}

/// What was typed, where it was refused.
struct Typed {
    name: String,
    role: Role,
}

/// `GET /admin/staff/{id}`: one member.
pub(super) async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    member_page(&duty, &web, (&id, None), None, StatusCode::OK).await
}

async fn member_page(
    duty: &OnDuty<Admin>,
    web: &Web,
    (id, typed): (&str, Option<Typed>),
    fault: Option<(&'static str, String)>,
    status: StatusCode,
) -> Response {
    let (member, version) = match member(duty, web, id).await {
        Ok(found) => found,
        Err(page) => return *page,
    };
    let tenant = duty.tenant();
    let (book, sessions) =
        match (web.broker.staff_book(tenant).await, web.broker.sessions_of(tenant, &member.id).await) {
            (Ok(book), Ok(sessions)) => (book, sessions),
            (Err(error), _) | (_, Err(error)) => return duty.unavailable(&error),
        };
    let label = |id: &ProviderId| {
        tenant.provider(Some(id)).map_or_else(|| id.to_string(), |provider| clean(&provider.label))
    };
    let known = book.find(&member.id);
    let (local, now) = (duty.local(), web.broker.clock().now());
    let name = clean(member.shown_name());
    let view = MemberView {
        frame: duty.frame(&name, Section::Staff),
        id: member.id.to_string(),
        given: typed.as_ref().map_or(member.name.clone().unwrap_or_default(), |typed| typed.name.clone()),
        email: member.email.as_str().to_owned(),
        is_admin: typed.as_ref().map_or(member.role, |typed| typed.role) == Role::Admin,
        is_self: member.id == duty.member.id,
        file: web.broker.settings_file(&tenant.id),
        version: version.unwrap_or_default(),
        providers: known.into_iter().flat_map(|known| &known.identities).map(|(id, _)| label(id)).collect(),
        browsers: sessions
            .iter()
            .map(|session| BrowserRow {
                id: session.id.to_string(),
                device: clean(&session.device),
                since: local.moment(session.created_at),
                seen: local.ago(session.seen_at, now),
                is_own: session.id == duty.session.id,
            })
            .collect(),
        mails: web.broker.sends_mail(),
        name,
        fault,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

/// `POST /admin/staff/{id}`: another role or name.
pub(super) async fn change(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(staff_id) = id.parse::<StaffId>() else { return duty.missing() };
    let role = if form.text("role") == "admin" { Role::Admin } else { Role::Agent };
    let what = MemberChange { role: Some(role), name: Rename::typed(form.text("name")) };
    let changed =
        web.broker.change_member(&duty.tenant().id, &staff_id, &what, &condition(&form), &duty.actor()).await;
    match changed {
        Ok(_) => see_other_saying(LIST, Said::Saved),
        Err(error) => {
            let typed = Typed { name: form.text("name").to_owned(), role };
            told(&duty, &web, (&id, Some(typed)), &error).await
        }
    }
}

/// `POST /admin/staff/{id}/remove`: somebody is no longer staff.
pub(super) async fn remove(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(staff_id) = id.parse::<StaffId>() else { return duty.missing() };
    let removed =
        web.broker.remove_member(&duty.tenant().id, &staff_id, &condition(&form), &duty.actor()).await;
    match removed {
        Ok(()) => see_other_saying(LIST, Said::Removed),
        Err(error) => told(&duty, &web, (&id, None), &error).await,
    }
}

/// `POST /admin/staff/{id}/sessions/{session}/end`: signs a browser out.
pub(super) async fn end_session(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Pair(id, session): Pair,
    _: Posted,
) -> Response {
    let (Ok(staff_id), Ok(session)) = (id.parse::<StaffId>(), session.parse::<SessionId>()) else {
        return duty.missing();
    };
    match web.broker.end_session_of(duty.tenant(), &staff_id, &session, &duty.actor()).await {
        Ok(true) => see_other_saying(&format!("{LIST}/{staff_id}"), Said::SignedOut),
        Ok(false) => duty.missing(),
        Err(error) => duty.unavailable(&error),
    }
}

/// A member's page again, with what was in the way.
async fn told(
    duty: &OnDuty<Admin>,
    web: &Web,
    (id, typed): (&str, Option<Typed>),
    error: &SettingsError,
) -> Response {
    match words_of(duty, error) {
        Ok((place, words, status)) => {
            // Whoever comes too late sees what the others have made of it.
            let is_own = matches!(error, SettingsError::Refused(_) | SettingsError::Conflict(_));
            let typed = typed.filter(|_| is_own);
            // This page has no field for the address.
            let place = if place == "name" { place } else { "" };
            member_page(duty, web, (id, typed), Some((place, words)), status).await
        }
        Err(page) => *page,
    }
}
