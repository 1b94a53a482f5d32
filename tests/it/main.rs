//! The one integration binary: a folder `harness/` and one file per flow or layer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod architecture;
mod binding;
mod browser;
mod callback;
mod canary;
mod confirm;
mod crash;
mod demo;
mod demo_desk;
mod demo_provider;
mod docs;
mod egress;
mod faults;
mod harness;
mod hostile;
mod https;
mod issuer;
mod login;
mod message;
mod metrics;
mod openapi;
mod pages;
mod profile;
mod program;
mod review;
mod settings;
mod store;
mod sweep;
