//! The composition root: puts the house together. [`store`] is the only file that names a
//! concrete backend, and says how to add one.
//!
//! The tenants' folder and the key ring are read again when they change ([`watch`]); the main
//! settings are fixed until a restart.

mod alarm;
pub mod office;
mod store;
mod told;
pub mod upkeep;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::clock::Clock;
use crate::config::{Config, Environment, Faults, Loaded};
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Directory, Tenant};
use crate::egress::cache::Documents;
use crate::egress::gate::Room;
use crate::egress::guard::Guard;
use crate::egress::mail::post::Post;
use crate::egress::provider::{ProviderClient, Timeouts};
use crate::egress::webhook::WebhookClient;
use crate::flow::probe::Probe;
use crate::flow::{Broker, Outbound, Settings};
use crate::issuer::Issuer;
use crate::issuer::keys::{KeyState, SigningKey, SigningKeys};
use crate::keyring::KeyRing;
use crate::keyring::watched::Watched;
use crate::secret::Secret;
use crate::store::Store;
use crate::store::measured::Measured;
use crate::store::seal::SealKeys;
use crate::telemetry::metrics::Metrics;
use crate::tenants::folder::Folder;
use crate::tenants::stored::StoredFormat;
use crate::web::limit::{self, work::Work};
use crate::web::listener::{self, Limits};
use crate::web::{self, Web};

/// All outgoing calls of one login together.
const LOGIN_DEADLINE: Duration = Duration::from_secs(9);

/// A broker that is ready to serve.
#[derive(Debug)]
pub struct App {
    router: Router,
    ops: Router,
    broker: Arc<Broker>,
    listener: Limits,
}

impl App {
    /// Opens the store, reads the keys, puts everything together, and begins to load the stored tenants, to sweep and to
    /// watch its files: to be called within a runtime.
    pub fn build(config: &Config, tenants: impl Into<Tenants>, clock: Clock) -> anyhow::Result<Self> {
        let keys = Watched::open(&config.keys)?;
        let tenants = tenants.into();
        let metrics = Metrics::start();
        tokio::spawn(metrics.clone().keep_up());
        let backend = Measured::new(store::open(config, &clock)?, clock.clone());
        let store = Store::new(Arc::new(backend), seal_keys(keys.ring())?, clock.clone());
        let https = config.server.base_url.scheme() == "https";
        let settings = Settings { https, login_deadline: LOGIN_DEADLINE };
        let directory = tenants.directory();
        watch::count(&directory);
        let (client, webhook) = (provider_client(config)?, WebhookClient::new(guard(config))?);
        let outbound = Outbound::new(client, webhook, &clock, room(config)).with_post(post(config, &clock));
        let broker = Broker::new(store.clone(), outbound, clock.clone(), directory, settings);
        let broker = Arc::new(broker);
        broker.use_format(Arc::new(StoredFormat::new(config, clock.clone())));
        broker.start_following();
        broker.start_sweeping();
        broker.start_delivering();
        broker.start_sealing();
        broker.start_counting();
        let issuer = Arc::new(Issuer::new(signing_keys(keys.ring())?, store, clock.clone()));
        let platform = Arc::new(platform(config));
        told::at_start(&broker, &platform, &keys);
        watch::keys(keys, &broker, &issuer);
        if let Tenants::Watched(folder) = tenants {
            watch::tenants(*folder, &broker, clock);
        }
        let web = Arc::new(Web {
            broker: Arc::clone(&broker),
            issuer,
            https,
            metrics,
            platform,
            trusted_proxies: config.server.trusted_proxies.clone(),
            limits: limits(config),
            has_ops: config.ops.is_some(),
        });
        let listener = listener_limits(config);
        Ok(Self { router: web::router(Arc::clone(&web)), ops: web::ops_router(web), broker, listener })
    }

    /// Fails if the store must not be served: an import into it was cut short.
    pub async fn check_store(&self) -> anyhow::Result<()> {
        if self.broker.is_import_cut_short().await {
            anyhow::bail!("the store holds an import that was cut short; empty it, and import again");
        }
        Ok(())
    }

    /// The use cases, for those who carry some out without HTTP.
    pub fn broker(&self) -> Arc<Broker> {
        Arc::clone(&self.broker)
    }

    /// The routes, for a program that serves them together with its own.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// A way to end what would make a stop wait: callers that wait for a link are answered.
    pub fn drain(&self) -> impl FnOnce() + Send + 'static {
        let broker = Arc::clone(&self.broker);
        move || broker.end_waits()
    }

    /// Serves until `stop` is ready, then finishes the running requests; `ops` is the operator's own address.
    pub async fn serve(
        self,
        listener: TcpListener,
        ops: Option<TcpListener>,
        stop: impl Future<Output = ()>,
    ) {
        let drain = self.drain();
        // Before the first request: whose host is asked for must be known.
        self.broker.load_stored().await;
        let ops = ops.map(|ops| {
            tokio::spawn(listener::serve(ops, self.ops, Limits::default(), std::future::pending()))
        });
        let stop = async {
            stop.await;
            drain();
        };
        listener::serve(listener, self.router, self.listener, stop).await;
        tokio::join!(self.broker.finish_deliveries(), self.broker.finish_letters());
        self.broker.write_figures().await;
        // The operator can ask until the last request is done.
        if let Some(ops) = ops {
            ops.abort();
        }
    }
}

