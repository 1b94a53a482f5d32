//! Who is given a token, and who is not.

use reqwest::Method;
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_platform_is_given_the_token_while_the_conversation_is_verified_and_it_is_written_down() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let told = world.ask(&contact).await;
    assert_eq!(told.token(), "canary-access-1");
    assert_eq!(told.headers["cache-control"], "no-store");
    let shown = (&told.body["provider"], &told.body["tokenType"], &told.body["scope"]);
    assert_eq!(shown, (&json!("acme"), &json!("Bearer"), &json!("read")));
    let expires: jiff::Timestamp = told.body["expiresAt"].as_str().unwrap().parse().unwrap();
    let left = expires.duration_since(world.broker().clock.now()).as_secs();
    assert!((3000..=3600).contains(&left), "{left}");
    assert_eq!(world.ask(&contact).await.token(), "canary-access-1", "it is good for a while");
    assert!(world.seen().is_empty(), "the provider was not asked");
    let audited = world.audited().await;
    assert_eq!(audited.len(), 2, "each hand-out is an entry");
    let entry = &audited[0];
    assert_eq!((&entry["object"], &entry["ids"]), (&json!(contact), &json!([world.stage.link["id"]])));
    assert_eq!((&entry["actor"], &entry["detail"]), (&json!("client:vault-bot"), &json!("acme")));
    let everything = world.broker().get("/v1/audit?limit=200").await.to_string();
    assert!(!everything.contains("canary"), "{everything}");
}

#[tokio::test]
async fn a_conversation_that_is_not_verified_for_this_contact_by_this_provider_is_given_nothing() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let other = world.sign_in_at("conv-3", "other").await;
    world.link("conv-2", "acme").await;
    let refused = async |contact: &str, provider: &str, conversation: &str| {
        let body = json!({"provider": provider, "conversationId": conversation});
        let told = world.ask_with(contact, body).await;
        let (status, code) = told.refusal();
        (status, code.to_owned())
    };
    let not_verified = (409, "not_verified".to_owned());
    assert_ne!(contact, other, "each provider has people of its own");
    assert_eq!(refused(&contact, "acme", "conv-2").await, not_verified, "nobody has signed in there");
    assert_eq!(refused(&contact, "acme", "conv-9").await, not_verified, "nobody knows it");
    assert_eq!(refused(&contact, "acme", "conv-3").await, not_verified, "another person is there");
    assert_eq!(refused(&contact, "other", "conv-1").await, not_verified, "by another provider");
    assert_eq!(refused(&other, "acme", "conv-1").await, not_verified);
    assert_eq!(refused(&contact, "plain", "conv-1").await, (409, "vault_off".to_owned()));
    assert_eq!(refused(&contact, "nobody", "conv-1").await, (422, "invalid".to_owned()));
    let unknown = "ct_00000000000000000000000000000009";
    assert_eq!(refused(unknown, "acme", "conv-1").await, (404, "not_found".to_owned()));
    assert_eq!(refused("nobody", "acme", "conv-1").await, (404, "not_found".to_owned()));
    assert!(world.audited().await.is_empty());
}

#[tokio::test]
async fn it_takes_the_scope_of_the_vault_and_a_client_of_this_tenant() {
    let mut world = World::start().await;
    let contact = world.sign_in().await;
    let body = || json!({"provider": "acme", "conversationId": "conv-1"});
    let broker = world.broker();
    let narrow = vault_token(broker, Some("read:contacts")).await;
    let told = ask_at(&broker.origin, None, &narrow, &contact, body()).await;
    assert_eq!(told.refusal(), (403, "insufficient_scope"));
    let challenge = told.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("read:provider_tokens"), "{challenge}");
    let own = vault_token(broker, None).await;
    let port = broker.origin.rsplit(':').next().unwrap();
    let beta = format!("beta.test:{port}");
    let told = ask_at(&broker.origin, Some(&beta), &own, &contact, body()).await;
    assert_eq!(told.refusal(), (401, "invalid_token"));
    let credentials =
        json!({"grant_type": "client_credentials", "client_id": "vault-bot", "client_secret": BOT_SECRET});
    let request = broker.plain(Method::POST, "/v1/oauth/token").header("host", &beta).json(&credentials);
    let theirs: Value = request.send().await.unwrap().json().await.unwrap();
    let theirs = theirs["access_token"].as_str().unwrap();
    let told = ask_at(&broker.origin, Some(&beta), theirs, &contact, body()).await;
    assert_eq!(told.refusal(), (404, "not_found"), "what another tenant has is not found");
    let told = ask_at(&broker.origin, None, &own, &contact, json!({"provider": "acme"})).await;
    assert_eq!(told.refusal(), (422, "invalid"), "{}", told.body);
}

#[tokio::test]
async fn until_the_chat_confirms_it_a_sign_in_keeps_nothing_that_could_be_asked_for() {
    let mut world = World::with(Choices::default(), true).await;
    let page = world.stage.sign_in().await;
    assert!(kept(world.broker()).await.is_empty(), "the tokens wait in the sealed attempt");
    let contact = world.stage.confirmed(&page).await["id"].as_str().unwrap().to_owned();
    assert_eq!(world.ask(&contact).await.token(), "canary-access-1");
    assert_eq!(kept(world.broker()).await.len(), 1);
}

#[tokio::test]
async fn a_sign_in_that_lapses_takes_its_tokens_with_it() {
    let mut world = World::with(Choices::default(), true).await;
    let page = world.stage.sign_in().await;
    world.broker().clock.advance(std::time::Duration::from_mins(6));
    let answer = world.broker().message("conv-1", "+15550100", &page.code().unwrap()).await;
    assert_eq!(answer["matched"], false);
    world.link("conv-1", "acme").await;
    let next = world.stage.sign_in().await;
    let contact = world.stage.confirmed(&next).await["id"].as_str().unwrap().to_owned();
    assert_eq!(world.ask(&contact).await.token(), "canary-access-2", "of the sign-in that was confirmed");
}

#[tokio::test]
async fn where_the_vault_is_off_nothing_is_kept_and_a_trial_keeps_nothing_either() {
    let mut world = World::start().await;
    world.sign_in_at("conv-4", "plain").await;
    assert!(kept(world.broker()).await.is_empty());
    let begun = world.broker().post("/v1/providers/acme/test", json!({})).await;
    let mut browser = Browser::new();
    let opened = browser.open(begun["url"].as_str().unwrap()).await;
    let back = browser.get(&opened.location()).await.location();
    let page = browser.arrive(&back).await;
    assert!(page.html.contains("Test passed"), "{}", page.html);
    assert!(kept(world.broker()).await.is_empty());
}
