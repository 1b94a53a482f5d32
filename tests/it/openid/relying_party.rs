//! The id_token, by the OpenID Foundation's list for relying parties of the code flow, and more of
//! the kind. Each case is named as there, where it has a name.

use rstest::rstest;
use serde_json::json;

use crate::harness::receiver::HOOK_SECRET;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::{Key, Seal, half_hash, sign};
use crate::harness::scripted::{Draft, SUBJECT};
use crate::harness::stage::Stage;

const DAY: i64 = 86_400;

fn take(draft: &mut Draft, claim: &str) {
    draft.claims.as_object_mut().unwrap().remove(claim);
}

fn moved(draft: &mut Draft, claim: &str, seconds: i64) {
    let now = draft.claims["iat"].as_i64().unwrap();
    draft.claims[claim] = (now + seconds).into();
}

#[rstest]
#[case::bad_sig_rs256(|draft: &mut Draft| draft.seal = Seal::Broken(Key::rsa()), "id_token_signature")]
#[case::sig_of_another_key(|draft: &mut Draft| draft.seal = Seal::With(Key::other_rsa()), "id_token_signature")]
#[case::sig_blank(|draft: &mut Draft| draft.seal = Seal::None, "id_token_signature")]
#[case::sig_none(
    |draft: &mut Draft| { draft.header = json!({"alg": "none"}); draft.seal = Seal::None; },
    "id_token_algorithm"
)]
#[case::sig_none_in_capitals(
    |draft: &mut Draft| { draft.header = json!({"alg": "NONE"}); draft.seal = Seal::None; },
    "id_token_algorithm"
)]
#[case::alg_unknown(|draft: &mut Draft| draft.header["alg"] = "RS999".into(), "id_token_algorithm")]
#[case::alg_missing(|draft: &mut Draft| draft.header = json!({"kid": "rsa-1"}), "id_token_algorithm")]
#[case::hs256_by_the_public_key(
    |draft: &mut Draft| {
        draft.header["alg"] = "HS256".into();
        draft.seal = Seal::Shared(Key::rsa().public_pem());
    },
    "id_token_algorithm"
)]
#[case::hs256_that_the_tenant_does_not_allow(
    |draft: &mut Draft| {
        draft.header["alg"] = "HS256".into();
        let secret = countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET;
        draft.seal = Seal::Shared(secret.as_bytes().to_vec());
    },
    "id_token_algorithm"
)]
#[case::es256_by_the_name_of_an_rsa_key(
    |draft: &mut Draft| { draft.header["alg"] = "ES256".into(); draft.seal = Seal::With(Key::ec()); },
    "id_token_key"
)]
#[case::rs512_that_the_metadata_do_not_announce(
    |draft: &mut Draft| draft.header["alg"] = "RS512".into(),
    "id_token_algorithm"
)]
#[case::key_in_the_header(
    |draft: &mut Draft| {
        draft.header = json!({"alg": "RS256", "kid": "mine", "jwk": Key::other_rsa().public("mine")});
        draft.seal = Seal::With(Key::other_rsa());
    },
    "id_token_key"
)]
#[case::address_of_keys_in_the_header(
    |draft: &mut Draft| {
        draft.header = json!({"alg": "RS256", "kid": "rsa-1", "jku": "http://127.0.0.1:1/keys"});
        draft.seal = Seal::With(Key::other_rsa());
    },
    "id_token_signature"
)]
#[case::crit(
    |draft: &mut Draft| { draft.header["crit"] = json!(["b64"]); draft.header["b64"] = false.into(); },
    "id_token_malformed"
)]
#[case::typ_of_an_access_token(|draft: &mut Draft| draft.header["typ"] = "at+jwt".into(), "id_token_malformed")]
#[case::iss(|draft: &mut Draft| draft.claims["iss"] = "https://other.example.com".into(), "id_token_issuer")]
#[case::iss_with_a_slash(
    |draft: &mut Draft| {
        let issuer = format!("{}/", draft.claims["iss"].as_str().unwrap());
        draft.claims["iss"] = issuer.into();
    },
    "id_token_issuer"
)]
#[case::iss_missing(|draft: &mut Draft| take(draft, "iss"), "id_token_claims")]
#[case::sub_missing(|draft: &mut Draft| take(draft, "sub"), "id_token_claims")]
#[case::sub_blank(|draft: &mut Draft| draft.claims["sub"] = "".into(), "id_token_claims")]
#[case::sub_a_number(|draft: &mut Draft| draft.claims["sub"] = 7.into(), "id_token_claims")]
#[case::aud(|draft: &mut Draft| draft.claims["aud"] = "another client".into(), "id_token_audience")]
#[case::aud_empty(|draft: &mut Draft| draft.claims["aud"] = json!([]), "id_token_audience")]
#[case::aud_missing(|draft: &mut Draft| take(draft, "aud"), "id_token_claims")]
#[case::aud_several_without_azp(
    |draft: &mut Draft| draft.claims["aud"] = json!([draft.claims["aud"], "another client"]),
    "id_token_audience"
)]
#[case::azp_other(|draft: &mut Draft| draft.claims["azp"] = "another client".into(), "id_token_audience")]
#[case::iat_missing(|draft: &mut Draft| take(draft, "iat"), "id_token_claims")]
#[case::iat_to_come(|draft: &mut Draft| moved(draft, "iat", DAY), "id_token_time")]
#[case::exp_missing(|draft: &mut Draft| take(draft, "exp"), "id_token_claims")]
#[case::expired(|draft: &mut Draft| moved(draft, "exp", -61), "id_token_expired")]
#[case::nbf_to_come(|draft: &mut Draft| moved(draft, "nbf", 300), "id_token_time")]
#[case::nonce_invalid(|draft: &mut Draft| draft.claims["nonce"] = "another".into(), "id_token_nonce")]
#[case::nonce_missing(|draft: &mut Draft| take(draft, "nonce"), "id_token_nonce")]
#[case::at_hash(|draft: &mut Draft| draft.claims["at_hash"] = half_hash("another").into(), "id_token_at_hash")]
#[case::at_hash_a_number(|draft: &mut Draft| draft.claims["at_hash"] = 7.into(), "id_token_claims")]
#[tokio::test]
async fn an_id_token_that_is_not_right_ends_the_login(#[case] change: fn(&mut Draft), #[case] code: &str) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.id_token(change);
    stage.fails("id_token", code).await;
    assert!(stage.provider.asked("/me").is_empty(), "nobody is asked with a token that is not believed");
    stage.provider.id_token(|_| {});
    stage.completes().await;
}

