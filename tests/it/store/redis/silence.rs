//! Servers that go away and come back, and callers that go away.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::store::backend::{Backend as _, Batch, Commit, Durability, Expect, Put};
use countersign::store::redis::RedisBackend;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Space, add, batch, one};
use crate::harness::redis::{SAFE, Server};

/// What a caller of the API has.
const PATIENCE: Duration = Duration::from_secs(2);
/// Calls that are under way together.
const AT_ONCE: usize = 100;

#[tokio::test]
async fn a_server_that_was_killed_is_unavailable_at_once_and_works_again_when_it_is_back() {
    let mut server = Server::start(SAFE);
    let backend = one(&server);
    let space = Space::new();
    assert_eq!(add(&backend, &space, "a").await, Commit::Done);
    server.kill();
    assert!(timeout(PATIENCE, backend.get(&[space.key("a")])).await.unwrap().is_err());
    assert!(timeout(PATIENCE, backend.ping()).await.unwrap().is_err());
    assert!(timeout(PATIENCE, backend.reserve(&space.key("n"), 1)).await.unwrap().is_err());
    let lost = backend.commit(space.partition, batch(&space, "b", Expect::Absent), Durability::Durable);
    let lost = timeout(PATIENCE, lost).await.unwrap();
    assert!(!matches!(lost, Ok(Commit::Done | Commit::Conflict)), "{lost:?}");
    server.start_again();
    timeout(PATIENCE, backend.ping()).await.unwrap().unwrap();
    let found = backend.get(&[space.key("a"), space.key("b")]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().value, "value", "what was acknowledged is there");
    assert!(found[1].is_none());
    // Nobody asked meanwhile: that the connection has ended is no caller's trouble.
    server.kill();
    server.start_again();
    let found = backend.get(&[space.key("a")]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().value, "value");
}

#[tokio::test]
async fn a_frozen_server_is_given_up_in_time_by_all_who_wait_for_it_together() {
    let server = Server::start(SAFE);
    let backend = Arc::new(one(&server));
    let space = Arc::new(Space::new());
    assert_eq!(add(&backend, &space, "a").await, Commit::Done);
    server.freeze();
    // A second round finds no connection, and may not queue up behind those who open one.
    for _ in 0..2 {
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (backend, key) = (Arc::clone(&backend), space.key("a"));
                tokio::spawn(async move { timeout(PATIENCE, backend.get(&[key])).await })
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().expect("in time").is_err());
        }
    }
    let open = backend.commit(space.partition, batch(&space, "b", Expect::Absent), Durability::Relaxed);
    let open = timeout(PATIENCE, open).await.unwrap();
    assert!(!matches!(open, Ok(Commit::Done | Commit::Conflict)), "{open:?}");
    server.thaw();
    let found = timeout(PATIENCE, backend.get(&[space.key("a")])).await.unwrap().unwrap();
    assert_eq!(found[0].as_ref().unwrap().value, "value");
}

