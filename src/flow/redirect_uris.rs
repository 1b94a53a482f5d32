//! The redirect URIs that a tenant registers at its provider.

use crate::domain::fault::{Code, Fault};
use crate::domain::ids::ProviderId;
use crate::domain::provider::{CallbackPath, Provider};
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::domain::trial::RedirectUri;
use crate::store::StoreError;

use super::Broker;

/// Every redirect URI of a provider, the one that all channels share first.
pub fn redirect_uris(tenant: &Tenant, provider: &Provider) -> Vec<RedirectUri> {
    redirect_uris_at(tenant, &provider.id, provider.callback_path)
}

/// The same of one of which no more is known than where customers come back.
pub fn redirect_uris_at(tenant: &Tenant, id: &ProviderId, path: CallbackPath) -> Vec<RedirectUri> {
    let of = |callback: Route| RedirectUri {
        uri: callback.redirect_uri(&tenant.origin, id, path),
        callback,
        required: callback == Route::EndUser,
        purpose: purpose(callback).to_owned(),
    };
    Route::ALL.into_iter().map(of).collect()
}

impl Broker {
    /// The redirect URIs of a provider that may have no more than a draft; none if that cannot be read.
    pub async fn redirect_uris_of(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
    ) -> Result<Vec<RedirectUri>, StoreError> {
        let on_trial = self.on_trial(tenant, id).await?;
        Ok(on_trial.map(|on_trial| redirect_uris(tenant, &on_trial.provider)).unwrap_or_default())
    }
}

/// Which redirect URI is missing at the provider, if that is what it complains of.
pub(super) fn unregistered(fault: Fault, redirect_uri: &str) -> Option<String> {
    (fault.code == Code::RedirectUriRefused)
        .then(|| format!("register exactly `{redirect_uri}` as a redirect URI at the provider"))
}

fn purpose(route: Route) -> &'static str {
    match route {
        Route::EndUser => "links in every channel, and test logins",
        Route::Abc => "the older authentication of Apple Messages for Business only",
        Route::AbcAuth2 => "the newer authentication of Apple Messages for Business only",
    }
}
