//! The key pair of one request of the older flow, and what the phone encrypts for it: ECIES over P-384 with
//! the ANSI X9.63 key derivation over SHA-256, and AES-256-GCM with an IV of 16 bytes (Apple's
//! `eciesEncryptionCofactorVariableIVX963SHA256AESGCM`; *Decrypting the authentication token*).

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, consts::U16};
use aes_gcm::{AesGcm, Nonce, aes::Aes256};
use aws_lc_rs::agreement::{ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Bytes of a private key.
pub const SCALAR: usize = 48;
/// Bytes of an uncompressed point: a 4 and both coordinates.
const POINT: usize = 97;
/// Bytes of the authentication tag at the end.
const TAG: usize = 16;
/// Bytes of the AES key; the IV follows it.
const KEY: usize = 32;
/// The longest token, as base64. An access token in it has a tenth of that.
const MOST: usize = 64 * 1024;

/// Apple writes padding; who forwards the reply may not.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The private key of one request.
pub struct ResponseKey {
    scalar: Zeroizing<[u8; SCALAR]>,
    key: PrivateKey,
}

/// A text that is no private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a response key is a number of at most 48 bytes below the order of P-384, as base64")]
pub struct ResponseKeyError;

/// Why a token cannot be read. Nobody outside is told which of them it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not base64, or far too long.
    #[error("the token is not base64")]
    NotBase64,
    /// Too short for a point and a tag.
    #[error("the token has less than {} bytes", POINT + TAG)]
    TooShort,
    /// It does not begin with an uncompressed point of the curve.
    #[error("the token does not begin with a point of P-384")]
    Point,
    /// Made for another request, or changed on its way.
    #[error("the token was not encrypted for this request")]
    Tag,
    /// What was encrypted is no text.
    #[error("the token holds no text")]
    NotText,
}

impl ResponseKey {
    /// A key of random bytes. None for the one draw in 2^190 that is no number below the curve's order: draw again.
    pub fn from_random(bytes: [u8; SCALAR]) -> Option<Self> {
        let scalar = Zeroizing::new(bytes);
        let key = PrivateKey::from_private_key(&ECDH_P384, scalar.as_ref()).ok()?;
        Some(Self { scalar, key })
    }

    /// Reads a key that was kept. Leading zeros may have been dropped.
    pub fn parse(text: &Secret) -> Result<Self, ResponseKeyError> {
        let bytes = Zeroizing::new(TOLERANT.decode(text.expose().trim()).map_err(|_| ResponseKeyError)?);
        let zeros = SCALAR.checked_sub(bytes.len()).ok_or(ResponseKeyError)?;
        let mut scalar = [0; SCALAR];
        scalar[zeros..].copy_from_slice(&bytes);
        Self::from_random(scalar).ok_or(ResponseKeyError)
    }

    /// The key for our records.
    pub fn to_secret(&self) -> Secret {
        Secret::new(STANDARD.encode(self.scalar.as_ref()))
    }

    /// The public half as `responseEncryptionKey` has it: an uncompressed point as base64, 132 characters.
    pub fn public_key(&self) -> String {
        let point = self.key.compute_public_key().expect("a valid private key has a public one");
        STANDARD.encode(point.as_ref())
    }

    /// Decrypts what the phone sent for this request.
    pub fn decrypt(&self, token: &str) -> Result<Secret, TokenFault> {
        let token = token.trim();
        if token.len() > MOST {
            return Err(TokenFault::NotBase64);
        }
        let blob = TOLERANT.decode(token).map_err(|_| TokenFault::NotBase64)?;
        if blob.len() < POINT + TAG {
            return Err(TokenFault::TooShort);
        }
        let (point, sealed) = blob.split_at(POINT);
        if point[0] != 4 {
            return Err(TokenFault::Point);
        }
        let peer = UnparsedPublicKey::new(&ECDH_P384, point);
        let derived = agree(&self.key, peer, TokenFault::Point, |shared| Ok(derive(shared, point)))?;
        let (key, iv) = derived.split_at(KEY);
        let cipher = AesGcm::<Aes256, U16>::new_from_slice(key).map_err(|_| TokenFault::Tag)?;
        let iv = <&Nonce<U16>>::try_from(iv).map_err(|_| TokenFault::Tag)?;
        let plain = cipher.decrypt(iv, sealed).map_err(|_| TokenFault::Tag)?;
        let plain = String::from_utf8(plain).map_err(|_| TokenFault::NotText)?;
        Ok(Secret::new(plain))
    }
}

impl fmt::Debug for ResponseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[response key]")
    }
}

