//! `/admin/providers/{id}`: how a provider stands, what is to be done next, and its redirect URIs.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::trial::RedirectUri;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, respond};

use super::opened::{Head, Opened, open};
use super::shown::{ago, who};

#[derive(Template)]
#[template(path = "admin/providers/overview.html")]
struct OverviewView {
    frame: Frame,
    head: Head,
    steps: Vec<Step>,
    uris: Vec<RedirectUri>,
    facts: Vec<Fact>,
    failing: Option<Moment>,
}

/// A thing to do until customers can sign in.
struct Step {
    is_done: bool,
    title: &'static str,
    lead: String,
    path: String,
    action: &'static str,
}

/// What is known of it.
struct Fact {
    name: &'static str,
    when: Option<Moment>,
    text: String,
}

/// How it stands.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let uris = match web.broker.redirect_uris_of(duty.tenant(), opened.id()).await {
        Ok(uris) => uris,
        Err(error) => return duty.unavailable(&error),
    };
    let now = web.broker.clock().now();
    let failing = opened.state.health.as_ref().filter(|health| !health.healthy);
    let view = OverviewView {
        frame: opened.frame(&duty, "Overview"),
        head: opened.head(""),
        steps: if opened.fixed().is_none() { steps(&opened) } else { Vec::new() },
        facts: facts(&duty, &opened, now),
        failing: failing.map(|health| ago(&duty, now, health.since)),
        uris,
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// What is to be done, in its order; nothing of a provider that is live without a draft.
fn steps(opened: &Opened) -> Vec<Step> {
    let Some(stored) = &opened.state.stored else { return Vec::new() };
    let Some(draft) = &stored.draft else { return Vec::new() };
    let is_first = stored.live.is_none();
    let is_tested = draft.tested.is_some();
    let mut steps = vec![Step {
        is_done: true,
        title: "Fill in the settings",
        lead: "They are saved as a draft. Customers notice nothing of it.".to_owned(),
        path: opened.path("settings"),
        action: "Look at the settings",
    }];
    if is_first {
        steps.push(Step {
            is_done: is_tested,
            title: "Register the redirect URI at the provider",
            lead: "Copy it from below, byte for byte.".to_owned(),
            path: format!("{}#uris", opened.path("")),
            action: "Show the redirect URIs",
        });
    }
    steps.push(Step {
        is_done: is_tested,
        title: "Sign in as a test",
        lead: "Each step is shown with what was sent and what came back.".to_owned(),
        path: opened.path("test"),
        action: "Start a test login",
    });
    steps.push(Step {
        is_done: false,
        title: "Publish",
        lead: "From then on customers sign in with these settings.".to_owned(),
        path: opened.path("publish"),
        action: "Compare and publish",
    });
    steps
}

fn facts(duty: &OnDuty<Admin>, opened: &Opened, now: jiff::Timestamp) -> Vec<Fact> {
    let Some(stored) = &opened.state.stored else { return Vec::new() };
    let mut facts = Vec::new();
    if let Some(live) = &stored.live {
        let text = format!("version {}, by {}", live.version, who(duty, &live.signed.by));
        facts.push(Fact { name: "Live since", when: Some(ago(duty, now, live.signed.at)), text });
        if duty.tenant().provider(Some(opened.id())).is_some_and(|provider| !provider.for_staff) {
            let publisher = who(duty, &live.signed.by);
            let text = format!(
                "not here, because {publisher} published it and may not decide who is staff; save its settings and \
                 publish them yourself to allow it"
            );
            facts.push(Fact { name: "Staff sign in", when: None, text });
        }
    }
    if let Some(draft) = &stored.draft {
        let text = format!("by {}", who(duty, &draft.signed.by));
        facts.push(Fact { name: "Draft written", when: Some(ago(duty, now, draft.signed.at)), text });
    }
    let tested = stored.draft.as_ref().map_or_else(
        || stored.live.as_ref().and_then(|live| live.tested.as_ref()),
        |draft| draft.tested.as_ref(),
    );
    facts.push(match tested {
        Some(tested) => {
            Fact { name: "Test login passed", when: Some(ago(duty, now, tested.at)), text: String::new() }
        }
        None => Fact { name: "Test login passed", when: None, text: "not yet".to_owned() },
    });
    facts
}
