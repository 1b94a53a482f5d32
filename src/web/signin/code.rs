//! A code by email: sent, and typed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::domain::otp::{OTP_LIFETIME, Otp};
use crate::domain::staff::SignedInBy;
use crate::flow::otp::{OtpError, OtpRefused};
use crate::flow::staff::code::NoCode;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::page::clean;
use crate::web::staff::{Forms, Frame, mark_of, respond};
use crate::web::visit::{Visit, see_other};

use super::let_in::let_in;
use super::next::Next;
use super::sent::Sent;
use super::{choose, one_more, over, too_many};

/// The cookie that goes with a code, behind the prefix that https demands.
const NAME: &str = "cs-ticket";

#[derive(Template)]
#[template(path = "signin/code.html")]
struct CodeView {
    frame: Frame,
    /// Where the code was sent, as it was typed.
    email: String,
    /// Which code it is.
    attempt: String,
    minutes: i64,
    fault: Option<String>,
}

/// `POST /signin/email`: sends a code, if the address is one of the staff's.
pub(super) async fn send(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let visit = &sent.visit;
    if let Err(page) = one_more(visit, &web) {
        return *page;
    }
    let (email, next) = (sent.text("email"), Next::parse(sent.text("next")));
    let mark = mark_of(visit);
    match web.broker.email_code(&visit.tenant, email, (next.as_str(), mark.as_ref())).await {
        Ok(made) => {
            let mut response = see_other("/signin/code");
            response.headers_mut().append(header::SET_COOKIE, ticket_cookie(visit, Some(&made.ticket)));
            response
        }
        Err(NoCode::NoAddress) => {
            let fault = "This is no email address. Write it as dana@acme.example.";
            choose::page(visit, &web, &next, Some((email, fault))).await
        }
        Err(NoCode::NoMail) => choose::page(visit, &web, &next, None).await,
        Err(NoCode::Otp(OtpError::TooMany { retry_after })) => too_many(visit, retry_after.as_secs().max(1)),
        Err(NoCode::Otp(OtpError::Store(error))) => visit.unavailable(&error),
    }
}

/// `GET /signin/code`: asks for the code that was sent.
pub(super) async fn ask(visit: Visit, State(web): State<Arc<Web>>) -> Response {
    let Some(ticket) = ticket_of(&visit) else { return see_other("/signin") };
    match web.broker.code_sent(&visit.tenant, &ticket).await {
        Ok(Some(otp)) => page(&visit, &otp, None),
        Ok(None) => see_other("/signin"),
        Err(error) => visit.unavailable(&error),
    }
}

/// `POST /signin/code`: signs in whoever typed the right one.
pub(super) async fn check(State(web): State<Arc<Web>>, sent: Sent) -> Response {
    let visit = &sent.visit;
    if let Err(page) = one_more(visit, &web) {
        return *page;
    }
    let Some(ticket) = ticket_of(visit) else { return no_longer(visit) };
    let otp = match web.broker.code_sent(&visit.tenant, &ticket).await {
        Ok(Some(otp)) => otp,
        Ok(None) => return no_longer(visit),
        Err(error) => return visit.unavailable(&error),
    };
    if sent.text("attempt") != otp.id.as_str() {
        let fault = "A newer code was sent meanwhile. Type that one.".to_owned();
        return page(visit, &otp, Some(fault));
    }
    match web.broker.type_code(&visit.tenant, &ticket, sent.text("code")).await {
        Ok(typed) => {
            let wish = (&Next::parse(&typed.next), sent.text("zone"));
            let mut response = let_in(visit, &web, &typed.member, SignedInBy::Code, wish).await;
            response.headers_mut().append(header::SET_COOKIE, ticket_cookie(visit, None));
            response
        }
        Err(OtpRefused::Wrong { left: 0 } | OtpRefused::Unknown | OtpRefused::Over(_)) => no_longer(visit),
        Err(OtpRefused::Wrong { left }) => {
            tracing::warn!(tenant = %visit.tenant.id, request_id = visit.request_id, otp_id = %otp.id, left, "staff.code_refused");
            let tries = if left == 1 { "one more try".to_owned() } else { format!("{left} more tries") };
            page(visit, &otp, Some(format!("That is not the code. You have {tries}.")))
        }
        Err(OtpRefused::Store(error)) => visit.unavailable(&error),
    }
}

fn page(visit: &Visit, otp: &Otp, fault: Option<String>) -> Response {
    let view = CodeView {
        frame: Frame::outside(visit, "Type the code"),
        email: clean(&otp.address),
        attempt: otp.id.to_string(),
        minutes: OTP_LIFETIME.as_mins(),
        fault,
    };
    let status = if view.fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    respond(status, &view.frame, Forms::Here, &view)
}

fn no_longer(visit: &Visit) -> Response {
    let lead = "It was used, it is older than ten minutes, or it was tried too often. Ask for a new one; it takes a moment.";
    let mut response = over(visit, "This code is no longer good", lead);
    response.headers_mut().append(header::SET_COOKIE, ticket_cookie(visit, None));
    response
}

fn name_of(visit: &Visit) -> String {
    if visit.https { format!("__Host-{NAME}") } else { NAME.to_owned() }
}

/// What the browser holds; none if it holds none, or several.
fn ticket_of(visit: &Visit) -> Option<Secret> {
    let name = name_of(visit);
    let mut values = visit.cookie_pairs().filter(|(known, _)| *known == name).map(|(_, value)| value);
    let (first, second) = (values.next()?, values.next());
    second.is_none().then(|| Secret::new(first))
}

/// Gives the browser what it must show with the code, or takes it away.
fn ticket_cookie(visit: &Visit, ticket: Option<&Secret>) -> HeaderValue {
    let name = name_of(visit);
    match ticket {
        Some(ticket) => {
            let (value, seconds) = (ticket.expose(), OTP_LIFETIME.as_secs());
            visit.cookie(&format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"))
        }
        None => visit.forget_cookie(&name),
    }
}
