//! The one thread that writes. It takes what is waiting, judges it, commits it as one row of the
//! journal, and only then answers: a hundred waiting batches cost one fsync. When the journal has
//! grown, or nothing else is to be done, it writes it into the tables.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, ErrorCode};

use super::super::backend::{Batch, Durability, Key, Unavailable};
use super::group::Group;
use super::layer::Layer;
use super::overlay::Overlay;
use super::presence::{NoPlace, Place, Presence};
use super::queue::{Answer, Job, Next, Queue, answer};
use super::strain::Strain;
use super::{fold, schema};
use crate::clock::Clock;

/// Changes in the journal after which it is written into the tables, and their bytes: some 10 ms of work.
const FOLD_CHANGES: usize = 8192;
const FOLD_BYTES: usize = 8 * 1024 * 1024;
/// The journal is written into the tables when nothing has come for so long.
const QUIET: Duration = Duration::from_secs(1);
/// How many changes in one group are a crowd. After it the writer rests, so that the next group is a large one, too:
/// a commit costs the processor ten times as much as one more change in it, and a crowd waits for its turn anyway.
const CROWD: usize = 3;
const REST: Duration = Duration::from_millis(1);
/// A journal that cannot be written into the tables and is so many times too long takes no more changes.
const OVERFLOW: usize = 16;
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

pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        path: PathBuf,
        connection: Connection,
        clock: Clock,
        overlay: Arc<Overlay>,
        presence: Arc<Presence>,
        strain: Arc<Strain>,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue::new());
        let seen = overlay.lock().last();
        let run = Run {
            path,
            connection: Some(connection),
            clock,
            seen,
            overlay,
            presence,
            strain,
            synchronous: None,
            is_doubtful: false,
            purged: Timestamp::MIN,
        };
        let (inside, builder) =
            (Arc::clone(&queue), std::thread::Builder::new().name("sqlite-writer".into()));
        let thread = builder.spawn(move || {
            let abandon = Abandon(inside);
            run.work(&abandon.0);
        })?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Waits until the change is committed. A caller that goes away takes nothing back.
    pub(super) async fn run(&self, change: Change, durability: Durability) -> Answer {
        self.queue.run(change, durability).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has said so; there is nothing left to end.
            drop(thread.join());
        }
    }
}

