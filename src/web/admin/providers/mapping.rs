//! `/admin/providers/{id}/mapping`: the playground. What is tried here is kept nowhere until it is put into the
//! draft or saved as a sample.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::domain::provider::Mapping;
use crate::domain::sample::{Answers, MOST_SAMPLES, SAMPLE_BYTES};
use crate::domain::trial::Trial;
use crate::flow::preview::{Preview, PreviewError, TryError};
use crate::flow::settings::samples::{SampleError, Verdict};
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, respond, respond_part, see_other_saying};

use super::choose::parameter;
use super::form::lines;
use super::form::typed::Typed;
use super::form::words::{Html, html, sentence};
use super::opened::{Head, Opened, Problem, open, status_of, version_of};
use super::samples::SampleView;
use super::settings::latest;
use super::shown::{cell, pretty};

/// An answer to begin with.
const EXAMPLE: &str = r#"{
  "user": {
    "id": "1234",
    "name": "Billy Bob",
    "email": "billy@example.com"
  }
}"#;

/// What lies on the bench.
#[derive(Debug, Clone, Default)]
pub struct Bench {
    /// The mapping as it was typed.
    pub expression: String,
    /// The WhoAmI answer as it was typed.
    pub whoami: String,
    /// Claims, token answer and further calls as one JSON object, as it was typed.
    pub rest: String,
    /// The name of a sample to be saved.
    pub name: String,
}

#[derive(Template)]
#[template(path = "admin/providers/mapping.html")]
struct MappingView {
    frame: Frame,
    head: Head,
    bench: Bench,
    made: Made,
    samples: Vec<SampleView>,
    /// The latest test, if it told something.
    test: Option<String>,
    problem: Option<Problem>,
    is_full: bool,
    most: usize,
    kilobytes: usize,
}

#[derive(Template)]
#[template(path = "admin/providers/made.html")]
struct MadeView {
    made: Made,
}

/// What the mapping makes of the answer.
#[derive(Default)]
struct Made {
    /// What is wrong, and where: `whoami`, `rest` or `expression`.
    fault: Option<(&'static str, Html, Option<String>)>,
    repaired: Vec<(String, String)>,
    fields: Vec<(String, String, bool)>,
    subject: Option<String>,
    warnings: Vec<Html>,
    rules: Option<String>,
}

/// The draft's mapping beside an answer: of a test login, of a sample, or an example.
pub async fn show(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    RawQuery(raw): RawQuery,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let table = web.broker.provider_settings();
    let typed = Typed::of_settings(&table, &latest(&opened));
    let expression = typed.text("mapping").to_owned();
    let mut bench = Bench { expression, whoami: EXAMPLE.to_owned(), ..Bench::default() };
    let (sample, test) = (parameter(raw.as_deref(), "sample"), parameter(raw.as_deref(), "test"));
    if let Ok(number) = sample.parse::<u64>() {
        match web.broker.sample_verdicts(duty.tenant(), opened.id()).await {
            Ok(verdicts) => match verdicts.into_iter().find(|verdict| verdict.sample.number == number) {
                Some(verdict) => bench.take(&verdict.sample.answers),
                None => return duty.missing(),
            },
            Err(_) => return duty.missing(),
        }
    } else if !test.is_empty() {
        match web.broker.latest_trial(duty.tenant(), opened.id()).await {
            Ok(Some(trial)) if trial.id.as_str() == test => {
                if let Err(page) = duty.saw(&web, Seen::trial(&trial)).await {
                    return *page;
                }
                bench.take(&answers_of(&trial));
            }
            Ok(_) => return duty.missing(),
            Err(error) => return duty.unavailable(&error),
        }
    }
    page(&duty, &web, &opened, bench, None).await
}

/// Tries what was typed. Nothing is kept.
pub async fn try_it(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let bench = Bench::of(&posted);
    if duty.is_part() {
        let frame = opened.frame(&duty, "Mapping");
        let made = made(&duty, &web, &opened, &bench).await;
        return made.map_or_else(|page| *page, |made| respond_part(&frame, &MadeView { made }));
    }
    page(&duty, &web, &opened, bench, None).await
}

/// Puts the mapping that was typed into the draft.
pub async fn keep(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let bench = Bench::of(&posted);
    let mapping = match bench.mapping() {
        Ok(mapping) => mapping,
        Err(message) => {
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, &message);
            return page(&duty, &web, &opened, bench, Some(problem)).await;
        }
    };
    let put = |settings: &mut Map<String, Value>| match mapping {
        None => drop(settings.shift_remove("mapping")),
        Some(mapping) => drop(settings.insert("mapping".to_owned(), json!(mapping))),
    };
    let version = version_of(&posted);
    match web.broker.edit_draft(duty.tenant(), opened.id(), version, &duty.actor(), put).await {
        Ok(_) => see_other_saying(&opened.path("mapping"), Said::MappingInDraft),
        Err(error) => match (Problem::of(&duty, &error), open(&duty, &web, &id).await) {
            (Ok(problem), Ok(now)) => page(&duty, &web, &now, bench, Some(problem)).await,
            (Err(page), _) | (_, Err(page)) => *page,
        },
    }
}

