//! Backup and restore: what comes back is what was there, and what is not a whole backup is refused
//! before anything is written.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use countersign::app::upkeep::{self, ImportError};
use countersign::clock::Clock;
use countersign::config::{Config, StoreUrl};
use countersign::keyring::KeyRing;
use countersign::store::audit_verify::Verified;
use countersign::store::backup::{BackupError, Summary};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::{sign_in, sign_in_at};
use crate::harness::Harness;

/// Whether a refusal is the right one.
type Expected = fn(&BackupError) -> bool;

/// The settings with another store.
fn with_store(config: &Config, path: &Path) -> Config {
    let mut config = config.clone();
    config.store = StoreUrl::Sqlite(path.to_owned());
    config
}

async fn export(config: &Config, path: &Path) -> Summary {
    upkeep::export(config, &Clock::system(), path, |_| {}).await.unwrap()
}

async fn import(config: &Config, path: &Path) -> Result<Summary, ImportError> {
    upkeep::import(config, &Clock::system(), path, true, |_| {}).await
}

/// A broker that somebody has used, and its backup; the broker has stopped.
async fn used() -> (Harness, PathBuf) {
    let mut broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    broker.stop().await;
    let file = broker.folder().join("a.csbackup");
    export(&broker.config, &file).await;
    (broker, file)
}

/// Removes the store, as a disk does that fails.
fn lose_store(broker: &Harness) {
    for name in ["countersign.db", "countersign.db-wal", "countersign.db-shm", "countersign.db-lock"] {
        let _ = std::fs::remove_file(broker.folder().join(name));
    }
}

