//! Test logins: kept sealed for an hour, listed nowhere.

use crate::domain::ids::TrialId;
use crate::domain::trial::{TRIAL_KEPT, Trial};

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Place, Tx};
use super::{StoreError, TenantStore};

impl Tx {
    /// Writes a new test login, or changes one.
    pub fn put_trial(&mut self, stored: Option<&Stored<Trial>>, trial: &Trial) {
        let until = Some(trial.created_at + TRIAL_KEPT);
        match stored {
            Some(stored) => self.replace(stored, trial, until),
            None => {
                self.put(Place::Named(trial.id.as_str().to_owned()), Some(Expect::Absent), trial, until);
            }
        }
    }
}

impl TenantStore {
    /// A test login by its id. One that is too old is gone, though its space may not be free yet.
    pub async fn trial(&self, id: &TrialId) -> Result<Option<Stored<Trial>>, StoreError> {
        let stored = self.one::<Trial>(self.keys.key(Trial::KIND, id.as_str())).await?;
        let now = self.store.inner.clock.now();
        Ok(stored.filter(|stored| now < stored.value.created_at + TRIAL_KEPT))
    }
}
