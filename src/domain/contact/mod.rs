//! The contact: the platform's record of a person (DESIGN §5.5). This file holds the record and its
//! fields; beside it stand the ways in which it changes.
//!
//! | file | who changes it |
//! |---|---|
//! | [`enrich`] | a sign-in, by the tenant's policy |
//! | [`edit`] | a client: a patch, an undo, an answer to a suggestion |
//! | [`prove`] | a customer: who got an emailed code, and who takes a sign-in away |
//! | [`merge`] | a client that says that two records are one person |
//! | [`trace`] | nobody: what an erasure must find again |
//!
//! To add a way: 1. a file here with a method of [`Contact`] that answers the [`Change`]s, 2. its
//! use case in `flow/contacts/`, which counts the version and tells of it.

pub mod edit;
pub mod enrich;
pub mod merge;
pub mod prove;
pub mod trace;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::conversation::ConversationRef;
use super::ids::{ContactId, LinkId, ProviderId};
use super::profile::ProfileField;

pub use edit::{Edit, EditError};
pub use enrich::EnrichSource;
pub use merge::MergeError;
pub use trace::Trace;

/// The record of a person.
// Its JSON is the API's.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// Our id.
    pub id: ContactId,
    /// The platform's id.
    #[schema(required)]
    pub external_id: Option<String>,
    /// A short number for people.
    #[schema(examples("CUST-000001"))]
    pub customer_number: String,
    /// An email address, as the provider wrote it.
    #[schema(required)]
    pub email: Option<String>,
    /// A phone number, as the provider wrote it.
    #[schema(required)]
    pub phone: Option<String>,
    /// Given name.
    #[schema(required)]
    pub first_name: Option<String>,
    /// Family name.
    #[schema(required)]
    pub last_name: Option<String>,
    /// The whole name.
    #[schema(required)]
    pub full_name: Option<String>,
    /// The name at the provider.
    #[schema(required)]
    pub user_name: Option<String>,
    /// A language tag.
    #[schema(required)]
    pub locale: Option<String>,
    /// Everything else that a mapping named.
    pub fields: Map<String, Value>,
    /// Who this is at which provider.
    pub identities: Vec<Identity>,
    /// Where each field came from, by its name.
    pub provenance: BTreeMap<String, Provenance>,
    /// Values that wait for a person to accept them, by field.
    pub suggestions: BTreeMap<String, Suggestion>,
    /// In which conversations this person was verified, newest last, at most 50.
    pub conversations: Vec<ConversationRef>,
    /// Records that were merged into this one; their ids answer this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<ContactId>,
    /// Ids that the platform had given to records that were merged into this one: they find it, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_external_ids: Vec<String>,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// Counts the changes, from 1.
    pub version: u64,
}

/// Who a contact is at a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The provider.
    pub provider: ProviderId,
    /// The person there.
    pub subject: String,
    /// Since when we know.
    pub linked_at: Timestamp,
}

/// Where a field's value came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// `provider`, `email_code` for an address that got a code, `auth_link` for what a link's order said, or who typed
    /// it: `client:acme-bot`, `customer:ct_…`.
    pub source: String,
    /// At which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// By which link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_link_id: Option<LinkId>,
    /// When the value was read at its source.
    pub at: Timestamp,
    /// Whether the provider, or an emailed code, vouches for this email or phone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub verified: bool,
    /// What stood there before, which an undo restores; null if the field was blank. Left out if there is nothing
    /// to undo.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub previous: Option<Value>,
}

/// A value that waits for a person to accept it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The proposed value.
    pub value: Value,
    /// Where it came from.
    pub provenance: Provenance,
}

/// One changed field, old and new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Which.
    pub field: String,
    /// Its value before.
    pub from: Value,
    /// Its value now.
    pub to: Value,
}

/// A member that is there, also if it is null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Provenance {
    /// A value that a client typed, or took back.
    pub fn typed(source: &str, at: Timestamp) -> Self {
        Self {
            source: source.to_owned(),
            provider: None,
            auth_link_id: None,
            at,
            verified: false,
            previous: None,
        }
    }
}

impl Change {
    fn new(field: &str, from: Option<Value>, to: Option<Value>) -> Self {
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        Self { field: field.to_owned(), from, to }
    }
}

