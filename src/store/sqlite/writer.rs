//! The one thread that writes. It takes what is waiting, applies it in one transaction, commits
//! once, and only then answers: a hundred waiting batches cost one fsync.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::super::backend::{Batch, Durability, Key, Unavailable};
use super::{GRACE, PATIENCE, apply, schema};
use crate::clock::Clock;

/// Changes that may wait; more wait outside, and are refused when their patience is over.
const QUEUE: usize = 1024;
/// Changes in one transaction.
const GROUP: usize = 256;
/// Time between looks for expired records.
const PURGE_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// What is to be done.
pub(super) enum Change {
    Batch(Batch),
    Reserve(Key, u64),
    /// Nothing, but in its turn: whether the writer works at all.
    Probe,
}

/// What became of it.
pub(super) enum Outcome {
    Done,
    Conflict,
    Reserved(u64),
    /// The disk failed in the commit itself.
    Unknown,
}

struct Job {
    change: Change,
    durability: Durability,
    /// Set by the writer that starts it or by the caller that gives it up, whoever is first.
    taken: Arc<AtomicBool>,
    reply: oneshot::Sender<Result<Outcome, Unavailable>>,
}

pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(path: PathBuf, connection: Connection, clock: Clock) -> io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let run =
            Run { path, connection: Some(connection), clock, synchronous: None, purged: Timestamp::MIN };
        let thread =
            std::thread::Builder::new().name("sqlite-writer".into()).spawn(move || run.work(waiting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Waits until the change is committed. A caller that goes away takes nothing back.
    pub(super) async fn run(&self, change: Change, durability: Durability) -> Result<Outcome, Unavailable> {
        let jobs = self.jobs.as_ref().expect("the queue is closed by drop only");
        let taken = Arc::new(AtomicBool::new(false));
        let (reply, mut answer) = oneshot::channel();
        let job = Job { change, durability, taken: Arc::clone(&taken), reply };
        let turn = async {
            // A closed queue has dropped the job, which closes the answer.
            drop(jobs.send(job).await);
            (&mut answer).await
        };
        let answer = match tokio::time::timeout(PATIENCE, turn).await {
            Err(_) if !taken.swap(true, Ordering::AcqRel) => {
                return Err(Unavailable::new("the write queue does not move"));
            }
            // The writer is at it: only its answer says what became of it.
            Err(_) => match tokio::time::timeout(GRACE, answer).await {
                Err(_) => return Ok(Outcome::Unknown),
                Ok(answer) => answer,
            },
            Ok(answer) => answer,
        };
        answer.unwrap_or_else(|_| Err(Unavailable::new("the writer has stopped")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so; there is nothing left to end.
            drop(thread.join());
        }
    }
}

/// The thread's own state.
struct Run {
    path: PathBuf,
    /// None after a failure, until it can be opened again.
    connection: Option<Connection>,
    clock: Clock,
    /// What `PRAGMA synchronous` was set to last.
    synchronous: Option<Durability>,
    purged: Timestamp,
}

impl Run {
    fn work(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = waiting.blocking_recv() {
            group.push(first);
            while group.len() < GROUP
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            group.retain(|job| !job.taken.swap(true, Ordering::AcqRel));
            self.answer(&mut group);
            self.purge();
        }
    }

    fn answer(&mut self, group: &mut Vec<Job>) {
        let results = self.commit(group).unwrap_or_else(|error| {
            tracing::error!(%error, changes = group.len(), "the store cannot write");
            group.iter().map(|_| Err(Unavailable::new(&error))).collect()
        });
        if results.iter().any(|result| matches!(result, Err(_) | Ok(Outcome::Unknown))) {
            // A fresh connection knows nothing of what went wrong on this one.
            self.connection = None;
        }
        for (job, result) in group.drain(..).zip(results) {
            // A caller that went away wants no answer.
            drop(job.reply.send(result));
        }
    }

    /// Applies the group in one transaction. An error means that nothing of it took effect.
    fn commit(&mut self, group: &[Job]) -> rusqlite::Result<Vec<Result<Outcome, Unavailable>>> {
        let durable = group.iter().any(|job| job.durability == Durability::Durable);
        let now = self.clock.now();
        let connection = self.open(if durable { Durability::Durable } else { Durability::Relaxed })?;
        apply::execute(connection, "BEGIN IMMEDIATE")?;
        let mut version = last_version(connection)?;
        let before = version;
        let mut results = Vec::with_capacity(group.len());
        for job in group {
            match apply::apply(connection, &job.change, version + 1, now) {
                Ok(outcome) => {
                    version += i64::from(matches!(outcome, Outcome::Done));
                    results.push(Ok(outcome));
                }
                // Some errors (a full disk) have ended the whole transaction: then nobody's change is in it.
                Err(error) if connection.is_autocommit() => return Err(error),
                Err(error) => results.push(Err(Unavailable::new(error))),
            }
        }
        if version > before {
            connection.prepare_cached("UPDATE version SET last = ?1")?.execute([version])?;
        }
        match apply::execute(connection, "COMMIT") {
            Ok(()) => Ok(results),
            // The commit may stand in the log though the disk did not confirm it: it shows after a crash only.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
                tracing::error!(%error, changes = group.len(), "the store's disk failed in a commit");
                Ok(group.iter().map(|_| Ok(Outcome::Unknown)).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// The connection, opened again if the last one failed, with the durability that the group needs.
    fn open(&mut self, durability: Durability) -> rusqlite::Result<&Connection> {
        if self.connection.is_none() {
            self.connection = Some(schema::connect(&self.path)?);
            self.synchronous = None;
        }
        let connection = self.connection.as_ref().expect("it was opened above");
        if self.synchronous != Some(durability) {
            let level = match durability {
                Durability::Durable => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            connection.pragma_update(None, "synchronous", level)?;
            self.synchronous = Some(durability);
        }
        Ok(connection)
    }

    /// Frees the space of expired records now and then. A failure is seen again by the next commit.
    fn purge(&mut self) {
        let now = self.clock.now();
        if now.duration_since(self.purged) < PURGE_EVERY {
            return;
        }
        let Some(connection) = &self.connection else { return };
        match apply::purge(connection, now) {
            Ok(true) => {}
            Ok(false) => self.purged = now,
            Err(error) => tracing::warn!(%error, "expired records were not purged"),
        }
    }
}

fn last_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT last FROM version")?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::super::backend::{Partition, Put};
    use super::*;

    fn large(name: u32) -> Change {
        let key = Key::new(Partition::new(0), &format!("large{name}"));
        let put = Put { key, value: Bytes::from(vec![7; 100_000]), ttl: None };
        Change::Batch(Batch { puts: vec![put], ..Batch::default() })
    }

    fn count(path: &std::path::Path) -> u32 {
        let connection = schema::connect(path).unwrap();
        connection.query_row("SELECT count(*) FROM record", [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_the_writer_works_again_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let connection = schema::create_or_open(&path).unwrap();
        // The limit belongs to this connection: the one that the writer opens next has room again.
        let pages: i64 =
            connection.pragma_update_and_check(None, "max_page_count", 100, |row| row.get(0)).unwrap();
        assert_eq!(pages, 100);
        let writer = Writer::start(path.clone(), connection, Clock::system()).unwrap();
        let mut written = 0;
        let refused = loop {
            match writer.run(large(written), Durability::Durable).await {
                Ok(outcome) => assert!(matches!(outcome, Outcome::Done)),
                Err(refused) => break refused,
            }
            written += 1;
            assert!(written < 100, "the limit holds");
        };
        assert!(refused.reason.contains("full"), "{refused}");
        assert_eq!(count(&path), written, "what was acknowledged is there, and nothing else");
        let again = writer.run(large(written), Durability::Durable).await;
        assert!(matches!(again, Ok(Outcome::Done)));
        assert_eq!(count(&path), written + 1);
    }

    #[tokio::test]
    async fn changes_of_one_group_have_versions_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let connection = schema::create_or_open(&path).unwrap();
        let blocker = schema::connect(&path).unwrap();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let writer = Writer::start(path.clone(), connection, Clock::system()).unwrap();
        let writer = Arc::new(writer);
        let tasks: Vec<_> = (0..20)
            .map(|name| {
                let writer = Arc::clone(&writer);
                tokio::spawn(async move { writer.run(large(name), Durability::Relaxed).await })
            })
            .collect();
        // Every task has queued its change before the lock goes: the first is tried alone, the rest waits.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        blocker.execute_batch("ROLLBACK").unwrap();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), Ok(Outcome::Done)));
        }
        let versions = "SELECT count(DISTINCT version) FROM record";
        let connection = schema::connect(&path).unwrap();
        assert_eq!(connection.query_row(versions, [], |row| row.get::<_, i64>(0)).unwrap(), 20);
    }

    #[tokio::test]
    async fn dropping_the_writer_waits_for_what_it_took() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let connection = schema::create_or_open(&path).unwrap();
        let writer = Writer::start(path.clone(), connection, Clock::system()).unwrap();
        let (reply, _) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let job = Job { change: large(1), durability: Durability::Durable, taken, reply };
        assert!(writer.jobs.as_ref().unwrap().try_send(job).is_ok());
        drop(writer);
        assert_eq!(count(&path), 1);
    }

    #[tokio::test]
    async fn a_change_that_was_given_up_in_the_queue_is_never_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let connection = schema::create_or_open(&path).unwrap();
        let writer = Writer::start(path.clone(), connection, Clock::system()).unwrap();
        let (reply, answer) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(true));
        let job = Job { change: large(1), durability: Durability::Durable, taken, reply };
        assert!(writer.jobs.as_ref().unwrap().try_send(job).is_ok());
        assert!(answer.await.is_err(), "it is dropped without an answer");
        drop(writer);
        assert_eq!(count(&path), 0);
    }
}
