//! Where a sign-in goes back into the app that it came from: a redirect, and a page for whoever sees one.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::flow::native::SheetEnded;

use super::frame::{Visitor, safe_link};
use super::notice::{Message, Tone};
use super::text::Text;

/// The redirect (303) to an app's address. Most phones never show the page behind it; it leads there by a link, and by
/// itself after a second.
pub fn away(visitor: &Visitor, location: &str, ended: SheetEnded) -> Response {
    let words = visitor.words();
    let business = [("tenant", visitor.business().into())];
    let mut message = match ended {
        SheetEnded::Success => {
            let lead = words.with(Text::CompletedLead, &business);
            Message::new(Tone::Good, words.say(Text::CompletedHeading), lead)
        }
        SheetEnded::Cancelled => {
            Message::new(Tone::Calm, words.say(Text::CancelledHeading), words.say(Text::CancelledLead))
        }
        SheetEnded::Failure => {
            Message::new(Tone::Warning, words.say(Text::NeutralHeading), words.say(Text::NeutralLead))
        }
    };
    if let Some(link) = safe_link(location) {
        message.action(link, words.say(Text::BackToChat));
    }
    let mut response = message.respond(StatusCode::SEE_OTHER, visitor, &words);
    let place = HeaderValue::from_str(location).expect("addresses that we build are ASCII");
    let later = format!("1; url={location}");
    let headers = response.headers_mut();
    headers
        .insert(header::REFRESH, HeaderValue::from_str(&later).expect("addresses that we build are ASCII"));
    headers.insert(header::LOCATION, place);
    response
}
