//! A transaction: changes of one tenant that are done together or not at all. It is pure; keys,
//! hashes and seals are made at commit.

use std::borrow::Borrow;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::domain::audit::AuditEntry;
use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ContactId, ProviderId};
use crate::domain::link::Link;
use crate::domain::request::AuthorizationRequest;

use super::backend::{Expect, Key, Version};
use super::hashed::{BY_EMAIL, BY_EXTERNAL_ID, BY_PHONE, CONVERSATION, IDENTITY, TOKEN, check_purpose};
use super::keys::{DueKind, Listed, name_of, normal_email, normal_phone};
use super::records::{Record, Stored};

/// How long a link is kept after it was made (DESIGN §3).
pub const LINK_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Frees a link's space if the sweep does not come.
pub(super) const LINK_TTL: SignedDuration = SignedDuration::from_hours(31 * 24);
/// A finished authorization request shows its outcome to the same browser a little longer than it lives.
const REQUEST_TTL: SignedDuration = SignedDuration::from_mins(30);

/// Sets and logs of a tenant.
pub(super) const CONTACTS: &str = "contacts";
pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const EVENTS: &str = "events";
pub(super) const AUDITS: &str = "audits";

/// Changes of one tenant. Collect them, then [`commit`](super::TenantStore::commit) them.
#[derive(Default)]
pub struct Tx {
    pub(super) ops: Vec<Op>,
    /// The types of its events, to be counted once they are written.
    pub(super) events: Vec<EventType>,
}

/// One change.
pub(super) enum Op {
    Put {
        kind: &'static str,
        place: Place,
        expect: Option<Expect>,
        plain: Zeroizing<Vec<u8>>,
        /// After this its space may be freed.
        until: Option<Timestamp>,
    },
    Delete(Key),
    Expect(Key, Version),
    Member {
        is_in: bool,
        set: Place,
        set_kind: &'static str,
        member: Name,
    },
    Append {
        log: &'static str,
        entry: Vec<u8>,
    },
    Due {
        is_in: bool,
        kind: DueKind,
        at: Timestamp,
        id: Name,
    },
}

