//! How the program starts on a Redis: refused if it is unsafe or closed, waiting if it is away.

use std::process::{Command, Output};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::broker_process::log_file;
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Choices, Harness, eventually};

/// Runs `serve`, which ends by itself.
fn serve(store: &str, more: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys.toml");
    let program = env!("CARGO_BIN_EXE_countersign");
    let made = Command::new(program).args(["key", "new", "--out"]).arg(&keys).env_clear().output().unwrap();
    assert!(made.status.success(), "{made:?}");
    std::fs::create_dir(folder.path().join("tenants")).unwrap();
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", store, "--keys"]).arg(&keys);
    command.arg("--tenants").arg(folder.path().join("tenants")).env_clear().envs(more.iter().copied());
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    [&*String::from_utf8_lossy(&output.stdout), &*String::from_utf8_lossy(&output.stderr)].concat()
}

#[test]
fn an_unsafe_redis_is_a_start_that_fails_and_says_which_setting_to_change() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let output = serve(&server.url(), &[]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("`appendfsync` is `everysec` and must be `always`"), "{told}");
    assert!(told.contains("dangerous_allow_volatile_store"), "{told}");
    assert!(told.contains("the flag `--store`"), "{told}");
}

#[test]
fn a_wrong_password_is_a_start_that_fails_and_shows_neither_name_nor_password() {
    let server = Server::start(&[SAFE, &["--requirepass", "canary-right"]].concat());
    let url = format!("redis://canary-name:canary-wrong@127.0.0.1:{}", server.port());
    for output in
        [serve(&url, &[]), serve(&server.url(), &[("COUNTERSIGN__STORE__PASSWORD", "canary-wrong")])]
    {
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("refuses user name or password"), "{told}");
        assert!(!told.contains("canary"), "{told}");
    }
}

#[tokio::test]
async fn an_unsafe_redis_can_be_accepted_and_the_log_says_so_loudly() {
    let server = Server::start(&[]);
    let main = "[store]\ndangerous_allow_volatile_store = true\n".to_owned();
    let choices = Choices { store: Some(server.url()), main: Some(main), ..Choices::default() };
    let broker = Harness::process(choices).await;
    broker.link("conv-1").await;
    let log = std::fs::read_to_string(log_file(broker.folder())).unwrap();
    assert!(log.contains("serve.dangerous_allow_volatile_store"), "{log}");
    assert!(log.contains("store.dangerous_volatile") && log.contains("`appendonly` is `no`"), "{log}");
}

#[tokio::test]
async fn a_broker_whose_redis_is_away_starts_and_serves_when_it_is_back() {
    let mut server = Server::start(&[SAFE, &["--requirepass", "canary"]].concat());
    server.kill();
    let url = format!("redis://:canary@127.0.0.1:{}", server.port());
    let broker = Harness::process(Choices { store: Some(url), ..Choices::default() }).await;
    let token = broker.token().await;
    let create = || {
        let body = json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": "+15550100"}});
        broker.plain(Method::POST, "/v1/auth-links").bearer_auth(&token).json(&body).send()
    };
    assert_eq!(create().await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    server.start_again();
    let back = broker.clock.tick();
    eventually("the first success", async || {
        (create().await.unwrap().status() == StatusCode::CREATED).then_some(())
    })
    .await;
    assert!(back.elapsed() < Duration::from_secs(2), "{:?}", back.elapsed());
    let log = std::fs::read_to_string(log_file(broker.folder())).unwrap();
    assert!(log.contains("store.unavailable") && !log.contains("canary"), "{log}");
}
