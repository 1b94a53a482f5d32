//! Figures for the people who run a tenant: how far links come, how long the steps take, why attempts
//! fail, and how the providers are. `docs/insight.md` says how exact they are.
//!
//! | file | what it does |
//! |---|---|
//! | [`write`] | writes what was counted in this process, every few seconds |
//! | [`read`] | the figures of a period |
//! | `refused` | counts callbacks that were refused for a reason in the settings |
//!
//! What is counted stands in `domain/insight`, where it is gathered in `store/figures.rs`.
//!
//! To add a figure: 1. count it (see `domain/insight/mod.rs`), 2. hand it out in [`read`] if it is not
//! part of the counts, 3. show it in `web/admin/overview`.

pub mod read;
mod refused;
pub mod write;

pub use read::{Health, Insight, Passes, Period};
pub(super) use refused::Sighting;
