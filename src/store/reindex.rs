//! Moves what stands under the previous index key to the active one, while everything is in use
//! (docs/keys.md). The contract below has no scan of keys, so everything is found through what is
//! listed: per partition its tenants, per tenant its links, contacts and conversations; a contact's
//! identities and lookups through its record. What is gone within a day is not moved: it is found
//! by both keys until then.
//!
//! Each move expects what it read. Whoever changes the same record at the same time is told of a
//! conflict and reads again, as after every lost race; nobody waits, and nothing is ever in two
//! places or in none.

use zeroize::Zeroizing;

use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::ids::{ContactId, LinkId, TenantId};
use crate::domain::link::Link;

use super::backend::{Durability, Expect, Key, Partition};
use super::hashed::{CONVERSATION, EXTERNAL_ID, IDENTITY, TOKEN};
use super::keys::{Listed, tenants_set};
use super::lists::{link_place, parse_link};
use super::people::lookups;
use super::records::{ExternalOwner, Record};
use super::tx::{
    CONVERSATIONS, LINK_TTL, LINKS, LINKS_OF, Name, Op, Place, conversation_place, hashed, identity_text,
};
use super::{ContactFilter, Store, StoreError, Stored, TenantStore, Tx};

/// Records that are looked at, and moved, together.
const AT_ONCE: usize = 50;
/// How often a single record is tried that others change all the time.
const TRIES: usize = 24;
/// Members between a place in a set and the place that is looked for: they differ in one character.
const NEIGHBOURS: usize = 17;

/// What has something under a keyed hash.
enum Mover {
    Link(LinkId),
    Contact(ContactId),
    /// By the name under which it stands.
    Conversation(String),
}

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
            for tenant in self.tenants(partition).await? {
                let at = self.at(&tenant);
                moved += at.move_links().await?;
                moved += at.move_contacts().await?;
                moved += at.move_conversations().await?;
            }
        }
        Ok(moved)
    }
}

impl TenantStore {
    async fn move_links(&self) -> Result<u64, StoreError> {
        let (set, mut after, mut moved) = (self.keys.key(LINKS, ""), Vec::new(), 0);
        loop {
            let members = self.store.inner.backend.range(&set, &after, AT_ONCE).await?;
            let Some(last) = members.last() else { return Ok(moved) };
            after.clone_from(last);
            let ids = members.iter().filter_map(|member| parse_link(member)?.parse().ok());
            moved += self.move_all(&ids.map(Mover::Link).collect::<Vec<_>>()).await?;
        }
    }

    async fn move_contacts(&self) -> Result<u64, StoreError> {
        let (mut after, mut moved) = (None, 0);
        loop {
            let page = self.contact_ids(ContactFilter::All, after.as_deref(), AT_ONCE).await?;
            let contacts: Vec<_> = page.items.into_iter().map(Mover::Contact).collect();
            moved += self.move_all(&contacts).await?;
            after = page.next;
            if after.is_none() {
                return Ok(moved);
            }
        }
    }

    async fn move_conversations(&self) -> Result<u64, StoreError> {
        let (set, mut after, mut moved) = (self.keys.key(CONVERSATIONS, ""), Vec::new(), 0);
        loop {
            let members = self.store.inner.backend.range(&set, &after, AT_ONCE).await?;
            let Some(last) = members.last() else { return Ok(moved) };
            after.clone_from(last);
            let names = members.into_iter().filter_map(|name| String::from_utf8(name).ok());
            let conversations: Vec<_> = names.map(Mover::Conversation).collect();
            moved += self.move_all(&conversations).await?;
        }
    }

    /// Moves some records in one batch, or each by itself where one of them changes meanwhile. Answers
    /// of how many something had to be moved.
    async fn move_all(&self, movers: &[Mover]) -> Result<u64, StoreError> {
        let (mut tx, mut count) = (Tx::new(), 0);
        for mover in movers {
            let before = tx.ops.len();
            self.moves_of(mover, &mut tx).await?;
            count += u64::from(tx.ops.len() > before);
        }
        match self.commit(tx, Durability::Durable).await {
            Err(StoreError::Conflict) => {}
            done => return done.map(|()| count),
        }
        for mover in movers {
            for _ in 0..TRIES {
                let mut tx = Tx::new();
                self.moves_of(mover, &mut tx).await?;
                match self.commit(tx, Durability::Durable).await {
                    Err(StoreError::Conflict) => {}
                    done => {
                        done?;
                        break;
                    }
                }
            }
        }
        Ok(count)
    }

