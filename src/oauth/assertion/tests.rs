//! Tests of client assertions, and the keys that the tests of this folder sign with. Keys are made
//! anew in each run.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
};
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::oauth::id_token::{ExpectedAccessToken, Keys, Moment, SKEW, verify_access_token};
use crate::oauth::issuer::Issuer;
use crate::oauth::jwk::KeySet;

/// A key per type, named as in the fixtures.
static RING: LazyLock<Vec<(&str, PrivateKey)>> = LazyLock::new(|| {
    vec![
        ("rsa", rsa()),
        ("other-rsa", rsa()),
        ("p256", ec(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        ("p384", ec(&ECDSA_P384_SHA384_FIXED_SIGNING)),
        ("p521", ec(&ECDSA_P521_SHA512_FIXED_SIGNING)),
        ("ed", parse(Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap().as_ref())),
    ]
});

fn rsa() -> PrivateKey {
    parse(KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap().as_ref())
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> PrivateKey {
    parse(EcdsaKeyPair::generate(algorithm).unwrap().to_pkcs8v1().unwrap().as_ref())
}

fn parse(der: &[u8]) -> PrivateKey {
    let text = STANDARD.encode(der);
    PrivateKey::parse(&Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    )))
    .unwrap()
}

/// The key with this name.
pub(in crate::oauth) fn key(name: &str) -> &'static PrivateKey {
    &RING.iter().find(|(own, _)| *own == name).unwrap().1
}

/// The public keys with these names, each under its name as `kid`.
pub(in crate::oauth) fn jwks(names: &[&str]) -> Value {
    let keys: Vec<_> = names.iter().map(|name| key(name).public_jwk(Some(name))).collect();
    json!({ "keys": keys })
}

/// The same as they are read.
pub(in crate::oauth) fn key_set(names: &[&str]) -> KeySet {
    KeySet::parse(jwks(names).to_string().as_bytes()).unwrap()
}

/// A JWT of any header and claims, signed by the key with this name.
pub(in crate::oauth) fn token(header: &Value, claims: &Value, signer: &str, algorithm: Algorithm) -> String {
    sign(header, claims, &Signer::Key { key: key(signer), kid: None }, algorithm).unwrap()
}

const NOW: i64 = 1_700_000_000;

fn assertion() -> Assertion<'static> {
    let now = Timestamp::from_second(NOW).unwrap();
    Assertion {
        client_id: "our-client",
        issuer: "our-client",
        audience: "https://p.example/token",
        id: "jti-1",
        now,
    }
}

fn parts(assertion: &Secret) -> (Value, Value) {
    let mut parts = assertion.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

#[test]
fn an_assertion_says_who_for_whom_and_how_long() {
    let signer = Signer::Key { key: key("rsa"), kid: Some("our-key") };
    let (header, claims) = parts(&build_assertion(&assertion(), &signer, Algorithm::Ps256).unwrap());
    assert_eq!(header, json!({ "alg": "PS256", "typ": "JWT", "kid": "our-key" }));
    assert_eq!(
        claims,
        json!({
            "iss": "our-client", "sub": "our-client", "aud": "https://p.example/token",
            "jti": "jti-1", "iat": NOW, "exp": NOW + 60,
        })
    );
}

#[test]
fn every_algorithm_signs_what_its_public_key_verifies() {
    for (name, key) in RING.iter() {
        for algorithm in key.algorithms() {
            let signer = Signer::Key { key, kid: Some(name) };
            let signed = build_assertion(&assertion(), &signer, algorithm).unwrap();
            let issuer = Issuer::Exact("our-client".to_owned());
            let moment = Moment { now: assertion().now, skew: SKEW };
            let expected =
                ExpectedAccessToken { issuer: &issuer, audience: Some("https://p.example/token"), moment };
            let set = key_set(&[name]);
            let keys = Keys { set: Some(&set), client_secret: None, algorithms: &[algorithm] };
            let verified = verify_access_token(signed.expose(), &keys, &expected).unwrap();
            assert_eq!(verified.subject.as_deref(), Some("our-client"), "{name} {algorithm}");
        }
    }
}

#[test]
fn a_secret_signs_too_unless_it_is_blank() {
    let secret = Secret::new("a secret of some length");
    let signed = build_assertion(&assertion(), &Signer::Secret(&secret), Algorithm::Hs256).unwrap();
    let (text, signature) = signed.expose().rsplit_once('.').unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    hmac::verify(&key, text.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    assert_eq!(parts(&signed).0, json!({ "alg": "HS256", "typ": "JWT" }));
    let blank = Secret::new(" ");
    let refused = build_assertion(&assertion(), &Signer::Secret(&blank), Algorithm::Hs256);
    assert_eq!(refused.err(), Some(NoAssertion::Blank));
}

#[test]
fn a_key_does_not_sign_with_an_algorithm_of_another_type() {
    let secret = Secret::new("secret");
    for (signer, algorithm) in [
        (Signer::Secret(&secret), Algorithm::Rs256),
        (Signer::Key { key: key("rsa"), kid: None }, Algorithm::Hs256),
        (Signer::Key { key: key("rsa"), kid: None }, Algorithm::Es256),
        (Signer::Key { key: key("p256"), kid: None }, Algorithm::Es384),
        (Signer::Key { key: key("ed"), kid: None }, Algorithm::Rs256),
    ] {
        let refused = build_assertion(&assertion(), &signer, algorithm);
        assert_eq!(refused.err(), Some(NoAssertion::Algorithm), "{algorithm}");
    }
}

#[test]
fn the_algorithm_is_one_that_both_sides_know() {
    let announced = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let rsa = Signer::Key { key: key("rsa"), kid: None };
    assert_eq!(choose_algorithm(&rsa, None), Some(Algorithm::Rs256));
    assert_eq!(choose_algorithm(&rsa, announced(&["ES256", "PS256"]).as_deref()), Some(Algorithm::Ps256));
    assert_eq!(choose_algorithm(&rsa, announced(&["ES256"]).as_deref()), None);
    assert_eq!(choose_algorithm(&rsa, announced(&[]).as_deref()), None);
    let ed = Signer::Key { key: key("ed"), kid: None };
    assert_eq!(choose_algorithm(&ed, announced(&["Ed25519"]).as_deref()), Some(Algorithm::Ed25519));
    let secret = Secret::new("secret");
    assert_eq!(choose_algorithm(&Signer::Secret(&secret), None), Some(Algorithm::Hs256));
    let only = announced(&["RS256", "HS512"]);
    assert_eq!(choose_algorithm(&Signer::Secret(&secret), only.as_deref()), Some(Algorithm::Hs512));
}

#[test]
fn nothing_of_a_key_is_shown() {
    let shown = format!("{:?} {:?}", key("rsa"), Signer::Key { key: key("p256"), kid: None });
    assert_eq!(shown, "PrivateKey(RSA) Key { key: PrivateKey(P256), kid: None }");
}
