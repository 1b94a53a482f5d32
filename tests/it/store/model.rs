//! A backend against a simple model of it: random batches, and after each the same answers.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bytes::Bytes;
use countersign::store::backend::{Batch, Commit, Durability, Expect, Put, Version};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::Space;
use super::conformance::Shared;

/// Few names, so that steps meet.
const NAMES: u8 = 4;

#[derive(Debug, Clone)]
enum Step {
    Commit(Change),
    Reserve(u8, u64),
    Range { set: u8, after: Vec<u8>, limit: usize },
    Read { log: u8, after: u64, limit: usize },
}

#[derive(Debug, Clone)]
struct Change {
    expects: Vec<(u8, Wanted)>,
    deletes: Vec<u8>,
    puts: Vec<(u8, Vec<u8>)>,
    removes: Vec<(u8, Vec<u8>)>,
    adds: Vec<(u8, Vec<u8>)>,
    appends: Vec<(u8, Vec<u8>)>,
    durable: bool,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// What is there now: present at its version, or absent.
    Truth,
    Absent,
    /// The version that the key had before its latest change, or none of its own.
    Stale,
}

/// What a backend is, without anything that makes it fast or safe.
#[derive(Default)]
struct Model {
    records: BTreeMap<u8, (Vec<u8>, Version)>,
    stale: BTreeMap<u8, Version>,
    versions: HashSet<Version>,
    sets: BTreeMap<u8, BTreeSet<Vec<u8>>>,
    logs: BTreeMap<u8, Vec<Vec<u8>>>,
    counters: BTreeMap<u8, u64>,
}

/// Runs random histories on the backend, each in names of its own.
pub fn check(backend: &Shared) {
    let runtime = Runtime::new().unwrap();
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            runtime.block_on(run(backend, &Space::new(), steps));
            Ok(())
        })
        .unwrap();
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xff]), 0..3);
    let name = || 0..NAMES;
    prop_oneof![
        6 => change().prop_map(Step::Commit),
        1 => (name(), 1..5_u64).prop_map(|(counter, n)| Step::Reserve(counter, n)),
        1 => (name(), bytes(), 0..6_usize).prop_map(|(set, after, limit)| Step::Range { set, after, limit }),
        1 => (name(), 0..9_u64, 0..6_usize).prop_map(|(log, after, limit)| Step::Read { log, after, limit }),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xff]), 0..3);
    let pairs = move || prop::collection::vec((0..NAMES, bytes()), 0..3);
    let wanted = prop_oneof![8 => Just(Wanted::Truth), 1 => Just(Wanted::Absent), 1 => Just(Wanted::Stale)];
    let expects = prop::collection::vec((0..NAMES, wanted), 0..3);
    let deletes = prop::collection::vec(0..NAMES, 0..2);
    let parts = (expects, deletes, pairs(), pairs(), pairs(), pairs(), prop::bool::weighted(0.1));
    parts.prop_map(|(expects, deletes, puts, removes, adds, appends, durable)| Change {
        expects,
        deletes,
        puts,
        removes,
        adds,
        appends,
        durable,
    })
}

async fn run(backend: &Shared, space: &Space, steps: Vec<Step>) {
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Commit(change) => {
                let (batch, durability) = model.batch(space, &change);
                let expected = if model.holds(space, &batch) { Commit::Done } else { Commit::Conflict };
                assert_eq!(backend.commit(space.partition, batch, durability).await.unwrap(), expected);
                if expected == Commit::Done {
                    model.apply(&change);
                }
                model.compare_records(backend, space, expected == Commit::Done).await;
            }
            Step::Reserve(counter, n) => {
                let next = model.counters.entry(counter).or_insert(1);
                let first = backend.reserve(&space.key(&format!("counter{counter}")), n).await.unwrap();
                assert_eq!(first, *next);
                *next += n;
            }
            Step::Range { set, after, limit } => {
                let found = backend.range(&space.key(&format!("set{set}")), &after, limit).await.unwrap();
                let members = model.sets.entry(set).or_default().iter();
                let expected: Vec<_> =
                    members.filter(|member| **member > after).take(limit).cloned().collect();
                assert_eq!(found, expected);
            }
            Step::Read { log, after, limit } => {
                let found = backend.read(&space.key(&format!("log{log}")), after, limit).await.unwrap();
                let entries = (1..).zip(model.logs.entry(log).or_default().iter().cloned());
                let expected: Vec<_> =
                    entries.filter(|(position, _)| *position > after).take(limit).collect();
                assert_eq!(found, expected);
            }
        }
    }
}

