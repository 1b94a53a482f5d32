//! Files that change while the broker runs: what goes live, what stays, and what is told of it.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands, also in what its cases share")]

mod broker;
mod folder;
