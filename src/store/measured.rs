//! A backend whose calls are measured: how long each takes, and how often one fails.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Versioned,
};
use crate::clock::Clock;

/// Any backend, with metrics beside it (`telemetry::metrics` lists them).
pub struct Measured {
    inner: Arc<dyn Backend>,
    clock: Clock,
}

impl Measured {
    /// Measures `inner`.
    pub fn new(inner: Arc<dyn Backend>, clock: Clock) -> Self {
        Self { inner, clock }
    }

    async fn measure<R>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<R, Unavailable>>,
    ) -> Result<R, Unavailable> {
        let began = self.clock.tick();
        let outcome = call.await;
        metrics::histogram!("countersign_store_seconds", "operation" => operation).record(began.elapsed());
        if outcome.is_err() {
            metrics::counter!("countersign_store_failures_total", "operation" => operation).increment(1);
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
        self.measure("get", self.inner.get(keys)).await
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.measure("range", self.inner.range(set, after, limit)).await
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        let operation = match durability {
            Durability::Durable => "commit_durable",
            Durability::Relaxed => "commit_relaxed",
        };
        let outcome = self.measure(operation, self.inner.commit(partition, batch, durability)).await?;
        match outcome {
            Commit::Done => {}
            Commit::Conflict => metrics::counter!("countersign_store_conflicts_total").increment(1),
            Commit::Unknown => {
                metrics::counter!("countersign_store_failures_total", "operation" => operation).increment(1);
            }
        }
        Ok(outcome)
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        self.measure("read", self.inner.read(log, after, limit)).await
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        self.measure("reserve", self.inner.reserve(counter, n)).await
    }

    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        // It takes as long as whoever takes the pieces.
        self.inner.dump(to).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.measure("ping", self.inner.ping()).await
    }
}
