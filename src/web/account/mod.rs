//! `/account`: who is signed in, how dates and numbers are written for them, and where else they are signed in; and
//! `/signout`.
//!
//! To add something that a member sets: 1. its field in [`Preferences`], 2. its reading in [`preferences`], 3. its field in
//! `templates/account/account.html`, 4. a case in `tests/it/doors/account.rs`.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::tz::TimeZone;

use crate::domain::ids::SessionId;
use crate::domain::staff::SignedInBy;
use crate::flow::settings::staff::{MemberChange, Rename};
use crate::flow::settings::{Precondition, SettingsError};
use crate::flow::staff::account::Preferences;

use super::Web;
use super::page::clean;
use super::segment::Segment;
use super::staff::{
    Agent, Forms, Frame, Moment, OnDuty, Posted, Said, Section, forget_cookie, respond, see_other_saying,
};
use super::visit::see_other;

/// The page itself.
const PAGE: &str = "/account";
/// The most characters of a name.
const NAME: usize = 100;
/// The most characters of a language tag.
const TAG: usize = 35;
/// Languages to choose from, which need not be all that there are.
const LANGUAGES: [(&str, &str); 17] = [
    ("en-GB", "English (United Kingdom)"),
    ("en-US", "English (United States)"),
    ("ar", "العربية"),
    ("de-AT", "Deutsch (Österreich)"),
    ("de-CH", "Deutsch (Schweiz)"),
    ("de-DE", "Deutsch (Deutschland)"),
    ("es", "Español"),
    ("fr", "Français"),
    ("he", "עברית"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("pt-BR", "Português (Brasil)"),
    ("pt-PT", "Português (Portugal)"),
    ("sv", "Svenska"),
    ("zh", "中文"),
];

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/account", get(show).post(save))
        .route("/account/sessions/end-others", post(end_others))
        .route("/account/sessions/{id}/end", post(end_one))
        .route("/signout", post(sign_out))
}

/// A browser in which the member is signed in.
struct Row {
    id: String,
    device: String,
    how: String,
    since: Moment,
    seen: Moment,
    is_here: bool,
}

