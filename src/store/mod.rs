//! What is kept: a typed, sealed [`Store`] over a [`Backend`] of bytes.
//! Every call takes a tenant; every value is sealed; everything that belongs together is one
//! [`Tx`], which is done wholly or not at all.
//!
//! Reading order: [`backend`] (the contract), [`keys`] (names), [`seal`], [`records`], [`Tx`],
//! then the calls of [`TenantStore`].
//!
//! To add a record: 1. its type in `domain/`, 2. a line in `records.rs`, 3. its changes in
//! `tx.rs`, 4. its reads in `read.rs`, 5. a test in `tests/it/store/typed.rs`. If it is found by a keyed
//! hash, also 6. a line in `hashed.rs`, 7. its move in `reindex.rs` if it lasts.
//!
//! To add a backend: 1. one file (or folder) here that implements `Backend`, 2. an arm in
//! `app/store.rs`, 3. a line in `tests/it/store/mod.rs`, which runs the conformance suite and the
//! model on it.

mod apps;
mod asks;
pub mod audit;
mod audit_read;
pub mod audit_verify;
pub mod backend;
pub mod backup;
mod changes;
mod commit;
mod conversations;
mod decoded;
pub mod deliveries;
mod doors;
mod families;
pub mod figures;
mod frame;
mod hashed;
mod health;
pub mod keys;
pub mod lease;
mod lists;
pub mod measured;
mod people;
mod read;
mod read_people;
pub mod records;
pub mod redis;
mod reindex;
mod samples;
pub mod seal;
pub mod sqlite;
mod staff;
pub mod tenants;
mod trials;
mod tx;
mod vault;
mod witness;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use crate::clock::Clock;
use crate::domain::ids::{ConversationId, LinkId, TenantId};

use backend::{Backend, Partition, Unavailable};
use changes::Changes;
use figures::Gathered;
use keys::{Due, due_set};
use seal::{Ring, SealError, SealKeys, TenantKeys};

pub use asks::SentTo;
pub use backend::Durability;
pub use changes::{EventWatch, LinkWatch};
pub use keys::DueKind;
pub use lists::{Asked, List, Row};
pub use read::{LoginRecords, Page};
pub use read_people::{ContactFilter, FoundTrace};
pub use records::{KnownSettings, Stored};
pub use tx::{LINK_KEPT, Tx};

/// Due entries that are read of a partition at first, and then at once while more are due.
const FIRST_LOOK: usize = 8;
const NEXT_LOOKS: usize = 500;

/// Everything that is kept, over whichever backend `app` chose. A clone shares it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    ring: Ring,
    clock: Clock,
    /// Customer numbers that were reserved and not handed out yet.
    numbers: Mutex<HashMap<TenantId, Range<u64>>>,
    changes: Arc<Changes>,
    gathered: Gathered,
}

/// The store of one tenant: cheap to make, made per call.
#[derive(Clone)]
pub struct TenantStore {
    store: Store,
    keys: Arc<TenantKeys>,
}

/// Why a call of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record was not as expected; nothing was changed. Read again.
    #[error("another change came first; read again")]
    Conflict,
    /// The backend does not answer or cannot write; nothing was changed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The backend went silent in the middle of a commit, and did not come back in time.
    #[error("the store went silent and did not say whether the change was made")]
    Unknown,
    /// A sealed value does not open: a wrong key ring, or a changed store.
    #[error("a stored `{kind}` does not open: {cause}")]
    Unreadable {
        /// The record's kind.
        kind: &'static str,
        /// Why not.
        cause: SealError,
    },
    /// A value opened but is no record of its kind. What stands there is not told, since it may be personal.
    #[error(
        "a stored `{kind}` is no record of this version (at column {column}); was the store written by a newer one?"
    )]
    Malformed {
        /// The record's kind.
        kind: &'static str,
        /// Where its JSON fails, from 1.
        column: usize,
    },
    /// A cursor of another list, of another tenant, or of nobody.
    #[error("the cursor is not one of this list; leave it out to start from the newest")]
    BadCursor,
}

impl Store {
    /// The store over `backend`.
    pub fn new(backend: Arc<dyn Backend>, keys: SealKeys, clock: Clock) -> Self {
        let numbers = Mutex::new(HashMap::new());
        let (ring, changes, gathered) = (Ring::new(keys), Arc::default(), Gathered::default());
        Self { inner: Arc::new(Inner { backend, ring, clock, numbers, changes, gathered }) }
    }

    /// The store of one tenant.
    pub fn at(&self, tenant: &TenantId) -> TenantStore {
        TenantStore { store: self.clone(), keys: self.inner.ring.of(tenant) }
    }

