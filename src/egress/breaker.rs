//! When a provider is left alone for a while: a pure state machine, the time is handed in.
//!
//! Closed, every login passes. Once half of the logins of the last thirty seconds failed at the
//! provider, and at least five did, it opens: one login passes every two seconds, to probe. Where one
//! got its answers the breaker is half-open, and further ones pass three at a time; three answers
//! close it, a failure makes it start again. So a provider that comes back is found within two
//! seconds and whoever brings it one login, even while older probes still hang.

use jiff::{SignedDuration, Timestamp};

/// How many failures are a sign of anything.
const LEAST: u32 = 5;
/// How often a login may probe an open breaker.
const PROBE_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// How many answers close an open breaker; so many may probe at once after the first.
const TRIALS: u32 = 3;
/// The window's slices.
const SLICES: usize = 6;
/// The seconds of a slice.
const SLICE: i64 = 5;

/// The state of one provider.
#[derive(Debug)]
pub struct Breaker {
    window: [Slice; SLICES],
    opened: Option<Opened>,
    /// Counts the changes: what a login of another time says does not matter any more.
    generation: u32,
}

/// What is known of an open breaker.
#[derive(Debug)]
struct Opened {
    /// When the next login may probe though none was answered yet.
    next: Timestamp,
    /// Logins on their way that passed because one was answered; probes from before that may hang.
    trying: u32,
    /// Answers in a row.
    answered: u32,
    /// When the newest login that was answered began: failures of older ones are old news.
    good_since: Option<Timestamp>,
}

/// Logins that ended within a few seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    /// Which slice of time.
    number: i64,
    all: u32,
    failed: u32,
}

/// A login that was let through; to be handed back with what came of it.
#[derive(Debug)]
pub struct Ticket {
    began: Timestamp,
    generation: u32,
    tries: bool,
}

/// What came of a login at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every call got an answer, whatever it says to this customer.
    Answered,
    /// A call got none in time, a broken one, or a server error.
    Failed,
    /// None was made.
    Unused,
}

/// A change that the world may want to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The provider fails for everybody.
    Opened,
    /// It works again.
    Closed,
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// All pass.
    Closed,
    /// A few pass, and one at least was answered.
    HalfOpen,
    /// One passes every two seconds.
    Open,
}

impl Breaker {
    /// Closed, knowing nothing.
    pub fn new() -> Self {
        Self { window: [Slice::default(); SLICES], opened: None, generation: 0 }
    }

    /// How it stands.
    pub fn position(&self) -> Position {
        match &self.opened {
            None => Position::Closed,
            Some(opened) if opened.answered > 0 => Position::HalfOpen,
            Some(_) => Position::Open,
        }
    }

    /// Whether a login could pass; if not, after how long it is worth another try.
    pub fn check(&self, now: Timestamp) -> Result<(), SignedDuration> {
        self.opened.as_ref().map_or(Ok(()), |opened| opened.check(now))
    }

    /// Lets a login pass, or says after how long it is worth another try.
    pub fn admit(&mut self, now: Timestamp) -> Result<Ticket, SignedDuration> {
        self.check(now)?;
        let tries = self.position() == Position::HalfOpen;
        if let Some(opened) = &mut self.opened {
            opened.trying += u32::from(tries);
            opened.next = now + PROBE_EVERY;
        }
        Ok(Ticket { began: now, generation: self.generation, tries })
    }

    /// Takes a ticket back.
    pub fn settle(&mut self, ticket: &Ticket, outcome: Outcome, now: Timestamp) -> Option<Change> {
        if ticket.generation != self.generation {
            return None;
        }
        match &mut self.opened {
            None => {
                self.count(outcome, now);
                let opens = outcome == Outcome::Failed && self.is_bad(now);
                opens.then(|| self.open(now))
            }
            Some(opened) => {
                opened.trying -= u32::from(ticket.tries);
                let closes = opened.hear(ticket.began, outcome, now);
                closes.then(|| self.close())
            }
        }
    }

