//! Signed tokens of the provider: the id_token (OpenID Connect Core 1.0, 3.1.3.7), an access token
//! that is a JWT (RFC 9068), and a signed WhoAmI answer (Core 1.0, 5.3.2).
//!
//! Each passes the same gate, in this order: form, kind, algorithm, key, signature; only then is a
//! claim looked at. The algorithm comes from our list and the key from the issuer's set or the
//! settings: nothing that the token says about itself can choose either. Required claims are
//! demanded one by one; none counts because it is absent.
//!
//! To add a rule: 1. a variant in [`fault`] with its words, 2. a function in [`claims`], 3. a line in
//! `verify_…` below, 4. a fixture under `fixtures/oauth/id_token/`.

mod claims;
pub mod fault;

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde_json::Value;

use crate::domain::algorithm::Algorithm;
use crate::secret::Secret;

use super::issuer::Issuer;
use super::jwk::{Checked, KeySet, NoKey};
use super::jws::Jws;
use super::quirk::Quirk;

use claims::{Claims, Now};
use fault::TokenFault;

/// How far the provider's clock may differ where the settings say nothing.
pub const SKEW: Duration = Duration::from_mins(1);

/// Kinds that any signed JWT may say to be (RFC 7515, 4.1.9), beside none.
const ANY_KIND: [&str; 2] = ["jwt", "jose"];

/// What a signature is checked with.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The issuer's key set, if there is one.
    pub set: Option<&'a KeySet>,
    /// Our client secret, the key of HS256, HS384 and HS512.
    pub client_secret: Option<&'a Secret>,
    /// The algorithms that count. HS belongs in only by the tenant's settings.
    pub algorithms: &'a [Algorithm],
}

/// The clock of the moment of judgement.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// How far the provider's clock may differ in either direction.
    pub skew: Duration,
}

/// What an id_token must say.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// Who issued it.
    pub issuer: &'a Issuer,
    /// Our name at the provider.
    pub client_id: &'a str,
    /// The nonce that was sent, if one was.
    pub nonce: Option<&'a Secret>,
    /// The access token that came with it, for `at_hash`.
    pub access_token: Option<&'a Secret>,
    /// The code that was exchanged, for `c_hash`.
    pub code: Option<&'a Secret>,
    /// How long ago the sign-in may be, if that was demanded.
    pub max_age: Option<Duration>,
    /// Of which `acr` must be one; empty if none was demanded.
    pub acr_values: &'a [String],
    /// When it is judged.
    pub moment: Moment,
}

/// What a JWT access token must say (`identity = "access_token"`).
#[derive(Debug, Clone, Copy)]
pub struct ExpectedAccessToken<'a> {
    /// Who issued it.
    pub issuer: &'a Issuer,
    /// What `aud` must name; none if any will do, since access tokens are meant for APIs whose names
    /// a relying party does not know.
    pub audience: Option<&'a str>,
    /// When it is judged.
    pub moment: Moment,
}

/// What a signed WhoAmI answer must say.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedWhoami<'a> {
    /// Who signed it, if `iss` stands in it.
    pub issuer: &'a Issuer,
    /// Our name at the provider, if `aud` stands in it.
    pub client_id: &'a str,
    /// When it is judged, if `exp` stands in it.
    pub moment: Moment,
}

/// A token that is believed. Its `Debug` shows quirks only.
#[derive(Clone)]
pub struct Verified {
    /// Every claim, an object; numbers keep their digits.
    pub claims: Value,
    /// `sub`; always there in an id_token.
    pub subject: Option<String>,
    /// What was tolerated.
    pub quirks: Vec<Quirk>,
}

impl Verified {
    /// When the person signed in at the provider (`auth_time`), if the token says so; some servers write nought where they
    /// do not know.
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        let second = claims::numeric_date(self.claims.get("auth_time")?).filter(|second| *second > 0)?;
        Timestamp::from_second(second).ok()
    }
}

/// Verifies an id_token that came from the token endpoint.
pub fn verify_id_token(
    token: &str,
    keys: &Keys<'_>,
    expected: &ExpectedIdToken<'_>,
) -> Result<Verified, TokenFault> {
    let mut signed = Signed::verify(token, keys, &["id_token+jwt"])?;
    let (claims, now) = (Claims(&signed.jws.claims), expected.moment.into());
    claims.check_issuer(expected.issuer)?;
    claims.check_audience(expected.client_id)?;
    claims.check_lifetime(now)?;
    claims.check_fresh(now, expected.nonce.is_some())?;
    claims.check_nonce(expected.nonce.map(Secret::expose))?;
    let algorithm = signed.jws.header.algorithm;
    let access_token = expected.access_token.map(Secret::expose);
    claims.check_hash("at_hash", algorithm, access_token, TokenFault::AccessTokenHash)?;
    claims.check_hash("c_hash", algorithm, expected.code.map(Secret::expose), TokenFault::CodeHash)?;
    claims.check_auth_time(now, expected.max_age, &mut signed.quirks)?;
    claims.check_context_class(expected.acr_values)?;
    let subject = claims.subject()?.ok_or(TokenFault::ClaimMissing("sub"))?.to_owned();
    Ok(signed.into_verified(Some(subject)))
}

