//! The distributed backend: Redis as one server, behind sentinels, or as a cluster. Every batch is
//! one server-side script in one slot, since a partition is the hash tag of its keys.
//!
//! - `batch.lua`: a batch, and how records, sets and logs are laid out
//! - [`topology`]: where each partition's master is
//! - `lanes`: connections
//! - `fault`: what an error means for a batch that was sent
//! - `safety`: whether this Redis may hold what must not be lost
//!
//! To add an operation of the contract: 1. its command here, 2. a case in the conformance suite.

mod fault;
mod lanes;
mod safety;
pub mod topology;

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use redis::{Cmd, ConnectionInfo, Pipeline, Script, Value, cmd, from_redis_value};

use super::backend::{Backend, Batch, Commit, Durability, Expect, Key, Partition, Unavailable, Version, Versioned};
use crate::clock::Clock;

use fault::Fault;
use lanes::{Access, Lane, Lanes};
use topology::{Address, Kind, Topology};

pub use safety::Unsafe;

/// How often a call follows a key that has moved.
const MOVES: usize = 4;
/// Connections to each server for commits that wait for replicas.
const DURABLE_LANES: u8 = 4;
/// How long a durable commit waits for its replicas, in milliseconds.
const REPLICAS_WITHIN: u32 = 1000;

/// A Redis as store.
pub struct RedisBackend {
    topology: Topology,
    lanes: Lanes,
    script: Script,
    clock: Clock,
    /// So many replicas must have a durable commit before it is answered.
    replicas: u32,
    next_lane: AtomicU8,
}

/// Why a Redis cannot be the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It does not answer.
    #[error("the redis store does not answer: {0}")]
    Unavailable(#[from] Unavailable),
    /// It can lose what was acknowledged.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
}

impl RedisBackend {
    /// Connects, and makes sure that every master keeps what it acknowledges, unless
    /// `dangerous_volatile` says that losing it is fine. `servers` holds TLS, user and password.
    pub async fn open(
        kind: Kind,
        servers: ConnectionInfo,
        dangerous_volatile: bool,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let (topology, lanes) = (Topology::new(kind), Lanes::new(Access { servers }));
        let mut replicas = 0;
        for master in topology.masters(&lanes).await.map_err(Unavailable::from)? {
            match safety::check(&lanes, &master).await {
                Ok(demanded) => replicas = replicas.max(demanded),
                Err(safety::CheckError::Fault(fault)) => return Err(Unavailable::from(fault).into()),
                Err(safety::CheckError::Unsafe(lossy)) if dangerous_volatile => {
                    tracing::warn!(detail = %lossy, "store.dangerous_volatile");
                }
                Err(safety::CheckError::Unsafe(lossy)) => return Err(lossy.into()),
            }
        }
        let script = Script::new(include_str!("batch.lua"));
        Ok(Self { topology, lanes, script, clock, replicas, next_lane: AtomicU8::new(0) })
    }

    /// Sends a command to the master of a partition, and follows it if it has moved.
    async fn ask(&self, partition: Partition, command: &Cmd) -> Result<Value, Fault> {
        let mut at = self.topology.master(&self.lanes, partition).await?;
        for _ in 0..MOVES {
            match self.lanes.ask(&at, Lane::Read, command).await {
                Err(Fault::Moved(said)) => at = self.topology.changed(&self.lanes, partition, said).await?,
                Err(Fault::Ask(there)) => {
                    let mut asking = Pipeline::new();
                    asking.cmd("ASKING").ignore().add_command(command.clone());
                    let answers = self.lanes.ask_all(&there, Lane::Read, &asking).await?;
                    return last(answers);
                }
                Err(fault) => {
                    self.look_again(partition, &fault).await;
                    return Err(fault);
                }
                Ok(value) => return Ok(value),
            }
        }
        Err(Fault::Moved(None))
    }

    /// Sends a batch once. It is sent again only where a server said that it did not run it.
    async fn run(&self, partition: Partition, batch: &Batch, durable: bool) -> Result<Commit, Fault> {
        let mut at = self.topology.master(&self.lanes, partition).await?;
        let lane = if durable { self.durable_lane() } else { Lane::Read };
        let command = self.command(batch);
        let mut asking = false;
        for _ in 0..MOVES {
            let mut commands = Pipeline::new();
            if asking {
                commands.cmd("ASKING");
            }
            commands.add_command(command.clone());
            if durable {
                commands.cmd("WAIT").arg(self.replicas).arg(REPLICAS_WITHIN);
            }
            let answers = self.lanes.ask_all(&at, lane, &commands).await;
            match answers.and_then(|answers| self.read_commit(answers, asking, durable)) {
                Err(Fault::Moved(said)) => {
                    at = self.topology.changed(&self.lanes, partition, said).await?;
                    asking = false;
                }
                Err(Fault::Ask(there)) => (at, asking) = (there, true),
                Err(Fault::NoScript) => self.load_script(&at, lane).await?,
                Err(fault) => {
                    self.look_again(partition, &fault).await;
                    return Err(fault);
                }
                Ok(commit) => return Ok(commit),
            }
        }
        Err(Fault::Moved(None))
    }