/// The tenants of a broker.
pub enum Tenants {
    /// Those of a folder, as it is from moment to moment.
    Watched(Box<Folder>),
    /// These, until the end.
    Fixed(Vec<Tenant>),
}

impl Tenants {
    fn directory(&self) -> Directory {
        match self {
            Self::Watched(folder) => folder.directory(),
            Self::Fixed(tenants) => Directory::new(tenants.iter().cloned().map(Arc::new)),
        }
    }
}

impl From<Folder> for Tenants {
    fn from(folder: Folder) -> Self {
        Self::Watched(Box::new(folder))
    }
}

impl From<Vec<Tenant>> for Tenants {
    fn from(tenants: Vec<Tenant>) -> Self {
        Self::Fixed(tenants)
    }
}

pub use store::check as check_store;

/// Reads the tenants of the settings' folder, which a broker built with them goes on watching.
pub fn read_tenants(config: &Config, environment: &Environment) -> Result<Loaded<Folder>, Faults> {
    Folder::open(config, environment)
}

/// Moves everything in the settings' store that stands under the previous index key, as a running
/// broker does; answers how many records it moved.
pub async fn reindex(config: &Config, clock: &Clock) -> anyhow::Result<u64> {
    let ring = KeyRing::read(&config.keys)?;
    let store = Store::new(store::open(config, clock)?, seal_keys(&ring)?, clock.clone());
    let mut moved = 0;
    loop {
        let now = store.reindex().await?;
        moved += now;
        if now == 0 {
            return Ok(moved);
        }
    }
}

/// Asks providers what can be asked without a person, through the guard of these settings.
pub fn probe(config: &Config, clock: &Clock) -> anyhow::Result<Probe> {
    let client = provider_client(config)?;
    let documents = Documents::new(client.clone(), clock.clone());
    Ok(Probe::new(client, documents, clock.clone()))
}

/// The operator's own place: the bare base domain, with the clients of the main settings.
fn platform(config: &Config) -> Tenant {
    let base_url = &config.server.base_url;
    let host = base_url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    Tenant {
        name: "Countersign".to_owned(),
        origin: base_url.origin().ascii_serialization(),
        hosts: vec![host.to_ascii_lowercase()],
        clients: config.clients.clone(),
        ..Tenant::named(TenantId::platform())
    }
}

/// Resolves when the process is asked to stop (`SIGINT`, `SIGTERM`). It listens from the call on,
/// not from the first poll, so that a signal right after the start is not lost.
pub fn stop_signal() -> impl Future<Output = ()> {
    let listen = |kind| signal(kind).expect("a process may listen to its own signals");
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn seal_keys(ring: &KeyRing) -> anyhow::Result<SealKeys> {
    // A revoked key opens nothing: that is what its owner said.
    let usable = ring.seal_keys().iter().filter(|key| key.state() != KeyState::Revoked);
    let keys = usable.map(|key| (key.id().to_owned(), *key.expose()));
    let index = ring.index_keys();
    let keys = SealKeys::new(ring.active_seal().id(), keys, *index.expose_active())?;
    Ok(keys.with_indexes(index.expose_next().copied(), index.expose_previous().copied()))
}

fn signing_keys(ring: &KeyRing) -> anyhow::Result<SigningKeys> {
    let keys = ring.sign_keys().iter().map(|key| SigningKey {
        kid: key.kid().to_owned(),
        private: Secret::new(key.expose_pem().as_str()),
        state: key.state(),
    });
    Ok(SigningKeys::new(keys)?)
}

fn room(config: &Config) -> Room {
    let (per_provider, in_all) = (config.limits.provider_logins, config.limits.all_provider_logins);
    Room { per_provider, in_all, ..Room::default() }
}

fn limits(config: &Config) -> limit::Limits {
    let set = config.limits;
    let rates = limit::Rates {
        client: set.client_calls,
        tenant: set.tenant_calls,
        misses: set.address_misses,
        failures: set.address_failures,
        client_failures: set.client_failures,
        sign_ins: set.address_sign_ins,
        app_sign_ins: set.address_app_sign_ins,
        staff: set.staff_pages,
        codes: set.address_codes,
        tenant_codes: set.tenant_codes,
        typed_codes: set.address_typed_codes,
        customer: set.customer_calls,
    };
    limit::Limits::new(rates, Work::new(set.requests, set.requests + 2 * set.all_provider_logins))
}

fn listener_limits(config: &Config) -> Limits {
    Limits {
        connections: config.limits.connections,
        connections_per_address: config.limits.connections_per_address,
        uncounted: config.server.trusted_proxies.clone(),
        linger: config.limits.linger,
        ..Limits::default()
    }
}

fn provider_client(config: &Config) -> anyhow::Result<ProviderClient> {
    Ok(ProviderClient::new(guard(config), Timeouts::default())?)
}

/// The post of a process that sends mail.
fn post(config: &Config, clock: &Clock) -> Option<Post> {
    let mail = config.mail.clone()?;
    Some(Post::open(mail.way, mail.sender, clock.clone()))
}

fn guard(config: &Config) -> Guard {
    Guard::new(config.egress.ports.clone(), config.egress.allow.clone())
}
