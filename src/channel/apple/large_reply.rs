//! A reply of more than 10 kB does not stand in the webhook but at Apple, encrypted, and the webhook says
//! where and with which key (`interactiveDataRef`): `GET /preDownload` with [`LargeReply::headers`] answers
//! where to download, what is there is decrypted here, and `POST /decodePayload` turns it into JSON.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::hex;
use super::reply::ReplyFault;

/// The largest reply that is fetched: the cap of all answers. One to an authentication message holds a picture at most.
const MOST: usize = 1024 * 1024;
/// The longest text in a reference.
const LONGEST: usize = 4096;

/// Where a big reply is and how it is read.
#[derive(Clone)]
pub struct LargeReply {
    /// Bytes at Apple.
    pub size: usize,
    /// The extension that it is for: the header `bid` of `/decodePayload`.
    pub extension: String,
    url: String,
    owner: String,
    signature: Vec<u8>,
    key: Zeroizing<[u8; 32]>,
}

/// What was downloaded is not what the webhook spoke of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the download has {found} bytes and the message speaks of {expected}")]
pub struct WrongSize {
    /// Bytes that came.
    pub found: usize,
    /// Bytes that were announced.
    pub expected: usize,
}

impl LargeReply {
    /// Reads `interactiveDataRef`.
    pub fn parse(reference: &Value) -> Result<Self, ReplyFault> {
        let url = header(reference, "url", "/interactiveDataRef/url")?;
        let owner = header(reference, "owner", "/interactiveDataRef/owner")?;
        let extension = header(reference, "bid", "/interactiveDataRef/bid")?;
        let signature = reference.get("signature").and_then(Value::as_str).and_then(unhex);
        let signature =
            signature.ok_or(field("/interactiveDataRef/signature", "is missing or not hexadecimal"))?;
        let key = reference.get("key").and_then(Value::as_str).and_then(parse_key);
        let key =
            key.ok_or(field("/interactiveDataRef/key", "is missing or no key of 32 bytes behind a zero"))?;
        let size = reference.get("size").and_then(parse_size);
        let size = size.ok_or(field("/interactiveDataRef/size", "is missing or more than 1 MiB"))?;
        Ok(Self { size, extension, url, owner, signature, key })
    }

    /// What `/preDownload` wants to know, beside the business id.
    pub fn headers(&self) -> [(&'static str, String); 3] {
        [
            ("MMCS-Url", self.url.clone()),
            ("MMCS-Signature", STANDARD.encode(&self.signature)),
            ("MMCS-Owner", self.owner.clone()),
        ]
    }

    /// Decrypts the download: AES-256 in counter mode from zero, as each file has a key of its own. It has no
    /// tag: what comes out is believed as far as the webhook's signature and `/decodePayload` go.
    pub fn decrypt(&self, mut download: Vec<u8>) -> Result<Vec<u8>, WrongSize> {
        let wrong = WrongSize { found: download.len(), expected: self.size };
        if download.len() != self.size {
            return Err(wrong);
        }
        let key = UnboundCipherKey::new(&AES_256, self.key.as_ref()).and_then(DecryptingKey::ctr);
        let key = key.expect("32 bytes are a key of AES-256");
        let zero = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        let plain = key.decrypt(&mut download, zero).map_err(|_| wrong)?.len();
        download.truncate(plain);
        Ok(download)
    }
}

impl std::fmt::Debug for LargeReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LargeReply").field("size", &self.size).finish_non_exhaustive()
    }
}

fn field(pointer: &'static str, problem: &'static str) -> ReplyFault {
    ReplyFault::Field { pointer, problem }
}

/// A text that may stand in a header of ours.
fn header(reference: &Value, name: &str, pointer: &'static str) -> Result<String, ReplyFault> {
    let text = reference.get(name).and_then(Value::as_str);
    let fits =
        |text: &&str| (1..=LONGEST).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    text.filter(fits).map(str::to_owned).ok_or(field(pointer, "is missing or cannot stand in a header"))
}

fn parse_size(size: &Value) -> Option<usize> {
    let size = size.as_u64().or_else(|| size.as_str()?.parse().ok())?;
    usize::try_from(size).ok().filter(|size| (1..=MOST).contains(size))
}

/// Hexadecimal of at most [`LONGEST`] digits.
fn unhex(text: &str) -> Option<Vec<u8>> {
    hex::parse(text).filter(|bytes| !bytes.is_empty() && text.len() <= LONGEST)
}

/// Hexadecimal, and a zero byte before the key itself.
fn parse_key(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(unhex(hex)?);
    let key = bytes.strip_prefix(&[0])?;
    Some(Zeroizing::new(key.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference() -> Value {
        json!({
            "url": "https://mmcs.example/x?y=z", "owner": "M-1", "size": "16",
            "signature": "81ff00", "bid": "com.example.extension",
            // FIPS 197, appendix C.3.
            "key": "00000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        })
    }

    #[test]
    fn the_gateway_is_asked_with_what_the_webhook_says() {
        let large = LargeReply::parse(&reference()).unwrap();
        assert_eq!(
            large.headers(),
            [
                ("MMCS-Url", "https://mmcs.example/x?y=z".to_owned()),
                ("MMCS-Signature", "gf8A".to_owned()),
                ("MMCS-Owner", "M-1".to_owned()),
            ]
        );
        assert_eq!((large.size, &*large.extension), (16, "com.example.extension"));
        assert_eq!(format!("{large:?}"), "LargeReply { size: 16, .. }");
    }

    #[test]
    fn the_download_is_decrypted_in_counter_mode_from_zero() {
        let large = LargeReply::parse(&reference()).unwrap();
        // The first block of the key stream is the block cipher of zeros, computed with another library.
        let stream = unhex("f29000b62a499fd0a9f39a6add2e7780").unwrap();
        let sealed: Vec<u8> = stream.iter().zip(b"sixteen letters!").map(|(a, b)| a ^ b).collect();
        assert_eq!(large.decrypt(sealed).unwrap(), b"sixteen letters!");
        assert_eq!(large.decrypt(vec![0; 15]), Err(WrongSize { found: 15, expected: 16 }));
    }

    #[test]
    fn each_field_that_is_wrong_is_pointed_at() {
        for (name, bad) in [
            ("url", json!("a\r\nX-Evil: 1")),
            ("owner", json!("")),
            ("bid", json!(null)),
            ("signature", json!("abc")),
            ("signature", json!("+1")),
            ("key", json!("000102")),
            ("key", json!("ff".repeat(33))),
            ("size", json!(0)),
            ("size", json!(MOST + 1)),
            ("size", json!("-1")),
        ] {
            let mut reference = reference();
            reference[name] = bad.clone();
            let Err(ReplyFault::Field { pointer, .. }) = LargeReply::parse(&reference) else {
                panic!("{name} {bad}");
            };
            assert_eq!(pointer.rsplit('/').next(), Some(name));
        }
        assert!(LargeReply::parse(&json!([])).is_err());
    }
}
