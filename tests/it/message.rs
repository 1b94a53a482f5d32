//! The message that carries the link: every channel, the tenant's wording, and the way back.

use countersign::domain::conversation::Channel;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

const TENANT: &str = r#"
[[snippet]]
id = "sign-in"
tag = "/auth"
text.en = "Please sign in to {tenant}: {link}"
text.de = "Bitte melden Sie sich bei {tenant} an: {link}"
sms.text.en = "{tenant} sign in {link}"
[return]
sms = "https://chat.example/back"
"#;

async fn message(broker: &Harness, channel: &str, more: Value) -> Value {
    let mut body =
        json!({"conversation": {"id": format!("conv-{channel}"), "channel": channel, "handle": "h-1"}});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let link = broker.post("/v1/auth-links", body).await;
    let (text, url) = (link["message"]["text"].as_str().unwrap(), link["url"].as_str().unwrap());
    assert!(text.contains(url), "{channel}: the link is whole: {text}");
    let mut message = link["message"].clone();
    message["text"] = json!(text.replace(url, "<link>"));
    message
}

#[tokio::test]
async fn every_channel_name_is_accepted_and_rendered_with_the_link() {
    let broker = Harness::start().await;
    for channel in Channel::ALL {
        let message = message(&broker, channel.as_str(), json!({})).await;
        assert_eq!(message["channel"], channel.as_str());
        assert!(message["warnings"].is_array() && message["payload"].is_object(), "{message}");
    }
    let sms = message(&broker, "sms", json!({})).await;
    assert!(sms["payload"]["segments"].as_u64().unwrap() >= 1, "{sms}");
}

#[tokio::test]
async fn the_form_is_the_best_that_the_device_takes_and_the_answer_says_why() {
    let broker = Harness::start().await;
    for (channel, said, carrier, why) in [
        ("apple", json!(["auth", "auth2"]), "rich_link", "the tenant has no sign-in at Apple"),
        ("messenger", json!([]), "url_button", "the tenant has no account linking"),
        ("rcs", json!(["RCS"]), "open_url", "the best form"),
        ("rcs", json!(["mms"]), "sms", "does not say `rcs`"),
        ("whatsapp", json!([]), "cta_url", "the best form"),
        ("line", json!([]), "text", "the best form"),
    ] {
        let message = message(&broker, channel, json!({"capabilities": said})).await;
        assert_eq!(message["carrier"], carrier, "{message}");
        assert!(message["reason"].as_str().unwrap().contains(why), "{message}");
    }
}

#[tokio::test]
async fn a_payload_is_addressed_to_the_customer_and_opens_the_link() {
    let broker = Harness::start().await;
    let order = json!({"conversation": {"id": "c", "channel": "whatsapp", "handle": "+1 (555) 01-00"}});
    let link = broker.post("/v1/auth-links", order).await;
    let payload = &link["message"]["payload"];
    assert_eq!(payload["to"], "+15550100");
    assert_eq!(payload["interactive"]["action"]["parameters"]["url"], link["url"]);
}

#[tokio::test]
async fn a_message_that_is_rendered_again_is_another_one_to_apple() {
    let broker = Harness::start().await;
    let order = json!({"conversation": {"id": "c", "channel": "apple", "handle": "urn:mbid:AQ"}});
    let link = broker.post("/v1/auth-links", order).await;
    let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
    let again = broker.post(&path, json!({})).await;
    let payload = |link: &Value| link["message"]["payload"].clone();
    assert_eq!(payload(&link)["richLinkData"], payload(&again)["richLinkData"], "the same card");
    assert_ne!(payload(&link)["id"], payload(&again)["id"]);
}

#[tokio::test]
async fn a_snippet_is_found_by_id_or_tag_and_speaks_the_channels_and_customers_language() {
    let broker = Harness::with(Choices { tenant: TENANT.to_owned(), ..Choices::default() }).await;
    for (channel, order, expected) in [
        ("whatsapp", json!({"snippet": "sign-in"}), "Please sign in to Acme Bank: <link>"),
        (
            "whatsapp",
            json!({"snippet": "/auth", "locale": "de-AT"}),
            "Bitte melden Sie sich bei Acme Bank an: <link>",
        ),
        ("sms", json!({"snippet": "/auth"}), "Acme Bank sign in <link>"),
        (
            "sms",
            json!({"snippet": "/auth", "locale": "DE"}),
            "Bitte melden Sie sich bei Acme Bank an: <link>",
        ),
    ] {
        let message = message(&broker, channel, order).await;
        assert_eq!((&message["text"], &message["warnings"]), (&json!(expected), &json!([])));
    }
    let french = message(&broker, "sms", json!({"snippet": "/auth", "locale": "fr"})).await;
    assert_eq!(french["text"], "Acme Bank sign in <link>");
    assert!(french["warnings"][0].as_str().unwrap().contains("no wording in `fr`"), "{french}");
}

#[tokio::test]
async fn the_result_page_leads_back_to_the_chat_and_speaks_the_links_language() {
    let choices = Choices { minimum: "none", tenant: TENANT.to_owned(), ..Choices::default() };
    let broker = Harness::with(choices).await;
    let link = broker.link_with("conv-1", json!({"locale": "de"})).await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert!(page.html.contains("href=\"https://chat.example/back\""), "{}", page.html);
    assert_eq!(page.headers["content-language"], "de");
}
