//! Two contacts are one person: an admin looks for the other one, sees both, and says so.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::domain::contact::Contact;
use crate::domain::ids::ContactId;
use crate::flow::contacts::{ContactError, GoesUp};
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, Section, respond, see_other_saying};

use super::paths;
use super::person::{PersonView, back, condition, open, others};
use super::query::Query;

/// The most characters of what is looked for.
const SOUGHT: usize = 320;

#[derive(Template)]
#[template(path = "console/contact_merge.html")]
struct MergeView {
    frame: Frame,
    person: PersonView,
    path: String,
    conversation: String,
    back: String,
    sought: String,
    /// Who was found; none if nobody was looked for yet.
    found: Option<Vec<PersonView>>,
    fault: Option<&'static str>,
}

/// What a page is made of, beside the contact that stays.
#[derive(Default)]
struct Asked {
    conversation: String,
    sought: String,
    found: Option<Vec<Contact>>,
    fault: Option<(StatusCode, &'static str)>,
}

/// Asks for the other contact.
pub async fn ask(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Response {
    match open(&duty, &web, &id).await {
        Ok(contact) => {
            let conversation = Query::parse(raw.as_deref()).text("conversation").to_owned();
            page(&duty, &contact, Asked { conversation, ..Asked::default() })
        }
        Err(page) => *page,
    }
}

/// Looks for the other contact, or merges the one that was chosen. What is looked for is somebody's address: it stands in
/// no address bar.
pub async fn merge(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let contact = match open(&duty, &web, &id).await {
        Ok(contact) => contact,
        Err(page) => return *page,
    };
    let sought: String = form.text("sought").chars().take(SOUGHT).collect();
    let asked = Asked { conversation: form.text("conversation").to_owned(), sought, ..Asked::default() };
    let chosen = form.text("from").parse::<ContactId>().ok();
    match chosen {
        Some(from) => unite(&duty, &web, (&contact, &from), &form, asked).await,
        None => look_for(&duty, &web, &contact, asked).await,
    }
}

async fn look_for(duty: &OnDuty<Admin>, web: &Web, contact: &Contact, asked: Asked) -> Response {
    if asked.sought.is_empty() {
        let fault = "Type what leads to the other contact.";
        let fault = Some((StatusCode::UNPROCESSABLE_ENTITY, fault));
        return page(duty, contact, Asked { fault, ..asked });
    }
    match others(duty, web, &asked.sought, &contact.id).await {
        Ok(found) => page(duty, contact, Asked { found: Some(found), ..asked }),
        Err(page) => *page,
    }
}

async fn unite(
    duty: &OnDuty<Admin>,
    web: &Web,
    (contact, from): (&Contact, &ContactId),
    form: &Posted,
    asked: Asked,
) -> Response {
    let (by, condition) = (duty.actor(), condition(form));
    // It cannot be undone: who goes up must be before the admin's eyes, too.
    let from = GoesUp { id: from, version: Some(form.text("from_version").parse().unwrap_or(0)) };
    let (status, fault) = match web
        .broker
        .merge_contacts(duty.tenant(), &by, &contact.id, from, &condition)
        .await
    {
        Ok(_) => return see_other_saying(&back(&asked.conversation), Said::ContactsMerged),
        Err(ContactError::Unknown) => return duty.missing(),
        Err(ContactError::Store(error)) => return duty.unavailable(&error),
        Err(ContactError::Stale { .. }) => (
            StatusCode::CONFLICT,
            "Somebody changed this contact meanwhile, so nothing was merged. Here it is as it is now; look again.",
        ),
        Err(ContactError::OtherStale) => (
            StatusCode::CONFLICT,
            "Somebody changed the other contact meanwhile, so nothing was merged. Look for it again.",
        ),
        Err(ContactError::Refused(_)) => {
            (StatusCode::CONFLICT, "The other contact is not there any more. Nothing was merged.")
        }
        Err(_) => (StatusCode::CONFLICT, "These two cannot be merged. Nothing was changed."),
    };
    page(duty, contact, Asked { fault: Some((status, fault)), ..asked })
}

fn page(duty: &OnDuty<Admin>, contact: &Contact, asked: Asked) -> Response {
    let Asked { conversation, sought, found, fault } = asked;
    let view = MergeView {
        frame: duty.frame("Merge two contacts", Section::Console),
        person: PersonView::of(contact),
        path: paths::contact(&contact.id, "merge"),
        back: back(&conversation),
        conversation,
        sought,
        found: found.map(|found| found.iter().map(PersonView::of).collect()),
        fault: fault.map(|(_, words)| words),
    };
    respond(fault.map_or(StatusCode::OK, |(status, _)| status), &view.frame, Forms::Here, &view)
}
