//! The typed reads of a tenant's store.

use std::sync::Arc;

use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::event::Event;
use crate::domain::idempotency::MadeOnce;
use crate::domain::ids::{ContactId, ConversationId, EventId, LinkId, ProviderId};
use crate::domain::link::Link;
use crate::domain::request::AuthorizationRequest;

use super::backend::{Key, Versioned};
use super::hashed::{CONVERSATION, IDENTITY, ONCE, Places, STATE, TOKEN};
use super::records::{KnownSettings, Record, Stored};
use super::tx::{self, EVENTS};
use super::{StoreError, TenantStore};

/// Customer numbers that are reserved at once: one durable write for so many new contacts. A restart leaves a gap.
const NUMBERS_AT_ONCE: u64 = 20;
/// Log entries that are looked at together.
const LOOKED_AT_ONCE: usize = 200;
const CUSTOMER_NUMBER: &str = "customer-number";

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In the order of the list.
    pub items: Vec<T>,
    /// Where the next part begins; none at the end.
    pub next: Option<String>,
}

/// What the end of a login looks at, read together.
#[derive(Debug)]
pub struct LoginRecords {
    /// The link.
    pub link: Option<Stored<Link>>,
    /// Its conversation.
    pub conversation: Option<Stored<Conversation>>,
    /// The contact that owns the identity; none if nobody does, or none was asked for.
    pub identity: Option<Stored<ContactId>>,
}

impl TenantStore {
    /// A link by its id.
    pub async fn link(&self, id: &LinkId) -> Result<Option<Stored<Link>>, StoreError> {
        self.one(self.keys.key(Link::KIND, id.as_str())).await
    }

