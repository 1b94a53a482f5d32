//! The token endpoint, the bearer check and the listener, over real sockets.
//!
//! To add a case: 1. a row in a table or a test in the file of its subject, 2. if it needs a tenant
//! or key of its own, in `world.rs`.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands, also in what its cases share")]

mod access;
mod families;
mod jwks;
mod listener;
mod token_endpoint;
mod wire;
mod world;
