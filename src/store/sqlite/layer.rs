//! Changes that are committed in the journal and not yet written into the tables: the newest word
//! on every name that they speak of. A row of the journal is one layer in bytes.
//!
//! The bytes are a format number (1) and, one behind the other, items: a tag, the name, and what
//! the tag demands, texts and numbers as in `frame`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::super::backend::Key;
use super::super::frame::{Cut, put_text, take_byte, take_number, take_text};

/// The layout described above; another layout gets another number.
const FORMAT: u8 = 1;
const PUT: u8 = b'p';
const DELETED: u8 = b'd';
const MEMBER: u8 = b'm';
const REMOVED: u8 = b'r';
const ENTRY: u8 = b'e';
/// In place of `expires` where there is none.
const NEVER: i64 = i64::MAX;

/// Something by its name in the store. Names are looked up some hundred times per login, and made of ids and keyed
/// hashes of ours and a few names that admins choose; the hash has a seed of its own in each map.
pub(super) type ByName<V> = HashMap<Arc<str>, V, RandomState>;

/// A record, or that there is none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slot {
    /// The change that put or deleted it.
    pub version: i64,
    /// The first minute in which it is over its time to live.
    pub expires: Option<i64>,
    /// None where it was deleted.
    pub value: Option<Bytes>,
}

impl Slot {
    /// No record, and there was none.
    pub(super) const ABSENT: Self = Self { version: 0, expires: None, value: None };

    /// Whether a record stands here in this minute.
    pub(super) fn is_there(&self, minute: i64) -> bool {
        self.value.is_some() && self.expires.is_none_or(|expires| expires > minute)
    }
}

/// The changes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layer {
    pub records: ByName<Slot>,
    /// Members that were added (true) or removed.
    pub sets: ByName<BTreeMap<Vec<u8>, bool>>,
    pub logs: ByName<BTreeMap<u64, Bytes>>,
    /// How many changes it took, and the bytes of their values: what it weighs.
    pub changes: usize,
    pub bytes: usize,
}

/// A row of the journal that is no layer: the file is damaged.
#[derive(Debug, thiserror::Error)]
#[error("a row of the journal cannot be read; the store file is damaged")]
pub(super) struct Damaged;

impl Layer {
    pub(super) fn is_empty(&self) -> bool {
        self.changes == 0
    }

    /// A record was put, or deleted if it has no value.
    pub(super) fn put(&mut self, name: &Key, slot: Slot) {
        self.put_at(Arc::clone(name.text()), slot);
    }

    /// A member was added to a set, or removed.
    pub(super) fn member(&mut self, set: &Key, member: Vec<u8>, is_in: bool) {
        self.member_at(set.text(), member, is_in);
    }

    /// A log got an entry.
    pub(super) fn entry(&mut self, log: &Key, position: u64, entry: Bytes) {
        self.entry_at(log.text(), position, entry);
    }

    /// Takes over what came later.
    pub(super) fn absorb(&mut self, later: Self) {
        for (name, slot) in later.records {
            self.put_at(name, slot);
        }
        for (name, members) in later.sets {
            for (member, is_in) in members {
                self.member_at(&name, member, is_in);
            }
        }
        for (name, entries) in later.logs {
            for (position, entry) in entries {
                self.entry_at(&name, position, entry);
            }
        }
    }

    fn put_at(&mut self, name: Arc<str>, slot: Slot) {
        self.weigh(name.len() + slot.value.as_ref().map_or(0, Bytes::len));
        self.records.insert(name, slot);
    }

    fn member_at(&mut self, name: &Arc<str>, member: Vec<u8>, is_in: bool) {
        self.weigh(member.len());
        match self.sets.get_mut(name) {
            Some(members) => members.insert(member, is_in),
            None => self.sets.entry(Arc::clone(name)).or_default().insert(member, is_in),
        };
    }

    fn entry_at(&mut self, name: &Arc<str>, position: u64, entry: Bytes) {
        self.weigh(entry.len());
        match self.logs.get_mut(name) {
            Some(entries) => entries.insert(position, entry),
            None => self.logs.entry(Arc::clone(name)).or_default().insert(position, entry),
        };
    }

    fn weigh(&mut self, bytes: usize) {
        self.changes += 1;
        self.bytes += bytes;
    }

