//! An agent's morning, in a real browser: with scripts, where the page changes by itself, and without.

use countersign::domain::staff::Role;
use rstest::rstest;
use serde_json::json;
use thirtyfour::prelude::*;

use super::{verified, waiting};
use crate::browser::{Chromium, Scripts};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

/// The text of the badge of the newest sign-in.
const STATE: &str = "#sign-in-state";

/// An agent whose browser is signed in.
async fn desk(scripts: Scripts) -> (Harness, Chromium) {
    let broker = Harness::with(Choices { simulator: true, ..Choices::default() }).await;
    let browser = Chromium::start(scripts).await;
    browser.hold_staff(&broker, Role::Agent).await;
    browser.open(&format!("{}/console", broker.origin)).await;
    (broker, browser)
}

/// Waits until an element says something; without scripts the agent loads the page again, but only once the element
/// is there: loading again sooner would take back a form that is being sent. An element that is being replaced says
/// nothing for a moment.
async fn says(browser: &Chromium, scripts: Scripts, css: &str, text: &str) {
    browser.see(css).await;
    for _ in 0..200 {
        if said(browser, css).await.contains(text) {
            return;
        }
        match scripts {
            Scripts::On => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            Scripts::Off => browser.driver().refresh().await.unwrap(),
        }
    }
    panic!("`{css}` never says `{text}`, but: {}", said(browser, css).await);
}

/// What an element says now, also where it is not in sight.
async fn said(browser: &Chromium, css: &str) -> String {
    let Ok(element) = browser.driver().find(By::Css(css)).await else { return String::new() };
    element.prop("textContent").await.ok().flatten().unwrap_or_default()
}

async fn choose(browser: &Chromium, css: &str, value: &str) {
    browser.press(&format!("{css} option[value='{value}']")).await;
}

#[rstest]
#[case::with_scripts(Scripts::On)]
#[case::without_scripts(Scripts::Off)]
#[tokio::test]
async fn an_agents_morning(#[case] scripts: Scripts) {
    let (broker, browser) = desk(scripts).await;
    // The first customer: the platform opens no conversation by itself.
    browser.press("a.primary[href='/console/new']").await;
    browser.fill("#id", "chat-1").await;
    choose(&browser, "#channel", "sms").await;
    browser.fill("#handle", "+15550100").await;
    browser.press("main form button.primary").await;
    assert!(browser.text("#identity").await.contains("Not verified"));
    assert!(browser.text(".console-draft").await.contains("Please sign in to Acme Bank"));

    // Two keys: the access key leads to the button, Enter presses it.
    let body = browser.see("body").await;
    body.send_keys(Key::Alt + "s").await.unwrap();
    browser.see("#send-now:focus").await.send_keys(Key::Enter).await.unwrap();
    says(&browser, scripts, STATE, "Sent, not opened").await;

    // The customer opens the link and signs in; the page follows.
    let message = browser.text("#message").await;
    let url = message.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
    let mut customer = Browser::new();
    let away = customer.open(&url).await;
    says(&browser, scripts, STATE, "At the provider").await;
    let callback = customer.sign_in_at_provider(&away.location(), "allow").await;
    let code = customer.arrive(&callback).await.code().unwrap();
    says(&browser, scripts, STATE, "Waiting for the code").await;

    // The customer has written the code into the chat; the agent passes it, at first with a slip.
    browser.fill("#code", "CS-12").await;
    browser.press("#confirm button").await;
    assert!(browser.text("#code-fault").await.contains("That is no code"));
    if scripts == Scripts::On {
        // The fault has the focus, as soon as the page's script has run.
        browser.see("#code:focus").await;
    }
    browser.see("#code").await.clear().await.unwrap();
    browser.fill("#code", &code).await;
    browser.press("#confirm button").await;
    browser.see(".console-identity.is-verified").await;
    assert!(browser.text("#identity").await.contains("Billy Bob"));
    assert!(browser.text("#contact").await.contains("billy.bob@example.com"));

    // The second one: a bot has sent the sign-in, and the list shows it.
    browser.open(&format!("{}/console", broker.origin)).await;
    let second = broker.link("chat-2").await;
    says(&browser, scripts, "#live-board", "chat-2").await;
    browser.press("a[href='/console/conversations/chat-2']").await;
    browser.press("form[action$='/cancel'] button").await;
    assert!(browser.text("p[role=status]").await.contains("taken back"));
    assert_eq!(broker.status(&second).await["status"], "cancelled");

    // The first one has gone: the verification is ended.
    browser.open(&format!("{}/console?filter=verified", broker.origin)).await;
    browser.press(".console-row").await;
    browser.press("form[action$='/end'] button").await;
    browser.see(".console-identity.is-unverified").await;
    assert_eq!(broker.get("/v1/conversations/chat-1").await["verified"], false);
    let faults = browser.console().await;
    assert!(faults.iter().all(|line| line.contains("422")), "{faults:?}");
}

