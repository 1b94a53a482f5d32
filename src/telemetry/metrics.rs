//! Metrics: what is counted and measured, in the form that Prometheus reads (`/metrics`).
//!
//! Whoever does the work records it with the macros of the `metrics` crate, in any layer, as it
//! would log a line. Labels are words of ours: a route, a step, a code. Never a tenant, an id or
//! anything from outside: every new value of a label is a new series for ever.
//!
//! To add a metric: 1. a line in [`METRICS`], 2. the macro where the work is done, with the name
//! as a literal, 3. a row in `docs/operations.md` (a test asks).

use std::sync::OnceLock;
use std::time::Duration;

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the duration histograms, in seconds: from a read in the store to a provider's
/// deadline.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How often recorded durations are folded into their histograms, so that they do not pile up
/// where nobody asks for `/metrics`.
const UPKEEP: Duration = Duration::from_secs(5);

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations in seconds, in buckets.
    Histogram,
}

impl Kind {
    /// The word of Prometheus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric of ours.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub doc: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    doc: &'static str,
) -> Metric {
    Metric { name, kind, labels, doc }
}

/// Every metric of ours. Beside them stand the usual `process_…` ones.
pub static METRICS: &[Metric] = &[
    metric("countersign_build_info", Kind::Gauge, &["version"], "always 1; the version is the label"),
    metric(
        "countersign_audit_sealed_total",
        Kind::Counter,
        &[],
        "audit entries that came under a checkpoint",
    ),
    metric(
        "countersign_audit_stuck",
        Kind::Gauge,
        &[],
        "tenants whose audit entries cannot come under a checkpoint any more, as this process has seen it: run `countersign audit verify`",
    ),
    metric("countersign_tenants", Kind::Gauge, &[], "tenants that are served"),
    metric(
        "countersign_mails_total",
        Kind::Counter,
        &["outcome"],
        "letters to staff and customers: `sent`, or why one did not go out (`docs/staff.md`)",
    ),
    metric(
        "countersign_otp_guesses_total",
        Kind::Counter,
        &[],
        "one-time codes that were compared, right or wrong",
    ),
    metric(
        "countersign_http_request_seconds",
        Kind::Histogram,
        &["route", "method", "status"],
        "from a request's head to its answer's head; `route` is the pattern, not the path",
    ),
    metric(
        "countersign_events_total",
        Kind::Counter,
        &["type"],
        "events that were written, by type: the funnel from `auth.link_created` to `auth.completed`",
    ),
    metric(
        "countersign_login_step_seconds",
        Kind::Histogram,
        &["step", "outcome"],
        "steps of logins; `exchange` and `whoami` are the provider's, `outcome` is `ok` or a code of `docs/errors.md`",
    ),
    metric(
        "countersign_callbacks_refused_total",
        Kind::Counter,
        &["code"],
        "callbacks that got the neutral page, by the code of `docs/errors.md`",
    ),
    metric(
        "countersign_channel_webhooks_refused_total",
        Kind::Counter,
        &["channel"],
        "webhooks of channels that were not taken: forged, stale, foreign or unreadable",
    ),
    metric(
        "countersign_chat_windows_total",
        Kind::Counter,
        &["proof"],
        "windows of a sign-in that came from a web chat: `ok`, or why the code is needed (docs/web-chat.md)",
    ),
    metric(
        "countersign_providers_unhealthy",
        Kind::Gauge,
        &[],
        "providers that fail for everybody, as this broker sees it; the log names them",
    ),
    metric(
        "countersign_provider_withheld_total",
        Kind::Counter,
        &["reason"],
        "logins that were kept from a provider: it fails for everybody (`unhealthy`), or too many are at it (`full`)",
    ),
    metric(
        "countersign_provider_documents_total",
        Kind::Counter,
        &["document", "outcome"],
        "a provider's metadata and keys: fetches (`fetched`, `failed`), and uses of older ones since it failed (`old`)",
    ),
    metric(
        "countersign_limited_total",
        Kind::Counter,
        &["limit"],
        "requests that got 429, by the name of the limit",
    ),
    metric(
        "countersign_overloaded_total",
        Kind::Counter,
        &[],
        "requests that got 503 since too many were at work",
    ),
    metric(
        "countersign_connections_refused_total",
        Kind::Counter,
        &[],
        "connections that were closed since their address had too many",
    ),
    metric(
        "countersign_access_refused_total",
        Kind::Counter,
        &["error"],
        "API calls whose token was missing, not good, or not for this",
    ),
    metric(
        "countersign_store_seconds",
        Kind::Histogram,
        &["operation"],
        "calls of the store's backend: `get`, `range`, `commit_durable`, `commit_relaxed`, `read`, `reserve`, `ping`",
    ),
    metric(
        "countersign_store_conflicts_total",
        Kind::Counter,
        &[],
        "batches that were tried again since another change came first",
    ),
    metric(
        "countersign_store_failures_total",
        Kind::Counter,
        &["operation"],
        "calls of the store's backend that did not say whether they worked, or said no",
    ),
    metric(
        "countersign_swept_total",
        Kind::Counter,
        &["kind"],
        "entries that fell due and were ended: expired links, lapsed sign-ins and conversations",
    ),
    metric(
        "countersign_deliveries_total",
        Kind::Counter,
        &["outcome"],
        "attempts to deliver an event to a webhook: `delivered` or a code of `docs/webhooks.md`",
    ),
    metric(
        "countersign_deliveries_waiting",
        Kind::Gauge,
        &[],
        "deliveries that are not made yet, of all brokers together; at most 1,000 are counted of each partition",
    ),
    metric(
        "countersign_delivery_oldest_age",
        Kind::Gauge,
        &[],
        "the age in seconds of the oldest delivery that is not made yet, of all brokers together; 0 if there is none",
    ),
    metric("countersign_event_streams", Kind::Gauge, &[], "streams of events that are open"),
];

