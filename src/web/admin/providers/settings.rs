//! `/admin/providers/{id}/settings`: the form of a provider's draft.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::flow::presets;
use crate::flow::settings::SettingsError;
use crate::flow::settings::described::{Described, Holds};
use crate::web::Web;
use crate::web::segment::Segment;
use crate::web::staff::{Admin, Forms, Frame, Moment, OnDuty, Posted, Said, respond, see_other_saying};

use super::form::compare::{Row, compare};
use super::form::faults::Fault;
use super::form::fields::{Field, Group, Input, Making, given_by_preset, id_of};
use super::form::lines;
use super::form::typed::{Sent, Typed};
use super::form::words::{Html, html, sentence};
use super::opened::{Head, Opened, Problem, condition_of, open};
use super::shown::{ago, who};

#[derive(Template)]
#[template(path = "admin/providers/settings.html")]
struct SettingsView {
    frame: Frame,
    head: Head,
    groups: Vec<Group>,
    summary: Vec<(String, Html)>,
    problem: Option<Problem>,
    stale: Option<Stale>,
    warnings: Vec<Html>,
    /// Whether another subject must be confirmed.
    asks_subject: bool,
    /// Whether a secret that was typed is gone.
    secret_lost: bool,
}

/// Somebody else was faster.
struct Stale {
    by: String,
    when: Option<Moment>,
    rows: Vec<Row>,
}

/// What the form shows.
struct Shown {
    typed: Typed,
    faults: Vec<Fault>,
    problem: Option<Problem>,
    stale: Option<Stale>,
    status: StatusCode,
    asks_subject: bool,
    secret_lost: bool,
}

impl Shown {
    fn of(typed: Typed) -> Self {
        let (faults, problem, stale) = (Vec::new(), None, None);
        Self {
            typed,
            faults,
            problem,
            stale,
            status: StatusCode::OK,
            asks_subject: false,
            secret_lost: false,
        }
    }
}

/// The form with the draft in it, or with what is live.
pub async fn show(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, Segment(id): Segment) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let typed = Typed::of_settings(&web.broker.provider_settings(), &latest(&opened));
    page(&duty, &web, &opened, Shown::of(typed)).await
}

/// Writes the draft.
pub async fn save(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    posted: Posted,
) -> Response {
    let opened = match open(&duty, &web, &id).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let table = web.broker.provider_settings();
    let mut typed = Typed::of_form(&table, &Sent(posted.fields().collect()));
    // It is fixed, whatever was sent.
    typed.clear("callback_path");
    typed.put(
        "callback_path",
        latest(&opened).get("callbackPath").and_then(Value::as_str).unwrap_or_default(),
    );
    let secret_lost = secrets(&table).any(|name| !posted.raw(name).is_empty());
    let shown = Shown { secret_lost, status: StatusCode::UNPROCESSABLE_ENTITY, ..Shown::of(typed) };
    let mut settings = match shown.typed.settings(&table) {
        Ok(settings) => with_secrets(&table, settings, &posted),
        Err(faults) => return page(&duty, &web, &opened, Shown { faults, ..shown }).await,
    };
    if posted.has("confirm_subject") {
        settings.insert("confirmSubjectChange".to_owned(), json!(true));
    }
    let (tenant, condition, actor) = (&duty.tenant().id, condition_of(&posted), duty.actor());
    match web.broker.put_draft(tenant, opened.id(), &settings, &condition, &actor).await {
        Ok(_) => see_other_saying(&opened.path("settings"), Said::DraftSaved),
        Err(SettingsError::Refused(remarks)) => {
            let faults = remarks.iter().map(|remark| Fault::of_remark(&table, &settings, remark)).collect();
            let asks_subject = remarks.iter().any(|remark| remark.makes_new_people);
            page(&duty, &web, &opened, Shown { faults, asks_subject, ..shown }).await
        }
        Err(SettingsError::Stale { .. }) => stale(&duty, &web, &opened, shown).await,
        Err(error) => match Problem::of(&duty, &error) {
            Ok(problem) => {
                let shown = Shown { status: problem.status, problem: Some(problem), ..shown };
                page(&duty, &web, &opened, shown).await
            }
            Err(page) => *page,
        },
    }
}

/// Settings of a form with the secrets that were typed into it: they stay nowhere else.
pub fn with_secrets(
    table: &[Described],
    mut settings: Map<String, Value>,
    posted: &Posted,
) -> Map<String, Value> {
    for setting in table.iter().filter(|setting| setting.holds == Holds::Secret) {
        let typed = posted.raw(setting.name);
        let secret = if setting.name.starts_with("private_key") { typed } else { typed.trim() };
        if !secret.trim().is_empty() {
            settings.insert(setting.member.clone(), json!(secret));
        } else if posted.has(&format!("{}.remove", setting.name)) {
            settings.insert(setting.member.clone(), Value::Null);
        }
    }
    settings
}

/// The draft, or what is live.
pub fn latest(opened: &Opened) -> Map<String, Value> {
    opened.state.draft.clone().or_else(|| opened.state.live.clone()).unwrap_or_default()
}

