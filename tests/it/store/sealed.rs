//! What somebody sees, and can do, who holds the database but not the keys.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use countersign::clock::Clock;
use countersign::domain::conversation::Conversation;
use countersign::domain::ids::TenantId;
use countersign::domain::request::AuthorizationRequest;
use countersign::store::backend::{Batch, Durability, Key, Put};
use countersign::store::keys::{partition_of, tenant_key};
use countersign::store::seal::{SealError, SealKeys};
use countersign::store::sqlite::SqliteBackend;
use countersign::store::{DueKind, Store, StoreError, TenantStore, Tx};

use super::conformance::Shared;
use super::samples::{CANARY, audit, contact, event, keys, link, request, start, tenant};

/// One of everything.
async fn fill(at: &TenantStore, clock: &Clock) {
    let link = link(clock, start());
    let contact = contact(clock, 1, start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    let key = at.request_key(&format!("{CANARY}-state"));
    tx.create_request(&AuthorizationRequest { key, ..request(clock, &link) });
    tx.put_conversation(None, &Conversation::new(link.conversation.clone(), start()));
    tx.create_contact(&contact);
    tx.create_identity(&link.provider, &format!("{CANARY}-subject"), &contact.id);
    tx.event(&event(clock, at.tenant(), start()).telling());
    tx.audit(audit(clock, start(), "auth_link.created"));
    tx.due(DueKind::ConversationLapse, start(), &at.conversation_key(&link.conversation.id));
    at.commit(tx, Durability::Durable).await.unwrap();
    let stored = at.contact(&contact.id).await.unwrap().unwrap();
    let mut changed = stored.value.clone();
    changed.email = Some(format!("{CANARY}-new@example.com"));
    let mut tx = Tx::new();
    tx.update_contact(&stored, &changed);
    at.commit(tx, Durability::Durable).await.unwrap();
}

/// The names of all files in the folder that hold the text, in any case.
fn holders(folder: &Path, text: &str) -> Vec<String> {
    let mut holders = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap().to_ascii_lowercase();
        if bytes.windows(text.len()).any(|window| window == text.as_bytes()) {
            holders.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    holders
}

#[tokio::test]
async fn no_file_of_the_store_holds_a_personal_or_secret_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let clock = Clock::system();
    let backend: Shared = Arc::new(SqliteBackend::open(&path, clock.clone()).unwrap());
    let store = Store::new(Arc::clone(&backend), keys(), clock.clone());
    fill(&store.at(&tenant("acme")), &clock).await;
    let secrets = [CANARY, "15550100", "555) 0100", "__host-cs-", "billy"];
    for secret in secrets {
        assert!(holders(folder.path(), secret).is_empty(), "while it runs: {secret}");
    }
    // A longer text may be cut in two by the end of a page.
    assert!(!holders(folder.path(), "acme").is_empty(), "the search finds what is there");
    drop((store, backend));
    for secret in secrets {
        assert!(holders(folder.path(), secret).is_empty(), "after its end: {secret}");
    }
    assert_eq!(holders(folder.path(), "acme:link:al_"), ["store.db"]);
}

fn key_of(tenant: &TenantId, kind: &str, name: &str) -> Key {
    tenant_key(partition_of(tenant), tenant, kind, name)
}

/// Writes the bytes of one record into the place of another.
async fn copy(backend: &Shared, from: &Key, to: &Key) {
    let value = backend.get(std::slice::from_ref(from)).await.unwrap().pop().unwrap().unwrap().value;
    overwrite(backend, to, value).await;
}

async fn overwrite(backend: &Shared, key: &Key, value: Bytes) {
    let batch = Batch { puts: vec![Put { key: key.clone(), value, ttl: None }], ..Batch::default() };
    backend.commit(key.partition(), batch, Durability::Relaxed).await.unwrap();
}

#[tokio::test]
async fn a_key_that_is_taken_away_opens_nothing_that_it_has_opened_before() {
    let opened = super::open_sqlite();
    let store = Store::new(Arc::clone(&opened.backend), keys(), opened.clock.clone());
    let link = link(&opened.clock, start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    store.at(&tenant("acme")).commit(tx, Durability::Relaxed).await.unwrap();
    assert!(store.at(&tenant("acme")).link(&link.id).await.unwrap().is_some());
    store.replace_keys(SealKeys::new("k2", [("k2".to_owned(), [3; 32])], [2; 32]).unwrap());
    let refused = store.at(&tenant("acme")).link(&link.id).await;
    let unknown = StoreError::Unreadable { kind: "link", cause: SealError::UnknownKey("k1".to_owned()) };
    assert_eq!(refused.unwrap_err().to_string(), unknown.to_string());
}

#[tokio::test]
async fn a_sealed_value_in_another_place_is_refused() {
    let opened = super::open_sqlite();
    let (backend, clock) = (&opened.backend, &opened.clock);
    let store = Store::new(Arc::clone(backend), keys(), clock.clone());
    let (acme, other) = (tenant("acme"), tenant("other"));
    let (first, second) = (link(clock, start()), link(clock, start()));
    for (name, links) in [(&acme, vec![&first, &second]), (&other, vec![&first])] {
        let mut tx = Tx::new();
        for link in links {
            tx.create_link(link);
        }
        store.at(name).commit(tx, Durability::Relaxed).await.unwrap();
    }
    let place = |tenant, link: &countersign::domain::link::Link| key_of(tenant, "link", link.id.as_str());
    copy(backend, &place(&acme, &first), &place(&acme, &second)).await;
    copy(backend, &place(&acme, &first), &place(&other, &first)).await;
    for (tenant, id) in [(&acme, &second.id), (&other, &first.id)] {
        let refused = store.at(tenant).link(id).await;
        let tampered = StoreError::Unreadable { kind: "link", cause: SealError::Tampered };
        assert_eq!(refused.unwrap_err().to_string(), tampered.to_string());
    }
    assert!(store.at(&acme).link(&first.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_destroyed_value_is_an_error_that_tells_nothing_of_it() {
    let opened = super::open_sqlite();
    let store = Store::new(Arc::clone(&opened.backend), keys(), opened.clock.clone());
    let acme = tenant("acme");
    let link = link(&opened.clock, start());
    let mut tx = Tx::new();
    tx.create_link(&link);
    store.at(&acme).commit(tx, Durability::Relaxed).await.unwrap();
    let key = key_of(&acme, "link", link.id.as_str());
    for bytes in [&b""[..], b"\x01", CANARY.as_bytes(), b"\x01\x02k1", &[1; 200]] {
        overwrite(&opened.backend, &key, Bytes::copy_from_slice(bytes)).await;
        let error = store.at(&acme).link(&link.id).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { kind: "link", .. }), "{error}");
        assert!(!error.to_string().contains(CANARY));
    }
}

#[tokio::test]
async fn another_key_ring_opens_nothing_and_a_rotated_one_everything() {
    let opened = super::open_sqlite();
    let ring = |active: &str, seals: &[(&str, u8)], index| {
        let seals = seals.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32]));
        SealKeys::new(active, seals, [index; 32]).unwrap()
    };
    let open = |keys| Store::new(Arc::clone(&opened.backend), keys, opened.clock.clone());
    let acme = tenant("acme");
    let link = link(&opened.clock, start());
    let store = open(ring("k1", &[("k1", 1)], 2));
    let mut tx = Tx::new();
    tx.create_link(&link);
    store.at(&acme).commit(tx, Durability::Relaxed).await.unwrap();

    let wrong = open(ring("k1", &[("k1", 9)], 2)).at(&acme).link(&link.id).await.unwrap_err();
    assert!(matches!(wrong, StoreError::Unreadable { cause: SealError::Tampered, .. }), "{wrong}");
    let missing = open(ring("k2", &[("k2", 9)], 2)).at(&acme).link(&link.id).await.unwrap_err();
    assert!(matches!(missing, StoreError::Unreadable { cause: SealError::UnknownKey(_), .. }), "{missing}");
    let index = open(ring("k1", &[("k1", 1)], 9)).at(&acme).link_by_token(link.token.expose()).await.unwrap();
    assert!(index.is_none(), "another index key finds nothing");

    store.replace_keys(ring("k2", &[("k1", 1), ("k2", 9)], 2));
    let rotated = store.at(&acme).link_by_token(link.token.expose()).await.unwrap().unwrap();
    let mut tx = Tx::new();
    tx.update_link(&rotated, &rotated);
    store.at(&acme).commit(tx, Durability::Relaxed).await.unwrap();
    let only_new = open(ring("k2", &[("k2", 9)], 2)).at(&acme).link(&link.id).await.unwrap();
    assert!(only_new.is_some(), "what is written again is sealed with the active key");
}

#[tokio::test]
async fn handles_and_hashes_belong_to_a_tenant_and_a_purpose() {
    let opened = super::open_sqlite();
    let store = Store::new(opened.backend, keys(), opened.clock);
    let (acme, other) = (store.at(&tenant("acme")), store.at(&tenant("other")));
    let handle = acme.seal_text("result", CANARY);
    assert!(handle.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{handle}");
    assert_ne!(handle, acme.seal_text("result", CANARY), "two handles of one text differ");
    assert_eq!(acme.open_text("result", &handle).as_deref(), Some(CANARY));
    assert_eq!(acme.open_text("other", &handle), None);
    assert_eq!(other.open_text("result", &handle), None);
    assert_eq!(acme.hash("cookie", "a"), acme.hash("cookie", "a"));
    assert_ne!(acme.hash("cookie", "a"), acme.hash("cookie2", "a"));
    assert_ne!(acme.hash("cookie", "a"), other.hash("cookie", "a"));
    assert_ne!(acme.request_key("a"), acme.hash("cookie", "a"));
}
