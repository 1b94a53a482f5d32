//! To the tenant's own provider, and back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::domain::ids::AttemptId;
use crate::domain::staff::SignedInBy;
use crate::flow::staff::arrive::Entered;
use crate::flow::staff::enter::EnterError;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::outside;
use crate::web::visit::{Visit, see_other};

use super::let_in::{let_in, zone_named};
use super::next::Next;
use super::sent::Sent;
use super::{not_let_in, one_more};

/// `POST /signin/provider`: sends the browser to a provider.
pub(super) async fn begin(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let visit = &sent.visit;
    if let Err(page) = one_more(visit, &web) {
        return *page;
    }
    let Ok(provider) = sent.text("provider").parse() else { return unknown(visit) };
    let next = Next::parse(sent.text("next"));
    // What is kept until the browser is back is ours, and short.
    let zone = zone_named(sent.text("zone"));
    let wish = (next.as_str(), zone.as_str());
    match web.broker.enter_by_provider(&visit.tenant, &provider, wish).await {
        Ok(entering) => {
            let mut response = see_other(entering.authorize_url.as_str());
            let cookie = visit.set_cookie(&entering.cookie, entering.cross_site);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            response
        }
        Err(EnterError::Unknown) => unknown(visit),
        Err(EnterError::OutOfOrder(provider)) => visit.out_of_order(&provider, Some("/signin")),
        Err(EnterError::Store(error)) => visit.unavailable(&error),
    }
}

/// The end of a sign-in at a provider, at its callback.
pub async fn arrived(visit: &Visit, web: &Web, entered: Entered) -> Response {
    match entered {
        Entered::LetIn { member, provider, next, zone } => {
            let wish = (&Next::parse(&next), zone.as_str());
            let_in(visit, web, &member, SignedInBy::Provider(provider), wish).await
        }
        Entered::Again { next } => see_other(&format!("/signin{}", Next::parse(&next).query())),
        Entered::Refused { reference } => see_other(&format!("/signin/refused/{reference}")),
    }
}

/// `GET /signin/refused/{reference}`: somebody signed in who may not come in.
pub(super) async fn refused(visit: Visit, Segment(reference): Segment) -> Response {
    // Nothing but a reference is shown, so that no address can put words into the page.
    match reference.parse::<AttemptId>() {
        Ok(reference) => not_let_in(&visit, reference.as_str()),
        Err(_) => unknown(&visit),
    }
}

fn unknown(visit: &Visit) -> Response {
    let page =
        ("There is nothing here", "The address is not quite right, or the provider was taken out meanwhile.");
    outside(visit, StatusCode::NOT_FOUND, page, Some(("/signin", "Back to sign-in")))
}
