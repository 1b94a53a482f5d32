//! What a browser does beside the straight path: back, reload, second thoughts; and what it says.

use serde_json::json;

use super::{CONFIRM, CONTINUE, END, Setup, World};

#[tokio::test]
async fn back_and_reload_harm_nothing_and_the_address_bar_keeps_no_secret() {
    let world = World::start(Setup::oauth2("code")).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.sign_in().await;
    let code = world.browser.code().await;
    let bar = world.browser.url().await;
    assert_eq!(bar.query(), None);
    assert_eq!(bar.origin().ascii_serialization(), world.broker.origin);
    let requests = world.browser.requests().await;
    let callback =
        requests.iter().find(|url| url.path() == "/idp/eu/oauth/callback").expect("the browser came back");
    for (name, value) in callback.query_pairs() {
        assert!(!bar.as_str().contains(&*value), "{name} stays in the address bar");
    }

    world.browser.driver().refresh().await.unwrap();
    assert_eq!(world.browser.code().await, code, "after a reload");
    // Back is the provider's consent page, which the browser may not show again: it was a POST.
    let _ = world.browser.driver().back().await;
    assert_ne!(world.browser.url().await, bar);
    let _ = world.browser.driver().forward().await;
    assert_eq!(world.browser.code().await, code, "after back and forward");
    world.browser.open(callback.as_str()).await;
    assert_eq!(world.browser.code().await, code, "after the callback was loaded again");
    assert_eq!(world.browser.url().await.query(), None);

    assert_eq!(world.exchanges(), 1, "the provider was asked once");
    let answer = world.broker.message("conv-1", "+15550100", &code).await;
    assert_eq!(answer, json!({"matched": true, "authLinkId": link["id"]}));
    world.browser.driver().refresh().await.unwrap();
    world.browser.see(".mood.good").await;
    assert_eq!(world.broker.contacts().await.len(), 1);
}

#[tokio::test]
async fn a_customer_who_goes_back_to_the_landing_page_may_go_on_from_there() {
    let world = World::start(Setup::oauth2("none")).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.browser.see("#sign-in").await;
    world.browser.driver().back().await.unwrap();
    world.browser.press(CONTINUE).await;
    world.sign_in().await;
    world.browser.see(".mood.good").await;
    assert_eq!(world.broker.status(&link).await["status"], "completed");
    assert_eq!(world.exchanges(), 1);
}

#[tokio::test]
async fn this_wasnt_me_asks_once_more_and_ends_the_link() {
    let world = World::start(Setup::oauth2("code")).await;
    let link = world.broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    world.browser.open(url).await;
    world.browser.press(".doubt button").await;
    world.browser.see("input[name=confirm]").await;
    assert_eq!(world.broker.status(&link).await["status"], "created", "the first press only asks");
    world.browser.press("a.second").await;
    world.browser.press(".doubt button").await;
    world.browser.press(CONFIRM).await;
    assert_eq!(world.browser.text(END).await, "This sign-in was stopped");
    let status = world.broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("cancelled"), &json!("declined")));
    world.browser.open(url).await;
    assert_eq!(world.browser.text(END).await, "This link was taken back");
    assert_eq!(world.provider.asked("GET /auth"), 0);
}

#[tokio::test]
async fn customer_pages_ask_nobody_else_and_keep_their_own_policy() {
    let world = World::start(Setup::oauth2("code")).await;
    let link = world.broker.link("conv-1").await;
    world.browser.open(link["url"].as_str().unwrap()).await;
    world.browser.press(".doubt button").await;
    world.browser.press("a.second").await;
    world.browser.press(CONTINUE).await;
    world.sign_in().await;
    let code = world.browser.code().await;
    world.broker.message("conv-1", "+15550100", &code).await;
    world.browser.driver().refresh().await.unwrap();
    world.browser.see(".mood.good").await;

    let requests = world.browser.requests().await;
    let origins: std::collections::BTreeSet<_> =
        requests.iter().map(|url| url.origin().ascii_serialization()).collect();
    let known = [world.broker.origin.clone(), world.provider.origin.clone()].into();
    assert_eq!(origins, known, "{requests:?}");
    assert!(requests.iter().any(|url| url.path().starts_with("/assets/page-")), "the stylesheet was loaded");
    let said = world.browser.console().await;
    let ours: Vec<_> = said.iter().filter(|line| !line.contains(&world.provider.origin)).collect();
    assert!(ours.is_empty(), "{ours:?}");

    // The same log would have told: a style of its own is against the page's policy.
    let offend = "document.head.append(Object.assign(document.createElement('style'), {textContent: 'p{}'}))";
    world.browser.driver().execute(offend, vec![]).await.unwrap();
    let said = world.browser.console().await.join("\n");
    assert!(said.contains("Content Security Policy"), "{said}");
}
