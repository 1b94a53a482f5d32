//! One attempt: its steps, why it failed, and how to mend that.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use crate::domain::attempt::Standing;
use crate::domain::conversation::Channel;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::AttemptId;
use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::web::Web;
use crate::web::admin::words;
use crate::web::api::attempts::{LapView, timeline};
use crate::web::staff::{Admin, Forms, Frame, Local, Moment, OnDuty, Section, respond};

use super::list::provider_label;
use super::remedy::{self, Remedy, Way};

/// The width of the chart, in its own units.
const WIDTH: u64 = 1000;
/// The height of a row of the chart.
const ROW: u64 = 30;
/// A step that took no time is still seen.
const THIN: u64 = 6;

/// A step as it is shown.
struct Line {
    name: &'static str,
    /// When it began, after *Continue*.
    at: String,
    /// How long it took; none where nobody could write it down.
    took: Option<String>,
    outcome: &'static str,
    /// The code of a failure.
    code: Option<&'static str>,
    tone: words::Tone,
    http: Option<u16>,
    bar: Bar,
}

/// A bar of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bar {
    x: u64,
    y: u64,
    width: u64,
}

/// What went wrong.
struct Reason {
    code: Code,
    step: &'static str,
    remedy: Remedy,
    way: Option<Way>,
}

#[derive(Template)]
#[template(path = "admin/attempts/detail.html")]
struct DetailView<'a> {
    frame: Frame,
    attempt: &'a AuthorizationRequest,
    provider: String,
    channel: Option<Channel>,
    opened: Moment,
    zone: String,
    ended: Option<Moment>,
    /// How long the whole took.
    whole: Option<String>,
    /// How long the customer was away at the provider.
    away: Option<String>,
    status: &'static str,
    tone: words::Tone,
    sentence: &'static str,
    proof: Option<&'static str>,
    reason: Option<Reason>,
    lines: Vec<Line>,
    /// What the chart says, in a sentence.
    chart: String,
    height: u64,
}

/// Shows an attempt.
pub(super) async fn detail(
    duty: OnDuty<Admin>,
    State(web): State<Arc<Web>>,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse::<AttemptId>() else { return duty.missing() };
    let attempt = match web.broker.attempt(duty.tenant(), &id).await {
        Ok(Some(attempt)) => attempt,
        Ok(None) => return duty.missing(),
        Err(error) => return duty.unavailable(&error),
    };
    let channels = match web.broker.channels_of(duty.tenant(), std::slice::from_ref(&attempt)).await {
        Ok(channels) => channels,
        Err(error) => return duty.unavailable(&error),
    };
    let channel = channels.get(&attempt.link).copied();
    let frame = duty.frame("Attempt", Section::Attempts);
    let now = web.broker.clock().now();
    let view = view(frame, duty.tenant(), &attempt, channel, &duty.local(), now);
    respond(StatusCode::OK, &view.frame, Forms::Here, &view)
}

fn view<'a>(
    frame: Frame,
    tenant: &Tenant,
    attempt: &'a AuthorizationRequest,
    channel: Option<Channel>,
    local: &Local,
    now: Timestamp,
) -> DetailView<'a> {
    let standing = attempt.standing_at(now);
    let laps = timeline(attempt, standing);
    let lines = lines(attempt, &laps, local);
    let came_back = laps.first().filter(|lap| lap.step == Step::Claim);
    let (status, tone) = words::status(standing.status);
    DetailView {
        frame,
        attempt,
        provider: provider_label(tenant, &attempt.provider),
        channel,
        opened: local.exact(attempt.created_at),
        zone: local.zone().to_owned(),
        ended: standing.ended.map(|ended| local.exact(ended)),
        whole: standing.ended.map(|ended| local.duration(attempt.age_at(ended))),
        away: came_back.map(|lap| local.duration(attempt.age_at(lap.at))),
        status,
        tone,
        sentence: words::status_sentence(standing.status),
        proof: standing.binding.map(words::binding),
        reason: reason(attempt, standing),
        chart: chart(&lines),
        height: ROW * u64::try_from(lines.len()).unwrap_or(0),
        lines,
    }
}

