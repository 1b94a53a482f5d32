//! How many requests are at work at once. One more is turned away at once: a queue without an end
//! makes everybody late, and a caller who has given up is answered too.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::address::Address;
use super::bodies::Bodies;

/// After how many seconds who was turned away may try again.
pub const RETRY_AFTER: u32 = 1;

/// The places of requests.
#[derive(Debug, Clone)]
pub struct Work {
    busy: Arc<Semaphore>,
    logins: Arc<Semaphore>,
    bodies: Bodies,
}

/// What a request takes a place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is at work until it is answered.
    Busy,
    /// A callback mostly waits for a provider, so that callbacks do not take the others' places.
    Login,
    /// Health is asked whatever happens, and who waits for an event does no work and has places of
    /// another kind.
    Free,
}

impl Work {
    /// Places for requests, and for callbacks, which may wait for providers.
    pub fn new(requests: usize, callbacks: usize) -> Self {
        Self {
            busy: Arc::new(Semaphore::new(requests)),
            logins: Arc::new(Semaphore::new(callbacks)),
            bodies: Bodies::new(requests),
        }
    }

    /// The request, whose body holds no more places than its address may have. Who has no address is in this process.
    pub fn watch(&self, address: impl FnOnce(&Request) -> Option<Address>, request: Request) -> Request {
        if request.body().is_end_stream() {
            return request;
        }
        match address(&request) {
            Some(address) => self.bodies.watch(address, request),
            None => request,
        }
    }

    /// A place for a request, which it has until the answer is dropped; none if all are taken.
    pub fn begin(&self, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Full> {
        let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let places = match kind(route, request.uri().query().unwrap_or_default()) {
            Kind::Busy => &self.busy,
            Kind::Login => &self.logins,
            Kind::Free => return Ok(None),
        };
        let place = Arc::clone(places).try_acquire_owned();
        place.map(Some).map_err(|_| {
            metrics::counter!("countersign_overloaded_total").increment(1);
            Full
        })
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::new(2000, 6000)
    }
}

/// All places are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are at work")]
pub struct Full;

fn kind(route: &str, query: &str) -> Kind {
    let waits = || query.split('&').any(|pair| pair.starts_with("wait="));
    match route {
        "/livez" | "/readyz" | "/metrics" | "/version" | "/v1/events/stream" => Kind::Free,
        "/v1/auth-links/{id}" if waits() => Kind::Free,
        route if route.starts_with("/idp/") || route.starts_with("/web/inbound/") => Kind::Login,
        _ => Kind::Busy,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/v1/contacts", "", Kind::Busy)]
    #[case("/a/{token}", "wait=30", Kind::Busy)]
    #[case("/v1/auth-links/{id}", "", Kind::Busy)]
    #[case("/v1/auth-links/{id}", "status=created&wait=30", Kind::Free)]
    #[case("/idp/eu/oauth/callback", "state=x", Kind::Login)]
    #[case("/web/inbound/abc/oauth/redirect/{provider}", "", Kind::Login)]
    #[case("/readyz", "", Kind::Free)]
    #[case("", "", Kind::Busy)]
    fn a_request_takes_the_place_of_its_kind(#[case] route: &str, #[case] query: &str, #[case] wanted: Kind) {
        assert_eq!(kind(route, query), wanted);
    }

    #[test]
    fn who_finds_no_place_is_turned_away_until_one_is_free() {
        let work = Work::new(1, 0);
        let ask = || work.begin(&Request::new(axum::body::Body::empty()));
        let place = ask().unwrap();
        assert_eq!(ask().unwrap_err(), Full);
        drop(place);
        assert!(ask().is_ok());
    }
}
