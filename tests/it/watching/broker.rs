//! A whole broker whose tenant files change under it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, eventually, log};

fn file(broker: &Harness, name: &str) -> PathBuf {
    broker.folder().join("tenants").join(name)
}

/// Changes a tenant's file.
fn edit(broker: &Harness, name: &str, change: impl FnOnce(String) -> String) {
    let path = file(broker, name);
    let text = change(fs::read_to_string(&path).unwrap());
    fs::write(path, text).unwrap();
}

async fn ready(broker: &Harness) -> Value {
    let answer = broker.plain(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "faults in files keep nobody from working");
    answer.json().await.unwrap()
}

async fn status_at(broker: &Harness, host: &str) -> StatusCode {
    let request = broker.plain(Method::GET, "/api/oauth2/jwks").header("host", host);
    request.send().await.unwrap().status()
}

/// Waits until the landing page of a link names the tenant so.
async fn named(broker: &Harness, link: &Value, name: &str) {
    let url: Url = link["url"].as_str().unwrap().parse().unwrap();
    eventually(name, async || Browser::new().get(&url).await.html.contains(name).then_some(())).await;
    assert!(ready(broker).await["tenants"]["faults"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn an_edit_goes_live_by_itself() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    edit(&broker, "acme.toml", |text| text.replace("Acme Bank", "Acme & Sons"));
    named(&broker, &link, "Acme &#38; Sons").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], true);
}

#[tokio::test]
async fn a_broken_edit_is_told_with_its_place_and_changes_nothing_else() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let callback = Browser::new().reach_callback(link["url"].as_str().unwrap()).await;
    let path = file(&broker, "acme.toml").display().to_string();
    let good = fs::read_to_string(&path).unwrap();
    // Half of the file, and a line that nobody understands.
    for (broken, line) in
        [(format!("{}\nnmae = 1", good.trim_end()), None), ("name = \"Acme".to_owned(), Some(1))]
    {
        fs::write(&path, &broken).unwrap();
        let told = eventually("a fault", async || {
            let told = ready(&broker).await["tenants"].clone();
            let faults = told["faults"].as_array().unwrap().clone();
            let placed = faults.iter().any(|fault| line.is_none() || fault["line"] == json!(line));
            (!faults.is_empty() && placed).then_some(told)
        })
        .await;
        assert_eq!(
            (told["served"].as_u64(), told["faults"][0]["file"].as_str()),
            (Some(2), Some(path.as_str()))
        );
        assert!(told["faults"][0]["column"].is_u64(), "{told}");
    }
    edit(&broker, "beta.toml", |text| text.replace("beta.test", "gamma.test"));
    eventually("beta's change", async || {
        (status_at(&broker, "gamma.test").await == StatusCode::OK).then_some(())
    })
    .await;
    let page = Browser::new().arrive(&callback).await;
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], true);
    let lines = log::lines(&path);
    let told: Vec<_> = lines.iter().filter(|line| line["event"] == "tenants.fault").collect();
    assert!(told.iter().all(|line| line["line"].is_u64() && line["detail"].is_string()), "{told:?}");
    let facts = |line: &Value| format!("{} {} {}", line["line"], line["column"], line["detail"]);
    let different: BTreeSet<_> = told.iter().map(|line| facts(line)).collect();
    assert!(different.len() >= 2 && different.len() == told.len(), "each is told once: {told:?}");
}

#[tokio::test]
async fn others_are_told_how_many_faults_there_are_and_no_more() {
    let broker = Harness::start().await;
    edit(&broker, "beta.toml", |text| format!("{text}\nx = 1"));
    eventually("a fault", async || (ready(&broker).await["tenants"]["faultCount"] == 1).then_some(())).await;
    let request = broker.plain(Method::GET, "/readyz").header("x-forwarded-for", "192.0.2.7");
    let told: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["tenants"], json!({"served": 2, "faultCount": 1}));
    assert_eq!(told["keys"], json!({"faultCount": 0}));
}

#[tokio::test]
async fn a_tenant_comes_and_goes_with_its_file() {
    let broker = Harness::start().await;
    assert_eq!(status_at(&broker, "gamma.test").await, StatusCode::MISDIRECTED_REQUEST);
    let text = fs::read_to_string(file(&broker, "beta.toml")).unwrap().replace("beta.test", "gamma.test");
    fs::write(file(&broker, "gamma.toml"), text).unwrap();
    let serves = async |status| {
        eventually("another answer", async || {
            (status_at(&broker, "gamma.test").await == status).then_some(())
        })
        .await;
    };
    serves(StatusCode::OK).await;
    fs::remove_file(file(&broker, "gamma.toml")).unwrap();
    serves(StatusCode::MISDIRECTED_REQUEST).await;
    assert_eq!(status_at(&broker, "beta.test").await, StatusCode::OK);
}

/// A login at the provider, about to come back.
async fn under_way(broker: &Harness, conversation: &str) -> (Browser, Url, Value) {
    let link = broker.link(conversation).await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    (browser, callback, link)
}

