//! `countersign staff`, beside a running broker and without one.

use std::path::Path;
use std::process::Output;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, eventually};
use crate::stored::{HOST, If, World};

async fn run(broker: &Harness, args: &[&str]) -> Output {
    let folder = broker.folder();
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("staff").args(args).current_dir(folder).env_clear();
    command.args(["--store", &format!("sqlite:{}", file("countersign.db"))]);
    command.args(["--tenants", &file("tenants"), "--keys", &file("keys.toml")]);
    command.args(["--base-url", broker.config.server.base_url.as_str()]);
    command.args(["--allow-egress", broker.provider.origin().trim_start_matches("http://")]);
    command.output().await.unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn without_main_file(folder: &Path) {
    let _ = std::fs::remove_file(folder.join("countersign.toml"));
}

#[tokio::test]
async fn the_first_admin_of_a_stored_tenant_is_invited_beside_a_running_broker() {
    let world = World::start().await;
    without_main_file(world.broker.folder());
    let output = run(&world.broker, &["invite", "--tenant", "shop", "--email", "Dana@Shop.example"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let told = text(&output);
    assert!(told.contains("signs dana@shop.example in as admin"), "{told}");
    let url: Url = told.lines().next().unwrap().parse().unwrap();
    assert_eq!(url.host_str(), Some(HOST));
    let mut browser = Browser::new();
    let page = eventually("the broker hears of it", async || {
        let page = Browser::new().get(&url).await;
        (page.status == StatusCode::OK).then_some(page)
    })
    .await;
    let done = browser.submit(&page, &page.form(), &[]).await;
    assert_eq!((done.status, done.location().path()), (StatusCode::SEE_OTHER, "/admin"));
    let second =
        run(&world.broker, &["invite", "--tenant", "shop", "--email", "ari@shop.example", "--json"]).await;
    let second: Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(second["role"], "agent", "{second}");
    let listed = run(&world.broker, &["list", "--tenant", "shop", "--json"]).await;
    let lines: Vec<Value> = text(&listed).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["email"], &lines[1]["lastSeen"]), (&json!("dana@shop.example"), &Value::Null));
    assert!(lines[0]["lastSeen"].is_string());
    let gone = run(&world.broker, &["remove", "--tenant", "shop", "--email", "ari@shop.example"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", text(&gone));
    let last = run(&world.broker, &["remove", "--tenant", "shop", "--email", "dana@shop.example"]).await;
    assert_eq!(last.status.code(), Some(2));
    assert!(text(&last).contains("last admin"), "{}", text(&last));
    let audit = world.call(Method::GET, "/v1/audit?limit=200", If::Nothing, None).await.is(200);
    assert!(
        audit.text.contains("operator:command-line") && !audit.text.contains("shop.example"),
        "{}",
        audit.text
    );
}

#[tokio::test]
async fn of_a_tenant_in_a_file_only_those_who_stand_there_are_invited() {
    let mut broker = Harness::start().await;
    broker.stop().await;
    let output = run(&broker, &["invite", "--tenant", "acme", "--email", "dana@acme.example"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("as admin"), "{}", text(&output));
    let stranger =
        run(&broker, &["invite", "--tenant", "acme", "--email", "eve@acme.example", "--role", "admin"]).await;
    assert_eq!(stranger.status.code(), Some(2));
    let told = text(&stranger);
    assert!(
        told.contains("acme.toml")
            && told.contains("[[staff]]\nemail = \"eve@acme.example\"\nrole = \"admin\""),
        "{told}"
    );
    let removed = run(&broker, &["remove", "--tenant", "acme", "--email", "dana@acme.example"]).await;
    assert!(text(&removed).contains("acme.toml") && removed.status.code() == Some(2), "{}", text(&removed));
    let listed = text(&run(&broker, &["list", "--tenant", "acme"]).await);
    assert!(listed.contains("admin  dana@acme.example  Dana  last seen never"), "{listed}");
}

#[tokio::test]
async fn an_invitation_needs_none_of_the_tenants_secrets() {
    let tenant = r#"
[channel.apple]
business_id = "biz-1"
msp_id = "platform-1"
secret = { env = 'APPLE_SECRET' }
[channel.messenger]
page_id = "PAGE"
app_secret = { env = "META_SECRET" }
[[webhook]]
url = "https://hooks.example.com/"
secret = { env = "ACME_HOOK" }
"#;
    let mut broker = Harness::with(Choices { tenant: tenant.to_owned(), ..Choices::default() }).await;
    broker.stop().await;
    // Where the administrator sits there is neither the environment of the broker nor its files.
    let file = broker.folder().join("tenants/acme.toml");
    let text_of = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text_of.replace("{ env = \"META_SECRET\" }", "{ file = \"not-here.txt\" }"))
        .unwrap();
    let output = run(&broker, &["invite", "--tenant", "acme", "--email", "dana@acme.example"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[tokio::test]
async fn a_tenant_or_an_address_that_there_is_not_is_told() {
    let mut broker = Harness::start().await;
    broker.stop().await;
    let nobody = run(&broker, &["invite", "--tenant", "nobody", "--email", "dana@acme.example"]).await;
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody).contains("there is no tenant `nobody`"), "{}", text(&nobody));
    let bad = run(&broker, &["invite", "--tenant", "acme", "--email", "dana"]).await;
    assert_eq!(bad.status.code(), Some(2));
    assert!(text(&bad).contains("not an email address"), "{}", text(&bad));
}
