//! Binding: the proof that who signed in is who is in the chat (DESIGN §5.4).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conversation::{Channel, ConversationRef, Handle, phone_digits};
use super::profile::{ProfileField, SignedIn};

/// How sure we are, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// Nothing was proved; only where the tenant's minimum says so.
    None,
    /// The same browser holds the web chat and the sign-in.
    Browser,
    /// The provider's verified phone or email is the conversation's handle.
    Match,
    /// The customer sent the code of the result page in the chat.
    Code,
    /// The channel itself says that the person of this conversation signed in.
    Native,
}

impl Binding {
    /// Every binding, weakest first.
    pub const ALL: [Self; 5] = [Self::None, Self::Browser, Self::Match, Self::Code, Self::Native];

    /// The word in settings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Browser => "browser",
            Self::Match => "match",
            Self::Code => "code",
            Self::Native => "native",
        }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Binding {
    type Err = UnknownBinding;

    fn from_str(text: &str) -> Result<Self, UnknownBinding> {
        Self::ALL.into_iter().find(|binding| binding.as_str() == text).ok_or(UnknownBinding)
    }
}

/// A word that names no binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a binding; use `none`, `browser`, `match`, `code` or `native`")]
pub struct UnknownBinding;

/// What the provider's verified phone or email says of the conversation's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vouch {
    /// It is the same address.
    Same,
    /// It is another one.
    Other,
    /// Nothing is verified, or the two cannot be compared.
    Silent,
}

impl Vouch {
    /// Compares phone numbers on channels whose addresses are phone numbers, and email addresses on
    /// email. A number without its country says nothing: it may be anybody's.
    pub fn of(signed_in: &SignedIn, conversation: &ConversationRef) -> Self {
        let channel = conversation.channel;
        let verified = if channel.has_phone_handles() {
            let phone = signed_in.profile.text(ProfileField::Phone).filter(|_| signed_in.phone_verified);
            phone.filter(|phone| phone.starts_with('+') || phone.starts_with("00"))
        } else if channel == Channel::Email {
            signed_in.profile.text(ProfileField::Email).filter(|_| signed_in.email_verified)
        } else {
            None
        };
        let verified = verified.and_then(|text| Handle::parse(text).ok());
        match (verified, &conversation.handle) {
            (Some(verified), Some(handle)) if verified.is_same(handle, channel) => Self::Same,
            (Some(verified), Some(handle)) if may_be_same(&verified, handle, channel) => Self::Silent,
            (Some(_), Some(_)) => Self::Other,
            _ => Self::Silent,
        }
    }
}

/// Whether the handle may be the verified number without its country, as people write it at home: with or
/// without the zero that stands for it there.
fn may_be_same(verified: &Handle, handle: &Handle, channel: Channel) -> bool {
    let has_country = handle.as_str().contains('+') || handle.as_str().starts_with("00");
    let at_home = phone_digits(handle.as_str());
    let at_home = at_home.trim_start_matches('0');
    channel.has_phone_handles() && !has_country && phone_digits(verified.as_str()).ends_with(at_home)
}

/// What a tenant demands of the chat, per channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingPolicy {
    /// For channels that have no line of their own; without it web chat needs `browser` and every other `code`.
    pub minimum: Option<Binding>,
    /// Channels with a minimum of their own.
    pub channels: BTreeMap<Channel, Binding>,
    /// How long a conversation stays verified.
    pub lasts: SignedDuration,
}

impl BindingPolicy {
    /// What a sign-in on `channel` must reach.
    pub fn minimum_for(&self, channel: Channel) -> Binding {
        let default = if channel == Channel::Webchat { Binding::Browser } else { Binding::Code };
        self.channels.get(&channel).copied().or(self.minimum).unwrap_or(default)
    }
}

impl Default for BindingPolicy {
    fn default() -> Self {
        Self { minimum: None, channels: BTreeMap::new(), lasts: SignedDuration::from_hours(12) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_order_of_certainty() {
        assert!(Binding::ALL.is_sorted());
        assert!(Binding::None < Binding::Match && Binding::Match < Binding::Code);
    }

    fn vouched(channel: Channel, handle: &str, phone: &str, verified: bool) -> Vouch {
        let conversation = ConversationRef {
            id: "c".parse().unwrap(),
            channel,
            handle: Some(Handle::parse(handle).unwrap()),
        };
        let mut signed_in =
            SignedIn { phone_verified: verified, email_verified: verified, ..SignedIn::default() };
        signed_in.profile.set_text(ProfileField::Phone, phone);
        signed_in.profile.set_text(ProfileField::Email, "billy@example.com");
        Vouch::of(&signed_in, &conversation)
    }

    #[test]
    fn a_verified_number_vouches_or_contradicts_and_an_unverified_one_is_silent() {
        assert_eq!(vouched(Channel::Sms, "+15550100", "+1 (555) 0100", true), Vouch::Same);
        assert_eq!(vouched(Channel::Whatsapp, "+15550100", "+15550199", true), Vouch::Other);
        assert_eq!(vouched(Channel::Sms, "+15550100", "+15550100", false), Vouch::Silent);
        assert_eq!(vouched(Channel::Sms, "+15550100", "5550100", true), Vouch::Silent, "no country");
    }

    #[test]
    fn a_handle_without_its_country_does_not_contradict_the_number_that_ends_with_it() {
        assert_eq!(vouched(Channel::Sms, "555 0100", "+15550100", true), Vouch::Silent);
        assert_eq!(vouched(Channel::Sms, "0151 234", "+49 151 234", true), Vouch::Silent, "a trunk zero");
        assert_eq!(vouched(Channel::Sms, "5550199", "+15550100", true), Vouch::Other);
        assert_eq!(vouched(Channel::Whatsapp, "whatsapp:+5550100", "+15550100", true), Vouch::Other);
    }

    #[test]
    fn an_email_vouches_on_the_email_channel_only() {
        assert_eq!(vouched(Channel::Email, "Billy@Example.com", "+1", true), Vouch::Same);
        assert_eq!(vouched(Channel::Email, "eve@example.com", "+1", true), Vouch::Other);
        assert_eq!(vouched(Channel::Slack, "billy@example.com", "+15550100", true), Vouch::Silent);
    }

    #[test]
    fn a_channels_own_line_beats_the_tenants_minimum_which_beats_the_default() {
        let mut policy = BindingPolicy::default();
        assert_eq!(policy.minimum_for(Channel::Webchat), Binding::Browser);
        assert_eq!(policy.minimum_for(Channel::Sms), Binding::Code);
        policy.minimum = Some(Binding::None);
        policy.channels.insert(Channel::Sms, Binding::Match);
        assert_eq!(policy.minimum_for(Channel::Webchat), Binding::None);
        assert_eq!(policy.minimum_for(Channel::Sms), Binding::Match);
    }
}
