//! The resolver of the clients: it looks at every address that a name leads to at the moment it
//! is dialled, so that a name that was public yesterday may be private today (SECURITY 11).

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::{check_no_metadata, check_public};
use super::error::Refusal;

/// How a name becomes addresses; it may block.
pub type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// How many names are looked up at once: each takes a thread, and a dead name server holds it.
const LOOKUPS: usize = 64;

/// A resolver that refuses what the guard refuses.
#[derive(Clone)]
pub struct GuardedResolver {
    lookup: Lookup,
    slots: Arc<Semaphore>,
    listed: bool,
}

/// The operating system's resolver.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

impl GuardedResolver {
    /// For hosts that nobody listed: every address must be public.
    pub fn for_public(lookup: Lookup) -> Self {
        Self { lookup, slots: Arc::new(Semaphore::new(LOOKUPS)), listed: false }
    }

    /// For hosts that the operator listed: every address but metadata. The guard has seen to it
    /// that only listed hosts and ports come here.
    pub fn for_listed(lookup: Lookup) -> Self {
        Self { lookup, slots: Arc::new(Semaphore::new(LOOKUPS)), listed: true }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, slots, listed } = self.clone();
        Box::pin(async move {
            let slot = slots.acquire_owned().await?;
            let look = move || {
                let found = lookup(name.as_str());
                // Held by the thread, not by the caller: who stops waiting does not free the thread.
                drop(slot);
                found
            };
            let addresses = tokio::task::spawn_blocking(look).await??;
            check_all(&addresses, listed)?;
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// One refused address refuses the whole answer: an honest public name has no private record, and
/// dialling the others would leave the choice to whoever owns the name.
fn check_all(addresses: &[IpAddr], listed: bool) -> Result<(), Refusal> {
    let check = if listed { check_no_metadata } else { check_public };
    addresses.iter().try_for_each(|address| check(*address))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(resolver: GuardedResolver) -> Result<Vec<SocketAddr>, Option<Refusal>> {
        let answer = resolver.resolve("p.example".parse().unwrap()).await;
        answer.map(Iterator::collect).map_err(|error| error.downcast_ref::<Refusal>().cloned())
    }

    fn answering(addresses: &[&str]) -> Lookup {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(move |name| {
            assert_eq!(name, "p.example");
            Ok(addresses.clone())
        })
    }

    #[tokio::test]
    async fn public_addresses_pass_in_their_order() {
        let found = resolve(GuardedResolver::for_public(answering(&["1.1.1.1", "2606:4700::1"]))).await;
        let expected: Vec<SocketAddr> =
            vec!["1.1.1.1:0".parse().unwrap(), "[2606:4700::1]:0".parse().unwrap()];
        assert_eq!(found.unwrap(), expected);
    }

    #[tokio::test]
    async fn one_refused_record_refuses_the_whole_answer() {
        for records in [&["127.0.0.1"][..], &["1.1.1.1", "10.0.0.1"], &["1.1.1.1", "::1"]] {
            let refused = resolve(GuardedResolver::for_public(answering(records))).await.unwrap_err();
            assert!(matches!(refused, Some(Refusal::Address { .. })), "{records:?}");
        }
    }

    #[tokio::test]
    async fn a_listed_name_may_be_private_but_never_metadata() {
        let private = GuardedResolver::for_listed(answering(&["127.0.0.1", "10.0.0.1"]));
        assert_eq!(resolve(private).await.unwrap().len(), 2);
        let metadata = GuardedResolver::for_listed(answering(&["10.0.0.1", "169.254.169.254"]));
        assert!(matches!(resolve(metadata).await, Err(Some(Refusal::Address { .. }))));
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_an_error_but_no_refusal() {
        let unknown: Lookup = Arc::new(|_| Err(io::Error::other("unknown")));
        assert_eq!(resolve(GuardedResolver::for_public(unknown)).await, Err(None));
    }
}
