//! The audit from outside: who did what in which request, as JSON and as CSV, under checkpoints.

use countersign::app::upkeep;
use countersign::domain::audit::AuditAction;
use countersign::store::audit_verify::Verified;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::api::sign_in;
use crate::harness::{Harness, eventually};

/// Every entry of a question, newest first, walked page by page.
async fn entries(broker: &Harness, question: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = broker.get(&format!("/v1/audit?limit=3{question}{cursor}")).await;
        found.extend(page["items"].as_array().unwrap().clone());
        assert!(found.len() < 500, "the walk ends");
        let Some(next) = page["next"].as_str() else { return found };
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        cursor = format!("&cursor={next}");
    }
}

/// The entries of an action.
async fn of(broker: &Harness, action: AuditAction) -> Vec<Value> {
    entries(broker, &format!("&action={action}")).await
}

/// Reads something, and answers the name of the request.
async fn read(broker: &Harness, path: &str) -> (Value, String) {
    let request = broker.plain(Method::GET, path).bearer_auth(broker.token().await);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    (response.json().await.unwrap(), id)
}

async fn verify(broker: &Harness) -> Vec<Verified> {
    let mut found = Vec::new();
    let tell = |verified: &Verified| {
        found.push(verified.clone());
        Ok(())
    };
    upkeep::verify_audit(&broker.config, &broker.clock, None, &[], tell).await.unwrap();
    found
}

#[tokio::test]
async fn a_sign_in_is_told_step_by_step_and_names_the_contact_at_its_end() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let contact = broker.contacts().await[0]["id"].clone();
    let told = entries(&broker, "&until=2100-01-01T00:00:00Z").await;
    let steps: Vec<_> = told
        .iter()
        .rev()
        .filter(|entry| entry["object"].as_str().unwrap().starts_with("al_"))
        .map(|entry| (entry["action"].as_str().unwrap(), entry["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(
        steps,
        [
            ("auth_link.created", "client:acme-bot"),
            ("auth_link.opened", "customer"),
            ("auth_link.completed", "customer"),
        ]
    );
    let completed = &of(&broker, AuditAction::LinkCompleted).await[0];
    assert_eq!(completed["ids"], json!([contact]));
    assert!(completed["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{completed}");
    let text = Value::from(told).to_string().to_lowercase();
    for personal in ["billy", "example.com", "+15550100", "conv-1"] {
        assert!(!text.contains(personal), "`{personal}` stands in the audit: {text}");
    }
}

#[tokio::test]
async fn every_access_to_a_person_leaves_one_entry_that_names_the_request() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    sign_in(&broker, "conv-2", "amelie").await;
    let (contacts, listed) = read(&broker, "/v1/contacts").await;
    let ids: Vec<_> =
        contacts["items"].as_array().unwrap().iter().map(|contact| contact["id"].clone()).collect();
    let (contact, seen) = read(&broker, &format!("/v1/contacts/{}", ids[0].as_str().unwrap())).await;
    let (links, links_listed) = read(&broker, "/v1/auth-links").await;
    let link = links["items"][0]["id"].clone();
    let (_, link_seen) = read(&broker, &format!("/v1/auth-links/{}", link.as_str().unwrap())).await;
    let (_, conversation_seen) = read(&broker, "/v1/conversations/conv-1").await;
    let (_, events_seen) = read(&broker, "/v1/events").await;
    let cases = [
        (AuditAction::ContactsListed, listed, json!("contacts"), json!(ids), json!(2)),
        (AuditAction::ContactRead, seen, contact["id"].clone(), Value::Null, Value::Null),
        (AuditAction::LinksListed, links_listed, json!("auth-links"), Value::Null, json!(2)),
        (AuditAction::LinkRead, link_seen, link, Value::Null, Value::Null),
        (AuditAction::ConversationRead, conversation_seen, Value::Null, Value::Null, Value::Null),
        (AuditAction::EventsRead, events_seen, json!("events"), Value::Null, json!(4)),
    ];
    for (action, request, object, ids, count) in cases {
        let told = of(&broker, action).await;
        assert_eq!(told.len(), 1, "{action}: {told:?}");
        let entry = &told[0];
        assert_eq!(
            (&entry["actor"], &entry["requestId"]),
            (&json!("client:acme-bot"), &json!(request)),
            "{action}"
        );
        assert!(object.is_null() || entry["object"] == object, "{action}: {entry}");
        assert!(ids.is_null() || entry["ids"] == ids, "{action}: {entry}");
        assert_eq!(entry["count"], count, "{action}");
    }
}

#[tokio::test]
async fn what_tells_of_nobody_leaves_no_entry() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    for path in ["/v1/contacts", "/v1/events", "/v1/auth-links", "/v1/conversations/conv-1", "/v1/attempts"] {
        broker.get(path).await;
    }
    broker.status(&link).await;
    let actions: Vec<_> = entries(&broker, "&actor=client:acme-bot").await;
    let actions: Vec<_> = actions.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert!(actions.iter().all(|action| ["auth_link.created", "audit.read"].contains(action)), "{actions:?}");
}

