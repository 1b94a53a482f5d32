//! One conversation: who is verified there, how its sign-in stands, with the reason in words, and what can be done.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use reqwest::StatusCode;
use serde_json::json;

use super::{audit, decline, hidden, part, start, verified, waiting, with};
use crate::harness::Choices;
use crate::harness::browser::Browser;

const PAGE: &str = "/console/conversations/conv-1";

fn action(verb: &str) -> String {
    format!("{PAGE}/{verb}")
}

#[tokio::test]
async fn a_conversation_that_nobody_knows_is_not_there_until_its_place_is_said() {
    let (_broker, mut agent) = start().await;
    let page = agent.get(PAGE).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        page.html.contains("No sign-in was sent here yet") && page.html.contains("href=\"/console/new\"")
    );
    let page = agent.text(&format!("{PAGE}?channel=sms&handle=%2B15550100")).await;
    assert!(part(&page, "identity").starts_with("Not verified"), "{page}");
    assert!(page.contains("id=\"send-now\"") && page.contains("+1•••00") && !page.contains(">+15550100<"));
    assert_eq!(agent.get("/console/conversations/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_sign_in_is_told_from_sent_to_verified() {
    let (broker, mut agent) = start().await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    let page = agent.text(PAGE).await;
    assert!(part(&page, "sign-in-state").contains("Sent, not opened"));
    assert!(part(&page, "sign-in").contains("Sent by the bot acme-bot"));
    assert!(part(&page, "message").contains(url), "what belongs into the chat");
    assert!(part(&page, "sign-in").contains("The link can be opened until"));

    let mut browser = Browser::new();
    let away = browser.open(url).await;
    assert!(part(&agent.text(PAGE).await, "sign-in-state").contains("At the provider"));

    let callback = browser.sign_in_at_provider(&away.location(), "allow").await;
    let code = browser.arrive(&callback).await.code().unwrap();
    let page = agent.text(PAGE).await;
    assert!(part(&page, "sign-in-state").contains("Waiting for the code"));
    assert!(part(&page, "sign-in").contains("The code is good until") && page.contains("name=\"code\""));
    assert!(part(&page, "identity").starts_with("Not verified"), "nobody is believed yet");
    assert!(!page.contains("Billy") && !page.contains("id=\"contact\""));

    broker.message("conv-1", "+15550100", &code).await;
    let page = agent.text(PAGE).await;
    let identity = part(&page, "identity");
    assert!(
        identity.starts_with("Verified Acme online banking says it is Billy Bob CUST-000001"),
        "{identity}"
    );
    assert!(identity.contains("The code of the sign-in page came in this chat"));
    assert!(identity.contains("Since") && identity.contains("Until"));
    assert!(part(&page, "sign-in").contains("Signed in and proved") && !page.contains("id=\"message\""));
    assert!(part(&page, "contact").contains("billy.bob@example.com"));
}

#[tokio::test]
async fn who_reads_a_contact_stands_in_the_audit() {
    let (broker, mut agent) = start().await;
    broker.link("conv-1").await;
    agent.text(PAGE).await;
    assert!(audit(&broker, "contact.read").await.is_empty(), "nobody was told of");
    verified(&broker, "conv-1").await;
    agent.text(PAGE).await;
    let contact = broker.contacts().await.remove(0);
    for (action, id) in [("contact.read", &contact["id"]), ("conversation.read", &contact["id"])] {
        let entries = audit(&broker, action).await;
        assert_eq!(entries.len(), 1, "{action}");
        assert!(entries[0].0.starts_with("staff:st_"), "{action}: {}", entries[0].0);
        assert!(entries[0].1["object"] == *id || entries[0].1["ids"][0] == *id, "{action}: {}", entries[0].1);
    }
}

#[tokio::test]
async fn the_agent_may_pass_the_code_where_no_platform_does() {
    let (broker, mut agent) = start().await;
    let (link, code) = waiting(&broker, "conv-1").await;
    let id = link["id"].as_str().unwrap();
    let wrong = format!("CS-{:06}", (code[3..].parse::<u32>().unwrap() + 1) % 1_000_000);
    for (typed, says) in
        [("hello", "That is no code"), (wrong.as_str(), "That is not the code. 4 more tries are left.")]
    {
        let page = agent.post(&action("confirm"), &[("link", id), ("code", typed)]).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(part(&page.html, "code-fault").contains(says), "{typed}: {}", page.html);
        assert!(page.html.contains(&format!("value=\"{typed}\" aria-invalid=\"true\" data-focus")));
    }
    let page = agent.post(&action("confirm"), &[("link", id), ("code", &code.to_lowercase())]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.html);
    let page = agent.follow(page).await;
    assert!(part(&page.html, "identity").contains("Billy Bob") && page.html.contains("The code is right"));
    let passed = audit(&broker, "auth_link.code_passed").await;
    assert_eq!(passed.len(), 2, "each code, and not what is none");
    assert!(
        passed.iter().all(|(actor, entry)| actor.starts_with("staff:st_") && entry["object"] == link["id"])
    );
    let page = agent.post(&action("confirm"), &[("link", id), ("code", &code)]).await;
    assert!(agent.follow(page).await.html.contains("had completed already"), "once");
}

#[tokio::test]
async fn after_five_wrong_codes_the_page_says_that_it_is_over() {
    let (broker, mut agent) = start().await;
    let (link, code) = waiting(&broker, "conv-1").await;
    let digits: u32 = code[3..].parse().unwrap();
    for number in 1..=5 {
        let wrong = format!("{:06}", (digits + number) % 1_000_000);
        let fields = [("link", link["id"].as_str().unwrap()), ("code", &wrong)];
        let page = agent.post(&action("confirm"), &fields).await;
        match number {
            4 => assert!(page.html.contains("One more try is left")),
            5 => assert!(agent.follow(page).await.html.contains("That was the last try")),
            _ => assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY),
        }
    }
    let page = agent.text(PAGE).await;
    assert!(part(&page, "reason").contains("Too many wrong codes came"), "{page}");
    let late =
        agent.post(&action("confirm"), &[("link", link["id"].as_str().unwrap()), ("code", &code)]).await;
    assert!(agent.follow(late).await.html.contains("No code is taken any more"));
}

