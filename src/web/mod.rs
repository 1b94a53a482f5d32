//! web.

pub mod access;
pub mod listener;
pub mod oauth;
