//! The demo: a provider of its own, and a page with the agent's desk beside the customer's phone.
//! Nothing here is part of the product; it is what a newcomer sees first, and what the tests
//! script to misbehave.
//!
//! To add to the demo: a person in `provider/people.rs`, a fault in `provider/trick.rs` (it then
//! stands in both menus), a route of the page in `desk/mod.rs`.

pub mod desk;
pub mod provider;
mod run;

pub use run::run;
