//! Secrets go in and never come out: not in an answer, not in the log, not in the bytes of the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{If, World};
use crate::harness::{bot_secret_hash, log};

const CANARIES: [&str; 4] = [
    "canary-first-secret-of-the-provider",
    "canary-second-secret-of-the-provider",
    "canary-third-secret-of-the-provider",
    "canary-secret-in-the-wrong-place",
];

#[tokio::test]
async fn a_secret_never_comes_back() {
    let mut world = World::start().await;
    let hook = format!("whsec_{}", STANDARD.encode("canary-of-a-webhook-0123456789ab"));
    let mut answers = Vec::new();
    let mut settings = world.settings();
    settings["clientSecret"] = json!(CANARIES[0]);
    answers.push(world.put("acme", If::New, settings.clone()).await.is(201).text);
    answers.push(world.post("acme", "publish", json!({"untested": true})).await.is(200).text);
    settings["clientSecret"] = json!(CANARIES[1]);
    let etag = world.provider("acme").await.etag().to_owned();
    answers.push(world.put("acme", If::Is(&etag), settings.clone()).await.is(200).text);
    answers.push(world.call(Method::GET, "/v1/providers/acme/diff", If::Nothing, None).await.is(200).text);
    let rotation = json!({"clientSecret": CANARIES[2], "keepPrevious": false});
    answers.push(world.post("acme", "rotate-secret", rotation).await.is(200).text);
    answers.push(world.post("acme", "publish", json!({"untested": true})).await.is(200).text);
    answers.push(world.post("acme", "rollback", json!({"version": 1})).await.is(200).text);
    // Where it does not belong, and where it is at fault.
    for wrong in [
        json!({"clientSecrte": CANARIES[3]}),
        json!({"clientSecret": [CANARIES[3]]}),
        json!({"clientSecret": {"env": CANARIES[3]}}),
        json!({"clientSecret": format!("{}\nx", CANARIES[3])}),
        json!({"privateKeyy": {"pem": CANARIES[3]}}),
    ] {
        let mut sent = world.settings();
        for (name, value) in wrong.as_object().unwrap() {
            sent[name] = value.clone();
        }
        let etag = world.provider("acme").await.etag().to_owned();
        answers.push(world.put("acme", If::Is(&etag), sent).await.is(422).text);
    }
    let sent = json!({"url": "https://a.example/", "secret": hook, "enabled": false});
    answers.push(world.call(Method::POST, "/v1/webhooks", If::Nothing, Some(sent)).await.is(201).text);
    for path in
        ["/v1/providers", "/v1/providers/acme", "/v1/webhooks", "/v1/tenant", "/v1/clients", "/v1/audit"]
    {
        answers.push(world.call(Method::GET, path, If::Nothing, None).await.is(200).text);
    }
    let shown: Value = serde_json::from_str(&answers[answers.len() - 5]).unwrap();
    let secret = &shown["live"]["settings"]["clientSecret"];
    assert_eq!((&secret["set"], secret["changedAt"].is_string()), (&json!(true), true), "{shown}");
    for path in ["shop", "shop/export"] {
        answers.push(world.tenant(Method::GET, path, If::Nothing, None).await.is(200).text);
    }
    let export = answers.last().unwrap().clone();
    assert!(export.contains("SHOP_ACME_CLIENT_SECRET") && export.contains(bot_secret_hash()), "{export}");
    world.broker.stop().await;
    let hash = bot_secret_hash();
    let mut places: Vec<(String, String)> =
        answers.into_iter().map(|text| ("an answer".to_owned(), text)).collect();
    assert!(
        places.iter().all(|(_, text)| text.contains("SHOP_ACME_CLIENT_SECRET") || !text.contains(hash)),
        "a hash is a secret too"
    );
    places.push(("the log".to_owned(), log::text()));
    for entry in std::fs::read_dir(world.broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("countersign.db") {
            let bytes = std::fs::read(&path).unwrap();
            places.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    assert!(places.len() > 20);
    for (place, text) in &places {
        for canary in CANARIES.iter().copied().chain([hook.trim_start_matches("whsec_")]) {
            assert!(!text.contains(canary), "`{canary}` stands in {place}");
        }
    }
    let store = places.iter().filter(|(place, _)| place.contains("countersign.db"));
    assert!(
        store.clone().count() > 0 && store.into_iter().all(|(_, text)| !text.contains("The Shop")),
        "settings are sealed"
    );
}

#[tokio::test]
async fn a_secret_stays_until_it_is_replaced_or_taken_away() {
    let world = World::live().await;
    let mut settings = world.settings();
    settings.as_object_mut().unwrap().shift_remove("clientSecret");
    settings["label"] = json!("Another");
    let etag = world.provider("acme").await.etag().to_owned();
    let kept = world.put("acme", If::Is(&etag), settings.clone()).await.is(200);
    let changed =
        |answer: &Value, which: &str| answer[which]["settings"]["clientSecret"]["changedAt"].clone();
    assert_eq!(changed(&kept.body, "draft"), changed(&kept.body, "live"));
    settings["clientSecret"] = kept.body["draft"]["settings"]["clientSecret"].clone();
    let again = world.put("acme", If::Is(kept.etag()), settings.clone()).await.is(200);
    assert_eq!(changed(&again.body, "draft"), changed(&again.body, "live"));
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    let link = world.link("conv-1").await.is(201).body;
    let page = crate::harness::browser::Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let etag = world.provider("acme").await.etag().to_owned();
    settings["clientSecret"] = Value::Null;
    settings["clientAuth"] = json!("none");
    let gone = world.put("acme", If::Is(&etag), settings).await.is(200);
    assert!(gone.body["draft"]["settings"].get("clientSecret").is_none(), "{}", gone.text);
    let live = world.post("acme", "rotate-secret", json!({"clientSecret": "x"})).await.is(200);
    assert!(live.body["draft"]["settings"].get("clientSecret").is_none(), "it needs none: {}", live.text);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    world.post("acme", "rotate-secret", json!({"clientSecret": "x"})).await.refused(409, "conflict");
}

#[tokio::test]
async fn two_secrets_overlap_while_one_is_replaced() {
    let world = World::live().await;
    let signs_in = async |conversation: &str| {
        let link = world.link(conversation).await.is(201).body;
        crate::harness::browser::Browser::new().sign_in(link["url"].as_str().unwrap()).await.status.as_u16()
    };
    let before = world.provider("acme").await.body;
    // The provider does not know the new one yet.
    let sent = json!({"clientSecret": "the-next-secret-of-the-shop", "keepPrevious": true});
    let rotated = world.post("acme", "rotate-secret", sent).await.is(200);
    let settings = &rotated.body["live"]["settings"];
    assert_eq!(
        (&settings["clientSecret"]["set"], &settings["clientSecretPrevious"]["set"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(rotated.body["revision"], before["revision"], "a secret is no part of a revision");
    assert_eq!(rotated.body["live"]["version"], before["live"]["version"]);
    assert_eq!(signs_in("conv-1").await, 200, "the previous one is tried behind it");
    let dropped = world.post("acme", "drop-previous-secret", Value::Null).await.is(200);
    assert!(dropped.body["live"]["settings"].get("clientSecretPrevious").is_none(), "{}", dropped.text);
    assert_eq!(signs_in("conv-2").await, 502, "now there is only the one that the provider does not know");
    let right = countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET;
    world.post("acme", "rotate-secret", json!({"clientSecret": right})).await.is(200);
    assert_eq!(signs_in("conv-3").await, 200);
    let told: Vec<_> =
        world.audit().await.into_iter().skip(3).map(|(action, _, detail)| (action, detail)).collect();
    let told: Vec<_> = told.iter().map(|(action, detail)| (action.as_str(), detail.as_str())).collect();
    assert_eq!(
        told,
        [
            ("provider.secret_rotated", "the previous one is kept"),
            ("provider.secret_dropped", ""),
            ("provider.secret_rotated", "the previous one is dropped"),
        ]
    );
    let draft = {
        let mut settings = world.settings();
        settings["label"] = json!("Another");
        let etag = world.provider("acme").await.etag().to_owned();
        world.put("acme", If::Is(&etag), settings).await.is(200)
    };
    world.post("acme", "rotate-secret", json!({"clientSecret": right, "keepPrevious": true})).await.is(200);
    let both = world.provider("acme").await.body;
    for which in ["live", "draft"] {
        assert_eq!(both[which]["settings"]["clientSecretPrevious"]["set"], true, "{which}: {}", draft.text);
    }
}
