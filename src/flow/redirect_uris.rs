//! The redirect URIs that a tenant registers at its provider.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::provider::Provider;
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;

/// A redirect URI and what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RedirectUri)]
pub struct RedirectUri {
    /// Byte for byte as it must be registered.
    pub uri: String,
    /// Which callback route it is.
    pub callback: Route,
    /// Whether every provider needs it; the others are for one channel only.
    pub required: bool,
    /// Who comes back there.
    pub purpose: String,
}

/// Every redirect URI of a provider, the one that all channels share first.
pub fn redirect_uris(tenant: &Tenant, provider: &Provider) -> Vec<RedirectUri> {
    let of = |callback: Route| RedirectUri {
        uri: callback.redirect_uri(&tenant.origin, &provider.id, provider.callback_path),
        callback,
        required: callback == Route::EndUser,
        purpose: purpose(callback).to_owned(),
    };
    Route::ALL.into_iter().map(of).collect()
}

fn purpose(route: Route) -> &'static str {
    match route {
        Route::EndUser => "links in every channel, and test logins",
        Route::Abc => "the older authentication of Apple Messages for Business only",
        Route::AbcAuth2 => "the newer authentication of Apple Messages for Business only",
    }
}
