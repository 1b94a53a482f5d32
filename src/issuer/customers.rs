//! Tokens of customers: minted for a contact, and verified where a customer's app shows them.
//!
//! They differ from those of our API in `aud`, so that neither passes for the other, and in `sid`, which names the
//! [`Family`] without telling its name: a token of a family that was ended is worth nothing at once.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::client::Scopes;
use crate::domain::contact::Contact;
use crate::domain::family::{Family, TokenSource};
use crate::domain::ids::{ClientId, ContactId};
use crate::domain::tenant::Tenant;
use crate::store::{StoreError, TenantStore};

use super::Issuer;
use super::tokens::{AccessError, Issuing, LIFETIME, MintError, Minted, Times, Tokens};

/// The audience of customers' tokens: the Client API.
pub const AUDIENCE: &str = "countersign-client-api";

/// What the sealed name of a family is for.
const SID: &str = "sid";

/// The claims of a customer's token (DESIGN §6), all of them required but `email`, which a contact may lack and a customer
/// may keep from an app, and `email_verified`, which stands beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: ContactId,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    scope: String,
    tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    token_source: TokenSource,
    organization_id: String,
    org_customer_id: ContactId,
    customer_number: String,
    sid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

/// The claims of an id_token (OpenID Connect Core, 2).
#[derive(Debug, Clone, Serialize)]
pub(super) struct IdClaims {
    iss: String,
    sub: ContactId,
    aud: String,
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A customer who showed a good access token.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Who it is: the record as it is now.
    pub contact: Contact,
    /// The claim `sub`: the contact as it was called when the customer signed in.
    pub subject: ContactId,
    /// The sign-in that the token comes from.
    pub family: Family,
    /// For which client the token was made; of the SDK its publishable key.
    pub client_id: ClientId,
    /// What the token allows, without what its client has lost since.
    pub scopes: Scopes,
    /// When it was made, in seconds since 1970.
    pub issued_at: i64,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
    /// Its own name, the claim `jti`.
    pub jti: String,
}

/// Why a customer's token is refused.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// The token is not good. The app learns only that it is not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What tokens are made of: on whose behalf, and how long ago.
pub(super) struct Bearing<'a> {
    pub(super) family: &'a Family,
    pub(super) contact: &'a Contact,
    pub(super) scopes: &'a Scopes,
    pub(super) nonce: Option<&'a str>,
}

/// An access token, and an id_token where the customer agreed to `openid`.
pub(super) struct Pair {
    pub(super) access: Minted,
    /// For how many seconds the access token is good.
    pub(super) expires_in: i64,
    pub(super) id_token: Option<crate::secret::Secret>,
}

impl Issuer {
    /// Whose token this is: it is ours, of this tenant, for customers' apps, its sign-in was not ended, and its contact
    /// is still there.
    pub async fn verify_customer(&self, tenant: &Tenant, token: &str) -> Result<Customer, CustomerError> {
        let claims: Claims = self.tokens.read(token)?;
        let times = Times { iat: claims.iat, exp: claims.exp, nbf: claims.nbf };
        times.judge(self.clock.now().as_second())?;
        judge_place(&claims, tenant)?;
        let client_id: ClientId = claims.client_id.parse().map_err(|_| AccessError::Claims)?;
        let scopes = Scopes::parse(&claims.scope).map_err(|_| AccessError::Claims)?;
        let store = self.store.at(&tenant.id);
        let id = store.open_text(SID, &claims.sid).and_then(|id| id.parse().ok());
        let family = store.family(&id.ok_or(AccessError::Claims)?).await?.ok_or(AccessError::Ended)?;
        let scopes = match claims.token_source {
            TokenSource::Dom => scopes,
            TokenSource::OAuth => {
                let client = tenant.client(client_id.as_str()).ok_or(AccessError::ClientGone)?;
                scopes.kept_by(&client.scopes)
            }
        };
        let contact = store.contact_or_survivor(&family.contact).await?.ok_or(AccessError::Ended)?;
        Ok(Customer {
            contact: contact.into_value(),
            subject: claims.sub,
            family: family.into_value(),
            client_id,
            scopes,
            issued_at: claims.iat,
            expires_at: claims.exp,
            jti: claims.jti,
        })
    }

