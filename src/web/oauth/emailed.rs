//! The way into an app by an emailed code, for customers without an account at any provider: from the page of consent to
//! the page that takes the code, and back to the app.

use std::sync::Arc;

use axum::http::header;
use axum::response::Response;

use crate::domain::app::{AppRequest, SignInTimes};
use crate::domain::otp::{OTP_GUESSES, OTP_LIFETIME};
use crate::flow::customers::code::{NoCustomerCode, TypedByCustomer};
use crate::flow::otp::{OtpError, OtpRefused};
use crate::issuer::authorize::answer_with_code;
use crate::secret::Secret;
use crate::web::Web;
use crate::web::customer_letter::customer_letter;
use crate::web::page::{self, CodeFault, EmailedCode, LetterLook, Notice};
use crate::web::visit::{Visit, see_other, too_many};

use super::authorize::{PATH, Wish, ask_again, fields};

/// Sends a code, and shows the page that takes it. Whether anybody is known by the address shows nowhere.
pub(super) async fn send(visit: &Visit, web: &Arc<Web>, app: &AppRequest, wish: &Wish) -> Response {
    if let Err(quota) = web.limits.code(visit.address, web.broker.clock().now()) {
        return too_many(&visit.visitor(None), &quota);
    }
    let Some(address) = wish.email.as_deref() else {
        return ask_again(visit, web, app, Some(CodeFault::NoAddress)).await;
    };
    // An app in a page of a website writes as that website does.
    let website = origin_of(&app.redirect_uri).and_then(|origin| visit.tenant.website_at(&origin));
    let look = LetterLook {
        tenant: visit.tenant.name.clone(),
        sender: website.and_then(|website| website.sender.clone()),
        accent: website.and_then(|website| website.accent),
        locale: None,
        accept_language: accept_language(visit),
    };
    let compose = customer_letter(web, &visit.tenant.id, look);
    match web.broker.send_customer_code(&visit.tenant, address, &place(app), compose).await {
        Ok(made) => type_it(visit, app, (address, made.ticket.expose()), None),
        Err(NoCustomerCode::NoAddress) => ask_again(visit, web, app, Some(CodeFault::NoAddress)).await,
        Err(NoCustomerCode::Off | NoCustomerCode::NoMail) => ask_again(visit, web, app, None).await,
        Err(NoCustomerCode::Otp(OtpError::TooMany { retry_after })) => {
            let retry_after = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
            visit.notice(Notice::TooMany { retry_after })
        }
        Err(NoCustomerCode::Otp(OtpError::Store(error))) => visit.unavailable(&error),
    }
}

/// The customer typed a code: with the right one the app is answered.
pub(super) async fn typed(visit: &Visit, web: &Web, app: &AppRequest, wish: &Wish) -> Response {
    if let Err(quota) = web.limits.typed_code(visit.address, web.broker.clock().now()) {
        return too_many(&visit.visitor(None), &quota);
    }
    let (Some(address), Some(ticket)) = (wish.email.as_deref(), wish.ticket.as_deref()) else {
        return ask_again(visit, web, app, None).await;
    };
    let (place, shown) = (place(app), Secret::new(ticket));
    let typed = TypedByCustomer {
        ticket: &shown,
        address,
        place: &place,
        client: app.client.as_str(),
        code: wish.code.as_deref().unwrap_or_default(),
    };
    match web.broker.type_customer_code(&visit.tenant, &typed).await {
        Ok(customer) => {
            let now = web.broker.clock().now();
            let times = SignInTimes { here: now, authenticated: Some(now) };
            match web.issuer.give_code(&visit.tenant, app, (&customer.contact.id, times)).await {
                Ok(code) => see_other(&answer_with_code(&visit.tenant, app, code.expose())),
                Err(error) => visit.unavailable(&error),
            }
        }
        Err(OtpRefused::Wrong { left }) if left > 0 => {
            type_it(visit, app, (address, ticket), Some(CodeFault::Wrong { left: left.min(OTP_GUESSES) }))
        }
        Err(OtpRefused::Wrong { .. } | OtpRefused::Over(_) | OtpRefused::Unknown) => {
            ask_again(visit, web, app, Some(CodeFault::Over)).await
        }
        Err(OtpRefused::Store(error)) => visit.unavailable(&error),
    }
}

fn type_it(
    visit: &Visit,
    app: &AppRequest,
    (address, ticket): (&str, &str),
    fault: Option<CodeFault>,
) -> Response {
    let mut hidden = fields(app);
    hidden.push(("email", address.to_owned()));
    hidden.push(("ticket", ticket.to_owned()));
    page::emailed_code(
        &visit.visitor(None),
        &EmailedCode {
            address,
            minutes: OTP_LIFETIME.as_mins(),
            redirect_uri: &app.redirect_uri,
            path: PATH,
            fields: &hidden,
            fault,
        },
    )
}

/// Where a code was asked for, and can be typed: this request of this app.
fn place(app: &AppRequest) -> String {
    let challenge = app.code_challenge.as_deref().unwrap_or_default();
    format!("app\n{}\n{}\n{challenge}", app.client.as_str(), app.redirect_uri)
}

/// The origin of a web page; none for an app on a device.
fn origin_of(redirect_uri: &str) -> Option<String> {
    let url = url::Url::parse(redirect_uri).ok()?;
    url.origin().is_tuple().then(|| url.origin().ascii_serialization())
}

fn accept_language(visit: &Visit) -> Option<String> {
    let header = visit.headers.get(header::ACCEPT_LANGUAGE);
    header.and_then(|value| value.to_str().ok()).map(str::to_owned)
}
