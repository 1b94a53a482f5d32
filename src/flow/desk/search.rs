//! An agent looks for a conversation. What has an index is found wherever it is: the conversation's id, and the
//! contact's email, phone and external id. Addresses, names and parts of ids are looked for among the latest
//! conversations only.

use std::collections::HashMap;

use crate::domain::contact::Contact;
use crate::domain::conversation::{Conversation, Handle, phone_digits};
use crate::domain::ids::{ContactId, ConversationId};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::store::{Asked, ContactFilter, StoreError, Stored};

use super::board::Row;

/// Conversations that are answered at most.
pub const FOUND: usize = 50;
/// The latest conversations that are looked through.
pub const LOOKED_THROUGH: usize = 500;
/// Of which so many are read together.
const AT_ONCE: usize = 100;
/// Contacts with one email, phone or external id that are looked at.
const CONTACTS: usize = 20;
/// A text with fewer digits is nobody's phone number.
const PHONE_DIGITS: usize = 5;

/// Why a conversation was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its id is, or holds, what was looked for.
    Id,
    /// The customer's address there.
    Address,
    /// Somebody was verified there whose contact has this email, phone, external id or name.
    Contact,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Conversations, the surest first.
    pub rows: Vec<(Row, Why)>,
    /// The contacts by which some of them were found.
    pub contacts: Vec<Contact>,
    /// Whether there are more than are answered.
    pub more: bool,
}

/// What is looked for, and what is found so far.
struct Search<'a> {
    text: &'a str,
    lower: String,
    handle: Option<Handle>,
    digits: String,
    hits: Vec<(Stored<Conversation>, Why)>,
    contacts: Vec<Contact>,
}

impl Broker {
    /// Looks for conversations. The caller is told of the [`contacts`](Found::contacts), and notes that.
    pub async fn desk_search(&self, tenant: &Tenant, text: &str) -> Result<Found, StoreError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Found::default());
        }
        let mut search = Search::new(text);
        self.search_indexes(tenant, &mut search).await?;
        self.search_latest(tenant, &mut search).await?;
        let more = search.hits.len() > FOUND;
        search.hits.truncate(FOUND);
        let (conversations, whys): (Vec<_>, Vec<_>) = search.hits.into_iter().unzip();
        let rows = self.with_links(tenant, conversations).await?.into_iter().zip(whys).collect();
        Ok(Found { rows, contacts: search.contacts, more })
    }

    async fn search_indexes(&self, tenant: &Tenant, search: &mut Search<'_>) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        if let Ok(id) = search.text.parse::<ConversationId>()
            && let Some(found) = store.conversation(&id).await?
        {
            search.hit(found, Why::Id);
        }
        let mut filters = vec![ContactFilter::ExternalId(search.text.to_owned())];
        if search.text.contains('@') {
            filters.push(ContactFilter::Email(search.text.to_owned()));
        }
        if search.digits.len() >= PHONE_DIGITS {
            filters.push(ContactFilter::Phone(search.text.to_owned()));
        }
        for filter in filters {
            let ids = store.contact_ids(filter, None, CONTACTS).await?.items;
            for contact in store.contacts(&ids).await? {
                let at: Vec<_> = contact.value.conversations.iter().rev().map(|at| &at.id).collect();
                for found in store.conversations(at).await? {
                    search.hit(found, Why::Contact);
                }
                search.meet(contact.into_value());
            }
        }
        Ok(())
    }

    async fn search_latest(&self, tenant: &Tenant, search: &mut Search<'_>) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        let (mut cursor, mut looked_at) = (None::<String>, 0);
        while looked_at < LOOKED_THROUGH && search.hits.len() <= FOUND {
            let asked = Asked {
                cursor: cursor.as_deref(),
                limit: AT_ONCE,
                since: None,
                until: None,
                filter: "search",
            };
            let page = store.recent_conversations(&asked).await?;
            looked_at += page.items.len();
            let now = self.clock.now();
            let verified =
                page.items.iter().filter_map(|found| found.value.verified_at(now)?.contact_id.clone());
            let ids: Vec<ContactId> = verified.collect();
            let contacts = store.contacts(&ids).await?.into_iter().map(Stored::into_value);
            let contacts: HashMap<ContactId, Contact> =
                contacts.map(|contact| (contact.id.clone(), contact)).collect();
            for found in page.items {
                let verified = found.value.verified_at(now).and_then(|verified| verified.contact_id.as_ref());
                let contact = verified.and_then(|id| contacts.get(id));
                search.look_at(found, contact);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<'a> Search<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lower: text.to_lowercase(),
            handle: Handle::parse(text).ok(),
            digits: phone_digits(text),
            hits: Vec::new(),
            contacts: Vec::new(),
        }
    }

    fn look_at(&mut self, found: Stored<Conversation>, contact: Option<&Contact>) {
        let at = &found.value.at;
        if at.id.as_str().to_lowercase().contains(&self.lower) {
            return self.hit(found, Why::Id);
        }
        let same = |(ours, theirs): (&Handle, &Handle)| ours.is_same(theirs, at.channel);
        if at.handle.as_ref().zip(self.handle.as_ref()).is_some_and(same) {
            return self.hit(found, Why::Address);
        }
        if let Some(contact) = contact.filter(|contact| self.is_called_so(contact)) {
            self.meet(contact.clone());
            self.hit(found, Why::Contact);
        }
    }

    fn is_called_so(&self, contact: &Contact) -> bool {
        let names = [&contact.full_name, &contact.first_name, &contact.last_name, &contact.user_name];
        names.into_iter().flatten().any(|name| name.to_lowercase().contains(&self.lower))
            || contact.customer_number.eq_ignore_ascii_case(self.text)
    }

    fn hit(&mut self, found: Stored<Conversation>, why: Why) {
        if !self.hits.iter().any(|(known, _)| known.value.at.id == found.value.at.id) {
            self.hits.push((found, why));
        }
    }

    fn meet(&mut self, contact: Contact) {
        if !self.contacts.iter().any(|known| known.id == contact.id) {
            self.contacts.push(contact);
        }
    }
}
