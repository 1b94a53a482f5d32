//! Whether a Redis keeps what it acknowledges (DESIGN §3): asked of every master at start.

use std::collections::HashMap;

use redis::cmd;

use super::fault::Fault;
use super::lanes::{Lane, Lanes};
use super::topology::Address;

/// A Redis that can lose acknowledged writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the redis at `{at}` can lose what it acknowledged: {reason}; set it so, or accept the loss with \
     `store.dangerous_allow_volatile_store = true`"
)]
pub struct Unsafe {
    /// Which server.
    pub at: Address,
    /// Every setting that is wrong, with the one that is wanted.
    pub reason: String,
}

/// Why a server is not known to be safe.
pub(super) enum CheckError {
    Unsafe(Unsafe),
    Fault(Fault),
}

/// Settings that must have this value.
const DEMANDED: [(&str, &str); 3] =
    [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")];
const REPLICAS: &str = "min-replicas-to-write";

/// Asks a master for its settings; answers how many replicas a durable commit must wait for.
pub(super) async fn check(lanes: &Lanes, at: &Address) -> Result<u32, CheckError> {
    let lossy = |reason: String| CheckError::Unsafe(Unsafe { at: at.clone(), reason });
    let mut command = cmd("CONFIG");
    command.arg("GET");
    for (name, _) in DEMANDED {
        command.arg(name);
    }
    command.arg(REPLICAS);
    let settings: HashMap<String, String> = match lanes.ask(at, Lane::Read, &command).await {
        Ok(answer) => redis::from_redis_value(answer)
            .map_err(|_| lossy("it answers `CONFIG GET` with what is no settings".to_owned()))?,
        Err(Fault::Refused(reason)) => {
            return Err(lossy(format!("it does not tell its settings (`CONFIG GET`: {reason})")));
        }
        Err(fault) => return Err(CheckError::Fault(fault)),
    };
    let value = |name: &str| settings.get(name).map_or("", String::as_str);
    let mut wrong: Vec<String> = DEMANDED
        .iter()
        .filter(|(name, wanted)| value(name) != *wanted)
        .map(|(name, wanted)| format!("`{name}` is `{}` and must be `{wanted}`", value(name)))
        .collect();
    let demanded: u32 = value(REPLICAS).parse().unwrap_or(0);
    if demanded == 0 && has_replicas(lanes, at).await.map_err(CheckError::Fault)? {
        wrong.push(format!("it has replicas, so that `{REPLICAS}` must be at least `1`"));
    }
    if wrong.is_empty() { Ok(demanded) } else { Err(lossy(wrong.join(", "))) }
}

async fn has_replicas(lanes: &Lanes, at: &Address) -> Result<bool, Fault> {
    let mut command = cmd("INFO");
    command.arg("replication");
    let answer = lanes.ask(at, Lane::Read, &command).await?;
    let text: String = redis::from_redis_value(answer).unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("connected_slaves:")?.trim().parse::<u32>().ok());
    Ok(count.unwrap_or(0) > 0)
}
