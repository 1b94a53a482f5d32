//! The binding policy.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{admin, open, row, words};
use crate::harness::staff::StaffBrowser;
use crate::harness::{Choices, bot_secret_hash};
use crate::stored::{HOST, If, World};

/// A tenant of the store with staff.
pub async fn shop(binding: Value) -> World {
    let world = World::with(Choices::default()).await;
    let settings = json!({
        "name": "The Shop",
        "hosts": [HOST],
        "binding": binding,
        "clients": [{"clientId": "admin", "secretHash": bot_secret_hash(), "scopes": ["admin:all"]}],
        "staff": [
            {"email": "dana@shop.example", "role": "admin"},
            {"email": "ari@shop.example", "role": "agent"},
        ],
    });
    world.tenant(Method::PUT, "shop", If::New, Some(settings)).await.is(201);
    world
}

async fn dana(world: &World) -> StaffBrowser {
    world.broker.staff_at(HOST, Role::Admin).await
}

/// Somebody else changes the policy.
pub async fn change_elsewhere(world: &World) {
    let mut other = dana(world).await;
    let seen = seen(&other.text("/admin/binding").await);
    let fields =
        [("seen", seen.as_str()), ("minimum", "code"), ("email", "match"), ("lasts", "1h"), ("do", "save")];
    assert_eq!(other.post("/admin/binding", &fields).await.status, StatusCode::SEE_OTHER);
}

/// The policy in the settings.
async fn policy(world: &World) -> Value {
    world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200).body["settings"]["binding"].clone()
}

/// What a page was made from.
fn seen(html: &str) -> String {
    let value = html.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    value.replace("&#34;", "\"").replace("&quot;", "\"").replace("&#38;", "&")
}

#[tokio::test]
async fn agents_are_refused_and_can_change_nothing() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut ari = world.broker.staff_at(HOST, Role::Agent).await;
    assert_eq!(ari.get("/admin/binding").await.status, StatusCode::FORBIDDEN);
    let page =
        ari.post("/admin/binding", &[("minimum", "none"), ("accept_none", "yes"), ("do", "save")]).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(policy(&world).await, json!({"minimum": "code"}));
}

#[tokio::test]
async fn each_channel_says_what_holds_what_it_can_prove_and_what_the_customer_does() {
    let world = shop(json!({"minimum": "match", "line": "code", "lasts": "8h"})).await;
    let page = dana(&world).await.text("/admin/binding").await;
    let sms = row(&page, "SMS");
    assert!(sms.contains("That is: Matching phone or email"), "{sms}");
    assert!(sms.contains("the code, or a phone number that your provider verifies"), "{sms}");
    assert!(
        row(&page, "LINE")
            .ends_with("the code Signs in, then sends the code of the page in the chat, such as CS-123456.")
    );
    assert!(row(&page, "Telegram").contains("this channel has no number or address to compare"));
    assert!(page.contains("value=\"8h\"") && page.contains("<option value=\"match\" selected>"));
    let proofs = words(&page);
    for text in ["What it protects from", "Forwarded links", "One message more"] {
        assert!(proofs.contains(text), "{text}");
    }
    assert!(!page.contains("Nothing is proved on"));
}

#[tokio::test]
async fn a_change_is_saved_as_the_api_would_and_told_to_the_audit() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let page = dana.text("/admin/binding").await;
    let seen = seen(&page);
    let fields =
        [("seen", seen.as_str()), ("minimum", "code"), ("sms", "match"), ("lasts", " 8h "), ("do", "save")];
    let saved = dana.post("/admin/binding", &fields).await;
    assert_eq!((saved.status, saved.location().path()), (StatusCode::SEE_OTHER, "/admin/binding"));
    let page = dana.follow(saved).await;
    assert!(page.html.contains("role=\"status\">Saved.</p>"));
    assert_eq!(policy(&world).await, json!({"minimum": "code", "lasts": "8h", "sms": "match"}));
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200).body;
    assert_eq!(own["settings"]["staff"].as_array().unwrap().len(), 2, "what stands beside it stays");
    let (action, actor, detail) = world.audit().await.pop().unwrap();
    assert_eq!((action.as_str(), detail.as_str()), ("tenant.changed", "binding/lasts binding/sms"));
    assert!(actor.starts_with("staff:st_"), "{actor}");
    let link = world.link("conv-1").await;
    assert_eq!(link.status.as_u16(), 422, "the shop has no provider; but its policy is in use at once");
}

#[tokio::test]
async fn none_is_flagged_and_saved_only_with_a_tick() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/binding").await);
    let fields =
        [("seen", seen.as_str()), ("minimum", "code"), ("sms", "none"), ("lasts", "12h"), ("do", "save")];
    let refused = dana.post("/admin/binding", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        refused.html.contains("href=\"#binding-accept_none\"")
            && refused.html.contains("id=\"binding-accept_none-fault\"")
    );
    assert!(refused.html.contains("Nothing is proved on SMS."), "it is flagged before it is saved");
    assert!(row(&refused.html, "SMS").contains("Nothing proved Signs in, and counts as verified at once."));
    assert_eq!(policy(&world).await, json!({"minimum": "code"}));
    let ticked = [fields.as_slice(), &[("accept_none", "yes")]].concat();
    assert_eq!(dana.post("/admin/binding", &ticked).await.status, StatusCode::SEE_OTHER);
    assert_eq!(policy(&world).await["sms"], "none");
    assert!(dana.text("/admin/binding").await.contains("Nothing is proved on SMS."));
}

