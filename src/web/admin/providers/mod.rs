//! `/admin/providers…`: how a tenant's admin sets its providers up, tries them, and makes them live. Every change
//! is made by the functions that the API calls, so that the same is checked; nothing but text is made here.
//!
//! | file | page |
//! |---|---|
//! | `list` | all providers |
//! | `choose`, `begin` | add one: a preset, an issuer, or by hand |
//! | `opened` | what every page of one provider shares: its head, its tabs, and what a refusal says |
//! | `overview` | how it stands, what is to be done next, its redirect URIs |
//! | `settings` | the form of its draft, and two versions side by side |
//! | `secrets` | set, replaced, dropped; never shown |
//! | `test`, `report` | a test login and what it found |
//! | `mapping`, `samples` | the playground, and answers that must go on to work |
//! | `publish`, `versions` | from draft to live, and back |
//! | `remove` | delete it |
//! | `form/` | the form of its settings, made from the table of settings |
//! | `shown` | values, people and times as pages write them |
//!
//! To add a page: 1. a file with a view, a handler and a template, 2. its row in [`routes`], 3. a tab in
//! `opened`, if it is one of a provider's, 4. a test in `tests/it/workshop/`.

mod begin;
mod choose;
mod form;
mod list;
mod mapping;
mod opened;
mod overview;
mod publish;
mod remove;
mod report;
mod samples;
mod secrets;
mod settings;
mod shown;
mod test;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::web::Web;

/// The pages of providers. What stands behind `~` is no provider's id.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/admin/providers", get(list::show))
        .route("/admin/providers/~new", get(choose::show))
        .route("/admin/providers/~new/discover", post(choose::discover))
        .route("/admin/providers/~new/form", get(begin::show).post(begin::create))
        .route("/admin/providers/{id}", get(overview::show))
        .route("/admin/providers/{id}/settings", get(settings::show).post(settings::save))
        .route("/admin/providers/{id}/secrets", get(secrets::show))
        .route("/admin/providers/{id}/secrets/replace", post(secrets::replace))
        .route("/admin/providers/{id}/secrets/drop", post(secrets::drop_previous))
        .route("/admin/providers/{id}/secrets/key", post(secrets::replace_key))
        .route("/admin/providers/{id}/test", get(test::show).post(test::begin))
        .route("/admin/providers/{id}/tests/{test}", get(report::show))
        .route("/admin/providers/{id}/tests/{test}/accept", post(report::accept))
        .route("/admin/providers/{id}/mapping", get(mapping::show).post(mapping::try_it))
        .route("/admin/providers/{id}/mapping/keep", post(mapping::keep))
        .route("/admin/providers/{id}/mapping/samples", post(samples::save))
        .route("/admin/providers/{id}/mapping/samples/accept", post(samples::accept))
        .route("/admin/providers/{id}/mapping/samples/delete", post(samples::delete))
        .route("/admin/providers/{id}/publish", get(publish::show).post(publish::publish))
        .route("/admin/providers/{id}/discard", post(publish::discard))
        .route("/admin/providers/{id}/versions", get(versions::list))
        .route("/admin/providers/{id}/versions/{version}", get(versions::show).post(versions::roll_back))
        .route("/admin/providers/{id}/delete", get(remove::show).post(remove::delete))
}
