//! Patch, undo, suggestions, and who is told of a change in between.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{call, contact, patch, sign_in, start, start_with, told};
use crate::harness::{Harness, MAPPING};

#[tokio::test]
async fn a_patch_changes_fields_and_keeps_what_stood_there() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    let before = call(&broker, "GET", &id, None, None).await;
    assert_eq!((before.etag(), &before.body["provenance"]["email"]["verified"]), ("\"1\"", &json!(true)));
    let body = json!({"email": "new@example.com", "fullName": null, "externalId": "crm-7", "fields": {"tier": {"name": "gold"}}});
    let answer = patch(&broker, &id, body).await;
    assert_eq!((answer.status, answer.etag()), (StatusCode::OK, "\"2\""));
    let now = contact(&broker, &id).await;
    assert_eq!(now, answer.body);
    assert_eq!((&now["email"], &now["fullName"]), (&json!("new@example.com"), &Value::Null));
    assert_eq!((&now["externalId"], &now["fields"]), (&json!("crm-7"), &json!({"tier": {"name": "gold"}})));
    let provenance = &now["provenance"]["email"];
    assert_eq!(provenance["source"], "client:acme-bot");
    assert_eq!(provenance["previous"], "billy.bob@example.com");
    assert!(provenance.get("verified").is_none() && provenance.get("provider").is_none(), "{provenance}");
    let told = told(&broker, "contact.updated").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["contact"], now);
    let changed: Vec<_> =
        told[0]["changes"].as_array().unwrap().iter().map(|change| &change["field"]).collect();
    assert_eq!(changed, ["email", "fullName", "externalId", "tier"]);
    for (filter, count) in [
        ("email=new@example.com", 1),
        ("email=billy.bob@example.com", 0),
        ("externalId=crm-7", 1),
        ("externalId=crm-8", 0),
    ] {
        let found = broker.get(&format!("/v1/contacts?{filter}")).await;
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{filter}");
    }
}