    /// The same for a token that is shown by whoever holds it, at this address: an app that may come from some places only
    /// shows the tokens of its customers there as well. A page of the tenant's own comes from wherever its customers are.
    pub async fn admit_customer(
        &self,
        tenant: &Tenant,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<Customer, CustomerError> {
        let customer = self.verify_customer(tenant, token).await?;
        let is_app = customer.family.source == TokenSource::OAuth;
        let client = tenant.client(customer.client_id.as_str()).filter(|_| is_app);
        if client.is_none_or(|client| client.may_come_from(address)) {
            return Ok(customer);
        }
        Err(AccessError::FromElsewhere.into())
    }

    /// Signs what a sign-in gives. It takes a millisecond of a core, and is done beside the async executor.
    pub(super) async fn sign_customer(
        &self,
        tenant: &Tenant,
        store: &TenantStore,
        bearing: &Bearing<'_>,
    ) -> Result<Pair, MintError> {
        let issued_at = self.clock.now().as_second();
        let access = self.access_claims(tenant, store, bearing, issued_at);
        let id = bearing.scopes.has("openid").then(|| id_claims(tenant, bearing, issued_at));
        let tokens = std::sync::Arc::clone(&self.tokens);
        let signed = tokio::task::spawn_blocking(move || sign(&tokens, &access, id, issued_at));
        signed.await.map_err(|_| MintError)?
    }

    fn access_claims(
        &self,
        tenant: &Tenant,
        store: &TenantStore,
        bearing: &Bearing<'_>,
        issued_at: i64,
    ) -> Claims {
        let Bearing { family, contact, scopes, .. } = bearing;
        let Issuing { origin, id } = Issuing::from(tenant);
        // A page of the tenant's own knows the address; an app learns it if the customer agreed to that, or to all.
        let is_agreed = ["email", "read:profile"].iter().any(|scope| scopes.has(scope));
        let is_shown = family.source == TokenSource::Dom || is_agreed;
        let email = contact.email.clone().filter(|_| is_shown);
        Claims {
            iss: origin,
            sub: family.contact.clone(),
            aud: AUDIENCE.to_owned(),
            exp: issued_at + tenant.customers.access_lifetime.as_secs(),
            iat: issued_at,
            jti: self.clock.fresh_uuid().simple().to_string(),
            client_id: family.client.to_string(),
            scope: scopes.to_string(),
            tenant: id.clone(),
            email_verified: email.as_ref().map(|_| is_verified(contact, "email")),
            email,
            token_source: family.source,
            organization_id: id,
            org_customer_id: contact.id.clone(),
            customer_number: contact.customer_number.clone(),
            sid: store.seal_text(SID, family.id.as_str()),
            nbf: None,
        }
    }
}

fn id_claims(tenant: &Tenant, bearing: &Bearing<'_>, issued_at: i64) -> IdClaims {
    let Bearing { family, contact, scopes, nonce } = bearing;
    let email = contact.email.clone().filter(|_| scopes.has("email"));
    IdClaims {
        iss: tenant.origin.clone(),
        sub: family.contact.clone(),
        aud: family.client.to_string(),
        exp: issued_at + LIFETIME,
        iat: issued_at,
        auth_time: family.authenticated_at.map(Timestamp::as_second),
        nonce: nonce.map(str::to_owned),
        at_hash: None,
        email_verified: email.as_ref().map(|_| is_verified(contact, "email")),
        email,
        name: contact.full_name.clone().filter(|_| scopes.has("profile")),
    }
}

/// Whether somebody vouches for a field of a contact.
pub(super) fn is_verified(contact: &Contact, field: &str) -> bool {
    contact.provenance.get(field).is_some_and(|known| known.verified)
}

fn sign(tokens: &Tokens, access: &Claims, id: Option<IdClaims>, issued_at: i64) -> Result<Pair, MintError> {
    let expires_in = access.exp - issued_at;
    let access = tokens.sign(access)?;
    let id_token = id.map(|claims| {
        let claims = IdClaims { at_hash: Some(super::tokens::half_hash(access.expose())), ..claims };
        tokens.sign_id_token(&claims)
    });
    Ok(Pair { access: Minted { token: access, issued_at }, expires_in, id_token: id_token.transpose()? })
}

fn judge_place(claims: &Claims, tenant: &Tenant) -> Result<(), AccessError> {
    let id = tenant.id.as_str();
    let ours = claims.iss == tenant.origin
        && claims.aud == AUDIENCE
        && claims.tenant == id
        && claims.organization_id == id;
    if ours { Ok(()) } else { Err(AccessError::Elsewhere) }
}
