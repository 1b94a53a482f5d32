//! profile.

pub mod expression;
pub mod fault;
pub mod mapping;
mod repair;
