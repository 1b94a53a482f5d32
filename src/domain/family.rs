//! A token family: everything that our token endpoint gave for one sign-in of a customer. Its refresh token is replaced
//! at every use; one that comes back later than it may was copied, and ends the family (RFC 9700, 4.14.2).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::client::Scopes;
use super::ids::{ClientId, ContactId, FamilyId};
use crate::secret::Secret;

/// How long a refresh token is good.
pub const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a family lives at most, however often it is refreshed: a customer signs in again once a year.
pub const FAMILY_LONGEST: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long a refresh token that was just replaced leads to its successor again: two tabs ask at once, or an answer was
/// lost.
pub const JOIN_WINDOW: SignedDuration = SignedDuration::from_secs(10);

/// How a customer signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenSource {
    /// By the emailed code, in a page that has our SDK.
    Dom,
    /// By the authorization code grant.
    OAuth,
}

impl TokenSource {
    /// The word in the claim `token_source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dom => "dom",
            Self::OAuth => "oauth",
        }
    }
}

/// The tokens of one sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Family {
    /// Its name. It stands in its refresh tokens, and in nothing else that leaves the building.
    pub id: FamilyId,
    /// Who signed in: the contact as it was called then.
    pub contact: ContactId,
    /// For which client; of the SDK its publishable key.
    pub client: ClientId,
    /// How.
    pub source: TokenSource,
    /// What the customer agreed to.
    pub scopes: Scopes,
    /// When the customer signed in.
    pub signed_in_at: Timestamp,
    /// When the customer proved who it is, if that is known: an earlier sign-in at the provider may have sufficed there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Timestamp>,
    /// The key of the hashes below, its own.
    pub key: Secret,
    /// The keyed hash of the refresh token that is good now.
    pub current: Secret,
    /// The one before it.
    pub former: Option<Former>,
    /// When the current one was made.
    pub renewed_at: Timestamp,
}

/// A refresh token that was replaced.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Former {
    /// Its keyed hash.
    pub hash: Secret,
    /// What makes the current one of it, together with the key.
    pub salt: Secret,
    /// When it was replaced.
    pub replaced_at: Timestamp,
}

/// What a refresh token is to its family.
#[derive(Debug, Clone)]
pub enum Standing {
    /// The good one.
    Current,
    /// The one before it, replaced a moment ago; this salt leads to the current one.
    JustReplaced(Secret),
    /// An older one: somebody copied it.
    Reused,
}

impl Family {
    /// Until when the current refresh token is good.
    pub fn expires_at(&self) -> Timestamp {
        (self.renewed_at + REFRESH_LIFETIME).min(self.signed_in_at + FAMILY_LONGEST)
    }

    /// What the refresh token with this keyed hash is.
    pub fn standing(&self, hash: &str, now: Timestamp) -> Standing {
        if self.current.matches(hash) {
            return Standing::Current;
        }
        match &self.former {
            Some(former) if former.hash.matches(hash) && now < former.replaced_at + JOIN_WINDOW => {
                Standing::JustReplaced(former.salt.clone())
            }
            _ => Standing::Reused,
        }
    }

    /// Puts another refresh token in place of the current one, of which `salt` and the key make it.
    #[must_use]
    pub fn renew(self, hash: Secret, salt: Secret, now: Timestamp) -> Self {
        let former = Some(Former { hash: self.current, salt, replaced_at: now });
        Self { current: hash, former, renewed_at: now, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn family() -> Family {
        Family {
            id: FamilyId::from_uuid(uuid::Uuid::from_u128(1)),
            contact: ContactId::from_uuid(uuid::Uuid::from_u128(2)),
            client: "app".parse().unwrap(),
            source: TokenSource::OAuth,
            scopes: Scopes::default(),
            signed_in_at: now(),
            authenticated_at: Some(now()),
            key: Secret::new("k"),
            current: Secret::new("one"),
            former: None,
            renewed_at: now(),
        }
    }

    #[test]
    fn a_token_that_was_just_replaced_leads_on_and_an_older_one_does_not() {
        let renewed = family().renew(Secret::new("two"), Secret::new("salt"), now());
        assert!(matches!(renewed.standing("two", now()), Standing::Current));
        let last = now() + JOIN_WINDOW - SignedDuration::from_millis(1);
        assert!(
            matches!(renewed.standing("one", last), Standing::JustReplaced(salt) if salt.expose() == "salt")
        );
        assert!(matches!(renewed.standing("one", now() + JOIN_WINDOW), Standing::Reused));
        assert!(matches!(renewed.standing("none of them", now()), Standing::Reused));
        let again = renewed.renew(Secret::new("three"), Secret::new("other"), now());
        assert!(matches!(again.standing("one", now()), Standing::Reused), "two steps behind");
    }

    #[test]
    fn a_refresh_token_is_good_for_thirty_days_and_a_family_for_a_year() {
        let mut family = family();
        assert_eq!(family.expires_at(), now() + REFRESH_LIFETIME);
        for _ in 0..20 {
            let at = family.renewed_at + SignedDuration::from_hours(29 * 24);
            family = family.renew(Secret::new("next"), Secret::new("salt"), at);
        }
        assert_eq!(family.expires_at(), now() + FAMILY_LONGEST);
    }

    #[test]
    fn nothing_of_a_family_that_opens_doors_is_printed() {
        let shown = format!("{:?}", family().renew(Secret::new("two"), Secret::new("salt"), now()));
        assert!(!shown.contains("one") && !shown.contains("two") && !shown.contains("salt\""), "{shown}");
    }

    #[test]
    fn the_words_of_the_claim_are_those_of_the_record() {
        for source in [TokenSource::Dom, TokenSource::OAuth] {
            assert_eq!(serde_json::to_value(source).unwrap(), source.as_str());
        }
    }
}
