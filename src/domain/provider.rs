//! The tenant's OAuth server as we know it (DESIGN §4).

pub mod call;
pub mod oidc;
pub mod template;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::secret::Secret;

use self::call::{Exchange, IssuedBy, WhoamiCall};
use self::oidc::{Announced, Oidc};
use super::ids::ProviderId;

/// The settings of a provider. Secrets are resolved; the revision leaves them out.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that is on or off")]
pub struct Provider {
    /// Its name in the tenant.
    pub id: ProviderId,
    /// What the customer reads on the landing page.
    pub label: String,
    /// Our name there.
    pub client_id: String,
    /// Our secret there; none for a public client.
    pub client_secret: Option<Secret>,
    /// The secret before that, tried when the provider no longer or not yet takes the other one.
    pub previous_secret: Option<Secret>,
    /// What signs our assertions, for `private_key_jwt`, and our secret, for `signed_secret`.
    pub private_key: Option<PrivateKey>,
    /// The key before that, tried when the provider no longer or not yet takes the other one.
    pub previous_key: Option<PrivateKey>,
    /// What our key signs of us and of the provider, where that is something else than usual.
    pub assertion: AssertionNames,
    /// What we ask for; left out of the request if none.
    pub scope: Option<String>,
    /// Where the customer's browser is sent; none if the issuer's metadata says it.
    pub authorize_url: Option<Url>,
    /// Where the code is exchanged; none if the issuer's metadata says it.
    pub token_url: Option<Url>,
    /// Which of several servers has issued a code, where a callback says so.
    pub issued_by: Option<IssuedBy>,
    /// Who it was; none means the issuer's `UserInfo` endpoint, or that the login proves authentication only.
    pub whoami: Option<WhoamiCall>,
    /// Further calls, each under its name in the mapping's input.
    pub further_whoami: Vec<(String, WhoamiCall)>,
    /// Where the person's own data are taken from.
    pub identity: Identity,
    /// From the WhoAmI answer to profile fields; none means the default normaliser.
    pub mapping: Option<Mapping>,
    /// The JMESPath expression of what identifies the person; none means the default order.
    pub subject: Option<String>,
    /// Fields that count as verified without a flag.
    pub trusted: Vec<TrustedField>,
    /// Whether the provider's id stands in its callback paths.
    pub callback_path: CallbackPath,
    /// How we say who we are at the token endpoint.
    pub client_auth: ClientAuth,
    /// The form of the token request.
    pub token_request: TokenRequestForm,
    /// Whether PKCE is used.
    pub pkce: Pkce,
    /// What stands between two scopes in the authorization request.
    pub scope_separator: String,
    /// How that stands in its address.
    pub scope_encoding: ScopeEncoding,
    /// Fixed parameters that are added to the authorization request; a value [`NONCE`] stands for
    /// a fresh nonce.
    pub authorize_params: BTreeMap<String, String>,
    /// Fixed parameters that are added to the token request.
    pub token_params: BTreeMap<String, String>,
    /// Fixed headers of the token request, names in lower case.
    pub token_headers: BTreeMap<String, String>,
    /// JMESPath to the object of the token answer that holds `access_token`.
    pub token_path: Option<String>,
    /// A second exchange of the access token.
    pub exchange: Option<Exchange>,
    /// Parameters of the authorization and token requests that the provider names otherwise.
    pub rename: BTreeMap<String, String>,
    /// What the provider calls `code` and `state` at the callback.
    pub callback_names: CallbackNames,
    /// Parameters of the callback that WhoAmI URLs may repeat.
    pub callback_keep: Vec<String>,
    /// Values of this tenant that a callback may repeat, and then must not contradict (SECURITY 12).
    pub vars: BTreeMap<String, String>,
    /// What belongs to OpenID Connect.
    pub oidc: Oidc,
    /// How the provider sends the answer back.
    pub response_mode: ResponseMode,
    /// What a profile may do to a contact.
    pub enrich: EnrichPolicy,
    /// Whether somebody who is new here joins the one contact with the same email, if both emails
    /// are verified.
    pub merge_by_email: bool,
    /// Whether the tokens of a sign-in are kept, to be handed out while its conversation is verified.
    pub vault: bool,
    /// Whether it signs nobody in inside of an app's own browser: the landing page then leads out of it.
    pub blocks_webviews: bool,
    /// Whether staff may sign in here too: it stands in a tenant's file, or who published it may decide who is staff.
    pub for_staff: bool,
    /// The hash of all of the above but the secrets, and `blocks_webviews` and `for_staff`, which no customer's login depends
    /// on.
    pub revision: Revision,
}

