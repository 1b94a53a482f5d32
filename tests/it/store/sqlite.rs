//! What SQLite adds to the contract: the file, its schema, its faults and its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::clock::Clock;
use countersign::store::backend::{Backend, Batch, Commit, Durability, Expect, Put};
use countersign::store::sqlite::{OpenError, SqliteBackend};

use super::Space;
use super::conformance::{put, write};

fn open(path: &Path) -> SqliteBackend {
    SqliteBackend::open(path, Clock::system()).unwrap()
}

#[tokio::test]
async fn everything_is_there_after_the_file_was_closed_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/store.db");
    let space = Space::new();
    let (key, set, log) = (space.key("a"), space.key("set"), space.key("log"));
    let backend = open(&path);
    let batch = Batch {
        puts: vec![put(&key, b"kept")],
        adds: vec![(set.clone(), b"m".to_vec())],
        appends: vec![(log.clone(), b"e".to_vec())],
        ..Batch::default()
    };
    assert_eq!(backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap(), Commit::Done);
    assert_eq!(backend.reserve(&space.key("n"), 7).await.unwrap(), 1);
    let before = backend.get(std::slice::from_ref(&key)).await.unwrap();
    drop(backend);
    assert!(!path.with_file_name("store.db-wal").exists(), "a clean end leaves one file");

    let backend = open(&path);
    assert_eq!(backend.get(std::slice::from_ref(&key)).await.unwrap(), before);
    assert_eq!(backend.range(&set, &[], 9).await.unwrap(), [b"m"]);
    assert_eq!(backend.read(&log, 0, 9).await.unwrap(), [(1, b"e".to_vec())]);
    assert_eq!(backend.reserve(&space.key("n"), 1).await.unwrap(), 8);
    let append = Batch { appends: vec![(log.clone(), b"f".to_vec())], ..write(&key, None, b"new") };
    backend.commit(space.partition, append, Durability::Durable).await.unwrap();
    assert_eq!(backend.read(&log, 1, 9).await.unwrap(), [(2, b"f".to_vec())]);
    let after = backend.get(std::slice::from_ref(&key)).await.unwrap();
    assert_ne!(after[0].as_ref().unwrap().version, before[0].as_ref().unwrap().version);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files_even_if_they_were_there_before() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/store.db");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    drop(open(&path));
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let backend = open(&path);
    let space = Space::new();
    backend.commit(space.partition, write(&space.key("a"), None, b"x"), Durability::Durable).await.unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[test]
