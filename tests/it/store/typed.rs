//! The typed store over any backend.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::domain::conversation::{Channel, Conversation, Handle};
use countersign::domain::ids::{ContactId, ConversationId, ProviderId};
use countersign::domain::link::{Link, LinkStatus};
use countersign::domain::request::AuthorizationRequest;
use countersign::store::backend::Partition;
use countersign::store::{
    ContactFilter, DueKind, Durability, LINK_KEPT, SentTo, Store, StoreError, TenantStore, Tx,
};
use jiff::SignedDuration;

use super::conformance::Shared;
use super::samples::{audit, contact, event, keys, link, request, start, tenant};

const DURABLE: Durability = Durability::Durable;

/// Runs every case, each in tenants of its own.
pub async fn check(backend: &Shared) {
    let clock = Clock::system();
    let store = Store::new(backend.clone(), keys(), clock.clone());
    store.ping().await.unwrap();
    a_link_is_found_by_id_and_token_of_its_tenant_only(&store, &clock).await;
    a_link_is_due_at_its_expiry_until_it_is_final(&store, &clock).await;
    an_address_leads_to_the_newest_link_whoever_is_late(&store, &clock).await;
    a_stale_change_is_a_conflict_and_leaves_no_trace(&store, &clock).await;
    what_another_broker_changed_is_read_as_it_is_now(backend, &clock).await;
    a_request_is_found_by_its_state_and_changed_by_who_read_it_last(&store, &clock).await;
    a_conversation_is_made_once_and_changed_by_who_read_it_last(&store, &clock).await;
    a_contact_is_found_by_what_it_has_now(&store, &clock).await;
    contacts_are_listed_newest_first_in_pages(&store, &clock).await;
    an_identity_belongs_to_one_contact(&store, &clock).await;
    events_and_audit_entries_come_in_their_order(&store, &clock).await;
    an_event_is_found_in_the_log_by_its_id(&store, &clock).await;
    what_a_login_needs_is_read_at_once(&store, &clock).await;
    customer_numbers_are_given_once(&store).await;
    an_empty_transaction_is_nothing(&store).await;
    super::people::check(&store, &clock).await;
    super::figures::check(&store, &clock).await;
    super::vault::check(&store, &clock).await;
}

pub fn fresh(store: &Store, clock: &Clock) -> TenantStore {
    let name = clock.fresh_uuid().simple().to_string();
    store.at(&tenant(&format!("t{name}")))
}

fn provider() -> ProviderId {
    "acme".parse().unwrap()
}

async fn create_link(at: &TenantStore, clock: &Clock) -> countersign::store::Stored<Link> {
    let link = link(clock, start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    at.commit(tx, DURABLE).await.unwrap();
    at.link(&link.id).await.unwrap().unwrap()
}

async fn a_link_is_found_by_id_and_token_of_its_tenant_only(store: &Store, clock: &Clock) {
    let (ours, theirs) = (fresh(store, clock), fresh(store, clock));
    let link = create_link(&ours, clock).await;
    let found = ours.link_by_token(link.token.expose()).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(&found.value).unwrap(), serde_json::to_value(&link.value).unwrap());
    assert!(theirs.link(&link.id).await.unwrap().is_none());
    assert!(theirs.link_by_token(link.token.expose()).await.unwrap().is_none());
    assert!(ours.link_by_token("another").await.unwrap().is_none());
    let mut again = Tx::new();
    again.create_link(&link);
    assert!(matches!(ours.commit(again, DURABLE).await, Err(StoreError::Conflict)));
}

async fn due_of(store: &Store, at: &TenantStore, kind: DueKind, id: &str) -> Vec<jiff::Timestamp> {
    let late = start() + SignedDuration::from_hours(24 * 365);
    let due = store.due(at.partition(), late, 100_000).await.unwrap();
    let ours = due.into_iter().filter(|due| due.kind == kind && due.tenant == *at.tenant() && due.id == id);
    ours.map(|due| due.at).collect()
}

