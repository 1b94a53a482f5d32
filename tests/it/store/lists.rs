//! Lists of links and attempts, keys of orders, and who waits for a link: on every backend.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::domain::conversation::{Conversation, ConversationRef};
use countersign::domain::idempotency::MadeOnce;
use countersign::domain::ids::{AttemptId, LinkId};
use countersign::domain::link::Link;
use countersign::domain::request::AuthorizationRequest;
use countersign::store::{Asked, Durability, List, Page, Store, StoreError, Stored, TenantStore, Tx};
use jiff::{SignedDuration, Timestamp};

use super::conformance::Shared;
use super::samples::{keys, link, request, start, tenant};

const EVERYTHING: Asked<'static> = Asked { cursor: None, limit: 9, since: None, until: None, filter: "" };

/// Runs every case, each in tenants of its own.
pub async fn check(backend: &Shared) {
    let clock = Clock::system();
    let store = Store::new(backend.clone(), keys(), clock.clone());
    links_are_listed_newest_first_for_tenant_and_conversation(&store, &clock).await;
    a_cursor_works_for_its_own_tenant_list_and_question_only(&store, &clock).await;
    a_filtered_page_looks_on_until_it_is_full(&store, &clock).await;
    an_attempt_is_found_by_its_id_among_many_of_its_millisecond(&store, &clock).await;
    a_list_can_be_cut_at_both_ends(&store, &clock).await;
    what_is_forgotten_leaves_nothing_behind(&store, &clock).await;
    conversations_are_listed_by_their_latest_change(&store, &clock).await;
    an_order_is_made_once(&store, &clock).await;
    who_waits_for_a_link_hears_of_a_change_that_is_done(&store, &clock).await;
}

fn fresh(store: &Store, clock: &Clock) -> TenantStore {
    let name = clock.fresh_uuid().simple().to_string();
    store.at(&tenant(&format!("t{name}")))
}

fn second(number: i64) -> Timestamp {
    start() + SignedDuration::from_secs(number)
}

async fn made(at: &TenantStore, clock: &Clock, conversation: &str, number: i64) -> Link {
    let link = link(clock, second(number));
    let conversation = ConversationRef { id: conversation.parse().unwrap(), ..link.conversation.clone() };
    let link = Link { conversation, ..link };
    let mut tx = Tx::new();
    tx.create_link(&link);
    at.commit(tx, Durability::Relaxed).await.unwrap();
    link
}

/// An attempt whose id says that it began then.
async fn begun(at: &TenantStore, clock: &Clock, number: i64, state: &str) -> AuthorizationRequest {
    let millis = u64::try_from(second(number).as_millisecond()).unwrap();
    let mut random = [0; 10];
    clock.fill(&mut random);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    let link = link(clock, second(number));
    let attempt = AuthorizationRequest {
        id: AttemptId::from_uuid(uuid),
        key: at.request_key(state),
        ..request(clock, &link)
    };
    let mut tx = Tx::new();
    tx.create_request(&attempt);
    at.commit(tx, Durability::Relaxed).await.unwrap();
    attempt
}

fn ids(page: &Page<Stored<Link>>) -> Vec<LinkId> {
    page.items.iter().map(|link| link.id.clone()).collect()
}

fn any(_: &Link) -> bool {
    true
}

async fn links_are_listed_newest_first_for_tenant_and_conversation(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    let mut all = Vec::new();
    for number in 0..5 {
        let conversation = if number % 2 == 0 { "even" } else { "odd" };
        all.insert(0, made(&at, clock, conversation, number).await.id);
    }
    let even = "even".parse().unwrap();
    let listed = at.links(List::Links, &EVERYTHING, any).await.unwrap();
    assert_eq!((ids(&listed), &listed.next), (all.clone(), &None));
    let of_one = at.links(List::LinksOf(&even), &EVERYTHING, any).await.unwrap();
    assert_eq!(ids(&of_one), [all[0].clone(), all[2].clone(), all[4].clone()]);
    assert!(other.links(List::Links, &EVERYTHING, any).await.unwrap().items.is_empty());

    let mut walked = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let asked = Asked { cursor: next.as_deref(), limit: 2, ..EVERYTHING };
        let page = at.links(List::Links, &asked, any).await.unwrap();
        assert!((1..=2).contains(&page.items.len()));
        walked.extend(ids(&page));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(walked, all, "every one once, and no empty page at the end");
}

