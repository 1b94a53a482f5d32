//! Contacts over any backend: who owns what, what an erasure leaves, and the cursors of their lists.

use countersign::clock::Clock;
use countersign::domain::contact::{Contact, Trace};
use countersign::domain::ids::{ContactId, EventId, LinkId, ProviderId};
use countersign::store::{ContactFilter, Durability, Store, StoreError, Stored, TenantStore, Tx};
use jiff::SignedDuration;

use super::samples::{contact, start};
use super::typed::fresh;

const DURABLE: Durability = Durability::Durable;

/// Runs every case, each in tenants of its own.
pub async fn check(store: &Store, clock: &Clock) {
    an_external_id_belongs_to_one_contact_at_a_time(store, clock).await;
    an_erased_contact_is_found_by_nothing(store, clock).await;
    a_merged_contact_answers_and_owns_for_both(store, clock).await;
    a_chain_of_merges_is_one_hop(store, clock).await;
    traces_are_found_until_they_are_taken(store, clock).await;
    a_cursor_opens_its_own_list_only(store, clock).await;
}

fn provider() -> ProviderId {
    "acme".parse().unwrap()
}

/// A stored contact with an identity of its own.
async fn create(at: &TenantStore, clock: &Clock, number: u64) -> Stored<Contact> {
    let mut made =
        contact(clock, number, start() + SignedDuration::from_secs(i64::try_from(number).unwrap()));
    made.link_identity(&provider(), &format!("subject-{number}"), start());
    let mut tx = Tx::new();
    tx.create_contact(&made);
    tx.create_identity(&provider(), &format!("subject-{number}"), &made.id);
    at.commit(tx, DURABLE).await.unwrap();
    read(at, &made.id).await.unwrap()
}

async fn read(at: &TenantStore, id: &ContactId) -> Option<Stored<Contact>> {
    at.contact(id).await.unwrap()
}

async fn update(
    at: &TenantStore,
    stored: &Stored<Contact>,
    external: Option<&str>,
) -> Result<(), StoreError> {
    let mut changed = stored.value.clone();
    changed.external_id = external.map(str::to_owned);
    let mut tx = Tx::new();
    tx.update_contact(stored, &changed);
    at.commit(tx, DURABLE).await
}

async fn merge(at: &TenantStore, into: &ContactId, from: &ContactId) {
    let (stored, other) = (read(at, into).await.unwrap(), read(at, from).await.unwrap());
    let mut merged = stored.value.clone();
    merged.absorb(&other.value).unwrap();
    let mut tx = Tx::new();
    tx.merge_contact(&stored, &merged, &other);
    at.commit(tx, DURABLE).await.unwrap();
}

async fn listed(at: &TenantStore, filter: ContactFilter) -> Vec<ContactId> {
    at.contact_ids(filter, None, 99).await.unwrap().items
}

async fn owner(at: &TenantStore, subject: &str) -> Option<ContactId> {
    at.identity(&provider(), subject).await.unwrap().map(Stored::into_value)
}

async fn an_external_id_belongs_to_one_contact_at_a_time(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (first, second) = (create(&at, clock, 1).await, create(&at, clock, 2).await);
    update(&at, &first, Some("crm")).await.unwrap();
    assert_eq!(at.external_owner("crm").await.unwrap().as_ref(), Some(&first.id));
    assert!(matches!(update(&at, &second, Some("crm")).await, Err(StoreError::Conflict)));
    let mut third = contact(clock, 3, start());
    third.external_id = Some("crm".to_owned());
    let mut tx = Tx::new();
    tx.create_contact(&third);
    assert!(matches!(at.commit(tx, DURABLE).await, Err(StoreError::Conflict)));
    update(&at, &read(&at, &first.id).await.unwrap(), None).await.unwrap();
    assert_eq!(at.external_owner("crm").await.unwrap(), None);
    update(&at, &second, Some("crm")).await.unwrap();
    let filter = ContactFilter::ExternalId("crm".to_owned());
    assert_eq!(listed(&at, filter.clone()).await, std::slice::from_ref(&second.id));
    assert!(listed(&fresh(store, clock), filter).await.is_empty(), "of another tenant");
}

async fn an_erased_contact_is_found_by_nothing(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (kept, from) = (create(&at, clock, 1).await, create(&at, clock, 2).await);
    merge(&at, &kept.id, &from.id).await;
    let stored = read(&at, &kept.id).await.unwrap();
    let trace = Trace::of_event(EventId::from_uuid(clock.fresh_uuid()));
    let erase = async |stored: &Stored<Contact>| {
        let mut tx = Tx::new();
        tx.delete_contact(stored);
        at.commit(tx, DURABLE).await
    };
    let mut tx = Tx::new();
    tx.trace(&kept.id, &trace);
    at.commit(tx, DURABLE).await.unwrap();
    assert!(matches!(erase(&kept).await, Err(StoreError::Conflict)), "it has changed meanwhile");
    erase(&stored).await.unwrap();
    for id in [&kept.id, &from.id] {
        assert!(at.contact_or_survivor(id).await.unwrap().is_none());
    }
    for filter in [
        ContactFilter::All,
        ContactFilter::Email(kept.email.clone().unwrap()),
        ContactFilter::Phone(kept.phone.clone().unwrap()),
        ContactFilter::ExternalId(kept.external_id.clone().unwrap()),
    ] {
        assert!(listed(&at, filter.clone()).await.is_empty(), "{filter:?}");
    }
    assert_eq!((owner(&at, "subject-1").await, owner(&at, "subject-2").await), (None, None));
    assert_eq!(
        at.traces(&kept.id, 9).await.unwrap()[0].trace,
        trace,
        "whoever finishes the erasure needs it"
    );
}

