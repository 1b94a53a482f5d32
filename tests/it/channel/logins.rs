//! One login per channel by the link in its message, and what becomes of a link that was forwarded. What a channel
//! vouches for itself (Apple, Messenger's account linking) and the web chat have files of their own.

use std::time::Duration;

use countersign::domain::conversation::Channel;
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use super::devices::{Customer, customer, pressed};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

/// A broker whose provider vouches for the phone number and the email of Billy.
async fn vouching(minimum: &'static str) -> Harness {
    let provider = r#"mapping = { fullName = "user.name", email = "user.email", phone = "'+1 555 0100'" }
subject = "user.id"
trusted = ["phone", "email"]"#;
    Harness::with(Choices { minimum, provider: provider.to_owned(), ..Choices::default() }).await
}

/// Sends a sign-in into a conversation.
async fn send(broker: &Harness, channel: Channel, conversation: &str, handle: &str) -> Value {
    let order = json!({"conversation": {"id": conversation, "channel": channel, "handle": handle}});
    broker.post("/v1/auth-links", order).await
}

/// Passes a message of the customer.
async fn say(broker: &Harness, channel: Channel, conversation: &str, from: &str, text: &str) -> Value {
    let body = json!({"conversationId": conversation, "channel": channel, "from": from, "text": text});
    broker.post("/v1/inbound/messages", body).await
}

/// The channel's servers look at the link before anybody does.
async fn preview(broker: &Harness, url: &str, robot: &str) {
    let path = &url[broker.origin.len()..];
    for method in [Method::HEAD, Method::GET] {
        let answer = broker.plain(method, path).header("user-agent", robot).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[rstest]
#[tokio::test]
async fn a_login_by_the_link_of_each_channel_is_bound_by_the_code(
    #[values(
        Channel::Sms,
        Channel::Whatsapp,
        Channel::Messenger,
        Channel::Instagram,
        Channel::Apple,
        Channel::Rcs,
        Channel::Email,
        Channel::Webchat,
        Channel::Line,
        Channel::Telegram,
        Channel::Viber,
        Channel::Slack,
        Channel::Teams
    )]
    channel: Channel,
) {
    let broker = Harness::start().await;
    let Customer { handle, robot, .. } = customer(channel);
    let link = send(&broker, channel, "conv-1", handle).await;
    assert_eq!(link["message"]["channel"], json!(channel));
    let url = pressed(channel, &link["message"]);
    assert_eq!(url, link["url"].as_str().unwrap(), "the link is whole");
    preview(&broker, &url, robot).await;
    assert_eq!(broker.status(&link).await["status"], "created", "a preview opens nothing");
    let code = Browser::new().sign_in(&url).await.code().expect("the chat must confirm it");
    assert_eq!(broker.status(&link).await["status"], "provisional");
    let heard = say(&broker, channel, "conv-1", handle, &format!("Here it is: {code}")).await;
    assert_eq!(heard, json!({"matched": true, "authLinkId": link["id"]}));
    let done = broker.status(&link).await;
    assert_eq!((&done["status"], &done["binding"]["reached"]), (&json!("completed"), &json!("code")));
    let conversation = broker.get("/v1/conversations/conv-1").await;
    assert_eq!(
        (&conversation["verified"], &conversation["binding"]),
        (&json!(true), &json!("code")),
        "{conversation}"
    );
}

