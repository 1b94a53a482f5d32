//! How much is not delivered yet, and how old the oldest of it is: measured from the store, so that
//! every broker says the same.

use jiff::Timestamp;

use crate::flow::Broker;
use crate::store::StoreError;
use crate::store::backend::Partition;

/// So many of a partition are counted.
const COUNTED: usize = 1000;

/// Measures all partitions, if anybody has a webhook.
pub(in crate::flow) async fn measure(broker: &Broker) -> Result<(), StoreError> {
    let directory = broker.directory();
    if !directory.behind(None).any(|served| !served.tenant.webhooks.is_empty()) {
        return Ok(());
    }
    let (mut waiting, mut oldest): (usize, Option<Timestamp>) = (0, None);
    for partition in Partition::all() {
        let found = broker.store.undelivered(partition, COUNTED).await?;
        waiting += found.len();
        oldest = [oldest, found.first().map(|first| first.since)].into_iter().flatten().min();
    }
    let age = oldest.map_or(0, |oldest| broker.clock.now().duration_since(oldest).as_secs().max(0));
    metrics::gauge!("countersign_deliveries_waiting").set(u32::try_from(waiting).unwrap_or(u32::MAX));
    metrics::gauge!("countersign_delivery_oldest_age").set(u32::try_from(age).unwrap_or(u32::MAX));
    Ok(())
}
