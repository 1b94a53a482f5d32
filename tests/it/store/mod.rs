//! The store: what every backend must do, what the typed store makes of it, and what SQLite adds.
//!
//! To add a backend: 1. a function that opens a fresh one, 2. a line at the end of this file.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands, also in what its cases share")]

mod checkpoints;
mod conformance;
mod figures;
mod leases;
mod lists;
mod lost_replies;
mod model;
mod people;
mod redis;
mod reindexed;
mod samples;
mod sealed;
mod sqlite;
mod typed;
mod vault;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign::clock::Clock;
use countersign::store::backend::{Backend, Key, Partition};
use countersign::store::sqlite::SqliteBackend;
use tempfile::TempDir;

/// A backend for one test, and whatever must live as long.
pub struct Opened {
    pub backend: Arc<dyn Backend>,
    pub clock: Clock,
    pub folder: TempDir,
    #[expect(dead_code, reason = "it ends with the test")]
    pub keep: Option<Box<dyn Any + Send>>,
}

/// Names that no other test uses, since a backend may be a server that all tests share.
pub struct Space {
    name: String,
    pub partition: Partition,
}

impl Space {
    pub fn new() -> Self {
        Self::at(Partition::new(0xa7))
    }

    /// Names in this partition.
    pub fn at(partition: Partition) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { name, partition }
    }

    pub fn key(&self, rest: &str) -> Key {
        Key::new(self.partition, &format!("{}:{rest}", self.name))
    }
}

fn open_sqlite() -> Opened {
    open_sqlite_with(Clock::system())
}

fn open_sqlite_with(clock: Clock) -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(folder.path().join("store.db"), clock.clone()).unwrap();
    Opened { backend: Arc::new(backend), clock, folder, keep: None }
}

conformance::suite!(sqlite_conforms, crate::store::open_sqlite);