async fn a_cursor_works_for_its_own_tenant_list_and_question_only(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    for number in 0..3 {
        made(&at, clock, "one", number).await;
        made(&other, clock, "one", number).await;
        begun(&at, clock, number, &format!("s{number}")).await;
    }
    let one = "one".parse().unwrap();
    let asked = Asked { limit: 1, filter: "opened", ..EVERYTHING };
    let cursor = at.links(List::Links, &asked, any).await.unwrap().next.unwrap();
    let with = |cursor| Asked { cursor: Some(cursor), ..asked };
    assert_eq!(at.links(List::Links, &with(&cursor), any).await.unwrap().items.len(), 1);
    let refused = |result: Result<Page<Stored<Link>>, StoreError>| {
        assert!(matches!(result, Err(StoreError::BadCursor)));
    };
    refused(other.links(List::Links, &with(&cursor), any).await);
    refused(at.links(List::LinksOf(&one), &with(&cursor), any).await);
    refused(at.links(List::Links, &Asked { filter: "", ..with(&cursor) }, any).await);
    refused(at.links(List::Links, &with("nonsense"), any).await);
    refused(at.links(List::Links, &with(&cursor[1..]), any).await);
    assert!(matches!(at.attempts(&with(&cursor), |_| true).await, Err(StoreError::BadCursor)));
}

async fn a_filtered_page_looks_on_until_it_is_full(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let mut wanted = Vec::new();
    for number in 0..30 {
        let link = made(&at, clock, "one", number).await;
        if number % 10 == 0 {
            wanted.insert(0, link.id);
        }
    }
    let keep = |link: &Link| wanted.contains(&link.id);
    let first = at.links(List::Links, &Asked { limit: 2, ..EVERYTHING }, keep).await.unwrap();
    assert_eq!(ids(&first), wanted[..2]);
    let asked = Asked { cursor: first.next.as_deref(), limit: 2, ..EVERYTHING };
    let second = at.links(List::Links, &asked, keep).await.unwrap();
    assert_eq!((ids(&second), second.next), (wanted[2..].to_vec(), None));
}

async fn an_attempt_is_found_by_its_id_among_many_of_its_millisecond(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    let mut attempts = Vec::new();
    for number in 0..250 {
        attempts.push(begun(&at, clock, 7, &format!("s{number}")).await);
    }
    begun(&at, clock, 6, "before").await;
    for attempt in attempts.iter().step_by(40) {
        let found = at.attempt(&attempt.id).await.unwrap().unwrap();
        assert_eq!(found.key, attempt.key);
        assert!(other.attempt(&attempt.id).await.unwrap().is_none());
    }
    assert!(at.attempt(&AttemptId::from_uuid(clock.fresh_uuid())).await.unwrap().is_none());
}

async fn a_list_can_be_cut_at_both_ends(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let mut attempts = Vec::new();
    for number in 0..10 {
        attempts.push(begun(&at, clock, number, &format!("s{number}")).await);
    }
    let asked = Asked { since: Some(second(3)), until: Some(second(6)), ..EVERYTHING };
    let page = at.attempts(&asked, |_| true).await.unwrap();
    let found: Vec<_> = page.items.iter().map(|attempt| attempt.id.clone()).collect();
    let expected: Vec<_> = attempts[3..=6].iter().rev().map(|attempt| attempt.id.clone()).collect();
    assert_eq!((found, page.next), (expected, None), "both ends belong to it");
    let asked = Asked { limit: 2, ..asked };
    let next = at.attempts(&asked, |_| true).await.unwrap().next;
    let last = at.attempts(&Asked { cursor: next.as_deref(), ..asked }, |_| true).await.unwrap();
    assert_eq!((last.items[1].id.clone(), last.next), (attempts[3].id.clone(), None));
}

async fn what_is_forgotten_leaves_nothing_behind(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (older, newer) = (made(&at, clock, "one", 0).await, made(&at, clock, "one", 5).await);
    let (early, late) = (begun(&at, clock, 0, "early").await, begun(&at, clock, 5, "late").await);
    let cut = second(5);
    let mut tx = Tx::new();
    for row in at.links_before(cut, 9).await.unwrap() {
        tx.forget_link(&row);
    }
    for row in at.attempts_before(cut, 9).await.unwrap() {
        tx.forget_attempt(&row);
    }
    at.commit(tx, Durability::Durable).await.unwrap();
    let one = "one".parse().unwrap();
    for list in [List::Links, List::LinksOf(&one)] {
        assert_eq!(ids(&at.links(list, &EVERYTHING, any).await.unwrap()), std::slice::from_ref(&newer.id));
    }
    assert!(at.link(&older.id).await.unwrap().is_none());
    assert!(at.link_by_token(older.token.expose()).await.unwrap().is_none());
    assert!(at.link_by_token(newer.token.expose()).await.unwrap().is_some());
    assert!(at.request_by_state("early").await.unwrap().is_none());
    assert!(at.attempt(&early.id).await.unwrap().is_none());
    assert!(at.attempt(&late.id).await.unwrap().is_some());
    assert!(at.links_before(cut, 9).await.unwrap().is_empty());
}

