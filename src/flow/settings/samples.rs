//! Saved samples: answers of a provider with the profile that a mapping must go on to make of them. A
//! draft that makes another one does not go live until an admin accepts that, or deletes the sample.

use std::collections::BTreeSet;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::{Mapping, Provider};
use crate::domain::sample::{
    Answers, MOST_SAMPLES, Miss, Outcome, SAMPLE_BYTES, SAMPLE_NAME, Sample, Samples,
};
use crate::domain::stored::StoredTenant;
use crate::domain::tenant::Tenant;
use crate::flow::preview::{self, PreviewError};
use crate::flow::trial::OnTrial;
use crate::store::{Durability, StoreError, Tx};

use super::super::{Broker, RACES};
use super::checks::read_with;
use super::{Precondition, SettingsError};

/// A sample, and whether it still makes what it must.
#[derive(Debug)]
pub struct Verdict {
    /// The sample.
    pub sample: Sample,
    /// Every field that is another; or why nothing could be made of it.
    pub result: Result<Vec<Miss>, PreviewError>,
}

/// Why a sample was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// There is no such provider or sample.
    #[error("there is no such provider or sample")]
    Unknown,
    /// There are as many as there may be.
    #[error("a provider has at most {MOST_SAMPLES} samples; delete one that is no longer needed")]
    Full,
    /// It is too large.
    #[error("a sample has at most {} kB; leave out what the mapping does not read", SAMPLE_BYTES / 1024)]
    TooLarge,
    /// Its name is none.
    #[error("give the sample a name of 1 to {SAMPLE_NAME} characters")]
    Name,
    /// Nothing could be made of it.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verdict {
    /// Whether it makes what it must.
    pub fn passes(&self) -> bool {
        matches!(&self.result, Ok(misses) if misses.is_empty())
    }
}

impl Broker {
    /// The samples of a provider, each with whether its draft (or what is live, without one) makes of it what it must.
    pub async fn sample_verdicts(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
    ) -> Result<Vec<Verdict>, SampleError> {
        let OnTrial { provider, .. } = self.on_trial(tenant, id).await?.ok_or(SampleError::Unknown)?;
        self.verdicts(&tenant.id, &provider).await.map_err(SampleError::from)
    }

