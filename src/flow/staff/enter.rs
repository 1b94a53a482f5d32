//! Staff sign in at the tenant's own provider, from the button to the provider's page. The way back is [`arrive`].
//!
//! [`arrive`]: super::arrive

use std::sync::Arc;

use url::Url;

use crate::domain::app::Demand;
use crate::domain::entry::Entry;
use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::health::OutOfOrder;
use crate::flow::open_link::LoginCookie;
use crate::flow::set_out::{Errand, Underway};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Tx};

/// What the state of a staff sign-in begins with: no state of a customer's login or a test does.
const MARK: &str = "s.";

/// A sign-in that began.
#[derive(Debug)]
pub struct Entering {
    /// Where the browser goes.
    pub authorize_url: Url,
    /// What it must bring back.
    pub cookie: LoginCookie,
    /// Whether the provider answers by a POST from its own site.
    pub cross_site: bool,
}

/// Why nobody is sent to the provider.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// The tenant has no such provider, or staff may not sign in there.
    #[error("the tenant has no such provider for staff")]
    Unknown,
    /// The provider fails for everybody, or its metadata cannot be had now.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Begins a sign-in of staff at a provider; `next` is where the browser wants to go afterwards, `zone` the IANA name
    /// of its time zone.
    pub async fn enter_by_provider(
        &self,
        tenant: &Arc<Tenant>,
        provider: &ProviderId,
        (next, zone): (&str, &str),
    ) -> Result<Entering, EnterError> {
        let provider = tenant.provider(Some(provider)).filter(|provider| provider.for_staff);
        let provider = provider.ok_or(EnterError::Unknown)?;
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
            locale: None,
            handle: None,
            native: None,
            demand: Demand::default(),
        };
        let Underway { request, cookie, authorize_url, cross_site } = self.set_out(&errand).await?;
        let mut tx = Tx::new();
        tx.create_entry(&Entry { request, next: next.to_owned(), zone: zone.to_owned(), let_in: false });
        self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await?;
        Ok(Entering { authorize_url, cookie, cross_site })
    }
}

/// Whether a state is one of a staff sign-in.
pub(in crate::flow) fn is_of_staff(state: &str) -> bool {
    state.starts_with(MARK)
}
