//! What an attempt went through, step by step, for whoever must find out why a login failed. It
//! holds steps, times, codes, statuses and our own words: nothing of the person, and nothing that
//! the provider said.

use serde::{Deserialize, Serialize};

use super::fault::{Code, Fault, Step};

/// Notes that one attempt keeps.
const NOTES: usize = 20;
/// The most characters of a note.
const NOTE: usize = 300;

/// The steps of an attempt in their order, and what there is to say of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeline {
    laps: Vec<Lap>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lap {
    /// Which.
    pub step: Step,
    /// When it began, in milliseconds since the opening.
    pub at: u64,
    /// How long it took, in milliseconds; none while it runs, and for the step that writes this down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// Why it failed; none if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The HTTP status of the provider's answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl Timeline {
    /// The steps so far.
    pub fn laps(&self) -> &[Lap] {
        &self.laps
    }

    /// What was repaired, left out or could not be evaluated.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// A step begins, `at` milliseconds after the opening; the one before it has ended.
    pub fn begin(&mut self, step: Step, at: u64) {
        self.end(at);
        self.laps.push(Lap { step, at, took: None, code: None, status: None });
    }

    /// The running step has ended. When `record` has, nobody is left to write down.
    pub fn end(&mut self, at: u64) {
        if let Some(lap) = self.running().filter(|lap| lap.step != Step::Record) {
            lap.took = Some(at.saturating_sub(lap.at));
        }
    }

    /// The provider answered the running step with this HTTP status.
    pub fn answered(&mut self, status: u16) {
        if let Some(lap) = self.running() {
            lap.status = Some(status);
        }
    }

    /// A step failed: the running one, or one that nobody saw begin.
    pub fn fail(&mut self, fault: Fault, at: u64) {
        if self.running().is_none_or(|lap| lap.step != fault.step) {
            self.begin(fault.step, at);
        }
        if let Some(lap) = self.running() {
            lap.took = Some(at.saturating_sub(lap.at));
            lap.code = Some(fault.code);
        }
    }

    /// Adds a note: words of ours, names of fields and functions, never a value of the provider's
    /// answer. Endless ones are cut, and of too many the first are kept.
    pub fn note(&mut self, text: impl Into<String>) {
        let mut text = text.into();
        if let Some((cut, _)) = text.char_indices().nth(NOTE) {
            text.truncate(cut);
            text.push('…');
        }
        if self.notes.len() < NOTES && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn running(&mut self) -> Option<&mut Lap> {
        self.laps.last_mut().filter(|lap| lap.took.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(timeline: &Timeline) -> Vec<(Step, u64, Option<u64>, Option<Code>)> {
        timeline.laps().iter().map(|lap| (lap.step, lap.at, lap.took, lap.code)).collect()
    }

    #[test]
    fn a_step_lasts_until_the_next_one_begins() {
        let mut timeline = Timeline::default();
        timeline.begin(Step::Claim, 100);
        timeline.begin(Step::Exchange, 103);
        timeline.answered(200);
        timeline.begin(Step::Record, 150);
        assert_eq!(
            steps(&timeline),
            [
                (Step::Claim, 100, Some(3), None),
                (Step::Exchange, 103, Some(47), None),
                (Step::Record, 150, None, None)
            ]
        );
        assert_eq!(timeline.laps()[1].status, Some(200));
    }

    #[test]
    fn a_failure_stands_at_its_own_step() {
        let mut timeline = Timeline::default();
        timeline.begin(Step::Exchange, 10);
        timeline.answered(400);
        timeline.fail(Fault::new(Step::Exchange, Code::InvalidGrant), 30);
        assert_eq!(steps(&timeline), [(Step::Exchange, 10, Some(20), Some(Code::InvalidGrant))]);
        timeline.fail(Fault::new(Step::Bind, Code::NotConfirmed), 90);
        assert_eq!(steps(&timeline)[1], (Step::Bind, 90, Some(0), Some(Code::NotConfirmed)));
        timeline.answered(500);
        assert_eq!(timeline.laps()[1].status, None, "nothing runs that could be answered");
    }

    #[test]
    fn what_follows_a_record_says_nothing_of_how_long_it_took() {
        let mut timeline = Timeline::default();
        timeline.begin(Step::Record, 10);
        timeline.begin(Step::Bind, 90_000);
        assert_eq!(timeline.laps()[0].took, None);
        timeline.begin(Step::Record, 90_001);
        timeline.fail(Fault::new(Step::Record, Code::LinkFinal), 90_005);
        assert_eq!(steps(&timeline)[2], (Step::Record, 90_001, Some(4), Some(Code::LinkFinal)));
    }

    #[test]
    fn notes_are_few_short_and_different() {
        let mut timeline = Timeline::default();
        timeline.note("é".repeat(1000));
        timeline.note("é".repeat(1000));
        assert_eq!(timeline.notes()[0].chars().count(), NOTE + 1);
        for number in 0..100 {
            timeline.note(format!("note {number}"));
        }
        assert_eq!((timeline.notes().len(), &*timeline.notes()[1]), (NOTES, "note 0"));
    }

    #[test]
    fn it_survives_the_store_and_an_older_record_has_none() {
        let mut timeline = Timeline::default();
        timeline.begin(Step::IdToken, 7);
        timeline.note("a note");
        let text = serde_json::to_string(&timeline).unwrap();
        assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);
    }
}
