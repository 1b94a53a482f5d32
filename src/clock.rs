//! The two things that a program cannot make itself: time and chance. Both are handed in, so
//! that a test can move the one and repeat the other.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;
use zeroize::Zeroize as _;

use crate::secret::Secret;

/// Random bytes that a thread draws at once. A draw costs more than its bytes, and a login needs forty small ones.
const DRAWN: usize = 1024;
/// A request for more than this is drawn for itself.
const SMALL: usize = 64;

thread_local! {
    static DRAW: RefCell<Draw> = const { RefCell::new(Draw { bytes: [0; DRAWN], left: 0 }) };
}

/// Random bytes that were drawn and not handed out yet; each is handed out once and wiped.
struct Draw {
    bytes: [u8; DRAWN],
    /// So many from the front are still fresh.
    left: usize,
}

impl Draw {
    fn take(&mut self, into: &mut [u8]) {
        if self.left < into.len() {
            draw(&mut self.bytes);
            self.left = DRAWN;
        }
        let at = self.left - into.len();
        into.copy_from_slice(&self.bytes[at..self.left]);
        self.bytes[at..self.left].zeroize();
        self.left = at;
    }
}

/// Fills `bytes` from the operating system's generator, by way of aws-lc's, which it seeds.
fn draw(bytes: &mut [u8]) {
    aws_lc_rs::rand::fill(bytes).expect("the operating system's random generator answers");
}

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

    /// Fills `bytes` with random ones, fit for keys and secrets.
    pub fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > SMALL {
            return draw(bytes);
        }
        DRAW.with_borrow_mut(|drawn| drawn.take(bytes));
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_random_byte_is_handed_out_twice_on_any_thread() {
        let draw = |number: usize| {
            let mut bytes = [0; 64];
            Clock::system().fill(&mut bytes[..16 + number % 49]);
            <[u8; 16]>::try_from(&bytes[..16]).unwrap()
        };
        let run = move || (0..500).map(draw).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(run)).collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 4 * 500);
    }

    #[test]
    fn what_was_handed_out_is_wiped() {
        let mut stock = Draw { bytes: [7; DRAWN], left: DRAWN };
        let mut taken = [0; 40];
        stock.take(&mut taken);
        assert_eq!((taken, stock.left), ([7; 40], DRAWN - 40));
        assert_eq!(stock.bytes[DRAWN - 40..], [0; 40]);
        stock.left = 3;
        stock.take(&mut taken);
        assert_eq!(stock.left, DRAWN - 40, "too few are drawn anew");
    }
}
