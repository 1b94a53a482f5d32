//! The bodies of events, and the one way to write event and audit entry together into a batch.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::contact::{Change, Contact};
use crate::domain::conversation::ConversationRef;
use crate::domain::event::{Event, EventType};
use crate::domain::health::ProviderHealth;
use crate::domain::ids::{ContactId, EventId, ProviderId, TenantId};
use crate::domain::link::Link;
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
        let event = self.event(tenant, kind, link_data(link), now);
        let told = event.id.clone();
        self.tell(tx, &event);
        tx.event_of_link(&link.id, &event.id);
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
        let event =
            self.event(tenant, kind, json!({"contact": contact, "changes": changes}), self.clock.now());
        let told = event.id.clone();
        self.tell(tx, &event);
        told
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
        let data = json!({"contact": contact, "changes": changes, "mergedFrom": from});
        let event = self.event(tenant, EventType::ContactUpdated, data, self.clock.now());
        let told = event.id.clone();
        self.tell(tx, &event);
        told
    }

    /// Writes into the batch that a contact is erased.
    pub(super) fn announce_erased(&self, tx: &mut Tx, tenant: &TenantId, contact: &ContactId) {
        let data = json!({"contact": {"id": contact}, "changes": []});
        self.tell(tx, &self.event(tenant, EventType::ContactErased, data, self.clock.now()));
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
        let event = self.event(tenant, EventType::ConversationUnverified, data, now);
        tx.audit(self.entry(actor, AuditAction::ConversationUnverified, event.id.to_string()));
        self.tell(tx, &event);
        event.id
    }

    /// Writes an event into the batch; and if the tenant has a webhook that wants it, that it is to be delivered. Of a
    /// tenant that is not served here nobody knows: whoever delivers finds out.
    pub(super) fn tell(&self, tx: &mut Tx, event: &Event) {
        tx.event(event);
        let directory = self.directory();
        if directory.by_id(&event.tenant).is_none_or(|served| served.tenant.tells(event.kind)) {
            tx.tell_webhooks(&event.id);
        }
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
        self.tell(tx, &self.event(tenant, kind, data, health.since));
        let action =
            if health.healthy { AuditAction::ProviderRecovered } else { AuditAction::ProviderUnhealthy };
        // The login that noticed it is not who did it.
        let entry = AuditEntry { request_id: None, ..self.entry("system", action, provider.to_string()) };
        tx.audit(AuditEntry { at: health.since, ..entry });
    }

    fn event(&self, tenant: &TenantId, kind: EventType, data: Value, timestamp: Timestamp) -> Event {
        let id = EventId::from_uuid(self.clock.fresh_uuid());
        Event { id, kind, timestamp, tenant: tenant.clone(), data }
    }
}

/// The body of an auth event (DESIGN §7). Only a completed link speaks of the person.
fn link_data(link: &Link) -> Value {
    let mut data = Map::new();
    data.insert("authLinkId".to_owned(), json!(link.id));
    data.insert("conversation".to_owned(), json!(link.conversation));
    data.insert("sender".to_owned(), json!(link.sender));
    data.insert("metadata".to_owned(), Value::Object(link.metadata.clone()));
    data.insert("provider".to_owned(), json!(link.provider));
    data.insert("status".to_owned(), json!(link.status()));
    if let Some(failure) = link.failure {
        if let Some(step) = failure.step {
            data.insert("step".to_owned(), json!(step));
        }
        data.insert("code".to_owned(), json!(failure.code));
    }
    data.insert("binding".to_owned(), json!(link.binding()));
    if let Some(completion) = link.completion() {
        data.insert("contactId".to_owned(), json!(completion.contact));
        data.insert("profile".to_owned(), json!(completion.profile));
        data.insert("fields".to_owned(), Value::Object(completion.fields.clone()));
        if completion.contact_mismatch {
            data.insert("contactMismatch".to_owned(), json!(true));
        }
    }
    Value::Object(data)
}
