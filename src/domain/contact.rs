//! The contact: the platform's record of a person, and how a profile enriches it (DESIGN §5.5).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::conversation::ConversationRef;
use super::ids::{ContactId, LinkId, ProviderId};
use super::profile::{Profile, ProfileField};
use super::provider::{Enrich, EnrichPolicy};

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
    /// `provider`, or who typed it.
    pub source: String,
    /// At which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// By which link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_link_id: Option<LinkId>,
    /// When the value was read at its source.
    pub at: Timestamp,
    /// What stood there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// The sign-in that enriches a contact.
#[derive(Debug, Clone)]
pub struct EnrichSource {
    /// At which provider.
    pub provider: ProviderId,
    /// By which link.
    pub link: LinkId,
    /// When the provider's answer was read; an older answer never overwrites a newer one.
    pub read_at: Timestamp,
}

/// One changed field, old and new.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Which.
    pub field: String,
    /// Its value before.
    pub from: Value,
    /// Its value now.
    pub to: Value,
}

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
            created_at: now,
            updated_at: now,
            version: 0,
        }
    }

    /// Writes a profile into the record by the tenant's policy and says what changed. It never
    /// blanks a field, and never lets an older answer overwrite a newer one.
    pub fn enrich(&mut self, profile: &Profile, policy: &EnrichPolicy, source: &EnrichSource) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, value) in profile.iter() {
            let blank = value.is_null() || value.as_str().is_some_and(str::is_empty);
            if !blank {
                changes.extend(self.enrich_field(name, value, policy.of(name), source));
            }
        }
        changes
    }

    /// Whether it takes no further fields.
    pub fn is_full(&self) -> bool {
        self.fields.len() >= FIELDS || self.suggestions.len() >= FIELDS
    }

    /// Notes that this person was verified in a conversation.
    pub fn remember_conversation(&mut self, conversation: &ConversationRef) {
        self.conversations.retain(|known| known.id != conversation.id);
        self.conversations.push(conversation.clone());
        if self.conversations.len() > CONVERSATIONS {
            self.conversations.remove(0);
        }
    }

    /// Notes who this is at a provider, once.
    pub fn link_identity(&mut self, provider: &ProviderId, subject: &str, now: Timestamp) {
        let known = |identity: &Identity| identity.provider == *provider && identity.subject == subject;
        if !self.identities.iter().any(known) {
            let (provider, subject) = (provider.clone(), subject.to_owned());
            self.identities.push(Identity { provider, subject, linked_at: now });
        }
    }

    /// The value of a field, whether known or not.
    pub fn value(&self, name: &str) -> Option<Value> {
        match self.known(name) {
            Some(slot) => slot.clone().map(Value::String),
            None => self.fields.get(name).cloned(),
        }
    }

    fn enrich_field(
        &mut self,
        name: &str,
        value: &Value,
        rule: Enrich,
        source: &EnrichSource,
    ) -> Option<Change> {
        let current = self.value(name);
        let newer = self.provenance.get(name).is_some_and(|known| known.at > source.read_at);
        let unknown = current.is_none() && !self.suggestions.contains_key(name);
        let no_room = unknown && ProfileField::named(name).is_none() && self.is_full();
        if rule == Enrich::Ignore || newer || no_room {
            return None;
        }
        if current.as_ref() == Some(value) {
            self.confirm(name, source);
            return None;
        }
        let provenance = Provenance {
            source: "provider".to_owned(),
            provider: Some(source.provider.clone()),
            auth_link_id: Some(source.link.clone()),
            at: source.read_at,
            previous: current.clone(),
        };
        let fills = current.is_none() && rule != Enrich::Suggest;
        if fills || rule == Enrich::Overwrite {
            self.set(name, value.clone());
            self.provenance.insert(name.to_owned(), provenance);
            let from = current.unwrap_or(Value::Null);
            return Some(Change { field: name.to_owned(), from, to: value.clone() });
        }
        let newer = self.suggestions.get(name).is_some_and(|known| known.provenance.at > source.read_at);
        if rule == Enrich::Suggest && !newer {
            self.suggestions.insert(name.to_owned(), Suggestion { value: value.clone(), provenance });
        }
        None
    }

    /// The provider says again what stands there: an answer from before this one is older now.
    fn confirm(&mut self, name: &str, source: &EnrichSource) {
        if let Some(known) = self.provenance.get_mut(name)
            && known.provider.as_ref() == Some(&source.provider)
        {
            known.at = source.read_at;
            known.auth_link_id = Some(source.link.clone());
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        match (self.known_mut(name), value) {
            (Some(slot), Value::String(text)) => *slot = Some(text),
            (Some(_), _) => {}
            (None, value) => {
                self.fields.insert(name.to_owned(), value);
            }
        }
    }

    /// The slot of a field that has a meaning of its own. `userId` has none: it is an identity's subject.
    fn known(&self, name: &str) -> Option<&Option<String>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn contact() -> Contact {
        Contact::new(ContactId::from_uuid(uuid::Uuid::from_u128(1)), 1, read_at(0))
    }

    fn read_at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An answer that was read at `second` and says this email, under this rule.
    fn hear(contact: &mut Contact, rule: Enrich, second: i64, email: &str) -> usize {
        let mut profile = Profile::default();
        profile.set_text(ProfileField::Email, email);
        let policy = EnrichPolicy { fields: [("email".to_owned(), rule)].into(), ..EnrichPolicy::default() };
        let source = EnrichSource {
            provider: "acme".parse().unwrap(),
            link: LinkId::from_uuid(uuid::Uuid::from_u128(2)),
            read_at: read_at(second),
        };
        contact.enrich(&profile, &policy, &source).len()
    }

    #[test]
    fn a_field_is_filled_once_and_overwritten_by_a_newer_answer_only() {
        let mut filled = contact();
        assert_eq!(hear(&mut filled, Enrich::Fill, 1, "a@acme.example"), 1);
        assert_eq!(hear(&mut filled, Enrich::Fill, 2, "b@acme.example"), 0);
        let mut overwritten = contact();
        hear(&mut overwritten, Enrich::Overwrite, 2, "b@acme.example");
        assert_eq!(hear(&mut overwritten, Enrich::Overwrite, 1, "a@acme.example"), 0);
        assert_eq!(hear(&mut overwritten, Enrich::Overwrite, 3, "c@acme.example"), 1);
        assert_eq!(overwritten.provenance["email"].previous, Some("b@acme.example".into()));
        assert_eq!(hear(&mut overwritten, Enrich::Ignore, 4, "d@acme.example"), 0);
        assert_eq!(overwritten.email.as_deref(), Some("c@acme.example"));
    }

    #[test]
    fn an_answer_from_before_a_confirmation_does_not_overwrite_what_was_confirmed() {
        let mut contact = contact();
        hear(&mut contact, Enrich::Overwrite, 1, "now@acme.example");
        assert_eq!(hear(&mut contact, Enrich::Overwrite, 3, "now@acme.example"), 0);
        assert_eq!(hear(&mut contact, Enrich::Overwrite, 2, "old@acme.example"), 0);
        assert_eq!(contact.email.as_deref(), Some("now@acme.example"));
    }

    #[test]
    fn an_answer_with_ever_new_names_does_not_grow_the_record_for_ever() {
        let mut contact = contact();
        for round in 0..3 {
            let mut profile = Profile::default();
            (0..400).for_each(|n| profile.set_extra(format!("f{round}-{n}"), n.into()));
            profile.set_text(ProfileField::Email, format!("{round}@acme.example"));
            let policy = EnrichPolicy {
                fields: [("email".to_owned(), Enrich::Overwrite)].into(),
                ..EnrichPolicy::default()
            };
            let (provider, link) = ("acme".parse().unwrap(), LinkId::from_uuid(uuid::Uuid::from_u128(2)));
            contact.enrich(&profile, &policy, &EnrichSource { provider, link, read_at: read_at(round) });
        }
        assert_eq!((contact.fields.len(), contact.is_full()), (FIELDS, true));
        assert_eq!(contact.email.as_deref(), Some("2@acme.example"), "the known fields have room");
    }

    #[test]
    fn an_older_answer_does_not_replace_a_newer_suggestion() {
        let mut contact = contact();
        hear(&mut contact, Enrich::Suggest, 2, "new@acme.example");
        hear(&mut contact, Enrich::Suggest, 1, "old@acme.example");
        assert_eq!(contact.suggestions["email"].value, "new@acme.example");
        assert_eq!(contact.email, None, "a suggestion waits for a person");
    }
}