/// The value of an authorization parameter that stands for a fresh nonce.
pub const NONCE: &str = "{nonce}";

/// What signs our assertions (RFC 7523, 3).
#[derive(Debug, Clone)]
pub struct PrivateKey {
    /// The key as PEM or JWK.
    pub key: Secret,
    /// Its name at the provider.
    pub id: Option<String>,
}

/// What proves that it is us: what is in use, or what was before while it is being replaced.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    /// Our secret.
    pub secret: Option<&'a Secret>,
    /// Our key.
    pub key: Option<&'a PrivateKey>,
}

/// Names in what our key signs (RFC 7523, 3); the usual ones where there is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssertionNames {
    /// Who signs, `iss`; else our client id.
    pub issuer: Option<String>,
    /// Whom it is for, `aud`; else the token endpoint, or of a signed secret the provider's issuer.
    pub audience: Option<String>,
}

/// How the separator of scopes stands in an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeEncoding {
    /// Percent-encoded, as in every other value.
    #[default]
    Percent,
    /// As it is: some servers split the text before they decode it.
    Bare,
}

/// Where the person's own data are taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The answer of the WhoAmI endpoint.
    #[default]
    Whoami,
    /// The claims of the verified id_token.
    IdToken,
    /// The claims of the access token, which is a JWT and verified.
    AccessToken,
    /// The token answer itself.
    TokenResponse,
}

/// What the provider calls the parameters of the callback.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallbackNames {
    /// The authorization code.
    pub code: String,
    /// The state.
    pub state: String,
}

impl CallbackNames {
    /// What the protocol knows beside code and state: none of these may stand twice.
    pub const OTHERS: [&str; 5] = ["iss", "error", "error_description", "error_uri", "session_state"];

    /// Whether a parameter of the callback is the protocol's own.
    pub fn is_known(&self, name: &str) -> bool {
        Self::OTHERS.contains(&name) || name == self.code || name == self.state
    }
}

impl Default for CallbackNames {
    fn default() -> Self {
        Self { code: "code".to_owned(), state: "state".to_owned() }
    }
}

/// A JMESPath mapping, as one expression or one per field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, expecting = "expected an expression, or an object with an expression per field")]
pub enum Mapping {
    /// One expression that gives an object.
    Whole(String),
    /// An expression per field.
    Fields(BTreeMap<String, String>),
}

/// A field that a tenant may trust without a verified flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the fields'")]
pub enum TrustedField {
    Email,
    Phone,
}

/// Whether a provider's id stands in its callback paths. Fixed at creation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallbackPath {
    /// `/idp/eu/oauth/callback`
    #[default]
    Bare,
    /// `/idp/eu/oauth/callback/acme`
    Named,
}

/// How we authenticate at the token endpoint (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// What the provider's metadata announces; without metadata the secret goes into the body.
    #[default]
    Auto,
    /// HTTP Basic with both parts form-encoded first.
    ClientSecretBasic,
    /// Both in the body.
    ClientSecretPost,
    /// An assertion that the secret signs (RFC 7523; OIDC Core, 9).
    ClientSecretJwt,
    /// An assertion that our private key signs (RFC 7523; OIDC Core, 9).
    PrivateKeyJwt,
    /// A secret that our private key signs for each use: the same in the place of `client_secret`.
    SignedSecret,
    /// HTTP Basic with the secret as the user name and no password.
    SecretAsUser,
    /// A public client: only the client id.
    None,
}

