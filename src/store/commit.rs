//! From a [`Tx`] to a batch, and from a lost reply to the truth.

use std::mem;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::backend::{Backend, Batch, Commit, Durability, Expect, Key, Partition, Put, Unavailable};
use super::decoded::Kept;
use super::deliveries::undelivered_place;
use super::keys::{Due, due_set, tenants_set, undelivered_set};
use super::tx::{Name, Op, Place, Tx};
use super::{StoreError, TenantKeys, TenantStore};
use crate::clock::Clock;

/// How often a batch whose reply was lost, and which then proved not to have taken effect, is tried again.
const TRIES: u32 = 3;
/// After this time nobody is asked any more what became of a batch, so that a caller can answer 503 in time.
const WITHIN: Duration = Duration::from_millis(1800);
/// Waits between questions after a lost reply.
const PAUSES: [u64; 4] = [50, 100, 200, 400];
/// How long a batch's id record is kept: longer than any batch can be on its way. There is one for each commit of
/// this time, so that it is not longer than that.
const MARK_TTL: Duration = Duration::from_mins(2);
/// The id record of a batch that took effect, and of one that never will.
const DONE: &[u8] = b"done";
const VOID: &[u8] = b"void";

impl TenantStore {
    /// Does everything in `tx`, or nothing. After [`StoreError::Conflict`] and [`StoreError::Unavailable`] nothing
    /// was changed; only [`StoreError::Unknown`] leaves it open.
    pub async fn commit(&self, mut tx: Tx, durability: Durability) -> Result<(), StoreError> {
        if tx.is_empty() {
            return Ok(());
        }
        let inner = &self.store.inner;
        let links = mem::take(&mut tx.links);
        let events = mem::take(&mut tx.events);
        let figures = mem::take(&mut tx.figures);
        let delivers = tx.delivers;
        let (now, mut kept) = (inner.clock.now(), Vec::new());
        let sealing = tx.audits.then(|| self.keys.sealing.of(now));
        let mut batch = self.batch(tx, now, &mut kept);
        if let Some(due) = sealing.as_ref().filter(|sealing| sealing.is_news) {
            batch.adds.push(self.sealing_due(due.at));
        }
        let listed = self.keys.listed.load(Ordering::Relaxed);
        if !listed {
            let tenant = self.keys.tenant.as_str().as_bytes().to_vec();
            batch.adds.push((tenants_set(self.keys.partition), tenant));
        }
        let deletes = batch.deletes.clone();
        apply(&*inner.backend, &inner.clock, self.keys.partition, batch, durability).await?;
        for key in &deletes {
            self.keys.decoded.forget(key);
        }
        for (key, sealed, record) in kept {
            self.keys.decoded.keep(key, sealed, record, now);
        }
        if !listed {
            self.keys.listed.store(true, Ordering::Relaxed);
        }
        if let Some(sealing) = sealing {
            self.note_sealing(&sealing).await;
        }
        inner.gathered.count(self.tenant(), figures);
        inner.changes.tell(&links, self.tenant(), !events.is_empty());
        if delivers {
            inner.changes.wake(self.keys.partition);
        }
        for kind in events {
            metrics::counter!("countersign_events_total", "type" => kind.as_str()).increment(1);
        }
        Ok(())
    }

