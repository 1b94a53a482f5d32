//! The RSA keys of our tokens: one signs, some verify, the public parts are published.

use std::collections::HashMap;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;
use serde_json::{Value, json};

use crate::secret::Secret;

/// The type in the header of our tokens (RFC 9068, 2.1), so that no other JWT passes for one.
pub const TOKEN_TYPE: &str = "at+jwt";

/// The type in the header of an id_token: no access token has it.
const ID_TOKEN_TYPE: &str = "JWT";

/// The smallest modulus that RFC 7518, 3.3 allows.
const MIN_BITS: usize = 2048;

/// The largest modulus that aws-lc verifies.
const MAX_BITS: usize = 8192;

/// A key as the key ring file holds it.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Its public name: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub kid: String,
    /// The RSA private key as PKCS#8 PEM; of a revoked key it is not read.
    pub private: Secret,
    /// What it is used for.
    pub state: KeyState,
}

/// What a key is used for. A rotation walks through the states in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published before it signs; its tokens count already, since brokers switch one by one.
    Next,
    /// Signs. There is exactly one.
    Active,
    /// Signs no more; its tokens count until they expire.
    Retired,
    /// Its tokens are refused.
    Revoked,
}

impl KeyState {
    /// Every state, in the order of a key's life.
    pub const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retired, Self::Revoked];

    /// The word in the key ring file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

/// Every key, ready for use. Never changed in place.
pub struct SigningKeys {
    active: Active,
    verifying: HashMap<String, Verifying>,
    jwks: Value,
    published: Published,
}

/// The key that signs, read once: reading costs as much as a part of a signature. The headers stand ready in base64url.
struct Active {
    kid: String,
    access_header: String,
    id_header: String,
    key: RsaKeyPair,
}

impl Active {
    fn new(kid: String, key: RsaKeyPair) -> Self {
        let access_header = encoded(&header(&kid, TOKEN_TYPE));
        let id_header = encoded(&header(&kid, ID_TOKEN_TYPE));
        Self { kid, access_header, id_header, key }
    }

    fn sign(&self, header: &str, claims: &impl Serialize) -> Result<String, NotSigned> {
        let claims = serde_json::to_vec(claims).map_err(|_| NotSigned)?;
        let mut token = String::with_capacity(header.len() + claims.len() * 2 + 400);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
        let mut signature = vec![0; self.key.public_modulus_len()];
        let signed = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature);
        signed.map_err(|_| NotSigned)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }
}

/// The library did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the claims were not signed")]
pub(super) struct NotSigned;

/// A key that verifies, and the only header that a token of it can have.
pub(super) struct Verifying {
    pub(super) header: Header,
    pub(super) key: DecodingKey,
}

/// The JWKS as it is sent.
#[derive(Debug, Clone)]
pub struct Published {
    /// The JSON text.
    pub body: Bytes,
    /// A strong entity tag, with its quotes (RFC 9110, 8.8.3).
    pub etag: String,
}

impl SigningKeys {
    /// Reads the keys: exactly one must be active, all must be RSA of 2048 to 8192 bits.
    pub fn new(keys: impl IntoIterator<Item = SigningKey>) -> Result<Self, KeyError> {
        let mut active = None;
        let mut verifying = HashMap::new();
        let mut public = Vec::new();
        let mut seen = Vec::new();
        for SigningKey { kid, private, state } in keys {
            check_kid(&kid)?;
            if seen.contains(&kid) {
                return Err(KeyError::KidTwice(kid));
            }
            seen.push(kid.clone());
            if state == KeyState::Revoked {
                continue;
            }
            let (key, jwk) = read_key(&kid, &private)?;
            let header = header(&kid, TOKEN_TYPE);
            verifying.insert(kid.clone(), Verifying { header, key: decoding_key(&kid, &jwk)? });
            public.push(jwk);
            if state == KeyState::Active {
                let pair = RsaKeyPair::from_der(key.as_bytes()).map_err(|_| KeyError::NotRsa(kid.clone()))?;
                if active.replace(Active::new(kid, pair)).is_some() {
                    return Err(KeyError::ManyActive);
                }
            }
        }
        let active = active.ok_or(KeyError::NoneActive)?;
        let jwks = json!({ "keys": public });
        Ok(Self { active, verifying, published: publish(&jwks), jwks })
    }

