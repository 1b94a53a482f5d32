//! Secrets are written and never read.

use reqwest::StatusCode;
use serde_json::json;

use super::{DemoProvider, Shop, words};

#[tokio::test]
async fn a_secret_is_replaced_beside_the_one_before_which_is_dropped_later() {
    let mut shop = Shop::live().await;
    let page = shop.page("/secrets").await;
    assert!(words(&page).contains("It is set on") && !page.contains(DemoProvider::CLIENT_SECRET), "{page}");
    let empty = shop.send("/secrets", "/secrets/replace", &[("client_secret", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(empty.html.contains("aria-invalid=\"true\""), "{}", empty.html);

    let done = shop.send("/secrets", "/secrets/replace", &[("client_secret", "canary-next-secret")]).await;
    let page = shop.follow(&done).await;
    assert!(words(&page).contains("The one before is kept") && !page.contains("canary-next"), "{page}");
    let settings = shop.provider().await["live"]["settings"].clone();
    assert_eq!(settings["clientSecretPrevious"]["set"], true);
    let late = shop.send_on(&page, "/secrets/drop", &[("version", "1")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "somebody else changed it meanwhile");
    let done = shop.send("/secrets", "/secrets/drop", &[]).await;
    let page = shop.follow(&done).await;
    assert!(!words(&page).contains("The one before is kept"), "{page}");
    assert_eq!(shop.provider().await["live"]["settings"].get("clientSecretPrevious"), None);
    let audit = shop.audit().await;
    let by = &audit.iter().find(|(action, _)| action == "provider.secret_rotated").unwrap().1;
    assert!(by.starts_with("staff:st_"), "{by}");
}

#[tokio::test]
async fn without_the_tick_the_secret_before_is_gone_at_once() {
    let mut shop = Shop::live().await;
    let html = shop.page("/secrets").await.replace(" checked", "");
    let done = shop.send_on(&html, "/secrets/replace", &[("client_secret", "canary-next-secret")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert_eq!(shop.provider().await["live"]["settings"].get("clientSecretPrevious"), None);
}

#[tokio::test]
async fn a_private_key_goes_into_the_draft_with_its_id() {
    let mut shop = Shop::live().await;
    let bad = shop.send("/secrets", "/secrets/key", &[("private_key", "canary-no-key")]).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.html);
    assert!(
        !bad.html.contains("canary-no-key") && words(&bad.html).contains("cannot be used"),
        "{}",
        words(&bad.html)
    );
    let key = json!({"kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})
    .to_string();
    let done =
        shop.send("/secrets", "/secrets/key", &[("private_key", &key), ("private_key_id", "2026")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", words(&done.html));
    let provider = shop.provider().await;
    assert_eq!(provider["draft"]["settings"]["privateKey"]["set"], true);
    assert_eq!(provider["draft"]["settings"]["privateKeyId"], "2026");
    assert_eq!(provider["live"]["settings"].get("privateKey"), None, "it is not live yet");
    assert!(!shop.page("/secrets").await.contains("jpsQnnGQ"));
}
