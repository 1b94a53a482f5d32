//! Tenants of files beside those of the store: files are read here and changed there.

use std::fs;
use std::path::PathBuf;

use countersign::config::Environment;
use countersign::tenants::{self, ReadContext};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, HOST, If, World, tenant_at, token_at};
use crate::harness::{Choices, eventually};
use crate::openapi::{check_answer, document};

/// A broker whose file tenant has an admin.
async fn with_admin() -> World {
    let hash = crate::harness::bot_secret_hash();
    let tenant =
        format!("[[client]]\nclient_id = \"admin\"\nsecret_hash = \"{hash}\"\nscopes = [\"admin:all\"]\n");
    World::with(Choices { tenant, ..Choices::default() }).await
}

#[tokio::test]
async fn a_tenant_of_a_file_is_read_like_any_other_and_changed_in_its_file_only() {
    let world = with_admin().await;
    let token = token_at(&world.broker, "127.0.0.1", "admin").await;
    let call = async |method: Method, path: &str, body: Option<Value>| {
        let request = world.broker.plain(method, path).bearer_auth(&token).header("if-match", "*");
        Answer::of(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    };
    let file = world.broker.tenant_file().display().to_string();
    let read = call(Method::GET, "/v1/providers/acme", None).await.is(200);
    check_answer(&document(), "GET", "/v1/providers/{id}", 200, &read.body);
    assert_eq!((&read.body["source"], &read.body["file"]), (&json!("file"), &json!(file)));
    assert_eq!(
        (read.etag.as_deref(), &read.body["version"], &read.body["state"]),
        (None, &Value::Null, &json!("live"))
    );
    let settings = &read.body["live"]["settings"];
    assert_eq!((&settings["clientSecret"], &settings["subject"]), (&json!({"set": true}), &json!("user.id")));
    let own = call(Method::GET, "/v1/tenant", None).await.is(200);
    check_answer(&document(), "GET", "/v1/tenant", 200, &own.body);
    assert_eq!((&own.body["source"], &own.body["settings"]["name"]), (&json!("file"), &json!("Acme Bank")));
    let clients = call(Method::GET, "/v1/clients", None).await.is(200);
    check_answer(&document(), "GET", "/v1/clients", 200, &clients.body);
    for (method, path, body) in [
        (Method::PUT, "/v1/providers/acme", Some(world.settings())),
        (Method::PUT, "/v1/providers/new", Some(world.settings())),
        (Method::DELETE, "/v1/providers/acme", None),
        (Method::POST, "/v1/providers/acme/publish", Some(json!({}))),
        (Method::POST, "/v1/providers/acme/discard", None),
        (Method::POST, "/v1/providers/acme/rollback", Some(json!({"version": 1}))),
        (Method::POST, "/v1/providers/acme/rotate-secret", Some(json!({"clientSecret": "x"}))),
        (Method::POST, "/v1/providers/acme/drop-previous-secret", None),
        (Method::GET, "/v1/providers/acme/diff", None),
        (Method::PUT, "/v1/tenant", Some(json!({"name": "x"}))),
        (Method::POST, "/v1/webhooks", Some(json!({"url": "https://a.example"}))),
        (Method::DELETE, "/v1/webhooks/x", None),
        (Method::POST, "/v1/clients", Some(json!({"clientId": "x", "scopes": []}))),
        (Method::DELETE, "/v1/clients/acme-bot", None),
    ] {
        let refused = call(method.clone(), path, body).await.refused(409, "conflict");
        assert!(
            refused.body["detail"].as_str().unwrap().contains(&file),
            "{method} {path}: {}",
            refused.text
        );
    }
    for (method, body) in [(Method::PUT, Some(tenant_at("x.example"))), (Method::DELETE, None)] {
        let refused = world.tenant(method, "acme", If::Is("*"), body).await.refused(409, "conflict");
        assert!(refused.text.contains("acme.toml"), "{}", refused.text);
    }
    let seen = world.tenant(Method::GET, "acme", If::Nothing, None).await.is(200);
    check_answer(&document(), "GET", "/v1/tenants/{id}", 200, &seen.body);
    assert_eq!(seen.body["settings"]["providers"][0]["id"], "acme");
    world.tenant(Method::GET, "acme/export", If::Nothing, None).await.is(200);
}

/// What `countersign check` says beside the running broker.
async fn checked(world: &World) -> String {
    let folder = world.broker.folder();
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("check").current_dir(folder).env_clear();
    command.env("ACME_SECRET", countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET);
    command.args(["--store", &format!("sqlite:{}", file("countersign.db")), "--keys", &file("keys.toml")]);
    command.args(["--tenants", &file("tenants"), "--base-url", world.broker.config.server.base_url.as_str()]);
    command.args(["--allow-egress", world.broker.provider.origin().trim_start_matches("http://")]);
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[tokio::test]
async fn a_file_beats_a_stored_tenant_of_its_name_and_keeps_its_hosts_and_that_is_told() {
    let world = World::live().await;
    let text = fs::read_to_string(world.broker.tenant_file()).unwrap();
    let file = |name: &str| -> PathBuf { world.broker.folder().join("tenants").join(name) };
    let faults = async || {
        let answer = world.broker.plain(Method::GET, "/readyz").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let told: Value = answer.json().await.unwrap();
        told["tenants"]["faults"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| fault["message"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let seen = async || world.tenant(Method::GET, "shop", If::Nothing, None).await;
    assert!(faults().await.is_empty());
    fs::write(
        file("shop.toml"),
        text.replace("[\"127.0.0.1\"]", "[\"shop.test\"]").replace("Acme Bank", "File Shop"),
    )
    .unwrap();
    eventually("the file is served", async || (seen().await.body["name"] == "File Shop").then_some(())).await;
    assert!(seen().await.body["source"].as_str().unwrap().ends_with("shop.toml"));
    let told = faults().await;
    assert!(told.len() == 1 && told[0].contains("the stored tenant `shop` is not served"), "{told:?}");
    let said = checked(&world).await;
    assert!(said.contains("the store's tenant `shop`") && said.contains("served in its place"), "{said}");
    assert!(said.ends_with(" no fault, 2 warnings\n"), "{said}");
    fs::remove_file(file("shop.toml")).unwrap();
    eventually("the store's is back", async || (seen().await.body["name"] == "The Shop").then_some(())).await;
    assert!(faults().await.is_empty());
    assert!(!checked(&world).await.contains("shop"));
    // A file that takes its canonical host takes it off the air; another one does not.
    fs::write(file("thief.toml"), text.replace("[\"127.0.0.1\"]", &format!("[\"{HOST}\"]"))).unwrap();
    eventually("the host is the file's", async || {
        let told = faults().await;
        (told.len() == 1 && told[0].contains("belongs to the tenant `thief`")).then_some(())
    })
    .await;
    let unserved = seen().await.is(200);
    check_answer(&document(), "GET", "/v1/tenants/{id}", 200, &unserved.body);
    assert_eq!((&unserved.body["stored"], &unserved.body["name"]), (&json!(true), &json!("The Shop")));
    fs::remove_file(file("thief.toml")).unwrap();
    eventually("it is served again", async || {
        (seen().await.body["providers"][0]["id"] == "acme").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_export_is_a_file_that_check_accepts_and_that_makes_the_same_tenant() {
    let world = World::live().await;
    let own = world.call(Method::GET, "/v1/tenant", If::Nothing, None).await.is(200);
    let mut document = json!({
        "name": "The \"Shop\" & Söhne", "binding": {"minimum": "none", "lasts": "2h", "sms": "match"},
        "snippets": [{"id": "s", "tag": "/auth", "text": {"en": "a {link}", "de": "b\n{link}"}, "sms": {"text": {"en": "{link}"}}}],
        "rules": [{"when": "profile.email", "set": {"queue": "vip", "deep": {"a": [1, 2.5, {"b": true}]}}}],
        "return": {"sms": "sms:+15550199"},
    });
    world.call(Method::PUT, "/v1/tenant", If::Is(own.etag()), Some(document.take())).await.is(200);
    let hook = json!({"url": "https://a.example/", "secret": crate::harness::receiver::HOOK_SECRET, "enabled": false});
    world.call(Method::POST, "/v1/webhooks", If::Nothing, Some(hook)).await.is(201);
    let export = world.tenant(Method::GET, "shop/export", If::Nothing, None).await.is(200).text;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    fs::write(&path, &export).unwrap();
    let variables = [
        ("SHOP_ACME_CLIENT_SECRET", countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET),
        ("SHOP_WH_SECRET", crate::harness::receiver::HOOK_SECRET),
    ];
    let named: Vec<_> = export.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    assert_eq!(named.len(), 2, "{export}");
    let hook_variable = *named.iter().find(|name| name.contains("WH")).unwrap();
    let environment: Environment = [variables[0], (hook_variable, variables[1].1)].into_iter().collect();
    let context = ReadContext::of(&world.broker.config, &environment);
    let read = tenants::read_files(std::slice::from_ref(&path), &context)
        .unwrap_or_else(|faults| panic!("{faults}\n{export}"));
    let [tenant] = read.value.as_slice() else { panic!("one tenant") };
    let live = world.provider("acme").await.body;
    assert_eq!(live["revision"], tenant.providers[0].revision.to_string(), "the same settings");
    assert_eq!(tenant.name, "The \"Shop\" & Söhne");
    assert_eq!(tenant.hosts, [HOST, "shop.localhost"]);
    assert_eq!((tenant.rules.list.len(), tenant.snippets.len(), tenant.webhooks.len()), (1, 1, 1));
    // The program itself says so, too, and a file with this text takes over without anybody noticing.
    let allow = world.broker.provider.origin().trim_start_matches("http://").to_owned();
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["check", "--base-url", world.broker.config.server.base_url.as_str(), "--allow-egress", &allow])
        .arg(&path)
        .envs([variables[0], (hook_variable, variables[1].1)])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && said.contains("1 tenant, 1 provider: no fault"), "{said}");
}

#[tokio::test]
async fn a_stored_tenant_that_can_no_longer_be_read_takes_nobody_down() {
    let mut world = World::live().await;
    world.tenant(Method::PUT, "good", If::New, Some(tenant_at("127.0.0.3"))).await.is(201);
    world.broker.stop().await;
    // The operator takes the exception for the provider's address away.
    world.broker.config.egress.allow.clear();
    fs::remove_file(world.broker.tenant_file()).unwrap();
    fs::remove_file(world.broker.folder().join("tenants/beta.toml")).unwrap();
    world.broker.restart().await;
    let told: Value = world.broker.plain(Method::GET, "/readyz").send().await.unwrap().json().await.unwrap();
    assert_eq!((&told["status"], &told["tenants"]["served"]), (&json!("ok"), &json!(1)));
    let message = told["tenants"]["faults"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("`shop` at `/providers/0/"), "{message}");
    assert!(!token_at(&world.broker, "127.0.0.3", "admin").await.is_empty());
    let broken = world.tenant(Method::GET, "shop", If::Nothing, None).await.is(200);
    assert_eq!(broken.body["settings"]["providers"][0]["id"], "acme", "it can be looked at and mended");
}
