//! Apple's older flow against a real broker and a real provider: our authorize and token URLs in front of it, and the
//! token that comes back encrypted for one request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::messages_app::Page;
use super::world::{AppleWorld, BILLY, BUSINESS, MALLORY, Opened};
use crate::harness::browser::Browser;

const OLDER: &str = "flow = \"v1\"";

/// What the phone gets at our token endpoint.
async fn redeem(world: &AppleWorld, form: &str) -> (StatusCode, Value) {
    let request = world
        .broker
        .plain(Method::POST, "/web/inbound/abc/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

/// Signs in up to the code that the phone catches.
async fn caught(opened: &mut Opened) -> String {
    let Page::Caught { code } = opened.sign_in("allow").await else { panic!("the code was not caught") };
    code
}

/// The token that the phone of a sheet gets.
async fn token(world: &AppleWorld, opened: &mut Opened) -> String {
    let code = caught(opened).await;
    let (status, answer) = redeem(world, &opened.sheet.redeem("countersign", &code)).await;
    assert_eq!((status, &answer["token_type"]), (StatusCode::OK, &json!("Bearer")), "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_older_flow_ends_in_a_contact_and_the_phone_learns_nothing() {
    let world = AppleWorld::start(OLDER).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    assert_eq!(link["message"]["carrier"], "authenticate_v1", "{link}");
    let oauth2 = &link["message"]["payload"]["interactiveData"]["data"]["authenticate"]["oauth2"];
    let point = STANDARD.decode(oauth2["responseEncryptionKey"].as_str().unwrap()).unwrap();
    assert_eq!((point.len(), point[0]), (97, 4));
    assert!(oauth2.get("clientSecret").is_none(), "it would reach the phone in clear");

    let mut opened = world.press(&BILLY, &link).await;
    let token = token(&world, &mut opened).await;
    let waiting = world.status(&link).await;
    assert_eq!(waiting["status"], "provisional");
    assert!(world.broker.contacts().await.is_empty());
    let reply = BILLY.reply_with(BUSINESS, &opened.sheet, &token);
    let (status, answer) = world.post(&reply).await;
    assert_eq!(
        (status, answer),
        (StatusCode::OK, json!({"items": [{"matched": true, "authLinkId": link["id"]}]}))
    );
    let done = world.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "code", "reached": "native"}));
    assert_eq!(done["profile"]["email"], "billy.bob@example.com");
    let asked = &world.broker.provider.token_requests()[0];
    assert!(asked.redirect_uri_fits, "the provider knows our redirect URI only");
}

#[tokio::test]
async fn every_message_has_a_key_pair_of_its_own() {
    let world = AppleWorld::start(OLDER).await;
    let pointer = "/message/payload/interactiveData/data/authenticate/oauth2/responseEncryptionKey";
    let mut keys = std::collections::BTreeSet::new();
    for conversation in ["conv-1", "conv-2"] {
        let link = world.link(conversation, &BILLY, json!({})).await;
        keys.insert(link.pointer(pointer).unwrap().to_string());
        let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
        keys.insert(world.broker.post(&path, json!({})).await.pointer(pointer).unwrap().to_string());
    }
    assert_eq!(keys.len(), 4);
}

