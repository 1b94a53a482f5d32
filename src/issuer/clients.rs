//! Who a client is: its id and secret against the tenant's list (RFC 6749, 2.3).
//!
//! A secret is checked with argon2, which is slow on purpose. So the check runs beside the async
//! executor, a few at a time, and a client that proved itself is remembered for five minutes.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::domain::client::{Client, Registration};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;

use super::secret_hash;

/// How long a verified client is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(5);

/// How many verified clients are remembered at most.
const CAPACITY: u64 = 10_000;

/// How many checks may wait for a core before further ones are turned away: about two seconds' work.
const WAITING: usize = 64;

/// What a client says about itself.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its public name, as it was sent.
    pub client_id: String,
    /// Its secret; none for a public client, or if it was left out or is no text.
    pub secret: Option<Secret>,
    /// Instead of a secret a JWT that its own key signed (RFC 7523, 2.2). The name above may then be empty.
    pub assertion: Option<Secret>,
    /// Where it comes from; none if the request comes from this process.
    pub address: Option<IpAddr>,
}

impl Credentials {
    /// A client that says its name, and shows nothing.
    pub fn named(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), secret: None, assertion: None, address: None }
    }

    /// A client with its secret.
    pub fn with_secret(client_id: impl Into<String>, secret: Secret) -> Self {
        Self { secret: Some(secret), ..Self::named(client_id) }
    }
}

/// Who is remembered, and the room for checks.
pub struct Clients {
    clock: Clock,
    /// The key of the fingerprints: fresh in every process, so that they mean nothing elsewhere.
    key: hmac::Key,
    verified: Cache<Fingerprint, Timestamp>,
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

/// A keyed hash of tenant, client, stored hash and secret: if any of them changes, it is another.
type Fingerprint = [u8; 32];

impl Clients {
    /// Remembers nobody yet.
    pub fn new(clock: Clock) -> Self {
        let mut key = [0; 32];
        clock.fill(&mut key);
        let verified =
            Cache::builder().max_capacity(CAPACITY).time_to_live(REMEMBERED.unsigned_abs()).build();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            clock,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            verified,
            running: Arc::new(Semaphore::new(cores)),
            waiting: Semaphore::new(cores + WAITING),
        }
    }

    /// Whether it would take a costly check to know who this is: a secret is shown, and it is not that
    /// of a client that proved itself a moment ago.
    pub fn costs(&self, tenant: &Tenant, credentials: &Credentials) -> bool {
        let Some(secret) = credentials.secret.as_ref().filter(|secret| !secret.is_blank()) else {
            return false;
        };
        let client = tenant.client(&credentials.client_id);
        !self.remembers_any(tenant, credentials, secret, &self.hashes(client))
    }

    /// The client that has this id and secret. A public client has no secret and must show none.
    /// An unknown id takes as long as a wrong secret.
    pub async fn authenticate<'t>(
        &self,
        tenant: &'t Tenant,
        credentials: &Credentials,
    ) -> Result<&'t Client, ClientError> {
        let client = tenant.client(&credentials.client_id);
        let secret = match (&credentials.secret, client) {
            (None, Some(public)) if public.is_public() => return Ok(public),
            (None, _) => return Err(ClientError::Refused),
            (Some(secret), _) if secret.is_blank() => return Err(ClientError::Refused),
            (Some(secret), _) => secret,
        };
        let hashes = self.hashes(client);
        if !self.remembers_any(tenant, credentials, secret, &hashes) {
            let which = self.prove(secret, &hashes).await?;
            let fingerprint = self.fingerprint(tenant, credentials, hashes[which].as_deref(), secret);
            self.verified.insert(fingerprint, self.clock.now());
        }
        client.ok_or(ClientError::Refused)
    }

    /// Whether this is the token with which apps may become clients.
    pub async fn may_register(&self, allowed: &Registration, token: &Secret) -> Result<(), ClientError> {
        if token.is_blank() {
            return Err(ClientError::Refused);
        }
        self.prove(token, &[Some(allowed.token_hash.clone()), None]).await.map(drop)
    }

    /// The hashes that a secret is compared with: the client's own one, and the one before as long as that counts.
    fn hashes(&self, client: Option<&Client>) -> [Option<String>; 2] {
        let previous = client.and_then(|client| client.previous_secret.as_ref());
        let previous = previous.filter(|previous| self.clock.now() < previous.until);
        [client.and_then(|client| client.secret_hash.clone()), previous.map(|previous| previous.hash.clone())]
    }

    fn remembers_any(
        &self,
        tenant: &Tenant,
        credentials: &Credentials,
        secret: &Secret,
        hashes: &[Option<String>; 2],
    ) -> bool {
        let known = |hash: &Option<String>| {
            hash.is_some() && self.remembers(&self.fingerprint(tenant, credentials, hash.as_deref(), secret))
        };
        hashes.iter().any(known)
    }

    fn remembers(&self, fingerprint: &Fingerprint) -> bool {
        let proved = self.verified.get(fingerprint);
        proved.is_some_and(|at| self.clock.now().duration_since(at) < REMEMBERED)
    }

    /// Which of two hashes is the secret's. It takes the time of two comparisons to refuse one.
    async fn prove(&self, secret: &Secret, hashes: &[Option<String>; 2]) -> Result<usize, ClientError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| ClientError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| ClientError::Busy)?;
        let (secret, hashes) = (secret.clone(), hashes.clone());
        let check = tokio::task::spawn_blocking(move || {
            // The permit goes with the work: a caller that hangs up does not make room for more.
            let _running = running;
            which(&hashes, |hash| secret_hash::verify(&secret, hash))
        });
        match check.await {
            Ok(Some(which)) => Ok(which),
            Ok(None) => Err(ClientError::Refused),
            Err(_) => Err(ClientError::Busy),
        }
    }

    fn fingerprint(
        &self,
        tenant: &Tenant,
        credentials: &Credentials,
        hash: Option<&str>,
        secret: &Secret,
    ) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        let parts = [tenant.id.as_str(), &credentials.client_id, hash.unwrap_or_default(), secret.expose()];
        for part in parts {
            // With its length in front no part can run over into the next.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.sign().as_ref());
        fingerprint
    }
}

/// Which of two hashes is the one. In place of one that there is not a decoy is compared: an unknown client, one with a
/// secret and one in the middle of a change-over are refused after the same work.
fn which(hashes: &[Option<String>; 2], mut is_it: impl FnMut(Option<&str>) -> bool) -> Option<usize> {
    hashes.iter().position(|hash| is_it(hash.as_deref()))
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clients")
    }
}

/// Why a client is not let in. It does not say whether the id or the secret was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// No such client, or not its secret.
    #[error("client authentication failed")]
    Refused,
    /// Too many checks are waiting.
    #[error("too many clients authenticate at once; try again in a few seconds")]
    Busy,
    /// The store failed.
    #[error("the store does not answer; try again in a few seconds")]
    Store,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_client_one_with_a_secret_and_one_with_two_are_refused_after_the_same_work() {
        let hash = |text: &str| Some(text.to_owned());
        for hashes in [[None, None], [hash("own"), None], [hash("own"), hash("older")]] {
            let mut compared = 0;
            let found = which(&hashes, |_| {
                compared += 1;
                false
            });
            assert_eq!((found, compared), (None, 2), "{hashes:?}");
        }
        assert_eq!(which(&[hash("own"), hash("older")], |known| known == Some("older")), Some(1));
        assert_eq!(which(&[hash("own"), None], |known| known == Some("own")), Some(0));
    }
}