#[tokio::test]
async fn a_wrong_code_is_told() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    crate::api::sign_in_at(link["url"].as_str().unwrap(), "billy").await;
    let path = format!("/v1/auth-links/{}/confirm", link["id"].as_str().unwrap());
    let mut wrong = 0;
    for code in ["CS-000000", "CS-000001"] {
        let (status, _) = broker.api(Method::POST, &path, Some(json!({"code": code}))).await;
        wrong += usize::from(status == StatusCode::UNPROCESSABLE_ENTITY);
    }
    let told = of(&broker, AuditAction::CodeRefused).await;
    assert_eq!(told.len(), wrong);
    assert_eq!(told.last().unwrap()["detail"], "4 left");
}

#[tokio::test]
async fn the_audit_is_found_by_who_what_when_and_to_what() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let id = broker.contacts().await[0]["id"].as_str().unwrap().to_owned();
    let (status, _) =
        broker.api(Method::PATCH, &format!("/v1/contacts/{id}"), Some(json!({"locale": "en"}))).await;
    assert_eq!(status, StatusCode::OK);
    let about = entries(&broker, &format!("&object={id}")).await;
    let actions: Vec<_> = about.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["contact.updated", "contact.listed", "auth_link.completed"], "newest first");
    assert!(entries(&broker, "&actor=customer").await.iter().all(|entry| entry["actor"] == "customer"));
    assert!(entries(&broker, "&until=2001-01-01T00:00:00Z").await.is_empty());
    assert!(entries(&broker, "&since=2100-01-01T00:00:00Z").await.is_empty());
    let at = about[1]["at"].as_str().unwrap();
    let then = entries(&broker, &format!("&action=contact.listed&since={at}&until={at}")).await;
    assert_eq!(then.first(), Some(&about[1]));
    for bad in [
        "action=moon.landed",
        "since=yesterday",
        "format=xml",
        "limit=0",
        "cursor=x",
        "colour=red",
        "format=csv&limit=3",
    ] {
        let (status, _) = broker.api(Method::GET, &format!("/v1/audit?{bad}"), None).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn the_audit_is_a_csv_file_for_those_who_want_one() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let token = broker.token().await;
    let get = async |path: &str, accept: &str| {
        let request = broker.plain(Method::GET, path).bearer_auth(&token).header(header::ACCEPT, accept);
        let response = request.send().await.unwrap();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        (kind, response.text().await.unwrap())
    };
    let (kind, text) = get("/v1/audit?action=auth_link.completed", "text/csv").await;
    assert_eq!(kind, "text/csv; charset=utf-8; header=present");
    let rows: Vec<_> = text.strip_suffix("\r\n").unwrap().split("\r\n").collect();
    assert_eq!(rows[0], r#""id","at","actor","action","object","ids","count","requestId","detail""#);
    assert_eq!(rows.len(), 2, "{text}");
    assert!(rows[1].contains(r#","customer","auth_link.completed","al_"#), "{text}");
    assert!(get("/v1/audit?format=csv", "application/json").await.0.starts_with("text/csv"));
    assert!(get("/v1/audit?format=json", "text/csv").await.0.starts_with("application/json"));
    assert!(get("/v1/audit", "application/json, text/csv").await.0.starts_with("application/json"));
    assert_eq!(of(&broker, AuditAction::AuditExported).await.len(), 2);
}

#[tokio::test]
async fn entries_come_under_a_checkpoint_within_seconds_while_the_broker_runs() {
    let broker = Harness::minimum("none").await;
    sign_in(&broker, "conv-1", "billy").await;
    let verified = eventually("every entry is sealed", async || {
        let verified = verify(&broker).await;
        let acme = verified.into_iter().find(|found| found.tenant.as_str() == "acme").unwrap();
        (acme.unsealed == 0).then_some(acme)
    })
    .await;
    assert_eq!(verified.tampering, None);
    assert!(verified.sealed >= 3 && verified.checkpoints >= 1, "{verified:?}");
}

#[tokio::test]
async fn settings_that_go_live_are_told_once_with_what_changed() {
    let mut broker = Harness::start().await;
    let told = eventually("the first version is told", async || {
        let told = of(&broker, AuditAction::SettingsTakenUp).await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!((told.len(), &told[0]["actor"]), (1, &json!("file")));
    let path = broker.folder().join("tenants/acme.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let hash = text.split("secret_hash = ").nth(1).unwrap().lines().next().unwrap();
    let more = format!(
        "\n[[client]]\nclient_id = \"auditor\"\nsecret_hash = {hash}\ngrant_types = [\"client_credentials\"]\nscopes = [\"read:audit\"]\n"
    );
    std::fs::write(&path, format!("{text}{more}")).unwrap();
    let told = eventually("the second version is told", async || {
        let told = of(&broker, AuditAction::SettingsTakenUp).await;
        (told.len() == 2).then_some(told)
    })
    .await;
    assert_eq!(told[0]["detail"], "clients +auditor");
    assert_ne!(told[0]["object"], told[1]["object"], "each is named by its revision");
    // Everything through which a person's data could go elsewhere is told by name, its secrets by that they changed.
    let webhook = |secret: &str| {
        format!(
            "[[webhook]]\nid = \"crm\"\nurl = \"https://crm.example/in\"\nevents = [\"contact.erased\"]\nsecret = {{ env = \"{secret}\" }}\n"
        )
    };
    let others = "[[staff]]\nemail = \"newcomer@acme.example\"\nrole = \"admin\"\n\
        [[rule]]\nwhen = \"profile.email\"\nset.tier = \"gold\"\n";
    for (number, secret, expected) in
        [(3, "ACME_HOOK", "webhooks +crm; staff +st_"), (4, "ACME_HOOK_NEXT", "webhooks ~crm")]
    {
        std::fs::write(&path, format!("{text}{more}{}{others}", webhook(secret))).unwrap();
        let told = eventually("the next version is told", async || {
            let told = of(&broker, AuditAction::SettingsTakenUp).await;
            (told.len() == number).then_some(told)
        })
        .await;
        let detail = told[0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(expected), "{detail}");
        assert_eq!(detail.ends_with("; rules changed"), number == 3, "{detail}");
        assert!(!detail.contains("newcomer"), "{detail}");
    }
    broker.restart().await;
    broker.forget_token().await;
    broker.link("conv-1").await;
    let platform = eventually("the keys are told", async || {
        verify(&broker).await.into_iter().find(|found| found.tenant.as_str() == "_platform")
    })
    .await;
    assert_eq!(
        (platform.sealed + platform.unsealed, platform.tampering),
        (2, None),
        "keys and operator's clients, once"
    );
    assert_eq!(of(&broker, AuditAction::SettingsTakenUp).await.len(), 4, "a restart changes nothing");
}

/// Waits for the last connection to a file: who closes it takes the write-ahead log away.
async fn closed(file: &std::path::Path) {
    let log = file.with_extension("db-wal");
    eventually("the store is closed", async || (!log.exists()).then_some(())).await;
}

#[tokio::test]
async fn an_audit_whose_head_is_gone_is_told_of_since_nothing_more_can_be_sealed() {
    let mut broker = Harness::minimum("none").await;
    broker.link("conv-1").await;
    eventually("it is sealed", async || {
        let acme = verify(&broker).await.into_iter().find(|found| found.tenant.as_str() == "acme")?;
        (acme.checkpoints > 0 && acme.unsealed == 0).then_some(())
    })
    .await;
    assert_eq!(broker.get("/readyz").await["audit"], json!({"stuckCount": 0, "stuck": []}));
    broker.stop().await;
    let file = broker.folder().join("countersign.db");
    closed(&file).await;
    let file = rusqlite::Connection::open(file).unwrap();
    let deleted =
        file.execute("DELETE FROM record WHERE CAST(key AS TEXT) = '{82}:acme:audithead'", []).unwrap();
    assert_eq!(deleted, 1);
    drop(file);
    broker.restart().await;
    broker.link("conv-2").await;
    let told = eventually("it is told", async || {
        let ready = broker.get("/readyz").await;
        (ready["audit"]["stuckCount"] == 1).then_some(ready)
    })
    .await;
    assert_eq!((&told["status"], &told["audit"]["stuck"]), (&json!("ok"), &json!(["acme"])));
    let text = broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("countersign_audit_stuck"), "{text}");
    let lines = crate::harness::log::lines("audit.seal_stuck");
    assert!(lines.iter().any(|line| line["tenant"] == "acme"), "{lines:?}");
}

#[tokio::test]
async fn an_audit_that_was_cut_back_to_an_earlier_checkpoint_is_found_by_what_the_platform_knows() {
    let mut broker = Harness::minimum("none").await;
    let sealed = async |broker: &Harness, after: u64| {
        eventually("another checkpoint is made", async || {
            let acme = verify(broker).await.into_iter().find(|found| found.tenant.as_str() == "acme")?;
            (acme.unsealed == 0 && acme.checkpoints > after).then_some(acme.checkpoints)
        })
        .await
    };
    broker.link("conv-1").await;
    let first = sealed(&broker, 0).await;
    let copy = broker.folder().join("copy.db");
    let file = broker.folder().join("countersign.db");
    broker.stop().await;
    closed(&file).await;
    std::fs::copy(&file, &copy).unwrap();
    broker.restart().await;
    broker.link("conv-2").await;
    let second = sealed(&broker, first).await;
    // The platform knows of one at the latest when the next one is made.
    broker.link("conv-3").await;
    sealed(&broker, second).await;
    broker.stop().await;
    closed(&file).await;
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute("ATTACH ?1 AS before", [copy.to_str().unwrap()]).unwrap();
    // All of the tenant's audit as it was: head, checkpoints, entries, and even its name.
    let ours =
        "CAST(key AS TEXT) LIKE '{82}:acme:audithead' OR CAST(key AS TEXT) LIKE '{82}:acme:checkpoint:%'";
    let log = "CAST(name AS TEXT) = '{82}:acme:audits'";
    for sql in [
        format!("DELETE FROM record WHERE {ours}"),
        format!("INSERT INTO record SELECT * FROM before.record WHERE {ours}"),
        format!("DELETE FROM entry WHERE {log}"),
        format!("INSERT INTO entry SELECT * FROM before.entry WHERE {log}"),
        "DELETE FROM member WHERE CAST(name AS TEXT) = '{82}:tenants'".to_owned(),
    ] {
        assert!(connection.execute(&sql, []).unwrap() > 0, "{sql}");
    }
    drop(connection);
    let found = verify(&broker).await.into_iter().find(|found| found.tenant.as_str() == "acme").unwrap();
    let tampering = found.tampering.expect("it is found without a checkpoint that was printed");
    assert!(tampering.detail.contains("was made before and is gone"), "{}", tampering.detail);
}
