//! A transaction: changes of one tenant that are done together or not at all. It is pure; keys,
//! hashes and seals are made at commit.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::domain::audit::AuditEntry;
use crate::domain::event::{Event, EventType, Telling};
use crate::domain::idempotency::MadeOnce;
use crate::domain::ids::{ContactId, DeliveryId, EventId, LinkId, ProviderId, WebhookId};
use crate::domain::insight::counted::{Counted, of_attempt, of_link};
use crate::domain::link::Link;
use crate::domain::request::{AuthorizationRequest, Phase};

use super::backend::{Expect, Key, Version};
use super::decoded::Kept;
use super::hashed::{CONVERSATION, IDENTITY, ONCE, TOKEN, check_purpose};
use super::keys::DueKind;
use super::lists::{Row, attempt_place, link_place};
use super::records::{KnownSettings, Record, Stored};

/// How long links and attempts are kept after they were made (DESIGN §3).
pub const LINK_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Frees the space of a link or an attempt if the sweep does not come.
pub(super) const LINK_TTL: SignedDuration = SignedDuration::from_hours(35 * 24);

/// Sets and logs of a tenant.
pub(super) const CONTACTS: &str = "contacts";
pub(super) const CONVERSATIONS: &str = "conversations";
/// The same conversations in the order of their latest change.
pub(super) const RECENT: &str = "conversations-by-change";
pub(super) const TRACES: &str = "contact-traces";
pub(super) const LINKS: &str = "links";
pub(super) const LINKS_OF: &str = "links-of-conversation";
pub(super) const ATTEMPTS: &str = "attempts";
pub(super) const EVENTS: &str = "events";
pub(super) const AUDITS: &str = "audits";
pub(super) const DELIVERIES: &str = "deliveries";
pub(super) const DEAD: &str = "dead-deliveries";
/// The events of a link: kept as long as these, so that a person can be taken out of them.
pub(super) const EVENTS_OF_LINK: &str = "events-of-link";

/// Changes of one tenant. Collect them, then [`commit`](super::TenantStore::commit) them.
#[derive(Default)]
pub struct Tx {
    pub(super) ops: Vec<Op>,
    /// Links that change, for those who wait for it.
    pub(super) links: Vec<LinkId>,
    /// The types of its events, to be counted once they are written.
    pub(super) events: Vec<EventType>,
    /// Whether there is something to deliver now.
    pub(super) delivers: bool,
    /// By how much more or less waits for a webhook, see [`Told`](super::deliveries::Told).
    pub(super) pending: BTreeMap<WebhookId, i64>,
    /// What there is to count once it is done.
    pub(super) figures: Vec<Counted>,
    /// Whether it has entries for the auditor, which a checkpoint must cover soon.
    pub(super) audits: bool,
}

/// One change.
pub(super) enum Op {
    Put {
        kind: &'static str,
        place: Place,
        expect: Option<Expect>,
        plain: Zeroizing<Vec<u8>>,
        /// The record itself, if its kind is kept.
        record: Option<Kept>,
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
        member: Name,
    },
    Append {
        log: &'static str,
        entry: Vec<u8>,
    },
    /// An entry that stands in the log itself, sealed for it.
    AppendSealed {
        log: &'static str,
        plain: Zeroizing<Vec<u8>>,
    },
    Due {
        is_in: bool,
        kind: DueKind,
        at: Timestamp,
        id: Name,
    },
    Undelivered {
        is_in: bool,
        at: Timestamp,
        id: DeliveryId,
    },
}

