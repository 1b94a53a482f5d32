//! The OAuth endpoints of our own issuer. What RFCs name keeps their spelling, and errors have the
//! form of RFC 6749, 5.2, not the API's problem+json.
//!
//! To add an endpoint: 1. a file with one handler that takes the issuer, the tenant and the
//! request, 2. its description in `endpoints`, 3. a row in the URL table of `web/mod.rs`, 4. its
//! cases in `tests/it/issuer/`.

pub mod answer;
pub mod authorize;
pub mod cors;
pub mod credentials;
pub mod customer_endpoints;
mod emailed;
pub mod endpoints;
mod inspect;
pub mod jwks;
mod metadata;
pub mod parameters;
mod register;
pub mod token;
mod userinfo;

pub use jwks::jwks;
pub use token::token;