/// Since when each secret is there, by its name in a file.
pub fn secrets_since(
    duty: &OnDuty<Admin>,
    table: &[Described],
    settings: &Map<String, Value>,
) -> BTreeMap<&'static str, String> {
    let since = |setting: &Described| {
        let shown = settings.get(&setting.member)?;
        let at = shown.get("changedAt").and_then(Value::as_str).and_then(|at| at.parse().ok());
        let text = at.map_or("set".to_owned(), |at| format!("set on {}", duty.local().moment(at).text));
        Some((setting.name, text))
    };
    table.iter().filter(|setting| setting.holds == Holds::Secret).filter_map(since).collect()
}

fn secrets(table: &[Described]) -> impl Iterator<Item = &'static str> {
    table.iter().filter(|setting| setting.holds == Holds::Secret).map(|setting| setting.name)
}

/// Somebody changed the draft while the form was open: both versions are shown, and what was typed stays.
async fn stale(duty: &OnDuty<Admin>, web: &Web, before: &Opened, shown: Shown) -> Response {
    let opened = match open(duty, web, before.id().as_str()).await {
        Ok(opened) => opened,
        Err(page) => return *page,
    };
    let table = web.broker.provider_settings();
    let theirs = Typed::of_settings(&table, &latest(&opened));
    let changed = opened.state.stored.as_ref().map(|stored| &stored.changed);
    let stale = Stale {
        by: changed.map(|changed| who(duty, &changed.by)).unwrap_or_default(),
        when: changed.map(|changed| ago(duty, web.broker.clock().now(), changed.at)),
        rows: compare(&table, &theirs, &shown.typed),
    };
    let shown = Shown { stale: Some(stale), status: StatusCode::CONFLICT, ..shown };
    page(duty, web, &opened, shown).await
}

async fn page(duty: &OnDuty<Admin>, web: &Web, opened: &Opened, shown: Shown) -> Response {
    let table = web.broker.provider_settings();
    let settings = latest(opened);
    let mut faults = shown.faults;
    let mut warnings = Vec::new();
    if shown.status == StatusCode::OK {
        match web.broker.draft_remarks(&duty.tenant().id, opened.id()).await {
            Ok(remarks) => warnings.extend(remarks),
            Err(SettingsError::Refused(remarks)) => {
                faults.extend(remarks.iter().map(|remark| Fault::of_remark(&table, &settings, remark)));
            }
            Err(_) => {}
        }
    }
    let preset = presets::find(shown.typed.text("preset"));
    let given = given(duty, web, &table, &shown.typed).await;
    let secrets = secrets_since(duty, &table, &settings);
    let making = Making {
        table: &table,
        typed: &shown.typed,
        faults: &faults,
        preset,
        given: &given,
        secrets: &secrets,
        fixed: &["callback_path"],
    };
    let groups = making.groups();
    let fields: Vec<&Field> = groups.iter().flat_map(|group| &group.fields).collect();
    let beside = fields.iter().flat_map(|field| &field.faults);
    let mut summary: Vec<_> = beside.map(|fault| (id_of(&fault.field), fault.message.clone())).collect();
    let elsewhere = making.faults_elsewhere(&fields);
    summary.extend(elsewhere.iter().map(|fault| ("form".to_owned(), fault.message.clone())));
    let view = SettingsView {
        frame: opened.frame(duty, "Settings"),
        head: opened.head("settings"),
        groups,
        summary,
        problem: shown.problem,
        stale: shown.stale,
        warnings: warnings.iter().map(remark).collect(),
        asks_subject: shown.asks_subject,
        secret_lost: shown.secret_lost,
    };
    respond(shown.status, &view.frame, Forms::Here, &view)
}

fn remark(remark: &crate::flow::settings::format::Remark) -> Html {
    let help = remark.help.as_deref().map(sentence).unwrap_or_default();
    html(&format!("{} {help}", sentence(&remark.message)))
}

/// What counts where a setting is left out: as the preset has it, or as the issuer says.
async fn given(
    duty: &OnDuty<Admin>,
    web: &Web,
    table: &[Described],
    typed: &Typed,
) -> BTreeMap<&'static str, (String, &'static str)> {
    let values = lines::pairs(typed.text("vars")).unwrap_or_default().into_iter().collect();
    let preset = presets::find(typed.text("preset"));
    let known = preset.map(|preset| presets::settings(preset, &values)).unwrap_or_default();
    let mut given = given_by_preset(table, &known);
    let issuer = match typed.text("issuer") {
        "" => known.get("issuer").and_then(Value::as_str).unwrap_or_default(),
        typed => typed,
    };
    let asked = issuer.starts_with("http") && !issuer.contains('{');
    let announced = if asked { web.broker.announced(duty.tenant(), issuer).await } else { None };
    if let Some(metadata) = announced {
        for (name, url) in [
            ("authorize_url", &metadata.authorization_endpoint),
            ("token_url", &metadata.token_endpoint),
            ("whoami_url", &metadata.userinfo_endpoint),
            ("jwks_url", &metadata.jwks_uri),
        ] {
            if let Some(url) = url {
                given.entry(name).or_insert_with(|| (url.to_string(), "the issuer"));
            }
        }
    }
    given
}
