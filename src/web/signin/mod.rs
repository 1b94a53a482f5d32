//! `/signin`: how staff come in. Nobody is signed in on these pages, so that a form is taken where it says that it comes
//! from a page of ours; whoever asks, and for which address, is answered alike.
//!
//! | file | what it holds |
//! |---|---|
//! | [`choose`] | the first page: a provider, or a code by email |
//! | [`code`] | the code is sent, and typed |
//! | [`provider`] | to the tenant's provider, and back |
//! | [`invite`] | a one-time link |
//! | [`next`] | where the browser wants to go: paths of ours only |
//! | [`let_in`] | the end of each way: a new session |
//!
//! To add a way to come in: 1. its flow in `flow/staff/`, 2. a file here that ends in [`let_in`], 3. a row below, 4. its
//! place on the first page, 5. its cases in `tests/it/doors/`.

mod choose;
mod code;
mod invite;
mod let_in;
mod next;
mod provider;
mod sent;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};

use super::Web;
use super::limit::headers;
use super::limit::rate::Quota;
use super::staff::{Forms, Frame, outside, respond};
use super::visit::{Visit, see_other};

pub use provider::arrived;

/// The most bytes of a form: whoever sends it is nobody yet.
const BODY: usize = 64 * 1024;

/// The URLs of this folder.
pub fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/signin", get(choose::choose))
        .route("/signin/provider", post(provider::begin))
        .route("/signin/refused/{reference}", get(provider::refused))
        .route("/signin/email", post(code::send))
        .route("/signin/code", get(code::ask).post(code::check))
        .route("/signin/invite/{handle}", get(invite::look).post(invite::accept))
        .layer(DefaultBodyLimit::max(BODY))
}

/// Redirect URIs stand on the tenant's canonical host, so that staff sign in there and nowhere else. A redirect there, if
/// the browser is elsewhere.
fn elsewhere(visit: &Visit, path: &str) -> Option<Response> {
    (!visit.is_at_origin()).then(|| see_other(&format!("{}{path}", visit.tenant.origin)))
}

/// One more attempt to come in from an address, or the page for who makes too many.
fn one_more(visit: &Visit, web: &Web) -> Result<(), Box<Response>> {
    let counted = web.limits.sign_in(visit.address, web.broker.clock().now());
    counted.map_err(|quota| Box::new(too_many_of(visit, &quota)))
}

/// The page for who makes too many attempts.
fn too_many_of(visit: &Visit, quota: &Quota) -> Response {
    let mut response = too_many(visit, headers::retry_after(quota));
    headers::refuse(response.headers_mut(), quota);
    response
}

/// The page for who has to wait for so many seconds.
fn too_many(visit: &Visit, seconds: u64) -> Response {
    let wait = match seconds {
        0..=90 => "a minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    };
    let lead = format!(
        "There were many attempts to sign in. Wait for {wait}, then try again. If it was not you, an admin of your business \
         should know of it."
    );
    let page = ("Please wait a moment", lead.as_str());
    let mut response =
        outside(visit, StatusCode::TOO_MANY_REQUESTS, page, Some(("/signin", "Back to sign-in")));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// The page for a code or a link that lets nobody in any more.
fn over(visit: &Visit, heading: &str, lead: &str) -> Response {
    outside(visit, StatusCode::GONE, (heading, lead), Some(("/signin", "Back to sign-in")))
}

#[derive(Template)]
#[template(path = "signin/refused.html")]
struct RefusedView {
    frame: Frame,
    lead: &'static str,
    reference: String,
}

/// The one calm page for whoever signed in at a provider and may not come in, whatever the reason.
fn not_let_in(visit: &Visit, reference: &str) -> Response {
    let lead = "You signed in, but that account does not open the pages of this business. Its email address must be verified \
                there, and an admin must have made it staff. Tell an admin this reference; they find the reason under it.";
    let frame = Frame::outside(visit, "This account does not open these pages");
    let view = RefusedView { frame, lead, reference: reference.to_owned() };
    respond(StatusCode::FORBIDDEN, &view.frame, Forms::Here, &view)
}
