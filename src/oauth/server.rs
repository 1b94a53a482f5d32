//! The provider's server as one login uses it: the tenant's settings, and where they say nothing
//! what the issuer's metadata announce (OpenID Connect Discovery 1.0; RFC 8414).

use url::Url;

use crate::domain::algorithm::Algorithm;
use crate::domain::provider::call::WhoamiCall;
use crate::domain::provider::oidc::Announced;
use crate::domain::provider::template::UrlTemplate;
use crate::domain::provider::{ClientAuth, Identity, Provider};

use super::issuer::Issuer;
use super::metadata::Metadata;

/// Where a login goes and what it may expect there. Nothing in it is left open.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where the customer's browser is sent.
    pub authorize_url: Url,
    /// Where the code is exchanged.
    pub token_url: Url,
    /// Who it was; none means that no such call is made.
    pub whoami: Option<WhoamiCall>,
    /// The issuer's own WhoAmI, whose answer must name the `sub` of the `id_token`.
    pub userinfo_url: Option<Url>,
    /// The issuer, if there is one.
    pub issuer: Option<Issuer>,
    /// Whether the callback must name the issuer (RFC 9207, 2.4).
    pub names_issuer: bool,
    /// The issuer's keys.
    pub jwks_url: Option<Url>,
    /// Algorithms that an `id_token` or an access token may be signed with.
    pub token_algorithms: Vec<Algorithm>,
    /// Algorithms that a `UserInfo` answer may be signed with.
    pub whoami_algorithms: Vec<Algorithm>,
    /// How we authenticate; never `auto`.
    pub client_auth: ClientAuth,
    /// What a client's assertion may be signed with, if the server says so.
    pub assertion_algorithms: Option<Vec<String>>,
    /// Where the request is pushed first (RFC 9126, 2); none means that it is not.
    pub par_url: Option<Url>,
    /// Whether another request than a pushed one is worth nothing, as far as settings and metadata say.
    pub must_push: bool,
}

/// What a login needs and neither settings nor metadata say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Where the customer is sent.
    #[error("the metadata have no `authorization_endpoint`; write `authorize_url`")]
    AuthorizeUrl,
    /// Where the code is exchanged.
    #[error("the metadata have no `token_endpoint`; write `token_url`")]
    TokenUrl,
    /// Whose keys sign.
    #[error("the metadata have no `jwks_uri`; write `jwks_url`")]
    JwksUrl,
    /// Where a request is pushed.
    #[error("the metadata have no `pushed_authorization_request_endpoint`; `par` cannot be `required`")]
    ParUrl,
}

impl Server {
    /// Whether a call asks the issuer's own endpoint.
    pub fn is_userinfo(&self, call: &WhoamiCall) -> bool {
        self.userinfo_url.as_ref().is_some_and(|url| call.url.as_str() == url.as_str())
    }

    /// The same with another token endpoint of the same provider.
    #[must_use]
    pub fn issuing_at(&self, token_url: &Url) -> Self {
        Self { token_url: token_url.clone(), ..self.clone() }
    }

    /// Puts settings and metadata together. Settings win, member by member.
    pub fn of(provider: &Provider, metadata: Option<&Metadata>) -> Result<Self, Incomplete> {
        let oidc = &provider.oidc;
        let said =
            |member: fn(&Metadata) -> &Option<Url>| metadata.and_then(|metadata| member(metadata).clone());
        let userinfo = said(|metadata| &metadata.userinfo_endpoint);
        let whoami = whoami(provider, userinfo.as_ref());
        let server = Self {
            authorize_url: provider
                .authorize_url
                .clone()
                .or_else(|| said(|metadata| &metadata.authorization_endpoint))
                .ok_or(Incomplete::AuthorizeUrl)?,
            token_url: provider
                .token_url
                .clone()
                .or_else(|| said(|metadata| &metadata.token_endpoint))
                .ok_or(Incomplete::TokenUrl)?,
            whoami,
            userinfo_url: userinfo,
            issuer: issuer(provider, metadata),
            names_issuer: oidc
                .iss
                .holds(metadata.is_some_and(|known| known.authorization_response_iss_parameter_supported)),
            jwks_url: oidc.jwks_url.clone().or_else(|| said(|metadata| &metadata.jwks_uri)),
            token_algorithms: algorithms(&oidc.id_token_algs, || metadata.map(Metadata::id_token_algorithms)),
            whoami_algorithms: algorithms(oidc.userinfo_alg.as_slice(), || {
                metadata.map(Metadata::userinfo_algorithms)
            }),
            client_auth: client_auth(provider, metadata),
            assertion_algorithms: metadata
                .and_then(|metadata| metadata.token_endpoint_auth_signing_alg_values_supported.clone()),
            par_url: par_url(provider, metadata)?,
            must_push: provider.oidc.par == Announced::Required || demands_push(metadata),
        };
        let needs_keys =
            provider.is_openid() && server.token_algorithms.iter().any(|known| !known.is_symmetric());
        if needs_keys && server.jwks_url.is_none() { Err(Incomplete::JwksUrl) } else { Ok(server) }
    }
}

