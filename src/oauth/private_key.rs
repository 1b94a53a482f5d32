//! Our own private key at a provider (`private_key`): from the text of a setting to something that
//! signs. Chance is drawn inside of aws-lc, as the algorithms demand; nothing else here depends on it.

use std::fmt;

use aws_lc_rs::digest::digest;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::domain::algorithm::Algorithm;
use crate::secret::Secret;

use super::public_key::{Curve, MAX_RSA_BITS, MIN_RSA_BITS, bits};
use super::{json, jws};

/// The curves with how each signs.
const CURVES: [(Curve, &EcdsaSigningAlgorithm); 3] = [
    (Curve::P256, &ECDSA_P256_SHA256_FIXED_SIGNING),
    (Curve::P384, &ECDSA_P384_SHA384_FIXED_SIGNING),
    (Curve::P521, &ECDSA_P521_SHA512_FIXED_SIGNING),
];

/// How PKCS#8 says that a key is an RSA key: the object identifier 1.2.840.113549.1.1.1 (RFC 8017, A.1).
const RSA_ID: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A key that signs. Its `Debug` shows the type only.
pub struct PrivateKey {
    kind: Kind,
    kid: Option<String>,
}

enum Kind {
    Rsa(Box<RsaKeyPair>),
    Ec(Curve, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a text is no private key, and what to do. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPrivateKey {
    /// Neither PEM nor a JWK.
    #[error("it is neither a pem text nor a json web key; begin with `-----BEGIN PRIVATE KEY-----`")]
    Form,
    /// A PEM text without a private key in it.
    #[error("the pem text holds no private key; a certificate or a public key cannot sign")]
    NoPrivateKey,
    /// It needs a password.
    #[error("the key is encrypted; take the password off with `openssl pkcs8 -in key.pem -out plain.pem`")]
    Encrypted,
    /// A JWK with a member that is missing or is no base64url; or with only the public part.
    #[error(
        "the json web key lacks a member of its private part; an rsa key needs n, e, d, p, q, dp, dq and qi"
    )]
    Jwk,
    /// Another type of key than those that sign here.
    #[error("its type is unknown here; use rsa, ec on p-256, p-384 or p-521, or ed25519")]
    Type,
    /// An RSA key of another length, or one whose parts contradict each other.
    #[error("the rsa key is damaged, or has fewer than 2048 or more than 8192 bits")]
    Rsa,
    /// Its parts contradict each other.
    #[error("the key is damaged: its parts do not belong together")]
    Damaged,
}

/// The key cannot sign with the algorithm that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key is of another type than the algorithm")]
pub struct UnfitKey;

