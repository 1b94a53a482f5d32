//! Orders that may be repeated: whoever sends one twice with the same key gets the same answer, and
//! one thing is made (DESIGN §5.1).

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// How long a key is remembered.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// The most characters of a key.
const LONGEST: usize = 255;

/// A sender's name for one order (`Idempotency-Key`): 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if (1..=LONGEST).contains(&text.len()) && visible { Ok(Self(text.to_owned())) } else { Err(BadKey) }
    }
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters, no spaces")]
pub struct BadKey;

/// What an order with a key has made. The answer is built anew from the thing itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MadeOnce {
    /// The keyed hash of the order: method, path and body.
    pub order: String,
    /// The id of what it made.
    pub made: String,
    /// What its answer told once and nobody else knows, for whoever lost the answer. It rests sealed, as the whole record does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Secret>,
    /// When the key is free again.
    pub until: Timestamp,
}

impl MadeOnce {
    /// Whether it still counts at `now`.
    pub fn counts_at(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_visible_and_not_endless() {
        for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", "~!", &"k".repeat(255)] {
            assert_eq!(good.parse::<IdempotencyKey>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "a\t", "ä", "\u{7f}", &"k".repeat(256)] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(BadKey), "{bad:?}");
        }
    }

    #[test]
    fn a_key_counts_until_its_time_is_over() {
        let until: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let made = MadeOnce { order: "h".to_owned(), made: "al_1".to_owned(), told: None, until };
        assert!(made.counts_at(until - SignedDuration::from_millis(1)));
        assert!(!made.counts_at(until));
    }

    proptest! {
        #[test]
        fn a_key_is_kept_to_the_letter(text in "\\PC{0,300}") {
            if let Ok(key) = text.parse::<IdempotencyKey>() {
                prop_assert_eq!(key.as_str(), &text);
                prop_assert!(!text.contains(char::is_whitespace));
            }
        }
    }
}