/// The WhoAmI call, if the person's data come from there: the tenant's own, else the issuer's.
fn whoami(provider: &Provider, userinfo: Option<&Url>) -> Option<WhoamiCall> {
    if provider.identity != Identity::Whoami {
        return None;
    }
    let issuers = || userinfo.map(|url| WhoamiCall::bearer(UrlTemplate::fixed(url.clone())));
    provider.whoami.clone().or_else(issuers)
}

/// What tokens and callbacks are compared with. Without metadata it is what the settings say.
fn issuer(provider: &Provider, metadata: Option<&Metadata>) -> Option<Issuer> {
    match metadata {
        Some(metadata) => Some(metadata.issuer.clone()),
        None => provider.oidc.issuer.as_deref().map(Issuer::of_settings),
    }
}

/// Those of the settings, else those of the metadata, else the one that every server must know
/// (OpenID Connect Core 1.0, 15.1).
fn algorithms(set: &[String], announced: impl FnOnce() -> Option<Vec<Algorithm>>) -> Vec<Algorithm> {
    let set: Vec<Algorithm> = set.iter().filter_map(|name| name.parse().ok()).collect();
    if !set.is_empty() {
        return set;
    }
    announced().unwrap_or_else(|| vec![Algorithm::Rs256])
}

/// What the metadata announce, Basic first; without metadata the secret stands in the body.
fn client_auth(provider: &Provider, metadata: Option<&Metadata>) -> ClientAuth {
    if provider.client_auth != ClientAuth::Auto {
        return provider.client_auth;
    }
    if provider.client_secret.is_none() {
        return ClientAuth::None;
    }
    let ways = [
        ("client_secret_basic", ClientAuth::ClientSecretBasic),
        ("client_secret_post", ClientAuth::ClientSecretPost),
        ("client_secret_jwt", ClientAuth::ClientSecretJwt),
    ];
    let Some(metadata) = metadata else { return ClientAuth::ClientSecretPost };
    let allowed = ways.into_iter().find(|(name, _)| metadata.allows_client_auth(name));
    allowed.map_or(ClientAuth::ClientSecretPost, |(_, auth)| auth)
}

/// A request is pushed where the server takes that, unless the tenant does not want it. Whether a client *must* push may
/// stand in its registration alone, which no metadata tell (RFC 9126, 6).
fn par_url(provider: &Provider, metadata: Option<&Metadata>) -> Result<Option<Url>, Incomplete> {
    let url = metadata.and_then(|metadata| metadata.pushed_authorization_request_endpoint.clone());
    if !provider.oidc.par.holds(url.is_some()) {
        return Ok(None);
    }
    if url.is_none() && provider.oidc.par == Announced::Required {
        return Err(Incomplete::ParUrl);
    }
    Ok(url)
}

