//! A group of changes inside the writer's transaction: what becomes of each, and what they come to
//! together. Nothing is written but the journal's one row, so that a hundred waiting batches cost
//! little more than one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::backend::{Batch, Expect, Key};
use super::layer::{ByName, Layer, Slot};
use super::overlay::Overlay;
use super::readers::minute;
use super::writer::{Change, Outcome};

/// The group so far.
pub(super) struct Group<'a> {
    connection: &'a Connection,
    overlay: &'a Overlay,
    now: Timestamp,
    layer: Layer,
    /// The last positions of the logs that the group has written to.
    ends: ByName<u64>,
    last: i64,
}

impl<'a> Group<'a> {
    /// An empty group at the end of the journal, in the connection's write transaction.
    pub(super) fn begin(
        connection: &'a Connection,
        overlay: &'a Overlay,
        now: Timestamp,
    ) -> rusqlite::Result<Self> {
        let last = overlay.current(connection)?.last();
        Ok(Self { connection, overlay, now, layer: Layer::default(), ends: ByName::default(), last })
    }

    /// The last change so far.
    pub(super) fn last(&self) -> i64 {
        self.last
    }

    /// Takes a change in. After an error the whole group must be given up.
    pub(super) fn take(&mut self, change: &Change) -> rusqlite::Result<Outcome> {
        match change {
            Change::Batch(batch) => self.take_batch(batch),
            Change::Reserve(counter, n) => reserve(self.connection, counter, *n).map(Outcome::Reserved),
            Change::Probe => Ok(Outcome::Done),
        }
    }

    /// Writes the journal's row. Answers the group's changes and the last one's number, none if nothing changed.
    pub(super) fn end(self) -> rusqlite::Result<Option<(Layer, i64)>> {
        if self.layer.is_empty() {
            return Ok(None);
        }
        let mut insert = self.connection.prepare_cached("INSERT INTO journal VALUES (?1, ?2)")?;
        insert.execute(params![self.last, self.layer.to_bytes()])?;
        Ok(Some((self.layer, self.last)))
    }

    fn take_batch(&mut self, batch: &Batch) -> rusqlite::Result<Outcome> {
        for (key, expect) in &batch.expects {
            let found = self.version(key)?;
            let holds = match expect {
                Expect::Absent => found.is_none(),
                Expect::At(version) => found == Some(version.number()),
            };
            if !holds {
                return Ok(Outcome::Conflict);
            }
        }
        if !batch.is_empty() {
            self.last += 1;
            self.write(batch)?;
        }
        Ok(Outcome::Done)
    }

    fn write(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        let version = self.last;
        for key in &batch.deletes {
            self.layer.put(key, Slot { version, expires: None, value: None });
        }
        for put in &batch.puts {
            let expires = put.ttl.map(|ttl| expiry(self.now, ttl));
            self.layer.put(&put.key, Slot { version, expires, value: Some(put.value.clone()) });
        }
        for (set, member) in &batch.removes {
            self.layer.member(set, member.clone(), false);
        }
        for (set, member) in &batch.adds {
            self.layer.member(set, member.clone(), true);
        }
        for (log, entry) in &batch.appends {
            let position = self.end_of(log)? + 1;
            self.ends.insert(Arc::clone(log.text()), position);
            self.layer.entry(log, position, Bytes::copy_from_slice(entry));
        }
        Ok(())
    }

    /// The version of a record that is there.
    fn version(&self, key: &Key) -> rusqlite::Result<Option<u64>> {
        let minute = minute(self.now);
        let version = |slot: &Slot| slot.is_there(minute).then_some(slot.version.cast_unsigned());
        if let Some(slot) = self.layer.records.get(key.text()) {
            return Ok(version(slot));
        }
        if let Some(slot) = self.overlay.lock().slot(key) {
            return Ok(version(slot));
        }
        let mut select =
            self.connection.prepare_cached("SELECT version, expires FROM record WHERE key = ?1")?;
        let found = select
            .query_row([key.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)));
        let found = found.optional()?.filter(|(_, expires)| expires.is_none_or(|expires| expires > minute));
        Ok(found.map(|(version, _)| version.cast_unsigned()))
    }

    /// The last position of a log.
    fn end_of(&self, log: &Key) -> rusqlite::Result<u64> {
        if let Some(end) = self.ends.get(log.text()) {
            return Ok(*end);
        }
        if let Some(end) = self.overlay.lock().end(log.text()) {
            return Ok(end);
        }
        let mut select =
            self.connection.prepare_cached("SELECT coalesce(max(position), 0) FROM entry WHERE name = ?1")?;
        let end: i64 = select.query_row([log.as_bytes()], |row| row.get(0))?;
        Ok(end.cast_unsigned())
    }
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
