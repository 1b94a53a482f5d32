//! Access tokens: RS256 JWTs in the profile of RFC 9068, minted here and verified when they come
//! back to our API.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use moka::sync::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::client::{Client, Scopes};
use crate::domain::ids::ClientId;
use crate::domain::tenant::Tenant;
use crate::secret::Secret;

use super::Caller;
use super::inspect::Introspection;
use super::keys::SigningKeys;

/// How long an access token is good, in seconds.
pub const LIFETIME: i64 = 3600;

/// How far ahead the clock of the broker that minted a token may be, in seconds. An expired token
/// gets no such grace.
const SKEW: i64 = 30;

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// How many verified tokens are remembered at most.
const CAPACITY: u64 = 10_000;

/// Mints and verifies, and remembers what it has verified.
pub struct Tokens {
    clock: Clock,
    current: ArcSwap<Generation>,
    verified: Cache<[u8; 32], Arc<Verified>>,
    rules: Validation,
}

/// The keys with a number that tells them from the ones before: a token that was verified with
/// other keys is verified again.
struct Generation {
    number: u64,
    keys: Arc<SigningKeys>,
}

/// A token whose signature was good, as far as it is judged again at every use.
struct Verified {
    generation: u64,
    claims: Claims,
    client_id: ClientId,
    scopes: Scopes,
}

/// The claims of a token of our API, all of them required (RFC 9068, 2.2).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    jti: String,
    client_id: String,
    scope: String,
    tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
}

/// A fresh token.
#[derive(Debug, Clone)]
pub struct Minted {
    /// The token.
    pub token: Secret,
    /// When it was made, in seconds since 1970.
    pub issued_at: i64,
}

impl Tokens {
    /// Signs and verifies with these keys.
    pub fn new(keys: SigningKeys, clock: Clock) -> Self {
        Self {
            clock,
            current: ArcSwap::from_pointee(Generation { number: 0, keys: Arc::new(keys) }),
            verified: Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(Duration::from_secs(LIFETIME.unsigned_abs()))
                .build(),
            rules: rules(),
        }
    }

    /// Puts other keys in place and forgets every verified token.
    pub fn replace_keys(&self, keys: SigningKeys) {
        tracing::info!(kid = keys.active_kid(), "keys.rotated");
        let keys = Arc::new(keys);
        self.current.rcu(|old| Generation { number: old.number + 1, keys: Arc::clone(&keys) });
        self.verified.invalidate_all();
    }

    /// The keys in use.
    pub fn keys(&self) -> Arc<SigningKeys> {
        Arc::clone(&self.current.load().keys)
    }

    /// A token for our API, with which `client` acts for itself: subject and client are the same.
    /// Signing takes about a millisecond: not for the async executor.
    pub fn mint(&self, tenant: &Issuing, client: &ClientId, scopes: &Scopes) -> Result<Minted, MintError> {
        let issued_at = self.clock.now().as_second();
        let claims = Claims {
            iss: tenant.origin.clone(),
            sub: client.to_string(),
            aud: tenant.origin.clone(),
            exp: issued_at + LIFETIME,
            iat: issued_at,
            jti: self.clock.fresh_uuid().simple().to_string(),
            client_id: client.to_string(),
            scope: scopes.to_string(),
            tenant: tenant.id.clone(),
            nbf: None,
        };
        Ok(Minted { token: self.sign(&claims)?, issued_at })
    }

    /// Signs the claims of an access token with the active key.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<Secret, MintError> {
        self.current.load().keys.sign(claims).map(Secret::new).map_err(|_| MintError)
    }

    /// Signs the claims of an id_token.
    pub(super) fn sign_id_token(&self, claims: &impl Serialize) -> Result<Secret, MintError> {
        self.current.load().keys.sign_id_token(claims).map(Secret::new).map_err(|_| MintError)
    }

    /// The claims of a token whose header and signature are ours. Place and time are for the caller to judge.
    pub(super) fn read<C: DeserializeOwned>(&self, token: &str) -> Result<C, AccessError> {
        if token.len() > MAX_LENGTH {
            return Err(AccessError::TooLong);
        }
        self.read_with(&self.current.load(), token)
    }

    /// Whose token this is. The signature of a remembered token is not computed again; everything
    /// that time or settings can change is judged every time.
    pub fn verify(&self, tenant: &Tenant, token: &str) -> Result<Caller, AccessError> {
        if token.len() > MAX_LENGTH {
            return Err(AccessError::TooLong);
        }
        let fingerprint = fingerprint(token);
        let generation = self.current.load();
        let remembered =
            self.verified.get(&fingerprint).filter(|known| known.generation == generation.number);
        let fresh = remembered.is_none();
        let verified = match remembered {
            Some(verified) => verified,
            None => Arc::new(self.verify_signature(&generation, token)?),
        };
        judge_place(&verified.claims, tenant)?;
        let Claims { iat, exp, nbf, .. } = verified.claims;
        Times { iat, exp, nbf }.judge(self.clock.now().as_second())?;
        let client = tenant.client(verified.client_id.as_str()).ok_or(AccessError::ClientGone)?;
        if fresh {
            self.verified.insert(fingerprint, Arc::clone(&verified));
        }
        Ok(caller(&verified, client))
    }

    /// What a token of our API says, if it is good here and now and its client is still there.
    pub(super) fn inspect(&self, tenant: &Tenant, token: &str) -> Result<Introspection, AccessError> {
        let claims: Claims = self.read(token)?;
        judge_place(&claims, tenant)?;
        let Claims { iat, exp, nbf, .. } = claims;
        Times { iat, exp, nbf }.judge(self.clock.now().as_second())?;
        let client = tenant.client(&claims.client_id).ok_or(AccessError::ClientGone)?;
        let scopes = Scopes::parse(&claims.scope).map_err(|_| AccessError::Claims)?;
        Ok(Introspection {
            scope: scopes.kept_by(&client.scopes).to_string(),
            client_id: claims.client_id,
            token_type: "Bearer",
            exp,
            iat,
            sub: claims.sub,
            aud: claims.aud,
            jti: Some(claims.jti),
        })
    }

    fn verify_signature(&self, generation: &Generation, token: &str) -> Result<Verified, AccessError> {
        let claims: Claims = self.read_with(generation, token)?;
        let client_id = claims.client_id.parse().map_err(|_| AccessError::Claims)?;
        let scopes = Scopes::parse(&claims.scope).map_err(|_| AccessError::Claims)?;
        Ok(Verified { generation: generation.number, claims, client_id, scopes })
    }

    fn read_with<C: DeserializeOwned>(&self, generation: &Generation, token: &str) -> Result<C, AccessError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| AccessError::Malformed)?;
        if header.alg != Algorithm::RS256 {
            return Err(AccessError::ForeignHeader);
        }
        let kid = header.kid.as_deref().ok_or(AccessError::ForeignHeader)?;
        let known = generation.keys.verifying(kid).ok_or(AccessError::UnknownKey)?;
        // We wrote the header, so it is ours to the last member or not ours at all: this refuses
        // another `typ` and every `jku`, `jwk`, `x5u` and `crit` at once.
        if header != known.header {
            return Err(AccessError::ForeignHeader);
        }
        let read = jsonwebtoken::decode::<C>(token, &known.key, &self.rules);
        let read = read.map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => AccessError::Signature,
            ErrorKind::Base64(_) => AccessError::Malformed,
            _ => AccessError::Claims,
        });
        Ok(read?.claims)
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

