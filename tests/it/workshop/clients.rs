//! `/admin/clients`: a client is made, gets another secret, and is deleted by the page alone.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Shop, token};
use crate::browser::inspector::Inspector;

/// The text of an element with an id.
fn shown(html: &str, id: &str) -> String {
    let rest = html.split(&format!("id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("no {id}: {html}"));
    rest.split('<').next().unwrap().to_owned()
}

async fn gets_a_token(shop: &Shop, id: &str, secret: &str) -> bool {
    let form = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
    let request = shop.broker.plain(Method::POST, "/v1/oauth/token").header("host", super::HOST).form(&form);
    request.send().await.unwrap().status() == StatusCode::OK
}

#[tokio::test]
async fn an_admin_makes_changes_over_and_deletes_a_client() {
    let mut shop = Shop::start().await;
    let fields = [("client_id", "bot"), ("kind", "bot"), ("scopes", "write:auth_links read:auth_links")];
    let made = shop.post_few("/admin/clients", &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.html);
    let first = shown(&made.html, "secret");
    assert!(gets_a_token(&shop, "bot", &first).await);
    let list = shop.get("/admin/clients").await.html;
    assert!(list.contains("write:auth_links") && !list.contains(&first), "{list}");
    let rotated = shop.post_few("/admin/clients/rotate", &[("client_id", "bot")]).await;
    let second = shown(&rotated.html, "secret");
    assert!(gets_a_token(&shop, "bot", &first).await && gets_a_token(&shop, "bot", &second).await);
    let deleted = shop.post_few("/admin/clients/delete", &[("client_id", "bot")]).await;
    assert!(shop.follow(&deleted).await.contains("Deleted."));
    assert!(!gets_a_token(&shop, "bot", &second).await);
    let told = shop.audit().await;
    for action in ["client.created", "client.secret_rotated", "client.deleted"] {
        assert!(told.iter().any(|(known, actor)| known == action && actor.starts_with("staff:")), "{action}");
    }
}

/// The fields of the form that makes another secret, as the page of a client has them.
fn rotation(html: &str) -> Vec<(String, String)> {
    let form =
        html.split("action=\"/admin/clients/rotate\"").nth(1).unwrap().split("</form>").next().unwrap();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1).map(|input| {
        let (name, rest) = input.split_once('"').unwrap();
        (name.to_owned(), rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
    });
    fields.filter(|(name, _)| name != "csrf").collect()
}

#[tokio::test]
async fn a_page_that_is_sent_again_takes_the_secret_in_use_from_nobody() {
    let mut shop = Shop::start().await;
    let fields = [("client_id", "bot"), ("kind", "bot"), ("scopes", "delete:principals")];
    let made = shop.post_few("/admin/clients", &fields).await;
    assert_eq!(made.status, StatusCode::OK, "an admin gives any scope: {}", made.html);
    let in_use = shown(&made.html, "secret");
    let list = shop.get("/admin/clients").await.html;
    assert!(list.contains("/admin/clients/client?client_id=bot"), "{list}");
    let page = shop.get("/admin/clients/client?client_id=bot").await.html;
    assert!(!page.contains("ends_older"), "there is no older one yet: {page}");
    let form = rotation(&page);
    let mut fields: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let second = shown(&shop.post_few("/admin/clients/rotate", &fields).await.html, "secret");
    for ticked in [false, true] {
        if ticked {
            fields.push(("ends_older", "on"));
        }
        let again = shop.post_few("/admin/clients/rotate", &fields).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "the reload, ticked {ticked}: {}", again.html);
    }
    assert!(gets_a_token(&shop, "bot", &in_use).await && gets_a_token(&shop, "bot", &second).await);

    let page = shop.get("/admin/clients/client?client_id=bot").await.html;
    assert!(page.contains("ends_older") && page.contains("is good until"), "{page}");
    let form = rotation(&page);
    let mut fields: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let held = shop.post_few("/admin/clients/rotate", &fields).await;
    assert!(
        held.status == StatusCode::CONFLICT && held.html.contains("may be the one in use"),
        "{}",
        held.html
    );
    assert!(gets_a_token(&shop, "bot", &in_use).await);
    fields.push(("ends_older", "on"));
    let third = shown(&shop.post_few("/admin/clients/rotate", &fields).await.html, "secret");
    assert!(!gets_a_token(&shop, "bot", &in_use).await, "now it was said that it may go");
    assert!(gets_a_token(&shop, "bot", &second).await && gets_a_token(&shop, "bot", &third).await);

    let page = shop.get("/admin/clients/client?client_id=bot").await.html;
    let form = rotation(&page);
    let mut fields: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.push(("leaked", "on"));
    let fourth = shown(&shop.post_few("/admin/clients/rotate", &fields).await.html, "secret");
    for ended in [&second, &third] {
        assert!(!gets_a_token(&shop, "bot", ended).await, "the one that leaked, and the one before it");
    }
    assert!(gets_a_token(&shop, "bot", &fourth).await);
    assert_eq!(shop.get("/admin/clients/client?client_id=nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_is_changed_on_its_page_and_keeps_what_it_is() {
    let mut shop = Shop::start().await;
    let fields = [
        ("client_id", "app"),
        ("kind", "device"),
        ("scopes", "openid email"),
        ("redirect_uris", "com.acme.shop:/callback"),
    ];
    assert_eq!(shop.post_few("/admin/clients", &fields).await.status, StatusCode::OK);
    let path = "/admin/clients/client?client_id=app";
    let page = shop.get(path).await.html;
    assert!(
        page.contains("com.acme.shop:/callback</textarea>") && page.contains("value=\"openid email\""),
        "{page}"
    );
    let version =
        page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let change = |uris: &'static str, version: &str| {
        [
            ("client_id", "app".to_owned()),
            ("version", version.to_owned()),
            ("name", "The App".to_owned()),
            ("scopes", "openid".to_owned()),
            ("redirect_uris", uris.to_owned()),
        ]
    };
    let bad = change("http://evil.example/", &version);
    let bad: Vec<_> = bad.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = shop.post_few("/admin/clients/change", &bad).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.html);
    for told in [
        "href=\"#redirect_uris\"",
        "id=\"redirect_uris-fault\"",
        "http://evil.example/</textarea>",
        "The App",
    ] {
        assert!(refused.html.contains(told), "{told}: {}", refused.html);
    }
    let good = change("com.acme.shop:/next", &version);
    let good: Vec<_> = good.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let done = shop.post_few("/admin/clients/change", &good).await;
    assert!(shop.follow(&done).await.contains("Saved."));
    let list = shop.get("/admin/clients").await.html;
    assert!(list.contains("com.acme.shop:/next") && list.contains("App without a secret"), "{list}");
    let late = shop.post_few("/admin/clients/change", &good).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{}", late.html);
    let told = shop.audit().await;
    assert!(told.iter().any(|(action, actor)| action == "client.changed" && actor.starts_with("staff:")));
}

#[tokio::test]
async fn a_client_with_a_key_of_its_own_is_made_on_the_page_and_has_no_secret() {
    let mut shop = Shop::start().await;
    let keys = json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }]});
    let keys = keys.to_string();
    let fields = [("client_id", "signer"), ("kind", "bot"), ("scopes", "read:contacts"), ("jwks", "{}")];
    let refused = shop.post_few("/admin/clients", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.html);
    assert!(refused.html.contains("id=\"jwks-fault\""), "{}", refused.html);
    let fields = [("client_id", "signer"), ("kind", "bot"), ("scopes", "read:contacts"), ("jwks", &keys)];
    let made = shop.post_few("/admin/clients", &fields).await;
    let page = shop.follow(&made).await;
    assert!(page.contains("Bot with a key") && !page.contains("/admin/clients/rotate"), "{page}");
}

