//! Everything that is kept: the keys of each master are walked by their kind (`SCAN … TYPE`), and
//! each is read as it is then. So the dump is of no one moment. What is there from its beginning to
//! its end is told; a record or a member perhaps twice, a log's entry and a counter once.

use std::collections::HashSet;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use redis::{Value, cmd};
use tokio::sync::mpsc::Sender;

use super::super::backend::{Backend as _, Key, Partition, Piece, Unavailable};
use super::fault::Fault;
use super::{RedisBackend, read, record, unasked};

/// Keys that are looked for, and read, together.
const KEYS: usize = 200;
/// Members or entries that are read together.
const PAGE: usize = 500;
/// What `PTTL` says of a key that is not there: it may have gone between two questions.
const GONE: i64 = -2;
/// The most digits of a counter: those of 2^63.
const DIGITS: usize = 19;

/// How a name is laid out.
#[derive(Clone, Copy)]
enum Layout {
    /// A record or a counter.
    Text,
    Set,
    Log,
}

impl Layout {
    const ALL: [Self; 3] = [Self::Text, Self::Set, Self::Log];

    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Set => "zset",
            Self::Log => "stream",
        }
    }
}

impl RedisBackend {
    /// Tells everything, until nobody listens.
    pub(super) async fn dump_all(&self, to: &Sender<Vec<Piece>>) -> Result<(), Unavailable> {
        let masters = self.topology.masters().await.map_err(Fault::unavailable)?;
        for (partition, _) in masters {
            for layout in Layout::ALL {
                if !self.dump_layout(partition, layout, to).await? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Walks the keys of one kind at the master of a partition. False if nobody listens any more.
    async fn dump_layout(
        &self,
        at: Partition,
        layout: Layout,
        to: &Sender<Vec<Piece>>,
    ) -> Result<bool, Unavailable> {
        let master = self.topology.master(at).await.map_err(Fault::unavailable)?;
        let process = self.process_of(at).await?;
        let (mut cursor, mut told) = ("0".to_owned(), HashSet::new());
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("COUNT").arg(KEYS).arg("TYPE").arg(layout.as_str());
            let answer = self.ask(at, &scan).await.map_err(Fault::unavailable)?;
            let now = self.topology.master(at).await.map_err(Fault::unavailable)?;
            if !std::sync::Arc::ptr_eq(&master, &now) {
                return Err(Unavailable::new("a master changed during the dump; take it again"));
            }
            let (next, names): (String, Vec<Vec<u8>>) = read(answer)?;
            let keys = names.iter().filter_map(|name| Key::parse(name)).filter(|key| !is_ping(key));
            let keys: Vec<Key> = keys.collect();
            let alive = match layout {
                Layout::Text => self.tell_texts(keys, &mut told, to).await?,
                Layout::Set => self.tell_sets(keys, to).await?,
                Layout::Log => self.tell_logs(keys, &mut told, to).await?,
            };
            if !alive {
                return Ok(false);
            }
            if next != "0" {
                cursor = next;
                continue;
            }
            if self.process_of(at).await? != process {
                return Err(Unavailable::new("a master was started again during the dump; take it again"));
            }
            return Ok(true);
        }
    }

    /// Which process answers: a cursor means nothing to another one, also at the same address.
    async fn process_of(&self, at: Partition) -> Result<String, Unavailable> {
        let mut info = cmd("INFO");
        info.arg("server");
        let told: String = read(self.ask(at, &info).await.map_err(Fault::unavailable)?)?;
        let id = told.lines().find_map(|line| line.strip_prefix("run_id:"));
        id.map(|id| id.trim().to_owned()).ok_or_else(unasked)
    }

    async fn tell_texts(
        &self,
        keys: Vec<Key>,
        told: &mut HashSet<Key>,
        to: &Sender<Vec<Piece>>,
    ) -> Result<bool, Unavailable> {
        let mut pieces = Vec::new();
        for piece in join_all(keys.into_iter().map(|key| self.text(key))).await {
            match piece? {
                // A counter that is told twice would be counted twice.
                Some(Piece::Counter { counter, .. }) if !told.insert(counter.clone()) => {}
                piece => pieces.extend(piece),
            }
        }
        Ok(pieces.is_empty() || to.send(pieces).await.is_ok())
    }

    /// A record or a counter; none if it is gone.
    async fn text(&self, key: Key) -> Result<Option<Piece>, Unavailable> {
        let (mut get, mut left) = (cmd("GET"), cmd("PTTL"));
        get.arg(key.as_bytes());
        left.arg(key.as_bytes());
        let partition = key.partition();
        let (found, left) = futures_util::join!(self.ask(partition, &get), self.ask(partition, &left));
        let found = found.map_err(Fault::unavailable)?;
        let left: i64 = read(left.map_err(Fault::unavailable)?)?;
        if left == GONE {
            return Ok(None);
        }
        if let Value::BulkString(digits) = &found
            && digits.len() <= DIGITS
            && !digits.is_empty()
            && digits.iter().all(u8::is_ascii_digit)
        {
            let last = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            return Ok(Some(Piece::Counter { counter: key, last: last.ok_or_else(unasked)? }));
        }
        let Some(found) = record(found)? else { return Ok(None) };
        let expires = (left >= 0).then(|| self.clock.now() + SignedDuration::from_millis(left));
        Ok(Some(Piece::Record { key, value: found.value, expires: expires.map(whole_second) }))
    }

    async fn tell_sets(&self, keys: Vec<Key>, to: &Sender<Vec<Piece>>) -> Result<bool, Unavailable> {
        for set in keys {
            let mut after = Vec::new();
            loop {
                let members = self.range(&set, &after, PAGE).await?;
                let Some(last) = members.last() else { break };
                after.clone_from(last);
                let piece = |member| Piece::Member { set: set.clone(), member };
                if to.send(members.into_iter().map(piece).collect()).await.is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    async fn tell_logs(
        &self,
        keys: Vec<Key>,
        told: &mut HashSet<Key>,
        to: &Sender<Vec<Piece>>,
    ) -> Result<bool, Unavailable> {
        for log in keys {
            if !told.insert(log.clone()) {
                continue;
            }
            let mut after = 0;
            loop {
                let entries = self.read(&log, after, PAGE).await?;
                let Some((last, _)) = entries.last() else { break };
                after = *last;
                let piece = |(position, entry)| Piece::Entry { log: log.clone(), position, entry };
                if to.send(entries.into_iter().map(piece).collect()).await.is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// What [`Backend::ping`](super::super::backend::Backend::ping) writes.
fn is_ping(key: &Key) -> bool {
    key.as_bytes().ends_with(b"}:ping")
}

/// Rounded up, so that nothing is over too early.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second() + 1).unwrap_or(at)
}