/// Verifies an access token that is a JWT, for its claims.
pub fn verify_access_token(
    token: &str,
    keys: &Keys<'_>,
    expected: &ExpectedAccessToken<'_>,
) -> Result<Verified, TokenFault> {
    let signed = Signed::verify(token, keys, &["at+jwt"])?;
    let (claims, now) = (Claims(&signed.jws.claims), expected.moment.into());
    claims.check_issuer(expected.issuer)?;
    claims.check_lifetime(now)?;
    claims.check_issued(now)?;
    if let Some(audience) = expected.audience {
        claims.check_named(audience)?;
    }
    let subject = claims.subject()?.map(str::to_owned);
    Ok(signed.into_verified(subject))
}

/// Verifies a WhoAmI answer that is a JWT (`application/jwt`). It has a `sub`, which
/// [`check_subject`] compares with the id_token's.
pub fn verify_whoami(
    token: &str,
    keys: &Keys<'_>,
    expected: &ExpectedWhoami<'_>,
) -> Result<Verified, TokenFault> {
    let signed = Signed::verify(token.trim_ascii(), keys, &["userinfo+jwt"])?;
    let (claims, now) = (Claims(&signed.jws.claims), expected.moment.into());
    if signed.jws.claims.contains_key("iss") {
        claims.check_issuer(expected.issuer)?;
    }
    if signed.jws.claims.contains_key("aud") {
        claims.check_named(expected.client_id)?;
    }
    if signed.jws.claims.contains_key("exp") {
        claims.check_lifetime(now)?;
    }
    let subject = claims.subject()?.map(str::to_owned);
    Ok(signed.into_verified(subject))
}

/// Whether the answer of the UserInfo endpoint speaks of the person of the id_token: `sub` is there
/// and the same (OpenID Connect Core 1.0, 5.3.2; SECURITY 16).
pub fn check_subject(whoami: &Value, subject: &str) -> Result<(), TokenFault> {
    let same = whoami.get("sub").and_then(Value::as_str) == Some(subject);
    if same { Ok(()) } else { Err(TokenFault::Subject) }
}

/// A token with a good signature, whose claims nobody has looked at yet.
struct Signed<'a> {
    jws: Jws<'a>,
    quirks: Vec<Quirk>,
}

impl<'a> Signed<'a> {
    fn verify(token: &'a str, keys: &Keys<'_>, kinds: &[&str]) -> Result<Self, TokenFault> {
        let jws = Jws::parse(token)?;
        let is_expected = |typ: &str| ANY_KIND.contains(&typ) || kinds.contains(&typ);
        if jws.header.typ.as_deref().is_some_and(|typ| !is_expected(typ)) {
            return Err(TokenFault::Type);
        }
        let algorithm = jws.header.algorithm;
        if !keys.algorithms.contains(&algorithm) {
            return Err(TokenFault::AlgorithmNotAllowed);
        }
        let mut quirks = Vec::new();
        if algorithm.is_symmetric() {
            check_with_secret(&jws, keys.client_secret)?;
        } else {
            let set = keys.set.ok_or(TokenFault::KeysMissing)?;
            let guessed = check_with_set(&jws, set)?;
            quirks.extend(guessed.then_some(Quirk::KidMissing));
        }
        Ok(Self { jws, quirks })
    }

    fn into_verified(self, subject: Option<String>) -> Verified {
        Verified { claims: Value::Object(self.jws.claims), subject, quirks: self.quirks }
    }
}

impl From<Moment> for Now {
    fn from(moment: Moment) -> Self {
        let skew = i64::try_from(moment.skew.as_secs()).unwrap_or(i64::MAX);
        Self { second: moment.now.as_second(), skew }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified(quirks {:?})", self.quirks)
    }
}

/// The key is the client secret as its bytes stand in the settings (Core 1.0, 10.1). A blank one
/// would make everybody a signer.
fn check_with_secret(jws: &Jws<'_>, secret: Option<&Secret>) -> Result<(), TokenFault> {
    let secret = secret.filter(|secret| !secret.is_blank()).ok_or(TokenFault::SecretMissing)?;
    let hash = match jws.header.algorithm {
        Algorithm::Hs256 => hmac::HMAC_SHA256,
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => return Err(TokenFault::AlgorithmNotAllowed),
    };
    let key = hmac::Key::new(hash, secret.expose().as_bytes());
    hmac::verify(&key, jws.signed, &jws.signature).map_err(|_| TokenFault::Signature)
}

fn check_with_set(jws: &Jws<'_>, set: &KeySet) -> Result<bool, TokenFault> {
    match set.verify(&jws.header, jws.signed, &jws.signature) {
        Ok(Checked::Good { guessed }) => Ok(guessed),
        Ok(Checked::Bad) => Err(TokenFault::Signature),
        Err(NoKey::Unknown) => Err(TokenFault::KeyUnknown),
        Err(NoKey::Unfit) => Err(TokenFault::KeyUnfit),
    }
}

#[cfg(test)]
mod tests;
