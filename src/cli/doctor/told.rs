//! What `doctor` found, as a text for people.

use std::fmt::Write as _;

use crate::domain::trial::StageOutcome;

use super::{Check, Line};

/// A heading per check, a line per step, and below it what to do.
pub(super) fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        // Writing to memory does not fail.
        let _ = writeln!(text, "{}", plain(&check.about));
        for line in &check.steps {
            text.push_str(&step(line));
        }
        for proposal in &check.proposals {
            let _ = writeln!(text, "  proposal  {}  ({})", plain(&proposal.toml), plain(&proposal.why));
        }
        for uri in &check.redirect_uris {
            let _ = writeln!(text, "  redirect URI  {uri}");
        }
    }
    let count =
        |outcome| checks.iter().flat_map(|check| &check.steps).filter(|line| line.outcome == outcome).count();
    let (failed, warned) = (count(StageOutcome::Failed), count(StageOutcome::Warning));
    let _ = writeln!(text, "{} looked at: {failed} failed, {warned} to look at", checks.len());
    text
}

fn step(line: &Line) -> String {
    let word = match line.outcome {
        StageOutcome::Ok => "ok",
        StageOutcome::Failed => "FAILED",
        StageOutcome::Skipped => "-",
        StageOutcome::Warning => "warning",
    };
    let said = line.cause.as_deref().or(line.found.as_deref()).unwrap_or_default();
    let mut text = format!("  {word:8}  {:10}  {}\n", line.step, plain(said));
    if let Some(remedy) = &line.remedy {
        let _ = writeln!(text, "  {:8}  {:10}  to mend it: {}", "", "", plain(remedy));
    }
    text
}

/// Without what would move the cursor: some words are the provider's own.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
