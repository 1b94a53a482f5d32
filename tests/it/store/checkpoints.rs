//! The audit's checkpoints: whoever changes the store behind our back is found out, and where.

use std::sync::Arc;
use std::time::Duration;

use countersign::clock::Clock;
use countersign::store::audit_verify::{Anchor, Verified, Wrong};
use countersign::store::keys::partition_of;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::store::{DueKind, Durability, Store, TenantStore, Tx};
use rstest::rstest;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::samples::{audit, keys, start, tenant};

const LOG: &str = "{82}:acme:audits";

/// A store whose file can be changed behind its back.
struct World {
    folder: TempDir,
    clock: Clock,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Clock::system() }
    }

    fn open_with(&self, keys: SealKeys) -> TenantStore {
        let backend = SqliteBackend::open(self.folder.path().join("a.db"), self.clock.clone()).unwrap();
        Store::new(Arc::new(backend), keys, self.clock.clone()).at(&tenant("acme"))
    }

    fn open(&self) -> TenantStore {
        self.open_with(keys())
    }

    /// Nine entries: two, four and two under checkpoints, one not yet.
    async fn filled() -> Self {
        let world = Self::new();
        let store = world.open();
        for (count, seals) in [(2, true), (4, true), (2, true), (1, false)] {
            write(&store, &world.clock, count).await;
            if seals {
                let sealed = store.seal_audit(None).await.unwrap();
                assert_eq!((sealed.entries, sealed.more), (count, false));
            }
        }
        world
    }

    fn tamper(&self, sql: &[&str]) {
        let connection = Connection::open(self.folder.path().join("a.db")).unwrap();
        for sql in sql {
            let changed =
                connection.execute(&sql.replace("LOG", &format!("name = CAST('{LOG}' AS BLOB)")), params![]);
            assert!(changed.unwrap() > 0, "{sql} changes something");
        }
    }

    async fn verify(&self, anchors: &[Anchor]) -> Verified {
        self.open().verify_audit(anchors).await.unwrap()
    }
}

async fn write(store: &TenantStore, clock: &Clock, count: u64) {
    for number in 0..count {
        let mut tx = Tx::new();
        tx.audit(audit(clock, start(), &format!("number {number}")));
        store.commit(tx, Durability::Durable).await.unwrap();
    }
}

#[tokio::test]
async fn an_audit_that_nobody_touched_is_good() {
    let world = World::filled().await;
    let verified = world.verify(&[]).await;
    assert_eq!(verified.tampering, None);
    assert_eq!((verified.checkpoints, verified.sealed, verified.unsealed), (3, 8, 1));
    assert_eq!(verified.unsealed_since, Some(start()));
    let empty = World::new().verify(&[]).await;
    assert_eq!((empty.tampering, empty.sealed, empty.checkpoint), (None, 0, None));
}

#[rstest]
#[case::a_byte_of_an_entry(&["UPDATE entry SET value = CAST(substr(value, 1, 40) || x'00' || substr(value, 42) AS BLOB) WHERE LOG AND position = 4"], 4, Wrong::Altered)]
#[case::an_older_entry_in_its_place(&["UPDATE entry SET value = (SELECT value FROM entry WHERE LOG AND position = 1) WHERE LOG AND position = 4"], 4, Wrong::Altered)]
#[case::an_entry_is_deleted(&["DELETE FROM entry WHERE LOG AND position = 4"], 4, Wrong::Missing)]
#[case::an_entry_is_deleted_and_the_others_moved_up(&["DELETE FROM entry WHERE LOG AND position = 4", "UPDATE entry SET position = position - 1 WHERE LOG AND position > 4"], 4, Wrong::Missing)]
#[case::two_entries_change_places(&["UPDATE entry SET position = 99 WHERE LOG AND position = 3", "UPDATE entry SET position = 3 WHERE LOG AND position = 5", "UPDATE entry SET position = 5 WHERE LOG AND position = 99"], 3, Wrong::Reordered)]
#[case::one_entry_more(&["UPDATE entry SET position = position + 100 WHERE LOG AND position >= 4", "UPDATE entry SET position = position - 99 WHERE LOG AND position >= 100", "INSERT INTO entry SELECT name, 4, value FROM entry WHERE LOG AND position = 1"], 4, Wrong::Inserted)]
#[case::the_end_is_cut_off(&["DELETE FROM entry WHERE LOG AND position >= 7"], 7, Wrong::Missing)]
#[case::everything_is_gone(&["DELETE FROM entry WHERE LOG"], 1, Wrong::Missing)]
#[case::a_checkpoint_is_gone(&["DELETE FROM record WHERE CAST(key AS TEXT) = '{82}:acme:checkpoint:2'"], 3, Wrong::CheckpointMissing)]
#[case::a_checkpoint_is_another(&["UPDATE record SET value = (SELECT value FROM record WHERE CAST(key AS TEXT) = '{82}:acme:checkpoint:1') WHERE CAST(key AS TEXT) = '{82}:acme:checkpoint:2'"], 3, Wrong::CheckpointAltered)]
#[case::the_heads_record_is_gone(&["DELETE FROM record WHERE CAST(key AS TEXT) = '{82}:acme:audithead'"], 1, Wrong::RolledBack)]
#[case::an_entry_that_is_not_sealed_yet(&["UPDATE entry SET value = x'0101' WHERE LOG AND position = 9"], 9, Wrong::Altered)]
#[tokio::test]
async fn what_somebody_did_to_the_store_is_named_with_its_place(
    #[case] sql: &[&str],
    #[case] position: u64,
    #[case] wrong: Wrong,
) {
    let world = World::filled().await;
    world.tamper(sql);
    let found = world.verify(&[]).await.tampering.expect("it is found");
    assert_eq!((found.position, found.wrong), (position, wrong), "{}", found.detail);
}

