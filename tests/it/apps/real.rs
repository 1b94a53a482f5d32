//! Clients that nobody here wrote: openid-client, oauth4webapi and jose from npm, Authlib from `PyPI`. Each is a program
//! that prints where its customer must go, is told where that ended, and prints what it learnt.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{SEED_SECRET, SHOP, SHOP_URI, clients, consent};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

/// A program that is a client.
struct Program {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Program {
    fn start(broker: &Harness, mut command: Command) -> Self {
        let key = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apps/client-key.pem");
        command
            .env("ISSUER", &broker.origin)
            .env("APP", SHOP)
            .env("APP_URI", SHOP_URI)
            .env("MACHINE", "machine")
            .env("MACHINE_SECRET", SEED_SECRET)
            .env("KEY", key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The rest of the next line that begins with a word.
    fn told(&mut self, word: &str) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
            line.clear();
        }
        panic!("the client ended without a line of {word}; see its complaints above")
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start() -> Harness {
    let jwks = include_str!("../../../fixtures/apps/client-jwks.json").replace('\n', "");
    let keyed = format!(
        "[[client]]\nclient_id = \"keyed\"\nauth = \"private_key_jwt\"\njwks = '{jwks}'\nscopes = [\"read:contacts\"]\n"
    );
    Harness::with(Choices { tenant: format!("{}{keyed}", clients()), ..Choices::default() }).await
}

/// Runs a client to its end, with Billy as its customer.
async fn learnt(broker: &Harness, command: Command) -> Value {
    let mut program = Program::start(broker, command);
    let (url, mut program) =
        tokio::task::spawn_blocking(move || (program.told("VISIT"), program)).await.unwrap();
    let mut browser = Browser::new();
    let page = browser.get(&url.parse().unwrap()).await;
    let back = consent(&mut browser, &page, "allow").await;
    let told = tokio::task::spawn_blocking(move || {
        program.tell(back.as_str());
        program.told("DONE")
    });
    serde_json::from_str(&told.await.unwrap()).unwrap()
}

fn npm(file: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers");
    assert!(
        folder.join("node_modules/openid-client").is_dir(),
        "the clients of the tests are not installed: run `./check`, which installs what the tests need"
    );
    let mut command = Command::new("node");
    command.arg(format!("clients/{file}")).current_dir(folder);
    command
}

fn authlib() -> Command {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authlib");
    let python = folder.join(".venv/bin/python");
    assert!(python.exists(), "Authlib is not installed: run `./check`, which installs what the tests need");
    let mut command = Command::new(python);
    command.arg("client.py").current_dir(folder);
    command
}

async fn check(broker: &Harness, told: &Value) {
    let contacts = broker.contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &told["sub"]));
    for (name, value) in [
        ("email", json!("billy.bob@example.com")),
        ("rotated", json!(true)),
        ("machine", json!("bearer")),
        ("before", json!(true)),
        ("after", json!(false)),
    ] {
        let seen = match &told[name] {
            Value::String(text) if name == "machine" => json!(text.to_lowercase()),
            other => other.clone(),
        };
        assert_eq!(seen, value, "{name}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openid_client_signs_in_refreshes_looks_and_revokes() {
    let broker = start().await;
    let told = learnt(&broker, npm("openid-client.mjs")).await;
    check(&broker, &told).await;
    assert_eq!(told["late"], "invalid_grant");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn oauth4webapi_and_jose_find_nothing_to_complain_about() {
    let broker = start().await;
    let told = learnt(&broker, npm("oauth4webapi.mjs")).await;
    check(&broker, &told).await;
    let both = json!(["CUST-000001", "machine", "CUST-000001", "machine"]);
    assert_eq!(told["verified"], both, "both paths of the keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authlib_signs_in_with_pkce_and_by_a_key_of_its_own() {
    let broker = start().await;
    let told = learnt(&broker, authlib()).await;
    check(&broker, &told).await;
    assert_eq!(told["byKey"], "read:contacts");
}
