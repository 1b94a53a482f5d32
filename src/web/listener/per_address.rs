//! How many connections each address has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;

use crate::web::limit::address::Address;

/// So many connections each address has.
type Open = Mutex<HashMap<Address, usize>>;

/// The addresses that have connections; no others, so that it is as large as their number.
#[derive(Debug)]
pub(super) struct PerAddress {
    most: usize,
    uncounted: Vec<IpNet>,
    open: Arc<Open>,
}

/// One connection of an address, until it is dropped.
#[derive(Debug)]
pub(super) struct Counted(Option<(Arc<Open>, Address)>);

impl PerAddress {
    /// Nobody has a connection.
    pub(super) fn new(most: usize, uncounted: Vec<IpNet>) -> Self {
        Self { most, uncounted, open: Arc::default() }
    }

    /// One more connection; none if the address has as many as it may.
    pub(super) fn count(&self, peer: IpAddr) -> Option<Counted> {
        if self.uncounted.iter().any(|network| network.contains(&peer.to_canonical())) {
            return Some(Counted(None));
        }
        let address = Address::of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = open.entry(address).or_default();
        if *now >= self.most {
            return None;
        }
        *now += 1;
        Some(Counted(Some((Arc::clone(&self.open), address))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((open, address)) = &self.0 else { return };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(now) = open.get_mut(address) else { return };
        *now -= 1;
        if *now == 0 {
            open.remove(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_what_has_none_takes_no_room() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let all = PerAddress::new(2, proxies);
        let peer = |text: &str| text.parse::<IpAddr>().unwrap();
        let (one, two) = (all.count(peer("192.0.2.1")), all.count(peer("192.0.2.1")));
        assert!(one.is_some() && two.is_some());
        assert!(all.count(peer("192.0.2.1")).is_none());
        assert!(all.count(peer("192.0.2.2")).is_some());
        let behind: Vec<_> = (0..9).map(|_| all.count(peer("10.1.2.3"))).collect();
        assert!(behind.iter().all(Option::is_some));
        drop((one, two));
        assert!(all.open.lock().unwrap().is_empty());
    }
}
