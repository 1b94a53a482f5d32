//! The contract below [`Store`](super::Store): a few operations on bytes. It knows no record and
//! no seal. One batch is one atomic step on one partition, so that Redis can run it as one
//! server-side script in one cluster slot.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// One of 256 shares of all keys: a batch never leaves its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

/// A name of a record, a set, a log or a counter. It starts with its partition as Redis hash
/// tag, e.g. `{a7}:acme:link:al_…`, so that a cluster keeps a partition in one slot.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    partition: Partition,
    text: Arc<str>,
}

/// Counts the changes of a backend's records: never reused, not even after a record was deleted
/// and made again. Only equality means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u64);

/// A value and the version that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// What was put.
    pub value: Bytes,
    /// Which change put it.
    pub version: Version,
}

/// What a batch demands of a key before it does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// There is no record.
    Absent,
    /// The record has this version.
    At(Version),
}

/// A record to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Its name.
    pub key: Key,
    /// Its bytes.
    pub value: Bytes,
    /// After this time the record reads as absent and its space is freed, sooner or later. Nothing but space
    /// may depend on it; none keeps the record until it is deleted.
    pub ttl: Option<Duration>,
}

/// Changes of one partition: all or nothing.
///
/// Every expectation is judged on the state before the batch. Then, in this order: deletes, puts,
/// removes, adds, appends. All puts of a batch share one version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// What must hold.
    pub expects: Vec<(Key, Expect)>,
    /// Records to delete; a missing one is no fault.
    pub deletes: Vec<Key>,
    /// Records to write.
    pub puts: Vec<Put>,
    /// Set members to remove; a missing one is no fault.
    pub removes: Vec<(Key, Vec<u8>)>,
    /// Set members to add; one that is there already is no fault.
    pub adds: Vec<(Key, Vec<u8>)>,
    /// Entries for the ends of logs.
    pub appends: Vec<(Key, Vec<u8>)>,
}

/// How safe a change must be before the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Atomic, and safe against the end of the process.
    Relaxed,
    /// Safe against the end of the machine.
    Durable,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It took effect.
    Done,
    /// An expectation did not hold; nothing took effect.
    Conflict,
    /// The reply was lost: it may have taken effect, or may do so yet.
    Unknown,
}

/// One thing that is kept, as [`Backend::dump`] tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A record. Its version is of no use elsewhere.
    Record {
        /// Its name.
        key: Key,
        /// Its bytes.
        value: Bytes,
        /// When its time to live is over.
        expires: Option<Timestamp>,
    },
    /// A member of a set.
    Member {
        /// The set.
        set: Key,
        /// The member.
        member: Vec<u8>,
    },
    /// An entry of a log. Those of one log come in their order.
    Entry {
        /// The log.
        log: Key,
        /// Its position.
        position: u64,
        /// Its bytes.
        entry: Vec<u8>,
    },
    /// A counter.
    Counter {
        /// Its name.
        counter: Key,
        /// The last number that was given out.
        last: u64,
    },
}

/// What a dump shows while others change the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// Everything as of one moment.
    OneMoment,
    /// Each thing as of the moment in which it was read.
    EachMoment,
}

/// The backend does not answer, or cannot write. Nothing took effect.
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable: {reason}")]
pub struct Unavailable {
    /// For the log: what the database said.
    pub reason: String,
}

/// Bytes under keys, in 256 partitions.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Whether [`commit`](Self::commit) can ever answer [`Commit::Unknown`]. Only then batches carry an id record,
    /// by which `Store` finds out what became of one.
    fn may_lose_replies(&self) -> bool;

    /// The records of `keys` (of one partition) as of one moment, in their order; none where there is no record.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable>;

    /// At most `limit` members of a set that come after `after`, in the order of their bytes.
    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable>;

    /// Applies a batch, all keys of which belong to `partition`. A backend sends a batch once and never repeats it
    /// by itself.
    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable>;

    /// At most `limit` entries of a log behind position `after`, with their positions: 1, 2, 3 … without a gap,
    /// assigned at commit.
    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable>;

    /// Takes `n` numbers (at least 1) that nobody else gets, durably; answers the first. A counter starts at 1.
    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable>;

    /// Tells everything that is kept, some pieces at a time, until the receiver goes away. What is over its time to
    /// live may be left out.
    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable>;

    /// Answers if the backend can read and write.
    async fn ping(&self) -> Result<(), Unavailable>;
}