async fn a_link_is_due_at_its_expiry_until_it_is_final(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let link = create_link(&at, clock).await;
    let id = link.id.as_str();
    assert_eq!(due_of(store, &at, DueKind::LinkExpiry, id).await, [link.expires_at]);
    let hour: jiff::Timestamp = "2026-03-01T13:00:00Z".parse().unwrap();
    let swept = hour + LINK_KEPT;
    assert_eq!(due_of(store, &at, DueKind::LinkSweep, "").await, [swept], "with all links of its hour");
    let early = store.due(at.partition(), link.expires_at - SignedDuration::from_millis(1), 100_000);
    assert!(early.await.unwrap().iter().all(|due| due.id != id), "not before its time");

    let mut tx = Tx::new();
    tx.update_link(&link, &link.value.clone().open(opening(), start()).unwrap());
    at.commit(tx, DURABLE).await.unwrap();
    assert_eq!(due_of(store, &at, DueKind::LinkExpiry, id).await, [link.expires_at]);

    let opened = at.link(&link.id).await.unwrap().unwrap();
    assert_eq!(opened.status(), LinkStatus::Opened);
    let mut tx = Tx::new();
    tx.update_link(&opened, &opened.value.clone().cancel(false, start()).unwrap());
    tx.not_due(DueKind::LinkSweep, swept, "");
    at.commit(tx, DURABLE).await.unwrap();
    assert!(due_of(store, &at, DueKind::LinkExpiry, id).await.is_empty());
    assert!(due_of(store, &at, DueKind::LinkSweep, "").await.is_empty());
}

/// A link that was sent to the one address on WhatsApp.
async fn sent_link(at: &TenantStore, clock: &Clock) -> Link {
    let mut link = link(clock, start());
    link.conversation.channel = Channel::Whatsapp;
    link.conversation.handle = Some(Handle::parse("+15550100").unwrap());
    let mut tx = Tx::new();
    tx.create_link(&link);
    tx.send_to_handle(&link);
    at.commit(tx, DURABLE).await.unwrap();
    link
}

async fn an_address_leads_to_the_newest_link_whoever_is_late(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let handle = Handle::parse("+15550100").unwrap();
    let found = async || at.link_sent_to(Channel::Whatsapp, &handle).await.unwrap();
    let first = sent_link(&at, clock).await;
    let (early, late) = (found().await.unwrap(), start() + SignedDuration::from_hours(40));
    assert_eq!(early.link.id, first.id);
    let mut tx = Tx::new();
    tx.keep_handle(&early, late);
    at.commit(tx, DURABLE).await.unwrap();
    let kept = found().await.unwrap();
    assert_eq!(kept.link.id, first.id);
    let second = sent_link(&at, clock).await;
    let changes: [fn(&mut Tx, &SentTo); 2] =
        [|tx, sent| tx.keep_handle(sent, start()), |tx, sent| tx.forget_handle(sent)];
    for change in changes {
        let mut tx = Tx::new();
        change(&mut tx, &kept);
        assert!(matches!(at.commit(tx, DURABLE).await, Err(StoreError::Conflict)));
        assert_eq!(found().await.unwrap().link.id, second.id, "the newer one is not touched");
    }
    let mut tx = Tx::new();
    tx.forget_handle(&found().await.unwrap());
    at.commit(tx, DURABLE).await.unwrap();
    assert!(found().await.is_none());
}

async fn a_stale_change_is_a_conflict_and_leaves_no_trace(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let stale = create_link(&at, clock).await;
    let mut tx = Tx::new();
    tx.update_link(&stale, &stale);
    at.commit(tx, DURABLE).await.unwrap();
    let mut tx = Tx::new();
    tx.update_link(&stale, &stale.value.clone().cancel(false, start()).unwrap());
    tx.create_contact(&contact(clock, 1, start()));
    tx.event(&event(clock, at.tenant(), start()).telling());
    assert!(matches!(at.commit(tx, DURABLE).await, Err(StoreError::Conflict)));
    assert_eq!(at.link(&stale.id).await.unwrap().unwrap().status(), LinkStatus::Created);
    assert!(at.events_after(0, 9).await.unwrap().is_empty());
    assert!(at.contact_ids(ContactFilter::All, None, 9).await.unwrap().items.is_empty());
}

