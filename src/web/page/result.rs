//! The page behind the callback: how a sign-in ended, or the code to send in the chat.

use askama::Template;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;

use crate::domain::conversation::Channel;
use crate::domain::fault::Code;
use crate::secret::Secret;

use super::frame::{Forms, Frame, Visitor, respond, safe_link};
use super::notice::{Message, Tone};
use super::remaining::until;
use super::text::{Text, Words, clean};

/// How a sign-in stands.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// It is complete.
    Completed,
    /// The chat must confirm it.
    Provisional {
        /// The six digits, without the prefix.
        code: &'a Secret,
        /// When the code lapses.
        until: Timestamp,
    },
    /// Another callback of the same sign-in is at work: the page loads itself again.
    Working,
    /// It failed, or was denied.
    Failed(Code),
}

/// What the result page tells.
#[derive(Debug, Clone, Copy)]
pub struct ResultPage<'a> {
    /// The status that belongs to the outcome.
    pub status: StatusCode,
    /// Where the link was sent.
    pub channel: Channel,
    /// The provider's label.
    pub provider: &'a str,
    /// How it stands.
    pub outcome: Outcome<'a>,
    /// The tenant's way back to the chat; a link that would run something is not shown.
    pub back: Option<&'a str>,
    /// The link's path, `/a/{token}`, if it can be opened again.
    pub retry: Option<&'a str>,
    /// What the customer can tell the business; shown where something failed.
    pub reference: &'a str,
    /// The time now.
    pub now: Timestamp,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodeView {
    frame: Frame,
    heading: String,
    lead: String,
    chat: String,
    channel: String,
    label: String,
    code: String,
    spelled: String,
    works: String,
    until: String,
    until_at: String,
    warning: String,
    back: Option<String>,
    back_label: String,
}

/// The result page (DESIGN §5.3, §5.4), with the status that the caller hands in.
pub fn result(visitor: &Visitor, page: &ResultPage) -> Response {
    let words = visitor.words();
    match page.outcome {
        Outcome::Provisional { code, until } => provisional(visitor, &words, page, code, until),
        Outcome::Completed => {
            let lead = words.with(Text::CompletedLead, &[("tenant", visitor.business().into())]);
            let mut message = Message::new(Tone::Good, words.say(Text::CompletedHeading), lead);
            if let Some(back) = page.back.and_then(safe_link) {
                message.action(back, words.say(Text::BackToChat));
            }
            message.respond(page.status, visitor, &words)
        }
        Outcome::Working => working(visitor),
        Outcome::Failed(code) => failed(visitor, &words, page, Trouble::of(code)),
    }
}

/// The page while another load of the same address is at work: it loads itself again.
pub fn working(visitor: &Visitor) -> Response {
    let words = visitor.words();
    let heading = words.say(Text::WorkingHeading);
    let message = Message::new(Tone::Calm, heading, words.say(Text::WorkingLead));
    let mut response = message.respond(StatusCode::OK, visitor, &words);
    response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("2"));
    response
}

fn provisional(
    visitor: &Visitor,
    words: &Words,
    page: &ResultPage,
    code: &Secret,
    end: Timestamp,
) -> Response {
    let heading = words.say(Text::ProvisionalHeading);
    let code = format!("CS-{}", code.expose());
    let letters: Vec<String> = code.chars().filter(|c| *c != '-').map(String::from).collect();
    let view = CodeView {
        frame: Frame::new(visitor, words, &heading),
        heading,
        lead: words.say(Text::ProvisionalLead),
        chat: words.say(Text::LandingChat),
        channel: words.channel(page.channel),
        label: words.say(Text::ProvisionalCode),
        spelled: words.with(Text::ProvisionalSpelled, &[("letters", letters.join(" ").into())]),
        code,
        works: words.say(Text::ProvisionalUntil),
        until: until(words, end, page.now),
        until_at: end.to_string(),
        warning: words.say(Text::ProvisionalWarning),
        back: page.back.and_then(safe_link),
        back_label: words.say(Text::BackToChat),
    };
    respond(page.status, &view.frame, &Forms::None, &view)
}

fn failed(visitor: &Visitor, words: &Words, page: &ResultPage, trouble: Trouble) -> Response {
    let values = [("tenant", visitor.business().into()), ("provider", clean(page.provider).into())];
    let (heading, lead) = trouble.texts();
    let tone = if trouble.is_calm() { Tone::Calm } else { Tone::Warning };
    let mut message = Message::new(tone, words.with(heading, &values), words.with(lead, &values));
    if trouble != Trouble::Voided && trouble != Trouble::Denied {
        message.note = Some(words.say(Text::NothingShared));
    }
    if let Some(retry) = page.retry.filter(|_| trouble.can_be_retried()) {
        message.action(retry.to_owned(), words.say(Text::TryAgain));
    } else if let Some(back) = page.back.and_then(safe_link) {
        message.action(back, words.say(Text::BackToChat));
    }
    if !trouble.is_calm() {
        message.reference(words, page.reference);
    }
    message.respond(page.status, visitor, words)
}

