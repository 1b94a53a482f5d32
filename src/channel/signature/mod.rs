//! Whether a webhook comes from the channel whose name it bears: a signature over its raw bytes. Nothing
//! of a body is read before its signature is verified, and every comparison takes the same time.
//!
//! To add a channel's signature: 1. a file with a `verify` that takes the header as it came and the raw
//! body, and its source, 2. a line below, 3. a vector of the channel's documentation as a test, and garbage
//! by proptest.

pub mod apple;
pub mod meta;
