//! A request for an authorization that nobody will sign in with, as a login would send it.

use url::Url;

use crate::domain::accounts::AppleFlow;
use crate::domain::app::Demand;
use crate::domain::provider::Pkce;
use crate::domain::request::Route;
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Stage, StageReport};
use crate::flow::push::PATIENCE;
use crate::flow::server::credentials;
use crate::oauth::authorize::{AuthorizeRequest, build_authorize_url, needs_nonce};
use crate::oauth::complaint::Complaint;
use crate::oauth::pushed::{build_pushed_request, build_pushed_url, parse_pushed_answer};
use crate::oauth::server::Server;
use crate::oauth::shown::Shown;

use super::authorize::{Refused, complained};
use super::{Probe, Target};

/// A request that nobody will sign in with.
pub(super) struct Sample {
    pub(super) redirect_uri: String,
    pub(super) url: Url,
    pub(super) shown: Shown,
    /// What the provider said to the pushed request, if it did not take it and need not.
    pub(super) unpushed: Option<StageReport>,
}

/// The callback routes that only the tenant's own accounts at channels lead to.
pub(super) fn own_routes(tenant: &Tenant) -> Vec<Route> {
    match tenant.accounts.apple.as_ref().map(|account| account.flow) {
        None => Vec::new(),
        Some(AppleFlow::Older) => vec![Route::Abc],
        Some(AppleFlow::Newer) => vec![Route::AbcAuth2],
        Some(AppleFlow::Auto) => vec![Route::AbcAuth2, Route::Abc],
    }
}

impl Probe {
    /// A request as a login would send it; where the provider wants it so, it is pushed first.
    pub(super) async fn sample(
        &self,
        target: &Target<'_>,
        server: &Server,
        route: Route,
    ) -> Result<Sample, Box<Refused>> {
        let Target { tenant, provider, .. } = *target;
        let redirect_uri = route.redirect_uri(&tenant.origin, &provider.id, provider.callback_path);
        let state = self.clock.fresh_token();
        let code_verifier = (provider.pkce == Pkce::S256).then(|| self.clock.fresh_token());
        let nonce = needs_nonce(provider).then(|| self.clock.fresh_token());
        let way = AuthorizeRequest {
            provider,
            server,
            redirect_uri: &redirect_uri,
            state: state.expose(),
            code_verifier: code_verifier.as_ref(),
            nonce: nonce.as_ref(),
            locale: None,
            handle: None,
            demand: Demand::default(),
        };
        let mut shown = Shown::default();
        for secret in provider.client_secret.iter().chain(&provider.previous_secret).chain([&state]) {
            shown.hide(secret.expose());
        }
        let (pushed, unpushed) = match self.push_sample(target, &way, &shown).await {
            Ok(pushed) => (pushed, None),
            Err(refused) if server.must_push => return Err(refused),
            Err(refused) => (None, Some(refused.0)),
        };
        let url = pushed.unwrap_or_else(|| build_authorize_url(&way));
        Ok(Sample { redirect_uri, url, shown, unpushed })
    }

    /// Where the browser goes with a request that was pushed first; none if the provider takes none.
    async fn push_sample(
        &self,
        target: &Target<'_>,
        way: &AuthorizeRequest<'_>,
        shown: &Shown,
    ) -> Result<Option<Url>, Box<Refused>> {
        let Target { tenant, provider, deadline } = *target;
        let server = way.server;
        let Some(par) = &server.par_url else { return Ok(None) };
        let refused = |cause: String| {
            let remedy = "see what the provider says of the pushed request: client id, secret and redirect URI are \
                          checked there first; `par = \"off\"` if it need not be pushed";
            Box::new((StageReport::failed(Stage::Authorize, "par_failed", cause, remedy), Vec::new()))
        };
        let credentials = credentials(&self.clock, provider, server, provider.ours())
            .map_err(|_| refused("our assertion cannot be signed with the key of the settings".to_owned()))?;
        let pushed = build_pushed_request(par, way, &credentials);
        // One that need not be taken is waited for as long as a customer would: the page comes after it.
        let patience = self.clock.tick() + PATIENCE;
        let deadline = if server.must_push { deadline } else { deadline.min(patience) };
        let answer = self.client.send(&tenant.id, &pushed, deadline).await;
        let answer = answer.map_err(|error| refused(format!("`{par}`: {error}")))?;
        let name = parse_pushed_answer(&answer).map_err(|_| {
            let mut failed =
                refused(format!("`{par}` does not take the pushed request (status {})", answer.status));
            let said = String::from_utf8_lossy(&answer.body);
            if let Some(complaint) = Complaint::of_text(&said) {
                *failed = complained(target, way.redirect_uri, complaint);
            }
            failed.0.sent = Some(shown.request(&pushed));
            failed.0.received = Some(shown.token_answer(&answer));
            failed
        })?;
        Ok(Some(build_pushed_url(provider, &server.authorize_url, &name)))
    }
}
