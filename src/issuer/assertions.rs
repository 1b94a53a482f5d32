//! Clients that prove who they are by a JWT of their own key (`private_key_jwt`; RFC 7523, 3; OpenID Connect Core, 9).
//! Each is good once.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::domain::algorithm::Algorithm;
use crate::domain::client::Client;
use crate::domain::tenant::Tenant;
use crate::oauth::jwk::{Checked, KeySet};
use crate::oauth::jws::Jws;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Tx};

use super::Issuer;
use super::clients::ClientError;

/// How far ahead an assertion may expire: as long as libraries let theirs live (Authlib: an hour).
const LONGEST: SignedDuration = SignedDuration::from_mins(61);
/// How far the client's clock may be off.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// The longest name of an assertion, in bytes.
const JTI: usize = 200;
/// The paths behind the issuer's name for which an assertion may be made out.
const ENDPOINTS: [&str; 4] = ["", "/v1/oauth/token", "/v1/oauth/revoke", "/v1/oauth/introspect"];

/// What an assertion says, as far as it is judged.
struct Said {
    jti: String,
    expires_at: Timestamp,
}

impl Issuer {
    /// The client whose key signed this, if it was not shown before. `named` is the client's name in the request, if that
    /// has one.
    pub(super) async fn by_assertion<'t>(
        &self,
        tenant: &'t Tenant,
        named: &str,
        assertion: &Secret,
    ) -> Result<&'t Client, ClientError> {
        let refused = |why: &'static str| {
            tracing::info!(tenant = %tenant.id, why, "assertion.refused");
            ClientError::Refused
        };
        let jws = Jws::parse(assertion.expose()).map_err(|_| refused("no_jwt"))?;
        let subject = jws.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if !named.is_empty() && named != subject {
            return Err(refused("another_client"));
        }
        let client = tenant.client(subject).ok_or_else(|| refused("client_unknown"))?;
        let keys = client.keys.as_deref().ok_or_else(|| refused("no_keys"))?;
        check_signature(keys, &jws).map_err(refused)?;
        let said = check_claims(&jws.claims, tenant, subject, self.clock.now()).map_err(refused)?;
        let mut tx = Tx::new();
        tx.create_shown_assertion(client.client_id.as_str(), &said.jti, said.expires_at + SKEW);
        match self.store.at(&tenant.id).commit(tx, Durability::Durable).await {
            Ok(()) => Ok(client),
            Err(StoreError::Conflict) => Err(refused("shown_before")),
            Err(error) => {
                tracing::error!(tenant = %tenant.id, detail = %error, "store.unavailable");
                Err(ClientError::Store)
            }
        }
    }
}

/// By a public key of the client's own, and by no algorithm that a public key could be misused for as a secret.
fn check_signature(keys: &str, jws: &Jws<'_>) -> Result<(), &'static str> {
    if matches!(jws.header.algorithm, Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512) {
        return Err("symmetric");
    }
    let keys = KeySet::parse(keys.as_bytes()).map_err(|_| "no_keys")?;
    match keys.verify(&jws.header, jws.signed, &jws.signature) {
        Ok(Checked::Good { .. }) => Ok(()),
        Ok(_) => Err("signature"),
        Err(_) => Err("key_unknown"),
    }
}

fn check_claims(
    claims: &Map<String, Value>,
    tenant: &Tenant,
    subject: &str,
    now: Timestamp,
) -> Result<Said, &'static str> {
    if claims.get("iss").and_then(Value::as_str) != Some(subject) {
        return Err("iss");
    }
    let is_ours = |text: &Value| {
        let path = text.as_str().and_then(|text| text.strip_prefix(tenant.origin.as_str()));
        path.is_some_and(|path| ENDPOINTS.contains(&path))
    };
    let is_meant = match claims.get("aud") {
        Some(Value::Array(all)) => all.len() == 1 && all.iter().all(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if !is_meant {
        return Err("aud");
    }
    let time = |name: &str| claims.get(name).map(|value| second(value).ok_or("time")).transpose();
    let expires_at = time("exp")?.ok_or("exp")?;
    if expires_at + SKEW <= now || expires_at > now + LONGEST {
        return Err("exp");
    }
    let early = |at: Option<Timestamp>| at.is_some_and(|at| at > now + SKEW);
    if early(time("iat")?) || early(time("nbf")?) {
        return Err("not_yet");
    }
    let jti = claims.get("jti").and_then(Value::as_str).filter(|jti| (1..=JTI).contains(&jti.len()));
    Ok(Said { jti: jti.ok_or("jti")?.to_owned(), expires_at })
}

/// A time in seconds since 1970, perhaps with a fraction, within what a clock can show.
fn second(value: &Value) -> Option<Timestamp> {
    let text = value.as_number()?.to_string();
    let whole = text.split('.').next()?.parse().ok()?;
    let at = Timestamp::from_second(whole).ok()?;
    // Near the end of time nothing can be added to it.
    (at < Timestamp::from_second(100_000_000_000).ok()?).then_some(at)
}
