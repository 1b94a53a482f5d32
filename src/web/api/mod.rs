//! The JSON API of platforms and bots (DESIGN §6): parse, call one flow, render.
//!
//! To add an endpoint: 1. a handler here, with a `Caller` of the scope it needs and its
//! `#[utoipa::path]`, 2. a row in the URL table of `web/mod.rs`, 3. its view in `view.rs`, 4. a test
//! in `tests/it/api.rs`.

pub mod attempts;
mod attempts_csv;
pub mod audit;
pub mod auth_links;
pub mod channels;
pub mod client_changes;
pub mod client_words;
pub mod clients;
pub mod contact_changes;
pub mod contacts;
pub mod conversations;
pub mod csv;
pub mod discover;
pub mod events;
mod examples;
pub mod inbound;
pub mod link_list;
pub mod mapping;
pub mod own_tenant;
pub mod provider_token;
mod provider_view;
pub mod providers;
mod query;
mod settings_body;
mod settings_examples;
pub mod snippets;
pub mod staff;
pub mod stream;
pub mod tenants;
mod trial_examples;
pub mod trials;
mod view;
pub mod webhook_changes;
pub mod webhooks;
mod whole_list;
