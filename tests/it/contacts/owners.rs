//! To whom a sign-in belongs: the owner of the identity, the hinted contact, the one with the same
//! verified email, or a new one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{OTHER, TRUSTED, call, contact, id_of, patch, sign_in, sign_in_with, start, start_with, told};
use crate::harness::Harness;

/// Signs Billy in with a hint, at a provider that does not know him yet.
async fn hinted(broker: &Harness, conversation: &str, hint: Value) -> Value {
    sign_in_with(broker, conversation, "billy", json!({"provider": "other", "contact": hint})).await
}

async fn order(broker: &Harness, hint: Value) -> (StatusCode, Value) {
    let conversation = json!({"id": "conv-9", "channel": "sms"});
    let body = json!({"conversation": conversation, "provider": "acme", "contact": hint});
    broker.api(Method::POST, "/v1/auth-links", Some(body)).await
}

#[tokio::test]
async fn an_identity_that_nobody_owns_goes_to_the_hinted_contact() {
    let broker = start_with(TRUSTED, OTHER).await;
    let amelie = sign_in(&broker, "conv-1", "amelie").await;
    let done = hinted(&broker, "conv-2", json!({"id": amelie})).await;
    assert_eq!((id_of(&done), done.get("contactMismatch")), (amelie.clone(), None));
    let now = contact(&broker, &amelie).await;
    assert_eq!(now["identities"].as_array().unwrap().len(), 2);
    assert_eq!(now["email"], "amelie@example.org", "it fills, and does not overwrite");
    let again = sign_in_with(&broker, "conv-3", "billy", json!({"provider": "other"})).await;
    assert_eq!(id_of(&again), amelie, "and owns it from now on");
}

#[tokio::test]
async fn an_owner_wins_over_the_hint_and_it_is_told() {
    let broker = start().await;
    let (billy, amelie) =
        (sign_in(&broker, "conv-1", "billy").await, sign_in(&broker, "conv-2", "amelie").await);
    patch(&broker, &amelie, json!({"externalId": "crm-2"})).await.ok();
    for (hint, mismatch) in [
        (json!({"id": amelie}), true),
        (json!({"externalId": "crm-2"}), true),
        (json!({"externalId": "crm-unknown"}), false),
        (json!({"id": billy}), false),
        (json!({}), false),
    ] {
        let done = sign_in_with(&broker, "conv-3", "billy", json!({"contact": hint})).await;
        let expected = mismatch.then_some(&Value::Bool(true));
        assert_eq!((id_of(&done), done.get("contactMismatch")), (billy.clone(), expected), "{hint}");
        let last = told(&broker, "auth.completed").await.pop().unwrap();
        assert_eq!(last.get("contactMismatch"), expected, "{hint}");
    }
    patch(&broker, &billy, json!({"externalId": "crm-1"})).await.ok();
    let done = sign_in_with(&broker, "conv-3", "billy", json!({"contact": {"externalId": "crm-9"}})).await;
    assert_eq!(done["contactMismatch"], true, "he has another one");
    let amelie = contact(&broker, &amelie).await;
    assert_eq!(amelie["identities"].as_array().unwrap().len(), 1, "nothing moved");
}

