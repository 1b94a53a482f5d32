//! A one-time link: looking at it is harmless, its button signs in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::staff::{Role, SignedInBy};
use crate::flow::staff::invite::InviteError;
use crate::web::Web;
use crate::web::page::clean;
use crate::web::segment::Segment;
use crate::web::staff::{Forms, Frame, respond};
use crate::web::visit::Visit;

use super::let_in::let_in;
use super::next::Next;
use super::sent::Sent;
use super::{elsewhere, one_more, over, too_many_of};

#[derive(Template)]
#[template(path = "signin/invite.html")]
struct InviteView {
    frame: Frame,
    name: String,
    role: &'static str,
    path: String,
}

/// `GET /signin/invite/{handle}`: whom the link is for. Nothing is spent, however often it is loaded.
pub(super) async fn look(visit: Visit, State(web): State<Arc<Web>>, Segment(handle): Segment) -> Response {
    let path = format!("/signin/invite/{handle}");
    match web.broker.look_at_invitation(&visit.tenant, &handle).await {
        Ok(member) => {
            if let Some(there) = elsewhere(&visit, &path) {
                return there;
            }
            let view = InviteView {
                frame: Frame::outside(&visit, &format!("Welcome to {}", clean(&visit.tenant.name))),
                name: clean(member.shown_name()),
                role: match member.role {
                    Role::Admin => "an admin",
                    Role::Agent => "an agent",
                },
                path,
            };
            respond(StatusCode::OK, &view.frame, Forms::Here, &view)
        }
        Err(error) => refused(&visit, &web, &error),
    }
}

/// `POST /signin/invite/{handle}`: takes the invitation up, once.
pub(super) async fn accept(State(web): State<Arc<Web>>, Segment(handle): Segment, sent: Sent) -> Response {
    let visit = &sent.visit;
    if let Err(page) = one_more(visit, &web) {
        return *page;
    }
    match web.broker.accept_invitation(&visit.tenant, &handle).await {
        Ok(member) => {
            let_in(visit, &web, &member, SignedInBy::Invite, (&Next::default(), sent.text("zone"))).await
        }
        Err(error) => refused(visit, &web, &error),
    }
}

fn refused(visit: &Visit, web: &Web, error: &InviteError) -> Response {
    match error {
        InviteError::Unknown => match web.limits.miss(visit.address, web.broker.clock().now()) {
            Ok(()) => {
                let lead = "It was used, it is older than fifteen minutes, or a newer one took its place. Ask whoever invited \
                            you for a new one.";
                over(visit, "This invitation is no longer good", lead)
            }
            Err(quota) => too_many_of(visit, &quota),
        },
        InviteError::Store(error) => visit.unavailable(error),
    }
}
