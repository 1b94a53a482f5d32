//! Moves what stands under the previous index key to the active one, while everything is in use
//! (docs/keys.md). The contract below has no scan of keys, so everything is found through what is
//! listed: the links of the last 30 days through the `due` sets, contacts and conversations
//! through their lists, a contact's identities and lookups through its record. What is gone within
//! a day is not moved: it is found by both keys until then.
//!
//! Each move expects what it read. Whoever changes the same record at the same time is told of a
//! conflict and reads again, as after every lost race; nobody waits, and nothing is ever in two
//! places or in none.

use super::backend::{Durability, Expect, Partition};
use super::hashed::{CONVERSATION, IDENTITY, TOKEN};
use super::keys::{Due, DueKind, Listed, due_set, tenants_set};
use super::tx::{CONVERSATIONS, LINK_TTL, Name, Op, Place, hashed, identity_text, lookups};
use super::{ContactFilter, Store, StoreError, Stored, TenantStore, Tx};
use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::ids::{ContactId, LinkId, TenantId};
use zeroize::Zeroizing;

/// Records that are looked at, and moved, together.
const AT_ONCE: usize = 50;
/// How often a single record is tried that others change all the time.
const TRIES: usize = 24;
/// Members between a place in a set and the place that is looked for: they differ in one character.
const NEIGHBOURS: usize = 17;

impl Store {
    /// Whether something may stand under an index key that is on its way out.
    pub fn has_previous_index(&self) -> bool {
        self.inner.ring.has_previous_index()
    }

    /// The names of every tenant of a partition that ever stored something, also of those that are
    /// in no file any more.
    pub async fn tenants(&self, partition: Partition) -> Result<Vec<TenantId>, StoreError> {
        let (set, mut after, mut tenants) = (tenants_set(partition), Vec::new(), Vec::new());
        loop {
            let members = self.inner.backend.range(&set, &after, AT_ONCE).await?;
            let Some(last) = members.last() else { return Ok(tenants) };
            after.clone_from(last);
            let names = members.iter().filter_map(|member| std::str::from_utf8(member).ok()?.parse().ok());
            tenants.extend(names);
        }
    }

    /// Goes once through everything, and answers how many records it moved. After a pass that moved
    /// nothing, while every broker writes with the active index key, nothing that lasts stands under
    /// the previous one.
    pub async fn reindex(&self) -> Result<u64, StoreError> {
        let mut moved = 0;
        if !self.has_previous_index() {
            return Ok(moved);
        }
        for partition in Partition::all() {
            moved += self.move_tokens(partition).await?;
            for tenant in self.tenants(partition).await? {
                let at = self.at(&tenant);
                moved += at.move_contacts().await?;
                moved += at.move_conversations().await?;
            }
        }
        Ok(moved)
    }

    /// The tokens of all links of a partition.
    async fn move_tokens(&self, partition: Partition) -> Result<u64, StoreError> {
        let (set, mut after, mut moved) = (due_set(partition), Vec::new(), 0);
        loop {
            let members = self.inner.backend.range(&set, &after, AT_ONCE).await?;
            let Some(last) = members.last() else { return Ok(moved) };
            after.clone_from(last);
            let sweeps = members.iter().filter_map(|member| Due::parse(member));
            for due in sweeps.filter(|due| due.kind == DueKind::LinkSweep) {
                moved += u64::from(self.at(&due.tenant).move_token(&due.id).await?);
            }
        }
    }
}

impl TenantStore {
    /// Whether the token of this link had to be moved.
    async fn move_token(&self, link: &str) -> Result<bool, StoreError> {
        let Ok(id) = link.parse() else { return Ok(false) };
        let Some(link) = self.link(&id).await? else { return Ok(false) };
        let Some(stored) = self.hashed::<LinkId>(TOKEN, link.token.expose()).await? else { return Ok(false) };
        if !stored.outdated {
            return Ok(false);
        }
        let text = Zeroizing::new(link.token.expose().to_owned());
        let mut tx = Tx::new();
        let place = Place::Moved(stored.key.clone(), TOKEN, text);
        tx.put(place, Some(Expect::At(stored.version)), &stored.value, Some(link.created_at + LINK_TTL));
        match self.commit(tx, Durability::Durable).await {
            // Another broker has moved it.
            Err(StoreError::Conflict) => Ok(true),
            done => done.map(|()| true),
        }
    }