    /// Saves answers under a name: what this mapping makes of them is what every later one must make.
    pub async fn save_sample(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
        (name, answers, mapping): (&str, &Answers, Option<Mapping>),
        author: &Actor,
    ) -> Result<u64, SampleError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > SAMPLE_NAME || name.contains(char::is_control) {
            return Err(SampleError::Name);
        }
        let size = serde_json::to_vec(answers).map_or(usize::MAX, |bytes| bytes.len());
        if size > SAMPLE_BYTES {
            return Err(SampleError::TooLarge);
        }
        let provider = self.on_trial(tenant, id).await?.ok_or(SampleError::Unknown)?.provider;
        let provider = Provider { mapping, ..(*provider).clone() };
        let expected = outcome_of(&provider, answers)?;
        let (saved_at, saved_by) = (self.clock.now(), author.to_string());
        let save = |samples: &mut Samples| {
            if samples.list.len() >= MOST_SAMPLES {
                return Err(SampleError::Full);
            }
            samples.made += 1;
            samples.list.push(Sample {
                number: samples.made,
                name: name.to_owned(),
                answers: answers.clone(),
                expected: expected.clone(),
                saved_at,
                saved_by: saved_by.clone(),
            });
            Ok(samples.made)
        };
        self.change_samples(&tenant.id, id, author, AuditAction::SampleSaved, save).await
    }

    /// From now on a sample must make what the draft makes of it now.
    pub async fn accept_sample(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
        number: u64,
        author: &Actor,
    ) -> Result<u64, SampleError> {
        let provider = self.on_trial(tenant, id).await?.ok_or(SampleError::Unknown)?.provider;
        let now = self.clock.now();
        let accept = |samples: &mut Samples| {
            let sample = samples.list.iter_mut().find(|sample| sample.number == number);
            let sample = sample.ok_or(SampleError::Unknown)?;
            sample.expected = outcome_of(&provider, &sample.answers)?;
            (sample.saved_at, sample.saved_by) = (now, author.to_string());
            Ok(number)
        };
        self.change_samples(&tenant.id, id, author, AuditAction::SampleSaved, accept).await
    }

    /// Deletes a sample.
    pub async fn delete_sample(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        number: u64,
        author: &Actor,
    ) -> Result<u64, SampleError> {
        let delete = |samples: &mut Samples| {
            let before = samples.list.len();
            samples.list.retain(|sample| sample.number != number);
            if samples.list.len() == before { Err(SampleError::Unknown) } else { Ok(number) }
        };
        self.change_samples(tenant, id, author, AuditAction::SampleDeleted, delete).await
    }

    /// Fails if a sample does not make with the draft what it must; the draft's version otherwise. Without a draft there
    /// is nothing to check.
    pub(super) async fn check_samples(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
    ) -> Result<Precondition, SettingsError> {
        let stored = self.stored_tenant(tenant).await?.ok_or(SettingsError::Unknown)?;
        let known = stored.provider(id).ok_or(SettingsError::Unknown)?;
        let Some(draft) = &known.draft else { return Ok(Precondition::Missing) };
        let reading = read_with(self.format(), &stored, id, &draft.settings)?;
        self.pass_with(tenant, &reading.provider).await?;
        Ok(Precondition::Versions(vec![known.version]))
    }

    /// The same with an earlier version, which is to be live again. One that is not there, or can no longer be read, is
    /// the caller's to tell.
    pub(super) async fn check_samples_of(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        version: u64,
    ) -> Result<(), SettingsError> {
        let Some(stored) = self.stored_tenant(tenant).await? else { return Ok(()) };
        let Some(known) = stored.provider(id).cloned() else { return Ok(()) };
        let earlier = known.history.into_iter().find(|published| published.version == version);
        let (Some(earlier), Some(live)) = (earlier, known.live) else { return Ok(()) };
        let mut settings = earlier.settings;
        stored.secrets.carry(&live.settings, &mut settings);
        match read_with(self.format(), &stored, id, &settings) {
            Ok(reading) => self.pass_with(tenant, &reading.provider).await,
            Err(_) => Ok(()),
        }
    }

    /// Fails if a sample does not make with this provider what it must.
    async fn pass_with(&self, tenant: &TenantId, provider: &Provider) -> Result<(), SettingsError> {
        let verdicts = self.verdicts(tenant, provider).await?;
        let failing = verdicts.iter().filter(|verdict| !verdict.passes()).count();
        if failing > 0 {
            let text = format!(
                "{failing} of {} saved samples would make another profile than they must; the page of the mapping \
                 shows the difference: mend the mapping, accept the new outcome, or delete the sample",
                verdicts.len()
            );
            return Err(SettingsError::Conflict(text));
        }
        Ok(())
    }

    /// Forgets the samples of providers that a change took away or made: a new one has none of an older one's. What cannot
    /// be forgotten now is forgotten when a provider of that name is made.
    pub(super) async fn forget_gone(&self, before: Option<&StoredTenant>, now: &StoredTenant) {
        let ids = |tenant: &StoredTenant| -> BTreeSet<ProviderId> {
            tenant.providers.iter().map(|provider| provider.id.clone()).collect()
        };
        let before = before.map(ids).unwrap_or_default();
        for id in before.symmetric_difference(&ids(now)) {
            if let Err(error) = self.forget_samples(&now.id, id).await {
                tracing::warn!(tenant = %now.id, provider = %id, detail = %error, "samples.not_forgotten");
            }
        }
    }

    async fn forget_samples(&self, tenant: &TenantId, id: &ProviderId) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        for _ in 0..RACES {
            let Some(stored) = store.samples(id).await? else { return Ok(()) };
            let mut tx = Tx::new();
            tx.delete_samples(&stored);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    async fn verdicts(&self, tenant: &TenantId, provider: &Provider) -> Result<Vec<Verdict>, StoreError> {
        let samples = self.store.at(tenant).samples(&provider.id).await?;
        let list = samples.map(|stored| stored.into_value().list).unwrap_or_default();
        let judged = list.into_iter().map(|sample| {
            let found = outcome_of(provider, &sample.answers);
            Verdict { result: found.map(|found| sample.expected.misses(&found)), sample }
        });
        Ok(judged.collect())
    }

    async fn change_samples(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        author: &Actor,
        action: AuditAction,
        change: impl Fn(&mut Samples) -> Result<u64, SampleError>,
    ) -> Result<u64, SampleError> {
        let store = self.store.at(tenant);
        for _ in 0..RACES {
            let stored = store.samples(id).await?;
            let mut samples = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let number = change(&mut samples)?;
            let entry = self.entry(&author.to_string(), action, id.to_string());
            let mut tx = Tx::new();
            tx.put_samples(stored.as_ref(), id, &samples);
            tx.audit(AuditEntry { detail: Some(format!("sample {number}")), ..entry });
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| number)?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// What a provider's settings make of answers.
fn outcome_of(provider: &Provider, answers: &Answers) -> Result<Outcome, PreviewError> {
    Ok(Outcome::of(&preview::signed_in(provider, answers)?))
}
