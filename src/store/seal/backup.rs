//! The keys of backups: each file has one of its own, derived from a seal key. Index keys are told
//! apart by something that tells nothing of them.

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::Prk;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Ring, SealKeys};

/// What the key of a backup is derived for.
const BACKUP_INFO: &[u8] = b"\0backup\0";
/// What tells index keys apart without telling anything of them.
const PRINT_INFO: &[u8] = b"\0print\0";

impl Ring {
    /// The name of the key that seals.
    pub(in crate::store) fn active_id(&self) -> String {
        let current = self.current.load();
        current.keys.seals[current.keys.active].0.to_string()
    }

    /// Whether a seal key is in the ring.
    pub(in crate::store) fn has_seal(&self, id: &str) -> bool {
        self.current.load().keys.seals.iter().any(|(known, _)| **known == *id)
    }

    /// The key of the backup with this salt, derived from a seal key; none if that is not in the ring.
    pub(in crate::store) fn backup_key(&self, id: &str, salt: &[u8]) -> Option<LessSafeKey> {
        let current = self.current.load();
        let (_, seal) = current.keys.seals.iter().find(|(known, _)| **known == *id)?;
        let info = [BACKUP_INFO, salt];
        let okm = seal.expand(&info, &AES_256_GCM).expect("an AES key is shorter than HKDF's limit");
        Some(LessSafeKey::new(UnboundKey::from(okm)))
    }

    /// What tells the index keys apart: of the active one, then of those before and after.
    pub(in crate::store) fn index_prints(&self) -> Vec<String> {
        let current = self.current.load();
        let SealKeys { index, next_index, previous_index, .. } = &current.keys;
        let keys = [Some(index), previous_index.as_ref(), next_index.as_ref()].into_iter().flatten();
        let print = |index| URL_SAFE_NO_PAD.encode(&hmac::sign(&print_key(index), PRINT_INFO).as_ref()[..16]);
        keys.map(print).collect()
    }
}

fn print_key(index: &Prk) -> hmac::Key {
    let info = [PRINT_INFO];
    hmac::Key::from(index.expand(&info, hmac::HMAC_SHA256).expect("a key is shorter than HKDF's limit"))
}
