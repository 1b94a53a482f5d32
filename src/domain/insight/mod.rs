//! Figures: how many links were sent, opened and verified, how long the steps took, and why attempts
//! failed. They are counts of an hour, made beside the records and never from them, and hold nothing of
//! any person.
//!
//! | file | what it holds |
//! |---|---|
//! | [`histogram`] | durations on a logarithmic scale, which can be added up |
//! | [`tally`] | what is counted in one hour of one tenant |
//! | [`counted`] | what a change of a link or an attempt adds to it |
//!
//! To add a figure: 1. a variant of [`What`], 2. where it goes in [`Tally::add`] and
//! [`Tally::merge`], with `#[serde(default)]`, since older hours do not have it, 3. which change it is
//! in `counted.rs`, 4. where it is shown, 5. a line in `docs/insight.md`.

pub mod counted;
pub mod histogram;
pub mod tally;

pub use counted::{Counted, What};
pub use histogram::Histogram;
pub use tally::{Funnel, Hour, Leg, ProviderTally, Stage, Tally};
