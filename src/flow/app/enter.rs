//! From the page of consent to the provider's page.

use std::sync::Arc;

use url::Url;

use crate::domain::app::{AppRequest, AppVisit, Demand};
use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::provider::Provider;
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::health::OutOfOrder;
use crate::flow::open_link::LoginCookie;
use crate::flow::set_out::{Errand, Underway};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Tx};

/// What the state of a sign-in to an app begins with: no state of a customer's login, a test or staff does.
const MARK: &str = "o.";

/// A sign-in to an app that began.
#[derive(Debug)]
pub struct EnteringApp {
    /// Where the browser goes.
    pub authorize_url: Url,
    /// What it must bring back.
    pub cookie: LoginCookie,
    /// Whether the provider answers by a POST from its own site.
    pub cross_site: bool,
}

/// Why nobody is sent to the provider.
#[derive(Debug, thiserror::Error)]
pub enum EnterAppError {
    /// The tenant has no such provider, or not one that can do what the app asks of the sign-in.
    #[error("the tenant has no such provider for this app")]
    Unknown,
    /// The provider fails for everybody, or its metadata cannot be had now.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// The customer agreed to what the app asks for: begins a sign-in at a provider.
    pub async fn enter_app(
        &self,
        tenant: &Arc<Tenant>,
        provider: &ProviderId,
        app: AppRequest,
        locale: Option<&str>,
    ) -> Result<EnteringApp, EnterAppError> {
        let provider = tenant.provider(Some(provider)).ok_or(EnterAppError::Unknown)?;
        if !can_serve(provider, app.demand) {
            return Err(EnterAppError::Unknown);
        }
        if let Err(why) = self.provider.check(&tenant.id, &provider.id) {
            return Err(OutOfOrder { why, label: provider.label.clone(), locale: None }.into());
        }
        let server = self.server(tenant, provider).await?;
        let state = Secret::new(format!("{MARK}{}", self.clock.fresh_token().expose()));
        let errand = Errand {
            tenant,
            provider,
            server: &server,
            state: &state,
            link: LinkId::from_uuid(self.clock.fresh_uuid()),
            route: Route::EndUser,
            locale,
            handle: None,
            native: None,
            demand: app.demand,
        };
        let Underway { request, cookie, authorize_url, cross_site } = self.set_out(&errand).await?;
        let mut tx = Tx::new();
        tx.create_app_visit(&AppVisit { request, app });
        self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await?;
        Ok(EnteringApp { authorize_url, cookie, cross_site })
    }
}

/// Whether a provider can be asked what the app asks of the sign-in. Who signed in at one of plain OAuth, and how long ago,
/// is nothing that it could be told or would tell.
pub fn can_serve(provider: &Provider, demand: Demand) -> bool {
    provider.is_openid() || !demand.is_of_time()
}

/// Whether a state is one of a sign-in to an app.
pub(in crate::flow) fn is_of_app(state: &str) -> bool {
    state.starts_with(MARK)
}