/// What a broker keeps decoded is never older than the store.
async fn what_another_broker_changed_is_read_as_it_is_now(backend: &Shared, clock: &Clock) {
    let broker = || Store::new(backend.clone(), keys(), clock.clone());
    let ours = fresh(&broker(), clock);
    let theirs = broker().at(ours.tenant());
    let link = create_link(&ours, clock).await;
    let seen = theirs.link(&link.id).await.unwrap().unwrap();
    let mut tx = Tx::new();
    tx.update_link(&seen, &seen.value.clone().open(opening(), start()).unwrap());
    theirs.commit(tx, DURABLE).await.unwrap();
    let opened = ours.link(&link.id).await.unwrap().unwrap();
    assert_eq!((opened.status(), opened.openings.len()), (LinkStatus::Opened, 1));
    let mut tx = Tx::new();
    tx.update_link(&opened, &opened.value.clone().cancel(false, start()).unwrap());
    ours.commit(tx, DURABLE).await.unwrap();
    for at in [&ours, &theirs] {
        let cancelled = at.link_by_token(link.token.expose()).await.unwrap().unwrap();
        assert_eq!(cancelled.status(), LinkStatus::Cancelled);
        let fresh = broker().at(ours.tenant()).link(&link.id).await.unwrap().unwrap();
        assert_eq!(cancelled.version(), fresh.version());
        let (kept, read) = (serde_json::to_value(&cancelled.value), serde_json::to_value(&fresh.value));
        assert_eq!(kept.unwrap(), read.unwrap(), "what is kept is what is written");
    }
}

async fn a_request_is_found_by_its_state_and_changed_by_who_read_it_last(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    let mut made = request(clock, &link(clock, clock.now()));
    made.key = at.request_key("state-1");
    let mut tx = Tx::new();
    tx.create_request(&made);
    at.commit(tx, Durability::Relaxed).await.unwrap();
    assert!(at.request_by_state("state-2").await.unwrap().is_none());
    assert!(other.request_by_state("state-1").await.unwrap().is_none());
    let found = at.request(&at.request_key("state-1")).await.unwrap().unwrap();
    let mut tx = Tx::new();
    tx.update_request(&found, &found.value.clone().claim(clock.now()).unwrap());
    at.commit(tx, Durability::Relaxed).await.unwrap();
    let claimed = at.request_by_state("state-1").await.unwrap().unwrap();
    assert_ne!(claimed.version(), found.version());
    let mut late = Tx::new();
    late.update_request(&found, &found.value.clone().give_up(clock.now()));
    assert!(matches!(at.commit(late, DURABLE).await, Err(StoreError::Conflict)));
    let of = |requests: Vec<countersign::store::Stored<_>>| requests.len();
    let key = at.request_key("state-1");
    assert_eq!(of(at.requests(&[&key, "unknown", &key]).await.unwrap()), 2);
}

async fn a_conversation_is_made_once_and_changed_by_who_read_it_last(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let made = Conversation::new(link(clock, start()).conversation, start());
    let id = &made.at.id;
    let put = async |stored, conversation| {
        let mut tx = Tx::new();
        tx.put_conversation(stored, conversation);
        at.commit(tx, DURABLE).await
    };
    put(None, &made).await.unwrap();
    assert!(matches!(put(None, &made).await, Err(StoreError::Conflict)));
    let first = at.conversation(id).await.unwrap().unwrap();
    put(Some(&first), &first).await.unwrap();
    assert!(matches!(put(Some(&first), &first).await, Err(StoreError::Conflict)));
    let by_key = at.conversation_by_key(&at.conversation_key(id)).await.unwrap().unwrap();
    assert_eq!(by_key.at, made.at);
}

async fn found(at: &TenantStore, filter: ContactFilter) -> Vec<ContactId> {
    at.contact_ids(filter, None, 9).await.unwrap().items
}

