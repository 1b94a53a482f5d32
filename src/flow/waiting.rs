//! A caller waits for a link to change (`?wait=`, DESIGN §6), so that a bot need not ask every second.
//!
//! What this process changes is heard at once; what another broker changes, or what only time
//! changes, is seen at the next look, about a second later.

use std::time::Duration;

use tokio::sync::watch;

use crate::domain::ids::{LinkId, TenantId};
use crate::domain::link::{Link, LinkStatus};
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

use super::Broker;
use super::places::{Place, Places};

/// How often a link is looked at that nobody changes here.
const LOOK: Duration = Duration::from_secs(1);
/// Callers that may wait in one process: each keeps a connection and costs one look a second.
const PLACES: usize = 2000;
/// Of which one tenant may take so many.
const PLACES_OF_ONE: usize = 500;
/// Pages of web chats that may listen in one process, which have places of their own: customers must not take those of
/// the tenants' programs.
const CHATS: usize = 5000;
/// Of which one tenant may have so many.
const CHATS_OF_ONE: usize = 1000;

/// For how long, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// The status that the caller has seen; none takes the one that the link has now.
    pub seen: Option<LinkStatus>,
    /// At the latest after this time there is an answer.
    pub longest: Duration,
}

/// Why nobody waits.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Too many wait already.
    #[error("too many callers wait already; ask again in a moment, or without `wait`")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who waits, and whether waiting is over for all.
#[derive(Debug)]
pub(super) struct Waits {
    places: Places,
    chats: Places,
    draining: watch::Sender<bool>,
}

impl Broker {
    /// A link as soon as it is final or has another status than the caller has seen, and in any
    /// case when the time is over or the broker is about to stop.
    pub async fn wait_for_link(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        wait: Wait,
    ) -> Result<Option<Link>, WaitError> {
        self.wait_in(&self.waits.places, tenant, id, wait).await
    }

    /// The same for the page of a web chat.
    pub(super) async fn wait_for_link_of_chat(
        &self,
        tenant: &Tenant,
        id: &LinkId,
        wait: Wait,
    ) -> Result<Option<Link>, WaitError> {
        self.wait_in(&self.waits.chats, tenant, id, wait).await
    }

    async fn wait_in(
        &self,
        places: &Places,
        tenant: &Tenant,
        id: &LinkId,
        wait: Wait,
    ) -> Result<Option<Link>, WaitError> {
        let mut watch = self.store.watch_link(id);
        let mut draining = self.waits.draining.subscribe();
        let deadline = tokio::time::Instant::from_std(self.clock.tick() + wait.longest);
        let mut place = None;
        let mut seen = wait.seen;
        loop {
            let Some(link) = self.link(tenant, id).await? else { return Ok(None) };
            let seen = *seen.get_or_insert(link.status());
            let late = self.clock.tick() >= deadline.into_std();
            if link.status().is_final() || link.status() != seen || late || *draining.borrow_and_update() {
                return Ok(Some(link));
            }
            // Who is answered at once takes no place.
            if place.is_none() {
                place = Some(places.enter(&tenant.id).ok_or(WaitError::Full)?);
            }
            tokio::select! {
                () = watch.changed() => {}
                _ = draining.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    /// Everybody who waits is answered now, streams of events end, and nobody waits any more: the process is about to stop.
    pub fn end_waits(&self) {
        self.waits.draining.send_replace(true);
    }

    /// Whether the broker was told to stop.
    pub fn is_stopping(&self) -> bool {
        *self.waits.draining.borrow()
    }
}

impl Default for Waits {
    fn default() -> Self {
        let chats = Places::new(CHATS, CHATS_OF_ONE, |_| {});
        Self { places: Places::new(PLACES, PLACES_OF_ONE, |_| {}), chats, draining: watch::channel(false).0 }
    }
}

impl Waits {
    /// A place for somebody who waits.
    pub(super) fn enter(&self, tenant: &TenantId) -> Result<Place, WaitError> {
        self.places.enter(tenant).ok_or(WaitError::Full)
    }

    /// Says when waiting is over for all.
    pub(super) fn draining(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}
