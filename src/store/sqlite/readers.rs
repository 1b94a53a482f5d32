//! Reads: a few connections, each used by one call at a time, on threads that may block.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::Semaphore;

use super::super::backend::{Key, Unavailable, Version, Versioned};
use super::{PATIENCE, schema};
use crate::clock::Clock;

/// Calls that read at the same time. More wait for their turn: a disk that hangs blocks so many threads, not more.
const AT_ONCE: usize = 4;

pub(super) struct Readers {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

struct Shared {
    path: PathBuf,
    clock: Clock,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf, clock: Clock) -> Self {
        let shared = Arc::new(Shared { path, clock, idle: Mutex::new(Vec::new()) });
        Self { shared, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Runs `read` on a connection of its own, off the async threads.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R, Unavailable> {
        let (shared, turns) = (Arc::clone(&self.shared), Arc::clone(&self.turns));
        let task = async {
            let turn = turns.acquire_owned().await.expect("the semaphore is never closed");
            let blocking = move || {
                let result = shared.read(read);
                drop(turn);
                result
            };
            tokio::task::spawn_blocking(blocking).await
        };
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(result)) => result.map_err(Unavailable::new),
            Ok(Err(_)) => Err(Unavailable::new("a reader was stopped")),
            Err(_) => Err(Unavailable::new("a read took too long")),
        }
    }
}

impl Shared {
    fn read<R>(
        &self,
        read: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<R>,
    ) -> rusqlite::Result<R> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // A connection that failed is closed, the next call opens a fresh one.
        let result = read(&connection, self.clock.now())?;
        self.idle().push(connection);
        Ok(result)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = schema::connect(&self.path)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().expect("nothing panics while it is held")
    }
}

/// Records that are not over their time to live, in the order of `keys`.
pub(super) fn get(
    connection: &Connection,
    keys: &[Key],
    now: Timestamp,
) -> rusqlite::Result<Vec<Option<Versioned>>> {
    let mut select = connection.prepare_cached(
        "SELECT version, value FROM record WHERE key = ?1 AND (expires IS NULL OR expires > ?2)",
    )?;
    let mut one = |key: &Key| {
        let row = select.query_row(params![key.as_bytes(), minute(now)], |row| {
            let version = Version::new(row.get::<_, i64>(0)?.cast_unsigned());
            Ok(Versioned { value: Bytes::from(row.get::<_, Vec<u8>>(1)?), version })
        });
        row.optional()
    };
    if let [key] = keys {
        return Ok(vec![one(key)?]);
    }
    // Several records are read as of one moment.
    let transaction = connection.unchecked_transaction()?;
    let found = keys.iter().map(one).collect::<rusqlite::Result<_>>()?;
    transaction.finish()?;
    Ok(found)
}

/// Members of a set behind `after`.
pub(super) fn range(
    connection: &Connection,
    set: &Key,
    after: &[u8],
    limit: usize,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut select = connection.prepare_cached(
        "SELECT member FROM member WHERE name = ?1 AND member > ?2 ORDER BY member LIMIT ?3",
    )?;
    select.query_map(params![set.as_bytes(), after, bound(limit)], |row| row.get(0))?.collect()
}

/// Entries of a log behind `after`.
pub(super) fn read(
    connection: &Connection,
    log: &Key,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<(u64, Vec<u8>)>> {
    let mut select = connection.prepare_cached(
        "SELECT position, value FROM entry WHERE name = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = select.query_map(params![log.as_bytes(), after, bound(limit)], |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
    })?;
    rows.collect()
}

/// Whether the file can be read at all.
pub(super) fn probe(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("SELECT last FROM version")?.query_row([], |_| Ok(()))
}

/// A time in the unit of `record.expires`, rounded down.
pub(super) fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
