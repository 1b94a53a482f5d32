//! Sealing: no value reaches a backend in clear, and nothing personal is found without a key.
//!
//! A sealed value is one format byte (1), the length and the text of the seal key's id, a nonce
//! of 12 bytes, and the AES-256-GCM ciphertext with its tag (NIST SP 800-38D). The data key is
//! HKDF-SHA256 (RFC 5869) of the seal key and the tenant; tenant, kind and key are associated
//! data, so that a value opens nowhere but where it was put.

mod backup;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use foldhash::fast::RandomState;
use zeroize::Zeroizing;

use crate::domain::ids::TenantId;

use super::audit::Sealing;
use super::backend::{Key, Partition};
use super::decoded::Decoded;
use super::hashed::Names;
use super::keys;

/// The layout described above; another layout gets another number.
const FORMAT: u8 = 1;
/// The kind under which texts are sealed that stand in URLs. No record has it.
const TEXT_KIND: &str = "text";
/// What the keys of the audit's checkpoints are derived for: no tenant's name begins so.
const AUDIT_INFO: &[u8] = b"\0audit\0";
/// Purposes of hashes whose keys are remembered per tenant: there are about ten, all of them words of ours.
const REMEMBERED_PURPOSES: usize = 32;
/// Tenants whose derived keys are remembered; when there are more, all are derived anew (about 10 µs each).
const REMEMBERED_TENANTS: usize = 20_000;

/// The secret keys of the store: seal keys, one of which seals while the others only open what
/// they sealed before, and the index key, with its successor and predecessor while it is replaced.
pub struct SealKeys {
    active: usize,
    seals: Vec<(Arc<str>, Prk)>,
    index: Prk,
    next_index: Option<Prk>,
    previous_index: Option<Prk>,
}

/// Why keys are no [`SealKeys`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealKeysError {
    /// The active key is not among the keys.
    #[error("the active seal key `{0}` is not in the key ring")]
    NoActive(String),
    /// An id stands twice.
    #[error("the seal key id `{0}` stands twice; give every key an id of its own")]
    Twice(String),
    /// An id is empty or too long.
    #[error("the seal key id `{0}` is not 1 to 64 bytes long")]
    BadId(String),
}

/// Why sealed bytes do not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are too short, or of an unknown format.
    #[error("the bytes are no sealed value")]
    Format,
    /// The key that sealed them is not in the key ring.
    #[error("the seal key `{0}` is not in the key ring; put it back, at least as a retired key")]
    UnknownKey(String),
    /// The bytes were changed, moved from another place, or sealed with another key of the same id.
    #[error("the sealed value is not the one that was put here")]
    Tampered,
}

impl SealKeys {
    /// Takes the raw keys. Ids are 1 to 64 bytes long and distinct. The bytes are wiped.
    pub fn new(
        active: &str,
        seals: impl IntoIterator<Item = (String, [u8; 32])>,
        index: [u8; 32],
    ) -> Result<Self, SealKeysError> {
        let mut prepared: Vec<(Arc<str>, Prk)> = Vec::new();
        for (id, bytes) in seals {
            let bytes = Zeroizing::new(bytes);
            if !(1..=64).contains(&id.len()) {
                return Err(SealKeysError::BadId(id));
            }
            if prepared.iter().any(|(known, _)| **known == *id) {
                return Err(SealKeysError::Twice(id));
            }
            prepared.push((id.into(), root(b"countersign seal 1", &bytes)));
        }
        let position = prepared.iter().position(|(id, _)| **id == *active);
        let active = position.ok_or_else(|| SealKeysError::NoActive(active.to_owned()))?;
        Ok(Self { active, seals: prepared, index: index_root(index), next_index: None, previous_index: None })
    }

    /// The same with the index keys under which something may stand beside the active one: the next, with which
    /// other brokers may write already, and the previous, from which everything is moved. The bytes are wiped.
    #[must_use]
    pub fn with_indexes(mut self, next: Option<[u8; 32]>, previous: Option<[u8; 32]>) -> Self {
        self.next_index = next.map(index_root);
        self.previous_index = previous.map(index_root);
        self
    }
}

