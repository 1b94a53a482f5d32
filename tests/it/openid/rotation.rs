//! A provider's keys: changed in the middle of a login, unknown, several, unusable, or not to be had.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::keys::{Key, Seal};
use crate::harness::stage::Stage;

/// A stage that has fetched the keys already, by a login of somebody in another conversation.
async fn with_known_keys() -> Stage {
    let mut stage = Stage::by_issuer("identity = \"id_token\"").await;
    stage.provider.id_token(|draft| draft.claims["email"] = "billy.bob@example.com".into());
    stage.completes().await;
    assert_eq!(stage.provider.asked("/keys").len(), 1);
    stage
}

async fn completes_in(stage: &mut Stage, conversation: &str) {
    let page = stage.again(conversation).await;
    let code = page.code().unwrap_or_else(|| panic!("no code in {}", page.html));
    assert_eq!(stage.broker.message(conversation, "+15550100", &code).await["matched"], true);
}

#[tokio::test]
async fn key_rotation_during_a_login_passes() {
    let mut stage = with_known_keys().await;
    stage.link = stage.broker.link("conv-2").await;
    let callback = stage.reach_callback().await;
    stage.provider.publish(vec![Key::ec().public("ec-1")]);
    stage.provider.id_token(|draft| {
        (draft.header, draft.seal) = (json!({"alg": "ES256", "kid": "ec-1"}), Seal::With(Key::ec()));
    });
    let page = stage.browser.arrive(&callback).await;
    assert!(page.code().is_some(), "{}", page.html);
    assert_eq!(stage.provider.asked("/keys").len(), 2);
    let notes = stage.attempt().await["notes"].to_string();
    assert!(notes.contains("keys were fetched anew"), "{notes}");
}

#[tokio::test]
async fn key_rotation_under_the_same_kid_passes() {
    let mut stage = with_known_keys().await;
    stage.provider.publish(vec![Key::other_rsa().public("rsa-1")]);
    stage.provider.id_token(|draft| draft.seal = Seal::With(Key::other_rsa()));
    completes_in(&mut stage, "conv-2").await;
    assert_eq!(stage.provider.asked("/keys").len(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_believed_no_more_once_the_keys_were_fetched_anew() {
    let mut stage = with_known_keys().await;
    stage.provider.publish(vec![Key::other_rsa().public("rsa-2")]);
    stage.provider.id_token(|draft| {
        draft.header["kid"] = "rsa-2".into();
        draft.seal = Seal::With(Key::other_rsa());
    });
    completes_in(&mut stage, "conv-2").await;
    stage.provider.id_token(|_| {});
    stage.again("conv-3").await;
    assert_eq!(stage.attempt().await["code"], "id_token_key");
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_fetch_in_half_a_minute_and_no_good_login() {
    let mut stage = with_known_keys().await;
    stage.provider.id_token(|draft| {
        draft.header["kid"] = countersign::clock::Clock::system().fresh_token().expose().into();
    });
    for number in 0..5 {
        stage.again(&format!("conv-flood-{number}")).await;
        assert_eq!(stage.attempt().await["code"], "id_token_key");
    }
    assert_eq!(stage.provider.asked("/keys").len(), 2, "the first one forced a fetch, the others none");
    stage.broker.clock.advance(Duration::from_secs(31));
    stage.again("conv-later").await;
    assert_eq!(stage.provider.asked("/keys").len(), 3);
    stage.provider.id_token(|draft| draft.claims["email"] = "billy.bob@example.com".into());
    completes_in(&mut stage, "conv-good").await;
}

#[rstest]
#[case::page(|| Answer::with(200, "text/html", "<html>keys</html>"), "jwks_failed")]
#[case::error(|| Answer::with(500, "application/json", "{}"), "jwks_failed")]
#[case::redirect(|| Answer::redirect(302, "http://127.0.0.1:1/keys"), "jwks_failed")]
#[case::empty(|| Answer::with(200, "application/json", ""), "jwks_failed")]
#[case::no_keys(|| Answer::with(200, "application/json", "{}"), "jwks_failed")]
#[case::keys_twice(|| Answer::with(200, "application/json", r#"{"keys":[],"keys":[]}"#), "jwks_failed")]
#[case::huge(|| Answer::with(200, "application/json", vec![b' '; 1024 * 1024 + 1]), "jwks_failed")]
#[case::endless(|| Answer::Endless, "jwks_failed")]
#[case::truncated(|| Answer::Truncated(b"{\"keys\":[".to_vec()), "jwks_failed")]
#[case::silent(|| Answer::Silence, "jwks_timeout")]
#[case::trickling(|| Answer::Trickle, "jwks_timeout")]
#[case::none_at_all(|| Answer::with(200, "application/json", r#"{"keys":[]}"#), "id_token_key")]
#[case::symmetric_key(|| Answer::with(200, "application/json", r#"{"keys":[{"kty":"oct","kid":"rsa-1","k":"AAAA"}]}"#), "id_token_key")]
#[tokio::test]
async fn keys_that_cannot_be_had_end_the_login(#[case] answer: fn() -> Answer, #[case] code: &str) {
    let mut stage = Stage::by_issuer("").await;
    stage.provider.at("/keys", move |_| answer());
    stage.fails("id_token", code).await;
    assert!(stage.provider.asked("/me").is_empty());
    stage.provider.mend("/keys");
    stage.broker.clock.advance(Duration::from_secs(31));
    stage.completes().await;
}

#[tokio::test]
async fn keys_of_all_sorts_beside_the_good_one_disturb_nobody() {
    let mut stage = Stage::by_issuer("").await;
    let mut keys = vec![
        json!(null),
        json!({"kty": "RSA", "kid": "rsa-1", "use": "enc", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "oct", "kid": "oct-1", "k": "c2VjcmV0"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "bad-point", "x": "AA", "y": "AA"}),
        json!({"kty": "AKP", "kid": "to-come", "alg": "ML-DSA-44", "pub": "AA"}),
    ];
    keys.push(Key::rsa().public("rsa-1"));
    stage.provider.publish(keys);
    stage.completes().await;
}

#[tokio::test]
async fn known_keys_go_on_to_count_while_the_provider_of_them_fails() {
    let mut stage = with_known_keys().await;
    stage.provider.at("/keys", |_| Answer::with(500, "text/plain", ""));
    stage.broker.clock.advance(Duration::from_hours(2));
    stage.provider.id_token(|draft| {
        draft.claims["email"] = "billy.bob@example.com".into();
        for time in ["iat", "exp"] {
            draft.claims[time] = (draft.claims[time].as_i64().unwrap() + 7200).into();
        }
    });
    completes_in(&mut stage, "conv-2").await;
    assert_eq!(stage.provider.asked("/keys").len(), 2);
}

#[tokio::test]
async fn many_logins_at_once_fetch_the_documents_once() {
    let stage = Stage::by_issuer("").await;
    let mut logins = Vec::new();
    for number in 0..12 {
        logins.push(stage.broker.link(&format!("conv-many-{number}")).await);
    }
    let signed_in = logins.iter().map(|link| async {
        let mut browser = crate::harness::browser::Browser::new();
        let opened = browser.open(link["url"].as_str().unwrap()).await;
        let callback = browser.get(&opened.location()).await.location();
        browser.arrive(&callback).await.code().is_some()
    });
    let done = futures_util::future::join_all(signed_in).await;
    assert!(done.iter().all(|done| *done), "{done:?}");
    let asked = |path: &str| stage.provider.asked(path).len();
    assert_eq!((asked("/.well-known/openid-configuration"), asked("/keys"), asked("/token")), (1, 1, 12));
}
