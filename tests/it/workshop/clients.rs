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
        (vec![("client_id", "b"), ("kind", "bot"), ("scopes", "custom:thing")], "An admin may give"),
        (vec![("client_id", ""), ("kind", "bot")], "Use 1 to 200"),
        (vec![("client_id", "b"), ("kind", "bot"), ("allow_from", "moon")], "no address or network"),
    ] {
        let page = shop.post_few("/admin/clients", &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
        assert!(page.html.contains(told), "{told}: {}", page.html);
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
    admin.look("clients").await;
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
}