    /// The batch, and the records that are worth keeping once it is done.
    fn batch(&self, tx: Tx, now: Timestamp, kept: &mut Vec<(Key, Bytes, Kept)>) -> Batch {
        let keys = &self.keys;
        let mut batch = Batch::default();
        for op in tx.ops {
            match op {
                Op::Put { kind, place, expect, plain, record, until } => {
                    let Target { key, elsewhere, from, .. } = Target::of(keys, kind, place);
                    let value = Bytes::from(keys.seal(kind, key.as_bytes(), plain, self.nonce()));
                    match (expect, from) {
                        (Some(expect @ Expect::At(_)), Some(from)) => {
                            batch.deletes.push(from.clone());
                            batch.expects.extend([(from, expect), (key.clone(), Expect::Absent)]);
                        }
                        (expect, _) => batch.expects.extend(expect.map(|expect| (key.clone(), expect))),
                    }
                    match expect {
                        Some(Expect::Absent) => {
                            batch.expects.extend(elsewhere.into_iter().map(|key| (key, Expect::Absent)));
                        }
                        Some(Expect::At(_)) => {}
                        // Whatever stood under this text, it is this now.
                        None => batch.deletes.extend(elsewhere),
                    }
                    kept.extend(record.map(|record| (key.clone(), value.clone(), record)));
                    batch.puts.push(Put { key, value, ttl: until.map(|until| ttl(now, until)) });
                }
                Op::Delete(key) => batch.deletes.push(key),
                Op::Forget { kind, place } => {
                    let Target { key, elsewhere, .. } = Target::of(keys, kind, place);
                    batch.deletes.extend(elsewhere.into_iter().chain([key]));
                }
                Op::Expect(key, version) => batch.expects.push((key, Expect::At(version))),
                Op::Member { is_in, set, set_kind, member } => {
                    let member = name(keys, member);
                    let Target { key, elsewhere, previous, .. } = Target::of(keys, set_kind, set);
                    let leaves = if is_in { Vec::from_iter(previous) } else { elsewhere };
                    batch.removes.extend(leaves.into_iter().map(|key| (key, member.clone())));
                    let list = if is_in { &mut batch.adds } else { &mut batch.removes };
                    list.push((key, member));
                }
                Op::Append { log, entry } => batch.appends.push((keys.key(log, ""), entry)),
                Op::Undelivered { is_in, at, id } => {
                    let list = if is_in { &mut batch.adds } else { &mut batch.removes };
                    list.push((undelivered_set(keys.partition), undelivered_place(&keys.tenant, at, &id)));
                }
                Op::AppendSealed { log, plain } => {
                    let key = keys.key(log, "");
                    let sealed = keys.seal(log, key.as_bytes(), plain, self.nonce());
                    batch.appends.push((key, sealed));
                }
                Op::Due { is_in, kind, at, id } => {
                    let list = if is_in { &mut batch.adds } else { &mut batch.removes };
                    let id = String::from_utf8(name(keys, id)).expect("an id and a hash are texts");
                    let due = Due { at, kind, tenant: keys.tenant.clone(), id };
                    list.push((due_set(keys.partition), due.to_member()));
                }
            }
        }
        batch
    }
}

/// Where a record or a set goes while the index key may be in the middle of a replacement.
struct Target {
    key: Key,
    /// Where else it could stand, under the next and the previous index key: a record that must be new stands in
    /// none of these places, and what is taken out is taken out of all of them.
    elsewhere: Vec<Key>,
    /// The one of these that is on its way out.
    previous: Option<Key>,
    /// Where it stood until now.
    from: Option<Key>,
}

impl Target {
    fn of(keys: &TenantKeys, kind: &str, place: Place) -> Self {
        let hashed = |purpose: &str, text: &str| {
            let names = keys.names(purpose, text);
            let key = |name: &str| keys.key(kind, name);
            Self {
                key: key(&names.active),
                elsewhere: names.others().map(key).collect(),
                previous: names.previous.as_deref().map(key),
                from: None,
            }
        };
        let plain = |key| Self { key, elsewhere: Vec::new(), previous: None, from: None };
        match place {
            Place::Only => plain(keys.key(kind, "")),
            Place::Named(name) => plain(keys.key(kind, &name)),
            Place::Known(key) => plain(key),
            Place::Hashed(purpose, text) => hashed(purpose, &text),
            Place::Moved(from, purpose, text) => {
                let target = hashed(purpose, &text);
                // The index key may have been put back meanwhile.
                let from = Some(from).filter(|from| *from != target.key);
                Self { from, ..target }
            }
        }
    }
}

fn name(keys: &TenantKeys, name: Name) -> Vec<u8> {
    match name {
        Name::Is(bytes) => bytes,
        Name::Hashed(purpose, text) => keys.hash(purpose, &text).into_bytes(),
        Name::HashedAt(place, purpose, text) => [&place, keys.hash(purpose, &text).as_bytes()].concat(),
    }
}