    async fn move_contacts(&self) -> Result<u64, StoreError> {
        let (mut after, mut moved) = (None, 0);
        loop {
            let page = self.contact_ids(ContactFilter::All, after.as_deref(), AT_ONCE).await?;
            let (tx, count) = self.moves_of(&page.items).await?;
            moved += count;
            match self.commit(tx, Durability::Durable).await {
                // One of them has changed meanwhile: each by itself, then.
                Err(StoreError::Conflict) => self.move_each(&page.items).await?,
                done => done?,
            }
            after = page.next;
            if after.is_none() {
                return Ok(moved);
            }
        }
    }

    async fn move_each(&self, contacts: &[ContactId]) -> Result<(), StoreError> {
        for contact in contacts {
            for _ in 0..TRIES {
                let (tx, _) = self.moves_of(std::slice::from_ref(contact)).await?;
                match self.commit(tx, Durability::Durable).await {
                    Err(StoreError::Conflict) => {}
                    done => {
                        done?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// What is to be moved of some contacts, and of how many.
    async fn moves_of(&self, ids: &[ContactId]) -> Result<(Tx, u64), StoreError> {
        let (mut tx, mut count) = (Tx::new(), 0);
        for contact in self.contacts(ids).await? {
            let before = tx.ops.len();
            self.move_lookups(&mut tx, &contact).await?;
            self.move_identities(&mut tx, &contact).await?;
            if tx.ops.len() > before {
                tx.ops.push(Op::Expect(contact.key.clone(), contact.version));
                count += 1;
            }
        }
        Ok((tx, count))
    }

    async fn move_lookups(&self, tx: &mut Tx, contact: &Contact) -> Result<(), StoreError> {
        let member = Listed::new(contact.created_at, &contact.id).into_member();
        for (kind, text) in lookups(contact) {
            let Some(text) = text else { continue };
            let Some(previous) = self.keys.names(kind, &text).previous else { continue };
            let set = self.keys.key(kind, &previous);
            let just_before = &member[..member.len() - 1];
            if self.store.inner.backend.range(&set, just_before, NEIGHBOURS).await?.contains(&member) {
                tx.member(true, hashed(kind, &text), kind, contact);
            }
        }
        Ok(())
    }

    async fn move_identities(&self, tx: &mut Tx, contact: &Contact) -> Result<(), StoreError> {
        for identity in &contact.identities {
            let Some(stored) = self.identity(&identity.provider, &identity.subject).await? else { continue };
            if stored.outdated && stored.value == contact.id {
                let text = identity_text(&identity.provider, &identity.subject);
                let place = Place::Moved(stored.key.clone(), IDENTITY, text);
                tx.put(place, Some(Expect::At(stored.version)), &stored.value, None);
            }
        }
        Ok(())
    }

    async fn move_conversations(&self) -> Result<u64, StoreError> {
        let (set, mut after, mut moved) = (self.keys.key(CONVERSATIONS, ""), Vec::new(), 0);
        loop {
            let names = self.store.inner.backend.range(&set, &after, AT_ONCE).await?;
            let Some(last) = names.last() else { return Ok(moved) };
            after.clone_from(last);
            for name in names.iter().filter_map(|name| std::str::from_utf8(name).ok()) {
                moved += u64::from(self.move_conversation(name).await?);
            }
        }
    }

    /// Whether the conversation of this name had to be moved.
    async fn move_conversation(&self, name: &str) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let mut tx = Tx::new();
            let mut moves = false;
            match self.conversation_by_key(name).await? {
                // It was moved by somebody who had no need to go through the list.
                None => tx.conversation_listed(false, Name::Is(name.into())),
                Some(stored) => {
                    let names = self.keys.names(CONVERSATION, stored.value.at.id.as_str());
                    moves = names.previous.as_deref() == Some(name);
                    if moves {
                        let stored = Stored::<Conversation> { outdated: true, ..stored };
                        tx.put_conversation(Some(&stored), &stored.value);
                    }
                }
            }
            match self.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| moves),
            }
        }
        Ok(true)
    }
}
