//! A person is gone from everywhere, whatever happens meanwhile.

use std::sync::Arc;
use std::time::Duration;

use countersign::domain::conversation::{Channel, Handle};
use countersign::domain::ids::ContactId;
use countersign::flow::contacts::Condition;
use countersign::store::DueKind;
use countersign::store::backend::Backend as _;
use countersign::store::keys::{partition_of, tenant_key};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{call, contact, events, patch, sign_in, sign_in_with, start, told};
use crate::harness::mortal::{Mortal, acme, flows, open, store};
use crate::harness::{Harness, eventually};

/// What is known of Billy: by the provider, and by what the tests write into the record.
const PERSONAL: [&str; 7] =
    ["billy", "Billy", "Bob", "typed@example.com", "gold-canary", "+4930canary", "case-canary"];

async fn erase(broker: &Harness, id: &str) -> StatusCode {
    call(broker, "DELETE", id, None, None).await.status
}

/// Billy, known from two conversations, changed by hand, with a rule's field and the platform's metadata.
async fn known() -> (Harness, String, Vec<Value>) {
    let rule = "[[rule]]\nwhen = \"profile.email\"\nset.tier = \"gold-canary\"";
    let broker = super::start_with(super::TRUSTED, rule).await;
    let mut links = Vec::new();
    for conversation in ["conv-1", "conv-2"] {
        links.push(
            sign_in_with(&broker, conversation, "billy", json!({"metadata": {"note": "case-canary"}})).await,
        );
    }
    let id = super::id_of(&links[0]);
    let body = json!({"email": "typed@example.com", "phone": "+4930canary", "externalId": "crm-1"});
    patch(&broker, &id, body).await.ok();
    (broker, id, links)
}

/// Nothing of the person is told by any answer about contact, links, conversations and rewritten events.
async fn assert_gone(broker: &Harness, id: &str, links: &[Value]) {
    assert_eq!(call(broker, "GET", id, None, None).await.status, StatusCode::NOT_FOUND);
    for filter in [
        "",
        "?email=typed@example.com",
        "?email=billy.bob@example.com",
        "?phone=4930",
        "?externalId=crm-1",
        "?conversationId=conv-1",
    ] {
        let found = broker.get(&format!("/v1/contacts{filter}")).await;
        assert_eq!(found["items"], json!([]), "{filter}");
    }
    for link in links {
        let now = broker.status(link).await;
        assert_eq!(
            (&now["status"], &now["profile"], &now["fields"]),
            (&json!("completed"), &json!({}), &json!({}))
        );
        assert_eq!(now["completedAt"], link["completedAt"], "that it happened stays");
        assert_absent(&now);
        let conversation = link["conversation"]["id"].as_str().unwrap();
        let conversation = broker.get(&format!("/v1/conversations/{conversation}")).await;
        assert_eq!((&conversation["verified"], &conversation["contactId"]), (&json!(false), &Value::Null));
    }
    for event in events(broker).await {
        let kind = event["type"].as_str().unwrap();
        let is_of_link = links.iter().any(|link| link["id"] == event["data"]["authLinkId"]);
        if is_of_link || kind.starts_with("contact.") {
            assert_absent(&event);
        }
        if is_of_link {
            // Also what was told before he had signed in: that the link was made, and opened.
            assert_eq!(
                (&event["data"]["erased"], &event["data"]["metadata"]),
                (&json!(true), &json!({})),
                "{event}"
            );
            assert!(event["data"]["conversation"].get("handle").is_none(), "{event}");
        }
        if kind == "auth.completed" {
            assert_eq!(
                (&event["data"]["erased"], &event["data"]["status"]),
                (&json!(true), &json!("completed"))
            );
            assert_eq!((&event["data"]["contactId"], &event["data"]["profile"]), (&json!(id), &json!({})));
            assert!(event["data"]["conversation"].get("handle").is_none(), "{event}");
        }
        if ["contact.created", "contact.updated", "contact.erased"].contains(&kind) {
            assert_eq!(
                (&event["data"]["contact"], &event["data"]["changes"]),
                (&json!({"id": id}), &json!([]))
            );
        }
    }
}

