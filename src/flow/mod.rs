//! The use cases: the order of steps and nothing else. Each file is one of them and reads as a
//! list of steps; what a step does stands in the layers below.
//!
//! To add a use case: 1. one file with an `impl Broker` block whose public function is a list of
//! named steps, 2. a line below, 3. a handler in `web/`, 4. a file in `tests/it/`.

mod announce;
pub mod app;
mod arrival;
pub mod audit;
pub mod callback;
pub mod confirm;
pub mod contacts;
mod course;
pub mod create_link;
pub mod customers;
mod deliver;
pub mod desk;
pub mod discover;
pub mod health;
mod identify;
pub mod inbound;
pub mod insight;
pub mod keys;
mod letters;
pub mod links;
pub mod lists;
mod message;
pub mod native;
pub mod once;
pub mod open_link;
pub mod otp;
pub mod outcome;
mod person;
mod places;
pub mod presets;
pub mod preview;
pub mod probe;
mod push;
mod record;
pub mod redirect_uris;
pub mod resend;
mod rules;
mod seal;
mod server;
mod set_out;
pub mod settings;
mod sign_in;
pub mod staff;
pub mod stream;
mod sweep;
pub mod taken_up;
pub mod tenants;
pub mod trail;
pub mod trial;
pub mod vault;
pub mod waiting;
pub mod web_chat;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use moka::sync::Cache;

use crate::clock::Clock;
use crate::domain::ids::TenantId;
use crate::domain::provider::{Provider, Revision};
use crate::domain::tenant::{Directory, Tenant};
use crate::egress::cache::Documents;
use crate::egress::channel::ChannelClient;
use crate::egress::gate::{Gates, Room};
use crate::egress::mail::post::Post;
use crate::egress::provider::ProviderClient;
use crate::egress::webhook::WebhookClient;
use crate::profile::{CompiledRules, MappingFault, Normaliser};
use crate::store::Store;

pub use crate::channel::{AuthMessage, Carrier};
pub use crate::egress::mail::Letter;
use keys::KeysInUse;
use probe::Probe;
use tenants::Known;

pub use crate::store::{ContactFilter, Page, StoreError};

/// How often a step that lost a race reads again and tries once more.
const RACES: usize = 24;

/// The broker: what every use case needs. Made once, in `app`.
pub struct Broker {
    store: Store,
    provider: Gates,
    webhook: WebhookClient,
    /// What issuers say of themselves.
    documents: Documents,
    /// For test logins.
    probe: Probe,
    /// To the APIs of messaging channels.
    channels: ChannelClient,
    /// For letters to staff and customers; none where no mail is set up.
    post: Option<Post>,
    clock: Clock,
    tenants: ArcSwap<Known>,
    /// Where these come from: files, and the store.
    served: settings::ServedSettings,
    keys: ArcSwap<KeysInUse>,
    /// Mappings are compiled once per revision of a provider.
    normalisers: Cache<(TenantId, Revision), Arc<Normaliser>>,
    /// Rules are compiled once per revision of a tenant's.
    rules: Cache<(TenantId, Revision), Arc<CompiledRules>>,
    settings: Settings,
    /// Orders with a key that are carried out right now.
    running: once::Running,
    /// Callers that wait for a link.
    waits: waiting::Waits,
    /// Events on their way to webhooks.
    delivering: deliver::Delivering,
    /// Who follows events.
    streams: stream::Streams,
    /// Whose audit cannot be sealed.
    seals: Arc<seal::Seals>,
}

/// The ways out of the building.
#[derive(Debug)]
pub struct Outbound {
    /// To providers, for logins.
    pub provider: Gates,
    /// To issuers, for what they say of themselves.
    pub documents: Documents,
    /// To providers, for whoever sets one up.
    pub probe: Probe,
    /// To the platform.
    pub webhook: WebhookClient,
    /// To messaging channels.
    pub channels: ChannelClient,
    /// To staff and customers; none where no mail is set up.
    pub post: Option<Post>,
}

impl Outbound {
    /// Ways that share one client.
    pub fn new(client: ProviderClient, webhook: WebhookClient, clock: &Clock, room: Room) -> Self {
        let provider = Gates::new(client.clone(), clock.clone(), room);
        let documents = Documents::new(client.clone(), clock.clone());
        let channels = ChannelClient::beside(&client);
        let probe = Probe::new(client, documents.clone(), clock.clone());
        Self { provider, documents, probe, webhook, channels, post: None }
    }

    /// The same with a post for letters.
    #[must_use]
    pub fn with_post(self, post: Option<Post>) -> Self {
        Self { post, ..self }
    }
}

/// What the broker must know of its surroundings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether customers come by https: cookies then carry `__Host-` and `Secure`.
    pub https: bool,
    /// All outgoing calls of one login together take at most this long.
    pub login_deadline: Duration,
}

impl Broker {
    /// Puts the broker together.
    pub fn new(
        store: Store,
        Outbound { provider, documents, probe, webhook, channels, post }: Outbound,
        clock: Clock,
        tenants: Directory,
        settings: Settings,
    ) -> Self {
        let tenants = Arc::new(tenants);
        Self {
            store,
            provider,
            documents,
            probe,
            webhook,
            channels,
            post,
            clock,
            served: settings::ServedSettings::new(Arc::clone(&tenants)),
            tenants: ArcSwap::from_pointee(Known::new(tenants)),
            keys: ArcSwap::default(),
            normalisers: Cache::new(20_000),
            rules: Cache::new(20_000),
            settings,
            running: once::Running::default(),
            waits: waiting::Waits::default(),
            delivering: deliver::Delivering::default(),
            streams: stream::Streams::default(),
            seals: Arc::default(),
        }
    }

    /// The clock that judges every expiry.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether the store answers, and its tenants are loaded.
    pub async fn is_ready(&self) -> Result<(), StoreError> {
        self.store.ping().await?;
        if self.served.waits() {
            return Err(crate::store::backend::Unavailable::new("its tenants are not loaded yet").into());
        }
        Ok(())
    }

    /// Whether the store holds a half import. A store that does not answer may be whole.
    pub async fn is_import_cut_short(&self) -> bool {
        crate::store::backup::is_cut_short(&self.store).await.unwrap_or(false)
    }

    /// The compiled normaliser of a provider.
    fn normaliser(&self, tenant: &Tenant, provider: &Provider) -> Result<Arc<Normaliser>, MappingFault> {
        let key = (tenant.id.clone(), provider.revision.clone());
        if let Some(known) = self.normalisers.get(&key) {
            return Ok(known);
        }
        let (mapping, subject) = (provider.mapping.as_ref(), provider.subject.as_deref());
        let compiled = Arc::new(Normaliser::new(mapping, subject, &provider.trusted)?);
        self.normalisers.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("settings", &self.settings).finish_non_exhaustive()
    }
}
