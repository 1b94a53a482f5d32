//! Keys that are replaced while everything runs, and what an operator is told of them.

use std::sync::Arc;

use crate::domain::setting::SettingFault;
use crate::store::seal::SealKeys;

use super::{Broker, StoreError};

/// Which keys are in use, and what is wrong with their file.
#[derive(Debug, Clone, Default)]
pub struct KeysInUse {
    /// The name of the key that seals.
    pub seal: String,
    /// The name of the key that signs.
    pub sign: String,
    /// Whether records are on their way to another index key.
    pub reindexing: bool,
    /// What is wrong with the file; the keys are then those of an earlier version.
    pub faults: Vec<SettingFault>,
}

impl Broker {
    /// Seals, opens and finds with other keys from now on.
    pub fn replace_keys(&self, keys: SealKeys) {
        self.store.replace_keys(keys);
    }

    /// Which keys are in use.
    pub fn keys_in_use(&self) -> Arc<KeysInUse> {
        self.keys.load_full()
    }

    /// Tells which keys are in use.
    pub fn tell_keys(&self, keys: KeysInUse) {
        self.keys.store(Arc::new(keys));
    }

    /// Whether something may stand under an index key that is on its way out.
    pub fn must_reindex(&self) -> bool {
        self.store.has_previous_index()
    }

    /// Goes once through everything and moves it to the active index key; answers how many records
    /// were moved.
    pub async fn reindex(&self) -> Result<u64, StoreError> {
        self.store.reindex().await
    }
}