#[tokio::test]
async fn an_older_state_of_everything_is_found_by_a_checkpoint_that_was_kept_elsewhere() {
    let world = World::new();
    let (path, copy) = (world.folder.path().join("a.db"), world.folder.path().join("copy.db"));
    let store = world.open();
    write(&store, &world.clock, 2).await;
    store.seal_audit(None).await.unwrap();
    drop(store);
    std::fs::copy(&path, &copy).unwrap();
    let store = world.open();
    write(&store, &world.clock, 2).await;
    store.seal_audit(None).await.unwrap();
    let kept = store.verify_audit(&[]).await.unwrap().checkpoint.unwrap();
    drop(store);
    assert_eq!(world.verify(std::slice::from_ref(&kept)).await.tampering, None);

    for name in ["a.db-wal", "a.db-shm"] {
        let _ = std::fs::remove_file(world.folder.path().join(name));
    }
    std::fs::copy(&copy, &path).unwrap();
    assert_eq!(world.verify(&[]).await.tampering, None, "by itself it looks good");
    let found = world.verify(std::slice::from_ref(&kept)).await.tampering.unwrap();
    assert_eq!(found.wrong, Wrong::RolledBack, "{}", found.detail);
    // What was written since does not hide it.
    let store = world.open();
    write(&store, &world.clock, 2).await;
    store.seal_audit(None).await.unwrap();
    drop(store);
    assert_eq!(world.verify(&[kept]).await.tampering.unwrap().wrong, Wrong::RolledBack);
}

#[tokio::test]
async fn a_rotation_of_the_seal_key_leaves_every_checkpoint_verifiable() {
    let ring = |active: &str| {
        SealKeys::new(active, [("one".to_owned(), [1; 32]), ("two".to_owned(), [2; 32])], [3; 32]).unwrap()
    };
    let world = World::new();
    for active in ["one", "two"] {
        let store = world.open_with(ring(active));
        write(&store, &world.clock, 3).await;
        store.seal_audit(None).await.unwrap();
    }
    let verified = world.open_with(ring("two")).verify_audit(&[]).await.unwrap();
    assert_eq!((verified.tampering, verified.checkpoints, verified.sealed), (None, 2, 6));
    let without = SealKeys::new("two", [("two".to_owned(), [2; 32])], [3; 32]).unwrap();
    let found = world.open_with(without).verify_audit(&[]).await.unwrap().tampering.unwrap();
    assert!(found.detail.contains("the seal key `one` is not in the key ring"), "{}", found.detail);
}

#[tokio::test]
async fn more_entries_than_a_checkpoint_takes_are_sealed_one_after_the_other() {
    let world = World::new();
    let store = world.open();
    let mut tx = Tx::new();
    for number in 0..600 {
        tx.audit(audit(&world.clock, start(), &number.to_string()));
    }
    store.commit(tx, Durability::Relaxed).await.unwrap();
    let first = store.seal_audit(None).await.unwrap();
    assert_eq!((first.entries, first.more), (512, true));
    let second = store.seal_audit(None).await.unwrap();
    assert_eq!((second.entries, second.more), (88, false));
    assert_eq!(store.seal_audit(None).await.unwrap().entries, 0);
    let verified = store.verify_audit(&[]).await.unwrap();
    assert_eq!((verified.tampering, verified.checkpoints, verified.sealed), (None, 2, 600));
}

#[tokio::test]
async fn commits_of_a_moment_share_one_due_entry_and_an_idle_tenant_has_none() {
    let world = World::new();
    let backend =
        Arc::new(SqliteBackend::open(world.folder.path().join("a.db"), world.clock.clone()).unwrap());
    let all = Store::new(backend, keys(), world.clock.clone());
    let (store, partition) = (all.at(&tenant("acme")), partition_of(&tenant("acme")));
    let due = async || {
        let late = world.clock.now() + Duration::from_mins(1);
        all.due_of(partition, late, 99, |due| due.kind == DueKind::AuditSeal).await.unwrap()
    };
    write(&store, &world.clock, 20).await;
    let waiting = due().await;
    assert!((1..=2).contains(&waiting.len()), "they may lie in two moments: {waiting:?}");
    assert!(waiting[0].at.duration_since(world.clock.now()).as_secs() <= 4, "due within seconds");
    for waiting in &waiting {
        store.seal_audit(Some(waiting)).await.unwrap();
    }
    assert!(due().await.is_empty());
    assert_eq!(store.verify_audit(&[]).await.unwrap().sealed, 20);
}

#[tokio::test]
async fn of_two_brokers_that_seal_at_once_one_comes_too_late_and_nothing_is_lost() {
    let world = World::new();
    let store = world.open();
    for _ in 0..5 {
        write(&store, &world.clock, 3).await;
        let (one, other) = tokio::join!(store.seal_audit(None), store.seal_audit(None));
        let entries =
            |sealed: Result<countersign::store::audit::Sealed, _>| sealed.map_or(0, |sealed| sealed.entries);
        assert_eq!(entries(one) + entries(other), 3);
    }
    let verified = store.verify_audit(&[]).await.unwrap();
    assert_eq!((verified.tampering, verified.sealed, verified.checkpoints), (None, 15, 5));
}