fn demands_push(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|metadata| metadata.require_pushed_authorization_requests)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::response::tests::provider;
    use crate::oauth::wire::ProviderAnswer;
    use crate::secret::Secret;

    const ISSUER: &str = "https://id.example.com";

    fn metadata(more: &Value) -> Metadata {
        let mut members = json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.example.com/auth",
            "token_endpoint": "https://id.example.com/token",
            "userinfo_endpoint": "https://id.example.com/me",
            "jwks_uri": "https://id.example.com/keys",
        });
        for (name, value) in more.as_object().unwrap() {
            members[name] = value.clone();
        }
        let body = members.to_string().into_bytes();
        let answer = ProviderAnswer { status: 200, content_type: Some("application/json".to_owned()), body };
        Metadata::parse(&answer, ISSUER).unwrap()
    }

    fn openid() -> Provider {
        let mut provider = provider();
        (provider.authorize_url, provider.token_url, provider.whoami) = (None, None, None);
        provider.scope = Some("openid email".to_owned());
        provider.oidc.issuer = Some(ISSUER.to_owned());
        provider
    }

    #[test]
    fn metadata_fill_what_the_settings_leave_out() {
        let server = Server::of(&openid(), Some(&metadata(&json!({})))).unwrap();
        assert_eq!(server.authorize_url.as_str(), "https://id.example.com/auth");
        assert_eq!(server.token_url.as_str(), "https://id.example.com/token");
        assert_eq!(server.jwks_url.unwrap().as_str(), "https://id.example.com/keys");
        assert_eq!(server.whoami.unwrap().url.as_str(), "https://id.example.com/me");
        assert_eq!(server.userinfo_url.unwrap().as_str(), "https://id.example.com/me");
        assert!(!server.names_issuer);
        assert_eq!(server.token_algorithms, [Algorithm::Rs256]);
        assert_eq!(server.client_auth, ClientAuth::ClientSecretBasic);
        assert_eq!(server.par_url, None);
    }

    #[test]
    fn settings_win() {
        let mut provider = openid();
        provider.token_url = "https://other.example.com/token".parse().ok();
        provider.whoami = Some(WhoamiCall::bearer(UrlTemplate::parse("https://api.example.com/me").unwrap()));
        provider.client_auth = ClientAuth::ClientSecretPost;
        provider.oidc.id_token_algs = vec!["ES256".to_owned(), "HS256".to_owned()];
        let server = Server::of(&provider, Some(&metadata(&json!({})))).unwrap();
        assert_eq!(server.token_url.as_str(), "https://other.example.com/token");
        assert_eq!(server.whoami.unwrap().url.as_str(), "https://api.example.com/me");
        assert_eq!(server.client_auth, ClientAuth::ClientSecretPost);
        assert_eq!(server.token_algorithms, [Algorithm::Es256, Algorithm::Hs256]);
        provider.identity = Identity::IdToken;
        assert!(Server::of(&provider, Some(&metadata(&json!({})))).unwrap().whoami.is_none());
    }

    #[test]
    fn a_plain_provider_needs_no_metadata() {
        let server = Server::of(&provider(), None).unwrap();
        assert_eq!(server.client_auth, ClientAuth::ClientSecretPost);
        assert_eq!((server.issuer, server.jwks_url, server.par_url), (None, None, None));
    }

    #[test]
    fn what_nobody_says_is_named() {
        assert_eq!(Server::of(&openid(), None).unwrap_err(), Incomplete::AuthorizeUrl);
        let without =
            |member: &str| Server::of(&openid(), Some(&metadata(&json!({ member: null })))).unwrap_err();
        assert_eq!(without("token_endpoint"), Incomplete::TokenUrl);
        assert_eq!(without("jwks_uri"), Incomplete::JwksUrl);
        let mut demanding = openid();
        demanding.oidc.par = Announced::Required;
        assert_eq!(Server::of(&demanding, Some(&metadata(&json!({})))).unwrap_err(), Incomplete::ParUrl);
    }

    #[rstest]
    #[case::not_said(json!({}), ClientAuth::ClientSecretBasic)]
    #[case::both(json!(["client_secret_post", "client_secret_basic"]), ClientAuth::ClientSecretBasic)]
    #[case::body(json!(["private_key_jwt", "client_secret_post"]), ClientAuth::ClientSecretPost)]
    #[case::assertion(json!(["client_secret_jwt"]), ClientAuth::ClientSecretJwt)]
    fn the_announced_way_to_authenticate_is_taken(#[case] methods: Value, #[case] auth: ClientAuth) {
        let more = match &methods {
            Value::Array(_) => json!({ "token_endpoint_auth_methods_supported": methods }),
            _ => methods,
        };
        assert_eq!(Server::of(&openid(), Some(&metadata(&more))).unwrap().client_auth, auth);
        let mut public = openid();
        public.client_secret = None;
        assert_eq!(Server::of(&public, Some(&metadata(&more))).unwrap().client_auth, ClientAuth::None);
        public.client_secret = Some(Secret::new("x"));
        assert_eq!(Server::of(&public, None).err(), Some(Incomplete::AuthorizeUrl));
    }

    #[test]
    fn what_is_announced_can_be_demanded_or_switched_off() {
        let announced = metadata(&json!({
            "authorization_response_iss_parameter_supported": true,
            "require_pushed_authorization_requests": true,
            "pushed_authorization_request_endpoint": "https://id.example.com/par",
        }));
        let mut provider = openid();
        let server = Server::of(&provider, Some(&announced)).unwrap();
        assert!(server.names_issuer && server.par_url.is_some() && server.must_push);
        (provider.oidc.iss, provider.oidc.par) = (Announced::Off, Announced::Off);
        let server = Server::of(&provider, Some(&announced)).unwrap();
        assert!(!server.names_issuer && server.par_url.is_none());
        (provider.oidc.iss, provider.oidc.par) = (Announced::Required, Announced::Auto);
        assert!(Server::of(&provider, Some(&metadata(&json!({})))).unwrap().names_issuer);
        let offered =
            metadata(&json!({"pushed_authorization_request_endpoint": "https://id.example.com/par"}));
        let server = Server::of(&provider, Some(&offered)).unwrap();
        assert!(server.par_url.is_some() && !server.must_push, "it is used, and can be done without");
    }
}
