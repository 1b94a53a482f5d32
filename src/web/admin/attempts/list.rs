//! The list of attempts.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use crate::domain::attempt::AttemptStatus;
use crate::domain::conversation::Channel;
use crate::domain::fault::Code;
use crate::domain::ids::{LinkId, ProviderId};
use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::flow::lists::Part;
use crate::flow::{Page, StoreError};
use crate::web::Web;
use crate::web::admin::words;
use crate::web::page::clean;
use crate::web::staff::{Admin, Forms, Frame, Local, Moment, OnDuty, Section, respond};

use super::filter::Filter;
use super::remedy;

/// Attempts on one page.
const AT_ONCE: usize = 50;

/// One attempt in the list.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) opened: Moment,
    pub(super) ago: Moment,
    pub(super) provider: String,
    /// None where the link is gone already.
    pub(super) channel: Option<Channel>,
    pub(super) status: AttemptStatus,
    /// Where it stands or ended.
    pub(super) step: Option<&'static str>,
    pub(super) outcome: String,
}

/// A choice of a field.
struct Choice {
    value: &'static str,
    label: &'static str,
}

#[derive(Template)]
#[template(path = "admin/attempts/list.html")]
struct ListView<'a> {
    frame: Frame,
    filter: &'a Filter,
    zone: &'a str,
    providers: Vec<(ProviderId, String)>,
    statuses: Vec<Choice>,
    codes: Vec<Choice>,
    rows: Vec<Row>,
    /// The query string of the next page.
    next: Option<String>,
    /// The query string of the file of these.
    file: String,
    /// Whether the place in the list is none.
    is_lost: bool,
    has_links: bool,
}

/// Shows the attempts that were asked for.
pub(super) async fn list(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Response {
    let local = duty.local();
    let filter = Filter::parse(raw.as_deref(), &local);
    let nothing = Page { items: Vec::new(), next: None };
    let (page, is_lost) = match read(&web, duty.tenant(), &filter, AT_ONCE).await {
        Ok(page) => (page, false),
        Err(StoreError::BadCursor) => (nothing, true),
        Err(error) => return duty.unavailable(&error),
    };
    let has_links = match web.broker.has_links(duty.tenant()).await {
        Ok(has_links) => has_links || !page.items.is_empty(),
        Err(error) => return duty.unavailable(&error),
    };
    let channels = match web.broker.channels_of(duty.tenant(), &page.items).await {
        Ok(channels) => channels,
        Err(error) => return duty.unavailable(&error),
    };
    let is_at_fault = is_lost || !filter.faults.is_empty();
    let status = if is_at_fault { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = ListView {
        frame: duty.frame("Attempts", Section::Attempts),
        zone: local.zone(),
        providers: providers(duty.tenant()),
        statuses: statuses(),
        codes: codes(),
        rows: rows(duty.tenant(), &page.items, &channels, &local, web.broker.clock().now()),
        next: page.next.as_deref().map(|next| filter.from(Some(next))),
        file: filter.from(filter.cursor.as_deref()),
        filter: &filter,
        is_lost,
        has_links,
    };
    respond(status, &view.frame, Forms::Here, &view)
}

/// The attempts that a question is about; none of one that cannot be read.
pub(super) async fn read(
    web: &Web,
    tenant: &Tenant,
    filter: &Filter,
    limit: usize,
) -> Result<Page<AuthorizationRequest>, StoreError> {
    if !filter.faults.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    web.broker.attempts(tenant, &filter.query, Part { cursor: filter.cursor.as_deref(), limit }).await
}

/// Attempts as they are shown.
pub(super) fn rows(
    tenant: &Tenant,
    attempts: &[AuthorizationRequest],
    channels: &HashMap<LinkId, Channel>,
    local: &Local,
    now: Timestamp,
) -> Vec<Row> {
    let row = |attempt: &AuthorizationRequest| {
        let standing = attempt.standing_at(now);
        Row {
            id: attempt.id.to_string(),
            opened: local.moment(attempt.created_at),
            ago: local.ago(attempt.created_at, now),
            provider: provider_label(tenant, &attempt.provider),
            channel: channels.get(&attempt.link).copied(),
            status: standing.status,
            step: standing.fault.map(|fault| words::step(fault.step)),
            outcome: match (standing.fault, standing.binding) {
                (Some(fault), _) => remedy::of(fault.code).means.to_owned(),
                (None, Some(binding)) => format!("Proved by: {}", words::binding(binding)),
                (None, None) => String::new(),
            },
        }
    };
    attempts.iter().map(row).collect()
}

/// What customers call a provider; its name here, if it is there no more.
pub(super) fn provider_label(tenant: &Tenant, id: &ProviderId) -> String {
    tenant.provider(Some(id)).map_or_else(|| id.to_string(), |provider| clean(&provider.label))
}

impl Row {
    fn label(&self) -> &'static str {
        words::status(self.status).0
    }

    fn class(&self) -> &'static str {
        words::status(self.status).1.class()
    }
}

fn providers(tenant: &Tenant) -> Vec<(ProviderId, String)> {
    tenant.providers.iter().map(|provider| (provider.id.clone(), clean(&provider.label))).collect()
}

fn statuses() -> Vec<Choice> {
    let choice = |status: AttemptStatus| Choice { value: status.as_str(), label: words::status(status).0 };
    AttemptStatus::ALL.into_iter().map(choice).collect()
}

/// Every code that an attempt may have, by what it says.
fn codes() -> Vec<Choice> {
    let choice = |code: &Code| Choice { value: code.as_str(), label: remedy::of(*code).means };
    let mut all: Vec<_> = Code::ALL.iter().map(choice).collect();
    all.sort_unstable_by_key(|choice| choice.label);
    all
}
