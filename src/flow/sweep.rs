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

use crate::domain::event::EventType;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::TenantId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::request::{Outcome, Phase};
use crate::store::backend::Partition;
use crate::store::keys::{Due, DueKind};
use crate::store::lease::{Lease, Work};
use crate::store::{Durability, LINK_KEPT, StoreError, Tx};

use super::Broker;

/// How often a sweep looks.
const EVERY: Duration = Duration::from_secs(5);
/// How many entries of one partition one sweep takes.
const AT_ONCE: usize = 200;
/// How long the lease of a partition lasts, and how much of it must be left to go on with the next entry.
const LEASED: Duration = Duration::from_secs(30);
const LEFT: Duration = Duration::from_secs(10);
/// How many of them are deleted for one tenant before the others have their turn.
const ROUNDS: usize = 20;
/// Who ends what nobody ended.
const ACTOR: &str = "system";

/// Sweeps every few seconds, until the broker is gone.
pub async fn sweep_while_alive(broker: Weak<Broker>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(broker) = broker.upgrade() else { return };
        if let Err(error) = broker.sweep().await {
            tracing::warn!(detail = %error, "sweep.failed");
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
        for partition in Partition::all() {
            // Who finds nothing to do takes no lease; who has it looks again, since another may have done it.
            if self.falls_due(partition, 1).await?.is_empty() {
                continue;
            }
            let Some(mut lease) = self.store.lease(partition, Work::Sweep, LEASED).await? else { continue };
            let swept = self.sweep_under(&mut lease).await;
            self.store.end_lease(lease).await?;
            swept?;
        }
        Ok(())
    }

    async fn sweep_under(&self, lease: &mut Lease) -> Result<(), StoreError> {
        for due in self.falls_due(lease.partition(), AT_ONCE).await? {
            let is_good = lease.is_good_for(LEFT, self.clock.now());
            if !is_good && !self.store.renew_lease(lease, LEASED).await? {
                break;
            }
            match self.end_due(&due).await {
                Ok(()) => {
                    metrics::counter!("countersign_swept_total", "kind" => due.kind.as_str()).increment(1);
                }
                // Somebody changed the record meanwhile; the next sweep looks again.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn falls_due(&self, partition: Partition, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.store.due_of(partition, self.clock.now(), limit, |due| due.kind != DueKind::AuditSeal).await
    }

    async fn end_due(&self, due: &Due) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        match due.kind {
            DueKind::LinkExpiry => self.expire_link(&mut tx, due).await?,
            DueKind::RequestLapse => self.lapse_request(&mut tx, due).await?,
            DueKind::ConversationLapse => self.lapse_conversation(&mut tx, due).await?,
            DueKind::ContactErasure => return self.go_on_erasing(due).await,
            DueKind::LinkSweep if self.forget_old(due).await? => {}
            // The audit's checkpoints are not the sweep's.
            DueKind::LinkSweep | DueKind::AuditSeal => return Ok(()),
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

    /// A link's time is over, unless a customer who opened it in time is still at work.
    async fn expire_link(&self, tx: &mut Tx, due: &Due) -> Result<(), StoreError> {
        let Ok(id) = due.id.parse() else { return Ok(()) };
        let Some(link) = self.store.at(&due.tenant).link(&id).await? else { return Ok(()) };
        if link.value.status().is_final() {
            return Ok(());
        }
        let now = self.clock.now();
        let current = link.value.clone().as_of(now);
        if current.status().is_final() {
            self.forget_provisional(tx, &due.tenant, &link.value).await?;
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
        let now = self.clock.now();
        let lapsed = Outcome::Failed(Fault::new(Step::Bind, Code::NotConfirmed));
        tx.update_request(&request, &request.value.clone().finish(lapsed, due.at));
        let Some(link) = store.link(&request.value.link).await? else { return Ok(()) };
        if link.value.is_held_by(&due.id) {
            let current = link.value.clone().as_of(now);
            tx.update_link(&link, &current);
            self.announce_lapse(tx, &due.tenant, &current);
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
            self.unverify(tx, &due.tenant, &mut lapsed, ACTOR);
            tx.put_conversation(Some(&known), &lapsed);
        }
        Ok(())
    }

    /// The attempt failed; and if the link's own time is over too, the link has expired.
    fn announce_lapse(&self, tx: &mut Tx, tenant: &TenantId, link: &Link) {
        self.announce_link(tx, tenant, EventType::Failed, link, ACTOR);
        if link.status() == LinkStatus::Expired {
            self.announce_link(tx, tenant, EventType::Expired, link, ACTOR);
        }
    }
}
