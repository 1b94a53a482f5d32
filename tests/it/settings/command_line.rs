//! The program itself: what it prints and how it ends.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::receiver::{HOOK_SECRET, NEXT_SECRET};

/// Runs the program in a folder of its own, with an environment of its own.
fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("ACME_SECRET", "a secret")
        .env("APPLE", "YSBzZWNyZXQ=")
        .env("HOOK", HOOK_SECRET)
        .env("HOOK_NEXT", NEXT_SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading its input closes the pipe: that is no fault of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with tenants in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("tenants")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn good(name: &str) -> String {
    fs::read_to_string(format!("fixtures/settings/good/{name}.toml")).unwrap()
}

#[test]
fn check_of_good_settings_ends_with_0_and_counts() {
    let minimal = good("minimal");
    let folder = folder(&[
        ("tenants/a.toml", &minimal),
        ("tenants/b.toml", &minimal),
        (
            "tenants/c.toml",
            &good("everything").replace("Everything.", "c.").replace("tenants.example", "localhost"),
        ),
    ]);
    let output = run(folder.path(), &["check"], "");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.ends_with("3 tenants, 4 providers: no fault, 3 warnings\n"), "{said}");
    assert!(said.contains("there is no key ring"), "{said}");
    assert!(said.contains("emailed codes, and no mail server is set up"), "{said}");
    let made = run(folder.path(), &["key", "new", "--out", "keys.toml"], "");
    assert_eq!(made.status.code(), Some(0));
    let quiet = run(folder.path(), &["check", "--base-url", "https://localhost"], "");
    assert_eq!(text(&quiet.stdout), "3 tenants, 4 providers: no fault\n");
}

