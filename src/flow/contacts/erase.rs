//! A person is erased. The first batch makes the contact unfindable: record, indexes, identities and
//! ids are gone, the platform and the auditor are told, and a due entry stands in for the rest. What
//! was told of the person before — profiles of completed links, bodies of events, who is verified in
//! a conversation — is rewritten in bounded steps: at once, and by the sweep if that was cut short.

use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::contact::Trace;
use crate::domain::conversation::ConversationRef;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ContactId, TenantId};
use crate::domain::link::{Link, LinkState};
use crate::domain::profile::Profile;
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::store::keys::{Due, DueKind};
use crate::store::{Durability, StoreError, Tx};

use super::{Condition, ContactError};

/// How many traces one batch rewrites.
const AT_ONCE: usize = 16;
/// How many batches one call, or one sweep, takes.
const STEPS: usize = 64;
/// Who rewrites.
const ACTOR: &str = "system";

impl Broker {
    /// Erases a contact and everything that is known of the person. After an `Ok` it happens,
    /// whatever becomes of this process.
    pub async fn erase_contact(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        condition: &Condition,
    ) -> Result<(), ContactError> {
        for due in self.make_unfindable(tenant, by, id, condition).await? {
            if let Err(error) = self.go_on_erasing(&due).await {
                tracing::warn!(tenant = %tenant.id, detail = %error, "contact.erasure_delayed");
            }
        }
        Ok(())
    }

    /// Rewrites what is left, in steps. The due entry goes with the last one.
    pub(in crate::flow) async fn go_on_erasing(&self, due: &Due) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            match self.erase_traces(due).await {
                Ok(true) => return Ok(()),
                Ok(false) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The first batch. Each record that went up in this one has left traces of its own.
    async fn make_unfindable(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        condition: &Condition,
    ) -> Result<Vec<Due>, ContactError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let known = store.contact_or_survivor(id).await?.ok_or(ContactError::Unknown)?;
            condition.check(&known.value)?;
            let at = self.clock.now();
            let due = known.merged_from.iter().chain([&known.id]).map(|id| Due {
                at,
                kind: DueKind::ContactErasure,
                tenant: tenant.id.clone(),
                id: id.to_string(),
            });
            let due: Vec<Due> = due.collect();
            let mut tx = Tx::new();
            tx.delete_contact(&known);
            for due in &due {
                tx.due(due.kind, due.at, &due.id);
            }
            self.announce_erased(&mut tx, &tenant.id, &known.id);
            self.audit_contact(&mut tx, &by.to_string(), AuditAction::ContactErased, &known.id, None);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| due)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// One batch; whether it was the last.
    async fn erase_traces(&self, due: &Due) -> Result<bool, StoreError> {
        let store = self.store.at(&due.tenant);
        let mut tx = Tx::new();
        let mut is_last = true;
        if let Ok(contact) = due.id.parse::<ContactId>() {
            let found = store.traces(&contact, AT_ONCE).await?;
            is_last = found.len() < AT_ONCE;
            for found in &found {
                self.erase_trace(&mut tx, &due.tenant, &found.trace).await?;
                tx.untrace(&contact, found);
            }
        }
        if let Ok(contact) = due.id.parse::<ContactId>() {
            let (there, gone) = store.families_of(&contact).await?;
            for family in &there {
                tx.delete_family(family);
            }
            for family in &gone {
                tx.forget_family(&contact, family);
            }
        }
        if is_last {
            tx.not_due(due.kind, due.at, &due.id);
        }
        store.commit(tx, Durability::Durable).await?;
        Ok(is_last)
    }

    /// What one sign-in or change has left.
    async fn erase_trace(&self, tx: &mut Tx, tenant: &TenantId, trace: &Trace) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        let mut told = trace.events.clone();
        if let Some(link) = &trace.link {
            // What was told before anybody had signed in has the address and what the platform gave along.
            told.extend(store.events_of_link(link).await?);
            told.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
            told.dedup();
        }
        for event in or_skipped(store.events(&told).await)? {
            tx.rewrite_event(&without_person(event.into_value()));
        }
        let Some(id) = &trace.link else { return Ok(()) };
        let link = or_skipped(store.link(id).await)?;
        if let Some(link) = &link {
            tx.update_link(link, &link_without_person(link.value.clone()));
        }
        let Some(key) = &trace.conversation else { return Ok(()) };
        let known = match or_skipped(store.conversation_by_key(key).await)? {
            // Its name is another one since the index key was replaced.
            None => match &link {
                Some(link) => or_skipped(store.conversation(&link.conversation.id).await)?,
                None => None,
            },
            known => known,
        };
        if let Some(known) = known
            && known.verified.as_ref().is_some_and(|verified| verified.auth_link_id == *id)
        {
            let mut conversation = known.value.clone();
            conversation.verified = None;
            conversation.updated_at = self.clock.now();
            let nameless = ConversationRef { handle: None, ..conversation.at.clone() };
            self.announce_unverified(tx, tenant, &nameless, ACTOR);
            tx.put_conversation(Some(&known), &conversation);
        }
        Ok(())
    }
}

/// A record that cannot be read tells of nobody: it must not stand in the way of all others.
fn or_skipped<T: Default>(read: Result<T, StoreError>) -> Result<T, StoreError> {
    match read {
        Err(error @ (StoreError::Unreadable { .. } | StoreError::Malformed { .. })) => {
            tracing::error!(detail = %error, "contact.erasure_skipped");
            Ok(T::default())
        }
        read => read,
    }
}

/// An event as it was told, without the person: it says that it happened, and of whose id.
fn without_person(mut event: Event) -> Event {
    let Value::Object(data) = &mut event.data else { return event };
    if matches!(event.kind, EventType::ContactCreated | EventType::ContactUpdated) {
        let id = data.get("contact").and_then(|contact| contact.get("id")).cloned();
        data.insert("contact".to_owned(), json!({"id": id}));
        data.insert("changes".to_owned(), json!([]));
    } else {
        // What the platform gave with the order may name the person as well.
        for name in ["profile", "fields", "metadata"] {
            data.insert(name.to_owned(), Value::Object(Map::new()));
        }
        if let Some(Value::Object(conversation)) = data.get_mut("conversation") {
            conversation.shift_remove("handle");
        }
    }
    data.insert("erased".to_owned(), json!(true));
    event
}

fn link_without_person(mut link: Link) -> Link {
    if let LinkState::Completed(completion) = &mut link.state {
        completion.profile = Profile::default();
        completion.fields = Map::new();
    }
    link.metadata = Map::new();
    link.conversation.handle = None;
    link.contact = None;
    link
}
