//! The distributed backend: Redis as one server, behind sentinels, or as a cluster. Every batch is
//! one server-side script in one slot, since a partition is the hash tag of its keys. Every call is
//! one round trip.
//!
//! | file | what it holds |
//! |---|---|
//! | `batch.lua`, `script` | a batch, and how records, sets and logs are laid out |
//! | `calls` | a call, wherever its key has moved to |
//! | [`topology`] | where each partition's master is |
//! | [`node`] | a server and the connections to it |
//! | [`access`] | user, password, TLS |
//! | `safety` | whether a server may hold what must not be lost |
//! | `rights` | whether its user may do what a store does |
//! | `dump` | everything that is kept, for a backup |
//! | `fault` | what an error means for a batch that was sent |
//!
//! To add an operation of the contract: 1. its command here, 2. a case in the conformance suite.

pub mod access;
mod calls;
mod dump;
mod fault;
pub mod node;
mod rights;
mod safety;
mod script;
pub mod topology;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use redis::{Value, cmd, from_redis_value};
use tokio::sync::mpsc;

use super::backend::{
    AsOf, Backend, Batch, Commit, Durability, Key, Partition, Piece, Unavailable, Version, Versioned,
};
use crate::clock::Clock;

use access::{Access, Login};
use fault::Fault;
use node::{Address, Lane};
use script::BatchScript;
use topology::{Kind, Topology};

/// A Redis as store. It opens its connections when they are needed, and asks every server on every
/// new one whether it keeps what it acknowledges.
pub struct RedisBackend {
    topology: Topology,
    script: BatchScript,
    clock: Clock,
    next_lane: AtomicUsize,
}

/// Why a Redis cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// A certificate or a key is none.
    #[error("the redis store's certificates cannot be used: {0}")]
    BadCertificates(String),
    /// It can lose what it acknowledged, does not let us in, or is none that can be used.
    #[error("{0}")]
    Unfit(String),
    /// It does not answer now.
    #[error("the redis store does not answer: {0}")]
    Silent(String),
}

impl RedisBackend {
    /// The store that `kind` says, entered by `login`; servers that can lose what they acknowledged are accepted if
    /// `dangerous_volatile` says so. Asks nobody yet.
    pub fn new(
        kind: Kind,
        login: &Login,
        dangerous_volatile: bool,
        clock: Clock,
    ) -> Result<Self, RedisError> {
        let clustered = matches!(kind, Kind::Cluster(_));
        let access = Access::new(login, dangerous_volatile, clustered)
            .map_err(|error| RedisError::BadCertificates(error.to_string()))?;
        Ok(Self {
            topology: Topology::new(kind, Arc::new(access)),
            script: BatchScript::new(),
            clock,
            next_lane: AtomicUsize::new(0),
        })
    }

    /// Asks every master, and every replica that one of them names, whether it may be the store, and every master
    /// whether its user may do all that a store does. A replica that
    /// does not answer is passed over: it is asked when it becomes a master.
    pub async fn check(&self) -> Result<(), RedisError> {
        let told = |fault: Fault| match fault {
            Fault::Unfit(reason) => RedisError::Unfit(reason),
            other => RedisError::Silent(other.unavailable().reason),
        };
        let masters = self.topology.masters().await.map_err(told)?;
        for live in join_all(masters.iter().map(|(_, node)| node.live(Lane::Fast))).await {
            let live = live.map_err(|fault| match fault {
                Fault::Moved(_) => Fault::Unfit("a replica is named, where a master must be".to_owned()),
                fault => fault,
            });
            let followers = &live.map_err(told)?.pledge.followers;
            for checked in join_all(followers.iter().map(|at| self.check_follower(at))).await {
                checked.map_err(told)?;
            }
        }
        let rights = masters.iter().map(|(partition, node)| rights::check(node, *partition, &self.script));
        for checked in join_all(rights).await {
            checked.map_err(told)?;
        }
        Ok(())
    }