impl PrivateKey {
    /// Reads PEM (PKCS#8, PKCS#1 or SEC 1) or a JWK, whose `kid` is kept.
    pub fn parse(text: &Secret) -> Result<Self, BadPrivateKey> {
        let text = text.expose().trim();
        if text.starts_with('{') {
            return Self::from_jwk(text);
        }
        if !text.contains("-----BEGIN ") {
            return Err(BadPrivateKey::Form);
        }
        if text.contains("ENCRYPTED") {
            return Err(BadPrivateKey::Encrypted);
        }
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| BadPrivateKey::NoPrivateKey)?;
        let kind = match &der {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            PrivateKeyDer::Sec1(der) => ec(der.secret_sec1_der()).ok_or(BadPrivateKey::Type)?,
            PrivateKeyDer::Pkcs8(der) => pkcs8(der.secret_pkcs8_der())?,
            _ => return Err(BadPrivateKey::Type),
        };
        Ok(Self { kind, kid: None })
    }

    /// The name that its JWK gives it; none from PEM.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms that it can sign with, the most usual one first.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        Algorithm::ALL.into_iter().filter(|algorithm| self.fits(*algorithm)).collect()
    }

    /// Whether it can sign with this one.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match &self.kind {
            Kind::Rsa(_) => rsa_encoding(algorithm).is_some(),
            Kind::Ec(curve, _) => curve.algorithm() == algorithm,
            Kind::Ed25519(_) => matches!(algorithm, Algorithm::EdDsa | Algorithm::Ed25519),
        }
    }

    /// Signs a message. RSA takes about a millisecond: not for the async executor of a busy broker.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, UnfitKey> {
        if !self.fits(algorithm) {
            return Err(UnfitKey);
        }
        let hashed = || digest(jws::hash(algorithm), message);
        match &self.kind {
            Kind::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let encoding = rsa_encoding(algorithm).ok_or(UnfitKey)?;
                key.sign_digest(encoding, &hashed(), &mut signature).map_err(|_| UnfitKey)?;
                Ok(signature)
            }
            Kind::Ec(_, key) => {
                let signature = key.sign_digest(&hashed()).map_err(|_| UnfitKey)?;
                Ok(signature.as_ref().to_vec())
            }
            Kind::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }

    /// The public part as a JWK, for the tenant to register at the provider.
    pub fn public_jwk(&self, kid: Option<&str>) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.kind {
            Kind::Rsa(key) => {
                let RsaPublicKeyComponents { n, e } =
                    RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({ "kty": "RSA", "n": encode(&n), "e": encode(&e) })
            }
            Kind::Ec(curve, key) => {
                // Uncompressed (SEC 1, 2.3.3): a four, then both coordinates.
                let (x, y) = key.public_key().as_ref()[1..].split_at(curve.bytes());
                let name = match curve {
                    Curve::P256 => "P-256",
                    Curve::P384 => "P-384",
                    Curve::P521 => "P-521",
                };
                json!({ "kty": "EC", "crv": name, "x": encode(x), "y": encode(y) })
            }
            Kind::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(key.public_key().as_ref()) })
            }
        };
        jwk["use"] = "sig".into();
        if let Some(kid) = kid.or(self.kid()) {
            jwk["kid"] = kid.into();
        }
        jwk
    }

    fn from_jwk(text: &str) -> Result<Self, BadPrivateKey> {
        let Ok(Value::Object(jwk)) = json::parse(text.as_bytes()) else { return Err(BadPrivateKey::Form) };
        let kind = match (jwk.get("kty").and_then(Value::as_str), jwk.get("crv").and_then(Value::as_str)) {
            (Some("RSA"), _) => rsa_jwk(&jwk)?,
            (Some("EC"), Some(curve)) => {
                let curve = Curve::parse(curve).ok_or(BadPrivateKey::Type)?;
                ec_jwk(&jwk, curve)?
            }
            (Some("OKP"), Some("Ed25519")) => {
                let (d, x) = (part(&jwk, "d")?, part(&jwk, "x")?);
                let key = Ed25519KeyPair::from_seed_and_public_key(&d, &x);
                Kind::Ed25519(key.map_err(|_| BadPrivateKey::Damaged)?)
            }
            _ => return Err(BadPrivateKey::Type),
        };
        Ok(Self { kind, kid: jwk.get("kid").and_then(Value::as_str).map(str::to_owned) })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Rsa(_) => f.write_str("PrivateKey(RSA)"),
            Kind::Ec(curve, _) => write!(f, "PrivateKey({curve:?})"),
            Kind::Ed25519(_) => f.write_str("PrivateKey(Ed25519)"),
        }
    }
}

fn rsa<E>(read: Result<RsaKeyPair, E>) -> Result<Kind, BadPrivateKey> {
    let key = read.map_err(|_| BadPrivateKey::Rsa)?;
    let components = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    if (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits(&components.n)) {
        Ok(Kind::Rsa(Box::new(key)))
    } else {
        Err(BadPrivateKey::Rsa)
    }
}

/// A key of whichever curve reads it: the structure names the curve.
fn ec(der: &[u8]) -> Option<Kind> {
    CURVES.iter().find_map(|(curve, signing)| {
        EcdsaKeyPair::from_private_key_der(signing, der).ok().map(|key| Kind::Ec(*curve, key))
    })
}

