//! `countersign demo`: broker, provider, tenant and page in one process, with settings of its own.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use axum::response::Redirect;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::net::TcpListener;

use crate::app::{self, App};
use crate::clock::Clock;
use crate::config::{Config, Environment, Flags};
use crate::keyring::KeyRing;
use crate::tenants::{self, ReadContext};
use crate::web::listener::{self, Limits};

use super::super::args::DemoArgs;
use super::super::hash_secret;
use super::desk::device::{APPLES_CLIENT, PAGE, PAGE_TOKEN};
use super::provider::DemoProvider;
use super::{console, desk};

/// The desk's client at the broker.
const CLIENT_ID: &str = "demo-desk";
/// What that client may do, and nothing more.
const SCOPES: [&str; 5] =
    ["write:auth_links", "read:auth_links", "write:inbound", "read:contacts", "read:events"];

/// Serves the demo until the process is asked to stop. Its files stand in `--data`, or in a folder
/// that is removed at the end.
pub fn run(args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<u8> {
    let IpAddr::V4(host) = args.listen.ip() else {
        bail!(
            "the demo listens on an IPv4 loopback address; use `--listen 127.0.0.1:{}`",
            args.listen.port()
        );
    };
    if !host.is_loopback() {
        bail!("the demo listens on loopback only; use `--listen 127.0.0.1:{}`", args.listen.port());
    }
    let clock = Clock::system();
    let folder = Folder::open(args.data.as_deref(), &clock)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = bind(args.listen).await?;
        serve(listener, folder.path(), clock, out).await?;
        Ok(0)
    })
}

async fn serve(
    listener: TcpListener,
    folder: &Path,
    clock: Clock,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let provider = DemoProvider::start(clock.clone()).await.context("cannot start the demo provider")?;
    let secret = clock.fresh_token();
    write_files(folder, address, &provider, &hash_secret(&secret, &clock), &clock)?;
    let app = build(folder, address, &provider, &clock)?;
    let client = (CLIENT_ID.to_owned(), secret);
    let demo = desk::Demo::new(app.router(), address.to_string(), client, provider.backstage(), clock);
    let console = console::router(app.broker(), address.to_string());
    let broker = demo.around(app.router());
    let router =
        broker.merge(demo.router()).merge(console).route("/", get(|| async { Redirect::to("/demo") }));
    let (stop, drain) = (app::stop_signal(), app.drain());
    let stop = async {
        stop.await;
        drain();
    };
    let origin = provider.origin();
    let ready = format!(
        "The demo is ready: http://{address}/demo
A button there opens the agent’s console. Its provider is at {origin}. Stop it with Ctrl-C.
"
    );
    out.write_all(ready.as_bytes())?;
    out.flush()?;
    listener::serve(listener, router, Limits::default(), stop).await;
    Ok(())
}

fn build(folder: &Path, address: SocketAddr, provider: &DemoProvider, clock: &Clock) -> anyhow::Result<App> {
    // Nothing of the machine's own settings: neither its file nor its environment.
    let mut apples = [0; 32];
    clock.fill(&mut apples);
    let environment: Environment = [
        ("DEMO_SECRET", DemoProvider::CLIENT_SECRET.to_owned()),
        ("DEMO_APPLE", STANDARD.encode(apples)),
        ("DEMO_META", clock.fresh_token().expose().to_owned()),
        ("DEMO_PAGE_TOKEN", PAGE_TOKEN.to_owned()),
    ]
    .into_iter()
    .collect();
    let path = |name: &str| folder.join(name).display().to_string();
    let flags = Flags {
        config: Some(path("countersign.toml")),
        listen: vec![address.to_string()],
        base_url: vec![format!("http://localhost:{}", address.port())],
        store: vec![format!("sqlite:{}", path("countersign.db"))],
        tenants: vec![path("tenants")],
        keys: vec![path("keys.toml")],
        allow_egress: vec![provider.origin().trim_start_matches("http://").to_owned(), address.to_string()],
    };
    let config = Config::read(&flags, &environment)?.value;
    let tenants = tenants::read_dir(&config.tenants, &ReadContext::of(&config, &environment))?.value;
    App::build(&config, tenants, clock.clone())
}

fn write_files(
    folder: &Path,
    address: SocketAddr,
    provider: &DemoProvider,
    secret_hash: &str,
    clock: &Clock,
) -> anyhow::Result<()> {
    let keys = folder.join("keys.toml");
    if !keys.exists() {
        KeyRing::generate(clock).write_new(&keys).context("cannot write the demo's keys")?;
    }
    std::fs::create_dir_all(folder.join("tenants"))?;
    std::fs::write(folder.join("countersign.toml"), "")?;
    std::fs::write(folder.join("tenants/demo.toml"), tenant(address, provider, secret_hash))?;
    Ok(())
}

/// The demo's tenant: the seed's advanced set-up.
fn tenant(address: SocketAddr, provider: &DemoProvider, secret_hash: &str) -> String {
    let (origin, id, host) = (provider.origin(), DemoProvider::CLIENT_ID, address.ip());
    let scopes = SCOPES.map(|scope| format!("\"{scope}\"")).join(", ");
    format!(
        r#"name = "Acme"
hosts = ["{host}"]
simulator = true

[[staff]]
email = "dana@acme.example"
name = "Dana"
role = "admin"

[[provider]]
id = "demo"
label = "Demo provider"
client_id = "{id}"
client_secret = {{ env = "DEMO_SECRET" }}
scope = "read"
authorize_url = "{origin}/auth"
token_url = "{origin}/auth/token"
whoami_url = "{origin}/whoami"
mapping = '{{"userName": user.id, "fullName": user.name, "email": user.email}}'
subject = "user.id"

[webchat]
origins = ["http://{address}"]

[channel.apple]
business_id = "demo-business"
msp_id = "demo-platform"
secret = {{ env = "DEMO_APPLE" }}
flow = "auto"
client_id = "{APPLES_CLIENT}"

[channel.messenger]
page_id = "{PAGE}"
app_secret = {{ env = "DEMO_META" }}
page_token = {{ env = "DEMO_PAGE_TOKEN" }}
graph = "http://{address}/demo/graph/v25.0"

[channel.whatsapp]
phone_number_id = "demo-number"
app_secret = {{ env = "DEMO_META" }}
template = "sign_in"

[[client]]
client_id = "{CLIENT_ID}"
secret_hash = "{secret_hash}"
grant_types = ["client_credentials"]
scopes = [{scopes}]
"#
    )
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.with_context(|| format!("cannot listen on `{address}`; `--listen 127.0.0.1:0` takes any free port"))
}

/// Where the demo's files stand.
enum Folder {
    /// Named by `--data`, and kept.
    Kept(PathBuf),
    /// Made for this run, and removed with it.
    Passing(PathBuf),
}

impl Folder {
    fn open(data: Option<&Path>, clock: &Clock) -> anyhow::Result<Self> {
        let mut builder = std::fs::DirBuilder::new();
        builder.mode(0o700);
        if let Some(path) = data {
            let made = builder.recursive(true).create(path);
            made.with_context(|| format!("cannot make the folder `{}`", path.display()))?;
            return Ok(Self::Kept(path.to_owned()));
        }
        let path = std::env::temp_dir().join(format!("countersign-demo-{}", clock.fresh_uuid().simple()));
        builder.create(&path).with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        Ok(Self::Passing(path))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Passing(path) => path,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Passing(path) = self {
            // What is left then is in the system's folder for passing files, readable by its owner only.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
