//! Everybody who may use these pages, and the invitation of one more.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::future::join_all;

use crate::domain::entry::INVITATION_LIFETIME;
use crate::domain::staff::{Member, Role, StaffEmail};
use crate::flow::settings::staff::NewMember;
use crate::flow::staff::invite::{InviteError, Invited};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Posted, Section, respond};

use super::{member, members, words_of};

/// How long an admin waits to hear what the mail server says.
const MAIL_WAIT: Duration = Duration::from_secs(8);

/// A member in the list.
struct Row {
    id: String,
    name: String,
    email: String,
    role: &'static str,
    is_self: bool,
    seen: Option<Moment>,
    browsers: usize,
}

#[derive(Template)]
#[template(path = "admin/staff.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    /// The file in which the staff stand; none if they are changed here.
    file: Option<String>,
    mails: bool,
    /// What was typed, to be mended.
    typed: Typed,
    fault: Option<(&'static str, String)>,
}

/// What was typed into the form of an invitation.
#[derive(Default)]
struct Typed {
    email: String,
    name: String,
    admin: bool,
}

#[derive(Template)]
#[template(path = "admin/staff_invited.html")]
struct InvitedView {
    frame: Frame,
    name: String,
    email: String,
    /// The link, where it is to be handed over; none if it was sent.
    url: Option<String>,
    /// Why it was not sent, though mail is set up.
    unsent: Option<String>,
    minutes: i64,
}

/// `GET /admin/staff`: everybody.
pub(super) async fn list(duty: OnDuty<Admin>, State(web): State<Arc<Web>>) -> Response {
    list_page(&duty, &web, Typed::default(), None, StatusCode::OK).await
}

async fn list_page(
    duty: &OnDuty<Admin>,
    web: &Web,
    typed: Typed,
    fault: Option<(&'static str, String)>,
    status: StatusCode,
) -> Response {
    let rows = match rows(duty, web).await {
        Ok(rows) => rows,
        Err(page) => return *page,
    };
    let (file, mails) = (web.broker.settings_file(&duty.tenant().id), web.broker.sends_mail());
    let view = ListView { frame: duty.frame("Staff", Section::Staff), rows, file, mails, typed, fault };
    respond(status, &view.frame, Forms::Here, &view)
}

async fn rows(duty: &OnDuty<Admin>, web: &Web) -> Result<Vec<Row>, Box<Response>> {
    let tenant = duty.tenant();
    let failed = |error| Box::new(duty.unavailable(&error));
    let staff = members(duty, web).await?.0;
    let book = web.broker.staff_book(tenant).await.map_err(failed)?;
    let (local, now) = (duty.local(), web.broker.clock().now());
    // One after the other they would wait for each other's answers.
    let browsers = join_all(staff.iter().map(|member| web.broker.sessions_of(tenant, &member.id))).await;
    let mut rows = Vec::with_capacity(staff.len());
    for (member, browsers) in staff.into_iter().zip(browsers) {
        let browsers = browsers.map_err(failed)?;
        let seen = browsers.iter().map(|browser| browser.seen_at);
        let seen = seen.chain(book.find(&member.id).map(|known| known.last_seen)).max();
        rows.push(Row {
            id: member.id.to_string(),
            name: clean(member.name.as_deref().unwrap_or_default()),
            email: member.email.as_str().to_owned(),
            role: member.role.as_str(),
            is_self: member.id == duty.member.id,
            seen: seen.map(|seen| local.ago(seen, now)),
            browsers: browsers.len(),
        });
    }
    Ok(rows)
}

/// `POST /admin/staff`: makes somebody staff, and invites them.
pub(super) async fn invite(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let (email, name) = (form.text("email").to_owned(), form.text("name").to_owned());
    let role = if form.text("role") == "admin" { Role::Admin } else { Role::Agent };
    let typed = || Typed { email: email.clone(), name: name.clone(), admin: role == Role::Admin };
    if email.parse::<StaffEmail>().is_err() {
        let fault = ("email", "This is no email address. Write it as dana@acme.example.".to_owned());
        return list_page(&duty, &web, typed(), Some(fault), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let new =
        NewMember { email: email.clone(), role, name: Some(name.clone()).filter(|name| !name.is_empty()) };
    let added = web.broker.add_member(&duty.tenant().id, &new, &duty.actor()).await;
    match added {
        Ok(member) => invited(&duty, &web, &member).await,
        Err(error) => match words_of(&duty, &error) {
            Ok((place, words, status)) => list_page(&duty, &web, typed(), Some((place, words)), status).await,
            Err(page) => *page,
        },
    }
}

/// `POST /admin/staff/{id}/invite`: another one-time link.
pub(super) async fn invite_again(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    _: Posted,
) -> Response {
    match member(&duty, &web, &id).await {
        Ok((member, _)) => invited(&duty, &web, &member).await,
        Err(page) => *page,
    }
}

/// Makes an invitation and sends it; where no mail is set up, or it does not go out, the link is shown, once.
async fn invited(duty: &OnDuty<Admin>, web: &Web, member: &Member) -> Response {
    // Whoever was just made staff is in the settings, and perhaps not yet in the tenant of this request.
    let tenant = web.broker.directory().by_id(&duty.tenant().id).map(|served| Arc::clone(&served.tenant));
    let tenant = tenant.unwrap_or_else(|| Arc::clone(duty.tenant()));
    let invited = match web.broker.invite_member(&tenant, &member.id, &duty.actor()).await {
        Ok(invited) => invited,
        Err(InviteError::Unknown) => return duty.missing(),
        Err(InviteError::Store(error)) => return duty.unavailable(&error),
    };
    let sent = match web.broker.mail_invitation(&tenant, &invited) {
        Some(Ok(receipt)) => Some(receipt.within(MAIL_WAIT).await),
        Some(Err(error)) => Some(Err(error)),
        None => None,
    };
    let unsent = sent.and_then(Result::err).map(|error| error.to_string());
    let shows = unsent.is_some() || !web.broker.sends_mail();
    let Invited { member, url, .. } = invited;
    let view = InvitedView {
        frame: duty.frame("Invitation", Section::Staff),
        name: clean(member.shown_name()),
        email: member.email.as_str().to_owned(),
        url: shows.then(|| url.expose().to_owned()),
        unsent,
        minutes: INVITATION_LIFETIME.as_mins(),
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}
