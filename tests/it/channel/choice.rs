//! The create call chooses the form of a message by what the customer's device can do, and says why. What each form
//! looks like stands in `fixtures/channel/`.

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::harness::{Choices, Harness};

#[rstest]
#[case("sms", &[], "sms", "`sms` is the best form of this channel")]
#[case("whatsapp", &[], "cta_url", "`cta_url` is the best form of this channel")]
#[case("whatsapp", &["template_only"], "cta_url", "not `template`: the tenant has no template")]
#[case("messenger", &["account_link"], "url_button", "not `account_link`: the tenant has no account linking")]
#[case("instagram", &[], "url_button", "`url_button` is the best form of this channel")]
#[case("rcs", &[], "open_url", "`open_url` is the best form of this channel")]
#[case("rcs", &["RCS, mms"], "open_url", "`open_url` is the best form of this channel")]
#[case("rcs", &["mms"], "sms", "not `open_url`: the device does not say `rcs`")]
#[case("email", &[], "email", "`email` is the best form of this channel")]
#[case("webchat", &[], "card", "`card` is the best form of this channel")]
#[case("apple", &["auth,auth2"], "rich_link", "not `authenticate_v2` or `authenticate_v1`: the tenant has no sign-in at Apple")]
#[tokio::test]
async fn the_best_form_that_is_possible_is_sent_with_its_reason(
    #[case] channel: &str,
    #[case] said: &[&str],
    #[case] carrier: &str,
    #[case] reason: &str,
) {
    let broker = Harness::start().await;
    let at = json!({"id": "conv-1", "channel": channel, "handle": "+15550100"});
    let order = json!({"conversation": at, "capabilities": said});
    let link = broker.post("/v1/auth-links", order.clone()).await;
    let message = &link["message"];
    assert_eq!((&message["carrier"], &message["reason"]), (&json!(carrier), &json!(reason)));
    assert_eq!(message["channel"], channel);
    let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
    let again = broker.post(&path, json!({})).await;
    assert_eq!(again["message"]["carrier"], carrier, "what the device can do is remembered");
    assert!(message["payload"].to_string().contains("/a/"), "{message}");
}

#[tokio::test]
async fn a_character_that_doubles_the_price_is_named_in_the_answer() {
    let tenant = "[[snippet]]\nid = \"dear\"\ntext.en = \"It’s {tenant}: please sign in here: {link}\"\n";
    let broker = Harness::with(Choices { tenant: tenant.to_owned(), ..Choices::default() }).await;
    let dear = broker.link_with("conv-1", json!({"snippet": "dear"})).await;
    let warnings = dear["message"]["warnings"].to_string();
    assert!(warnings.contains("a curly apostrophe (U+2019)"), "{warnings}");
    assert_eq!(dear["message"]["payload"]["encoding"], "UCS-2");
    let cheap = broker.link("conv-2").await;
    assert_eq!(
        (&cheap["message"]["warnings"], &cheap["message"]["payload"]["segments"]),
        (&json!([]), &json!(1))
    );
}

#[tokio::test]
async fn words_that_say_nothing_of_a_device_are_refused_with_their_place() {
    let broker = Harness::start().await;
    let order = json!({"conversation": {"id": "c", "channel": "sms"}, "capabilities": ["x".repeat(65)]});
    let (status, problem) = broker.api(Method::POST, "/v1/auth-links", Some(order)).await;
    assert_eq!(
        (status, &problem["faults"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/capabilities"))
    );
}
