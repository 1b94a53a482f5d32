//! The embedded backend: one SQLite file in WAL mode. One thread writes, and commits waiting
//! batches together as one row of a journal table; later it writes many of them into the tables at
//! once. Reads look at what stands in the journal (kept in memory, in `overlay`) and then into the
//! tables; they never wait for the writer. Several processes may open the same file: SQLite's lock
//! orders their groups, and each finds the others' in the journal.
//!
//! Reading order: `schema`, `layer` (a row of the journal), `overlay`, `group` (what becomes of a
//! batch), `fold` (into the tables), `presence` (other processes), `writer`, `queue`, `readers`,
//! `dump`, `strain`.
//!
//! To add a table or column: 1. its statement and the next version in `schema`, with the step from
//! the version before, 2. its changes in `layer` and `group`, 3. how they come into it in `fold`,
//! 4. its read in `readers`.

mod dump;
mod fold;
mod group;
mod layer;
mod overlay;
mod presence;
mod queue;
mod readers;
mod schema;
mod strain;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Versioned,
};
use crate::clock::Clock;
use overlay::Overlay;
use presence::{NoPlace, Presence};
use readers::Readers;
use strain::Strain;
use writer::{Change, Outcome, Writer};

/// After this long without a turn a call is given up: the disk hangs, or the queue is too long. It leaves a caller
/// the time to answer 503 within two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);
/// A commit that has begun is waited for so much longer, before its outcome is said to be unknown: together less than
/// the two seconds after which a caller hears that the store is down.
const GRACE: Duration = Duration::from_millis(400);

/// One SQLite file. Dropping it ends its threads after what they are at.
pub struct SqliteBackend {
    readers: Readers,
    writer: Writer,
}

/// Why a file cannot be opened as store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the file cannot be made, or its mode cannot be set.
    #[error("cannot make the store file `{}`: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A newer version wrote it.
    #[error("the store file `{}` has schema {found}, this version knows {known}; use the newer countersign that wrote it", path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// It is a SQLite file of another program.
    #[error("`{}` is a database of another program; name another file in `store.url`", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// Another process has it and does not answer.
    #[error("the store file `{}` is used by another process that does not answer; end it first", path.display())]
    Taken {
        /// Which.
        path: PathBuf,
    },
    /// SQLite refuses it.
    #[error("cannot open the store file `{}`: {cause}", path.display())]
    Sqlite {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: rusqlite::Error,
    },
}

impl SqliteBackend {
    /// Opens the file, or makes it and its folder (readable by the owner only).
    pub fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let connection = schema::create_or_open(path)?;
        let overlay = Arc::new(Overlay::default());
        let strain = Arc::new(Strain::new(clock.clone()));
        let presence = Presence::enter(path, &connection, &overlay).map_err(|error| error.at(path))?;
        let presence = Arc::new(presence);
        // What a process that was killed left in the journal is read now, not by the first request.
        let seen = overlay.current(&connection).map(drop);
        seen.map_err(|cause| OpenError::Sqlite { path: path.to_owned(), cause })?;
        let (shared, place, ease) = (Arc::clone(&overlay), Arc::clone(&presence), Arc::clone(&strain));
        let readers = Readers::new(path.to_owned(), clock.clone(), shared, place, ease);
        let writer = Writer::start(path.to_owned(), connection, clock, overlay, presence, strain)
            .map_err(|cause| OpenError::File { path: path.to_owned(), cause })?;
        Ok(Self { readers, writer })
    }
}

impl NoPlace {
    fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::File(cause) => OpenError::File { path, cause },
            Self::Sqlite(cause) => OpenError::Sqlite { path, cause },
            Self::Silent => OpenError::Taken { path },
        }
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    /// A reply is lost only with the disk (a failed fsync, a hanging one): then no record could be read back.
    fn may_lose_replies(&self) -> bool {
        false
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        self.readers.get(keys).await
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        let (set, after) = (set.clone(), after.to_vec());
        self.readers.run(move |view| view.range(&set, &after, limit)).await
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        if !batch.is_within(partition) {
            return Err(Unavailable::new("a batch may not leave its partition"));
        }
        match self.writer.run(Change::Batch(batch), durability).await? {
            Outcome::Conflict => Ok(Commit::Conflict),
            Outcome::Unknown => Ok(Commit::Unknown),
            Outcome::Done | Outcome::Reserved(_) => Ok(Commit::Done),
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        let log = log.clone();
        self.readers.run(move |view| view.entries(&log, after, limit)).await
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        match self.writer.run(Change::Reserve(counter.clone(), n), Durability::Durable).await? {
            Outcome::Reserved(first) => Ok(first),
            // Numbers that may have been taken are a gap.
            _ => Err(Unavailable::new("the numbers may not be safe")),
        }
    }

    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        self.readers.dump(to).await?;
        Ok(AsOf::OneMoment)
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.readers.run(readers::probe).await?;
        self.writer.run(Change::Probe, Durability::Relaxed).await?;
        Ok(())
    }
}
