//! `/admin/providers/~new`: a preset, an issuer, or everything by hand. Nothing is kept here.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::discover::Discovered;
use crate::flow::presets::{self, Preset};
use crate::web::Web;
use crate::web::page::clean;
use crate::web::staff::{Admin, Forms, Frame, OnDuty, Posted, Section, respond, respond_part};

use super::begin::{Begin, Way};
use super::form::typed::Typed;
use super::form::words::{Html, html, sentence};

/// The longest text that may be an issuer, in bytes.
const LONGEST: usize = 2000;
/// Up to so many presets are shown with their notes.
const WITH_NOTES: usize = 12;

#[derive(Template)]
#[template(path = "admin/providers/choose.html")]
struct ChooseView {
    frame: Frame,
    query: String,
    found: FoundView,
    /// The issuer that was typed.
    issuer: String,
    /// What is wrong with it, and what was tried.
    fault: Option<Html>,
    tried: Vec<(String, Html)>,
}

#[derive(Template)]
#[template(path = "admin/providers/presets.html")]
struct PresetsView {
    found: FoundView,
    query: String,
}

/// The presets that were found.
struct FoundView {
    count: usize,
    groups: Vec<(&'static str, Vec<Card>)>,
}

/// A preset to choose.
struct Card {
    id: &'static str,
    title: &'static str,
    notes: Vec<Html>,
}

/// Presets by a word, and the other ways.
pub async fn show(duty: OnDuty<Admin>, RawQuery(raw): RawQuery) -> Response {
    let query = parameter(raw.as_deref(), "q");
    let query = clean(&query);
    if duty.is_part() {
        let frame = duty.frame("Add a provider", Section::Providers);
        return respond_part(&frame, &PresetsView { found: found(&query), query });
    }
    page(&duty, query, String::new(), None, Vec::new())
}

/// Asks an issuer, and shows what it says with the form of a new provider below.
pub async fn discover(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, posted: Posted) -> Response {
    let issuer = posted.text("issuer").to_owned();
    if issuer.is_empty() || issuer.len() > LONGEST {
        let fault = "write the provider's address, for example `login.acme.example`";
        return page(&duty, String::new(), issuer, Some(fault), Vec::new());
    }
    match web.broker.discover(duty.tenant(), &issuer).await {
        Ok(found) => Begin::new(Way::Issuer(told(&found)), typed(&found)).page(&duty, &web).await,
        Err(nothing) => {
            let fault =
                "nothing was found there; the reasons stand below. Is it spelled as the provider spells it?";
            page(&duty, String::new(), issuer, Some(fault), nothing.tried)
        }
    }
}

/// A parameter of a query; empty if it is not there.
pub fn parameter(raw: Option<&str>, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn page(
    duty: &OnDuty<Admin>,
    query: String,
    issuer: String,
    fault: Option<&str>,
    tried: Vec<(String, String)>,
) -> Response {
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = ChooseView {
        frame: duty.frame("Add a provider", Section::Providers),
        found: found(&query),
        query,
        issuer,
        fault: fault.map(|fault| html(&sentence(fault))),
        tried: tried.into_iter().map(|(issuer, fault)| (clean(&issuer), html(&sentence(&fault)))).collect(),
    };
    respond(status, &view.frame, Forms::Here, &view)
}

fn found(query: &str) -> FoundView {
    let groups = presets::search(query);
    let count = groups.iter().map(|(_, presets)| presets.len()).sum();
    let card = |preset: &'static Preset| Card {
        id: preset.id,
        title: &preset.title,
        notes: match count {
            0..=WITH_NOTES => preset.notes.iter().map(|note| html(note)).collect(),
            _ => Vec::new(),
        },
    };
    let groups =
        groups.into_iter().map(|(group, presets)| (group.title(), presets.into_iter().map(card).collect()));
    FoundView { count, groups: groups.collect() }
}

/// What was discovered, as the next form is filled with it.
fn typed(found: &Discovered) -> Typed {
    let mut typed = Typed::default();
    for (name, value) in &found.settings {
        typed.put(*name, value.clone());
    }
    typed
}

/// What was discovered, as facts and warnings.
fn told(found: &Discovered) -> super::begin::Told {
    let metadata = &found.metadata;
    let url = |url: &Option<url::Url>| url.as_ref().map_or("not announced".to_owned(), ToString::to_string);
    let list = |list: &Option<Vec<String>>| {
        list.as_ref().map_or("not announced".to_owned(), |list| {
            list.iter().map(|item| clean(item)).collect::<Vec<_>>().join(", ")
        })
    };
    super::begin::Told {
        facts: vec![
            ("Issuer", found.issuer.clone()),
            ("Sign-in page", url(&metadata.authorization_endpoint)),
            ("Token endpoint", url(&metadata.token_endpoint)),
            ("UserInfo", url(&metadata.userinfo_endpoint)),
            ("Keys", url(&metadata.jwks_uri)),
            ("Scopes", list(&metadata.scopes_supported)),
            ("Client authentication", list(&metadata.token_endpoint_auth_methods_supported)),
            ("PKCE", list(&metadata.code_challenge_methods_supported)),
        ],
        warnings: found.warnings.iter().map(|warning| html(&sentence(warning))).collect(),
        presets: found.presets.iter().map(|fitting| (fitting.id, fitting.title)).collect(),
    }
}