#[tokio::test]
async fn a_preview_saves_nothing_and_keeps_what_was_typed() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/binding").await);
    let fields = [("seen", seen.as_str()), ("minimum", "match"), ("lasts", "3d"), ("do", "preview")];
    let page = dana.post("/admin/binding", &fields).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("Nothing is saved yet") && page.html.contains("value=\"3d\""));
    assert!(row(&page.html, "SMS").contains("If your provider vouches for the phone number of the chat"));
    assert_eq!(policy(&world).await, json!({"minimum": "code"}));
}

#[tokio::test]
async fn what_cannot_be_read_is_pointed_at_and_kept() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/binding").await);
    let hostile = "\"><script>alert(1)</script>";
    let fields = [("seen", seen.as_str()), ("minimum", "code"), ("lasts", hostile), ("do", "save")];
    let page = dana.post("/admin/binding", &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.html.contains("href=\"#binding-lasts\"") && page.html.contains("id=\"binding-lasts-fault\"")
    );
    assert!(page.html.contains("&#60;script&#62;") && !page.html.contains("<script>alert"));
    let odd =
        [("seen", seen.as_str()), ("minimum", "strong"), ("sms", "weak"), ("lasts", "12h"), ("do", "save")];
    let page = dana.post("/admin/binding", &odd).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("href=\"#binding-minimum\"") && page.html.contains("href=\"#binding-sms\""));
    assert_eq!(policy(&world).await, json!({"minimum": "code"}));
}

#[tokio::test]
async fn two_who_change_it_at_once_are_told_apart_and_nothing_typed_is_lost() {
    let world = shop(json!({"minimum": "code"})).await;
    let (mut one, mut two) = (dana(&world).await, dana(&world).await);
    let first = seen(&one.text("/admin/binding").await);
    let second = seen(&two.text("/admin/binding").await);
    let fields = |seen: String, channel: &'static str, word: &'static str| {
        [
            ("seen", seen),
            ("minimum", "code".to_owned()),
            (channel, word.to_owned()),
            ("lasts", "12h".to_owned()),
        ]
    };
    let send = async |browser: &mut StaffBrowser, fields: [(&'static str, String); 4]| {
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.push(("do", "save"));
        browser.post("/admin/binding", &all).await
    };
    assert_eq!(send(&mut one, fields(first, "sms", "match")).await.status, StatusCode::SEE_OTHER);
    let late = send(&mut two, fields(second, "email", "match")).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.html.contains("Somebody else changed the policy"));
    assert!(row(&late.html, "SMS Matching phone or email not set").contains("not set"));
    assert!(row(&late.html, "Email").contains("Matching"), "what was chosen is still there");
    assert_eq!(policy(&world).await["email"], Value::Null);
    let again = seen(&late.html);
    assert_eq!(send(&mut two, fields(again, "email", "match")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(policy(&world).await, json!({"minimum": "code", "lasts": "12h", "email": "match"}));
}

#[tokio::test]
async fn a_preview_does_not_pass_for_having_seen_what_somebody_else_changed() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let first = seen(&dana.text("/admin/binding").await);
    change_elsewhere(&world).await;
    let fields = |seen: &str, what: &'static str| {
        [
            ("seen", seen.to_owned()),
            ("minimum", "match".to_owned()),
            ("lasts", "12h".to_owned()),
            ("do", what.to_owned()),
        ]
    };
    let send = async |browser: &mut StaffBrowser, fields: [(&'static str, String); 4]| {
        let all: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/admin/binding", &all).await
    };
    let preview = send(&mut dana, fields(&first, "preview")).await;
    assert_eq!(seen(&preview.html), first);
    let saved = send(&mut dana, fields(&seen(&preview.html), "save")).await;
    assert_eq!(saved.status, StatusCode::CONFLICT);
    assert_eq!(policy(&world).await["email"], "match", "nothing was written over");
}

#[tokio::test]
async fn a_change_of_other_settings_meanwhile_is_no_obstacle() {
    let world = shop(json!({"minimum": "code"})).await;
    let mut dana = dana(&world).await;
    let seen = seen(&dana.text("/admin/binding").await);
    let client = json!({"clientId": "bot", "scopes": ["read:contacts"]});
    world.call(Method::POST, "/v1/clients", If::Nothing, Some(client)).await.is(201);
    let fields = [("seen", seen.as_str()), ("minimum", "match"), ("lasts", "12h"), ("do", "save")];
    assert_eq!(dana.post("/admin/binding", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(policy(&world).await["minimum"], "match");
    let clients = world.call(Method::GET, "/v1/clients", If::Nothing, None).await.is(200).body;
    assert_eq!(clients["items"].as_array().unwrap().len(), 2, "and the other change stays");
}

#[tokio::test]
async fn a_tenant_in_a_file_is_shown_with_its_file_and_not_changed() {
    let broker = open().await;
    let mut dana = admin(&broker).await;
    let page = dana.text("/admin/binding").await;
    assert!(page.contains("tenants/acme.toml") && page.contains("[binding]\nminimum = &#34;none&#34;"));
    assert!(page.contains("disabled") && !page.contains(">Save</button>"));
    assert!(page.contains("Nothing is proved on SMS, WhatsApp"));
    let fields = [("seen", ""), ("minimum", "code"), ("lasts", "12h"), ("do", "save")];
    let refused = dana.post("/admin/binding", &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(broker.link("conv-1").await["binding"]["minimum"], "none");
}
