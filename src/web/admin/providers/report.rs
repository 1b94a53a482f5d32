//! `/admin/providers/{id}/tests/{test}`: what a test login found, step by step, and the settings that it proposes.

use std::fmt::Write as _;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::domain::trial::{Findings, Received, Sent, Stage, StageOutcome, StageReport, Trial, TrialState};
use crate::flow::trail::Seen;
use crate::flow::trial::TrialError;
use crate::web::Web;
use crate::web::page::tidy;
use crate::web::segment::Pair;
use crate::web::staff::{
    Admin, Forms, Frame, Moment, OnDuty, Posted, Said, respond, respond_part, see_other_saying,
};

use super::form::words::{Html, html, sentence};
use super::opened::{Head, Opened, Problem, open, status_of, version_of};
use super::settings::latest;
use super::shown::{ago, cell, pretty};

#[derive(Template)]
#[template(path = "admin/providers/report.html")]
struct ReportView {
    frame: Frame,
    head: Head,
    report: Report,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "admin/providers/report_part.html")]
struct PartView {
    frame: Frame,
    head: Head,
    report: Report,
}

/// A test as a page shows it.
struct Report {
    id: String,
    path: String,
    state: &'static str,
    class: &'static str,
    is_waiting: bool,
    /// Where somebody signs in; none if that is over.
    door: Option<String>,
    when: Moment,
    /// What is wrong and how to mend it, of the step that failed.
    failure: Option<(Html, Html)>,
    steps: Vec<StepView>,
    proposals: Vec<ProposalView>,
    warnings: Vec<Html>,
    told: Option<Told>,
}

struct StepView {
    title: &'static str,
    class: &'static str,
    outcome: &'static str,
    took: String,
    found: Html,
    code: String,
    cause: Html,
    remedy: Html,
    sent: Option<String>,
    received: Option<String>,
    is_open: bool,
}

struct ProposalView {
    number: usize,
    toml: String,
    why: Html,
    is_accepted: bool,
}

/// What the provider said, beside what became of it.
struct Told {
    whoami: String,
    more: Vec<(&'static str, String)>,
    fields: Vec<FieldView>,
    subject: Option<String>,
}

struct FieldView {
    name: String,
    value: String,
    is_verified: bool,
}

/// The report. While somebody is to sign in it looks again by itself.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Pair(id, test): Pair) -> Response {
    let (opened, trial) = match found(&duty, &web, &id, &test).await {
        Ok(found) => found,
        Err(page) => return *page,
    };
    page(&duty, &web, &opened, &trial, None).await
}

/// Puts a proposed setting into the draft.
pub async fn accept(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Pair(id, test): Pair,
    posted: Posted,
) -> Response {
    let (opened, trial) = match found(&duty, &web, &id, &test).await {
        Ok(found) => found,
        Err(page) => return *page,
    };
    let wanted = posted.text("proposal").parse::<usize>().ok().and_then(|number| trial.proposals.get(number));
    let Some(proposal) = wanted else { return duty.missing() };
    let (setting, value) = (proposal.setting.clone(), proposal.value.clone());
    let put = |settings: &mut serde_json::Map<String, Value>| drop(settings.insert(setting, value));
    let version = version_of(&posted);
    match web.broker.edit_draft(duty.tenant(), opened.id(), version, &duty.actor(), put).await {
        Ok(_) => see_other_saying(&opened.path(&format!("tests/{}", trial.id)), Said::ProposalAccepted),
        Err(error) => match (Problem::of(&duty, &error), open(&duty, &web, &id).await) {
            (Ok(problem), Ok(now)) => page(&duty, &web, &now, &trial, Some(problem)).await,
            (Err(page), _) | (_, Err(page)) => *page,
        },
    }
}

async fn found(
    duty: &OnDuty<Admin>,
    web: &Web,
    id: &str,
    test: &str,
) -> Result<(Opened, Trial), Box<Response>> {
    let opened = open(duty, web, id).await?;
    let test = test.parse().map_err(|_| Box::new(duty.missing()))?;
    match web.broker.trial_of(duty.tenant(), opened.id(), &test).await {
        Ok(trial) => Ok((opened, trial)),
        Err(TrialError::Store(error)) => Err(Box::new(duty.unavailable(&error))),
        Err(_) => Err(Box::new(duty.missing())),
    }
}

async fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    trial: &Trial,
    problem: Option<Problem>,
) -> Response {
    if let Err(page) = duty.saw(web, Seen::trial(trial)).await {
        return *page;
    }
    let report = Report::of(duty, web, opened, trial);
    let (frame, head) = (opened.frame(duty, "Test login"), opened.head("test"));
    if duty.is_part() {
        let part = PartView { frame, head, report };
        return respond_part(&part.frame, &part);
    }
    let status = status_of(problem.as_ref());
    let view = ReportView { frame, head, report, problem };
    respond(status, &view.frame, Forms::Here, &view)
}