#[tokio::test]
async fn a_hinted_contact_that_is_somebody_else_at_this_provider_is_left_alone() {
    let broker = start().await;
    let amelie = sign_in(&broker, "conv-1", "amelie").await;
    let done = sign_in_with(&broker, "conv-2", "billy", json!({"contact": {"id": amelie}})).await;
    assert_ne!(id_of(&done), amelie);
    assert_eq!((&done["contactMismatch"], broker.contacts().await.len()), (&json!(true), 2));
    assert_eq!(contact(&broker, &amelie).await["identities"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_external_id_that_nobody_has_is_the_new_contacts() {
    let broker = start_with(TRUSTED, OTHER).await;
    let done = hinted(&broker, "conv-1", json!({"externalId": "crm-77"})).await;
    let id = id_of(&done);
    let made = contact(&broker, &id).await;
    assert_eq!((&made["externalId"], done.get("contactMismatch")), (&json!("crm-77"), None));
    assert_eq!(made["provenance"]["externalId"]["source"], "auth_link");
    assert_eq!(told(&broker, "contact.created").await[0]["changes"][0]["field"], "externalId");
    let again = sign_in_with(
        &broker,
        "conv-2",
        "billy",
        json!({"provider": "acme", "contact": {"externalId": "crm-77"}}),
    )
    .await;
    assert_eq!(id_of(&again), id, "who has it is found by it");
}

#[tokio::test]
async fn a_hint_is_checked_when_the_link_is_made() {
    let broker = start().await;
    let (status, refused) = order(&broker, json!({"id": "ct_00000000000000000000000000000001"})).await;
    assert_eq!(
        (status, &refused["faults"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/contact/id"))
    );
    let id = sign_in(&broker, "conv-1", "billy").await;
    let (status, refused) = order(&broker, json!({"id": id, "externalId": "crm-1"})).await;
    assert_eq!(
        (status, &refused["faults"][0]["pointer"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("/contact"))
    );
    assert_eq!(order(&broker, json!({"id": id})).await.0, StatusCode::CREATED);
    assert_eq!(order(&broker, json!({"externalId": "crm-new"})).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn a_hinted_contact_that_is_gone_meanwhile_is_followed_or_forgotten() {
    let broker = start_with(TRUSTED, OTHER).await;
    let (amelie, hanako) =
        (sign_in(&broker, "conv-1", "amelie").await, sign_in(&broker, "conv-2", "hanako").await);
    let link = broker.link_with("conv-3", json!({"provider": "other", "contact": {"id": amelie}})).await;
    call(&broker, "POST", &format!("{hanako}/merge"), None, Some(json!({"from": amelie}))).await.ok();
    super::finish(&link, "billy").await;
    assert_eq!(id_of(&broker.status(&link).await), hanako, "it went up in this one");
    let link = broker.link_with("conv-4", json!({"provider": "other", "contact": {"id": hanako}})).await;
    assert_eq!(call(&broker, "DELETE", &hanako, None, None).await.status, StatusCode::NO_CONTENT);
    super::finish(&link, "billy").await;
    let done = broker.status(&link).await;
    assert_eq!((done["status"].as_str(), done.get("contactMismatch")), (Some("completed"), None));
    assert_ne!(id_of(&done), hanako);
}

/// `acme` and `other`, where `other` joins by email.
async fn joining(trusted_here: bool, trusted_there: bool) -> Harness {
    let trust = |trusted| if trusted { "trusted = [\"email\"]" } else { "" };
    let acme = format!("{}\n{}", crate::harness::MAPPING, trust(trusted_there));
    start_with(&acme, &format!("{OTHER}\nmerge_by_email = true\n{}", trust(trusted_here))).await
}

#[tokio::test]
async fn who_has_the_same_email_is_joined_if_both_are_verified() {
    for (here, there, joined) in
        [(true, true, true), (true, false, false), (false, true, false), (false, false, false)]
    {
        let broker = joining(here, there).await;
        let billy = sign_in(&broker, "conv-1", "billy").await;
        let done = sign_in_with(&broker, "conv-2", "billy", json!({"provider": "other"})).await;
        assert_eq!(id_of(&done) == billy, joined, "verified here: {here}, there: {there}");
        let other = sign_in_with(&broker, "conv-3", "amelie", json!({"provider": "other"})).await;
        assert_ne!(id_of(&other), billy, "another address");
    }
}

#[tokio::test]
async fn without_the_setting_the_same_email_joins_nobody() {
    let broker = start_with(TRUSTED, &format!("{OTHER}\ntrusted = [\"email\"]")).await;
    let billy = sign_in(&broker, "conv-1", "billy").await;
    let done = sign_in_with(&broker, "conv-2", "billy", json!({"provider": "other"})).await;
    assert_ne!(id_of(&done), billy);
}

#[tokio::test]
async fn an_email_that_somebody_typed_joins_nobody() {
    let broker = joining(true, true).await;
    let amelie = sign_in(&broker, "conv-1", "amelie").await;
    patch(&broker, &amelie, json!({"email": "billy.bob@example.com"})).await.ok();
    let billy = id_of(&sign_in_with(&broker, "conv-2", "billy", json!({"provider": "other"})).await);
    assert_ne!(billy, amelie, "an address that was typed proves nothing");
}

#[tokio::test]
async fn whom_the_provider_knows_as_somebody_else_is_not_joined_by_email() {
    // Both people of this provider have one address: it changed hands.
    let one = r#"mapping = { userId = "user.id", email = "'shared@example.com'" }
subject = "user.id"
trusted = ["email"]
merge_by_email = true"#;
    let broker = start_with(one, "").await;
    let billy = sign_in(&broker, "conv-1", "billy").await;
    assert_ne!(sign_in(&broker, "conv-2", "amelie").await, billy);
}

#[tokio::test]
async fn a_hint_goes_before_an_email() {
    let broker = joining(true, true).await;
    let (_, amelie) = (sign_in(&broker, "conv-1", "billy").await, sign_in(&broker, "conv-2", "amelie").await);
    let done = hinted(&broker, "conv-3", json!({"id": amelie})).await;
    assert_eq!(id_of(&done), amelie);
}

#[tokio::test]
async fn a_contact_that_is_joined_by_email_but_is_not_the_expected_one_is_told() {
    let broker = joining(true, true).await;
    let billy = sign_in(&broker, "conv-1", "billy").await;
    patch(&broker, &billy, json!({"externalId": "crm-1"})).await.ok();
    let done = hinted(&broker, "conv-2", json!({"externalId": "crm-9"})).await;
    assert_eq!((id_of(&done), &done["contactMismatch"]), (billy, &json!(true)));
}
