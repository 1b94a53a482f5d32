//! Where each partition's master is: always at one server, where the sentinels say, or where the
//! cluster's slots say.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwap;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use redis::Cmd;
use tokio::sync::Mutex;

use super::super::backend::Partition;
use super::access::Access;
use super::fault::Fault;
use super::node::{Address, Lane, Node};

/// The slots of a cluster (Redis Cluster specification).
const SLOTS: u16 = 16_384;

/// How the servers belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One server.
    One(Address),
    /// One master that the sentinels name.
    Sentinel {
        /// Where the sentinels are.
        sentinels: Vec<Address>,
        /// What they call it.
        master: String,
    },
    /// A cluster, known by some of its nodes.
    Cluster(Vec<Address>),
}

/// What is known of the masters now.
pub(super) struct Topology {
    kind: Kind,
    access: Arc<Access>,
    known: ArcSwap<Known>,
    /// Every server that was heard of.
    nodes: std::sync::Mutex<HashMap<Address, Arc<Node>>>,
    /// One at a time asks where the masters are.
    asking: Mutex<()>,
}

/// An answer to where the masters are.
#[derive(Default)]
struct Known {
    /// The master of each partition; empty until somebody asked.
    masters: Vec<Arc<Node>>,
    /// Whether something spoke against it since.
    doubted: AtomicBool,
}

impl Topology {
    pub(super) fn new(kind: Kind, access: Arc<Access>) -> Self {
        let topology = Self {
            kind,
            access,
            known: ArcSwap::default(),
            nodes: std::sync::Mutex::default(),
            asking: Mutex::new(()),
        };
        if let Kind::One(address) = &topology.kind {
            let masters = vec![topology.node(address); 256];
            topology.known.store(Arc::new(Known { masters, ..Known::default() }));
        }
        topology
    }

    /// The master of a partition.
    pub(super) async fn master(&self, partition: Partition) -> Result<Arc<Node>, Fault> {
        let known = self.known.load();
        match known.masters.get(usize::from(partition.number())) {
            Some(node) if !known.doubted.load(Ordering::Relaxed) => Ok(Arc::clone(node)),
            _ => self.ask_again(&Arc::clone(&known), partition).await,
        }
    }

    /// Every master, with one of its partitions.
    pub(super) async fn masters(&self) -> Result<Vec<(Partition, Arc<Node>)>, Fault> {
        let mut masters: Vec<(Partition, Arc<Node>)> = Vec::new();
        for partition in Partition::all() {
            let master = self.master(partition).await?;
            if !masters.iter().any(|(_, known)| Arc::ptr_eq(known, &master)) {
                masters.push((partition, master));
            }
        }
        Ok(masters)
    }

    /// Something speaks against what is known: the next call asks again where the masters are.
    pub(super) fn doubt(&self) {
        if !matches!(self.kind, Kind::One(_)) {
            self.known.load().doubted.store(true, Ordering::Relaxed);
        }
    }

    /// A server that another one, or the settings, named.
    pub(super) fn node(&self, address: &Address) -> Arc<Node> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Node::new(address.clone(), Arc::clone(&self.access)));
        Arc::clone(nodes.entry(address.clone()).or_insert_with(new))
    }

    async fn ask_again(&self, doubted: &Arc<Known>, partition: Partition) -> Result<Arc<Node>, Fault> {
        let _turn = self.asking.lock().await;
        if Arc::ptr_eq(&self.known.load(), doubted) {
            let masters = match &self.kind {
                Kind::One(address) => vec![self.node(address); 256],
                Kind::Sentinel { sentinels, master } => {
                    vec![self.node(&self.ask_sentinels(sentinels, master).await?); 256]
                }
                Kind::Cluster(seeds) => {
                    let masters = self.ask_cluster(doubted, seeds).await?;
                    masters.iter().map(|address| self.node(address)).collect()
                }
            };
            self.known.store(Arc::new(Known { masters, ..Known::default() }));
        }
        let known = self.known.load();
        let found = known.masters.get(usize::from(partition.number())).cloned();
        found.ok_or_else(|| Fault::Refused("a partition has no master".to_owned()))
    }

    async fn ask_sentinels(&self, sentinels: &[Address], master: &str) -> Result<Address, Fault> {
        let mut question = redis::cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(master);
        self.ask_all(sentinels.to_vec(), question, |answer, _| {
            match redis::from_redis_value::<Option<(String, u16)>>(answer) {
                Ok(Some((host, port))) => Ok(Address::new(host, port)),
                _ => Err(Fault::Unfit(format!("the sentinels know no master `{master}`"))),
            }
        })
        .await
    }

    async fn ask_cluster(&self, known: &Known, seeds: &[Address]) -> Result<Vec<Address>, Fault> {
        let mut nodes = seeds.to_vec();
        for node in &known.masters {
            if !nodes.contains(node.address()) {
                nodes.push(node.address().clone());
            }
        }
        let mut question = redis::cmd("CLUSTER");
        question.arg("SLOTS");
        self.ask_all(nodes, question, |answer, asked| {
            masters_of(answer, asked)
                .ok_or_else(|| Fault::Refused("the cluster does not serve every slot".to_owned()))
        })
        .await
    }

    /// Asks all of them at once, and takes the first answer that says something.
    async fn ask_all<T>(
        &self,
        addresses: Vec<Address>,
        question: Cmd,
        read: impl Fn(redis::Value, &Address) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let question = &question;
        let mut answers: FuturesUnordered<_> = addresses
            .iter()
            .map(|address| {
                let node = self.node(address);
                async move {
                    let mut answer = node.ask(Lane::Topology, question).await;
                    if matches!(answer, Err(Fault::Dropped(_))) {
                        answer = node.ask(Lane::Topology, question).await;
                    }
                    (answer, address)
                }
            })
            .collect();
        let mut last = Fault::Refused("no server is named".to_owned());
        while let Some((answer, asked)) = answers.next().await {
            match answer.and_then(|answer| read(answer, asked)) {
                Ok(found) => return Ok(found),
                // What does not mend itself says more than what does.
                Err(fault) if !matches!(last, Fault::Unfit(_)) => last = fault,
                Err(_) => {}
            }
        }
        Err(last)
    }
}