fn reason(attempt: &AuthorizationRequest, standing: Standing) -> Option<Reason> {
    let Fault { step, code } = standing.fault?;
    let remedy = remedy::of(code);
    let way = remedy.place.way(&attempt.provider);
    Some(Reason { code, step: words::step(step), remedy, way })
}

fn lines(attempt: &AuthorizationRequest, laps: &[LapView], local: &Local) -> Vec<Line> {
    let bars = bars(&laps.iter().map(|lap| lap.took_ms.unwrap_or(0)).collect::<Vec<_>>());
    let line = |(lap, bar): (&LapView, Bar)| {
        let (outcome, code, tone) = match lap.outcome {
            "ok" => ("Done", None, words::Tone::Good),
            "waiting" => ("Waits for the code", None, words::Tone::Calm),
            code => (meaning(code), Some(code), words::Tone::Bad),
        };
        Line {
            name: words::step(lap.step),
            at: local.duration(attempt.age_at(lap.at)),
            took: lap.took_ms.map(|ms| local.duration(ms)),
            outcome,
            code,
            tone,
            http: lap.http_status,
            bar,
        }
    };
    laps.iter().zip(bars).map(line).collect()
}

/// The steps one behind the other, each as wide as its part of the whole: the time between them, in
/// which the customer looked for the chat, would leave nothing of the others to see.
fn bars(took: &[u64]) -> Vec<Bar> {
    let whole: u64 = took.iter().fold(0_u64, |sum, took| sum.saturating_add(*took)).max(1);
    let room = WIDTH - THIN * u64::try_from(took.len()).unwrap_or(0).min(WIDTH / THIN);
    let (mut x, mut bars) = (0, Vec::with_capacity(took.len()));
    for (number, took) in (0..).zip(took) {
        let part = u128::from(room) * u128::from(*took) / u128::from(whole);
        let width = THIN + u64::try_from(part).unwrap_or(0);
        bars.push(Bar { x, y: number * ROW + ROW / 4, width });
        x += width;
    }
    bars
}

fn meaning(code: &str) -> &'static str {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    known.map_or("Failed", |code| remedy::of(*code).means)
}

fn chart(lines: &[Line]) -> String {
    let told = lines.iter().map(|line| match &line.took {
        Some(took) => format!("{}: {took}", line.name),
        None => format!("{}: not measured", line.name),
    });
    told.collect::<Vec<_>>().join("; ")
}

impl DetailView<'_> {
    fn never_came_back(&self) -> bool {
        self.lines.is_empty()
    }

    fn is_over(&self) -> bool {
        self.ended.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bars_lie_one_behind_the_other_and_fill_the_chart() {
        let bars = bars(&[2, 98, 0, 50]);
        assert_eq!(bars[0].x, 0);
        assert!(bars.windows(2).all(|two| two[0].x + two[0].width == two[1].x && two[0].y < two[1].y));
        assert!(bars[1].width > bars[3].width && bars[2].width == THIN);
        let end = bars[3].x + bars[3].width;
        assert!((WIDTH - 10..=WIDTH).contains(&end), "{end}");
    }

    proptest! {
        #[test]
        fn no_step_lies_outside_of_the_chart_however_long_it_took(took in prop::collection::vec(any::<u64>(), 0..30)) {
            for bar in bars(&took) {
                prop_assert!(bar.width >= THIN && bar.x + bar.width <= WIDTH);
            }
        }
    }

    #[test]
    fn a_code_of_another_version_is_a_failure_all_the_same() {
        assert_eq!(meaning("invalid_grant"), remedy::of(Code::InvalidGrant).means);
        assert_eq!(meaning("of_tomorrow"), "Failed");
    }
}
