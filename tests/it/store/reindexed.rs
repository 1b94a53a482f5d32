//! The index key is replaced while everything is in use: on every backend.

use std::sync::Arc;

use bytes::Bytes;
use countersign::clock::Clock;
use countersign::domain::binding::Binding;
use countersign::domain::contact::Contact;
use countersign::domain::conversation::{Conversation, Verified};
use countersign::domain::idempotency::MadeOnce;
use countersign::domain::ids::ProviderId;
use countersign::domain::link::Link;
use countersign::domain::request::AuthorizationRequest;
use countersign::store::backend::{Batch, Put};
use countersign::store::keys::tenant_key;
use countersign::store::seal::SealKeys;
use countersign::store::{
    Asked, ContactFilter, DueKind, Durability, List, Store, StoreError, TenantStore, Tx,
};
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use super::redis::open_one;
use super::samples::{contact, link, request, start, tenant};
use super::{Opened, open_sqlite};

const OLD: u8 = 2;
const NEW: u8 = 3;
const DURABLE: Durability = Durability::Durable;

/// A ring with these index keys.
fn ring(active: u8, next: Option<u8>, previous: Option<u8>) -> SealKeys {
    let bytes = |byte: u8| [byte; 32];
    let keys = SealKeys::new("k1", [("k1".to_owned(), [1; 32])], [active; 32]).unwrap();
    keys.with_indexes(next.map(bytes), previous.map(bytes))
}

fn store(opened: &Opened, keys: SealKeys) -> Store {
    Store::new(Arc::clone(&opened.backend), keys, opened.clock.clone())
}

fn provider() -> ProviderId {
    "acme".parse().unwrap()
}

/// One of everything that is found by a hash.
struct Filled {
    link: Link,
    contact: Contact,
    conversation: Conversation,
}

