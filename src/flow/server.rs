//! What a login must know of the provider's server before it begins: the tenant's settings, and
//! what the issuer's metadata add.

use std::sync::Arc;

use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::egress::gate::Withheld;
use crate::oauth::server::Server;

use super::Broker;
use super::health::OutOfOrder;

impl Broker {
    /// The provider's server. Metadata that cannot be had keep the login waiting; it has spent nothing.
    pub(super) async fn server(
        &self,
        _tenant: &Tenant,
        provider: &Provider,
    ) -> Result<Arc<Server>, OutOfOrder> {
        let server = Server::of_settings(provider);
        server.map(Arc::new).ok_or_else(|| OutOfOrder {
            why: Withheld::Undiscovered,
            label: provider.label.clone(),
            locale: None,
        })
    }
}
