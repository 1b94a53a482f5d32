//! What is found by the keyed hash of a text: the one place that knows under which names it may
//! stand. Mostly that is one. While the index key is replaced (docs/keys.md) there are two: a
//! broker writes under its active key, and reads under all that it knows, so that brokers which
//! learn of a new key at different moments find each other's records.
//!
//! To add a purpose: 1. its constant, 2. its line in [`PURPOSES`] with how it comes under a new
//! index key, 3. if it is moved, its move in `reindex.rs`.

use super::backend::{Key, Versioned};
use super::records::{Record, Stored};
use super::{StoreError, TenantStore};

/// Purposes of keyed hashes. Never changed once released.
pub(super) const STATE: &str = "state";
pub(super) const TOKEN: &str = "token";
pub(super) const CONVERSATION: &str = "conversation";
pub(super) const IDENTITY: &str = "identity";
pub(super) const ONCE: &str = "once";
/// A customer's address on a channel, by which a webhook of the channel finds the newest link that was sent there.
pub(super) const HANDLE: &str = "handle";
/// What customers' apps redeem.
pub(super) const APP_CODE: &str = "app-code";
/// What clients prove themselves by, once.
pub(super) const ASSERTION: &str = "assertion";
/// The ticket of a one-time code, and where codes were sent.
pub(super) const OTP: &str = "otp";
pub(super) const OTP_ADDRESS: &str = "otp-address";
pub(super) const EXTERNAL_ID: &str = "contacts-by-external-id";
/// These are also the kinds of the sets.
pub(super) const BY_EMAIL: &str = "contacts-by-email";
pub(super) const BY_PHONE: &str = "contacts-by-phone";

/// How something comes under a new index key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renewal {
    /// It is gone within a day, and found by both keys until then.
    Lapses,
    /// It is moved by `reindex.rs`.
    Moves,
}

/// Every purpose.
pub(super) const PURPOSES: &[(&str, Renewal)] = &[
    (STATE, Renewal::Lapses),
    (ONCE, Renewal::Lapses),
    (HANDLE, Renewal::Lapses),
    (APP_CODE, Renewal::Lapses),
    (ASSERTION, Renewal::Lapses),
    (OTP, Renewal::Lapses),
    (OTP_ADDRESS, Renewal::Lapses),
    (TOKEN, Renewal::Moves),
    (CONVERSATION, Renewal::Moves),
    (IDENTITY, Renewal::Moves),
    (BY_EMAIL, Renewal::Moves),
    (BY_PHONE, Renewal::Moves),
    (EXTERNAL_ID, Renewal::Moves),
];

/// The names of one text, one per index key.
#[derive(Debug)]
pub(super) struct Names {
    /// Where it is written.
    pub(super) active: String,
    /// Where a broker that is one step ahead writes it.
    pub(super) next: Option<String>,
    /// Where it was written before.
    pub(super) previous: Option<String>,
}

impl Names {
    /// Every name, the active one first.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.active.as_str()).chain(self.others())
    }

    /// Every name but the active one.
    pub(super) fn others(&self) -> impl Iterator<Item = &str> {
        [self.next.as_deref(), self.previous.as_deref()].into_iter().flatten()
    }
}

/// The places of one record: under the active, the next and the previous index key.
pub(super) struct Places {
    keys: Vec<Key>,
    previous: Option<Key>,
}

impl Places {
    /// Every place, the active one first.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }
}

impl TenantStore {
    /// Where the record of a text may stand.
    pub(super) fn places<R: Record>(&self, purpose: &'static str, text: &str) -> Places {
        check_purpose(purpose);
        let names = self.keys.names(purpose, text);
        let key = |name: &str| self.keys.key(R::KIND, name);
        Places { keys: names.all().map(key).collect(), previous: names.previous.as_deref().map(key) }
    }

    /// The record of a text, wherever it stands.
    pub(super) async fn hashed<R: Record>(
        &self,
        purpose: &'static str,
        text: &str,
    ) -> Result<Option<Stored<R>>, StoreError> {
        let places = self.places::<R>(purpose, text);
        let found = self.store.inner.backend.get(&places.keys).await?;
        self.first(places, &mut found.into_iter())
    }

    /// Opens the one of `places` where something was found. They are read as of one moment, and
    /// only one of them is ever taken.
    pub(super) fn first<R: Record>(
        &self,
        places: Places,
        found: &mut impl Iterator<Item = Option<Versioned>>,
    ) -> Result<Option<Stored<R>>, StoreError> {
        let Places { keys, previous } = places;
        // Every answer is taken from the iterator: others' come behind.
        let found: Vec<_> = found.take(keys.len()).collect();
        let first = keys.into_iter().zip(found).find(|(_, found)| found.is_some());
        let Some((key, found)) = first else { return Ok(None) };
        let outdated = previous.as_ref() == Some(&key);
        Ok(self.open(key, found)?.map(|stored| Stored { outdated, ..stored }))
    }

    /// The records of some places in their order, read together; those that are not there are left out.
    pub(super) async fn all_at<R: Record>(&self, places: Vec<Places>) -> Result<Vec<Stored<R>>, StoreError> {
        let keys: Vec<_> = places.iter().flat_map(Places::keys).cloned().collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.store.inner.backend.get(&keys).await?.into_iter();
        let records = places.into_iter().map(|places| self.first(places, &mut found));
        records.filter_map(Result::transpose).collect()
    }

    /// The sets of a kind and a text, in the order of their keys' age: a member that moves to a younger one while they
    /// are read in this order is not missed.
    pub(super) fn sets(&self, kind: &str, purpose: &'static str, text: &str) -> Vec<Key> {
        check_purpose(purpose);
        let Names { active, next, previous } = self.keys.names(purpose, text);
        let names = [previous, Some(active), next].into_iter().flatten();
        names.map(|name| self.keys.key(kind, &name)).collect()
    }

    /// At most `limit` members of the union of some sets that come after `after`, in the order of
    /// their bytes.
    pub(super) async fn members(
        &self,
        sets: &[Key],
        after: &[u8],
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let backend = &self.store.inner.backend;
        if let [set] = sets {
            return Ok(backend.range(set, after, limit).await?);
        }
        let mut members = Vec::new();
        for set in sets {
            members.extend(backend.range(set, after, limit).await?);
        }
        members.sort_unstable();
        members.dedup();
        members.truncate(limit);
        Ok(members)
    }
}

/// A purpose without a line in [`PURPOSES`] would be lost when the index key is replaced.
pub(super) fn check_purpose(purpose: &str) {
    debug_assert!(
        PURPOSES.iter().any(|(known, _)| *known == purpose),
        "`{purpose}` needs a line in `PURPOSES` that says how it comes under a new index key"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_purposes_share_a_word() {
        assert_eq!(PURPOSES.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len(), PURPOSES.len());
    }

    #[test]
    #[should_panic(expected = "needs a line in `PURPOSES`")]
    fn an_unknown_purpose_is_found_out() {
        check_purpose("shoe-size");
    }
}
