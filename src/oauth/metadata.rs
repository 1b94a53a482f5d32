//! What a server says about itself: OpenID Connect Discovery 1.0 and RFC 8414.
//!
//! Metadata fetched over TLS from the issuer that the tenant's settings name counts as part of
//! those settings, for SECURITY 12: whoever controls that address could receive the credentials
//! anyway. The endpoints may lie on other hosts, as those of large providers do; each is looked at
//! by the guard of `egress` when it is called, like a URL that somebody typed.

use serde_json::{Map, Value};
use url::Url;

use crate::domain::algorithm::Algorithm;

use super::issuer::Issuer;
use super::json;
use super::media::Media;
use super::wire::ProviderAnswer;

/// How large metadata may be, in bytes; the largest seen have 20 KiB.
pub const MAX_LENGTH: usize = 256 * 1024;

/// How many items of a list are kept, and how long one may be, in bytes.
const MAX_ITEMS: usize = 200;
const MAX_ITEM: usize = 200;

/// The members that are used here. Whatever is left out stays none, so that settings can fill it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Who issues.
    pub issuer: Issuer,
    /// Where the customer's browser is sent.
    pub authorization_endpoint: Option<Url>,
    /// Where a code is exchanged.
    pub token_endpoint: Option<Url>,
    /// OpenID Connect's WhoAmI.
    pub userinfo_endpoint: Option<Url>,
    /// The key set.
    pub jwks_uri: Option<Url>,
    /// Where an authorization request is pushed to (RFC 9126).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether it must be pushed.
    pub require_pushed_authorization_requests: bool,
    /// How clients may authenticate at the token endpoint; none means `client_secret_basic`.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// What a client's assertion may be signed with.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// What an id_token may be signed with.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// What a UserInfo answer may be signed with.
    pub userinfo_signing_alg_values_supported: Option<Vec<String>>,
    /// The methods of PKCE; none means that the server does not say whether it knows PKCE.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// How an authorization response may come back.
    pub response_modes_supported: Option<Vec<String>>,
    /// Whether every authorization response carries `iss` (RFC 9207, 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Scopes that may be asked for.
    pub scopes_supported: Option<Vec<String>>,
    /// Claims that may come.
    pub claims_supported: Option<Vec<String>>,
}

/// Why an answer is no metadata of the issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMetadata {
    /// Another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// A page or something else that is no JSON by its content type.
    #[error("the answer is no json by its content type")]
    ContentType,
    /// Larger than [`MAX_LENGTH`].
    #[error("the answer is larger than 256 KiB")]
    TooLarge,
    /// No JSON object, or a name stands twice in it.
    #[error("the answer is no json object, nested too deeply, or a member stands twice")]
    Json,
    /// The member `issuer` is missing.
    #[error("the answer has no `issuer`")]
    NoIssuer,
    /// It is another one. The text is the provider's; it is cut at 200 characters.
    #[error("the metadata is of the issuer `{announced}`; write exactly this, if it is the right one")]
    OtherIssuer {
        /// What it says.
        announced: String,
    },
    /// A member is of another type than it must be.
    #[error("the member `{0}` is of another type than it must be")]
    Type(&'static str),
    /// A member is no URL that could be called: not https (or like the issuer), or with userinfo or a
    /// fragment.
    #[error("the member `{0}` is no https url without user name and fragment")]
    Url(&'static str),
}

impl Metadata {
    /// Reads the answer of one of [`metadata_urls`](super::issuer::metadata_urls) for `issuer`.
    /// Unknown members are ignored; `null` and an empty text count as left out.
    pub fn parse(answer: &ProviderAnswer, issuer: &str) -> Result<Self, NoMetadata> {
        if answer.status != 200 {
            return Err(NoMetadata::Status(answer.status));
        }
        if !matches!(Media::parse(answer.content_type.as_deref()), Media::Json | Media::Text | Media::Missing)
        {
            return Err(NoMetadata::ContentType);
        }
        if answer.body.len() > MAX_LENGTH {
            return Err(NoMetadata::TooLarge);
        }
        let Ok(Value::Object(members)) = json::parse(&answer.body) else { return Err(NoMetadata::Json) };
        Members { members: &members, secure: !issuer.starts_with("http:") }.read(issuer)
    }

    /// The algorithms that an id_token of this server counts with where the settings name none: the
    /// announced ones that are known here, without those whose key is the client secret; without
    /// metadata about it RS256 (OpenID Connect Core 1.0, 2).
    pub fn id_token_algorithms(&self) -> Vec<Algorithm> {
        asymmetric(self.id_token_signing_alg_values_supported.as_deref())
    }

    /// The same for a signed UserInfo answer.
    pub fn userinfo_algorithms(&self) -> Vec<Algorithm> {
        asymmetric(self.userinfo_signing_alg_values_supported.as_deref())
    }

    /// Whether a client may authenticate so at the token endpoint (RFC 8414, 2).
    pub fn allows_client_auth(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            None => method == "client_secret_basic",
            Some(methods) => methods.iter().any(|known| known == method),
        }
    }
}

