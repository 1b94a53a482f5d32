//! Measures the steps of a login, for the attempt's timeline and for the metrics.

use std::time::Instant;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::domain::fault::{Fault, Step};
use crate::domain::request::AuthorizationRequest;
use crate::domain::timeline::Timeline;
use crate::egress::error::EgressError;
use crate::oauth::id_token::fault::TokenFault;
use crate::oauth::wire::{OutboundRequest, ProviderAnswer};

use super::sign_in::Told;
use super::trial::recorder::Recorder;

/// A login's timeline while it is written.
pub(super) struct Course {
    clock: Clock,
    began: Instant,
    /// Milliseconds from the opening to `began`.
    before: u64,
    timeline: Timeline,
    /// The step that runs, and since when.
    running: Option<(Step, Instant)>,
    /// Who writes down what was sent and what came back; in a test login only.
    recorder: Option<Box<Recorder>>,
}

impl Drop for Course {
    fn drop(&mut self) {
        self.measure("ok");
    }
}

impl Course {
    /// Goes on with the timeline of a request at `now`.
    pub(super) fn of(request: &AuthorizationRequest, clock: &Clock, now: Timestamp) -> Self {
        let (began, before) = (clock.tick(), request.age_at(now));
        Self {
            clock: clock.clone(),
            began,
            before,
            timeline: request.timeline.clone(),
            running: None,
            recorder: None,
        }
    }

    /// The same in a test login.
    pub(super) fn recording(request: &AuthorizationRequest, clock: &Clock, now: Timestamp) -> Self {
        let mut course = Self::of(request, clock, now);
        course.recorder = Some(Box::default());
        course
    }

    /// A step begins, and the one before it has ended.
    pub(super) fn begin(&mut self, step: Step) {
        self.measure("ok");
        self.running = Some((step, self.clock.tick()));
        let at = self.at();
        self.timeline.begin(step, at);
    }

    /// A step has called the provider: the running one, or one that goes on later.
    pub(super) fn called(
        &mut self,
        step: Step,
        request: &OutboundRequest,
        answer: Result<&ProviderAnswer, &EgressError>,
    ) {
        if let Ok(answer) = answer {
            self.timeline.answered(answer.status);
        }
        if let (Some(recorder), Some((_, since))) = (&mut self.recorder, self.running) {
            recorder.called(step, self.clock.tick().saturating_duration_since(since), request, answer);
        }
    }

    /// What the provider said of the person.
    pub(super) fn told(&mut self, told: &Told) {
        if let Some(recorder) = &mut self.recorder {
            recorder.findings = Some(told.findings());
        }
    }

    /// Why a signed token is not believed.
    pub(super) fn disbelieved(&mut self, fault: TokenFault) {
        if let Some(recorder) = &mut self.recorder {
            recorder.disbelieved = Some(fault);
        }
    }

    /// What was written down in a test login, once.
    pub(super) fn take_recorder(&mut self) -> Option<Box<Recorder>> {
        self.recorder.take()
    }

    /// A step failed.
    pub(super) fn fail(&mut self, fault: Fault) {
        self.measure(fault.code.as_str());
        let at = self.at();
        self.timeline.fail(fault, at);
    }

    /// Notes of our own making, without any value of the provider's answer.
    pub(super) fn note<T: ToString>(&mut self, notes: impl IntoIterator<Item = T>) {
        for note in notes {
            self.timeline.note(note.to_string());
        }
    }

    /// What there is so far.
    pub(super) fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    fn measure(&mut self, outcome: &'static str) {
        let Some((step, since)) = self.running.take() else { return };
        if self.recorder.is_some() {
            return;
        }
        let took = self.clock.tick().saturating_duration_since(since);
        metrics::histogram!("countersign_login_step_seconds", "step" => step.as_str(), "outcome" => outcome)
            .record(took);
    }

    fn at(&self) -> u64 {
        let since = self.clock.tick().saturating_duration_since(self.began).as_millis();
        self.before.saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }
}
