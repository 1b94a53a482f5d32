//! Webhooks: where the platform wants to be told of events, and of which (DESIGN §7).

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::event::EventType;
use super::ids::WebhookId;
use crate::secret::Secret;

/// A place to which events are sent.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its name in the tenant: the delivery log is kept by it.
    pub id: WebhookId,
    /// Where to.
    pub url: Url,
    /// What signs, each `whsec_` and base64; the newest first. More than one during a rotation: each
    /// gives a signature.
    pub secrets: Vec<Secret>,
    /// Of what it is told.
    pub events: Vec<EventPattern>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Whether it is told of new events.
    pub enabled: bool,
}

impl Webhook {
    /// Whether it is to be told of an event of this type.
    pub fn wants(&self, kind: EventType) -> bool {
        self.enabled && self.events.iter().any(|pattern| pattern.holds(kind))
    }
}

/// A choice of event types: one type, all that begin alike (`auth.*`), or all of them (`*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPattern(String);

/// A text that matches no type of event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` matches no type of event; use a type, a group such as `auth.*`, or `*`")]
pub struct NoSuchEvent(String);

impl EventPattern {
    /// Every type.
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a type is among them.
    pub fn holds(&self, kind: EventType) -> bool {
        match self.0.strip_suffix('*') {
            Some(front) => kind.as_str().starts_with(front),
            None => kind.as_str() == self.0,
        }
    }
}

impl FromStr for EventPattern {
    type Err = NoSuchEvent;

    fn from_str(text: &str) -> Result<Self, NoSuchEvent> {
        let pattern = Self(text.to_owned());
        let is_group = text == "*" || text.ends_with(".*") || !text.contains('*');
        if is_group && EventType::ALL.iter().any(|kind| pattern.holds(*kind)) {
            return Ok(pattern);
        }
        Err(NoSuchEvent(text.chars().take(80).collect()))
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(pattern: &str) -> usize {
        let pattern: EventPattern = pattern.parse().unwrap();
        EventType::ALL.iter().filter(|kind| pattern.holds(**kind)).count()
    }

    #[test]
    fn a_pattern_is_a_type_a_group_or_everything() {
        assert_eq!(chosen("*"), EventType::ALL.len());
        assert_eq!(chosen("auth.*"), 9);
        assert_eq!(chosen("contact.*"), 3);
        assert_eq!(chosen("auth.completed"), 1);
    }

    #[test]
    fn what_matches_nothing_is_refused() {
        for text in ["", "auth", "auth.", "auth*", "auth.done", "*.completed", "**", "Auth.*", "a*", " *"] {
            assert!(text.parse::<EventPattern>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_matches_something(text in "[a-z._*]{0,12}") {
            if let Ok(pattern) = text.parse::<EventPattern>() {
                prop_assert!(EventType::ALL.iter().any(|kind| pattern.holds(*kind)));
            }
        }
    }
}
