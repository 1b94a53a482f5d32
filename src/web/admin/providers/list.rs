//! `/admin/providers`: every provider of the tenant, and how it stands.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::settings::providers::ProviderState;
use crate::flow::settings::{Home, SettingsError};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Section, respond};

use super::opened::badges;
use super::shown::{Badge, ago, who};

#[derive(Template)]
#[template(path = "admin/providers/list.html")]
struct ListView {
    frame: Frame,
    rows: Vec<Row>,
    /// The file in which the tenant stands.
    file: Option<String>,
    can_add: bool,
}

/// A provider in the list.
struct Row {
    path: String,
    id: String,
    label: String,
    badges: Vec<Badge>,
    /// Since when it fails.
    failing: Option<Moment>,
    changed: Option<(Moment, String)>,
}

/// The list.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>) -> Response {
    let states = match web.broker.provider_states(duty.tenant()).await {
        Ok(states) => states,
        Err(SettingsError::Store(error)) => return duty.unavailable(&error),
        Err(_) => return duty.missing(),
    };
    let home = web.broker.home_of(&duty.tenant().id);
    let now = web.broker.clock().now();
    let view = ListView {
        frame: duty.frame("Providers", Section::Providers),
        rows: states.into_iter().map(|state| row(&duty, now, &state)).collect(),
        can_add: matches!(home, Some(Home::Store) | None),
        file: match home {
            Some(Home::File(file)) => Some(file),
            _ => None,
        },
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

fn row(duty: &OnDuty<Admin>, now: jiff::Timestamp, state: &ProviderState) -> Row {
    let failing = state.health.as_ref().filter(|health| !health.healthy);
    let changed = state.stored.as_ref().map(|stored| &stored.changed);
    Row {
        path: format!("/admin/providers/{}", state.id),
        id: state.id.to_string(),
        label: clean(&state.label),
        badges: badges(state),
        failing: failing.map(|health| ago(duty, now, health.since)),
        changed: changed.map(|changed| (ago(duty, now, changed.at), who(duty, &changed.by))),
    }
}
