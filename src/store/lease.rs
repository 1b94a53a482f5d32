//! Leases: who does the work of a partition that nobody asks for, so that many brokers do not do
//! it many times, and any of them can die. A lease is a record of the partition, taken and renewed
//! by compare-and-commit, and judged by the injected clock. It lapses by itself; what lapsed can be
//! taken by anybody.
//!
//! A lease saves work and keeps an order; it is no lock. Whoever was slow may go on for a moment
//! after another has taken over, so what is done under a lease must also bear to be done twice:
//! every change of a record says which version it expects. Ask [`Lease::is_good_for`] before each
//! piece of work that would hurt to be done twice at the same time.
//!
//! To put another kind of work under leases: 1. a variant of [`Work`], 2. its word in `as_str`,
//! 3. look for work first and take the lease only if there is some: an idle partition then costs
//! one read.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::backend::{Batch, Durability, Expect, Key, Partition, Put, Versioned};
use super::commit::apply;
use super::{Store, StoreError};

/// The record's space is freed so long after it lapsed.
const KEPT: Duration = Duration::from_mins(5);

/// What is done in a partition by one broker at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Ending what falls due.
    Sweep,
    /// Delivering events to webhooks.
    Deliver,
    /// Writing checkpoints of the audit log.
    SealAudit,
}

impl Work {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Sweep, Self::Deliver, Self::SealAudit];

    /// The word in the record's key: never changed once released.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Deliver => "deliver",
            Self::SealAudit => "seal-audit",
        }
    }
}

/// The right to do a kind of work in a partition, for a while. Dropping it leaves it to lapse;
/// [`Store::end_lease`] gives it back at once.
#[derive(Debug)]
pub struct Lease {
    partition: Partition,
    work: Work,
    /// Whose it is: a name that no other lease ever has.
    holder: String,
    until: Timestamp,
}

impl Lease {
    /// Where the work is.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Whether nobody else can have the work at `now` and for a `time` after it.
    pub fn is_good_for(&self, time: Duration, now: Timestamp) -> bool {
        self.until.duration_since(now).unsigned_abs() >= time && self.until > now
    }
}

impl Store {
    /// Takes the lease of a kind of work in a partition; none if somebody has it, be it another task of this
    /// process. It is good for `lasts` from now on.
    pub async fn lease(
        &self,
        partition: Partition,
        work: Work,
        lasts: Duration,
    ) -> Result<Option<Lease>, StoreError> {
        let holder = self.inner.clock.fresh_uuid().simple().to_string();
        let mut lease = Lease { partition, work, holder, until: Timestamp::UNIX_EPOCH };
        Ok(self.renew_lease(&mut lease, lasts).await?.then_some(lease))
    }

    /// Makes a lease good for `lasts` from now on. False if somebody else has it meanwhile: stop the work.
    pub async fn renew_lease(&self, lease: &mut Lease, lasts: Duration) -> Result<bool, StoreError> {
        let now = self.inner.clock.now();
        let (key, found) = self.lease_record(lease).await?;
        let held = found.as_ref().and_then(|found| Held::parse(&found.value));
        if held.is_some_and(|held| held.until > now && held.holder != lease.holder) {
            return Ok(false);
        }
        let expect = found.map_or(Expect::Absent, |found| Expect::At(found.version));
        let until = now + lasts;
        let value = Bytes::from(Held { holder: &lease.holder, until }.to_string());
        let put = Put { key: key.clone(), value, ttl: Some(lasts + KEPT) };
        let batch = Batch { expects: vec![(key, expect)], puts: vec![put], ..Batch::default() };
        let taken = self.change_lease(lease, batch).await?;
        if taken {
            lease.until = until;
        }
        Ok(taken)
    }

    /// Gives a lease back, so that anybody can take it at once.
    pub async fn end_lease(&self, lease: Lease) -> Result<(), StoreError> {
        let (key, found) = self.lease_record(&lease).await?;
        let Some(found) = found else { return Ok(()) };
        if Held::parse(&found.value).is_some_and(|held| held.holder == lease.holder) {
            let expects = vec![(key.clone(), Expect::At(found.version))];
            let batch = Batch { expects, deletes: vec![key], ..Batch::default() };
            self.change_lease(&lease, batch).await?;
        }
        Ok(())
    }

    async fn lease_record(&self, lease: &Lease) -> Result<(Key, Option<Versioned>), StoreError> {
        let key = Key::new(lease.partition, &format!("lease:{}", lease.work.as_str()));
        let found = self.inner.backend.get(std::slice::from_ref(&key)).await?.pop().flatten();
        Ok((key, found))
    }

    /// Whether the change was made, and not somebody else's.
    async fn change_lease(&self, lease: &Lease, batch: Batch) -> Result<bool, StoreError> {
        let inner = &self.inner;
        match apply(&*inner.backend, &inner.clock, lease.partition, batch, Durability::Relaxed).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What stands in the record: whose the lease is, and until when, in milliseconds. Nothing of it is secret.
struct Held<'a> {
    holder: &'a str,
    until: Timestamp,
}

impl<'a> Held<'a> {
    /// None if the bytes are no such record: then it is as if nobody had the lease.
    fn parse(value: &'a [u8]) -> Option<Self> {
        let (holder, until) = std::str::from_utf8(value).ok()?.split_once(' ')?;
        Some(Self { holder, until: Timestamp::from_millisecond(until.parse().ok()?).ok()? })
    }
}

impl std::fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.holder, self.until.as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_lease_that_lapsed_is_good_for_nothing() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        let lease = Lease {
            partition: Partition::new(1),
            work: Work::Sweep,
            holder: String::new(),
            until: at(10_000),
        };
        assert!(lease.is_good_for(Duration::from_secs(4), at(6_000)));
        assert!(!lease.is_good_for(Duration::from_secs(4), at(6_001)));
        assert!(!lease.is_good_for(Duration::ZERO, at(10_000)));
        assert!(!lease.is_good_for(Duration::ZERO, at(99_000)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(holder in "[0-9a-f]{32}", until in 0_i64..4_000_000_000_000) {
            let until = Timestamp::from_millisecond(until).unwrap();
            let text = Held { holder: &holder, until }.to_string();
            let held = Held::parse(text.as_bytes()).unwrap();
            prop_assert_eq!((held.holder, held.until), (&*holder, until));
        }

        #[test]
        fn bytes_that_are_no_lease_are_no_panic(value: Vec<u8>) {
            Held::parse(&value);
        }
    }
}
