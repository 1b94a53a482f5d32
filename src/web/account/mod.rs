//! `/account`: who is signed in, and `/signout`.
//!
//! To add a page: 1. its handler and template, as `web/staff/mod.rs` says, 2. its row below.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};

use crate::domain::staff::SignedInBy;

use super::Web;
use super::staff::{Agent, Forms, Frame, Moment, OnDuty, Posted, Section, forget_cookie, respond};
use super::visit::see_other;

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new().route("/account", get(show)).route("/signout", post(sign_out))
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountView {
    frame: Frame,
    name: String,
    email: String,
    role: &'static str,
    since: Moment,
    until: Moment,
    how: String,
}

/// `GET /account`: who is signed in here.
async fn show(duty: OnDuty<Agent>) -> Response {
    let (session, local) = (&duty.session, duty.local());
    let how = match &session.how {
        SignedInBy::Provider(provider) => {
            let label = duty.tenant().provider(Some(provider)).map(|provider| provider.label.as_str());
            format!("at {}", label.unwrap_or(provider.as_str()))
        }
        SignedInBy::Code => "by an emailed code".to_owned(),
        SignedInBy::Invite => "by an invitation".to_owned(),
        SignedInBy::Demo => "by the demo, which lets everybody in".to_owned(),
    };
    let view = AccountView {
        frame: duty.frame("Your account", Section::Account),
        name: duty.member.shown_name().to_owned(),
        email: duty.member.email.as_str().to_owned(),
        role: duty.member.role.as_str(),
        since: local.moment(session.created_at),
        until: local.moment(session.ends_at()),
        how,
    };
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

/// `POST /signout`: signs this browser out.
async fn sign_out(duty: OnDuty<Agent>, State(web): State<Arc<Web>>, _: Posted) -> Response {
    match web.broker.end_session(duty.tenant(), &duty.session.id, &duty.actor()).await {
        Ok(_) => {
            let mut response = see_other("/signin");
            response.headers_mut().append(header::SET_COOKIE, forget_cookie(&duty.visit));
            response
        }
        Err(error) => duty.unavailable(&error),
    }
}