#[rstest]
#[case::missing(|told: &mut serde_json::Value| { told.as_object_mut().unwrap().remove("id_token"); }, "id_token_missing")]
#[case::no_jwt(|told: &mut serde_json::Value| told["id_token"] = "abc".into(), "id_token_malformed")]
#[case::encrypted(|told: &mut serde_json::Value| told["id_token"] = "eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0.a.b.c.d".into(), "id_token_encrypted")]
#[case::two_parts(|told: &mut serde_json::Value| told["id_token"] = "e30.e30".into(), "id_token_malformed")]
#[case::longer_than_64_kib(|told: &mut serde_json::Value| told["id_token"] = "a".repeat(70_000).into(), "id_token_malformed")]
#[case::claims_twice(|told: &mut serde_json::Value| {
    use base64::Engine as _;
    let text = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    told["id_token"] = format!("{}.{}.AAAA", text(r#"{"alg":"RS256","kid":"rsa-1"}"#), text(r#"{"sub":"a","sub":"b"}"#)).into();
}, "id_token_malformed")]
#[tokio::test]
async fn what_is_no_id_token_at_all_ends_the_login(
    #[case] change: fn(&mut serde_json::Value),
    #[case] code: &str,
) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.token(change);
    stage.fails("id_token", code).await;
    assert!(stage.provider.asked("/me").is_empty());
}

