//! What every page of staff shares: who asks ([`OnDuty`]), forms that cannot be sent from elsewhere ([`Posted`]),
//! the frame around the content ([`Frame`]), and how dates and numbers are written ([`Local`]).
//!
//! To add a page: 1. a handler that takes [`OnDuty`] of the role that may see it, and [`Posted`] where it changes
//! something, 2. a template that extends `templates/staff/layout.html`, 3. its row in the `routes` of its folder,
//! 4. its state in `tests/it/`. To add a sentence that is said after a change: a line in `said.rs`.

mod cookie;
mod device;
mod form;
mod frame;
mod local;
mod said;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::domain::actor::Actor;
use crate::domain::staff::{Member, Role, StaffSession};
use crate::domain::tenant::Tenant;
use crate::flow::StoreError;
use crate::flow::staff::session::AtWork;
use crate::flow::trail::Seen;

use super::Web;
use super::limit::headers;
use super::visit::{Visit, see_other};

pub use cookie::{cookie_of, forget_cookie, mark_of, plain_cookie, set_cookie, set_mark};
pub use device::device;
pub use form::{Posted, foreign};
pub use frame::{Forms, Frame, Section, outside, respond, respond_part};
pub use local::{Local, Moment};
pub use said::{Said, see_other_saying};

/// A role that a page demands.
pub trait Needs: Send + Sync {
    /// Which.
    const ROLE: Role;
}

/// Pages that every member of staff may see.
#[derive(Debug)]
pub struct Agent;

/// Pages of admins.
#[derive(Debug)]
pub struct Admin;

impl Needs for Agent {
    const ROLE: Role = Role::Agent;
}

impl Needs for Admin {
    const ROLE: Role = Role::Admin;
}

/// A member of staff whose browser asks for a page, and who may see it.
#[derive(Debug)]
pub struct OnDuty<R> {
    /// The request.
    pub visit: Visit,
    /// The browser.
    pub session: StaffSession,
    /// Who it is, as the settings say now.
    pub member: Member,
    /// The value of the cookie's form token.
    form_token: String,
    /// What a redirect to this page wants to be said.
    said: Option<Said>,
    /// Path and query that were asked for.
    asked: String,
    role: PhantomData<R>,
}

impl<R> OnDuty<R> {
    /// Whose pages these are.
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.visit.tenant
    }

    /// The member, as the audit names it.
    pub fn actor(&self) -> Actor {
        Actor::Staff(self.session.staff.clone())
    }

    /// How dates and numbers are written for the member.
    pub fn local(&self) -> Local {
        Local::new(&self.session.locale, &self.session.zone)
    }

    /// The frame of a page with this heading.
    pub fn frame(&self, title: &str, section: Section) -> Frame {
        Frame::new(self, title, section)
    }

    /// Whether htmx asks for a part of a page, not the whole of it.
    pub fn is_part(&self) -> bool {
        is_htmx(&self.visit.headers)
    }

    /// Path and query that were asked for, e.g. `/console?state=waiting`.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// Writes down what the member is about to be told of persons, if it is anything. If that cannot be written, the
    /// member is not told.
    pub async fn saw(&self, web: &Web, seen: impl Into<Option<Seen>>) -> Result<(), Box<Response>> {
        let Some(seen) = seen.into() else { return Ok(()) };
        let noted = web.broker.note_seen(&self.tenant().id, &self.actor(), seen).await;
        noted.map_err(|error| Box::new(unavailable(&self.visit, &error)))
    }

    /// The page of a store that does not answer.
    pub fn unavailable(&self, error: &StoreError) -> Response {
        unavailable(&self.visit, error)
    }

    /// The page of something that is not there, 404.
    pub fn missing(&self) -> Response {
        let lead = "It was deleted, or its address is not quite right. Nothing was changed.";
        self.plain(StatusCode::NOT_FOUND, "There is nothing here", lead)
    }

    /// A page that is a heading and a sentence.
    pub fn plain(&self, status: StatusCode, heading: &str, lead: &str) -> Response {
        frame::plain(self, status, heading, lead)
    }
}

