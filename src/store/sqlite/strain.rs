//! Whether reads may run where they are called. A point read takes some microseconds, less than to
//! hand it to another thread and back; but on a disk that hangs it would hold an async thread for
//! as long. So they run there only as long as the store is at ease, and never on all threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Clock;

/// A write that takes longer than this says that the disk is slow.
const SLOW_WRITE: Duration = Duration::from_millis(250);
/// A read that takes longer than this says so, too.
const SLOW_READ: Duration = Duration::from_millis(20);
/// For so long reads then run on threads that may block.
const REST: Duration = Duration::from_secs(5);

/// How the store does. Times are milliseconds since the backend was opened, 0 for none.
#[derive(Debug)]
pub(super) struct Strain {
    clock: Clock,
    opened: Instant,
    writing_since: AtomicU64,
    strained_until: AtomicU64,
    inline: AtomicUsize,
    most: usize,
}

impl Strain {
    pub(super) fn new(clock: Clock) -> Self {
        let opened = clock.tick();
        // One async thread stays free, if there are several.
        let most = std::thread::available_parallelism().map_or(1, |threads| (threads.get() - 1).max(1));
        Self {
            clock,
            opened,
            writing_since: AtomicU64::new(0),
            strained_until: AtomicU64::new(0),
            inline: AtomicUsize::new(0),
            most,
        }
    }

    /// The writer begins or ends a transaction.
    pub(super) fn writing(&self, is_writing: bool) {
        self.writing_since.store(if is_writing { self.now() } else { 0 }, Ordering::Relaxed);
    }

    /// Leave to read here, if the store is at ease.
    pub(super) fn at_ease(self: &Arc<Self>) -> Option<Inline> {
        let now = self.now();
        if now < self.strained_until.load(Ordering::Relaxed) {
            return None;
        }
        let writing = self.writing_since.load(Ordering::Relaxed);
        if writing != 0 && now.saturating_sub(writing) > millis(SLOW_WRITE) {
            self.rest(now);
            return None;
        }
        let inline = Inline { strain: Arc::clone(self), began: now };
        (self.inline.fetch_add(1, Ordering::AcqRel) < self.most).then_some(inline)
    }

    fn rest(&self, now: u64) {
        self.strained_until.store(now + millis(REST), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        millis(self.clock.tick().duration_since(self.opened)) + 1
    }
}

/// A read that runs where it was called.
#[derive(Debug)]
pub(super) struct Inline {
    strain: Arc<Strain>,
    began: u64,
}

impl Inline {
    /// It failed: the next ones run elsewhere.
    pub(super) fn failed(&self) {
        self.strain.rest(self.strain.now());
    }
}

impl Drop for Inline {
    fn drop(&mut self) {
        let now = self.strain.now();
        if now.saturating_sub(self.began) > millis(SLOW_READ) {
            self.strain.rest(now);
        }
        self.strain.inline.fetch_sub(1, Ordering::AcqRel);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strain() -> Arc<Strain> {
        Arc::new(Strain { most: 2, ..Strain::new(Clock::system()) })
    }

    #[test]
    fn so_many_reads_run_here_and_the_next_one_elsewhere() {
        let strain = strain();
        let (first, second) = (strain.at_ease(), strain.at_ease());
        assert!(first.is_some() && second.is_some() && strain.at_ease().is_none());
        drop(first);
        assert!(strain.at_ease().is_some(), "a turn that was refused is not counted");
    }

    #[test]
    fn after_a_failed_or_a_slow_read_the_next_ones_run_elsewhere() {
        let failing = strain();
        failing.at_ease().unwrap().failed();
        assert!(failing.at_ease().is_none());
        let slow = Arc::new(Strain {
            opened: Clock::system().tick().checked_sub(Duration::from_mins(1)).unwrap(),
            ..Strain::new(Clock::system())
        });
        let mut read = slow.at_ease().unwrap();
        read.began -= 21;
        drop(read);
        assert!(slow.at_ease().is_none());
    }

    #[test]
    fn while_a_write_hangs_no_read_runs_here() {
        let opened = Clock::system().tick().checked_sub(Duration::from_mins(1)).unwrap();
        let strain = Arc::new(Strain { opened, ..Strain::new(Clock::system()) });
        strain.writing(true);
        assert!(strain.at_ease().is_some(), "it has only begun");
        strain.writing_since.fetch_sub(251, Ordering::Relaxed);
        assert!(strain.at_ease().is_none());
        strain.writing(false);
        assert!(strain.at_ease().is_none(), "the disk may hang again");
    }
}
