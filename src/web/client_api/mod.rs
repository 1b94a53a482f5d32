//! `/api/client/v1`: what the apps of customers call, in the browser and elsewhere. A customer signs in by an emailed
//! code, or brings a token of the authorization code grant; every answer is of the token's customer and nobody else's.
//!
//! | file | what it holds |
//! |---|---|
//! | [`answer`] | `{"success": true, "data": …}`, and what a call is refused with |
//! | [`cors`] | which origins may call, and how browsers are told |
//! | [`customer`] | the extractor of a token's customer |
//! | [`otp`] | a code is sent, and typed |
//! | [`tokens`] | a fresh pair of tokens; signing out |
//! | [`profile`] | the own record |
//! | [`sign_ins`] | ways to sign in, and conversations |
//!
//! To add an endpoint: 1. a handler with its description that takes a [`Customer`](customer::Customer), 2. a row of the
//! URL table in `web/mod.rs`, 3. its line in `docs/customers.md`, 4. a case in `tests/it/customers/`, which also asks as
//! another customer.

pub mod answer;
pub mod cors;
pub mod customer;
pub mod otp;
pub mod profile;
pub mod sign_ins;
pub mod tokens;

/// What every path of this folder begins with.
pub const UNDER: &str = "/api/client/v1/";