/// A language to choose.
struct Language {
    tag: String,
    label: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountView {
    frame: Frame,
    name: String,
    email: String,
    role: &'static str,
    since: Moment,
    until: Moment,
    how: String,
    /// The file in which name and role stand; none if the name is changed here.
    file: Option<String>,
    /// What the fields hold, or what was typed.
    given: String,
    languages: Vec<Language>,
    zone: String,
    /// Where a fault is, and what it is.
    fault: Option<(&'static str, String)>,
    rows: Vec<Row>,
}

/// `GET /account`: who is signed in here.
async fn show(duty: OnDuty<Agent>, State(web): State<Arc<Web>>) -> Response {
    let given = duty.member.name.clone().unwrap_or_default();
    let wanted = Preferences { locale: duty.session.locale.clone(), zone: duty.session.zone.clone() };
    page(&duty, &web, (given, wanted), None).await
}

async fn page(
    duty: &OnDuty<Agent>,
    web: &Web,
    (given, wanted): (String, Preferences),
    fault: Option<(&'static str, String)>,
) -> Response {
    let (session, local, now) = (&duty.session, duty.local(), web.broker.clock().now());
    let sessions = match web.broker.sessions_of(duty.tenant(), &duty.member.id).await {
        Ok(sessions) => sessions,
        Err(error) => return duty.unavailable(&error),
    };
    let rows = sessions.iter().map(|other| Row {
        id: other.id.to_string(),
        device: clean(&other.device),
        how: told(duty, &other.how),
        since: local.moment(other.created_at),
        seen: local.ago(other.seen_at, now),
        is_here: other.id == session.id,
    });
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = AccountView {
        frame: duty.frame("Your account", Section::Account),
        name: clean(duty.member.shown_name()),
        email: duty.member.email.as_str().to_owned(),
        role: duty.member.role.as_str(),
        since: local.moment(session.created_at),
        until: local.moment(session.ends_at()),
        how: told(duty, &session.how),
        file: web.broker.settings_file(&duty.tenant().id),
        given,
        languages: languages(&wanted.locale),
        zone: wanted.zone,
        fault,
        rows: rows.collect(),
    };
    respond(status, &view.frame, Forms::Here, &view)
}

/// Those to choose from, and the chosen one, if it is another.
fn languages(chosen: &str) -> Vec<Language> {
    let known = LANGUAGES.into_iter().map(|(tag, label)| (tag.to_owned(), label.to_owned()));
    let other = Some((chosen.to_owned(), clean(chosen)));
    let other = other.filter(|(chosen, _)| !LANGUAGES.iter().any(|(tag, _)| tag == chosen));
    let all = other.into_iter().chain(known);
    all.map(|(tag, label)| Language { is_chosen: tag == chosen, tag, label }).collect()
}

/// By what a browser was let in.
fn told(duty: &OnDuty<Agent>, how: &SignedInBy) -> String {
    match how {
        SignedInBy::Provider(provider) => {
            let label = duty.tenant().provider(Some(provider)).map(|provider| provider.label.as_str());
            format!("at {}", clean(label.unwrap_or(provider.as_str())))
        }
        SignedInBy::Code => "by an emailed code".to_owned(),
        SignedInBy::Invite => "by an invitation".to_owned(),
        SignedInBy::Demo => "by the demo, which lets everybody in".to_owned(),
    }
}

/// `POST /account`: name, language and time zone.
async fn save(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let typed = || {
        let wanted =
            Preferences { locale: form.text("locale").to_owned(), zone: form.text("zone").to_owned() };
        (form.text("name").to_owned(), wanted)
    };
    let wanted = match preferences(&form) {
        Ok(wanted) => wanted,
        Err(fault) => return page(&duty, &web, typed(), Some(fault)).await,
    };
    if let Some(fault) = match rename(&duty, &web, &form).await {
        Ok(()) => None,
        Err(SettingsError::Store(error)) => return duty.unavailable(&error),
        Err(error) => Some(("name", format!("The name was not changed: {error}."))),
    } {
        return page(&duty, &web, typed(), Some(fault)).await;
    }
    match web.broker.set_preferences(duty.tenant(), &duty.session, &wanted).await {
        Ok(()) => see_other_saying(PAGE, Said::Saved),
        Err(error) => duty.unavailable(&error),
    }
}

/// Language and zone of a form, or where it is at fault.
fn preferences(form: &Posted) -> Result<Preferences, (&'static str, String)> {
    let (locale, zone) = (form.text("locale"), form.text("zone"));
    let is_tag = (2..=TAG).contains(&locale.len())
        && locale
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if !is_tag {
        return Err(("locale", "Choose one of the languages.".to_owned()));
    }
    if zone.len() > 64 || TimeZone::get(zone).is_err() {
        return Err(("zone", "There is no such time zone. Write it as Europe/Berlin.".to_owned()));
    }
    if form.text("name").chars().count() > NAME {
        return Err(("name", format!("A name has at most {NAME} characters.")));
    }
    Ok(Preferences { locale: locale.to_owned(), zone: zone.to_owned() })
}

/// Changes the member's own name, where the form has one and the settings stand in the store.
async fn rename(duty: &OnDuty<Agent>, web: &Web, form: &Posted) -> Result<(), SettingsError> {
    let name = form.text("name");
    let is_same = !form.has("name") || name == duty.member.name.as_deref().unwrap_or_default();
    if is_same || web.broker.settings_file(&duty.tenant().id).is_some() {
        return Ok(());
    }
    let what = MemberChange { role: None, name: Rename::typed(name) };
    let (tenant, member) = (&duty.tenant().id, &duty.member.id);
    web.broker.change_member(tenant, member, &what, &Precondition::Any, &duty.actor()).await.map(drop)
}

/// `POST /account/sessions/{id}/end`: signs another browser of the member's own out.
async fn end_one(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    _: Posted,
) -> Response {
    let Ok(id) = id.parse::<SessionId>() else { return duty.missing() };
    match web.broker.end_session_of(duty.tenant(), &duty.member.id, &id, &duty.actor()).await {
        Ok(true) => see_other_saying(PAGE, Said::SignedOut),
        Ok(false) => duty.missing(),
        Err(error) => duty.unavailable(&error),
    }
}

/// `POST /account/sessions/end-others`: signs every other browser of the member's own out.
async fn end_others(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, _: Posted) -> Response {
    match web.broker.end_other_sessions(duty.tenant(), &duty.session, &duty.actor()).await {
        Ok(()) => see_other_saying(PAGE, Said::OthersSignedOut),
        Err(error) => duty.unavailable(&error),
    }
}

/// `POST /signout`: signs this browser out.
async fn sign_out(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, _: Posted) -> Response {
    match web.broker.end_session(duty.tenant(), &duty.session.id, &duty.actor()).await {
        Ok(_) => {
            let mut response = see_other("/signin");
            response.headers_mut().append(header::SET_COOKIE, forget_cookie(&duty.visit));
            response
        }
        Err(error) => duty.unavailable(&error),
    }
}
