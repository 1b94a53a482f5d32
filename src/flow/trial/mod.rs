//! The test login: an admin signs in at the provider as a customer would, and sees step by step what
//! was sent, what came back, and how to mend what failed (DESIGN §6). It goes the very way of a
//! customer's login ([`sign_in`](super::sign_in)) and changes nothing but its own record: no link,
//! no conversation, no contact, no event, no breaker.
//!
//! | file | step |
//! |---|---|
//! | this one | begin a test, and see what came of it |
//! | [`open`] | the admin's browser goes to the provider |
//! | [`arrive`] | it comes back, and the sign-in is carried out |
//! | [`recorder`], [`report`] | what was sent and what came back, as steps |
//! | [`diagnose`], [`mapping`], [`propose`] | what is wrong, how to mend it, and with which setting |
//!
//! To add an explanation: 1. the words of its failure in [`diagnose`], 2. its setting in [`propose`], if
//! one helps, 3. a case in `tests/it/trial/`.

pub mod arrive;
mod diagnose;
mod mapping;
pub mod open;
mod propose;
pub(super) mod recorder;
mod report;

use std::sync::Arc;
use std::time::Duration;

use crate::domain::actor::Actor;
use crate::domain::ids::{ProviderId, TrialId};
use crate::domain::provider::Provider;
use crate::domain::request::{AuthorizationRequest, REQUEST_LIFETIME};
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Trial, TrialPhase, TrialState};
use crate::store::{Durability, StoreError, Stored, Tx};

use super::Broker;
use super::once::{Once, OnceError};
use super::probe::Target;
use super::redirect_uris::redirect_uris;
use super::settings::SettingsError;
use super::waiting::WaitError;

/// How often a test is looked at while somebody waits for it.
const LOOK: Duration = Duration::from_millis(400);

/// The settings that a test tries.
#[derive(Debug, Clone)]
pub struct OnTrial {
    /// The settings.
    pub provider: Arc<Provider>,
    /// The version of the draft; none for settings that logins use.
    pub draft: Option<u64>,
}

/// A test that began.
#[derive(Debug)]
pub struct Begun {
    /// How it stands.
    pub trial: Trial,
    /// What the URL of its page ends with; none if it is over already.
    pub handle: Option<String>,
    /// Whether the same order had begun it before.
    pub replayed: bool,
}

/// Why there is no test.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// There is no such provider, or no such test.
    #[error("this tenant has nothing with this id")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many wait already.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The key of the order is in the way.
    #[error(transparent)]
    Once(#[from] OnceError),
}

impl Broker {
    /// Begins a test: does at once what needs no person, and says where to sign in. The same order sent again begins
    /// none, and answers the first one as it is now, for as long as that is known.
    pub async fn begin_trial(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
        by: &Actor,
        once: Option<&Once>,
    ) -> Result<Begun, TrialError> {
        let mut turn = self.begin_once(&tenant.id, by, once)?;
        let store = self.store.at(&tenant.id);
        if let Some(made) = turn.made_before(&store, self.clock.now()).await? {
            match self.begun_before(tenant, id, &made).await {
                // A test is forgotten long before the key of its order: another one takes its place.
                Err(TrialError::Unknown) => {}
                begun => return begun,
            }
        }
        let OnTrial { provider, draft } = self.on_trial(tenant, id).await?.ok_or(TrialError::Unknown)?;
        let target = Target { tenant, provider: &provider, deadline: self.probe.deadline() };
        let seen = self.probe.begin(&target).await;
        let now = self.clock.now();
        let failed = seen.has_failed();
        let mut trial = Trial {
            id: TrialId::from_uuid(self.clock.fresh_uuid()),
            provider: provider.id.clone(),
            revision: provider.revision.clone(),
            draft,
            begun_by: by.clone(),
            redirect_uris: redirect_uris(tenant, &provider),
            created_at: now,
            expires_at: now + REQUEST_LIFETIME,
            phase: if failed { TrialPhase::Done { passed: false } } else { TrialPhase::Waiting },
            steps: seen.steps,
            findings: None,
            proposals: Vec::new(),
            warnings: propose::warnings(&provider),
        };
        trial.propose(seen.proposals);
        let mut tx = Tx::new();
        tx.put_trial(None, &trial);
        tx.put_latest_trial(&trial);
        turn.keep(&mut tx, &trial.id, now);
        match store.commit(tx, Durability::Relaxed).await {
            // Another broker was faster with the same order.
            Err(StoreError::Conflict) => {
                let made = turn.made_before(&store, now).await?.ok_or(StoreError::Conflict)?;
                return self.begun_before(tenant, id, &made).await;
            }
            done => done?,
        }
        let (tenant_id, test) = (&tenant.id, &trial.id);
        tracing::info!(tenant = %tenant_id, provider = %provider.id, %test, failed, "trial.begun");
        let handle = self.trial_handle(tenant, &trial);
        Ok(Begun { trial, handle, replayed: false })
    }

