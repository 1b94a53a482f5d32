//! Secrets that may stand in a file that others can read: sealed with a key of the ring (DESIGN §4).
//!
//! `countersign secret seal` writes one, `{ sealed = "…" }` refers to it. What is sealed opens wherever the key ring is,
//! in any file and setting: keep the ring apart from the files. The key that sealed it must stay in the ring, active or
//! retired; after its revocation nothing of it opens.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::secret::Secret;

use super::{KeyRing, KeyState, SealKey};

/// What a sealed secret begins with: the first form there is.
const FORM: &str = "cs1";
/// What separates this use of a seal key from every other.
const PURPOSE: &[u8] = b"countersign sealed secret 1";

/// Why a sealed secret does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// It is no sealed secret.
    #[error("this is no sealed secret")]
    Form,
    /// The key that sealed it is not in the ring, or is revoked.
    #[error("the seal key `{0}`, which sealed it, is not in the key ring or is revoked")]
    Key(String),
    /// It was changed, or sealed with another key of the same name.
    #[error("it was changed, or another key ring sealed it")]
    Tampered,
}

/// Seals a secret with the ring's active key: `cs1.<key id>.<nonce, ciphertext and tag in base64url>`. A nonce is
/// random and never used twice.
pub fn seal(ring: &KeyRing, secret: &Secret, nonce: [u8; NONCE_LEN]) -> String {
    let key = ring.active_seal();
    let mut body = Zeroizing::new(secret.expose().as_bytes().to_vec());
    let tag = cipher(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), place(key.id()), &mut body)
        .expect("a secret is shorter than the 64 GiB of AES-GCM");
    let sealed = [&nonce[..], &body, tag.as_ref()].concat();
    format!("{FORM}.{}.{}", key.id(), URL_SAFE_NO_PAD.encode(sealed))
}

/// Opens what [`seal`] made, with any key of the ring that is not revoked.
pub fn open(ring: &KeyRing, text: &str) -> Result<Secret, SealedError> {
    let rest = text.strip_prefix(FORM).and_then(|rest| rest.strip_prefix('.')).ok_or(SealedError::Form)?;
    // A key's id may hold dots, the rest does not.
    let (id, body) = rest.rsplit_once('.').ok_or(SealedError::Form)?;
    let sealed = URL_SAFE_NO_PAD.decode(body).map_err(|_| SealedError::Form)?;
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealedError::Form)?;
    let mut known = ring.seal_keys().iter().filter(|key| key.state() != KeyState::Revoked);
    let key = known.find(|key| key.id() == id).ok_or_else(|| SealedError::Key(id.to_owned()))?;
    let mut plain = Zeroizing::new(body.to_vec());
    let opened = cipher(key)
        .open_in_place(Nonce::assume_unique_for_key(*nonce), place(id), plain.as_mut_slice())
        .map_err(|_| SealedError::Tampered)?;
    std::str::from_utf8(opened).map(Secret::new).map_err(|_| SealedError::Tampered)
}

fn cipher(key: &SealKey) -> LessSafeKey {
    let root = Salt::new(HKDF_SHA256, PURPOSE).extract(key.expose());
    let okm = root.expand(&[b"key"], &AES_256_GCM).expect("a key is shorter than HKDF's limit");
    LessSafeKey::new(UnboundKey::from(okm))
}

fn place(id: &str) -> Aad<Vec<u8>> {
    Aad::from([PURPOSE, b"\0", id.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use crate::clock::Clock;

    use super::*;

    fn ring() -> KeyRing {
        KeyRing::generate(&Clock::system())
    }

    #[test]
    fn what_is_sealed_opens_with_its_ring_and_hides_the_secret() {
        let ring = ring();
        let sealed = seal(&ring, &Secret::new("canary secret"), [7; NONCE_LEN]);
        assert!(sealed.starts_with("cs1.") && !sealed.contains("canary"), "{sealed}");
        assert_eq!(open(&ring, &sealed).unwrap().expose(), "canary secret");
        assert_ne!(sealed, seal(&ring, &Secret::new("canary secret"), [8; NONCE_LEN]));
    }

    #[test]
    fn another_ring_and_a_changed_text_open_nothing() {
        let (ours, theirs) = (ring(), ring());
        let sealed = seal(&ours, &Secret::new("a secret"), [7; NONCE_LEN]);
        let (head, body) = sealed.rsplit_once('.').unwrap();
        assert!(matches!(open(&theirs, &sealed), Err(SealedError::Key(_) | SealedError::Tampered)));
        let mut bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(open(&ours, &changed).unwrap_err(), SealedError::Tampered, "byte {at}");
            bytes[at] ^= 1;
        }
        let unknown = format!("cs1.nobody.{body}");
        assert_eq!(open(&ours, &unknown).unwrap_err(), SealedError::Key("nobody".to_owned()));
        for none in ["", "cs1", "cs1.", "cs1.a", "cs2.a.b", "cs1.a.?", "cs1.a.AAAA", "a secret"] {
            assert_eq!(open(&ours, none).unwrap_err(), SealedError::Form, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(cs1\\.)?\\PC{0,60}") {
            // Its signing key takes long to make.
            static RING: LazyLock<KeyRing> = LazyLock::new(ring);
            let _ = open(&RING, &text);
        }
    }
}
