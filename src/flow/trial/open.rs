//! The admin's browser goes to the provider, with a request like a customer's.

use std::sync::Arc;

use url::Url;

use crate::domain::app::Demand;
use crate::domain::ids::{LinkId, TrialId};
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Trial, TrialPhase};
use crate::flow::Broker;
use crate::flow::health::OutOfOrder;
use crate::flow::open_link::LoginCookie;
use crate::flow::set_out::{Errand, Underway};
use crate::secret::Secret;
use crate::store::{StoreError, Stored};

/// What the state of a test begins with: no state of a customer's login does.
const MARK: &str = "t.";

/// What the page of a test tells.
#[derive(Debug)]
pub struct TrialPage {
    /// How the test stands.
    pub trial: Trial,
    /// What the provider is called.
    pub label: String,
    /// Where *Continue* leads; none if the test is over.
    pub authorize_url: Option<Url>,
}

/// A test sign-in that began.
#[derive(Debug)]
pub struct OpenedTrial {
    /// Where the browser goes.
    pub authorize_url: Url,
    /// What it must bring back.
    pub cookie: LoginCookie,
    /// Whether the provider answers by a POST from its own site.
    pub cross_site: bool,
}

/// Why a test cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenTrialError {
    /// No test has this handle, or it is forgotten.
    #[error("no test has this handle")]
    Unknown,
    /// The provider's metadata cannot be had now.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// What the page of a test tells. Changes nothing.
    pub async fn look_at_trial(
        &self,
        tenant: &Arc<Tenant>,
        handle: &str,
    ) -> Result<TrialPage, OpenTrialError> {
        let trial = self.find_trial(tenant, handle).await?.into_value().as_of(self.clock.now());
        let on_trial = self.on_trial(tenant, &trial.provider).await?.ok_or(OpenTrialError::Unknown)?;
        let authorize_url = match trial.phase {
            TrialPhase::Waiting | TrialPhase::AtProvider(_) => {
                Some(self.server(tenant, &on_trial.provider).await?.authorize_url)
            }
            _ => None,
        };
        Ok(TrialPage { trial, label: on_trial.provider.label.clone(), authorize_url })
    }

    /// The admin pressed *Continue*: a fresh request takes the place of an older one of the same test.
    pub async fn open_trial(
        &self,
        tenant: &Arc<Tenant>,
        handle: &str,
    ) -> Result<OpenedTrial, OpenTrialError> {
        let stored = self.find_trial(tenant, handle).await?;
        let mut trial = stored.value.clone().as_of(self.clock.now());
        if !matches!(trial.phase, TrialPhase::Waiting | TrialPhase::AtProvider(_)) {
            return Err(OpenTrialError::Unknown);
        }
        let provider = self.on_trial(tenant, &trial.provider).await?.map(|on_trial| on_trial.provider);
        let provider = provider.filter(|provider| provider.revision == trial.revision);
        let provider = provider.ok_or(OpenTrialError::Unknown)?;
        let server = self.server(tenant, &provider).await?;
        let state = Secret::new(format!("{MARK}{}.{}", trial.id, self.clock.fresh_token().expose()));
        let errand = Errand {
            tenant,
            provider: &provider,
            server: &server,
            state: &state,
            link: LinkId::from_uuid(self.clock.fresh_uuid()),
            route: Route::EndUser,
            locale: None,
            handle: None,
            native: None,
            demand: Demand::default(),
        };
        let Underway { request, cookie, authorize_url, cross_site } = self.set_out(&errand).await?;
        trial.phase = TrialPhase::AtProvider(Box::new(request));
        self.put_trial(tenant, &stored, &trial).await?;
        Ok(OpenedTrial { authorize_url, cookie, cross_site })
    }

    /// The test that a state belongs to; none if it is none of a test.
    pub(super) async fn trial_by_state(
        &self,
        tenant: &Tenant,
        state: &str,
    ) -> Result<Option<Stored<Trial>>, StoreError> {
        let id = state
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once('.'))
            .map(|(id, _)| id.parse::<TrialId>());
        match id {
            Some(Ok(id)) => self.store.at(&tenant.id).trial(&id).await,
            _ => Ok(None),
        }
    }

    async fn find_trial(&self, tenant: &Tenant, handle: &str) -> Result<Stored<Trial>, OpenTrialError> {
        let store = self.store.at(&tenant.id);
        let id = store.open_text("trial", handle).and_then(|id| id.parse::<TrialId>().ok());
        store.trial(&id.ok_or(OpenTrialError::Unknown)?).await?.ok_or(OpenTrialError::Unknown)
    }
}

/// Whether a state is one of a test.
pub(in crate::flow) fn is_of_trial(state: &str) -> bool {
    state.starts_with(MARK)
}