async fn a_contact_is_found_by_what_it_has_now(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let made = contact(clock, 1, start());
    let mut tx = Tx::new();
    tx.create_contact(&made);
    at.commit(tx, DURABLE).await.unwrap();
    let email = |text: &str| ContactFilter::Email(text.to_owned());
    let phone = |text: &str| ContactFilter::Phone(text.to_owned());
    let ours = vec![made.id.clone()];
    assert_eq!(found(&at, email(&made.email.clone().unwrap().to_uppercase())).await, ours);
    assert_eq!(found(&at, phone("15550100")).await, ours);
    assert_eq!(found(&at, ContactFilter::ExternalId(made.external_id.clone().unwrap())).await, ours);
    assert_eq!(found(&at, ContactFilter::All).await, ours);
    assert!(found(&at, email("somebody@else.example")).await.is_empty());

    let stored = at.contact(&made.id).await.unwrap().unwrap();
    let mut changed = stored.value.clone();
    changed.email = Some("new@example.com".to_owned());
    changed.phone = Some("+1 555 0100".to_owned());
    changed.external_id = None;
    let mut tx = Tx::new();
    tx.update_contact(&stored, &changed);
    at.commit(tx, DURABLE).await.unwrap();
    assert!(found(&at, email(made.email.as_deref().unwrap())).await.is_empty());
    assert_eq!(found(&at, email("NEW@example.com")).await, ours);
    assert_eq!(found(&at, phone("+15550100")).await, ours, "the same digits");
    assert!(found(&at, ContactFilter::ExternalId(made.external_id.unwrap())).await.is_empty());
    assert_eq!(found(&at, ContactFilter::All).await, ours);
}

async fn contacts_are_listed_newest_first_in_pages(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let mut newest_first = Vec::new();
    for number in 0..5 {
        let made =
            contact(clock, number, start() + SignedDuration::from_secs(i64::try_from(number).unwrap()));
        let mut tx = Tx::new();
        tx.create_contact(&made);
        at.commit(tx, Durability::Relaxed).await.unwrap();
        newest_first.insert(0, made.id);
    }
    let first = at.contact_ids(ContactFilter::All, None, 3).await.unwrap();
    assert_eq!(first.items, newest_first[..3]);
    let second = at.contact_ids(ContactFilter::All, first.next.as_deref(), 2).await.unwrap();
    assert_eq!(second.items, newest_first[3..]);
    assert_eq!(second.next, None, "the last page says so");
    let bad = at.contact_ids(ContactFilter::All, Some("no cursor"), 2).await;
    assert!(matches!(bad, Err(StoreError::BadCursor)));

    let unknown = ContactId::from_uuid(clock.fresh_uuid());
    let asked = [newest_first[1].clone(), unknown, newest_first[4].clone()];
    let read: Vec<_> = at.contacts(&asked).await.unwrap().into_iter().map(|known| known.value.id).collect();
    assert_eq!(read, [newest_first[1].clone(), newest_first[4].clone()]);
    assert!(at.contacts(&[]).await.unwrap().is_empty());
}

async fn an_identity_belongs_to_one_contact(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (first, second) = (contact(clock, 1, start()).id, contact(clock, 2, start()).id);
    let create = async |contact| {
        let mut tx = Tx::new();
        tx.create_identity(&provider(), "subject:1", contact);
        at.commit(tx, DURABLE).await
    };
    create(&first).await.unwrap();
    assert!(matches!(create(&second).await, Err(StoreError::Conflict)));
    let owner = at.identity(&provider(), "subject:1").await.unwrap().unwrap();
    assert_eq!(owner.value, first);
    assert!(at.identity(&"acme2".parse().unwrap(), "subject:1").await.unwrap().is_none());
    assert!(at.identity(&provider(), "subject:2").await.unwrap().is_none());
    let mut tx = Tx::new();
    tx.expect_identity(&owner);
    tx.audit(audit(clock, start(), "held"));
    at.commit(tx, DURABLE).await.unwrap();
    assert_eq!(at.audit_after(0, 9).await.unwrap().len(), 1);
}

async fn events_and_audit_entries_come_in_their_order(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let mut ids = Vec::new();
    for action in ["one", "two", "three"] {
        let event = event(clock, at.tenant(), start());
        ids.push(event.id.clone());
        let mut tx = Tx::new();
        tx.event(&event.telling());
        tx.audit(audit(clock, start(), action));
        at.commit(tx, DURABLE).await.unwrap();
    }
    let events = at.events_after(0, 2).await.unwrap();
    let read: Vec<_> = events.iter().map(|(position, event)| (*position, event.id.clone())).collect();
    assert_eq!(read, [(1, ids[0].clone()), (2, ids[1].clone())]);
    let digits = events[0].1.data["profile"]["userId"].to_string();
    assert_eq!(digits, "12345678901234567890", "numbers keep their digits");
    assert_eq!(at.events_after(2, 9).await.unwrap().len(), 1);
    assert!(at.events_after(3, 9).await.unwrap().is_empty());
    let actions = at.audit_after(1, 9).await.unwrap();
    let actions: Vec<_> =
        actions.iter().map(|(position, entry)| (*position, entry.detail.as_deref())).collect();
    assert_eq!(actions, [(2, Some("two")), (3, Some("three"))]);
}

