//! Which domain types are stored, and under which kind.

use std::any::Any;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::app::{AppCode, AppVisit};
use crate::domain::ask::Ask;
use crate::domain::client::{ClientUse, ShownAssertion};
use crate::domain::contact::Contact;
use crate::domain::conversation::Conversation;
use crate::domain::delivery::{Delivery, Lane};
use crate::domain::entry::{Entry, Invitation};
use crate::domain::event::Event;
use crate::domain::family::Family;
use crate::domain::health::ProviderHealth;
use crate::domain::idempotency::MadeOnce;
use crate::domain::ids::{ContactId, LinkId, TrialId};
use crate::domain::insight::Tally;
use crate::domain::link::Link;
use crate::domain::otp::{Otp, OtpSent};
use crate::domain::request::AuthorizationRequest;
use crate::domain::sample::Samples;
use crate::domain::staff::{StaffBook, StaffSession};
use crate::domain::stored::StoredTenant;
use crate::domain::trial::Trial;
use crate::domain::vault::VaultRecord;

use super::audit::{AuditHead, Checkpoint};
use super::backend::{Key, Version};
use super::deliveries::Told;
use super::tenants::HostOwner;

/// A type that is stored as sealed JSON.
pub trait Record: Serialize + DeserializeOwned + Clone + Any + Send + Sync {
    /// Stands in the record's key and in the seal's associated data: never changed once released.
    const KIND: &'static str;
    /// Whether it is read several times in the minutes after it was written, so that it is kept decoded.
    const KEPT: bool;
}

macro_rules! records {
    (@kept kept) => { true };
    (@kept) => { false };
    ($($type:ty => $kind:literal $($kept:ident)?),* $(,)?) => {
        $(impl Record for $type {
            const KIND: &'static str = $kind;
            const KEPT: bool = records!(@kept $($kept)?);
        })*

        /// Every kind of record.
        #[cfg(test)]
        const KINDS: &[&str] = &[$($kind),*];
    };
}

records! {
    Link => "link" kept,
    AuthorizationRequest => "request" kept,
    // What Apple's authentication messages ask for, by their request identifiers.
    Ask => "ask",
    Conversation => "conversation",
    Contact => "contact",
    Event => "event",
    MadeOnce => "once",
    ProviderHealth => "health",
    // Counts of an hour.
    Tally => "figures",
    // What test logins found, for an hour.
    Trial => "trial",
    // What lets staff in: emailed codes, how often they were sent, one-time links, sign-ins at a provider.
    Otp => "otp",
    OtpSent => "otpsent",
    Invitation => "invitation",
    Entry => "entry",
    // The latest of them per provider, and the answers that an admin saved.
    TrialId => "latesttrial",
    Samples => "samples",
    // Staff: who was here, and the browsers that are let in.
    StaffBook => "staff",
    StaffSession => "session",
    // Tokens of providers, per contact and provider.
    VaultRecord => "vault",
    // Customers who signed in to an app.
    Family => "family",
    AppVisit => "appvisit",
    AppCode => "appcode",
    ShownAssertion => "assertion",
    ClientUse => "clientuse",
    Delivery => "delivery",
    Lane => "lane",
    // How far the log of events was given to webhooks.
    Told => "told",
    // Indexes: which link has this token, which contact owns this identity.
    LinkId => "token" kept,
    ContactId => "identity",
    // Which contact has this id of the platform, and which one a contact was merged into.
    ExternalOwner => "external",
    Survivor => "alias",
    // The audit's checkpoints by their number, the last of them, and which settings it knows of.
    Checkpoint => "checkpoint",
    AuditHead => "audithead",
    // What `_platform` knows of each tenant's last one.
    Witness => "witness",
    KnownSettings => "settings",
    // Tenants that stand in no file, and which of them has a host: the operator's.
    StoredTenant => "stored",
    HostOwner => "host",
}

/// The contact that has an id of the platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ExternalOwner(pub ContactId);

/// The contact that another one was merged into.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Survivor(pub ContactId);

/// The last checkpoint of another tenant's audit, as it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Witness {
    /// Its number.
    pub number: u64,
    /// The last position that it covers.
    pub last: u64,
    /// Its HMAC.
    pub mac: String,
}

/// Which version of a tenant's settings the audit has told of last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSettings {
    /// Its revision; none if the tenant was taken out.
    pub revision: Option<String>,
}

/// A record as it was read: its value, and what a change of it must expect.
#[derive(Debug, Clone)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    pub(super) key: Key,
    pub(super) version: Version,
    /// Whether it stands under the previous index key, from which its next change moves it.
    pub(super) outdated: bool,
}

impl<T> Stored<T> {
    /// The record alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Which change wrote it.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl<T> Deref for Stored<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_records_share_a_kind_and_no_kind_holds_a_separator() {
        assert_eq!(KINDS.iter().collect::<BTreeSet<_>>().len(), KINDS.len());
        assert!(KINDS.iter().all(|kind| kind.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
