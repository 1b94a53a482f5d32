//! What falls due without anybody asking: links expire, conversations stop to be verified, and
//! sign-ins that nobody confirmed lapse, so that what they knew of the person is forgotten; the
//! platform is told of each. Links and attempts that were kept for long enough are deleted, and
//! erasures that were cut short go on.
//!
//! A sweep reads each partition's `due` set. Every entry is compared with its record as it is now:
//! to meet one twice, or too late, does no harm. Of many brokers one does the work of a partition
//! at a time, by its lease; a broker that dies leaves it to the next.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::SignedDuration;

use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::TenantId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::request::{Outcome, Phase};
use crate::store::backend::Partition;
use crate::store::keys::{Due, DueKind};
use crate::store::lease::{Lease, Work};
use crate::store::{Durability, LINK_KEPT, StoreError, Tx};

use super::{Broker, deliver};

/// How often a sweep looks.
const EVERY: Duration = Duration::from_secs(5);
/// After so many sweeps what is not delivered yet is counted.
const MEASURED: u64 = 3;
/// How many entries of one partition one sweep takes.
const AT_ONCE: usize = 200;
/// How long the lease of a partition lasts, and how much of it must be left to go on with the next entry.
const LEASED: Duration = Duration::from_secs(30);
const LEFT: Duration = Duration::from_secs(10);
/// How many of them are deleted for one tenant before the others have their turn.
const ROUNDS: usize = 20;
/// How many entries are ended at the same time: the store writes them together.
const TOGETHER: usize = 16;
/// How long one partition is worked at before the others have their turn.
const TURN: Duration = Duration::from_secs(5);
/// When an entry is tried again whose record cannot be read.
const PUT_OFF: SignedDuration = SignedDuration::from_hours(1);
/// Who ends what nobody ended.
const ACTOR: &str = "system";

/// Sweeps every few seconds, until the broker is gone.
pub async fn sweep_while_alive(broker: Weak<Broker>) {
    for number in 1_u64.. {
        tokio::time::sleep(EVERY).await;
        let Some(broker) = broker.upgrade() else { return };
        if let Err(error) = broker.sweep().await {
            tracing::warn!(detail = %error, "sweep.failed");
        }
        if number % MEASURED == 0
            && let Err(error) = deliver::measure(&broker).await
        {
            tracing::warn!(detail = %error, "delivery.not_measured");
        }
    }
}

impl Broker {
    /// Starts sweeping in the background.
    pub fn start_sweeping(self: &Arc<Self>) {
        tokio::spawn(sweep_while_alive(Arc::downgrade(self)));
    }

