//! The list of attempts as a file.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use crate::domain::conversation::Channel;
use crate::domain::request::AuthorizationRequest;
use crate::flow::StoreError;
use crate::web::Web;
use crate::web::api::csv::push_row;
use crate::web::staff::{Admin, OnDuty};

use super::filter::Filter;
use super::list::read;
use super::remedy;

/// The most rows of a file.
const MOST: usize = 1_000;
/// Attempts that are read together.
const AT_ONCE: usize = 200;
/// The first row.
const COLUMNS: [&str; 11] = [
    "attempt",
    "opened_at",
    "ended_at",
    "took_ms",
    "provider",
    "channel",
    "auth_link",
    "status",
    "step",
    "code",
    "meaning",
];

/// The same attempts as the page with the same question shows, and those behind it: at most 1,000.
pub(super) async fn export(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    RawQuery(raw): RawQuery,
) -> Response {
    let mut filter = Filter::parse(raw.as_deref(), &duty.local());
    if !filter.faults.is_empty() {
        return duty.missing();
    }
    match table(&web, &duty, &mut filter).await {
        Ok(text) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"attempts.csv\""),
            ];
            (StatusCode::OK, headers, text).into_response()
        }
        Err(StoreError::BadCursor) => duty.missing(),
        Err(error) => duty.unavailable(&error),
    }
}

async fn table(web: &Web, duty: &OnDuty<Admin>, filter: &mut Filter) -> Result<String, StoreError> {
    let now = web.broker.clock().now();
    let mut text = String::new();
    push_row(&mut text, COLUMNS);
    let mut rows = 0;
    loop {
        let page = read(web, duty.tenant(), filter, AT_ONCE.min(MOST - rows)).await?;
        let channels = web.broker.channels_of(duty.tenant(), &page.items).await?;
        for attempt in &page.items {
            push_attempt(&mut text, attempt, channels.get(&attempt.link).copied(), now);
        }
        rows += page.items.len();
        match page.next {
            Some(next) if rows < MOST => filter.cursor = Some(next),
            _ => return Ok(text),
        }
    }
}

fn push_attempt(text: &mut String, attempt: &AuthorizationRequest, channel: Option<Channel>, now: Timestamp) {
    let standing = attempt.standing_at(now);
    let ended = standing.ended.map(|ended| ended.to_string()).unwrap_or_default();
    let took = standing.ended.map(|ended| attempt.age_at(ended).to_string()).unwrap_or_default();
    let opened = attempt.created_at.to_string();
    let fault = standing.fault;
    push_row(
        text,
        [
            attempt.id.as_str(),
            &opened,
            &ended,
            &took,
            attempt.provider.as_str(),
            channel.map_or("", Channel::as_str),
            attempt.link.as_str(),
            standing.status.as_str(),
            fault.map_or("", |fault| fault.step.as_str()),
            fault.map_or("", |fault| fault.code.as_str()),
            fault.map_or("", |fault| remedy::of(fault.code).means),
        ],
    );
}
