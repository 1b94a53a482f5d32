//! A person is erased. The first batch makes the contact unfindable: record, indexes, identities and
//! ids are gone, the platform and the auditor are told, and a due entry stands in for the rest. What
//! was told of the person before — profiles of completed links, bodies of events, who is verified in
//! a conversation, and what the platform said of the person there — is rewritten in bounded steps: at once,
//! and by the sweep if that was cut short.

use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::contact::{Contact, Trace};
use crate::domain::conversation::{Conversation, ConversationRef};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ContactId, ConversationId, TenantId};
use crate::domain::link::{Link, LinkState};
use crate::domain::profile::Profile;
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::store::keys::{Due, DueKind};
use crate::store::{Asked, Durability, List, StoreError, Stored, Tx};

use super::{Condition, ContactError};

/// How many traces one batch rewrites.
const AT_ONCE: usize = 16;
/// How many batches one call, or one sweep, takes.
const STEPS: usize = 64;
/// Links of a conversation that are looked through together.
const PAGE: usize = 200;
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
            self.trace_remembered(&mut tx, &tenant.id, &known.value).await?;
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

    /// The conversations that the record remembers, where the person still is: a sign-in that was long ago has left no link
    /// by which its conversation is known, and the name of one in an old trace ends with its index key.
    async fn trace_remembered(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        contact: &Contact,
    ) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        for place in contact.conversations.iter().filter(|place| place.handle.is_some()) {
            let known = or_skipped(store.conversation(&place.id).await)?;
            let is_there = |known: &Stored<Conversation>| {
                let is_theirs =
                    known.verified.as_ref().is_none_or(|seen| seen.contact_id.as_ref() == Some(&contact.id));
                is_theirs && known.at.handle.is_some() && known.at.is_same_person(place)
            };
            if known.is_some_and(|known| is_there(&known)) {
                let key = Some(store.conversation_key(&place.id));
                tx.trace(&contact.id, &Trace { conversation: key, ..Trace::default() });
            }
        }
        Ok(())
    }

    /// One batch; whether it was the last.
    async fn erase_traces(&self, due: &Due) -> Result<bool, StoreError> {
        let store = self.store.at(&due.tenant);
        let mut tx = Tx::new();
        let mut is_last = true;
        if let Ok(contact) = due.id.parse::<ContactId>() {
            let found = store.traces(&contact, AT_ONCE).await?;
            is_last = found.len() < AT_ONCE;
            let mut erasing = Erasing {
                tenant: &due.tenant,
                contact: &contact,
                tx: &mut tx,
                conversations: Vec::new(),
                looked: Vec::new(),
            };
            for found in &found {
                is_last &= !self.erase_trace(&mut erasing, &found.trace).await?;
                erasing.tx.untrace(&contact, found);
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

    /// What one sign-in or change has left; whether it has led to further traces.
    async fn erase_trace(&self, erasing: &mut Erasing<'_>, trace: &Trace) -> Result<bool, StoreError> {
        let store = self.store.at(erasing.tenant);
        let link = match &trace.link {
            Some(id) => or_skipped(store.link(id).await)?,
            None => None,
        };
        let owner = link.as_ref().and_then(|link| link.completion()?.contact.as_ref());
        if trace.conversation.is_none() && owner.is_some_and(|owner| owner != erasing.contact) {
            // Somebody has signed in there since it was found to be nobody's.
            return Ok(false);
        }
        let mut told = trace.events.clone();
        if let Some(link) = &trace.link {
            // What was told before anybody had signed in has the address and what the platform gave along.
            told.extend(store.events_of_link(link).await?);
            told.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
            told.dedup();
        }
        for event in or_skipped(store.events(&told).await)? {
            erasing.tx.rewrite_event(&without_person(event.into_value()));
        }
        if let Some(link) = &link {
            self.erase_link(erasing, link).await?;
        }
        let Some(key) = &trace.conversation else { return Ok(false) };
        let known = match or_skipped(store.conversation_by_key(key).await)? {
            // Its name is another one since the index key was replaced.
            None => match &link {
                Some(link) => or_skipped(store.conversation(&link.conversation.id).await)?,
                None => None,
            },
            known => known,
        };
        let ours = |known: &Conversation| match (&known.verified, &trace.link) {
            (Some(seen), Some(id)) => seen.auth_link_id == *id,
            (Some(seen), None) => seen.contact_id.as_ref() == Some(erasing.contact),
            (None, _) => true,
        };
        let place = match (&link, &known) {
            (Some(link), _) => Some(link.conversation.clone()),
            // The link was kept for long enough: the address of now is the person's unless another one is there, or is
            // signing in there.
            (None, Some(known)) if ours(known) && !self.is_passed_on(erasing, trace, known).await? => {
                Some(known.at.clone())
            }
            (None, _) => None,
        };
        let Some(place) = place else { return Ok(false) };
        if let Some(known) = known.filter(|known| ours(&known.value)) {
            self.erase_conversation(erasing, &known, &place);
        }
        self.trace_others(erasing, &place).await
    }

    /// Whether somebody may sign in now, in a conversation whose address nobody remembers as the person's.
    async fn is_passed_on(
        &self,
        erasing: &Erasing<'_>,
        trace: &Trace,
        known: &Conversation,
    ) -> Result<bool, StoreError> {
        let (None, Some(newest)) = (&known.verified, &known.link) else { return Ok(false) };
        if trace.link.is_none() {
            return Ok(false);
        }
        let newest = or_skipped(self.store.at(erasing.tenant).link(newest).await)?;
        Ok(newest.is_some_and(|link| !link.status_at(self.clock.now()).is_final()))
    }

    /// A link without the person. One at which somebody could still sign in is taken back: without the address it
    /// would let anybody confirm.
    async fn erase_link(&self, erasing: &mut Erasing<'_>, link: &Stored<Link>) -> Result<(), StoreError> {
        let at = &link.conversation;
        if let Some(handle) = &at.handle {
            let sent = or_skipped(self.store.at(erasing.tenant).link_sent_to(at.channel, handle).await)?;
            if let Some(sent) = sent.filter(|sent| sent.link.id == link.id) {
                erasing.tx.forget_handle(&sent);
            }
        }
        let nameless = link_without_person(link.value.clone());
        match nameless.clone().cancel(false, self.clock.now()) {
            Ok(cancelled) => {
                self.forget_provisional(erasing.tx, erasing.tenant, &nameless).await?;
                erasing.tx.update_link(link, &cancelled);
                self.announce_link(erasing.tx, erasing.tenant, EventType::Cancelled, &cancelled, ACTOR);
            }
            Err(_final) => erasing.tx.update_link(link, &nameless),
        }
        Ok(())
    }

    /// A conversation in which the person is verified, or nobody is.
    fn erase_conversation(
        &self,
        erasing: &mut Erasing<'_>,
        known: &Stored<Conversation>,
        place: &ConversationRef,
    ) {
        let is_theirs = known.at.handle.is_some() && known.at.is_same_person(place);
        if (known.verified.is_none() && !is_theirs) || erasing.conversations.contains(&known.at.id) {
            return;
        }
        let mut conversation = known.value.clone();
        conversation.updated_at = self.clock.now();
        if is_theirs {
            conversation.at.handle = None;
        }
        if let Some(verified) = conversation.verified.take() {
            let nameless = ConversationRef { handle: None, ..conversation.at.clone() };
            let told = self.announce_unverified(erasing.tx, erasing.tenant, &nameless, ACTOR);
            erasing.tx.event_of_link(&verified.auth_link_id, &told);
        }
        erasing.tx.put_conversation(Some(known), &conversation);
        erasing.conversations.push(known.at.id.clone());
    }

    /// The other links of a conversation that were sent to this person and at which nobody else has signed in: the
    /// platform's words about them are erased as well. Whether there are any. Where the person's own link had no address,
    /// those that have one may be somebody else's.
    async fn trace_others(
        &self,
        erasing: &mut Erasing<'_>,
        place: &ConversationRef,
    ) -> Result<bool, StoreError> {
        if erasing.looked.contains(place) {
            return Ok(false);
        }
        erasing.looked.push(place.clone());
        let store = self.store.at(erasing.tenant);
        let is_theirs = |link: &Link| {
            let is_anybodys = link.completion().is_none_or(|completion| completion.contact.is_none());
            let says =
                link.conversation.handle.is_some() || !link.metadata.is_empty() || link.contact.is_some();
            let at = &link.conversation;
            is_anybodys && says && at.is_same_person(place) && (place.handle.is_some() || at.handle.is_none())
        };
        let (mut cursor, mut any) = (None::<String>, false);
        loop {
            let asked =
                Asked { cursor: cursor.as_deref(), limit: PAGE, since: None, until: None, filter: "erase" };
            let page = store.links(List::LinksOf(&place.id), &asked, is_theirs).await.map(Some);
            let Some(page) = or_skipped(page)? else { return Ok(any) };
            for link in page.items {
                any = true;
                let trace = Trace { link: Some(link.value.id), ..Trace::default() };
                erasing.tx.trace(erasing.contact, &trace);
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(any),
            }
        }
    }
}

/// A batch that takes a person out.
struct Erasing<'a> {
    tenant: &'a TenantId,
    contact: &'a ContactId,
    tx: &'a mut Tx,
    /// The conversations that it changes already.
    conversations: Vec<ConversationId>,
    /// The places whose other links it has looked for.
    looked: Vec<ConversationRef>,
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
            if let Some(said) = data.get_mut(name) {
                *said = Value::Object(Map::new());
            }
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
