//! The one integration binary: a folder `harness/` and one file per flow or layer.
#![expect(missing_docs, reason = "tests document themselves by their names")]

mod architecture;
mod egress;
mod issuer;
mod profile;
mod settings;
mod store;
