//! Client assertions (RFC 7523, 2.2 and 3): how a client proves at the token endpoint who it is
//! without sending a secret: `client_secret_jwt` and `private_key_jwt` (OpenID Connect Core 1.0, 9).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::algorithm::Algorithm;
use crate::secret::Secret;

use super::private_key::PrivateKey;

/// The value of the parameter `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good: it is used at once, and once.
pub const LIFETIME: Duration = Duration::from_mins(1);

/// What an assertion says.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// Our name at the provider, `sub`.
    pub client_id: &'a str,
    /// Who signs, `iss`: the same, unless the provider says otherwise.
    pub issuer: &'a str,
    /// Whom it is for, `aud`: the token endpoint's URL, which every server takes, or the issuer,
    /// which newer ones want (FAPI 2.0; the text of [`Issuer`](super::issuer::Issuer)).
    pub audience: &'a str,
    /// `jti`: fresh each time, of at least 128 bits.
    pub id: &'a str,
    /// `iat`.
    pub now: Timestamp,
}

/// What signs.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// The client secret, with HS256, HS384 or HS512.
    Secret(&'a Secret),
    /// Our private key, with its name at the provider.
    Key {
        /// The key.
        key: &'a PrivateKey,
        /// The header's `kid`; else the one of the key's own JWK, else none.
        kid: Option<&'a str>,
    },
}

/// Why there is no assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAssertion {
    /// The key is of another type than the algorithm.
    #[error("the key is not for this algorithm; see `token_endpoint_auth_signing_alg_values_supported`")]
    Algorithm,
    /// The secret is blank.
    #[error("the client secret is blank")]
    Blank,
}

/// A signed assertion: the value of the parameter `client_assertion`.
pub fn build_assertion(
    assertion: &Assertion<'_>,
    signer: &Signer<'_>,
    algorithm: Algorithm,
) -> Result<Secret, NoAssertion> {
    let issued = assertion.now.as_second();
    let expires = issued.saturating_add_unsigned(LIFETIME.as_secs());
    let claims = json!({
        "iss": assertion.issuer,
        "sub": assertion.client_id,
        "aud": assertion.audience,
        "jti": assertion.id,
        "iat": issued,
        "exp": expires,
    });
    let mut header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
    if let Signer::Key { key, kid } = signer
        && let Some(kid) = kid.or(key.kid())
    {
        header["kid"] = kid.into();
    }
    sign(&header, &claims, signer, algorithm).map(Secret::new)
}

/// The algorithm to sign with: the first that the signer can and the server announces, in our own
/// order; where it announces none, the most usual one. None if the two have nothing in common.
pub fn choose_algorithm(signer: &Signer<'_>, announced: Option<&[String]>) -> Option<Algorithm> {
    let own = match signer {
        Signer::Secret(_) => vec![Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
        Signer::Key { key, .. } => key.algorithms(),
    };
    let known = |algorithm: &Algorithm| {
        announced.is_none_or(|announced| announced.iter().any(|name| name == algorithm.as_str()))
    };
    own.into_iter().find(known)
}

/// The compact form of any header and claims (RFC 7515, 7.1).
fn sign(
    header: &Value,
    claims: &Value,
    signer: &Signer<'_>,
    algorithm: Algorithm,
) -> Result<String, NoAssertion> {
    let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut text);
    let signature = match signer {
        Signer::Secret(secret) => sign_with_secret(secret, algorithm, text.as_bytes())?,
        Signer::Key { key, .. } => {
            key.sign(algorithm, text.as_bytes()).map_err(|_| NoAssertion::Algorithm)?
        }
    };
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}

fn sign_with_secret(secret: &Secret, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, NoAssertion> {
    if secret.is_blank() {
        return Err(NoAssertion::Blank);
    }
    let hash = match algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return Err(NoAssertion::Algorithm),
    };
    let key = hmac::Key::new(hash, secret.expose().as_bytes());
    Ok(hmac::sign(&key, message).as_ref().to_vec())
}

#[cfg(test)]
pub(super) mod tests;
