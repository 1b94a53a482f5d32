//! Places for those who keep a connection open: so many in one process, and so many of one tenant, or of one person.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::ids::TenantId;

/// The places of one process. A clone shares them.
#[derive(Debug, Clone)]
pub(super) struct Places<K = TenantId> {
    most: usize,
    most_of_one: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
    /// Is told of how many are taken.
    tell: fn(usize),
}

/// One of them. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place<K: Eq + Hash = TenantId> {
    places: Places<K>,
    who: K,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// So many, of which one may take so many; `tell` hears of each change.
    pub(super) fn new(most: usize, most_of_one: usize, tell: fn(usize)) -> Self {
        Self { most, most_of_one, taken: Arc::default(), tell }
    }

    /// A place for somebody; none if they are taken.
    pub(super) fn enter(&self, who: &K) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, all) = (taken.get(who).copied().unwrap_or(0), taken.values().sum::<usize>());
        if own >= self.most_of_one || all >= self.most {
            return None;
        }
        taken.insert(who.clone(), own + 1);
        (self.tell)(all + 1);
        Some(Place { places: self.clone(), who: who.clone() })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.who) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.who);
            }
        }
        (self.places.tell)(taken.values().sum());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const MOST: usize = 20;
    const MOST_OF_ONE: usize = 5;

    fn tenant(number: usize) -> TenantId {
        format!("t{number}").parse().unwrap()
    }

    #[test]
    fn one_tenant_takes_its_share_and_no_more() {
        let places = Places::new(MOST, MOST_OF_ONE, |_| {});
        let own: Vec<_> = (0..MOST_OF_ONE).map(|_| places.enter(&tenant(0)).unwrap()).collect();
        assert!(places.enter(&tenant(0)).is_none());
        assert!(places.enter(&tenant(1)).is_some(), "the others still have room");
        drop(own);
        assert!(places.enter(&tenant(0)).is_some());
        assert!(places.taken.lock().unwrap().is_empty(), "who has left takes no room");
    }

    #[test]
    fn all_tenants_together_find_an_end() {
        let places = Places::new(MOST, MOST_OF_ONE, |_| {});
        let all: Vec<_> = (0..MOST).map(|number| places.enter(&tenant(number)).unwrap()).collect();
        assert!(places.enter(&tenant(MOST)).is_none());
        drop(all);
        assert!(places.enter(&tenant(MOST)).is_some());
    }

    #[test]
    fn each_change_is_told() {
        static TOLD: AtomicUsize = AtomicUsize::new(0);
        let places = Places::new(MOST, MOST_OF_ONE, |taken| TOLD.store(taken, Ordering::Relaxed));
        let (one, two) = (places.enter(&tenant(0)), places.enter(&tenant(1)));
        assert_eq!(TOLD.load(Ordering::Relaxed), 2);
        drop(one);
        assert_eq!(TOLD.load(Ordering::Relaxed), 1);
        drop(two);
        assert_eq!(TOLD.load(Ordering::Relaxed), 0);
    }
}
