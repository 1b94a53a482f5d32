//! The pages of a tenant's admins.
//!
//! | folder | what it shows |
//! |---|---|
//! | [`overview`] | how sign-ins go: `/admin` |
//! | [`attempts`] | every opening of a link, and why it failed: `/admin/attempts` |
//! | [`binding`] | what each channel must prove: `/admin/binding` |
//! | [`words`] | what things are called here |
//!
//! To add a page: see `web/staff/mod.rs`; its folder here has its own `routes`.

pub mod attempts;
pub mod binding;
pub mod overview;
pub mod words;
