//! A broker that serves nobody: for changes at the command line, on the store of brokers that do.

use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Directory, Served};
use crate::egress::webhook::WebhookClient;
use crate::flow::{Broker, Outbound, Settings};
use crate::keyring::KeyRing;
use crate::store::Store;
use crate::tenants::stored::StoredFormat;
use crate::tenants::{ReadContext, read_files};

use super::{LOGIN_DEADLINE, guard, provider_client, room, seal_keys, store};

/// Opens the settings' store with one tenant's file, if it has one. The secrets that the file refers to need not be there:
/// nobody signs in here.
pub async fn open(
    config: &Config,
    environment: &Environment,
    tenant: &TenantId,
    clock: &Clock,
) -> anyhow::Result<Arc<Broker>> {
    store::check(config, clock).await?;
    let ring = KeyRing::read(&config.keys)?;
    let store = Store::new(store::open(config, clock)?, seal_keys(&ring)?, clock.clone());
    let (client, webhook) = (provider_client(config)?, WebhookClient::new(guard(config))?);
    let outbound = Outbound::new(client, webhook, clock, room(config));
    let https = config.server.base_url.scheme() == "https";
    let settings = Settings { https, login_deadline: LOGIN_DEADLINE };
    let directory = of_file(config, environment, tenant)?;
    let broker = Arc::new(Broker::new(store, outbound, clock.clone(), directory, settings));
    broker.use_format(Arc::new(StoredFormat::new(config, clock.clone())));
    broker.follow_settings().await.context("the stored tenants cannot be read")?;
    Ok(broker)
}

/// The tenant of a file, if there is such a file.
fn of_file(config: &Config, environment: &Environment, tenant: &TenantId) -> anyhow::Result<Directory> {
    let path = config.tenants.join(format!("{tenant}.toml"));
    if !path.is_file() {
        return Ok(Directory::default());
    }
    let context = ReadContext { without_secrets: true, ..ReadContext::of(config, environment) };
    let read = read_files(std::slice::from_ref(&path), &context)?.value;
    let source = Some(path.display().to_string());
    let served = read.into_iter().map(|tenant| Served {
        tenant: Arc::new(tenant),
        source: source.clone(),
        stored: false,
        revision: None,
        faults: Vec::new(),
    });
    Ok(Directory::of(served, Vec::new()))
}