/// The form of the token request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenRequestForm {
    /// `application/x-www-form-urlencoded`, as RFC 6749 has it.
    #[default]
    Form,
    /// A JSON object with the same names.
    Json,
    /// A GET with everything in the query.
    Query,
}

/// Whether PKCE is used (RFC 7636). `plain` does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pkce {
    /// With the SHA-256 challenge.
    #[default]
    S256,
    /// Off, for providers that reject it; flagged wherever the provider is shown.
    #[serde(rename = "off")]
    Off,
}

/// How the provider sends the answer back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In the body of a POST (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// What a profile may do to a contact, per field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrichPolicy {
    /// Fields with a policy of their own; all others are `fill`.
    pub fields: BTreeMap<String, Enrich>,
    /// Fields without which a login fails.
    pub required: Vec<String>,
}

impl EnrichPolicy {
    /// What may be done to `field`.
    pub fn of(&self, field: &str) -> Enrich {
        self.fields.get(field).copied().unwrap_or_default()
    }
}

/// What a profile may do to one field of a contact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enrich {
    /// Set it if it is empty.
    #[default]
    Fill,
    /// Set it always; the previous value is kept beside it.
    Overwrite,
    /// Put it beside, for a person to accept.
    Suggest,
    /// Leave it alone.
    Ignore,
}

impl Provider {
    /// The token endpoints that the settings name: the usual one, and those that a callback may name.
    pub fn token_urls(&self) -> impl Iterator<Item = &Url> {
        let others = self.issued_by.iter().flat_map(|issued_by| issued_by.urls.values());
        self.token_url.iter().chain(others)
    }

    /// What proves that it is us.
    pub fn ours(&self) -> Ours<'_> {
        Ours { secret: self.client_secret.as_ref(), key: self.private_key.as_ref() }
    }

    /// The same from before; none if nothing is being replaced.
    pub fn ours_before(&self) -> Option<Ours<'_>> {
        let (secret, key) = (self.previous_secret.as_ref(), self.previous_key.as_ref());
        let before =
            Ours { secret: secret.or(self.client_secret.as_ref()), key: key.or(self.private_key.as_ref()) };
        (secret.is_some() || key.is_some()).then_some(before)
    }

    /// Whether the login is one of OpenID Connect: an id_token is asked for and can be verified.
    pub fn is_openid(&self) -> bool {
        let asks = self.scope.as_deref().is_some_and(|scope| scope.split(' ').any(|word| word == "openid"));
        (asks || self.identity == Identity::IdToken)
            && (self.oidc.issuer.is_some() || self.oidc.jwks_url.is_some())
    }

    /// Whether some of its settings stand in its issuer's metadata only. Anything that they may say counts: a login
    /// must not go another way because they could not be had.
    pub fn needs_metadata(&self) -> bool {
        let oidc = &self.oidc;
        let is_open = self.authorize_url.is_none()
            || self.token_url.is_none()
            || (self.whoami.is_none() && self.identity == Identity::Whoami)
            || self.client_auth == ClientAuth::Auto
            || oidc.iss == Announced::Auto
            || oidc.par == Announced::Auto
            || (self.is_openid() && (oidc.jwks_url.is_none() || oidc.id_token_algs.is_empty()));
        oidc.issuer.is_some() && is_open
    }

    /// What the provider calls a parameter of ours.
    pub fn name_of<'a>(&'a self, parameter: &'a str) -> &'a str {
        self.rename.get(parameter).map_or(parameter, String::as_str)
    }
}

/// The hash of a provider's settings without secrets: 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// Wraps a hash that the reader of the settings has made.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
