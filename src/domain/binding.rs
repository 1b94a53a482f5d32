//! Binding: the proof that who signed in is who is in the chat (DESIGN §5.4).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::conversation::Channel;

/// How sure we are, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
