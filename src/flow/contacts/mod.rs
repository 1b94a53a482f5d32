//! The platform reads contacts and events, and changes contacts.
//!
//! Every change reads the record, changes it in the domain, and writes record, indexes, event, trace
//! and audit entry in one batch; after a lost race it reads again. To add a change: 1. its rule in
//! `domain/contact/`, 2. a use case here, 3. its audit action in `docs/contacts.md`, 4. a handler.

mod edit;
mod erase;
mod merge;
pub mod patch;

use crate::domain::contact::Contact;
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, ConversationId, EventId};
use crate::domain::tenant::Tenant;
use crate::store::{ContactFilter, Page, StoreError, Stored};

use super::Broker;
pub use merge::GoesUp;
use patch::PatchFault;

/// Which contacts are wanted.
#[derive(Debug, Clone)]
pub enum ContactQuery {
    /// By a field, or all.
    By(ContactFilter),
    /// Those that were verified in a conversation.
    Conversation(ConversationId),
}

/// What a caller demands of the version that it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// It is one of these (`If-Match`, RFC 9110, 13.1.1); none demands nothing.
    pub any_of: Option<Vec<u64>>,
    /// It is this one (`version` in the body); none demands nothing.
    pub version: Option<u64>,
}

/// Why a contact was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// No contact has this id.
    #[error("no contact has this id")]
    Unknown,
    /// Somebody else changed it since the caller read it.
    #[error("the contact is at version {version} now")]
    Stale {
        /// Its version now.
        version: u64,
    },
    /// Somebody else changed the one that goes up in it, or it went up in another one.
    #[error("the other contact was changed meanwhile")]
    OtherStale,
    /// The order cannot be carried out as it stands.
    #[error("the change cannot be made")]
    Refused(Vec<PatchFault>),
    /// The contact is not so that this can be done.
    #[error("{0}")]
    Conflict(String),
    /// Nothing is suggested for this field.
    #[error("nothing is suggested for this field")]
    NoSuggestion,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Condition {
    fn check(&self, contact: &Contact) -> Result<(), ContactError> {
        let version = contact.version;
        let among = self.any_of.as_ref().is_none_or(|versions| versions.contains(&version));
        if among && self.version.is_none_or(|wanted| wanted == version) {
            return Ok(());
        }
        Err(ContactError::Stale { version })
    }
}

impl Broker {
    /// One contact, by its id or the id of one that was merged into it.
    pub async fn contact(&self, tenant: &Tenant, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.store.at(&tenant.id).contact_or_survivor(id).await?.map(Stored::into_value))
    }

    /// Contacts, newest first.
    pub async fn contacts(
        &self,
        tenant: &Tenant,
        query: ContactQuery,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Contact>, StoreError> {
        let store = self.store.at(&tenant.id);
        let ids = match query {
            ContactQuery::By(filter) => store.contact_ids(filter, cursor, limit).await?,
            // One contact at most has no further page, so that nothing is a cursor of it.
            ContactQuery::Conversation(_) if cursor.is_some() => return Err(StoreError::BadCursor),
            ContactQuery::Conversation(id) => {
                let known = store.conversation(&id).await?;
                let verified = known.as_ref().and_then(|known| known.value.verified_at(self.clock.now()));
                let Some(contact) = verified.and_then(|verified| verified.contact_id.clone()) else {
                    return Ok(Page { items: Vec::new(), next: None });
                };
                let items = self.contact(tenant, &contact).await?.into_iter().collect();
                return Ok(Page { items, next: None });
            }
        };
        let contacts = store.contacts(&ids.items).await?;
        Ok(Page { items: contacts.into_iter().map(Stored::into_value).collect(), next: ids.next })
    }

    /// Where an event stands in the order; none if there is no such event.
    pub async fn event_position(&self, tenant: &Tenant, id: &EventId) -> Result<Option<u64>, StoreError> {
        self.store.at(&tenant.id).event_position(id).await
    }

    /// Whether so many events have happened: a position of another store, such as a backup that was put back,
    /// may lie behind the end.
    pub async fn has_event_position(&self, tenant: &Tenant, position: u64) -> Result<bool, StoreError> {
        self.store.at(&tenant.id).has_event_at(position).await
    }

    /// Events in their order, those behind `position` only.
    pub async fn events(
        &self,
        tenant: &Tenant,
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Event)>, StoreError> {
        self.store.at(&tenant.id).events_after(position, limit).await
    }
}
