//! An admin ends a contact: it is erased, or another one goes up in it. Agents cannot.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{audit, hidden, part};
use crate::browser::inspector::Inspector;
use crate::contacts::{sign_in, start};
use crate::harness::Harness;
use crate::harness::browser::Page;
use crate::harness::staff::StaffBrowser;

const PAGE: &str = "/console/conversations/conv-1";
const STALE: &str = "Somebody changed this contact meanwhile";

/// Billy's and Amélie's contacts, in `conv-1` and `conv-2`, and an admin.
async fn two() -> (Harness, StaffBrowser, String, String) {
    let broker = start().await;
    let billy = sign_in(&broker, "conv-1", "billy").await;
    let amelie = sign_in(&broker, "conv-2", "amelie").await;
    let admin = broker.staff(Role::Admin).await;
    (broker, admin, billy, amelie)
}

fn path(id: &str, verb: &str) -> String {
    format!("/console/contacts/{id}/{verb}")
}

/// Sends the form of a page, with what is typed.
async fn send(admin: &mut StaffBrowser, page: &Page, to: &str, more: &[(&str, &str)]) -> Page {
    let version = hidden(page, "version");
    let mut fields = vec![("version", version.as_str()), ("conversation", "conv-1")];
    fields.extend(more);
    admin.post(to, &fields).await
}

/// Presses the button that merges the only contact which was found.
async fn unite(admin: &mut StaffBrowser, found: &Page, to: &str, from: &str) -> Page {
    let seen = hidden(found, "from_version");
    send(admin, found, to, &[("from", from), ("from_version", &seen)]).await
}

/// Somebody else writes into a contact.
async fn change(broker: &Harness, id: &str) -> Value {
    let changed =
        broker.api(Method::PATCH, &format!("/v1/contacts/{id}"), Some(json!({"locale": "fr"}))).await;
    assert!(changed.0.is_success(), "{}", changed.1);
    changed.1
}