    /// What moves a record. One that cannot be read, of a key that is gone or of a newer version, stays where it is:
    /// nobody can use it, and all others must not wait for it.
    async fn moves_of(&self, mover: &Mover, tx: &mut Tx) -> Result<(), StoreError> {
        let before = tx.ops.len();
        let moves = match mover {
            Mover::Link(id) => self.moves_of_link(id, tx).await,
            Mover::Contact(id) => self.moves_of_contact(id, tx).await,
            Mover::Conversation(name) => self.moves_of_conversation(name, tx).await,
        };
        match moves {
            Err(error @ (StoreError::Unreadable { .. } | StoreError::Malformed { .. })) => {
                tx.ops.truncate(before);
                tracing::warn!(tenant = %self.tenant(), detail = %error, "reindex.skipped");
                Ok(())
            }
            moves => moves,
        }
    }

    /// A link's token, and its place in the list of its conversation.
    async fn moves_of_link(&self, id: &LinkId, tx: &mut Tx) -> Result<(), StoreError> {
        let Some(link) = self.link(id).await? else { return Ok(()) };
        let before = tx.ops.len();
        let token = self.hashed::<LinkId>(TOKEN, link.token.expose()).await?;
        moved(tx, token, TOKEN, link.token.expose(), Some(link.created_at + LINK_TTL));
        let (conversation, place) = (link.conversation.id.as_str(), link_place(&link));
        if self.is_in_previous(LINKS_OF, CONVERSATION, conversation, &place).await? {
            tx.list(true, conversation_place(&link), LINKS_OF, place);
        }
        expect_if_moved::<Link>(tx, before, &link);
        Ok(())
    }

    /// What a contact is found by, and who it is at which provider.
    async fn moves_of_contact(&self, id: &ContactId, tx: &mut Tx) -> Result<(), StoreError> {
        let Some(contact) = self.contact(id).await? else { return Ok(()) };
        let before = tx.ops.len();
        let member = Listed::new(contact.created_at, &contact.id).into_member();
        for (kind, text) in lookups(&contact) {
            let Some(text) = text else { continue };
            if self.is_in_previous(kind, kind, &text, &member).await? {
                tx.member(true, hashed(kind, &text), kind, &contact);
            }
        }
        for external in contact.external_ids() {
            let owner = self.hashed::<ExternalOwner>(EXTERNAL_ID, external).await?;
            moved(tx, owner.filter(|owner| owner.value.0 == contact.id), EXTERNAL_ID, external, None);
        }
        for identity in &contact.identities {
            let owner = self.identity(&identity.provider, &identity.subject).await?;
            let text = identity_text(&identity.provider, &identity.subject);
            moved(tx, owner.filter(|owner| owner.value == contact.id), IDENTITY, &text, None);
        }
        expect_if_moved::<Contact>(tx, before, &contact);
        Ok(())
    }

    /// The conversation of this name. One that was moved by somebody who did not go through the list
    /// is taken out of it.
    async fn moves_of_conversation(&self, name: &str, tx: &mut Tx) -> Result<(), StoreError> {
        let Some(stored) = self.conversation_by_key(name).await? else {
            tx.conversation_listed(false, Name::Is(name.into()));
            return Ok(());
        };
        let names = self.keys.names(CONVERSATION, stored.value.at.id.as_str());
        if names.previous.as_deref() == Some(name) {
            let stored = Stored::<Conversation> { outdated: true, ..stored };
            tx.put_conversation(Some(&stored), &stored.value);
        }
        Ok(())
    }

    /// Whether a member stands in a text's set under the previous index key.
    async fn is_in_previous(
        &self,
        kind: &str,
        purpose: &'static str,
        text: &str,
        member: &[u8],
    ) -> Result<bool, StoreError> {
        let Some(previous) = self.keys.names(purpose, text).previous else { return Ok(false) };
        let set: Key = self.keys.key(kind, &previous);
        let just_before = &member[..member.len() - 1];
        let found = self.store.inner.backend.range(&set, just_before, NEIGHBOURS).await?;
        Ok(found.iter().any(|found| found == member))
    }
}

/// Moves a record of a text, if it has to be.
fn moved<R: Record>(
    tx: &mut Tx,
    stored: Option<Stored<R>>,
    purpose: &'static str,
    text: &str,
    until: Option<jiff::Timestamp>,
) {
    if let Some(stored) = stored.filter(|stored| stored.outdated) {
        let place = Place::Moved(stored.key.clone(), purpose, Zeroizing::new(text.to_owned()));
        tx.put(place, Some(Expect::At(stored.version)), &stored.value, until);
    }
}

/// What was added since `before` holds for the record as it was read only.
fn expect_if_moved<R: Record>(tx: &mut Tx, before: usize, stored: &Stored<R>) {
    if tx.ops.len() > before {
        tx.ops.push(Op::Expect(stored.key.clone(), stored.version));
    }
}
