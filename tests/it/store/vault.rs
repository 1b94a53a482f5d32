//! Tokens of providers over any backend: one record per contact and provider, gone with the contact.

use countersign::clock::Clock;
use countersign::domain::ids::{ContactId, LinkId, ProviderId};
use countersign::domain::vault::{ProviderTokens, VaultRecord};
use countersign::secret::Secret;
use countersign::store::{Durability, Store, StoreError, Stored, TenantStore, Tx};
use jiff::SignedDuration;

use super::samples::{contact, start};
use super::typed::fresh;

const DURABLE: Durability = Durability::Durable;

/// Runs every case, each in tenants of its own.
pub async fn check(store: &Store, clock: &Clock) {
    tokens_are_changed_by_who_read_them_last(store, clock).await;
    an_erased_contact_has_no_tokens(store, clock).await;
}

fn provider() -> ProviderId {
    "acme".parse().unwrap()
}

fn record(clock: &Clock, contact: &ContactId, refresh_token: &str) -> VaultRecord {
    let tokens = ProviderTokens {
        access_token: Secret::new("access"),
        refresh_token: Some(Secret::new(refresh_token)),
        token_type: "Bearer".to_owned(),
        scope: None,
        expires_at: None,
        read_at: clock.now(),
        client_id: "me".to_owned(),
        token_url: "https://id.example/token".to_owned(),
    };
    VaultRecord {
        contact: contact.clone(),
        provider: provider(),
        subject: "billy".to_owned(),
        tokens,
        sign_ins: vec![LinkId::from_uuid(clock.fresh_uuid())],
        until: clock.now() + SignedDuration::from_hours(12),
        refreshing: None,
    }
}

async fn read(at: &TenantStore, contact: &ContactId) -> Option<Stored<VaultRecord>> {
    at.tokens(contact, &provider()).await.unwrap()
}

async fn put(
    at: &TenantStore,
    stored: Option<&Stored<VaultRecord>>,
    record: &VaultRecord,
) -> Result<(), StoreError> {
    let mut tx = Tx::new();
    tx.put_tokens(stored, record);
    at.commit(tx, DURABLE).await
}

async fn tokens_are_changed_by_who_read_them_last(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let owner = ContactId::from_uuid(clock.fresh_uuid());
    put(&at, None, &record(clock, &owner, "r1")).await.unwrap();
    let first = read(&at, &owner).await.unwrap();
    assert!(first.tokens.is_refreshed_by(&Secret::new("r1")));
    let again = put(&at, None, &record(clock, &owner, "r2")).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "there are some");
    put(&at, Some(&first), &record(clock, &owner, "r2")).await.unwrap();
    let late = put(&at, Some(&first), &record(clock, &owner, "r3")).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "a rotated refresh token is not written over");
    let mut tx = Tx::new();
    tx.forget_tokens(&first);
    assert!(matches!(at.commit(tx, DURABLE).await, Err(StoreError::Conflict)));
    let second = read(&at, &owner).await.unwrap();
    assert!(second.tokens.is_refreshed_by(&Secret::new("r2")));
    let mut tx = Tx::new();
    tx.forget_tokens(&second);
    at.commit(tx, DURABLE).await.unwrap();
    assert!(read(&at, &owner).await.is_none());
    assert!(read(&fresh(store, clock), &owner).await.is_none());
}

async fn an_erased_contact_has_no_tokens(store: &Store, clock: &Clock) {
    let at = fresh(store, clock);
    let mut made = contact(clock, 1, start());
    // Two people at one provider, who were merged.
    for subject in ["billy", "william"] {
        made.link_identity(&provider(), subject, start());
    }
    let mut tx = Tx::new();
    tx.create_contact(&made);
    tx.put_tokens(None, &record(clock, &made.id, "r"));
    at.commit(tx, DURABLE).await.unwrap();
    let known = read(&at, &made.id).await.unwrap();
    let stored = at.contact(&made.id).await.unwrap().unwrap();
    let mut tx = Tx::new();
    tx.delete_contact(&stored);
    at.commit(tx, DURABLE).await.unwrap();
    assert!(read(&at, &made.id).await.is_none());
    let late = put(&at, Some(&known), &record(clock, &made.id, "r2")).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "a refresh that ends later brings nothing back");
}
