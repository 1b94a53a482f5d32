//! `countersign key new`: a fresh key ring.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, bail};

use crate::clock::Clock;
use crate::keyring::KeyRing;

/// Writes a fresh key ring and says its keys' names. A file that exists is left alone.
pub fn run(path: &Path, out: &mut dyn Write) -> anyhow::Result<u8> {
    let shown = path.display();
    let ring = KeyRing::generate(&Clock::system());
    match ring.write_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!(
                "`{shown}` exists and is not overwritten: without its keys nothing in the store can be read"
            );
        }
        written => written.with_context(|| format!("cannot write `{shown}`"))?,
    }
    let (seal, sign) = (ring.active_seal().id(), ring.active_sign().kid());
    writeln!(
        out,
        "wrote `{shown}` (mode 0600): seal key `{seal}`, sign key `{sign}`; keep a copy in a safe place"
    )?;
    Ok(0)
}