impl std::fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.seals.iter().map(|(id, _)| id)).finish()
    }
}

/// The keys in use, replaceable while requests read them, with what was derived from them.
pub(super) struct Ring {
    current: ArcSwap<Current>,
}

struct Current {
    keys: SealKeys,
    tenants: RwLock<HashMap<TenantId, Arc<TenantKeys>, RandomState>>,
    /// What these keys have opened: a key that was revoked opens nothing, and so it knows nothing either.
    decoded: Arc<Decoded>,
}

impl Ring {
    pub(super) fn new(keys: SealKeys) -> Self {
        Self { current: ArcSwap::from_pointee(Current::new(keys)) }
    }

    pub(super) fn replace(&self, keys: SealKeys) {
        self.current.store(Arc::new(Current::new(keys)));
    }

    /// Whether something may stand under an index key that is on its way out.
    pub(super) fn has_previous_index(&self) -> bool {
        self.current.load().keys.previous_index.is_some()
    }

    pub(super) fn of(&self, tenant: &TenantId) -> Arc<TenantKeys> {
        let current = self.current.load();
        if let Some(known) = current.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return Arc::clone(known);
        }
        let derived = TenantKeys::derive(&current.keys, tenant);
        let derived = Arc::new(TenantKeys { decoded: Arc::clone(&current.decoded), ..derived });
        let mut tenants = current.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= REMEMBERED_TENANTS {
            tenants.clear();
        }
        Arc::clone(tenants.entry(tenant.clone()).or_insert(derived))
    }
}

impl Current {
    fn new(keys: SealKeys) -> Self {
        Self { keys, tenants: RwLock::default(), decoded: Arc::default() }
    }
}

/// A tenant's place and keys.
pub(super) struct TenantKeys {
    pub(super) tenant: TenantId,
    pub(super) partition: Partition,
    active: usize,
    seals: Vec<(Arc<str>, LessSafeKey)>,
    index: Prk,
    /// Derived from the index key when first used.
    hashes: RwLock<Vec<(Box<str>, hmac::Key)>>,
    next_index: Option<Prk>,
    previous_index: Option<Prk>,
    /// Whether the store knows the tenant's name.
    pub(super) listed: AtomicBool,
    /// By which the audit's checkpoints are signed, one per seal key.
    audits: Vec<hmac::Key>,
    /// Until when the audit's next checkpoint is due already.
    pub(super) sealing: Sealing,
    /// Records of all tenants that were decoded with these keys.
    pub(super) decoded: Arc<Decoded>,
}

impl TenantKeys {
    pub(super) fn derive(keys: &SealKeys, tenant: &TenantId) -> Self {
        let info = [tenant.as_str().as_bytes()];
        let seals = keys.seals.iter().map(|(id, seal)| {
            let okm = seal.expand(&info, &AES_256_GCM).expect("an AES key is shorter than HKDF's limit");
            (Arc::clone(id), LessSafeKey::new(UnboundKey::from(okm)))
        });
        let audits = keys.seals.iter().map(|(_, seal)| {
            let info = [AUDIT_INFO, tenant.as_str().as_bytes()];
            hmac::Key::from(
                seal.expand(&info, hmac::HMAC_SHA256).expect("a key is shorter than HKDF's limit"),
            )
        });
        let index = |index: &Prk| {
            Prk::from(index.expand(&info, HKDF_SHA256).expect("a hash is shorter than HKDF's limit"))
        };
        Self {
            partition: keys::partition_of(tenant),
            tenant: tenant.clone(),
            active: keys.active,
            seals: seals.collect(),
            index: index(&keys.index),
            hashes: RwLock::default(),
            next_index: keys.next_index.as_ref().map(index),
            previous_index: keys.previous_index.as_ref().map(index),
            listed: AtomicBool::new(false),
            audits: audits.collect(),
            sealing: Sealing::default(),
            decoded: Arc::default(),
        }
    }

    /// The name of the key that signs checkpoints now, and the key.
    pub(super) fn audit_key(&self) -> (&str, &hmac::Key) {
        (&self.seals[self.active].0, &self.audits[self.active])
    }