/// The process's metrics, ready to be read.
#[derive(Clone)]
pub struct Metrics {
    recorded: PrometheusHandle,
    process: metrics_process::Collector,
}

impl Metrics {
    /// Starts to record for the whole process. Later calls answer the same.
    pub fn start() -> Self {
        static STARTED: OnceLock<Metrics> = OnceLock::new();
        STARTED.get_or_init(Self::install).clone()
    }

    fn install() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .expect("the bounds are not empty")
            .build_recorder();
        let recorded = recorder.handle();
        // A program that embeds the broker may have a recorder of its own: then that one gets everything.
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("metrics.recorded_elsewhere");
        }
        describe();
        let process = metrics_process::Collector::default();
        process.describe();
        Self { recorded, process }
    }

    /// The text form of Prometheus, version 0.0.4.
    pub fn render(&self) -> String {
        self.process.collect();
        self.recorded.render()
    }

    /// Keeps the memory of recorded durations bounded, as long as the runtime lives.
    pub async fn keep_up(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.recorded.run_upkeep();
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

fn describe() {
    for Metric { name, kind, doc, .. } in METRICS {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *doc),
            Kind::Gauge => metrics::describe_gauge!(*name, *doc),
            Kind::Histogram => metrics::describe_histogram!(*name, Unit::Seconds, *doc),
        }
    }
    metrics::gauge!("countersign_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_says_its_unit_and_stands_once() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, doc, .. } in METRICS {
            assert!(name.starts_with("countersign_") && !doc.is_empty(), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), *kind == Kind::Histogram, "{name}");
        }
    }

    #[test]
    fn what_is_recorded_is_rendered_with_its_help() {
        let metrics = Metrics::start();
        metrics::counter!("countersign_swept_total", "kind" => "of-a-test").increment(3);
        metrics::histogram!("countersign_store_seconds", "operation" => "of-a-test").record(0.0002);
        let text = metrics.render();
        for line in [
            "# TYPE countersign_swept_total counter",
            "countersign_swept_total{kind=\"of-a-test\"} 3",
            "countersign_store_seconds_bucket{operation=\"of-a-test\",le=\"0.00025\"} 1",
            "countersign_store_seconds_bucket{operation=\"of-a-test\",le=\"0.0001\"} 0",
            "# TYPE process_cpu_seconds_total counter",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(text.contains("# HELP countersign_swept_total entries that fell due"), "{text}");
    }
}
