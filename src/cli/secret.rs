//! `countersign secret hash|seal`: from a secret to what may stand in a file.

use std::io::{IsTerminal, Read, Write};

use anyhow::{Context, bail};
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::NONCE_LEN;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::keyring::{KeyRing, sealed};
use crate::secret::Secret;

use super::args::KeyFile;

/// Memory in KiB, rounds and lanes of argon2id: what OWASP's password storage sheet gives as minimum.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The longest secret, in bytes.
const MAX_LENGTH: u64 = 4096;

/// Reads one line and prints its hash.
pub fn run(
    input: &mut (impl Read + IsTerminal),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let secret = ask(input, err)?;
    writeln!(out, "{}", hash_secret(&secret, &Clock::system()))?;
    Ok(0)
}

/// Reads one line and prints it sealed with the active key of the ring.
pub fn seal(
    file: &KeyFile,
    input: &mut (impl Read + IsTerminal),
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    // Nobody should type a secret for a ring that is not there.
    let ring = KeyRing::read(&file.keys)?;
    let secret = ask(input, err)?;
    let mut nonce = [0; NONCE_LEN];
    Clock::system().fill(&mut nonce);
    writeln!(out, "{}", sealed::seal(&ring, &secret, nonce))?;
    Ok(0)
}

/// One secret from standard input.
pub(super) fn ask(input: &mut (impl Read + IsTerminal), err: &mut dyn Write) -> anyhow::Result<Secret> {
    if input.is_terminal() {
        writeln!(err, "type the secret and press Enter, then Ctrl-D (it is shown as you type):")?;
    }
    read_line(input)
}

/// The argon2id hash of a secret in PHC form, with a fresh salt (RFC 9106).
pub fn hash_secret(secret: &Secret, clock: &Clock) -> String {
    let (memory, rounds, lanes) = COST;
    let params = Params::new(memory, rounds, lanes, None).expect("the costs are within argon2's bounds");
    let mut salt = [0; 16];
    clock.fill(&mut salt);
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(secret.expose().as_bytes(), &salt)
        .expect("a secret of any length can be hashed with a salt of 16 bytes");
    hash.to_string()
}

fn read_line(input: &mut impl Read) -> anyhow::Result<Secret> {
    let mut text = Zeroizing::new(String::new());
    input.take(MAX_LENGTH + 1).read_to_string(&mut text).context("the secret is not UTF-8")?;
    let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    if secret.is_blank() {
        bail!(
            "the secret is blank; give it on standard input, e.g. `openssl rand -base64 32 | countersign secret hash`"
        );
    }
    if secret.expose().contains(['\r', '\n']) {
        bail!("the secret has several lines; give exactly one");
    }
    if text.len() as u64 > MAX_LENGTH {
        bail!("the secret is longer than {MAX_LENGTH} bytes");
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::password_hash::PasswordVerifier;

    #[test]
    fn a_hash_verifies_its_secret_and_no_other() {
        let hash = hash_secret(&Secret::new("correct horse"), &Clock::system());
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(crate::config::clients::check_hash(&hash), Ok(()));
        let parsed = PasswordHash::new(&hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct house", &parsed).is_err());
    }

    #[test]
    fn the_same_secret_has_another_hash_each_time() {
        let (secret, clock) = (Secret::new("a"), Clock::system());
        assert_ne!(hash_secret(&secret, &clock), hash_secret(&secret, &clock));
    }

    #[test]
    fn one_line_is_read_and_nothing_else() {
        let read = |text: &str| read_line(&mut text.as_bytes());
        assert_eq!(read("pa ss \r\n").unwrap().expose(), "pa ss ");
        assert_eq!(read("pass").unwrap().expose(), "pass");
        for bad in ["", "\n", "  \n", "a\nb\n", &"x".repeat(5000)] {
            assert!(read(bad).is_err());
        }
        assert!(read_line(&mut &b"\xff\n"[..]).is_err());
    }
}
