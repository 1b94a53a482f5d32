//! A store that fails while a sign-in goes back into the app that it came from.

use std::sync::Arc;

use countersign::domain::request::Route;
use countersign::flow::callback::{Arrival, Leads, parse_query};
use countersign::flow::native::SheetEnded;
use countersign::flow::open_link::LoginCookie;
use countersign::secret::Secret;
use serde_json::json;
use url::Url;

use super::messenger_world;
use super::world::{AppleWorld, BILLY};
use crate::harness::Harness;
use crate::harness::browser::Browser;
use crate::harness::mortal::{Mortal, flows};

/// The browser comes back to a broker whose store takes so many commits more: where it leads.
async fn arrive(broker: &mut Harness, browser: &Browser, callback: &Url, commits: usize) -> Leads {
    let cookies = browser.cookies(callback).into_iter();
    let cookies = cookies.map(|(name, value)| LoginCookie { name, value: Secret::new(value) }).collect();
    let params = parse_query(callback.query().unwrap()).unwrap();
    let route = Route::ALL.into_iter().find(|route| route.path() == callback.path()).unwrap();
    broker.stop().await;
    let (flows, tenant) = flows(broker, Mortal::open(broker, commits));
    let arrival = Arrival { route, provider: None, posted: false, params, cookies };
    Arc::new(flows).callback(&tenant, arrival).await.unwrap().leads
}

#[tokio::test]
async fn a_sign_in_that_could_not_be_written_down_goes_back_to_facebook_as_one_that_failed() {
    let mut world = messenger_world::start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, answer) = world.go_on("BILLY", &link).await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    let Leads::Away(away) = arrive(&mut world.broker, &view, &callback, 1).await else { panic!("nowhere") };
    let back: Url = away.location.expose().parse().unwrap();
    assert_eq!((back.host_str(), away.ended), (Some("www.facebook.com"), SheetEnded::Failure));
    assert!(!back.as_str().contains("authorization_code"), "{back}");
}

#[tokio::test]
async fn a_sheet_is_closed_as_a_failure_whatever_the_store_refuses() {
    for commits in [0, 1] {
        let mut world = AppleWorld::start("").await;
        let link = world.link("conv-1", &BILLY, json!({})).await;
        let mut opened = world.press(&BILLY, &link).await;
        let callback = opened.reach_callback("allow").await;
        let Leads::Away(away) = arrive(&mut world.broker, &opened.view, &callback, commits).await else {
            panic!("the sheet stays open")
        };
        assert_eq!(away.ended, SheetEnded::Failure, "{commits}");
    }
}