#[tokio::test]
async fn each_way_to_fail_is_told_in_words_with_what_to_do() {
    let (broker, mut agent) = start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let away = browser.open(link["url"].as_str().unwrap()).await;
    let back = browser.sign_in_at_provider(&away.location(), "deny").await;
    browser.arrive(&back).await;
    let page = agent.text(PAGE).await;
    let reason = part(&page, "reason");
    assert!(
        reason.contains("The customer said no at the provider.") && reason.contains("opened again"),
        "{reason}"
    );
    assert!(!page.contains("access_denied"), "no code of ours");

    broker.provider.script(Trick::TokenError);
    browser.sign_in(link["url"].as_str().unwrap()).await;
    let reason = part(&agent.text(PAGE).await, "reason");
    assert!(reason.contains("The provider did not answer.") && reason.contains("tell an admin"), "{reason}");

    let declined = broker.link("conv-1").await;
    let url = declined["url"].as_str().unwrap();
    decline(&mut browser, url).await;
    let page = agent.text(PAGE).await;
    assert!(part(&page, "reason").contains("this wasn't me") && part(&page, "reason").contains("Believe it"));
    assert!(part(&page, "sign-in-state").contains("Customer: this wasn't me"));
    assert!(part(&page, "earlier").contains("The provider did not answer."), "the one before is remembered");
}

#[tokio::test]
async fn what_only_time_ends_is_told_too() {
    let (broker, mut agent) = start().await;
    waiting(&broker, "conv-1").await;
    broker.clock.advance(Duration::from_secs(301));
    let page = agent.text(PAGE).await;
    assert!(part(&page, "reason").contains("this chat did not confirm it in time"), "{page}");
    assert!(!page.contains("name=\"code\""));
    broker.clock.advance(Duration::from_mins(20));
    let page = agent.text(PAGE).await;
    assert!(part(&page, "sign-in-state").contains("Expired") && !page.contains("id=\"message\""), "{page}");
    assert!(!page.contains("Take the sign-in back"));
}

#[tokio::test]
async fn a_sign_in_is_taken_back_once_and_not_when_it_is_complete() {
    let (broker, mut agent) = start().await;
    broker.link("conv-1").await;
    let page = agent.get(PAGE).await;
    let link = hidden(&page, "link");
    let done = agent.post(&action("cancel"), &[("link", &link)]).await;
    assert!(agent.follow(done).await.html.contains("The sign-in was taken back."));
    assert!(part(&agent.text(PAGE).await, "sign-in-state").contains("Taken back"));
    let (actor, _) = audit(&broker, "auth_link.cancelled").await.remove(0);
    assert!(actor.starts_with("staff:st_"), "{actor}");
    let again = agent.post(&action("cancel"), &[("link", &link)]).await;
    assert!(agent.follow(again).await.html.contains("was over already"));

    let complete = verified(&broker, "conv-1").await;
    let late = agent.post(&action("cancel"), &[("link", complete["id"].as_str().unwrap())]).await;
    let page = agent.follow(late).await;
    assert!(
        page.html.contains("had completed already") && part(&page.html, "identity").starts_with("Verified")
    );
}

