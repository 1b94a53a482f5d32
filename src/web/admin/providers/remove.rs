//! `/admin/providers/{id}/delete`: gone with its drafts, versions and samples. Its id is typed to confirm.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::settings::SettingsError;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, respond, see_other_saying};

use super::opened::{Head, Opened, Problem, condition_of, open, status_of};

#[derive(Template)]
#[template(path = "admin/providers/remove.html")]
struct RemoveView {
    frame: Frame,
    head: Head,
    typed: String,
    /// Whether customers may still come with links to it.
    has_links: bool,
    problem: Option<Problem>,
}

/// What is lost.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    match open(&duty, &web, &id).await {
        Ok(opened) => page(&duty, &opened, String::new(), false, None),
        Err(page) => *page,
    }
}

/// Deletes it, if its id was typed.
pub async fn delete(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let (typed, forced) = (posted.text("typed").to_owned(), posted.has("force"));
    if typed != opened.id().as_str() {
        let text = format!("type the id of the provider, `{}`, to delete it", opened.id());
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &text);
        return page(&duty, &opened, typed, forced, Some(problem));
    }
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    let error = match web.broker.delete_provider(tenant, opened.id(), forced, &condition, &actor).await {
        Ok(()) => return see_other_saying("/admin/providers", Said::ProviderDeleted),
        Err(error) => error,
    };
    let has_links = matches!(&error, SettingsError::Conflict(text) if text.contains("links"));
    match (Problem::of(&duty, &error), open(&duty, &web, &id).await) {
        (Ok(problem), Ok(now)) => page(&duty, &now, typed, has_links, Some(problem)),
        (Err(page), _) | (_, Err(page)) => *page,
    }
}

fn page(
    duty: &OnDuty<Admin>,
    opened: &Opened,
    typed: String,
    has_links: bool,
    problem: Option<Problem>,
) -> Response {
    let status = status_of(problem.as_ref());
    let (frame, head) = (opened.frame(duty, "Delete"), opened.head(""));
    let view = RemoveView { frame, head, typed, has_links, problem };
    respond(status, &view.frame, Forms::Here, &view)
}