    /// A replica may be out of our reach by the name that its master knows.
    async fn check_follower(&self, at: &Address) -> Result<(), Fault> {
        let node = self.topology.node(at);
        let answers = node.ask_all(Lane::Topology, &safety::questions()).await;
        match answers.and_then(|answers| node.examine(answers)) {
            Err(fault @ Fault::Unfit(_)) => Err(fault),
            Err(fault) => {
                tracing::warn!(detail = %fault.unavailable(), "store.replica_not_checked");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    async fn ping_master(&self, partition: Partition) -> Result<(), Fault> {
        let mut probe = cmd("SET");
        probe.arg(Key::new(partition, "ping").as_bytes()).arg(1).arg("PX").arg(1000);
        self.ask(partition, &probe).await.map(drop)
    }
}

#[async_trait]
impl Backend for RedisBackend {
    fn may_lose_replies(&self) -> bool {
        true
    }

    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Versioned>>, Unavailable> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        let mut command = cmd("MGET");
        for key in keys {
            command.arg(key.as_bytes());
        }
        let answer = self.ask(first.partition(), &command).await.map_err(Fault::unavailable)?;
        let Value::Array(found) = answer else { return Err(unasked()) };
        found.into_iter().map(record).collect()
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let from = [b"(".as_slice(), after].concat();
        let mut command = cmd("ZRANGE");
        command.arg(set.as_bytes()).arg(from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(count(limit));
        read(self.ask(set.partition(), &command).await.map_err(Fault::unavailable)?)
    }

    async fn commit(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<Commit, Unavailable> {
        if !batch.is_within(partition) {
            return Err(Unavailable::new("a batch may not leave its partition"));
        }
        match self.run(partition, &batch, durability).await {
            Ok(commit) => Ok(commit),
            Err(Fault::Dropped(reason) | Fault::Late(reason)) => {
                tracing::warn!(reason, "store.reply_lost");
                Ok(Commit::Unknown)
            }
            Err(fault) => Err(fault.unavailable()),
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        let Some(from) = after.checked_add(1).filter(|_| limit > 0) else { return Ok(Vec::new()) };
        let mut command = cmd("XRANGE");
        command.arg(log.as_bytes()).arg(format!("0-{from}")).arg("+").arg("COUNT").arg(count(limit));
        let answer = self.ask(log.partition(), &command).await.map_err(Fault::unavailable)?;
        let entries: Vec<(String, Vec<Vec<u8>>)> = read(answer)?;
        let entry = |(id, mut fields): (String, Vec<Vec<u8>>)| {
            let position = id.strip_prefix("0-")?.parse().ok()?;
            Some((position, fields.pop()?))
        };
        entries.into_iter().map(|found| entry(found).ok_or_else(unasked)).collect()
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        let n = n.max(1);
        let mut command = cmd("INCRBY");
        command.arg(counter.as_bytes()).arg(n);
        // Numbers whose reply was lost, or which too few replicas have, are a gap.
        let last: u64 =
            read(self.ask_safely(counter.partition(), &command).await.map_err(Fault::unavailable)?)?;
        Ok(last - n + 1)
    }

    /// As of no one moment: who wants that lets the brokers stand still meanwhile.
    async fn dump(&self, to: mpsc::Sender<Vec<Piece>>) -> Result<AsOf, Unavailable> {
        self.dump_all(&to).await?;
        Ok(AsOf::EachMoment)
    }

    /// Fails if no master can be read and written: while some of a cluster's are away, the others' tenants are served.
    async fn ping(&self) -> Result<(), Unavailable> {
        let masters = self.topology.masters().await.map_err(Fault::unavailable)?;
        let answers = join_all(masters.iter().map(|(partition, _)| self.ping_master(*partition))).await;
        let mut faults = Vec::new();
        let all = answers.len();
        for fault in answers.into_iter().filter_map(Result::err) {
            faults.push(fault.unavailable());
        }
        match faults.pop() {
            Some(fault) if faults.len() + 1 == all => Err(fault),
            Some(fault) => {
                tracing::warn!(detail = %fault, "store.partly_unavailable");
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, Unavailable> {
    from_redis_value(answer).map_err(|_| unasked())
}

fn unasked() -> Unavailable {
    Unavailable::new("the server answers what was not asked")
}

/// A limit as Redis takes it.
fn count(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// A record's version and value, from its bytes.
fn record(found: Value) -> Result<Option<Versioned>, Unavailable> {
    let bytes = match found {
        Value::Nil => return Ok(None),
        Value::BulkString(bytes) => Bytes::from(bytes),
        _ => return Err(unasked()),
    };
    let (version, _) = bytes.split_first_chunk::<8>().ok_or_else(unasked)?;
    let version = Version::new(u64::from_be_bytes(*version));
    Ok(Some(Versioned { value: bytes.slice(8..), version }))
}
