//! The bodies of events, and the one way to write event and audit entry together into a batch.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::contact::{Change, Contact};
use crate::domain::conversation::ConversationRef;
use crate::domain::event::{EventType, Telling};
use crate::domain::fault::{Code, Step};
use crate::domain::health::ProviderHealth;
use crate::domain::ids::{ContactId, EventId, LinkId, ProviderId, TenantId};
use crate::domain::link::{Completion, Link, LinkBinding, LinkStatus, Sender};
use crate::domain::profile::Profile;
use crate::store::Tx;

use super::Broker;

impl Broker {
    /// Writes an event about a link, and its audit entry, into the batch.
    pub(super) fn announce_link(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        kind: EventType,
        link: &Link,
        actor: &str,
    ) -> EventId {
        let now = self.clock.now();
        let told = self.tell_of(tx, tenant, kind, LinkData::of(link), now);
        tx.event_of_link(&link.id, &told);
        let detail = link.failure.map(|failure| match failure.step {
            Some(step) => format!("{} at {step}", failure.code),
            None => failure.code.to_string(),
        });
        if let Some(action) = AuditAction::of_link(kind) {
            let ids = link.completion().and_then(|completion| completion.contact.as_ref());
            let ids = ids.map(ToString::to_string).into_iter().collect();
            tx.audit(AuditEntry { ids, detail, ..self.entry(actor, action, link.id.to_string()) });
        }
        told
    }

    /// Writes an event about a contact into the batch.
    pub(super) fn announce_contact(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        contact: &Contact,
        changes: &[Change],
    ) -> EventId {
        let kind = if contact.version == 1 { EventType::ContactCreated } else { EventType::ContactUpdated };
        let data = ContactData { contact, changes, merged_from: None };
        self.tell_of(tx, tenant, kind, data, self.clock.now())
    }

    /// Writes into the batch that one contact took in another.
    pub(super) fn announce_merged(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        contact: &Contact,
        changes: &[Change],
        from: &ContactId,
    ) -> EventId {
        let data = ContactData { contact, changes, merged_from: Some(from) };
        self.tell_of(tx, tenant, EventType::ContactUpdated, data, self.clock.now())
    }

    /// Writes into the batch that a contact is erased.
    pub(super) fn announce_erased(&self, tx: &mut Tx, tenant: &TenantId, contact: &ContactId) {
        let data = json!({"contact": {"id": contact}, "changes": []});
        self.tell_of(tx, tenant, EventType::ContactErased, data, self.clock.now());
    }

    /// Writes into the batch who changed a contact, and how.
    pub(super) fn audit_contact(
        &self,
        tx: &mut Tx,
        actor: &str,
        action: AuditAction,
        contact: &ContactId,
        detail: Option<String>,
    ) {
        tx.audit(AuditEntry { detail, ..self.entry(actor, action, contact.to_string()) });
    }

    /// Writes into the batch that a conversation is no longer verified. The audit names it by the
    /// event: the platform's id may be personal.
    pub(super) fn announce_unverified(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        conversation: &ConversationRef,
        actor: &str,
    ) -> EventId {
        let now = self.clock.now();
        let data = json!({"conversation": conversation});
        let told = self.tell_of(tx, tenant, EventType::ConversationUnverified, data, now);
        tx.audit(self.entry(actor, AuditAction::ConversationUnverified, told.to_string()));
        told
    }

    /// Writes an event into the batch; and if the tenant has a webhook that wants it, that it is to be delivered. Of a
    /// tenant that is not served here nobody knows: whoever delivers finds out.
    fn tell_of(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        kind: EventType,
        data: impl Serialize,
        timestamp: Timestamp,
    ) -> EventId {
        let id = EventId::from_uuid(self.clock.fresh_uuid());
        let event = Telling { id, kind, timestamp, tenant, data };
        tx.event(&event);
        if self.directory().by_id(tenant).is_none_or(|served| served.tenant.tells(kind)) {
            tx.tell_webhooks(&event.id);
        }
        event.id
    }

    /// Writes into the batch that a provider fails for everybody, or works again; `before` is what was
    /// known of it until now.
    pub(super) fn announce_provider(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        kind: EventType,
        provider: &ProviderId,
        before: Option<&ProviderHealth>,
        health: &ProviderHealth,
    ) {
        let mut data = json!({"provider": provider, "since": health.since});
        if let Some(before) = before.filter(|before| !before.healthy) {
            data["unhealthySince"] = json!(before.since);
        }
        self.tell_of(tx, tenant, kind, data, health.since);
        let action =
            if health.healthy { AuditAction::ProviderRecovered } else { AuditAction::ProviderUnhealthy };
        // The login that noticed it is not who did it.
        let entry = AuditEntry { request_id: None, ..self.entry("system", action, provider.to_string()) };
        tx.audit(AuditEntry { at: health.since, ..entry });
    }
}

/// The body of an auth event (DESIGN §7). Only a completed link speaks of the person.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkData<'l> {
    auth_link_id: &'l LinkId,
    conversation: &'l ConversationRef,
    sender: Option<&'l Sender>,
    metadata: &'l Map<String, Value>,
    provider: &'l ProviderId,
    status: LinkStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    binding: LinkBinding,
    #[serde(flatten)]
    completed: Option<CompletedData<'l>>,
}

/// What the event of a completed link says more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CompletedData<'l> {
    contact_id: Option<&'l ContactId>,
    profile: &'l Profile,
    fields: &'l Map<String, Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    contact_mismatch: bool,
}

/// The body of an event about a contact.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContactData<'c> {
    contact: &'c Contact,
    changes: &'c [Change],
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_from: Option<&'c ContactId>,
}

impl<'l> LinkData<'l> {
    fn of(link: &'l Link) -> Self {
        Self {
            auth_link_id: &link.id,
            conversation: &link.conversation,
            sender: link.sender.as_ref(),
            metadata: &link.metadata,
            provider: &link.provider,
            status: link.status(),
            step: link.failure.and_then(|failure| failure.step),
            code: link.failure.map(|failure| failure.code),
            binding: link.binding(),
            completed: link.completion().map(CompletedData::of),
        }
    }
}

impl<'l> CompletedData<'l> {
    fn of(completion: &'l Completion) -> Self {
        Self {
            contact_id: completion.contact.as_ref(),
            profile: &completion.profile,
            fields: &completion.fields,
            contact_mismatch: completion.contact_mismatch,
        }
    }
}