#[tokio::test]
async fn a_relay_code_is_good_once_and_for_apples_client_only() {
    let world = AppleWorld::start(OLDER).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let code = caught(&mut opened).await;
    let good = opened.sheet.redeem("countersign", &code);
    for (form, status, error) in [
        (opened.sheet.redeem("another", &code), 401, "invalid_client"),
        (opened.sheet.redeem("countersign", "made-up"), 400, "invalid_grant"),
        (good.replace("authorization_code", "password"), 400, "invalid_request"),
        (good.replace("auth.businesschat.apple.com", "evil.example"), 400, "invalid_request"),
        (format!("{good}&code=twice"), 400, "invalid_request"),
        (String::new(), 400, "invalid_request"),
    ] {
        let (answered, answer) = redeem(&world, &form).await;
        assert_eq!((answered.as_u16(), &answer["error"]), (status, &json!(error)), "{form}");
    }
    // Phones before iOS 15 wrote it into the URL. The second of two at the same time gets nothing.
    let path = format!("/web/inbound/abc/oauth/token?{good}");
    let (one, two) = tokio::join!(
        world.broker.plain(Method::POST, &path).send(),
        world.broker.plain(Method::POST, &path).send()
    );
    let statuses = [one.unwrap().status(), two.unwrap().status()];
    assert!(
        statuses.contains(&StatusCode::OK) && statuses.contains(&StatusCode::BAD_REQUEST),
        "{statuses:?}"
    );
    let get = world.broker.plain(Method::GET, &path).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_reply_with_another_token_is_somebody_elses_and_ends_the_attempt() {
    let world = AppleWorld::start(OLDER).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    token(&world, &mut opened).await;
    let (_, answer) = world.post(&BILLY.reply_with(BUSINESS, &opened.sheet, "another token")).await;
    assert_eq!(answer["items"][0]["matched"], false);
    let status = world.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("someone_else")));
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_token_before_anybody_redeemed_the_code_verifies_nobody() {
    let world = AppleWorld::start(OLDER).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let early = BILLY.reply_with(BUSINESS, &opened.sheet, "a token");
    assert_eq!(world.post(&early).await.1["items"][0]["matched"], false);
    assert_eq!(world.status(&link).await["status"], "opened", "nobody has signed in");
    caught(&mut opened).await;
    assert_eq!(world.post(&early).await.1["items"][0]["matched"], false);
    assert_eq!(world.status(&link).await["code"], "someone_else");
}

#[tokio::test]
async fn a_link_of_the_older_flow_that_was_forwarded_never_reaches_the_attackers_conversation() {
    let world = AppleWorld::start(OLDER).await;
    // Billy opens the page of Mallory's message in his browser, and signs in.
    let hers = world.link("conv-mallory", &MALLORY, json!({})).await;
    let sheet =
        MALLORY.press(&hers["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    let mut victim = Browser::new();
    let authorize = victim.get(&sheet.url).await.location();
    let back = victim.sign_in_at_provider(&authorize, "allow").await;
    victim.get(&back).await;
    // Her phone has no code, and what she makes up is no token of ours; a reply of another chat of hers neither.
    let mine = world.link("conv-mallory-2", &MALLORY, json!({})).await;
    let mut own = world.press(&MALLORY, &mine).await;
    let own_token = token(&world, &mut own).await;
    let (_, answer) = world.post(&MALLORY.reply_with(BUSINESS, &sheet, &own_token)).await;
    assert_eq!(answer["items"][0]["matched"], false);
    assert_eq!(world.status(&hers).await["code"], "someone_else");
    assert_eq!(world.broker.get("/v1/conversations/conv-mallory").await["verified"], false);
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn who_declines_gets_no_code_and_a_used_message_an_error() {
    let world = AppleWorld::start(OLDER).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    assert_eq!(opened.sign_in("deny").await, Page::Loaded, "nothing to catch");
    assert_eq!(world.status(&link).await["status"], "denied");
    let again = world.press(&BILLY, &link).await;
    let location = super::world::location(&again.answer);
    assert!(
        location.starts_with("https://auth.businesschat.apple.com?error=server_error&state="),
        "{location}"
    );
}

#[tokio::test]
async fn which_flow_is_taken_is_the_devices_word_the_tenants_setting_or_the_senders() {
    let world = AppleWorld::start("flow = \"auto\"").await;
    for (order, carrier) in [
        (json!({"capabilities": ["auth"]}), "authenticate_v1"),
        (json!({"capabilities": ["auth,auth2"]}), "authenticate_v2"),
        (json!({"callback": "abc"}), "authenticate_v1"),
        (json!({"callback": "abcAuth2"}), "authenticate_v2"),
    ] {
        let link = world.link("conv-1", &BILLY, order.clone()).await;
        assert_eq!(link["message"]["carrier"], carrier, "{order}");
    }
}
