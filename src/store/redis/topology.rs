//! Where each partition's master is: always at one server, where the sentinels say, or where the
//! cluster's slots say.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::super::backend::Partition;
use super::fault::Fault;
use super::lanes::{Lane, Lanes};

/// The slots of a cluster (Redis Cluster specification).
const SLOTS: u16 = 16_384;

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// Its name, or its address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Address {
    /// The server at `host` and `port`.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

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
    /// The master of each partition; empty until somebody asked.
    masters: ArcSwap<Vec<Address>>,
    /// One at a time asks where the masters are.
    asking: Mutex<()>,
}

impl Topology {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, masters: ArcSwap::default(), asking: Mutex::new(()) }
    }

    /// The master of a partition.
    pub(super) async fn master(&self, lanes: &Lanes, partition: Partition) -> Result<Address, Fault> {
        let known = self.masters.load_full();
        match known.get(usize::from(partition.number())) {
            Some(address) => Ok(address.clone()),
            None => self.ask_again(lanes, &known, partition).await,
        }
    }

    /// Every master.
    pub(super) async fn masters(&self, lanes: &Lanes) -> Result<Vec<Address>, Fault> {
        let mut masters = Vec::new();
        for partition in Partition::all() {
            let master = self.master(lanes, partition).await?;
            if !masters.contains(&master) {
                masters.push(master);
            }
        }
        Ok(masters)
    }

    /// What was known is wrong: asks where the masters are now. `said` is what a node said of this partition.
    pub(super) async fn changed(
        &self,
        lanes: &Lanes,
        partition: Partition,
        said: Option<Address>,
    ) -> Result<Address, Fault> {
        let known = self.masters.load_full();
        match self.ask_again(lanes, &known, partition).await {
            Ok(address) => Ok(said.unwrap_or(address)),
            Err(fault) => said.ok_or(fault),
        }
    }

    async fn ask_again(
        &self,
        lanes: &Lanes,
        stale: &Arc<Vec<Address>>,
        partition: Partition,
    ) -> Result<Address, Fault> {
        let _turn = self.asking.lock().await;
        if Arc::ptr_eq(&self.masters.load_full(), stale) {
            let masters = match &self.kind {
                Kind::One(address) => vec![address.clone(); 256],
                Kind::Sentinel { sentinels, master } => {
                    vec![ask_sentinels(lanes, sentinels, master).await?; 256]
                }
                Kind::Cluster(seeds) => {
                    let known = stale.iter().chain(seeds);
                    ask_cluster(lanes, known).await?
                }
            };
            self.masters.store(Arc::new(masters));
        }
        let masters = self.masters.load();
        let found = masters.get(usize::from(partition.number())).cloned();
        found.ok_or_else(|| Fault::Refused("a partition has no master".to_owned()))
    }
}

async fn ask_sentinels(lanes: &Lanes, sentinels: &[Address], master: &str) -> Result<Address, Fault> {
    let mut last = Fault::Refused("no sentinel is named".to_owned());
    for sentinel in sentinels {
        let mut command = redis::cmd("SENTINEL");
        command.arg("get-master-addr-by-name").arg(master);
        match lanes.ask(sentinel, Lane::Sentinel, &command).await {
            Ok(answer) => match redis::from_redis_value::<Option<(String, u16)>>(answer) {
                Ok(Some((host, port))) => return Ok(Address::new(host, port)),
                _ => last = Fault::Refused(format!("the sentinels know no master `{master}`")),
            },
            Err(fault) => last = fault,
        }
    }
    Err(last)
}

async fn ask_cluster<'a>(
    lanes: &Lanes,
    nodes: impl Iterator<Item = &'a Address>,
) -> Result<Vec<Address>, Fault> {
    let mut last = Fault::Refused("no node is named".to_owned());
    let mut asked: Vec<&Address> = Vec::new();
    for node in nodes {
        if asked.contains(&node) {
            continue;
        }
        asked.push(node);
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        match lanes.ask(node, Lane::Read, &command).await {
            Ok(answer) => match masters_of(answer, node) {
                Some(masters) => return Ok(masters),
                None => last = Fault::Refused("the cluster does not serve every slot".to_owned()),
            },
            Err(fault) => last = fault,
        }
    }
    Err(last)
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
        let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.host.clone());
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
    use super::*;

    #[test]
    fn a_slot_is_the_crc_of_the_hash_tag() {
        // `redis-cli cluster keyslot {00}x` and `{a7}x`.
        assert_eq!(slot_of(Partition::new(0x00)), 5_649);
        assert_eq!(slot_of(Partition::new(0xa7)), 10_183);
    }
}
