//! The overview: how sign-ins go, where they stop, and how the providers are.
//!
//! To add a part: 1. count it (`domain/insight/mod.rs`), 2. its rows in `figures.rs`, 3. its table in
//! `templates/admin/overview/overview.html`, 4. a case in `tests/it/insight/overview.rs`.

mod figures;
mod health;
mod trend;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::domain::tenant::Tenant;
use crate::flow::insight::{Insight, Period};
use crate::web::Web;
use crate::web::staff::{Admin, Forms, Frame, Local, Moment, OnDuty, Section, respond};

use figures::{Lane, Reason, StageRow, TimeRow};
use health::HealthRow;
use trend::Trend;

/// The URL of this page.
pub fn routes() -> Router<Arc<Web>> {
    Router::new().route("/admin", get(overview))
}

/// A period that can be chosen.
struct Choice {
    word: &'static str,
    label: &'static str,
    is_here: bool,
}

/// What to do next where nothing is there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing is missing.
    Nothing,
    /// Set up a provider.
    Provider,
    /// Send the first link.
    Send,
    /// Choose a longer period.
    LongerPeriod,
    /// Nothing was counted, though links were sent: before figures were kept, or just now.
    Wait,
}

#[derive(Template)]
#[template(path = "admin/overview/overview.html")]
struct OverviewView {
    frame: Frame,
    periods: Vec<Choice>,
    period: &'static str,
    since: Moment,
    zone: String,
    next: Next,
    health: Vec<HealthRow>,
    stages: Vec<StageRow>,
    declined: Option<String>,
    trend: Trend,
    lanes: Vec<Lane>,
    times: Vec<TimeRow>,
    reasons: Vec<Reason>,
    /// Reasons that are not shown.
    more_reasons: usize,
    attempts: String,
}

async fn overview(duty: OnDuty<Admin>, State(web): State<Arc<Web>>, RawQuery(raw): RawQuery) -> Response {
    let period = period_of(raw.as_deref());
    let insight = match web.broker.insight(duty.tenant(), period).await {
        Ok(insight) => insight,
        Err(error) => return duty.unavailable(&error),
    };
    let (local, now) = (duty.local(), web.broker.clock().now());
    let frame = duty.frame("Overview", Section::Overview);
    let health = insight.health.iter().map(|health| health::row(health, &local, now)).collect();
    let view = view(frame, duty.tenant(), period, &insight, health, &local);
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

fn view(
    frame: Frame,
    tenant: &Tenant,
    period: Period,
    insight: &Insight,
    health: Vec<HealthRow>,
    local: &Local,
) -> OverviewView {
    let all = insight.tally.together();
    let (reasons, more_reasons) = figures::reasons(&insight.tally, tenant, local);
    let (_, label) = word(period);
    OverviewView {
        frame,
        periods: Period::ALL.into_iter().map(|other| choice(other, period)).collect(),
        period: label,
        since: local.moment(insight.since),
        zone: local.zone().to_owned(),
        next: next(tenant, period, insight),
        health,
        stages: figures::stages(all.funnel(), local),
        declined: Some(all.funnel().declined).filter(|count| *count > 0).map(|count| local.number(count)),
        trend: trend::of(insight, period, local),
        lanes: figures::lanes(&insight.tally, tenant, local),
        times: figures::times(&all, local),
        reasons,
        more_reasons,
        attempts: local.number(all.attempts),
    }
}

fn next(tenant: &Tenant, period: Period, insight: &Insight) -> Next {
    match (insight.tally.is_empty(), insight.has_links) {
        (false, _) => Next::Nothing,
        (true, false) if tenant.providers.is_empty() => Next::Provider,
        (true, false) => Next::Send,
        (true, true) if period == Period::Month => Next::Wait,
        (true, true) => Next::LongerPeriod,
    }
}

fn period_of(raw: Option<&str>) -> Period {
    let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
    let asked = pairs.into_iter().find(|(name, _)| name == "period").map(|(_, value)| value);
    let known = Period::ALL.into_iter().find(|period| Some(word(*period).0) == asked.as_deref());
    known.unwrap_or(Period::Week)
}

/// A period in the address, and what it is called.
fn word(period: Period) -> (&'static str, &'static str) {
    match period {
        Period::Day => ("24h", "24 hours"),
        Period::Week => ("7d", "7 days"),
        Period::Month => ("30d", "30 days"),
    }
}

fn choice(period: Period, here: Period) -> Choice {
    let (word, label) = word(period);
    Choice { word, label, is_here: period == here }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_from_the_address_and_what_is_none_is_a_week() {
        for period in Period::ALL {
            assert_eq!(period_of(Some(&format!("x=1&period={}", word(period).0))), period);
        }
        for odd in [None, Some(""), Some("period="), Some("period=7D"), Some("period=99d")] {
            assert_eq!(period_of(odd), Period::Week, "{odd:?}");
        }
    }
}
