//! A request is handed over to the provider before the browser goes there (RFC 9126).

use std::time::{Duration, Instant};

use url::Url;

use crate::domain::fault::Fault;
use crate::domain::provider::Ours;
use crate::domain::tenant::Tenant;
use crate::egress::error::EgressError;
use crate::egress::gate::{Pass, Withheld};
use crate::oauth::authorize::{AuthorizeRequest, build_authorize_url};
use crate::oauth::pushed::{build_pushed_request, build_pushed_url, parse_pushed_answer};

use super::Broker;
use super::health::OutOfOrder;

/// How long a customer waits for the provider to take it.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);

/// Why a request could not be handed over.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error(transparent)]
    Unsent(#[from] EgressError),
    /// Whatever it asks for.
    #[error(transparent)]
    Refused(#[from] Fault),
    /// For what it asks (RFC 9126, 2.3): another customer's may be taken.
    #[error("the provider does not take what this request asks for (status 400)")]
    Request,
}

impl Broker {
    /// Hands the request over and gives back where the browser goes. If a provider does not take it, the browser carries
    /// it; one that takes no other keeps the customer waiting, and nothing was spent.
    pub(super) async fn push(
        &self,
        tenant: &Tenant,
        request: &AuthorizeRequest<'_>,
        url: &Url,
    ) -> Result<Url, OutOfOrder> {
        if request.server.must_push {
            return self.push_or_wait(tenant, request, url).await;
        }
        let pushed = self.push_if_it_works(tenant, request, url).await;
        Ok(pushed.unwrap_or_else(|| build_authorize_url(request)))
    }

    async fn push_or_wait(
        &self,
        tenant: &Tenant,
        request: &AuthorizeRequest<'_>,
        url: &Url,
    ) -> Result<Url, OutOfOrder> {
        let mut pass = self.enter(&tenant.id, request.provider).await?;
        let pushed = self.push_by(&mut pass, tenant, request, url).await.ok();
        let label = || request.provider.label.clone();
        pushed.ok_or_else(|| OutOfOrder { why: Withheld::NotPushed, label: label(), locale: None })
    }

    /// A push that nobody demands is no reason to keep anybody from a provider that works otherwise, nor to let every
    /// customer wait for it.
    async fn push_if_it_works(
        &self,
        tenant: &Tenant,
        request: &AuthorizeRequest<'_>,
        url: &Url,
    ) -> Option<Url> {
        let provider = request.provider;
        let mut pass = self.provider.enter_aside(&tenant.id, &provider.id, &provider.revision)?;
        let pushed = self.push_by(&mut pass, tenant, request, url).await;
        let works = matches!(pushed, Ok(_) | Err(PushError::Request));
        pass.end_aside(&provider.revision, works);
        pushed.ok()
    }

    async fn push_by(
        &self,
        pass: &mut Pass,
        tenant: &Tenant,
        request: &AuthorizeRequest<'_>,
        url: &Url,
    ) -> Result<Url, PushError> {
        let provider = request.provider;
        let deadline = self.clock.tick() + PATIENCE;
        let mut pushed = self.push_with(pass, request, (url, deadline), provider.ours()).await;
        // A request that was refused has done nothing: while our secret is being replaced, the other one has a try.
        let is_refused = matches!(pushed, Err(PushError::Refused(_) | PushError::Request));
        if let Some(previous) = provider.ours_before().filter(|_| is_refused) {
            pushed = self.push_with(pass, request, (url, deadline), previous).await;
        }
        pushed.inspect_err(|error| {
            let detail = error.to_string();
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, detail, "provider.not_pushed");
        })
    }

    async fn push_with(
        &self,
        pass: &mut Pass,
        request: &AuthorizeRequest<'_>,
        (url, deadline): (&Url, Instant),
        ours: Ours<'_>,
    ) -> Result<Url, PushError> {
        let AuthorizeRequest { provider, server, .. } = *request;
        let credentials = self.credentials(provider, server, ours)?;
        let pushed = build_pushed_request(url, request, &credentials);
        let answer = pass.send(&pushed, deadline).await?;
        if answer.status == 400 {
            return Err(PushError::Request);
        }
        Ok(build_pushed_url(provider, &server.authorize_url, &parse_pushed_answer(&answer)?))
    }
}
