//! What a login must know of the provider's server before it begins: the tenant's settings, and
//! what the issuer's metadata add.

use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::{ClientAuth, Ours, Provider};
use crate::domain::tenant::Tenant;
use crate::egress::gate::Withheld;
use crate::oauth::assertion::{Assertion, Signer, build_assertion, choose_algorithm};
use crate::oauth::client_auth::{Credentials, Proof, build_credentials};
use crate::oauth::private_key::PrivateKey;
use crate::oauth::server::Server;

use super::Broker;
use super::health::OutOfOrder;

/// How long a customer waits for an issuer's metadata that nobody has yet.
const PATIENCE: Duration = Duration::from_secs(4);

impl Broker {
    /// The provider's server. Metadata that cannot be had keep the login waiting; it has spent nothing.
    pub(super) async fn server(&self, tenant: &Tenant, provider: &Provider) -> Result<Server, OutOfOrder> {
        self.server_within(tenant, provider, PATIENCE).await
    }

    /// The same, with less patience.
    pub(super) async fn server_within(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        patience: Duration,
    ) -> Result<Server, OutOfOrder> {
        let found = self.find_server(tenant, provider, self.clock.tick() + patience).await;
        found.map_err(|detail| {
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, detail, "provider.undiscovered");
            OutOfOrder { why: Withheld::Undiscovered, label: provider.label.clone(), locale: None }
        })
    }

    async fn find_server(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        deadline: Instant,
    ) -> Result<Server, String> {
        let metadata = match &provider.oidc.issuer {
            Some(issuer) => {
                let asked = self.documents.metadata(&tenant.id, issuer, deadline).await;
                // Settings that say everything do without.
                match asked {
                    Err(_) if !provider.needs_metadata() => None,
                    asked => Some(asked.map_err(|fault| fault.to_string())?),
                }
            }
            None => None,
        };
        let server = Server::of(provider, metadata.as_deref());
        if let (Err(_), Some(known), Some(issuer)) = (&server, &metadata, &provider.oidc.issuer)
            && let Some(fresh) = self.documents.fresh_metadata(&tenant.id, issuer, known, deadline).await
        {
            return Server::of(provider, Some(&fresh)).map_err(|fault| fault.to_string());
        }
        server.map_err(|fault| fault.to_string())
    }

    /// How a call to the provider says who we are.
    pub(super) fn credentials(
        &self,
        provider: &Provider,
        server: &Server,
        ours: Ours<'_>,
    ) -> Result<Credentials, Fault> {
        credentials(&self.clock, provider, server, ours)
    }
}

/// The same without a broker.
pub(super) fn credentials(
    clock: &Clock,
    provider: &Provider,
    server: &Server,
    ours: Ours<'_>,
) -> Result<Credentials, Fault> {
    let auth = server.client_auth;
    let signs =
        matches!(auth, ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt | ClientAuth::SignedSecret);
    if !signs {
        return Ok(build_credentials(provider, auth, Proof::Secret(ours.secret)));
    }
    let refused = |detail: String| {
        tracing::error!(provider = %provider.id, detail, "provider.no_assertion");
        Fault::new(Step::Exchange, Code::InvalidClient)
    };
    let parsed = ours.key.map(|key| PrivateKey::parse(&key.key)).transpose();
    let parsed = parsed.map_err(|error| refused(error.to_string()))?;
    let signer = match (auth, ours.secret, &parsed) {
        (ClientAuth::PrivateKeyJwt | ClientAuth::SignedSecret, _, Some(parsed)) => {
            Signer::Key { key: parsed, kid: ours.key.and_then(|key| key.id.as_deref()) }
        }
        (ClientAuth::ClientSecretJwt, Some(secret), _) => Signer::Secret(secret),
        _ => return Err(refused("there is nothing to sign with".to_owned())),
    };
    let is_secret = auth == ClientAuth::SignedSecret;
    // What the metadata announce is of assertions.
    let announced = server.assertion_algorithms.as_deref().filter(|_| !is_secret);
    let algorithm = choose_algorithm(&signer, announced);
    let algorithm = algorithm.ok_or_else(|| refused("no algorithm of the server is ours".to_owned()))?;
    let id = clock.fresh_token();
    let of_issuer = provider.oidc.issuer.as_deref().filter(|_| is_secret);
    let assertion = Assertion {
        client_id: &provider.client_id,
        issuer: provider.assertion.issuer.as_deref().unwrap_or(&provider.client_id),
        audience: provider.assertion.audience.as_deref().or(of_issuer).unwrap_or(server.token_url.as_str()),
        id: id.expose(),
        now: clock.now(),
    };
    let assertion =
        build_assertion(&assertion, &signer, algorithm).map_err(|error| refused(error.to_string()))?;
    Ok(build_credentials(provider, auth, Proof::Assertion(&assertion)))
}