    /// What the same order has begun, for as long as it is known.
    async fn begun_before(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
        made: &TrialId,
    ) -> Result<Begun, TrialError> {
        let trial = self.trial_of(tenant, id, made).await?;
        let handle = self.trial_handle(tenant, &trial);
        Ok(Begun { trial, handle, replayed: true })
    }

    /// A test of a provider, as it is now.
    pub async fn trial_of(
        &self,
        tenant: &Tenant,
        provider: &ProviderId,
        id: &TrialId,
    ) -> Result<Trial, TrialError> {
        let stored = self.store.at(&tenant.id).trial(id).await?.ok_or(TrialError::Unknown)?;
        let trial = stored.into_value().as_of(self.clock.now());
        if trial.provider == *provider { Ok(trial) } else { Err(TrialError::Unknown) }
    }

    /// The latest test of a provider, if it is still known.
    pub async fn latest_trial(
        &self,
        tenant: &Tenant,
        provider: &ProviderId,
    ) -> Result<Option<Trial>, StoreError> {
        let stored = self.store.at(&tenant.id).latest_trial(provider).await?;
        Ok(stored.map(|stored| stored.into_value().as_of(self.clock.now())))
    }

    /// What the URL of a test's page ends with; none if it is over.
    pub fn trial_handle(&self, tenant: &Tenant, trial: &Trial) -> Option<String> {
        let waits = matches!(trial.phase, TrialPhase::Waiting | TrialPhase::AtProvider(_));
        waits.then(|| self.store.at(&tenant.id).seal_text("trial", trial.id.as_str()))
    }

    /// The same as soon as it is over, and in any case after `longest`.
    pub async fn wait_for_trial(
        &self,
        tenant: &Tenant,
        provider: &ProviderId,
        id: &TrialId,
        longest: Duration,
    ) -> Result<Trial, TrialError> {
        let until = self.clock.tick() + longest;
        let mut draining = self.waits.draining();
        let mut place = None;
        loop {
            let trial = self.trial_of(tenant, provider, id).await?;
            let over = trial.state() != TrialState::Waiting || self.clock.tick() >= until;
            if over || *draining.borrow_and_update() {
                return Ok(trial);
            }
            if place.is_none() {
                place = Some(self.waits.enter(&tenant.id)?);
            }
            tokio::select! {
                _ = draining.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn put_trial(
        &self,
        tenant: &Tenant,
        stored: &Stored<Trial>,
        trial: &Trial,
    ) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        tx.put_trial(Some(stored), trial);
        self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await
    }

    /// What a test of this provider tries: its draft if it has one, else what logins use.
    pub(in crate::flow) async fn on_trial(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
    ) -> Result<Option<OnTrial>, StoreError> {
        if self.writable(&tenant.id).is_ok() {
            match self.trial(&tenant.id, id).await {
                Ok(draft) => {
                    return Ok(Some(OnTrial { provider: draft.provider, draft: Some(draft.version) }));
                }
                Err(SettingsError::Store(error)) => return Err(error),
                // There is no draft, or none that could be read.
                Err(_) => {}
            }
        }
        let live = tenant.provider(Some(id)).cloned();
        Ok(live.map(|provider| OnTrial { provider, draft: None }))
    }

    /// The settings that a test began with, if they are still to be had.
    async fn tried_with(
        &self,
        tenant: &Arc<Tenant>,
        request: &AuthorizationRequest,
    ) -> Result<Option<Arc<Provider>>, StoreError> {
        let fits = |provider: &Arc<Provider>| provider.revision == request.revision;
        let now = self.on_trial(tenant, &request.provider).await?.map(|on_trial| on_trial.provider);
        Ok(now.filter(fits).or_else(|| self.began_with(tenant, request).map(|began| began.provider)))
    }

    /// Settings passed a test: where they stand in the store, that is noted there, so that they may go live. Those of a
    /// file need no note.
    async fn tested(&self, tenant: &Tenant, trial: &Trial) {
        let Trial { id, provider, revision, draft, begun_by, .. } = trial;
        tracing::info!(tenant = %tenant.id, %provider, test = %id, "trial.passed");
        if self.writable(&tenant.id).is_err() {
            return;
        }
        let settings = (revision, draft.unwrap_or(0));
        let noted = self.mark_tested(&tenant.id, provider, settings, id.as_str(), begun_by).await;
        match noted {
            Ok(true) => {}
            Ok(false) => tracing::info!(tenant = %tenant.id, %provider, test = %id, "trial.outdated"),
            Err(error) => {
                tracing::warn!(tenant = %tenant.id, %provider, test = %id, detail = %error, "trial.not_noted");
            }
        }
    }
}
