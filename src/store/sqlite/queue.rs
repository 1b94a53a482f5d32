//! The way of changes to the writer's thread and of their answers back. Waking a thread costs more
//! than a small change itself, so both ways wake once per group: the first change that is waiting
//! lets the tasks that can run add theirs before it wakes the writer, and the answers of a group
//! are carried by one of those who wait for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::super::backend::{Durability, Unavailable};
use super::writer::{Change, Outcome};
use super::{GRACE, PATIENCE};

/// Changes that may wait; more wait outside, and are refused when their patience is over.
const ROOM: usize = 1024;
/// Changes in one transaction.
const GROUP: usize = 256;

/// What became of a change.
pub(super) type Answer = Result<Outcome, Unavailable>;

/// A change that waits for its turn.
pub(super) struct Job {
    pub change: Change,
    pub durability: Durability,
    /// Set by the writer that starts it or by the caller that gives it up, whoever is first.
    taken: Arc<AtomicBool>,
    reply: oneshot::Sender<Answered>,
    _room: OwnedSemaphorePermit,
}

/// An answer, and those of others that whoever gets this one hands on.
struct Answered {
    own: Answer,
    others: Others,
}

/// Answers on their way: they arrive when this is dropped, wherever that is.
#[derive(Default)]
struct Others(Vec<(oneshot::Sender<Answered>, Answer)>);

impl Drop for Others {
    fn drop(&mut self) {
        for (reply, own) in self.0.drain(..) {
            // A caller that went away wants no answer.
            drop(reply.send(Answered { own, others: Self::default() }));
        }
    }
}

/// What the callers and the writer share.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    /// Somebody has rung since the writer took the last group.
    rung: bool,
    /// The writer waits for the bell; else it looks by itself when it has done what it is at.
    listening: bool,
    closed: bool,
}

/// What the writer finds when it looks.
pub(super) enum Next {
    /// Changes to make.
    Group(Vec<Job>),
    /// Nothing has come for a while.
    Quiet,
    /// There will be no more.
    Closed,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { waiting: Mutex::default(), bell: Condvar::new(), room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Waits until the change is made. A caller that goes away takes nothing back.
    pub(super) async fn run(&self, change: Change, durability: Durability) -> Answer {
        let taken = Arc::new(AtomicBool::new(false));
        let (reply, mut answer) = oneshot::channel();
        let turn = async {
            let room = Arc::clone(&self.room).acquire_owned().await;
            let room = room.map_err(|_| Unavailable::new("the writer has stopped"))?;
            self.put(Job { change, durability, taken: Arc::clone(&taken), reply, _room: room }).await;
            Ok((&mut answer).await)
        };
        let answered = match tokio::time::timeout(PATIENCE, turn).await {
            Ok(answered) => answered?,
            Err(_) if !taken.swap(true, Ordering::AcqRel) => {
                return Err(Unavailable::new("the write queue does not move"));
            }
            // The writer is at it: only its answer says what became of it.
            Err(_) => match tokio::time::timeout(GRACE, answer).await {
                Err(_) => return Ok(Outcome::Unknown),
                Ok(answered) => answered,
            },
        };
        let Answered { own, others } = answered.map_err(|_| Unavailable::new("the writer has stopped"))?;
        drop(others);
        own
    }

    /// Hands a change over. The first one waits until every task that can run now has run, and then wakes the writer.
    async fn put(&self, job: Job) {
        if self.push(job) {
            let _ring = Ring(self);
            tokio::task::yield_now().await;
        }
    }

    /// Whether the change is the first that waits. A closed queue drops it, which closes its answer.
    fn push(&self, job: Job) -> bool {
        let mut waiting = self.lock();
        if waiting.closed {
            return false;
        }
        waiting.jobs.push(job);
        waiting.jobs.len() == 1
    }

    /// Waits for the next group, at most `patience`.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let idle = |waiting: &mut Waiting| !waiting.closed && (!waiting.rung || waiting.jobs.is_empty());
        let mut waiting = self.lock();
        waiting.listening = true;
        let waited = self.bell.wait_timeout_while(waiting, patience, idle);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.listening = false;
        waiting.rung = false;
        if waiting.jobs.is_empty() {
            return if waiting.closed { Next::Closed } else { Next::Quiet };
        }
        let mut group = std::mem::take(&mut waiting.jobs);
        if group.len() > GROUP {
            waiting.jobs = group.split_off(GROUP);
            waiting.rung = true;
        }
        drop(waiting);
        group.retain(|job| !job.taken.swap(true, Ordering::AcqRel));
        Next::Group(group)
    }

