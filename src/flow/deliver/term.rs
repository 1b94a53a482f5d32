//! Until when a lease is held, as the calls under it see it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;

/// So much of the lease must be left to begin a call. It is renewed long before; who cannot renew it begins no more.
const LEFT: Duration = Duration::from_secs(2);

/// The end of a lease. A clone shares it.
#[derive(Debug, Clone, Default)]
pub(super) struct Term(Arc<AtomicI64>);

impl Term {
    /// The lease is held until then.
    pub(super) fn extend(&self, until: Timestamp) {
        self.0.store(until.as_millisecond(), Ordering::Relaxed);
    }

    /// Whether a call may begin at `now`.
    pub(super) fn allows_a_call(&self, now: Timestamp) -> bool {
        self.left(now) >= LEFT
    }

    /// What comes of a call, unless the lease ends before it: then it is broken off, since another may make it.
    pub(super) async fn within<R>(&self, clock: &Clock, call: impl Future<Output = R>) -> Option<R> {
        let mut call = pin!(call);
        loop {
            let left = self.left(clock.now());
            if left.is_zero() {
                return None;
            }
            tokio::select! {
                done = &mut call => return Some(done),
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    fn left(&self, now: Timestamp) -> Duration {
        let until = self.0.load(Ordering::Relaxed);
        Duration::from_millis(u64::try_from(until - now.as_millisecond()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_begins_only_while_the_lease_lasts_for_a_while() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let term = Term::default();
        assert!(!term.allows_a_call(start), "before there is a lease");
        term.extend(start + Duration::from_secs(8));
        assert!(term.allows_a_call(start + Duration::from_secs(6)));
        assert!(!term.allows_a_call(start + Duration::from_millis(6001)));
    }

    #[tokio::test]
    async fn a_call_goes_on_while_the_lease_is_renewed_and_is_broken_off_when_it_ends() {
        let clock = Clock::system();
        let term = Term::default();
        term.extend(clock.now() + Duration::from_millis(30));
        let renewed = term.clone();
        let until = clock.now() + Duration::from_mins(1);
        let call = async {
            renewed.extend(until);
            tokio::time::sleep(Duration::from_millis(60)).await;
            7
        };
        assert_eq!(term.within(&clock, call).await, Some(7));
        term.extend(clock.now() + Duration::from_millis(30));
        assert_eq!(term.within(&clock, std::future::pending::<u8>()).await, None);
    }
}
