//! Who has spent how much, in a fixed amount of memory. A million addresses take no more of it than
//! ten: where there is no room the one is forgotten that owes the least, which is mostly one that
//! owes nothing any more.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rate::{Quota, Rate};

/// Entries that share a lock and compete for room.
const WAYS: usize = 8;

/// Points in time by keys.
pub struct Table {
    rows: Box<[Mutex<[Entry; WAYS]>]>,
    /// Seeded afresh in every process: nobody can choose keys that meet in one row.
    hasher: RandomState,
}

/// A key's hash and its point in time, see [`Rate::take`]; 0 is nobody's.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u64,
    clear: u64,
}

impl Table {
    /// Room for at least so many, 16 bytes each.
    pub fn new(room: usize) -> Self {
        let rows = room.div_ceil(WAYS).next_power_of_two();
        Self { rows: (0..rows).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// One more for `key`: what is left, or what was left if there was none.
    pub fn take(&self, name: &'static str, key: impl Hash, rate: Rate, now: u64) -> Result<Quota, Quota> {
        let key = self.hash(name, key);
        let mut row = self.row(key);
        let place = find(&row, key).unwrap_or_else(|| {
            let place = cheapest(&row);
            row[place] = Entry { key, clear: 0 };
            place
        });
        let (clear, allowed) = rate.take(row[place].clear, now);
        row[place].clear = clear;
        let quota = rate.quota(name, clear, now);
        if allowed { Ok(quota) } else { Err(quota) }
    }

    /// One that was taken for `key` is given back.
    pub fn give_back(&self, name: &'static str, key: impl Hash, rate: Rate, now: u64) {
        let key = self.hash(name, key);
        let mut row = self.row(key);
        if let Some(place) = find(&row, key) {
            row[place].clear = rate.give_back(row[place].clear, now);
        }
    }

    fn hash(&self, name: &'static str, key: impl Hash) -> u64 {
        self.hasher.hash_one((name, key)).max(1)
    }

    fn row(&self, key: u64) -> MutexGuard<'_, [Entry; WAYS]> {
        let rows = u64::try_from(self.rows.len()).unwrap_or(1);
        let row = usize::try_from(key % rows).unwrap_or(0);
        // Nothing in between can panic.
        self.rows[row].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("room", &(self.rows.len() * WAYS)).finish_non_exhaustive()
    }
}

fn find(row: &[Entry; WAYS], key: u64) -> Option<usize> {
    row.iter().position(|entry| entry.key == key)
}

fn cheapest(row: &[Entry; WAYS]) -> usize {
    let (place, _) = row.iter().enumerate().min_by_key(|(_, entry)| entry.clear).unwrap_or((0, &row[0]));
    place
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const NOW: u64 = 1_000_000_000;

    #[test]
    fn each_key_has_its_own_and_each_name_too() {
        let (table, rate) = (Table::new(1000), Rate::per_minute(1));
        assert!(table.take("a", 1, rate, NOW).is_ok());
        assert!(table.take("a", 1, rate, NOW).is_err());
        assert!(table.take("a", 2, rate, NOW).is_ok());
        assert!(table.take("b", 1, rate, NOW).is_ok());
        table.give_back("a", 1, rate, NOW);
        assert!(table.take("a", 1, rate, NOW).is_ok());
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_and_do_not_free_one_that_floods() {
        let (table, rate) = (Table::new(1 << 16), Rate::per_minute(100));
        let rows = table.rows.len();
        let mut allowed = 0;
        for number in 0..1_000_000_u32 {
            let _ = table.take("x", Ipv4Addr::from_bits(number), rate, NOW);
            if number % 1000 == 0 {
                allowed += u32::from(table.take("x", "the one that floods", rate, NOW).is_ok());
            }
        }
        assert_eq!(table.rows.len(), rows);
        assert!(allowed <= 110, "{allowed} of a thousand were let through");
    }

    #[test]
    fn parallel_requests_share_one_quota() {
        let (table, rate) = (Table::new(10), Rate::per_minute(50));
        let take = || (0..100).filter(|_| table.take("x", 1, rate, NOW).is_ok()).count();
        let allowed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(allowed, 50);
    }
}