/// Answers everybody when the thread ends, even by a panic.
struct Abandon(Arc<Queue>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The thread's own state.
struct Run {
    path: PathBuf,
    /// None after a failure, until it can be opened again.
    connection: Option<Connection>,
    clock: Clock,
    overlay: Arc<Overlay>,
    presence: Arc<Presence>,
    /// The last change that is ours, or that we have made room for.
    seen: i64,
    strain: Arc<Strain>,
    /// What `PRAGMA synchronous` was set to last.
    synchronous: Option<Durability>,
    /// The disk has failed in a commit: what it took before may be missing in the write-ahead log.
    is_doubtful: bool,
    purged: Timestamp,
}

/// What a group's transaction came to.
struct Committed {
    answers: Vec<Answer>,
    /// What it changed, up to which change.
    layer: Option<(Layer, i64)>,
}

impl Run {
    fn work(mut self, queue: &Queue) {
        loop {
            match queue.next(QUIET) {
                Next::Group(group) => {
                    let crowded = group.len() >= CROWD;
                    self.make(group);
                    if crowded {
                        thread::sleep(REST);
                    }
                }
                Next::Quiet => self.look_around(),
                Next::Closed => return self.fold_if(|_| true),
            }
            self.fold_if(|layer| layer.changes >= FOLD_CHANGES || layer.bytes >= FOLD_BYTES);
            self.purge();
        }
    }

    /// Makes the changes of a group and answers them. If the database refuses the group, each change is made alone.
    fn make(&mut self, group: Vec<Job>) {
        self.strain.writing(true);
        match self.commit(&group) {
            Ok(answers) => answer(group, answers),
            Err(error) if group.len() > 1 && is_of_one_change(&error) => {
                tracing::warn!(%error, changes = group.len(), "the store refuses a group; its changes are made alone");
                self.connection = None;
                for job in group {
                    self.make(vec![job]);
                }
            }
            Err(error) => {
                tracing::error!(%error, changes = group.len(), "the store cannot write");
                // A fresh connection knows nothing of what went wrong on this one.
                self.connection = None;
                let answers = group.iter().map(|_| Err(Unavailable::new(&error))).collect();
                answer(group, answers);
            }
        }
        self.strain.writing(false);
    }

    /// Commits a group in one transaction. An error means that nothing of it took effect.
    fn commit(&mut self, group: &[Job]) -> rusqlite::Result<Vec<Answer>> {
        if self.is_overflowing() {
            let full = || Err(Unavailable::new("the journal cannot be written into the tables"));
            return Ok(group.iter().map(|_| full()).collect());
        }
        let durable = group.iter().any(|job| job.durability == Durability::Durable);
        let now = self.clock.now();
        self.open(if durable { Durability::Durable } else { Durability::Relaxed })?;
        if self.presence.place() == Place::Lost {
            self.settle()?;
        }
        let connection = self.connection.as_ref().expect("it was opened above");
        execute(connection, "BEGIN IMMEDIATE")?;
        let mut made = Group::begin(connection, &self.overlay, now)?;
        if made.last() != self.seen && self.presence.is_alone() {
            // Others wait for our place outside of their transactions, but a writer of theirs may want this lock.
            drop(made);
            execute(connection, "ROLLBACK")?;
            self.make_room()?;
            return self.commit(group);
        }
        let answers: rusqlite::Result<Vec<Answer>> =
            group.iter().map(|job| made.take(&job.change).map(Ok)).collect();
        let made = Committed { answers: answers?, layer: made.end()? };
        match execute(connection, "COMMIT") {
            Ok(()) => {
                if let Some((layer, last)) = made.layer {
                    self.seen = last;
                    self.overlay.committed(layer, last);
                }
                Ok(made.answers)
            }
            // The commit may stand in the log though the disk did not confirm it: it shows after a crash only.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
                tracing::error!(%error, changes = group.len(), "the store's disk failed in a commit");
                self.connection = None;
                self.is_doubtful = true;
                Ok(group.iter().map(|_| Ok(Outcome::Unknown)).collect())
            }
            Err(error) => Err(error),
        }
    }

    /// The connection, opened again if the last one failed, with the durability that the group needs.
    fn open(&mut self, durability: Durability) -> rusqlite::Result<()> {
        if self.connection.is_none() {
            self.connection = Some(schema::connect(&self.path)?);
            self.synchronous = None;
        }
        let connection = self.connection.as_ref().expect("it was opened above");
        if self.is_doubtful {
            checkpoint(connection)?;
            self.is_doubtful = false;
        }
        if self.synchronous != Some(durability) {
            let level = match durability {
                Durability::Durable => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            connection.pragma_update(None, "synchronous", level)?;
            self.synchronous = Some(durability);
        }
        Ok(())
    }

    /// Another process has knocked.
    fn make_room(&mut self) -> rusqlite::Result<()> {
        let connection = self.connection.as_ref().expect("a knock was read on it");
        self.presence.make_room(connection).map_err(taken)?;
        self.seen = self.overlay.current(connection)?.last();
        Ok(())
    }

    /// Takes a place at the file again, or finds out whether we are alone at it now.
    fn settle(&self) -> rusqlite::Result<()> {
        let connection = self.connection.as_ref().expect("whoever settles has opened it");
        self.presence.settle(connection, &self.overlay).map_err(taken)
    }

    /// Nothing is to be done: the journal goes into the tables, and who is at the file is looked at.
    fn look_around(&mut self) {
        self.fold_if(|_| true);
        let Some(connection) = &self.connection else { return };
        let was_alone = self.presence.is_alone();
        if !was_alone && let Err(error) = self.settle() {
            tracing::error!(%error, "the place at the store file is lost");
        }
        match self.overlay.current(connection).map(|state| state.last()) {
            Ok(last) if last != self.seen && was_alone => drop(self.make_room()),
            Ok(last) => self.seen = last,
            Err(error) => tracing::warn!(%error, "the journal was not read"),
        }
    }

    fn is_overflowing(&self) -> bool {
        let state = self.overlay.lock();
        state.layer().changes > OVERFLOW * FOLD_CHANGES || state.layer().bytes > OVERFLOW * FOLD_BYTES
    }

    /// Writes the journal into the tables if it is `due`. A failure leaves it as it is, for the next time.
    fn fold_if(&mut self, due: impl FnOnce(&Layer) -> bool) {
        let is_due = {
            let state = self.overlay.lock();
            !state.layer().is_empty() && due(state.layer())
        };
        if !is_due {
            return;
        }
        self.strain.writing(true);
        if let Err(error) = self.fold() {
            tracing::warn!(%error, "the journal was not written into the tables");
            self.connection = None;
        }
        self.strain.writing(false);
    }

    /// Not durable by itself: after a crash the tables or the journal have it, since both stand in one file.
    fn fold(&mut self) -> rusqlite::Result<()> {
        self.open(Durability::Relaxed)?;
        let connection = self.connection.as_ref().expect("it was opened above");
        execute(connection, "BEGIN IMMEDIATE")?;
        let (layer, last) = {
            let state = self.overlay.current(connection)?;
            (Arc::clone(state.layer()), state.last())
        };
        fold::fold(connection, &layer, last, self.clock.now())?;
        execute(connection, "COMMIT")?;
        drop(layer);
        drop(self.overlay.folded(last));
        Ok(())
    }

    /// Frees the space of expired records now and then. A failure is seen again by the next commit.
    fn purge(&mut self) {
        let now = self.clock.now();
        if now.duration_since(self.purged) < PURGE_EVERY {
            return;
        }
        let Some(connection) = &self.connection else { return };
        match fold::purge(connection, now) {
            Ok(true) => {}
            Ok(false) => self.purged = now,
            Err(error) => tracing::warn!(%error, "expired records were not purged"),
        }
    }
}

/// Brings everything from the write-ahead log into the file. After a failed fsync the kernel may believe that pages
/// are on the disk which are not; a later commit behind them would not survive.
fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy { Err(busy("the write-ahead log cannot be written into the file yet")) } else { Ok(()) }
}

