//! The arithmetic of a limit: the generic cell rate algorithm. What it keeps of a client is one
//! point in time, at which everything the client spent is made good again. Pure; the time is
//! handed in, in microseconds.

use std::time::Duration;

/// How much may be done in which time; all of it at once, if nothing was done before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How much.
    pub quota: u32,
    /// In which time.
    pub window: Duration,
}

/// What is left of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The limit's name, in headers and metrics.
    pub name: &'static str,
    /// The limit.
    pub rate: Rate,
    /// How much is left now.
    pub remaining: u32,
    /// After how long all of it is there again.
    pub reset: Duration,
    /// After how long there is one again, if nothing is left; else no time.
    pub retry_after: Duration,
}

impl Rate {
    /// So much in a minute; at least one.
    pub fn per_minute(quota: u32) -> Self {
        Self { quota: quota.max(1), window: Duration::from_mins(1) }
    }

    /// One more at `now`. `clear` is the point in time that is kept, 0 for who is unknown. Answers
    /// the point to keep and whether there was one left; if not, nothing has changed.
    pub fn take(self, clear: u64, now: u64) -> (u64, bool) {
        let clear = self.sane(clear, now);
        let after = clear.max(now) + self.each();
        if after - now <= self.window() { (after, true) } else { (clear, false) }
    }

    /// One that was taken is given back.
    pub fn give_back(self, clear: u64, now: u64) -> u64 {
        self.sane(clear, now).saturating_sub(self.each())
    }

    /// What is left at `now`.
    pub fn quota(self, name: &'static str, clear: u64, now: u64) -> Quota {
        let spent = self.sane(clear, now).saturating_sub(now);
        let remaining = u32::try_from((self.window() - spent) / self.each()).unwrap_or(self.quota);
        let retry_after = (spent + self.each()).saturating_sub(self.window());
        let (reset, retry_after) = (Duration::from_micros(spent), Duration::from_micros(retry_after));
        Quota { name, rate: self, remaining: remaining.min(self.quota), reset, retry_after }
    }

    /// What one costs, in microseconds; at least one.
    fn each(self) -> u64 {
        (self.window() / u64::from(self.quota.max(1))).max(1)
    }

    fn window(self) -> u64 {
        u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX / 4).max(1)
    }

    /// A clock that was set back must not make a debt larger than it can be.
    fn sane(self, clear: u64, now: u64) -> u64 {
        clear.min(now.saturating_add(self.window()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_quota_may_be_spent_at_once_and_comes_back_evenly() {
        let rate = Rate::per_minute(60);
        let (mut clear, now) = (0, 1_000 * SECOND);
        for left in (0..60).rev() {
            let (after, allowed) = rate.take(clear, now);
            assert!(allowed);
            clear = after;
            assert_eq!(rate.quota("x", clear, now).remaining, left);
        }
        assert_eq!(rate.take(clear, now), (clear, false));
        let quota = rate.quota("x", clear, now);
        assert_eq!((quota.retry_after, quota.reset), (Duration::from_secs(1), Duration::from_mins(1)));
        assert!(rate.take(clear, now + SECOND).1);
        assert_eq!(rate.quota("x", clear, now + 30 * SECOND).remaining, 30);
        assert_eq!(rate.quota("x", clear, now + 90 * SECOND).remaining, 60);
    }

    #[test]
    fn what_is_given_back_may_be_taken_again() {
        let rate = Rate::per_minute(1);
        let (clear, _) = rate.take(0, SECOND);
        assert!(!rate.take(clear, SECOND).1);
        assert!(rate.take(rate.give_back(clear, SECOND), SECOND).1);
    }

    proptest! {
        /// In no stretch of time is more allowed than the quota and what has come back in it, and
        /// who is refused is allowed after the time that he was told.
        #[test]
        fn nobody_gets_more_than_the_quota_and_nobody_waits_in_vain(
            quota in 1_u32..200,
            steps in proptest::collection::vec(0_u64..5 * SECOND, 1..400),
        ) {
            let rate = Rate::per_minute(quota);
            let (start, mut now, mut clear, mut allowed) = (SECOND, SECOND, 0, 0_u64);
            for step in steps {
                now += step;
                let (after, may) = rate.take(clear, now);
                clear = after;
                allowed += u64::from(may);
                if !may {
                    let told = rate.quota("x", clear, now);
                    prop_assert_eq!(told.remaining, 0);
                    let later = now + u64::try_from(told.retry_after.as_micros()).unwrap();
                    prop_assert!(rate.take(clear, later).1);
                }
                let come_back = (now - start) / (60 * SECOND / u64::from(quota));
                prop_assert!(allowed <= u64::from(quota) + come_back + 1);
            }
        }

        #[test]
        fn no_time_makes_it_panic_or_shuts_anybody_out_for_longer_than_the_window(
            quota: u32, clear in 0..u64::MAX / 2, now in 0..u64::MAX / 2,
        ) {
            let rate = Rate::per_minute(quota);
            let (after, _) = rate.take(clear, now);
            let told = rate.quota("x", after, now);
            prop_assert!(told.retry_after <= rate.window && told.reset <= rate.window);
        }
    }
}
