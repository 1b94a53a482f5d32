//! A transaction: changes of one tenant that are done together or not at all. It is pure; keys,
//! hashes and seals are made at commit.

use std::borrow::Borrow;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::domain::audit::AuditEntry;
use crate::domain::conversation::Conversation;
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{ContactId, ProviderId};
use crate::domain::link::Link;
use crate::domain::request::AuthorizationRequest;

use super::backend::{Expect, Key, Version};
use super::keys::DueKind;
use super::records::{Record, Stored};

/// How long a link is kept after it was made (DESIGN §3).
pub const LINK_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Frees a link's space if the sweep does not come.
const LINK_TTL: SignedDuration = SignedDuration::from_hours(31 * 24);
/// A finished authorization request shows its outcome to the same browser a little longer than it lives.
const REQUEST_TTL: SignedDuration = SignedDuration::from_mins(30);

/// Purposes of keyed hashes. Never changed once released.
pub(super) const STATE: &str = "state";
pub(super) const TOKEN: &str = "token";
pub(super) const CONVERSATION: &str = "conversation";
pub(super) const IDENTITY: &str = "identity";
pub(super) const EXTERNAL_ID: &str = "contacts-by-external-id";

/// Sets and logs of a tenant.
pub(super) const CONTACTS: &str = "contacts";
pub(super) const TRACES: &str = "contact-traces";
pub(super) const BY_EMAIL: &str = "contacts-by-email";
pub(super) const BY_PHONE: &str = "contacts-by-phone";
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
    Forget {
        kind: &'static str,
        place: Place,
    },
    Expect(Key, Version),
    Member {
        is_in: bool,
        set: Place,
        set_kind: &'static str,
        member: Vec<u8>,
    },
    Append {
        log: &'static str,
        entry: Vec<u8>,
    },
    Due {
        is_in: bool,
        kind: DueKind,
        at: Timestamp,
        id: String,
    },
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

    /// A new authorization request, found by its state.
    pub fn create_request(&mut self, state: &str, request: &AuthorizationRequest) {
        let until = Some(request.expires_at + REQUEST_TTL);
        self.put(hashed(STATE, state), Some(Expect::Absent), request, until);
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

    /// A new conversation, or a change of the `stored` one.
    pub fn put_conversation(&mut self, stored: Option<&Stored<Conversation>>, conversation: &Conversation) {
        if let Some(stored) = stored {
            return self.replace(stored, conversation, None);
        }
        let place = hashed(CONVERSATION, conversation.at.id.as_str());
        self.put(place, Some(Expect::Absent), conversation, None);
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
        self.ops.push(Op::Due { is_in: true, kind, at, id: id.to_owned() });
    }

    /// It is done, or was moved: the same arguments as [`due`](Self::due) had.
    pub fn not_due(&mut self, kind: DueKind, at: Timestamp, id: &str) {
        self.ops.push(Op::Due { is_in: false, kind, at, id: id.to_owned() });
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

    pub(super) fn replace<R: Record>(&mut self, stored: &Stored<R>, record: &R, until: Option<Timestamp>) {
        self.put(Place::Known(stored.key.clone()), Some(Expect::At(stored.version)), record, until);
    }

    fn log<R: Record>(&mut self, log: &'static str, id: &str, record: &R) {
        self.put(Place::Named(id.to_owned()), None, record, None);
        self.ops.push(Op::Append { log, entry: id.as_bytes().to_vec() });
    }

    /// An event that was told before, in other words. Its place in the order stays.
    pub fn rewrite_event(&mut self, event: &Event) {
        self.put(Place::Named(event.id.as_str().to_owned()), None, event, None);
    }
}

/// The identity of a subject at a provider, whose name has no colon.
pub(super) fn identity_text(provider: &ProviderId, subject: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{provider}:{subject}"))
}

pub(super) fn identity_place(provider: &ProviderId, subject: &str) -> Place {
    Place::Hashed(IDENTITY, identity_text(provider, subject))
}

pub(super) fn hashed(purpose: &'static str, text: &str) -> Place {
    Place::Hashed(purpose, Zeroizing::new(text.to_owned()))
}
