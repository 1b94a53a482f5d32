//! Calls that a login can do without, such as a request that is pushed though nobody demands it. What nobody needs must
//! cost nobody anything: such a call takes a place only where plenty are free, the provider's breaker does not hear of
//! it, and after one that failed there is none for a while.

use std::sync::{Arc, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::provider::Revision;

use super::{Gate, Gates, Inside, Pass, Position};

/// How long there is none after one that failed.
const RESTS: SignedDuration = SignedDuration::from_mins(5);
/// Such calls may hold this part of the places that a provider may hold.
const PART: usize = 2;

/// What is known of such calls to one provider.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// By which settings one failed, and until when there is no other.
    rests: Option<(Revision, Timestamp)>,
}

impl Gates {
    /// A place for a call that a login can do without, by these settings of the provider. None while such calls or the
    /// provider fail, or while so many logins are there that it might be in their way. Nobody waits for it. Whoever has
    /// sent the call says what came of it by [`Pass::end_aside`].
    pub fn enter_aside(&self, tenant: &TenantId, provider: &ProviderId, revision: &Revision) -> Option<Pass> {
        let gate = self.gate(tenant, provider);
        if gate.breaker().position() != Position::Closed {
            return None;
        }
        let place = Arc::clone(&gate.places).try_acquire_owned().ok()?;
        let inside = Inside::enter(&self.inside);
        if self.held(&gate) > self.room.share(inside.others).div_ceil(PART) {
            return None;
        }
        let begins = gate.aside().begin(revision, self.clock.now());
        begins.then(|| self.pass(gate, None, place, inside))
    }
}

impl Pass {
    /// Gives back a place for a call that the login can do without. If it failed, there is no other for some minutes; if
    /// it worked, the next one need not wait for their end.
    pub fn end_aside(self, revision: &Revision, worked: bool) {
        let mut aside = self.gate.aside();
        if !worked {
            aside.rests = Some((revision.clone(), self.clock.now() + RESTS));
        } else if aside.rests.as_ref().is_some_and(|(known, _)| known == revision) {
            aside.rests = None;
        }
    }
}

impl Gate {
    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Aside {
    /// Whether there may be one now. After a rest one of them tries for all.
    fn begin(&mut self, revision: &Revision, now: Timestamp) -> bool {
        let Some((known, until)) = &mut self.rests else { return true };
        if known != revision {
            return true;
        }
        let left = until.duration_since(now);
        // A clock that was set back must not make it rest for longer.
        if left.is_positive() && left <= RESTS {
            return false;
        }
        *until = now + RESTS;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_there_is_none_for_a_while_and_then_one_that_tries_for_all() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let (old, new) = (Revision::new("a"), Revision::new("b"));
        let mut aside = Aside::default();
        assert!(aside.begin(&old, now) && aside.begin(&old, now));
        aside.rests = Some((old.clone(), now + RESTS));
        assert!(!aside.begin(&old, now) && !aside.begin(&old, now + RESTS - SignedDuration::from_secs(1)));
        assert!(aside.begin(&new, now), "other settings are tried at once");
        assert!(aside.begin(&old, now + RESTS));
        assert!(!aside.begin(&old, now + RESTS), "the others wait for what comes of it");
        assert!(aside.begin(&old, now - RESTS), "a clock that is set back ends it");
    }
}
