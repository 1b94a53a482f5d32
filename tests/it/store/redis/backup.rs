//! A store goes from SQLite to Redis and back, and is the same.

use std::io::Cursor;
use std::sync::Arc;

use countersign::clock::Clock;
use countersign::store::backend::{AsOf, Backend};
use countersign::store::backup::{BackupError, Summary};
use countersign::store::{Durability, Store, Tx};

use super::super::samples::{audit, contact, event, keys, start, tenant};
use super::{SAFE, Server, one};

fn store(backend: Arc<dyn Backend>) -> Store {
    Store::new(backend, keys(), Clock::system())
}

async fn fill(store: &Store) {
    let clock = Clock::system();
    for name in ["acme", "beta"] {
        let at = store.at(&tenant(name));
        for number in 0..30 {
            let mut tx = Tx::new();
            if number < 3 {
                tx.create_contact(&contact(&clock, number + 1, start()));
            }
            tx.event(&event(&clock, at.tenant(), start()).telling());
            tx.audit(audit(&clock, start(), &number.to_string()));
            at.commit(tx, Durability::Relaxed).await.unwrap();
        }
        at.next_customer_number().await.unwrap();
        at.seal_audit(None).await.unwrap();
    }
}

async fn export(store: &Store) -> (Summary, Vec<u8>) {
    store.export(Vec::new(), |_| {}).await.unwrap()
}

async fn import(store: &Store, file: &[u8]) -> Result<Summary, BackupError> {
    let import = store.check_backup(Cursor::new(file)).await?;
    store.import(import, |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_goes_from_sqlite_to_redis_and_back_and_is_the_same() {
    let (first, second, server) =
        (super::super::open_sqlite(), super::super::open_sqlite(), Server::start(SAFE));
    let (from, to) = (store(first.backend.clone()), store(second.backend.clone()));
    let between = store(Arc::new(one(&server)));
    fill(&from).await;
    let (summary, file) = export(&from).await;
    assert_eq!(summary.as_of, AsOf::OneMoment);
    assert_eq!(import(&between, &file).await.unwrap(), summary);
    let again = import(&between, &file).await;
    assert!(matches!(again, Err(BackupError::NotEmpty)), "{again:?}");
    let (on_redis, file) = export(&between).await;
    assert_eq!(on_redis, Summary { as_of: AsOf::EachMoment, ..summary.clone() });
    import(&to, &file).await.unwrap();
    for name in ["acme", "beta"] {
        let (before, after) = (from.at(&tenant(name)), to.at(&tenant(name)));
        let verified = after.verify_audit(&[]).await.unwrap();
        assert_eq!((&verified.tampering, verified.sealed), (&None, 30));
        assert_eq!(verified, before.verify_audit(&[]).await.unwrap());
        let ids = |events: Vec<(u64, countersign::domain::event::Event)>| -> Vec<_> {
            events.into_iter().map(|(position, event)| (position, event.id)).collect()
        };
        let (old, new) =
            (before.events_after(0, 99).await.unwrap(), after.events_after(0, 99).await.unwrap());
        assert_eq!(ids(old), ids(new));
        // 20 numbers are reserved at once; the next ones come behind them.
        assert_eq!(after.next_customer_number().await.unwrap(), 21);
    }
}
