//! Reads: the journal's layer first, then the tables, both as of one moment. Each call uses a
//! connection of its own. Point reads run where they are called as long as the store is at ease,
//! all others on threads that may block.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{Semaphore, mpsc};

use super::super::backend::{Key, Piece, Unavailable, Version, Versioned};
use super::layer::Slot;
use super::overlay::Overlay;
use super::presence::Presence;
use super::strain::Strain;
use super::{PATIENCE, schema};
use crate::clock::Clock;

/// Calls that block at the same time. More wait for their turn: a disk that hangs blocks so many threads, not more.
const AT_ONCE: usize = 4;

pub(super) struct Readers {
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
}

struct Shared {
    path: PathBuf,
    clock: Clock,
    overlay: Arc<Overlay>,
    presence: Arc<Presence>,
    strain: Arc<Strain>,
    idle: Mutex<Vec<Connection>>,
}

/// What a read sees.
pub(super) struct View<'a> {
    pub(super) connection: &'a Connection,
    pub(super) overlay: &'a Overlay,
    is_alone: bool,
    pub(super) now: Timestamp,
}

impl Readers {
    pub(super) fn new(
        path: PathBuf,
        clock: Clock,
        overlay: Arc<Overlay>,
        presence: Arc<Presence>,
        strain: Arc<Strain>,
    ) -> Self {
        let shared = Shared { path, clock, overlay, presence, strain, idle: Mutex::default() };
        Self { shared: Arc::new(shared), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Records that are not over their time to live, in the order of `keys`.
    pub(super) async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        if let Some(known) = self.shared.known(keys) {
            return Ok(known);
        }
        if let Some(inline) = self.shared.strain.at_ease() {
            let result = self.shared.read(|view| view.get(keys));
            return result.inspect_err(|_| inline.failed()).map_err(Unavailable::new);
        }
        let keys = keys.to_vec();
        self.run(move |view| view.get(&keys)).await
    }

    /// Runs `read` off the async threads.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        read: impl FnOnce(&View<'_>) -> rusqlite::Result<R> + Send + 'static,
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

impl Readers {
    /// Tells everything, in a read of its own that takes as long as it takes.
    pub(super) async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<(), Unavailable> {
        let shared = Arc::clone(&self.shared);
        let task = tokio::task::spawn_blocking(move || shared.read(|view| view.dump(&to)));
        task.await.map_err(|_| Unavailable::new("a reader was stopped"))?.map_err(Unavailable::new)
    }
}

impl Shared {
    /// The records of `keys`, if we are alone and know all of them: no file is touched.
    fn known(&self, keys: &[Key]) -> Option<Vec<Option<Versioned>>> {
        if !self.presence.is_alone() {
            return None;
        }
        let minute = minute(self.clock.now());
        let state = self.overlay.lock();
        keys.iter().map(|key| state.slot(key).map(|slot| versioned(slot, minute))).collect()
    }

    fn read<R>(&self, read: impl FnOnce(&View<'_>) -> rusqlite::Result<R>) -> rusqlite::Result<R> {
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect()?,
        };
        // A connection that failed is closed, the next call opens a fresh one.
        let (is_alone, now) = (self.presence.is_alone(), self.clock.now());
        let result = read(&View { connection: &connection, overlay: &self.overlay, is_alone, now })?;
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

impl View<'_> {
    /// Records that are not over their time to live, in the order of `keys`.
    fn get(&self, keys: &[Key]) -> rusqlite::Result<Vec<Option<Versioned>>> {
        let minute = minute(self.now);
        if self.is_alone
            && let Some(slots) = self.get_alone(keys)?
        {
            return Ok(slots.iter().map(|slot| versioned(slot, minute)).collect());
        }
        self.at_one_moment(|| {
            let state = self.overlay.current(self.connection)?;
            let known: Vec<_> = keys.iter().map(|key| state.slot(key).cloned()).collect();
            drop(state);
            let slots = keys.iter().zip(known);
            let slots = slots.map(|(key, known)| known.map_or_else(|| self.stored(key), Ok));
            slots.map(|slot| Ok(versioned(&slot?, minute))).collect()
        })
    }

    /// Nobody but our writer changes anything. If it did nothing from the first look to the last, all is of one
    /// moment; none if it did.
    fn get_alone(&self, keys: &[Key]) -> rusqlite::Result<Option<Vec<Slot>>> {
        let state = self.overlay.lock();
        let before = state.last();
        let known: Vec<_> = keys.iter().map(|key| state.slot(key).cloned()).collect();
        drop(state);
        let mut slots = Vec::with_capacity(keys.len());
        for (key, known) in keys.iter().zip(&known) {
            slots.push(match known {
                Some(slot) => slot.clone(),
                None => self.stored(key)?,
            });
        }
        let mut state = self.overlay.lock();
        if state.last() != before {
            return Ok(None);
        }
        for ((key, known), slot) in keys.iter().zip(known).zip(&slots) {
            if known.is_none() {
                state.remember(key, slot.clone());
            }
        }
        Ok(Some(slots))
    }

    /// What the tables say.
    fn stored(&self, key: &Key) -> rusqlite::Result<Slot> {
        let mut select =
            self.connection.prepare_cached("SELECT version, expires, value FROM record WHERE key = ?1")?;
        let slot = select.query_row([key.as_bytes()], |row| {
            let value = Some(Bytes::from(row.get::<_, Vec<u8>>(2)?));
            Ok(Slot { version: row.get(0)?, expires: row.get(1)?, value })
        });
        Ok(slot.optional()?.unwrap_or(Slot::ABSENT))
    }

    /// At most `limit` members of a set behind `after`.
    pub(super) fn range(&self, set: &Key, after: &[u8], limit: usize) -> rusqlite::Result<Vec<Vec<u8>>> {
        self.at_one_moment(|| {
            let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
            let state = self.overlay.current(self.connection)?;
            if let Some(members) = state.layer().sets.get(set.text()) {
                let behind = (Bound::Excluded(after), Bound::Unbounded);
                for (member, is_in) in members.range::<[u8], _>(behind) {
                    let list = if *is_in { &mut added } else { &mut removed };
                    list.insert(member.clone());
                }
            }
            drop(state);
            let mut select = self.connection.prepare_cached(
                "SELECT member FROM member WHERE name = ?1 AND member > ?2 ORDER BY member LIMIT ?3",
            )?;
            // So many that enough are left without those that were removed.
            let enough = bound(limit.saturating_add(removed.len()));
            let stored = select.query_map(params![set.as_bytes(), after, enough], |row| row.get(0))?;
            let stored: Vec<Vec<u8>> = stored.collect::<rusqlite::Result<_>>()?;
            added.extend(stored.into_iter().filter(|member| !removed.contains(member)));
            Ok(added.into_iter().take(limit).collect())
        })
    }

    /// At most `limit` entries of a log behind `after`.
    pub(super) fn entries(
        &self,
        log: &Key,
        after: u64,
        limit: usize,
    ) -> rusqlite::Result<Vec<(u64, Vec<u8>)>> {
        self.at_one_moment(|| {
            let state = self.overlay.current(self.connection)?;
            let behind = (Bound::Excluded(after), Bound::Unbounded);
            let entries = state.layer().logs.get(log.text()).map(|entries| entries.range(behind));
            let newest = entries.into_iter().flatten().take(limit);
            let newest: Vec<_> = newest.map(|(position, entry)| (*position, entry.to_vec())).collect();
            drop(state);
            let mut select = self.connection.prepare_cached(
                "SELECT position, value FROM entry WHERE name = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
            )?;
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let rows = select.query_map(params![log.as_bytes(), after, bound(limit)], |row| {
                Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?))
            })?;
            // What stands in the journal comes behind everything in the table.
            let mut found: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
            found.extend(newest);
            found.truncate(limit);
            Ok(found)
        })
    }

    pub(super) fn at_one_moment<R>(&self, read: impl FnOnce() -> rusqlite::Result<R>) -> rusqlite::Result<R> {
        self.connection.prepare_cached("BEGIN")?.execute([])?;
        // A connection whose read failed is closed, and its transaction with it.
        let found = read()?;
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(found)
    }
}

/// Whether the file can be read at all.
pub(super) fn probe(view: &View<'_>) -> rusqlite::Result<()> {
    view.overlay.current(view.connection).map(drop)
}

/// A time in the unit of `record.expires`, rounded down.
pub(super) fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn versioned(slot: &Slot, minute: i64) -> Option<Versioned> {
    let value = slot.value.as_ref().filter(|_| slot.is_there(minute))?;
    Some(Versioned { value: value.clone(), version: Version::new(slot.version.cast_unsigned()) })
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
