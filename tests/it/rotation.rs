//! Every kind of key is rotated while customers sign in, and no request fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use countersign::app::{self, App};
use countersign::cli::demo::provider::DemoProvider;
use countersign::clock::Clock;
use countersign::config::Environment;
use countersign::keyring::KeyRing;
use countersign::keyring::edit::{Edit, EditError, Editor, KeyKind, Pace};
use countersign::keyring::write::{self, WriteError};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Choices, Harness, eventually, http_client, log};

/// Edits the key ring file as the command does.
fn edit<T>(broker: &Harness, edit: impl FnOnce(&mut Editor) -> Result<T, EditError>) -> T {
    let replaced = write::replace(&broker.folder().join("keys.toml"), |name, text| {
        let mut editor = Editor::parse(name, text, &Clock::system())?;
        let done = edit(&mut editor).map_err(WriteError::Refused)?;
        Ok((done, editor.into_text()))
    });
    replaced.unwrap_or_else(|error| panic!("{error}"))
}

fn ring(broker: &Harness) -> KeyRing {
    KeyRing::read(&broker.folder().join("keys.toml")).unwrap()
}

async fn keys_told(broker: &Harness) -> Value {
    broker.plain(Method::GET, "/readyz").send().await.unwrap().json::<Value>().await.unwrap()["keys"].clone()
}

async fn kids(broker: &Harness) -> BTreeSet<String> {
    kids_at(&broker.origin).await
}

async fn kids_at(origin: &str) -> BTreeSet<String> {
    let keys = http_client().get(format!("{origin}/api/oauth2/jwks")).send().await.unwrap();
    let keys: Value = keys.json().await.unwrap();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// Whether a token is accepted.
async fn status_of(broker: &Harness, token: &str) -> StatusCode {
    broker.plain(Method::GET, "/v1/events").bearer_auth(token).send().await.unwrap().status()
}

/// One whole login, every answer of which is checked. The link is opened at `opened_at`, which may
/// be another broker than the one that made it.
async fn login(broker: &Harness, opened_at: &str, conversation: &str) {
    assert_eq!(status_of(broker, &broker.fetch_token().await).await, StatusCode::OK);
    let link = broker.link(conversation).await;
    let url = link["url"].as_str().unwrap().replace(&broker.origin, opened_at);
    let mut browser = Browser::new();
    let callback = browser.reach_callback(&url).await;
    let page = browser.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let code = page.code().unwrap_or_else(|| panic!("{}", page.html));
    let told = broker.message(conversation, "+15550100", &code).await;
    assert_eq!(told["matched"], true, "{told}");
    let done = broker.status(&link).await;
    assert_eq!(done["status"], "completed", "{done}");
    let found = broker.get("/v1/contacts?email=billy.bob@example.com").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "one person is one contact: {found}");
    assert_eq!(found["items"][0]["id"], done["contactId"]);
    let conversation = broker.get(&format!("/v1/conversations/{conversation}")).await;
    assert_eq!((&conversation["verified"], &conversation["contactId"]), (&json!(true), &done["contactId"]));
}

/// Customers that sign in one after the other until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    logins: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn start(broker: &Arc<Harness>, origins: &[String]) -> Self {
        let (stop, logins) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let task = |(customer, origin): (usize, &String)| {
            let (broker, origin) = (Arc::clone(broker), origin.clone());
            let (stop, logins) = (Arc::clone(&stop), Arc::clone(&logins));
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Every third time in a conversation that has been there before.
                    let conversation = format!("conv-{customer}-{}", count / 3);
                    login(&broker, &origin, &conversation).await;
                    count += 1;
                    logins.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let tasks = origins.iter().enumerate().map(task).collect();
        Self { stop, logins, tasks }
    }

    /// Waits until as many logins as there are customers, and one more, began and ended.
    async fn goes_on(&self) {
        let wanted = self.logins.load(Ordering::Relaxed) + 2 * self.tasks.len();
        eventually("more logins", async || {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a customer met a failure");
            (self.logins.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }

    async fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no request failed");
        }
    }
}

