//! One change in SQL, inside the writer's transaction.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::backend::{Batch, Expect, Key, Put};
use super::readers::minute;
use super::writer::{Change, Outcome};

/// Expired records that are deleted at once, so that no batch waits long.
const PURGED_AT_ONCE: i64 = 500;

/// Applies a change at `now`; `version` is what its puts get.
pub(super) fn apply(
    connection: &Connection,
    change: &Change,
    version: i64,
    now: Timestamp,
) -> rusqlite::Result<Outcome> {
    match change {
        Change::Batch(batch) => {
            if !holds(connection, &batch.expects, now)? {
                return Ok(Outcome::Conflict);
            }
            // Only an error of SQLite can stop the batch now: it takes back this batch and leaves the others.
            execute(connection, "SAVEPOINT batch")?;
            let result = write(connection, batch, version, now);
            if result.is_err() && !connection.is_autocommit() {
                execute(connection, "ROLLBACK TO batch")?;
            }
            if !connection.is_autocommit() {
                execute(connection, "RELEASE batch")?;
            }
            result.map(|()| Outcome::Done)
        }
        Change::Reserve(counter, n) => reserve(connection, counter, *n).map(Outcome::Reserved),
        Change::Probe => Ok(Outcome::Done),
    }
}

/// Runs a statement without parameters that stays prepared.
pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

/// Frees the space of some records that are over their time to live; says whether there may be more.
pub(super) fn purge(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM record WHERE rowid IN (SELECT rowid FROM record WHERE expires <= ?1 LIMIT ?2)",
    )?;
    let deleted = delete.execute(params![minute(now), PURGED_AT_ONCE])?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted == PURGED_AT_ONCE))
}

fn holds(connection: &Connection, expects: &[(Key, Expect)], now: Timestamp) -> rusqlite::Result<bool> {
    let mut select = connection
        .prepare_cached("SELECT version FROM record WHERE key = ?1 AND (expires IS NULL OR expires > ?2)")?;
    for (key, expect) in expects {
        let found = select.query_row(params![key.as_bytes(), minute(now)], |row| row.get::<_, i64>(0));
        let holds = match (expect, found.optional()?) {
            (Expect::Absent, None) => true,
            (Expect::At(version), Some(found)) => version.number() == found.cast_unsigned(),
            _ => false,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn write(connection: &Connection, batch: &Batch, version: i64, now: Timestamp) -> rusqlite::Result<()> {
    for key in &batch.deletes {
        connection.prepare_cached("DELETE FROM record WHERE key = ?1")?.execute([key.as_bytes()])?;
    }
    for put in &batch.puts {
        write_record(connection, put, version, now)?;
    }
    for (set, member) in &batch.removes {
        let mut delete = connection.prepare_cached("DELETE FROM member WHERE name = ?1 AND member = ?2")?;
        delete.execute(params![set.as_bytes(), member])?;
    }
    for (set, member) in &batch.adds {
        let mut insert =
            connection.prepare_cached("INSERT INTO member VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
        insert.execute(params![set.as_bytes(), member])?;
    }
    for (log, entry) in &batch.appends {
        let mut insert = connection.prepare_cached(
            "INSERT INTO entry SELECT ?1, coalesce(max(position), 0) + 1, ?2 FROM entry WHERE name = ?1",
        )?;
        insert.execute(params![log.as_bytes(), entry])?;
    }
    Ok(())
}

fn write_record(connection: &Connection, put: &Put, version: i64, now: Timestamp) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO record (key, version, expires, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET version = ?2, expires = ?3, value = ?4",
    )?;
    let expires = put.ttl.map(|ttl| expiry(now, ttl));
    upsert.execute(params![put.key.as_bytes(), version, expires, &*put.value])?;
    Ok(())
}

fn reserve(connection: &Connection, counter: &Key, n: u64) -> rusqlite::Result<u64> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET last = last + ?2 RETURNING last",
    )?;
    let n = i64::try_from(n.max(1)).unwrap_or(i64::MAX);
    let last: i64 = upsert.query_row(params![counter.as_bytes(), n], |row| row.get(0))?;
    Ok((last - n + 1).cast_unsigned())
}

/// The first minute in which a record is over its time to live.
fn expiry(now: Timestamp, ttl: Duration) -> i64 {
    let ttl = SignedDuration::try_from(ttl).unwrap_or(SignedDuration::MAX);
    minute(now.checked_add(ttl).unwrap_or(Timestamp::MAX)) + 1
}
