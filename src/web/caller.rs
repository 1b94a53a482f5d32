//! Who calls the API: a client with an access token of this tenant and the scope of the route.
//!
//! To add a scope: a line in the table below, with what it allows.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::domain::actor::Actor;
use crate::domain::client::Scopes;
use crate::domain::ids::{ClientId, TenantId};
use crate::domain::tenant::Tenant;
use crate::flow::trail::Seen;
use crate::issuer::tokens::AccessError;

use super::Web;
use super::access;
use super::error::ApiError;
use super::host::{self, Asked};
use super::limit::Slip;

/// A scope that a route demands.
pub trait Scope {
    /// Its name.
    const NAME: &'static str;
    /// One that allows the same and more.
    const WIDER: Option<&'static str> = None;
}

macro_rules! scopes {
    ($($(#[doc = $doc:literal])* $name:ident => $text:literal $(within $wider:literal)?),* $(,)?) => {
        $(
            #[doc = concat!("The scope `", $text, "`.")]
            #[derive(Debug)]
            pub struct $name;

            impl Scope for $name {
                const NAME: &'static str = $text;
                $(const WIDER: Option<&'static str> = Some($wider);)?
            }
        )*

        /// Every scope that means something here, with what it allows.
        pub const SCOPES: &[(&str, &str)] = &[$(($text, concat!($($doc),*).trim_ascii_start())),*];
    };
}

scopes! {
    /// See auth links and what became of them, with the profile of a completed one.
    ReadAuthLinks => "read:auth_links",
    /// Make auth links, take them back, and pass confirmation codes.
    WriteAuthLinks => "write:auth_links",
    /// Hand on customers' messages from the chats.
    WriteInbound => "write:inbound",
    /// See who is verified in a conversation.
    ReadConversations => "read:conversations",
    /// End a conversation, so that nobody is verified there any more.
    WriteConversations => "write:conversations",
    /// See contacts.
    ReadContacts => "read:contacts",
    /// Change, merge and erase contacts.
    WriteContacts => "write:contacts",
    /// Be given access tokens of providers, to call the tenant's own API for a verified customer.
    ReadProviderTokens => "read:provider_tokens",
    /// See providers and try mappings.
    ReadProviders => "read:providers",
    /// Write drafts of providers, and make them live.
    WriteProviders => "write:providers",
    /// See the tenant's own settings.
    ReadSettings => "read:settings",
    /// Change the tenant's own settings.
    WriteSettings => "write:settings",
    /// See, make, change and delete snippets.
    WriteSnippets => "write:snippets",
    /// See the clients, make some with the scopes that one has oneself, and delete them.
    WriteClients => "write:clients",
    /// See who is staff.
    ReadStaff => "read:staff" within "write:staff",
    /// Make people staff, change their roles, and take them out; see who is.
    WriteStaff => "write:staff",
    /// Read the events of the tenant.
    ReadEvents => "read:events",
    /// See webhooks and what was sent there, send it again, and try them; make and change them where the tenant stands in
    /// no file.
    WriteWebhooks => "write:webhooks",
    /// Everything of the tenant; on the base domain, see and set the tenants.
    AdminAll => "admin:all",
    /// See attempts with their steps, and the audit.
    ReadAudit => "read:audit",
}

/// A caller that was let in: host, token and scope are right.
#[derive(Debug)]
pub struct Caller<S> {
    /// Whose API it is.
    pub tenant: Arc<Tenant>,
    /// Who calls.
    pub client_id: ClientId,
    /// What the caller may do here.
    pub scopes: Scopes,
    scope: PhantomData<S>,
}

impl<S> Caller<S> {
    /// Who calls, as the audit names it.
    pub fn actor(&self) -> Actor {
        Actor::Client(self.client_id.clone())
    }

    /// Writes down what the caller is about to be told of persons, if it is anything. If that cannot be written, the
    /// caller is not told.
    pub async fn saw(&self, web: &Web, seen: impl Into<Option<Seen>>) -> Result<(), ApiError> {
        match seen.into() {
            Some(seen) => Ok(web.broker.note_seen(&self.tenant.id, &self.actor(), seen).await?),
            None => Ok(()),
        }
    }
}

impl<S: Scope> FromRequestParts<Arc<Web>> for Caller<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ApiError> {
        let tenant = host::tenant(web, &Asked::of(parts))?;
        let caller = access::caller_with(&web.issuer, &tenant, &parts.headers, (S::NAME, S::WIDER));
        let caller = caller.map_err(|refusal| ApiError::access(refusal, &tenant))?;
        from_where(parts, web, &tenant, &caller.client_id)?;
        one_more_call(parts, web, &tenant.id, &caller.client_id)?;
        let (client_id, scopes) = (caller.client_id, caller.scopes);
        Ok(Self { tenant, client_id, scopes, scope: PhantomData })
    }
}

/// A client of the platform operator that was let in, at the bare base domain only.
#[derive(Debug)]
pub struct Operator<S> {
    /// Who calls.
    pub client_id: ClientId,
    scope: PhantomData<S>,
}

impl<S> Operator<S> {
    /// Who calls, as the audit names it.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.client_id.clone())
    }
}

impl<S: Scope> FromRequestParts<Arc<Web>> for Operator<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ApiError> {
        let platform = host::platform(web, &Asked::of(parts))?;
        let caller = access::caller_with(&web.issuer, &platform, &parts.headers, (S::NAME, S::WIDER));
        let caller = caller.map_err(|refusal| ApiError::access(refusal, &platform))?;
        from_where(parts, web, &platform, &caller.client_id)?;
        one_more_call(parts, web, &platform.id, &caller.client_id)?;
        Ok(Self { client_id: caller.client_id, scope: PhantomData })
    }
}

/// A client that may come from some places only comes from one of them.
fn from_where(parts: &Parts, web: &Web, tenant: &Tenant, client: &ClientId) -> Result<(), ApiError> {
    let client = tenant.client(client.as_str()).filter(|client| !client.allow_from.is_empty());
    if client.is_none_or(|client| client.may_come_from(web.ip(&parts.extensions, &parts.headers))) {
        return Ok(());
    }
    tracing::warn!(tenant = %tenant.id, code = AccessError::FromElsewhere.as_str(), "auth.rejected");
    Err(ApiError::access(access::Refusal::Token(AccessError::FromElsewhere), tenant))
}

/// Counts a call, and leaves word for the headers of its answer.
fn one_more_call(parts: &Parts, web: &Web, tenant: &TenantId, client: &ClientId) -> Result<(), ApiError> {
    let left = web.limits.call(tenant, client, web.broker.clock().now()).map_err(ApiError::TooMany)?;
    if let Some(slip) = parts.extensions.get::<Slip>() {
        slip.note(left);
    }
    Ok(())
}
