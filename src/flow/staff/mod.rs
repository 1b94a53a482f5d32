//! Staff: how a tenant's admins and agents come in, and the browsers that were let in.
//!
//! To add a way to come in: 1. a file here with an `impl Broker` block, which proves the address of a member and
//! ends in [`Broker::begin_session`], 2. its word in [`SignedInBy`](crate::domain::staff::SignedInBy), 3. a page in
//! `web/signin/`, 4. its cases in `tests/it/`.

pub mod account;
pub mod arrive;
pub mod code;
pub mod enter;
pub mod invite;
mod letters;
pub mod session;