#[tokio::test]
async fn a_batch_whose_answer_stays_out_is_open_and_never_sent_again() {
    let server = Server::start(SAFE);
    let backend = one(&server);
    let space = Space::new();
    assert_eq!(add(&backend, &space, "a").await, Commit::Done);
    server.freeze();
    let log = space.key("log");
    let entry = Batch { appends: vec![(log.clone(), b"once".to_vec())], ..Batch::default() };
    let said = backend.commit(space.partition, entry, Durability::Relaxed).await.unwrap();
    assert_eq!(said, Commit::Unknown);
    server.thaw();
    // It was on its way, and arrives now.
    for _ in 0..100 {
        if !backend.read(&log, 0, 9).await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(backend.read(&log, 0, 9).await.unwrap(), [(1, b"once".to_vec())]);
}

/// Waits until a replica keeps up: right after it has copied everything it writes its own file anew,
/// and a slow disk makes its first answers late.
async fn settled(backend: &RedisBackend, space: &Space, mark: &str) {
    for number in 0..30 {
        let batch = batch(space, &format!("{mark}-{number}"), Expect::Absent);
        if backend.commit(space.partition, batch, Durability::Durable).await.unwrap() == Commit::Done {
            return;
        }
    }
    panic!("no replica ever kept up");
}

#[tokio::test]
async fn a_durable_commit_waits_for_a_replica_and_a_relaxed_one_does_not() {
    let master = Server::start(&[SAFE, &["--min-replicas-to-write", "1"]].concat());
    let replica = master.replica(SAFE);
    let backend = Arc::new(one(&master));
    let space = Space::new();
    settled(&backend, &space, "before").await;
    replica.freeze();
    let commit = async |name: &str, durability| {
        let batch = batch(&space, name, Expect::Absent);
        timeout(PATIENCE, backend.commit(space.partition, batch, durability)).await.expect("in time").unwrap()
    };
    assert_eq!(commit("b", Durability::Relaxed).await, Commit::Done);
    // It holds up its own connection and nobody else.
    let keys = [space.key("b")];
    let (waits, reads) = tokio::join!(commit("c", Durability::Durable), backend.get(&keys));
    assert_eq!(waits, Commit::Unknown, "no other server has it");
    assert!(reads.unwrap()[0].is_some());
    assert!(timeout(PATIENCE, backend.reserve(&space.key("n"), 1)).await.unwrap().is_err());
    replica.thaw();
    settled(&backend, &space, "after").await;
    assert!(backend.reserve(&space.key("n"), 1).await.unwrap() > 1, "what was not safe is a gap");
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let server = Server::start(SAFE);
    let backend = one(&server);
    let space = Space::new();
    for name in ["a", "b"] {
        server.cli(&["script", "flush"]);
        assert_eq!(add(&backend, &space, name).await, Commit::Done);
    }
}

#[tokio::test]
async fn a_time_to_live_is_kept_by_the_server() {
    let server = Server::start(SAFE);
    let backend = one(&server);
    let space = Space::new();
    let put = |name, ttl| Put { key: space.key(name), value: Bytes::from_static(b"v"), ttl };
    let puts = vec![put("timed", Some(Duration::from_millis(400))), put("kept", None)];
    let all = Batch { puts, ..Batch::default() };
    assert_eq!(backend.commit(space.partition, all, Durability::Durable).await.unwrap(), Commit::Done);
    let keys = [space.key("timed"), space.key("kept")];
    assert!(backend.get(&keys).await.unwrap().iter().all(Option::is_some));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let found = backend.get(&keys).await.unwrap();
    assert!(found[0].is_none() && found[1].is_some());
    assert_eq!(add(&backend, &space, "timed").await, Commit::Done, "it is absent to a batch, too");
    assert_eq!(server.cli(&["dbsize"]).trim(), "2");
}

/// Requests that are given up while their answers are on the way: everybody else gets their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_never_hands_its_answer_to_another() {
    let server = Server::start(SAFE);
    let backend = Arc::new(one(&server));
    let space = Arc::new(Space::new());
    let value = |n: usize| Bytes::from(format!("value-{n}"));
    let puts = (0..50).map(|n| Put { key: space.key(&n.to_string()), value: value(n), ttl: None }).collect();
    let all = Batch { puts, ..Batch::default() };
    assert_eq!(backend.commit(space.partition, all, Durability::Relaxed).await.unwrap(), Commit::Done);
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let tasks: Vec<_> = (0..6_000_usize)
        .map(|n| {
            let (backend, space, turns) = (Arc::clone(&backend), Arc::clone(&space), Arc::clone(&turns));
            tokio::spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                let (key, log) = (space.key(&(n % 50).to_string()), space.key(&format!("log-{n}")));
                // Two of three are given up, after some polls.
                let patience = match n % 3 {
                    0 => Duration::from_mins(1),
                    _ => Duration::from_micros(50 * (n as u64 % 17)),
                };
                let own = async {
                    let read = backend.get(std::slice::from_ref(&key)).await.unwrap().pop().unwrap().unwrap();
                    assert_eq!(read.value, format!("value-{}", n % 50));
                    // A batch that has to fail, one that has not, and an answer of another form.
                    let expects = vec![(key, Expect::Absent)];
                    let batch = Batch { expects, ..Batch::default() };
                    let said = backend.commit(space.partition, batch, Durability::Relaxed).await;
                    assert_eq!(said.unwrap(), Commit::Conflict);
                    let appends = vec![(log.clone(), n.to_string().into_bytes())];
                    let batch = Batch { appends, ..Batch::default() };
                    let said = backend.commit(space.partition, batch, Durability::Relaxed).await;
                    assert_eq!(said.unwrap(), Commit::Done);
                    let entries = backend.read(&log, 0, 9).await.unwrap();
                    assert_eq!(entries, [(1, n.to_string().into_bytes())]);
                };
                timeout(patience, own).await.is_ok()
            })
        })
        .collect();
    let mut answered = 0;
    for task in tasks {
        answered += usize::from(task.await.unwrap());
    }
    assert!((2_000..6_000).contains(&answered), "some were given up, and all others answered: {answered}");
}
