//! What the store of a broker holds of events that are not sent yet, read from beside it.

use std::path::Path;

use countersign::clock::Clock;
use countersign::store::backend::{Backend as _, Partition};
use countersign::store::keys::{Due, due_set};
use countersign::store::sqlite::SqliteBackend;

/// How many entries wait to be delivered. Blocks; a runtime of its own asks, since a test may be about to end.
pub fn look(file: &Path, clock: &Clock) -> usize {
    if !file.exists() {
        return 0;
    }
    let (path, clock) = (file.to_owned(), clock.clone());
    let asked = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let backend = SqliteBackend::open(&path, clock).unwrap();
            let mut waiting = 0;
            for partition in Partition::all() {
                let members = backend.range(&due_set(partition), &[], 10_000).await.unwrap();
                let due = members.iter().filter_map(|member| Due::parse(member));
                waiting += due.filter(|due| due.kind.is_delivery()).count();
            }
            waiting
        })
    });
    asked.join().unwrap()
}