async fn takes_out(broker: &Harness, name: &str) {
    fs::remove_file(file(broker, name)).unwrap();
    eventually("it is not served", async || {
        let answer = broker.plain(Method::GET, "/api/oauth2/jwks").send().await.unwrap();
        (answer.status() == StatusCode::MISDIRECTED_REQUEST).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_login_of_a_tenant_that_was_taken_out_finishes_for_ten_minutes() {
    let broker = Harness::minimum("none").await;
    let (mut quick, callback, _) = under_way(&broker, "conv-1").await;
    let (mut slow, late, _) = under_way(&broker, "conv-2").await;
    takes_out(&broker, "acme.toml").await;
    let page = quick.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("Acme Bank"), "{}", page.html);
    let calls = broker.provider.counters();
    broker.clock.advance(Duration::from_mins(11));
    assert_eq!(slow.arrive(&late).await.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(broker.provider.counters(), calls, "nobody asked the provider");
}

#[tokio::test]
async fn a_login_finishes_with_the_settings_that_it_began_with() {
    let broker = Harness::start().await;
    let (mut browser, callback, link) = under_way(&broker, "conv-1").await;
    let (mut waiting, second, other) = under_way(&broker, "conv-2").await;
    let code = waiting.arrive(&second).await.code().unwrap();
    // Another mapping and token URL under another name, and no word of the provider it was.
    edit(&broker, "acme.toml", |text| {
        let text = text.replace("Acme Bank", "Acme Two").replace("/auth/token\"", "/nowhere\"");
        text.replace("id = \"acme\"\n", "id = \"acme-two\"\n")
            .replace("\"email\": user.email", "\"locale\": user.email")
    });
    let third = broker.link_with("conv-3", json!({})).await;
    named(&broker, &third, "Acme Two").await;
    let page = browser.arrive(&callback).await;
    let first = page.code().unwrap_or_else(|| panic!("{}", page.html));
    for (conversation, code, link) in [("conv-1", first, link), ("conv-2", code, other)] {
        assert_eq!(broker.message(conversation, "+15550100", &code).await["matched"], true);
        let done = broker.status(&link).await;
        assert_eq!((&done["status"], &done["provider"]), (&json!("completed"), &json!("acme")));
        assert_eq!(done["profile"]["email"], "billy.bob@example.com");
    }
}

#[tokio::test]
async fn a_login_comes_back_to_a_host_that_is_no_longer_its_tenants() {
    let broker = Harness::minimum("none").await;
    let (mut browser, callback, link) = under_way(&broker, "conv-1").await;
    edit(&broker, "acme.toml", |text| text.replace("127.0.0.1\"]", "elsewhere.test\"]"));
    eventually("another host", async || {
        (status_at(&broker, "elsewhere.test").await == StatusCode::OK).then_some(())
    })
    .await;
    let page = browser.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    edit(&broker, "acme.toml", |text| text.replace("elsewhere.test", "127.0.0.1"));
    let done = eventually("the old host", async || {
        let (status, body) =
            broker.api(Method::GET, &format!("/v1/auth-links/{}", link["id"].as_str().unwrap()), None).await;
        (status == StatusCode::OK).then_some(body)
    })
    .await;
    assert_eq!(done["status"], "completed");
}

#[tokio::test]
async fn a_revision_that_nobody_knows_stops_before_the_provider_is_asked() {
    let mut broker = Harness::minimum("none").await;
    let (mut browser, callback, _) = under_way(&broker, "conv-1").await;
    broker.stop().await;
    edit(&broker, "acme.toml", |text| text.replace("Acme online banking", "Another label"));
    broker.restart().await;
    let calls = broker.provider.counters();
    let page = browser.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(broker.provider.counters(), calls, "no code was sent");
    let request = page.headers["x-request-id"].to_str().unwrap().to_owned();
    let line = log::lines(&request).into_iter().find(|line| line["event"] == "callback.refused").unwrap();
    assert_eq!(line["code"], "provider_changed");
}

#[tokio::test]
async fn a_folder_is_swapped_under_a_running_login() {
    let broker = Harness::minimum("none").await;
    let (mut browser, callback, link) = under_way(&broker, "conv-1").await;
    let (tenants, first, second) =
        (broker.folder().join("tenants"), broker.folder().join("v1"), broker.folder().join("v2"));
    fs::create_dir(&second).unwrap();
    for name in ["acme.toml", "beta.toml"] {
        let text = fs::read_to_string(tenants.join(name)).unwrap();
        fs::write(second.join(name), text.replace("Acme Bank", "Acme Two")).unwrap();
    }
    fs::rename(&tenants, &first).unwrap();
    symlink(&first, &tenants).unwrap();
    let next = broker.folder().join("next");
    symlink(&second, &next).unwrap();
    fs::rename(&next, &tenants).unwrap();
    named(&broker, &link, "Acme Two").await;
    assert_eq!(browser.arrive(&callback).await.status, StatusCode::OK);
    assert_eq!(broker.status(&link).await["status"], "completed");
    fs::write(second.join("acme.toml"), fs::read_to_string(first.join("acme.toml")).unwrap()).unwrap();
    let link = broker.link("conv-2").await;
    named(&broker, &link, "Acme Bank").await;
}

#[tokio::test]
async fn a_client_that_is_taken_out_is_refused_and_a_new_one_let_in() {
    let broker = Harness::with(Choices::default()).await;
    broker.link("conv-1").await;
    edit(&broker, "acme.toml", |text| text.replace("acme-bot", "other-bot"));
    eventually("the client is gone", async || {
        let (status, _) = broker.api(Method::GET, "/v1/events", None).await;
        (status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
}