#[tokio::test]
async fn only_an_admin_is_offered_it_and_may_do_it() {
    let (broker, mut admin, billy, amelie) = two().await;
    let card = admin.text(PAGE).await;
    for verb in ["merge", "erase"] {
        assert!(
            card.contains(&format!("href=\"{}?conversation=conv-1\"", path(&billy, verb))),
            "{verb}: {card}"
        );
    }
    let mut agent = broker.staff(Role::Agent).await;
    let card = agent.text(PAGE).await;
    assert!(!card.contains("/merge") && !card.contains("/erase"), "{card}");
    for (verb, more) in [("merge", ("from", amelie.as_str())), ("erase", ("typed", "CUST-000001"))] {
        assert_eq!(agent.get(&path(&billy, verb)).await.status, StatusCode::FORBIDDEN);
        let page = agent.post(&path(&billy, verb), &[("version", "1"), more]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(broker.contacts().await.len(), 2);
}

#[tokio::test]
async fn an_erased_contact_is_gone_and_the_audit_names_the_admin_and_nobody_else() {
    let (broker, mut admin, billy, _) = two().await;
    let erase = path(&billy, "erase");
    let page = admin.get(&format!("{erase}?conversation=conv-1")).await;
    assert!(
        page.html.contains("billy.bob@example.com") && page.html.contains("CUST-000001"),
        "{}",
        page.html
    );
    for typed in ["", "CUST-000002", "yes"] {
        let refused = send(&mut admin, &page, &erase, &[("typed", typed)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(refused.html.contains("id=\"typed-fault\""), "{}", refused.html);
    }
    change(&broker, &billy).await;
    let late = send(&mut admin, &page, &erase, &[("typed", "CUST-000001")]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    assert!(late.html.contains(STALE) && late.html.contains("<bdi>fr</bdi>"), "{}", late.html);
    assert_eq!(broker.contacts().await.len(), 2);
    let done = send(&mut admin, &late, &erase, &[("typed", " cust-000001 ")]).await;
    assert_eq!((done.status, done.location().path()), (StatusCode::SEE_OTHER, PAGE));
    let back = admin.follow(done).await;
    assert!(back.html.contains("The contact is erased."), "{}", back.html);
    assert!(!back.html.contains("billy") && !back.html.contains("Billy"), "{}", back.html);
    assert_eq!(
        broker.api(Method::GET, &format!("/v1/contacts/{billy}"), None).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(admin.get(&erase).await.status, StatusCode::NOT_FOUND, "there is nothing to be erased twice");
    let (by, entry) = audit(&broker, "contact.erased").await.remove(0);
    assert!(by.starts_with("staff:st_") && !entry.to_string().contains("billy"), "{entry}");
    let read = audit(&broker, "contact.read").await;
    assert!(
        read.iter().any(|(by, _)| by.starts_with("staff:st_")),
        "whoever looks is written down: {read:?}"
    );
}

#[tokio::test]
async fn another_contact_is_found_shown_and_merged_once() {
    let (broker, mut admin, billy, amelie) = two().await;
    let merge = path(&billy, "merge");
    let look = |sought: &'static str| [("sought", sought), ("conversation", "conv-1")];
    assert_eq!(admin.post(&merge, &look("")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (sought, said) in [
        ("nobody@example.com", "Nobody else was found"),
        ("billy.bob@example.com", "Nobody else was found"),
        ("AMELIE@example.org", "One contact was found"),
    ] {
        let found = admin.post(&merge, &look(sought)).await;
        assert!(
            found.status == StatusCode::OK && part(&found.html, "found").contains(said),
            "{}",
            found.html
        );
        assert_eq!(
            found.html.contains(&format!("name=\"from\" value=\"{amelie}\"")),
            sought.contains("AMELIE")
        );
    }
    let found = admin.post(&merge, &[("sought", amelie.as_str()), ("conversation", "conv-1")]).await;
    assert!(part(&found.html, "found").contains("amelie@example.org"), "{}", found.html);
    change(&broker, &billy).await;
    let late = unite(&mut admin, &found, &merge, &amelie).await;
    assert!(late.status == StatusCode::CONFLICT && late.html.contains(STALE), "{}", late.html);
    assert_eq!(broker.contacts().await.len(), 2);
    let found = admin.post(&merge, &look("amelie@example.org")).await;
    let done = unite(&mut admin, &found, &merge, &amelie).await;
    assert_eq!((done.status, done.location().path()), (StatusCode::SEE_OTHER, PAGE));
    assert!(admin.follow(done).await.html.contains("The two contacts are one now."));
    let contacts = broker.contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &json!(billy)));
    assert_eq!(contacts[0]["suggestions"]["email"]["value"], "amelie@example.org");
    assert!(audit(&broker, "contact.merged").await[0].0.starts_with("staff:st_"));
    let again = unite(&mut admin, &found, &merge, &amelie).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "a form that is sent twice does no more");
    assert_eq!(audit(&broker, "contact.merged").await.len(), 1);
    for verb in ["merge", "erase"] {
        let gone = admin.get(&path(&amelie, verb)).await;
        assert_eq!(
            gone.status,
            StatusCode::NOT_FOUND,
            "{verb}: nobody ends another contact than the one that is shown"
        );
    }
}

#[tokio::test]
async fn a_contact_that_is_not_there_cannot_be_ended() {
    let (broker, mut admin, billy, _) = two().await;
    let nobody = "ct_00000000000000000000000000000000";
    for id in [nobody, "nonsense", "%FF"] {
        for verb in ["merge", "erase"] {
            assert_eq!(admin.get(&path(id, verb)).await.status, StatusCode::NOT_FOUND, "{id} {verb}");
            let sent = admin.post(&path(id, verb), &[("typed", "CUST-000001"), ("from", &billy)]).await;
            assert_eq!(sent.status, StatusCode::NOT_FOUND, "{id} {verb}");
        }
    }
    let page = admin.get(&format!("{}?conversation=<script>", path(&billy, "merge"))).await;
    assert!(!page.html.contains("<script>"), "{}", page.html);
    let gone = send_from(&mut admin, &billy, nobody).await;
    assert_eq!(gone.status, StatusCode::CONFLICT, "{}", gone.html);
    assert!(gone.html.contains("The other contact is not there any more"), "{}", gone.html);
    assert_eq!(broker.contacts().await.len(), 2);
}

async fn send_from(admin: &mut StaffBrowser, id: &str, from: &str) -> Page {
    let merge = path(id, "merge");
    let found = admin.post(&merge, &[("sought", "amelie@example.org")]).await;
    unite(admin, &found, &merge, from).await
}

#[tokio::test]
async fn a_contact_that_changed_or_went_up_elsewhere_was_merged_unseen() {
    let (broker, mut admin, billy, amelie) = two().await;
    let merge = path(&billy, "merge");
    let sought = [("sought", amelie.as_str()), ("conversation", "conv-1")];
    let found = admin.post(&merge, &sought).await;
    change(&broker, &amelie).await;
    let late = unite(&mut admin, &found, &merge, &amelie).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    assert!(late.html.contains("Somebody changed the other contact meanwhile"), "{}", late.html);
    let unseen = send(&mut admin, &found, &merge, &[("from", &amelie)]).await;
    assert_eq!(unseen.status, StatusCode::CONFLICT, "a form that says nothing of it merges nothing");
    // What the admin sees goes up in somebody who is not shown.
    let found = admin.post(&merge, &sought).await;
    let hanako = sign_in(&broker, "conv-3", "hanako").await;
    let merged = broker.post(&format!("/v1/contacts/{hanako}/merge"), json!({"from": amelie})).await;
    assert_eq!(merged["id"], json!(hanako));
    let late = unite(&mut admin, &found, &merge, &amelie).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.html);
    assert_eq!(broker.contacts().await.len(), 2);
    assert_eq!(audit(&broker, "contact.merged").await.len(), 1);
}

#[tokio::test]
async fn the_pages_that_end_a_contact_are_fit_to_be_seen() {
    let (broker, _, billy, _) = two().await;
    let mut admin = Inspector::signed_in(&broker, Role::Admin).await;
    admin.browser.open(&format!("{}{PAGE}", broker.origin)).await;
    admin.browser.press("#contact a[href*='/merge']").await;
    admin.browser.see("#sought").await;
    admin.look("contact-merge").await;
    admin.browser.press("form[role=search] button").await;
    admin.browser.see("#sought-fault").await;
    admin.look_at_refusal("contact-merge-fault").await;
    admin.browser.fill("#sought", "amelie@example.org").await;
    admin.browser.press("form[role=search] button").await;
    admin.browser.see("#found").await;
    admin.look("contact-merge-found").await;
    admin.look_at(&broker, &format!("{}?conversation=conv-1", path(&billy, "erase")), "contact-erase").await;
    admin.browser.press("main form .danger").await;
    admin.browser.see("#typed-fault").await;
    admin.look_at_refusal("contact-erase-fault").await;
}