/// The name of the platform's id among the fields.
pub const EXTERNAL_ID: &str = "externalId";
/// How a field of the same name is called that a mapping makes: it is another one.
const FIELD_EXTERNAL_ID: &str = "fields.externalId";
/// How many conversations a contact remembers.
const CONVERSATIONS: usize = 50;
/// How many fields without a meaning of their own a contact has: an answer whose names change with
/// every sign-in must not make the record grow for ever.
const FIELDS: usize = 500;

impl Contact {
    /// A record about which nothing is known yet.
    pub fn new(id: ContactId, number: u64, now: Timestamp) -> Self {
        Self {
            id,
            external_id: None,
            customer_number: format!("CUST-{number:06}"),
            email: None,
            phone: None,
            first_name: None,
            last_name: None,
            full_name: None,
            user_name: None,
            locale: None,
            fields: Map::new(),
            identities: Vec::new(),
            provenance: BTreeMap::new(),
            suggestions: BTreeMap::new(),
            conversations: Vec::new(),
            merged_from: Vec::new(),
            merged_external_ids: Vec::new(),
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// Whether it takes no further fields.
    pub fn is_full(&self) -> bool {
        self.fields.len() >= FIELDS || self.suggestions.len() >= FIELDS
    }

    /// Notes that this person was verified in a conversation.
    pub fn remember_conversation(&mut self, conversation: &ConversationRef) {
        self.conversations.retain(|known| known.id != conversation.id);
        self.conversations.push(conversation.clone());
        let beyond = self.conversations.len().saturating_sub(CONVERSATIONS);
        self.conversations.drain(..beyond);
    }

    /// Notes who this is at a provider, once.
    pub fn link_identity(&mut self, provider: &ProviderId, subject: &str, now: Timestamp) {
        let known = |identity: &Identity| identity.provider == *provider && identity.subject == subject;
        if !self.identities.iter().any(known) {
            let (provider, subject) = (provider.clone(), subject.to_owned());
            self.identities.push(Identity { provider, subject, linked_at: now });
        }
    }

    /// Whether it is somebody at this provider already.
    pub fn is_known_at(&self, provider: &ProviderId) -> bool {
        self.identities.iter().any(|identity| identity.provider == *provider)
    }

    /// Whether this is its id, or the id of one that was merged into it.
    pub fn answers_to(&self, id: &ContactId) -> bool {
        self.id == *id || self.merged_from.contains(id)
    }

    /// Counts a change.
    pub fn touch(&mut self, now: Timestamp) {
        self.updated_at = now;
        self.version += 1;
    }

    /// The value of a field, whether known or not.
    pub fn value(&self, name: &str) -> Option<Value> {
        match self.known(name) {
            Some(slot) => slot.clone().map(Value::String),
            None => self.fields.get(own_name(name)).cloned(),
        }
    }

    /// Every id by which the platform knows this person, its own one first.
    pub fn external_ids(&self) -> impl Iterator<Item = &String> {
        self.external_id.iter().chain(&self.merged_external_ids)
    }

    /// Sets or blanks a field. A known one takes texts only.
    fn set(&mut self, name: &str, value: Option<Value>) {
        if name == EXTERNAL_ID {
            self.choose_external_id(value.as_ref().and_then(Value::as_str));
        }
        match (self.known_mut(name), value) {
            (Some(slot), Some(Value::String(text))) => *slot = Some(text),
            (Some(slot), None) => *slot = None,
            (Some(_), Some(_)) => {}
            (None, Some(value)) => {
                self.fields.insert(own_name(name).to_owned(), value);
            }
            (None, None) => {
                self.fields.shift_remove(own_name(name));
            }
        }
    }

    /// Who takes the id of a merged record as the person's own one has both, as before. Who takes the platform's id
    /// away says that the platform has none for this person: those of merged records go with it.
    fn choose_external_id(&mut self, chosen: Option<&str>) {
        let known = chosen.map(|chosen| self.merged_external_ids.iter().position(|id| id == chosen));
        match known {
            Some(Some(at)) => {
                self.merged_external_ids.remove(at);
                self.merged_external_ids.extend(self.external_id.take());
            }
            Some(None) => {}
            None => self.merged_external_ids.clear(),
        }
    }

    /// Whether a value for this field finds room.
    fn has_room_for(&self, name: &str) -> bool {
        let is_there = self.value(name).is_some() || self.suggestions.contains_key(name);
        is_there || self.known(name).is_some() || !self.is_full()
    }

    /// The name of every field that has a value.
    fn names(&self) -> Vec<String> {
        let known = ProfileField::ALL.into_iter().map(ProfileField::as_str).chain([EXTERNAL_ID]);
        let known = known.filter(|name| self.known(name).is_some_and(Option::is_some)).map(str::to_owned);
        known.chain(self.fields.keys().map(|name| listed_name(name).to_owned())).collect()
    }

    /// The slot of a field that has a meaning of its own. `userId` has none: it is an identity's subject.
    fn known(&self, name: &str) -> Option<&Option<String>> {
        if name == EXTERNAL_ID {
            return Some(&self.external_id);
        }
        Some(match ProfileField::named(name)? {
            ProfileField::Email => &self.email,
            ProfileField::UserName => &self.user_name,
            ProfileField::FullName => &self.full_name,
            ProfileField::FirstName => &self.first_name,
            ProfileField::LastName => &self.last_name,
            ProfileField::Phone => &self.phone,
            ProfileField::Locale => &self.locale,
            ProfileField::UserId => return None,
        })
    }

    fn known_mut(&mut self, name: &str) -> Option<&mut Option<String>> {
        if name == EXTERNAL_ID {
            return Some(&mut self.external_id);
        }
        Some(match ProfileField::named(name)? {
            ProfileField::Email => &mut self.email,
            ProfileField::UserName => &mut self.user_name,
            ProfileField::FullName => &mut self.full_name,
            ProfileField::FirstName => &mut self.first_name,
            ProfileField::LastName => &mut self.last_name,
            ProfileField::Phone => &mut self.phone,
            ProfileField::Locale => &mut self.locale,
            ProfileField::UserId => return None,
        })
    }
}

/// Under which name provenance, suggestions and changes speak of a field of `fields`.
fn listed_name(own: &str) -> &str {
    if own == EXTERNAL_ID { FIELD_EXTERNAL_ID } else { own }
}

/// The name of such a field within `fields`.
fn own_name(listed: &str) -> &str {
    if listed == FIELD_EXTERNAL_ID { EXTERNAL_ID } else { listed }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A contact about which nothing is known, for the tests of the files beside this one.
    pub(super) fn contact(id: u128) -> Contact {
        Contact::new(ContactId::from_uuid(uuid::Uuid::from_u128(id)), 1, read_at(0))
    }

    pub(super) fn read_at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_platforms_id_and_a_field_of_the_same_name_are_two() {
        let mut contact = contact(1);
        contact.set(EXTERNAL_ID, Some("crm-1".into()));
        contact.set(FIELD_EXTERNAL_ID, Some("theirs".into()));
        assert_eq!(
            (contact.external_id.as_deref(), &contact.fields["externalId"]),
            (Some("crm-1"), &"theirs".into())
        );
        assert_eq!(contact.names(), [EXTERNAL_ID, FIELD_EXTERNAL_ID]);
        contact.set(EXTERNAL_ID, None);
        assert_eq!(
            (contact.value(EXTERNAL_ID), contact.value(FIELD_EXTERNAL_ID)),
            (None, Some("theirs".into()))
        );
    }

    #[test]
    fn the_oldest_conversations_are_forgotten() {
        let mut contact = contact(1);
        for number in 0..60 {
            let at = serde_json::json!({"id": format!("c{number}"), "channel": "sms"});
            contact.remember_conversation(&serde_json::from_value(at).unwrap());
        }
        assert_eq!(
            (contact.conversations.len(), contact.conversations[0].id.as_str()),
            (CONVERSATIONS, "c10")
        );
    }

    #[test]
    fn a_record_from_before_merges_is_still_read() {
        let mut value = serde_json::to_value(contact(1)).unwrap();
        assert!(value.get("mergedFrom").is_none(), "{value}");
        value["provenance"] = serde_json::json!({"email": {"source": "provider", "at": read_at(1)}});
        let read: Contact = serde_json::from_value(value).unwrap();
        assert!(read.merged_from.is_empty() && !read.provenance["email"].verified);
    }
}