fn assert_absent(value: &Value) {
    let text = value.to_string();
    for personal in PERSONAL {
        assert!(!text.contains(personal), "`{personal}` in {text}");
    }
}

#[tokio::test]
async fn an_erased_person_is_told_of_nowhere_and_what_happened_stays() {
    let (broker, id, links) = known().await;
    let before: Vec<Value> = events(&broker).await.iter().map(|event| event["id"].clone()).collect();
    assert_eq!(erase(&broker, &id).await, StatusCode::NO_CONTENT);
    assert_gone(&broker, &id, &links).await;
    let after = events(&broker).await;
    let kept: Vec<Value> = after.iter().take(before.len()).map(|event| event["id"].clone()).collect();
    assert_eq!(kept, before, "no event is lost or moved");
    let mut new: Vec<_> = after[before.len()..].iter().map(|event| event["type"].as_str().unwrap()).collect();
    new.sort_unstable();
    assert_eq!(new, ["contact.erased", "conversation.unverified", "conversation.unverified"]);
    for told in told(&broker, "conversation.unverified").await {
        assert!(told["conversation"].get("handle").is_none(), "{told}");
    }
    assert_eq!(erase(&broker, &id).await, StatusCode::NOT_FOUND, "once");
    assert_eq!(patch(&broker, &id, json!({"locale": "de"})).await.status, StatusCode::NOT_FOUND);
    let anew = sign_in(&broker, "conv-3", "billy").await;
    assert_ne!(anew, id, "who comes back is new");
    assert_eq!(contact(&broker, &anew).await["email"], "billy.bob@example.com");
}

#[tokio::test]
async fn others_are_left_alone() {
    let (broker, billy, _) = known().await;
    let amelie = sign_in(&broker, "conv-1", "amelie").await;
    let before = contact(&broker, &amelie).await;
    let count = told(&broker, "conversation.unverified").await.len();
    assert_eq!(erase(&broker, &billy).await, StatusCode::NO_CONTENT);
    assert_eq!(contact(&broker, &amelie).await, before);
    let conversation = broker.get("/v1/conversations/conv-1").await;
    assert_eq!((&conversation["verified"], &conversation["contactId"]), (&json!(true), &json!(amelie)));
    assert_eq!(
        told(&broker, "conversation.unverified").await.len(),
        count + 1,
        "only where he was verified last"
    );
    let told = told(&broker, "auth.completed").await.pop().unwrap();
    assert_eq!(told["profile"]["email"], "amelie@example.org");
}

/// Everything that a link, a conversation or an event still says of an address or an order.
async fn said_of(broker: &Harness, needles: &[&str]) -> Vec<String> {
    let links = broker.get("/v1/auth-links?limit=200").await;
    let mut all = links["items"].as_array().unwrap().clone();
    all.push(broker.get("/v1/conversations/conv-1").await);
    all.extend(events(broker).await);
    let says = |value: &Value| {
        let text = value.to_string();
        needles.iter().any(|needle| text.contains(needle)).then_some(text)
    };
    all.iter().filter_map(says).collect()
}

#[tokio::test]
async fn what_was_sent_to_the_person_and_led_to_nothing_is_erased_too() {
    let broker = start().await;
    let order = |address: &str| {
        let conversation = json!({"id": "conv-1", "channel": "sms", "handle": address});
        json!({"conversation": conversation, "metadata": {"note": "case-canary"}, "contact": {"externalId": "crm-canary"}})
    };
    let superseded = broker.link_with("conv-1", order("+4930canary")).await;
    let done = sign_in_with(&broker, "conv-1", "billy", order("+4930canary")).await;
    let cancelled = broker.link_with("conv-1", order("+4930canary")).await;
    let path = format!("/v1/auth-links/{}/cancel", cancelled["id"].as_str().unwrap());
    assert!(broker.api(Method::POST, &path, None).await.0.is_success());
    // The conversation ends before the erasure, which then finds nobody verified there.
    assert!(broker.api(Method::POST, "/v1/conversations/conv-1/end", None).await.0.is_success());
    let live = broker.link_with("conv-1", order("+4930canary")).await;
    assert!(said_of(&broker, &["+4930canary"]).await.len() > 8, "the search finds what is there");
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    let left = said_of(&broker, &["+4930canary", "case-canary", "crm-canary"]).await;
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(broker.status(&superseded).await["status"], "superseded", "that it happened stays");
    assert_eq!(broker.status(&live).await["status"], "cancelled", "nobody could be told from anybody there");
    assert_eq!(told(&broker, "auth.cancelled").await.len(), 2);
}

