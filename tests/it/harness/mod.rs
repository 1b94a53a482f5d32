//! A whole broker on a free port of 127.0.0.1, with the demo's provider beside it and everything
//! real: its own key ring, its own database, its own tenant files. Ends with the test.

pub mod broker_process;
pub mod browser;
pub mod log;
pub mod mortal;
pub mod page;
pub mod process;
pub mod receiver;
pub mod redis;
pub mod scripted;
pub mod staff;
pub mod stage;
mod unsent;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use broker_process::BrokerProcess;
use countersign::app::{self, App};
use countersign::cli::demo::provider::DemoProvider;
use countersign::clock::Clock;
use countersign::config::{Config, Environment, Flags};
use countersign::flow::Broker;
use countersign::keyring::KeyRing;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use staff::{ADMIN, AGENT};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The secret of the tenant's bot.
pub const BOT_SECRET: &str = "bot-secret-of-the-tests-0123456789";
/// Every scope that a test needs.
const SCOPES: &str = "write:auth_links read:auth_links write:inbound read:conversations write:conversations read:contacts write:contacts read:providers write:providers read:events read:audit write:webhooks";

/// What a test may choose.
#[derive(Debug, Clone)]
pub struct Choices {
    /// `[binding] minimum` of the tenant.
    pub minimum: &'static str,
    /// Whether customers come by https; TLS then ends in front of the broker, which is the test.
    pub https: bool,
    /// More lines for the tenant's `[[provider]]`.
    pub provider: String,
    /// More lines at the end of the tenant's file; `{origin}` is the demo provider's.
    pub tenant: String,
    /// A whole `[[provider]]` with the id `acme` in place of the demo's; its secret is
    /// [`DemoProvider::CLIENT_SECRET`] in `ACME_SECRET`.
    pub provider_block: Option<String>,
    /// The tenant's name, as customers see it.
    pub name: &'static str,
    /// Another token URL than the demo provider's.
    pub token_url: Option<String>,
    /// Another `WhoAmI` URL than the demo provider's.
    pub whoami_url: Option<String>,
    /// More addresses that the broker may call, each `host:port`.
    pub allow: Vec<String>,
    /// Another store than a database file of its own: a URL.
    pub store: Option<String>,
    /// The main settings file; without it there is none.
    pub main: Option<String>,
    /// More tenants, each with its only host; they are as `acme` is, with the demo provider.
    pub others: Vec<(&'static str, &'static str)>,
    /// Whether the tenant has the chat simulator.
    pub simulator: bool,
    /// Whether those pass the check of the settings only, and are refused when they are dialled: as
    /// a name does that resolves to another address than before.
    pub refuse_when_dialled: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            minimum: "code",
            https: false,
            provider: MAPPING.to_owned(),
            tenant: String::new(),
            provider_block: None,
            name: "Acme Bank",
            token_url: None,
            whoami_url: None,
            allow: Vec::new(),
            store: None,
            main: None,
            others: Vec::new(),
            simulator: false,
            refuse_when_dialled: false,
        }
    }
}

/// The seed's mapping, as it is meant.
pub const MAPPING: &str = r#"mapping = '{"userName": user.id, "fullName": user.name, "email": user.email}'
subject = "user.id""#;

/// A running broker.
pub struct Harness {
    /// The canonical origin of the tenant `acme`: `http://127.0.0.1:<port>`.
    pub origin: String,
    /// The provider, to be scripted and asked what it saw.
    pub provider: DemoProvider,
    /// The broker's clock.
    pub clock: Clock,
    /// The settings it was started with.
    pub config: Config,
    http: reqwest::Client,
    token: tokio::sync::Mutex<Option<(String, jiff::Timestamp)>>,
    /// How many entries of `egress.allow` count when an address is dialled.
    dialled: Option<usize>,
    flags: Flags,
    /// The address of a restarted broker.
    address: std::net::SocketAddr,
    running: Running,
    /// Whether the tenant has a webhook, so that no event may be left unsent.
    has_webhook: bool,
    folder: TempDir,
}

/// How the broker runs.
enum Running {
    /// Not at all.
    Not,
    /// As a task of the test.
    Task(oneshot::Sender<()>, tokio::task::JoinHandle<()>, Arc<Broker>),
    /// As a process of its own.
    Process(BrokerProcess),
}

impl Harness {
    /// A broker whose tenant demands the code.
    pub async fn start() -> Self {
        Self::with(Choices::default()).await
    }

    /// A broker with the seed's mapping and another minimum.
    pub async fn minimum(minimum: &'static str) -> Self {
        Self::with(Choices { minimum, ..Choices::default() }).await
    }