    /// What became of a batch, from the answers to `ASKING`, the script and `WAIT`.
    fn read_commit(&self, answers: Vec<Value>, asking: bool, durable: bool) -> Result<Commit, Fault> {
        let broken = || Fault::Lost("an answer of the wrong form".to_owned());
        let mut answers = answers.into_iter().skip(usize::from(asking));
        let ran = answers.next().ok_or_else(broken)?.extract_error().map_err(|error| Fault::of(&error))?;
        if from_redis_value::<u8>(ran).map_err(|_| broken())? == 0 {
            return Ok(Commit::Conflict);
        }
        if !durable {
            return Ok(Commit::Done);
        }
        let safe_at = answers.next().and_then(|answer| from_redis_value::<u32>(answer).ok());
        // It stands at the master, but too few replicas have said that they have it.
        Ok(if safe_at.is_some_and(|count| count >= self.replicas) { Commit::Done } else { Commit::Unknown })
    }

    async fn load_script(&self, at: &Address, lane: Lane) -> Result<(), Fault> {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(include_str!("batch.lua"));
        self.lanes.ask(at, lane, &load).await.map(drop)
    }

    /// After a master was lost, the next call asks where it is now.
    async fn look_again(&self, partition: Partition, fault: &Fault) {
        if matches!(fault, Fault::Lost(_) | Fault::Refused(_)) {
            // If nobody knows, the next call will hear it.
            let _ = self.topology.changed(&self.lanes, partition, None).await;
        }
    }

    fn durable_lane(&self) -> Lane {
        Lane::Durable(self.next_lane.fetch_add(1, Ordering::Relaxed) % DURABLE_LANES)
    }

    /// The script's call, see `batch.lua`.
    fn command(&self, batch: &Batch) -> Cmd {
        let mut version = [0; 8];
        self.clock.fill(&mut version);
        let Batch { expects, deletes, puts, removes, adds, appends } = batch;
        let counts = [expects.len(), deletes.len(), puts.len(), removes.len(), adds.len(), appends.len()];
        let mut command = cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(counts.iter().sum::<usize>());
        let named = removes.iter().chain(adds).chain(appends).map(|(key, _)| key);
        let keys = expects.iter().map(|(key, _)| key).chain(deletes);
        for key in keys.chain(puts.iter().map(|put| &put.key)).chain(named) {
            command.arg(key.as_bytes());
        }
        command.arg(&version).arg(&counts[..]);
        for (_, expect) in expects {
            match expect {
                Expect::Absent => command.arg(""),
                Expect::At(version) => command.arg(&version.number().to_be_bytes()),
            };
        }
        for put in puts {
            command.arg(&*put.value);
            match put.ttl {
                Some(ttl) => command.arg(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX / 2).max(1)),
                None => command.arg(""),
            };
        }
        for (_, bytes) in removes.iter().chain(adds).chain(appends) {
            command.arg(bytes.as_slice());
        }
        command
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
        let answer = self.ask(first.partition(), &command).await?;
        let found: Vec<Option<Bytes>> = read(answer)?;
        Ok(found.into_iter().map(|record| record.and_then(versioned)).collect())
    }

    async fn range(&self, set: &Key, after: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        let from = if after.is_empty() { b"-".to_vec() } else { [b"(".as_slice(), after].concat() };
        let mut command = cmd("ZRANGE");
        command.arg(set.as_bytes()).arg(from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
        read(self.ask(set.partition(), &command).await?)
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
        let durable = durability == Durability::Durable && self.replicas > 0;
        match self.run(partition, &batch, durable).await {
            Ok(commit) => Ok(commit),
            Err(Fault::Lost(reason)) => {
                tracing::warn!(reason, "store.reply_lost");
                Ok(Commit::Unknown)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    async fn read(&self, log: &Key, after: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, Unavailable> {
        let mut command = cmd("XRANGE");
        let from = after.saturating_add(1);
        command.arg(log.as_bytes()).arg(format!("{from}-0")).arg("+").arg("COUNT").arg(limit);
        let entries: Vec<(String, Vec<Vec<u8>>)> = read(self.ask(log.partition(), &command).await?)?;
        let broken = || Unavailable::new("a log holds what is no entry");
        entries
            .into_iter()
            .map(|(id, mut fields)| {
                let position = id.split('-').next().and_then(|position| position.parse().ok());
                Ok((position.ok_or_else(broken)?, fields.pop().ok_or_else(broken)?))
            })
            .collect()
    }

    async fn reserve(&self, counter: &Key, n: u64) -> Result<u64, Unavailable> {
        let n = n.max(1);
        let mut command = cmd("INCRBY");
        command.arg(counter.as_bytes()).arg(n);
        // Numbers whose reply was lost are a gap.
        let last: u64 = read(self.ask(counter.partition(), &command).await?)?;
        Ok(last - n + 1)
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        for master in self.topology.masters(&self.lanes).await? {
            let mut probe = cmd("SET");
            probe.arg("countersign:ping").arg(1).arg("PX").arg(1000);
            match self.lanes.ask(&master, Lane::Read, &probe).await {
                // In a cluster the key may live elsewhere: then the node answers, and that is what is asked.
                Ok(_) | Err(Fault::Moved(_) | Fault::Ask(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(())
    }
}

fn last(answers: Vec<Value>) -> Result<Value, Fault> {
    let answer = answers.into_iter().next_back().ok_or_else(|| Fault::Lost("no answer".to_owned()))?;
    answer.extract_error().map_err(|error| Fault::of(&error))
}

fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, Unavailable> {
    from_redis_value(answer).map_err(|_| Unavailable::new("the server answers what was not asked"))
}

/// A record's version and value, from its bytes.
fn versioned(record: Bytes) -> Option<Versioned> {
    let (version, _) = record.split_first_chunk::<8>()?;
    let version = Version::new(u64::from_be_bytes(*version));
    Some(Versioned { value: record.slice(8..), version })
}