#[tokio::test]
async fn what_does_not_fit_is_told_at_its_field_and_hostile_words_stay_words() {
    let mut shop = Shop::start().await;
    for (fields, told) in [
        (vec![("client_id", "app"), ("kind", "device")], "An app needs an address"),
        (
            vec![("client_id", "app"), ("kind", "device"), ("redirect_uris", "http://evil.example/")],
            "is no redirect uri",
        ),
        (vec![("client_id", "b"), ("kind", "bot"), ("scopes", "délété")], "is not a scope"),
        (vec![("client_id", ""), ("kind", "bot")], "Use 1 to 200"),
        (vec![("client_id", "b"), ("kind", "bot"), ("allow_from", "moon")], "no address or network"),
    ] {
        let page = shop.post_few("/admin/clients", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(page.html.contains(told), "{told}: {}", page.html);
        assert!(page.html.contains("-fault\">"), "at its field: {}", page.html);
    }
    let hostile = "<script>alert(1)</script>";
    let fields = [("client_id", hostile), ("name", hostile), ("kind", "bot"), ("scopes", "")];
    assert_eq!(shop.post_few("/admin/clients", &fields).await.status, StatusCode::OK);
    let list = shop.get("/admin/clients").await.html;
    assert!(!list.contains(hostile), "{list}");
    assert_eq!(
        shop.post_few("/admin/clients/rotate", &[("client_id", "nobody")]).await.status,
        StatusCode::NOT_FOUND
    );
    shop.come_as(Role::Agent).await;
    assert_eq!(shop.get("/admin/clients").await.status, StatusCode::FORBIDDEN);
    assert_eq!(shop.post_few("/admin/clients", &[("client_id", "x")]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_page_is_fit_to_be_seen() {
    let shop = Shop::start().await;
    let mut admin = Inspector::start().await;
    admin.browser.hold_staff_at(&shop.broker, super::HOST, Role::Admin).await;
    let url = format!("{}/admin/clients", shop.origin);
    admin.browser.open(&url).await;
    admin.look("clients-few").await;
    let token = token(&shop.broker, super::HOST, "admin").await;
    for id in 0..3 {
        let client = json!({
            "clientId": format!("a-client-with-a-very-long-name-that-nobody-would-choose-{id}"), "name": "عميل",
            "scopes": ["openid", "write:auth_links"], "grantTypes": ["authorization_code"], "auth": "none",
            "redirectUris": ["https://a-very-long-host-name-of-an-app.example.com/with/a/long/path/callback"],
        });
        let request = shop.broker.plain(Method::POST, "/v1/clients").header("host", super::HOST);
        let made = request.bearer_auth(&token).json(&client).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    admin.browser.open(&url).await;
    admin.look("clients-many").await;
    admin
        .browser
        .open(&format!("{url}/client?client_id=a-client-with-a-very-long-name-that-nobody-would-choose-0"))
        .await;
    admin.look("client-one").await;
    let uris = admin.browser.see("#redirect_uris").await;
    uris.clear().await.unwrap();
    uris.send_keys("http://evil.example/").await.unwrap();
    admin.browser.press("form[action='/admin/clients/change'] button").await;
    admin.browser.see("#redirect_uris-fault").await;
    admin.look_at_refusal("client-fault").await;
    admin.browser.open(&url).await;
    admin.browser.fill("#client_id", "bot").await;
    admin.browser.press("#kind-device").await;
    admin.browser.fill("#redirect_uris", "http://evil.example/").await;
    admin.browser.press("form[action='/admin/clients'] button").await;
    admin.browser.see("#redirect_uris-fault").await;
    admin.look("clients-fault").await;
    admin.browser.press("#kind-bot").await;
    admin.browser.press("form[action='/admin/clients'] button").await;
    admin.browser.see("#secret").await;
    admin.look("client-secret").await;
    admin.browser.open(&format!("{url}/client?client_id=bot")).await;
    admin.browser.press("form[action='/admin/clients/rotate'] button").await;
    admin.browser.see(".copy #secret").await;
    admin.look("client-rotated").await;
}