#[tokio::test]
async fn links_to_another_address_in_the_same_conversation_are_left_alone() {
    let broker = start().await;
    let order =
        |address: &str| json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": address}});
    let done = sign_in_with(&broker, "conv-1", "billy", order("+4930canary")).await;
    let other = broker.link_with("conv-1", order("+15550177")).await;
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    assert_eq!(said_of(&broker, &["+4930canary"]).await, Vec::<String>::new());
    let now = broker.status(&other).await;
    assert_eq!(
        (&now["status"], &now["conversation"]["handle"]),
        (&json!("created"), &json!("+15550177")),
        "the number went to somebody else"
    );
}

#[tokio::test]
async fn a_link_without_an_address_takes_none_along_that_has_one() {
    let broker = start().await;
    let nameless =
        json!({"conversation": {"id": "conv-1", "channel": "sms"}, "metadata": {"case": "case-canary"}});
    let done = sign_in_with(&broker, "conv-1", "billy", nameless).await;
    let other = broker.link_with("conv-1", json!({"metadata": {"case": "hers"}})).await;
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    assert_eq!(said_of(&broker, &["case-canary"]).await, Vec::<String>::new());
    let now = broker.status(&other).await;
    assert_eq!((&now["status"], &now["metadata"]["case"]), (&json!("created"), &json!("hers")));
}

