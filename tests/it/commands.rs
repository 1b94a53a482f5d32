//! The commands that help an admin and an integrator: `map`, `link`, `openapi`, `completions`. Each
//! test starts the real program.

use std::process::{Output, Stdio};

use reqwest::Method;
use rstest::rstest;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{BOT_SECRET, Harness};

const SEED: &str = r#"{
  "user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy@example.com", "other": "stuff"},
  "roles": ["SomeRole", "OtherRole"]
}"#;

fn start(folder: &std::path::Path, args: &[&str], variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(args).current_dir(folder).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

async fn run_in(folder: &std::path::Path, args: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = start(folder, args, variables);
    // A program that ends without reading its input closes the pipe: that is no fault of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    child.wait_with_output().await.unwrap()
}

/// Runs `map` on the seed's answer.
async fn map(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sample.json"), SEED).unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\n  \"ü\": ]\n}").unwrap();
    std::fs::write(folder.path().join("mapping.jmespath"), "{email: user.email,\n userName: user..id}")
        .unwrap();
    std::fs::write(folder.path().join("acme.toml"), TENANT).unwrap();
    let args: Vec<&str> = ["map"].iter().chain(args).copied().collect();
    let output = run_in(folder.path(), &args, &[], input).await;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const TENANT: &str = r#"
name = "Acme"
hosts = ["acme.test"]
[[provider]]
id = "acme"
client_id = "x"
client_secret = { env = "A_SECRET_THAT_IS_NOT_SET" }
authorize_url = "https://id.example.com/auth"
token_url = "https://id.example.com/token"
whoami_url = "https://id.example.com/whoami"
mapping = "{fullName: user.name, email: user.email, phone: '+15550100'}"
subject = "user.id"
trusted = ["phone"]
[provider.enrich]
email = "ignore"
"#;

#[tokio::test]
async fn map_shows_the_profile_and_what_a_contact_takes() {
    let seed = r#"{"userName": user.id, "fullName": user.name, "email": user.email}"#;
    let (code, out, err) = map(&["--mapping", seed, "sample.json"], "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let person = "  email      billy@example.com\n  userName   billy.bob\n  fullName   Billy Bob\n  firstName  Billy\n  lastName   Bob\n";
    let wanted = format!(
        "Profile\n{person}Person\n  subject         billy.bob\n  email verified  no\n  phone verified  no\n\
         An empty contact takes\n{person}"
    );
    assert_eq!(out, wanted);
    let (code, default, _) =
        map(&["-"], r#"{"sub": "1", "email": "a@b.example", "email_verified": true}"#).await;
    assert!(code == Some(0) && default.contains("subject         1\n  email verified  yes"), "{default}");
    let (_, nothing, _) = map(&["-"], "[]").await;
    assert!(
        nothing.starts_with("Profile\n  nothing\n") && nothing.contains("the answer names nobody"),
        "{nothing}"
    );
}

#[tokio::test]
async fn map_repairs_the_seed_as_printed_and_says_so() {
    let printed = r#"{\"userName\": user.id, \"fullName\": user.name, \"email\": user.email}"#;
    let (code, out, _) = map(&["--mapping", printed, "sample.json"], "").await;
    assert!(code == Some(0) && out.contains("Repaired\n  mapping  {\"userName\": user.id,"), "{out}");
    let (_, json, _) = map(&["--json", "--mapping", printed, "sample.json"], "").await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(!json["repaired"]["mapping"].as_str().unwrap().contains('\\'), "{json}");
    assert_eq!(
        (&json["profile"]["email"], &json["subject"]),
        (&"billy@example.com".into(), &"billy.bob".into())
    );
    assert_eq!(json["contactChanges"].as_array().unwrap().len(), 5, "{json}");
}

#[tokio::test]
async fn map_takes_fields_one_by_one_and_a_tenants_provider() {
    let (code, out, _) =
        map(&["--field", "email=user.email", "--field", "tier=roles[0]", "sample.json"], "").await;
    assert!(code == Some(0) && out.contains("  tier   SomeRole\n"), "{out}");
    let (code, out, err) = map(&["--provider-file", "acme.toml", "sample.json"], "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("subject         billy.bob") && out.contains("phone verified  yes"), "{out}");
    let taken = &out[out.find("An empty contact takes").unwrap()..];
    assert!(taken.contains("phone") && !taken.contains("email "), "the email is ignored: {taken}");
    let (_, own, _) =
        map(&["--provider-file", "acme.toml", "--mapping", "{locale: 'de'}", "sample.json"], "").await;
    assert!(own.starts_with("Profile\n  locale  de\n"), "{own}");
}

#[rstest]
#[case::whole(&["--mapping", "{email: user.email,\n name: steal(user.name)}", "sample.json"], "", "--mapping:2:8", "there is no function `steal`")]
#[case::file(&["--mapping", "@mapping.jmespath", "sample.json"], "", "mapping.jmespath:2:17", "found `.`")]
#[case::field(&["--field", "email=user.email", "--field", "x=user..id", "sample.json"], "", "--field x:1:6", "found `.`")]
#[case::typed(&["--mapping", "@-", "sample.json"], "{a: }", "standard input:1:5", "unexpected `}`")]
#[case::sample(&["broken.json"], "", "broken.json:2:", "this is no JSON")]
#[case::end(&["-"], "{\"a\": ", "standard input:1:", "this is no JSON")]
#[tokio::test]
async fn map_shows_a_caret_under_the_fault_and_ends_with_1(
    #[case] args: &'static [&'static str],
    #[case] input: &'static str,
    #[case] place: &str,
    #[case] told: &str,
) {
    let (code, out, err) = map(args, input).await;
    assert_eq!((code, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.contains(place) && out.contains(told) && out.contains('^'), "{out}");
}

#[tokio::test]
async fn a_caret_of_map_stands_under_its_character() {
    let (_, out, _) = map(&["--mapping", "{\"ä\": user.name, b: = c}", "sample.json"], "").await;
    let lines: Vec<&str> = out.lines().collect();
    let at = lines.iter().position(|line| line.contains("{\"ä\":")).unwrap();
    let column = |line: &str, mark: char| line.chars().position(|c| c == mark);
    assert_eq!(column(lines[at], '='), column(lines[at + 1], '^'), "{out}");
}

#[tokio::test]
async fn a_mapping_that_gives_no_object_is_a_fault_and_bad_usage_is_another() {
    let (code, out, _) = map(&["--mapping", "user.id", "sample.json"], "").await;
    assert!(code == Some(1) && out.contains("not an object"), "{out}");
    for args in [
        &["none.json"][..],
        &[],
        &["--field", "email", "sample.json"],
        &["--field", "a=b", "--field", "a=c", "sample.json"],
        &["--mapping", "a", "--field", "a=b", "sample.json"],
        &["--provider", "acme", "sample.json"],
        &["--provider-file", "acme.toml", "--provider", "other", "sample.json"],
        &["--provider-file", "none.toml", "sample.json"],
        &["--mapping", "@none", "sample.json"],
    ] {
        let (code, out, err) = map(args, "").await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(!err.is_empty(), "{args:?}");
    }
}

/// What `link` is told in every test.
fn link_args(broker: &Harness, more: &[&'static str]) -> Vec<String> {
    let fixed = [
        "link",
        "--url",
        &broker.origin,
        "--client-id",
        "acme-bot",
        "--conversation",
        "conv-1",
        "--channel",
        "sms",
    ];
    fixed.iter().chain(more).map(|arg| (*arg).to_owned()).collect()
}

async fn link(
    broker: &Harness,
    more: &[&'static str],
    variables: &[(&str, &str)],
    input: &str,
) -> (Option<i32>, String, String) {
    let args = link_args(broker, more);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = run_in(broker.folder(), &args, variables, input).await;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const VARIABLE: (&str, &str) = ("COUNTERSIGN_CLIENT_SECRET", BOT_SECRET);

#[tokio::test]
async fn link_makes_a_link_with_a_secret_from_the_environment_or_the_input() {
    let broker = Harness::start().await;
    let (code, out, err) = link(&broker, &["--handle", "+15550100"], &[VARIABLE], "").await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    let url = out.lines().find_map(|line| line.strip_prefix("url      ")).unwrap();
    assert!(url.starts_with(&format!("{}/a/", broker.origin)), "{out}");
    assert!(out.contains("message  ") && out.lines().any(|line| line.starts_with("id       al_")), "{out}");
    let typed = format!("{BOT_SECRET}\n");
    let more = ["--json", "--provider", "acme", "--locale", "de", "--expires-in", "60", "--minimum", "code"];
    let (code, out, _) = link(&broker, &more, &[], &typed).await;
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{out}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&made["status"], &made["binding"]["minimum"]), (&"created".into(), &"code".into()));
    assert_eq!(broker.status(&made).await["provider"], "acme");
    assert!(!out.contains(BOT_SECRET));
}

#[tokio::test]
async fn link_says_in_a_line_why_it_was_refused_and_ends_with_1() {
    let broker = Harness::start().await;
    for (more, secret, told) in [
        (&[][..], "wrong", "POST /v1/oauth/token was answered with 401 invalid_client"),
        (&["--provider", "nobody"], BOT_SECRET, "422 invalid: /provider: there is no provider `nobody`"),
        (&["--minimum", "native"], BOT_SECRET, "422 invalid: /binding/minimum:"),
    ] {
        let (code, out, err) = link(&broker, more, &[("COUNTERSIGN_CLIENT_SECRET", secret)], "").await;
        assert_eq!((code, out.as_str(), err.lines().count()), (Some(1), "", 1), "{err}");
        assert!(err.starts_with("error: ") && err.contains(told) && !err.contains(BOT_SECRET), "{err}");
    }
    let silent = [
        "link",
        "--url",
        "http://127.0.0.1:1",
        "--client-id",
        "a",
        "--conversation",
        "c",
        "--channel",
        "sms",
    ];
    let output = run_in(broker.folder(), &silent, &[VARIABLE], "").await;
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && err.contains("http://127.0.0.1:1/ does not answer"), "{err}");
}

#[tokio::test]
async fn link_refuses_bad_usage_with_2() {
    let broker = Harness::start().await;
    for more in [&["--expires-in", "0"][..], &["--minimum", "strong"], &["--url", "x"], &["--unknown"]] {
        let (code, out, err) = link(&broker, more, &[VARIABLE], "").await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{more:?}");
        assert!(!err.is_empty(), "{more:?}");
    }
    for (variables, input) in [(&[("COUNTERSIGN_CLIENT_SECRET", " ")][..], ""), (&[], ""), (&[], "\n")] {
        let (code, _, err) = link(&broker, &[], variables, input).await;
        assert!(code == Some(2) && err.contains("blank"), "{err}");
    }
    assert!(broker.event_types().await.is_empty());
}

#[tokio::test]
async fn link_waits_until_the_customer_has_signed_in() {
    let broker = Harness::minimum("none").await;
    let args = link_args(&broker, &["--handle", "+15550100", "--wait"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = start(broker.folder(), &args, &[VARIABLE]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(url) = line.strip_prefix("url      ") {
            crate::api::sign_in_at(url, "billy").await;
        }
        said.push(line);
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(0), "{said:?}");
    assert!(said.contains(&"status   completed".to_owned()), "{said:?}");
    assert!(said.contains(&"profile  userName: billy.bob".to_owned()), "{said:?}");
}

#[tokio::test]
async fn link_that_waits_ends_with_1_if_nobody_signs_in() {
    let broker = Harness::start().await;
    let args = link_args(&broker, &["--wait", "--json"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = start(broker.folder(), &args, &[VARIABLE]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let made: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    let cancel = format!("/v1/auth-links/{}/cancel", made["id"].as_str().unwrap());
    assert!(broker.api(Method::POST, &cancel, None).await.0.is_success());
    let last: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!((&last["status"], &last["final"]), (&"cancelled".into(), &true.into()));
    assert_eq!(lines.next_line().await.unwrap(), None);
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn openapi_prints_the_committed_description() {
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), &["openapi"], &[], "").await;
    let committed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json")).unwrap();
    assert!(output.status.code() == Some(0) && output.stdout == committed && output.stderr.is_empty());
    let named = run_in(folder.path(), &["openapi", "--server", "https://beta.example.com"], &[], "").await;
    let named: Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(named["servers"][0]["url"], "https://beta.example.com");
}

#[tokio::test]
async fn completions_know_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run_in(folder.path(), &["completions", shell], &[], "").await;
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for word in ["serve", "demo", "check", "map", "link", "secret", "key", "openapi", "provider-file"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(run_in(folder.path(), &["completions", "cmd"], &[], "").await.status.code(), Some(2));
}

#[tokio::test]
async fn every_command_has_an_example_in_its_help() {
    let folder = tempfile::tempdir().unwrap();
    let overview = run_in(folder.path(), &["--help"], &[], "").await;
    let overview = String::from_utf8(overview.stdout).unwrap();
    let commands = overview.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let named = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let commands = commands.lines().filter(named).filter_map(|line| line.split_whitespace().next());
    let commands: Vec<&str> = commands.collect();
    for known in ["serve", "map", "link", "completions", "openapi"] {
        assert!(commands.contains(&known), "{known}: {overview}");
    }
    for command in
        commands.iter().filter(|command| !["help", "secret", "key", "audit", "staff"].contains(command))
    {
        let help = run_in(folder.path(), &[command, "--help"], &[], "").await;
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains(&format!("  countersign {command}")), "{command}: {help}");
    }
    for command in ["invite", "list", "remove"] {
        let help = run_in(folder.path(), &["staff", command, "--help"], &[], "").await;
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains(&format!("  countersign staff {command}")), "{command}: {help}");
    }
}