    /// The public parts (RFC 7517, 5) of the next, active and retired keys; never a revoked one's.
    pub fn jwks(&self) -> Value {
        self.jwks.clone()
    }

    /// The same as it is sent.
    pub fn published(&self) -> &Published {
        &self.published
    }

    /// The name of the key that signs.
    pub fn active_kid(&self) -> &str {
        &self.active.kid
    }

    /// Signs the claims of an access token with the active key.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, NotSigned> {
        self.active.sign(&self.active.access_header, claims)
    }

    /// The same for an id_token.
    pub(super) fn sign_id_token(&self, claims: &impl Serialize) -> Result<String, NotSigned> {
        self.active.sign(&self.active.id_header, claims)
    }

    /// The key with this name, unless it is unknown or revoked.
    pub(super) fn verifying(&self, kid: &str) -> Option<&Verifying> {
        self.verifying.get(kid)
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys").field("active", &self.active.kid).finish_non_exhaustive()
    }
}

/// Why a key ring cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key signs.
    #[error("no signing key is `active`; make one with `countersign key new`")]
    NoneActive,
    /// Two keys would sign.
    #[error("more than one signing key is `active`; set the older one to `retired`")]
    ManyActive,
    /// Two keys share a name.
    #[error("the kid `{0}` stands twice; give every signing key its own")]
    KidTwice(String),
    /// A name that does not fit into headers and logs.
    #[error("`{0}` is no kid: use 1 to 64 of `A-Z a-z 0-9 . _ -`")]
    BadKid(String),
    /// The text is not a private RSA key.
    #[error("the signing key `{0}` is no RSA private key in PKCS#8 PEM")]
    NotRsa(String),
    /// The key is too small to be safe or too large to be verified.
    #[error("the signing key `{kid}` has {bits} bits; use 2048 to 8192")]
    Size {
        /// Its name.
        kid: String,
        /// The length of its modulus.
        bits: usize,
    },
}

fn check_kid(kid: &str) -> Result<(), KeyError> {
    let plain = kid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if plain && (1..=64).contains(&kid.len()) {
        Ok(())
    } else {
        Err(KeyError::BadKid(kid.chars().take(80).collect()))
    }
}

/// The private key, and its public part as a JWK with the members of the seed in its order.
fn read_key(kid: &str, private: &Secret) -> Result<(EncodingKey, Value), KeyError> {
    let not_rsa = |_| KeyError::NotRsa(kid.to_owned());
    let key = EncodingKey::from_rsa_pem(private.expose().as_bytes()).map_err(not_rsa)?;
    let jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).map_err(not_rsa)?;
    let AlgorithmParameters::RSA(rsa) = jwk.algorithm else {
        return Err(KeyError::NotRsa(kid.to_owned()));
    };
    let bits = bits_of(&rsa.n);
    if !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(KeyError::Size { kid: kid.to_owned(), bits });
    }
    let public = json!({ "kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": rsa.n, "e": rsa.e });
    Ok((key, public))
}

/// The length of a modulus in base64url.
fn bits_of(modulus: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    let leading = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    bytes.len() * 8 - leading
}

fn decoding_key(kid: &str, jwk: &Value) -> Result<DecodingKey, KeyError> {
    let member = |name: &str| jwk[name].as_str().unwrap_or_default();
    DecodingKey::from_rsa_components(member("n"), member("e")).map_err(|_| KeyError::NotRsa(kid.to_owned()))
}

fn header(kid: &str, typ: &str) -> Header {
    Header { typ: Some(typ.to_owned()), kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) }
}

fn encoded(header: &Header) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(header).expect("a header is made of texts"))
}

fn publish(jwks: &Value) -> Published {
    let body = Bytes::from(jwks.to_string());
    let hash = digest::digest(&digest::SHA256, &body);
    Published { etag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])), body }
}
