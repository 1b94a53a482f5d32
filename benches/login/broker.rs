//! The program under load: `countersign serve` with files of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::clock::Clock;
use countersign::issuer::secret_hash;
use countersign::keyring::KeyRing;
use countersign::secret::Secret;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const SECRET: &str = "secret-of-the-bench-0123456789";
/// Clock ticks per second in `/proc`: a constant of Linux's interface.
const TICKS: f64 = 100.0;

/// A running broker; killed when this is dropped.
pub struct Broker {
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
    /// The bot's access token.
    pub token: String,
    child: Child,
    folder: TempDir,
}

impl Broker {
    /// Starts it with one tenant whose provider is at `provider`.
    pub async fn start(provider: &str) -> Self {
        // Beside the program, so that the disk is the one that was built on and not one in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        write_files(folder.path(), provider);
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let at = |name: &str| folder.path().join(name).display().to_string();
        let child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--listen", &address, "--base-url", &format!("http://{address}")])
            .args(["--tenants", &at("tenants"), "--keys", &at("keys.toml")])
            .args(["--store", &format!("sqlite:{}", at("bench.db"))])
            .args(["--allow-egress", provider.trim_start_matches("http://")])
            .env("BENCH_SECRET", "provider-secret")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut broker = Self { origin: format!("http://{address}"), token: String::new(), child, folder };
        broker.token = broker.wait_for_token().await;
        broker
    }

    /// Seconds of processor time that the process has taken so far (`proc_pid_stat(5)`).
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS
    }

    /// Where its store is.
    pub fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    async fn wait_for_token(&mut self) -> String {
        let http = super::walk::http();
        let order = json!({"grant_type": "client_credentials", "client_id": "bot", "client_secret": SECRET});
        for _ in 0..600 {
            assert!(self.child.try_wait().unwrap().is_none(), "the broker has ended");
            let url = format!("{}/v1/oauth/token", self.origin);
            if let Ok(answer) = http.post(url).json(&order).send().await {
                let answer: Value = answer.json().await.unwrap();
                return answer["access_token"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the broker does not answer");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_files(folder: &Path, provider: &str) {
    let clock = Clock::system();
    KeyRing::generate(&clock).write_new(&folder.join("keys.toml")).unwrap();
    let hash = secret_hash::build(&Secret::new(SECRET), &clock).unwrap();
    let tenant = format!(
        r#"
name = "Bench"
hosts = ["127.0.0.1"]
[binding]
minimum = "none"
[[provider]]
id = "bench"
label = "Bench"
client_id = "bench"
client_secret = {{ env = "BENCH_SECRET" }}
authorize_url = "{provider}/authorize"
token_url = "{provider}/token"
whoami_url = "{provider}/whoami"
mapping = '{{"userName": user.id, "fullName": user.name, "email": user.email}}'
[[client]]
client_id = "bot"
secret_hash = "{hash}"
grant_types = ["client_credentials"]
scopes = ["write:auth_links", "read:auth_links"]
"#
    );
    let tenants = folder.join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    std::fs::write(tenants.join("bench.toml"), tenant).unwrap();
}
