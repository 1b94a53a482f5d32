//! Records as they were written or read last, decoded: a login reads its link six times and its
//! authorization request three times, and would open and parse them each time.
//!
//! The backend is asked all the same, and what it answers must be the very bytes that the record
//! stands for. A seal has a random nonce, so equal bytes under one key are one record: nothing older
//! and nothing of another broker's is ever taken for it, and nobody has to be told of a change.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::fast::RandomState;
use jiff::{SignedDuration, Timestamp};

use super::backend::Key;

/// Records of one half; there are two, and so at most twice as many, some megabytes.
const HALF: usize = 2048;
/// A half is no longer filled after this time: what nobody asks for any more is forgotten, at the
/// latest when records are kept again.
const FILLED_FOR: SignedDuration = SignedDuration::from_mins(5);

/// A decoded record of any type.
pub(super) type Kept = Arc<dyn Any + Send + Sync>;

/// The records. They are kept in two halves: a full one takes the place of the older one.
#[derive(Default)]
pub(super) struct Decoded {
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    young: HashMap<Key, Entry, RandomState>,
    old: HashMap<Key, Entry, RandomState>,
    /// When the young half was begun.
    since: Timestamp,
}

struct Entry {
    sealed: Bytes,
    record: Kept,
}

impl Decoded {
    /// The record of these bytes, if it is known.
    pub(super) fn find<R: Any + Send + Sync>(&self, key: &Key, sealed: &Bytes) -> Option<Arc<R>> {
        let halves = self.lock();
        let entry = halves.young.get(key).or_else(|| halves.old.get(key))?;
        let record = (entry.sealed == sealed).then(|| Arc::clone(&entry.record))?;
        drop(halves);
        record.downcast().ok()
    }

    /// Keeps a record in place of an older one.
    pub(super) fn keep(&self, key: Key, sealed: Bytes, record: Kept, now: Timestamp) {
        let mut halves = self.lock();
        if halves.young.len() >= HALF || now.duration_since(halves.since) > FILLED_FOR {
            halves.old = mem::take(&mut halves.young);
            halves.since = now;
        }
        halves.old.remove(&key);
        halves.young.insert(key, Entry { sealed, record });
    }

    /// The record of this key was deleted.
    pub(super) fn forget(&self, key: &Key) {
        let mut halves = self.lock();
        halves.old.remove(key);
        halves.young.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        // A panic leaves at worst a record that must be decoded again.
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::backend::Partition;
    use super::*;

    fn key(name: usize) -> Key {
        Key::new(Partition::new(1), &format!("record{name}"))
    }

    fn keep(decoded: &Decoded, name: usize, sealed: &'static [u8], at: i64) {
        let at = Timestamp::from_second(at).unwrap();
        decoded.keep(key(name), Bytes::from_static(sealed), Arc::new(format!("{name} {sealed:?}")), at);
    }

    fn knows(decoded: &Decoded, name: usize, sealed: &'static [u8]) -> bool {
        let found = decoded.find::<String>(&key(name), &Bytes::from_static(sealed));
        found.inspect(|found| assert_eq!(**found, format!("{name} {sealed:?}"))).is_some()
    }

    #[test]
    fn a_record_stands_for_its_own_bytes_only() {
        let decoded = Decoded::default();
        keep(&decoded, 1, b"one", 0);
        assert!(knows(&decoded, 1, b"one"));
        assert!(!knows(&decoded, 1, b"two") && !knows(&decoded, 2, b"one"));
        assert!(decoded.find::<u8>(&key(1), &Bytes::from_static(b"one")).is_none(), "of another type");
        keep(&decoded, 1, b"two", 0);
        assert!(knows(&decoded, 1, b"two") && !knows(&decoded, 1, b"one"));
        decoded.forget(&key(1));
        assert!(!knows(&decoded, 1, b"two"));
    }

    #[test]
    fn of_many_records_the_older_ones_are_forgotten() {
        let decoded = Decoded::default();
        for name in 0..3 * HALF {
            keep(&decoded, name, b"x", 0);
        }
        assert!(!knows(&decoded, HALF - 1, b"x"));
        assert!(knows(&decoded, HALF, b"x") && knows(&decoded, 3 * HALF - 1, b"x"));
        let halves = decoded.lock();
        assert!(halves.young.len() + halves.old.len() <= 2 * HALF);
    }

    #[test]
    fn a_changed_record_is_not_kept_in_its_older_words() {
        let decoded = Decoded::default();
        keep(&decoded, 1, b"one", 0);
        keep(&decoded, 2, b"x", 1000);
        assert!(knows(&decoded, 1, b"one"), "it is in the older half now");
        keep(&decoded, 1, b"two", 1000);
        assert!(!decoded.lock().old.contains_key(&key(1)));
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten_after_some_minutes() {
        let decoded = Decoded::default();
        keep(&decoded, 1, b"x", 0);
        keep(&decoded, 2, b"x", 301);
        keep(&decoded, 3, b"x", 602);
        assert!(!knows(&decoded, 1, b"x") && knows(&decoded, 2, b"x") && knows(&decoded, 3, b"x"));
    }
}