#[tokio::test]
async fn a_conversation_that_was_passed_on_long_ago_stays_with_whoever_has_it_now() {
    let broker = start().await;
    let order =
        |address: &str| json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": address}});
    let done = sign_in_with(&broker, "conv-1", "billy", order("+4930canary")).await;
    long_after(&broker, &done).await;
    let other = broker.link_with("conv-1", order("+15550177")).await;
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    let now = broker.status(&other).await;
    assert_eq!((&now["status"], &now["conversation"]["handle"]), (&json!("created"), &json!("+15550177")));
    assert_eq!(said_of(&broker, &["+4930canary"]).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_a_conversation_knows_of_a_sign_in_long_ago_is_erased() {
    let broker = start().await;
    let order = json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": "+4930canary"}});
    let done = sign_in_with(&broker, "conv-1", "billy", order).await;
    long_after(&broker, &done).await;
    assert_eq!(broker.get("/v1/conversations/conv-1").await["handle"], "+4930canary");
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    assert_eq!(said_of(&broker, &["+4930canary"]).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_address_leads_to_no_link_any_more() {
    let mut broker = start().await;
    let order = json!({"conversation": {"id": "conv-1", "channel": "messenger", "handle": "BILLY-1066"}});
    let done = sign_in_with(&broker, "conv-1", "billy", order).await;
    assert_eq!(erase(&broker, &super::id_of(&done)).await, StatusCode::NO_CONTENT);
    broker.stop().await;
    let handle = Handle::parse("BILLY-1066").unwrap();
    let sent =
        store(&broker, Arc::new(open(&broker))).at(&acme()).link_sent_to(Channel::Messenger, &handle).await;
    assert!(sent.unwrap().is_none(), "not even the keyed hash of the address is left");
}

/// The link is forgotten, and nobody is verified any more.
async fn long_after(broker: &Harness, link: &Value) {
    broker.clock.advance(Duration::from_hours(24 * 36));
    broker.forget_token().await;
    let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
    eventually("the link is forgotten, and the conversation's verification is over", async || {
        let is_gone = broker.api(Method::GET, &path, None).await.0 == StatusCode::NOT_FOUND;
        let conversation = broker.get("/v1/conversations/conv-1").await;
        (is_gone && conversation["verified"] == false).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_long_history_is_erased_in_several_steps() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    for n in 0..60 {
        patch(&broker, &id, json!({"fields": {"note": format!("gold-canary {n}")}})).await.ok();
    }
    assert_eq!(erase(&broker, &id).await, StatusCode::NO_CONTENT);
    for event in events(&broker).await {
        assert_absent(&event);
    }
    assert_eq!(told(&broker, "contact.updated").await.len(), 60);
}

#[tokio::test]
async fn a_sign_in_during_an_erasure_is_erased_with_it_or_is_somebody_new() {
    for _ in 0..6 {
        let broker = Arc::new(start().await);
        let id = sign_in(&broker, "conv-0", "billy").await;
        let logins = (1..4).map(|n| {
            let broker = Arc::clone(&broker);
            tokio::spawn(async move {
                let done = sign_in_with(&broker, &format!("conv-{n}"), "billy", json!({})).await;
                assert_eq!(done["status"], "completed", "{done}");
            })
        });
        let logins: Vec<_> = logins.collect();
        assert_eq!(erase(&broker, &id).await, StatusCode::NO_CONTENT);
        for login in logins {
            login.await.unwrap();
        }
        let left = broker.contacts().await;
        assert!(left.len() <= 1, "{left:?}");
        let anew = left.first().map(|contact| contact["id"].clone());
        assert_ne!(anew, Some(json!(id)));
        for event in events(&broker).await {
            let data = &event["data"];
            let of = data.get("contactId").or_else(|| data["contact"].get("id"));
            if of == Some(&json!(id)) {
                assert_absent(&event);
            } else if let Some(of) = of {
                assert_eq!(Some(of), anew.as_ref(), "{event}");
            }
        }
        for n in 0..4 {
            let conversation = broker.get(&format!("/v1/conversations/conv-{n}")).await;
            assert_ne!(conversation["contactId"], json!(id), "{conversation}");
        }
    }
}

#[tokio::test]
async fn an_erasure_that_was_cut_short_is_finished_by_the_sweep() {
    for commits in [1, 2] {
        let (mut broker, id, links) = known().await;
        for n in 0..30 {
            patch(&broker, &id, json!({"fields": {"note": format!("gold-canary {n}")}})).await.ok();
        }
        broker.stop().await;
        {
            let (flows, tenant) = flows(&broker, Mortal::open(&broker, commits));
            let contact: ContactId = id.parse().unwrap();
            let client = "client:acme-bot".parse().unwrap();
            flows.erase_contact(&tenant, &client, &contact, &Condition::default()).await.unwrap();
            assert!(flows.contact(&tenant, &contact).await.unwrap().is_none(), "it is unfindable at once");
            let told = flows.events(&tenant, 0, 200).await.unwrap();
            let left = told.iter().filter(|(_, event)| event.data.to_string().contains("canary")).count();
            assert!(left > 3, "the rest is still to be done: {left}");
        }
        broker.restart().await;
        for _ in 0..600 {
            let left = events(&broker).await.into_iter();
            let told = |event: &Value| {
                event["type"]
                    .as_str()
                    .is_some_and(|kind| kind != "auth.link_created" && kind != "auth.opened")
            };
            if !left.filter(told).any(|event| event.to_string().contains("canary")) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_gone(&broker, &id, &links).await;
        broker.stop().await;
        let backend = Arc::new(open(&broker));
        let store = store(&broker, backend);
        let due = store.due(partition_of(&acme()), broker.clock.now(), 1000).await.unwrap();
        assert!(due.iter().all(|due| due.kind != DueKind::ContactErasure), "nothing is left to do: {due:?}");
        let traces = store.at(&acme()).traces(&id.parse().unwrap(), 9).await.unwrap();
        assert!(traces.is_empty(), "{traces:?}");
    }
}

#[tokio::test]
async fn what_the_auditor_reads_of_all_this_names_nobody() {
    let (mut broker, id, _) = known().await;
    call(&broker, "POST", &format!("{id}/undo"), None, Some(json!({"field": "email"}))).await.ok();
    let amelie = sign_in(&broker, "conv-3", "amelie").await;
    call(&broker, "POST", &format!("{id}/merge"), None, Some(json!({"from": amelie}))).await.ok();
    for act in ["accept", "dismiss"] {
        call(&broker, "POST", &format!("{id}/suggestions/email/{act}"), None, None).await;
        call(&broker, "POST", &format!("{id}/suggestions/fullName/{act}"), None, None).await;
    }
    assert_eq!(erase(&broker, &id).await, StatusCode::NO_CONTENT);
    broker.stop().await;
    let store = store(&broker, Arc::new(open(&broker)));
    let entries = store.at(&acme()).audit_after(0, 500).await.unwrap();
    let of_contact = entries.iter().filter(|(_, entry)| entry.object == id).map(|(_, entry)| entry);
    let told: Vec<_> =
        of_contact.clone().map(|entry| (entry.action.as_str(), entry.detail.as_deref())).collect();
    let merged = format!("from {amelie}");
    assert_eq!(
        told,
        [
            ("contact.updated", Some("email phone externalId")),
            ("contact.undone", Some("email")),
            ("contact.merged", Some(merged.as_str())),
            ("contact.suggestion_accepted", Some("email")),
            ("contact.suggestion_accepted", Some("fullName")),
            ("contact.erased", None),
        ]
    );
    assert!(of_contact.clone().all(|entry| entry.actor == "client:acme-bot"));
    for (_, entry) in &entries {
        assert_absent(&serde_json::to_value(entry).unwrap());
    }
}

#[tokio::test]
async fn no_row_of_the_database_holds_what_was_erased() {
    let (mut broker, id, links) = known().await;
    broker.stop().await;
    let key = |kind: &str, name: &str| tenant_key(partition_of(&acme()), &acme(), kind, name);
    let link = links[0]["id"].as_str().unwrap();
    let keys = [key("contact", &id), key("link", link)];
    let sealed: Vec<Vec<u8>> = {
        let found = open(&broker).get(&keys).await.unwrap();
        // The middle of the ciphertext, which no other value has.
        found.into_iter().map(|found| found.unwrap().value[100..164].to_vec()).collect()
    };
    assert!(sealed.iter().all(|bytes| holds(&broker, bytes)), "the search finds what is there");
    broker.restart().await;
    assert_eq!(erase(&broker, &id).await, StatusCode::NO_CONTENT);
    broker.stop().await;
    assert!(open(&broker).get(&keys[..1]).await.unwrap()[0].is_none());
    free_pages_are_given_back(&broker);
    for (bytes, what) in sealed.iter().zip(["contact", "link"]) {
        assert!(!holds(&broker, bytes), "the sealed {what} can still be opened by whoever has the key");
    }
    let needle = id.trim_start_matches("ct_");
    assert!(!holds(&broker, format!("contact:ct_{needle}").as_bytes()), "no key names it");
}

/// Writes the file anew, so that it holds live rows and nothing else: SQLite uses the pages of deleted
/// rows again and does not blank them before.
fn free_pages_are_given_back(broker: &Harness) {
    let file = rusqlite::Connection::open(broker.folder().join("countersign.db")).unwrap();
    file.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
}

/// Whether some bytes stand in a file of the database.
fn holds(broker: &Harness, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(broker.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("countersign.db"))
    });
    files.any(|path| std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes))
}

#[tokio::test]
async fn the_scope_for_reading_erases_nothing() {
    let broker = start().await;
    let id = sign_in(&broker, "conv-1", "billy").await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "acme-bot"),
        ("client_secret", crate::harness::BOT_SECRET),
        ("scope", "read:contacts"),
    ];
    let answer = broker.plain(Method::POST, "/v1/oauth/token").form(&form).send().await.unwrap();
    let token = answer.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let refused =
        broker.plain(Method::DELETE, &format!("/v1/contacts/{id}")).bearer_auth(token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(contact(&broker, &id).await["id"], *id);
}
