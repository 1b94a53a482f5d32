//! What a customer can forward of a sign-in in Apple Messages: Mallory has a chat with the business, and wants Billy to
//! sign in for it. Her phone does whatever she likes: it can open any page in the sheet, also one of hers that closes it
//! with a success.

use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use super::messages_app::Page;
use super::world::{AppleWorld, BUSINESS, MALLORY, is_success, location};
use crate::harness::browser::Browser;

/// What a page of her own makes the sheet say.
const HERS: Page = Page::Closed { status: "success", error_code: None };

/// Nobody was verified in Mallory's chat, and nobody learnt who Billy is.
async fn assert_unverified(world: &AppleWorld) {
    assert!(world.broker.contacts().await.is_empty());
    assert_eq!(world.broker.get("/v1/conversations/conv-mallory").await["verified"], false);
}

/// What is known of the callback to whoever sent its page away: everything but the provider's answer.
fn without_the_code(callback: &Url) -> Url {
    let pairs: Vec<_> = callback.query_pairs().filter(|(name, _)| name != "code").collect();
    let mut known = callback.clone();
    known.query_pairs_mut().clear().extend_pairs(pairs).append_pair("code", "a-guess");
    known
}

async fn replies(world: &AppleWorld, sheet: &super::messages_app::Sheet, page: &Page) -> Value {
    let (status, answer) = world.post(&MALLORY.reply(BUSINESS, sheet, page)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["items"][0]["matched"].clone()
}

#[tokio::test]
async fn the_providers_page_copied_out_of_a_sheet_verifies_nobody_whatever_the_sheet_says() {
    for settings in ["", "proof = \"status\""] {
        let world = AppleWorld::start(settings).await;
        let link = world.link("conv-mallory", &MALLORY, json!({})).await;
        let mallory = world.press(&MALLORY, &link).await;
        let mut billy = Browser::new();
        let back = billy.sign_in_at_provider(&mallory.answer.location(), "allow").await;
        // Billy came without the sheet's cookie: he is shown a code, and nobody else is.
        let code = billy.arrive(&back).await.code().expect("a page with a code");
        let mut sheet = mallory.view.clone();
        let page = sheet.get(&without_the_code(&back)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.html);
        for number in [None, Some(0), Some(1)] {
            let page = Page::Closed { status: "success", error_code: number };
            assert_eq!(replies(&world, &mallory.sheet, &page).await, false);
        }
        assert_eq!(
            replies(&world, &mallory.sheet, &Page::Closed { status: "cancel", error_code: None }).await,
            false
        );
        assert_eq!(world.status(&link).await["status"], "provisional", "the code is still waited for");
        assert_unverified(&world).await;
        // Whoever gives the code away has been warned: that is the proof of every chat.
        let path = format!("/v1/auth-links/{}/confirm", link["id"].as_str().unwrap());
        world.broker.post(&path, json!({"code": code})).await;
        assert_eq!(world.status(&link).await["binding"]["reached"], "code");
    }
}

#[tokio::test]
async fn our_own_page_forwarded_before_it_was_opened_verifies_nobody() {
    for guess in [None, Some(0), Some(1), Some(-1)] {
        let world = AppleWorld::start("").await;
        let link = world.link("conv-mallory", &MALLORY, json!({})).await;
        let sheet =
            MALLORY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
        let mut billy = Browser::new();
        let authorize = billy.get(&sheet.url).await.location();
        let back = billy.sign_in_at_provider(&authorize, "allow").await;
        let told = sheet.follow(&location(&billy.get(&back).await));
        assert!(is_success(&told), "Billy's browser holds the cookie and the number: {told:?}");
        assert_eq!(
            replies(&world, &sheet, &Page::Closed { status: "success", error_code: guess }).await,
            false
        );
        let status = world.status(&link).await;
        assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("someone_else")));
        // One guess is all that there is.
        assert_eq!(replies(&world, &sheet, &told).await, false);
        assert_unverified(&world).await;
    }
}

#[tokio::test]
async fn the_word_alone_is_taken_where_the_tenant_says_so() {
    // What `proof = "status"` gives away stands in docs/apple.md.
    let world = AppleWorld::start("proof = \"status\"").await;
    let link = world.link("conv-mallory", &MALLORY, json!({})).await;
    let (opened, page) = world.sign_in(&MALLORY, &link).await;
    assert_eq!(page, HERS, "no number is told");
    assert_eq!(replies(&world, &opened.sheet, &HERS).await, true);
    assert_eq!(world.status(&link).await["binding"]["reached"], "native");
}

#[tokio::test]
async fn where_only_apples_word_counts_another_browser_is_refused_before_anything_is_claimed() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-mallory", &MALLORY, json!({"binding": {"minimum": "native"}})).await;
    let mut mallory = world.press(&MALLORY, &link).await;
    let mut billy = Browser::new();
    let back = billy.sign_in_at_provider(&mallory.answer.location(), "allow").await;
    assert_eq!(billy.get(&back).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.broker.provider.counters().token, 0);
    assert_eq!(replies(&world, &mallory.sheet, &HERS).await, false);
    assert_unverified(&world).await;
    // Nothing was spent: the sheet may still sign in itself.
    let page = mallory.sign_in("allow").await;
    assert!(is_success(&page), "{page:?}");
}

#[tokio::test]
async fn our_own_page_opened_elsewhere_leaves_nothing_for_the_sheet() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-mallory", &MALLORY, json!({})).await;
    let mut billy = Browser::new();
    let sheet =
        MALLORY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    billy.get(&sheet.url).await;
    let hers = world.press(&MALLORY, &link).await;
    assert_eq!(location(&hers.answer), "messages-auth://?status=failure", "the message is used");
    replies(&world, &hers.sheet, &Page::Closed { status: "failure", error_code: None }).await;
    assert_eq!(world.status(&link).await["status"], "failed");
    assert_unverified(&world).await;
}
