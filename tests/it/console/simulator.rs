//! The chat simulator: off unless a setting says otherwise; then a customer's side of the chat.

use reqwest::StatusCode;

use super::{audit, part, plain, start, with};
use crate::harness::Choices;
use crate::harness::browser::Browser;

const PAGE: &str = "/console/simulator/conv-1";

fn on() -> Choices {
    Choices { simulator: true, ..Choices::default() }
}

#[tokio::test]
async fn it_is_off_unless_the_settings_say_otherwise() {
    let (broker, mut agent) = start().await;
    broker.link("conv-1").await;
    let page = agent.get(PAGE).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(plain(&page.html).contains("simulator = true"), "{}", page.html);
    let page = agent.post(&format!("{PAGE}/message"), &[("text", "CS-123456")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(!agent.text("/console/conversations/conv-1").await.contains("simulator"));
}

#[tokio::test]
async fn a_customer_is_played_to_the_end() {
    let (broker, mut agent) = with(on()).await;
    let link = broker.link("conv-1").await;
    assert!(agent.text("/console/conversations/conv-1").await.contains(&format!("href=\"{PAGE}\"")));
    let page = agent.get(PAGE).await;
    let url = link["url"].as_str().unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains(&format!("<a href=\"{url}\" target=\"_blank\" rel=\"noopener noreferrer\">")));
    assert!(page.html.contains("you play both sides"));
    let send = format!("{PAGE}/message");
    let page = agent.post(&send, &[("text", "Hello?")]).await;
    assert!(agent.follow(page).await.html.contains("no code that anything waits for"));
    assert!(audit(&broker, "auth_link.code_passed").await.is_empty(), "a greeting is no code");

    let code = Browser::new().sign_in(url).await.code().unwrap();
    assert!(part(&agent.text(PAGE).await, "live-chat").contains("If the page shows a code"));
    let wrong = format!("CS-{:06}", (code[3..].parse::<u32>().unwrap() + 1) % 1_000_000);
    let page = agent.post(&send, &[("text", &wrong)]).await;
    assert!(agent.follow(page).await.html.contains("was not the code"));
    let page = agent.post(&send, &[("text", &format!("here it is: {code}"))]).await;
    let page = agent.follow(page).await;
    assert!(page.html.contains("The code was right"), "{}", page.html);
    assert!(
        part(&page.html, "live-chat").contains("knows who you are")
            && page.html.contains(&format!("<s>{url}</s>"))
    );
    assert_eq!(broker.status(&link).await["status"], "completed");
    let passed = audit(&broker, "auth_link.code_passed").await;
    assert_eq!(passed.len(), 2);
    assert_eq!(passed[0].1["detail"], "in the chat simulator", "who plays the customer is known");
}

#[tokio::test]
async fn a_conversation_that_is_not_there_has_no_chat() {
    let (_broker, mut agent) = with(on()).await;
    assert_eq!(agent.get(PAGE).await.status, StatusCode::NOT_FOUND);
    let page = agent.post(&format!("{PAGE}/message"), &[("text", "CS-123456")]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