impl Model {
    fn batch(&self, space: &Space, change: &Change) -> (Batch, Durability) {
        let key = |name: &u8| space.key(&format!("record{name}"));
        let named = |kind: &str, pairs: &[(u8, Vec<u8>)]| {
            pairs.iter().map(|(name, bytes)| (space.key(&format!("{kind}{name}")), bytes.clone())).collect()
        };
        let expects = change.expects.iter().map(|(name, wanted)| (key(name), self.expect(*name, *wanted)));
        let puts = change.puts.iter().map(|(name, bytes)| {
            let value = Bytes::copy_from_slice(bytes);
            Put { key: key(name), value, ttl: None }
        });
        let batch = Batch {
            expects: expects.collect(),
            deletes: change.deletes.iter().map(key).collect(),
            puts: puts.collect(),
            removes: named("set", &change.removes),
            adds: named("set", &change.adds),
            appends: named("log", &change.appends),
        };
        (batch, if change.durable { Durability::Durable } else { Durability::Relaxed })
    }

    fn expect(&self, name: u8, wanted: Wanted) -> Expect {
        match (wanted, self.records.get(&name)) {
            (Wanted::Truth, Some((_, version))) => Expect::At(*version),
            (Wanted::Truth, None) | (Wanted::Absent, _) => Expect::Absent,
            (Wanted::Stale, _) => {
                Expect::At(self.stale.get(&name).copied().unwrap_or(Version::new(u64::MAX >> 12)))
            }
        }
    }

    fn holds(&self, space: &Space, batch: &Batch) -> bool {
        batch.expects.iter().all(|(key, expect)| {
            let name = (0..NAMES).find(|name| space.key(&format!("record{name}")) == *key);
            match (self.records.get(&name.expect("one of ours")), expect) {
                (None, Expect::Absent) => true,
                (Some((_, version)), Expect::At(wanted)) => version == wanted,
                _ => false,
            }
        })
    }

    fn apply(&mut self, change: &Change) {
        for name in &change.deletes {
            self.forget(*name);
        }
        for (name, bytes) in &change.puts {
            // The backend chooses the version; `compare_records` learns it.
            self.forget(*name);
            self.records.insert(*name, (bytes.clone(), Version::new(0)));
        }
        for (set, member) in &change.removes {
            self.sets.entry(*set).or_default().remove(member);
        }
        for (set, member) in &change.adds {
            self.sets.entry(*set).or_default().insert(member.clone());
        }
        for (log, entry) in &change.appends {
            self.logs.entry(*log).or_default().push(entry.clone());
        }
    }

    fn forget(&mut self, name: u8) {
        if let Some((_, version)) = self.records.remove(&name)
            && version != Version::new(0)
        {
            self.stale.insert(name, version);
        }
    }

    /// Every value is the model's; a version is the known one, or one that was never seen before.
    async fn compare_records(&mut self, backend: &Shared, space: &Space, changed: bool) {
        let keys: Vec<_> = (0..NAMES).map(|name| space.key(&format!("record{name}"))).collect();
        let found = backend.get(&keys).await.unwrap();
        let mut fresh = HashSet::new();
        for (name, found) in (0..NAMES).zip(found) {
            let found = found.map(|found| (found.value.to_vec(), found.version));
            match (self.records.get_mut(&name), found) {
                (None, None) => {}
                (Some((bytes, version)), Some((value, at))) => {
                    assert_eq!(*bytes, value);
                    if *version == Version::new(0) {
                        assert!(changed && !self.versions.contains(&at), "a version was used again");
                        fresh.insert(at);
                        *version = at;
                    }
                    assert_eq!(*version, at);
                }
                (ours, theirs) => panic!("record {name}: the model has {ours:?}, the backend {theirs:?}"),
            }
        }
        self.versions.extend(fresh);
    }
}
