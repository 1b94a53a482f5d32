//! Everything in the file, as of one moment: the tables, and before them the journal's layer, which
//! has the newer word on what it speaks of. Both are read in one transaction, so that nobody who
//! writes meanwhile is seen or kept waiting; the write-ahead log grows until it is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use tokio::sync::mpsc::Sender;

use super::super::backend::{Key, Piece};
use super::layer::{Layer, Slot};
use super::readers::{View, minute};

/// Pieces that are handed over together, and the bytes after which they are.
const AT_ONCE: usize = 256;
const BYTES: usize = 256 * 1024;

/// A name in the file that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("the store file holds a name that is none of ours; it is damaged")]
struct Foreign;

/// Whoever takes the pieces.
struct Out<'t> {
    to: &'t Sender<Vec<Piece>>,
    waiting: Vec<Piece>,
    bytes: usize,
    /// Whether nobody takes them any more.
    closed: bool,
}

impl View<'_> {
    /// Tells everything, until nobody listens.
    pub(super) fn dump(&self, to: &Sender<Vec<Piece>>) -> rusqlite::Result<()> {
        self.at_one_moment(|| {
            let layer = Arc::clone(self.overlay.current(self.connection)?.layer());
            let mut out = Out { to, waiting: Vec::new(), bytes: 0, closed: false };
            self.dump_records(&layer, &mut out)?;
            self.dump_members(&layer, &mut out)?;
            self.dump_entries(&layer, &mut out)?;
            self.dump_counters(&mut out)?;
            out.send();
            Ok(())
        })
    }

    fn dump_records(&self, layer: &Layer, out: &mut Out<'_>) -> rusqlite::Result<()> {
        let minute = minute(self.now);
        let mut select =
            self.connection.prepare("SELECT key, version, expires, value FROM record ORDER BY key")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()?.filter(|_| !out.closed) {
            let key = key(row)?;
            if layer.records.contains_key(key.text()) {
                continue;
            }
            let value = Some(Bytes::from(row.get::<_, Vec<u8>>(3)?));
            out.record(key, &Slot { version: row.get(1)?, expires: row.get(2)?, value }, minute);
        }
        let newer: BTreeMap<_, _> = layer.records.iter().collect();
        for (name, slot) in newer {
            out.record(known(name)?, slot, minute);
        }
        Ok(())
    }

    fn dump_members(&self, layer: &Layer, out: &mut Out<'_>) -> rusqlite::Result<()> {
        let mut select = self.connection.prepare("SELECT name, member FROM member ORDER BY name, member")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()?.filter(|_| !out.closed) {
            let (set, member) = (key(row)?, row.get::<_, Vec<u8>>(1)?);
            let newer = layer.sets.get(set.text()).is_some_and(|members| members.contains_key(&member));
            if !newer {
                out.push(Piece::Member { set, member });
            }
        }
        let newer: BTreeMap<_, _> = layer.sets.iter().collect();
        for (name, members) in newer {
            let set = known(name)?;
            for (member, _) in members.iter().filter(|(_, is_in)| **is_in) {
                out.push(Piece::Member { set: set.clone(), member: member.clone() });
            }
        }
        Ok(())
    }

    fn dump_entries(&self, layer: &Layer, out: &mut Out<'_>) -> rusqlite::Result<()> {
        let mut select =
            self.connection.prepare("SELECT name, position, value FROM entry ORDER BY name, position")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()?.filter(|_| !out.closed) {
            let position = row.get::<_, i64>(1)?.cast_unsigned();
            out.push(Piece::Entry { log: key(row)?, position, entry: row.get(2)? });
        }
        // What stands in the journal comes behind everything in the table.
        let newer: BTreeMap<_, _> = layer.logs.iter().collect();
        for (name, entries) in newer {
            let log = known(name)?;
            for (position, entry) in entries {
                out.push(Piece::Entry { log: log.clone(), position: *position, entry: entry.to_vec() });
            }
        }
        Ok(())
    }

    fn dump_counters(&self, out: &mut Out<'_>) -> rusqlite::Result<()> {
        let mut select = self.connection.prepare("SELECT name, last FROM counter ORDER BY name")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()?.filter(|_| !out.closed) {
            out.push(Piece::Counter { counter: key(row)?, last: row.get::<_, i64>(1)?.cast_unsigned() });
        }
        Ok(())
    }
}

impl Out<'_> {
    fn record(&mut self, key: Key, slot: &Slot, minute: i64) {
        let Some(value) = slot.value.clone().filter(|_| slot.is_there(minute)) else { return };
        let expires = slot.expires.and_then(|at| Timestamp::from_second(at.checked_mul(60)?).ok());
        self.push(Piece::Record { key, value, expires });
    }

    fn push(&mut self, piece: Piece) {
        self.bytes += match &piece {
            Piece::Record { value, .. } => value.len(),
            Piece::Member { member, .. } => member.len(),
            Piece::Entry { entry, .. } => entry.len(),
            Piece::Counter { .. } => 8,
        };
        self.waiting.push(piece);
        if self.waiting.len() >= AT_ONCE || self.bytes >= BYTES {
            self.send();
        }
    }

    fn send(&mut self) {
        self.bytes = 0;
        let pieces = std::mem::take(&mut self.waiting);
        if !self.closed && !pieces.is_empty() {
            self.closed = self.to.blocking_send(pieces).is_err();
        }
    }
}

/// The name in the first column.
fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    let name = row.get_ref(0)?.as_bytes()?;
    Key::parse(name).ok_or_else(foreign)
}

fn known(name: &str) -> rusqlite::Result<Key> {
    Key::parse(name.as_bytes()).ok_or_else(foreign)
}

fn foreign() -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(Foreign))
}
