//! The program under load: `countersign serve` on 127.0.0.1, one or several of them over the same
//! files and store.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::clock::Clock;
use countersign::issuer::secret_hash;
use countersign::keyring::KeyRing;
use countersign::secret::Secret;
use reqwest::{Client, header, redirect};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Where the first tenant is served.
const HOST: &str = "127.0.0.1";
const SECRET: &str = "secret-of-the-bench-0123456789";
/// Clock ticks per second in `/proc`: a constant of Linux's interface.
const TICKS: f64 = 100.0;

/// What all brokers of a run share.
pub struct Site {
    folder: TempDir,
    store: String,
    allow: Vec<String>,
    base_url: String,
    /// Of the bots' secret.
    hash: String,
}

/// A running broker; killed when this is dropped.
pub struct Broker {
    /// `http://127.0.0.1:<port>`.
    pub origin: String,
    address: String,
    child: Child,
}

impl Site {
    /// Files with one tenant whose provider is at `provider`. `more` goes into the tenant's file, for what
    /// it fetches from `allow`. An empty `store` is a SQLite file among the others.
    pub fn new(provider: &str, store: &str, more: &str, allow: &[String]) -> Self {
        // Beside the program, so that the disk is the one that was built on and not one in memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let clock = Clock::system();
        KeyRing::generate(&clock).write_new(&folder.path().join("keys.toml")).unwrap();
        let hash = secret_hash::build(&Secret::new(SECRET), &clock).unwrap();
        std::fs::create_dir(folder.path().join("tenants")).unwrap();
        let tenant = tenant(HOST, provider, &hash, more);
        std::fs::write(folder.path().join("tenants/bench.toml"), tenant).unwrap();
        let own = format!("sqlite:{}", folder.path().join("bench.db").display());
        let store = if store.is_empty() { own } else { store.to_owned() };
        let mut allow = allow.to_vec();
        allow.push(provider.trim_start_matches("http://").to_owned());
        Self { folder, store, allow, base_url: String::new(), hash }
    }

    /// One more tenant, at a host of its own, whose bot has the same secret.
    pub fn add_tenant(&self, name: &str, host: &str, provider: &str) {
        let tenant = tenant(host, provider, &self.hash, "");
        std::fs::write(self.folder.path().join(format!("tenants/{name}.toml")), tenant).unwrap();
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a broker on a free port. The first one's address is the site's own.
    pub async fn start(&mut self) -> Broker {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        if self.base_url.is_empty() {
            self.base_url = format!("http://{address}");
        }
        let broker = Broker { origin: format!("http://{address}"), child: self.run(&address), address };
        broker.ready().await;
        broker
    }

    /// An access token of the bot, asked for until one comes.
    pub async fn token(&self, broker: &Broker) -> String {
        self.token_at(broker, HOST).await
    }

    /// The same of the tenant at `host`.
    pub async fn token_at(&self, broker: &Broker, host: &str) -> String {
        let order = json!({"grant_type": "client_credentials", "client_id": "bot", "client_secret": SECRET});
        let (http, url) = (http(), format!("{}/v1/oauth/token", broker.origin));
        for _ in 0..600 {
            let answer = http.post(&url).header(header::HOST, host).json(&order).send().await;
            if let Some(answer) = answer.ok().filter(|answer| answer.status().is_success()) {
                let answer: Value = answer.json().await.unwrap();
                return answer["access_token"].as_str().unwrap().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the broker gives no token");
    }

    fn run(&self, address: &str) -> Child {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(["serve", "--listen", address, "--base-url", &self.base_url]);
        command.args(["--tenants", &at("tenants"), "--keys", &at("keys.toml"), "--store", &self.store]);
        for allow in &self.allow {
            command.args(["--allow-egress", allow]);
        }
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let command = command.env("BENCH_SECRET", "provider-secret").env("BENCH_HOOK", HOOK);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("countersign.log")
    }
}

/// The secret of the tenant's webhook, if it has one: `{ env = "BENCH_HOOK" }`.
pub const HOOK: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

impl Broker {
    /// Ends it as `kill -9` does and starts it again, at the same place; answers once it is ready.
    pub async fn kill_and_start(&mut self, site: &Site) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = site.run(&self.address);
        self.ready().await;
    }

    /// Seconds of processor time that the process has taken so far (`proc_pid_stat(5)`).
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS
    }

    /// Bytes of memory that the process holds now (`proc_pid_statm(5)`, with pages of 4 KiB).
    pub fn resident(&self) -> u64 {
        let told = std::fs::read_to_string(format!("/proc/{}/statm", self.child.id())).unwrap();
        told.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    async fn ready(&self) {
        let http = http();
        for _ in 0..1200 {
            let answer = http.get(format!("{}/readyz", self.origin)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the broker does not become ready: look into its log");
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that follows nothing and remembers nothing.
#[expect(clippy::disallowed_methods, reason = "the bench calls the broker from outside")]
pub fn http() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy();
    client.timeout(Duration::from_secs(20)).build().unwrap()
}

/// Path and query of a URL, or of a place that has no host.
pub fn path_of(url: &str) -> String {
    match url.split_once("://") {
        Some((_, rest)) => format!("/{}", rest.split_once('/').map_or("", |(_, path)| path)),
        None => url.to_owned(),
    }
}

fn tenant(host: &str, provider: &str, hash: &str, more: &str) -> String {
    format!(
        r#"
name = "Bench"
hosts = ["{host}"]
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
scopes = ["admin:all"]
{more}
"#
    )
}