#[tokio::test]
async fn a_link_of_another_conversation_is_not_there() {
    let (broker, mut agent) = start().await;
    let other = broker.link("conv-2").await;
    broker.link("conv-1").await;
    for verb in ["cancel", "resend", "confirm"] {
        for id in [other["id"].as_str().unwrap(), "al_00000000000000000000000000000000", "", "nonsense"] {
            let page = agent.post(&action(verb), &[("link", id), ("code", "123456")]).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{verb} {id}");
        }
    }
    assert_eq!(broker.status(&other).await["status"], "created");
}

#[tokio::test]
async fn a_verification_is_ended_by_the_agent() {
    let (broker, mut agent) = start().await;
    verified(&broker, "conv-1").await;
    let page = agent.post(&action("end"), &[]).await;
    let page = agent.follow(page).await;
    assert!(part(&page.html, "identity").starts_with("Not verified"));
    assert!(page.html.contains("Nobody is verified here any more.") && !page.html.contains("Billy"));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], false);
    let (actor, _) = audit(&broker, "conversation.unverified").await.remove(0);
    assert!(actor.starts_with("staff:st_"), "{actor}");
    assert_eq!(agent.post("/console/conversations/nowhere/end", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_message_is_worded_again_with_the_same_link() {
    let (broker, mut agent) = start().await;
    let link = broker.link("conv-1").await;
    let id = link["id"].as_str().unwrap();
    let done = agent.post(&action("resend"), &[("link", id), ("locale", "de")]).await;
    let page = agent.follow(done).await;
    let message = part(&page.html, "message");
    assert!(message.starts_with("Bitte melden Sie sich") && message.contains(link["url"].as_str().unwrap()));
    assert_eq!(broker.status(&link).await["resends"], 1);
    let gone = agent.post(&action("resend"), &[("link", id), ("snippet", "gone")]).await;
    assert!(agent.follow(gone).await.html.contains("no longer there"));
}

#[tokio::test]
async fn what_proves_nothing_does_not_look_like_a_proof() {
    let (broker, mut agent) = with(Choices { minimum: "none", ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let page = agent.text(PAGE).await;
    let identity = part(&page, "identity");
    assert!(identity.starts_with("Signed in, but not proved"), "{identity}");
    assert!(!page.contains("is-verified") && page.contains("console-identity is-unproved"));
    assert!(part(&page, "sign-in").contains("nothing was demanded as proof"));
    let list = agent.text("/console").await;
    assert!(list.contains("Signed in, not proved") && !list.contains("Verified until"), "{list}");
}

#[tokio::test]
async fn a_typed_name_never_stands_where_the_proved_one_does() {
    let (broker, mut agent) = start().await;
    verified(&broker, "conv-1").await;
    let contact = broker.contacts().await.remove(0);
    let path = format!("/v1/contacts/{}", contact["id"].as_str().unwrap());
    let hostile =
        "</bdi><section class=\"is-verified\"><h2>✓ Verified 🛡</h2><script>alert(1)</script>\u{202e}";
    let typed = json!({"fullName": hostile, "fields": {"<img src=x>": "✅ <b>bold</b>"}});
    broker.api(reqwest::Method::PATCH, &path, Some(typed)).await;
    let page = agent.text(PAGE).await;
    assert!(
        part(&page, "identity").contains("says it is Billy Bob"),
        "what the provider said, not what was typed"
    );
    assert_eq!(page.matches("is-verified").count() - page.matches("&#34;is-verified").count(), 1, "{page}");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x") && !page.contains('\u{202e}'));
    let card = part(&page, "contact");
    assert!(card.contains("Written by the app acme-bot"), "{card}");
    let list = agent.text("/console").await;
    assert!(!list.contains("alert(1)"));
    broker.post("/v1/conversations/conv-1/end", json!({})).await;
    let page = agent.text(PAGE).await;
    assert!(
        !page.contains("is-verified") && !page.contains("alert(1)"),
        "nobody is verified, so nobody is named"
    );
}