    /// A broker as the test wants it.
    pub async fn with(choices: Choices) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), choices).await
    }

    /// A broker on a listener that is there already, for providers that must know its redirect
    /// URIs before it starts.
    pub async fn on(listener: TcpListener, choices: Choices) -> Self {
        let mut harness = Self::prepare(&choices, listener.local_addr().unwrap().port()).await;
        harness.address = listener.local_addr().unwrap();
        harness.running = serve(&harness.config, harness.dialled, &harness.clock, listener);
        harness
    }

    /// The real program as a process of its own, which can be killed. Its clock cannot be moved.
    pub async fn process(choices: Choices) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut harness = Self::prepare(&choices, listener.local_addr().unwrap().port()).await;
        drop(listener);
        harness.running = Running::Process(BrokerProcess::start(harness.folder.path(), &harness.flags).await);
        harness
    }

    async fn prepare(choices: &Choices, port: u16) -> Self {
        log::listen();
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let provider = DemoProvider::start(clock.clone()).await.unwrap();
        write_files(folder.path(), &clock, &provider, choices);
        let flags = flags(folder.path(), port, &provider, choices);
        Self {
            origin: format!("http://127.0.0.1:{port}"),
            provider,
            clock,
            config: Config::read(&flags, &environment()).unwrap().value,
            http: http_client(),
            token: tokio::sync::Mutex::new(None),
            dialled: choices.refuse_when_dialled.then_some(1),
            flags,
            has_webhook: choices.tenant.contains("[[webhook]]"),
            folder,
            address: ([127, 0, 0, 1], port).into(),
            running: Running::Not,
        }
    }

    /// Stops the broker as `SIGTERM` does, and starts it again on the same files and port.
    pub async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.running = serve(&self.config, self.dialled, &self.clock, listener);
    }

    /// Stops the broker and waits until everything is written.
    pub async fn stop(&mut self) {
        if let Running::Task(stop, served, _) = std::mem::replace(&mut self.running, Running::Not) {
            let _ = stop.send(());
            served.await.unwrap();
        }
    }

    /// Kills the process as `kill -9` does, and starts it again on the same files and port.
    pub async fn kill_and_start(&mut self) {
        let Running::Process(process) = &mut self.running else { panic!("this broker is no process") };
        process.kill();
        *process = BrokerProcess::start(self.folder.path(), &self.flags).await;
    }

    /// The process that the broker runs as.
    pub fn running_process(&mut self) -> &mut BrokerProcess {
        let Running::Process(process) = &mut self.running else { panic!("this broker is no process") };
        process
    }

    /// Another broker on the same settings and store, as behind a load balancer.
    pub async fn beside(&self) -> Beside {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let host = self.origin.trim_start_matches("http://").to_owned();
        let running = serve(&self.config, self.dialled, &self.clock, listener);
        Beside { address, host, http: http_client(), running }
    }

    /// The broker itself, for what has no way in from outside.
    pub fn broker(&self) -> Arc<Broker> {
        let Running::Task(.., broker) = &self.running else { panic!("this broker is no task of the test") };
        Arc::clone(broker)
    }

    /// The folder of database, keys, tenants and, of a process, its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Sends a request as the tenant's bot and reads the JSON answer.
    pub async fn api(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let token = self.token().await;
        let mut request = self.http.request(method, format!("{}{path}", self.origin)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let bytes = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Reads something that must be there.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.api(Method::GET, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Posts something that must work.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.api(Method::POST, path, Some(body)).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// Makes a link in a conversation, with more members of the body if wanted.
    pub async fn link_with(&self, conversation: &str, more: Value) -> Value {
        let mut body = json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.post("/v1/auth-links", body).await
    }

    /// Makes a link in a conversation.
    pub async fn link(&self, conversation: &str) -> Value {
        self.link_with(conversation, json!({})).await
    }

    /// How a link is.
    pub async fn status(&self, link: &Value) -> Value {
        self.get(&format!("/v1/auth-links/{}", link["id"].as_str().unwrap())).await
    }

    /// Passes a customer's message.
    pub async fn message(&self, conversation: &str, from: &str, text: &str) -> Value {
        let body = json!({"conversationId": conversation, "channel": "sms", "from": from, "text": text});
        self.post("/v1/inbound/messages", body).await
    }

    /// The types of all events so far, oldest first.
    pub async fn event_types(&self) -> Vec<String> {
        let events = self.get("/v1/events?limit=200").await;
        let items = events["items"].as_array().unwrap();
        items.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until every event is sent, or given up.
    pub async fn all_sent(&self) {
        eventually("every event is sent", async || {
            let (file, clock) = (self.store_file(), self.clock.clone());
            let unsent = tokio::task::spawn_blocking(move || unsent::look(&file, &clock)).await.unwrap();
            (unsent == 0).then_some(())
        })
        .await;
    }

    /// This test is about events that are not sent.
    pub fn leaves_unsent(&mut self) {
        self.has_webhook = false;
    }
    /// The file of an embedded store.
    fn store_file(&self) -> std::path::PathBuf {
        self.folder.path().join("countersign.db")
    }

    /// The tenant's file.
    pub fn tenant_file(&self) -> std::path::PathBuf {
        self.folder.path().join("tenants/acme.toml")
    }

    /// Every contact.
    pub async fn contacts(&self) -> Vec<Value> {
        self.get("/v1/contacts").await["items"].as_array().unwrap().clone()
    }

    /// The same broker, asked as another of its tenants.
    pub fn elsewhere(&self, host: &'static str) -> Elsewhere<'_> {
        Elsewhere { broker: self, host, token: tokio::sync::OnceCell::new() }
    }

    /// A request without a token, cookies or redirects.
    pub fn plain(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin))
    }

    /// An access token of the tenant's bot that is good for a while, also after the clock was moved.
    pub async fn token(&self) -> String {
        let mut kept = self.token.lock().await;
        let now = self.clock.now();
        match &*kept {
            Some((token, since)) if now.duration_since(*since).as_secs() < 1800 => token.clone(),
            _ => {
                let token = self.fetch_token().await;
                *kept = Some((token.clone(), now));
                token
            }
        }
    }

    /// Makes the next call fetch a fresh access token.
    pub async fn forget_token(&self) {
        *self.token.lock().await = None;
    }

    /// A fresh access token of the tenant's bot.
    pub async fn fetch_token(&self) -> String {
        let body = json!({
            "grant_type": "client_credentials",
            "client_id": "acme-bot",
            "client_secret": BOT_SECRET,
        });
        let answer = self.plain(Method::POST, "/v1/oauth/token").json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().expect("the token endpoint answers with a token").to_owned()
    }
}

/// A second broker beside a [`Harness`]'s own.
pub struct Beside {
    /// Where it listens, for [`browser::Browser::detour`].
    pub address: String,
    host: String,
    http: reqwest::Client,
    running: Running,
}

impl Beside {
    /// Stops it as `SIGTERM` does.
    pub async fn stop(mut self) {
        if let Running::Task(stop, served, _) = std::mem::replace(&mut self.running, Running::Not) {
            let _ = stop.send(());
            served.await.unwrap();
        }
    }

    /// A request that is sent to this broker, for the tenant's host.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address)).header("host", &self.host)
    }

    /// Sends a request of the tenant's bot, whose token may come from the other broker.
    pub async fn api(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.request(method, path).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Running::Task(stop, ..) = std::mem::replace(&mut self.running, Running::Not) {
            let _ = stop.send(());
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if let Running::Task(stop, ..) = std::mem::replace(&mut self.running, Running::Not) {
            let _ = stop.send(());
        }
        if !std::thread::panicking() {
            if self.has_webhook {
                let unsent = unsent::look(&self.store_file(), &self.clock);
                assert_eq!(unsent, 0, "events are left unsent; wait for `all_sent`, or say `leaves_unsent`");
            }
            let unexpected = self.provider.counters().unexpected;
            assert_eq!(unexpected, 0, "the provider was asked for paths that it does not have");
        }
    }
}

/// Another tenant of a broker, under an address of this machine.
pub struct Elsewhere<'h> {
    broker: &'h Harness,
    host: &'static str,
    token: tokio::sync::OnceCell<String>,
}

impl Elsewhere<'_> {
    /// Makes a link in a conversation.
    pub async fn link(&self, conversation: &str) -> Value {
        let order = json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}});
        self.send(Method::POST, "/v1/auth-links", Some(order)).await
    }

    /// How a link is.
    pub async fn status(&self, link: &Value) -> Value {
        self.send(Method::GET, &format!("/v1/auth-links/{}", link["id"].as_str().unwrap()), None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let token = self.token.get_or_init(|| self.fetch_token()).await;
        let request = self.broker.http.request(method, self.url(path)).bearer_auth(token);
        let answer = match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        };
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    async fn fetch_token(&self) -> String {
        let (id, secret) = ("acme-bot", BOT_SECRET);
        let body = json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret});
        let answer = self.broker.http.post(self.url("/v1/oauth/token")).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.broker.origin.replace("127.0.0.1", self.host))
    }
}