    /// The key that signed a checkpoint, by its name; none if it is not in the key ring.
    pub(super) fn audit_key_of(&self, id: &str) -> Option<&hmac::Key> {
        let at = self.seals.iter().position(|(known, _)| **known == *id)?;
        self.audits.get(at)
    }

    /// The tenant's key of a kind. `name` holds nothing personal.
    pub(super) fn key(&self, kind: &str, name: &str) -> Key {
        keys::tenant_key(self.partition, &self.tenant, kind, name)
    }

    /// HMAC-SHA256 (RFC 2104) of a text under a key of this tenant and purpose, in base64url.
    pub(super) fn hash(&self, purpose: &str, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.sign(purpose, text))
    }

    /// The same with every index key: the names under which something may stand.
    pub(super) fn names(&self, purpose: &str, text: &str) -> Names {
        let hash = |index: &Prk| hmac::sign(&hash_key_of(index, purpose), text.as_bytes());
        let other = |index: &Option<Prk>| index.as_ref().map(|index| URL_SAFE_NO_PAD.encode(hash(index)));
        Names {
            active: self.hash(purpose, text),
            next: other(&self.next_index),
            previous: other(&self.previous_index),
        }
    }

    /// A derivation costs more than the hash itself, so the keys are kept; to copy one costs half as much.
    fn sign(&self, purpose: &str, text: &str) -> hmac::Tag {
        let known = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = known.iter().find(|(known, _)| **known == *purpose) {
            return hmac::sign(key, text.as_bytes());
        }
        drop(known);
        let key = hash_key_of(&self.index, purpose);
        let tag = hmac::sign(&key, text.as_bytes());
        let mut known = self.hashes.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REMEMBERED_PURPOSES {
            known.push((purpose.into(), key));
        }
        tag
    }

    /// Seals `plain` for the place `key`. A nonce is random and never used twice. It is sealed where it stands, so
    /// that no plain byte is left to be wiped.
    pub(super) fn seal(
        &self,
        kind: &str,
        key: &[u8],
        mut plain: Zeroizing<Vec<u8>>,
        nonce: [u8; NONCE_LEN],
    ) -> Vec<u8> {
        let (id, cipher) = &self.seals[self.active];
        let tag = cipher
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.place(kind, key)),
                &mut plain,
            )
            .expect("a value is shorter than the 64 GiB of AES-GCM");
        let body = std::mem::take(&mut *plain);
        let head = 2 + id.len() + NONCE_LEN;
        let mut sealed = Vec::with_capacity(head + body.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.push(u8::try_from(id.len()).expect("an id has at most 64 bytes"));
        sealed.extend_from_slice(id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what was sealed for the place `key`.
    pub(super) fn open(
        &self,
        kind: &str,
        key: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, nonce, body) = split(sealed).ok_or(SealError::Format)?;
        let cipher = self.seals.iter().find(|(known, _)| known.as_bytes() == id).map(|(_, cipher)| cipher);
        let unknown = || SealError::UnknownKey(String::from_utf8_lossy(id).into_owned());
        let cipher = cipher.ok_or_else(unknown)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = cipher
            .open_in_place(nonce, Aad::from(self.place(kind, key)), plain.as_mut_slice())
            .map_err(|_| SealError::Tampered)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Seals a short text for a URL.
    pub(super) fn seal_text(&self, purpose: &str, text: &str, nonce: [u8; NONCE_LEN]) -> String {
        let plain = Zeroizing::new(text.as_bytes().to_vec());
        URL_SAFE_NO_PAD.encode(self.seal(TEXT_KIND, purpose.as_bytes(), plain, nonce))
    }

    /// Opens a text from a URL; none if it was not sealed here for this purpose.
    pub(super) fn open_text(&self, purpose: &str, sealed: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let plain = self.open(TEXT_KIND, purpose.as_bytes(), &sealed).ok()?;
        std::str::from_utf8(&plain).ok().map(str::to_owned)
    }

    /// The associated data: tenant, kind and key, so written that no two places give the same bytes.
    fn place(&self, kind: &str, key: &[u8]) -> Vec<u8> {
        let tenant = self.tenant.as_str();
        let mut place = Vec::with_capacity(2 + tenant.len() + kind.len() + key.len());
        for part in [tenant, kind] {
            place.extend_from_slice(part.as_bytes());
            place.push(0);
        }
        place.extend_from_slice(key);
        place
    }
}

/// The name of the key that sealed a value; none if it is no sealed value.
pub(super) fn sealed_by(value: &[u8]) -> Option<&str> {
    split(value).and_then(|(id, _, _)| std::str::from_utf8(id).ok())
}

fn hash_key_of(index: &Prk, purpose: &str) -> hmac::Key {
    let info = [purpose.as_bytes()];
    let okm = index.expand(&info, hmac::HMAC_SHA256).expect("a hash is shorter than HKDF's limit");
    hmac::Key::from(okm)
}

fn index_root(key: [u8; 32]) -> Prk {
    root(b"countersign index 1", &Zeroizing::new(key))
}

fn root(salt: &[u8], key: &[u8; 32]) -> Prk {
    Salt::new(HKDF_SHA256, salt).extract(key)
}

/// Key id, nonce, and the ciphertext with its tag.
fn split(sealed: &[u8]) -> Option<(&[u8], [u8; NONCE_LEN], &[u8])> {
    let (&format, rest) = sealed.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(length))?;
    let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
    (format == FORMAT && body.len() >= AES_256_GCM.tag_len()).then_some((id, *nonce, body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: [u8; NONCE_LEN] = [9; NONCE_LEN];

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn ring(active: &str, ids: &[(&str, u8)], index: u8) -> SealKeys {
        let seals = ids.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32]));
        SealKeys::new(active, seals, [index; 32]).unwrap()
    }

    fn plain(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(bytes.to_vec())
    }

    fn keys() -> TenantKeys {
        TenantKeys::derive(&ring("k1", &[("k1", 1)], 2), &tenant("acme"))
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_put_and_nowhere_else() {
        let sealed = keys().seal("link", b"a", plain(b"canary"), NONCE);
        assert_eq!(&**keys().open("link", b"a", &sealed).unwrap(), b"canary");
        assert_eq!(keys().open("link", b"b", &sealed), Err(SealError::Tampered));
        assert_eq!(keys().open("contact", b"a", &sealed), Err(SealError::Tampered));
        let other = TenantKeys::derive(&ring("k1", &[("k1", 1)], 2), &tenant("other"));
        assert_eq!(other.open("link", b"a", &sealed), Err(SealError::Tampered));
    }

    #[test]
    fn a_sealed_value_says_its_format_key_and_nonce_and_hides_the_rest() {
        let sealed = keys().seal("link", b"a", plain(b"canary"), NONCE);
        assert_eq!(&sealed[..4], b"\x01\x02k1");
        assert_eq!(sealed[4..16], NONCE);
        assert_eq!(sealed.len(), 16 + 6 + 16);
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }

    #[test]
    fn a_retired_key_still_opens_what_it_sealed() {
        let sealed = keys().seal("link", b"a", plain(b"old"), NONCE);
        let rotated = TenantKeys::derive(&ring("k2", &[("k1", 1), ("k2", 7)], 2), &tenant("acme"));
        assert_eq!(&**rotated.open("link", b"a", &sealed).unwrap(), b"old");
        let newer = rotated.seal("link", b"a", plain(b"new"), NONCE);
        assert_eq!(keys().open("link", b"a", &newer), Err(SealError::UnknownKey("k2".to_owned())));
    }

    #[test]
    fn a_wrong_key_of_the_same_id_is_an_error() {
        let sealed = keys().seal("link", b"a", plain(b"text"), NONCE);
        let wrong = TenantKeys::derive(&ring("k1", &[("k1", 8)], 2), &tenant("acme"));
        assert_eq!(wrong.open("link", b"a", &sealed), Err(SealError::Tampered));
    }

    #[test]
    fn a_key_ring_without_an_active_key_or_with_bad_ids_is_refused() {
        let new = |active, ids: &[&str]| {
            SealKeys::new(active, ids.iter().map(|id| ((*id).to_owned(), [1; 32])), [2; 32]).unwrap_err()
        };
        assert_eq!(new("b", &["a"]), SealKeysError::NoActive("b".to_owned()));
        assert_eq!(new("a", &["a", "a"]), SealKeysError::Twice("a".to_owned()));
        assert_eq!(new("", &[""]), SealKeysError::BadId(String::new()));
        assert!(matches!(new("a", &["a", &"x".repeat(65)]), SealKeysError::BadId(_)));
    }

    #[test]
    fn the_ring_can_be_replaced_while_it_is_in_use() {
        let ring_in_use = Ring::new(ring("k1", &[("k1", 1)], 2));
        let before = ring_in_use.of(&tenant("acme"));
        assert!(Arc::ptr_eq(&before, &ring_in_use.of(&tenant("acme"))), "derived once");
        ring_in_use.replace(ring("k2", &[("k1", 1), ("k2", 7)], 2));
        let sealed = ring_in_use.of(&tenant("acme")).seal("link", b"a", plain(b"new"), NONCE);
        assert_eq!(&sealed[2..4], b"k2");
    }

    #[test]
    fn a_hash_differs_by_text_purpose_tenant_and_index_key_only() {
        let hash = |name, seal, index, purpose, text| {
            TenantKeys::derive(&ring("k", &[("k", seal)], index), &tenant(name)).hash(purpose, text)
        };
        let one = hash("acme", 1, 2, "email", "a@b.example");
        assert_eq!(one.len(), 43);
        assert_eq!(one, hash("acme", 9, 2, "email", "a@b.example"), "a rotated seal key finds the same");
        assert_ne!(one, hash("acme", 1, 2, "email", "b@b.example"));
        assert_ne!(one, hash("acme", 1, 2, "phone", "a@b.example"));
        assert_ne!(one, hash("other", 1, 2, "email", "a@b.example"));
        assert_ne!(one, hash("acme", 1, 3, "email", "a@b.example"));
    }

    #[test]
    fn while_the_index_key_is_replaced_a_text_has_a_name_under_each() {
        let keys = |index, next: Option<u8>, previous: Option<u8>| {
            let bytes = |byte: u8| [byte; 32];
            let keys = ring("k", &[("k", 1)], index).with_indexes(next.map(bytes), previous.map(bytes));
            TenantKeys::derive(&keys, &tenant("acme")).names("email", "a@b.example")
        };
        let (before, after) = (keys(2, Some(3), None), keys(3, None, Some(2)));
        assert_eq!(
            (&before.active, before.next.as_ref()),
            (after.previous.as_ref().unwrap(), Some(&after.active))
        );
        assert_eq!(keys(2, None, None).all().count(), 1);
    }

    #[test]
    fn a_text_opens_for_its_own_purpose_only() {
        let handle = keys().seal_text("result", "al_1", NONCE);
        assert_eq!(keys().open_text("result", &handle).as_deref(), Some("al_1"));
        assert_eq!(keys().open_text("console", &handle), None);
        assert_eq!(keys().open_text("result", "no handle"), None);
    }

    #[test]
    fn debug_shows_ids_and_no_keys() {
        assert_eq!(format!("{:?}", ring("k1", &[("k1", 1)], 2)), "[\"k1\"]");
    }

    proptest! {
        #[test]
        fn garbage_never_opens_and_never_panics(bytes: Vec<u8>, text: String) {
            prop_assert!(keys().open("link", b"a", &bytes).is_err());
            prop_assert!(keys().open_text("result", &text).is_none());
        }

        #[test]
        fn a_cut_or_changed_value_never_opens(plain: Vec<u8>, at: prop::sample::Index, flip in 1..=255_u8) {
            let sealed = keys().seal("link", b"a", super::Zeroizing::new(plain.clone()), NONCE);
            prop_assert_eq!(&**keys().open("link", b"a", &sealed).unwrap(), &plain[..]);
            let at = at.index(sealed.len());
            prop_assert!(keys().open("link", b"a", &sealed[..at]).is_err());
            let mut changed = sealed;
            changed[at] ^= flip;
            prop_assert!(keys().open("link", b"a", &changed).is_err());
        }
    }
}
