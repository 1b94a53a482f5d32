//! The real program, killed between any two steps of a login and started again on the same files:
//! what it acknowledged is there, a record is whole or not there at all, and the link still works.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use countersign::cli::demo::provider::Trick;

use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness, http_client};

async fn broker(minimum: &'static str) -> (Harness, Value) {
    let broker = Harness::process(Choices { minimum, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    (broker, link)
}

fn url(link: &Value) -> &str {
    link["url"].as_str().unwrap()
}

/// Every record that the login has written agrees with every other one, and there is at most one
/// of each. Returns whether it is complete.
async fn assert_whole(broker: &Harness, link: &Value) -> bool {
    let now = broker.status(link).await;
    let contacts = broker.contacts().await;
    let types = broker.event_types().await;
    let conversation = broker.get("/v1/conversations/conv-1").await;
    let count = |kind: &str| types.iter().filter(|event| *event == kind).count();
    let complete = now["status"] == "completed";
    let one = usize::from(complete);
    assert_eq!((count("auth.link_created"), count("auth.completed")), (1, one), "{types:?}");
    assert_eq!((count("contact.created"), contacts.len()), (one, one), "{types:?}");
    assert_eq!(conversation["verified"], complete, "{conversation}");
    assert_eq!(now.get("profile").is_some(), complete, "{now}");
    if complete {
        assert_eq!(contacts[0]["id"], now["contactId"]);
        assert_eq!(conversation["contactId"], now["contactId"]);
        assert_eq!(contacts[0]["identities"].as_array().unwrap().len(), 1);
        assert!(contacts[0]["customerNumber"].as_str().unwrap().starts_with("CUST-"), "a number may be lost");
        let found = broker.get("/v1/contacts?email=billy.bob@example.com").await;
        assert_eq!(found["items"][0]["id"], now["contactId"], "the index was written with it");
    }
    complete
}

/// The link, opened by a fresh browser, ends in one contact with the chat's proof.
async fn assert_can_be_completed(broker: &Harness, link: &Value) {
    let page = Browser::new().sign_in(url(link)).await;
    let code = page.code().unwrap_or_else(|| panic!("no code in {}", page.html));
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    assert!(assert_whole(broker, link).await);
}

/// Brings a callback whose answer nobody will read, until the provider was asked at `calls`.
async fn pending(broker: &Harness, browser: &Browser, callback: &Url, calls: (u64, u64)) {
    let jar = browser.cookies(callback).into_iter().map(|(name, value)| format!("{name}={value}"));
    let request = http_client().get(callback.clone()).header("cookie", jar.collect::<Vec<_>>().join("; "));
    tokio::spawn(request.send());
    loop {
        let seen = broker.provider.counters();
        if (seen.token, seen.whoami) == calls {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn killed_after_create_and_after_open_the_same_browser_goes_on() {
    let (mut broker, link) = broker("code").await;
    broker.kill_and_start().await;
    assert_eq!(broker.status(&link).await["status"], "created");
    assert!(!assert_whole(&broker, &link).await);
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    broker.kill_and_start().await;
    assert_eq!(broker.status(&link).await["status"], "opened");
    let page = browser.arrive(&callback).await;
    let code = page.code().expect("state and cookie are still known");
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    assert!(assert_whole(&broker, &link).await);
}

#[rstest::rstest]
#[case::while_the_token_is_awaited(Trick::TokenHang, (1, 0))]
#[case::while_the_person_is_awaited(Trick::WhoamiHang, (1, 1))]
#[tokio::test]
async fn killed_at_the_provider_nothing_is_half_done_and_the_link_works_again(
    #[case] trick: Trick,
    #[case] calls: (u64, u64),
) {
    let (mut broker, link) = broker("code").await;
    broker.provider.script(trick);
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    pending(&broker, &browser, &callback, calls).await;
    broker.kill_and_start().await;
    assert!(!assert_whole(&broker, &link).await);
    // The claim is spent: the code is not sent a second time.
    let page = browser.arrive(&callback).await;
    assert_eq!(
        (page.status, page.code()),
        (StatusCode::OK, None),
        "it reads as still at work: {}",
        page.html
    );
    assert_eq!(broker.provider.counters().token, 1);
    assert_can_be_completed(&broker, &link).await;
}

#[tokio::test]
async fn killed_after_the_provisional_page_its_code_still_counts() {
    let (mut broker, link) = broker("code").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    let page: Page = browser.arrive(&callback).await;
    let code = page.code().unwrap();
    broker.kill_and_start().await;
    assert!(!assert_whole(&broker, &link).await);
    assert_eq!(browser.get(&page.url).await.code().as_deref(), Some(&*code), "a reload shows the same code");
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
    assert!(assert_whole(&broker, &link).await);
}

#[tokio::test]
async fn killed_right_after_the_answer_everything_that_was_acknowledged_is_there() {
    let (mut broker, link) = broker("code").await;
    let page = Browser::new().sign_in(url(&link)).await;
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], true);
    broker.kill_and_start().await;
    assert!(assert_whole(&broker, &link).await);
    assert_eq!(Browser::new().get(&url(&link).parse().unwrap()).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn killed_while_the_last_batch_is_written_a_login_is_complete_or_not_there() {
    for wait in [0, 1, 2, 3, 5, 8, 13] {
        let (mut broker, link) = broker("none").await;
        let mut browser = Browser::new();
        let callback = browser.reach_callback(url(&link)).await;
        pending(&broker, &browser, &callback, (1, 1)).await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        broker.kill_and_start().await;
        if !assert_whole(&broker, &link).await {
            browser.sign_in(url(&link)).await;
            assert!(assert_whole(&broker, &link).await, "the link can be completed after {wait} ms");
        }
    }
}