impl Report {
    fn of(duty: &OnDuty<Admin>, web: &Web, opened: &Opened, trial: &Trial) -> Self {
        let (state, class) = match trial.state() {
            TrialState::Waiting => ("Somebody must sign in now", "calm"),
            TrialState::Failed => ("A login would fail", "bad"),
            TrialState::Passed => ("A login works", "good"),
        };
        let told = |text: &Option<String>| html(&sentence(text.as_deref().unwrap_or_default()));
        let settings = latest(opened);
        let proposals = trial.proposals.iter().enumerate().map(|(number, proposal)| ProposalView {
            number,
            toml: tidy(&proposal.toml),
            why: html(&sentence(&proposal.why)),
            is_accepted: settings.get(&proposal.setting) == Some(&proposal.value),
        });
        let handle = web.broker.trial_handle(duty.tenant(), trial);
        Self {
            id: trial.id.to_string(),
            path: opened.path(&format!("tests/{}", trial.id)),
            state,
            class,
            is_waiting: trial.state() == TrialState::Waiting,
            door: handle.map(|handle| format!("/t/{handle}")),
            when: ago(duty, web.broker.clock().now(), trial.created_at),
            failure: trial.failure().map(|step| (told(&step.cause), told(&step.remedy))),
            steps: trial.steps.iter().map(|step| StepView::of(duty, step)).collect(),
            proposals: proposals.collect(),
            warnings: trial.warnings.iter().map(|warning| html(&sentence(warning))).collect(),
            told: trial.findings.as_ref().map(Told::of),
        }
    }
}

impl StepView {
    fn of(duty: &OnDuty<Admin>, step: &StageReport) -> Self {
        let (class, outcome) = match step.outcome {
            StageOutcome::Ok => ("good", "OK"),
            StageOutcome::Failed => ("bad", "Failed"),
            StageOutcome::Skipped => ("calm", "Skipped"),
            StageOutcome::Warning => ("warn", "Look at this"),
        };
        let told = |text: &Option<String>| html(&sentence(text.as_deref().unwrap_or_default()));
        Self {
            title: title(step.step),
            class,
            outcome,
            took: duty.local().duration(step.ms),
            found: told(&step.found),
            code: step.code.clone().unwrap_or_default(),
            cause: told(&step.cause),
            remedy: told(&step.remedy),
            sent: step.sent.as_ref().map(request),
            received: step.received.as_ref().map(answer),
            is_open: step.outcome == StageOutcome::Failed,
        }
    }
}

impl Told {
    fn of(findings: &Findings) -> Self {
        let mut more = Vec::new();
        if let Some(claims) = &findings.claims {
            more.push(("Claims of the ID token", pretty(claims)));
        }
        if !findings.token_response.is_null() {
            more.push(("Token answer without its tokens", pretty(&findings.token_response)));
        }
        if !findings.further.is_empty() {
            more.push(("Further calls", pretty(&Value::Object(findings.further.clone()))));
        }
        let signed_in = findings.signed_in.as_ref();
        let is_verified = |name: &str| {
            signed_in.is_some_and(|told| {
                name == "email" && told.email_verified || name == "phone" && told.phone_verified
            })
        };
        let fields = signed_in.map(|told| told.profile.iter().collect::<Vec<_>>()).unwrap_or_default();
        let field = |(name, value): (&String, &Value)| FieldView {
            is_verified: is_verified(name),
            name: name.clone(),
            value: cell(value),
        };
        Self {
            whoami: pretty(&findings.whoami),
            more,
            fields: fields.into_iter().map(field).collect(),
            subject: signed_in.and_then(|told| told.subject.clone()),
        }
    }
}

/// What a step is called.
pub fn title(step: Stage) -> &'static str {
    match step {
        Stage::Dns => "Host names",
        Stage::Tls => "Certificates",
        Stage::Discovery => "Issuer's metadata",
        Stage::Jwks => "Issuer's keys",
        Stage::Authorize => "Sign-in page",
        Stage::Callback => "Back from the provider",
        Stage::Token => "Code for a token",
        Stage::IdToken => "ID token",
        Stage::Whoami => "WhoAmI",
        Stage::Mapping => "Mapping",
    }
}

fn request(sent: &Sent) -> String {
    let mut text = format!("{} {}", sent.method, sent.url);
    for (name, value) in &sent.headers {
        let _ = write!(text, "\n{name}: {value}");
    }
    if let Some(body) = &sent.body {
        let _ = write!(text, "\n\n{}", pretty(body));
    }
    text
}

fn answer(received: &Received) -> String {
    let mut text = received.status.map(|status| format!("Status {status}")).unwrap_or_default();
    if let Some(kind) = &received.content_type {
        let _ = write!(text, "\nContent-Type: {kind}");
    }
    match &received.body {
        Some(Value::String(body)) => {
            let _ = write!(text, "\n\n{body}");
        }
        Some(body) => {
            let _ = write!(text, "\n\n{}", pretty(body));
        }
        None => {}
    }
    text.trim_start().to_owned()
}
