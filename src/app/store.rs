//! Opens the store that the settings name: the only file that names a concrete backend.
//!
//! To add a backend: 1. implement `store::backend::Backend`, 2. a variant of `config::StoreUrl`,
//! 3. an arm in [`open`], 4. a line in the conformance suite.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Config, RedisForm, RedisUrl, StoreUrl};
use crate::store::backend::Backend;
use crate::store::redis::access::{Login, Tls};
use crate::store::redis::node::Address;
use crate::store::redis::topology::Kind;
use crate::store::redis::{RedisBackend, RedisError};
use crate::store::sqlite::SqliteBackend;

/// Opens it. A Redis is entered when it is needed, and not at all if it is unsafe.
pub fn open(config: &Config, clock: &Clock) -> anyhow::Result<Arc<dyn Backend>> {
    match &config.store {
        StoreUrl::Sqlite(path) => Ok(Arc::new(SqliteBackend::open(path, clock.clone())?)),
        StoreUrl::Redis(url) => Ok(Arc::new(redis(url, config, clock)?)),
    }
}

/// Asks a Redis whether it may be the store, within two seconds. One that may not is an error. One that does not
/// answer now is none: the broker starts, answers 503, and serves when it is back.
pub async fn check(config: &Config, clock: &Clock) -> anyhow::Result<()> {
    let StoreUrl::Redis(url) = &config.store else { return Ok(()) };
    if config.redis.dangerous_allow_volatile_store {
        tracing::warn!("serve.dangerous_allow_volatile_store");
    }
    match redis(url, config, clock)?.check().await {
        Err(RedisError::Silent(reason)) => {
            tracing::error!(detail = reason, "store.unavailable");
            Ok(())
        }
        Err(error) => Err(anyhow::Error::new(error)
            .context(format!("the store that stands in {} cannot be used", config.origin("store.url")))),
        Ok(()) => Ok(()),
    }
}

fn redis(url: &RedisUrl, config: &Config, clock: &Clock) -> Result<RedisBackend, RedisError> {
    let mut nodes = url.nodes.iter().map(|(host, port)| Address::new(host, *port));
    let kind = match &url.form {
        RedisForm::One => Kind::One(nodes.next().expect("a URL names a server")),
        RedisForm::Sentinel(master) => Kind::Sentinel { sentinels: nodes.collect(), master: master.clone() },
        RedisForm::Cluster => Kind::Cluster(nodes.collect()),
    };
    let given = config.redis.clone();
    let tls = Tls { authority: given.authority, own: given.certificate.zip(given.key) };
    let login = Login {
        username: given.username,
        password: given.password,
        database: url.database,
        tls: url.tls.then_some(tls),
    };
    RedisBackend::new(kind, &login, given.dangerous_allow_volatile_store, clock.clone())
}