#[rstest]
#[case::as_it_should_be(|_: &mut Draft| {})]
#[case::kid_absent_single_jwks(|draft: &mut Draft| draft.header = json!({"alg": "RS256"}))]
#[case::typ_jwt(|draft: &mut Draft| draft.header["typ"] = "JWT".into())]
#[case::aud_a_list_of_one(|draft: &mut Draft| draft.claims["aud"] = json!([draft.claims["aud"]]))]
#[case::aud_several_with_azp(|draft: &mut Draft| {
    draft.claims["azp"] = draft.claims["aud"].clone();
    draft.claims["aud"] = json!(["another client", draft.claims["aud"]]);
})]
#[case::at_hash_missing(|draft: &mut Draft| take(draft, "at_hash"))]
#[case::expired_within_the_skew(|draft: &mut Draft| moved(draft, "exp", -30))]
#[case::auth_time_a_fraction(|draft: &mut Draft| draft.claims["auth_time"] = json!(1.5))]
#[case::unknown_claims(|draft: &mut Draft| draft.claims["https://x.example/roles"] = json!([{"a": 1}]))]
#[tokio::test]
async fn an_id_token_that_is_right_passes(#[case] change: fn(&mut Draft)) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.id_token(change);
    let contact = stage.completes().await;
    assert_eq!(contact["identities"][0]["subject"], SUBJECT);
}

#[tokio::test]
async fn kid_absent_multiple_jwks_passes_with_the_key_that_fits() {
    let mut stage = Stage::by_issuer("").await;
    let keys = [Key::other_rsa().public("old"), Key::ec().public("ec-1"), Key::rsa().public("rsa-1")];
    stage.provider.publish(keys.to_vec());
    stage.provider.id_token(|draft| draft.header = json!({"alg": "RS256"}));
    stage.completes().await;
    let notes = stage.attempt().await["notes"].to_string();
    assert!(notes.contains("kid_missing"), "{notes}");
}

#[rstest]
#[case::rs256("RS256", Key::rsa(), "rsa-1")]
#[case::ps256("PS256", Key::rsa(), "rsa-1")]
#[case::es256("ES256", Key::ec(), "ec-1")]
#[case::eddsa("EdDSA", Key::ed(), "ed-1")]
#[tokio::test]
async fn each_announced_algorithm_passes_and_a_turned_bit_does_not(
    #[case] algorithm: &'static str,
    #[case] key: &'static Key,
    #[case] kid: &'static str,
) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.publish(vec![Key::other_rsa().public("other"), key.public(kid)]);
    let header = move || json!({"alg": algorithm, "kid": kid});
    stage.provider.id_token(move |draft| {
        (draft.header, draft.seal) = (header(), Seal::Broken(key));
    });
    stage.fails("id_token", "id_token_signature").await;
    stage.provider.id_token(move |draft| {
        (draft.header, draft.seal) = (header(), Seal::With(key));
        // Its hash is another one for each algorithm; the fixtures have them all.
        take(draft, "at_hash");
    });
    stage.completes().await;
}

#[tokio::test]
async fn hs256_passes_with_the_client_secret_where_the_tenant_allows_it_and_with_no_other() {
    let mut stage = Stage::by_issuer("id_token_algs = [\"HS256\"]").await;
    let signed = |secret: &'static [u8]| {
        move |draft: &mut Draft| {
            draft.header = json!({"alg": "HS256"});
            draft.seal = Seal::Shared(secret.to_vec());
        }
    };
    stage.provider.id_token(signed(b"another secret of some length 012"));
    stage.fails("id_token", "id_token_signature").await;
    stage.provider.id_token(signed(b""));
    stage.fails("id_token", "id_token_signature").await;
    let secret = countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET;
    stage.provider.id_token(signed(secret.as_bytes()));
    stage.completes().await;
}

