//! How many connections each address has, and which of them could be closed for somebody else's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use super::phase::{Phase, Watch};
use crate::web::limit::address::Address;

/// The connections of each address.
type Open = Mutex<HashMap<Address, Vec<Arc<Held>>>>;

/// The addresses that have connections; no others, so that it is as large as their number.
#[derive(Debug)]
pub(super) struct PerAddress {
    most: usize,
    uncounted: Vec<IpNet>,
    open: Arc<Open>,
}

/// A connection that is counted.
#[derive(Debug)]
struct Held {
    watch: Watch,
    is_unwanted: AtomicBool,
    unwanted: Notify,
}

/// One connection of an address, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Option<(Arc<Open>, Address, Arc<Held>)>);

impl PerAddress {
    /// Nobody has a connection.
    pub(super) fn new(most: usize, uncounted: Vec<IpNet>) -> Self {
        Self { most, uncounted, open: Arc::default() }
    }

    /// One more connection, whose phases `watch` has; none if the address has as many as it may.
    pub(super) fn count(&self, peer: IpAddr, watch: &Watch) -> Option<Counted> {
        if self.uncounted.iter().any(|network| network.contains(&peer.to_canonical())) {
            return Some(Counted(None));
        }
        let address = Address::of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let held = open.entry(address).or_default();
        if held.len() >= self.most {
            return None;
        }
        let new = Held { watch: watch.clone(), is_unwanted: AtomicBool::new(false), unwanted: Notify::new() };
        let new = Arc::new(new);
        held.push(Arc::clone(&new));
        Some(Counted(Some((Arc::clone(&self.open), address, new))))
    }

    /// There is no room for anybody: the oldest connection that waits for a request, of the address that has the
    /// most, is told to close. A proxy's are left alone, which speaks for many.
    pub(super) fn make_room(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |held: &&Arc<Held>| matches!(held.watch.phase(), Phase::Fresh | Phase::Idle);
        let waiting = open.values().filter_map(|held| Some((held.len(), held.iter().find(waits)?)));
        if let Some((_, held)) = waiting.max_by_key(|(count, _)| *count) {
            held.is_unwanted.store(true, Ordering::Relaxed);
            held.unwanted.notify_one();
        }
    }
}

impl Counted {
    /// Ends when the connection is to make room, as soon as it waits for a request.
    pub(super) async fn unwanted(&self) {
        let Some((_, _, held)) = &self.0 else { return std::future::pending().await };
        while !held.is_unwanted.load(Ordering::Relaxed) {
            held.unwanted.notified().await;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((open, address, held)) = &self.0 else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = open.get_mut(address) else { return };
        all.retain(|one| !Arc::ptr_eq(one, held));
        if all.is_empty() {
            open.remove(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::Limits;
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn watch() -> Watch {
        Watch::new(Arc::new(Limits::default()))
    }

    #[test]
    fn an_address_has_so_many_and_what_has_none_takes_no_room() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let all = PerAddress::new(2, proxies);
        let count = |text: &str| all.count(peer(text), &watch());
        let (one, two) = (count("192.0.2.1"), count("192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(count("192.0.2.1").is_none());
        assert!(count("192.0.2.2").is_some());
        let behind: Vec<_> = (0..9).map(|_| count("10.1.2.3")).collect();
        assert!(behind.iter().all(Option::is_some));
        drop((one, two));
        assert!(all.open.lock().unwrap().is_empty());
    }

    #[test]
    fn who_has_the_most_makes_room_with_what_waits_and_a_proxy_never() {
        let all = PerAddress::new(9, vec!["10.0.0.0/8".parse().unwrap()]);
        let busy = watch();
        busy.began();
        let few = all.count(peer("192.0.2.2"), &watch()).unwrap();
        let many: Vec<_> = [busy, watch(), watch()]
            .map(|watch| all.count(peer("192.0.2.1"), &watch).unwrap())
            .into_iter()
            .collect();
        let proxy: Vec<_> = (0..5).map(|_| all.count(peer("10.1.2.3"), &watch()).unwrap()).collect();
        all.make_room();
        let is_unwanted = |counted: &Counted| counted.unwanted().now_or_never().is_some();
        assert_eq!(many.iter().map(is_unwanted).collect::<Vec<_>>(), [false, true, false], "one at a time");
        assert!(!is_unwanted(&few) && !proxy.iter().any(is_unwanted));
    }
}