/// What stands in a set, and what is due.
pub(super) enum Name {
    /// These bytes.
    Is(Vec<u8>),
    /// The keyed hash of a text, under which its record stands.
    Hashed(&'static str, Zeroizing<String>),
}

/// The name of a record or set within its kind.
pub(super) enum Place {
    /// The only one of its kind.
    Only,
    /// One of our ids or hashes.
    Named(String),
    /// By the keyed hash of a text.
    Hashed(&'static str, Zeroizing<String>),
    /// As it was read.
    Known(Key),
    /// By the keyed hash of a text; it stood under the previous index key until now.
    Moved(Key, &'static str, Zeroizing<String>),
}

impl Tx {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// A new link: found by its id and its token, due at its expiry and when it has been kept for long enough.
    pub fn create_link(&mut self, link: &Link) {
        let until = Some(link.created_at + LINK_TTL);
        let id = link.id.as_str();
        self.put(Place::Named(id.to_owned()), Some(Expect::Absent), link, until);
        self.put(hashed(TOKEN, link.token.expose()), Some(Expect::Absent), &link.id, until);
        self.due(DueKind::LinkExpiry, link.expires_at, id);
        self.due(DueKind::LinkSweep, link.created_at + LINK_KEPT, id);
    }

    /// A changed link. A final one is no longer due at its expiry.
    pub fn update_link(&mut self, stored: &Stored<Link>, link: &Link) {
        self.replace(stored, link, Some(link.created_at + LINK_TTL));
        let awaits = |link: &Link| (!link.status().is_final()).then_some(link.expires_at);
        let (before, after) = (awaits(stored), awaits(link));
        if before != after {
            let id = link.id.as_str();
            if let Some(at) = before {
                self.not_due(DueKind::LinkExpiry, at, id);
            }
            if let Some(at) = after {
                self.due(DueKind::LinkExpiry, at, id);
            }
        }
    }

    /// A new authorization request, found by its state: its `key` is
    /// [`request_key`](super::TenantStore::request_key) of it, by which others refer to it already.
    pub fn create_request(&mut self, request: &AuthorizationRequest) {
        let until = Some(request.expires_at + REQUEST_TTL);
        self.put(Place::Named(request.key.clone()), Some(Expect::Absent), request, until);
    }

    /// A changed authorization request.
    pub fn update_request(&mut self, stored: &Stored<AuthorizationRequest>, request: &AuthorizationRequest) {
        self.replace(stored, request, Some(request.expires_at + REQUEST_TTL));
    }

    /// Forgets an authorization request.
    pub fn delete_request(&mut self, stored: &Stored<AuthorizationRequest>) {
        self.ops.push(Op::Expect(stored.key.clone(), stored.version));
        self.ops.push(Op::Delete(stored.key.clone()));
    }

    /// A new conversation, or a change of the `stored` one. Where somebody is verified it is due when that ends.
    pub fn put_conversation(&mut self, stored: Option<&Stored<Conversation>>, conversation: &Conversation) {
        let until =
            |conversation: &Conversation| conversation.verified.as_ref().map(|verified| verified.until);
        let id = || Zeroizing::new(conversation.at.id.as_str().to_owned());
        let lapse = match stored {
            Some(stored) if !stored.outdated => {
                self.replace(stored, conversation, None);
                let news = until(conversation).filter(|_| until(stored) != until(conversation));
                news.map(|until| (until, Name::Is(name_of(&stored.key).into())))
            }
            Some(stored) => {
                let place = Place::Moved(stored.key.clone(), CONVERSATION, id());
                self.put(place, Some(Expect::At(stored.version)), conversation, None);
                self.conversation_listed(false, Name::Is(name_of(&stored.key).into()));
                self.conversation_listed(true, Name::Hashed(CONVERSATION, id()));
                until(conversation).map(|until| (until, Name::Hashed(CONVERSATION, id())))
            }
            None => {
                self.put(hashed(CONVERSATION, &id()), Some(Expect::Absent), conversation, None);
                self.conversation_listed(true, Name::Hashed(CONVERSATION, id()));
                until(conversation).map(|until| (until, Name::Hashed(CONVERSATION, id())))
            }
        };
        if let Some((at, id)) = lapse {
            self.ops.push(Op::Due { is_in: true, kind: DueKind::ConversationLapse, at, id });
        }
    }

    /// A new contact: listed, and found by email, phone and external id.
    pub fn create_contact(&mut self, contact: &Contact) {
        let place = Place::Named(contact.id.as_str().to_owned());
        self.put(place, Some(Expect::Absent), contact, None);
        self.member(true, Place::Only, CONTACTS, contact);
        for (kind, text) in lookups(contact) {
            if let Some(text) = text {
                self.member(true, hashed(kind, &text), kind, contact);
            }
        }
    }

    /// A changed contact. What it was found by before and is no longer, finds it no longer. `created_at` is fixed.
    pub fn update_contact(&mut self, stored: &Stored<Contact>, contact: &Contact) {
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
    }

    /// Says that this person at this provider is this contact; somebody else's identity is a conflict.
    pub fn create_identity(&mut self, provider: &ProviderId, subject: &str, contact: &ContactId) {
        self.put(identity_place(provider, subject), Some(Expect::Absent), contact, None);
    }

    /// Demands that an identity has not changed since it was read.
    pub fn expect_identity(&mut self, stored: &Stored<ContactId>) {
        self.ops.push(Op::Expect(stored.key.clone(), stored.version));
    }

    /// Tells the platform. The log holds the event's id, the record its body.
    pub fn event(&mut self, event: impl Borrow<Event>) {
        let event = event.borrow();
        self.events.push(event.kind);
        self.log(EVENTS, event.id.as_str(), event);
    }

    /// Tells the auditor. The log holds the entry's id, the record its text.
    pub fn audit(&mut self, entry: impl Borrow<AuditEntry>) {
        let entry = entry.borrow();
        self.log(AUDITS, entry.id.as_str(), entry);
    }

    /// Something falls due. `id` is as [`DueKind`] says: nothing personal.
    pub fn due(&mut self, kind: DueKind, at: Timestamp, id: &str) {
        self.ops.push(Op::Due { is_in: true, kind, at, id: Name::Is(id.into()) });
    }

    /// It is done, or was moved: the same arguments as [`due`](Self::due) had.
    pub fn not_due(&mut self, kind: DueKind, at: Timestamp, id: &str) {
        self.ops.push(Op::Due { is_in: false, kind, at, id: Name::Is(id.into()) });
    }

    /// The conversations of a tenant are listed by their names, so that they can be gone through.
    pub(super) fn conversation_listed(&mut self, is_in: bool, member: Name) {
        self.ops.push(Op::Member { is_in, set: Place::Only, set_kind: CONVERSATIONS, member });
    }

    pub(super) fn put<R: Record>(
        &mut self,
        place: Place,
        expect: Option<Expect>,
        record: &R,
        until: Option<Timestamp>,
    ) {
        let mut plain = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *plain, record).expect("a record is JSON: its maps have texts as keys");
        self.ops.push(Op::Put { kind: R::KIND, place, expect, plain, until });
    }

    fn replace<R: Record>(&mut self, stored: &Stored<R>, record: &R, until: Option<Timestamp>) {
        self.put(Place::Known(stored.key.clone()), Some(Expect::At(stored.version)), record, until);
    }

    fn log<R: Record>(&mut self, log: &'static str, id: &str, record: &R) {
        self.put(Place::Named(id.to_owned()), None, record, None);
        self.ops.push(Op::Append { log, entry: id.as_bytes().to_vec() });
    }

    pub(super) fn member(&mut self, is_in: bool, set: Place, set_kind: &'static str, contact: &Contact) {
        let member = Name::Is(Listed::new(contact.created_at, &contact.id).into_member());
        self.ops.push(Op::Member { is_in, set, set_kind, member });
    }
}

/// The identity of a subject at a provider, whose name has no colon.
pub(super) fn identity_text(provider: &ProviderId, subject: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{provider}:{subject}"))
}

fn identity_place(provider: &ProviderId, subject: &str) -> Place {
    hashed(IDENTITY, &identity_text(provider, subject))
}

pub(super) fn hashed(purpose: &'static str, text: &str) -> Place {
    check_purpose(purpose);
    Place::Hashed(purpose, Zeroizing::new(text.to_owned()))
}

/// What a contact is found by, in normal form.
pub(super) fn lookups(contact: &Contact) -> [(&'static str, Option<String>); 3] {
    [
        (BY_EMAIL, contact.email.as_deref().map(normal_email)),
        (BY_PHONE, contact.phone.as_deref().map(normal_phone)),
        (BY_EXTERNAL_ID, contact.external_id.clone()),
    ]
}