/// What stands in a set, and what is due.
pub(super) enum Name {
    /// These bytes.
    Is(Vec<u8>),
    /// The keyed hash of a text, under which its record stands.
    Hashed(&'static str, Zeroizing<String>),
    /// The same behind eight bytes that say where in a list it stands.
    HashedAt([u8; 8], &'static str, Zeroizing<String>),
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

    /// A new link: found by its id and its token, listed for tenant and conversation, due at its expiry. It is
    /// deleted, with every attempt at it, when it has been kept for long enough: one entry for an hour's links.
    pub fn create_link(&mut self, link: &Link) {
        self.figures.extend(of_link(None, link));
        let until = Some(link.created_at + LINK_TTL);
        let id = link.id.as_str();
        self.put(Place::Named(id.to_owned()), Some(Expect::Absent), link, until);
        self.put(hashed(TOKEN, link.token.expose()), Some(Expect::Absent), &link.id, until);
        self.list(true, Place::Only, LINKS, link_place(link));
        self.list(true, conversation_place(link), LINKS_OF, link_place(link));
        self.due(DueKind::LinkExpiry, link.expires_at, id);
        self.due(DueKind::LinkSweep, end_of_hour(link.expires_at) + LINK_KEPT, "");
    }

    /// Forgets a link that was kept for long enough.
    pub fn forget_link(&mut self, row: &Row<Link>) {
        self.list(false, Place::Only, LINKS, row.member.clone());
        if let Some(link) = &row.record {
            self.list(false, conversation_place(link), LINKS_OF, row.member.clone());
            self.ops.push(Op::Forget { kind: LinkId::KIND, place: hashed(TOKEN, link.token.expose()) });
            self.ops.push(Op::Delete(link.key.clone()));
        }
    }

    /// A changed link. A final one is no longer due at its expiry.
    pub fn update_link(&mut self, stored: &Stored<Link>, link: &Link) {
        self.figures.extend(of_link(Some(&stored.value), link));
        self.replace(stored, link, Some(link.created_at + LINK_TTL));
        self.links.push(link.id.clone());
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

    /// A new authorization request, listed as an attempt and found by its state: its `key` is
    /// [`request_key`](super::TenantStore::request_key) of it, by which others refer to it already.
    pub fn create_request(&mut self, request: &AuthorizationRequest) {
        self.figures.extend(of_attempt(None, request));
        let until = Some(request.created_at + LINK_TTL);
        self.put(Place::Named(request.key.clone()), Some(Expect::Absent), request, until);
        self.list(true, Place::Only, ATTEMPTS, attempt_place(request));
    }

    /// A changed authorization request. While its sign-in waits for the chat it is due when that lapses.
    pub fn update_request(&mut self, stored: &Stored<AuthorizationRequest>, request: &AuthorizationRequest) {
        self.figures.extend(of_attempt(Some(&stored.value), request));
        self.replace(stored, request, Some(request.created_at + LINK_TTL));
        let lapses = |request: &AuthorizationRequest| match &request.phase {
            Phase::Provisional(provisional) => Some(provisional.until),
            _ => None,
        };
        let (before, after) = (lapses(stored), lapses(request));
        if before != after {
            if let Some(at) = before {
                self.not_due(DueKind::RequestLapse, at, &request.key);
            }
            if let Some(at) = after {
                self.due(DueKind::RequestLapse, at, &request.key);
            }
        }
    }

    /// Forgets an attempt that was kept for long enough.
    pub fn forget_attempt(&mut self, row: &Row<AuthorizationRequest>) {
        self.list(false, Place::Only, ATTEMPTS, row.member.clone());
        self.ops.extend(row.record.iter().map(|request| Op::Delete(request.key.clone())));
    }

    /// What the order of this name has made, in place of what an order of long ago has. The name is a text that
    /// only this sender's orders with this key have.
    pub fn put_made_once(&mut self, stored: Option<&Stored<MadeOnce>>, name: &str, made: &MadeOnce) {
        match stored {
            Some(stored) => self.replace(stored, made, Some(made.until)),
            None => self.put(hashed(ONCE, name), Some(Expect::Absent), made, Some(made.until)),
        }
    }

    /// Demands that an identity has not changed since it was read.
    pub fn expect_identity(&mut self, stored: &Stored<ContactId>) {
        self.ops.push(Op::Expect(stored.key.clone(), stored.version));
    }

    /// Tells the platform. The log holds the event's id, the record its body.
    pub fn event<Data: Serialize>(&mut self, event: &Telling<'_, Data>) {
        self.events.push(event.kind);
        let (id, plain) = (event.id.as_str(), written(event));
        let place = Place::Named(id.to_owned());
        self.ops.push(Op::Put { kind: Event::KIND, place, expect: None, plain, record: None, until: None });
        self.ops.push(Op::Append { log: EVENTS, entry: id.as_bytes().to_vec() });
    }

    /// Tells the auditor. The entry stands in the log itself: nothing in it is personal, so that it is never
    /// rewritten.
    pub fn audit(&mut self, entry: impl Borrow<AuditEntry>) {
        let mut plain = Zeroizing::new(Vec::with_capacity(384));
        serde_json::to_writer(&mut *plain, entry.borrow()).expect("an entry is made of texts");
        self.ops.push(Op::AppendSealed { log: AUDITS, plain });
        self.audits = true;
    }

    /// Which settings of this name the audit knows of now.
    pub fn put_known_settings(
        &mut self,
        stored: Option<&Stored<KnownSettings>>,
        name: &str,
        known: &KnownSettings,
    ) {
        match stored {
            Some(stored) => self.replace(stored, known, None),
            None => self.put(Place::Named(name.to_owned()), Some(Expect::Absent), known, None),
        }
    }

    /// Something falls due. `id` is as [`DueKind`] says: nothing personal.
    pub fn due(&mut self, kind: DueKind, at: Timestamp, id: &str) {
        self.ops.push(Op::Due { is_in: true, kind, at, id: Name::Is(id.into()) });
    }

    /// It is done, or was moved: the same arguments as [`due`](Self::due) had.
    pub fn not_due(&mut self, kind: DueKind, at: Timestamp, id: &str) {
        self.ops.push(Op::Due { is_in: false, kind, at, id: Name::Is(id.into()) });
    }

    pub(super) fn put<R: Record>(
        &mut self,
        place: Place,
        expect: Option<Expect>,
        record: &R,
        until: Option<Timestamp>,
    ) {
        let plain = written(record);
        let record = R::KEPT.then(|| Arc::new(record.clone()) as Kept);
        self.ops.push(Op::Put { kind: R::KIND, place, expect, plain, record, until });
    }

    pub(super) fn replace<R: Record>(&mut self, stored: &Stored<R>, record: &R, until: Option<Timestamp>) {
        self.put(Place::Known(stored.key.clone()), Some(Expect::At(stored.version)), record, until);
    }

    pub(super) fn list(&mut self, is_in: bool, set: Place, set_kind: &'static str, member: Vec<u8>) {
        self.ops.push(Op::Member { is_in, set, set_kind, member: Name::Is(member) });
    }

    /// An event of this batch tells of a link, and of whoever it was sent to.
    pub fn event_of_link(&mut self, link: &LinkId, event: &EventId) {
        let member = event.as_str().as_bytes().to_vec();
        self.list(true, Place::Named(link.to_string()), EVENTS_OF_LINK, member);
    }

    /// An event that was told before, in other words. Its place in the order stays.
    pub fn rewrite_event(&mut self, event: &Event) {
        self.put(Place::Named(event.id.as_str().to_owned()), None, event, None);
    }
}

/// A record in the form in which it is sealed.
fn written(record: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(1024));
    serde_json::to_writer(&mut *plain, record).expect("a record is JSON: its maps have texts as keys");
    plain
}

/// The identity of a subject at a provider, whose name has no colon.
pub(super) fn identity_text(provider: &ProviderId, subject: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{provider}:{subject}"))
}

pub(super) fn identity_place(provider: &ProviderId, subject: &str) -> Place {
    hashed(IDENTITY, &identity_text(provider, subject))
}

pub(super) fn conversation_place(link: &Link) -> Place {
    hashed(CONVERSATION, link.conversation.id.as_str())
}

/// The first full hour at `at` or after it: what falls into one hour shares its entries.
pub(super) fn end_of_hour(at: Timestamp) -> Timestamp {
    let hour = at.as_second().div_euclid(3600) + 1;
    Timestamp::from_second(hour * 3600).unwrap_or(Timestamp::MAX)
}

pub(super) fn hashed(purpose: &'static str, text: &str) -> Place {
    check_purpose(purpose);
    Place::Hashed(purpose, Zeroizing::new(text.to_owned()))
}
