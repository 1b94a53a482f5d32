//! What providers say about themselves, fetched through the guard and kept: metadata (OpenID
//! Connect Discovery 1.0, RFC 8414) for an hour, and key sets for as long as their `Cache-Control`
//! says, between five minutes and a day.
//!
//! Fifty logins at once cost one fetch. A login that meets a key nobody knows forces a fetch, but
//! only every thirty seconds per key set; inside of that it waits for none. Where a provider fails,
//! what was fetched within the last day goes on to count, and the log says so; nothing older counts.
//! Everything is kept per tenant and address, so that no tenant's answers or misbehaviour reach
//! another's logins.
//!
//! To add a kind of document: 1. its parser in `oauth`, 2. its fault in [`fault`], 3. a cache of slots
//! and a `fetch_…` below, 4. tests against a server in `tests/it/egress/documents.rs`.

pub mod fault;
mod slot;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use url::Url;

use crate::clock::Clock;
use crate::domain::ids::TenantId;
use crate::oauth::issuer::metadata_urls;
use crate::oauth::jwk::KeySet;
use crate::oauth::media::Media;
use crate::oauth::metadata::Metadata;
use crate::oauth::wire::{Method, OutboundRequest, ProviderAnswer};
use crate::secret::Secret;

use super::error::EgressError;
use super::provider::ProviderClient;
use fault::{KeysFault, MetadataFault};
use slot::{Fetched, Slot};

/// How long metadata is fresh.
pub const METADATA_LASTS: Duration = Duration::from_hours(1);
/// How long a key set is fresh that does not say.
pub const KEYS_LAST: Duration = Duration::from_hours(1);
/// How long a key set is fresh at least, whatever it says: it would be fetched at every login.
pub const KEYS_LAST_AT_LEAST: Duration = Duration::from_mins(5);
/// How long a key set is fresh at most, whatever it says.
pub const KEYS_LAST_AT_MOST: Duration = Duration::from_hours(24);
/// How long a fetch may take, with all its calls. It goes on when the login that began it has left.
const FETCH: Duration = Duration::from_secs(8);
/// How many documents of a kind are kept; of 10,000 tenants most have one provider.
const CAPACITY: u64 = 20_000;
/// One that nobody asked for so long is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(48);

/// Metadata and keys of all providers. A clone shares them.
#[derive(Clone)]
pub struct Documents {
    client: ProviderClient,
    clock: Clock,
    metadata: Cache<(TenantId, String), Arc<Slot<Metadata, MetadataFault>>>,
    keys: Cache<(TenantId, Url), Arc<Slot<KeySet, KeysFault>>>,
}

impl Documents {
    /// Nothing is kept yet.
    pub fn new(client: ProviderClient, clock: Clock) -> Self {
        Self { client, clock, metadata: slots(), keys: slots() }
    }

    /// The metadata of an issuer, as it stands in the tenant's settings.
    pub async fn metadata(
        &self,
        tenant: &TenantId,
        issuer: &str,
        deadline: Instant,
    ) -> Result<Arc<Metadata>, MetadataFault> {
        let slot = self.slot_of_metadata(tenant, issuer);
        let fetch = || self.clone().fetch_and_note_metadata(tenant.clone(), issuer.to_owned());
        let found = slot.get(fetch, deadline).await;
        count_old("metadata", found.is_ok() && slot.is_failing());
        found
    }

    /// Other metadata than `known`, which lack what a login needs: whoever has mended them need not wait until the old
    /// ones are over. None if there are none, or if that was asked a moment ago.
    pub async fn fresh_metadata(
        &self,
        tenant: &TenantId,
        issuer: &str,
        known: &Arc<Metadata>,
        deadline: Instant,
    ) -> Option<Arc<Metadata>> {
        let slot = self.slot_of_metadata(tenant, issuer);
        let fetch = || self.clone().fetch_and_note_metadata(tenant.clone(), issuer.to_owned());
        slot.replace(known, fetch, deadline).await
    }

    /// A key set.
    pub async fn keys(
        &self,
        tenant: &TenantId,
        url: &Url,
        deadline: Instant,
    ) -> Result<Arc<KeySet>, KeysFault> {
        let slot = self.slot_of_keys(tenant, url);
        let found =
            slot.get(|| self.clone().fetch_and_note_keys(tenant.clone(), url.clone()), deadline).await;
        count_old("keys", found.is_ok() && slot.is_failing());
        found
    }

    /// Another key set than `known`, which has no key for a token: one that was fetched meanwhile,
    /// or a fresh one, but only every thirty seconds. None means that `known` is the last word.
    pub async fn fresh_keys(
        &self,
        tenant: &TenantId,
        url: &Url,
        known: &Arc<KeySet>,
        deadline: Instant,
    ) -> Option<Arc<KeySet>> {
        let slot = self.slot_of_keys(tenant, url);
        let fetch = || self.clone().fetch_and_note_keys(tenant.clone(), url.clone());
        let found = slot.replace(known, fetch, deadline).await;
        let host = url.host_str();
        if found.is_some() {
            tracing::info!(%tenant, host, reason = "unknown_key", "jwks.refreshed");
        } else {
            tracing::info!(%tenant, host, reason = "unknown_key", "jwks.refresh_throttled");
        }
        found
    }