/// What a token says about the tenant that issues it; its own, so that signing can be handed to
/// another thread.
#[derive(Debug, Clone)]
pub struct Issuing {
    pub(super) origin: String,
    pub(super) id: String,
}

impl From<&Tenant> for Issuing {
    fn from(tenant: &Tenant) -> Self {
        Self { origin: tenant.origin.clone(), id: tenant.id.to_string() }
    }
}

/// When a token is good, in seconds since 1970.
pub(super) struct Times {
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) nbf: Option<i64>,
}

impl Times {
    /// Whether it is good now.
    pub(super) fn judge(&self, now: i64) -> Result<(), AccessError> {
        if self.exp <= now {
            return Err(AccessError::Expired);
        }
        let latest = now + SKEW;
        if self.iat > latest || self.nbf.is_some_and(|nbf| nbf > latest) {
            return Err(AccessError::NotYet);
        }
        Ok(())
    }
}

/// The left half of a token's SHA-256, in base64url: the `at_hash` of an RS256 id_token (OpenID Connect Core, 3.1.3.6).
pub(super) fn half_hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(&fingerprint(token)[..16])
}

/// The active key did not sign: a fault of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct MintError;

/// Why an access token is refused. The client learns only that it is; this is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// More than 8 KiB; it was not read.
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Not three parts of base64url, or a header that is no JSON or names no known algorithm.
    #[error("the token is no JWT")]
    Malformed,
    /// A header that we would not have written: another algorithm or type, or further members.
    #[error("the token's header is not ours")]
    ForeignHeader,
    /// A key that we do not have, or have revoked.
    #[error("the token's key is unknown or revoked")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim is missing, stands twice or is of another kind.
    #[error("the token's claims are incomplete")]
    Claims,
    /// Issued for another tenant or another API.
    #[error("the token was issued for another tenant or API")]
    Elsewhere,
    /// Its hour is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// The tenant has no such client any more.
    #[error("the token's client no longer exists")]
    ClientGone,
    /// Its client may not come from this address.
    #[error("the token's client may not come from this address")]
    FromElsewhere,
    /// The sign-in that it comes from was ended, or its contact is gone.
    #[error("the token's sign-in was ended")]
    Ended,
}

impl AccessError {
    /// A word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "token_too_long",
            Self::Malformed => "token_malformed",
            Self::ForeignHeader => "token_foreign_header",
            Self::UnknownKey => "token_unknown_key",
            Self::Signature => "token_signature",
            Self::Claims => "token_claims",
            Self::Elsewhere => "token_elsewhere",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::ClientGone => "token_client_gone",
            Self::FromElsewhere => "token_from_elsewhere",
            Self::Ended => "token_ended",
        }
    }
}

/// What the library checks: the algorithm and the signature. The rest is judged here, because the
/// library reads the machine's clock, skips claims that are absent, and takes lists.
fn rules() -> Validation {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.required_spec_claims = HashSet::new();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules
}

fn fingerprint(token: &str) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    fingerprint
}

fn judge_place(claims: &Claims, tenant: &Tenant) -> Result<(), AccessError> {
    let ours =
        claims.iss == tenant.origin && claims.aud == tenant.origin && claims.tenant == tenant.id.as_str();
    if ours { Ok(()) } else { Err(AccessError::Elsewhere) }
}

/// A scope that was taken from the client since is gone from its tokens at once.
fn caller(verified: &Verified, client: &Client) -> Caller {
    let scopes = if client.scopes.contain_all(&verified.scopes) {
        verified.scopes.clone()
    } else {
        verified.scopes.kept_by(&client.scopes)
    };
    Caller { client_id: verified.client_id.clone(), scopes }
}
