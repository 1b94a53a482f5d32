//! What is counted, by whom, and what a crash or a race does to it.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use countersign::domain::fault::{Code, Fault, Step};
use countersign::domain::insight::{Funnel, Leg, ProviderTally};
use countersign::flow::insight::Period;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{fail, open, sign_in, two_tenants, url};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, eventually};

/// The counts of a day of the tenant `acme`, as the broker's pages have them.
async fn counts(broker: &Harness) -> ProviderTally {
    let broker = broker.broker();
    let tenant = broker.tenant_at("127.0.0.1").unwrap();
    broker.insight(&tenant, Period::Day).await.unwrap().tally.together()
}

fn funnel(sent: u64, opened: u64, signed_in: u64, verified: u64) -> Funnel {
    Funnel { sent, opened, signed_in, verified, declined: 0 }
}

#[tokio::test]
async fn a_link_is_counted_once_in_each_stage_however_often_it_is_opened() {
    let broker = open().await;
    broker.link("never-opened").await;
    let often = broker.link("opened-often").await;
    for _ in 0..3 {
        Browser::new().open(url(&often)).await;
    }
    sign_in(&broker, "signed-in").await;
    let counts = counts(&broker).await;
    assert_eq!(counts.funnel(), funnel(3, 2, 1, 1));
    assert_eq!(counts.attempts, 4);
    for leg in [Leg::Provider, Leg::Claim, Leg::Exchange, Leg::Whoami, Leg::Normalise] {
        assert_eq!(counts.times[&leg].count(), 1, "{leg:?}");
    }
    assert_eq!(counts.times[&Leg::Message].count(), 2, "each link once");
    assert!(counts.faults.is_empty() && !counts.times.contains_key(&Leg::Chat));
}

#[tokio::test]
async fn a_sign_in_that_waits_for_its_code_is_signed_in_and_verified_when_the_code_comes() {
    let broker = Harness::start().await;
    let (_, page) = sign_in(&broker, "conv-1").await;
    assert_eq!(counts(&broker).await.funnel(), funnel(1, 1, 1, 0));
    broker.clock.advance(Duration::from_secs(40));
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    let counts = counts(&broker).await;
    assert_eq!(counts.funnel(), funnel(1, 1, 1, 1));
    let waited = counts.times[&Leg::Chat].quantile(50).unwrap();
    assert!((37_000..=46_000).contains(&waited), "{waited}");
}

#[tokio::test]
async fn failures_are_counted_by_their_step_and_code() {
    let broker = open().await;
    fail(&broker, "conv-1").await;
    fail(&broker, "conv-2").await;
    broker.provider.script(Trick::Deny);
    sign_in(&broker, "conv-3").await;
    let counts = counts(&broker).await;
    let mut faults: Vec<_> = counts.faults().collect();
    faults.sort_by_key(|(_, count)| *count);
    assert_eq!(
        faults,
        [
            (Fault::new(Step::Verify, Code::AccessDenied), 1),
            (Fault::new(Step::Exchange, Code::InvalidClient), 2)
        ]
    );
    assert_eq!(counts.funnel(), funnel(3, 3, 0, 0));
}

#[tokio::test]
async fn a_sign_in_that_nobody_confirms_is_counted_as_lapsed_when_it_is_swept() {
    let broker = Harness::start().await;
    sign_in(&broker, "conv-1").await;
    broker.clock.advance(Duration::from_secs(301));
    broker.broker().sweep().await.unwrap();
    let lapsed = eventually("the lapse is counted", async || {
        counts(&broker).await.faults().next().map(|(fault, count)| (fault.code, count))
    });
    assert_eq!(lapsed.await, (Code::NotConfirmed, 1));
}

#[tokio::test]
async fn a_callback_that_the_settings_refuse_is_counted_and_one_that_anybody_can_make_is_not() {
    let broker = open().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let mut callback = browser.reach_callback(url(&link)).await;
    callback.set_path("/web/inbound/abc/oauth/redirect");
    assert_eq!(browser.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
    let reasons = |counts: &ProviderTally| counts.faults().map(|(fault, _)| fault.code).collect::<Vec<_>>();
    assert_eq!(reasons(&counts(&broker).await), [Code::RouteMismatch]);
    let link = broker.link("conv-2").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    let mut other = browser.clone();
    other.tamper(|_, value| Some(format!("{value}x")));
    for _ in 0..5 {
        assert_eq!(other.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
        broker.plain(Method::GET, "/idp/eu/oauth/callback?state=x&code=y").send().await.unwrap();
    }
    assert_eq!(reasons(&counts(&broker).await), [Code::RouteMismatch]);
}

#[tokio::test]
async fn figures_survive_a_stop_and_are_not_counted_twice() {
    let mut broker = open().await;
    sign_in(&broker, "conv-1").await;
    broker.broker().write_figures().await;
    broker.broker().write_figures().await;
    sign_in(&broker, "conv-2").await;
    broker.restart().await;
    let counts = counts(&broker).await;
    assert_eq!((counts.funnel(), counts.attempts), (funnel(2, 2, 2, 2), 2));
}

#[tokio::test]
async fn two_brokers_that_write_at_the_same_time_lose_nothing() {
    let broker = open().await;
    let (beside, token) = (broker.beside().await, broker.token().await);
    for number in 0..4 {
        broker.link(&format!("here-{number}")).await;
        let body = json!({"conversation": {"id": format!("there-{number}"), "channel": "webchat"}});
        let made = beside.api(&token, Method::POST, "/v1/auth-links", Some(body)).await;
        assert_eq!(made.0, StatusCode::CREATED);
    }
    let writing = broker.broker();
    tokio::join!(writing.write_figures(), beside.stop());
    assert_eq!(counts(&broker).await.funnel().sent, 8);
}

#[tokio::test]
async fn what_a_killed_broker_had_not_written_is_lost_and_nothing_else() {
    let mut broker = Harness::process(Choices { minimum: "none", ..Choices::default() }).await;
    broker.link("conv-1").await;
    broker.kill_and_start().await;
    broker.link("conv-2").await;
    let links = broker.get("/v1/auth-links?conversationId=conv-1").await;
    assert_eq!(links["items"].as_array().unwrap().len(), 1, "the link itself is safe");
}

#[tokio::test]
async fn figures_are_those_of_one_tenant() {
    let broker = two_tenants().await;
    broker.link("conv-1").await;
    broker.elsewhere("127.0.0.3").link("conv-1").await;
    broker.elsewhere("127.0.0.3").link("conv-2").await;
    assert_eq!(counts(&broker).await.funnel().sent, 1);
}

#[tokio::test]
async fn a_period_ends_now_and_older_hours_are_left_out() {
    let broker = open().await;
    broker.link("conv-1").await;
    broker.clock.advance(Duration::from_hours(25));
    broker.link("conv-2").await;
    let state = broker.broker();
    let tenant = state.tenant_at("127.0.0.1").unwrap();
    let mut sent = Vec::new();
    for period in Period::ALL {
        let insight = state.insight(&tenant, period).await.unwrap();
        assert!(insight.since <= broker.clock.now() && insight.has_links);
        sent.push(insight.tally.together().funnel().sent);
    }
    assert_eq!(sent, [1, 2, 2]);
}
