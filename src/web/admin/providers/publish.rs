//! `/admin/providers/{id}/publish`: what the draft changes, whether it was tried, and making it live.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::domain::trial::TrialState;
use crate::flow::settings::SettingsError;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Posted, Said, respond, see_other_saying};

use super::opened::{Head, Opened, Problem, condition_of, open, status_of};
use super::samples::SampleView;
use super::shown::{Change, changes, tested};
use super::test::Latest;

#[derive(Template)]
#[template(path = "admin/providers/publish.html")]
struct PublishView {
    frame: Frame,
    head: Head,
    has_draft: bool,
    is_first: bool,
    changes: Vec<Change>,
    tested: Option<Moment>,
    /// The latest test, if it failed or waits.
    latest: Option<Latest>,
    failed: bool,
    /// Samples that make another profile than they must.
    failing: Vec<SampleView>,
    samples: usize,
    problem: Option<Problem>,
}

/// What would change.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    match open(&duty, &web, &id).await {
        Ok(opened) => page(&duty, &web, &opened, None).await,
        Err(page) => *page,
    }
}

/// Makes the draft live.
pub async fn publish(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let untested = posted.has("untested");
    let done = web.broker.publish_provider(tenant, opened.id(), untested, &condition, &actor).await;
    after(&duty, &web, &opened, done, (&opened.path(""), Said::Published)).await
}

/// Gives the draft up.
pub async fn discard(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let done = web.broker.discard_draft(tenant, opened.id(), &condition, &actor).await;
    after(&duty, &web, &opened, done, (&opened.path(""), Said::DraftDiscarded)).await
}

async fn after(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    done: Result<(), SettingsError>,
    (path, said): (&str, Said),
) -> Response {
    let error = match done {
        Ok(()) => return see_other_saying(path, said),
        Err(error) => error,
    };
    match (Problem::of(duty, &error), open(duty, web, opened.id().as_str()).await) {
        (Ok(problem), Ok(now)) => page(duty, web, &now, Some(problem)).await,
        (Err(page), _) | (_, Err(page)) => *page,
    }
}

async fn page(duty: &OnDuty<Admin>, web: &Web, opened: &Opened, problem: Option<Problem>) -> Response {
    let draft = opened.state.stored.as_ref().and_then(|stored| stored.draft.as_ref());
    let mut found = Vec::new();
    if draft.is_some() {
        match web.broker.provider_diff(&duty.tenant().id, opened.id()).await {
            Ok(diff) => found = changes(&diff),
            Err(SettingsError::Store(error)) => return duty.unavailable(&error),
            Err(_) => {}
        }
    }
    let verdicts = web.broker.sample_verdicts(duty.tenant(), opened.id()).await.unwrap_or_default();
    let failing: Vec<_> = verdicts.iter().filter(|verdict| !verdict.passes()).collect();
    // The difference shows what a provider said of a person.
    if let Err(page) = duty.saw(web, Seen::samples(opened.id(), failing.len())).await {
        return *page;
    }
    let latest = web.broker.latest_trial(duty.tenant(), opened.id()).await.ok().flatten();
    let is_tested = draft.is_some_and(|draft| draft.tested.is_some());
    let latest = latest.filter(|_| !is_tested);
    let view = PublishView {
        frame: opened.frame(duty, "Publish"),
        head: opened.head("publish"),
        has_draft: draft.is_some(),
        is_first: opened.state.live.is_none(),
        changes: found,
        tested: tested(duty, draft.and_then(|draft| draft.tested.as_ref())),
        failed: latest.as_ref().is_some_and(|trial| trial.state() == TrialState::Failed),
        latest: latest.map(|trial| Latest::of(duty, web.broker.clock().now(), &trial)),
        samples: verdicts.len(),
        failing: failing.into_iter().map(|verdict| SampleView::of(duty, opened, verdict)).collect(),
        problem,
    };
    respond(status_of(view.problem.as_ref()), &view.frame, Forms::Here, &view)
}
