//! A public key that checks signatures (RFC 7518, 3 and 6; RFC 8037), read once and kept: reading
//! an RSA key costs as much as a tenth of a check. aws-lc does the arithmetic.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    EcdsaVerificationAlgorithm, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents,
};

use crate::domain::algorithm::Algorithm;

/// The smallest modulus that RFC 7518, 3.3 allows, in bits.
pub const MIN_RSA_BITS: usize = 2048;
/// The largest modulus that aws-lc verifies, in bits.
pub const MAX_RSA_BITS: usize = 8192;
/// The longest RSA exponent that aws-lc takes, in bits. A longer one only costs time.
const MAX_EXPONENT_BITS: usize = 33;
/// The algorithms of an RSA key, in the order of their places in [`PublicKey::Rsa`].
const RSA: [(Algorithm, &RsaParameters); 6] = [
    (Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
    (Algorithm::Rs384, &RSA_PKCS1_2048_8192_SHA384),
    (Algorithm::Rs512, &RSA_PKCS1_2048_8192_SHA512),
    (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256),
    (Algorithm::Ps384, &RSA_PSS_2048_8192_SHA384),
    (Algorithm::Ps512, &RSA_PSS_2048_8192_SHA512),
];

/// A curve of ECDSA (RFC 7518, 6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// secp256r1, for ES256.
    P256,
    /// secp384r1, for ES384.
    P384,
    /// secp521r1, for ES512.
    P521,
}

/// A key, ready to check. A clone of the set shares it.
pub enum PublicKey {
    /// For RS and PS with any of the three hashes; made ready for each at its first use.
    Rsa {
        /// The modulus, without zeros in front.
        n: Vec<u8>,
        /// The exponent, likewise.
        e: Vec<u8>,
        /// The key as aws-lc wants it, per algorithm of the table above.
        ready: Box<[OnceLock<Option<ParsedPublicKey>>; 6]>,
    },
    /// For the one ES algorithm of its curve.
    Ec(Curve, ParsedPublicKey),
    /// For `EdDSA` and `Ed25519`.
    Ed25519(ParsedPublicKey),
}

/// Why the members of a key are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// RSA: the modulus is shorter or longer than allowed, or the exponent is 1, even or too long.
    #[error("an rsa key must have 2048 to 8192 bits and an odd exponent from 3 to 33 bits")]
    Weak,
    /// EC and OKP: no point of the curve.
    #[error("the coordinates are no point of the curve")]
    Point,
}

impl Curve {
    /// Reads the JWK member `crv`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "P-256" => Some(Self::P256),
            "P-384" => Some(Self::P384),
            "P-521" => Some(Self::P521),
            _ => None,
        }
    }

    /// The one algorithm of the curve.
    pub fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    /// How many bytes a coordinate has.
    pub fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The point of two coordinates, uncompressed (SEC 1, 2.3.3). Zeros in front may be missing.
    pub fn point(self, x: &[u8], y: &[u8]) -> Result<Vec<u8>, BadKey> {
        let size = self.bytes();
        let mut point = vec![4];
        for coordinate in [x, y] {
            let missing = size.checked_sub(coordinate.len()).ok_or(BadKey::Point)?;
            point.resize(point.len() + missing, 0);
            point.extend_from_slice(coordinate);
        }
        Ok(point)
    }

    fn check(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }
}

