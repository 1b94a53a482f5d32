//! What a connection is waiting for, and until when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::Limits;

/// What a connection is waiting for. Shared by its three parts, which all run in one task: the
/// stream sees bytes, the request layer sees requests, the connection looks at the clock.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    limits: Arc<Limits>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when the client has taken no byte of what is ready for it.
    stuck: Option<Instant>,
}

/// What the client does or we do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has connected and sent nothing.
    Fresh,
    /// It sends a head.
    Head,
    /// A request is at work, until its answer is written.
    Busy,
    /// It has its answer and may ask again.
    Idle,
}

impl Watch {
    /// A connection that was made just now.
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        let state = State { phase: Phase::Fresh, since: Instant::now(), stuck: None };
        Self { limits, state: Arc::new(Mutex::new(state)) }
    }

    /// What goes on.
    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// When it will have gone on for too long; none while a request is at work.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        let waiting = match state.phase {
            Phase::Fresh | Phase::Head => Some(state.since + self.limits.head),
            Phase::Idle => Some(state.since + self.limits.idle),
            Phase::Busy => None,
        };
        let stuck = state.stuck.map(|since| since + self.limits.answer);
        waiting.into_iter().chain(stuck).min()
    }

    /// Bytes came in. Between two requests they begin a head; the time of a fresh connection's
    /// first head has begun already.
    pub(super) fn received(&self) {
        let mut state = self.state();
        match state.phase {
            Phase::Fresh => state.phase = Phase::Head,
            Phase::Idle => state.enter(Phase::Head),
            Phase::Head | Phase::Busy => {}
        }
    }

    /// A whole head is there.
    pub(super) fn began(&self) {
        self.state().enter(Phase::Busy);
    }

    /// The answer is written or given up.
    pub(super) fn ended(&self) {
        self.state().enter(Phase::Idle);
    }

    /// The client takes nothing more at the moment.
    pub(super) fn blocked(&self) {
        self.state().stuck.get_or_insert_with(Instant::now);
    }

    /// The client took something.
    pub(super) fn flowing(&self) {
        self.state().stuck = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave these three fields half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> (Watch, Limits) {
        let limits = Limits::default();
        (Watch::new(Arc::new(limits.clone())), limits)
    }

    #[test]
    fn the_first_heads_time_runs_from_connecting_not_from_its_first_byte() {
        let (watch, _) = watch();
        let deadline = watch.deadline();
        watch.received();
        assert_eq!(watch.phase(), Phase::Head);
        assert_eq!(watch.deadline(), deadline);
    }

    #[test]
    fn dripping_bytes_do_not_move_a_heads_deadline() {
        let (watch, _) = watch();
        watch.began();
        watch.ended();
        watch.received();
        let deadline = watch.deadline();
        watch.received();
        assert_eq!(watch.deadline(), deadline);
    }

    #[test]
    fn a_handler_may_take_its_time_but_a_client_that_takes_nothing_may_not() {
        let (watch, limits) = watch();
        watch.began();
        watch.received();
        assert_eq!((watch.phase(), watch.deadline()), (Phase::Busy, None));
        watch.blocked();
        let deadline = watch.deadline().expect("a stuck answer has a limit");
        assert!(deadline <= Instant::now() + limits.answer);
        watch.blocked();
        assert_eq!(watch.deadline(), Some(deadline));
        watch.flowing();
        assert_eq!(watch.deadline(), None);
    }

    #[test]
    fn an_idle_connection_waits_longer_than_a_half_sent_head() {
        let (watch, _) = watch();
        watch.began();
        watch.ended();
        let idle = watch.deadline();
        watch.received();
        assert!(watch.deadline() < idle);
    }
}