/// Another broker on the same files and store, which reads the key ring when it does.
async fn second(broker: &Harness) -> (String, oneshot::Sender<()>) {
    let environment: Environment = [("ACME_SECRET", DemoProvider::CLIENT_SECRET)].into_iter().collect();
    let tenants = app::read_tenants(&broker.config, &environment).unwrap().value;
    let app = App::build(&broker.config, tenants, broker.clock.clone()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(app.serve(listener, None, async {
        let _ = stopped.await;
    }));
    (origin, stop)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_of_keys_are_rotated_under_load_without_a_failed_request() {
    rotate_under_load(Harness::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_on_redis_as_well() {
    let server = Server::start(SAFE);
    let choices = Choices { store: Some(server.url()), ..Choices::default() };
    rotate_under_load(Harness::with(choices).await).await;
}

async fn rotate_under_load(broker: Harness) {
    let broker = Arc::new(broker);
    let (other, stop) = second(&broker).await;
    let before = ring(&broker);
    let first_token = broker.fetch_token().await;
    let load = Load::start(&broker, &[broker.origin.clone(), other.clone()]);
    load.goes_on().await;

    for kind in KeyKind::ALL {
        edit(&broker, |editor| editor.rotate(kind, Pace::Now));
    }
    let next = ring(&broker).sign_keys()[1].kid().to_owned();
    for origin in [&broker.origin, &other] {
        eventually("the next key is published", async || kids_at(origin).await.contains(&next).then_some(()))
            .await;
    }
    load.goes_on().await;

    for kind in KeyKind::ALL {
        edit(&broker, |editor| editor.rotate(kind, Pace::Now));
    }
    eventually("the next keys are in use", async || {
        let told = keys_told(&broker).await;
        assert_eq!(told["faultCount"], 0, "{told}");
        (told["sign"] == json!(next)).then_some(())
    })
    .await;
    load.goes_on().await;
    eventually("everything is moved", async || {
        (keys_told(&broker).await["reindexing"] == false).then_some(())
    })
    .await;
    edit(&broker, |editor| editor.drop_previous_index(Pace::Now));
    broker.forget_token().await;
    load.goes_on().await;
    assert_eq!(status_of(&broker, &first_token).await, StatusCode::OK, "a retired key's tokens count");

    let old = before.active_sign().kid().to_owned();
    let done = edit(&broker, |editor| editor.revoke(&old));
    assert_eq!(done, Edit::Revoked { kid: old.clone(), instead: None });
    eventually("its tokens are refused", async || {
        (status_of(&broker, &first_token).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert!(!kids(&broker).await.contains(&old));
    load.finish().await;
    drop(stop);

    let after = ring(&broker);
    assert_ne!(after.active_seal().id(), before.active_seal().id());
    assert_ne!(after.index_keys().expose_active(), before.index_keys().expose_active());
    assert!(after.index_keys().expose_previous().is_none());
}

#[tokio::test]
async fn what_was_written_before_a_rotation_is_found_after_it_by_a_fresh_start() {
    let mut broker = Harness::start().await;
    login(&broker, &broker.origin, "conv-1").await;
    let link = broker.link("conv-2").await;
    for step in ["next", "active"] {
        for kind in KeyKind::ALL {
            edit(&broker, |editor| editor.rotate(kind, Pace::Now));
        }
        let now = ring(&broker);
        eventually(step, async || {
            let read = kids(&broker).await.len() == 2;
            (read && keys_told(&broker).await["sign"] == json!(now.active_sign().kid())).then_some(())
        })
        .await;
    }
    eventually("everything is moved", async || {
        let told = keys_told(&broker).await;
        assert_eq!(told["faultCount"], 0, "{told}");
        (told["reindexing"] == false).then_some(())
    })
    .await;
    broker.stop().await;
    edit(&broker, |editor| editor.drop_previous_index(Pace::Now));
    broker.restart().await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(broker.message("conv-2", "+15550100", &page.code().unwrap()).await["matched"], true);
    login(&broker, &broker.origin, "conv-1").await;
    assert_eq!(broker.contacts().await.len(), 1);
}

#[tokio::test]
async fn a_broken_ring_is_told_and_the_last_good_one_stays() {
    let broker = Harness::start().await;
    let path = broker.folder().join("keys.toml");
    let good = fs::read_to_string(&path).unwrap();
    let link = broker.link("conv-1").await;
    let callback = Browser::new().reach_callback(link["url"].as_str().unwrap()).await;
    let another = KeyRing::generate(&broker.clock).to_toml();
    let broken = [
        (good.replace("\"active\"", "\"retired\""), "no seal key is active"),
        (good[..good.len() / 2].to_owned(), ""),
        (another.to_string(), "the index key in use is gone"),
    ];
    for (text, told) in broken {
        fs::write(&path, text).unwrap();
        eventually(told, async || {
            let keys = keys_told(&broker).await;
            let faults = keys["faults"].to_string();
            assert!(!faults.contains("PRIVATE"));
            (keys["faultCount"] != 0 && faults.contains(told)).then_some(())
        })
        .await;
        assert_eq!(status_of(&broker, &broker.fetch_token().await).await, StatusCode::OK);
    }
    let page = Browser::new().arrive(&callback).await;
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], true);
    let file = path.display().to_string();
    let lines = log::lines(&file);
    assert!(
        lines.iter().any(|line| line["event"] == "keys.fault" && line["detail"] == "no seal key is active")
    );
    fs::write(&path, &good).unwrap();
    eventually("it is good again", async || (keys_told(&broker).await["faultCount"] == 0).then_some(()))
        .await;
}

#[tokio::test]
async fn a_revoked_key_that_signs_is_followed_by_a_fresh_one() {
    let broker = Harness::start().await;
    let (old, token) = (ring(&broker).active_sign().kid().to_owned(), broker.fetch_token().await);
    assert_eq!(status_of(&broker, &token).await, StatusCode::OK, "and it is remembered");
    let Edit::Revoked { instead: Some(instead), .. } = edit(&broker, |editor| editor.revoke(&old)) else {
        panic!("another key signs")
    };
    eventually("it is refused", async || {
        (status_of(&broker, &token).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(kids(&broker).await, BTreeSet::from([instead]));
    assert_eq!(status_of(&broker, &broker.fetch_token().await).await, StatusCode::OK);
}

/// Runs `countersign key` on the broker's files.
fn key(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = command.arg("key").args(args).current_dir(folder).env_clear().output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_rotates_the_keys_of_a_running_one() {
    let broker = Arc::new(Harness::process(Choices::default()).await);
    let load = Load::start(&broker, std::slice::from_ref(&broker.origin));
    let folder = broker.folder();
    load.goes_on().await;
    let (code, said) = key(folder, &["rotate"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("is next")).count(), 3, "{said}");
    let (code, said) = key(folder, &["rotate"]);
    assert!(code == Some(1) && said.contains("wait, or say `--now`"), "{said}");
    let next = ring(&broker).sign_keys()[1].kid().to_owned();
    eventually("the next key is published", async || kids(&broker).await.contains(&next).then_some(())).await;
    load.goes_on().await;
    let (code, said) = key(folder, &["rotate", "--now"]);
    assert_eq!(
        (code, said.lines().filter(|line| line.contains("is active")).count()),
        (Some(0), 3),
        "{said}"
    );
    eventually("it signs", async || (keys_told(&broker).await["sign"] == json!(next)).then_some(())).await;
    load.goes_on().await;

    let store = format!("sqlite:{}", folder.join("countersign.db").display());
    let reindex = ["reindex", "--keys", "keys.toml", "--store", &store];
    let (code, said) = key(folder, &reindex);
    assert!(code == Some(1) && said.contains("what is gone within a day"), "{said}");
    let (code, said) = key(folder, &[&reindex[..], &["--now"]].concat());
    assert!(code == Some(0) && said.contains("is dropped"), "{said}");
    eventually("the running one has moved everything, too", async || {
        let told = keys_told(&broker).await;
        (told["reindexing"] == false && told["faultCount"] == 0).then_some(())
    })
    .await;
    load.goes_on().await;
    load.finish().await;

    let (code, said) = key(folder, &["list"]);
    assert_eq!(code, Some(0));
    let states: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    let of = |kind: &str| -> Vec<&str> {
        states.iter().filter(|line| line[0] == kind).map(|line| line[2]).collect()
    };
    assert_eq!(of("seal"), ["retired", "active"], "{said}");
    assert_eq!((of("index"), of("sign")), (vec!["active"], vec!["retired", "active"]), "{said}");
    let (code, said) = key(folder, &["revoke", "nobody"]);
    assert!(code == Some(2) && said.contains("`nobody`"), "{said}");
}
