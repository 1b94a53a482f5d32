//! Countersign: a multi-tenant OAuth relying-party broker for messaging platforms.
//!
//! The map of the house, from the outside in:
//!
//! | folder | what it holds | may import |
//! |---|---|---|
//! | [`web`] | inbound HTTP: parse, call one flow, render | `domain flow issuer secret telemetry` |
//! | [`flow`] | the use cases: the order of steps and nothing else | everything below, but not `issuer` |
//! | [`issuer`] | our own small authorization server | everything below, but not `flow` |
//! | [`store`] | `Store` (typed, sealed) over `Backend` (bytes) | the pure ones, `secret`, `clock` |
//! | [`egress`] | everything that leaves the building | the pure ones, `secret`, `clock` |
//! | [`oauth`] | the relying party's protocol, pure | `domain secret` |
//! | [`profile`] | WhoAmI JSON → profile, pure | `domain secret` |
//! | [`channel`] | what an auth message looks like, and what a channel says of one, pure | `domain secret` |
//! | [`preset`] | what is known of providers, data, pure | `domain secret` |
//! | [`domain`] | the nouns, pure | `secret` |
//!
//! [`app`] puts it together and is the only place that names a concrete backend; [`config`],
//! [`tenants`] and [`keyring`] read files; [`cli`] is the command line. Read on at
//! `flow::callback`, which is the heart. `tests/it/architecture/` keeps the table true.

pub mod app;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod egress;
pub mod flow;
pub mod issuer;
pub mod keyring;
pub mod oauth;
pub mod preset;
pub mod profile;
pub mod secret;
pub mod store;
pub mod telemetry;
pub mod tenants;
pub mod web;