async fn conversations_are_listed_by_their_latest_change(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    let id = |name: &str| name.parse().unwrap();
    let put = async |name: &str, number: i64| {
        let stored = at.conversation(&id(name)).await.unwrap();
        let place = ConversationRef { id: id(name), ..link(clock, start()).conversation };
        let mut conversation =
            stored.as_deref().cloned().unwrap_or_else(|| Conversation::new(place, second(number)));
        conversation.updated_at = second(number);
        let mut tx = Tx::new();
        tx.put_conversation(stored.as_ref(), &conversation);
        at.commit(tx, Durability::Relaxed).await.unwrap();
    };
    let names = |page: &Page<Stored<Conversation>>| -> Vec<String> {
        page.items.iter().map(|found| found.at.id.to_string()).collect()
    };
    for (number, name) in ["one", "two", "three"].into_iter().enumerate() {
        put(name, i64::try_from(number).unwrap()).await;
    }
    let listed = at.recent_conversations(&EVERYTHING).await.unwrap();
    assert_eq!((names(&listed), &listed.next), (vec!["three".into(), "two".into(), "one".into()], &None));
    put("one", 9).await;
    put("one", 9).await;
    put("one", 4).await;
    let first = at.recent_conversations(&Asked { limit: 2, ..EVERYTHING }).await.unwrap();
    assert_eq!(names(&first), ["one", "three"], "a change moves it, and it stands there once");
    let asked = Asked { cursor: first.next.as_deref(), limit: 2, ..EVERYTHING };
    let rest = at.recent_conversations(&asked).await.unwrap();
    assert_eq!((names(&rest), rest.next), (vec!["two".to_owned()], None));
    assert!(other.recent_conversations(&EVERYTHING).await.unwrap().items.is_empty());
    let links = [made(&at, clock, "one", 1).await.id, made(&other, clock, "one", 2).await.id];
    let found = at.links_by_id(&[&links[1], &links[0]]).await.unwrap();
    assert_eq!(
        found.iter().map(|link| &link.id).collect::<Vec<_>>(),
        [&links[0]],
        "another tenant's is not there"
    );
}

async fn an_order_is_made_once(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let made = |made: &str| MadeOnce {
        order: "o".to_owned(),
        made: made.to_owned(),
        told: None,
        until: clock.now() + SignedDuration::from_hours(24),
    };
    let put = async |stored: Option<&Stored<MadeOnce>>, id: &str| {
        let mut tx = Tx::new();
        tx.put_made_once(stored, "key client", &made(id));
        at.commit(tx, Durability::Durable).await
    };
    put(None, "al_1").await.unwrap();
    assert!(matches!(put(None, "al_2").await, Err(StoreError::Conflict)));
    let kept = at.made_once("key client").await.unwrap().unwrap();
    assert_eq!(kept.made, "al_1");
    assert!(at.made_once("key other").await.unwrap().is_none());
    put(Some(&kept), "al_3").await.unwrap();
    assert!(matches!(put(Some(&kept), "al_4").await, Err(StoreError::Conflict)));
    assert_eq!(at.made_once("key client").await.unwrap().unwrap().made, "al_3");
}

async fn who_waits_for_a_link_hears_of_a_change_that_is_done(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let id = made(&at, clock, "one", 0).await.id;
    let mut watch = store.watch_link(&id);
    let stored = at.link(&id).await.unwrap().unwrap();
    let change = async |stored: &Stored<Link>| {
        let mut tx = Tx::new();
        tx.update_link(stored, &stored.value);
        at.commit(tx, Durability::Relaxed).await
    };
    change(&stored).await.unwrap();
    watch.changed().await;
    assert!(matches!(change(&stored).await, Err(StoreError::Conflict)));
    let quiet = tokio::time::timeout(Duration::from_millis(5), watch.changed()).await;
    assert!(quiet.is_err(), "what was not done is not told");
}
