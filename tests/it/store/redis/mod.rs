//! Redis as backend: what every backend must do, and what Redis adds.

mod server;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::clock::Clock;
use countersign::store::backend::{Backend, Batch, Commit, Durability, Expect, Put};
use countersign::store::redis::topology::Kind;
use countersign::store::redis::{OpenError, RedisBackend};
use redis::IntoConnectionInfo as _;

use super::{Opened, Space};
use server::{Cluster, SAFE, Server};

/// What must outlive a backend: its servers, and the runtime of its connections.
struct Keep<T> {
    _servers: T,
    runtime: Option<tokio::runtime::Runtime>,
}

impl<T> Drop for Keep<T> {
    fn drop(&mut self) {
        // A runtime may not be waited for within another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn open(kind: Kind) -> Result<RedisBackend, OpenError> {
    let servers = "redis://127.0.0.1".into_connection_info().unwrap();
    RedisBackend::open(kind, servers, false, Clock::system()).await
}

/// Opens a backend from anywhere; its connections live on a runtime of their own.
fn opened<T: Send + 'static>(servers: T, kind: Kind) -> Opened {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (runtime, backend) = std::thread::spawn(move || {
        let backend = runtime.block_on(open(kind)).unwrap();
        (runtime, backend)
    })
    .join()
    .unwrap();
    let keep = Keep { _servers: servers, runtime: Some(runtime) };
    Opened {
        backend: Arc::new(backend),
        clock: Clock::system(),
        folder: tempfile::tempdir().unwrap(),
        keep: Some(Box::new(keep)),
    }
}

fn open_one() -> Opened {
    let server = Server::start(SAFE);
    let kind = Kind::One(server.address());
    opened(server, kind)
}

super::conformance::suite!(one_server_conforms, crate::store::redis::open_one);

fn batch(space: &Space, name: &str, expect: Expect) -> Batch {
    let key = space.key(name);
    let put = Put { key: key.clone(), value: Bytes::from_static(b"value"), ttl: None };
    Batch { expects: vec![(key, expect)], puts: vec![put], ..Batch::default() }
}

#[tokio::test]
async fn a_redis_that_can_lose_what_it_acknowledged_is_refused_with_every_setting_that_is_wrong() {
    let server = Server::start(&["--appendonly", "yes", "--appendfsync", "everysec"]);
    let Err(OpenError::Unsafe(refused)) = open(Kind::One(server.address())).await else {
        panic!("it was accepted");
    };
    assert!(refused.reason.contains("`appendfsync` is `everysec` and must be `always`"), "{refused}");
    assert!(!refused.reason.contains("`appendonly`"), "{refused}");
    let servers = "redis://127.0.0.1".into_connection_info().unwrap();
    let accepted = RedisBackend::open(Kind::One(server.address()), servers, true, Clock::system()).await;
    assert!(accepted.is_ok(), "the operator said that losing it is fine");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_works_again_when_it_is() {
    let mut server = Server::start(SAFE);
    let backend = open(Kind::One(server.address())).await.unwrap();
    let space = Space::new();
    let done = backend.commit(space.partition, batch(&space, "a", Expect::Absent), Durability::Durable).await;
    assert_eq!(done.unwrap(), Commit::Done);
    server.kill();
    assert!(backend.get(&[space.key("a")]).await.is_err());
    assert!(backend.ping().await.is_err());
    let lost = backend.commit(space.partition, batch(&space, "b", Expect::Absent), Durability::Durable).await;
    assert!(!matches!(lost, Ok(Commit::Done | Commit::Conflict)), "{lost:?}");
    server.start_again();
    backend.ping().await.unwrap();
    let found = backend.get(&[space.key("a"), space.key("b")]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().value, "value", "what was acknowledged is there");
    assert!(found[1].is_none());
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let server = Server::start(SAFE);
    let backend = open(Kind::One(server.address())).await.unwrap();
    let space = Space::new();
    for name in ["a", "b"] {
        server.cli(&["script", "flush"]);
        let commit = backend.commit(space.partition, batch(&space, name, Expect::Absent), Durability::Relaxed);
        assert_eq!(commit.await.unwrap(), Commit::Done);
    }
}

/// Requests that are given up while their answers are on the way: everybody else gets their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_given_up_never_hands_its_answer_to_another() {
    let server = Server::start(SAFE);
    let backend = Arc::new(open(Kind::One(server.address())).await.unwrap());
    let space = Arc::new(Space::new());
    let value = |n: usize| Bytes::from(format!("value-{n}"));
    let puts = (0..50).map(|n| Put { key: space.key(&n.to_string()), value: value(n), ttl: None }).collect();
    let all = Batch { puts, ..Batch::default() };
    assert_eq!(backend.commit(space.partition, all, Durability::Relaxed).await.unwrap(), Commit::Done);
    let tasks: Vec<_> = (0..4_000_usize)
        .map(|n| {
            let (backend, space) = (Arc::clone(&backend), Arc::clone(&space));
            tokio::spawn(async move {
                let key = [space.key(&(n % 50).to_string())];
                let read = backend.get(&key);
                // Every second one is given up after a few polls.
                let patience = if n % 2 == 0 { Duration::from_micros(50 * (n as u64 % 7)) } else { Duration::from_mins(1) };
                if let Ok(read) = tokio::time::timeout(patience, read).await {
                    let found = read.unwrap().pop().unwrap().unwrap();
                    assert_eq!(found.value, format!("value-{}", n % 50));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn open_cluster() -> Opened {
    let cluster = Cluster::start();
    let kind = Kind::Cluster(vec![cluster.nodes[5].address()]);
    opened(cluster, kind)
}

#[test]
fn a_cluster_behaves_like_the_model() {
    super::model::check(&open_cluster().backend);
}
