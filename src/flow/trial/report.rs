//! From what was recorded to the steps that an admin sees.

use serde_json::{Map, Value, json};

use crate::clock::Clock;
use crate::domain::fault::{Fault, Step};
use crate::domain::profile::SignedIn;
use crate::domain::timeline::Timeline;
use crate::domain::trial::{
    Findings, Proposal, Received, Stage, StageOutcome, StageReport, Trial, TrialPhase,
};
use crate::flow::preview::would_change;
use crate::flow::probe::Target;
use crate::oauth::server::Server;
use crate::oauth::shown::{Shown, unverified};

use super::recorder::{Call, Recorder};
use super::{diagnose, mapping, propose};

/// A sign-in that came to its end.
pub(super) struct Ended<'a> {
    pub(super) target: &'a Target<'a>,
    pub(super) server: &'a Server,
    pub(super) recorder: &'a Recorder,
    pub(super) timeline: &'a Timeline,
    pub(super) ended: Result<SignedIn, Fault>,
    /// Ways to send client id and secret that were tried with success, where ours was refused.
    pub(super) other_ways: Vec<Proposal>,
}

/// Writes steps, findings, proposals and the outcome into the test.
pub(super) fn report(ended: &Ended<'_>, mut shown: Shown, clock: &Clock, trial: &mut Trial) {
    for call in ended.recorder.calls.iter().filter(|call| call.step == Step::Exchange) {
        match call.json() {
            Some(body) => shown.hide_tokens(&body),
            None => shown.hide_tokens(&form(&call.text())),
        }
    }
    let mut steps = tokens(ended, &shown);
    steps.extend(id_token(ended, &shown));
    steps.extend(person(ended, &shown));
    steps.push(mapped(ended));
    for step in &mut steps {
        step.cause = step.cause.take().map(|text| shown.text(&text));
        step.remedy = step.remedy.take().map(|text| shown.text(&text));
    }
    let passed = !steps.iter().any(|step| step.outcome == StageOutcome::Failed);
    trial.steps.extend(steps);
    trial.propose(ended.other_ways.iter().cloned());
    trial.propose(propose::proposals(ended));
    trial.warnings.extend(ended.timeline.notes().iter().map(|note| shown.text(note)));
    trial.findings = ended.recorder.findings.clone().map(|findings| found(ended, findings, &shown, clock));
    trial.phase = TrialPhase::Done { passed };
}

/// Where a fault of a login stands among the steps of a test.
fn stage_of(step: Step) -> Stage {
    match step {
        Step::Exchange => Stage::Token,
        Step::IdToken => Stage::IdToken,
        Step::Whoami => Stage::Whoami,
        Step::Normalise => Stage::Mapping,
        _ => Stage::Callback,
    }
}

impl Ended<'_> {
    /// The fault, if it is one of this step.
    fn fault_at(&self, stage: Stage) -> Option<Fault> {
        self.ended.as_ref().err().copied().filter(|fault| stage_of(fault.step) == stage)
    }

    /// Whether the login ended before this step.
    fn ended_before(&self, stage: Stage) -> bool {
        self.ended.as_ref().err().is_some_and(|fault| stage_of(fault.step) < stage)
    }

    fn took(&self, step: Step) -> Option<u64> {
        self.timeline.laps().iter().rev().find(|lap| lap.step == step).map(|lap| lap.took.unwrap_or(0))
    }

    fn failed(&self, stage: Stage, fault: Fault) -> StageReport {
        let (cause, remedy) = diagnose::explain(self, fault);
        StageReport::failed(stage, fault.code.as_str(), cause, remedy)
    }
}

fn tokens(ended: &Ended<'_>, shown: &Shown) -> Vec<StageReport> {
    let found = "the code became an access token";
    let received = |call: &Call| call.answer.as_ref().ok().map(|answer| shown.token_answer(answer));
    calls(ended, Stage::Token, Step::Exchange, found, shown, received)
}

fn person(ended: &Ended<'_>, shown: &Shown) -> Vec<StageReport> {
    let received = |call: &Call| call.answer.as_ref().ok().map(|answer| shown.plain_answer(answer));
    let reports = calls(ended, Stage::Whoami, Step::Whoami, "the endpoint says who it is", shown, received);
    match reports.is_empty() {
        true if ended.ended_before(Stage::Whoami) => {
            vec![StageReport::skipped(Stage::Whoami, "an earlier step failed")]
        }
        true => vec![StageReport::skipped(Stage::Whoami, "no such call is made")],
        false => reports,
    }
}

