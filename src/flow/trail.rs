//! Entries for the auditor: who did what in which request, and what clients were told of persons.
//!
//! To add an access: 1. its action in `domain/audit.rs`, 2. a constructor of [`Seen`], 3. the
//! handler tells it by `Caller::saw` before it answers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{AuditId, ProviderId, TenantId};
use crate::domain::link::Link;
use crate::domain::trial::Trial;
use crate::store::{Durability, StoreError, Tx};

use super::Broker;

tokio::task_local! {
    /// The name of the request that is being answered.
    static REQUEST: String;
}

/// The name of the request that is being answered, if any is.
pub fn request_id() -> Option<String> {
    REQUEST.try_with(Clone::clone).ok()
}

/// Does some work for a request, so that the entries of what it does name it.
pub async fn in_request<T>(id: &str, work: impl Future<Output = T>) -> T {
    REQUEST.scope(id.to_owned(), work).await
}

/// Some work that outlives its request, and still names it.
pub(super) fn keep_request<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let id = REQUEST.try_with(Clone::clone).ok();
    async move {
        match id {
            Some(id) => REQUEST.scope(id, work).await,
            None => work.await,
        }
    }
}

/// What a client was told of persons: one entry, whatever the number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    action: AuditAction,
    object: String,
    ids: Vec<String>,
    count: Option<u64>,
    detail: Option<String>,
}

impl Seen {
    /// A contact.
    pub fn contact(contact: &Contact) -> Self {
        Self::of(AuditAction::ContactRead, contact.id.to_string())
    }

    /// A list of contacts; none if it is empty.
    pub fn contacts(contacts: &[Contact]) -> Option<Self> {
        let ids = contacts.iter().map(|contact| contact.id.to_string()).collect();
        Self::list(AuditAction::ContactsListed, "contacts", ids)
    }

    /// A link; none if it has no profile.
    pub fn link(link: &Link) -> Option<Self> {
        let completion = link.completion()?;
        let ids = completion.contact.iter().map(ToString::to_string).collect();
        Some(Self { ids, ..Self::of(AuditAction::LinkRead, link.id.to_string()) })
    }

    /// A list of links; none if none of them has a profile.
    pub fn links(links: &[Link]) -> Option<Self> {
        let with_profile = links.iter().filter(|link| link.completion().is_some());
        Self::list(
            AuditAction::LinksListed,
            "auth-links",
            with_profile.map(|link| link.id.to_string()).collect(),
        )
    }

    /// A conversation; none if nobody is verified there now.
    pub fn conversation(conversation: &Conversation, now: Timestamp) -> Option<Self> {
        let verified = conversation.verified_at(now)?;
        let ids = verified.contact_id.iter().map(ToString::to_string).collect();
        Some(Self { ids, ..Self::of(AuditAction::ConversationRead, verified.auth_link_id.to_string()) })
    }

    /// Events with their positions; none if none of them speaks of a person.
    pub fn events<'e>(events: impl IntoIterator<Item = (u64, &'e Event)>) -> Option<Self> {
        let (mut ids, mut count, mut ends) = (BTreeSet::new(), 0, None);
        for (position, event) in events.into_iter().filter(|(_, event)| speaks_of_a_person(event.kind)) {
            ids.extend(contact_of(&event.data).map(str::to_owned));
            count += 1;
            ends = Some((ends.map_or(position, |(first, _)| first), position));
        }
        let (first, last) = ends?;
        let seen = Self::of(AuditAction::EventsRead, "events".to_owned());
        let detail = Some(format!("positions {first} to {last}"));
        Some(Self { ids: ids.into_iter().collect(), count: Some(count), detail, ..seen })
    }

    /// What a test login told of whoever signed in; none if it told nothing.
    pub fn trial(trial: &Trial) -> Option<Self> {
        trial.findings.as_ref()?;
        let detail = Some(trial.id.to_string());
        Some(Self { detail, ..Self::of(AuditAction::TestRead, trial.provider.to_string()) })
    }

    /// The saved answers of a provider; none if there are none.
    pub fn samples(provider: &ProviderId, count: usize) -> Option<Self> {
        let count = (count > 0).then_some(count as u64)?;
        Some(Self { count: Some(count), ..Self::of(AuditAction::SamplesRead, provider.to_string()) })
    }

    /// A page of the audit.
    pub fn audit(entries: usize) -> Self {
        Self { count: Some(entries as u64), ..Self::of(AuditAction::AuditRead, "audit".to_owned()) }
    }

    /// The audit as a file.
    pub fn audit_file() -> Self {
        Self::of(AuditAction::AuditExported, "audit".to_owned())
    }

    fn of(action: AuditAction, object: String) -> Self {
        Self { action, object, ids: Vec::new(), count: None, detail: None }
    }

    fn list(action: AuditAction, object: &str, ids: Vec<String>) -> Option<Self> {
        let count = Some(ids.len() as u64);
        (!ids.is_empty()).then(|| Self { ids, count, ..Self::of(action, object.to_owned()) })
    }
}

impl Broker {
    /// An entry of now, which names the request that is being answered.
    pub(super) fn entry(&self, actor: &str, action: AuditAction, object: String) -> AuditEntry {
        let id = AuditId::from_uuid(self.clock.fresh_uuid());
        let request_id = REQUEST.try_with(Clone::clone).ok();
        AuditEntry { request_id, ..AuditEntry::new(id, self.clock.now(), actor, action, object) }
    }

    /// Writes down what a client is about to be told. If that cannot be written, it must not be told.
    pub async fn note_seen(&self, tenant: &TenantId, by: &Actor, seen: Seen) -> Result<(), StoreError> {
        let Seen { action, object, ids, count, detail } = seen;
        let entry = self.entry(&by.to_string(), action, object);
        self.note(tenant, AuditEntry { ids, count, detail, ..entry }).await
    }

    /// Writes an entry by itself. It survives the end of the process, not of the machine.
    pub(super) async fn note(&self, tenant: &TenantId, entry: AuditEntry) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        tx.audit(entry);
        self.store.at(tenant).commit(tx, Durability::Relaxed).await
    }
}

/// DESIGN §7: only these carry profile data.
fn speaks_of_a_person(kind: EventType) -> bool {
    matches!(kind, EventType::Completed | EventType::ContactCreated | EventType::ContactUpdated)
}

fn contact_of(data: &Value) -> Option<&str> {
    data.get("contactId").or_else(|| data.get("contact")?.get("id"))?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ids::EventId;

    fn event(kind: EventType, data: Value) -> Event {
        let id = EventId::from_uuid(uuid::Uuid::from_u128(1));
        Event { id, kind, timestamp: Timestamp::UNIX_EPOCH, tenant: "acme".parse().unwrap(), data }
    }

    #[test]
    fn events_are_one_entry_that_names_whom_they_speak_of() {
        let quiet = event(EventType::Opened, json!({}));
        assert_eq!(Seen::events([(1, &quiet)]), None);
        let (one, two) = (
            event(EventType::Completed, json!({"contactId": "ct_1", "profile": {"email": "a@example.com"}})),
            event(EventType::ContactCreated, json!({"contact": {"id": "ct_1", "email": "a@example.com"}})),
        );
        let seen = Seen::events([(3, &one), (4, &quiet), (7, &two)]).unwrap();
        assert_eq!((seen.ids, seen.count), (vec!["ct_1".to_owned()], Some(2)));
        assert_eq!(seen.detail.as_deref(), Some("positions 3 to 7"));
    }
}
