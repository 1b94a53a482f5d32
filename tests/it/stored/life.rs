//! From nothing to a login, and on: publish, roll back, discard, delete.

use reqwest::Method;
use serde_json::{Value, json};

use super::{HOST, If, World, tenant_at};
use crate::harness::browser::Browser;
use crate::openapi::{check_answer, document};

async fn signs_in(world: &World, conversation: &str) -> Value {
    let link = world.link(conversation).await.is(201).body;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, 200, "{}", page.html);
    world.status(&link).await
}

#[tokio::test]
async fn a_customer_signs_in_at_a_tenant_that_an_operator_made_and_an_admin_set_up() {
    let world = World::start().await;
    world.link("conv-1").await.is(422);
    let made = world.put("acme", If::New, world.settings()).await.is(201);
    check_answer(&document(), "PUT", "/v1/providers/{id}", 201, &made.body);
    assert_eq!((&made.body["state"], &made.body["live"]), (&json!("draft"), &Value::Null));
    world.link("conv-1").await.is(422);
    let live = world.post("acme", "publish", json!({"untested": true})).await.is(200);
    check_answer(&document(), "POST", "/v1/providers/{id}/publish", 200, &live.body);
    assert_eq!((&live.body["state"], &live.body["draft"]), (&json!("live"), &Value::Null));
    let done = signs_in(&world, "conv-1").await;
    assert_eq!(
        (&done["status"], &done["profile"]["email"]),
        (&json!("completed"), &json!("billy.bob@example.com"))
    );
    assert!(done["contactId"].is_string());
    let list = world.call(Method::GET, "/v1/providers", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/providers", 200, &list.body);
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
    let told = world.audit().await;
    let told: Vec<_> = told.iter().map(|(action, actor, _)| (action.as_str(), actor.as_str())).collect();
    assert_eq!(
        told,
        [
            ("tenant.created", "operator:ops"),
            ("provider.drafted", "client:admin"),
            ("provider.published", "client:admin"),
        ]
    );
}

#[tokio::test]
async fn logins_go_on_with_what_is_live_until_a_draft_is_published() {
    let world = World::live().await;
    let broken = json!({"tokenUrl": format!("{}/nowhere", world.broker.provider.origin())});
    let mut settings = world.settings();
    settings["tokenUrl"] = broken["tokenUrl"].clone();
    let etag = world.provider("acme").await.etag().to_owned();
    let drafted = world.put("acme", If::Is(&etag), settings).await.is(200);
    assert_eq!(drafted.body["state"], "live");
    assert_eq!(signs_in(&world, "conv-1").await["status"], "completed");
    let diff = world.call(Method::GET, "/v1/providers/acme/diff", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/providers/{id}/diff", 200, &diff.body);
    let changes = diff.body["changes"].as_array().unwrap();
    let changed: Vec<_> = changes.iter().map(|change| (&change["setting"], &change["what"])).collect();
    // Whoever sends a secret sends another one, as far as anybody can tell.
    assert_eq!(
        changed,
        [(&json!("/clientSecret"), &json!("changed")), (&json!("/tokenUrl"), &json!("changed"))]
    );
    assert_eq!(changes[1]["after"], broken["tokenUrl"]);
    assert!(changes[0].get("before").is_none() && changes[0].get("after").is_none());
    world.post("acme", "discard", Value::Null).await.is(200);
    let after = world.provider("acme").await.is(200);
    assert_eq!((&after.body["draft"], &after.body["history"]), (&Value::Null, &json!([])));
    world.post("acme", "discard", Value::Null).await.refused(409, "conflict");
    world.post("acme", "publish", json!({"untested": true})).await.refused(409, "conflict");
}

#[tokio::test]
async fn an_earlier_version_comes_back_with_todays_secrets() {
    let world = World::live().await;
    let etag = world.provider("acme").await.etag().to_owned();
    let mut settings = world.settings();
    settings["label"] = json!("Another label");
    settings["tokenUrl"] = json!(format!("{}/nowhere", world.broker.provider.origin()));
    settings["clientSecret"] = json!("a-secret-that-is-wrong");
    world.put("acme", If::Is(&etag), settings.clone()).await.is(200);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    settings.as_object_mut().unwrap().shift_remove("clientSecret");
    settings["clientSecret"] = json!(countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET);
    let etag = world.provider("acme").await.etag().to_owned();
    world.put("acme", If::Is(&etag), settings).await.is(200);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    let third = world.provider("acme").await.body;
    assert_eq!((&third["live"]["version"], third["history"].as_array().unwrap().len()), (&json!(3), 2));
    world.post("acme", "rollback", json!({"version": 7})).await.refused(422, "invalid");
    world.post("acme", "rollback", json!({"version": 3})).await.refused(422, "invalid");
    let back = world.post("acme", "rollback", json!({"version": 1})).await.is(200);
    check_answer(&document(), "POST", "/v1/providers/{id}/rollback", 200, &back.body);
    assert_eq!(
        (&back.body["live"]["version"], &back.body["label"], &back.body["history"][0]["version"]),
        (&json!(4), &json!("The Shop's account"), &json!(3))
    );
    assert_eq!(
        back.body["revision"], third["history"][1]["revision"],
        "the same settings are the same revision"
    );
    assert_eq!(signs_in(&world, "conv-1").await["status"], "completed");
    let (_, _, detail) = world.audit().await.pop().unwrap();
    assert_eq!(detail, "version 4 is version 1; label tokenUrl");
}

#[tokio::test]
async fn a_login_that_began_with_a_version_ends_with_it() {
    let world = World::live().await;
    let link = world.link("conv-1").await.is(201).body;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let etag = world.provider("acme").await.etag().to_owned();
    let mut settings = world.settings();
    settings["tokenUrl"] = json!(format!("{}/nowhere", world.broker.provider.origin()));
    world.put("acme", If::Is(&etag), settings).await.is(200);
    world.post("acme", "publish", json!({"untested": true})).await.is(200);
    assert_eq!(browser.arrive(&callback).await.status, 200);
    assert_eq!(world.status(&link).await["status"], "completed");
}

#[tokio::test]
async fn a_provider_with_open_links_is_deleted_by_force_only() {
    let world = World::live().await;
    world.link("conv-1").await.is(201);
    let etag = world.provider("acme").await.etag().to_owned();
    let delete = async |query: &str| {
        world.call(Method::DELETE, &format!("/v1/providers/acme{query}"), If::Is(&etag), None).await
    };
    delete("").await.refused(409, "conflict");
    delete("?force=perhaps").await.is(400);
    delete("?force=true").await.is(204);
    world.provider("acme").await.is(404);
    delete("?force=true").await.is(404);
    world.link("conv-2").await.is(422);
}

#[tokio::test]
async fn a_deleted_tenant_is_not_served_and_comes_back_with_its_providers() {
    let world = World::live().await;
    let before = signs_in(&world, "conv-1").await;
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200).etag().to_owned();
    world.tenant(Method::DELETE, "shop", If::Nothing, None).await.refused(428, "precondition_required");
    world.tenant(Method::DELETE, "shop", If::Is("\"99\""), None).await.refused(412, "stale");
    world.tenant(Method::DELETE, "shop", If::Is(&etag), None).await.is(204);
    world.tenant(Method::GET, "shop", If::Nothing, None).await.is(404);
    world.tenant(Method::DELETE, "shop", If::Is(&etag), None).await.is(404);
    let gone = world.broker.plain(Method::GET, "/api/oauth2/jwks").header("host", HOST).send().await.unwrap();
    assert_eq!(gone.status(), 421);
    // Another tenant may take the host meanwhile.
    world.tenant(Method::PUT, "other", If::New, Some(tenant_at(HOST))).await.is(201);
    let taken =
        world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.refused(422, "invalid");
    assert_eq!(taken.pointers(), ["/hosts/0"]);
    let etag = world.tenant(Method::GET, "other", If::Nothing, None).await.etag().to_owned();
    world.tenant(Method::PUT, "other", If::Is(&etag), Some(tenant_at("127.0.0.3"))).await.is(200);
    let mut sent = tenant_at(HOST);
    sent["clients"][0]["secretHash"] = json!({"set": true});
    let back = world.tenant(Method::PUT, "shop", If::New, Some(sent)).await.is(201);
    check_answer(&document(), "PUT", "/v1/tenants/{id}", 201, &back.body);
    assert_eq!(back.body["settings"]["providers"][0]["id"], "acme");
    let after = signs_in(&world, "conv-2").await;
    assert_eq!(after["contactId"], before["contactId"], "it is the same tenant");
}

#[tokio::test]
async fn a_tenant_that_was_deleted_long_ago_is_made_anew() {
    let world = World::live().await;
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.etag().to_owned();
    world.tenant(Method::DELETE, "shop", If::Is(&etag), None).await.is(204);
    world.broker.clock.advance(std::time::Duration::from_hours(31 * 24));
    let operator = super::token_at(&world.broker, "localhost", "ops").await;
    let world = World { operator, ..world };
    let made = world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.is(201);
    assert_eq!(made.body["settings"]["providers"], json!([]));
    world.link("conv-1").await.is(422);
    assert_eq!(world.audit().await.last().unwrap().0, "tenant.created");
}

#[tokio::test]
async fn the_whole_document_makes_a_tenant_in_one_call() {
    let world = World::with(crate::harness::Choices::default()).await;
    let mut sent = tenant_at(HOST);
    let mut provider = world.settings();
    provider["id"] = json!("acme");
    sent["providers"] = json!([provider]);
    let made = world.tenant(Method::PUT, "shop", If::New, Some(sent.clone())).await.is(201);
    check_answer(&document(), "PUT", "/v1/tenants/{id}", 201, &made.body);
    assert_eq!(signs_in(&world, "conv-1").await["status"], "completed");
    let version = |answer: &Value| answer["live"]["version"].clone();
    let uris = world.provider("acme").await.body["redirectUris"].clone();
    assert!(uris[0]["uri"].as_str().unwrap().ends_with("/idp/eu/oauth/callback"), "{uris}");
    assert_eq!((&uris[0]["required"], uris.as_array().unwrap().len()), (&json!(true), 3));
    // What is read can be sent back, and changes nothing.
    let read = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    let again = world
        .tenant(Method::PUT, "shop", If::Is(read.etag()), Some(read.body["settings"].clone()))
        .await
        .is(200);
    assert_eq!(again.body["settings"], read.body["settings"]);
    assert_eq!(version(&world.provider("acme").await.body), 1);
    let mut other = read.body["settings"].clone();
    other["providers"][0]["label"] = json!("Another");
    world.tenant(Method::PUT, "shop", If::Is(again.etag()), Some(other)).await.is(200);
    let provider = world.provider("acme").await.body;
    assert_eq!((version(&provider), &provider["label"]), (json!(2), &json!("Another")));
    sent["providers"][0].as_object_mut().unwrap().shift_remove("tokenUrl");
    sent["providers"][0]["authorizeUrl"] = json!("http://example.com/auth");
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.etag().to_owned();
    let refused = world.tenant(Method::PUT, "shop", If::Is(&etag), Some(sent)).await.refused(422, "invalid");
    let mut pointers = refused.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/providers/0", "/providers/0/authorizeUrl"]);
}

#[tokio::test]
async fn the_whole_document_makes_nobody_a_new_person_and_moves_no_callback_unasked() {
    let world = World::live().await;
    let read = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    let with = |name: &str, value: Value| {
        let mut document = read.body["settings"].clone();
        document["providers"][0][name] = value;
        document
    };
    let etag = read.etag();
    let put = async |document: Value| world.tenant(Method::PUT, "shop", If::Is(etag), Some(document)).await;
    let refused = put(with("callbackPath", json!("named"))).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/providers/0/callbackPath"]);
    let mut other = with("subject", json!("user.email"));
    let refused = put(other.clone()).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/providers/0/subject"]);
    assert!(refused.body["faults"][0]["detail"].as_str().unwrap().contains("new person"), "{}", refused.text);
    other["providers"][0]["confirmSubjectChange"] = json!("yes");
    let refused = put(other.clone()).await.refused(422, "invalid");
    assert_eq!(refused.pointers(), ["/providers/0/confirmSubjectChange"]);
    other["providers"][0]["confirmSubjectChange"] = json!(true);
    let done = put(other).await.is(200);
    let provider = &done.body["settings"]["providers"][0];
    assert_eq!((&provider["subject"], provider.get("confirmSubjectChange")), (&json!("user.email"), None));
    // What changes nobody's name is nobody's business.
    let etag = world.tenant(Method::GET, "shop", If::Nothing, None).await.etag().to_owned();
    let mut document = done.body["settings"].clone();
    document["providers"][0]["mapping"] = json!({"userName": "user.name"});
    world.tenant(Method::PUT, "shop", If::Is(&etag), Some(document)).await.is(200);
}
