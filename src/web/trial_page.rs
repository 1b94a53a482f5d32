//! `/t/{handle}`: where a test login begins and ends, for the tenant's admin.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::Response;

use crate::domain::staff::Role;
use crate::domain::trial::{Trial, TrialPhase};
use crate::flow::trial::open::{OpenTrialError, TrialPage};

use super::Web;
use super::page::{self, Notice, TestStands};
use super::segment::Segment;
use super::staff::cookie_of;
use super::visit::{Returning, Visit, see_other};

/// `GET` shows how the test stands and changes nothing; `POST` starts the sign-in.
pub async fn trial(
    Returning(visit): Returning,
    State(web): State<Arc<Web>>,
    Segment(handle): Segment,
) -> Response {
    match visit.method {
        Method::GET | Method::HEAD => look(&visit, &web, &handle).await,
        Method::POST if !visit.is_same_origin() => visit.notice(Notice::Forbidden),
        Method::POST => open(&visit, &web, &handle).await,
        _ => visit.wrong_method("GET, HEAD, POST"),
    }
}

async fn look(visit: &Visit, web: &Web, handle: &str) -> Response {
    let TrialPage { trial, label, authorize_url } =
        match web.broker.look_at_trial(&visit.tenant, handle).await {
            Ok(page) => page,
            Err(error) => return refused(visit, web, handle, &error),
        };
    let path = format!("/t/{handle}");
    let words = trial.failure().map(|step| (step.cause.clone(), step.remedy.clone())).unwrap_or_default();
    let (cause, remedy) = (words.0.unwrap_or_default(), words.1.unwrap_or_default());
    let stands = match (&trial.phase, &authorize_url) {
        (TrialPhase::Done { passed: true }, _) => TestStands::Passed,
        (TrialPhase::Done { passed: false }, _) => TestStands::Failed { cause: &cause, remedy: &remedy },
        (TrialPhase::Waiting | TrialPhase::AtProvider(_), Some(url)) => {
            TestStands::Waiting { authorize_url: url, path: &path }
        }
        _ => TestStands::Working,
    };
    let report = report_of(visit, web, &trial).await;
    page::trial(&visit.visitor(None), &label, stands, report)
}

/// Where the report of a test is, for an admin who is signed in.
async fn report_of(visit: &Visit, web: &Web, trial: &Trial) -> Option<String> {
    let cookie = cookie_of(visit)?;
    let at_work = web.broker.at_work(&visit.tenant, cookie.expose()).await.ok().flatten();
    let is_admin = at_work.is_some_and(|at_work| at_work.member.role.may(Role::Admin));
    is_admin.then(|| format!("/admin/providers/{}/tests/{}", trial.provider, trial.id))
}

async fn open(visit: &Visit, web: &Web, handle: &str) -> Response {
    let opened = match web.broker.open_trial(&visit.tenant, handle).await {
        Ok(opened) => opened,
        Err(error) => return refused(visit, web, handle, &error),
    };
    let mut response = see_other(opened.authorize_url.as_str());
    let cookie = visit.set_cookie(&opened.cookie, opened.cross_site);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

fn refused(visit: &Visit, web: &Web, handle: &str, error: &OpenTrialError) -> Response {
    match error {
        OpenTrialError::Unknown => visit.miss(web, Notice::Unknown),
        OpenTrialError::OutOfOrder(provider) => visit.out_of_order(provider, Some(&format!("/t/{handle}"))),
        OpenTrialError::Store(error) => visit.unavailable(error),
    }
}
