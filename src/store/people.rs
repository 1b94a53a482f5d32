//! The changes of a transaction that concern contacts: the record, what it is found by, who it is at
//! which provider, and what an erasure must find again.

use crate::domain::contact::{Contact, Trace};
use crate::domain::ids::{ContactId, ProviderId};

use super::backend::Expect;
use super::hashed::{BY_EMAIL, BY_PHONE, EXTERNAL_ID};
use super::keys::{Listed, normal_email, normal_phone};
use super::read_people::FoundTrace;
use super::records::{ExternalOwner, Record, Stored, Survivor};
use super::tx::{CONTACTS, Op, Place, TRACES, Tx, hashed, identity_place};

impl Tx {
    /// A new contact: listed, and found by email, phone and external id. Somebody else's external id is a conflict.
    pub fn create_contact(&mut self, contact: &Contact) {
        let place = Place::Named(contact.id.as_str().to_owned());
        self.put(place, Some(Expect::Absent), contact, None);
        self.place(true, contact);
        for external in contact.external_ids() {
            self.own_external(external, &contact.id, Some(Expect::Absent));
        }
    }

    /// A changed contact. What it was found by before and is no longer, finds it no longer. `created_at` is fixed.
    /// Somebody else's external id is a conflict.
    pub fn update_contact(&mut self, stored: &Stored<Contact>, contact: &Contact) {
        self.replace_contact(stored, contact, None);
    }

    /// A contact that took in another one, whose record, identities and places go over to it; the other's id, and
    /// those that went up in it before, answer this one, as do the platform's ids of the other.
    pub fn merge_contact(&mut self, stored: &Stored<Contact>, merged: &Contact, other: &Stored<Contact>) {
        self.remove_contact(other);
        self.replace_contact(stored, merged, Some(other));
        for identity in &other.identities {
            let place = identity_place(&identity.provider, &identity.subject);
            self.put(place, None, &merged.id, None);
        }
        for id in other.merged_from.iter().chain([&other.id]) {
            self.put(Place::Named(id.as_str().to_owned()), None, &Survivor(merged.id.clone()), None);
        }
    }

    /// Erases a contact: its record, what it is found by, who it is at which provider, its tokens of providers, and the ids that
    /// answered it. Its traces stay, for whoever finishes the erasure.
    pub fn delete_contact(&mut self, stored: &Stored<Contact>) {
        self.remove_contact(stored);
        for identity in &stored.identities {
            self.forget::<ContactId>(identity_place(&identity.provider, &identity.subject));
        }
        self.forget_tokens_of(stored);
        for id in &stored.merged_from {
            self.forget::<Survivor>(Place::Named(id.as_str().to_owned()));
        }
    }

    /// Says that this person at this provider is this contact; somebody else's identity is a conflict.
    pub fn create_identity(&mut self, provider: &ProviderId, subject: &str, contact: &ContactId) {
        self.put(identity_place(provider, subject), Some(Expect::Absent), contact, None);
    }

    /// Says that this person at this provider is nobody whom we know any more.
    pub fn delete_identity(&mut self, provider: &ProviderId, subject: &str) {
        self.forget::<ContactId>(identity_place(provider, subject));
    }

    /// Notes where something of a contact stands outside of its record.
    pub fn trace(&mut self, contact: &ContactId, trace: &Trace) {
        self.traced(true, contact, trace.to_string().into_bytes());
    }

    /// Nothing of the contact stands there any more: takes a trace as it was read.
    pub fn untrace(&mut self, contact: &ContactId, found: &FoundTrace) {
        self.traced(false, contact, found.member.clone());
    }

    /// What `freed` was found by is free with this batch.
    fn replace_contact(&mut self, stored: &Stored<Contact>, contact: &Contact, freed: Option<&Contact>) {
        self.replace(stored, contact, None);
        for ((kind, before), (_, after)) in lookups(stored).into_iter().zip(lookups(contact)) {
            if before != after {
                if let Some(text) = before {
                    self.member(false, hashed(kind, &text), kind, stored);
                }
                if let Some(text) = after {
                    self.member(true, hashed(kind, &text), kind, contact);
                }
            }
        }
        let has = |contact: &Contact, wanted: &String| contact.external_ids().any(|id| id == wanted);
        for before in stored.external_ids().filter(|id| !has(contact, id)) {
            self.forget::<ExternalOwner>(hashed(EXTERNAL_ID, before));
        }
        for after in contact.external_ids().filter(|id| !has(stored, id)) {
            let is_free = freed.is_some_and(|freed| has(freed, after));
            self.own_external(after, &contact.id, (!is_free).then_some(Expect::Absent));
        }
    }

    /// Takes a contact's record, if it is as it was read, and all its places.
    fn remove_contact(&mut self, stored: &Stored<Contact>) {
        self.ops.push(Op::Expect(stored.key.clone(), stored.version));
        self.ops.push(Op::Delete(stored.key.clone()));
        self.place(false, stored);
        for external in stored.external_ids() {
            self.forget::<ExternalOwner>(hashed(EXTERNAL_ID, external));
        }
    }

    fn place(&mut self, is_in: bool, contact: &Contact) {
        self.member(is_in, Place::Only, CONTACTS, contact);
        for (kind, text) in lookups(contact) {
            if let Some(text) = text {
                self.member(is_in, hashed(kind, &text), kind, contact);
            }
        }
    }

    fn own_external(&mut self, external: &str, contact: &ContactId, expect: Option<Expect>) {
        self.put(hashed(EXTERNAL_ID, external), expect, &ExternalOwner(contact.clone()), None);
    }

    pub(super) fn forget<R: Record>(&mut self, place: Place) {
        self.ops.push(Op::Forget { kind: R::KIND, place });
    }

    pub(super) fn member(&mut self, is_in: bool, set: Place, set_kind: &'static str, contact: &Contact) {
        self.list(is_in, set, set_kind, Listed::new(contact.created_at, &contact.id).into_member());
    }

    fn traced(&mut self, is_in: bool, contact: &ContactId, member: Vec<u8>) {
        let set = Place::Named(contact.as_str().to_owned());
        self.list(is_in, set, TRACES, member);
    }
}

/// What a contact is found by in lists, in normal form.
pub(super) fn lookups(contact: &Contact) -> [(&'static str, Option<String>); 2] {
    [
        (BY_EMAIL, contact.email.as_deref().map(normal_email)),
        (BY_PHONE, contact.phone.as_deref().map(normal_phone)),
    ]
}