impl<R: Needs> FromRequestParts<Arc<Web>> for OnDuty<R> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Response> {
        let visit = Visit::from_request_parts(parts, web).await?;
        let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str()).to_owned();
        let at_work = match cookie_of(&visit) {
            Some(cookie) if asks_by_itself(&visit, &asked) => {
                web.broker.page_at_work(&visit.tenant, cookie.expose()).await
            }
            Some(cookie) => web.broker.at_work(&visit.tenant, cookie.expose()).await,
            None => Ok(None),
        };
        match at_work {
            Ok(Some(at_work)) => {
                let duty = Self::admit(visit, at_work, asked).map_err(|page| *page)?;
                duty.one_more(web).map_err(|page| *page)?;
                Ok(duty)
            }
            Ok(None) => Err(nobody(&visit, &asked)),
            Err(error) => Err(unavailable(&visit, &error)),
        }
    }
}

impl<R: Needs> OnDuty<R> {
    fn admit(visit: Visit, at_work: AtWork, asked: String) -> Result<Self, Box<Response>> {
        let AtWork { session, member, form_token } = at_work;
        let said = Said::of_query(&asked);
        let duty = Self { visit, session, member, form_token, said, asked, role: PhantomData };
        if duty.member.role.may(R::ROLE) {
            return Ok(duty);
        }
        let lead =
            "Your role is agent; this page is for admins. An admin of your business can change your role.";
        Err(Box::new(duty.plain(StatusCode::FORBIDDEN, "This page is for admins", lead)))
    }

    /// Counts a page that somebody wants. What it fetches by itself afterwards is small and has a limit of its own, since
    /// whoever says that a page asks by itself may be none.
    fn one_more(&self, web: &Web) -> Result<(), Box<Response>> {
        let (tenant, member, now) = (&self.tenant().id, &self.member.id, web.broker.clock().now());
        let counted = if asks_by_itself(&self.visit, &self.asked) {
            web.limits.live(tenant, member, now)
        } else {
            web.limits.page(tenant, member, now)
        };
        counted.map_err(|quota| {
            let lead = "You have loaded very many pages within a minute. Wait a moment, then go on; nothing was changed.";
            let mut page = self.plain(StatusCode::TOO_MANY_REQUESTS, "Please wait a moment", lead);
            let seconds = headers::retry_after(&quota);
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            headers::refuse(page.headers_mut(), &quota);
            Box::new(page)
        })
    }
}

/// Whether htmx sent a request.
pub fn is_htmx(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

/// Whether a page of the console asks by itself, and nobody has pressed anything: htmx names the element that asks, and
/// the ids of those that follow a stream of changes begin with `live`. Such a request reads, and keeps nobody signed in.
/// No other page does so, whatever a header says.
fn asks_by_itself(visit: &Visit, asked: &str) -> bool {
    let path = asked.split('?').next().unwrap_or_default();
    let is_console = path == "/console" || path.starts_with("/console/");
    let source = visit.headers.get("hx-source").and_then(|source| source.to_str().ok());
    let is_live = is_htmx(&visit.headers) && source.is_some_and(|source| source.contains("#live"));
    is_console && is_live && visit.method == Method::GET
}

/// The page of a store that does not answer, for staff.
fn unavailable(visit: &Visit, error: &StoreError) -> Response {
    let (tenant, request_id) = (&visit.tenant.id, visit.request_id.as_str());
    tracing::error!(%tenant, request_id, detail = %error, "store.unavailable");
    let lead = format!(
        "What stands behind these pages does not answer just now. Whether your last change was made, the page says when it \
         is there again: load it once more in a minute. If that does not help, tell whoever runs Countersign this \
         reference: {request_id}."
    );
    let page = ("We will be right back", lead.as_str());
    let mut response = outside(visit, StatusCode::SERVICE_UNAVAILABLE, page, None);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    response
}

/// Who is not signed in is shown the way; a form that was sent meanwhile changed nothing.
fn nobody(visit: &Visit, asked: &str) -> Response {
    let signed_out = || {
        let lead =
            "You were signed out, so nothing was changed. Sign in again, then send the form once more.";
        let action = Some(("/signin", "Sign in"));
        outside(visit, StatusCode::UNAUTHORIZED, ("Please sign in again", lead), action)
    };
    if is_htmx(&visit.headers) {
        let mut response = signed_out();
        response.headers_mut().insert("hx-redirect", HeaderValue::from_static("/signin"));
        return response;
    }
    match visit.method {
        Method::GET | Method::HEAD => {
            let next: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
            let mut response = see_other(&format!("/signin?next={next}"));
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("cookie"));
            response
        }
        _ => signed_out(),
    }
}
