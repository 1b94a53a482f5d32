//! The pages of a tenant's admins.
//!
//! To add an area: 1. a folder here with a `routes` function, 2. its line below and in the URL table, 3. its
//! templates under `templates/admin/`, 4. its tests.

pub mod attempts;
pub mod binding;
pub mod clients;
pub mod overview;
pub mod providers;
pub mod staff;
pub mod webchat;
pub mod websites;
pub mod words;
