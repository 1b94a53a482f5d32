//! `countersign doctor`, the real program.

use std::process::{Output, Stdio};

use countersign::cli::demo::provider::DemoProvider;
use tokio::process::Command;

use super::provider::{Provider, Wants};
use super::*;
use crate::harness::receiver::{HOOK_SECRET, NEXT_SECRET};
use crate::stored::World;

async fn doctor(broker: &Harness, origin: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let folder = broker.folder();
    let path = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).env_clear();
    command.envs([
        ("ACME_SECRET", DemoProvider::CLIENT_SECRET),
        ("ACME_HOOK", HOOK_SECRET),
        ("ACME_HOOK_NEXT", NEXT_SECRET),
    ]);
    command.arg("doctor").args(["--tenants", &path("tenants"), "--keys", &path("keys.toml")]);
    command.args([
        "--store",
        &format!("sqlite:{}", path("countersign.db")),
        "--base-url",
        "http://localhost:1",
    ]);
    command.args(["--allow-egress", origin.trim_start_matches("http://")]).args(args);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

async fn report(broker: &Harness, provider: &Provider) -> (Option<i32>, Value) {
    let (code, out, err) = doctor(broker, provider.origin(), &["--tenant", "acme", "--json"]).await;
    assert_eq!(err, "");
    let report: Value = serde_json::from_str(&out).unwrap();
    check_nothing_leaks(&report);
    (code, report)
}

fn line<'a>(report: &'a Value, about: &str, step: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["about"] == about).unwrap_or_else(|| panic!("{report:#}"));
    check["steps"].as_array().unwrap().iter().find(|line| line["step"] == step).unwrap()
}

const ACME: &str = "tenant acme, provider acme";

#[tokio::test]
async fn the_providers_of_tenants_that_stand_in_the_store_are_asked_too() {
    let mut world = World::live().await;
    world.broker.stop().await;
    let origin = world.broker.provider.origin();
    let (_, out, err) = doctor(&world.broker, origin, &["--tenant", "shop", "--json"]).await;
    assert_eq!(err, "");
    let report: Value = serde_json::from_str(&out).unwrap();
    let about = "tenant shop, provider acme";
    assert_eq!(line(&report, about, "token")["outcome"], "ok", "{report:#}");
    assert!(!out.contains(DemoProvider::CLIENT_SECRET));
    // A file of the same name is served in its place.
    let file = world.broker.folder().join("tenants/acme.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let hostless: Vec<&str> = text.lines().filter(|line| !line.starts_with("hosts")).collect();
    std::fs::write(file.with_file_name("shop.toml"), hostless.join("\n")).unwrap();
    let (_, out, _) = doctor(&world.broker, origin, &["--json"]).await;
    let report: Value = serde_json::from_str(&out).unwrap();
    let told = line(&report, "tenant shop of the store", "settings");
    assert!(told["cause"].as_str().unwrap().contains("a file of the same name"), "{told}");
    let (code, _, err) = doctor(&world.broker, origin, &["--tenant", "nobody"]).await;
    assert!(code != Some(0) && err.contains("there is no tenant `nobody`"), "{code:?} {err}");
}

#[tokio::test]
async fn a_healthy_installation_is_told_so_and_nothing_is_written() {
    let provider = Provider::start().await;
    let mut broker = broker(&provider, "").await;
    broker.stop().await;
    let before = std::fs::read(broker.folder().join("tenants/acme.toml")).unwrap();
    let (code, report) = report(&broker, &provider).await;
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report:#}");
    for (about, step) in
        [("store", "store"), ("key ring", "keys"), (ACME, "authorize"), (ACME, "token"), (ACME, "whoami")]
    {
        assert_eq!(line(&report, about, step)["outcome"], "ok", "{step}: {report:#}");
    }
    assert!(
        line(&report, ACME, "token")["found"].as_str().unwrap().contains("client id and secret are taken")
    );
    assert_eq!(std::fs::read(broker.folder().join("tenants/acme.toml")).unwrap(), before);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_write() {
    let provider = Provider::start().await;
    provider.script(|script| script.wants = Wants::Basic);
    let broker = broker(&provider, "").await;
    let (code, report) = report(&broker, &provider).await;
    assert_eq!(code, Some(1));
    let remedy = line(&report, ACME, "token")["remedy"].as_str().unwrap();
    assert!(remedy.contains("client_auth = \"client_secret_basic\""), "{remedy}");
    let (code, out, _) = doctor(&broker, provider.origin(), &["--tenant", "acme"]).await;
    assert_eq!(code, Some(1));
    assert!(out.contains("FAILED") && out.contains("to mend it: write `client_auth"), "{out}");
    assert!(out.contains("redirect URI  http://127.0.0.1:"), "{out}");
}

#[tokio::test]
async fn a_wrong_secret_and_a_missing_redirect_uri_are_told_apart() {
    let provider = Provider::start().await;
    provider.script(|script| {
        script.wants = Wants::Another;
        script.registered = Some("https://elsewhere.example/".to_owned());
    });
    let broker = broker(&provider, "").await;
    let (code, report) = report(&broker, &provider).await;
    assert_eq!(code, Some(1));
    let words = |step: &str| line(&report, ACME, step)["remedy"].as_str().unwrap().to_owned();
    assert!(words("authorize").contains("register exactly `http://127.0.0.1:"), "{report:#}");
    assert!(words("token").contains("enter the client's secret anew"), "{report:#}");
}

#[tokio::test]
async fn bad_usage_ends_with_2() {
    let provider = Provider::start().await;
    let broker = broker(&provider, "").await;
    for args in [["--tenant", "nobody"], ["--provider", "nobody"]] {
        let (code, out, err) = doctor(&broker, provider.origin(), &args).await;
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains("`nobody`"), "{err}");
    }
}
