//! A client says that two contacts are one person.

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::contact::{Contact, MergeError, Trace};
use crate::domain::ids::ContactId;
use crate::domain::tenant::Tenant;
use crate::flow::trail::Seen;
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Stored, Tx};

use super::patch::PatchFault;
use super::{Condition, ContactError};

/// The contact that goes up in another one.
#[derive(Debug, Clone, Copy)]
pub struct GoesUp<'a> {
    /// Its id, or that of one that went up in it.
    pub id: &'a ContactId,
    /// The version of it that somebody has seen: then it must be that one and no survivor of it. None demands nothing.
    pub version: Option<u64>,
}

impl Broker {
    /// Merges the contact `from` into the contact `id`. Afterwards `from` answers it too. If that is
    /// so already, nothing happens.
    pub async fn merge_contacts(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        from: GoesUp<'_>,
        condition: &Condition,
    ) -> Result<Contact, ContactError> {
        let store = self.store.at(&tenant.id);
        if id == from.id {
            return Err(MergeError::Itself.into());
        }
        for _ in 0..RACES {
            let known = store.contact_or_survivor(id).await?.ok_or(ContactError::Unknown)?;
            let other = store.contact_or_survivor(from.id).await?.ok_or_else(|| {
                ContactError::Refused(vec![PatchFault::at("/from", "there is no contact with this id")])
            })?;
            if other.id == known.id {
                // Nothing changes, but the client is told of the person.
                self.note_seen(&tenant.id, by, Seen::contact(&known.value)).await?;
                return Ok(known.into_value());
            }
            condition.check(&known.value)?;
            from.check(&other.value)?;
            let (tx, merged) = self.merged(tenant, by, &known, &other).await?;
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| merged)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Both records, their indexes and identities, the conversations, and what is told of it.
    async fn merged(
        &self,
        tenant: &Tenant,
        by: &Actor,
        known: &Stored<Contact>,
        other: &Stored<Contact>,
    ) -> Result<(Tx, Contact), ContactError> {
        let mut merged = known.value.clone();
        let changes = merged.absorb(&other.value)?;
        merged.touch(self.clock.now());
        let mut tx = Tx::new();
        tx.merge_contact(known, &merged, other);
        self.hand_over_conversations(&mut tx, tenant, &merged.id, other).await?;
        self.hand_over_tokens(&mut tx, tenant, &merged.id, other).await?;
        let event = self.announce_merged(&mut tx, &tenant.id, &merged, &changes, &other.id);
        tx.trace(&merged.id, &Trace::of_event(event));
        let detail = Some(format!("from {}", other.id));
        self.audit_contact(&mut tx, &by.to_string(), AuditAction::ContactMerged, &merged.id, detail);
        Ok((tx, merged))
    }

    /// The conversations in which the other one is verified now are this one's. Older ones than a
    /// contact remembers keep the other's id, which answers this one.
    async fn hand_over_conversations(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        contact: &ContactId,
        other: &Contact,
    ) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        for known in store.conversations(other.conversations.iter().map(|at| &at.id)).await? {
            let mut conversation = known.value.clone();
            if let Some(verified) = &mut conversation.verified
                && verified.contact_id.as_ref().is_some_and(|id| other.answers_to(id))
            {
                verified.contact_id = Some(contact.clone());
                tx.put_conversation(Some(&known), &conversation);
            }
        }
        Ok(())
    }
}

impl GoesUp<'_> {
    fn check(self, contact: &Contact) -> Result<(), ContactError> {
        let is_seen = |version| contact.id == *self.id && contact.version == version;
        if self.version.is_none_or(is_seen) { Ok(()) } else { Err(ContactError::OtherStale) }
    }
}

impl From<MergeError> for ContactError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Itself => Self::Refused(vec![PatchFault::at("/from", error.to_string())]),
            MergeError::TooMany => Self::Conflict(error.to_string()),
        }
    }
}