/// A report per call of a step; the last one failed, if any did.
fn calls(
    ended: &Ended<'_>,
    stage: Stage,
    step: Step,
    found: &str,
    shown: &Shown,
    received: impl Fn(&Call) -> Option<Received>,
) -> Vec<StageReport> {
    let mut reports: Vec<StageReport> = Vec::new();
    for call in ended.recorder.calls.iter().filter(|call| call.step == step) {
        let mut report = StageReport::ok(stage, found);
        report.ms = u64::try_from(call.took.as_millis()).unwrap_or(u64::MAX);
        report.sent = Some(shown.request(&call.request));
        report.received = received(call);
        reports.push(report);
    }
    if let Some(fault) = ended.fault_at(stage) {
        let failed = ended.failed(stage, fault);
        let last = reports.pop().unwrap_or_else(|| StageReport::new(stage, StageOutcome::Failed));
        reports.push(StageReport { ms: last.ms, sent: last.sent, received: last.received, ..failed });
    }
    reports
}

fn id_token(ended: &Ended<'_>, shown: &Shown) -> Vec<StageReport> {
    let told = signed_in_any(ended);
    let received = told.map(|(header, claims)| {
        let body = json!({"header": shown.json(&header, false), "claims": shown.json(&claims, false)});
        Received { status: None, content_type: None, body: Some(body) }
    });
    let mut report = match (ended.took(Step::IdToken), ended.fault_at(Stage::IdToken)) {
        (_, Some(fault)) => ended.failed(Stage::IdToken, fault),
        (Some(_), None) => {
            StageReport::ok(Stage::IdToken, "signature, issuer, audience, times and nonce are right")
        }
        (None, None) if ended.ended_before(Stage::IdToken) => {
            StageReport::skipped(Stage::IdToken, "an earlier step failed")
        }
        (None, None) if received.is_some() => StageReport::skipped(
            Stage::IdToken,
            "one came, but nothing of it is used: no `issuer` is set, or `openid` not asked for",
        ),
        (None, None) => StageReport::skipped(Stage::IdToken, "none is asked for"),
    };
    report.received = received;
    vec![report.taking(ended.took(Step::IdToken).unwrap_or(0))]
}

/// Header and claims of the id_token, in whichever token answer it came.
pub(super) fn signed_in_any(ended: &Ended<'_>) -> Option<(Value, Value)> {
    let calls = ended.recorder.calls.iter().filter(|call| call.step == Step::Exchange);
    calls.filter_map(Call::json).find_map(|body| signed_in_answer(&body))
}

/// The id_token of a token answer, wherever it stands.
fn signed_in_answer(body: &Value) -> Option<(Value, Value)> {
    let members = body.as_object()?;
    let here = members.get("id_token").and_then(Value::as_str).and_then(unverified);
    here.or_else(|| members.values().find_map(signed_in_answer))
}

fn mapped(ended: &Ended<'_>) -> StageReport {
    let report = match (&ended.ended, ended.fault_at(Stage::Mapping)) {
        (_, Some(fault)) => ended.failed(Stage::Mapping, fault),
        (Ok(signed_in), None) => mapping::look(ended, signed_in),
        (Err(_), None) => StageReport::skipped(Stage::Mapping, "an earlier step failed"),
    };
    report.taking(ended.took(Step::Normalise).unwrap_or(0))
}

fn found(ended: &Ended<'_>, told: Findings, shown: &Shown, clock: &Clock) -> Findings {
    let provider = ended.target.provider;
    let signed_in = ended.ended.as_ref().ok().cloned();
    let changes =
        signed_in.as_ref().map(|told| would_change(told, &provider.enrich, Some(&provider.id), clock));
    Findings {
        whoami: shown.json(&told.whoami, false),
        claims: told.claims.map(|claims| shown.json(&claims, false)),
        token_response: shown.json(&told.token_response, true),
        further: told.further.into_iter().map(|(name, value)| (name, shown.json(&value, false))).collect(),
        contact_changes: changes.unwrap_or_default(),
        signed_in,
    }
}

/// A form as an object.
fn form(text: &str) -> Value {
    let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned();
    Value::Object(pairs.map(|(name, value)| (name, Value::from(value))).collect::<Map<_, _>>())
}
