//! The real program, started as an operator starts it: `countersign serve` in a folder of its own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use countersign::clock::Clock;
use countersign::issuer::secret_hash;
use countersign::secret::Secret;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::process::Process;

/// The client of the seed.
const CLIENT_ID: &str = "oauth_client_abc123xyz789";
/// Its secret.
const CLIENT_SECRET: &str = "secret_def456uvw012";
/// The secret of the tenant's own client at its provider.
const PROVIDER_SECRET: &str = "a-secret-of-the-provider-0451";

/// The seed's command to the letter, the host apart.
const COMMAND: &str = r#"curl -X POST \
  "HOST/v1/oauth/token" \
  -H "Content-Type: application/json" \
  -d '{
    "grant_type": "client_credentials",
    "client_id": "oauth_client_abc123xyz789",
    "client_secret": "secret_def456uvw012",
    "scope": "read:principals write:policies"
  }'"#;

/// The program, ready to be asked.
struct Program {
    process: Process,
    /// `http://127.0.0.1:<port>`
    origin: String,
    folder: TempDir,
}

impl Program {
    /// Starts it with a key ring and one tenant, and waits until it is ready.
    fn start() -> Self {
        let folder = folder();
        let made = run(folder.path(), &["key", "new", "--out", "keys.toml"]);
        assert_eq!(made.status.code(), Some(0));
        let (mut serve, origin) = serve(folder.path());
        let process = Process::start("countersign", &mut serve);
        let ready = process.wait_for(|line| {
            let line: Value = serde_json::from_str(line).expect("each line of the log is JSON");
            (line["event"] == "serve.ready").then_some(line)
        });
        assert_eq!((&ready["level"], &ready["tenants"]), (&json!("info"), &json!(1)), "{ready}");
        assert!(origin.ends_with(ready["listen"].as_str().unwrap()), "{ready}");
        Self { process, origin, folder }
    }

    /// Runs the seed's command with a secret, and reads the answer.
    fn ask_for_token(&self, secret: &str) -> Value {
        let command = COMMAND.replace("HOST", &self.origin).replace(CLIENT_SECRET, secret);
        let output = Command::new("sh").args(["-c", &command]).env("NO_PROXY", "*").output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "curl failed; `./check` installs it: {complaint}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.origin);
        let response = crate::harness::http_client().get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }
}

/// A folder with the seed's minimal tenant and the seed's client.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let hash = secret_hash::build(&Secret::new(CLIENT_SECRET), &Clock::system()).unwrap();
    let tenant = format!(
        r#"
name = "Acme Bank"
hosts = ["127.0.0.1"]
[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "Quiq Client"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "https://provider.example/auth"
token_url = "https://provider.example/auth/token"
[[client]]
client_id = "{CLIENT_ID}"
secret_hash = "{hash}"
grant_types = ["client_credentials"]
scopes = ["read:principals", "write:policies"]
"#
    );
    fs::create_dir(folder.path().join("tenants")).unwrap();
    fs::write(folder.path().join("tenants/acme.toml"), tenant).unwrap();
    folder
}

/// `countersign serve` on a free port. The base URL names the port, so it is chosen beforehand.
fn serve(folder: &Path) -> (Command, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = program(folder);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    command.args(["--base-url", &format!("http://localhost:{port}"), "--store", "sqlite:countersign.db"]);
    (command, format!("http://127.0.0.1:{port}"))
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).env_clear().env("ACME_SECRET", PROVIDER_SECRET);
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    program(folder).args(args).stdin(Stdio::null()).output().unwrap()
}

/// Verifies an access token with the keys that a path publishes, as an API behind us would.
fn verify(token: &str, keys: Value, issuer: &str) -> Value {
    let keys: JwkSet = serde_json::from_value(keys).unwrap();
    let kid = decode_header(token).unwrap().kid.expect("a token names its key");
    let key = DecodingKey::from_jwk(keys.find(&kid).expect("the key is published")).unwrap();
    let mut expected = Validation::new(Algorithm::RS256);
    expected.set_issuer(&[issuer]);
    expected.set_audience(&[issuer]);
    expected.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode::<Value>(token, &key, &expected).unwrap().claims
}

#[tokio::test]
async fn the_seeds_curl_command_gets_a_token_that_both_key_paths_verify() {
    let program = Program::start();
    let answer = program.ask_for_token(CLIENT_SECRET);
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert_eq!(answer["scope"], "read:principals write:policies");
    let created_at = answer["created_at"].as_i64().expect("a time in seconds");
    assert!((Clock::system().now().as_second() - created_at).abs() < 300);
    assert_eq!(answer.as_object().unwrap().len(), 5, "{answer}");
    let token = answer["access_token"].as_str().unwrap();
    for path in ["/v1/oauth/.well-known/jwks.json", "/api/oauth2/jwks"] {
        let claims = verify(token, program.get(path).await, &program.origin);
        assert_eq!((&claims["client_id"], &claims["scope"]), (&json!(CLIENT_ID), &answer["scope"]), "{path}");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    }
}

#[tokio::test]
async fn the_log_is_json_and_holds_no_secret() {
    let mut program = Program::start();
    let answer = program.ask_for_token(CLIENT_SECRET);
    let refused = program.ask_for_token("secret_of_a_stranger_042");
    assert_eq!(refused["error"], "invalid_client");
    let token = answer["access_token"].as_str().unwrap();
    let http = crate::harness::http_client();
    let asked = http.get(format!("{}/v1/contacts", program.origin)).bearer_auth(token).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::FORBIDDEN);
    program.process.signal("-TERM");
    assert_eq!(program.process.wait(), Some(0));

    let log = program.process.lines();
    for line in &log {
        let line: Value = serde_json::from_str(line).expect("each line of the log is JSON");
        assert!(line["ts"].is_string() && line["level"].is_string() && line["event"].is_string(), "{line}");
    }
    let log = log.join("\n");
    assert!(log.contains("auth.denied"), "the calls stand in the log: {log}");
    let ring = fs::read_to_string(program.folder.path().join("keys.toml")).unwrap();
    let keys = ring
        .lines()
        .filter(|line| line.trim().len() >= 40)
        .map(|line| line.trim_start_matches("key = ").trim_matches('"'));
    let secrets = [CLIENT_SECRET, PROVIDER_SECRET, "secret_of_a_stranger_042", token, "argon2id"];
    for secret in keys.chain(secrets) {
        assert!(!log.contains(secret), "a secret stands in the log: {log}");
    }
}

#[test]
fn a_stop_signal_ends_the_program_with_0_and_a_last_line() {
    let mut program = Program::start();
    program.process.signal("-TERM");
    assert_eq!(program.process.wait(), Some(0), "{}", program.process.complaints());
    let last = program.process.lines().pop().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["event"], "serve.stopped");
}

#[test]
fn without_a_key_ring_it_does_not_start_and_says_how_to_make_one() {
    let folder = folder();
    let output = serve(folder.path()).0.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("keys.toml") && said.contains("countersign key new"), "{said}");
    assert!(!folder.path().join("countersign.db").exists(), "nothing was made");
}
