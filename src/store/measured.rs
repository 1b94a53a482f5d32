//! A backend whose calls are measured: how long each takes, and how often one fails.

use std::sync::Arc;

use async_trait::async_trait;
use metrics::Histogram;
use tokio::sync::mpsc;

use super::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Versioned,
};
use crate::clock::Clock;

/// Any backend, with metrics beside it (`telemetry::metrics` lists them).
pub struct Measured {
    inner: Arc<dyn Backend>,
    clock: Clock,
    get: Timer,
    range: Timer,
    commit_durable: Timer,
    commit_relaxed: Timer,
    read: Timer,
    reserve: Timer,
    ping: Timer,
}

/// Where the times of one operation go, looked up once: a login makes a dozen calls.
struct Timer {
    operation: &'static str,
    times: Histogram,
}

impl Timer {
    fn new(operation: &'static str) -> Self {
        Self { operation, times: metrics::histogram!("countersign_store_seconds", "operation" => operation) }
    }

    fn failed(&self) {
        metrics::counter!("countersign_store_failures_total", "operation" => self.operation).increment(1);
    }
}

impl Measured {
    /// Measures `inner`. What records the metrics must be there before.
    pub fn new(inner: Arc<dyn Backend>, clock: Clock) -> Self {
        Self {
            inner,
            clock,
            get: Timer::new("get"),
            range: Timer::new("range"),
            commit_durable: Timer::new("commit_durable"),
            commit_relaxed: Timer::new("commit_relaxed"),
            read: Timer::new("read"),
            reserve: Timer::new("reserve"),
            ping: Timer::new("ping"),
        }
    }

    async fn measure<R>(
        &self,
        timer: &Timer,
        call: impl Future<Output = Result<R, Unavailable>>,
    ) -> Result<R, Unavailable> {
        let began = self.clock.tick();
        let outcome = call.await;
        timer.times.record(began.elapsed());
        if outcome.is_err() {
            timer.failed();
        }
        outcome
    }
}

#[async_trait]
impl Backend for Measured {
    fn may_lose_replies(&self) -> bool {
        self.inner.may_lose_replies()
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        self.measure(&self.get, self.inner.get(keys)).await
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.measure(&self.range, self.inner.range(set, after, limit)).await
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        let timer = match durability {
            Durability::Durable => &self.commit_durable,
            Durability::Relaxed => &self.commit_relaxed,
        };
        let outcome = self.measure(timer, self.inner.commit(partition, batch, durability)).await?;
        match outcome {
            Commit::Done => {}
            Commit::Conflict => metrics::counter!("countersign_store_conflicts_total").increment(1),
            Commit::Unknown => timer.failed(),
        }
        Ok(outcome)
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        self.measure(&self.read, self.inner.read(log, after, limit)).await
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        self.measure(&self.reserve, self.inner.reserve(counter, n)).await
    }

    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        // It takes as long as whoever takes the pieces.
        self.inner.dump(to).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.measure(&self.ping, self.inner.ping()).await
    }
}
