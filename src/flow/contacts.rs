//! The platform reads contacts and events.

use crate::domain::contact::Contact;
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, ConversationId, EventId};
use crate::domain::tenant::Tenant;
use crate::store::{ContactFilter, Page, StoreError, Stored};

use super::Broker;

/// Which contacts are wanted.
#[derive(Debug, Clone)]
pub enum ContactQuery {
    /// By a field, or all.
    By(ContactFilter),
    /// Those that were verified in a conversation.
    Conversation(ConversationId),
}

impl Broker {
    /// One contact.
    pub async fn contact(&self, tenant: &Tenant, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        Ok(self.store.at(&tenant.id).contact(id).await?.map(Stored::into_value))
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
            ContactQuery::Conversation(id) => {
                let verified = store.conversation(&id).await?.and_then(|known| known.into_value().verified);
                let contact = verified.and_then(|verified| verified.contact_id);
                Page { items: contact.into_iter().collect(), next: None }
            }
        };
        let contacts = store.contacts(&ids.items).await?;
        Ok(Page { items: contacts.into_iter().map(Stored::into_value).collect(), next: ids.next })
    }

    /// Where an event stands in the order; none if there is no such event.
    pub async fn event_position(&self, tenant: &Tenant, id: &EventId) -> Result<Option<u64>, StoreError> {
        self.store.at(&tenant.id).event_position(id).await
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