#[tokio::test]
async fn hs256_passes_with_the_previous_secret_while_it_is_replaced_and_needs_no_keys() {
    let settings = "id_token_algs = [\"HS256\"]\nclient_secret_previous = { env = \"ACME_HOOK\" }";
    let mut stage = Stage::by_issuer(settings).await;
    stage.provider.at("/keys", |_| Answer::with(500, "text/plain", ""));
    stage.provider.id_token(|draft| {
        draft.header = json!({"alg": "HS256"});
        draft.seal = Seal::Shared(HOOK_SECRET.as_bytes().to_vec());
    });
    stage.completes().await;
    assert!(stage.provider.asked("/keys").is_empty());
}

#[tokio::test]
async fn where_the_tenant_allows_hs256_too_the_public_key_is_still_no_secret() {
    let mut stage = Stage::by_issuer("id_token_algs = [\"RS256\", \"HS256\"]").await;
    stage.provider.id_token(|draft| {
        draft.header["alg"] = "HS256".into();
        draft.seal = Seal::Shared(Key::rsa().public_pem());
    });
    stage.fails("id_token", "id_token_signature").await;
}

#[rstest]
#[case::max_age("max_age = 60", |draft: &mut Draft| moved(draft, "auth_time", -200), "id_token_time")]
#[case::max_age_without_auth_time("max_age = 60", |draft: &mut Draft| take(draft, "auth_time"), "id_token_claims")]
#[case::acr("acr_values = [\"gold\", \"silver\"]", |draft: &mut Draft| draft.claims["acr"] = "bronze".into(), "id_token_claims")]
#[case::acr_missing("acr_values = [\"gold\"]", |_: &mut Draft| {}, "id_token_claims")]
#[case::no_skew("clock_skew = 0", |draft: &mut Draft| moved(draft, "exp", -2), "id_token_expired")]
#[tokio::test]
async fn what_the_tenant_demands_of_the_sign_in_must_be_so(
    #[case] settings: &str,
    #[case] change: fn(&mut Draft),
    #[case] code: &str,
) {
    let mut stage = Stage::by_issuer(settings).await;
    stage.provider.id_token(change);
    stage.fails("id_token", code).await;
    stage.provider.id_token(|draft| draft.claims["acr"] = "gold".into());
    stage.completes().await;
}

#[tokio::test]
async fn the_identity_may_be_the_id_token_alone() {
    let mut stage = Stage::by_issuer("identity = \"id_token\"").await;
    stage.provider.id_token(|draft| {
        draft.claims["email"] = "billy.bob@example.com".into();
        draft.claims["name"] = "Billy Bob".into();
    });
    let contact = stage.completes().await;
    assert_eq!(
        (&contact["fullName"], &contact["identities"][0]["subject"]),
        (&json!("Billy Bob"), &json!(SUBJECT))
    );
    assert!(stage.provider.asked("/me").is_empty());
}

#[tokio::test]
async fn a_token_of_another_login_is_no_use_in_this_one() {
    let mut stage = Stage::by_issuer("").await;
    stage.completes().await;
    let first = stage.provider.asked("/auth").remove(0);
    let nonce = crate::harness::scripted::value(&first.query, "nonce").to_owned();
    let (issuer, now) = (stage.provider.origin().to_owned(), stage.broker.clock.now().as_second());
    stage.provider.token(move |told| {
        let client = countersign::cli::demo::provider::DemoProvider::CLIENT_ID;
        let claims = json!({"iss": issuer, "sub": SUBJECT, "aud": client, "exp": now + 300, "iat": now, "nonce": nonce});
        told["id_token"] = sign(&json!({"alg": "RS256", "kid": "rsa-1"}), &claims, &Seal::With(Key::rsa())).into();
    });
    stage.again("conv-2").await;
    let attempt = stage.attempt().await;
    assert_eq!((&attempt["step"], &attempt["code"]), (&json!("id_token"), &json!("id_token_nonce")));
}
