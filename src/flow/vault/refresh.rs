//! A fresh access token at the provider (RFC 6749, 6). Of however many callers and brokers that ask
//! at once, one refreshes and the others read its result: it claims the record first. A provider that
//! rotates refresh tokens takes each once, so what it gave is written before anything else happens,
//! on a task of its own: a caller that goes away must not cut a refresh in half.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::{Ours, Provider};
use crate::domain::tenant::Tenant;
use crate::domain::vault::{ProviderTokens, VaultRecord};
use crate::egress::error::EgressError;
use crate::egress::gate::Pass;
use crate::flow::{Broker, RACES, trail};
use crate::oauth::server::Server;
use crate::oauth::token::{
    Find, Reading, TokenResponse, build_exchange_request, build_refresh_request, parse_token_response,
};
use crate::oauth::wire::{OutboundRequest, ProviderAnswer};
use crate::profile::Expression;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::VaultError;
use super::keep::tokens_of;

/// How often a refresh that the store did not take is written again, each time after a longer pause.
const WRITES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// A refresh on its way.
struct Visit<'a> {
    tenant: &'a Tenant,
    provider: &'a Provider,
    server: Server,
    pass: Pass,
    deadline: Instant,
}

impl Broker {
    /// Refreshes tokens, unless somebody else is faster. After an `Ok` they are worth another look.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        provider: &Arc<Provider>,
        known: &Stored<VaultRecord>,
    ) -> Result<(), VaultError> {
        let claimed = known.value.clone().claim(self.clock.now());
        let mut tx = Tx::new();
        tx.put_tokens(Some(known), &claimed);
        match self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await {
            Err(StoreError::Conflict) => return Ok(()),
            done => done?,
        }
        let (broker, tenant, provider) = (Arc::clone(self), Arc::clone(tenant), Arc::clone(provider));
        let work = async move { broker.refresh_claimed(&tenant, &provider, &claimed).await };
        tokio::spawn(trail::keep_request(work)).await.unwrap_or_else(|error| {
            tracing::error!(detail = %error, "vault.task_failed");
            Err(VaultError::Refused(Fault::new(Step::Exchange, Code::Internal)))
        })
    }

    async fn refresh_claimed(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        claimed: &VaultRecord,
    ) -> Result<(), VaultError> {
        let asked = self.ask_for_fresh(tenant, provider, &claimed.tokens).await;
        self.tell_health(&tenant.id, &provider.id).await;
        let (id, contact) = (&provider.id, &claimed.contact);
        match asked {
            Ok(fresh) => {
                tracing::info!(tenant = %tenant.id, provider = %id, %contact, "vault.refreshed");
                self.write_fresh(tenant, claimed, &fresh).await
            }
            Err(VaultError::SignInAgain) => {
                tracing::info!(tenant = %tenant.id, provider = %id, %contact, "vault.spent");
                // Unless another refresh, or a newer sign-in, has put a better one there.
                let is_gone = self.settle_tokens(tenant, claimed, |_| None).await?;
                if is_gone { Err(VaultError::SignInAgain) } else { Ok(()) }
            }
            Err(error) => {
                tracing::warn!(tenant = %tenant.id, provider = %id, %contact, detail = %error, "vault.not_refreshed");
                let released = |known: VaultRecord| Some(VaultRecord { refreshing: None, ..known });
                self.settle_tokens(tenant, claimed, released).await?;
                Err(error)
            }
        }
    }

    /// What the provider gave must not be lost: its refresh token may be the only one that is still good.
    async fn write_fresh(
        &self,
        tenant: &Tenant,
        claimed: &VaultRecord,
        fresh: &ProviderTokens,
    ) -> Result<(), VaultError> {
        let refreshed = |known: VaultRecord| {
            let tokens = known.tokens.clone().refreshed(fresh.clone());
            Some(VaultRecord { tokens, refreshing: None, ..known })
        };
        for write in 1..=WRITES {
            match self.settle_tokens(tenant, claimed, refreshed).await {
                Err(error) if write < WRITES => {
                    tracing::warn!(tenant = %tenant.id, detail = %error, "vault.written_again");
                    tokio::time::sleep(PAUSE * write).await;
                }
                settled => return Ok(settled.map(|_| ())?),
            }
        }
        Ok(())
    }

    /// Changes the record as long as it holds the refresh token that was used; none deletes it. False if it holds
    /// another one by now, or is gone: then what came of this refresh is nobody's.
    async fn settle_tokens(
        &self,
        tenant: &Tenant,
        used: &VaultRecord,
        change: impl Fn(VaultRecord) -> Option<VaultRecord>,
    ) -> Result<bool, StoreError> {
        let store = self.store.at(&tenant.id);
        let Some(token) = &used.tokens.refresh_token else { return Ok(false) };
        // A merge may have moved it to the contact that took in this one.
        for _ in 0..RACES {
            let contact = store.contact_or_survivor(&used.contact).await?;
            let Some(contact) = contact else { return Ok(false) };
            let known = store.tokens(&contact.id, &used.provider).await?;
            let Some(known) = known.filter(|known| known.tokens.is_refreshed_by(token)) else {
                return Ok(false);
            };
            let mut tx = Tx::new();
            match change(known.value.clone()) {
                Some(changed) => tx.put_tokens(Some(&known), &changed),
                None => tx.forget_tokens(&known),
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| true),
            }
        }
        Err(StoreError::Conflict)
    }

    /// Asks the provider. Tokens of another client or token URL are shown to nobody.
    async fn ask_for_fresh(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        tokens: &ProviderTokens,
    ) -> Result<ProviderTokens, VaultError> {
        let mut server = self.server(tenant, provider).await?;
        if let Some(issuer) = provider.token_urls().find(|url| url.as_str() == tokens.token_url) {
            server = server.issuing_at(issuer);
        }
        let token = tokens.refresh_token.as_ref();
        let token = token.filter(|_| tokens.are_of(&provider.client_id, server.token_url.as_str()));
        let Some(token) = token else { return Err(VaultError::SignInAgain) };
        let pass = self.enter(&tenant.id, provider).await?;
        let deadline = self.clock.tick() + self.settings.login_deadline;
        let mut visit = Visit { tenant, provider, server, pass, deadline };
        let fresh = self.refresh_at(&mut visit, token).await.map_err(|fault| match fault.code {
            Code::InvalidGrant => VaultError::SignInAgain,
            _ => VaultError::Refused(fault),
        })?;
        Ok(ProviderTokens {
            scope: fresh.terms.scope.clone(),
            ..tokens_of(provider, &visit.server, &fresh, self.clock.now())
        })
    }

    /// The refresh, and the second exchange where the settings want one. Where our secret is being replaced, the
    /// previous one has a try, too.
    async fn refresh_at(&self, visit: &mut Visit<'_>, token: &Secret) -> Result<TokenResponse, Fault> {
        let provider = visit.provider;
        let mut secret = provider.client_secret.as_ref();
        let mut fresh = self.refresh_with(visit, token, provider.ours()).await;
        if let (Err(Fault { code: Code::InvalidClient, .. }), Some(previous)) =
            (&fresh, provider.ours_before())
            && let Ok(other) = self.refresh_with(visit, token, previous).await
        {
            secret = previous.secret;
            fresh = Ok(other);
        }
        let mut fresh = fresh?;
        if let Some(exchange) = &provider.exchange {
            let request = build_exchange_request(provider, exchange, &fresh.access_token, secret);
            let answer = visit.send(&request).await?;
            let second = parse_token_response(&answer, Reading { find: None, any_type: true })?;
            fresh.access_token = second.access_token;
            fresh.expires_in = second.expires_in;
        }
        Ok(fresh)
    }

    async fn refresh_with(
        &self,
        visit: &mut Visit<'_>,
        token: &Secret,
        ours: Ours<'_>,
    ) -> Result<TokenResponse, Fault> {
        let provider = visit.provider;
        let credentials = self.credentials(provider, &visit.server, ours)?;
        let request = build_refresh_request(provider, &visit.server, token, &credentials);
        let answer = visit.send(&request).await?;
        let find =
            |body: &Value| Expression::parse(provider.token_path.as_deref()?).ok()?.evaluate(body).ok();
        let find = provider.token_path.is_some().then_some(&find as &Find<'_>);
        parse_token_response(&answer, Reading::of(provider, find))
    }
}

impl Visit<'_> {
    async fn send(&mut self, request: &OutboundRequest) -> Result<ProviderAnswer, Fault> {
        let answer = self.pass.send(request, self.deadline).await;
        answer.map_err(|error| {
            let (tenant, provider) = (&self.tenant.id, &self.provider.id);
            tracing::warn!(%tenant, %provider, detail = %error, "vault.provider_unreached");
            EgressError::at_token(&error)
        })
    }
}