async fn what_a_login_needs_is_read_at_once(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let link = create_link(&at, clock).await;
    let conversation: &ConversationId = &link.conversation.id;
    let owner = contact(clock, 1, start()).id;
    let mut tx = Tx::new();
    tx.put_conversation(None, &Conversation::new(link.conversation.clone(), start()));
    tx.create_identity(&provider(), "42", &owner);
    at.commit(tx, DURABLE).await.unwrap();
    let asked = Some((&provider(), "42"));
    let read = at.login_records(&link.id, conversation, asked).await.unwrap();
    assert_eq!(read.link.unwrap().version(), link.version());
    assert_eq!(read.conversation.unwrap().at, link.conversation);
    assert_eq!(read.identity.unwrap().value, owner);
    let read = at.login_records(&link.id, &"other".parse().unwrap(), None).await.unwrap();
    assert!(read.link.is_some() && read.conversation.is_none() && read.identity.is_none());
    let (link, conversation) = at.link_and_conversation(&link.id, conversation).await.unwrap();
    assert!(link.is_some() && conversation.is_some());
}

async fn customer_numbers_are_given_once(store: &Store) {
    let (at, other) = (fresh(store, &Clock::system()), fresh(store, &Clock::system()));
    assert_eq!(other.next_customer_number().await.unwrap(), 1);
    assert_eq!(at.next_customer_number().await.unwrap(), 1);
    assert_eq!(at.next_customer_number().await.unwrap(), 2);
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let at = at.clone();
            tokio::spawn(async move { at.next_customer_number().await.unwrap() })
        })
        .collect();
    let mut seen = std::collections::HashSet::from([1, 2]);
    for task in tasks {
        assert!(seen.insert(task.await.unwrap()), "a number was given twice");
    }
}

async fn an_empty_transaction_is_nothing(store: &Store) {
    let tx = Tx::new();
    assert!(tx.is_empty());
    fresh(store, &Clock::system()).commit(tx, DURABLE).await.unwrap();
}

#[tokio::test]
async fn an_attempt_and_a_link_leave_the_store_when_their_time_to_live_is_over() {
    let opened = super::open_sqlite();
    let (clock, backend) = (opened.clock.clone(), opened.backend.clone());
    let store = Store::new(backend, keys(), clock.clone());
    let at = store.at(&tenant("acme"));
    let link = link(&clock, clock.now());
    let mut tx = Tx::new();
    tx.create_link(&link);
    tx.create_request(&AuthorizationRequest { key: at.request_key("state"), ..request(&clock, &link) });
    at.commit(tx, DURABLE).await.unwrap();
    clock.advance(Duration::from_hours(34 * 24));
    assert!(at.request_by_state("state").await.unwrap().is_some(), "longer than the sweep may take");
    assert!(at.link(&link.id).await.unwrap().is_some());
    clock.advance(Duration::from_hours(2 * 24));
    assert!(at.request_by_state("state").await.unwrap().is_none());
    assert!(at.link(&link.id).await.unwrap().is_none());
    assert!(Partition::all().any(|partition| partition == at.partition()));
}

fn opening() -> countersign::domain::link::Opening {
    countersign::domain::link::Opening { cookie_name: "cs-00000000".to_owned(), request: "key".to_owned() }
}

async fn an_event_is_found_in_the_log_by_its_id(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let told: Vec<_> = (0..450).map(|_| event(clock, at.tenant(), start())).collect();
    for events in told.chunks(50) {
        let mut tx = Tx::new();
        for event in events {
            tx.event(&event.telling());
        }
        at.commit(tx, Durability::Relaxed).await.unwrap();
    }
    for (number, event) in told.iter().enumerate().filter(|(number, _)| number % 50 < 2 || number % 50 == 49)
    {
        assert_eq!(at.event_position(&event.id).await.unwrap(), Some(number as u64 + 1));
    }
    let other = fresh(store, clock);
    assert_eq!(other.event_position(&told[0].id).await.unwrap(), None, "of another tenant");
    assert_eq!(at.event_position(&event(clock, at.tenant(), start()).id).await.unwrap(), None, "never told");
}