#[tokio::test]
async fn a_restored_store_is_the_one_that_was_lost() {
    let mut broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let waiting = broker.link("conv-2").await;
    let before = broker.contacts().await;
    let events = broker.get("/v1/events?limit=200").await;
    let last = events["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let file = broker.folder().join("a.csbackup");
    // The broker goes on meanwhile.
    let summary = export(&broker.config, &file).await;
    assert!(
        summary.records > 5 && summary.members > 5 && summary.entries > 5 && summary.counters == 1,
        "{summary:?}"
    );
    assert_eq!(summary.keys.len(), 1);
    broker.stop().await;
    lose_store(&broker);
    assert_eq!(import(&broker.config, &file).await.unwrap(), summary);
    broker.restart().await;

    assert_eq!(broker.contacts().await, before);
    let email = before[0]["email"].as_str().unwrap();
    let found = broker.get(&format!("/v1/contacts?email={email}")).await;
    assert_eq!(found["items"][0]["id"], before[0]["id"]);
    sign_in_at(waiting["url"].as_str().unwrap(), "amelie").await;
    assert_eq!(broker.status(&waiting).await["status"], "completed", "a link from before can be used");
    let numbers: Vec<_> =
        broker.contacts().await.iter().map(|contact| contact["customerNumber"].clone()).collect();
    assert_ne!(numbers[0], numbers[1], "no number is given twice");
    let more = broker.get(&format!("/v1/events?after={last}")).await;
    let kinds: Vec<_> =
        more["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["auth.opened", "contact.created", "auth.completed"],
        "events go on behind the last one"
    );
    let answer = broker.get("/v1/audit?action=contact.listed").await;
    assert!(answer["items"].as_array().unwrap().len() >= 2, "the audit is back: {answer}");
    let mut good = true;
    let tell = |verified: &Verified| {
        good &= verified.tampering.is_none();
        Ok(())
    };
    assert!(upkeep::verify_audit(&broker.config, &broker.clock, None, &[], tell).await.unwrap() && good);
}

#[tokio::test]
async fn a_backup_of_a_backup_holds_the_same() {
    let (broker, file) = used().await;
    let (other, again) = (broker.folder().join("b.db"), broker.folder().join("b.csbackup"));
    let config = with_store(&broker.config, &other);
    let first = import(&config, &file).await.unwrap();
    let second = export(&config, &again).await;
    assert_eq!((second.records, second.counters, second.keys), (first.records, first.counters, first.keys));
    assert_eq!(second.entries, first.entries + 2, "the audit was told of the import and of the export");
}

#[tokio::test]
async fn each_kind_of_damage_is_refused_and_nothing_is_written() {
    let (broker, file) = used().await;
    let whole = std::fs::read(&file).unwrap();
    let mut byte = whole.clone();
    let middle = byte.len() / 2;
    byte[middle] ^= 1;
    let newer = String::from_utf8_lossy(&whole[12..200]).contains("\"format\":1,");
    assert!(newer, "the header is in clear");
    let mut next = whole.clone();
    let at = whole.windows(11).position(|part| part == b"\"format\":1,").unwrap();
    next[at + 9] = b'9';
    let damaged: [(&str, Vec<u8>, Expected); 7] = [
        ("cut", whole[..whole.len() - 1].to_vec(), |error| matches!(error, BackupError::Truncated(_))),
        ("cut in the header", whole[..40].to_vec(), |error| matches!(error, BackupError::Truncated(0))),
        ("empty", Vec::new(), |error| matches!(error, BackupError::NoBackup)),
        ("another file", std::fs::read(broker.folder().join("keys.toml")).unwrap(), |error| {
            matches!(error, BackupError::NoBackup)
        }),
        ("a changed byte", byte, |error| matches!(error, BackupError::Altered(_))),
        ("longer", [&whole[..], b"x"].concat(), |error| matches!(error, BackupError::Longer)),
        ("newer", next, |error| matches!(error, BackupError::Newer { found: 9, .. })),
    ];
    for (what, bytes, expected) in damaged {
        let config = with_store(&broker.config, &broker.folder().join(format!("{what}.db")));
        let path = broker.folder().join("damaged");
        std::fs::write(&path, bytes).unwrap();
        match import(&config, &path).await {
            Err(ImportError::Refused(error)) if expected(&error) => {}
            other => panic!("{what}: {other:?}"),
        }
        let empty = export(&config, &broker.folder().join(format!("{what}.csbackup"))).await;
        // What is there now is what the audit was told of this export.
        assert_eq!((empty.records, empty.entries), (0, 1), "{what}: nothing was written");
    }
    let config = with_store(&broker.config, &broker.folder().join("target.db"));
    import(&config, &file).await.unwrap();
    let full = import(&config, &file).await;
    assert!(matches!(full, Err(ImportError::Refused(BackupError::NotEmpty))), "{full:?}");
}

#[tokio::test]
async fn a_backup_needs_the_keys_of_its_store() {
    let (broker, file) = used().await;
    let mut config = with_store(&broker.config, &broker.folder().join("target.db"));
    let own = std::fs::read_to_string(&config.keys).unwrap();
    config.keys = broker.folder().join("others.toml");
    KeyRing::generate(&Clock::system()).write_new(&config.keys).unwrap();
    let refused = import(&config, &file).await;
    assert!(matches!(refused, Err(ImportError::Refused(BackupError::UnknownKey(_)))), "{refused:?}");
    // The seal key is there, and another index key.
    let index =
        own.split("[index]").nth(1).unwrap().split("key = \"").nth(1).unwrap().split('"').next().unwrap();
    let other = std::fs::read_to_string(&config.keys).unwrap();
    let other =
        other.split("[index]").nth(1).unwrap().split("key = \"").nth(1).unwrap().split('"').next().unwrap();
    std::fs::write(&config.keys, own.replace(index, other)).unwrap();
    let refused = import(&config, &file).await;
    assert!(matches!(refused, Err(ImportError::Refused(BackupError::OtherIndex))), "{refused:?}");
}

fn run(broker: &Harness, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(broker.folder()).env_clear().stdin(Stdio::null()).args(args);
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn the_program_exports_imports_and_verifies_with_its_exit_codes() {
    let mut broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let from = ["--store", "sqlite:countersign.db", "--keys", "keys.toml"];
    let to = ["--store", "sqlite:fresh.db", "--keys", "keys.toml"];
    let with = |command: &[&str], settings: &[&str]| run(&broker, &[command, settings].concat());
    let written = with(&["export", "--out", "a.csbackup"], &from);
    assert_eq!(written.status.code(), Some(0), "{}", said(&written));
    assert!(said(&written).contains("as of one moment") && said(&written).contains("is not part of it"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(broker.folder().join("a.csbackup")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let again = with(&["export", "--out", "a.csbackup"], &from);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    for (args, code) in [
        (&["import", "--check", "a.csbackup"][..], 0),
        (&["import", "a.csbackup"], 0),
        (&["import", "a.csbackup"], 1),
        (&["import", "b.csbackup"], 2),
    ] {
        let output = with(args, &to);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
    }
    let verified = with(&["audit", "verify"], &to);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    assert!(said(&verified).contains("acme: good: "), "{}", said(&verified));
    let lines = with(&["audit", "verify", "--json", "--tenant", "acme"], &to);
    let line: Value = serde_json::from_slice(&lines.stdout).unwrap();
    assert_eq!((&line["tenant"], &line["tampering"]), (&json!("acme"), &Value::Null));
    let listed = with(&["audit", "list", "--tenant", "_platform"], &from);
    let actions = |listed: &Output| -> Vec<Value> {
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone()).collect()
    };
    assert_eq!(
        actions(&listed),
        ["settings.taken_up", "keys.taken_up", "store.exported"],
        "{}",
        said(&listed)
    );
    let listed = with(&["audit", "list", "--tenant", "_platform"], &to);
    assert_eq!(actions(&listed)[2..], ["store.exported", "store.imported"], "{}", said(&listed));
    // Who names a wrong store is told so, and nothing is made there.
    for args in [&["export", "--out", "c.csbackup"][..], &["audit", "verify"]] {
        let output = with(args, &["--store", "sqlite:wrong.db", "--keys", "keys.toml"]);
        assert_ne!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains("no database at `wrong.db`"), "{}", said(&output));
    }
    assert!(!broker.folder().join("wrong.db").exists());
    assert_eq!(with(&["audit", "verify", "--since", "nonsense"], &to).status.code(), Some(2));

    broker.stop().await;
    let connection = rusqlite::Connection::open(broker.folder().join("fresh.db")).unwrap();
    let changed = connection
        .execute("DELETE FROM entry WHERE CAST(name AS TEXT) = '{82}:acme:audits' AND position = 2", []);
    assert_eq!(changed.unwrap(), 1);
    drop(connection);
    let found = run(&broker, &[&["audit", "verify"][..], &to].concat());
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    assert!(said(&found).contains("acme: TAMPERED at position 2"), "{}", said(&found));
}

#[tokio::test]
async fn a_store_whose_import_was_cut_short_is_not_served() {
    let (mut broker, file) = used().await;
    lose_store(&broker);
    import(&broker.config, &file).await.unwrap();
    let path = broker.folder().join("countersign.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    // What an import leaves that is killed in the middle.
    let left = "INSERT INTO record (key, version, value) VALUES (CAST('{00}:importing' AS BLOB), 1, x'31')";
    connection.execute(left, []).unwrap();
    drop(connection);
    let refused = import(&broker.config, &file).await;
    assert!(matches!(refused, Err(ImportError::Refused(BackupError::CutShort))), "{refused:?}");
    let store = format!("sqlite:{}", path.display());
    let args =
        ["serve", "--store", &store, "--keys", "keys.toml", "--tenants", "none", "--listen", "127.0.0.1:0"];
    std::fs::create_dir(broker.folder().join("none")).unwrap();
    let output = run(&broker, &args);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("cut short"), "{}", said(&output));
    lose_store(&broker);
    import(&broker.config, &file).await.unwrap();
    broker.restart().await;
    let (status, _) = broker.api(Method::GET, "/v1/contacts", None).await;
    assert_eq!(status, StatusCode::OK);
}
