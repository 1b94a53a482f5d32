//! Pages that are a heading and a sentence.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::flow::create_link::LONGEST;

use super::frame::{Forms, Frame, Visitor, respond};
use super::text::{Text, Words, clean};

/// A page that is a heading and a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The customer said *This wasn't me*, twice. 200.
    Declined,
    /// The link's time is over. 410.
    Expired,
    /// The sender took the link back, or the customer declined it. 410.
    Cancelled,
    /// A newer link of the conversation took its place. 410.
    Superseded,
    /// The link was completed before. 410.
    Completed,
    /// No such link, or no such page. 404.
    Unknown,
    /// Every bad state, whatever the reason. 400.
    Neutral,
    /// An app that is not known, or an address that is none of its own. 400.
    AppUnknown,
    /// No tenant answers on this host. 421.
    WrongHost,
    /// A form that was not sent from our own page. 403.
    Forbidden,
    /// Too many requests. 429.
    TooMany {
        /// After how many seconds a next one is welcome.
        retry_after: u32,
    },
    /// A link that was opened so often that it takes no further opening: another one is sent. 429 with a `Retry-After`
    /// of a day, the longest that a link lives.
    OpenedTooOften,
    /// The store or a provider's breaker is open. 503.
    Unavailable {
        /// After how many seconds a next one is welcome.
        retry_after: u32,
    },
    /// A fault of our own. 500.
    Internal,
    /// A method that this address does not know; the caller adds `Allow`. 405.
    Method,
    /// A body larger than we read. 413.
    TooLarge,
    /// A path or query longer than we read. 414.
    UriTooLong,
    /// A body that did not arrive, or not in time. 408.
    TooLate,
}

/// The page of a notice, with its status and, where it has one, `Retry-After`.
pub fn notice(visitor: &Visitor, notice: Notice) -> Response {
    let words = visitor.words();
    let (heading, lead) = notice.texts();
    let mut message = Message::new(notice.tone(), words.say(heading), words.say(lead));
    if notice.has_reference() {
        message.reference(&words, visitor.request_id);
    }
    let mut response = message.respond(notice.status(), visitor, &words);
    if let Some(seconds) = notice.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The page of a provider that is out of order (503): nothing is lost, and `retry` leads on.
pub fn busy(visitor: &Visitor, provider: &str, retry: Option<&str>, retry_after: u32) -> Response {
    let words = visitor.words();
    let heading = words.with(Text::BusyHeading, &[("provider", clean(provider).into())]);
    let mut message = Message::new(Tone::Calm, heading, words.say(Text::BusyLead));
    message.note = Some(words.say(Text::NothingShared));
    message.reference(&words, visitor.request_id);
    if let Some(retry) = retry {
        message.action(retry.to_owned(), words.say(Text::TryAgain));
    }
    let mut response = message.respond(StatusCode::SERVICE_UNAVAILABLE, visitor, &words);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

impl Notice {
    /// The status of its answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Declined => StatusCode::OK,
            Self::Expired | Self::Cancelled | Self::Superseded | Self::Completed => StatusCode::GONE,
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Neutral | Self::AppUnknown => StatusCode::BAD_REQUEST,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooMany { .. } | Self::OpenedTooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::TooLate => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// After how many seconds a next request is welcome.
    fn retry_after(self) -> Option<i64> {
        match self {
            Self::TooMany { retry_after } | Self::Unavailable { retry_after } => Some(retry_after.into()),
            Self::OpenedTooOften => Some(LONGEST.as_secs()),
            _ => None,
        }
    }

    fn texts(self) -> (Text, Text) {
        match self {
            Self::Declined => (Text::DeclinedHeading, Text::DeclinedLead),
            Self::Expired => (Text::ExpiredHeading, Text::ExpiredLead),
            Self::Cancelled => (Text::CancelledHeading, Text::CancelledLead),
            Self::Superseded => (Text::SupersededHeading, Text::SupersededLead),
            Self::Completed => (Text::DoneHeading, Text::DoneLead),
            Self::Unknown => (Text::UnknownHeading, Text::UnknownLead),
            Self::Neutral => (Text::NeutralHeading, Text::NeutralLead),
            Self::AppUnknown => (Text::AppUnknownHeading, Text::AppUnknownLead),
            Self::WrongHost => (Text::WrongHostHeading, Text::WrongHostLead),
            Self::Forbidden => (Text::ForbiddenHeading, Text::ForbiddenLead),
            Self::TooMany { .. } => (Text::TooManyHeading, Text::TooManyLead),
            Self::OpenedTooOften => (Text::TooOftenHeading, Text::TooOftenLead),
            Self::Unavailable { .. } => (Text::UnavailableHeading, Text::UnavailableLead),
            Self::Internal => (Text::OursHeading, Text::OursLead),
            Self::Method => (Text::MethodHeading, Text::MethodLead),
            Self::TooLarge | Self::UriTooLong => (Text::TooLargeHeading, Text::TooLargeLead),
            Self::TooLate => (Text::InterruptedHeading, Text::InterruptedLead),
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Declined | Self::Completed => Tone::Good,
            Self::Internal | Self::Neutral | Self::Forbidden => Tone::Warning,
            _ => Tone::Calm,
        }
    }

    /// Whether somebody could look it up in the log.
    fn has_reference(self) -> bool {
        self.status().is_server_error()
            || matches!(
                self,
                Self::Neutral | Self::AppUnknown | Self::Forbidden | Self::WrongHost | Self::TooMany { .. }
            )
    }
}

/// The mood of a message, shown by its emblem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Done.
    Good,
    /// Nothing is wrong.
    Calm,
    /// Something failed.
    Warning,
}

/// A heading, a sentence, and perhaps a note, a next step and a reference.
pub(super) struct Message {
    tone: Tone,
    heading: String,
    lead: String,
    /// A second, quieter sentence.
    pub(super) note: Option<String>,
    action: Option<(String, String)>,
    reference: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessageView {
    frame: Frame,
    message: Message,
}

impl Message {
    pub(super) fn new(tone: Tone, heading: String, lead: String) -> Self {
        Self { tone, heading, lead, note: None, action: None, reference: None }
    }

    /// Offers a next step: where it leads and what it is called.
    pub(super) fn action(&mut self, href: String, label: String) {
        self.action = Some((href, label));
    }

    /// Shows what the customer can tell the business.
    pub(super) fn reference(&mut self, words: &Words, reference: &str) {
        if !reference.is_empty() {
            self.reference = Some((words.say(Text::Reference), clean(reference)));
        }
    }

    /// The whole answer.
    pub(super) fn respond(self, status: StatusCode, visitor: &Visitor, words: &Words) -> Response {
        let frame = Frame::new(visitor, words, &self.heading);
        let view = MessageView { frame, message: self };
        respond(status, &view.frame, &Forms::None, &view)
    }
}
