//! The provider's server as one login uses it: the tenant's settings, and where they say nothing
//! what the issuer's metadata announce.

use url::Url;

use crate::domain::provider::call::WhoamiCall;
use crate::domain::provider::{ClientAuth, Identity, Provider};

/// Where a login goes and what it may expect there. Nothing in it is left open.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where the customer's browser is sent.
    pub authorize_url: Url,
    /// Where the code is exchanged.
    pub token_url: Url,
    /// Who it was; none means that no such call is made.
    pub whoami: Option<WhoamiCall>,
    /// The issuer, if there is one.
    pub issuer: Option<String>,
    /// Whether the callback must name the issuer (RFC 9207, 2.4).
    pub names_issuer: bool,
    /// The issuer's keys.
    pub jwks_url: Option<Url>,
    /// How we authenticate; never `auto` if the metadata say more.
    pub client_auth: ClientAuth,
    /// Where the request is pushed first (RFC 9126, 2); none means that it is not.
    pub par_url: Option<Url>,
}

impl Server {
    /// The server of settings that say everything; none if metadata are needed.
    pub fn of_settings(provider: &Provider) -> Option<Self> {
        if provider.needs_metadata() {
            return None;
        }
        Some(Self {
            authorize_url: provider.authorize_url.clone()?,
            token_url: provider.token_url.clone()?,
            whoami: own_whoami(provider),
            issuer: provider.oidc.issuer.clone(),
            names_issuer: provider.oidc.iss.holds(false),
            jwks_url: provider.oidc.jwks_url.clone(),
            client_auth: provider.client_auth,
            par_url: None,
        })
    }
}

/// The WhoAmI call of the settings, if the person's data come from there.
fn own_whoami(provider: &Provider) -> Option<WhoamiCall> {
    provider.whoami.clone().filter(|_| provider.identity == Identity::Whoami)
}
