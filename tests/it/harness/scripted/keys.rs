//! Keys of a scripted provider, and signatures good and bad. Written against the cryptography alone,
//! not with the product's own code.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key pair that all tests share: making one is dear.
pub enum Key {
    /// 2048 bits.
    Rsa(RsaKeyPair),
    /// P-256.
    Ec(EcdsaKeyPair),
    /// Ed25519.
    Ed(Ed25519KeyPair),
}

/// How a token is signed.
#[derive(Clone)]
pub enum Seal {
    /// As its header's `alg` says, with this key.
    With(&'static Key),
    /// With a shared secret and SHA-256.
    Shared(Vec<u8>),
    /// With this key, and then one bit is turned.
    Broken(&'static Key),
    /// Not at all: the third part is blank.
    None,
}

impl Key {
    /// The usual one.
    pub fn rsa() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// Another one of the kind.
    pub fn other_rsa() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// One for ES256.
    pub fn ec() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()))
    }

    /// One for EdDSA.
    pub fn ed() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| Self::Ed(Ed25519KeyPair::generate().unwrap()))
    }

    /// Its public part (RFC 7517) under this name; without one if it is blank.
    pub fn public(&self, kid: &str) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())}),
        };
        jwk["use"] = "sig".into();
        if !kid.is_empty() {
            jwk["kid"] = kid.into();
        }
        jwk
    }

    /// What somebody who confuses algorithms takes for a shared secret: the public part as PEM.
    pub fn public_pem(&self) -> Vec<u8> {
        let Self::Rsa(pair) = self else { panic!("only an RSA key is confused here") };
        let der = pair.public_key().as_der().unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(der.as_ref());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")).into_bytes()
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "PS256" => &RSA_PSS_SHA256,
                    "RS512" => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The compact form (RFC 7515, 7.1).
pub fn sign(header: &Value, claims: &Value, seal: &Seal) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let algorithm = header["alg"].as_str().unwrap_or_default();
    let signature = match seal {
        Seal::With(key) => key.sign(algorithm, text.as_bytes()),
        Seal::Shared(secret) => {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes()).as_ref().to_vec()
        }
        Seal::Broken(key) => {
            let mut signature = key.sign(algorithm, text.as_bytes());
            signature[20] ^= 1;
            signature
        }
        Seal::None => Vec::new(),
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The left half of a SHA-256 (OpenID Connect Core 1.0, 3.1.3.6).
pub fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16])
}

/// The challenge of a verifier (RFC 7636, 4.2).
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// A private key (PKCS#8) as the text of a file (RFC 7468, 10).
pub fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}
