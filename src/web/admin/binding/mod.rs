//! The binding policy: what each channel must prove before a sign-in counts.
//!
//! To add a proof: 1. its words in `explain.rs`, and the channels that can reach it, 2. a case in
//! `tests/it/insight/binding.rs`.

mod explain;
mod form;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;
use crate::flow::settings::tenants::TenantState;
use crate::flow::settings::{Home, Precondition, SettingsError};
use crate::web::Web;
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, Section, respond, see_other_saying,
};

use explain::{PROOFS, Proof};
use form::{Fault, Typed};

/// How often a change is tried again that somebody else's change of other settings has overtaken.
const RACES: usize = 3;
/// What is said where the settings of a stored tenant are not there.
const GONE: &str = "The settings of this tenant are not there any more.";

/// The URL of this page.
pub fn routes() -> Router<Arc<Web>> {
    Router::new().route("/admin/binding", get(show).post(save))
}

/// A choice of a field.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_set: bool,
}

/// One channel.
struct Row {
    channel: Channel,
    choices: Vec<Choice>,
    /// Whether it has a minimum of its own.
    is_own: bool,
    effective: Option<Binding>,
    provable: &'static str,
    preview: &'static str,
    fault: Option<String>,
}

/// What the page shows beside the fields.
#[derive(Debug, Default)]
struct Extra {
    faults: Vec<Fault>,
    /// What somebody else has changed meanwhile: field, now, as typed here.
    conflicts: Vec<(String, String, String)>,
    is_preview: bool,
    /// Whether the box is ticked that allows `none`.
    accepts_none: bool,
    /// What the form was made from, where that may be older than what is there now: nobody has seen the newer one.
    seen: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/binding/binding.html")]
struct BindingView {
    frame: Frame,
    typed: Typed,
    /// What was there when the page was made.
    seen: String,
    minimums: Vec<Choice>,
    rows: Vec<Row>,
    unproved: Vec<&'static str>,
    proofs: &'static [Proof],
    extra: Extra,
    /// The file in which the settings stand.
    file: Option<String>,
    is_fixed: bool,
    toml: String,
    changed: Option<Moment>,
}

/// The settings as they are now.
struct Now {
    state: TenantState,
    typed: Typed,
}

async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>) -> Response {
    match now(&web, &duty).await {
        Ok(now) => {
            let typed = now.typed.clone();
            page(&web, &duty, StatusCode::OK, &now, typed, Extra::default())
        }
        Err(response) => *response,
    }
}

async fn save(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let now = match now(&web, &duty).await {
        Ok(now) => now,
        Err(response) => return *response,
    };
    let typed = Typed::of_form(&form);
    let accepts_none = form.has("accept_none");
    let seen = Some(form.text("seen").to_owned());
    if form.text("do") == "preview" {
        let extra = Extra { is_preview: true, accepts_none, seen, ..Extra::default() };
        return page(&web, &duty, StatusCode::OK, &now, typed, extra);
    }
    if !typed.unproved().is_empty() && !accepts_none {
        let fault =
            "Tick that you accept it, or choose another proof: on these channels nothing would be proved.";
        let faults = vec![(Some("accept_none".to_owned()), fault.to_owned())];
        let extra = Extra { faults, seen, ..Extra::default() };
        return page(&web, &duty, StatusCode::UNPROCESSABLE_ENTITY, &now, typed, extra);
    }
    if seen.is_none_or(|seen| seen != now.typed.print()) {
        return overtaken(&web, &duty, &now, typed, accepts_none);
    }
    put(&web, &duty, now, typed, accepts_none).await
}

/// Puts what was typed in place of what was read. Somebody else's change of other settings is no obstacle.
async fn put(web: &Web, duty: &OnDuty<Admin>, mut now: Now, typed: Typed, accepts_none: bool) -> Response {
    let seen = now.typed.print();
    for _ in 0..RACES {
        let version = now.state.changed.as_ref().map(|(versions, _)| versions.document);
        let (Some(document), Some(version)) = (now.state.document.clone(), version) else {
            return read_only(web, duty, &now, typed);
        };
        let condition = Precondition::Versions(vec![version]);
        let settings = typed.put_into(document);
        match web.broker.put_own_document(&duty.tenant().id, &settings, &condition, &duty.actor()).await {
            Ok(_) => return see_other_saying("/admin/binding", Said::Saved),
            Err(SettingsError::Refused(remarks)) => {
                let extra = Extra { faults: form::faults(remarks), accepts_none, ..Extra::default() };
                return page(web, duty, StatusCode::UNPROCESSABLE_ENTITY, &now, typed, extra);
            }
            Err(SettingsError::Stale { .. }) => {}
            Err(SettingsError::InFile(_) | SettingsError::Fixed) => return read_only(web, duty, &now, typed),
            Err(error) => return failed(duty, error),
        }
        now = match self::now(web, duty).await {
            Ok(now) => now,
            Err(response) => return *response,
        };
        if now.typed.print() != seen {
            break;
        }
    }
    overtaken(web, duty, &now, typed, accepts_none)
}

