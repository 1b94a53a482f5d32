//! A sign-in enriches a contact: what its profile may do to each field is the tenant's policy.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::profile::{Profile, ProfileField};
use crate::domain::provider::{Enrich, EnrichPolicy};

use super::{Change, Contact, EXTERNAL_ID, Provenance, Suggestion, listed_name};

/// The sign-in that enriches a contact.
#[derive(Debug, Clone)]
pub struct EnrichSource {
    /// At which provider.
    pub provider: ProviderId,
    /// By which link; none for a sign-in to an app.
    pub link: Option<LinkId>,
    /// When the provider's answer was read; an older answer never overwrites a newer one.
    pub read_at: Timestamp,
    /// Whether the provider vouches for the email.
    pub email_verified: bool,
    /// Whether the provider vouches for the phone.
    pub phone_verified: bool,
}

impl EnrichSource {
    fn vouches_for(&self, name: &str) -> bool {
        match ProfileField::named(name) {
            Some(ProfileField::Email) => self.email_verified,
            Some(ProfileField::Phone) => self.phone_verified,
            _ => false,
        }
    }
}

impl Contact {
    /// Writes a profile into the record by the tenant's policy and says what changed. It never
    /// blanks a field, and never lets an older answer overwrite a newer one.
    pub fn enrich(&mut self, profile: &Profile, policy: &EnrichPolicy, source: &EnrichSource) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, value) in profile.iter() {
            let blank = value.is_null() || value.as_str().is_some_and(str::is_empty);
            if !blank {
                changes.extend(self.enrich_field(listed_name(name), value, policy.of(name), source));
            }
        }
        changes
    }

    /// Takes the id by which the platform expects this person. The record is a new one.
    pub fn take_external_id(&mut self, external_id: &str, source: &EnrichSource) -> Change {
        self.external_id = Some(external_id.to_owned());
        let provenance = Provenance {
            source: "auth_link".to_owned(),
            provider: None,
            auth_link_id: source.link.clone(),
            at: source.read_at,
            verified: false,
            previous: Some(Value::Null),
        };
        self.provenance.insert(EXTERNAL_ID.to_owned(), provenance);
        Change::new(EXTERNAL_ID, None, Some(external_id.into()))
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
        if rule == Enrich::Ignore || newer || !self.has_room_for(name) {
            return None;
        }
        if current.as_ref() == Some(value) {
            self.confirm(name, source);
            return None;
        }
        let provenance = Provenance {
            source: "provider".to_owned(),
            provider: Some(source.provider.clone()),
            auth_link_id: source.link.clone(),
            at: source.read_at,
            verified: source.vouches_for(name),
            previous: Some(current.clone().unwrap_or_default()),
        };
        let fills = current.is_none() && rule != Enrich::Suggest;
        if fills || rule == Enrich::Overwrite {
            self.set(name, Some(value.clone()));
            self.provenance.insert(name.to_owned(), provenance);
            return Some(Change::new(name, current, Some(value.clone())));
        }
        let newer = self.suggestions.get(name).is_some_and(|known| known.provenance.at > source.read_at);
        if rule == Enrich::Suggest && !newer {
            self.suggestions.insert(name.to_owned(), Suggestion { value: value.clone(), provenance });
        }
        None
    }

    /// The provider says again what stands there: an answer from before this one is older now.
    fn confirm(&mut self, name: &str, source: &EnrichSource) {
        let Some(known) = self.provenance.get_mut(name) else { return };
        if known.provider.as_ref() == Some(&source.provider) {
            known.at = source.read_at;
            known.auth_link_id.clone_from(&source.link);
            known.verified = source.vouches_for(name);
        }
        // Whoever says it first, and whoever vouches for it: the value is the same.
        known.verified |= source.vouches_for(name);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_at;
    use super::*;

    fn contact() -> Contact {
        super::super::tests::contact(1)
    }

    fn source(provider: &str, second: i64, email_verified: bool) -> EnrichSource {
        EnrichSource {
            provider: provider.parse().unwrap(),
            link: Some(LinkId::from_uuid(uuid::Uuid::from_u128(2))),
            read_at: read_at(second),
            email_verified,
            phone_verified: false,
        }
    }

    fn policy(rule: Enrich) -> EnrichPolicy {
        EnrichPolicy { fields: [("email".to_owned(), rule)].into(), ..EnrichPolicy::default() }
    }

    fn email(text: &str) -> Profile {
        let mut profile = Profile::default();
        profile.set_text(ProfileField::Email, text);
        profile
    }

    /// An answer that was read at `second` and says this email, under this rule.
    fn hear(contact: &mut Contact, rule: Enrich, second: i64, text: &str) -> usize {
        contact.enrich(&email(text), &policy(rule), &source("acme", second, false)).len()
    }

    #[test]
    fn a_value_is_verified_as_long_as_somebody_vouches_for_it() {
        let mut contact = contact();
        let mut hear = |provider, second, text, verified| {
            contact.enrich(&email(text), &policy(Enrich::Overwrite), &source(provider, second, verified));
            contact.provenance["email"].verified
        };
        assert!(!hear("acme", 1, "a@acme.example", false));
        assert!(hear("other", 2, "a@acme.example", true), "another provider vouches for the same value");
        assert!(!hear("acme", 3, "a@acme.example", false), "the one who said it no longer does");
        assert!(hear("acme", 4, "a@acme.example", true));
        assert!(!hear("acme", 5, "b@acme.example", false), "another value");
    }

    #[test]
    fn a_field_that_a_sign_in_has_filled_can_be_blanked_again() {
        let mut contact = contact();
        hear(&mut contact, Enrich::Fill, 1, "a@acme.example");
        let read: Contact = serde_json::from_value(serde_json::to_value(&contact).unwrap()).unwrap();
        let change = {
            contact = read;
            contact.undo("email", "client:crm", read_at(2)).unwrap()
        };
        assert_eq!((change.to, contact.email), (Value::Null, None));
    }

    #[test]
    fn a_field_that_is_called_as_the_platforms_id_is_not_the_platforms_id() {
        let mut contact = contact();
        let mut profile = Profile::default();
        profile.set_extra("externalId", "theirs".into());
        let changes = contact.enrich(&profile, &EnrichPolicy::default(), &source("acme", 1, false));
        assert_eq!((contact.external_id, &contact.fields["externalId"]), (None, &"theirs".into()));
        assert_eq!(
            (changes[0].field.as_str(), contact.provenance.contains_key(EXTERNAL_ID)),
            ("fields.externalId", false)
        );
    }

    #[test]
    fn a_new_contact_takes_the_platforms_id() {
        let mut contact = contact();
        let change = contact.take_external_id("crm-1", &source("acme", 1, false));
        assert_eq!((change.to, contact.external_id.as_deref()), ("crm-1".into(), Some("crm-1")));
        assert_eq!(contact.provenance[EXTERNAL_ID].source, "auth_link");
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
            contact.enrich(&profile, &policy, &source("acme", round, false));
        }
        assert_eq!((contact.fields.len(), contact.is_full()), (super::super::FIELDS, true));
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
