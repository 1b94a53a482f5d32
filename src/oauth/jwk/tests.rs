//! Tests of key sets. Sets are files under `fixtures/oauth/jwks/`: `{about, body, expect: {usable,
//! skipped} | {fault}}`, where a body that is no text is the JSON to read.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::oauth::assertion::tests::{jwks, key, key_set};

fn verify(set: &KeySet, kid: Option<&str>, algorithm: Algorithm, signer: &str) -> Result<Checked, NoKey> {
    let header = jws::Header { algorithm, kid: kid.map(str::to_owned), typ: None };
    set.verify(&header, b"message", &key(signer).sign(algorithm, b"message").unwrap())
}

#[test]
fn every_fixture_gives_its_keys() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oauth/jwks");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let fixture: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let body = match &fixture["body"] {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let reason = |skipped: &Skipped| match skipped.reason {
            SkipReason::Bad(_) => "Bad".to_owned(),
            reason => format!("{reason:?}"),
        };
        let outcome = match KeySet::parse(body.as_bytes()) {
            Err(fault) => json!({ "fault": format!("{fault:?}") }),
            Ok(set) => {
                let skipped: Vec<_> = set.skipped().iter().map(reason).collect();
                json!({ "usable": set.len(), "skipped": skipped })
            }
        };
        assert_eq!(outcome, fixture["expect"], "{}", path.display());
        count += 1;
    }
    assert!(count >= 20, "{count}");
}

#[test]
fn the_examples_of_the_rfcs_verify() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/oauth/jwks/one_of_each_type.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let set = KeySet::parse(fixture["body"].to_string().as_bytes()).unwrap();
    let payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    for (kid, algorithm, signed, signature) in [
        // RFC 7515, A.2
        (
            "a",
            Algorithm::Rs256,
            format!("eyJhbGciOiJSUzI1NiJ9.{payload}"),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb\
             F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383\
             LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy\
             wlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        // RFC 7515, A.3
        (
            "b",
            Algorithm::Es256,
            format!("eyJhbGciOiJFUzI1NiJ9.{payload}"),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        // RFC 7515, A.4
        (
            "c",
            Algorithm::Es512,
            "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA".to_owned(),
            "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo\
             XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
        ),
        // RFC 8037, A.4
        (
            "d",
            Algorithm::EdDsa,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let header = jws::Header { algorithm, kid: Some(kid.to_owned()), typ: None };
        let signature = jws::decode(signature).unwrap();
        let good = Ok(Checked::Good { guessed: false });
        assert_eq!(set.verify(&header, signed.as_bytes(), &signature), good, "{algorithm}");
        let changed = signed.replacen('e', "f", 1);
        assert_eq!(set.verify(&header, changed.as_bytes(), &signature), Ok(Checked::Bad), "{algorithm}");
    }
}

#[test]
fn a_named_key_is_the_only_one_that_counts() {
    let set = key_set(&["rsa", "other-rsa", "p256"]);
    let good = Ok(Checked::Good { guessed: false });
    assert_eq!(verify(&set, Some("rsa"), Algorithm::Rs256, "rsa"), good);
    assert_eq!(verify(&set, Some("rsa"), Algorithm::Rs256, "other-rsa"), Ok(Checked::Bad));
    assert_eq!(verify(&set, Some("p256"), Algorithm::Rs256, "rsa"), Err(NoKey::Unfit));
    assert_eq!(verify(&set, Some("gone"), Algorithm::Rs256, "rsa"), Err(NoKey::Unknown));
    assert_eq!(verify(&set, Some(""), Algorithm::Rs256, "rsa"), Err(NoKey::Unknown));
}

#[test]
fn without_a_name_each_key_of_the_algorithm_is_tried_and_no_other() {
    let guessed = |guessed| Ok(Checked::Good { guessed });
    assert_eq!(verify(&key_set(&["rsa", "p256"]), None, Algorithm::Rs256, "rsa"), guessed(false));
    let two = key_set(&["rsa", "other-rsa"]);
    assert_eq!(verify(&two, None, Algorithm::Ps256, "other-rsa"), guessed(true));
    assert_eq!(verify(&key_set(&["p256", "ed"]), None, Algorithm::Rs256, "rsa"), Err(NoKey::Unknown));
    assert_eq!(verify(&key_set(&["other-rsa"]), None, Algorithm::Rs256, "rsa"), Ok(Checked::Bad));
}

#[test]
fn at_most_five_keys_are_tried() {
    let behind = |before: usize| {
        let names = [vec!["other-rsa"; before], vec!["rsa"]].concat();
        verify(&key_set(&names), None, Algorithm::Rs256, "rsa")
    };
    assert_eq!(behind(4), Ok(Checked::Good { guessed: true }));
    assert_eq!(behind(5), Ok(Checked::Bad));
}

#[test]
fn a_key_for_one_algorithm_verifies_no_other() {
    let mut set = jwks(&["rsa"]);
    set["keys"][0]["alg"] = "RS512".into();
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!(verify(&set, Some("rsa"), Algorithm::Rs256, "rsa"), Err(NoKey::Unfit));
    assert_eq!(verify(&set, Some("rsa"), Algorithm::Rs512, "rsa"), Ok(Checked::Good { guessed: false }));
}

#[test]
fn both_names_of_one_algorithm_are_the_same_key() {
    for (of_key, of_token) in [("EdDSA", Algorithm::Ed25519), ("Ed25519", Algorithm::EdDsa)] {
        let mut set = jwks(&["ed"]);
        set["keys"][0]["alg"] = of_key.into();
        let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(verify(&set, Some("ed"), of_token, "ed"), Ok(Checked::Good { guessed: false }));
    }
}

#[test]
fn two_keys_may_share_a_name() {
    let mut set = jwks(&["other-rsa", "p256", "rsa"]);
    for key in set["keys"].as_array_mut().unwrap() {
        key["kid"] = "same".into();
    }
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    for (algorithm, signer) in [(Algorithm::Es256, "p256"), (Algorithm::Rs256, "rsa")] {
        let good = Ok(Checked::Good { guessed: false });
        assert_eq!(verify(&set, Some("same"), algorithm, signer), good);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_set_or_refused(bytes: Vec<u8>) {
        let _ = KeySet::parse(&bytes);
    }

    #[test]
    fn any_members_are_a_key_or_skipped(
        kty in "RSA|EC|OKP|oct|x", crv in "P-256|P-521|Ed25519|x", number in "[A-Za-z0-9_=-]{0,60}",
        name in "n|e|x|y|use|alg|kid|key_ops|d", value in "null|1|\\[\\]|\"sig\"|\"ES256\"",
    ) {
        let text = format!(
            r#"{{"keys":[{{"kty":"{kty}","crv":"{crv}","n":"{number}","x":"{number}","y":"{number}","e":"AQAB"}},{{"{name}":{value},"kty":"{kty}"}}]}}"#
        );
        let set = KeySet::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(set.len() + set.skipped().len(), 2);
    }
}
