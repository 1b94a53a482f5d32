//! Rules: what a sign-in tells the platform beside the profile.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING, log};

/// A broker with these rules.
async fn broker(minimum: &'static str, rules: &str) -> Harness {
    Harness::with(Choices { minimum, tenant: rules.to_owned(), ..Choices::default() }).await
}

const RULES: &str = r#"
[[rule]]
when = "contains(whoami.roles, 'SomeRole')"
set = { queue = "role", level = 1, deep = { list = [1.5, "x", true] } }
[[rule]]
when = "length(whoami.user.id.none) > `1`"
set = { queue = "errs" }
[[rule]]
when = "ends_with(profile.email, '@example.com') && conversation.channel == 'sms'"
set.queue = "sms"
[[rule]]
when = "claims.sub"
set.queue = "never"
"#;

fn fields() -> Value {
    json!({"queue": "sms", "level": 1, "deep": {"list": [1.5, "x", true]}})
}

/// What the platform sees after the sign-in: link, conversation and event agree.
async fn assert_told(broker: &Harness, link: &Value, fields: &Value) {
    let done = broker.status(link).await;
    assert_eq!((&done["status"], &done["fields"]), (&json!("completed"), fields));
    assert_eq!(broker.get("/v1/conversations/conv-1").await["fields"], *fields);
    let events = broker.get("/v1/events?limit=200").await;
    let completed =
        events["items"].as_array().unwrap().iter().find(|event| event["type"] == "auth.completed");
    assert_eq!(completed.unwrap()["data"]["fields"], *fields);
}

#[tokio::test]
async fn rules_go_into_event_link_and_conversation_and_later_ones_win() {
    let broker = broker("none", RULES).await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, StatusCode::OK, "a rule that errs fails no login");
    assert_told(&broker, &link, &fields()).await;
}

#[tokio::test]
async fn a_confirmation_later_has_what_the_rules_said_at_the_sign_in_and_nobody_before() {
    let broker = broker("code", RULES).await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert!(broker.status(&link).await.get("fields").is_none(), "not before it is confirmed");
    assert_eq!(broker.get("/v1/conversations/conv-1").await["fields"], json!({}));
    assert!(!broker.get("/v1/events?limit=200").await.to_string().contains("queue"));
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    assert_told(&broker, &link, &fields()).await;
}

#[tokio::test]
async fn a_rule_that_errs_is_noted_without_anything_of_the_person() {
    let broker = broker("none", "[[rule]]\nwhen = \"length(whoami.other) > `1` || sum(whoami.user.name)\"\nset.a = 1\n[[rule]]\nwhen = \"keys(whoami.user.id)\"\nset.b = 1").await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_told(&broker, &link, &json!({"a": 1})).await;
    let attempts = broker.get("/v1/attempts").await;
    let notes = attempts["items"][0]["notes"].to_string();
    assert!(notes.contains("rule 2 counts as not met: `keys` wants"), "{attempts}");
    assert!(!attempts.to_string().contains("billy"), "{attempts}");
    let lines: Vec<String> = log::lines("rule.failed").iter().map(Value::to_string).collect();
    assert!(lines.iter().any(|line| line.contains("rule 2 counts as not met: `keys` wants")), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("billy")), "{lines:?}");
}

#[tokio::test]
async fn the_preview_shows_what_the_rules_would_set() {
    let broker = broker("code", RULES).await;
    let sample = json!({
        "mapping": MAPPING.split('\'').nth(1).unwrap(),
        "whoami": {"user": {"id": "b", "email": "b@example.com"}, "roles": ["SomeRole"]},
        "conversation": {"id": "c", "channel": "sms"},
    });
    let preview = broker.post("/v1/mapping/preview", sample.clone()).await;
    assert_eq!(preview["fields"], fields());
    let warned = preview["warnings"].to_string();
    assert!(warned.contains("rule 2 counts as not met"), "{warned}");
    let mut elsewhere = sample.clone();
    elsewhere["conversation"]["channel"] = json!("line");
    assert_eq!(broker.post("/v1/mapping/preview", elsewhere).await["fields"]["queue"], "role");
    let plain = Harness::start().await;
    assert!(plain.post("/v1/mapping/preview", sample).await.get("fields").is_none(), "it has no rules");
}