/// The master of each partition from the answer of `CLUSTER SLOTS`; none if a partition has none.
fn masters_of(answer: redis::Value, asked: &Address) -> Option<Vec<Address>> {
    let ranges: Vec<Vec<redis::Value>> = redis::from_redis_value(answer).ok()?;
    let mut owners = Vec::new();
    for range in ranges {
        let mut parts = range.into_iter();
        let from: u16 = redis::from_redis_value(parts.next()?).ok()?;
        let to: u16 = redis::from_redis_value(parts.next()?).ok()?;
        let node: Vec<redis::Value> = redis::from_redis_value(parts.next()?).ok()?;
        let mut node = node.into_iter();
        let host: Option<String> = redis::from_redis_value(node.next()?).ok()?;
        let port: u16 = redis::from_redis_value(node.next()?).ok()?;
        // A node that does not know its own name is the one that was asked.
        let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
        owners.push((from..=to, Address::new(host, port)));
    }
    let owner = |partition: Partition| {
        let slot = slot_of(partition);
        owners.iter().find(|(slots, _)| slots.contains(&slot)).map(|(_, address)| address.clone())
    };
    Partition::all().map(owner).collect()
}

/// The slot of a partition's hash tag: CRC-16/XMODEM of what stands between the braces.
fn slot_of(partition: Partition) -> u16 {
    let tag = format!("{:02x}", partition.number());
    let crc = tag.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::*;

    #[test]
    fn a_slot_is_the_crc_of_the_hash_tag() {
        // `redis-cli cluster keyslot {00}x` and `{a7}x`.
        assert_eq!(slot_of(Partition::new(0x00)), 13254);
        assert_eq!(slot_of(Partition::new(0xa7)), 16047);
    }

    fn range(from: i64, to: i64, host: &str, port: i64) -> Value {
        let node = vec![Value::BulkString(host.into()), Value::Int(port), Value::BulkString(b"id".to_vec())];
        Value::Array(vec![Value::Int(from), Value::Int(to), Value::Array(node)])
    }

    #[test]
    fn every_partition_finds_its_master_in_the_answer_of_a_node() {
        let asked = Address::new("asked", 1);
        let answer = Value::Array(vec![range(0, 8191, "10.0.0.1", 7001), range(8192, 16_383, "", 7002)]);
        let masters = masters_of(answer, &asked).unwrap();
        assert_eq!(masters.len(), 256);
        for (partition, master) in Partition::all().zip(&masters) {
            let low = slot_of(partition) < 8192;
            let wanted = if low { Address::new("10.0.0.1", 7001) } else { Address::new("asked", 7002) };
            assert_eq!(*master, wanted);
        }
    }

    #[test]
    fn an_answer_that_leaves_slots_out_is_none() {
        let asked = Address::new("asked", 1);
        assert!(masters_of(Value::Array(vec![range(0, 100, "h", 1)]), &asked).is_none());
        assert!(masters_of(Value::Array(Vec::new()), &asked).is_none());
        assert!(masters_of(Value::Int(1), &asked).is_none());
    }
}
