//! Several brokers on one store: each serves what another one was told, within a second.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{HOST, If, World, tenant_at};
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Beside, Choices, eventually};

/// What another broker answers to the tenant's admin.
async fn asked(other: &Beside, world: &World, token: &str, path: &str) -> (StatusCode, Value) {
    let request = world.broker.plain(Method::GET, path);
    let (_, built) = request.build_split();
    let mut built = built.unwrap();
    let port = other.address.rsplit(':').next().unwrap().parse().unwrap();
    built.url_mut().set_port(Some(port)).unwrap();
    let http = crate::harness::http_client();
    let request = reqwest::RequestBuilder::from_parts(http, built).header("host", HOST).bearer_auth(token);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

async fn every_broker_serves_what_one_was_told(store: Option<String>) {
    let world = World::with(Choices { store, ..Choices::default() }).await;
    let other = world.broker.beside().await;
    world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.is(201);
    let token = super::token_at(&world.broker, HOST, "admin").await;
    let within = async |path: &str, wanted: StatusCode, member: &str, value: Value| {
        eventually(path, async || {
            let (status, body) = asked(&other, &world, &token, path).await;
            (status == wanted && body[member] == value).then_some(())
        })
        .await;
    };
    within("/v1/providers", StatusCode::OK, "items", json!([])).await;
    world.put("acme", If::New, world.settings()).await.is(201);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    within("/v1/providers/acme", StatusCode::OK, "state", json!("live")).await;
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.etag().to_owned();
    world.tenant(Method::DELETE, "shop", If::Is(&etag), None).await.is(204);
    within("/v1/providers", StatusCode::MISDIRECTED_REQUEST, "code", json!("wrong_host")).await;
    world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.is(201);
    within("/v1/providers/acme", StatusCode::OK, "id", json!("acme")).await;
    // A broker that starts later knows everything before its first request.
    let third = world.broker.beside().await;
    let (status, body) = asked(&third, &world, &token, "/v1/providers/acme").await;
    assert_eq!((status, &body["state"]), (StatusCode::OK, &json!("live")));
    let told = world.audit().await;
    let created = told.iter().filter(|(action, ..)| action == "tenant.created").count();
    assert_eq!(
        (created, told.len()),
        (2, 5),
        "each change is told once, however many brokers heard of it: {told:?}"
    );
}

#[tokio::test]
async fn two_brokers_on_one_file_serve_the_same() {
    every_broker_serves_what_one_was_told(None).await;
}

#[tokio::test]
async fn two_brokers_on_one_redis_serve_the_same() {
    let server = Server::start(SAFE);
    every_broker_serves_what_one_was_told(Some(server.url())).await;
}

#[tokio::test]
async fn settings_survive_a_restart_and_a_backup() {
    let mut world = World::live().await;
    world.broker.restart().await;
    let link = world.link("conv-1").await.is(201).body;
    let page = crate::harness::browser::Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    world.broker.stop().await;
    let (config, clock) = (world.broker.config.clone(), world.broker.clock.clone());
    let file = world.broker.folder().join("a.csbackup");
    countersign::app::upkeep::export(&config, &clock, &file, |_| {}).await.unwrap();
    for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm", "countersign.db-lock"] {
        let _ = std::fs::remove_file(world.broker.folder().join(name));
    }
    countersign::app::upkeep::import(&config, &clock, &file, true, |_| {}).await.unwrap();
    world.broker.restart().await;
    let provider = world.provider("acme").await.is(200);
    assert_eq!((&provider.body["state"], provider.etag()), (&json!("live"), "\"2\""));
    let taken =
        world.tenant(Method::PUT, "other", If::New, Some(tenant_at(HOST))).await.refused(422, "invalid");
    assert_eq!(taken.pointers(), ["/hosts/0"], "hosts are known, too");
    let link = world.link("conv-2").await.is(201).body;
    let page = crate::harness::browser::Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.html);
}