async fn a_merged_contact_answers_and_owns_for_both(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (kept, from) = (create(&at, clock, 1).await, create(&at, clock, 2).await);
    update(&at, &kept, None).await.unwrap();
    merge(&at, &kept.id, &from.id).await;
    let answer = at.contact_or_survivor(&from.id).await.unwrap().unwrap();
    assert_eq!((&answer.id, answer.identities.len()), (&kept.id, 2));
    assert!(at.contact(&from.id).await.unwrap().is_none());
    assert_eq!(listed(&at, ContactFilter::All).await, std::slice::from_ref(&kept.id));
    assert_eq!(
        listed(&at, ContactFilter::Email(from.email.clone().unwrap())).await,
        std::slice::from_ref(&kept.id)
    );
    assert_eq!(owner(&at, "subject-2").await.as_ref(), Some(&kept.id));
    let external = from.external_id.as_deref().unwrap();
    assert_eq!(at.external_owner(external).await.unwrap().as_ref(), Some(&kept.id), "it went over");
    let mut late = Tx::new();
    late.update_contact(&from, &from);
    assert!(matches!(at.commit(late, DURABLE).await, Err(StoreError::Conflict)), "a login that read before");
}

async fn a_chain_of_merges_is_one_hop(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let (a, b, c) = (create(&at, clock, 1).await, create(&at, clock, 2).await, create(&at, clock, 3).await);
    merge(&at, &b.id, &a.id).await;
    merge(&at, &c.id, &b.id).await;
    for id in [&a.id, &b.id, &c.id] {
        assert_eq!(at.contact_or_survivor(id).await.unwrap().unwrap().id, c.id);
    }
    assert_eq!(owner(&at, "subject-1").await.as_ref(), Some(&c.id));
    assert_eq!(
        at.external_owner(a.external_id.as_deref().unwrap()).await.unwrap(),
        Some(c.id.clone()),
        "who asks for it finds who is left"
    );
}

async fn traces_are_found_until_they_are_taken(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let id = ContactId::from_uuid(clock.fresh_uuid());
    let traces: Vec<_> = (0..5)
        .map(|n| Trace {
            link: Some(LinkId::from_uuid(clock.fresh_uuid())),
            events: (0..n).map(|_| EventId::from_uuid(clock.fresh_uuid())).collect(),
            conversation: Some(at.hash("conversation", &n.to_string())),
        })
        .collect();
    let mut tx = Tx::new();
    traces.iter().chain(&traces).for_each(|trace| tx.trace(&id, trace));
    at.commit(tx, DURABLE).await.unwrap();
    let mut found = at.traces(&id, 3).await.unwrap();
    assert_eq!(found.len(), 3);
    let mut tx = Tx::new();
    for found in &found {
        tx.untrace(&id, found);
    }
    at.commit(tx, DURABLE).await.unwrap();
    found.extend(at.traces(&id, 9).await.unwrap());
    assert_eq!(found.len(), 5, "each once");
    assert!(traces.iter().all(|trace| found.iter().any(|found| found.trace == *trace)));
    assert!(fresh(store, clock).traces(&id, 9).await.unwrap().is_empty(), "of another tenant");
}

async fn a_cursor_opens_its_own_list_only(store: &Store, clock: &Clock) {
    let (at, other) = (fresh(store, clock), fresh(store, clock));
    for at in [&at, &other] {
        for number in 0..3 {
            create(at, clock, number).await;
        }
    }
    let email = || ContactFilter::Email(contact(clock, 1, start()).email.unwrap());
    let phone = || ContactFilter::Phone(contact(clock, 1, start()).phone.unwrap());
    let next = async |at: &TenantStore, filter| at.contact_ids(filter, None, 1).await.unwrap().next.unwrap();
    let cursor = next(&at, email()).await;
    assert_eq!(at.contact_ids(email(), Some(&cursor), 9).await.unwrap().items.len(), 2);
    for (at, filter) in [
        (&at, ContactFilter::All),
        (&at, phone()),
        (&at, ContactFilter::Email("somebody@else.example".to_owned())),
        (&at, ContactFilter::ExternalId("crm".to_owned())),
        (&other, email()),
    ] {
        let refused = at.contact_ids(filter.clone(), Some(&cursor), 9).await;
        assert!(matches!(refused, Err(StoreError::BadCursor)), "{filter:?}");
    }
    for made_up in ["", "x", &next(&other, ContactFilter::All).await] {
        let refused = at.contact_ids(ContactFilter::All, Some(made_up), 9).await;
        assert!(matches!(refused, Err(StoreError::BadCursor)), "{made_up}");
    }
}
