//! What becomes of a token: told to those who may ask (RFC 7662), and ended by whose it is (RFC 7009).

use crate::domain::client::Client;
use crate::domain::tenant::Tenant;
use crate::secret::Secret;

use super::clients::Credentials;
use super::customers::{AUDIENCE, CustomerError};
use super::families::MARK;
use super::grants::TokenError;
use super::{Customer, Issuer};

/// What a resource server is told of a token that is good (RFC 7662, 2.2). Nothing personal is in it.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// What it allows.
    pub scope: String,
    /// For which client it was made.
    pub client_id: String,
    /// `Bearer`, or `refresh_token`.
    pub token_type: &'static str,
    /// Until when it is good, in seconds since 1970.
    pub exp: i64,
    /// Since when, in seconds since 1970.
    pub iat: i64,
    /// Who: the client itself, or a contact.
    pub sub: String,
    /// For whom; of a refresh token ourselves.
    pub aud: String,
    /// Its own name; a refresh token has none.
    pub jti: Option<String>,
}

impl Issuer {
    /// What a token is; none if it is no good, whatever the reason. Only a client that can prove who it is may ask; of
    /// refresh tokens it is told only about its own.
    pub async fn introspect(
        &self,
        tenant: &Tenant,
        credentials: &Credentials,
        token: &Secret,
    ) -> Result<Option<Introspection>, TokenError> {
        let client = self.authenticate(tenant, credentials).await?;
        if client.is_public() {
            return Err(TokenError::Unauthorized);
        }
        self.note_use(tenant, client);
        if token.expose().starts_with(MARK) {
            return self.introspect_refresh(tenant, client, token).await;
        }
        if let Ok(known) = self.tokens.inspect(tenant, token.expose()) {
            return Ok(Some(known));
        }
        match self.verify_customer(tenant, token.expose()).await {
            Ok(customer) => Ok(Some(of_customer(customer))),
            Err(CustomerError::Access(_)) => Ok(None),
            Err(CustomerError::Store(error)) => Err(error.into()),
        }
    }

    /// Ends what a token belongs to, if it is this client's. A token that is none of its own, or none at all, is no fault.
    pub async fn revoke(
        &self,
        tenant: &Tenant,
        credentials: &Credentials,
        token: &Secret,
    ) -> Result<(), TokenError> {
        let client = self.authenticate(tenant, credentials).await?;
        self.note_use(tenant, client);
        let id = &client.client_id;
        if token.expose().starts_with(MARK) {
            self.revoke_family(tenant, id, token).await?;
            return Ok(());
        }
        match self.verify_customer(tenant, token.expose()).await {
            Ok(customer) if customer.client_id == *id => {
                self.end_family(tenant, &customer.family.id).await?;
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(CustomerError::Store(error)) => Err(error.into()),
            // A token of the API lives for an hour and stands in no record: taking away its client ends it at once.
            Err(CustomerError::Access(_)) => match self.tokens.inspect(tenant, token.expose()) {
                Ok(own) if own.client_id == id.as_str() => Err(TokenError::TokenType),
                _ => Ok(()),
            },
        }
    }

    async fn introspect_refresh(
        &self,
        tenant: &Tenant,
        client: &Client,
        token: &Secret,
    ) -> Result<Option<Introspection>, TokenError> {
        let family = self.family_of(tenant, token).await?.filter(|family| family.client == client.client_id);
        Ok(family.map(|family| Introspection {
            scope: family.scopes.kept_by(&client.scopes).to_string(),
            client_id: family.client.to_string(),
            token_type: "refresh_token",
            exp: family.expires_at().as_second(),
            iat: family.renewed_at.as_second(),
            sub: family.contact.to_string(),
            aud: tenant.origin.clone(),
            jti: None,
        }))
    }
}

fn of_customer(customer: Customer) -> Introspection {
    Introspection {
        scope: customer.scopes.to_string(),
        client_id: customer.client_id.to_string(),
        token_type: "Bearer",
        exp: customer.expires_at,
        iat: customer.issued_at,
        sub: customer.subject.to_string(),
        aud: AUDIENCE.to_owned(),
        jti: Some(customer.jti),
    }
}