/// What a failure means to the customer. The codes say more, but only to the business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The customer said no.
    Denied,
    /// It took too long, or came twice.
    Late,
    /// The provider does not answer as it should; later it may.
    Busy,
    /// The business's settings or its provider must be put right first.
    Setup,
    /// The provider's answer lacks a field that the business requires.
    Missing,
    /// The code was not sent in time.
    Unconfirmed,
    /// Too many wrong codes.
    Spent,
    /// A newer sign-in took its place.
    Voided,
    /// Stopped half-way.
    Interrupted,
    /// A fault of our own.
    Ours,
    /// Nothing that the customer should be told.
    Neutral,
    /// The link was declined by the customer.
    Declined,
}

impl Trouble {
    #[expect(clippy::match_same_arms, reason = "a line per endpoint is easier to read")]
    fn of(code: Code) -> Self {
        match code {
            Code::AccessDenied => Self::Denied,
            Code::InvalidGrant | Code::StateExpired => Self::Late,
            Code::DiscoveryFailed | Code::DiscoveryTimeout | Code::JwksFailed | Code::JwksTimeout => {
                Self::Busy
            }
            Code::ParFailed | Code::ParTimeout | Code::TokenFailed | Code::TokenTimeout => Self::Busy,
            Code::WhoamiFailed | Code::WhoamiTimeout => Self::Busy,
            Code::ProviderError
            | Code::RedirectUriRefused
            | Code::ProviderChanged
            | Code::InvalidClient
            | Code::TokenRefused
            | Code::TokenGarbage
            | Code::TokenTooLarge
            | Code::TokenUrlRefused
            | Code::DiscoveryMismatch
            | Code::IdTokenMissing
            | Code::IdTokenMalformed
            | Code::IdTokenEncrypted
            | Code::IdTokenAlgorithm
            | Code::IdTokenKey
            | Code::IdTokenSignature
            | Code::IdTokenIssuer
            | Code::IdTokenAudience
            | Code::IdTokenExpired
            | Code::IdTokenTime
            | Code::IdTokenNonce
            | Code::IdTokenAtHash
            | Code::IdTokenClaims
            | Code::SubjectMismatch
            | Code::WhoamiRefused
            | Code::WhoamiGarbage
            | Code::WhoamiTooLarge
            | Code::WhoamiUrlRefused
            | Code::WhoamiUrlUnfilled
            | Code::WhoamiUnsigned
            | Code::MappingFailed => Self::Setup,
            Code::RequiredMissing => Self::Missing,
            Code::NotConfirmed | Code::SheetClosed | Code::TakenBack => Self::Unconfirmed,
            Code::GuessesSpent => Self::Spent,
            Code::Voided => Self::Voided,
            Code::Interrupted => Self::Interrupted,
            Code::StoreUnavailable | Code::Internal => Self::Ours,
            Code::Declined => Self::Declined,
            Code::ParamsMissing
            | Code::ParamsConflict
            | Code::StateUnknown
            | Code::RouteMismatch
            | Code::IssuerMismatch
            | Code::CookieMismatch
            | Code::VariableMismatch
            | Code::SomeoneElse
            | Code::LinkFinal => Self::Neutral,
        }
    }

    /// Heading and sentence.
    fn texts(self) -> (Text, Text) {
        match self {
            Self::Denied => (Text::DeniedHeading, Text::DeniedLead),
            Self::Late => (Text::LateHeading, Text::LateLead),
            Self::Busy => (Text::BusyHeading, Text::BusyLead),
            Self::Setup => (Text::SetupHeading, Text::SetupLead),
            Self::Missing => (Text::MissingHeading, Text::MissingLead),
            Self::Unconfirmed => (Text::UnconfirmedHeading, Text::UnconfirmedLead),
            Self::Spent => (Text::SpentHeading, Text::SpentLead),
            Self::Voided => (Text::VoidedHeading, Text::VoidedLead),
            Self::Interrupted => (Text::InterruptedHeading, Text::InterruptedLead),
            Self::Ours => (Text::OursHeading, Text::OursLead),
            Self::Neutral => (Text::NeutralHeading, Text::NeutralLead),
            Self::Declined => (Text::DeclinedHeading, Text::DeclinedLead),
        }
    }

    /// Whether nothing is wrong: the customer chose it, or it is done elsewhere.
    fn is_calm(self) -> bool {
        matches!(self, Self::Denied | Self::Voided | Self::Declined | Self::Unconfirmed)
    }

    /// Whether signing in once more may help.
    fn can_be_retried(self) -> bool {
        !matches!(self, Self::Setup | Self::Missing | Self::Voided | Self::Declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_set_up_offers_no_second_try_and_a_slow_provider_does() {
        assert!(!Trouble::of(Code::InvalidClient).can_be_retried());
        assert!(!Trouble::of(Code::RequiredMissing).can_be_retried());
        assert!(Trouble::of(Code::TokenTimeout).can_be_retried());
        assert!(Trouble::of(Code::AccessDenied).can_be_retried());
    }

    #[test]
    fn what_the_customer_chose_is_no_fault() {
        assert!(Trouble::of(Code::AccessDenied).is_calm());
        assert!(!Trouble::of(Code::Internal).is_calm());
    }
}
