//! `/admin/providers/{id}/versions`: what was live before, and going back to it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::settings::SettingsError;
use crate::web::Web;
use crate::web::segment::{Pair, Segment};
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Posted, Said, respond, see_other_saying};

use super::opened::{Head, Opened, Problem, condition_of, open, status_of};
use super::shown::{Change, changes, who};

#[derive(Template)]
#[template(path = "admin/providers/versions.html")]
struct VersionsView {
    frame: Frame,
    head: Head,
    rows: Vec<Row>,
}

struct Row {
    number: u64,
    when: Moment,
    by: String,
    is_tested: bool,
    /// Where it is compared; none of what is live.
    path: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/providers/version.html")]
struct VersionView {
    frame: Frame,
    head: Head,
    number: u64,
    live: u64,
    changes: Vec<Change>,
    /// Whether everybody becomes a new person.
    asks_subject: bool,
    problem: Option<Problem>,
}

/// Settings whose change may make everybody a new person.
const RENAMING: [&str; 3] = ["/subject", "/identity", "/issuer"];

/// Every version that is kept, the latest first.
pub async fn list(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let stored = opened.state.stored.as_ref();
    let live = stored.and_then(|stored| stored.live.as_ref());
    let earlier = stored.map(|stored| stored.history.as_slice()).unwrap_or_default();
    let rows =
        live.into_iter().map(|live| (live, true)).chain(earlier.iter().map(|earlier| (earlier, false)));
    let rows = rows.map(|(published, is_live)| Row {
        number: published.version,
        when: duty.local().moment(published.signed.at),
        by: who(&duty, &published.signed.by),
        is_tested: published.tested.is_some(),
        path: (!is_live).then(|| opened.path(&format!("versions/{}", published.version))),
    });
    let view = VersionsView {
        frame: opened.frame(&duty, "Versions"),
        head: opened.head("versions"),
        rows: rows.collect(),
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// What going back to a version would change.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Pair(id, version): Pair) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let Ok(version) = version.parse() else { return duty.missing() };
    page(&duty, &web, &opened, version, None).await
}

/// Makes a version live again, as a new one.
pub async fn roll_back(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Pair(id, version): Pair,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let Ok(version) = version.parse() else { return duty.missing() };
    let wanted = (version, posted.has("confirm_subject"));
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let done = web.broker.roll_back_provider(tenant, opened.id(), wanted, &condition, &actor).await;
    let error = match done {
        Ok(()) => return see_other_saying(&opened.path("versions"), Said::RolledBack),
        Err(error) => error,
    };
    match (Problem::of(&duty, &error), open(&duty, &web, &id).await) {
        (Ok(problem), Ok(now)) => page(&duty, &web, &now, version, Some(problem)).await,
        (Err(page), _) | (_, Err(page)) => *page,
    }
}

async fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    version: u64,
    problem: Option<Problem>,
) -> Response {
    let found = match web.broker.version_diff(&duty.tenant().id, opened.id(), version).await {
        Ok(found) => found,
        Err(SettingsError::Store(error)) => return duty.unavailable(&error),
        Err(_) => return duty.missing(),
    };
    let live = opened.state.stored.as_ref().and_then(|stored| stored.live.as_ref());
    let view = VersionView {
        frame: opened.frame(duty, &format!("Version {version}")),
        head: opened.head("versions"),
        number: version,
        live: live.map_or(0, |live| live.version),
        asks_subject: found.iter().any(|found| RENAMING.contains(&found.setting.as_str()))
            || problem.as_ref().is_some_and(|problem| problem.makes_new_people),
        changes: changes(&found),
        problem,
    };
    respond(status_of(view.problem.as_ref()), &view.frame, Forms::Here, &view)
}
