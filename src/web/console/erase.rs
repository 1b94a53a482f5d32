//! Erasing a contact for good: an admin reads what it means, and types the contact's number.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::contact::Contact;
use crate::flow::contacts::ContactError;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, Section, respond, see_other_saying};

use super::paths;
use super::person::{PersonView, back, condition, open};
use super::query::Query;

#[derive(Template)]
#[template(path = "console/contact_erase.html")]
struct EraseView {
    frame: Frame,
    person: PersonView,
    path: String,
    conversation: String,
    back: String,
    typed: String,
    fault: Option<&'static str>,
}

/// Asks once more.
pub async fn ask(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Response {
    match open(&duty, &web, &id).await {
        Ok(contact) => {
            let conversation = Query::parse(raw.as_deref()).text("conversation").to_owned();
            page(&duty, &contact, (conversation, String::new()), None)
        }
        Err(page) => *page,
    }
}

/// Erases it, if the number is right and nobody has changed the contact meanwhile.
pub async fn erase(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let contact = match open(&duty, &web, &id).await {
        Ok(contact) => contact,
        Err(page) => return *page,
    };
    let typed = (form.text("conversation").to_owned(), form.text("typed").to_owned());
    if !typed.1.eq_ignore_ascii_case(&contact.customer_number) {
        let fault = "That is not the contact’s number. Nothing was erased.";
        return page(&duty, &contact, typed, Some((StatusCode::UNPROCESSABLE_ENTITY, fault)));
    }
    let condition = condition(&form);
    match web.broker.erase_contact(duty.tenant(), &duty.actor(), &contact.id, &condition).await {
        Ok(()) => see_other_saying(&back(&typed.0), Said::ContactErased),
        Err(ContactError::Unknown) => duty.missing(),
        Err(ContactError::Store(error)) => duty.unavailable(&error),
        Err(_) => {
            let fault = "Somebody changed this contact meanwhile, so nothing was erased. Here it is as it is now; look again.";
            page(&duty, &contact, (typed.0, String::new()), Some((StatusCode::CONFLICT, fault)))
        }
    }
}

fn page(
    duty: &OnDuty<Admin>,
    contact: &Contact,
    (conversation, typed): (String, String),
    fault: Option<(StatusCode, &'static str)>,
) -> Response {
    let view = EraseView {
        frame: duty.frame("Erase a contact", Section::Console),
        person: PersonView::of(contact),
        path: paths::contact(&contact.id, "erase"),
        back: back(&conversation),
        conversation,
        typed,
        fault: fault.map(|(_, words)| words),
    };
    respond(fault.map_or(StatusCode::OK, |(status, _)| status), &view.frame, Forms::Here, &view)
}
