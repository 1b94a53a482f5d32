//! `/admin/providers/{id}/test`: begin a test login, or go back to the latest one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::trial::{Trial, TrialState};
use crate::flow::trial::TrialError;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Posted, respond};
use crate::web::visit::see_other;

use super::opened::{Head, open};
use super::shown::ago;

#[derive(Template)]
#[template(path = "admin/providers/test.html")]
struct TestView {
    frame: Frame,
    head: Head,
    latest: Option<Latest>,
    /// Whether a draft is tried, or what is live.
    tries_draft: bool,
}

/// The latest test.
pub struct Latest {
    /// Where its report is.
    pub path: String,
    /// How it stands.
    pub state: &'static str,
    /// The colour of that.
    pub class: &'static str,
    /// When it began.
    pub when: Moment,
}

impl Latest {
    /// How a test is told of.
    pub fn of(duty: &OnDuty<Admin>, now: jiff::Timestamp, trial: &Trial) -> Self {
        let (state, class) = match trial.state() {
            TrialState::Waiting => ("Waiting for somebody to sign in", "calm"),
            TrialState::Failed => ("Failed", "bad"),
            TrialState::Passed => ("Passed", "good"),
        };
        let path = format!("/admin/providers/{}/tests/{}", trial.provider, trial.id);
        Self { path, state, class, when: ago(duty, now, trial.created_at) }
    }
}

/// What a test does, and the latest one.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let latest = match web.broker.latest_trial(duty.tenant(), opened.id()).await {
        Ok(latest) => latest,
        Err(error) => return duty.unavailable(&error),
    };
    let now = web.broker.clock().now();
    let view = TestView {
        frame: opened.frame(&duty, "Test login"),
        head: opened.head("test"),
        latest: latest.map(|trial| Latest::of(&duty, now, &trial)),
        tries_draft: opened.state.draft.is_some(),
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// Begins a test: what needs no person is done at once, and the report shows it.
pub async fn begin(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    _posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    match web.broker.begin_trial(duty.tenant(), opened.id(), &duty.actor(), None).await {
        Ok(begun) => see_other(&opened.path(&format!("tests/{}", begun.trial.id))),
        Err(TrialError::Store(error)) => duty.unavailable(&error),
        Err(_) => duty.missing(),
    }
}
