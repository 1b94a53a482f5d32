//! The signature algorithms of JSON Web Signatures that are known here (RFC 7518, 3.1; RFC 8037,
//! 3.1; RFC 9864, 2). `none` is not among them, so that no setting can allow it.
//!
//! To add one: 1. a row in the table below, 2. its key and its check in `oauth/public_key.rs` (the
//! compiler asks), 3. the hash of its family in `oauth/jws.rs`, 4. a round trip in the tests there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a header's `alg` may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every OpenID Connect server can (Core 1.0, 15.1).
    #[serde(rename = "RS256")]
    Rs256,
    /// The same with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// The same with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// The same with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// The same with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA with P-384 and SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// ECDSA with P-521 and SHA-512.
    #[serde(rename = "ES512")]
    Es512,
    /// EdDSA under its first name (RFC 8037); only with Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// The same under the name that says the curve (RFC 9864).
    #[serde(rename = "Ed25519")]
    Ed25519,
    /// HMAC with SHA-256 and the client secret.
    #[serde(rename = "HS256")]
    Hs256,
    /// The same with SHA-384.
    #[serde(rename = "HS384")]
    Hs384,
    /// The same with SHA-512.
    #[serde(rename = "HS512")]
    Hs512,
}

/// A name that is none of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no signature algorithm that can be checked; use one of {}", Algorithm::names())]
pub struct UnknownAlgorithm;

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 14] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Ed25519,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// The name in headers, metadata and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Whether both sides hold the same key. Such an algorithm counts only where the tenant's
    /// settings name it: a server's metadata alone never makes the client secret a key.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    fn names() -> String {
        Self::ALL.map(Self::as_str).join(" ")
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Reads a name exactly as it is registered: JOSE names are case-sensitive (RFC 7515, 4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or(UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_is_written_alike_in_json_and_in_text_and_read_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.as_str());
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
    }

    #[test]
    fn no_spelling_of_none_is_an_algorithm() {
        for name in ["none", "None", "NONE", "nOnE", "", " ", "rs256", "RS256 ", "RSA-OAEP", "dir", "ES256K"]
        {
            assert_eq!(name.parse::<Algorithm>(), Err(UnknownAlgorithm), "{name}");
            assert!(serde_json::from_value::<Algorithm>(name.into()).is_err(), "{name}");
        }
    }
}