    /// The links of these ids, in their order; those that are gone are left out.
    pub async fn links_of(&self, ids: &[&LinkId]) -> Result<Vec<Stored<Link>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| self.keys.key(Link::KIND, id.as_str())).collect();
        Ok(self.many(keys).await?.into_iter().flatten().collect())
    }

    /// A link by what stands in its URL.
    pub async fn link_by_token(&self, token: &str) -> Result<Option<Stored<Link>>, StoreError> {
        match self.hashed::<LinkId>(TOKEN, token).await? {
            Some(id) => self.link(&id).await,
            None => Ok(None),
        }
    }

    /// An authorization request by its state.
    pub async fn request_by_state(
        &self,
        state: &str,
    ) -> Result<Option<Stored<AuthorizationRequest>>, StoreError> {
        self.hashed(STATE, state).await
    }

    /// An authorization request by its key, see [`request_key`](Self::request_key).
    pub async fn request(&self, key: &str) -> Result<Option<Stored<AuthorizationRequest>>, StoreError> {
        self.one(self.keys.key(AuthorizationRequest::KIND, key)).await
    }

    /// The authorization requests of these keys, in their order; those that are gone are left out.
    pub async fn requests(&self, keys: &[&str]) -> Result<Vec<Stored<AuthorizationRequest>>, StoreError> {
        let keys: Vec<_> = keys.iter().map(|key| self.keys.key(AuthorizationRequest::KIND, key)).collect();
        Ok(self.many(keys).await?.into_iter().flatten().collect())
    }

    /// What an order of this name has made; see [`Tx::put_made_once`](super::Tx::put_made_once).
    pub async fn made_once(&self, name: &str) -> Result<Option<Stored<MadeOnce>>, StoreError> {
        self.hashed(ONCE, name).await
    }

    /// A conversation by the platform's id.
    pub async fn conversation(
        &self,
        id: &ConversationId,
    ) -> Result<Option<Stored<Conversation>>, StoreError> {
        self.hashed(CONVERSATION, id.as_str()).await
    }

    /// A conversation by its key, see [`conversation_key`](Self::conversation_key).
    pub async fn conversation_by_key(&self, key: &str) -> Result<Option<Stored<Conversation>>, StoreError> {
        self.one(self.keys.key(Conversation::KIND, key)).await
    }

    /// A contact by its id.
    pub async fn contact(&self, id: &ContactId) -> Result<Option<Stored<Contact>>, StoreError> {
        self.one(self.keys.key(Contact::KIND, id.as_str())).await
    }

    /// The contacts of these ids, in their order; unknown ones are left out.
    pub async fn contacts(&self, ids: &[ContactId]) -> Result<Vec<Stored<Contact>>, StoreError> {
        let keys: Vec<_> = ids.iter().map(|id| self.keys.key(Contact::KIND, id.as_str())).collect();
        Ok(self.many(keys).await?.into_iter().flatten().collect())
    }

    /// The contact that owns an identity.
    pub async fn identity(
        &self,
        provider: &ProviderId,
        subject: &str,
    ) -> Result<Option<Stored<ContactId>>, StoreError> {
        self.hashed(IDENTITY, &tx::identity_text(provider, subject)).await
    }

    /// A link with its conversation, in one read.
    pub async fn link_and_conversation(
        &self,
        link: &LinkId,
        conversation: &ConversationId,
    ) -> Result<(Option<Stored<Link>>, Option<Stored<Conversation>>), StoreError> {
        let records = self.login_records(link, conversation, None).await?;
        Ok((records.link, records.conversation))
    }

    /// A link with its conversation and the owner of an identity, in one read.
    pub async fn login_records(
        &self,
        link: &LinkId,
        conversation: &ConversationId,
        identity: Option<(&ProviderId, &str)>,
    ) -> Result<LoginRecords, StoreError> {
        let link = self.keys.key(Link::KIND, link.as_str());
        let conversation = self.places::<Conversation>(CONVERSATION, conversation.as_str());
        let identity = identity.map(|(provider, subject)| {
            self.places::<ContactId>(IDENTITY, &tx::identity_text(provider, subject))
        });
        let mut keys = vec![link.clone()];
        keys.extend(conversation.keys().chain(identity.iter().flat_map(Places::keys)).cloned());
        let mut found = self.store.inner.backend.get(&keys).await?.into_iter();
        Ok(LoginRecords {
            link: self.open(link, found.next().flatten())?,
            conversation: self.first(conversation, &mut found)?,
            identity: identity.map_or(Ok(None), |identity| self.first(identity, &mut found))?,
        })
    }

    /// At most `limit` events behind a position, with theirs. Erased ones are left out; an empty answer is the end.
    pub async fn events_after(&self, position: u64, limit: usize) -> Result<Vec<(u64, Event)>, StoreError> {
        self.logged(EVENTS, position, limit).await
    }

    /// Where an event stands in the log; none if this tenant has no such event. Looks from the end: who
    /// asks has mostly read the latest.
    pub async fn event_position(&self, id: &EventId) -> Result<Option<u64>, StoreError> {
        if self.one::<Event>(self.keys.key(Event::KIND, id.as_str())).await?.is_none() {
            return Ok(None);
        }
        let log = self.keys.key(EVENTS, "");
        let mut until = self.end_of(&log, 0).await?;
        while until > 0 {
            let after = until.saturating_sub(LOOKED_AT_ONCE as u64);
            let entries = self.store.inner.backend.read(&log, after, LOOKED_AT_ONCE).await?;
            if let Some((at, _)) = entries.iter().find(|(_, entry)| entry == id.as_str().as_bytes()) {
                return Ok(Some(*at));
            }
            until = after;
        }
        Ok(None)
    }

    /// Whether a position is one of the log, or stands before the first.
    pub async fn has_event_at(&self, position: u64) -> Result<bool, StoreError> {
        let Some(before) = position.checked_sub(1) else { return Ok(true) };
        let log = self.keys.key(EVENTS, "");
        let entries = self.store.inner.backend.read(&log, before, 1).await?;
        Ok(entries.first().is_some_and(|(at, _)| *at == position))
    }

    /// The position of the latest event; 0 if there is none.
    pub async fn events_end(&self) -> Result<u64, StoreError> {
        self.end_of(&self.keys.key(EVENTS, ""), 0).await
    }

    /// Which settings of this name the audit knows of.
    pub async fn known_settings(&self, name: &str) -> Result<Option<Stored<KnownSettings>>, StoreError> {
        self.one(self.keys.key(KnownSettings::KIND, name)).await
    }

    /// A number that no other contact of this tenant has, from 1; there are gaps after a restart.
    pub async fn next_customer_number(&self) -> Result<u64, StoreError> {
        if let Some(number) = self.numbers(Iterator::next) {
            return Ok(number);
        }
        let counter = self.keys.key(CUSTOMER_NUMBER, "");
        let first = self.store.inner.backend.reserve(&counter, NUMBERS_AT_ONCE).await?;
        // If another call reserved at the same time, one of the two ranges becomes a gap.
        self.numbers(|range| *range = first + 1..first + NUMBERS_AT_ONCE);
        Ok(first)
    }

    fn numbers<R>(&self, act: impl FnOnce(&mut std::ops::Range<u64>) -> R) -> R {
        let mut numbers = self.store.inner.numbers.lock().expect("nothing panics while it is held");
        act(numbers.entry(self.keys.tenant.clone()).or_default())
    }

    pub(super) async fn one<R: Record>(&self, key: Key) -> Result<Option<Stored<R>>, StoreError> {
        let found = self.store.inner.backend.get(std::slice::from_ref(&key)).await?.pop().flatten();
        self.open(key, found)
    }

    pub(super) async fn many<R: Record>(&self, keys: Vec<Key>) -> Result<Vec<Option<Stored<R>>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.inner.backend.get(&keys).await?;
        keys.into_iter().zip(found).map(|(key, found)| self.open(key, found)).collect()
    }

    /// The same, each with what is wrong with it alone.
    pub(super) async fn each<R: Record>(
        &self,
        keys: Vec<Key>,
    ) -> Result<Vec<Result<Option<Stored<R>>, StoreError>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.store.inner.backend.get(&keys).await?;
        Ok(keys.into_iter().zip(found).map(|(key, found)| self.open(key, found)).collect())
    }

    pub(super) fn open<R: Record>(
        &self,
        key: Key,
        found: Option<Versioned>,
    ) -> Result<Option<Stored<R>>, StoreError> {
        let Some(found) = found else { return Ok(None) };
        let stored = |key, value| Stored { value, key, version: found.version, outdated: false };
        if R::KEPT
            && let Some(known) = self.keys.decoded.find::<R>(&key, &found.value)
        {
            return Ok(Some(stored(key, R::clone(&known))));
        }
        let plain = self
            .keys
            .open(R::KIND, key.as_bytes(), &found.value)
            .map_err(|cause| StoreError::Unreadable { kind: R::KIND, cause })?;
        let value: R = serde_json::from_slice(&plain)
            .map_err(|error| StoreError::Malformed { kind: R::KIND, column: error.column() })?;
        if R::KEPT {
            let record = Arc::new(value.clone());
            self.keys.decoded.keep(key.clone(), found.value.clone(), record, self.store.inner.clock.now());
        }
        Ok(Some(stored(key, value)))
    }

    /// The last position of a log, which is `known` or behind it; positions have no gaps, so that it can be closed
    /// in on.
    pub(super) async fn end_of(&self, log: &Key, known: u64) -> Result<u64, StoreError> {
        let backend = &self.store.inner.backend;
        let (mut end, mut step) = (known, 1);
        while !backend.read(log, end + step - 1, 1).await?.is_empty() {
            end += step;
            step *= 2;
        }
        while step > 1 {
            step /= 2;
            if !backend.read(log, end + step - 1, 1).await?.is_empty() {
                end += step;
            }
        }
        Ok(end)
    }

    /// Reads on while everything on a page was erased, so that an empty answer is the end of the log.
    async fn logged<R: Record>(
        &self,
        log: &str,
        mut position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, R)>, StoreError> {
        let log = self.keys.key(log, "");
        loop {
            let entries = self.store.inner.backend.read(&log, position, limit).await?;
            let Some((last, _)) = entries.last() else { return Ok(Vec::new()) };
            position = *last;
            let name = |id: &[u8]| self.keys.key(R::KIND, &String::from_utf8_lossy(id));
            let records = self.many::<R>(entries.iter().map(|(_, id)| name(id)).collect()).await?;
            let found = entries.iter().zip(records);
            let found: Vec<_> =
                found.filter_map(|((at, _), record)| Some((*at, record?.into_value()))).collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {

    use bytes::Bytes;

    use super::super::backend::{Backend, Batch, Durability, Put};
    use super::super::seal::SealKeys;
    use super::super::{Store, sqlite::SqliteBackend};
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn a_value_that_is_no_record_is_an_error_that_does_not_show_it() {
        let folder = tempfile::tempdir().unwrap();
        let backend = Arc::new(SqliteBackend::open(folder.path().join("a.db"), Clock::system()).unwrap());
        let keys = SealKeys::new("k", [("k".to_owned(), [1; 32])], [2; 32]).unwrap();
        let at = Store::new(backend.clone(), keys, Clock::system()).at(&"acme".parse().unwrap());
        let id: ContactId = "ct_00000000000000000000000000000001".parse().unwrap();
        let key = at.keys.key(Contact::KIND, id.as_str());
        for text in ["", "no json", r#"{"id": "dana@example.com"}"#] {
            let plain = zeroize::Zeroizing::new(text.as_bytes().to_vec());
            let value = Bytes::from(at.keys.seal(Contact::KIND, key.as_bytes(), plain, at.nonce()));
            let put = Put { key: key.clone(), value, ttl: None };
            let batch = Batch { puts: vec![put], ..Batch::default() };
            backend.commit(key.partition(), batch, Durability::Relaxed).await.unwrap();
            let error = at.contact(&id).await.unwrap_err();
            assert!(matches!(error, StoreError::Malformed { kind: "contact", .. }), "{error}");
            assert!(!error.to_string().contains("dana"), "{error}");
        }
    }
}
