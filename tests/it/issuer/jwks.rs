//! The published keys, and the key rings that are refused.

use aws_lc_rs::rsa::KeySize;
use countersign::issuer::keys::{KeyError, KeyState, SigningKey, SigningKeys};
use countersign::secret::Secret;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rstest::rstest;
use serde_json::Value;

use super::world::{CLIENT, World, fresh_pem, keys, pem};

const PATHS: [&str; 2] = ["/v1/oauth/.well-known/jwks.json", "/api/oauth2/jwks"];

fn ring() -> SigningKeys {
    use KeyState::{Active, Next, Retired, Revoked};
    // The revoked one shares its key with another: its name must be missing, not its numbers.
    keys(&[("old", 0, Retired), ("now", 1, Active), ("soon", 2, Next), ("stolen", 0, Revoked)])
}

#[tokio::test]
async fn both_paths_publish_the_public_parts_of_all_but_revoked_keys() {
    let world = World::with(ring()).await;
    for path in PATHS {
        let answer = world.ask(&format!("GET {path}"), &[], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
        let body = answer.json();
        assert_eq!(body, world.issuer.keys().jwks());
        let published = body["keys"].as_array().unwrap();
        let kids: Vec<&str> = published.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids, ["old", "now", "soon"]);
        for key in published {
            let mut members: Vec<&String> = key.as_object().unwrap().keys().collect();
            members.sort();
            assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
            let value = |name: &str| key[name].as_str().unwrap();
            assert_eq!(
                (value("kty"), value("use"), value("alg"), value("e")),
                ("RSA", "sig", "RS256", "AQAB")
            );
            assert_eq!(value("n").len(), 342, "2048 bits in base64url without a leading zero");
        }
    }
}

#[tokio::test]
async fn a_resource_server_can_verify_a_token_with_what_is_published() {
    let world = World::with(ring()).await;
    let token = world.token_of(CLIENT).await;
    let set: JwkSet =
        serde_json::from_str(&world.ask(&format!("GET {}", PATHS[0]), &[], "").await.body).unwrap();
    let kid = jsonwebtoken::decode_header(&token).unwrap().kid.unwrap();
    let key = DecodingKey::from_jwk(set.find(&kid).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&["https://acme.example.com"]);
    validation.set_issuer(&["https://acme.example.com"]);
    // This library cannot read numbers while `arbitrary_precision` is on; the time is ours to judge.
    validation.required_spec_claims.remove("exp");
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims;
    assert_eq!(claims["client_id"], CLIENT);
}

#[tokio::test]
async fn who_has_the_keys_is_not_sent_them_again_until_they_change() {
    let world = World::with(ring()).await;
    let line = format!("GET {}", PATHS[1]);
    let first = world.ask(&line, &[], "").await;
    let etag = first.header("etag").unwrap();
    let again = world.ask(&line, &[("If-None-Match", etag)], "").await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", Some(etag)));
    let head = world.ask(&format!("HEAD {}", PATHS[1]), &[], "").await;
    assert_eq!((head.status, head.body.as_str(), head.header("etag")), (200, "", Some(etag)));

    world.issuer.replace_keys(keys(&[("now", 1, KeyState::Retired), ("soon", 2, KeyState::Active)]));
    let changed = world.ask(&line, &[("If-None-Match", etag)], "").await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(etag));
    let post = world.ask(&format!("POST {}", PATHS[1]), &[], "").await;
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_key_ring_is_not_printed() {
    let keys = ring();
    let printed =
        format!("{keys:?} {:?}", SigningKey { kid: "k".into(), private: pem(0), state: KeyState::Next });
    assert!(!printed.contains("PRIVATE") && !printed.contains("MII"), "{printed}");
}

#[rstest]
#[case(&[], KeyError::NoneActive)]
#[case(&[("a", KeyState::Next), ("b", KeyState::Retired)], KeyError::NoneActive)]
#[case(&[("a", KeyState::Active), ("b", KeyState::Active)], KeyError::ManyActive)]
#[case(&[("a", KeyState::Active), ("a", KeyState::Revoked)], KeyError::KidTwice("a".into()))]
#[case(&[("", KeyState::Active)], KeyError::BadKid(String::new()))]
#[case(&[("a\"b", KeyState::Active)], KeyError::BadKid("a\"b".into()))]
fn a_ring_needs_exactly_one_active_key_and_plain_names(
    #[case] ring: &[(&str, KeyState)],
    #[case] error: KeyError,
) {
    let keys =
        ring.iter().map(|(kid, state)| SigningKey { kid: (*kid).to_owned(), private: pem(0), state: *state });
    assert_eq!(SigningKeys::new(keys).unwrap_err(), error);
}

#[test]
fn what_is_no_rsa_private_key_is_refused_by_name_and_not_quoted() {
    let broken = pem(0).expose().replace("MII", "AAA");
    for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", broken.as_str()] {
        let key = SigningKey { kid: "k".into(), private: Secret::new(text), state: KeyState::Active };
        assert_eq!(SigningKeys::new([key]).unwrap_err(), KeyError::NotRsa("k".into()));
    }
}

#[test]
fn larger_keys_work_and_a_revoked_one_need_not_be_there_any_more() {
    let keys = [
        SigningKey {
            kid: "big".into(),
            private: Secret::new(fresh_pem(KeySize::Rsa3072)),
            state: KeyState::Active,
        },
        SigningKey { kid: "gone".into(), private: Secret::new(""), state: KeyState::Revoked },
    ];
    let ring = SigningKeys::new(keys).unwrap();
    assert_eq!(ring.jwks()["keys"].as_array().unwrap().len(), 1);
}
