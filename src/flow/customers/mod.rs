//! Customers without a chat: they sign in by a code that is sent to their address, and see and change their own record.
//!
//! | file | what it holds |
//! |---|---|
//! | [`code`] | a code is sent, and typed |
//! | [`enter`] | whose contact an address is, made if nobody knows it |
//! | [`own`] | the own record: read, changed, ways to sign in taken away |
//!
//! To add something that customers may do: 1. a method in [`own`] that takes the contact of the token and nothing that
//! names another one, 2. its endpoint in `web/client_api/`, 3. a case in `tests/it/customers/`.

pub mod code;
mod enter;
pub mod own;

pub use enter::SignedInCustomer;
