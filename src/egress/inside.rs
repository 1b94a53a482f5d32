//! How many are inside of something now, that none may hold too much of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts somebody as long as it lives.
pub(super) struct Inside {
    all: Arc<AtomicUsize>,
    /// How many were there before.
    pub(super) others: usize,
}

impl Inside {
    pub(super) fn enter(all: &Arc<AtomicUsize>) -> Self {
        let others = all.fetch_add(1, Ordering::Relaxed);
        Self { all: Arc::clone(all), others }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}
