//! The conversation in which a link was sent, its channel, and the customer's address there.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::binding::Binding;
use super::described;
use super::ids::{ContactId, ConversationId, LinkId, ProviderId};

/// The medium of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the channels' own")]
pub enum Channel {
    Sms,
    Whatsapp,
    Messenger,
    Instagram,
    Apple,
    Rcs,
    Line,
    Telegram,
    Viber,
    Slack,
    Teams,
    Webchat,
    Email,
}

impl Channel {
    /// Every channel, in the order of DESIGN §1.
    pub const ALL: [Self; 13] = [
        Self::Sms,
        Self::Whatsapp,
        Self::Messenger,
        Self::Instagram,
        Self::Apple,
        Self::Rcs,
        Self::Line,
        Self::Telegram,
        Self::Viber,
        Self::Slack,
        Self::Teams,
        Self::Webchat,
        Self::Email,
    ];

    /// The word in settings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Whatsapp => "whatsapp",
            Self::Messenger => "messenger",
            Self::Instagram => "instagram",
            Self::Apple => "apple",
            Self::Rcs => "rcs",
            Self::Line => "line",
            Self::Telegram => "telegram",
            Self::Viber => "viber",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Webchat => "webchat",
            Self::Email => "email",
        }
    }

    /// The name that a customer knows.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Whatsapp => "WhatsApp",
            Self::Messenger => "Messenger",
            Self::Instagram => "Instagram",
            Self::Apple => "Apple Messages",
            Self::Rcs => "RCS",
            Self::Line => "LINE",
            Self::Telegram => "Telegram",
            Self::Viber => "Viber",
            Self::Slack => "Slack",
            Self::Teams => "Microsoft Teams",
            Self::Webchat => "Web chat",
            Self::Email => "Email",
        }
    }

    /// Whether the channel itself may post what happens there to us, signed.
    pub fn has_webhooks(self) -> bool {
        matches!(self, Self::Apple | Self::Messenger | Self::Instagram | Self::Whatsapp)
    }

    /// Whether the channel itself can say who signed in, where the tenant has its account there.
    pub fn vouches(self) -> bool {
        match self {
            Self::Apple | Self::Messenger => true,
            Self::Sms
            | Self::Whatsapp
            | Self::Instagram
            | Self::Rcs
            | Self::Line
            | Self::Telegram
            | Self::Viber
            | Self::Slack
            | Self::Teams
            | Self::Webchat
            | Self::Email => false,
        }
    }

    /// Whether the customer's address on this channel is a phone number.
    pub fn has_phone_handles(self) -> bool {
        matches!(self, Self::Sms | Self::Whatsapp | Self::Rcs | Self::Viber)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or(UnknownChannel)
    }
}

/// A word that names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a channel; use one of `sms whatsapp messenger instagram apple rcs line telegram viber slack teams webchat email`"
)]
pub struct UnknownChannel;

/// The customer's address in a conversation: a phone number, an email address, a channel's own id.
/// Personal data: it never goes into a log, and pages show it masked.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Handle(String);

impl Handle {
    /// Takes 1 to 320 characters without control characters.
    pub fn parse(text: &str) -> Result<Self, HandleError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > 320 || text.chars().any(char::is_control) {
            return Err(HandleError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same address on `channel`: phone numbers by their digits, email
    /// addresses in any case, everything else exactly.
    pub fn is_same(&self, other: &Self, channel: Channel) -> bool {
        if channel.has_phone_handles() {
            let (ours, theirs) = (phone_digits(&self.0), phone_digits(&other.0));
            return !ours.is_empty() && ours == theirs;
        }
        if channel == Channel::Email {
            return self.0.to_lowercase() == other.0.to_lowercase();
        }
        self.0 == other.0
    }

    /// The address with its middle hidden: enough to recognise one's own, too little to learn another's.
    pub fn masked(&self) -> String {
        if let Some((local, domain)) = self.0.rsplit_once('@') {
            let first: String = local.chars().take(1).collect();
            return format!("{first}•••@{domain}");
        }
        let chars: Vec<char> = self.0.chars().collect();
        match chars.len() {
            0..=3 => "•••".to_owned(),
            4..=6 => format!("•••{}", chars[chars.len() - 2..].iter().collect::<String>()),
            n => {
                let (head, tail): (String, String) =
                    (chars[..2].iter().collect(), chars[n - 2..].iter().collect());
                format!("{head}•••{tail}")
            }
        }
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[handle]")
    }
}

impl utoipa::PartialSchema for Handle {
    fn schema() -> RefOr<Schema> {
        described::text(1, 320, Some("^[^\\u0000-\\u001f\\u007f-\\u009f]+$"), "+15550100")
    }
}

impl ToSchema for Handle {}

impl TryFrom<String> for Handle {
    type Error = HandleError;

    fn try_from(text: String) -> Result<Self, HandleError> {
        Self::parse(&text)
    }
}

impl From<Handle> for String {
    fn from(handle: Handle) -> Self {
        handle.0
    }
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a handle has 1 to 320 characters, none of them a control character")]
pub struct HandleError;

/// Which conversation, as a link and an event name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConversationRef {
    /// The platform's id, unique in the tenant.
    pub id: ConversationId,
    /// The medium.
    pub channel: Channel,
    /// The customer's address there, if the platform said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Handle>,
}

impl ConversationRef {
    /// Whether this is still the same person's place: the same channel, and no other address there.
    /// A sender that leaves the address out says nothing of it.
    pub fn is_same_person(&self, other: &Self) -> bool {
        let same = |(ours, theirs): (&Handle, &Handle)| ours.is_same(theirs, self.channel);
        self.channel == other.channel && self.handle.as_ref().zip(other.handle.as_ref()).is_none_or(same)
    }
}

/// What we remember of a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Conversation {
    /// Which one; the channel and handle are those of the newest link.
    pub at: ConversationRef,
    /// The newest link; at most one link of a conversation is live.
    pub link: Option<LinkId>,
    /// Who was verified here last, if anybody.
    pub verified: Option<Verified>,
    /// Wrong codes typed here.
    pub guesses: GuessWindow,
    /// When the first link was made.
    pub created_at: Timestamp,
    /// When this record changed last.
    pub updated_at: Timestamp,
}

impl Conversation {
    /// A conversation that no link was sent to yet.
    pub fn new(at: ConversationRef, now: Timestamp) -> Self {
        Self {
            at,
            link: None,
            verified: None,
            guesses: GuessWindow::default(),
            created_at: now,
            updated_at: now,
        }
    }

