//! What goes through a phone stands nowhere else: not in the log, not in the bytes of the database, not in what
//! operators are told.

use reqwest::Method;
use serde_json::json;

use super::messages_app::{Page, Phone};
use super::world::{APPLE_SECRET, AppleWorld, BUSINESS, location};
use crate::harness::log;

const CANARY: Phone = Phone { customer: "urn:mbid:CANARY-OF-THE-PHONE" };

#[tokio::test]
async fn nothing_of_a_sign_in_at_apple_turns_up_where_it_does_not_belong() {
    let world = AppleWorld::start("flow = \"v1\"").await;
    let link = world.link("conv-canary", &CANARY, json!({})).await;
    let mut opened = world.press(&CANARY, &link).await;
    let back = opened.reach_callback("allow").await;
    let cookies = opened.view.cookies(&back);
    let answer = opened.view.get(&back).await;
    let sent_back = location(&answer);
    let Page::Caught { code } = opened.sheet.follow(&sent_back) else { panic!("{sent_back}") };
    let form = opened.sheet.redeem("countersign", &code);
    let path = "/web/inbound/abc/oauth/token";
    let redeemed = world.broker.plain(Method::POST, path).body(form.clone()).send().await.unwrap();
    let redeemed: serde_json::Value = redeemed.json().await.unwrap();
    let token = redeemed["access_token"].as_str().unwrap().to_owned();
    // What is refused is logged, and tells nothing either.
    world.broker.plain(Method::POST, path).body(form).send().await.unwrap();
    world.press(&CANARY, &link).await;
    world.post(&CANARY.reply_with("biz-2", &opened.sheet, &token)).await;
    let reply = CANARY.reply_with(BUSINESS, &opened.sheet, &token);
    assert_eq!(world.post(&reply).await.1["items"][0]["matched"], true);

    let named = |name: &str| back.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
    let oauth2 = &link["message"]["payload"]["interactiveData"]["data"]["authenticate"]["oauth2"];
    let sealed = reply["interactiveData"]["data"]["authenticate"]["token"].as_str().unwrap().to_owned();
    let mut secrets = vec![
        oauth2["state"].as_str().unwrap().to_owned(),
        named("state"),
        named("code"),
        code,
        token,
        sealed,
        APPLE_SECRET.to_owned(),
        CANARY.customer.to_owned(),
        "billy.bob@example.com".to_owned(),
    ];
    secrets.extend(cookies.into_values());
    assert!(secrets.len() > 9 && secrets.iter().all(|secret| secret.len() > 15), "{secrets:?}");
    let log = log::text();
    assert!(
        log.contains("native.completed") && log.contains("relay.refused") && log.contains("inbound.refused")
    );
    let mut places = vec![("the log".to_owned(), log)];
    let metrics = world.broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    places.push(("the metrics".to_owned(), metrics));
    places.push(("the attempts".to_owned(), world.broker.get("/v1/attempts").await.to_string()));
    places.push(("the audit".to_owned(), world.broker.get("/v1/audit").await.to_string()));
    for entry in std::fs::read_dir(world.broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("countersign.db") {
            let bytes = std::fs::read(&path).unwrap();
            places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(places.len() > 4, "the database was found");
    for (place, text) in &places {
        for secret in &secrets {
            // Other tests share the log, and their people are ours.
            let is_shared = place == "the log" && secret.contains('@');
            assert!(is_shared || !text.contains(secret.as_str()), "`{secret}` stands in {place}");
        }
    }
}