impl Bench {
    /// What was typed.
    pub fn of(posted: &Posted) -> Self {
        let text = |name: &str| posted.raw(name).trim().to_owned();
        Self {
            expression: text("expression"),
            whoami: text("whoami"),
            rest: text("rest"),
            name: text("name"),
        }
    }

    /// The mapping that was typed; none is the default one. Else which line is wrong.
    pub fn mapping(&self) -> Result<Option<Mapping>, String> {
        match lines::expressions(&self.expression) {
            None if self.expression.is_empty() => Ok(None),
            None => Ok(Some(Mapping::Whole(self.expression.clone()))),
            Some(Ok(fields)) => Ok(Some(Mapping::Fields(fields.into_iter().collect()))),
            Some(Err(bad)) => Err(bad
                .iter()
                .map(|bad| format!("line {}: {}", bad.line, bad.message))
                .collect::<Vec<_>>()
                .join("; ")),
        }
    }

    /// The answers that were typed; else which text is wrong, and where.
    pub fn answers(&self) -> Result<Answers, (&'static str, String, Option<String>)> {
        let parse = |name: &'static str, text: &str| {
            serde_json::from_str::<Value>(text).map_err(|error| {
                let caret = caret(text, error.line(), error.column());
                (name, format!("this is no JSON: {error}"), Some(caret))
            })
        };
        let whoami = parse("whoami", &self.whoami)?;
        let rest = match self.rest.as_str() {
            "" => Map::new(),
            text => match parse("rest", text)? {
                Value::Object(rest) => rest,
                _ => return Err(("rest", "this must be a JSON object".to_owned(), None)),
            },
        };
        Ok(Answers { whoami, rest })
    }

    fn take(&mut self, answers: &Answers) {
        self.whoami = pretty(&answers.whoami);
        if !answers.rest.is_empty() {
            self.rest = pretty(&Value::Object(answers.rest.clone()));
        }
    }
}