#[tokio::test]
async fn what_is_typed_stays_while_the_page_changes() {
    let (broker, browser) = desk(Scripts::On).await;
    let (link, _) = waiting(&broker, "conv-1").await;
    browser.open(&format!("{}/console/conversations/conv-1", broker.origin)).await;
    browser.fill("#code", "CS-1").await;
    // Somebody opens the link once more, which changes the page.
    Browser::new().open(link["url"].as_str().unwrap()).await;
    broker.link("conv-9").await;
    says(&browser, Scripts::On, "#live-side", "conv-9").await;
    let field = browser.see("#code").await;
    assert_eq!(field.prop("value").await.unwrap().as_deref(), Some("CS-1"));
    browser.see("#code:focus").await;
}

#[tokio::test]
async fn another_language_is_shown_without_loading_the_page() {
    let (broker, browser) = desk(Scripts::On).await;
    broker.link("conv-1").await;
    browser.open(&format!("{}/console/conversations/conv-1", broker.origin)).await;
    choose(&browser, "#locale", "de").await;
    says(&browser, Scripts::On, ".console-draft", "Bitte melden Sie sich").await;
    browser.press("#send-now").await;
    says(&browser, Scripts::On, "#message", "Bitte melden Sie sich").await;
    assert!(browser.console().await.is_empty());
}

#[tokio::test]
async fn a_lost_connection_is_shown_and_resumed_without_a_gap() {
    let (mut broker, browser) = desk(Scripts::On).await;
    broker.link("conv-1").await;
    says(&browser, Scripts::On, "#live-board", "conv-1").await;
    let note = "[data-live-state]";
    assert!(!browser.see(note).await.is_displayed().await.unwrap());
    broker.stop().await;
    for _ in 0..300 {
        if browser.see(note).await.is_displayed().await.unwrap() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(browser.text(note).await.contains("The connection is lost"));
    broker.restart().await;
    broker.link("conv-2").await;
    says(&browser, Scripts::On, "#live-board", "conv-2").await;
    assert!(!browser.see(note).await.is_displayed().await.unwrap(), "it is there again");
}

#[tokio::test]
async fn who_is_signed_out_while_the_page_stands_open_is_led_away() {
    let (broker, browser) = desk(Scripts::On).await;
    verified(&broker, "conv-1").await;
    browser.open(&format!("{}/console/conversations/conv-1", broker.origin)).await;
    browser.see(".console-identity.is-verified").await;
    broker.clock.advance(std::time::Duration::from_mins(61));
    for _ in 0..300 {
        if browser.url().await.path() == "/signin" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the page still stands at {}", browser.url().await);
}

#[tokio::test]
async fn who_is_signed_out_while_the_connection_is_lost_is_led_away_too() {
    let (mut broker, browser) = desk(Scripts::On).await;
    browser.see("#live-board").await;
    broker.stop().await;
    broker.clock.advance(std::time::Duration::from_mins(61));
    broker.restart().await;
    for _ in 0..600 {
        if browser.url().await.path() == "/signin" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the page still stands at {}", browser.url().await);
}

#[tokio::test]
async fn a_customer_is_played_in_the_simulator() {
    let (broker, browser) = desk(Scripts::On).await;
    let link = broker.link("conv-1").await;
    browser.open(&format!("{}/console/conversations/conv-1", broker.origin)).await;
    browser.press("a[href='/console/simulator/conv-1']").await;
    let url = browser.see("#live-chat a").await.attr("href").await.unwrap().unwrap();
    assert_eq!(json!(url), link["url"]);
    let code = Browser::new().sign_in(&url).await.code().unwrap();
    says(&browser, Scripts::On, "#live-chat", "If the page shows a code").await;
    browser.fill("#text", &code).await;
    browser.press(".console-compose button").await;
    says(&browser, Scripts::On, "#live-chat", "knows who you are").await;
}
