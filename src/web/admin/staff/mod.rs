//! `/admin/staff`: who may use these pages, and the browsers that they are signed in with.
//!
//! To add something that an admin may do with a member: 1. its flow, 2. a handler in `member`, 3. a row below, 4. its form
//! in `templates/admin/staff_member.html`, 5. a case in `tests/it/doors/`.

mod list;
mod member;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use crate::domain::staff::Member;
use crate::flow::settings::{Precondition, SettingsError};
use crate::web::Web;
use crate::web::page::sentence;
use crate::web::staff::{Admin, OnDuty, Posted};

/// Where the list is.
const LIST: &str = "/admin/staff";

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/admin/staff", get(list::list).post(list::invite))
        .route("/admin/staff/{id}", get(member::show).post(member::change))
        .route("/admin/staff/{id}/invite", post(list::invite_again))
        .route("/admin/staff/{id}/remove", post(member::remove))
        .route("/admin/staff/{id}/sessions/{session}/end", post(member::end_session))
}

/// The version that the page was made of; whoever knows none has made up the form.
fn condition(form: &Posted) -> Precondition {
    match form.text("version").parse() {
        Ok(version) => Precondition::Versions(vec![version]),
        Err(_) => Precondition::Missing,
    }
}

/// The staff, and the version of the settings in which they stand.
async fn members(duty: &OnDuty<Admin>, web: &Web) -> Result<(Vec<Member>, Option<u64>), Box<Response>> {
    web.broker.staff_of(duty.tenant()).await.map_err(|error| match words_of(duty, &error) {
        Ok((_, words, status)) => Box::new(duty.plain(status, "That did not work", &words)),
        Err(page) => page,
    })
}

async fn member(duty: &OnDuty<Admin>, web: &Web, id: &str) -> Result<(Member, Option<u64>), Box<Response>> {
    let (staff, version) = members(duty, web).await?;
    let member = staff.into_iter().find(|member| member.id.as_str() == id);
    Ok((member.ok_or_else(|| Box::new(duty.missing()))?, version))
}

/// What was in the way: at which field, in words, and with which status.
fn words_of(
    duty: &OnDuty<Admin>,
    error: &SettingsError,
) -> Result<(&'static str, String, StatusCode), Box<Response>> {
    let told = |words: &str, status| Ok(("", words.to_owned(), status));
    match error {
        SettingsError::Unknown => Err(Box::new(duty.missing())),
        SettingsError::Store(error) => Err(Box::new(duty.unavailable(error))),
        SettingsError::InFile(file) => told(
            &format!("The staff of this business stand in the file {file}. Change them there."),
            StatusCode::CONFLICT,
        ),
        SettingsError::Fixed => {
            told("The staff are fixed for as long as this broker runs.", StatusCode::CONFLICT)
        }
        SettingsError::Stale { .. } | SettingsError::Unconditional => told(
            "Somebody changed the settings since you loaded this page. Here they are as they are now; look again, and then \
             repeat your change.",
            StatusCode::PRECONDITION_FAILED,
        ),
        SettingsError::Once(error) => told(&sentence(&error.to_string()), StatusCode::CONFLICT),
        SettingsError::Conflict(text) => told(&sentence(text), StatusCode::CONFLICT),
        SettingsError::Refused(remarks) => {
            let remark = remarks.first();
            let place =
                if remark.is_some_and(|remark| remark.pointer.ends_with("/name")) { "name" } else { "email" };
            let words =
                remark.map_or_else(|| "This cannot be used.".to_owned(), |remark| sentence(&remark.message));
            Ok((place, words, StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}
