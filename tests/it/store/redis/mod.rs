//! Redis as backend: what every backend must do, and what Redis adds.

mod backup;
mod safety;
mod silence;

use std::sync::Arc;

use bytes::Bytes;
use countersign::clock::Clock;
use countersign::store::backend::{Backend, Batch, Commit, Durability, Expect, Partition, Put};
use countersign::store::redis::RedisBackend;
use countersign::store::redis::access::Login;
use countersign::store::redis::topology::Kind;

use super::{Opened, Space};
use crate::harness::redis::{Cluster, SAFE, Server};

fn backend(kind: Kind) -> RedisBackend {
    RedisBackend::new(kind, &Login::default(), false, Clock::system()).unwrap()
}

fn one(server: &Server) -> RedisBackend {
    backend(Kind::One(server.address()))
}

fn opened(servers: impl Send + 'static, backend: RedisBackend) -> Opened {
    Opened {
        backend: Arc::new(backend),
        clock: Clock::system(),
        folder: tempfile::tempdir().unwrap(),
        keep: Some(Box::new(servers)),
    }
}

pub(super) fn open_one() -> Opened {
    let server = Server::start(SAFE);
    let backend = one(&server);
    opened(server, backend)
}

super::conformance::suite!(one_server_conforms, crate::store::redis::open_one);

fn batch(space: &Space, name: &str, expect: Expect) -> Batch {
    let key = space.key(name);
    let put = Put { key: key.clone(), value: Bytes::from_static(b"value"), ttl: None };
    Batch { expects: vec![(key, expect)], puts: vec![put], ..Batch::default() }
}

/// Writes a record that must be new.
async fn add(backend: &RedisBackend, space: &Space, name: &str) -> Commit {
    backend.commit(space.partition, batch(space, name, Expect::Absent), Durability::Durable).await.unwrap()
}

/// One cluster for the whole suite: to start it takes longer than everything else. The cases run
/// on partitions of all three masters.
#[test]
fn a_cluster_conforms_and_behaves_like_the_model() {
    let cluster = Cluster::start();
    let nodes = cluster.nodes.iter().map(Server::address).collect::<Vec<_>>();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let backend: Arc<dyn Backend> = Arc::new(backend(Kind::Cluster(nodes[4..].to_vec())));
    let (on_all, on_model) = (runtime(), &backend);
    on_all.block_on(async {
        let partitions = [0x00, 0x41, 0xa7].map(Partition::new);
        for partition in partitions {
            super::conformance::check_all(&backend, || Space::at(partition)).await;
        }
        super::typed::check(&backend).await;
        backend.ping().await.unwrap();
    });
    super::model::check(on_model);
    for node in &cluster.nodes {
        assert!(node.cli(&["dbsize"]).trim() != "0", "every node holds a part of it");
    }
}
