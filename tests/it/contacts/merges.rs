//! Two records become one.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{
    Answer, OTHER, TRUSTED, call, contact, id_of, patch, sign_in, sign_in_with, start, start_with, told,
};
use crate::harness::Harness;

async fn merge(broker: &Harness, id: &str, from: &str) -> Answer {
    call(broker, "POST", &format!("{id}/merge"), None, Some(json!({"from": from}))).await
}

/// Billy's and Amélie's records, in conversations `conv-1` and `conv-2`.
async fn two() -> (Harness, String, String) {
    let broker = start().await;
    let (billy, amelie) =
        (sign_in(&broker, "conv-1", "billy").await, sign_in(&broker, "conv-2", "amelie").await);
    (broker, billy, amelie)
}

#[tokio::test]
async fn a_merged_contact_is_both_and_answers_to_both_ids() {
    let (broker, billy, amelie) = two().await;
    patch(&broker, &amelie, json!({"phone": "+49 30 1", "externalId": "crm-2", "fields": {"tier": "gold"}}))
        .await
        .ok();
    let merged = merge(&broker, &billy, &amelie).await;
    assert_eq!(merged.etag(), "\"2\"");
    let merged = merged.ok();
    assert_eq!((&merged["email"], &merged["phone"]), (&json!("billy.bob@example.com"), &json!("+49 30 1")));
    assert_eq!((&merged["externalId"], &merged["fields"]["tier"]), (&json!("crm-2"), &json!("gold")));
    assert_eq!(merged["suggestions"]["email"]["value"], "amelie@example.org");
    assert_eq!(
        (merged["identities"].as_array().unwrap().len(), &merged["mergedFrom"]),
        (2, &json!([amelie]))
    );
    assert_eq!(contact(&broker, &amelie).await, merged, "its id answers the survivor");
    assert_eq!(broker.contacts().await.len(), 1);
    for filter in ["phone=%2B49301", "externalId=crm-2", "conversationId=conv-2", "conversationId=conv-1"] {
        let found = broker.get(&format!("/v1/contacts?{filter}")).await;
        assert_eq!(found["items"], json!([merged]), "{filter}");
    }
    assert_eq!(
        broker.get("/v1/contacts?email=amelie@example.org").await["items"],
        json!([]),
        "it is a suggestion"
    );
    assert_eq!(broker.get("/v1/conversations/conv-2").await["contactId"], *billy);
    let told = told(&broker, "contact.updated").await.pop().unwrap();
    assert_eq!((&told["mergedFrom"], &told["contact"]), (&json!(amelie), &merged));
    let changed: Vec<_> = told["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(changed, ["phone", "externalId", "tier"]);
    assert_eq!(sign_in(&broker, "conv-3", "amelie").await, billy, "the identity went over");
}

#[tokio::test]
async fn a_merge_can_be_repeated_and_what_makes_no_sense_is_refused() {
    let (broker, billy, amelie) = two().await;
    let itself = merge(&broker, &billy, &billy).await;
    assert_eq!((itself.status, itself.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/from"]));
    let unknown = merge(&broker, &billy, "ct_00000000000000000000000000000001").await;
    assert_eq!((unknown.status, unknown.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/from"]));
    let nobody = merge(&broker, "ct_00000000000000000000000000000001", &billy).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let once = merge(&broker, &billy, &amelie).await.ok();
    let count = told(&broker, "contact.updated").await.len();
    assert_eq!(merge(&broker, &billy, &amelie).await.ok(), once, "a repeated call does no harm");
    assert_eq!(told(&broker, "contact.updated").await.len(), count);
}

#[tokio::test]
async fn a_chain_of_merges_answers_its_last_one() {
    let (broker, billy, amelie) = two().await;
    let hanako = sign_in(&broker, "conv-3", "hanako").await;
    merge(&broker, &billy, &amelie).await.ok();
    merge(&broker, &hanako, &amelie).await.ok();
    for id in [&billy, &amelie, &hanako] {
        assert_eq!(contact(&broker, id).await["id"], *hanako);
    }
    for person in ["billy", "amelie", "hanako"] {
        assert_eq!(sign_in(&broker, "conv-9", person).await, hanako, "{person}");
    }
    assert_eq!(broker.get("/v1/conversations/conv-2").await["contactId"], *hanako);
    patch(&broker, &amelie, json!({"locale": "ja"})).await.ok();
    assert_eq!(contact(&broker, &hanako).await["locale"], "ja");
}

#[tokio::test]
async fn merging_and_erasing_takes_the_traces_of_both() {
    let (broker, billy, amelie) = two().await;
    merge(&broker, &billy, &amelie).await.ok();
    assert_eq!(call(&broker, "DELETE", &amelie, None, None).await.status, StatusCode::NO_CONTENT);
    for id in [&billy, &amelie] {
        assert_eq!(call(&broker, "GET", id, None, None).await.status, StatusCode::NOT_FOUND);
    }
    let all = Value::Array(super::events(&broker).await).to_string();
    for name in ["billy", "Billy", "amelie", "Am\u{e9}lie"] {
        assert!(!all.contains(name), "{name}: {all}");
    }
    for conversation in ["conv-1", "conv-2"] {
        assert_eq!(broker.get(&format!("/v1/conversations/{conversation}")).await["verified"], false);
    }
}

#[tokio::test]
async fn a_sign_in_during_a_merge_is_one_of_the_merged_contact() {
    for _ in 0..5 {
        let (broker, billy, amelie) = two().await;
        let broker = Arc::new(broker);
        let merging = tokio::spawn({
            let (broker, billy, amelie) = (Arc::clone(&broker), billy.clone(), amelie.clone());
            async move { merge(&broker, &billy, &amelie).await.ok() }
        });
        let logins = ["billy", "amelie", "amelie"].into_iter().enumerate().map(|(n, person)| {
            let broker = Arc::clone(&broker);
            tokio::spawn(async move { sign_in(&broker, &format!("race-{n}"), person).await })
        });
        let logins: Vec<_> = logins.collect();
        merging.await.unwrap();
        for login in logins {
            let id = login.await.unwrap();
            assert_eq!(contact(&broker, &id).await["id"], *billy);
        }
        let survivor = contact(&broker, &billy).await;
        assert_eq!(broker.contacts().await, std::slice::from_ref(&survivor), "nobody was made anew");
        let mut seen: Vec<_> =
            survivor["conversations"].as_array().unwrap().iter().map(|at| at["id"].clone()).collect();
        seen.sort_by_key(Value::to_string);
        assert_eq!(seen, ["conv-1", "conv-2", "race-0", "race-1", "race-2"]);
        for n in 0..3 {
            let conversation = broker.get(&format!("/v1/conversations/race-{n}")).await;
            assert_eq!(contact(&broker, conversation["contactId"].as_str().unwrap()).await["id"], *billy);
        }
    }
}

#[tokio::test]
async fn two_identities_at_one_provider_may_be_merged_by_hand() {
    let broker = start_with(TRUSTED, OTHER).await;
    let acme = sign_in(&broker, "conv-1", "billy").await;
    let other = id_of(&sign_in_with(&broker, "conv-2", "billy", json!({"provider": "other"})).await);
    assert_ne!(acme, other, "nothing moves by itself");
    merge(&broker, &acme, &other).await.ok();
    for provider in ["acme", "other"] {
        assert_eq!(
            id_of(&sign_in_with(&broker, "conv-3", "billy", json!({"provider": provider})).await),
            acme
        );
    }
}

#[tokio::test]
async fn a_merged_contact_is_found_by_every_id_that_the_platform_gave_it() {
    let broker = start_with(TRUSTED, OTHER).await;
    let (billy, amelie) =
        (sign_in(&broker, "conv-1", "billy").await, sign_in(&broker, "conv-2", "amelie").await);
    patch(&broker, &billy, json!({"externalId": "crm-1"})).await.ok();
    patch(&broker, &amelie, json!({"externalId": "crm-2"})).await.ok();
    let merged = merge(&broker, &billy, &amelie).await.ok();
    assert_eq!((&merged["externalId"], &merged["mergedExternalIds"]), (&json!("crm-1"), &json!(["crm-2"])));
    assert_eq!(broker.get("/v1/contacts?externalId=crm-2").await["items"], json!([merged]));
    let hint = json!({"provider": "other", "contact": {"externalId": "crm-2"}});
    let done = sign_in_with(&broker, "conv-3", "hanako", hint).await;
    assert_eq!((id_of(&done), done.get("contactMismatch")), (billy.clone(), None), "no third contact");
    let known = sign_in_with(
        &broker,
        "conv-4",
        "billy",
        json!({"provider": "acme", "contact": {"externalId": "crm-2"}}),
    )
    .await;
    assert_eq!((id_of(&known), known.get("contactMismatch")), (billy.clone(), None), "and no false mismatch");
    let hanako = sign_in(&broker, "conv-5", "hanako").await;
    assert_eq!(
        patch(&broker, &hanako, json!({"externalId": "crm-2"})).await.status,
        StatusCode::CONFLICT,
        "it is his"
    );
    patch(&broker, &billy, json!({"externalId": null})).await.ok();
    assert_eq!(broker.get("/v1/contacts?externalId=crm-2").await["items"], json!([]), "patched away");
    patch(&broker, &hanako, json!({"externalId": "crm-2"})).await.ok();
}

#[tokio::test]
async fn the_ids_of_a_merged_contact_are_free_when_it_is_erased() {
    let (broker, billy, amelie) = two().await;
    patch(&broker, &billy, json!({"externalId": "crm-1"})).await.ok();
    patch(&broker, &amelie, json!({"externalId": "crm-2"})).await.ok();
    merge(&broker, &billy, &amelie).await.ok();
    assert_eq!(call(&broker, "DELETE", &billy, None, None).await.status, StatusCode::NO_CONTENT);
    let hanako = sign_in(&broker, "conv-3", "hanako").await;
    patch(&broker, &hanako, json!({"externalId": "crm-2"})).await.ok();
}
