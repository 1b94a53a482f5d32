//! Events as they happen (`/v1/events/stream`), for those who keep a connection open.
//!
//! Whatever broker wrote an event, it is found in the log: at once if it was this one, otherwise at
//! the next look, about a second later. One look serves every stream of a tenant; a stream that is
//! behind reads for itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::domain::event::{Event, EventType};
use crate::domain::ids::{StaffId, TenantId};
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

use super::Broker;
use super::places::{Place, Places};
use super::waiting::WaitError;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Events that are read at once.
const AT_ONCE: usize = 100;
/// Entries of the log that one page looks at, however few of them are wanted.
const LOOKED_AT: usize = 2000;
/// Looks whose events are kept for streams that are a little behind.
const BEHIND: usize = 64;
/// Streams of one process: each keeps a connection.
const PLACES: usize = 1000;
/// Of which one tenant may have so many.
const PLACES_OF_ONE: usize = 100;
/// Open pages of staff, which have places of their own: they must not take those of the tenants' programs.
const STAFF: usize = 5000;
/// Of which one tenant may have so many.
const STAFF_OF_ONE: usize = 1000;
/// Of which one member may have so many: more pages than anybody looks at, and too few to shut the colleagues out.
const STAFF_OF_MEMBER: usize = 20;

/// A page of the log.
#[derive(Debug)]
pub struct EventPage {
    /// In their order, each with its position.
    pub items: Vec<(u64, Event)>,
    /// The position behind which the next page begins; none if there is none for now.
    pub next: Option<u64>,
}

/// What one look has found.
#[derive(Debug)]
struct Found {
    /// The position behind which it looked.
    after: u64,
    events: Vec<(u64, Event)>,
}

/// The streams of this process.
#[derive(Debug)]
pub(super) struct Streams {
    places: Places,
    staff: Places,
    members: Places<(TenantId, StaffId)>,
    feeds: Mutex<HashMap<TenantId, Weak<Feed>>>,
}

/// What the streams of one tenant share. The looking ends with the last of them.
#[derive(Debug)]
struct Feed {
    found: broadcast::Sender<Arc<Found>>,
}

/// One who follows the events of a tenant. Dropping it frees its place.
#[derive(Debug)]
pub struct Follower {
    broker: Arc<Broker>,
    tenant: TenantId,
    /// Everything up to here was answered.
    position: u64,
    heard: broadcast::Receiver<Arc<Found>>,
    /// Whether there may be something in the log behind the position.
    is_behind: bool,
    draining: watch::Receiver<bool>,
    _feed: Arc<Feed>,
    _place: Place,
    _member: Option<Place<(TenantId, StaffId)>>,
}

impl Broker {
    /// A page of events behind a position, those of the types that are `wanted`.
    pub async fn events_of(
        &self,
        tenant: &Tenant,
        position: u64,
        limit: usize,
        wanted: impl Fn(EventType) -> bool + Send,
    ) -> Result<EventPage, StoreError> {
        let store = self.store.at(&tenant.id);
        let (mut items, mut position, mut looked_at) = (Vec::new(), position, 0);
        while looked_at < LOOKED_AT {
            // Few may be wanted of many: behind the first ones it reads on in larger steps.
            let at_once = if looked_at == 0 { limit } else { limit.max(AT_ONCE) };
            let events = store.events_after(position, at_once).await?;
            if events.is_empty() {
                return Ok(EventPage { items, next: None });
            }
            for (at, event) in events {
                (position, looked_at) = (at, looked_at + 1);
                if wanted(event.kind) {
                    items.push((at, event));
                }
                if items.len() == limit {
                    return Ok(EventPage { items, next: Some(position) });
                }
            }
        }
        Ok(EventPage { items, next: Some(position) })
    }

    /// Follows the events of a tenant behind a position; without one, those that happen from now on.
    pub async fn follow_events(
        self: &Arc<Self>,
        tenant: &TenantId,
        after: Option<u64>,
    ) -> Result<Follower, WaitError> {
        let place = self.streams.places.enter(tenant).ok_or(WaitError::Full)?;
        let mut follower = self.follower(tenant, place, 0);
        follower.position = match after {
            Some(position) => position,
            None => self.store.at(tenant).events_end().await?,
        };
        Ok(follower)
    }

