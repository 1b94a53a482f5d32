//! `/admin/websites`: where customers sign in by an emailed code. Websites have no calls of their own in the API: they are
//! part of the tenant's settings (`PUT /v1/tenant`), and a change here is one of those settings by the same flow.
//!
//! To add a setting of a website: 1. its field in [`form`], 2. its lines in `templates/admin/websites/fields.html`, 3. a
//! case in `tests/it/workshop/websites.rs`.

mod change;
mod form;
mod list;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use crate::flow::settings::own::own_part;
use crate::flow::settings::tenants::TenantState;
use crate::flow::settings::{Home, Precondition, SettingsError};
use crate::web::Web;
use crate::web::staff::{Admin, OnDuty};

use self::form::{Fault, Typed, fault_of};

/// Where the list is.
const LIST: &str = "/admin/websites";
/// The member of the tenant's settings.
const MEMBER: &str = "websites";
/// How often a change is tried again that somebody's change of other settings has overtaken.
const RACES: usize = 8;

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/admin/websites", get(list::list).post(list::create))
        .route("/admin/websites/codes", post(list::switch))
        .route("/admin/websites/website", get(change::show))
        .route("/admin/websites/change", post(change::change))
        .route("/admin/websites/delete", post(change::delete))
}

/// The settings as they are now.
struct Now {
    websites: Vec<Typed>,
    /// Whether customers may sign in by an emailed code.
    email_code: bool,
    /// The file in which they stand.
    file: Option<String>,
    /// Whether they are changed here.
    is_open: bool,
}

/// Why nothing was changed.
enum Missed {
    /// Somebody else changed the same website, or took it away.
    Overtaken,
    /// The settings refuse it.
    Settings(SettingsError),
}

impl From<SettingsError> for Missed {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

/// What stands there now. What a page shows of a tenant in a file is what is served.
async fn now(web: &Web, duty: &OnDuty<Admin>) -> Result<Now, SettingsError> {
    let tenant = duty.tenant();
    let state = web.broker.tenant_state(&tenant.id).await?;
    let file = match &state.home {
        Home::File(file) => Some(file.clone()),
        Home::Store | Home::Process => None,
    };
    let is_open = state.home == Home::Store;
    let stored = state.document.filter(|_| is_open);
    Ok(match stored {
        Some(document) => Now {
            websites: list_of(&document).iter().map(Typed::of_settings).collect(),
            email_code: document.get("customers").is_some_and(|customers| customers["emailCode"] == true),
            file,
            is_open,
        },
        None => Now {
            websites: tenant.websites.iter().map(Typed::of_website).collect(),
            email_code: tenant.customers.email_code,
            file,
            is_open,
        },
    })
}

/// Changes the settings of websites, over whatever else of the tenant is changed meanwhile.
async fn put(
    web: &Web,
    duty: &OnDuty<Admin>,
    change: impl Fn(&mut Map<String, Value>) -> Result<(), Missed>,
) -> Result<(), Missed> {
    let tenant = &duty.tenant().id;
    for _ in 0..RACES {
        let TenantState { document, changed, home, .. } = web.broker.tenant_state(tenant).await?;
        let (mut document, version) = match (document, changed, home) {
            (Some(document), Some((versions, _)), Home::Store) => (own_part(document), versions.document),
            (_, _, Home::File(file)) => return Err(SettingsError::InFile(file).into()),
            _ => return Err(SettingsError::Fixed.into()),
        };
        change(&mut document)?;
        let condition = Precondition::Versions(vec![version]);
        match web.broker.put_own_document(tenant, &document, &condition, &duty.actor()).await {
            Err(SettingsError::Stale { .. }) => {}
            done => return Ok(done.map(drop)?),
        }
    }
    Err(Missed::Overtaken)
}

fn list_of(document: &Map<String, Value>) -> Vec<Value> {
    document.get(MEMBER).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Writes the list back; an empty one is none.
fn put_list(document: &mut Map<String, Value>, list: &[Value]) {
    if list.is_empty() {
        document.shift_remove(MEMBER);
    } else {
        document.insert(MEMBER.to_owned(), json!(list));
    }
}

/// The place of a website in the list, if it still is what somebody saw of it.
fn place_of(document: &Map<String, Value>, key: &str, seen: &str) -> Result<usize, Missed> {
    let list = list_of(document);
    let place = list.iter().position(|website| website["publicKey"] == key).ok_or(Missed::Overtaken)?;
    if Typed::of_settings(&list[place]).print() == seen { Ok(place) } else { Err(Missed::Overtaken) }
}

/// What was in the way: at which field, in words, and with which status; or a page of its own.
fn told_of(duty: &OnDuty<Admin>, missed: Missed) -> Result<(Fault, StatusCode), Box<Response>> {
    let whole = |words: String, status| Ok((("", words), status));
    match missed {
        Missed::Overtaken => whole(
            "Somebody else changed this meanwhile, so nothing of yours was saved. What you typed is still here; saving now \
             puts it in place of theirs."
                .to_owned(),
            StatusCode::CONFLICT,
        ),
        Missed::Settings(SettingsError::Unknown) => Err(Box::new(duty.missing())),
        Missed::Settings(SettingsError::Store(error)) => Err(Box::new(duty.unavailable(&error))),
        Missed::Settings(SettingsError::InFile(file)) => whole(
            format!("The websites of this business stand in the file {file}. Change them there."),
            StatusCode::CONFLICT,
        ),
        Missed::Settings(SettingsError::Refused(remarks)) => {
            Ok((fault_of(&remarks), StatusCode::UNPROCESSABLE_ENTITY))
        }
        Missed::Settings(error) => whole(form::sentence(&error.to_string()), StatusCode::CONFLICT),
    }
}

/// The settings could not be read.
fn failed(duty: &OnDuty<Admin>, error: SettingsError) -> Response {
    match told_of(duty, error.into()) {
        Ok(((_, words), status)) => duty.plain(status, "That did not work", &words),
        Err(response) => *response,
    }
}