/// There is no place for us at the file.
fn taken(no_place: NoPlace) -> rusqlite::Error {
    tracing::error!(detail = ?no_place, "the store file is wanted by a process that does not answer");
    match no_place {
        NoPlace::Sqlite(error) => error,
        NoPlace::File(_) | NoPlace::Silent => busy("another process holds the store file"),
    }
}

fn busy(why: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
        Some(why.to_owned()),
    )
}

/// Whether an error may be one change's alone: then the others have a chance without it.
fn is_of_one_change(error: &rusqlite::Error) -> bool {
    let of_all = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::SystemIoFailure,
        ErrorCode::DatabaseCorrupt,
        ErrorCode::CannotOpen,
        ErrorCode::ReadOnly,
    ];
    error.sqlite_error_code().is_none_or(|code| !of_all.contains(&code))
}

/// Runs a statement without parameters that stays prepared.
fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::super::backend::{Partition, Put};
    use super::*;

    /// A writer on a fresh file, and what stands behind it.
    struct Fixture {
        writer: Writer,
        overlay: Arc<Overlay>,
        folder: tempfile::TempDir,
    }

    impl Fixture {
        fn new(prepare: impl FnOnce(&Connection)) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store.db");
            let connection = schema::create_or_open(&path).unwrap();
            prepare(&connection);
            let (clock, overlay) = (Clock::system(), Arc::new(Overlay::default()));
            let presence = Arc::new(Presence::enter(&path, &connection, &overlay).unwrap());
            let strain = Arc::new(Strain::new(clock.clone()));
            let shared = Arc::clone(&overlay);
            let writer = Writer::start(path, connection, clock, shared, presence, strain).unwrap();
            Self { writer, overlay, folder }
        }

        fn connect(&self) -> Connection {
            schema::connect(&self.folder.path().join("store.db")).unwrap()
        }

        /// What a fresh process would find in the file.
        fn count(&self) -> usize {
            let connection = self.connect();
            let stored = "SELECT count(*) FROM record";
            let stored = connection.query_row(stored, [], |row| row.get::<_, u32>(0)).unwrap();
            let overlay = Overlay::default();
            let state = overlay.current(&connection).unwrap();
            stored as usize + state.layer().records.len()
        }

        /// Ends the writer, which leaves everything in the tables.
        fn end(self) -> (Connection, usize) {
            let connection = self.connect();
            drop(self.writer);
            let stored = "SELECT count(*) FROM record";
            let stored = connection.query_row(stored, [], |row| row.get::<_, u32>(0)).unwrap();
            (connection, stored as usize)
        }
    }

    fn large(name: usize) -> Change {
        let key = Key::new(Partition::new(0), &format!("large{name}"));
        let put = Put { key, value: Bytes::from(vec![7; 100_000]), ttl: None };
        Change::Batch(Batch { puts: vec![put], ..Batch::default() })
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_and_the_writer_works_again_when_there_is_room() {
        // The limit belongs to this connection: the one that the writer opens next has room again.
        let fixture = Fixture::new(|connection| {
            let pages: i64 =
                connection.pragma_update_and_check(None, "max_page_count", 100, |row| row.get(0)).unwrap();
            assert_eq!(pages, 100);
        });
        let mut written = 0;
        let refused = loop {
            match fixture.writer.run(large(written), Durability::Durable).await {
                Ok(outcome) => assert!(matches!(outcome, Outcome::Done)),
                Err(refused) => break refused,
            }
            written += 1;
            assert!(written < 100, "the limit holds");
        };
        assert!(refused.reason.contains("full"), "{refused}");
        assert_eq!(fixture.count(), written, "what was acknowledged is there, and nothing else");
        let again = fixture.writer.run(large(written), Durability::Durable).await;
        assert!(matches!(again, Ok(Outcome::Done)));
        assert_eq!(fixture.end().1, written + 1);
    }

    #[tokio::test]
    async fn changes_of_one_group_have_versions_of_their_own() {
        let fixture = Arc::new(Fixture::new(|_| {}));
        let blocker = fixture.connect();
        blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|name| {
                let fixture = Arc::clone(&fixture);
                tokio::spawn(async move { fixture.writer.run(large(name), Durability::Relaxed).await })
            })
            .collect();
        // Every task has queued its change before the lock goes.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        blocker.execute_batch("ROLLBACK").unwrap();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), Ok(Outcome::Done)));
        }
        let (connection, _) = Arc::into_inner(fixture).unwrap().end();
        let versions = "SELECT count(DISTINCT version) FROM record";
        assert_eq!(connection.query_row(versions, [], |row| row.get::<_, i64>(0)).unwrap(), 20);
    }

    #[tokio::test]
    async fn a_long_journal_is_written_into_the_tables_while_changes_come() {
        let fixture = Fixture::new(|_| {});
        let most = FOLD_BYTES / 100_000 + 2;
        for name in 0..most {
            assert!(matches!(fixture.writer.run(large(name), Durability::Relaxed).await, Ok(Outcome::Done)));
        }
        let left = fixture.overlay.lock().layer().records.len();
        assert!(left < most, "some stand in the tables: {left} are left");
        assert_eq!(fixture.count(), most);
    }

    #[tokio::test]
    async fn dropping_the_writer_waits_for_what_it_took() {
        let fixture = Fixture::new(|_| {});
        let call = fixture.writer.run(large(1), Durability::Durable);
        // Polled once, the change is in the queue; then its caller goes away.
        drop(tokio::time::timeout(Duration::ZERO, call).await);
        assert_eq!(fixture.end().1, 1);
    }
}
