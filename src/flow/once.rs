//! Orders that are carried out once, however often they are sent (`Idempotency-Key`, DESIGN §5.1).
//!
//! What was made is written in the batch that makes it, so that a crash leaves both or neither, and
//! no key is blocked by an order that never came to its end. Two brokers that carry out the same
//! order at the same time meet in that batch: the slower one reads what the faster one has made.
//!
//! To take a key in one more order: 1. `OnceJson` in place of `StrictJson` in its handler, 2. a
//! [`Turn`] in its flow: [`Broker::begin_once`] first, [`Turn::made_before`] in the loop that
//! commits, [`Turn::keep`] in the batch (for settings, `Broker::change_once` does all three),
//! 3. a case in `tests/it/idempotency.rs`.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::actor::Actor;
use crate::domain::idempotency::{IdempotencyKey, KEY_LIFETIME, MadeOnce};
use crate::domain::ids::TenantId;
use crate::secret::Secret;
use crate::store::{StoreError, Stored, TenantStore, Tx};

use super::Broker;

/// An order that its sender may send again.
#[derive(Debug, Clone)]
pub struct Once {
    /// The sender's name for it.
    pub key: IdempotencyKey,
    /// What is ordered: method, path and body in one form, however the body was written.
    pub order: Secret,
}

/// Why an order with a key is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OnceError {
    /// The same key is at work right now.
    #[error("an order with this `Idempotency-Key` is being carried out; ask again in a moment")]
    Running,
    /// The key was used for another order within the last 24 hours.
    #[error("this `Idempotency-Key` was used for another order; take a fresh key for each order")]
    Reused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an order to make something came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeHere<Id> {
    /// What was made.
    pub id: Id,
    /// Whether the same order had made it before.
    pub replayed: bool,
}

/// The orders with a key that this process carries out.
#[derive(Debug, Default)]
pub(super) struct Running {
    names: Mutex<HashSet<(TenantId, String)>>,
}

/// An order whose turn it is; nobody else in this process carries out the same one meanwhile.
pub(super) struct Turn<'b> {
    /// None for an order without a key.
    keyed: Option<Keyed<'b>>,
}

struct Keyed<'b> {
    running: &'b Running,
    /// Tenant, and client and key.
    name: (TenantId, String),
    /// The keyed hashes of the order: the one that is kept, and those that an earlier one may have.
    orders: Vec<String>,
    /// What stood under this name: it no longer counts, or what it made is forgotten.
    before: Option<Stored<MadeOnce>>,
    /// What the same order told before.
    told: Option<Secret>,
}

impl Broker {
    /// Begins an order. One without a key is always a new one.
    pub(super) fn begin_once(
        &self,
        tenant: &TenantId,
        by: &Actor,
        once: Option<&Once>,
    ) -> Result<Turn<'_>, OnceError> {
        let Some(once) = once else { return Ok(Turn::unkeyed()) };
        self.begin_named(tenant, format!("{} {}", once.key.as_str(), name_of(by)), once)
    }

    /// The same for an order that changes settings: what it made is written beside them, in the operator's records,
    /// where the orders of all tenants meet.
    pub(super) fn begin_settings_once(
        &self,
        tenant: &TenantId,
        by: &Actor,
        once: Option<&Once>,
    ) -> Result<Turn<'_>, OnceError> {
        let Some(once) = once else { return Ok(Turn::unkeyed()) };
        self.begin_named(tenant, format!("{} {tenant} {}", once.key.as_str(), name_of(by)), once)
    }

    fn begin_named(&self, tenant: &TenantId, name: String, once: &Once) -> Result<Turn<'_>, OnceError> {
        let name = (tenant.clone(), name);
        let mut names = self.running.names.lock().unwrap_or_else(PoisonError::into_inner);
        if !names.insert(name.clone()) {
            return Err(OnceError::Running);
        }
        let orders = self.store.at(tenant).hashes("order", once.order.expose());
        Ok(Turn { keyed: Some(Keyed { running: &self.running, name, orders, before: None, told: None }) })
    }
}

/// A client's name may hold spaces, a key does not; nor is it `staff:` and an id.
fn name_of(sender: &Actor) -> String {
    match sender {
        Actor::Client(id) => id.to_string(),
        other => other.to_string(),
    }
}

impl Turn<'_> {
    /// That of an order without a key.
    pub(super) fn unkeyed() -> Self {
        Self { keyed: None }
    }

    /// The id of what the same order has made before.
    pub(super) async fn made_before<T>(
        &mut self,
        store: &TenantStore,
        now: Timestamp,
    ) -> Result<Option<T>, OnceError>
    where
        T: FromStr,
    {
        let Some(keyed) = &mut self.keyed else { return Ok(None) };
        let found = store.made_once(&keyed.name.1).await?;
        let counts = found.as_ref().filter(|made| made.value.counts_at(now)).map(|made| made.value.clone());
        keyed.before = found;
        let Some(made) = counts else { return Ok(None) };
        // An id of another kind was made by another order.
        match made.made.parse() {
            Ok(id) if keyed.orders.contains(&made.order) => {
                keyed.told = made.told;
                Ok(Some(id))
            }
            _ => Err(OnceError::Reused),
        }
    }

    /// What the same order told before, once [`made_before`](Self::made_before) has found it.
    pub(super) fn told_before(&mut self) -> Option<Secret> {
        self.keyed.as_mut()?.told.take()
    }

    /// Writes down what the order makes, in the batch that makes it.
    pub(super) fn keep(&self, tx: &mut Tx, made: &impl fmt::Display, now: Timestamp) {
        self.keep_telling(tx, made, None, now);
    }

    /// The same of an order whose answer tells something that nobody else knows.
    pub(super) fn keep_telling(
        &self,
        tx: &mut Tx,
        made: &impl fmt::Display,
        told: Option<&Secret>,
        now: Timestamp,
    ) {
        if let Some(keyed) = &self.keyed {
            let made = MadeOnce {
                order: keyed.orders[0].clone(),
                made: made.to_string(),
                told: told.cloned(),
                until: now + KEY_LIFETIME,
            };
            tx.put_made_once(keyed.before.as_ref(), &keyed.name.1, &made);
        }
    }
}

impl Drop for Keyed<'_> {
    fn drop(&mut self) {
        self.running.names.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