/// Commits a batch. Where replies can be lost, the batch carries an id record, which must be absent before: so the
/// one who finds it knows that the batch took effect, and the one who writes it first knows that it never will.
pub(super) async fn apply(
    backend: &dyn Backend,
    clock: &Clock,
    partition: Partition,
    batch: Batch,
    durability: Durability,
) -> Result<(), StoreError> {
    if !backend.may_lose_replies() {
        return match backend.commit(partition, batch, durability).await? {
            Commit::Done => Ok(()),
            Commit::Conflict => Err(StoreError::Conflict),
            Commit::Unknown => Err(StoreError::Unknown),
        };
    }
    let done = apply_marked(backend, clock, partition, &batch, durability);
    tokio::time::timeout(WITHIN, done).await.unwrap_or(Err(StoreError::Unknown))
}

async fn apply_marked(
    backend: &dyn Backend,
    clock: &Clock,
    partition: Partition,
    batch: &Batch,
    durability: Durability,
) -> Result<(), StoreError> {
    for _ in 0..TRIES {
        let mark = Key::new(partition, &format!("batch:{}", clock.fresh_uuid().simple()));
        let mut marked = batch.clone();
        marked.expects.push((mark.clone(), Expect::Absent));
        marked.puts.push(mark_as(&mark, DONE));
        match backend.commit(partition, marked, durability).await? {
            Commit::Done => return Ok(()),
            Commit::Conflict => return Err(StoreError::Conflict),
            Commit::Unknown if took_effect(backend, &mark, durability).await? => return Ok(()),
            Commit::Unknown => {}
        }
    }
    Err(Unavailable::new("it lost every reply").into())
}

/// Finds out what became of a batch whose reply was lost. If it did not take effect yet, it never will after this.
async fn took_effect(backend: &dyn Backend, mark: &Key, durability: Durability) -> Result<bool, StoreError> {
    let mut pauses = PAUSES.into_iter();
    loop {
        if let Ok(Some(answer)) = settle(backend, mark, durability).await {
            return Ok(answer);
        }
        let pause = pauses.next().ok_or(StoreError::Unknown)?;
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// One attempt at it; none if this reply was lost, too.
async fn settle(
    backend: &dyn Backend,
    mark: &Key,
    durability: Durability,
) -> Result<Option<bool>, Unavailable> {
    let fence = Batch {
        expects: vec![(mark.clone(), Expect::Absent)],
        puts: vec![mark_as(mark, VOID)],
        ..Batch::default()
    };
    match backend.commit(mark.partition(), fence, Durability::Durable).await? {
        Commit::Done => return Ok(Some(false)),
        Commit::Unknown => return Ok(None),
        Commit::Conflict => {}
    }
    let found = backend.get(std::slice::from_ref(mark)).await?.pop().flatten();
    match found.as_ref().map(|found| &*found.value) {
        Some(DONE) if durability == Durability::Durable => {
            // Seen is not yet safe: a durable write behind it is safe only if the batch is.
            // And it must be behind this very mark: a master that took over without the batch has none.
            let seen = found.as_ref().map(|found| (mark.clone(), Expect::At(found.version)));
            let behind = Batch {
                expects: seen.into_iter().collect(),
                puts: vec![mark_as(mark, DONE)],
                ..Batch::default()
            };
            let safe = backend.commit(mark.partition(), behind, Durability::Durable).await?;
            Ok((safe == Commit::Done).then_some(true))
        }
        Some(DONE) => Ok(Some(true)),
        Some(_) => Ok(Some(false)),
        None => Ok(None),
    }
}

fn mark_as(mark: &Key, what: &'static [u8]) -> Put {
    Put { key: mark.clone(), value: Bytes::from_static(what), ttl: Some(MARK_TTL) }
}

/// Time from `now` to `until`; a moment at least, since a record that is written is meant to be read.
fn ttl(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default().max(Duration::from_mins(1))
}