/// Somebody else has changed the policy meanwhile: both are shown, and nothing is lost.
fn overtaken(web: &Web, duty: &OnDuty<Admin>, now: &Now, typed: Typed, accepts_none: bool) -> Response {
    let conflicts = now.typed.differences(&typed);
    let conflicts = conflicts
        .into_iter()
        .map(|(field, theirs, ours)| (field.to_owned(), in_words(theirs), in_words(ours)));
    let extra = Extra { conflicts: conflicts.collect(), accepts_none, ..Extra::default() };
    page(web, duty, StatusCode::CONFLICT, now, typed, extra)
}

fn read_only(web: &Web, duty: &OnDuty<Admin>, now: &Now, typed: Typed) -> Response {
    let fault = "Nothing was changed: these settings are not changed here.";
    let extra = Extra { faults: vec![(None, fault.to_owned())], ..Extra::default() };
    page(web, duty, StatusCode::CONFLICT, now, typed, extra)
}

async fn now(web: &Web, duty: &OnDuty<Admin>) -> Result<Now, Box<Response>> {
    let tenant = duty.tenant();
    let state = web.broker.tenant_state(&tenant.id).await.map_err(|error| Box::new(failed(duty, error)))?;
    let typed = state.document.as_ref().map_or_else(|| Typed::of_policy(&tenant.binding), Typed::of_settings);
    Ok(Now { state, typed })
}

fn failed(duty: &OnDuty<Admin>, error: SettingsError) -> Response {
    match error {
        SettingsError::Store(error) => duty.unavailable(&error),
        SettingsError::Unknown => duty.plain(StatusCode::NOT_FOUND, "There is nothing here", GONE),
        other => duty.plain(StatusCode::CONFLICT, "Nothing was changed", &format!("{other}.")),
    }
}

fn page(
    web: &Web,
    duty: &OnDuty<Admin>,
    status: StatusCode,
    now: &Now,
    typed: Typed,
    extra: Extra,
) -> Response {
    let file = match &now.state.home {
        Home::File(file) => Some(file.clone()),
        Home::Store | Home::Process => None,
    };
    let (local, clock) = (duty.local(), web.broker.clock().now());
    let changed = now.state.changed.as_ref().map(|(_, signed)| local.ago(signed.at, clock));
    let view = BindingView {
        frame: duty.frame("Binding", Section::Binding),
        seen: extra.seen.clone().unwrap_or_else(|| now.typed.print()),
        minimums: choices(None, &typed.minimum),
        rows: Channel::ALL.into_iter().map(|channel| row(channel, &typed, &extra.faults)).collect(),
        unproved: typed.unproved().into_iter().map(Channel::label).collect(),
        proofs: &PROOFS,
        is_fixed: now.state.home == Home::Process,
        toml: now.typed.toml(),
        file,
        changed,
        typed,
        extra,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

fn row(channel: Channel, typed: &Typed, faults: &[Fault]) -> Row {
    let effective = typed.effective(channel);
    Row {
        channel,
        choices: choices(Some(channel), typed.own(channel)),
        is_own: !typed.own(channel).is_empty(),
        effective,
        provable: explain::provable(channel),
        preview: effective.map_or("", |binding| explain::preview(channel, binding)),
        fault: fault_of(faults, channel.as_str()),
    }
}

fn choices(channel: Option<Channel>, set: &str) -> Vec<Choice> {
    let choice = |binding: Binding| Choice {
        value: binding.as_str(),
        label: explain::label(binding),
        is_set: binding.as_str() == set,
    };
    explain::choices(channel, set.parse().ok()).into_iter().map(choice).collect()
}

fn fault_of(faults: &[Fault], field: &str) -> Option<String> {
    faults.iter().find(|(place, _)| place.as_deref() == Some(field)).map(|(_, fault)| fault.clone())
}

/// What stands in a field, as it is told to people.
fn in_words(typed: &str) -> String {
    match typed.parse::<Binding>() {
        Ok(binding) => explain::label(binding).to_owned(),
        Err(_) if typed.is_empty() => "not set".to_owned(),
        Err(_) => typed.to_owned(),
    }
}

impl BindingView {
    fn is_read_only(&self) -> bool {
        self.file.is_some() || self.is_fixed
    }

    fn fault(&self, field: &str) -> Option<String> {
        fault_of(&self.extra.faults, field)
    }
}

impl Row {
    fn is_unproved(&self) -> bool {
        self.effective == Some(Binding::None)
    }

    fn effective_label(&self) -> &'static str {
        self.effective.map_or("", explain::label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_field_is_told_in_words() {
        assert_eq!(in_words(""), "not set");
        assert_eq!(in_words("none"), "Nothing (dangerous)");
        assert_eq!(in_words("8h"), "8h");
    }

    #[test]
    fn a_row_says_what_holds_there_and_what_the_customer_does() {
        let typed = Typed { minimum: "none".to_owned(), ..Typed::of_settings(&serde_json::Map::new()) };
        let faults = vec![(Some("sms".to_owned()), "Bad.".to_owned())];
        let sms = row(Channel::Sms, &typed, &faults);
        assert!(sms.is_unproved() && !sms.is_own && sms.choices.iter().all(|choice| !choice.is_set));
        assert_eq!((sms.fault.as_deref(), sms.effective_label()), (Some("Bad."), "Nothing (dangerous)"));
        let odd = row(Channel::Sms, &Typed { minimum: "?".to_owned(), ..typed }, &[]);
        assert_eq!((odd.effective, odd.preview, odd.effective_label()), (None, "", ""));
    }
}
