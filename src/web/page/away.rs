//! Where a sign-in goes back into the app that it came from: a redirect, and a page for whoever sees one.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::flow::native::SheetEnded;

use super::frame::{Visitor, safe_link};
use super::notice::{Message, Tone};
use super::text::{Text, clean};

/// What the page tells.
#[derive(Clone, Copy)]
pub struct Away<'a> {
    /// The app's address.
    pub location: &'a str,
    /// How the sign-in ended.
    pub ended: SheetEnded,
    /// The provider's label; empty before one was reached.
    pub provider: &'a str,
    /// What the customer can tell the business; shown where something failed.
    pub reference: &'a str,
}

/// The redirect (303) to an app's address. Most phones never show the page behind it; it leads there by a link, and by
/// itself after a second.
pub fn away(visitor: &Visitor, page: &Away) -> Response {
    let words = visitor.words();
    let say = |heading, lead, values: &[_]| (words.say(heading), words.with(lead, values));
    let (tone, (heading, lead)) = match page.ended {
        // Nobody is told who it was before the chat itself has said so.
        SheetEnded::Success => {
            let business = [("tenant", visitor.business().into())];
            (Tone::Good, say(Text::AwayHeading, Text::AwayLead, &business))
        }
        SheetEnded::Cancelled => {
            let provider = [("provider", clean(page.provider).into())];
            (Tone::Calm, say(Text::DeniedHeading, Text::DeniedLead, &provider))
        }
        SheetEnded::Failure => (Tone::Warning, say(Text::AwayFailedHeading, Text::AwayFailedLead, &[])),
    };
    let mut message = Message::new(tone, heading, lead);
    if let Some(link) = safe_link(page.location) {
        message.action(link, words.say(Text::BackToChat));
    }
    if page.ended == SheetEnded::Failure {
        message.note = Some(words.say(Text::NothingShared));
        message.reference(&words, page.reference);
    }
    let mut response = message.respond(StatusCode::SEE_OTHER, visitor, &words);
    let place = HeaderValue::from_str(page.location).expect("addresses that we build are ASCII");
    let later = format!("1; url={}", page.location);
    let headers = response.headers_mut();
    headers
        .insert(header::REFRESH, HeaderValue::from_str(&later).expect("addresses that we build are ASCII"));
    headers.insert(header::LOCATION, place);
    response
}