    /// Asks an issuer now and keeps nothing: for settings that are not in use yet.
    pub async fn fetch_metadata(
        &self,
        tenant: &TenantId,
        issuer: &str,
        deadline: Instant,
    ) -> Result<Metadata, MetadataFault> {
        let mut told: Option<MetadataFault> = None;
        for url in metadata_urls(issuer)? {
            let answer = self.get(tenant, &url, deadline).await.map_err(MetadataFault::from);
            let fault = match answer.and_then(|(answer, _)| Ok(Metadata::parse(&answer, issuer)?)) {
                Ok(metadata) => return Ok(metadata),
                // There is no time for another one.
                Err(fault @ MetadataFault::Egress(EgressError::Timeout)) => return Err(fault),
                Err(fault) => fault,
            };
            if told.as_ref().is_none_or(|told| told.weight() < fault.weight()) {
                told = Some(fault);
            }
        }
        Err(told.unwrap_or(MetadataFault::Egress(EgressError::Broken)))
    }

    /// Asks for a key set now and keeps nothing; with how long it may be kept.
    pub async fn fetch_keys(
        &self,
        tenant: &TenantId,
        url: &Url,
        deadline: Instant,
    ) -> Fetched<KeySet, KeysFault> {
        let (answer, lasts) = self.get(tenant, url, deadline).await?;
        if answer.status != 200 {
            return Err(KeysFault::Status(answer.status));
        }
        // Key sets lie on file servers too, which call them what they like; a page is never one.
        if Media::parse(answer.content_type.as_deref()) == Media::Html {
            return Err(KeysFault::Page);
        }
        let keys = KeySet::parse(&answer.body)?;
        Ok((keys, lasts.unwrap_or(KEYS_LAST).clamp(KEYS_LAST_AT_LEAST, KEYS_LAST_AT_MOST)))
    }

    async fn fetch_and_note_metadata(
        self,
        tenant: TenantId,
        issuer: String,
    ) -> Fetched<Metadata, MetadataFault> {
        let until = self.clock.tick() + FETCH;
        let fetched = self.fetch_metadata(&tenant, &issuer, until).await;
        note("metadata", &tenant, fetched.as_ref().map(drop));
        fetched.map(|metadata| (metadata, METADATA_LASTS))
    }

    async fn fetch_and_note_keys(self, tenant: TenantId, url: Url) -> Fetched<KeySet, KeysFault> {
        let until = self.clock.tick() + FETCH;
        let fetched = self.fetch_keys(&tenant, &url, until).await;
        note("keys", &tenant, fetched.as_ref().map(drop));
        if let Ok((keys, _)) = &fetched {
            for skipped in keys.skipped() {
                tracing::debug!(%tenant, detail = %skipped, "jwks.key_skipped");
            }
        }
        fetched
    }

    fn slot_of_metadata(&self, tenant: &TenantId, issuer: &str) -> Arc<Slot<Metadata, MetadataFault>> {
        let key = (tenant.clone(), issuer.to_owned());
        self.metadata.get_with(key, || Arc::new(Slot::new(self.clock.clone())))
    }

    fn slot_of_keys(&self, tenant: &TenantId, url: &Url) -> Arc<Slot<KeySet, KeysFault>> {
        let key = (tenant.clone(), url.clone());
        self.keys.get_with(key, || Arc::new(Slot::new(self.clock.clone())))
    }

    async fn get(
        &self,
        tenant: &TenantId,
        url: &Url,
        deadline: Instant,
    ) -> Result<(ProviderAnswer, Option<Duration>), EgressError> {
        let headers = vec![("accept".into(), Secret::new("application/json"))];
        let request = OutboundRequest { method: Method::Get, url: url.clone(), headers, body: None };
        self.client.fetch(tenant, &request, deadline).await
    }
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Documents")
    }
}

fn slots<K, V>() -> Cache<K, V>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(CAPACITY).time_to_idle(FORGOTTEN_AFTER).build()
}

/// A fetch is told once, by whoever carried it out.
fn note<E: fmt::Display>(document: &'static str, tenant: &TenantId, fetched: Result<(), &E>) {
    let outcome = if fetched.is_ok() { "fetched" } else { "failed" };
    metrics::counter!("countersign_provider_documents_total", "document" => document, "outcome" => outcome)
        .increment(1);
    match fetched {
        Ok(()) => tracing::info!(%tenant, document, "document.fetched"),
        Err(fault) => tracing::warn!(%tenant, document, detail = %fault, "document.failed"),
    }
}

fn count_old(document: &'static str, is_old: bool) {
    if is_old {
        metrics::counter!("countersign_provider_documents_total", "document" => document, "outcome" => "old")
            .increment(1);
        tracing::warn!(document, "document.old_used");
    }
}