    /// Answers if the backend can read and write.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.inner.backend.ping().await?)
    }

    /// Seals with new keys from now on. Values of keys that are no longer there do not open. Another index key must
    /// have been the next one before, and keeps the one before as the previous one until [`reindex`](Self::reindex)
    /// has moved everything, or nothing is found.
    pub fn replace_keys(&self, keys: SealKeys) {
        self.inner.ring.replace(keys);
    }

    /// Hears of every change of a link that is made through this store, from now on.
    pub fn watch_link(&self, link: &LinkId) -> LinkWatch {
        self.inner.changes.links.watch(link)
    }

    /// Hears of every event of a tenant that is written through this store, from now on.
    pub fn watch_events(&self, tenant: &TenantId) -> EventWatch {
        self.inner.changes.events.watch(tenant)
    }

    /// Says that there may be something to deliver in a partition.
    pub fn wake(&self, partition: Partition) {
        self.inner.changes.wake(partition);
    }

    /// The partitions in which there may be something to deliver, as soon as there is one. For one caller.
    pub async fn woken(&self) -> Vec<Partition> {
        self.inner.changes.woken().await
    }

    /// At most `limit` entries of a partition that are due at `now`, earliest first. An entry stays until a
    /// [`Tx::not_due`] removes it.
    pub async fn due(
        &self,
        partition: Partition,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        self.due_of(partition, now, limit, |_| true).await
    }

    /// The same, those of the kinds that are `wanted`.
    pub async fn due_of(
        &self,
        partition: Partition,
        now: Timestamp,
        limit: usize,
        mut wanted: impl FnMut(&Due) -> bool + Send,
    ) -> Result<Vec<Due>, StoreError> {
        let (set, mut found, mut after) = (due_set(partition), Vec::new(), Vec::new());
        // Mostly nothing is due, and what is not due yet need not be read.
        let mut size = FIRST_LOOK;
        loop {
            let members = self.inner.backend.range(&set, &after, size).await?;
            for member in &members {
                let Some(due) = Due::parse(member) else { continue };
                if due.at > now || found.len() == limit {
                    return Ok(found);
                }
                found.extend(Some(due).filter(|due| wanted(due)));
            }
            match members.last().filter(|_| members.len() == size) {
                Some(last) => after.clone_from(last),
                None => return Ok(found),
            }
            size = NEXT_LOOKS;
        }
    }
}

/// A part of what is due in a partition.
#[derive(Debug)]
pub struct DuePage {
    /// In the order of their time.
    pub found: Vec<Due>,
    /// Behind what the next page begins; none if this one reaches to the end of what is due now.
    pub next: Option<Vec<u8>>,
}

impl Store {
    /// At most `limit` entries of a partition that are due at `now`, behind a place: the end of a page of before, or
    /// any member of the set. An empty place is the beginning.
    pub async fn due_page(
        &self,
        partition: Partition,
        now: Timestamp,
        after: &[u8],
        limit: usize,
    ) -> Result<DuePage, StoreError> {
        let mut members = self.inner.backend.range(&due_set(partition), after, limit).await?;
        let next = members.last().filter(|_| members.len() == limit).cloned();
        let all = members.len();
        let now = now.as_millisecond();
        members.retain(|member| keys::due_millis(member).is_none_or(|at| at <= now));
        let next = next.filter(|_| members.len() == all);
        Ok(DuePage { found: members.iter().filter_map(|member| Due::parse(member)).collect(), next })
    }
}

impl TenantStore {
    /// Whose store it is.
    pub fn tenant(&self) -> &TenantId {
        &self.keys.tenant
    }

    /// Where the tenant's keys live.
    pub fn partition(&self) -> Partition {
        self.keys.partition
    }

    /// The key of an authorization request: the keyed hash of its state.
    pub fn request_key(&self, state: &str) -> String {
        self.keys.hash(hashed::STATE, state)
    }

    /// The key of a conversation: the keyed hash of its id, which may be personal.
    pub fn conversation_key(&self, id: &ConversationId) -> String {
        self.keys.hash(hashed::CONVERSATION, id.as_str())
    }

    /// A keyed hash of a text, for looking it up or comparing it without keeping it: 43 characters of base64url.
    pub fn hash(&self, purpose: &str, text: &str) -> String {
        self.keys.hash(purpose, text)
    }

    /// The keyed hash of a text, and behind it those that the index keys before and after would give.
    pub fn hashes(&self, purpose: &str, text: &str) -> Vec<String> {
        self.keys.names(purpose, text).all().map(str::to_owned).collect()
    }

    /// Whether a hash is that of a text, also if it was made with the index key before or the next one. The
    /// comparison takes the same time wherever they differ.
    pub fn is_hash(&self, purpose: &str, text: &str, hash: &str) -> bool {
        let names = self.keys.names(purpose, text);
        names.all().fold(false, |found, name| found | bool::from(name.as_bytes().ct_eq(hash.as_bytes())))
    }

    /// Seals a short text so that it may stand in a URL.
    pub fn seal_text(&self, purpose: &str, text: &str) -> String {
        self.keys.seal_text(purpose, text, self.nonce())
    }

    /// Opens what [`seal_text`](Self::seal_text) sealed for the same tenant and purpose; none for anything else.
    pub fn open_text(&self, purpose: &str, sealed: &str) -> Option<String> {
        self.keys.open_text(purpose, sealed)
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        self.store.inner.clock.fill(&mut nonce);
        nonce
    }
}