#[test]
fn check_of_bad_settings_ends_with_1_and_shows_carets() {
    let folder = folder(&[("tenants/a.toml", &good("minimal").replace("client_id", "clientid"))]);
    let output = run(folder.path(), &["check"], "");
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("tenants/a.toml:4:1")
            && said.contains("^^^^^^^^")
            && said.contains("did you mean `client_id`"),
        "{said}"
    );
    assert!(said.ends_with("2 faults, 2 warnings\n"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn check_reads_single_files_and_even_the_example() {
    let example = fs::read_to_string("tenants/example.toml").unwrap();
    let folder = folder(&[("example.toml", &example), ("bad.toml", "x = 1\n")]);
    let output = run(folder.path(), &["check", "--base-url", "https://a.example", "example.toml"], "");
    assert!(text(&output.stdout).contains("1 tenant, 1 provider: no fault"), "{}", text(&output.stdout));
    assert_eq!(run(folder.path(), &["check", "example.toml", "bad.toml"], "").status.code(), Some(1));
    assert_eq!(run(folder.path(), &["check", "none.toml"], "").status.code(), Some(1));
}

#[test]
fn check_tells_of_a_broken_main_file_and_key_ring() {
    let folder = folder(&[("countersign.toml", "[server]\nlisten = 5\n"), ("keys.toml", "canary")]);
    let keys = folder.path().join("keys.toml");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
    let output = run(folder.path(), &["check"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("countersign.toml:2:10"), "{}", text(&output.stdout));
    fs::remove_file(folder.path().join("countersign.toml")).unwrap();
    let said = text(&run(folder.path(), &["check"], "").stdout);
    assert!(said.contains("chmod 600 keys.toml"), "{said}");
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let output = run(folder.path(), &["check"], "");
    let said = text(&output.stdout);
    assert!(
        output.status.code() == Some(1) && said.contains("keys.toml:1:") && !said.contains("canary"),
        "{said}"
    );
}

#[test]
fn a_missing_secret_of_a_tenant_is_told_with_its_name() {
    let folder = folder(&[("tenants/a.toml", &good("minimal").replace("ACME_SECRET", "OTHER_SECRET"))]);
    let output = run(folder.path(), &["check"], "");
    let said = text(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("`OTHER_SECRET` is not set"), "{said}");
}

#[test]
fn a_sealed_secret_opens_with_its_key_ring_and_with_no_other() {
    let folder = folder(&[("tenants/.keep", "")]);
    assert_eq!(run(folder.path(), &["key", "new", "--out", "keys.toml"], "").status.code(), Some(0));
    let sealed = run(folder.path(), &["secret", "seal", "--keys", "keys.toml"], "canary-sealed-secret\n");
    let text = text(&sealed.stdout);
    assert!(text.starts_with("cs1.") && !text.contains("canary"), "{text}");
    let reference = format!("{{ sealed = \"{}\" }}", text.trim());
    let file = good("minimal").replace("{ env = \"ACME_SECRET\" }", &reference);
    assert!(file.contains("sealed"), "{file}");
    fs::write(folder.path().join("tenants/acme.toml"), &file).unwrap();
    let check = |flags: &[&str]| run(folder.path(), &[&["check"], flags].concat(), "");
    let said = self::text(&check(&[]).stdout);
    assert!(said.contains("1 tenant, 1 provider: no fault"), "{said}");
    run(folder.path(), &["key", "new", "--out", "other.toml"], "");
    for (ring, problem) in [("other.toml", "it cannot be opened"), ("none.toml", "cannot be read")] {
        let refused = check(&["--keys", ring]);
        let said = self::text(&refused.stdout);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(problem) && said.contains("secret seal") | said.contains("--keys"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
    fs::write(folder.path().join("tenants/acme.toml"), file.replace("cs1.", "cs9.")).unwrap();
    let said = self::text(&check(&[]).stdout);
    assert!(said.contains("this is not a sealed secret"), "{said}");
}

#[test]
fn secret_hash_prints_a_hash_that_check_accepts() {
    let folder = folder(&[]);
    let output = run(folder.path(), &["secret", "hash"], "correct horse\n");
    let hash = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0));
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash.lines().count() == 1, "{hash}");
    assert!(output.stderr.is_empty(), "no hint where nobody types");
    let tenant =
        format!("{}[[client]]\nclient_id = \"bot\"\nsecret_hash = '{}'\n", good("minimal"), hash.trim());
    fs::write(folder.path().join("tenants/a.toml"), tenant).unwrap();
    assert_eq!(run(folder.path(), &["check"], "").status.code(), Some(0));
}

#[test]
fn a_blank_secret_is_refused_with_2() {
    let folder = folder(&[]);
    for input in ["", "\n", "   \n", "two\nlines\n"] {
        let output = run(folder.path(), &["secret", "hash"], input);
        assert_eq!(output.status.code(), Some(2), "{input:?}");
        assert!(output.stdout.is_empty() && text(&output.stderr).starts_with("error: the secret"));
    }
}

#[test]
fn key_new_writes_once_and_prints_no_key() {
    let folder = folder(&[]);
    let output = run(folder.path(), &["key", "new", "--out", "ring.toml"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let ring = fs::read_to_string(folder.path().join("ring.toml")).unwrap();
    for line in ring.lines().filter(|line| line.contains("key = \"") || line.len() == 64) {
        assert!(!text(&output.stdout).contains(line.trim_start_matches("key = \"")));
    }
    let again = run(folder.path(), &["key", "new", "--out", "ring.toml"], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("exists and is not overwritten"));
    assert_eq!(fs::read_to_string(folder.path().join("ring.toml")).unwrap(), ring);
    assert_eq!(run(folder.path(), &["key", "new", "--out", "no/such/ring.toml"], "").status.code(), Some(2));
    assert_eq!(run(folder.path(), &["check", "--keys", "ring.toml"], "").status.code(), Some(0));
}

#[test]
fn bad_usage_ends_with_2() {
    let folder = folder(&[]);
    for args in [
        &["serv"][..],
        &["key", "new"],
        &["check", "--lissten", "x"],
        &["secret"],
        &[],
        &["demo", "--listen", "x"],
    ] {
        let output = run(folder.path(), args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn help_shows_examples_and_every_flag_of_serve() {
    let folder = folder(&[]);
    let help = |args: &[&str]| {
        let output = run(folder.path(), args, "");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        text(&output.stdout)
    };
    let main = help(&["--help"]);
    for command in ["serve", "demo", "check", "secret", "key"] {
        assert!(main.contains(command), "{main}");
    }
    let serve = help(&["serve", "--help"]);
    for flag in [
        "--config",
        "--listen",
        "--base-url",
        "--store",
        "--tenants",
        "--keys",
        "--allow-egress",
        "Examples:",
    ] {
        assert!(serve.contains(flag), "{serve}");
    }
    assert!(help(&["check", "--help"]).contains("Exit codes"));
    assert!(help(&["key", "new", "--help"]).contains("--out"));
    assert!(help(&["key", "rotate", "--help"]).contains("docs/keys.md"));
    assert!(help(&["key", "revoke", "--help"]).contains("new tokens"));
    assert!(help(&["key", "reindex", "--help"]).contains("Exit codes"));
    assert!(help(&["secret", "hash", "--help"]).contains("standard input"));
    assert_eq!(help(&["--version"]), format!("countersign {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn key_commands_say_what_they_did_and_check_tells_what_is_left() {
    let folder = folder(&[]);
    let key = |args: &[&str]| {
        let output = run(folder.path(), &[&["key"], args].concat(), "");
        (output.status.code(), text(&[output.stdout, output.stderr].concat()))
    };
    assert_eq!(key(&["new", "--out", "keys.toml"]).0, Some(0));
    for (args, status, said) in [
        (["--kind", "index"].as_slice(), 0, "the index key is next"),
        (&["--kind", "index"], 1, "may not be known everywhere before"),
        (&["--kind", "index", "--now"], 0, "the next index key is active"),
        (&["--kind", "index", "--now"], 1, "run `countersign key reindex`"),
        (&["--now"], 1, "the seal key `"),
    ] {
        let (code, told) = key(&[&["rotate"], args].concat());
        assert!(code == Some(status) && told.contains(said), "{args:?}: {told}");
    }
    let (code, told) = key(&["list"]);
    let lines: Vec<_> =
        told.lines().map(|line| line.split_whitespace().step_by(2).take(2).collect::<Vec<_>>()).collect();
    let expected = [
        ["seal", "active"],
        ["seal", "next"],
        ["index", "active"],
        ["index", "previous"],
        ["sign", "active"],
        ["sign", "next"],
    ];
    assert!(code == Some(0) && lines == expected, "{told}");
    let check = run(folder.path(), &["check"], "");
    let said = text(&check.stdout);
    assert!(
        check.status.code() == Some(0) && said.contains("the previous index key is still there"),
        "{said}"
    );
    let ring = fs::read_to_string(folder.path().join("keys.toml")).unwrap();
    let kid = ring.lines().find_map(|line| line.strip_prefix("kid = \"")?.strip_suffix('"')).unwrap();
    let (code, told) = key(&["revoke", kid]);
    assert!(code == Some(0) && told.contains("signs instead"), "{told}");
    assert!(key(&["revoke", kid]).1.contains("is revoked already"));
    let id = ring.lines().find_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).unwrap();
    let (code, told) = key(&["revoke", id]);
    assert!(code == Some(2) && told.contains("could not be read without it"), "{told}");
    for name in ["list", "rotate"] {
        let (code, told) = key(&[name, "--keys", "nowhere.toml"]);
        assert!(code == Some(2) && told.contains("countersign key new"), "{told}");
    }
}
