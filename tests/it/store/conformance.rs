//! What every backend must do. A case takes any backend; `suite!` runs all of them on one.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign::store::backend::{
    Backend, Batch, Commit, Durability, Expect, Key, Partition, Piece, Put, Version,
};
use tokio::sync::mpsc;

use super::Space;

/// Every case, handed to another macro behind what it is given.
macro_rules! all {
    ($then:ident!($($given:tt)*)) => {
        $then!($($given)*;
            a_value_that_was_put_is_read_and_a_deleted_one_is_not,
            several_keys_are_answered_in_their_order,
            several_keys_are_read_as_of_one_moment,
            an_expectation_that_does_not_hold_changes_nothing_at_all,
            a_version_is_never_used_again_even_after_delete_and_create,
            of_fifty_writers_that_expect_the_same_version_exactly_one_wins,
            of_fifty_writers_that_expect_absence_exactly_one_wins,
            a_set_is_read_in_byte_order_behind_a_member,
            members_are_removed_before_they_are_added_and_twice_is_once,
            records_are_deleted_before_they_are_put,
            log_positions_have_no_gap_even_under_a_race_and_with_conflicts,
            a_log_is_read_in_pages,
            reserved_numbers_start_at_one_and_are_given_once,
            a_batch_that_leaves_its_partition_is_refused_whole,
            a_record_with_time_to_live_is_there_before_it_is_over,
            bytes_of_any_kind_and_a_mebibyte_survive,
            an_empty_batch_is_done_and_an_empty_read_is_empty,
            both_durabilities_are_seen_by_the_next_read,
            everything_that_is_kept_is_dumped_once,
        );
    };
}