    /// Ends what is due now, in every partition whose work no other broker has.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        // Whether anybody is to be told of what falls due is not known before.
        if self.served.waits() {
            return Ok(());
        }
        let mut failed = None;
        for partition in Partition::all() {
            // A part of a cluster that is away holds up nobody else's work.
            if let Err(error) = self.sweep_partition(partition).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn sweep_partition(&self, partition: Partition) -> Result<(), StoreError> {
        if self.store.due(partition, self.clock.now(), 1).await?.is_empty() {
            return Ok(());
        }
        // What another broker left undelivered, or what is to be tried again.
        let now = self.clock.now();
        if !self.store.due_of(partition, now, 1, |due| due.kind.is_delivery()).await?.is_empty() {
            self.store.wake(partition);
        }
        // Who finds nothing to do takes no lease; who has it looks again, since another may have done it.
        if self.falls_due(partition, 1).await?.is_empty() {
            return Ok(());
        }
        let Some(mut lease) = self.store.lease(partition, Work::Sweep, LEASED).await? else { return Ok(()) };
        let swept = self.sweep_under(&mut lease).await;
        self.store.end_lease(lease).await?;
        swept
    }

    async fn sweep_under(&self, lease: &mut Lease) -> Result<(), StoreError> {
        let began = self.clock.tick();
        loop {
            let found = self.falls_due(lease.partition(), AT_ONCE).await?;
            for some in found.chunks(TOGETHER) {
                let is_good = lease.is_good_for(LEFT, self.clock.now());
                if !is_good && !self.store.renew_lease(lease, LEASED).await? {
                    return Ok(());
                }
                self.end_together(some).await?;
            }
            if found.len() < AT_ONCE || began.elapsed() >= TURN {
                return Ok(());
            }
        }
    }

    async fn falls_due(&self, partition: Partition, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.store.due_of(partition, self.clock.now(), limit, |due| due.kind.is_swept()).await
    }

    /// Ends some entries. One whose record cannot be read stands in nobody's way: it is put off.
    async fn end_together(&self, some: &[Due]) -> Result<(), StoreError> {
        let ended = join_all(some.iter().map(|due| self.end_due(due))).await;
        for (due, ended) in some.iter().zip(ended) {
            match ended {
                Ok(()) => {
                    metrics::counter!("countersign_swept_total", "kind" => due.kind.as_str()).increment(1);
                }
                // Somebody changed the record meanwhile; the next sweep looks again.
                Err(StoreError::Conflict) => {}
                Err(error @ (StoreError::Unreadable { .. } | StoreError::Malformed { .. })) => {
                    tracing::error!(tenant = %due.tenant, kind = due.kind.as_str(), detail = %error, "sweep.skipped");
                    self.put_off(due).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn put_off(&self, due: &Due) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        tx.not_due(due.kind, due.at, &due.id);
        tx.due(due.kind, self.clock.now() + PUT_OFF, &due.id);
        self.store.at(&due.tenant).commit(tx, Durability::Durable).await
    }

    async fn end_due(&self, due: &Due) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        match due.kind {
            DueKind::LinkExpiry => self.expire_link(&mut tx, due).await?,
            DueKind::RequestLapse => self.lapse_request(&mut tx, due).await?,
            DueKind::ConversationLapse => self.lapse_conversation(&mut tx, due).await?,
            DueKind::ContactErasure => return self.go_on_erasing(due).await,
            DueKind::LinkSweep if self.forget_old(due).await? => {}
            DueKind::DeliverySweep if self.forget_old_deliveries(due).await? => {}
            // The next sweep goes on with it; and deliveries and the audit's checkpoints are not the sweep's.
            DueKind::LinkSweep
            | DueKind::DeliverySweep
            | DueKind::Telling
            | DueKind::Lane
            | DueKind::AuditSeal => return Ok(()),
        }
        tx.not_due(due.kind, due.at, &due.id);
        self.store.at(&due.tenant).commit(tx, Durability::Durable).await
    }

    /// Links and attempts that were kept for long enough are deleted. False if the next sweep must go on with it.
    async fn forget_old(&self, due: &Due) -> Result<bool, StoreError> {
        let store = self.store.at(&due.tenant);
        let cut = due.at - LINK_KEPT;
        for _ in 0..ROUNDS {
            let links = store.links_before(cut, AT_ONCE).await?;
            let attempts = store.attempts_before(cut, AT_ONCE).await?;
            let mut tx = Tx::new();
            for link in &links {
                tx.forget_link(link);
            }
            for attempt in &attempts {
                tx.forget_attempt(attempt);
            }
            if tx.is_empty() {
                return Ok(true);
            }
            store.commit(tx, Durability::Relaxed).await?;
        }
        Ok(false)
    }

    /// The same of deliveries.
    async fn forget_old_deliveries(&self, due: &Due) -> Result<bool, StoreError> {
        let store = self.store.at(&due.tenant);
        for _ in 0..ROUNDS {
            let mut tx = Tx::new();
            for delivery in &store.deliveries_before(due.at - LINK_KEPT, AT_ONCE).await? {
                tx.forget_delivery(delivery);
            }
            if tx.is_empty() {
                return Ok(true);
            }
            store.commit(tx, Durability::Relaxed).await?;
        }
        Ok(false)
    }

    /// A link's time is over, unless a customer who opened it in time is still at work.
    async fn expire_link(&self, tx: &mut Tx, due: &Due) -> Result<(), StoreError> {
        let Ok(id) = due.id.parse() else { return Ok(()) };
        let Some(link) = self.store.at(&due.tenant).link(&id).await? else { return Ok(()) };
        if link.value.status().is_final() {
            return Ok(());
        }
        let settled = self.settle(tx, &due.tenant, &link.value).await?;
        let current = settled.as_of(self.clock.now());
        if current.status().is_final() {
            self.give_up_openings(tx, &due.tenant, &current).await?;
            tx.update_link(&link, &current);
            self.announce_link(tx, &due.tenant, EventType::Expired, &current, ACTOR);
        } else {
            tx.due(DueKind::LinkExpiry, current.ends_at(), &due.id);
        }
        Ok(())
    }

    /// Nobody comes back any more to the openings of an expired link: their secrets are forgotten.
    async fn give_up_openings(&self, tx: &mut Tx, tenant: &TenantId, link: &Link) -> Result<(), StoreError> {
        let keys: Vec<_> = link.openings.iter().map(|opening| &*opening.request).collect();
        let now = self.clock.now();
        for request in self.store.at(tenant).requests(&keys).await? {
            let ended = request.value.expires_at;
            if matches!(request.value.phase, Phase::Started) && ended <= now {
                tx.update_request(&request, &request.value.clone().give_up(ended));
            }
        }
        Ok(())
    }

    /// Nobody sent the code in time: what the sign-in knew of the person is forgotten.
    async fn lapse_request(&self, tx: &mut Tx, due: &Due) -> Result<(), StoreError> {
        let store = self.store.at(&due.tenant);
        let Some(request) = store.request(&due.id).await? else { return Ok(()) };
        if !matches!(request.value.phase, Phase::Provisional(_)) {
            return Ok(());
        }
        let link = store.link(&request.value.link).await?;
        let Some(link) = link.filter(|link| link.value.is_held_by(&due.id)) else {
            let lapsed = Outcome::Failed(Fault::new(Step::Bind, Code::NotConfirmed));
            tx.update_request(&request, &request.value.clone().finish(lapsed, due.at));
            return Ok(());
        };
        self.settle_lapse(tx, &due.tenant, &link.value).await?;
        let current = link.value.clone().as_of(self.clock.now());
        tx.update_link(&link, &current);
        if current.status() == LinkStatus::Expired {
            self.announce_link(tx, &due.tenant, EventType::Expired, &current, ACTOR);
        }
        Ok(())
    }

    /// A conversation is no longer verified, unless a newer sign-in has prolonged it.
    async fn lapse_conversation(&self, tx: &mut Tx, due: &Due) -> Result<(), StoreError> {
        let Some(known) = self.store.at(&due.tenant).conversation_by_key(&due.id).await? else {
            return Ok(());
        };
        if known.value.verified_at(self.clock.now()).is_none() && known.value.verified.is_some() {
            let mut lapsed = known.value.clone();
            self.drop_tokens(tx, &due.tenant, &known.value).await?;
            self.unverify(tx, &due.tenant, &mut lapsed, ACTOR);
            tx.put_conversation(Some(&known), &lapsed);
        }
        Ok(())
    }
}
