//! The two things that a program cannot make itself: time and chance. Both are handed in, so
//! that a test can move the one and repeat the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::secret::Secret;

/// Where the time and the random bytes come from.
#[derive(Clone)]
pub struct Clock {
    /// Milliseconds that a test has moved this clock forward.
    shift: Arc<AtomicI64>,
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        // The first draw of aws-lc's generator takes about 30 ms: pay it at start, not in a login.
        let clock = Self { shift: Arc::new(AtomicI64::new(0)) };
        clock.fill(&mut [0; 1]);
        clock
    }

    /// The time, in UTC, in whole milliseconds: what is stored and told is no finer.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Timestamp {
        let millis = Timestamp::now().as_millisecond() + self.shift.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
    }

    /// A point for measuring durations; it never jumps, and a moved clock does not move it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn tick(&self) -> Instant {
        Instant::now()
    }

    /// Moves the clock forward: for tests of expiry, where waiting would take minutes.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shift.fetch_add(millis, Ordering::Relaxed);
    }

    /// Fills `bytes` from the operating system's generator.
    pub fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes).expect("the operating system's random generator answers");
    }

    /// A random text of 256 bits, in base64url without padding (43 characters).
    pub fn fresh_token(&self) -> Secret {
        let mut bytes = [0; 32];
        self.fill(&mut bytes);
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// A UUID of version 7: its order is the order of time, the rest is random.
    pub fn fresh_uuid(&self) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        let millis = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A uniform number below `bound`, by rejection.
    pub fn below(&self, bound: u32) -> u32 {
        let limit = u32::MAX - u32::MAX % bound;
        loop {
            let mut bytes = [0; 4];
            self.fill(&mut bytes);
            let drawn = u32::from_le_bytes(bytes);
            if drawn < limit {
                return drawn % bound;
            }
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
