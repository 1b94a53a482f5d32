//! From draft to live, back to an earlier version, and away.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Shop, words};

/// Changes a setting of the draft by its page.
async fn set(shop: &mut Shop, name: &str, value: &str) {
    let saved = shop.send("/settings", "/settings", &[(name, value)]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", words(&saved.html));
}

#[tokio::test]
async fn an_untested_draft_goes_live_only_with_a_tick_and_the_difference_is_shown() {
    let mut shop = Shop::live().await;
    assert!(shop.page("/publish").await.contains("There is no draft"));
    set(&mut shop, "scope", "read write").await;
    let saved = shop.send("/settings", "/settings", &[("client_secret", "another-secret-0123")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    let page = shop.page("/publish").await;
    let told = words(&page);
    assert!(told.contains("Scope scope not set read write"), "{told}");
    assert!(told.contains("Client secret client_secret changed; a secret is never shown"), "{told}");
    assert!(!page.contains("another-secret") && told.contains("has passed no test login"), "{told}");
    let refused = shop.send("/publish", "/publish", &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(words(&refused.html).contains("tick *Publish without"), "{}", words(&refused.html));
    assert_eq!(shop.provider().await["live"]["version"], 1);
    let published = shop.send("/publish", "/publish", &[("untested", "yes")]).await;
    shop.follow(&published).await;
    assert_eq!(shop.provider().await["live"]["settings"]["scope"], "read write");
}

#[tokio::test]
async fn a_page_that_is_older_than_the_draft_publishes_and_discards_nothing() {
    let mut shop = Shop::live().await;
    set(&mut shop, "scope", "one").await;
    let old = shop.page("/publish").await;
    set(&mut shop, "scope", "two").await;
    for (action, more) in [("/publish", &[("untested", "yes")][..]), ("/discard", &[])] {
        let page = shop.send_on(&old, action, more).await;
        assert_eq!(page.status, StatusCode::CONFLICT, "{action}");
        assert!(
            words(&page.html).contains("somebody changed this provider")
                || words(&page.html).contains("Somebody changed this provider"),
            "{action}"
        );
    }
    assert_eq!(shop.provider().await["draft"]["settings"]["scope"], "two");
    let gone = shop.send("/publish", "/discard", &[]).await;
    shop.follow(&gone).await;
    assert_eq!(shop.provider().await["draft"], Value::Null);
}

#[tokio::test]
async fn an_earlier_version_is_compared_and_comes_back() {
    let mut shop = Shop::live().await;
    assert!(!shop.page("/versions").await.contains("Compare and go back"));
    set(&mut shop, "scope", "read").await;
    shop.send("/publish", "/publish", &[("untested", "yes")]).await;
    let list = words(&shop.page("/versions").await);
    assert!(list.contains("2 Live") && list.contains("you none"), "{list}");
    let page = shop.page("/versions/1").await;
    assert!(words(&page).contains("Scope scope read not set"), "{}", words(&page));
    assert_eq!(shop.get("/admin/providers/acme/versions/7").await.status, StatusCode::NOT_FOUND);
    let back = shop.send_on(&page, "/versions/1", &[]).await;
    shop.follow(&back).await;
    let provider = shop.provider().await;
    assert_eq!((&provider["live"]["version"], provider["live"]["settings"].get("scope")), (&json!(3), None));
    let late = shop.send_on(&page, "/versions/1", &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn going_back_to_another_subject_is_asked_for_twice() {
    let mut shop = Shop::live().await;
    let mut settings = shop.settings();
    settings["subject"] = json!("user.email");
    settings["confirmSubjectChange"] = json!(true);
    shop.put_draft(&settings).await;
    shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    let page = shop.page("/versions/1").await;
    assert!(page.contains("name=\"confirm_subject\""));
    let refused = shop.send_on(&page, "/versions/1", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", words(&refused.html));
    let back = shop.send_on(&page, "/versions/1", &[("confirm_subject", "yes")]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(shop.provider().await["live"]["settings"]["subject"], "user.id");
}

#[tokio::test]
async fn going_back_to_another_user_id_of_the_mapping_offers_the_tick_once_it_was_refused() {
    let mut shop = Shop::start().await;
    let mut settings = shop.settings();
    settings.as_object_mut().unwrap().remove("subject");
    settings["mapping"] = json!({"userId": "user.id", "fullName": "user.name"});
    shop.put_draft(&settings).await;
    shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    settings["mapping"] = json!({"userId": "user.email", "fullName": "user.name"});
    settings["confirmSubjectChange"] = json!(true);
    shop.put_draft(&settings).await;
    shop.api(Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    let page = shop.page("/versions/1").await;
    let refused = shop.send_on(&page, "/versions/1", &[]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", words(&refused.html));
    assert!(refused.html.contains("name=\"confirm_subject\""), "{}", words(&refused.html));
    let back = shop.send_on(&refused.html, "/versions/1", &[("confirm_subject", "yes")]).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", words(&back.html));
    assert_eq!(shop.provider().await["live"]["settings"]["mapping"]["userId"], "user.id");
}

#[tokio::test]
async fn a_provider_is_deleted_by_typing_its_id_and_not_under_open_links_unawares() {
    let mut shop = Shop::live().await;
    let refused = shop.send("/delete", "/delete", &[("typed", "Acme")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.html.contains("value=\"Acme\""), "{}", refused.html);
    let link = json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": "+15550100"}});
    shop.api(Method::POST, "/v1/auth-links", Some(link)).await;
    let held = shop.send("/delete", "/delete", &[("typed", "acme")]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    assert!(
        held.html.contains("name=\"force\"") && words(&held.html).contains("Delete it all the same"),
        "{}",
        held.html
    );
    let deleted = shop.send_on(&held.html, "/delete", &[("force", "yes")]).await;
    let list = shop.follow(&deleted).await;
    assert!(list.contains("No provider yet"), "{list}");
    let audit = shop.audit().await;
    let by = &audit.iter().find(|(action, _)| action == "provider.deleted").unwrap().1;
    assert!(by.starts_with("staff:st_"), "{by}");
}

#[tokio::test]
async fn hostile_labels_of_a_provider_stay_text_on_every_page() {
    let mut shop = Shop::start().await;
    let mut settings = shop.settings();
    settings["label"] = json!("<img src=x onerror=alert(1)>\u{202e}");
    shop.put_draft(&settings).await;
    for page in ["", "/settings", "/secrets", "/test", "/mapping", "/publish", "/versions", "/delete"] {
        let html = shop.page(page).await;
        assert!(!html.contains("<img src=x"), "{page}");
    }
    let list = shop.get("/admin/providers").await.html;
    assert!(!list.contains("<img src=x") && !list.contains('\u{202e}'), "{list}");
}
