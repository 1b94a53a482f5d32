//! `/admin/websites`: a website is made, changed and taken away by the page alone, and its key is good for as long.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{HOST, Shop, fields};
use crate::browser::inspector::Inspector;

const KEY: &str = "pk_dom_0123456789abcdef";
const ORIGIN: &str = "https://www.acme.example";

/// What a page of this origin is told when it asks for a code: the status, and the code of a refusal.
async fn asks_for_a_code(shop: &Shop, key: &str, origin: &str) -> (u16, String) {
    let body = json!({"publicKey": key, "email": "dana@customers.example"});
    let request = shop.broker.plain(Method::POST, "/api/client/v1/otp/send").header("host", HOST);
    let answer = request.header("origin", origin).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn page_of(key: &str) -> String {
    format!("/admin/websites/website?public_key={key}")
}

/// Sends a form of a page as it was served but for some fields.
async fn send(
    shop: &mut Shop,
    html: &str,
    action: &str,
    more: &[(&str, &str)],
) -> crate::harness::browser::Page {
    let mut sent = fields(html, action);
    for (name, value) in more {
        sent.retain(|(known, _)| known != name);
        sent.push(((*name).to_owned(), (*value).to_owned()));
    }
    shop.post(action, sent).await
}

async fn document(shop: &Shop) -> Value {
    shop.api(Method::GET, "/v1/tenant", None).await["settings"].clone()
}

#[tokio::test]
async fn an_admin_makes_changes_and_deletes_a_website() {
    let mut shop = Shop::start().await;
    let empty = shop.get("/admin/websites").await.html;
    assert!(empty.contains("There is no website yet") && empty.contains("Emailed codes are off"), "{empty}");
    let on = send(&mut shop, &empty, "/admin/websites/codes", &[]).await;
    assert!(!shop.follow(&on).await.contains("Emailed codes are off"));
    let own = [("public_key", KEY), ("origins", ORIGIN), ("sender", "Acme Shop"), ("accent", "#0b5fff")];
    let made = send(&mut shop, &empty, "/admin/websites", &own).await;
    let page = shop.follow(&made).await;
    assert!(page.contains("Saved.") && page.contains(&format!("publicKey: \"{KEY}\"")), "{page}");
    let stands = json!([{"publicKey": KEY, "origins": [ORIGIN], "sender": "Acme Shop", "accent": "#0b5fff"}]);
    let now = document(&shop).await;
    assert_eq!((&now["websites"], &now["customers"]["emailCode"]), (&stands, &json!(true)));
    assert_eq!(now["binding"], json!({"minimum": "none"}), "everything else stays");
    // There is no mail server here: how far the key leads is enough.
    assert_eq!(asks_for_a_code(&shop, KEY, ORIGIN).await, (503, "no_mail".to_owned()));
    assert_eq!(asks_for_a_code(&shop, KEY, "https://evil.example").await.0, 403);
    let more = "https://www.acme.example\nhttps://shop.acme.example";
    let changed =
        send(&mut shop, &page, "/admin/websites/change", &[("origins", more), ("sender", "")]).await;
    let list = shop.follow(&changed).await;
    assert!(list.contains("https://shop.acme.example") && list.contains("The Shop"), "{list}");
    assert_eq!(asks_for_a_code(&shop, KEY, "https://shop.acme.example").await.0, 503);
    let page = shop.get(&page_of(KEY)).await.html;
    let deleted = send(&mut shop, &page, "/admin/websites/delete", &[]).await;
    assert!(shop.follow(&deleted).await.contains("Deleted."));
    assert_eq!(asks_for_a_code(&shop, KEY, ORIGIN).await.0, 403, "no page of an unknown origin gets in");
    let now = document(&shop).await;
    assert!(now.get("websites").is_none_or(|websites| websites == &json!([])), "{now}");
    let told = shop.audit().await;
    let told =
        told.iter().filter(|(action, actor)| action == "tenant.changed" && actor.starts_with("staff:"));
    assert_eq!(told.count(), 4);
}

#[tokio::test]
async fn a_key_is_made_where_none_was_typed() {
    let mut shop = Shop::start().await;
    for _ in 0..2 {
        let made = shop.post_few("/admin/websites", &[("origins", ORIGIN)]).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.html);
    }
    let websites = document(&shop).await["websites"].clone();
    let keys: Vec<_> =
        websites.as_array().unwrap().iter().map(|website| website["publicKey"].clone()).collect();
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_told_at_its_field_and_hostile_words_stay_words() {
    let mut shop = Shop::start().await;
    for (field, typed, told) in [
        ("origins", "", "needs the origin"),
        ("origins", "https://*.acme.example", "no origin of a website"),
        ("origins", "http://www.acme.example", "Use `https:`"),
        ("origins", "https://www.acme.example/shop", "as browsers do"),
        ("public_key", "pk_live_1", "pk_dom_"),
        ("sender", "Eve <eve@evil.example>", "no sender"),
        ("accent", "red", "#0b5fff"),
    ] {
        let mut typed_in =
            vec![("public_key", KEY), ("origins", ORIGIN), ("sender", "<script>"), ("accent", "")];
        typed_in.retain(|(name, _)| *name != field);
        typed_in.push((field, typed));
        let page = shop.post_few("/admin/websites", &typed_in).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{field} {typed}: {}", page.html);
        let text = super::text(&page.html);
        assert!(text.contains(told), "{field} {typed}: {text}");
        assert!(page.html.contains(&format!("id=\"{field}-fault\"")), "{field} {typed}: {}", page.html);
    }
    let hostile = "Acme & <b>Co</b>";
    let taken = [("public_key", KEY), ("origins", ORIGIN), ("sender", "Acme & Co")];
    assert_eq!(shop.post_few("/admin/websites", &taken).await.status, StatusCode::SEE_OTHER);
    let again = shop.post_few("/admin/websites", &[taken[0], taken[1], ("sender", hostile)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!again.html.contains(hostile), "{}", again.html);
    let missing = shop.get(&page_of("pk_dom_ffffffffffffffff")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    shop.come_as(Role::Agent).await;
    assert_eq!(shop.get("/admin/websites").await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.post_few("/admin/websites", &taken).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn of_two_admins_the_later_one_takes_nothing_back_unseen() {
    let mut shop = Shop::start().await;
    let made = shop.post_few("/admin/websites", &[("public_key", KEY), ("origins", ORIGIN)]).await;
    let page = shop.follow(&made).await;
    // Somebody changes other settings: no obstacle.
    let on = shop.post_few("/admin/websites/codes", &[("email_code", "on")]).await;
    assert_eq!(on.status, StatusCode::SEE_OTHER);
    let first = send(&mut shop, &page, "/admin/websites/change", &[("sender", "First")]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.html);
    let late = send(&mut shop, &page, "/admin/websites/change", &[("sender", "Second")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    assert!(late.html.contains("Somebody else changed this") && late.html.contains("value=\"Second\""));
    assert_eq!(document(&shop).await["websites"][0]["sender"], "First");
    let gone = send(&mut shop, &page, "/admin/websites/delete", &[]).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "nor is what nobody saw taken away");
    let knowing = send(&mut shop, &late.html, "/admin/websites/change", &[]).await;
    assert_eq!(knowing.status, StatusCode::SEE_OTHER, "{}", knowing.html);
    assert_eq!(document(&shop).await["websites"][0]["sender"], "Second");
}

#[tokio::test]
async fn the_pages_are_fit_to_be_seen() {
    let shop = Shop::start().await;
    let mut admin = Inspector::start().await;
    admin.browser.hold_staff_at(&shop.broker, HOST, Role::Admin).await;
    let url = format!("{}/admin/websites", shop.origin);
    admin.browser.open(&url).await;
    admin.look("websites-none").await;
    admin
        .browser
        .fill("#origins", "https://*.a-very-long-host-name-of-a-website-that-nobody-would-choose.example")
        .await;
    admin.browser.press("form[action='/admin/websites'] button").await;
    admin.browser.see("#origins-fault").await;
    admin.look("websites-fault").await;
    admin.browser.open(&url).await;
    admin
        .browser
        .fill("#origins", "https://a-very-long-host-name-of-a-website-that-nobody-would-choose.example")
        .await;
    admin.browser.fill("#public_key", KEY).await;
    admin.browser.press("form[action='/admin/websites'] button").await;
    admin.browser.see("form[action='/admin/websites/delete']").await;
    admin.look("website-one").await;
    admin.browser.open(&url).await;
    admin.look("websites-list").await;
}
