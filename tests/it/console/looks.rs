//! Every page and state of the console, looked at closely: by axe-core, at every width, in the dark, from right to
//! left, and as pictures.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use reqwest::Method;
use serde_json::json;

use super::{decline, verified, waiting};
use crate::browser::inspector::Inspector;
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING};

const SNIPPETS: &str = r#"
[[snippet]]
id = "sign-in"
tag = "/auth"
text = { en = "Hi, please sign in at {provider}, so that we can look into your order: {link}", de = "Bitte hier anmelden: {link}" }
[[snippet]]
id = "odd-one"
text = { en = "Look at {link}." }
"#;

/// Looks at a page whose status is no success, of which the browser's console speaks.
async fn look_at_refusal(agent: &mut Inspector, broker: &Harness, path: &str, name: &str) {
    agent.browser.open(&format!("{}{path}", broker.origin)).await;
    agent.browser.see("h1").await;
    agent.look_at_refusal(name).await;
}

async fn furnished() -> Harness {
    let provider = format!("{MAPPING}\n[provider.enrich]\nemail = \"suggest\"");
    let choices = Choices { provider, tenant: SNIPPETS.to_owned(), simulator: true, ..Choices::default() };
    Harness::with(choices).await
}

#[tokio::test]
async fn the_lists_are_fit_to_be_seen() {
    let broker = furnished().await;
    let mut agent = Inspector::signed_in(&broker, Role::Agent).await;
    agent.look_at(&broker, "/console", "console-empty").await;
    agent.look_at(&broker, "/console/new", "console-new").await;
    look_at_refusal(&mut agent, &broker, "/console/new?id=&channel=&handle=", "console-new-faulty").await;
    broker.link("conv-sent").await;
    waiting(&broker, "conv-waiting").await;
    verified(&broker, "conv-verified").await;
    broker.link("conv-verified").await;
    let denied =
        broker.link("a-conversation-with-an-endlessly-long-id-of-the-platform-0123456789abcdef").await;
    let mut browser = Browser::new();
    let away = browser.open(denied["url"].as_str().unwrap()).await;
    let back = browser.sign_in_at_provider(&away.location(), "deny").await;
    browser.arrive(&back).await;
    agent.look_at(&broker, "/console", "console-lists").await;
    agent.look_at(&broker, "/console?filter=waiting", "console-waiting").await;
    for (sought, name) in [("conv", "console-found"), ("nobody", "console-found-nothing")] {
        agent.browser.open(&format!("{}/console", broker.origin)).await;
        agent.browser.fill("#q", sought).await;
        agent.browser.press(".console-search button").await;
        agent.browser.see("h1").await;
        agent.look(name).await;
    }
    look_at_refusal(&mut agent, &broker, "/console/conversations/nowhere", "console-unknown").await;
}

#[tokio::test]
async fn a_conversation_is_fit_to_be_seen_in_every_state() {
    let broker = furnished().await;
    let mut agent = Inspector::signed_in(&broker, Role::Agent).await;
    let page = "/console/conversations/conv-1";
    agent.look_at(&broker, &format!("{page}?channel=sms&handle=%2B15550100"), "conversation-new").await;
    let link = broker.link_with("conv-1", json!({"snippet": "sign-in"})).await;
    agent.look_at(&broker, page, "conversation-sent").await;
    agent.look_at(&broker, &format!("{page}?said=resent"), "conversation-said").await;
    agent.look_at(&broker, &format!("{page}/message?locale=de"), "conversation-other-words").await;
    broker.provider.script(Trick::TokenError);
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    agent.look_at(&broker, page, "conversation-failed").await;
    let code = Browser::new().sign_in(link["url"].as_str().unwrap()).await.code().unwrap();
    agent.look_at(&broker, page, "conversation-waits-for-code").await;
    agent.browser.fill("#code", "CS-12").await;
    agent.browser.press("#confirm button").await;
    agent.browser.see("#code-fault").await;
    agent.browser.console().await;
    agent.look("conversation-wrong-code").await;
    agent.look_at(&broker, "/console/simulator/conv-1", "simulator-at-work").await;
    broker.message("conv-1", "+15550100", &code).await;
    let contact = broker.contacts().await.remove(0);
    let path = format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    broker
        .api(Method::PATCH, &path, Some(json!({"email": "typed@example.com", "fields": {"tier": "gold"}})))
        .await;
    agent.look_at(&broker, page, "conversation-verified").await;
    agent.look_at(&broker, &format!("{page}?channel=sms&handle=%2B15550199"), "conversation-elsewhere").await;
    let declined = broker.link("conv-2").await;
    let mut browser = Browser::new();
    decline(&mut browser, declined["url"].as_str().unwrap()).await;
    agent.look_at(&broker, "/console/conversations/conv-2", "conversation-declined").await;
    agent
        .browser
        .open(&format!("{}/console/conversations/conv-3?channel=sms&handle=%2B15550100", broker.origin))
        .await;
    broker.link("conv-3").await;
    agent.browser.press("#send-form button").await;
    agent.browser.see("#send [role=alert]").await;
    agent.look_at_refusal("conversation-overtaken").await;
    broker.clock.advance(Duration::from_mins(16));
    agent.look_at(&broker, "/console/conversations/conv-3", "conversation-expired").await;
}

#[tokio::test]
async fn what_is_not_proved_and_what_is_off_are_fit_to_be_seen() {
    let broker = Harness::minimum("none").await;
    let mut agent = Inspector::signed_in(&broker, Role::Agent).await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    agent.look_at(&broker, "/console/conversations/conv-1", "conversation-unproved").await;
    look_at_refusal(&mut agent, &broker, "/console/simulator/conv-1", "simulator-off").await;
    for number in 0..5 {
        let link = broker.link(&format!("conv-down-{number}")).await;
        broker.provider.script(Trick::TokenError);
        Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    }
    agent.look_at(&broker, "/console/conversations/conv-1?said=ended", "conversation-trouble").await;
}
