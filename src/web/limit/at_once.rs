//! How much somebody has at the same time. Nobody stands here who has nothing, so that it is as large as what is held.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts by keys. A clone shares them.
#[derive(Debug, Clone)]
pub struct AtOnce<K> {
    most: usize,
    held: Arc<Mutex<HashMap<K, usize>>>,
}

/// One of somebody's. Dropping it gives it back.
pub struct Held<K: Eq + Hash> {
    held: Arc<Mutex<HashMap<K, usize>>>,
    key: K,
}

impl<K: Eq + Hash + Clone> AtOnce<K> {
    /// So many for each.
    pub fn new(most: usize) -> Self {
        Self { most, held: Arc::default() }
    }

    /// One more; none for who has as many as there may be.
    pub fn take(&self, key: &K) -> Option<Held<K>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.get(key).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        held.insert(key.clone(), count + 1);
        Some(Held { held: Arc::clone(&self.held), key: key.clone() })
    }
}

impl<K: Eq + Hash> fmt::Debug for Held<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = held.get_mut(&self.key) else { return };
        *count -= 1;
        if *count == 0 {
            held.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_much_and_who_has_nothing_takes_no_room() {
        let all = AtOnce::new(2);
        let first = [all.take(&1), all.take(&1)];
        assert!(first.iter().all(Option::is_some) && all.take(&1).is_none());
        let other = all.take(&2);
        assert!(other.is_some());
        drop((first, other));
        assert!(all.held.lock().unwrap().is_empty());
        assert!(all.take(&1).is_some());
    }
}