/// PKCS#8 says inside of which type it is; the readers are asked in turn.
fn pkcs8(der: &[u8]) -> Result<Kind, BadPrivateKey> {
    if let Ok(key) = RsaKeyPair::from_pkcs8(der) {
        return rsa::<()>(Ok(key));
    }
    if der.windows(RSA_ID.len()).any(|window| window == RSA_ID) {
        return Err(BadPrivateKey::Rsa);
    }
    if let Some(key) = ec(der) {
        return Ok(key);
    }
    Ed25519KeyPair::from_pkcs8(der).map(Kind::Ed25519).map_err(|_| BadPrivateKey::Type)
}

fn rsa_jwk(jwk: &Map<String, Value>) -> Result<Kind, BadPrivateKey> {
    let part = |name| part(jwk, name);
    let components = rsa::KeyPairComponents {
        public_key: RsaPublicKeyComponents { n: part("n")?, e: part("e")? },
        d: part("d")?,
        p: part("p")?,
        q: part("q")?,
        dP: part("dp")?,
        dQ: part("dq")?,
        qInv: part("qi")?,
    };
    rsa(RsaKeyPair::from_components(&components))
}

fn ec_jwk(jwk: &Map<String, Value>, curve: Curve) -> Result<Kind, BadPrivateKey> {
    let point = curve.point(&part(jwk, "x")?, &part(jwk, "y")?).map_err(|_| BadPrivateKey::Damaged)?;
    let d = part(jwk, "d")?;
    let missing = curve.bytes().checked_sub(d.len()).ok_or(BadPrivateKey::Damaged)?;
    let d = Zeroizing::new([vec![0; missing], d.to_vec()].concat());
    let (_, signing) = CURVES.iter().find(|(own, _)| *own == curve).ok_or(BadPrivateKey::Type)?;
    let key = EcdsaKeyPair::from_private_key_and_public_key(signing, &d, &point);
    Ok(Kind::Ec(curve, key.map_err(|_| BadPrivateKey::Damaged)?))
}

fn part(jwk: &Map<String, Value>, name: &str) -> Result<Zeroizing<Vec<u8>>, BadPrivateKey> {
    let encoded = jwk.get(name).and_then(Value::as_str).ok_or(BadPrivateKey::Jwk)?;
    jws::decode(encoded).map(Zeroizing::new).map_err(|_| BadPrivateKey::Jwk)
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// `{about, key, expect: {algorithms, kid?} | {fault}}`
    #[test]
    fn every_fixture_is_read_or_refused_with_its_reason() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oauth/private_key");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let key = PrivateKey::parse(&Secret::new(fixture["key"].as_str().unwrap()));
            let outcome = match key {
                Err(fault) => json!({ "fault": format!("{fault:?}") }),
                Ok(key) => {
                    let names: Vec<_> = key.algorithms().iter().map(|name| name.as_str()).collect();
                    let mut outcome = json!({ "algorithms": names });
                    if let Some(kid) = key.kid() {
                        outcome["kid"] = kid.into();
                    }
                    outcome
                }
            };
            assert_eq!(outcome, fixture["expect"], "{}", path.display());
            count += 1;
        }
        assert!(count >= 30, "{count}");
    }

    #[test]
    fn the_public_part_holds_nothing_private() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","kid":"own"}"#;
        let key = PrivateKey::parse(&Secret::new(jwk)).unwrap();
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let wanted = |kid| json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "kid": kid });
        assert_eq!(key.public_jwk(None), wanted("own"));
        assert_eq!(key.public_jwk(Some("at-them")), wanted("at-them"));
    }

    #[test]
    fn the_signature_of_the_rfc_is_made_anew() {
        // RFC 8037, A.4; Ed25519 signs without chance.
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
        let key = PrivateKey::parse(&Secret::new(jwk)).unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = key.sign(Algorithm::EdDsa, message).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_refused(text in "\\PC{0,60}|-----BEGIN (RSA |EC |)PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{0,80}\n-----END (RSA |EC |)PRIVATE KEY-----|\\{\"kty\":\"(RSA|EC|OKP)\",\"crv\":\"(P-256|Ed25519)\",\"(d|x)\":\"[A-Za-z0-9_-]{0,44}\"\\}") {
            prop_assert!(PrivateKey::parse(&Secret::new(text)).is_err());
        }
    }
}
