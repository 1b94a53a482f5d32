//! A browser sets out for the provider: the authorization request that is kept, and the address that it goes to.
//! Customers' logins, test logins and staff all begin here, so that what the callback will check is pinned in one way.

use url::Url;

use crate::domain::app::Demand;
use crate::domain::ask::Native;
use crate::domain::ids::{AttemptId, LinkId};
use crate::domain::provider::{Pkce, Provider, ResponseMode};
use crate::domain::request::{AuthorizationRequest, Phase, REQUEST_LIFETIME, Route};
use crate::domain::tenant::Tenant;
use crate::domain::timeline::Timeline;
use crate::oauth::authorize::{AuthorizeRequest, build_authorize_url, needs_nonce};
use crate::oauth::issuer::Issuer;
use crate::oauth::server::Server;
use crate::secret::Secret;

use super::Broker;
use super::health::OutOfOrder;
use super::open_link::LoginCookie;

/// Where a browser goes, and for what.
pub(super) struct Errand<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) provider: &'a Provider,
    pub(super) server: &'a Server,
    /// What comes back with the answer.
    pub(super) state: &'a Secret,
    /// The link that was opened; for a sign-in without one an id that no link has.
    pub(super) link: LinkId,
    pub(super) route: Route,
    /// The language of the link.
    pub(super) locale: Option<&'a str>,
    /// The customer's address in the chat, for `login_hint`.
    pub(super) handle: Option<&'a str>,
    /// How the channel will vouch for the person, if it will.
    pub(super) native: Option<Native>,
    /// What an app asks of the sign-in beyond the settings.
    pub(super) demand: Demand,
}

/// A browser that is on its way.
pub(super) struct Underway {
    /// What the callback will check; the caller keeps it.
    pub(super) request: AuthorizationRequest,
    /// What the browser must bring back.
    pub(super) cookie: LoginCookie,
    /// Where it goes.
    pub(super) authorize_url: Url,
    /// Whether the provider answers by a POST from its own site.
    pub(super) cross_site: bool,
}

impl Broker {
    /// Makes a fresh authorization request, and hands it over first where the provider wants that (RFC 9126). Nothing is
    /// written.
    pub(super) async fn set_out(&self, errand: &Errand<'_>) -> Result<Underway, OutOfOrder> {
        let cookie = self.new_cookie();
        let request = self.fresh_request(errand, &cookie);
        let way = AuthorizeRequest {
            provider: errand.provider,
            server: errand.server,
            redirect_uri: &request.redirect_uri,
            state: errand.state.expose(),
            code_verifier: request.code_verifier.as_ref(),
            nonce: request.nonce.as_ref(),
            locale: errand.locale,
            handle: errand.handle,
            demand: errand.demand,
        };
        let authorize_url = match &errand.server.par_url {
            Some(url) => self.push(errand.tenant, &way, url).await?,
            None => build_authorize_url(&way),
        };
        let cross_site = errand.provider.response_mode == ResponseMode::FormPost;
        Ok(Underway { request, cookie, authorize_url, cross_site })
    }

    /// The authorization request alone.
    pub(super) fn fresh_request(&self, errand: &Errand<'_>, cookie: &LoginCookie) -> AuthorizationRequest {
        let Errand { tenant, provider, server, .. } = errand;
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        AuthorizationRequest {
            key: store.request_key(errand.state.expose()),
            id: AttemptId::from_uuid(self.clock.fresh_uuid()),
            link: errand.link.clone(),
            provider: provider.id.clone(),
            revision: provider.revision.clone(),
            route: errand.route,
            redirect_uri: errand.route.redirect_uri(&tenant.origin, &provider.id, provider.callback_path),
            code_verifier: (provider.pkce == Pkce::S256).then(|| self.clock.fresh_token()),
            nonce: needs_nonce(provider).then(|| self.clock.fresh_token()),
            issuer: server.issuer.as_ref().map(Issuer::to_string),
            names_issuer: server.names_issuer,
            cookie_hash: store.hash("cookie", cookie.value.expose()),
            cookie_name: cookie.name.clone(),
            brought: None,
            native: errand.native.clone(),
            in_chat: false,
            created_at: now,
            expires_at: now + REQUEST_LIFETIME,
            phase: Phase::Started,
            timeline: Timeline::default(),
        }
    }
}