macro_rules! suite {
    ($name:ident, $open:path) => {
        mod $name {
            use $crate::store::conformance::cases;
            $crate::store::conformance::all!(cases!($open));

            #[test]
            fn it_behaves_like_the_model() {
                $crate::store::model::check(&$open().backend);
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn the_typed_store_holds_what_it_promises() {
                $crate::store::typed::check(&$open().backend).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn a_lease_has_one_holder_at_a_time() {
                $crate::store::leases::check(&$open().backend).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn lists_and_orders_hold_what_they_promise() {
                $crate::store::lists::check(&$open().backend).await;
            }
        }
    };
}

macro_rules! cases {
    ($open:path; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let opened = $open();
                $crate::store::conformance::$case(&opened.backend, $crate::store::Space::new()).await;
            }
        )*
    };
}

macro_rules! run {
    ($backend:expr, $space:expr; $($case:ident),* $(,)?) => {
        $($case($backend, $space()).await;)*
    };
}

pub(crate) use {all, cases, suite};

/// Runs all cases on one backend, for one that takes long to start.
pub async fn check_all(backend: &Shared, space: impl Fn() -> Space) {
    all!(run!(backend, space));
}

pub type Shared = Arc<dyn Backend>;

pub fn put(key: &Key, value: &[u8]) -> Put {
    Put { key: key.clone(), value: Bytes::copy_from_slice(value), ttl: None }
}

/// A batch that writes `value` if the expectation holds.
pub fn write(key: &Key, expect: Option<Expect>, value: &[u8]) -> Batch {
    let expects = expect.map(|expect| (key.clone(), expect)).into_iter().collect();
    Batch { expects, puts: vec![put(key, value)], ..Batch::default() }
}

async fn commit(backend: &Shared, space: &Space, batch: Batch) -> Commit {
    backend.commit(space.partition, batch, Durability::Relaxed).await.unwrap()
}

async fn done(backend: &Shared, space: &Space, batch: Batch) {
    assert_eq!(commit(backend, space, batch).await, Commit::Done);
}

async fn value(backend: &Shared, key: &Key) -> Option<Vec<u8>> {
    let found = backend.get(std::slice::from_ref(key)).await.unwrap().pop().unwrap();
    found.map(|found| found.value.to_vec())
}

async fn version(backend: &Shared, key: &Key) -> Version {
    let found = backend.get(std::slice::from_ref(key)).await.unwrap().pop().unwrap();
    found.expect("the record is there").version
}

pub async fn a_value_that_was_put_is_read_and_a_deleted_one_is_not(backend: &Shared, space: Space) {
    let key = space.key("a");
    assert_eq!(value(backend, &key).await, None);
    done(backend, &space, write(&key, None, b"one")).await;
    assert_eq!(value(backend, &key).await.as_deref(), Some(&b"one"[..]));
    done(backend, &space, write(&key, None, b"two")).await;
    assert_eq!(value(backend, &key).await.as_deref(), Some(&b"two"[..]));
    let delete = Batch { deletes: vec![key.clone()], ..Batch::default() };
    done(backend, &space, delete.clone()).await;
    assert_eq!(value(backend, &key).await, None);
    done(backend, &space, delete).await;
}

pub async fn several_keys_are_answered_in_their_order(backend: &Shared, space: Space) {
    let (a, b, c) = (space.key("a"), space.key("b"), space.key("c"));
    done(backend, &space, Batch { puts: vec![put(&a, b"1"), put(&c, b"3")], ..Batch::default() }).await;
    let found = backend.get(&[c.clone(), b, a.clone(), c]).await.unwrap();
    let values: Vec<_> = found.iter().map(|found| found.as_ref().map(|found| &found.value[..])).collect();
    assert_eq!(values, [Some(&b"3"[..]), None, Some(b"1"), Some(b"3")]);
    assert_eq!(
        found[0].as_ref().unwrap().version,
        found[2].as_ref().unwrap().version,
        "one batch, one version"
    );
}

pub async fn several_keys_are_read_as_of_one_moment(backend: &Shared, space: Space) {
    let places = [space.key("here"), space.key("there")];
    done(backend, &space, write(&places[0], None, b"x")).await;
    let (moving, keys, partition) = (backend.clone(), places.clone(), space.partition);
    let mover = tokio::spawn(async move {
        for round in 0..200 {
            let (from, to) = (&keys[round % 2], &keys[(round + 1) % 2]);
            let batch = Batch { deletes: vec![from.clone()], puts: vec![put(to, b"x")], ..Batch::default() };
            moving.commit(partition, batch, Durability::Relaxed).await.unwrap();
        }
    });
    while !mover.is_finished() {
        let found = backend.get(&places).await.unwrap();
        assert_eq!(found.iter().flatten().count(), 1, "what moves is in one place, never in two or none");
    }
    mover.await.unwrap();
}

pub async fn an_expectation_that_does_not_hold_changes_nothing_at_all(backend: &Shared, space: Space) {
    let (held, other, set, log) = (space.key("held"), space.key("other"), space.key("set"), space.key("log"));
    done(backend, &space, write(&held, None, b"old")).await;
    let at = version(backend, &held).await;
    done(backend, &space, write(&held, Some(Expect::At(at)), b"new")).await;
    let wrong = [
        (held.clone(), Expect::At(at)),
        (held.clone(), Expect::Absent),
        (space.key("missing"), Expect::At(at)),
    ];
    for expect in wrong {
        let batch = Batch {
            expects: vec![(other.clone(), Expect::Absent), expect],
            deletes: vec![held.clone()],
            puts: vec![put(&other, b"x")],
            removes: Vec::new(),
            adds: vec![(set.clone(), b"m".to_vec())],
            appends: vec![(log.clone(), b"e".to_vec())],
        };
        assert_eq!(commit(backend, &space, batch).await, Commit::Conflict);
    }
    assert_eq!(value(backend, &held).await.as_deref(), Some(&b"new"[..]));
    assert_eq!(value(backend, &other).await, None);
    assert!(backend.range(&set, &[], 9).await.unwrap().is_empty());
    assert!(backend.read(&log, 0, 9).await.unwrap().is_empty());
}

pub async fn a_version_is_never_used_again_even_after_delete_and_create(backend: &Shared, space: Space) {
    let key = space.key("a");
    let mut seen = HashSet::new();
    for _ in 0..10 {
        done(backend, &space, write(&key, Some(Expect::Absent), b"same")).await;
        let stale = version(backend, &key).await;
        assert!(seen.insert(stale));
        done(backend, &space, Batch { deletes: vec![key.clone()], ..Batch::default() }).await;
        assert_eq!(
            commit(backend, &space, write(&key, Some(Expect::At(stale)), b"x")).await,
            Commit::Conflict
        );
    }
}

async fn winners(backend: &Shared, space: &Space, batch: Batch) -> usize {
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (backend, batch, partition) = (Arc::clone(backend), batch.clone(), space.partition);
            tokio::spawn(async move { backend.commit(partition, batch, Durability::Durable).await.unwrap() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap() == Commit::Done);
    }
    winners
}

pub async fn of_fifty_writers_that_expect_the_same_version_exactly_one_wins(backend: &Shared, space: Space) {
    let key = space.key("a");
    done(backend, &space, write(&key, None, b"start")).await;
    let at = version(backend, &key).await;
    assert_eq!(winners(backend, &space, write(&key, Some(Expect::At(at)), b"won")).await, 1);
}

pub async fn of_fifty_writers_that_expect_absence_exactly_one_wins(backend: &Shared, space: Space) {
    let key = space.key("a");
    assert_eq!(winners(backend, &space, write(&key, Some(Expect::Absent), b"won")).await, 1);
}

pub async fn a_set_is_read_in_byte_order_behind_a_member(backend: &Shared, space: Space) {
    let (set, neighbour) = (space.key("set"), space.key("set2"));
    let members: [&[u8]; 6] = [b"\xff", b"b", b"", b"\x00", b"a\x00", b"a"];
    let mut adds: Vec<_> = members.iter().map(|member| (set.clone(), member.to_vec())).collect();
    adds.push((neighbour, b"theirs".to_vec()));
    done(backend, &space, Batch { adds, ..Batch::default() }).await;
    let range = async |after: &[u8], limit| backend.range(&set, after, limit).await.unwrap();
    // The empty member comes before every other and behind none.
    assert_eq!(range(b"", 9).await, [&b"\x00"[..], b"a", b"a\x00", b"b", b"\xff"]);
    assert_eq!(range(b"a", 2).await, [&b"a\x00"[..], b"b"]);
    assert_eq!(range(b"aa", 9).await, [&b"b"[..], b"\xff"]);
    assert!(range(b"\xff", 9).await.is_empty());
    assert!(range(b"", 0).await.is_empty());
}

pub async fn members_are_removed_before_they_are_added_and_twice_is_once(backend: &Shared, space: Space) {
    let set = space.key("set");
    let one = |member: &[u8]| vec![(set.clone(), member.to_vec())];
    done(backend, &space, Batch { removes: one(b"a"), adds: one(b"a"), ..Batch::default() }).await;
    done(backend, &space, Batch { adds: one(b"a"), ..Batch::default() }).await;
    done(backend, &space, Batch { removes: one(b"a"), adds: one(b"a"), ..Batch::default() }).await;
    assert_eq!(backend.range(&set, &[], 9).await.unwrap(), [b"a"]);
    done(backend, &space, Batch { removes: one(b"a"), ..Batch::default() }).await;
    assert!(backend.range(&set, &[], 9).await.unwrap().is_empty());
}

pub async fn records_are_deleted_before_they_are_put(backend: &Shared, space: Space) {
    let key = space.key("a");
    let batch = Batch { deletes: vec![key.clone()], ..write(&key, None, b"kept") };
    done(backend, &space, batch).await;
    assert_eq!(value(backend, &key).await.as_deref(), Some(&b"kept"[..]));
}

pub async fn log_positions_have_no_gap_even_under_a_race_and_with_conflicts(backend: &Shared, space: Space) {
    let (log, gone) = (space.key("log"), space.key("gone"));
    let stale = Version::new(u64::MAX >> 12);
    let tasks: Vec<_> = (0..40_u8)
        .map(|number| {
            let (backend, partition) = (Arc::clone(backend), space.partition);
            let fails = number % 4 == 0;
            let batch = Batch {
                expects: fails.then(|| (gone.clone(), Expect::At(stale))).into_iter().collect(),
                appends: vec![(log.clone(), vec![number]), (log.clone(), vec![number])],
                ..Batch::default()
            };
            tokio::spawn(async move {
                let done =
                    backend.commit(partition, batch, Durability::Relaxed).await.unwrap() == Commit::Done;
                assert_eq!(done, !fails);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let entries = backend.read(&log, 0, 1_000).await.unwrap();
    let positions: Vec<_> = entries.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (1..=60).collect::<Vec<_>>());
    assert!(entries.chunks(2).all(|pair| pair[0].1 == pair[1].1), "the entries of a batch stand together");
}

pub async fn a_log_is_read_in_pages(backend: &Shared, space: Space) {
    let log = space.key("log");
    for number in 1..=5_u8 {
        done(backend, &space, Batch { appends: vec![(log.clone(), vec![number])], ..Batch::default() }).await;
    }
    let read = async |after, limit| backend.read(&log, after, limit).await.unwrap();
    assert_eq!(read(0, 2).await, [(1, vec![1]), (2, vec![2])]);
    assert_eq!(read(2, 9).await, [(3, vec![3]), (4, vec![4]), (5, vec![5])]);
    assert!(read(5, 9).await.is_empty());
    assert!(read(u64::MAX, 9).await.is_empty());
}

pub async fn reserved_numbers_start_at_one_and_are_given_once(backend: &Shared, space: Space) {
    let counter = space.key("counter");
    assert_eq!(backend.reserve(&counter, 1).await.unwrap(), 1);
    assert_eq!(backend.reserve(&counter, 10).await.unwrap(), 2);
    assert_eq!(backend.reserve(&counter, 1).await.unwrap(), 12);
    assert_eq!(backend.reserve(&space.key("other"), 1).await.unwrap(), 1);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (backend, counter) = (Arc::clone(backend), counter.clone());
            tokio::spawn(async move { backend.reserve(&counter, 3).await.unwrap() })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tasks {
        let first = task.await.unwrap();
        taken.extend(first..first + 3);
    }
    taken.sort_unstable();
    assert_eq!(taken, (13..73).collect::<Vec<_>>());
}

pub async fn a_batch_that_leaves_its_partition_is_refused_whole(backend: &Shared, space: Space) {
    let (ours, theirs) = (space.key("a"), Key::new(Partition::new(0xa8), "foreign"));
    let batch = Batch { puts: vec![put(&ours, b"x"), put(&theirs, b"x")], ..Batch::default() };
    assert!(backend.commit(space.partition, batch, Durability::Relaxed).await.is_err());
    assert_eq!(value(backend, &ours).await, None);
}

pub async fn a_record_with_time_to_live_is_there_before_it_is_over(backend: &Shared, space: Space) {
    let key = space.key("a");
    let timed = Put { ttl: Some(Duration::from_mins(1)), ..put(&key, b"timed") };
    done(backend, &space, Batch { puts: vec![timed], ..Batch::default() }).await;
    assert_eq!(value(backend, &key).await.as_deref(), Some(&b"timed"[..]));
    let absent = write(&key, Some(Expect::Absent), b"x");
    assert_eq!(commit(backend, &space, absent).await, Commit::Conflict);
}

pub async fn bytes_of_any_kind_and_a_mebibyte_survive(backend: &Shared, space: Space) {
    let every: Vec<u8> = (0..=255).collect();
    let large = every.repeat(4096);
    let (a, b, empty) = (space.key("a"), space.key("b ü:{}\u{0}"), space.key("empty"));
    let puts = vec![put(&a, &every), put(&b, &large), put(&empty, b"")];
    done(backend, &space, Batch { puts, ..Batch::default() }).await;
    assert_eq!(value(backend, &a).await, Some(every));
    assert_eq!(value(backend, &b).await, Some(large));
    assert_eq!(value(backend, &empty).await, Some(Vec::new()));
}

pub async fn an_empty_batch_is_done_and_an_empty_read_is_empty(backend: &Shared, space: Space) {
    done(backend, &space, Batch::default()).await;
    assert!(backend.get(&[]).await.unwrap().is_empty());
    backend.ping().await.unwrap();
}

pub async fn both_durabilities_are_seen_by_the_next_read(backend: &Shared, space: Space) {
    let key = space.key("a");
    for (durability, text) in [(Durability::Durable, b"durable"), (Durability::Relaxed, b"relaxed")] {
        let batch = write(&key, None, text);
        assert_eq!(backend.commit(space.partition, batch, durability).await.unwrap(), Commit::Done);
        assert_eq!(value(backend, &key).await.as_deref(), Some(&text[..]));
    }
}

/// What a dump tells of this test's own names.
async fn dumped(backend: &Shared, space: &Space) -> Vec<Piece> {
    let (to, mut pieces) = mpsc::channel::<Vec<Piece>>(2);
    let own = space.key("").as_bytes().to_vec();
    let taken = async {
        let mut taken = Vec::new();
        while let Some(some) = pieces.recv().await {
            taken.extend(some.into_iter().filter(|piece| piece.key().as_bytes().starts_with(&own)));
        }
        taken
    };
    let (dump, taken) = tokio::join!(backend.dump(to), taken);
    dump.unwrap();
    taken
}

pub async fn everything_that_is_kept_is_dumped_once(backend: &Shared, space: Space) {
    let key = |name: &str| space.key(name);
    let lasting = Put { key: key("lasting"), value: Bytes::from_static(b"12345678"), ttl: None };
    let passing = Put { ttl: Some(Duration::from_hours(2)), ..put(&key("passing"), b"two") };
    let first = Batch {
        puts: vec![lasting, passing, put(&key("gone"), b"three")],
        adds: vec![(key("set"), b"b".to_vec()), (key("set"), b"a\0".to_vec()), (key("set"), b"c".to_vec())],
        appends: (0_u8..30).map(|number| (key("log"), vec![number])).collect(),
        ..Batch::default()
    };
    done(backend, &space, first).await;
    let second = Batch {
        deletes: vec![key("gone")],
        removes: vec![(key("set"), b"c".to_vec())],
        appends: vec![(key("log"), b"last".to_vec())],
        ..Batch::default()
    };
    done(backend, &space, second).await;
    backend.reserve(&key("counter"), 12_345_678).await.unwrap();

    let pieces = dumped(backend, &space).await;
    let mut records: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Record { key, value, expires } => Some((key.clone(), value.to_vec(), *expires)),
            _ => None,
        })
        .collect();
    records.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0], (key("lasting"), b"12345678".to_vec(), None));
    assert_eq!((&records[1].0, &records[1].1[..]), (&key("passing"), &b"two"[..]));
    let left = records[1].2.unwrap().duration_since(countersign::clock::Clock::system().now()).as_secs();
    assert!((7100..=7300).contains(&left), "{left}");
    let mut members: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Member { set, member } if *set == key("set") => Some(member.clone()),
            _ => None,
        })
        .collect();
    members.sort_unstable();
    assert_eq!(members, [b"a\0".to_vec(), b"b".to_vec()]);
    let entries: Vec<_> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Entry { log, position, entry } if *log == key("log") => Some((*position, entry.clone())),
            _ => None,
        })
        .collect();
    let wanted = (0_u8..30).map(|number| (u64::from(number) + 1, vec![number]));
    assert_eq!(entries, wanted.chain([(31, b"last".to_vec())]).collect::<Vec<_>>());
    let counter = Piece::Counter { counter: key("counter"), last: 12_345_678 };
    assert_eq!(pieces.iter().filter(|piece| **piece == counter).count(), 1);
    assert_eq!(pieces.len(), 2 + 2 + 31 + 1, "and nothing else");

    // Who listens no longer ends it.
    let (to, pieces) = mpsc::channel(1);
    drop(pieces);
    backend.dump(to).await.unwrap();
}
