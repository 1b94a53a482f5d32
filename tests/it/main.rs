//! The one integration binary: a folder `harness/` and one file per flow or layer.

mod architecture;
mod demo_desk;
mod demo_provider;
mod egress;
mod issuer;
mod pages;
mod profile;
mod settings;
mod store;
