//! `/admin/providers/~new/form`: what a new provider needs to begin with. The rest stands on its own page.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::domain::ids::ProviderId;
use crate::flow::presets::{self, Preset};
use crate::flow::settings::described::Described;
use crate::flow::settings::providers::ProviderState;
use crate::flow::settings::{Precondition, SettingsError};
use crate::web::Web;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Said, Section, respond, see_other_saying};

use super::choose::parameter;
use super::form::faults::Fault;
use super::form::fields::{Field, Input, Making, given_by_preset, id_of};
use super::form::typed::{Sent, Typed};
use super::form::words::{Html, html};
use super::opened::Problem;
use super::settings::with_secrets;

/// How a provider is begun.
#[derive(Debug)]
pub enum Way {
    /// With a preset.
    Preset(&'static Preset),
    /// With what its issuer says.
    Issuer(Told),
    /// With nothing.
    Hand,
}

/// What an issuer says of itself.
#[derive(Debug, Default)]
pub struct Told {
    /// What it announces.
    pub facts: Vec<(&'static str, String)>,
    /// What somebody should know.
    pub warnings: Vec<Html>,
    /// Presets that fit: id and title.
    pub presets: Vec<(&'static str, &'static str)>,
}

/// The form of a new provider.
#[derive(Debug)]
pub struct Begin {
    way: Way,
    typed: Typed,
    id: String,
    faults: Vec<Fault>,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "admin/providers/begin.html")]
struct BeginView {
    frame: Frame,
    /// What was found, or the preset's own words.
    told: Option<Told>,
    preset: Option<PresetView>,
    id: String,
    id_faults: Vec<Fault>,
    fields: Vec<Field>,
    /// Settings that are kept although nobody is asked for them here.
    hidden: Vec<(String, String)>,
    summary: Vec<(String, Html)>,
    problem: Option<Problem>,
    secret_lost: bool,
}

struct PresetView {
    title: &'static str,
    console: Html,
    docs: &'static str,
    notes: Vec<Html>,
}

/// The empty form: of a preset, or by hand.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, RawQuery(raw): RawQuery) -> Response {
    let named = parameter(raw.as_deref(), "preset");
    let way = match (named.as_str(), presets::find(&named)) {
        ("", _) => Way::Hand,
        (_, Some(preset)) => Way::Preset(preset),
        _ => return duty.missing(),
    };
    let mut typed = Typed::default();
    typed.put("preset", named);
    Begin::new(way, typed).page(&duty, &web).await
}

/// Makes the provider: its first draft.
pub async fn create(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, posted: Posted) -> Response {
    let table = web.broker.provider_settings();
    let sent = Sent(posted.fields().collect());
    let mut typed = Typed::of_form(&table, &sent);
    let way = match presets::find(typed.text("preset")) {
        Some(preset) => Way::Preset(preset),
        None if !typed.text("issuer").is_empty() && posted.has("discovered") => Way::Issuer(Told::default()),
        None => Way::Hand,
    };
    if typed.text("callback_path").is_empty() && other_is_bare(&duty, &web).await {
        typed.put("callback_path", "named");
    }
    let given = posted.text("id").to_owned();
    let mut begin = Begin { id: given.clone(), ..Begin::new(way, typed) };
    let id: Option<ProviderId> = given.parse().ok();
    if id.is_none() {
        let help = "use 1 to 63 of `a-z`, `0-9`, `-` and `_`; nobody can change it later";
        begin.faults.push(Fault::new("id", "this cannot be the provider's id", help));
    }
    let settings = match begin.typed.settings(&table) {
        Ok(settings) => with_secrets(&table, settings, &posted),
        Err(faults) => {
            begin.faults.extend(faults);
            return begin.refused(&duty, &web).await;
        }
    };
    let Some(id) = id else { return begin.refused(&duty, &web).await };
    let made =
        web.broker.put_draft(&duty.tenant().id, &id, &settings, &Precondition::New, &duty.actor()).await;
    match made {
        Ok(_) => see_other_saying(&format!("/admin/providers/{id}"), Said::ProviderAdded),
        Err(error) => {
            let no = begin.refuse(&duty, &table, &settings, error);
            match no {
                Ok(()) => begin.refused(&duty, &web).await,
                Err(page) => *page,
            }
        }
    }
}

impl Begin {
    /// A form that nobody has sent yet.
    pub fn new(way: Way, typed: Typed) -> Self {
        Self { way, typed, id: String::new(), faults: Vec::new(), problem: None }
    }

    /// The page of the form.
    pub async fn page(self, duty: &OnDuty<Admin>, web: &Web) -> Response {
        let states = web.broker.provider_states(duty.tenant()).await.unwrap_or_default();
        self.render(duty, web, &states, StatusCode::OK)
    }

    async fn refused(self, duty: &OnDuty<Admin>, web: &Web) -> Response {
        let states = web.broker.provider_states(duty.tenant()).await.unwrap_or_default();
        let status = self.problem.as_ref().map_or(StatusCode::UNPROCESSABLE_ENTITY, |problem| problem.status);
        self.render(duty, web, &states, status)
    }

