//! The settings of OpenID Connect (OIDC Core 1.0; RFC 9126; RFC 9207).

use serde::{Deserialize, Serialize};
use url::Url;

/// What a tenant may say of its OpenID provider. Where it says nothing, the issuer's metadata do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oidc {
    /// The issuer, byte for byte as it names itself.
    pub issuer: Option<String>,
    /// Its keys, where no metadata name them.
    pub jwks_url: Option<Url>,
    /// Signature algorithms of an id_token; empty means what the metadata announce.
    pub id_token_algs: Vec<String>,
    /// The algorithm of a signed `UserInfo` answer; none means plain JSON.
    pub userinfo_alg: Option<String>,
    /// How far the provider's clock may be off, in seconds.
    pub clock_skew: u32,
    /// How long ago the customer may have entered the password, in seconds.
    pub max_age: Option<u32>,
    /// Which levels of authentication are asked for; the id_token must name one of them.
    pub acr_values: Vec<String>,
    /// Whether the provider must ask the customer something.
    pub prompt: Option<String>,
    /// Who is expected to sign in.
    pub login_hint: Option<LoginHint>,
    /// The parameter `claims`, as JSON.
    pub claims: Option<serde_json::Value>,
    /// Whether the callback must name the issuer (RFC 9207).
    pub iss: Announced,
    /// Whether the request is pushed to the provider first (RFC 9126).
    pub par: Announced,
}

/// Seconds that the provider's clock may be off unless a tenant says otherwise.
pub const CLOCK_SKEW: u32 = 60;

/// Who is expected to sign in (OIDC Core, 3.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginHint {
    /// The customer's address in the chat.
    Handle,
    /// A fixed value.
    Fixed(String),
}

/// Something that metadata may announce, and that a tenant may demand or forbid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// As the metadata say; without metadata it is not used.
    #[default]
    Auto,
    /// Always.
    Required,
    /// Never.
    Off,
}

impl Announced {
    /// Whether it holds, where metadata say `announced`.
    pub fn holds(self, announced: bool) -> bool {
        match self {
            Self::Auto => announced,
            Self::Required => true,
            Self::Off => false,
        }
    }
}
