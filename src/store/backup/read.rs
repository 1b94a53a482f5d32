//! From a file to a store: the whole file is looked through first, and only then written. What is in
//! the store already is left alone: only an empty store takes a backup.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::Bytes;

use super::super::backend::{Batch, Durability, Expect, Key, Partition, Piece, Put};
use super::super::commit::apply;
use super::super::keys::tenants_set;
use super::super::{Store, StoreError};
use super::file::{Frame, Reader};
use super::{BackupError, Header, Summary, piece};

/// Pieces that are written together, and the bytes after which they are.
const AT_ONCE: usize = 256;
const BYTES: usize = 512 * 1024;
/// The record that stands in every partition that an import has begun to fill.
const MARK: &str = "importing";

/// A backup that was looked through from its beginning to its end.
#[derive(Debug)]
pub struct Import<F> {
    file: F,
    /// What it says of itself.
    pub header: Header,
    /// What it holds.
    pub summary: Summary,
}

/// What is to be written next into one partition.
struct Filling<'s> {
    store: &'s Store,
    partition: Partition,
    batch: Batch,
    pieces: usize,
    bytes: usize,
}

impl Store {
    /// Looks through a whole backup: that it is complete and as it was written, that the keys that it needs are here,
    /// and that the store is empty. Changes nothing.
    pub async fn check_backup<F: Read + Seek>(&self, mut file: F) -> Result<Import<F>, BackupError> {
        file.seek(SeekFrom::Start(0))?;
        let (mut reader, header) = Reader::begin(&mut file, |header| self.backup_key(header))?;
        let mut counted = Summary::default();
        let summary = loop {
            match reader.read()? {
                Frame::Pieces(frame) => {
                    let pieces = piece::parse(frame).map_err(|_| BackupError::Altered(reader.number()))?;
                    for piece in &pieces {
                        counted.count(piece);
                    }
                }
                Frame::End(summary) => break summary,
            }
        };
        counted.as_of = summary.as_of;
        if counted != summary {
            return Err(BackupError::Altered(reader.number()));
        }
        drop(reader);
        self.check_keys(&header, &summary)?;
        self.check_empty().await?;
        Ok(Import { file, header, summary })
    }

    /// Writes a backup that was looked through into the store, and tells now and then how many pieces that were.
    pub async fn import<F: Read + Seek>(
        &self,
        import: Import<F>,
        mut progress: impl FnMut(u64),
    ) -> Result<Summary, BackupError> {
        let Import { mut file, summary, .. } = import;
        file.seek(SeekFrom::Start(0))?;
        let (mut reader, _) = Reader::begin(&mut file, |header| self.backup_key(header))?;
        self.mark(true).await?;
        let (mut filling, mut done) = (None, 0);
        let mut ends = HashMap::new();
        while let Frame::Pieces(frame) = reader.read()? {
            for piece in piece::parse(frame).map_err(|_| BackupError::Altered(reader.number()))? {
                done += 1;
                let partition = piece.key().partition();
                if let Some(other) = filling.take_if(|filling: &mut Filling<'_>| !filling.takes(partition)) {
                    other.write().await?;
                    progress(done);
                }
                let filling = filling.get_or_insert_with(|| Filling::of(self, partition));
                filling.add(piece, &mut ends).await?;
            }
        }
        if let Some(rest) = filling {
            rest.write().await?;
        }
        self.mark(false).await?;
        progress(done);
        Ok(summary)
    }

    fn backup_key(&self, header: &Header) -> Result<aws_lc_rs::aead::LessSafeKey, BackupError> {
        let key = self.inner.ring.backup_key(&header.key, header.salt.as_bytes());
        key.ok_or_else(|| BackupError::UnknownKey(header.key.chars().take(64).collect()))
    }

