//! The nouns of the product, pure: what they are, how they are written, and which changes of
//! state they allow. Nothing here reads a clock, draws a random number or touches a file.
//!
//! To add a noun: 1. one file with its types and transitions, 2. a line below, 3. if it is
//! stored, a `Record` in `store/records.rs`, 4. its tests in the file itself.

pub mod accounts;
pub mod actor;
pub mod algorithm;
pub mod app;
pub mod ask;
pub mod attempt;
pub mod audit;
pub mod binding;
pub mod client;
pub mod confirmation;
pub mod contact;
pub mod conversation;
pub mod delivery;
pub mod described;
pub mod entry;
pub mod event;
pub mod family;
pub mod fault;
pub mod health;
pub mod idempotency;
pub mod ids;
pub mod insight;
pub mod json;
pub mod link;
mod link_status;
mod opening;
pub mod otp;
pub mod profile;
pub mod provider;
pub mod redirect_uri;
pub mod request;
pub mod rule;
pub mod sample;
mod sender;
pub mod setting;
pub mod snippet;
pub mod staff;
pub mod stored;
pub mod tenant;
pub mod timeline;
pub mod trial;
pub mod vault;
pub mod visitor;
pub mod webhook;
pub mod website;