/// The page, with what the mapping makes of the answer.
pub async fn page(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    bench: Bench,
    problem: Option<Problem>,
) -> Response {
    let verdicts = match web.broker.sample_verdicts(duty.tenant(), opened.id()).await {
        Ok(verdicts) => verdicts,
        // Without them nothing of them is shown, also not what was taken out of one before.
        Err(SampleError::Store(error)) => return duty.unavailable(&error),
        Err(_) => Vec::new(),
    };
    if let Err(page) = duty.saw(web, Seen::samples(opened.id(), verdicts.len())).await {
        return *page;
    }
    let latest = web.broker.latest_trial(duty.tenant(), opened.id()).await.ok().flatten();
    let made = match made(duty, web, opened, &bench).await {
        Ok(made) => made,
        Err(page) => return *page,
    };
    let status = match (status_of(problem.as_ref()), &made.fault) {
        (StatusCode::OK, Some(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        (status, _) => status,
    };
    let view = MappingView {
        frame: opened.frame(duty, "Mapping"),
        head: opened.head("mapping"),
        is_full: verdicts.len() >= MOST_SAMPLES,
        samples: verdicts.iter().map(|verdict: &Verdict| SampleView::of(duty, opened, verdict)).collect(),
        test: latest.filter(|trial| trial.findings.is_some()).map(|trial| trial.id.to_string()),
        bench,
        made,
        problem,
        most: MOST_SAMPLES,
        kilobytes: SAMPLE_BYTES / 1024,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

async fn made(
    duty: &OnDuty<Admin>,
    web: &Web,
    opened: &Opened,
    bench: &Bench,
) -> Result<Made, Box<Response>> {
    let fault = |at, text: &str, caret| {
        Ok(Made { fault: Some((at, html(&sentence(text)), caret)), ..Made::default() })
    };
    let mapping = match bench.mapping() {
        Ok(mapping) => mapping,
        Err(message) => return fault("expression", &message, None),
    };
    let answers = match bench.answers() {
        Ok(answers) => answers,
        Err((at, message, caret)) => return fault(at, &message, caret),
    };
    match web.broker.try_mapping(duty.tenant(), opened.id(), mapping, &answers).await {
        Ok(preview) => Ok(Made::of(&preview)),
        Err(TryError::Preview(PreviewError::Mapping(found))) => {
            fault("expression", &found.to_string(), Some(found.caret()))
        }
        Err(TryError::Preview(error)) => fault("expression", &error.to_string(), None),
        Err(TryError::Unknown) => {
            fault("expression", "the settings of the draft cannot be read; mend these first", None)
        }
        Err(TryError::Store(error)) => Err(Box::new(duty.unavailable(&error))),
    }
}

impl Made {
    fn of(preview: &Preview) -> Self {
        let told = &preview.signed_in;
        let is_verified =
            |name: &str| name == "email" && told.email_verified || name == "phone" && told.phone_verified;
        let fields = told.profile.iter();
        Self {
            fault: None,
            repaired: preview
                .repaired
                .iter()
                .map(|(field, text)| (field.clone().unwrap_or_default(), text.clone()))
                .collect(),
            fields: fields.map(|(name, value)| (name.clone(), cell(value), is_verified(name))).collect(),
            subject: told.subject.clone(),
            warnings: told.warnings.iter().map(|warning| html(&sentence(warning))).collect(),
            rules: preview.fields.as_ref().map(|fields| pretty(&Value::Object(fields.clone()))),
        }
    }
}

/// What a test login told, as the mapping read it.
fn answers_of(trial: &Trial) -> Answers {
    let Some(findings) = &trial.findings else { return Answers::default() };
    let mut rest = findings.further.clone();
    if let Some(claims) = &findings.claims {
        rest.insert("claims".to_owned(), claims.clone());
    }
    if findings.token_response.as_object().is_some_and(|members| !members.is_empty()) {
        rest.insert("token_response".to_owned(), findings.token_response.clone());
    }
    Answers { whoami: findings.whoami.clone(), rest }
}

/// The line of a text with a caret below a column, both from 1.
fn caret(text: &str, line: usize, column: usize) -> String {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let from = column.saturating_sub(40);
    let part: String = shown.chars().skip(from).take(72).collect();
    format!("{part}\n{}^", " ".repeat(column.saturating_sub(1).saturating_sub(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(expression: &str, whoami: &str, rest: &str) -> Bench {
        let text = str::to_owned;
        Bench { expression: text(expression), whoami: text(whoami), rest: text(rest), name: String::new() }
    }

    #[test]
    fn a_mapping_is_typed_in_either_form_or_not_at_all() {
        assert_eq!(bench("", "{}", "").mapping(), Ok(None));
        assert_eq!(bench("user", "{}", "").mapping(), Ok(Some(Mapping::Whole("user".to_owned()))));
        let Ok(Some(Mapping::Fields(fields))) = bench("email = a.b", "{}", "").mapping() else { panic!() };
        assert_eq!(fields["email"], "a.b");
        assert!(bench("a = b\na = c", "{}", "").mapping().unwrap_err().contains("line 2"));
    }

    #[test]
    fn a_text_that_is_no_json_is_pointed_at() {
        let (at, message, caret) = bench("", "{\n \"a\": ,\n}", "").answers().unwrap_err();
        assert_eq!((at, caret.as_deref()), ("whoami", Some(" \"a\": ,\n      ^")));
        assert!(message.contains("line 2"), "{message}");
        assert_eq!(bench("", "{}", "[]").answers().unwrap_err().0, "rest");
        assert_eq!(bench("", "1", "{\"claims\": {}}").answers().unwrap().rest.len(), 1);
    }

    #[test]
    fn a_long_line_is_shown_around_its_place() {
        let text = format!("{}!", "x".repeat(200));
        let shown = caret(&text, 1, 201);
        let (line, mark) = shown.split_once('\n').unwrap();
        assert_eq!(line.chars().nth(mark.len() - 1), Some('!'));
    }
}