    /// Follows the events of a tenant behind a position, for an open page of a member of its staff.
    pub fn follow_as_staff(
        self: &Arc<Self>,
        tenant: &TenantId,
        member: &StaffId,
        after: u64,
    ) -> Result<Follower, WaitError> {
        let own = self.streams.members.enter(&(tenant.clone(), member.clone())).ok_or(WaitError::Full)?;
        let place = self.streams.staff.enter(tenant).ok_or(WaitError::Full)?;
        Ok(Follower { _member: Some(own), ..self.follower(tenant, place, after) })
    }

    fn follower(self: &Arc<Self>, tenant: &TenantId, place: Place, position: u64) -> Follower {
        let feed = self.feed(tenant);
        Follower {
            broker: Arc::clone(self),
            tenant: tenant.clone(),
            position,
            heard: feed.found.subscribe(),
            is_behind: true,
            draining: self.waits.draining(),
            _feed: feed,
            _place: place,
            _member: None,
        }
    }

    fn feed(self: &Arc<Self>, tenant: &TenantId) -> Arc<Feed> {
        let mut feeds = self.streams.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(tenant).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Feed { found: broadcast::channel(BEHIND).0 });
        feeds.insert(tenant.clone(), Arc::downgrade(&feed));
        tokio::spawn(look(Arc::downgrade(self), tenant.clone(), Arc::downgrade(&feed)));
        feed
    }
}

impl Follower {
    /// The next events, at least one, each with its position; none when the broker is about to stop. A call that is
    /// given up has lost nothing.
    pub async fn next(&mut self) -> Result<Option<Vec<(u64, Event)>>, StoreError> {
        loop {
            if *self.draining.borrow() {
                return Ok(None);
            }
            if self.is_behind {
                let store = self.broker.store.at(&self.tenant);
                let events = store.events_after(self.position, AT_ONCE).await?;
                if let Some((last, _)) = events.last() {
                    self.position = *last;
                    return Ok(Some(events));
                }
                self.is_behind = false;
            }
            let heard = tokio::select! {
                heard = self.heard.recv() => heard,
                _ = self.draining.changed() => continue,
            };
            let Ok(found) = heard else {
                self.is_behind = true;
                continue;
            };
            if found.after > self.position {
                self.is_behind = true;
                continue;
            }
            let new: Vec<_> = found.events.iter().filter(|(at, _)| *at > self.position).cloned().collect();
            if let Some((last, _)) = new.last() {
                self.position = *last;
                return Ok(Some(new));
            }
        }
    }
}

impl Default for Streams {
    fn default() -> Self {
        let tell = |taken| {
            let taken = u32::try_from(taken).unwrap_or(u32::MAX);
            metrics::gauge!("countersign_event_streams").set(taken);
        };
        let staff = Places::new(STAFF, STAFF_OF_ONE, |_| {});
        let members = Places::new(STAFF, STAFF_OF_MEMBER, |_| {});
        Self { places: Places::new(PLACES, PLACES_OF_ONE, tell), staff, members, feeds: Mutex::default() }
    }
}

/// Looks for events as long as anybody follows them.
async fn look(broker: Weak<Broker>, tenant: TenantId, feed: Weak<Feed>) {
    let Some(mut watch) = broker.upgrade().map(|broker| broker.store.watch_events(&tenant)) else { return };
    let mut position = None;
    loop {
        {
            let (Some(broker), Some(feed)) = (broker.upgrade(), feed.upgrade()) else { return };
            match find(&broker, &tenant, &mut position).await {
                Ok(found) if found.events.is_empty() => {}
                Ok(found) => {
                    let full = found.events.len() == AT_ONCE;
                    // Nobody listening is no fault: the feed ends in a moment.
                    let _ = feed.found.send(Arc::new(found));
                    if full {
                        continue;
                    }
                }
                Err(error) => tracing::warn!(tenant = %tenant, detail = %error, "stream.delayed"),
            }
        }
        tokio::select! {
            () = watch.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// What stands behind a position. The first look only finds out where the log ends.
async fn find(broker: &Broker, tenant: &TenantId, position: &mut Option<u64>) -> Result<Found, StoreError> {
    let store = broker.store.at(tenant);
    let after = match *position {
        Some(after) => after,
        None => store.events_end().await?,
    };
    let events = store.events_after(after, AT_ONCE).await?;
    *position = Some(events.last().map_or(after, |(last, _)| *last));
    Ok(Found { after, events })
}