/// Waits until something is so: what the broker does by itself is done in a moment, but nobody says when.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never came to be: {what}")
}

/// A client that follows nothing and remembers nothing.
#[expect(clippy::disallowed_methods, reason = "tests call the broker from outside")]
pub fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .build()
        .unwrap()
}

fn serve(config: &Config, dialled: Option<usize>, clock: &Clock, listener: TcpListener) -> Running {
    let tenants = app::read_tenants(config, &environment()).unwrap().value;
    let mut config = config.clone();
    config.egress.allow.truncate(dialled.unwrap_or(usize::MAX));
    let app = App::build(&config, tenants, clock.clone()).unwrap();
    let broker = app.broker();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        app.serve(listener, None, async {
            let _ = stopped.await;
        })
        .await;
    });
    Running::Task(stop, served, broker)
}

fn environment() -> Environment {
    let known = [
        ("ACME_SECRET", DemoProvider::CLIENT_SECRET),
        ("ACME_HOOK", receiver::HOOK_SECRET),
        ("ACME_HOOK_NEXT", receiver::NEXT_SECRET),
    ];
    known.into_iter().chain(crate::channel::world::SECRETS).collect()
}

fn flags(folder: &Path, port: u16, provider: &DemoProvider, choices: &Choices) -> Flags {
    let own = provider.origin().trim_start_matches("http://").to_owned();
    Flags {
        config: choices.main.as_ref().map(|_| folder.join("countersign.toml").display().to_string()),
        listen: vec![format!("127.0.0.1:{port}")],
        base_url: vec![format!("{}://localhost:{port}", if choices.https { "https" } else { "http" })],
        store: vec![
            choices
                .store
                .clone()
                .unwrap_or_else(|| format!("sqlite:{}", folder.join("countersign.db").display())),
        ],
        tenants: vec![folder.join("tenants").display().to_string()],
        keys: vec![folder.join("keys.toml").display().to_string()],
        allow_egress: std::iter::once(own).chain(choices.allow.iter().cloned()).collect(),
    }
}