    /// As a row of the journal.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut row = Vec::with_capacity(self.bytes + self.changes * 32);
        row.push(FORMAT);
        for (name, slot) in &self.records {
            row.push(if slot.value.is_some() { PUT } else { DELETED });
            put_text(&mut row, name.as_bytes());
            row.extend_from_slice(&slot.version.to_be_bytes());
            row.extend_from_slice(&slot.expires.unwrap_or(NEVER).to_be_bytes());
            if let Some(value) = &slot.value {
                put_text(&mut row, value);
            }
        }
        for (name, members) in &self.sets {
            for (member, is_in) in members {
                row.push(if *is_in { MEMBER } else { REMOVED });
                put_text(&mut row, name.as_bytes());
                put_text(&mut row, member);
            }
        }
        for (name, entries) in &self.logs {
            for (position, entry) in entries {
                row.push(ENTRY);
                put_text(&mut row, name.as_bytes());
                row.extend_from_slice(&position.to_be_bytes());
                put_text(&mut row, entry);
            }
        }
        row
    }

    /// From a row of the journal.
    pub(super) fn parse(row: Vec<u8>) -> Result<Self, Damaged> {
        let mut row = Bytes::from(row);
        let mut layer = Self::default();
        if take_byte(&mut row)? != FORMAT {
            return Err(Damaged);
        }
        while !row.is_empty() {
            let tag = take_byte(&mut row)?;
            let name = take_text(&mut row)?;
            let name: Arc<str> = std::str::from_utf8(&name).map_err(|_| Damaged)?.into();
            match tag {
                PUT | DELETED => {
                    let version = take_number(&mut row)?.cast_signed();
                    let expires = Some(take_number(&mut row)?.cast_signed()).filter(|at| *at != NEVER);
                    let value = if tag == PUT { Some(take_text(&mut row)?) } else { None };
                    layer.put_at(name, Slot { version, expires, value });
                }
                MEMBER | REMOVED => layer.member_at(&name, take_text(&mut row)?.to_vec(), tag == MEMBER),
                ENTRY => {
                    let position = take_number(&mut row)?;
                    layer.entry_at(&name, position, take_text(&mut row)?);
                }
                _ => return Err(Damaged),
            }
        }
        Ok(layer)
    }
}

impl From<Cut> for Damaged {
    fn from(_: Cut) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::backend::Partition;
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Partition::new(7), name)
    }

    fn slot(version: i64, value: Option<&'static [u8]>) -> Slot {
        Slot {
            version,
            expires: value.map(|value| value.len().try_into().unwrap()),
            value: value.map(Bytes::from_static),
        }
    }

    fn full() -> Layer {
        let mut layer = Layer::default();
        layer.put(&key("kept"), slot(3, Some(b"value")));
        layer.put(&key("gone"), slot(4, None));
        layer.put(&key("for ever"), Slot { expires: None, ..slot(5, Some(b"")) });
        layer.member(&key("set"), b"in".to_vec(), true);
        layer.member(&key("set"), b"out".to_vec(), false);
        layer.entry(&key("log"), 7, Bytes::from_static(b"seven"));
        layer.entry(&key("log"), 8, Bytes::from_static(b"eight"));
        layer
    }

    #[test]
    fn a_row_of_the_journal_is_the_layer_that_it_was_made_of() {
        assert_eq!(Layer::parse(full().to_bytes()).unwrap(), full());
        assert_eq!(Layer::parse(Layer::default().to_bytes()).unwrap(), Layer::default());
    }

    #[test]
    fn the_later_word_on_a_name_counts() {
        let mut layer = full();
        let mut later = Layer::default();
        later.put(&key("kept"), slot(9, None));
        later.put(&key("gone"), slot(9, Some(b"back")));
        later.member(&key("set"), b"in".to_vec(), false);
        later.entry(&key("log"), 9, Bytes::from_static(b"nine"));
        layer.absorb(later);
        assert!(!layer.records[key("kept").text()].is_there(0));
        assert!(
            layer.records[key("gone").text()].is_there(3) && !layer.records[key("gone").text()].is_there(4)
        );
        assert_eq!(layer.sets[key("set").text()].values().copied().collect::<Vec<_>>(), [false, false]);
        assert_eq!(layer.logs[key("log").text()].keys().copied().collect::<Vec<_>>(), [7, 8, 9]);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_row_are_no_panic(bytes: Vec<u8>) {
            let _ = Layer::parse(bytes);
        }

        #[test]
        fn a_cut_row_is_damaged_or_has_lost_whole_items(at in 0_usize..400) {
            let mut row = full().to_bytes();
            row.truncate(at);
            if let Ok(layer) = Layer::parse(row) {
                prop_assert!(layer.changes <= full().changes);
            }
        }
    }
}