    fn open(&mut self, now: Timestamp) -> Change {
        self.opened = Some(Opened { next: now + PROBE_EVERY, trying: 0, answered: 0, good_since: None });
        self.generation = self.generation.wrapping_add(1);
        Change::Opened
    }

    fn close(&mut self) -> Change {
        *self = Self { generation: self.generation.wrapping_add(1), ..Self::new() };
        Change::Closed
    }

    fn count(&mut self, outcome: Outcome, now: Timestamp) {
        if outcome == Outcome::Unused {
            return;
        }
        let number = now.as_second().div_euclid(SLICE);
        let slice = &mut self.window[place(number)];
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice.all = slice.all.saturating_add(1);
        slice.failed = slice.failed.saturating_add(u32::from(outcome == Outcome::Failed));
    }

    fn is_bad(&self, now: Timestamp) -> bool {
        let newest = now.as_second().div_euclid(SLICE);
        let oldest = newest - i64::try_from(SLICES).unwrap_or(i64::MAX) + 1;
        let recent = self.window.iter().filter(|slice| (oldest..=newest).contains(&slice.number));
        let (all, failed) = recent.fold((0_u64, 0_u64), |(all, failed), slice| {
            (all + u64::from(slice.all), failed + u64::from(slice.failed))
        });
        failed >= u64::from(LEAST) && failed * 2 >= all
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

impl Opened {
    fn check(&self, now: Timestamp) -> Result<(), SignedDuration> {
        let wait = self.next.duration_since(now);
        // A clock that was set back must not keep it shut.
        let is_time = wait <= SignedDuration::ZERO || wait > PROBE_EVERY;
        let tries = self.answered > 0 && self.trying < TRIALS;
        if is_time || tries { Ok(()) } else { Err(wait) }
    }

    /// True if that was the last answer it needed.
    fn hear(&mut self, began: Timestamp, outcome: Outcome, now: Timestamp) -> bool {
        let old_news = self.good_since.is_some_and(|good| began <= good);
        match outcome {
            Outcome::Answered => {
                self.answered += 1;
                self.good_since = self.good_since.max(Some(began));
            }
            Outcome::Failed if !old_news => {
                self.answered = 0;
                self.next = self.next.max(now + PROBE_EVERY);
            }
            // Nobody was asked: the next login may.
            Outcome::Unused if self.answered == 0 => self.next = now,
            Outcome::Failed | Outcome::Unused => {}
        }
        self.answered >= TRIALS
    }
}

fn place(number: i64) -> usize {
    let slices = i64::try_from(SLICES).unwrap_or(i64::MAX);
    usize::try_from(number.rem_euclid(slices)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    /// A login that begins and ends at once.
    fn login(breaker: &mut Breaker, outcome: Outcome, millis: i64) -> Option<Change> {
        let ticket = breaker.admit(at(millis)).unwrap();
        breaker.settle(&ticket, outcome, at(millis))
    }

    fn opened(millis: i64) -> Breaker {
        let mut breaker = Breaker::new();
        for _ in 0..4 {
            assert_eq!(login(&mut breaker, Outcome::Failed, millis), None);
        }
        assert_eq!(login(&mut breaker, Outcome::Failed, millis), Some(Change::Opened));
        breaker
    }

    #[test]
    fn five_failures_open_it_and_three_answers_close_it() {
        let mut breaker = opened(0);
        assert_eq!(breaker.position(), Position::Open);
        assert_eq!(breaker.check(at(500)), Err(SignedDuration::from_millis(1500)));
        assert_eq!(login(&mut breaker, Outcome::Answered, 2000), None);
        assert_eq!(breaker.position(), Position::HalfOpen);
        assert_eq!(login(&mut breaker, Outcome::Answered, 2001), None);
        assert_eq!(login(&mut breaker, Outcome::Answered, 2002), Some(Change::Closed));
        assert_eq!(breaker.position(), Position::Closed);
        assert_eq!(login(&mut breaker, Outcome::Failed, 2003), None, "what was before is forgotten");
    }

    #[test]
    fn half_must_fail_and_not_just_five() {
        let mut breaker = Breaker::new();
        for _ in 0..100 {
            assert_eq!(login(&mut breaker, Outcome::Answered, 0), None);
        }
        for _ in 0..99 {
            assert_eq!(login(&mut breaker, Outcome::Failed, 1), None);
        }
        assert_eq!(login(&mut breaker, Outcome::Failed, 2), Some(Change::Opened));
    }

    #[test]
    fn failures_of_half_a_minute_ago_do_not_count() {
        let mut breaker = Breaker::new();
        for minute in 0..100 {
            for _ in 0..4 {
                assert_eq!(login(&mut breaker, Outcome::Failed, minute * 35_000), None);
            }
        }
    }

    #[test]
    fn while_it_is_open_one_login_passes_every_two_seconds_although_the_others_hang() {
        let mut breaker = opened(0);
        let mut hanging = Vec::new();
        for millis in 0..10_000 {
            hanging.extend(breaker.admit(at(millis)).ok());
        }
        assert_eq!(hanging.len(), 4);
        // The provider came back meanwhile: the next probe finds it, whatever the hanging ones say.
        for millis in [10_000, 10_001] {
            assert_eq!(login(&mut breaker, Outcome::Answered, millis), None);
            let old = hanging.pop().unwrap();
            assert_eq!(breaker.settle(&old, Outcome::Failed, at(10_500)), None);
            assert_eq!(breaker.position(), Position::HalfOpen);
        }
        assert_eq!(login(&mut breaker, Outcome::Answered, 10_600), Some(Change::Closed));
        assert_eq!(breaker.settle(&hanging[0], Outcome::Failed, at(11_000)), None);
        assert_eq!(breaker.position(), Position::Closed);
    }

    #[test]
    fn a_failed_trial_starts_again() {
        let mut breaker = opened(0);
        assert_eq!(login(&mut breaker, Outcome::Answered, 2000), None);
        assert_eq!(login(&mut breaker, Outcome::Failed, 2100), None);
        assert_eq!((breaker.position(), breaker.check(at(2200)).is_err()), (Position::Open, true));
        assert!(breaker.check(at(4100)).is_ok());
    }

    #[test]
    fn a_probe_that_asked_nobody_leaves_its_turn_to_the_next() {
        let mut breaker = opened(0);
        assert_eq!(login(&mut breaker, Outcome::Unused, 2000), None);
        assert!(breaker.check(at(2001)).is_ok());
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_shut() {
        assert!(opened(0).check(at(-3_600_000)).is_ok());
    }

    proptest! {
        /// Whatever happens in whatever order: logins while it is closed always pass, nobody waits
        /// for longer than two seconds, changes alternate, and it opens only after five failures.
        #[test]
        fn changes_alternate_and_nobody_is_kept_out_for_long(
            steps in proptest::collection::vec((0_i64..3000, 0..3_u8, any::<prop::sample::Index>()), 0..300),
        ) {
            let (mut breaker, mut now, mut underway) = (Breaker::new(), 0, Vec::new());
            let (mut last, mut failed) = (Change::Closed, 0);
            for (later, step, which) in steps {
                now += later;
                let before = breaker.position();
                match breaker.admit(at(now)) {
                    Ok(ticket) => underway.push(ticket),
                    Err(wait) => {
                        prop_assert!(before != Position::Closed);
                        prop_assert!(wait > SignedDuration::ZERO && wait <= PROBE_EVERY);
                    }
                }
                if underway.is_empty() {
                    continue;
                }
                let ticket = underway.swap_remove(which.index(underway.len()));
                let outcome = [Outcome::Answered, Outcome::Failed, Outcome::Unused][usize::from(step)];
                failed += u32::from(outcome == Outcome::Failed);
                if let Some(change) = breaker.settle(&ticket, outcome, at(now)) {
                    prop_assert!(change != last);
                    prop_assert!(change != Change::Opened || failed >= LEAST);
                    (last, failed) = (change, 0);
                }
                prop_assert_eq!(breaker.position() == Position::Closed, last == Change::Closed);
            }
        }
    }
}
