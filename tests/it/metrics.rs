//! What is counted while customers sign in, and who may read it.

use std::collections::BTreeSet;

use countersign::telemetry::metrics::{Kind, METRICS};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

async fn scrape(broker: &Harness) -> String {
    let answer = broker.plain(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// The value of a series, written as Prometheus does.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

/// Names and labels of every series of ours.
fn series(text: &str) -> BTreeSet<(String, Vec<String>)> {
    let ours = text.lines().filter(|line| line.starts_with("countersign_"));
    ours.map(|line| {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name)
            .to_owned();
        let inside = rest.rsplit_once('}').map_or("", |(inside, _)| inside);
        let labels = inside.split("\",").filter_map(|pair| Some(pair.split_once('=')?.0.to_owned()));
        (name, labels.filter(|label| label != "le").collect())
    })
    .collect()
}

/// Metrics belong to the process, which other tests of this binary share: so they are compared with
/// what they were, and only ever expected to grow.
#[tokio::test]
async fn a_login_is_counted_and_measured_and_nothing_of_it_is_told() {
    let broker = Harness::start().await;
    let before = scrape(&broker).await;
    let link = broker.link("conv-metrics").await;
    let mut browser = Browser::new();
    let result = browser.sign_in(link["url"].as_str().unwrap()).await;
    broker.message("conv-metrics", "+15550100", &result.code().unwrap()).await;
    broker.plain(Method::GET, "/idp/eu/oauth/callback?state=x&code=y").send().await.unwrap();
    broker.plain(Method::GET, "/v1/contacts").send().await.unwrap();
    broker.plain(Method::from_bytes(b"BREW").unwrap(), "/no/such/path").send().await.unwrap();
    let after = scrape(&broker).await;

    for grown in [
        "countersign_events_total{type=\"auth.link_created\"}",
        "countersign_events_total{type=\"auth.provisional\"}",
        "countersign_events_total{type=\"auth.completed\"}",
        "countersign_events_total{type=\"contact.created\"}",
        "countersign_login_step_seconds_count{step=\"exchange\",outcome=\"ok\"}",
        "countersign_login_step_seconds_count{step=\"record\",outcome=\"ok\"}",
        "countersign_callbacks_refused_total{code=\"state_unknown\"}",
        "countersign_access_refused_total{error=\"token_missing\"}",
        "countersign_store_seconds_count{operation=\"commit_durable\"}",
        "countersign_store_seconds_count{operation=\"get\"}",
        "countersign_http_request_seconds_count{route=\"/a/{token}\",method=\"POST\",status=\"303\"}",
        "countersign_http_request_seconds_count{route=\"none\",method=\"other\",status=\"404\"}",
    ] {
        assert!(value(&after, grown) > value(&before, grown), "{grown} in {after}");
    }
    assert!(value(&after, "process_resident_memory_bytes") > 1e6);

    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap();
    for secret in
        [token, link["id"].as_str().unwrap(), "conv-metrics", "acme", "5550100", "billy", "127.0.0.1"]
    {
        assert!(!after.contains(secret), "`{secret}` stands in the metrics");
    }
}

#[tokio::test]
async fn every_series_is_one_of_the_table_with_its_labels() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    for (name, labels) in series(&scrape(&broker).await) {
        let known = METRICS.iter().find(|metric| metric.name == name);
        let known = known.unwrap_or_else(|| panic!("`{name}` is missing in METRICS"));
        assert_eq!(labels, known.labels, "{name}");
    }
}

#[tokio::test]
async fn only_the_operator_reads_metrics() {
    let broker = Harness::with(Choices::default()).await;
    for header in ["x-forwarded-for", "forwarded"] {
        for path in ["/metrics", "/version"] {
            let asked = broker.plain(Method::GET, path).header(header, "for=203.0.113.9");
            let answer = asked.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path} {header}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "no_such_path");
        }
    }
}

#[test]
fn the_table_of_the_docs_is_the_table_of_the_code() {
    let page = std::fs::read_to_string(format!("{}/docs/operations.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let documented: Vec<&str> = page.lines().filter(|line| line.starts_with("| `countersign_")).collect();
    let known: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
            let kind: Kind = metric.kind;
            format!("| `{}` | {} | {} | {} |", metric.name, kind.as_str(), labels.join(", "), metric.doc)
        })
        .collect();
    assert_eq!(documented, known);
}

#[tokio::test]
async fn where_operators_have_an_address_of_their_own_the_public_one_tells_nothing() {
    let main = Some("[ops]\nlisten = \"127.0.0.1:9\"\n".to_owned());
    let broker = Harness::with(Choices { main, ..Choices::default() }).await;
    for (path, status) in [("/metrics", 404), ("/version", 404), ("/livez", 200), ("/readyz", 200)] {
        let answer = broker.plain(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}
