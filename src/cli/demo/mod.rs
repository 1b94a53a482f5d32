//! The demo: a provider of its own, and a page with the agent's desk beside the customer's phone.
//! Nothing here is part of the product; it is what a newcomer sees first, and what the tests
//! script to misbehave.
//!
//! To add to the demo: 1. a person is a row in `provider/people.rs`, a fault a row in
//! `provider/trick.rs` (it then stands in both menus), an action of the page a route in
//! `desk/mod.rs`, 2. its case in `tests/it/demo_provider.rs` or `tests/it/demo_desk.rs`, 3. if a
//! newcomer meets it on the way to the filled card, a line in `tests/it/demo.rs`.

pub mod console;
pub mod desk;
pub mod provider;
mod run;

pub use run::run;
