//! Staff sign in at the tenant's own provider, from the button to the provider's page. The way back is [`arrive`].
//!
//! [`arrive`]: super::arrive

use std::sync::Arc;

use url::Url;

use crate::domain::entry::Entry;
use crate::domain::ids::{AttemptId, LinkId, ProviderId};
use crate::domain::provider::{Pkce, Provider, ResponseMode};
use crate::domain::request::{AuthorizationRequest, Phase, REQUEST_LIFETIME, Route};
use crate::domain::tenant::Tenant;
use crate::domain::timeline::Timeline;
use crate::flow::Broker;
use crate::flow::health::OutOfOrder;
use crate::flow::open_link::LoginCookie;
use crate::oauth::authorize::{AuthorizeRequest, build_authorize_url, needs_nonce};
use crate::oauth::issuer::Issuer;
use crate::oauth::server::Server;
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
    /// The tenant has no such provider.
    #[error("the tenant has no such provider")]
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
        let provider = tenant.provider(Some(provider)).ok_or(EnterError::Unknown)?;
        if let Err(why) = self.provider.check(&tenant.id, &provider.id) {
            return Err(OutOfOrder { why, label: provider.label.clone(), locale: None }.into());
        }
        let server = self.server(tenant, provider).await?;
        let state = Secret::new(format!("{MARK}{}", self.clock.fresh_token().expose()));
        let cookie = self.new_cookie();
        let request = self.entry_request(tenant, (provider, &server), &state, &cookie);
        let way = AuthorizeRequest {
            provider,
            server: &server,
            redirect_uri: &request.redirect_uri,
            state: state.expose(),
            code_verifier: request.code_verifier.as_ref(),
            nonce: request.nonce.as_ref(),
            locale: None,
            handle: None,
        };
        let authorize_url = match &server.par_url {
            Some(url) => self.push(tenant, &way, url).await?,
            None => build_authorize_url(&way),
        };
        let mut tx = Tx::new();
        tx.create_entry(&Entry { request, next: next.to_owned(), zone: zone.to_owned(), let_in: false });
        self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await?;
        let cross_site = provider.response_mode == ResponseMode::FormPost;
        Ok(Entering { authorize_url, cookie, cross_site })
    }

    fn entry_request(
        &self,
        tenant: &Tenant,
        (provider, server): (&Provider, &Server),
        state: &Secret,
        cookie: &LoginCookie,
    ) -> AuthorizationRequest {
        let (store, now, id) = (self.store.at(&tenant.id), self.clock.now(), self.clock.fresh_uuid());
        AuthorizationRequest {
            key: store.request_key(state.expose()),
            id: AttemptId::from_uuid(id),
            link: LinkId::from_uuid(id),
            provider: provider.id.clone(),
            revision: provider.revision.clone(),
            route: Route::EndUser,
            redirect_uri: Route::EndUser.redirect_uri(&tenant.origin, &provider.id, provider.callback_path),
            code_verifier: (provider.pkce == Pkce::S256).then(|| self.clock.fresh_token()),
            nonce: needs_nonce(provider).then(|| self.clock.fresh_token()),
            issuer: server.issuer.as_ref().map(Issuer::to_string),
            names_issuer: server.names_issuer,
            cookie_hash: store.hash("cookie", cookie.value.expose()),
            cookie_name: cookie.name.clone(),
            created_at: now,
            expires_at: now + REQUEST_LIFETIME,
            phase: Phase::Started,
            timeline: Timeline::default(),
        }
    }
}

/// Whether a state is one of a staff sign-in.
pub(in crate::flow) fn is_of_staff(state: &str) -> bool {
    state.starts_with(MARK)
}
