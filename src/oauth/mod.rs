//! The relying party's protocol, pure: what we send, what comes back, and what it must look
//! like to be believed. Nothing here opens a connection; [`OutboundRequest`](wire::OutboundRequest)
//! goes to `egress`, and [`ProviderAnswer`](wire::ProviderAnswer) comes from there.
//!
//! A login passes through the files in this order: [`authorize`] builds the URL of the provider's
//! page, [`response`] parses and verifies what comes back, [`token`] exchanges the grant,
//! [`whoami`] asks who it was. Beside them: [`server`] is what the settings and the issuer's metadata
//! say of the provider, [`client_auth`] says who we are, [`pairs`], [`json`],
//! [`media`] and [`token_body`] read bytes, and [`quirk`] names what was tolerated on the way.
//!
//! OpenID Connect stands beside them: [`issuer`] and [`metadata`] read what a server says about itself,
//! [`jwk`] its keys, [`jws`] a signed token, and [`id_token`] believes one or says why not.
//! [`assertion`] signs in our own name. [`public_key`] and [`private_key`] hold what aws-lc computes with.
//!
//! To add a step of the protocol: 1. one file with its `build_…` and its `parse_…` or `check_…`,
//! each with the section of the RFC it follows, 2. a line below, 3. its faults as codes in
//! `domain/fault.rs`, 4. answers seen in the wild as files under `fixtures/oauth/`, which the
//! file's own test walks.
//!
//! To add a tolerated deviation: 1. a variant in [`quirk`] (the compiler asks for its text),
//! 2. the place that repairs it, 3. a fixture that names it.

pub mod assertion;
pub mod authorize;
pub mod client_auth;
pub mod complaint;
pub mod id_token;
pub mod issuer;
pub mod json;
pub mod jwk;
pub mod jws;
pub mod media;
pub mod metadata;
pub mod pairs;
pub mod private_key;
pub mod public_key;
pub mod pushed;
pub mod quirk;
pub mod response;
pub mod server;
pub mod shown;
pub mod token;
pub mod token_body;
pub mod whoami;
pub mod wire;
