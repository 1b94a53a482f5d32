//! Calls to the API of a messaging channel: what its webhook only points at, and who pressed a button.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use moka::sync::Cache;
use reqwest::{Body, Method, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use url::Url;

use crate::domain::ids::TenantId;
use crate::oauth::wire::ProviderAnswer;
use crate::secret::Secret;

use super::dialer::Dialer;
use super::error::EgressError;
use super::inside::Inside;
use super::provider::{ProviderClient, read_answer};

/// One call, from the name lookup to the last byte. A webhook is answered only after two or three of them, within the
/// 20 seconds that channels wait.
const DEADLINE: Duration = Duration::from_secs(5);
/// Calls of one tenant at the same time: its channel may be a server of its own that hangs.
const PLACES: usize = 8;
/// Calls of all tenants, beyond which each has [`FLOOR`].
const IN_ALL: usize = 64;
/// So many places a tenant has, however many others' channels hang.
const FLOOR: usize = 2;
/// A tenant may hold this part of the places that nobody holds.
const PART: usize = 4;
/// How long a call waits for a place.
const PATIENCE: Duration = Duration::from_millis(500);
/// Tenants whose places are remembered; those of one that called nobody for an hour are all free.
const REMEMBERED: u64 = 100_000;
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// A call to a channel.
pub struct ChannelCall<'a> {
    /// Where to.
    pub url: Url,
    /// Headers by their names.
    pub headers: Vec<(&'static str, Secret)>,
    /// What is posted; none for a GET.
    pub body: Option<(&'a str, Vec<u8>)>,
}

impl std::fmt::Debug for ChannelCall<'_> {
    /// Meta's calls have their tokens in the query.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelCall").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

/// The one way to a channel's API. Cheap to clone; all clones share their connections.
#[derive(Debug, Clone)]
pub struct ChannelClient {
    dialer: Dialer,
    places: Cache<TenantId, Arc<Semaphore>>,
    /// Calls of all tenants.
    inside: Arc<AtomicUsize>,
}

impl ChannelClient {
    /// A client that shares the connections and the guard of another one.
    pub fn beside(client: &ProviderClient) -> Self {
        let places = Cache::builder().max_capacity(REMEMBERED).time_to_idle(FORGOTTEN_AFTER).build();
        Self { dialer: client.dialer.clone(), places, inside: Arc::default() }
    }

    /// Sends a call and reads the whole answer, whatever its status, up to the cap of all answers. Where there is no place
    /// for it, that is a [`Timeout`](EgressError::Timeout), too.
    pub async fn send(
        &self,
        tenant: &TenantId,
        call: ChannelCall<'_>,
    ) -> Result<ProviderAnswer, EgressError> {
        let request = build_request(call)?;
        let sent = async {
            let _place = self.enter(tenant).await?;
            read_answer(self.dialer.send(tenant, request).await?).await
        };
        timeout(DEADLINE, sent).await.unwrap_or(Err(EgressError::Timeout))
    }

    /// One of the tenant's places, if there is one in time and the others leave it to them.
    async fn enter(&self, tenant: &TenantId) -> Result<(OwnedSemaphorePermit, Inside), EgressError> {
        let places = self.places.get_with_by_ref(tenant, || Arc::new(Semaphore::new(PLACES)));
        let place = timeout(PATIENCE, Arc::clone(&places).acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(EgressError::Timeout)?;
        let inside = Inside::enter(&self.inside);
        if PLACES - places.available_permits() > share(inside.others) {
            return Err(EgressError::Timeout);
        }
        Ok((place, inside))
    }
}

/// How many places one tenant may hold while so many calls are on their way.
fn share(inside: usize) -> usize {
    PLACES.min(FLOOR.max(IN_ALL.saturating_sub(inside) / PART))
}

fn build_request(call: ChannelCall<'_>) -> Result<Request, EgressError> {
    let method = if call.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::new(method, call.url);
    for (name, value) in call.headers {
        let mut value = HeaderValue::from_str(value.expose()).map_err(|_| EgressError::Unsendable)?;
        value.set_sensitive(true);
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| EgressError::Unsendable)?;
        request.headers_mut().insert(header, value);
    }
    if let Some((kind, bytes)) = call.body {
        let kind = HeaderValue::from_str(kind).map_err(|_| EgressError::Unsendable)?;
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = Some(Body::from(bytes));
    }
    Ok(request)
}