#[tokio::test]
async fn of_two_admins_who_read_the_same_version_the_second_is_told() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    let read = call(&broker, "GET", &id, None, None).await.etag().to_owned();
    let first = call(&broker, "PATCH", &id, Some(&read), Some(json!({"locale": "de"}))).await;
    assert_eq!(first.status, StatusCode::OK);
    let second = call(&broker, "PATCH", &id, Some(&read), Some(json!({"locale": "fr"}))).await;
    assert_eq!((second.status, &second.body["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));
    assert_eq!(second.body["version"], 2, "it is told what to read: {}", second.body);
    let by_body = patch(&broker, &id, json!({"locale": "fr", "version": 1})).await;
    assert_eq!(by_body.status, StatusCode::PRECONDITION_FAILED);
    for (tag, path, body) in
        [("W/\"2\"", id.clone(), json!({"locale": "fr"})), ("\"other\"", id.clone(), json!({"locale": "fr"}))]
    {
        let refused = call(&broker, "PATCH", &path, Some(tag), Some(body)).await;
        assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{tag}");
    }
    for act in ["undo", "merge"] {
        let body = if act == "undo" {
            json!({"field": "locale"})
        } else {
            json!({"from": sign_in(&broker, "conv-2", "amelie").await})
        };
        let refused = call(&broker, "POST", &format!("{id}/{act}"), Some(&read), Some(body)).await;
        assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{act}");
    }
    assert_eq!(call(&broker, "DELETE", &id, Some(&read), None).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(contact(&broker, &id).await["locale"], "de", "nothing of it happened");
    for (tag, locale) in [("*", "it"), ("\"9\", \"3\"", "es")] {
        let answer = call(&broker, "PATCH", &id, Some(tag), Some(json!({"locale": locale}))).await;
        assert_eq!(answer.ok()["locale"], locale);
    }
    assert_eq!(patch(&broker, &id, json!({"locale": "pt", "version": 4})).await.etag(), "\"5\"");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_patch_is_told_at_once() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    let wrong = patch(
        &broker,
        &id,
        json!({"email": "a@b@c", "nickname": "B", "fields": {"email": "x"}, "phone": "+1 555"}),
    )
    .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.pointers(), ["/email", "/nickname", "/fields/email"]);
    assert_eq!(patch(&broker, &id, json!([1])).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let large = patch(&broker, &id, json!({"fields": {"a/b": "x".repeat(20_000)}})).await;
    assert_eq!((large.status, large.pointers()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/fields/a~1b"]));
    let unknown = patch(&broker, "ct_00000000000000000000000000000001", json!({"locale": "de"})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(patch(&broker, "no-id", json!({})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(contact(&broker, &id).await["version"], 1);
}

#[tokio::test]
async fn what_stands_there_already_is_no_change_and_tells_nobody() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    for body in [json!({}), json!({"email": "billy.bob@example.com", "phone": null})] {
        let answer = patch(&broker, &id, body).await;
        assert_eq!((answer.status, answer.etag()), (StatusCode::OK, "\"1\""));
    }
    assert!(told(&broker, "contact.updated").await.is_empty());
}

#[tokio::test]
async fn an_external_id_belongs_to_one_contact_even_under_a_race() {
    let broker = Arc::new(start().await);
    let (billy, amelie) =
        (sign_in(&broker, "conv-1", "billy").await, sign_in(&broker, "conv-2", "amelie").await);
    let tries = (0..20).map(|n| {
        let (broker, id) = (Arc::clone(&broker), if n % 2 == 0 { billy.clone() } else { amelie.clone() });
        tokio::spawn(async move { patch(&broker, &id, json!({"externalId": "crm-1"})).await.status })
    });
    for done in tries.collect::<Vec<_>>() {
        let status = done.await.unwrap();
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&status), "{status}");
    }
    let owners = broker.get("/v1/contacts?externalId=crm-1").await;
    let [owner] = owners["items"].as_array().unwrap().as_slice() else { panic!("one owner: {owners}") };
    let (owner, other) = if owner["id"] == *billy { (&billy, &amelie) } else { (&amelie, &billy) };
    let refused = patch(&broker, other, json!({"externalId": "crm-1", "locale": "de"})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.body["detail"].as_str().unwrap().contains(owner.as_str()), "{}", refused.body);
    assert_eq!(contact(&broker, other).await["locale"], Value::Null, "all of the patch or nothing");
    patch(&broker, owner, json!({"externalId": null})).await.ok();
    patch(&broker, other, json!({"externalId": "crm-1"})).await.ok();
}

#[tokio::test]
async fn a_change_is_taken_back_once() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    let undo = async |field: &str| {
        call(&broker, "POST", &format!("{id}/undo"), None, Some(json!({"field": field}))).await
    };
    assert_eq!(undo("phone").await.status, StatusCode::CONFLICT, "nobody wrote there");
    assert_eq!(undo("userName").await.ok()["userName"], Value::Null, "the sign-in wrote into a blank field");
    patch(&broker, &id, json!({"email": "wrong@example.com", "fields": {"tier": 1}})).await.ok();
    patch(&broker, &id, json!({"fields": {"tier": 2}})).await.ok();
    let undone = undo("email").await;
    assert_eq!(undone.etag(), "\"5\"");
    assert_eq!(undone.ok()["email"], "billy.bob@example.com");
    let found = broker.get("/v1/contacts?email=billy.bob@example.com").await;
    assert_eq!(found["items"][0]["id"], *id, "it is found by it again");
    assert_eq!(undo("tier").await.ok()["fields"]["tier"], 1);
    for field in ["email", "tier", "locale", "nothing"] {
        let refused = undo(field).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (StatusCode::CONFLICT, &json!("conflict")),
            "{field}"
        );
    }
    let last = told(&broker, "contact.updated").await.pop().unwrap();
    assert_eq!(last["changes"], json!([{"field": "tier", "from": 2, "to": 1}]));
}

/// A contact whose email was changed by hand, and for whom the provider suggests its own.
async fn suggested() -> (Harness, String) {
    let broker = start_with(&format!("{MAPPING}\n[provider.enrich]\nemail = \"suggest\""), "").await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    assert_eq!(contact(&broker, &id).await["email"], Value::Null);
    (broker, id)
}

#[tokio::test]
async fn a_suggestion_is_accepted_or_dismissed_and_taken_back() {
    let (broker, id) = suggested().await;
    let act =
        async |act: &str| call(&broker, "POST", &format!("{id}/suggestions/email/{act}"), None, None).await;
    patch(&broker, &id, json!({"email": "typed@example.com"})).await.ok();
    let accepted = act("accept").await.ok();
    assert_eq!((&accepted["email"], &accepted["suggestions"]), (&json!("billy.bob@example.com"), &json!({})));
    assert_eq!(accepted["provenance"]["email"]["provider"], "acme");
    assert_eq!(accepted["provenance"]["email"]["previous"], "typed@example.com");
    assert_eq!(act("accept").await.status, StatusCode::NOT_FOUND, "once");
    let changes = told(&broker, "contact.updated").await.pop().unwrap()["changes"].clone();
    assert_eq!(
        changes,
        json!([{"field": "email", "from": "typed@example.com", "to": "billy.bob@example.com"}])
    );
    patch(&broker, &id, json!({"email": "typed@example.com"})).await.ok();
    sign_in(&broker, "conv-2", "billy").await;
    let count = told(&broker, "contact.updated").await.len();
    let dismissed = act("dismiss").await.ok();
    assert_eq!((&dismissed["email"], &dismissed["suggestions"]), (&json!("typed@example.com"), &json!({})));
    assert_eq!(act("dismiss").await.status, StatusCode::NOT_FOUND);
    assert_eq!(told(&broker, "contact.updated").await.len(), count, "no field changed");
}

#[tokio::test]
async fn patches_and_sign_ins_at_once_lose_nothing() {
    let broker = Arc::new(start().await);
    let id = sign_in(&broker, "conv-0", "billy").await;
    let patches = (0..12).map(|n| {
        let (broker, id) = (Arc::clone(&broker), id.clone());
        tokio::spawn(async move {
            let body = json!({"fields": {format!("f{n}"): n}});
            patch(&broker, &id, body).await.ok();
        })
    });
    let patches: Vec<_> = patches.collect();
    let logins = (1..7).map(|n| {
        let broker = Arc::clone(&broker);
        tokio::spawn(async move { sign_in(&broker, &format!("conv-{n}"), "billy").await })
    });
    for login in logins.collect::<Vec<_>>() {
        assert_eq!(login.await.unwrap(), id);
    }
    for patch in patches {
        patch.await.unwrap();
    }
    let now = contact(&broker, &id).await;
    assert_eq!(
        (now["fields"].as_object().unwrap().len(), now["conversations"].as_array().unwrap().len()),
        (12, 7)
    );
    assert_eq!(now["version"], 1 + 12 + 6, "each change counted once");
    assert_eq!(told(&broker, "contact.updated").await.len(), 12);
}
