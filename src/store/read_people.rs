//! The typed reads that concern contacts: by what they are found, the ids that answer them, and what
//! an erasure must find again.

use crate::domain::contact::{Contact, Trace};
use crate::domain::conversation::Conversation;
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, ConversationId, EventId, LinkId};

use super::backend::Key;
use super::hashed::{BY_EMAIL, BY_PHONE, CONVERSATION, EXTERNAL_ID};
use super::keys::{Listed, normal_email, normal_phone};
use super::read::Page;
use super::records::{ExternalOwner, Record, Stored, Survivor};
use super::tx::{CONTACTS, EVENTS_OF_LINK, TRACES};
use super::{StoreError, TenantStore};

/// A link has not more events: it can be opened some dozens of times.
const OF_A_LINK: usize = 1000;

/// Which contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactFilter {
    /// Every one.
    All,
    /// With this email address, in any case.
    Email(String),
    /// With this phone number, however it is written.
    Phone(String),
    /// With this id of the platform.
    ExternalId(String),
}

/// A trace as it was read.
#[derive(Debug, Clone)]
pub struct FoundTrace {
    /// What it says, as far as this version knows.
    pub trace: Trace,
    pub(super) member: Vec<u8>,
}

impl TenantStore {
    /// The ids of the events that told of a link.
    pub async fn events_of_link(&self, link: &LinkId) -> Result<Vec<EventId>, StoreError> {
        let set = self.keys.key(EVENTS_OF_LINK, link.as_str());
        let members = self.store.inner.backend.range(&set, &[], OF_A_LINK).await?;
        let id = |member: Vec<u8>| String::from_utf8(member).ok()?.parse().ok();
        Ok(members.into_iter().filter_map(id).collect())
    }

    /// A contact by its id, or by the id of one that was merged into it.
    pub async fn contact_or_survivor(&self, id: &ContactId) -> Result<Option<Stored<Contact>>, StoreError> {
        if let Some(contact) = self.contact(id).await? {
            return Ok(Some(contact));
        }
        match self.one::<Survivor>(self.keys.key(Survivor::KIND, id.as_str())).await? {
            Some(survivor) => self.contact(&survivor.value.0).await,
            None => Ok(None),
        }
    }

    /// The contact that has this id of the platform.
    pub async fn external_owner(&self, external: &str) -> Result<Option<ContactId>, StoreError> {
        Ok(self.hashed::<ExternalOwner>(EXTERNAL_ID, external).await?.map(|owner| owner.into_value().0))
    }

    /// At most `limit` contacts behind `after` (a [`Page::next`] of the same list), newest first.
    pub async fn contact_ids(
        &self,
        filter: ContactFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ContactId>, StoreError> {
        match filter {
            ContactFilter::All => {
                self.listed(CONTACTS, "", vec![self.keys.key(CONTACTS, "")], after, limit).await
            }
            ContactFilter::Email(email) => {
                let email = normal_email(&email);
                let sets = self.sets(BY_EMAIL, BY_EMAIL, &email);
                self.listed(BY_EMAIL, &email, sets, after, limit).await
            }
            ContactFilter::Phone(phone) => {
                let phone = normal_phone(&phone);
                let sets = self.sets(BY_PHONE, BY_PHONE, &phone);
                self.listed(BY_PHONE, &phone, sets, after, limit).await
            }
            ContactFilter::ExternalId(_) if after.is_some() => Err(StoreError::BadCursor),
            ContactFilter::ExternalId(id) => {
                let owner = self.external_owner(&id).await?;
                Ok(Page { items: owner.into_iter().collect(), next: None })
            }
        }
    }

    /// The conversations of these ids, in their order; unknown ones are left out.
    pub async fn conversations(
        &self,
        ids: impl IntoIterator<Item = &ConversationId>,
    ) -> Result<Vec<Stored<Conversation>>, StoreError> {
        let places = ids.into_iter().map(|id| self.places::<Conversation>(CONVERSATION, id.as_str()));
        self.all_at(places.collect()).await
    }

    /// The events of these ids, in their order; unknown ones are left out.
    pub async fn events(&self, ids: &[EventId]) -> Result<Vec<Stored<Event>>, StoreError> {
        let keys = ids.iter().map(|id| self.keys.key(Event::KIND, id.as_str()));
        Ok(self.many(keys.collect()).await?.into_iter().flatten().collect())
    }

    /// At most `limit` traces of a contact.
    pub async fn traces(&self, contact: &ContactId, limit: usize) -> Result<Vec<FoundTrace>, StoreError> {
        let set = self.keys.key(TRACES, contact.as_str());
        let members = self.store.inner.backend.range(&set, &[], limit).await?;
        let read =
            |member: Vec<u8>| FoundTrace { trace: Trace::parse(&String::from_utf8_lossy(&member)), member };
        Ok(members.into_iter().map(read).collect())
    }

    /// A page of the places of a kind and a text. Its cursor is sealed to the tenant and both: it opens no other
    /// list, and goes on when the sets have other names meanwhile.
    async fn listed(
        &self,
        kind: &str,
        text: &str,
        sets: Vec<Key>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<ContactId>, StoreError> {
        let purpose = format!("cursor:{kind}:{text}");
        let open = |cursor: &str| Listed::parse_cursor(&self.open_text(&purpose, cursor)?);
        let after = match after {
            Some(cursor) => open(cursor).ok_or(StoreError::BadCursor)?,
            None => Vec::new(),
        };
        // One more than asked for shows whether there is a next page.
        let mut members = self.members(&sets, &after, limit.saturating_add(1)).await?;
        let more = members.len() > limit;
        members.truncate(limit);
        let next =
            members.last().filter(|_| more).map(|last| self.seal_text(&purpose, &Listed::cursor(last)));
        Ok(Page { items: members.iter().filter_map(|member| Listed::parse(member)).collect(), next })
    }
}