    /// Lets no further change in. The writer ends when it has made those that wait.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.bell.notify_one();
    }

    /// The writer is gone: whoever waits still hears of it.
    pub(super) fn abandon(&self) {
        self.close();
        self.lock().jobs.clear();
    }

    fn ring(&self) {
        let mut waiting = self.lock();
        waiting.rung = true;
        let listening = waiting.listening;
        drop(waiting);
        // To ring costs a system call, also where nobody hears it.
        if listening {
            self.bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic cannot leave these fields half written.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers a group.
pub(super) fn answer(group: Vec<Job>, answers: Vec<Answer>) {
    let mut others: Vec<_> = group.into_iter().map(|job| job.reply).zip(answers).collect();
    while let Some((reply, own)) = others.pop() {
        let carried = Answered { own, others: Others(std::mem::take(&mut others)) };
        match reply.send(carried) {
            Ok(()) => return,
            // This caller went away: the next one carries them.
            Err(mut back) => others = std::mem::take(&mut back.others.0),
        }
    }
}

/// Rings when it is dropped, so that a caller that goes away leaves no change waiting.
struct Ring<'a>(&'a Queue);

impl Drop for Ring<'_> {
    fn drop(&mut self) {
        self.0.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(queue: &Arc<Queue>) -> tokio::task::JoinHandle<Answer> {
        let queue = Arc::clone(queue);
        tokio::spawn(async move { queue.run(Change::Probe, Durability::Relaxed).await })
    }

    fn group(queue: &Queue) -> Vec<Job> {
        match queue.next(Duration::from_mins(1)) {
            Next::Group(group) => group,
            Next::Quiet | Next::Closed => panic!("a change waits"),
        }
    }

    fn done(jobs: usize) -> Vec<Answer> {
        (0..jobs).map(|_| Ok(Outcome::Done)).collect()
    }

    #[tokio::test]
    async fn changes_of_tasks_that_can_run_come_in_one_group_and_each_gets_its_answer() {
        let queue = Arc::new(Queue::new());
        let tasks: Vec<_> = (0..10).map(|_| probe(&queue)).collect();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let jobs = group(&queue);
        assert_eq!(jobs.len(), 10);
        let answers = done(10);
        answer(jobs, answers);
        for task in tasks {
            assert!(matches!(task.await.unwrap(), Ok(Outcome::Done)));
        }
    }

    #[tokio::test]
    async fn whoever_goes_away_takes_no_answer_of_another_with_him() {
        let queue = Arc::new(Queue::new());
        let tasks: Vec<_> = (0..9).map(|_| probe(&queue)).collect();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let jobs = group(&queue);
        // The carrier is one of them, before it was chosen or behind it.
        tasks[8].abort();
        tokio::task::yield_now().await;
        answer(jobs, done(9));
        tasks[7].abort();
        for (number, task) in tasks.into_iter().enumerate() {
            let answered = task.await;
            assert!(number >= 7 || matches!(answered, Ok(Ok(Outcome::Done))), "{number}");
        }
    }

    #[tokio::test]
    async fn a_change_that_was_given_up_in_the_queue_is_never_made() {
        let queue = Arc::new(Queue::new());
        let task = probe(&queue);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        queue.lock().jobs[0].taken.store(true, Ordering::Release);
        assert!(group(&queue).is_empty());
        assert!(task.await.unwrap().is_err(), "it is dropped without an answer");
    }

    #[tokio::test]
    async fn a_closed_queue_gives_out_what_waits_and_then_ends() {
        let queue = Arc::new(Queue::new());
        let task = probe(&queue);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        queue.close();
        assert_eq!(group(&queue).len(), 1);
        assert!(matches!(queue.next(Duration::from_mins(1)), Next::Closed));
        assert!(task.await.unwrap().is_err());
        assert!(probe(&queue).await.unwrap().is_err(), "and takes nothing more");
    }
}
