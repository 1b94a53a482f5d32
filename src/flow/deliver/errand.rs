//! An errand: what a round has to do at the store, one thing behind the other, while its calls are under way.

use std::sync::Arc;

use crate::flow::Broker;
use crate::store::StoreError;
use crate::store::backend::Partition;
use crate::store::keys::Due;

use super::attempt::{Loaded, Turn};
use super::record::Fate;
use super::scan::Scan;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) partition: Partition,
    /// Turns that are to be written down.
    pub(super) turns: Vec<Turn>,
    /// Whether new events are to be told.
    pub(super) spreads: bool,
    /// Where lanes that are due are looked for; none if there are enough.
    pub(super) scan: Option<Scan>,
    /// Lanes that are to be read.
    pub(super) wanted: Vec<Due>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Brought {
    /// What became of the lanes whose turns were written down.
    pub(super) fates: Vec<(Due, Fate)>,
    /// Lanes that are due, as far as they were looked for.
    pub(super) found: Vec<Due>,
    /// Where the search goes on.
    pub(super) scan: Option<Scan>,
    /// Whether there are events left that are to be told.
    pub(super) is_more: bool,
    /// The lanes that were to be read, and what was read of them.
    pub(super) wanted: Vec<Due>,
    pub(super) loaded: Vec<Loaded>,
}

impl Errand {
    /// Does it. Nothing of it needs to be undone if it fails, or ends anywhere.
    pub(super) async fn run(self, broker: Arc<Broker>) -> Result<Brought, StoreError> {
        let Self { partition, turns, spreads, mut scan, wanted } = self;
        let fates = broker.write_down(turns).await?;
        let is_more = spreads && broker.spread(partition).await?;
        let found = match &mut scan {
            Some(scan) => scan.go_on(&broker.store, partition, broker.clock.now()).await?,
            None => Vec::new(),
        };
        let loaded = broker.load(wanted.clone()).await?;
        Ok(Brought { fates, found, scan, is_more, wanted, loaded })
    }
}
