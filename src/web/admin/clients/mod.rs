//! `/admin/clients`: the bots and apps that get tokens from us. A change does what the API does, with the scopes of an admin.
//!
//! To add something that an admin may do with a client: 1. its flow, 2. a handler here and a row below, 3. its form in
//! `templates/admin/clients/`, 4. a case in `tests/it/apps/`.

mod change;
mod form;
mod list;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::domain::client::Scopes;
use crate::flow::settings::SettingsError;
use crate::web::Web;
use crate::web::page::sentence;
use crate::web::staff::{Admin, OnDuty};

/// Where the list is.
const LIST: &str = "/admin/clients";

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/admin/clients", get(list::list).post(list::create))
        .route("/admin/clients/client", get(change::show))
        .route("/admin/clients/change", post(change::change))
        .route("/admin/clients/rotate", post(change::rotate))
        .route("/admin/clients/delete", post(change::delete))
}

/// What an admin may give to a client: everything of the tenant.
fn held() -> Scopes {
    Scopes::parse("admin:all").expect("a scope of ours")
}

/// What was in the way: in words, and with which status.
fn words_of(duty: &OnDuty<Admin>, error: &SettingsError) -> Result<(String, StatusCode), Box<Response>> {
    match error {
        SettingsError::Unknown => Err(Box::new(duty.missing())),
        SettingsError::Store(error) => Err(Box::new(duty.unavailable(error))),
        SettingsError::InFile(file) => Ok((
            format!("The clients of this business stand in the file {file}. Change them there."),
            StatusCode::CONFLICT,
        )),
        SettingsError::Fixed => {
            Ok(("The clients are fixed for as long as this broker runs.".to_owned(), StatusCode::CONFLICT))
        }
        SettingsError::Stale { .. } | SettingsError::Unconditional => {
            let words = "Somebody changed the settings meanwhile. Look again, and then repeat your change.";
            Ok((words.to_owned(), StatusCode::PRECONDITION_FAILED))
        }
        SettingsError::Once(error) => Ok((sentence(&error.to_string()), StatusCode::CONFLICT)),
        SettingsError::Conflict(text) => Ok((sentence(text), StatusCode::CONFLICT)),
        SettingsError::Refused(remarks) => {
            let told = |message: &str, help: Option<&String>| {
                let help = help.map(|help| format!(" {}", sentence(help))).unwrap_or_default();
                format!("{}{help}", sentence(message))
            };
            let words = remarks.first().map(|remark| told(&remark.message, remark.help.as_ref()));
            Ok((words.unwrap_or_else(|| "This cannot be used.".to_owned()), StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