/// The members of an answer while they are read.
struct Members<'a> {
    members: &'a Map<String, Value>,
    /// Whether every URL must be https. An endpoint may be as open as its issuer, but not more; a
    /// plain one is called only where the operator listed it.
    secure: bool,
}

impl Members<'_> {
    fn read(&self, asked: &str) -> Result<Metadata, NoMetadata> {
        let announced = self.text("issuer")?.ok_or(NoMetadata::NoIssuer)?;
        let issuer = Issuer::of_metadata(asked, announced)
            .ok_or_else(|| NoMetadata::OtherIssuer { announced: announced.chars().take(200).collect() })?;
        Ok(Metadata {
            issuer,
            authorization_endpoint: self.url("authorization_endpoint")?,
            token_endpoint: self.url("token_endpoint")?,
            userinfo_endpoint: self.url("userinfo_endpoint")?,
            jwks_uri: self.url("jwks_uri")?,
            pushed_authorization_request_endpoint: self.url("pushed_authorization_request_endpoint")?,
            require_pushed_authorization_requests: self.flag("require_pushed_authorization_requests")?,
            token_endpoint_auth_methods_supported: self.list("token_endpoint_auth_methods_supported")?,
            token_endpoint_auth_signing_alg_values_supported: self
                .list("token_endpoint_auth_signing_alg_values_supported")?,
            id_token_signing_alg_values_supported: self.list("id_token_signing_alg_values_supported")?,
            userinfo_signing_alg_values_supported: self.list("userinfo_signing_alg_values_supported")?,
            code_challenge_methods_supported: self.list("code_challenge_methods_supported")?,
            response_modes_supported: self.list("response_modes_supported")?,
            authorization_response_iss_parameter_supported: self
                .flag("authorization_response_iss_parameter_supported")?,
            scopes_supported: self.list("scopes_supported")?,
            claims_supported: self.list("claims_supported")?,
        })
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, NoMetadata> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(NoMetadata::Type(name)),
        }
    }

    fn url(&self, name: &'static str) -> Result<Option<Url>, NoMetadata> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let url: Url = text.parse().map_err(|_| NoMetadata::Url(name))?;
        let scheme = url.scheme() == "https" || (url.scheme() == "http" && !self.secure);
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if scheme && plain && url.host_str().is_some() { Ok(Some(url)) } else { Err(NoMetadata::Url(name)) }
    }

    fn flag(&self, name: &'static str) -> Result<bool, NoMetadata> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(NoMetadata::Type(name)),
        }
    }

    fn list(&self, name: &'static str) -> Result<Option<Vec<String>>, NoMetadata> {
        let items = match self.members.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(NoMetadata::Type(name)),
        };
        // Nobody has so many, and what is kept must be bounded.
        let fits = |item: &&Value| item.as_str().is_none_or(|text| text.len() <= MAX_ITEM);
        let text = |item: &Value| item.as_str().map(str::to_owned);
        items
            .iter()
            .filter(fits)
            .take(MAX_ITEMS)
            .map(text)
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or(NoMetadata::Type(name))
    }
}

fn asymmetric(announced: Option<&[String]>) -> Vec<Algorithm> {
    let Some(announced) = announced else { return vec![Algorithm::Rs256] };
    let known = announced.iter().filter_map(|name| name.parse::<Algorithm>().ok());
    let mut algorithms: Vec<_> = known.filter(|algorithm| !algorithm.is_symmetric()).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    algorithms
}

#[cfg(test)]
mod tests;
