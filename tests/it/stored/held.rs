//! What is done for tenants that cannot be served at the moment: it waits, and nobody else does.

use std::time::Duration;

use countersign::domain::actor::Actor;
use countersign::domain::ids::TenantId;
use countersign::domain::stored::{Signed, StoredTenant};
use countersign::flow::settings::Precondition;
use countersign::store::tenants::HostChange;
use countersign::store::{Durability, Tx};
use reqwest::Method;
use serde_json::json;

use super::tested::{flows, flows_of, object, store_of};
use super::{HOST, If, World, tenant_at};
use crate::harness::receiver::{Answer, HOOK_SECRET, Receiver};
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Choices, eventually};

/// A world whose tenant has a webhook, to which one event could not be delivered; and its link.
async fn undelivered(receiver: &Receiver) -> World {
    let world =
        World::live_with(Choices { allow: vec![receiver.address.clone()], ..Choices::default() }).await;
    receiver.does(|_| Answer::Status(503));
    let hook = json!({"url": receiver.url(), "secret": HOOK_SECRET, "id": "crm"});
    world.call(Method::POST, "/v1/webhooks", If::Nothing, Some(hook)).await.is(201);
    world.link("conv-1").await.is(201);
    eventually("the first attempt fails", async || {
        let path = "/v1/webhooks/crm/deliveries";
        let log = world.call(Method::GET, path, If::Nothing, None).await.is(200).body;
        (log["items"][0]["lastCode"] == "status").then_some(())
    })
    .await;
    world
}

#[tokio::test]
async fn nothing_is_given_up_while_the_stored_tenants_are_not_loaded() {
    let receiver = Receiver::start().await;
    let mut world = undelivered(&receiver).await;
    world.broker.stop().await;
    receiver.forget();
    receiver.does(|_| Answer::Status(204));
    // A process that ends the link, and dies before anybody is told.
    world.broker.clock.advance(Duration::from_hours(2));
    let dying = flows_of(&world.broker);
    dying.sweep().await.unwrap();
    dying.load_stored().await;
    dying.sweep().await.unwrap();
    drop(dying);
    world.broker.clock.advance(Duration::from_mins(15));
    let next = flows_of(&world.broker);
    next.start_delivering();
    next.sweep().await.unwrap();
    // Time enough for a round that should not be.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(receiver.got().len(), 0, "where to is not known yet");
    next.load_stored().await;
    eventually("both are delivered", async || {
        let kinds: Vec<_> = receiver.got().iter().map(|got| got.kind().to_owned()).collect();
        (kinds == ["auth.link_created", "auth.expired"]).then_some(())
    })
    .await;
    next.finish_deliveries().await;
    drop(next);
    world.broker.restart().await;
    let path = "/v1/webhooks/crm/deliveries";
    let log = world.call(Method::GET, path, If::Nothing, None).await.is(200);
    assert_eq!(log.body["items"].as_array().unwrap().len(), 2);
    assert!(
        !log.text.contains("webhook_gone"),
        "a broker that starts is no webhook that is gone: {}",
        log.text
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_nobody_from_theirs() {
    let (harness, broker) = flows().await;
    let author = Actor::System;
    let id = |name: &str| -> TenantId { name.parse().unwrap() };
    let put = async |name: &str, title: &str, condition: Precondition| {
        broker.put_tenant(&id(name), &object(json!({"name": title})), &condition, &author).await.unwrap();
    };
    put("shop", "One", Precondition::New).await;
    let other = flows_of(&harness);
    other.load_stored().await;
    // Sealed with a key that these brokers do not have.
    let foreign = store_of(&harness, Some(("another", [7; 32]))).of_operator();
    let signed = Signed { by: "system".to_owned(), at: harness.clock.now() };
    let mut tx = Tx::new();
    tx.put_tenant(None, &StoredTenant::new(id("broken"), signed), &HostChange::default());
    foreign.commit(tx, Durability::Durable).await.unwrap();
    put("shop", "Two", Precondition::Any).await;
    let late = flows_of(&harness);
    late.load_stored().await;
    other.follow_settings().await.unwrap();
    for (which, broker) in [("one that follows", &other), ("one that starts", &late)] {
        let directory = broker.directory();
        let name = directory.by_id(&id("shop")).map(|served| served.tenant.name.clone());
        assert_eq!(name.as_deref(), Some("Two"), "{which}");
        let faults = directory.faults();
        assert!(faults.iter().any(|fault| fault.message.contains("`broken`")), "{which}: {faults:?}");
        assert!(!broker.waits_for_tenants(), "{which}");
    }
}

#[tokio::test]
async fn hosts_of_stored_tenants_are_asked_to_wait_while_the_store_is_away_at_the_start() {
    let mut server = Server::start(SAFE);
    let mut world = World::with(Choices { store: Some(server.url()), ..Choices::default() }).await;
    world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.is(201);
    let token = super::token_at(&world.broker, HOST, "admin").await;
    world.broker.stop().await;
    server.kill();
    world.broker.restart().await;
    let ask = async |path: &str| {
        let request = world.broker.plain(Method::GET, path).header("host", HOST).bearer_auth(&token);
        request.send().await.unwrap()
    };
    for path in ["/v1/tenant", "/l/nobody-knows-this"] {
        let answer = ask(path).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"2".parse().unwrap()),
            "{path}"
        );
    }
    server.start_again();
    eventually("its tenants are loaded", async || (ask("/v1/tenant").await.status() == 200).then_some(()))
        .await;
}
