//! `countersign openapi`: the description of the API, for generators of clients.

use std::io::Write;

use crate::web::openapi;

/// Prints the description, for a server at `origin` or for the example's.
pub fn run(origin: Option<&str>, out: &mut dyn Write) -> anyhow::Result<u8> {
    out.write_all(openapi::pretty(origin.unwrap_or(openapi::ANYWHERE)).as_bytes())?;
    Ok(0)
}