fn a_file_of_a_newer_version_or_another_program_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.db");
    drop(open(&newer));
    rusqlite::Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteBackend::open(&newer, Clock::system()).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 99, known: 2, .. }), "{error}");
    assert!(error.to_string().contains("use the newer countersign"), "{error}");

    let foreign = folder.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    let error = SqliteBackend::open(&foreign, Clock::system()).err().unwrap();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    let tables = "SELECT group_concat(name) FROM sqlite_schema";
    let left: String =
        rusqlite::Connection::open(&foreign).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(left, "theirs", "nothing was written into it");

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "This is no database. ".repeat(100)).unwrap();
    let error = SqliteBackend::open(&text, Clock::system()).err().unwrap();
    assert!(matches!(error, OpenError::Sqlite { .. }), "{error}");
    let error = SqliteBackend::open(folder.path(), Clock::system()).err().unwrap();
    assert!(matches!(error, OpenError::File { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_the_database_refuses_does_not_take_its_group_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backend = Arc::new(open(&path));
    let trigger = "CREATE TRIGGER poison BEFORE INSERT ON journal WHEN instr(NEW.changes, x'00DEADBEEF00')
                   BEGIN SELECT RAISE(ABORT, 'refused'); END";
    rusqlite::Connection::open(&path).unwrap().execute_batch(trigger).unwrap();
    let space = Space::new();
    let tasks: Vec<_> = (0..40_u8)
        .map(|number| {
            let (backend, partition) = (Arc::clone(&backend), space.partition);
            let poison = number % 4 == 0;
            let mut batch = write(&space.key(&format!("a{number}")), None, b"fine");
            let value: &[u8] = if poison { b"\0\xde\xad\xbe\xef\0" } else { b"fine" };
            batch.puts.push(put(&space.key(&format!("b{number}")), value));
            tokio::spawn(async move {
                let answer = backend.commit(partition, batch, Durability::Relaxed).await;
                assert_eq!(answer.is_err(), poison);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let keys = |number: u8| [space.key(&format!("a{number}")), space.key(&format!("b{number}"))];
    for number in 0..40_u8 {
        let there = backend.get(&keys(number)).await.unwrap().iter().filter(|found| found.is_some()).count();
        assert_eq!(there, if number % 4 == 0 { 0 } else { 2 }, "all or nothing");
    }
    drop(backend);
    let backend = open(&path);
    for number in 0..40_u8 {
        let there = backend.get(&keys(number)).await.unwrap().iter().filter(|found| found.is_some()).count();
        assert_eq!(there, if number % 4 == 0 { 0 } else { 2 }, "also in the tables");
    }
}

#[tokio::test]
async fn a_writer_that_was_locked_out_is_unavailable_and_works_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backend = open(&path);
    let space = Space::new();
    let key = space.key("a");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = backend.commit(space.partition, write(&key, None, b"x"), Durability::Durable).await;
    assert!(refused.is_err());
    assert!(backend.ping().await.is_err(), "it can read but not write");
    assert!(backend.get(std::slice::from_ref(&key)).await.unwrap()[0].is_none(), "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    let done = backend.commit(space.partition, write(&key, None, b"x"), Durability::Durable).await;
    assert_eq!(done.unwrap(), Commit::Done);
    backend.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_file_share_versions_and_give_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let backends = [Arc::new(open(&path)), Arc::new(open(&path))];
    let space = Space::new();
    let key = space.key("a");
    let tasks: Vec<_> = (0..50)
        .map(|number: usize| {
            let (backend, partition) = (Arc::clone(&backends[number % 2]), space.partition);
            let batch = write(&key, Some(Expect::Absent), b"won");
            tokio::spawn(async move { backend.commit(partition, batch, Durability::Relaxed).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap() == Commit::Done);
    }
    assert_eq!(winners, 1);
    let mut versions = std::collections::HashSet::new();
    for number in 0..20 {
        let batch = write(&key, None, b"again");
        backends[number % 2].commit(space.partition, batch, Durability::Relaxed).await.unwrap();
        let found = backends[(number + 1) % 2].get(std::slice::from_ref(&key)).await.unwrap();
        assert!(versions.insert(found[0].as_ref().unwrap().version));
    }
}

#[tokio::test]
async fn a_record_reads_as_absent_when_its_time_is_over_and_its_space_is_freed() {
    let opened = super::open_sqlite();
    let (space, backend) = (Space::new(), &opened.backend);
    let (timed, kept) = (space.key("timed"), space.key("kept"));
    let value = Bytes::from_static(b"x");
    let puts = vec![
        Put { key: timed.clone(), value: value.clone(), ttl: Some(Duration::from_mins(2)) },
        Put { key: kept.clone(), value, ttl: None },
    ];
    let batch = Batch { puts, ..Batch::default() };
    backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap();
    opened.clock.advance(Duration::from_mins(4));
    let keys = [timed.clone(), kept];
    let found = backend.get(&keys).await.unwrap();
    assert!(found[0].is_none() && found[1].is_some());
    let renewed = write(&timed, Some(Expect::Absent), b"new");
    assert_eq!(backend.commit(space.partition, renewed, Durability::Relaxed).await.unwrap(), Commit::Done);
    assert!(backend.get(&keys).await.unwrap()[0].is_some(), "written anew without an end");

    let puts = (0..700).map(|number| {
        let key = space.key(&format!("many{number}"));
        Put { key, value: Bytes::from_static(b"x"), ttl: Some(Duration::from_mins(1)) }
    });
    let batch = Batch { puts: puts.collect(), ..Batch::default() };
    backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap();
    // Closed, everything stands in the tables.
    let path = opened.folder.path().join("store.db");
    drop(opened.backend);
    let backend = SqliteBackend::open(&path, opened.clock.clone()).unwrap();
    let file = rusqlite::Connection::open(&path).unwrap();
    let left = || file.query_row("SELECT count(*) FROM record", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(left(), 702);
    opened.clock.advance(Duration::from_mins(4));
    // The writer purges behind a group, a part at a time, so the second probe's turn comes behind the first purge.
    for _ in 0..3 {
        backend.ping().await.unwrap();
    }
    assert_eq!(left(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_harms_nobody() {
    let opened = super::open_sqlite();
    let space = Space::new();
    for number in 0..50_u8 {
        let batch = write(&space.key(&format!("gone{number}")), None, b"x");
        let call = opened.backend.commit(space.partition, batch, Durability::Durable);
        drop(tokio::time::timeout(Duration::ZERO, call).await);
    }
    let key = space.key("a");
    let done = opened.backend.commit(space.partition, write(&key, None, b"x"), Durability::Durable).await;
    assert_eq!(done.unwrap(), Commit::Done);
}

#[tokio::test]
async fn a_process_that_was_killed_leaves_nothing_behind_that_the_next_one_does_not_find() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let space = Space::new();
    let (key, gone, set, log) = (space.key("a"), space.key("b"), space.key("set"), space.key("log"));
    let first = open(&path);
    let batch = Batch {
        puts: vec![put(&key, b"old"), put(&gone, b"x")],
        adds: vec![(set.clone(), b"m".to_vec()), (set.clone(), b"n".to_vec())],
        appends: vec![(log.clone(), b"e".to_vec())],
        ..Batch::default()
    };
    first.commit(space.partition, batch, Durability::Durable).await.unwrap();
    drop(first);
    let killed = open(&path);
    let batch = Batch {
        puts: vec![put(&key, b"new")],
        deletes: vec![gone.clone()],
        removes: vec![(set.clone(), b"n".to_vec())],
        adds: vec![(set.clone(), b"a".to_vec()), (set.clone(), b"z".to_vec())],
        appends: vec![(log.clone(), b"f".to_vec())],
        ..Batch::default()
    };
    killed.commit(space.partition, batch, Durability::Durable).await.unwrap();
    let version = killed.get(std::slice::from_ref(&key)).await.unwrap()[0].as_ref().unwrap().version;
    // A copy of the files is what a crash leaves: nobody has written the journal into the tables.
    let copy = folder.path().join("copy.db");
    for end in ["", "-wal"] {
        let of = |name: &str| folder.path().join(format!("{name}.db{end}"));
        std::fs::copy(of("store"), of("copy")).unwrap();
    }
    for backend in [&killed, &open(&copy)] {
        let found = backend.get(&[key.clone(), gone.clone()]).await.unwrap();
        assert_eq!(&*found[0].as_ref().unwrap().value, b"new");
        assert!(found[0].as_ref().unwrap().version == version && found[1].is_none());
        assert_eq!(backend.range(&set, &[], 9).await.unwrap(), [b"a", b"m", b"z"]);
        assert_eq!(backend.range(&set, b"a", 1).await.unwrap(), [b"m"]);
        assert_eq!(backend.read(&log, 0, 9).await.unwrap(), [(1, b"e".to_vec()), (2, b"f".to_vec())]);
        assert_eq!(backend.read(&log, 1, 9).await.unwrap(), [(2, b"f".to_vec())]);
        let stale = write(&key, Some(Expect::Absent), b"x");
        let refused = backend.commit(space.partition, stale, Durability::Relaxed).await.unwrap();
        assert_eq!(refused, Commit::Conflict);
    }
}

#[tokio::test]
async fn two_processes_see_each_others_changes_also_when_one_has_written_them_into_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (one, space) = (open(&path), Space::new());
    let (key, set, log) = (space.key("a"), space.key("set"), space.key("log"));
    for round in 0..4_u8 {
        let other = open(&path);
        for (number, backend) in [&one, &other, &one].into_iter().enumerate() {
            let word = [round, u8::try_from(number).unwrap()];
            let batch = Batch {
                puts: vec![put(&key, &word)],
                adds: vec![(set.clone(), word.to_vec())],
                removes: vec![(set.clone(), vec![round, word[1].wrapping_sub(1)])],
                appends: vec![(log.clone(), word.to_vec())],
                ..Batch::default()
            };
            backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap();
            for reader in [&one, &other] {
                let found = reader.get(std::slice::from_ref(&key)).await.unwrap();
                assert_eq!(*found[0].as_ref().unwrap().value, word);
                assert_eq!(reader.range(&set, &[round], 9).await.unwrap(), [word.to_vec()]);
                let position = u64::from(round) * 3 + u64::from(word[1]);
                assert_eq!(reader.read(&log, position, 9).await.unwrap(), [(position + 1, word.to_vec())]);
            }
        }
        // Its end writes everything into the tables, behind the back of the first one.
        drop(other);
        let told: Vec<_> =
            one.read(&log, 0, 99).await.unwrap().into_iter().map(|(position, _)| position).collect();
        let all: Vec<u64> = (1..=(u64::from(round) + 1) * 3).collect();
        assert_eq!(told, all, "each entry once, though its layer was older than the tables");
    }
    // And the first one can still write its own journal into the tables.
    drop(one);
    let again = open(&path);
    assert_eq!(again.read(&log, 0, 99).await.unwrap().len(), 12);
    let journal = rusqlite::Connection::open(&path).unwrap();
    let rows = journal.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows, 1, "the journal is folded but for its last row");
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_to_the_file_leads_to_the_same_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("store.db"), folder.path().join("link.db"));
    let (one, space) = (open(&path), Space::new());
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let other = open(&link);
    let key = space.key("a");
    for backend in [&one, &other] {
        let batch = write(&key, None, b"x");
        backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap();
        let versions = [one.get(std::slice::from_ref(&key)), other.get(std::slice::from_ref(&key))];
        let [here, there] = versions;
        assert_eq!(here.await.unwrap(), there.await.unwrap(), "neither believes that it is alone");
    }
}