async fn fill(at: &TenantStore, clock: &Clock) -> Filled {
    let link = link(clock, clock.now());
    let contact = contact(clock, 1, start());
    let conversation = Conversation::new(link.conversation.clone(), start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    tx.create_request(&AuthorizationRequest { key: at.request_key("state"), ..request(clock, &link) });
    tx.put_conversation(None, &conversation);
    let mut contact = contact;
    contact.link_identity(&provider(), "subject", start());
    tx.create_contact(&contact);
    tx.create_identity(&provider(), "subject", &contact.id);
    at.commit(tx, DURABLE).await.unwrap();
    Filled { link, contact, conversation }
}

/// What of it is found: everything that lasts, and the request by its state.
async fn found(at: &TenantStore, filled: &Filled) -> (Vec<&'static str>, bool) {
    let Filled { link, contact, conversation } = filled;
    let mut found = Vec::new();
    found.extend(at.link_by_token(link.token.expose()).await.unwrap().map(|_| "token"));
    found.extend(at.conversation(&conversation.at.id).await.unwrap().map(|_| "conversation"));
    found.extend(at.identity(&provider(), "subject").await.unwrap().map(|_| "identity"));
    let login =
        at.login_records(&link.id, &conversation.at.id, Some((&provider(), "subject"))).await.unwrap();
    let asked = Asked { cursor: None, limit: 9, since: None, until: None, filter: "" };
    let links = at.links(List::LinksOf(&conversation.at.id), &asked, |_| true).await.unwrap();
    found.extend((links.items.len() == 1).then_some("list of links"));
    let whole = login.link.is_some() && login.conversation.is_some() && login.identity.is_some();
    found.extend(whole.then_some("login"));
    let filters = [
        ("email", ContactFilter::Email(contact.email.clone().unwrap())),
        ("phone", ContactFilter::Phone(contact.phone.clone().unwrap())),
        ("external id", ContactFilter::ExternalId(contact.external_id.clone().unwrap())),
    ];
    for (name, filter) in filters {
        let page = at.contact_ids(filter, None, 9).await.unwrap();
        found.extend((page.items == [contact.id.clone()]).then_some(name));
    }
    (found, at.request_by_state("state").await.unwrap().is_some())
}

const EVERYTHING: [&str; 8] =
    ["token", "conversation", "identity", "list of links", "login", "email", "phone", "external id"];

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn everything_is_found_before_during_and_after_the_move(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let filled = fill(&broker.at(&acme), &opened.clock).await;
    for keys in [ring(OLD, Some(NEW), None), ring(NEW, None, Some(OLD))] {
        broker.replace_keys(keys);
        assert_eq!(found(&broker.at(&acme), &filled).await, (EVERYTHING.to_vec(), true));
    }
    assert_eq!(found(&store(&opened, ring(NEW, None, None)).at(&acme), &filled).await, (vec![], false));

    assert!(broker.reindex().await.unwrap() >= 3, "a token, a contact and a conversation");
    assert_eq!(found(&broker.at(&acme), &filled).await, (EVERYTHING.to_vec(), true));
    assert_eq!(broker.reindex().await.unwrap(), 0, "nothing is left to move");
    broker.replace_keys(ring(NEW, None, None));
    assert_eq!(found(&broker.at(&acme), &filled).await, (EVERYTHING.to_vec(), false), "a state only lapses");
    let behind = store(&opened, ring(OLD, None, None));
    assert_eq!(found(&behind.at(&acme), &filled).await, (vec![], true), "nothing that lasts stayed");
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_moved_conversation_stands_in_the_list_of_changes_once(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    fill(&broker.at(&acme), &opened.clock).await;
    let asked = Asked { cursor: None, limit: 9, since: None, until: None, filter: "" };
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    assert_eq!(broker.at(&acme).recent_conversations(&asked).await.unwrap().items.len(), 1, "before");
    broker.reindex().await.unwrap();
    broker.replace_keys(ring(NEW, None, None));
    let listed = broker.at(&acme).recent_conversations(&Asked { limit: 1, ..asked }).await.unwrap();
    assert_eq!((listed.items.len(), listed.next), (1, None), "and after");
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn two_brokers_that_are_one_step_apart_find_what_the_other_writes(#[case] open: fn() -> Opened) {
    let opened = open();
    let slow = store(&opened, ring(OLD, Some(NEW), None));
    let quick = store(&opened, ring(NEW, None, Some(OLD)));
    let (acme, other) = (tenant("acme"), tenant("other"));
    let by_slow = fill(&slow.at(&acme), &opened.clock).await;
    let by_quick = fill(&quick.at(&other), &opened.clock).await;
    assert_eq!(found(&quick.at(&acme), &by_slow).await, (EVERYTHING.to_vec(), true));
    assert_eq!(found(&slow.at(&other), &by_quick).await, (EVERYTHING.to_vec(), true));
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn what_may_exist_once_is_not_made_twice_by_brokers_with_different_keys(#[case] open: fn() -> Opened) {
    let opened = open();
    let slow = store(&opened, ring(OLD, Some(NEW), None)).at(&tenant("acme"));
    let quick = store(&opened, ring(NEW, None, Some(OLD))).at(&tenant("acme"));
    for (index, (first, second)) in [(&slow, &quick), (&quick, &slow)].into_iter().enumerate() {
        let subject = format!("subject-{index}");
        let ids = [contact(&opened.clock, 1, start()).id, contact(&opened.clock, 2, start()).id];
        let mut tx = Tx::new();
        tx.create_identity(&provider(), &subject, &ids[0]);
        first.commit(tx, DURABLE).await.unwrap();
        let mut tx = Tx::new();
        tx.create_identity(&provider(), &subject, &ids[1]);
        assert!(matches!(second.commit(tx, DURABLE).await, Err(StoreError::Conflict)));
        assert_eq!(second.identity(&provider(), &subject).await.unwrap().unwrap().value, ids[0]);
    }
}

fn verified(conversation: &Conversation, link: &Link, until: Timestamp) -> Conversation {
    let mut conversation = conversation.clone();
    conversation.verified = Some(Verified {
        contact_id: None,
        provider: provider(),
        auth_link_id: link.id.clone(),
        binding: Binding::Code,
        since: start(),
        vouched_at: None,
        until,
        fields: serde_json::Map::new(),
    });
    conversation
}

/// The conversation that the sweep would find at its end.
async fn lapsing(store: &Store, at: &TenantStore, until: Timestamp) -> Option<Conversation> {
    let due = store.due(at.partition(), until, 1000).await.unwrap();
    let ours = due.iter().filter(|due| due.kind == DueKind::ConversationLapse && due.at == until);
    for due in ours {
        if let Some(stored) = at.conversation_by_key(&due.id).await.unwrap() {
            return Some(stored.into_value());
        }
    }
    None
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_moved_conversation_still_lapses(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let filled = fill(&broker.at(&acme), &opened.clock).await;
    let until = start() + SignedDuration::from_hours(12);
    let stored = broker.at(&acme).conversation(&filled.conversation.at.id).await.unwrap().unwrap();
    let mut tx = Tx::new();
    tx.put_conversation(Some(&stored), &verified(&stored, &filled.link, until));
    broker.at(&acme).commit(tx, DURABLE).await.unwrap();
    assert!(lapsing(&broker, &broker.at(&acme), until).await.is_some(), "a verified one is due");
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    assert!(lapsing(&broker, &broker.at(&acme), until).await.is_some(), "before the move");
    broker.reindex().await.unwrap();
    broker.replace_keys(ring(NEW, None, None));
    assert!(lapsing(&broker, &broker.at(&acme), until).await.is_some(), "after it");
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_change_of_a_conversation_moves_it_by_the_way(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let filled = fill(&broker.at(&acme), &opened.clock).await;
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    let at = broker.at(&acme);
    let stored = at.conversation(&filled.conversation.at.id).await.unwrap().unwrap();
    let until = start() + SignedDuration::from_hours(1);
    let mut tx = Tx::new();
    tx.put_conversation(Some(&stored), &verified(&stored, &filled.link, until));
    at.commit(tx, DURABLE).await.unwrap();
    let mut stale = Tx::new();
    stale.put_conversation(Some(&stored), &stored);
    assert!(matches!(at.commit(stale, DURABLE).await, Err(StoreError::Conflict)), "it was moved once");
    let only_new = store(&opened, ring(NEW, None, None));
    let moved = only_new.at(&acme).conversation(&filled.conversation.at.id).await.unwrap().unwrap();
    assert!(moved.verified.is_some());
    assert!(lapsing(&only_new, &only_new.at(&acme), until).await.is_some());
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_contact_is_not_found_by_what_it_lost_during_the_move(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let filled = fill(&broker.at(&acme), &opened.clock).await;
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    let at = broker.at(&acme);
    let stored = at.contact(&filled.contact.id).await.unwrap().unwrap();
    let mut changed = stored.value.clone();
    changed.email = Some("new@example.com".to_owned());
    let mut tx = Tx::new();
    tx.update_contact(&stored, &changed);
    at.commit(tx, DURABLE).await.unwrap();
    let by = |email: &str| ContactFilter::Email(email.to_owned());
    let old = filled.contact.email.as_deref().unwrap();
    assert!(at.contact_ids(by(old), None, 9).await.unwrap().items.is_empty());
    let found = at.contact_ids(by("new@example.com"), None, 9).await.unwrap();
    assert_eq!(found.items, std::slice::from_ref(&stored.id));
    broker.reindex().await.unwrap();
    broker.replace_keys(ring(NEW, None, None));
    let at = broker.at(&acme);
    assert!(at.contact_ids(by(old), None, 9).await.unwrap().items.is_empty());
    let found = at.contact_ids(by("new@example.com"), None, 9).await.unwrap();
    assert_eq!(found.items, std::slice::from_ref(&stored.id));
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn contacts_of_both_keys_stand_in_one_list_in_their_order(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let mut ids = Vec::new();
    for number in 0..6_u32 {
        if number == 3 {
            broker.replace_keys(ring(NEW, None, Some(OLD)));
        }
        let made = contact(&opened.clock, number.into(), start() + SignedDuration::from_secs(number.into()));
        let mut tx = Tx::new();
        tx.create_contact(&made);
        broker.at(&acme).commit(tx, DURABLE).await.unwrap();
        ids.insert(0, made.id.clone());
    }
    let at = broker.at(&acme);
    let email = contact(&opened.clock, 9, start()).email.unwrap();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = at.contact_ids(ContactFilter::Email(email.clone()), after.as_deref(), 2).await.unwrap();
        listed.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
}

/// Changes a contact and a conversation again and again, as logins do.
async fn disturb(store: Store, filled: Arc<Filled>, clock: Clock) -> u32 {
    let mut conflicts = 0;
    for round in 0..60 {
        let at = store.at(&tenant("acme"));
        let known = at.conversation(&filled.conversation.at.id).await.unwrap().expect("it is always found");
        let contact = at.contact(&filled.contact.id).await.unwrap().unwrap();
        let owner = at.identity(&provider(), "subject").await.unwrap().expect("it is always found");
        let mut changed = contact.value.clone();
        changed.email = Some(format!("round-{round}@example.com"));
        let until = clock.now() + SignedDuration::from_hours(1);
        let mut tx = Tx::new();
        tx.put_conversation(Some(&known), &verified(&known, &filled.link, until));
        tx.update_contact(&contact, &changed);
        tx.expect_identity(&owner);
        match at.commit(tx, Durability::Relaxed).await {
            Err(StoreError::Conflict) => conflicts += 1,
            done => done.unwrap(),
        }
    }
    conflicts
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_while_it_is_moved_is_neither_lost_nor_doubled(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let filled = Arc::new(fill(&broker.at(&tenant("acme")), &opened.clock).await);
    let slow = store(&opened, ring(OLD, Some(NEW), None));
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    let tasks: Vec<_> = [broker.clone(), slow]
        .map(|store| tokio::spawn(disturb(store, Arc::clone(&filled), opened.clock.clone())))
        .into();
    while tasks.iter().any(|task| !task.is_finished()) {
        broker.reindex().await.unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    while broker.reindex().await.unwrap() > 0 {}
    let at = store(&opened, ring(NEW, None, None)).at(&tenant("acme"));
    let contact = at.contact(&filled.contact.id).await.unwrap().unwrap();
    let filled = Filled {
        link: filled.link.clone(),
        contact: contact.value,
        conversation: filled.conversation.clone(),
    };
    assert_eq!(found(&at, &filled).await.0, EVERYTHING);
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_merge_during_the_move_leaves_nobody_in_two_places(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let filled = fill(&broker.at(&acme), &opened.clock).await;
    let mut survivor = contact(&opened.clock, 2, start());
    survivor.external_id = None;
    let mut tx = Tx::new();
    tx.create_contact(&survivor);
    broker.at(&acme).commit(tx, DURABLE).await.unwrap();
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    let at = broker.at(&acme);
    let (kept, other) = (at.contact(&survivor.id).await.unwrap().unwrap(), at.contact(&filled.contact.id));
    let other = other.await.unwrap().unwrap();
    let mut merged = kept.value.clone();
    merged.external_id.clone_from(&other.external_id);
    merged.link_identity(&provider(), "subject", start());
    let mut tx = Tx::new();
    tx.merge_contact(&kept, &merged, &other);
    at.commit(tx, DURABLE).await.unwrap();
    let external = other.external_id.as_deref().unwrap();
    let behind = store(&opened, ring(OLD, Some(NEW), None)).at(&acme);
    let owns = async |at: &TenantStore| {
        let identity = at.identity(&provider(), "subject").await.unwrap().unwrap().into_value();
        assert_eq!(
            (&identity, at.external_owner(external).await.unwrap().as_ref()),
            (&survivor.id, Some(&survivor.id))
        );
    };
    for at in [&at, &behind] {
        owns(at).await;
    }
    while broker.reindex().await.unwrap() > 0 {}
    broker.replace_keys(ring(NEW, None, None));
    owns(&broker.at(&acme)).await;
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn an_order_that_comes_again_is_known_under_either_key(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let at = broker.at(&tenant("acme"));
    let made = MadeOnce {
        order: at.hashes("order", "an order").remove(0),
        made: "al_1".to_owned(),
        told: None,
        until: opened.clock.now() + SignedDuration::from_hours(24),
    };
    let mut tx = Tx::new();
    tx.put_made_once(None, "key client", &made);
    at.commit(tx, DURABLE).await.unwrap();
    broker.replace_keys(ring(NEW, None, Some(OLD)));
    let at = broker.at(&tenant("acme"));
    let known = at.made_once("key client").await.unwrap().unwrap();
    assert!(at.hashes("order", "an order").contains(&known.value.order));
    assert!(!at.hashes("order", "another order").contains(&known.value.order));
    let mut again = Tx::new();
    again.put_made_once(None, "key client", &made);
    assert!(matches!(at.commit(again, DURABLE).await, Err(StoreError::Conflict)));
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_cursor_goes_on_while_the_index_key_is_replaced(#[case] open: fn() -> Opened) {
    let opened = open();
    let broker = store(&opened, ring(OLD, None, None));
    let acme = tenant("acme");
    let mut conversation = None;
    for number in 0..4_u32 {
        let at = start() + SignedDuration::from_secs(number.into());
        let (link, contact) = (link(&opened.clock, at), contact(&opened.clock, number.into(), at));
        let mut tx = Tx::new();
        tx.create_link(&link);
        tx.create_contact(&Contact { external_id: None, ..contact });
        broker.at(&acme).commit(tx, DURABLE).await.unwrap();
        conversation = Some(link.conversation.id);
    }
    let conversation = conversation.unwrap();
    let email = ContactFilter::Email(contact(&opened.clock, 9, start()).email.unwrap());
    let (mut links, mut contacts, mut pages) = (0, 0, [None, None]);
    for keys in [
        ring(OLD, Some(NEW), None),
        ring(NEW, None, Some(OLD)),
        ring(NEW, None, Some(OLD)),
        ring(NEW, None, None),
    ] {
        broker.replace_keys(keys);
        let at = broker.at(&acme);
        let asked = Asked { cursor: pages[0].as_deref(), limit: 1, since: None, until: None, filter: "" };
        let page = at.links(List::LinksOf(&conversation), &asked, |_| true).await.unwrap();
        links += page.items.len();
        pages[0] = page.next;
        let page = at.contact_ids(email.clone(), pages[1].as_deref(), 1).await.unwrap();
        contacts += page.items.len();
        pages[1] = page.next;
        broker.reindex().await.unwrap();
    }
    assert_eq!((links, contacts, pages), (4, 4, [None, None]));
}

#[rstest]
#[case::sqlite(open_sqlite)]
#[case::redis(open_one)]
#[tokio::test]
async fn a_record_that_cannot_be_read_does_not_stop_the_move_of_all_others(#[case] open: fn() -> Opened) {
    let opened = open();
    let before = store(&opened, ring(OLD, None, None));
    let filled = fill(&before.at(&tenant("acme")), &opened.clock).await;
    let broken = link(&opened.clock, opened.clock.now());
    let mut tx = Tx::new();
    tx.create_link(&broken);
    before.at(&tenant("acme")).commit(tx, DURABLE).await.unwrap();
    let partition = before.at(&tenant("acme")).partition();
    let key = tenant_key(partition, &tenant("acme"), "link", broken.id.as_str());
    let put = Put { key, value: Bytes::from_static(b"no seal"), ttl: None };
    let batch = Batch { puts: vec![put], ..Batch::default() };
    opened.backend.commit(partition, batch, DURABLE).await.unwrap();

    let after = store(&opened, ring(NEW, None, Some(OLD)));
    assert!(after.reindex().await.unwrap() > 0);
    assert_eq!(after.reindex().await.unwrap(), 0, "so the previous key may go");
    let alone = store(&opened, ring(NEW, None, None));
    let at = alone.at(&tenant("acme"));
    assert!(at.link_by_token(filled.link.token.expose()).await.unwrap().is_some());
    assert!(at.link(&broken.id).await.is_err(), "it is as broken as before");
}
