//! web.

pub mod page;