    /// What is sealed must open here, and what is found by a keyed hash must be found.
    fn check_keys(&self, header: &Header, summary: &Summary) -> Result<(), BackupError> {
        if let Some(missing) = summary.keys.iter().find(|id| !self.inner.ring.has_seal(id)) {
            return Err(BackupError::UnknownKey(missing.clone()));
        }
        let here = self.inner.ring.index_prints();
        if header.index.iter().all(|print| here.contains(print)) {
            Ok(())
        } else {
            Err(BackupError::OtherIndex)
        }
    }

    /// Everything that is ever stored is stored for a tenant, whose name stands in its partition's list.
    async fn check_empty(&self) -> Result<(), BackupError> {
        if is_cut_short(self).await? {
            return Err(BackupError::CutShort);
        }
        for partition in Partition::all() {
            if !self.inner.backend.range(&tenants_set(partition), &[], 1).await?.is_empty() {
                return Err(BackupError::NotEmpty);
            }
        }
        Ok(())
    }

    /// Says in one partition, which is the first to be marked and the last to be safe, that an import is under way.
    async fn mark(&self, begins: bool) -> Result<(), BackupError> {
        let mark = mark();
        let expects = if begins { vec![(mark.clone(), Expect::Absent)] } else { Vec::new() };
        let put = Put { key: mark.clone(), value: Bytes::from_static(b"1"), ttl: None };
        let (puts, deletes) = if begins { (vec![put], Vec::new()) } else { (Vec::new(), vec![mark.clone()]) };
        let batch = Batch { expects, deletes, puts, ..Batch::default() };
        Ok(self.write(mark.partition(), batch, Durability::Durable).await?)
    }

    async fn write(
        &self,
        partition: Partition,
        batch: Batch,
        durability: Durability,
    ) -> Result<(), StoreError> {
        apply(&*self.inner.backend, &self.inner.clock, partition, batch, durability).await
    }
}

/// Whether an import has begun to fill the store and was cut short: such a store must not be served.
pub async fn is_cut_short(store: &Store) -> Result<bool, StoreError> {
    Ok(store.inner.backend.get(&[mark()]).await?.pop().flatten().is_some())
}

fn mark() -> Key {
    Key::new(Partition::new(0), MARK)
}

impl<'s> Filling<'s> {
    fn of(store: &'s Store, partition: Partition) -> Self {
        Self { store, partition, batch: Batch::default(), pieces: 0, bytes: 0 }
    }

    /// Whether a piece of this partition fits in.
    fn takes(&self, partition: Partition) -> bool {
        self.partition == partition && self.pieces < AT_ONCE && self.bytes < BYTES
    }

    async fn add(&mut self, piece: Piece, ends: &mut HashMap<Key, u64>) -> Result<(), BackupError> {
        self.pieces += 1;
        match piece {
            Piece::Record { key, value, expires } => {
                let now = self.store.inner.clock.now();
                let left = expires.map(|at| Duration::try_from(at.duration_since(now)));
                // What is over its time to live is nowhere any more.
                let ttl = match left {
                    Some(Err(_)) => return Ok(()),
                    Some(Ok(left)) if left.is_zero() => return Ok(()),
                    Some(Ok(left)) => Some(left),
                    None => None,
                };
                self.bytes += value.len();
                self.batch.puts.push(Put { key, value, ttl });
            }
            Piece::Member { set, member } => self.batch.adds.push((set, member)),
            Piece::Entry { log, position, entry } => {
                let end = ends.entry(log.clone()).or_insert(0);
                if position <= *end {
                    return Ok(());
                }
                // Positions are assigned in order; a hole stays one.
                while *end + 1 < position {
                    *end += 1;
                    self.batch.appends.push((log.clone(), Vec::new()));
                }
                *end = position;
                self.bytes += entry.len();
                self.batch.appends.push((log, entry));
            }
            Piece::Counter { counter, last } => {
                if last > 0 {
                    self.store.inner.backend.reserve(&counter, last).await?;
                }
            }
        }
        Ok(())
    }

    async fn write(self) -> Result<(), BackupError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        Ok(self.store.write(self.partition, self.batch, Durability::Durable).await?)
    }
}