    /// Takes down what was wrong with what was sent.
    fn refuse(
        &mut self,
        duty: &OnDuty<Admin>,
        table: &[Described],
        sent: &Map<String, Value>,
        error: SettingsError,
    ) -> Result<(), Box<Response>> {
        match error {
            SettingsError::Refused(remarks) => {
                self.faults.extend(remarks.iter().map(|remark| Fault::of_remark(table, sent, remark)));
            }
            SettingsError::Stale { .. } => {
                self.faults.push(Fault::new(
                    "id",
                    "there is a provider with this id already",
                    "choose another one",
                ));
            }
            other => self.problem = Some(Problem::of(duty, &other)?),
        }
        Ok(())
    }

    fn render(
        self,
        duty: &OnDuty<Admin>,
        web: &Web,
        states: &[ProviderState],
        status: StatusCode,
    ) -> Response {
        let table = web.broker.provider_settings();
        let Self { way, typed, id, faults, problem } = self;
        let preset = match &way {
            Way::Preset(preset) => Some(*preset),
            _ => None,
        };
        let known = preset.map(|preset| presets::settings(preset, &BTreeMap::new())).unwrap_or_default();
        let given = given_by_preset(&table, &known);
        let making = Making {
            table: &table,
            typed: &typed,
            faults: &faults,
            preset,
            given: &given,
            secrets: &BTreeMap::new(),
            fixed: &[],
        };
        let fields = making.fields(&asked(&way, &known, &typed));
        let all: Vec<&Field> = fields.iter().collect();
        let id_faults: Vec<Fault> = faults.iter().filter(|fault| fault.field == "id").cloned().collect();
        let elsewhere = making.faults_elsewhere(&all);
        let summary = summary(&id_faults, &fields, &elsewhere);
        let shown: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let hidden = typed.fields().filter(|(name, _)| !shown.contains(name));
        let hidden = hidden.filter(|(name, _)| preset.is_none() || !name.starts_with("vars"));
        let title = match &way {
            Way::Preset(preset) => format!("Add {}", preset.title),
            _ => "Add a provider".to_owned(),
        };
        let view = BeginView {
            frame: duty.frame(&title, Section::Providers),
            id: if id.is_empty() && summary.is_empty() { suggested(preset, states) } else { id },
            hidden: hidden.map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
            told: match way {
                Way::Issuer(told) => Some(told),
                _ => None,
            },
            preset: preset.map(PresetView::of),
            secret_lost: !summary.is_empty(),
            id_faults,
            fields,
            summary,
            problem,
        };
        respond(status, &view.frame, Forms::Here, &view)
    }
}

impl PresetView {
    fn of(preset: &'static Preset) -> Self {
        Self {
            title: &preset.title,
            console: html(&preset.console),
            docs: &preset.docs,
            notes: preset.notes.iter().map(|note| html(note)).collect(),
        }
    }
}

/// Every fault with the id of its field.
fn summary(of_id: &[Fault], fields: &[Field], elsewhere: &[Fault]) -> Vec<(String, Html)> {
    let beside = of_id.iter().chain(fields.iter().flat_map(|field| &field.faults));
    let beside = beside.map(|fault| (id_of(&fault.field), fault.message.clone()));
    let elsewhere = elsewhere.iter().filter(|fault| fault.field != "id");
    beside.chain(elsewhere.map(|fault| ("form".to_owned(), fault.message.clone()))).collect()
}

/// What is asked for at the beginning.
fn asked(way: &Way, known: &Map<String, Value>, typed: &Typed) -> Vec<&'static str> {
    let auth = match typed.text("client_auth") {
        "" => known.get("client_auth").and_then(Value::as_str).unwrap_or_default(),
        typed => typed,
    };
    let secret: &[&str] = match auth {
        "none" => &[],
        "private_key_jwt" => &["private_key", "private_key_id"],
        "signed_secret" => &["private_key", "private_key_id", "assertion_issuer"],
        _ => &["client_secret"],
    };
    let rest: &[&str] = match way {
        Way::Preset(_) => &["vars"],
        Way::Issuer(_) => &["issuer", "scope"],
        Way::Hand => &["authorize_url", "token_url", "whoami_url", "scope"],
    };
    [&["label"][..], rest, &["client_id"], secret].concat()
}

/// An id that is still free.
fn suggested(preset: Option<&Preset>, states: &[ProviderState]) -> String {
    let wanted = preset.map_or("main", |preset| preset.id);
    let is_free = |id: &String| states.iter().all(|state| state.id.as_str() != id);
    let numbered = (2..100).map(|number| format!("{wanted}-{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

/// Whether another provider has the callback paths that only one of a tenant can have.
async fn other_is_bare(duty: &OnDuty<Admin>, web: &Web) -> bool {
    let states = web.broker.provider_states(duty.tenant()).await.unwrap_or_default();
    states.iter().any(|state| {
        let settings = state.live.as_ref().or(state.draft.as_ref());
        let path = settings.and_then(|settings| settings.get("callbackPath")).and_then(Value::as_str);
        path.unwrap_or("bare") == "bare"
    })
}