fn write_files(folder: &Path, clock: &Clock, provider: &DemoProvider, choices: &Choices) {
    let tenants = folder.join("tenants");
    std::fs::create_dir(&tenants).unwrap();
    write_keys(&folder.join("keys.toml"), clock);
    if let Some(main) = &choices.main {
        std::fs::write(folder.join("countersign.toml"), main).unwrap();
    }
    std::fs::write(tenants.join("acme.toml"), tenant(choices.name, "127.0.0.1", provider, choices)).unwrap();
    std::fs::write(tenants.join("beta.toml"), tenant("Beta Shop", "beta.test", provider, choices)).unwrap();
    for (name, host) in &choices.others {
        let text = tenant(name, host, provider, &Choices { minimum: choices.minimum, ..Choices::default() });
        std::fs::write(tenants.join(format!("{name}.toml")), text).unwrap();
    }
}

/// A key ring costs an RSA key: one per test binary is enough.
fn write_keys(path: &Path, clock: &Clock) {
    static KEYS: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let mut first = false;
    let keys = KEYS.get_or_init(|| {
        first = true;
        KeyRing::generate(clock).write_new(path).unwrap();
        std::fs::read_to_string(path).unwrap()
    });
    if !first {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(keys.as_bytes()).unwrap();
    }
}

fn tenant(name: &str, host: &str, provider: &DemoProvider, choices: &Choices) -> String {
    let block = choices.provider_block.clone().unwrap_or_else(|| demo_block(provider, choices));
    // A text of JSON is a text of TOML.
    let name = json!(name);
    format!(
        r#"
name = {name}
hosts = ["{host}"]
simulator = {simulator}
[binding]
minimum = "{minimum}"
{block}
[[client]]
client_id = "acme-bot"
secret_hash = "{hash}"
grant_types = ["client_credentials"]
scopes = [{scopes}]
[[staff]]
email = "{ADMIN}"
name = "Dana"
role = "admin"
[[staff]]
email = "{AGENT}"
role = "agent"
{tail}
"#,
        hash = bot_secret_hash(),
        minimum = choices.minimum,
        simulator = choices.simulator,
        tail = choices.tenant.replace("{origin}", provider.origin()),
        scopes = SCOPES.split(' ').map(|scope| format!("{scope:?}")).collect::<Vec<_>>().join(", "),
    )
}

fn demo_block(provider: &DemoProvider, choices: &Choices) -> String {
    let origin = provider.origin();
    format!(
        r#"
[[provider]]
id = "acme"
label = "Acme online banking"
client_id = "{id}"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "{origin}/auth"
token_url = "{token_url}"
whoami_url = "{whoami_url}"
{more}
"#,
        id = DemoProvider::CLIENT_ID,
        token_url = choices.token_url.clone().unwrap_or_else(|| format!("{origin}/auth/token")),
        whoami_url = choices.whoami_url.clone().unwrap_or_else(|| format!("{origin}/whoami")),
        more = choices.provider,
    )
}

/// Hashing is dear on purpose: once per test binary.
pub fn bot_secret_hash() -> &'static str {
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HASH.get_or_init(|| {
        let secret = countersign::secret::Secret::new(BOT_SECRET);
        countersign::issuer::secret_hash::build(&secret, &Clock::system()).unwrap()
    })
}
