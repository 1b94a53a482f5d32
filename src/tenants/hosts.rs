//! Which version of each tenant goes live, so that every host has one tenant: a new version is
//! taken unless it claims a host that another tenant has; then its last good one stays.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;

/// A tenant's versions, with the place of each host in the newest one.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    pub(super) id: &'a TenantId,
    /// What is live.
    pub(super) served: Option<&'a Arc<Tenant>>,
    /// What wants to be live.
    pub(super) newest: Option<&'a Arc<Tenant>>,
}

/// A host that stays with another tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// Which.
    pub(super) host: String,
    /// Whose it is.
    pub(super) owner: TenantId,
}

/// Decides for each tenant whether its newest version may go live; for those that may not, the
/// hosts that stand in the way. Whoever had a host keeps it; of two that are new the first by name
/// gets it.
pub(super) fn decide(claims: &[Claims<'_>]) -> Vec<Vec<Taken>> {
    let held = held(claims);
    let mut refused: BTreeMap<usize, Vec<Taken>> = BTreeMap::new();
    // A refused version falls back to the one that is live, which may hold a host that somebody else
    // took for free: so it is asked again until nobody stands in anybody's way. Those that are live
    // never do, so this ends with them at the latest.
    loop {
        let losers = losers(claims, &held, &refused);
        if losers.is_empty() {
            return (0..claims.len()).map(|index| refused.remove(&index).unwrap_or_default()).collect();
        }
        for (index, taken) in losers {
            refused.entry(index).or_default().push(taken);
        }
    }
}

/// Who has each host now.
fn held<'a>(claims: &[Claims<'a>]) -> HashMap<&'a str, usize> {
    let mut held = HashMap::new();
    for (index, claim) in claims.iter().enumerate() {
        let hosts = claim.served.iter().flat_map(|tenant| &tenant.hosts);
        held.extend(hosts.map(|host| (host.as_str(), index)));
    }
    held
}

fn losers(
    claims: &[Claims<'_>],
    held: &HashMap<&str, usize>,
    refused: &BTreeMap<usize, Vec<Taken>>,
) -> Vec<(usize, Taken)> {
    let mut owners: HashMap<&str, usize> = HashMap::new();
    let mut losers = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        let version = if refused.contains_key(&index) { claim.served } else { claim.newest.or(claim.served) };
        for host in version.iter().flat_map(|tenant| &tenant.hosts) {
            let Some(other) = owners.insert(host, index) else { continue };
            let (winner, loser) = match held.get(host.as_str()) {
                Some(holder) if *holder == index => (index, other),
                _ => (other, index),
            };
            owners.insert(host, winner);
            losers.push((loser, Taken { host: host.clone(), owner: claims[winner].id.clone() }));
        }
    }
    losers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A version that has these hosts, separated by spaces.
    fn version(id: &TenantId, hosts: &str) -> Option<Arc<Tenant>> {
        let hosts: Vec<String> = hosts.split_whitespace().map(str::to_owned).collect();
        (!hosts.is_empty()).then(|| Arc::new(Tenant { hosts, ..Tenant::named(id.clone()) }))
    }

    /// Which of the tenants (name, live hosts, newest hosts) go live with their newest version.
    fn accepted(tenants: &[(&str, &str, &str)]) -> Vec<bool> {
        let made: Vec<_> = tenants
            .iter()
            .map(|(id, served, newest)| {
                let id: TenantId = id.parse().unwrap();
                (version(&id, served), version(&id, newest), id)
            })
            .collect();
        let claims: Vec<_> = made
            .iter()
            .map(|(served, newest, id)| Claims { id, served: served.as_ref(), newest: newest.as_ref() })
            .collect();
        decide(&claims).iter().map(Vec::is_empty).collect()
    }

    #[test]
    fn who_had_a_host_keeps_it() {
        assert_eq!(accepted(&[("a", "x", "x"), ("b", "y", "y x")]), [true, false]);
        assert_eq!(accepted(&[("a", "y", "y x"), ("b", "x", "x")]), [false, true], "whatever their names");
    }

    #[test]
    fn of_two_that_are_new_the_first_by_name_gets_it() {
        assert_eq!(accepted(&[("a", "", "x"), ("b", "", "x")]), [true, false]);
        assert_eq!(accepted(&[("a", "p", "p x"), ("b", "q", "q x")]), [true, false]);
    }

    #[test]
    fn a_host_can_change_hands_in_one_step() {
        assert_eq!(accepted(&[("a", "a x", "a"), ("b", "b", "b x")]), [true, true]);
        assert_eq!(accepted(&[("a", "x", "y"), ("b", "y", "x")]), [true, true]);
    }

    #[test]
    fn who_falls_back_takes_its_host_with_it() {
        // `a` wants `z`, which is `c`'s; so it keeps `x`, which `b` wanted; `b` keeps `y`, which `d` wanted.
        let tenants = [("a", "x", "z"), ("b", "y", "x"), ("c", "z", "z"), ("d", "", "y")];
        assert_eq!(accepted(&tenants), [false, false, true, false]);
    }

    #[test]
    fn a_version_that_is_broken_holds_its_hosts() {
        assert_eq!(accepted(&[("a", "x", ""), ("b", "y", "x")]), [true, false]);
    }
}
