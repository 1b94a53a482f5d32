//! `oauth2-mock-server`, told to misbehave, by another hand than ours: each fault ends at its step
//! with its code, and what is only unusual is tolerated.

use super::npm::{Client, Lineup};

/// Clients that are served right, or oddly but well enough.
const GOOD: [&str; 5] = ["right", "no-key-name", "no-token-type", "expiry-as-text", "scope-as-list"];

/// Clients that are served wrong.
const BAD: [(&str, &str, &str); 22] = [
    ("other-issuer", "id_token", "id_token_issuer"),
    ("other-audience", "id_token", "id_token_audience"),
    ("several-audiences", "id_token", "id_token_audience"),
    ("other-party", "id_token", "id_token_audience"),
    ("other-nonce", "id_token", "id_token_nonce"),
    ("no-nonce", "id_token", "id_token_nonce"),
    ("no-subject", "id_token", "id_token_claims"),
    ("no-time", "id_token", "id_token_claims"),
    ("expired", "id_token", "id_token_expired"),
    ("not-yet", "id_token", "id_token_time"),
    ("unknown-key", "id_token", "id_token_key"),
    ("other-hash", "id_token", "id_token_at_hash"),
    ("no-id-token", "id_token", "id_token_missing"),
    ("no-access-token", "exchange", "token_garbage"),
    ("token-error", "exchange", "token_failed"),
    ("token-refused", "exchange", "invalid_grant"),
    ("error-inside", "exchange", "token_refused"),
    ("other-person", "whoami", "subject_mismatch"),
    ("nobody", "whoami", "subject_mismatch"),
    ("whoami-error", "whoami", "whoami_failed"),
    ("whoami-refused", "whoami", "whoami_refused"),
    ("declined", "verify", "access_denied"),
];

#[tokio::test]
async fn every_fault_of_the_mock_server_ends_at_its_step_and_every_oddity_is_tolerated() {
    let ids = GOOD.into_iter().chain(BAD.map(|(id, _, _)| id)).chain(["other-named"]);
    let clients: Vec<_> =
        ids.map(|id| Client { id, settings: "client_auth = \"client_secret_post\"".to_owned() }).collect();
    let lineup = Lineup::start("mock.mjs", &clients, |_| Vec::new()).await;
    let mut wrong = Vec::new();
    for id in GOOD {
        wrong.extend(lineup.completes(id).await.err());
    }
    for (id, step, code) in BAD {
        wrong.extend(lineup.fails(id, step, code).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (link, page) = lineup.sign_in("other-named").await;
    assert_eq!(page.status, 400, "another issuer names itself at the callback: {}", page.html);
    assert_eq!(lineup.broker.status(&link).await["status"], "opened");
    assert_eq!(lineup.broker.contacts().await.len(), GOOD.len(), "one person per provider");
}