#[tokio::test]
async fn a_login_by_a_template_of_whatsapp_is_bound_by_the_code() {
    let tenant = "[channel.whatsapp]\nphone_number_id = \"1066\"\napp_secret = { env = \"META_SECRET\" }\ntemplate = \"sign_in\"\n";
    let broker = Harness::with(Choices { tenant: tenant.to_owned(), ..Choices::default() }).await;
    let Customer { handle, robot, .. } = customer(Channel::Whatsapp);
    let at = json!({"id": "conv-1", "channel": "whatsapp", "handle": handle});
    let order = json!({"conversation": at, "capabilities": ["template_only"]});
    let link = broker.post("/v1/auth-links", order).await;
    assert_eq!(link["message"]["carrier"], "template", "{link}");
    // The phone puts the end of the link behind the URL that Meta has approved.
    let end = link["message"]["payload"].pointer("/template/components/0/parameters/0/text").unwrap();
    let url = format!("{}/a/{}", broker.origin, end.as_str().unwrap());
    assert_eq!(url, link["url"].as_str().unwrap());
    preview(&broker, &url, robot).await;
    let code = Browser::new().sign_in(&url).await.code().expect("the chat must confirm it");
    let heard = say(&broker, Channel::Whatsapp, "conv-1", handle, &code).await;
    assert_eq!(heard, json!({"matched": true, "authLinkId": link["id"]}));
    assert_eq!(broker.status(&link).await["binding"]["reached"], "code");
}

#[rstest]
#[tokio::test]
async fn a_provider_that_vouches_for_the_address_of_the_chat_spares_the_code(
    #[values(Channel::Sms, Channel::Whatsapp, Channel::Rcs, Channel::Email)] channel: Channel,
) {
    let broker = vouching("match").await;
    let link = send(&broker, channel, "conv-1", customer(channel).handle).await;
    let page = Browser::new().sign_in(&pressed(channel, &link["message"])).await;
    assert_eq!(page.code(), None);
    assert_eq!(broker.status(&link).await["binding"]["reached"], "match");
}

/// Mallory has a conversation, gets a link, and sends it to Billy, who signs in with it. Billy's address is the one that
/// the provider vouches for; Mallory's is another.
#[rstest]
#[tokio::test]
async fn a_link_that_a_victim_completes_never_reaches_the_attackers_conversation(
    #[values(
        Channel::Sms,
        Channel::Whatsapp,
        Channel::Messenger,
        Channel::Instagram,
        Channel::Apple,
        Channel::Rcs,
        Channel::Email,
        Channel::Webchat,
        Channel::Line,
        Channel::Telegram,
        Channel::Viber,
        Channel::Slack,
        Channel::Teams
    )]
    channel: Channel,
    #[values("browser", "code")] minimum: &'static str,
) {
    let broker = vouching(minimum).await;
    let mallory = if channel == Channel::Email { "mallory@example.net" } else { "+15550666" };
    let link = send(&broker, channel, "conv-of-mallory", mallory).await;
    let mut billy = Browser::new();
    let page = billy.sign_in(&pressed(channel, &link["message"])).await;
    let code = page.code().expect("only Billy sees the code");

    // Mallory knows everything of the chat, and guesses.
    let wrong = if code == "CS-000000" { "CS-000001" } else { "CS-000000" };
    for text in ["I signed in!", wrong, link["url"].as_str().unwrap(), link["id"].as_str().unwrap()] {
        let heard = say(&broker, channel, "conv-of-mallory", mallory, text).await;
        assert_eq!(heard["matched"], false, "{text}");
    }
    // Billy, who is asked for the code elsewhere, sends it from his own address: it is none of Mallory's.
    let from_billy = say(&broker, channel, "conv-of-billy", customer(channel).handle, &code).await;
    assert_eq!(from_billy["matched"], false);
    let from_billy = say(&broker, channel, "conv-of-mallory", customer(channel).handle, &code).await;
    assert_eq!(from_billy["matched"], false);
    let nothing = async |when: &str| {
        assert!(broker.contacts().await.is_empty(), "{when}");
        let conversation = broker.get("/v1/conversations/conv-of-mallory").await;
        assert_eq!(conversation["verified"], false, "{when}: {conversation}");
        let told = broker.get("/v1/events?limit=200").await.to_string();
        let seen = broker.status(&link).await;
        for text in [told, conversation.to_string(), seen.to_string()] {
            assert!(!text.contains("Billy") && !text.contains("billy"), "{when}: {text}");
        }
        seen["status"].clone()
    };
    assert_eq!(nothing("while it waits").await, "provisional");
    broker.clock.advance(Duration::from_secs(301));
    assert_eq!(nothing("when it has lapsed").await, "failed");
}