impl PublicKey {
    /// An RSA key of modulus and exponent, big-endian. Zeros in front, which some servers write
    /// though RFC 7518, 6.3.1.1 forbids it, are dropped.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, BadKey> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        let fits = (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits(n))
            && (2..=MAX_EXPONENT_BITS).contains(&bits(e))
            && is_odd(e)
            && is_odd(n);
        if !fits {
            return Err(BadKey::Weak);
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec(), ready: Box::default() })
    }

    /// A key of a curve; the point must lie on it.
    pub fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, BadKey> {
        let point = curve.point(x, y)?;
        let key = ParsedPublicKey::new(curve.check(), point).map_err(|_| BadKey::Point)?;
        Ok(Self::Ec(curve, key))
    }

    /// An Ed25519 key of its 32 bytes.
    pub fn ed25519(x: &[u8]) -> Result<Self, BadKey> {
        if x.len() != signature::ED25519_PUBLIC_KEY_LEN {
            return Err(BadKey::Point);
        }
        ParsedPublicKey::new(&ED25519, x).map(Self::Ed25519).map_err(|_| BadKey::Point)
    }

    /// Whether a signature of this algorithm can be checked with this key.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => RSA.iter().any(|(own, _)| *own == algorithm),
            Self::Ec(curve, _) => curve.algorithm() == algorithm,
            Self::Ed25519(_) => matches!(algorithm, Algorithm::EdDsa | Algorithm::Ed25519),
        }
    }

    /// Whether `signature` is one of `message`. False too if the algorithm does not fit.
    pub fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match self {
            Self::Rsa { n, e, ready } => {
                let Some(place) = RSA.iter().position(|(own, _)| *own == algorithm) else { return false };
                let components = RsaPublicKeyComponents { n, e };
                ready[place].get_or_init(|| components.to_parsed_public_key(RSA[place].1).ok()).as_ref()
            }
            Self::Ec(_, key) | Self::Ed25519(key) => self.fits(algorithm).then_some(key),
        };
        key.is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { n, .. } => write!(f, "RSA of {} bits", bits(n)),
            Self::Ec(curve, _) => write!(f, "EC {curve:?}"),
            Self::Ed25519(_) => f.write_str("Ed25519"),
        }
    }
}

/// How many bits a big-endian number without zeros in front has.
pub fn bits(number: &[u8]) -> usize {
    let leading = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len() * 8 - leading
}

/// A big-endian number without zeros in front.
pub fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_rsa_key_is_refused() {
        let n = |bytes: usize| [vec![0xff; bytes - 1], vec![1]].concat();
        for (n, e) in [
            (n(128), vec![1, 0, 1]),
            (n(255), vec![1, 0, 1]),
            (n(1025), vec![1, 0, 1]),
            (n(256), vec![1]),
            (n(256), vec![]),
            (n(256), vec![1, 0, 0]),
            (n(256), vec![2, 0, 0, 0, 1]),
            (n(256), vec![0xff; 64]),
            (vec![0xfe; 256], vec![1, 0, 1]),
            (vec![], vec![1, 0, 1]),
            ([vec![0; 128], n(128)].concat(), vec![1, 0, 1]),
        ] {
            assert_eq!(PublicKey::rsa(&n, &e).err(), Some(BadKey::Weak), "{} bytes, e {e:?}", n.len());
        }
        assert!(PublicKey::rsa(&n(256), &[3]).is_ok());
        assert!(PublicKey::rsa(&[vec![0], n(256)].concat(), &[0, 1, 0, 1]).is_ok(), "a zero in front");
    }

    #[test]
    fn what_is_no_point_is_no_key() {
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let size = curve.bytes();
            for (x, y) in [
                (vec![1; size], vec![1; size]),
                (vec![0; size], vec![0; size]),
                (vec![0xff; size], vec![1; size]),
                (vec![1; size + 1], vec![1; size]),
                (Vec::new(), Vec::new()),
            ] {
                assert_eq!(PublicKey::ec(curve, &x, &y).err(), Some(BadKey::Point), "{curve:?}");
            }
        }
        for x in [vec![1; 31], vec![1; 33], Vec::new(), vec![0xff; 64]] {
            assert_eq!(PublicKey::ed25519(&x).err(), Some(BadKey::Point));
        }
    }

    #[test]
    fn a_number_is_as_long_as_its_first_one() {
        assert_eq!(bits(without_zeros(&[0, 0, 1, 0])), 9);
        assert_eq!(bits(without_zeros(&[0x80])), 8);
        assert_eq!(bits(without_zeros(&[0, 0])), 0);
    }
}
