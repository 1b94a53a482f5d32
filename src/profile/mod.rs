//! profile.

pub mod expression;
pub mod fault;
pub mod mapping;
pub mod name;
mod repair;
pub mod whoami;