    /// The verified identity that still holds at `now`.
    pub fn verified_at(&self, now: Timestamp) -> Option<&Verified> {
        self.verified.as_ref().filter(|verified| now < verified.until)
    }
}

/// The verified identity of a conversation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The contact; none where the provider named no person ("authenticated, unidentified").
    pub contact_id: Option<ContactId>,
    /// At which provider the customer signed in.
    pub provider: ProviderId,
    /// By which link.
    pub auth_link_id: LinkId,
    /// How it was proved that this is the person in the chat.
    pub binding: Binding,
    /// When the sign-in completed.
    pub since: Timestamp,
    /// When the channel says that it happened, by the channel's own clock; none where the channel did not vouch or does
    /// not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched_at: Option<Timestamp>,
    /// When it stops to hold.
    pub until: Timestamp,
    /// What rules have set.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// Codes that were typed within the last hour. A guess is counted before it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuessWindow {
    /// When, oldest first.
    #[serde(default)]
    at: Vec<Timestamp>,
    /// In which messages with which code, by keyed hashes, oldest first: a channel that sends a message again adds no guess.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heard: Vec<String>,
}

impl GuessWindow {
    /// Guesses that an hour allows, whenever it begins.
    pub const LIMIT: usize = 15;
    const LENGTH: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

    /// Whether the message was heard before.
    pub fn has_heard(&self, message: &str) -> bool {
        self.heard.iter().any(|heard| heard == message)
    }

    /// Remembers a message, and forgets the oldest ones beyond as many as there are guesses.
    pub fn hear(&mut self, message: String) {
        self.heard.push(message);
        let surplus = self.heard.len().saturating_sub(Self::LIMIT);
        self.heard.drain(..surplus);
    }

    /// Counts one guess, or says that those of the last hour are all that it allows.
    pub fn count(mut self, now: Timestamp) -> Result<Self, GuessesSpent> {
        self.at.retain(|at| now.duration_since(*at) < Self::LENGTH);
        if self.at.len() >= Self::LIMIT {
            return Err(GuessesSpent);
        }
        self.at.push(now);
        Ok(self)
    }
}

/// No guess is left in this hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no guess is left in this hour")]
pub struct GuessesSpent;

/// The digits of a phone number, without the marks people write between them.
pub fn phone_digits(text: &str) -> String {
    let text = text.strip_prefix("whatsapp:").or_else(|| text.strip_prefix("tel:")).unwrap_or(text);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").map_or(digits.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(text: &str) -> Handle {
        Handle::parse(text).unwrap()
    }

    #[test]
    fn a_phone_number_is_compared_by_its_digits() {
        assert!(handle("+1 555-0100").is_same(&handle("+15550100"), Channel::Sms));
        assert!(handle("whatsapp:+15550100").is_same(&handle("15550100"), Channel::Whatsapp));
        assert!(!handle("+15550100").is_same(&handle("+15550101"), Channel::Sms));
        assert!(!handle("abc").is_same(&handle("def"), Channel::Sms), "no digits never match");
    }

    #[test]
    fn a_number_in_another_spelling_or_left_out_is_no_other_person() {
        let at = |channel, told: Option<&str>| ConversationRef {
            id: "c".parse().unwrap(),
            channel,
            handle: told.map(handle),
        };
        let known = at(Channel::Sms, Some("+15550100"));
        assert!(known.is_same_person(&at(Channel::Sms, Some("+1 (555) 01-00"))));
        assert!(known.is_same_person(&at(Channel::Sms, None)));
        assert!(!known.is_same_person(&at(Channel::Sms, Some("+15550101"))));
        assert!(!known.is_same_person(&at(Channel::Whatsapp, Some("+15550100"))));
    }

    #[test]
    fn an_opaque_handle_is_compared_exactly() {
        assert!(!handle("PSID-1").is_same(&handle("psid-1"), Channel::Messenger));
        assert!(handle("A@b.example").is_same(&handle("a@B.example"), Channel::Email));
    }

    #[test]
    fn a_masked_handle_hides_the_middle() {
        assert_eq!(handle("+15550142").masked(), "+1•••42");
        assert_eq!(handle("billy@example.com").masked(), "b•••@example.com");
        assert_eq!(handle("abc").masked(), "•••");
    }

    #[test]
    fn no_hour_has_sixteen_guesses_wherever_it_begins() {
        let at = |minutes| {
            "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes)
        };
        let mut window = GuessWindow::default().count(at(0)).unwrap();
        for _ in 1..GuessWindow::LIMIT {
            window = window.count(at(59)).unwrap();
        }
        assert_eq!(window.clone().count(at(59)), Err(GuessesSpent));
        window = window.count(at(60)).unwrap();
        assert_eq!(window.clone().count(at(61)), Err(GuessesSpent), "only the first one is an hour old");
        assert!(window.count(at(119)).is_ok());
    }
}
