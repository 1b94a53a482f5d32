//! The tenant's web chat: which pages hold it, and what to put into them.
//!
//! To add a setting: 1. its field in `form.rs`, 2. its label, hint and fault in `templates/admin/webchat/webchat.html`,
//! 3. a case in `tests/it/insight/webchat.rs`.

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

use form::{Fault, Typed};

/// The URL of this page.
const PATH: &str = "/admin/webchat";
/// How often a change is tried again that somebody else's change of other settings has overtaken.
const RACES: usize = 3;

/// The route of this page.
pub fn routes() -> Router<Arc<Web>> {
    Router::new().route(PATH, get(show).post(save))
}

/// What the page shows beside the fields.
#[derive(Debug, Default)]
struct Extra {
    faults: Vec<Fault>,
    /// What stands there now, if somebody else has changed it meanwhile.
    theirs: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/webchat/webchat.html")]
struct WebChatView {
    frame: Frame,
    typed: Typed,
    /// What was there when the page was made.
    seen: String,
    extra: Extra,
    /// The file in which the settings stand.
    file: Option<String>,
    is_fixed: bool,
    toml: String,
    changed: Option<Moment>,
    /// Whether a sign-in of the web chat may be proved by its browser.
    takes_browser: bool,
    /// The tenant's own address, where the script of the element is.
    origin: String,
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

/// Puts what was typed in place of what was read. Somebody else's change of other settings is no obstacle; one of these
/// pages is told.
async fn save(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, form: Posted) -> Response {
    let typed = Typed::of_form(&form);
    for _ in 0..RACES {
        let now = match now(&web, &duty).await {
            Ok(now) => now,
            Err(response) => return *response,
        };
        let version = now.state.changed.as_ref().map(|(versions, _)| versions.document);
        let (Some(document), Some(version)) = (now.state.document.clone(), version) else {
            return read_only(&web, &duty, &now, typed);
        };
        if form.raw("seen") != now.typed.origins {
            let extra = Extra { theirs: Some(now.typed.origins.clone()), ..Extra::default() };
            return page(&web, &duty, StatusCode::CONFLICT, &now, typed, extra);
        }
        let condition = Precondition::Versions(vec![version]);
        let settings = typed.put_into(document);
        match web.broker.put_own_document(&duty.tenant().id, &settings, &condition, &duty.actor()).await {
            Ok(_) => return see_other_saying(PATH, Said::Saved),
            Err(SettingsError::Refused(remarks)) => {
                let extra = Extra { faults: form::faults(remarks), ..Extra::default() };
                return page(&web, &duty, StatusCode::UNPROCESSABLE_ENTITY, &now, typed, extra);
            }
            Err(SettingsError::Stale { .. }) => {}
            Err(SettingsError::InFile(_) | SettingsError::Fixed) => {
                return read_only(&web, &duty, &now, typed);
            }
            Err(error) => return failed(&duty, error),
        }
    }
    let lead = "Others changed the settings again and again meanwhile. Nothing was changed; send the form once more.";
    duty.plain(StatusCode::CONFLICT, "Nothing was changed", lead)
}

fn read_only(web: &Web, duty: &OnDuty<Admin>, now: &Now, typed: Typed) -> Response {
    let fault = "Nothing was changed: these settings are not changed here.";
    let extra = Extra { faults: vec![(None, fault.to_owned())], ..Extra::default() };
    page(web, duty, StatusCode::CONFLICT, now, typed, extra)
}

async fn now(web: &Web, duty: &OnDuty<Admin>) -> Result<Now, Box<Response>> {
    let tenant = duty.tenant();
    let state = web.broker.tenant_state(&tenant.id).await.map_err(|error| Box::new(failed(duty, error)))?;
    let served = || Typed::of_list(tenant.chat_origins.iter().map(String::as_str));
    let typed = state.document.as_ref().map_or_else(served, Typed::of_settings);
    Ok(Now { state, typed })
}

fn failed(duty: &OnDuty<Admin>, error: SettingsError) -> Response {
    match error {
        SettingsError::Store(error) => duty.unavailable(&error),
        SettingsError::Unknown => duty.missing(),
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
    let tenant = duty.tenant();
    let view = WebChatView {
        frame: duty.frame("Web chat", Section::WebChat),
        seen: now.typed.origins.clone(),
        is_fixed: now.state.home == Home::Process,
        toml: now.typed.toml(),
        changed: now.state.changed.as_ref().map(|(_, signed)| local.ago(signed.at, clock)),
        takes_browser: tenant.binding.minimum_for(Channel::Webchat) <= Binding::Browser,
        origin: tenant.origin.clone(),
        file,
        typed,
        extra,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

impl WebChatView {
    fn is_read_only(&self) -> bool {
        self.file.is_some() || self.is_fixed
    }

    fn is_at_fault(&self) -> bool {
        self.extra.faults.iter().any(|(place, _)| place.is_some())
    }
}
