//! Backup: everything of a store in one file, and back into an empty one, of whichever backend
//! (docs/operations.md). Values stay sealed as they are; the file is sealed once more as a whole, so
//! that a changed byte and a missing end are found before anything is written.
//!
//! | file | what it holds |
//! |---|---|
//! | [`mod@file`] | header, sealed frames, end: the bytes of the file |
//! | [`piece`] | what stands in a frame |
//! | `write`, `read` | from a store to a file, from a file to a store |
//!
//! To add a kind of piece: 1. a variant of `Piece` that the backends tell, 2. its tag in [`piece`],
//! 3. how it is counted in `write` and written in `read`, 4. the next number in [`file::FORMAT`] and how
//! the one before is read, 5. a case in `tests/it/backup.rs`.

pub mod file;
pub mod piece;
mod read;
mod write;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::backend::{AsOf, Unavailable};

pub use read::{Import, is_cut_short};

/// What stands before everything else, in clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The layout of what follows.
    pub format: u32,
    /// Which version of Countersign wrote it.
    pub product: String,
    /// When.
    pub created_at: Timestamp,
    /// The seal key from which the file's own key is derived.
    pub key: String,
    /// With what the file's own key is derived.
    pub salt: String,
    /// What tells the index keys apart that the store was found by: the active one first.
    pub index: Vec<String>,
}

/// What stands at the end, once everything is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Records.
    pub records: u64,
    /// Members of sets.
    pub members: u64,
    /// Entries of logs.
    pub entries: u64,
    /// Counters.
    pub counters: u64,
    /// The seal keys that the values need.
    pub keys: BTreeSet<String>,
    /// What the file shows if others changed the store meanwhile.
    pub as_of: AsOf,
}

impl Summary {
    /// Everything together.
    pub fn pieces(&self) -> u64 {
        self.records + self.members + self.entries + self.counters
    }
}

impl Default for Summary {
    fn default() -> Self {
        let keys = BTreeSet::new();
        Self { records: 0, members: 0, entries: 0, counters: 0, keys, as_of: AsOf::OneMoment }
    }
}

/// Why a backup was not made or not taken back. Of those that speak of a file, all are found before anything is
/// written.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file begins otherwise.
    #[error("this is no backup of countersign")]
    NoBackup,
    /// A newer version wrote it.
    #[error("the backup has format {found}, this version knows {known}; use countersign {product} or newer")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest format that this version knows.
        known: u32,
        /// What wrote it.
        product: String,
    },
    /// It ends too early.
    #[error("the backup is cut short: it ends in part {0}; take another copy")]
    Truncated(u64),
    /// A part is not as it was written.
    #[error(
        "the backup is damaged or altered in part {0}, or was made with other keys of the same name; take another copy"
    )]
    Altered(u64),
    /// Something stands behind the end.
    #[error("something was added behind the end of the backup; take another copy")]
    Longer,
    /// The file's key, or one that its values need, is not here.
    #[error(
        "the backup needs the seal key `{0}`, which is not in the key ring; put it back, at least as a retired key"
    )]
    UnknownKey(String),
    /// What it holds would not be found.
    #[error("the backup was made with another index key; use the key ring of that store")]
    OtherIndex,
    /// It would be mixed with something else.
    #[error("the store is not empty; import into a fresh one: a new SQLite file, or an empty Redis")]
    NotEmpty,
    /// An earlier import was cut short.
    #[error("the store holds an import that was cut short; empty it, and import again")]
    CutShort,
    /// The file cannot be read or written.
    #[error("the file cannot be read or written: {0}")]
    File(#[from] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unavailable> for BackupError {
    fn from(error: Unavailable) -> Self {
        Self::Store(error.into())
    }
}
