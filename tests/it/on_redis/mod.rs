//! Whole brokers on a real Redis: several on one, one that goes away, a cluster that fails over,
//! TLS and sentinels.

mod brokers;
mod cost;
mod failover;
mod native;
mod outage;
mod start;
mod ways;

use crate::harness::redis::Server;
use crate::harness::{Choices, Harness};

/// A broker on this server, with this minimum.
async fn on(server: &Server, minimum: &'static str) -> Harness {
    Harness::with(Choices { minimum, store: Some(server.url()), ..Choices::default() }).await
}
