//! Saved samples of a provider: one sealed record per provider that has some.

use crate::domain::ids::{ProviderId, TrialId};
use crate::domain::sample::Samples;
use crate::domain::trial::{TRIAL_KEPT, Trial};

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Op, Place, Tx};
use super::{StoreError, TenantStore};

impl Tx {
    /// Writes the samples of a provider; the record goes where none is left.
    pub fn put_samples(
        &mut self,
        stored: Option<&Stored<Samples>>,
        provider: &ProviderId,
        samples: &Samples,
    ) {
        match stored {
            Some(stored) => self.replace(stored, samples, None),
            None => self.put(Place::Named(provider.to_string()), Some(Expect::Absent), samples, None),
        }
    }

    /// Takes the samples of a provider away, all of them.
    pub fn delete_samples(&mut self, stored: &Stored<Samples>) {
        self.ops.push(Op::Delete(stored.key.clone()));
    }

    /// The test is the latest of its provider.
    pub fn put_latest_trial(&mut self, trial: &Trial) {
        let until = Some(trial.created_at + TRIAL_KEPT);
        self.put(Place::Named(trial.provider.to_string()), None, &trial.id, until);
    }
}

impl TenantStore {
    /// The samples of a provider; none if there never was one.
    pub async fn samples(&self, provider: &ProviderId) -> Result<Option<Stored<Samples>>, StoreError> {
        self.one(self.keys.key(Samples::KIND, provider.as_str())).await
    }

    /// The latest test of a provider, if it is still known.
    pub async fn latest_trial(&self, provider: &ProviderId) -> Result<Option<Stored<Trial>>, StoreError> {
        let latest = self.one::<TrialId>(self.keys.key(TrialId::KIND, provider.as_str())).await?;
        match latest {
            Some(id) => self.trial(&id).await,
            None => Ok(None),
        }
    }
}