impl Piece {
    /// What it is, or what it is a part of.
    pub fn key(&self) -> &Key {
        match self {
            Self::Record { key, .. } => key,
            Self::Member { set, .. } => set,
            Self::Entry { log, .. } => log,
            Self::Counter { counter, .. } => counter,
        }
    }
}

impl Partition {
    /// The partition of this number.
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Every partition, for work that looks at all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=u8::MAX).map(Self)
    }
}

impl Key {
    /// The name `rest` in a partition.
    pub fn new(partition: Partition, rest: &str) -> Self {
        Self::joined(partition, &[rest])
    }

    /// The name of these parts, joined by colons. A login makes some sixty names, so they are not formatted.
    pub(super) fn joined(partition: Partition, parts: &[&str]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
        let length: usize = parts.iter().map(|part| part.len() + 1).sum();
        let mut text = String::with_capacity(4 + length);
        text.push('{');
        text.push(digit(partition.0 >> 4));
        text.push(digit(partition.0 & 0xf));
        text.push('}');
        for part in parts {
            text.push(':');
            text.push_str(part);
        }
        Self { partition, text: text.into() }
    }

    /// Reads a whole name with its hash tag; none if it is none.
    pub fn parse(name: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(name).ok()?;
        let digits = text.strip_prefix('{')?.get(..2)?;
        let is_lower = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        text.get(3..)?.strip_prefix("}:").filter(|_| is_lower)?;
        let partition = Partition(u8::from_str_radix(digits, 16).ok()?);
        Some(Self { partition, text: text.into() })
    }

    /// Where it lives.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The whole name as text, shared.
    pub(super) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The whole name, with its hash tag.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Version {
    /// The version of a change's number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of the change.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl Unavailable {
    /// Unavailable because of `reason`.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self { reason: reason.to_string() }
    }
}

impl Batch {
    /// Whether it would change nothing and demands nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every key belongs to `partition`; backends refuse a batch for which this does not hold.
    pub fn is_within(&self, partition: Partition) -> bool {
        let pairs = [&self.removes, &self.adds, &self.appends];
        let mut keys = self
            .expects
            .iter()
            .map(|(key, _)| key)
            .chain(&self.deletes)
            .chain(self.puts.iter().map(|put| &put.key))
            .chain(pairs.into_iter().flatten().map(|(key, _)| key));
        keys.all(|key| key.partition == partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_starts_with_its_partition_as_hash_tag() {
        let key = Key::new(Partition::new(0xa7), "acme:link:al_1");
        assert_eq!(key.as_bytes(), b"{a7}:acme:link:al_1");
        assert_eq!(Key::new(Partition::new(3), "due").as_bytes(), b"{03}:due");
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = Key::new(Partition::new(0xa7), "acme:link:al_1");
        assert_eq!(Key::parse(key.as_bytes()), Some(key));
        for bad in ["", "{a7}", "{a7}x", "{A7}:x", "{a}:x", "{g0}:x", "a7:x", "{+7}:x", "{ü}:x"] {
            assert_eq!(Key::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_batch_knows_a_key_of_another_partition() {
        let (ours, theirs) = (Partition::new(1), Partition::new(2));
        let foreign = || Key::new(theirs, "x");
        let mut batches = vec![Batch::default(); 6];
        batches[0].expects.push((foreign(), Expect::Absent));
        batches[1].deletes.push(foreign());
        batches[2].puts.push(Put { key: foreign(), value: Bytes::new(), ttl: None });
        batches[3].removes.push((foreign(), Vec::new()));
        batches[4].adds.push((foreign(), Vec::new()));
        batches[5].appends.push((foreign(), Vec::new()));
        for batch in batches {
            assert!(batch.is_within(theirs) && !batch.is_within(ours), "{batch:?}");
            assert!(!batch.is_empty());
        }
        assert!(Batch::default().is_within(ours) && Batch::default().is_empty());
    }
}
