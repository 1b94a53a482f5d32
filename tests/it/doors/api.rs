//! `/v1/staff`: who is staff, over the API, and what a change does to whoever is signed in.

use countersign::flow::staff::session::Browser as Letting;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Choices, Harness};
use crate::openapi::{check_answer, document};
use crate::stored::{HOST, If, World};

/// The tenant of the store has an admin of its pages.
async fn world() -> World {
    let world = World::start().await;
    let dana = json!({"email": "Dana@Shop.example", "role": "admin", "name": "Dana"});
    world.call(Method::POST, "/v1/staff", If::Nothing, Some(dana)).await.is(201);
    world
}

/// The cookie of a browser in which a member is signed in.
async fn cookie(world: &World, email: &str) -> String {
    let broker = world.broker.broker();
    let tenant = broker.tenant_at(HOST).unwrap();
    let member = tenant.member_with(&email.parse().unwrap()).unwrap();
    let letting = Letting { device: String::new(), locale: "en".to_owned(), zone: "UTC".to_owned() };
    let how = countersign::domain::staff::SignedInBy::Code;
    let begun = broker.begin_session(&tenant, member, how, &letting).await.unwrap();
    format!("cs-staff={}", begun.cookie.expose())
}

async fn page(world: &World, path: &str, cookie: &str) -> StatusCode {
    let request = world.broker.plain(Method::GET, path).header("host", HOST).header("cookie", cookie);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn somebody_is_made_staff_changed_and_taken_out() {
    let world = world().await;
    let sent = json!({"email": "ari@shop.example", "role": "agent"});
    let made = world.call(Method::POST, "/v1/staff", If::Nothing, Some(sent.clone())).await.is(201);
    check_answer(&document(), "POST", "/v1/staff", 201, &made.body);
    world
        .call(
            Method::POST,
            "/v1/staff",
            If::Nothing,
            Some(json!({"email": "ARI@shop.example", "role": "admin"})),
        )
        .await
        .refused(409, "conflict");
    let path = format!("/v1/staff/{}", made.body["id"].as_str().unwrap());
    world
        .call(Method::PATCH, &path, If::Nothing, Some(json!({"name": "Ari"})))
        .await
        .refused(428, "precondition_required");
    let named =
        world.call(Method::PATCH, &path, If::Is(made.etag()), Some(json!({"name": "Ari"}))).await.is(200);
    check_answer(&document(), "PATCH", "/v1/staff/{id}", 200, &named.body);
    assert_eq!((&named.body["name"], &named.body["role"]), (&json!("Ari"), &json!("agent")));
    world
        .call(Method::PUT, &path, If::Is(made.etag()), Some(json!({"role": "admin"})))
        .await
        .refused(412, "stale");
    let admin =
        world.call(Method::PUT, &path, If::Is(named.etag()), Some(json!({"role": "admin"}))).await.is(200);
    assert_eq!((&admin.body["name"], &admin.body["role"]), (&Value::Null, &json!("admin")));
    let read = world.call(Method::GET, &path, If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/staff/{id}", 200, &read.body);
    let listed = world.call(Method::GET, "/v1/staff", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/staff", 200, &listed.body);
    let emails: Vec<_> = listed.body["items"].as_array().unwrap().iter().map(|item| &item["email"]).collect();
    assert_eq!(emails, ["dana@shop.example", "ari@shop.example"]);
    world.call(Method::DELETE, &path, If::Is(listed.etag()), None).await.is(204);
    world.call(Method::GET, &path, If::Nothing, None).await.refused(404, "not_found");
    let audit = world.call(Method::GET, "/v1/audit?limit=200", If::Nothing, None).await.is(200);
    let told: Vec<_> = audit.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .filter(|action| action.starts_with("staff."))
        .collect();
    assert_eq!(told, ["staff.removed", "staff.changed", "staff.changed", "staff.added", "staff.added"]);
    assert!(!audit.text.contains("shop.example"), "the audit holds no addresses: {}", audit.text);
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let world = world().await;
    let listed = world.call(Method::GET, "/v1/staff", If::Nothing, None).await.is(200);
    let path = format!("/v1/staff/{}", listed.body["items"][0]["id"].as_str().unwrap());
    let refused =
        world.call(Method::PATCH, &path, If::Is(listed.etag()), Some(json!({"role": "agent"}))).await;
    assert!(refused.refused(409, "conflict").text.contains("last admin"));
    world.call(Method::DELETE, &path, If::Is(listed.etag()), None).await.refused(409, "conflict");
    let other = json!({"email": "otto@shop.example", "role": "admin"});
    let made = world.call(Method::POST, "/v1/staff", If::Nothing, Some(other)).await.is(201);
    world.call(Method::DELETE, &path, If::Is(made.etag()), None).await.is(204);
}

#[tokio::test]
async fn a_change_counts_from_the_next_request_on() {
    let world = world().await;
    let otto = json!({"email": "otto@shop.example", "role": "admin"});
    let made = world.call(Method::POST, "/v1/staff", If::Nothing, Some(otto)).await.is(201);
    let path = format!("/v1/staff/{}", made.body["id"].as_str().unwrap());
    let cookie = cookie(&world, "otto@shop.example").await;
    assert_eq!(page(&world, "/admin/staff", &cookie).await, StatusCode::OK);
    let agent =
        world.call(Method::PATCH, &path, If::Is(made.etag()), Some(json!({"role": "agent"}))).await.is(200);
    assert_eq!(page(&world, "/admin/staff", &cookie).await, StatusCode::FORBIDDEN);
    assert_eq!(page(&world, "/account", &cookie).await, StatusCode::OK);
    world.call(Method::DELETE, &path, If::Is(agent.etag()), None).await.is(204);
    assert_eq!(page(&world, "/account", &cookie).await, StatusCode::SEE_OTHER);
    let again = json!({"email": "otto@shop.example", "role": "agent"});
    world.call(Method::POST, "/v1/staff", If::Nothing, Some(again)).await.is(201);
    assert_eq!(
        page(&world, "/account", &cookie).await,
        StatusCode::SEE_OTHER,
        "an old cookie does not come back"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_told_at_its_place() {
    let world = world().await;
    for (sent, pointer) in [
        (json!({"email": "no address", "role": "agent"}), "/email"),
        (json!({"email": "a@shop.example", "role": "owner"}), "/role"),
        (json!({"email": "a@shop.example", "role": "agent", "name": "x".repeat(101)}), "/name"),
        (json!({"email": "a@shop.example", "role": "agent", "colour": 1}), "/colour"),
    ] {
        let refused = world.call(Method::POST, "/v1/staff", If::Nothing, Some(sent)).await;
        assert_eq!(refused.refused(422, "invalid").pointers(), [pointer]);
    }
}

#[tokio::test]
async fn the_tenants_own_document_leaves_the_staff_alone() {
    let world = world().await;
    let read = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    assert_eq!(read.body["settings"]["staff"][0]["role"], "admin", "{}", read.text);
    let refused = world
        .call(Method::PUT, "/v1/tenant", If::Is(read.etag()), Some(json!({"name": "Shop", "staff": []})))
        .await;
    assert_eq!(refused.refused(422, "invalid").pointers(), ["/staff"]);
    world.call(Method::PUT, "/v1/tenant", If::Is(read.etag()), Some(json!({"name": "Shop"}))).await.is(200);
    let listed = world.call(Method::GET, "/v1/staff", If::Nothing, None).await.is(200);
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    let export = world.tenant(Method::GET, "shop/export", If::Nothing, None).await.is(200);
    assert!(
        export.text.contains("[[staff]]\nemail = \"dana@shop.example\"\nrole = \"admin\""),
        "{}",
        export.text
    );
}

#[tokio::test]
async fn of_a_tenant_in_a_file_they_are_read_here_and_changed_there() {
    let broker = Harness::with(Choices::default()).await;
    let scopes = "scopes = [\"read:staff\", \"write:staff\"]";
    let file = broker.tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("scopes = [").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    std::fs::write(&file, format!("{before}{scopes}{after}")).unwrap();
    crate::harness::eventually("the file is read again", async || {
        let tenant = broker.broker().tenant_at("127.0.0.1").unwrap();
        tenant.clients[0].scopes.allow("write:staff").then_some(())
    })
    .await;
    let listed = broker.get("/v1/staff").await;
    assert_eq!(
        (&listed["items"][0]["email"], &listed["items"][0]["source"]),
        (&json!("dana@acme.example"), &json!("file"))
    );
    let (status, answer) = broker
        .api(Method::POST, "/v1/staff", Some(json!({"email": "x@acme.example", "role": "agent"})))
        .await;
    assert_eq!((status, &answer["code"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert!(answer["detail"].as_str().unwrap().contains("acme.toml"), "{answer}");
}

#[tokio::test]
async fn who_may_change_the_staff_may_see_it() {
    let world = World::start().await;
    let id = json!({"clientId": "desk", "scopes": ["write:staff"]});
    let made = world.call(Method::POST, "/v1/clients", If::Nothing, Some(id)).await.is(201);
    let secret = made.body["clientSecret"].as_str().unwrap();
    let asked = json!({"grant_type": "client_credentials", "client_id": "desk", "client_secret": secret});
    let token = world.broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).json(&asked);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    for (path, status) in [("/v1/staff", 200), ("/v1/staff/st_nobody", 404), ("/v1/contacts", 403)] {
        let request = world.broker.plain(Method::GET, path).header("host", HOST);
        let answer = request.bearer_auth(token["access_token"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
    }
}
