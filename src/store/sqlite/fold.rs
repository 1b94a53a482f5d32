//! From the journal into the tables: many groups at once, each name once with its newest word, in
//! the order of the tables. That is cheaper than to look for a place for each batch alone.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::layer::{Layer, Slot};
use super::readers::minute;

/// Expired records that are deleted at once, so that no batch waits long.
const PURGED_AT_ONCE: i64 = 500;

/// Writes the layer into the tables and empties the journal up to the change `last`, inside the writer's transaction.
pub(super) fn fold(
    connection: &Connection,
    layer: &Layer,
    last: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    fold_records(connection, layer, minute(now))?;
    fold_members(connection, layer)?;
    fold_entries(connection, layer)?;
    connection.prepare_cached("UPDATE version SET last = ?1")?.execute([last])?;
    connection.prepare_cached("DELETE FROM journal WHERE seq < ?1")?.execute([last])?;
    connection.prepare_cached("UPDATE journal SET changes = x'' WHERE seq = ?1")?.execute([last])?;
    Ok(())
}

/// Frees the space of some records that are over their time to live; says whether there may be more.
pub(super) fn purge(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let mut delete = connection.prepare_cached(
        "DELETE FROM record WHERE rowid IN (SELECT rowid FROM record WHERE expires <= ?1 LIMIT ?2)",
    )?;
    let deleted = delete.execute(params![minute(now), PURGED_AT_ONCE])?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted == PURGED_AT_ONCE))
}

fn fold_records(connection: &Connection, layer: &Layer, minute: i64) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO record (key, version, expires, value) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (key) DO UPDATE SET version = ?2, expires = ?3, value = ?4",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM record WHERE key = ?1")?;
    let mut records: Vec<(&Arc<str>, &Slot)> = layer.records.iter().collect();
    records.sort_unstable_by_key(|(name, _)| *name);
    for (name, slot) in records {
        match &slot.value {
            Some(value) if slot.is_there(minute) => {
                upsert.execute(params![name.as_bytes(), slot.version, slot.expires, &**value])?;
            }
            _ => {
                delete.execute([name.as_bytes()])?;
            }
        }
    }
    Ok(())
}

fn fold_members(connection: &Connection, layer: &Layer) -> rusqlite::Result<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO member VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    let mut delete = connection.prepare_cached("DELETE FROM member WHERE name = ?1 AND member = ?2")?;
    let mut sets: Vec<_> = layer.sets.iter().collect();
    sets.sort_unstable_by_key(|(name, _)| *name);
    for (name, members) in sets {
        for (member, is_in) in members {
            let statement = if *is_in { &mut insert } else { &mut delete };
            statement.execute(params![name.as_bytes(), member])?;
        }
    }
    Ok(())
}

fn fold_entries(connection: &Connection, layer: &Layer) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3)")?;
    for (name, entries) in &layer.logs {
        for (position, entry) in entries {
            insert.execute(params![name.as_bytes(), position.cast_signed(), &**entry])?;
        }
    }
    Ok(())
}
