//! What was counted in this process is added to the hours in the store: every few seconds, beside the
//! logins and never within them. Whoever is as fast as another broker reads again and adds once more.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use crate::flow::{Broker, RACES};
use crate::store::figures::Gathering;
use crate::store::{Durability, StoreError, Tx};

/// How often it is written: what a crash may lose.
const EVERY: Duration = Duration::from_secs(10);
/// Hours that are written at the same time: the store writes them together.
const TOGETHER: usize = 16;

/// Writes every few seconds, until the broker is gone.
async fn write_while_alive(broker: Weak<Broker>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(broker) = broker.upgrade() else { return };
        broker.write_figures().await;
    }
}

impl Broker {
    /// Starts to write figures in the background.
    pub fn start_counting(self: &Arc<Self>) {
        tokio::spawn(write_while_alive(Arc::downgrade(self)));
    }

    /// Writes what was counted here until now. What cannot be written is kept for the next time.
    pub async fn write_figures(&self) {
        let mut gathered = self.store.take_figures().into_iter();
        let mut failed = None;
        loop {
            let some: Vec<_> = gathered.by_ref().take(TOGETHER).collect();
            if some.is_empty() {
                break;
            }
            if failed.is_some() {
                // A store that is away is not asked for each.
                for gathering in &some {
                    self.store.put_back_figures(gathering);
                }
                continue;
            }
            let written = join_all(some.iter().map(|gathering| self.add_figures(gathering))).await;
            for (gathering, written) in some.into_iter().zip(written) {
                match written {
                    Ok(()) => {}
                    // It may be there, and is not counted twice.
                    Err(error @ StoreError::Unknown) => failed = Some(error),
                    Err(error) if is_unreadable(&error) => {
                        tracing::error!(tenant = %gathering.tenant, detail = %error, "figures.lost");
                    }
                    Err(error) => {
                        self.store.put_back_figures(&gathering);
                        failed = Some(error);
                    }
                }
            }
        }
        if let Some(error) = failed {
            tracing::warn!(detail = %error, "figures.not_written");
        }
    }

    async fn add_figures(&self, gathering: &Gathering) -> Result<(), StoreError> {
        let store = self.store.at(&gathering.tenant);
        for _ in 0..RACES {
            let known = store.figures_of(gathering.hour).await?;
            let mut sum = known.as_ref().map(|known| known.value.clone()).unwrap_or_default();
            sum.merge(&gathering.tally);
            let mut tx = Tx::new();
            tx.put_figures(known.as_ref(), gathering.hour, &sum);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }
}

/// Whether it would fail again and again.
fn is_unreadable(error: &StoreError) -> bool {
    matches!(error, StoreError::Unreadable { .. } | StoreError::Malformed { .. })
}
