//! Customers sign in to an app of the tenant's (RFC 6749, 4.1): at the tenant's own provider, as they do by a link. What
//! the app may have, and what it gets, is the issuer's business; here is only who the customer is.
//!
//! - [`enter`]: to the provider
//! - [`arrive`]: and back, with a contact
//!
//! To add a way in: 1. a file here that ends with a contact, 2. its button on the page of consent, 3. its end in
//! `web/oauth/consent.rs`.

pub mod arrive;
pub mod enter;