/// ANSI X9.63 over SHA-256, whose shared information is the phone's point: key and IV.
fn derive(shared: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut derived = Zeroizing::new(Vec::with_capacity(64));
    for counter in 1_u32..=2 {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(shared);
        context.update(&counter.to_be_bytes());
        context.update(point);
        derived.extend_from_slice(context.finish().as_ref());
    }
    derived.truncate(KEY + 16);
    derived
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn key(seed: u8) -> ResponseKey {
        ResponseKey::from_random([seed; SCALAR]).unwrap()
    }

    /// What a phone does.
    fn encrypt(public_key: &str, phone: &ResponseKey, plain: &[u8]) -> String {
        let peer = STANDARD.decode(public_key).unwrap();
        let point = phone.key.compute_public_key().unwrap();
        let peer = UnparsedPublicKey::new(&ECDH_P384, &peer);
        let derived = agree(&phone.key, peer, (), |shared| Ok(derive(shared, point.as_ref()))).unwrap();
        let cipher = AesGcm::<Aes256, U16>::new_from_slice(&derived[..KEY]).unwrap();
        let iv = <&Nonce<U16>>::try_from(&derived[KEY..]).unwrap();
        let sealed = cipher.encrypt(iv, plain).unwrap();
        STANDARD.encode([point.as_ref(), &sealed].concat())
    }

    fn tampered(token: &str, at: impl Fn(&mut Vec<u8>)) -> String {
        let mut bytes = STANDARD.decode(token).unwrap();
        at(&mut bytes);
        STANDARD.encode(bytes)
    }

    fn fault(token: &str) -> TokenFault {
        key(7).decrypt(token).unwrap_err()
    }

    #[test]
    fn every_token_of_the_fixtures_is_read_or_refused_as_it_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/apple/token.json");
        let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let key = ResponseKey::parse(&Secret::new(text("private_key"))).unwrap();
            let read = key.decrypt(text("token"));
            match case.get("fault").and_then(Value::as_str) {
                None => assert_eq!(read.unwrap().expose(), text("plain"), "{}", text("name")),
                Some(fault) => assert_eq!(format!("{:?}", read.unwrap_err()), fault, "{}", text("name")),
            }
            if let Some(public_key) = case.get("public_key") {
                assert_eq!(key.public_key(), public_key.as_str().unwrap(), "{}", text("name"));
            }
        }
    }

    #[test]
    fn what_a_phone_encrypts_is_read_with_the_key_of_its_request_only() {
        for plain in ["relay", "", "tökén 🎉", &"x".repeat(9000)] {
            let token = encrypt(&key(7).public_key(), &key(9), plain.as_bytes());
            assert_eq!(key(7).decrypt(&token).unwrap().expose(), plain);
            assert_eq!(key(8).decrypt(&token).unwrap_err(), TokenFault::Tag);
        }
    }

    #[test]
    fn a_changed_cut_or_foreign_token_is_refused() {
        let token = encrypt(&key(7).public_key(), &key(9), b"relay");
        assert_eq!(fault(&tampered(&token, |bytes| *bytes.last_mut().unwrap() ^= 1)), TokenFault::Tag);
        assert_eq!(fault(&tampered(&token, |bytes| bytes[POINT] ^= 1)), TokenFault::Tag);
        assert_eq!(fault(&tampered(&token, |bytes| bytes[50] ^= 1)), TokenFault::Point, "off the curve");
        assert_eq!(fault(&tampered(&token, |bytes| bytes[0] = 2)), TokenFault::Point, "compressed");
        assert_eq!(fault(&tampered(&token, |bytes| bytes.truncate(POINT + TAG - 1))), TokenFault::TooShort);
        assert_eq!(fault(&STANDARD.encode([&[4][..], &[0; 130]].concat())), TokenFault::Point);
        assert_eq!(fault("not base64!"), TokenFault::NotBase64);
        assert_eq!(fault(&"A".repeat(MOST + 4)), TokenFault::NotBase64);
        assert_eq!(fault(&encrypt(&key(7).public_key(), &key(9), b"\xFF\xFE")), TokenFault::NotText);
    }

    #[test]
    fn a_key_is_kept_and_read_with_its_leading_zeros_or_without() {
        let mut bytes = [5; SCALAR];
        bytes[..2].fill(0);
        let key = ResponseKey::from_random(bytes).unwrap();
        let kept = ResponseKey::parse(&key.to_secret()).unwrap();
        let bare = ResponseKey::parse(&Secret::new(STANDARD.encode(&bytes[2..]))).unwrap();
        assert_eq!(key.public_key(), kept.public_key());
        assert_eq!(key.public_key(), bare.public_key());
        assert_eq!(key.public_key().len(), 132);
        assert_eq!(format!("{key:?}"), "[response key]");
    }

    #[test]
    fn nothing_is_no_key_and_neither_is_a_number_past_the_order() {
        assert!(ResponseKey::from_random([0; SCALAR]).is_none());
        assert!(ResponseKey::from_random([0xFF; SCALAR]).is_none());
        for bad in [String::new(), "%".to_owned(), STANDARD.encode([1; SCALAR + 1])] {
            assert!(ResponseKey::parse(&Secret::new(bad)).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
            let with_point = [key(9).key.compute_public_key().unwrap().as_ref(), &bytes].concat();
            for token in [STANDARD.encode(&bytes), STANDARD.encode(with_point), text] {
                prop_assert!(key(7).decrypt(&token).is_err());
            }
        }
    }
}
