//! Who calls: the customer of the access token, and nobody else. Tokens of the API are none here.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::domain::client::Scopes;
use crate::domain::contact::Contact;
use crate::domain::family::TokenSource;
use crate::domain::ids::FamilyId;
use crate::domain::tenant::Tenant;
use crate::issuer::CustomerError;
use crate::web::Web;
use crate::web::access;
use crate::web::error::ApiError;
use crate::web::host::{self, Asked};
use crate::web::limit::Slip;

use super::answer::ClientError;

/// What a token must allow to see the own record.
pub const READ: &str = "read:profile";
/// What a token must allow to change it.
pub const WRITE: &str = "write:profile";

/// A customer whose token is good.
#[derive(Debug)]
pub struct Customer {
    /// Whose customer.
    pub tenant: Arc<Tenant>,
    /// The own record, as it is now.
    pub contact: Contact,
    /// The sign-in that the token comes from.
    pub family: FamilyId,
    scopes: Scopes,
}

/// What the tokens of our SDK allow: the page is the tenant's own.
pub fn own_scopes() -> Scopes {
    Scopes::parse(&format!("{READ} {WRITE}")).expect("these are scopes")
}

impl Customer {
    /// Demands that the customer agreed to this.
    pub fn may(&self, scope: &'static str) -> Result<(), ClientError> {
        if self.scopes.has(scope) { Ok(()) } else { Err(ClientError::Scope(scope)) }
    }

    /// Whether the customer agreed that this of the own record is seen: all of it, or by a scope of OpenID Connect
    /// (Core, 5.4).
    pub fn shows(&self, scope: &str) -> bool {
        self.scopes.has(READ) || self.scopes.has(scope)
    }
}

impl FromRequestParts<Arc<Web>> for Customer {
    type Rejection = ClientError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ClientError> {
        let tenant = host::tenant(web, &Asked::of(parts)).map_err(ApiError::from)?;
        let token = access::bearer_token(&parts.headers).map_err(|refusal| {
            log_refusal(&tenant, refusal.as_str());
            if refusal.error().is_none() { ClientError::TokenMissing } else { ClientError::Token }
        })?;
        let ip = web.ip(&parts.extensions, &parts.headers);
        let customer = web.issuer.admit_customer(&tenant, token, ip).await.map_err(|error| match error {
            CustomerError::Access(why) => {
                log_refusal(&tenant, why.as_str());
                ClientError::Token
            }
            CustomerError::Store(error) => error.into(),
        })?;
        // A website that was taken out takes its tokens along.
        if customer.family.source == TokenSource::Dom && tenant.website(customer.client_id.as_str()).is_none()
        {
            log_refusal(&tenant, "website_gone");
            return Err(ClientError::Token);
        }
        let now = web.broker.clock().now();
        let left =
            web.limits.customer(&tenant.id, &customer.contact.id, now).map_err(ClientError::TooMany)?;
        if let Some(slip) = parts.extensions.get::<Slip>() {
            slip.note(left);
        }
        let (contact, family, scopes) = (customer.contact, customer.family.id, customer.scopes);
        Ok(Self { tenant, contact, family, scopes })
    }
}

fn log_refusal(tenant: &Tenant, code: &'static str) {
    tracing::info!(tenant = %tenant.id, code, "client.refused");
    metrics::counter!("countersign_access_refused_total", "error" => code).increment(1);
}
