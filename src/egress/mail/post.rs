//! The post: letters wait in a bounded queue and go out in the background, so that an answer takes
//! the same time whether there is somebody to write to or not.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lettre::AsyncTransport as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::domain::ids::TenantId;

use super::message::{Enveloped, Sender, build};
use super::{Letter, MailError, Way, within};

/// Letters that may wait or be on their way.
const ROOM: u32 = 256;
/// How many of them one tenant may have: the letters of the others find room, whatever happens at one.
const SHARE: usize = 64;
/// Letters that are on their way at once.
const AT_ONCE: usize = 4;
/// After how long it is tried again, each time.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(6)];

/// Where letters are handed in. A clone is the same post.
#[derive(Clone)]
pub struct Post {
    queue: mpsc::UnboundedSender<Posted>,
    room: Arc<Semaphore>,
    shares: Arc<Mutex<HashMap<TenantId, usize>>>,
}

/// Room for one letter, which is taken before it is known whether there will be one: as long as it is held, the post does
/// not come to its end.
pub struct Place {
    queue: mpsc::UnboundedSender<Posted>,
    held: Held,
}

/// What a letter takes up until it is gone.
struct Held {
    _room: OwnedSemaphorePermit,
    shares: Arc<Mutex<HashMap<TenantId, usize>>>,
    tenant: TenantId,
}

/// A letter that was handed in: what comes of it, for whoever wants to wait.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<(), MailError>>);

struct Posted {
    letter: Letter,
    told: oneshot::Sender<Result<(), MailError>>,
    held: Held,
}

/// What every letter needs.
struct Office {
    way: Way,
    sender: Sender,
    clock: Clock,
}

impl Post {
    /// A post that sends as long as it is held; to be called within a runtime.
    pub fn open(way: Way, sender: Sender, clock: Clock) -> Self {
        // The room bounds it.
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(work(Arc::new(Office { way, sender, clock }), waiting));
        Self { queue, room: Arc::new(Semaphore::new(ROOM as usize)), shares: Arc::default() }
    }

    /// Hands a letter of a tenant's in. It is tried up to three times; the log says if it did not go out.
    pub fn send(&self, tenant: &TenantId, letter: Letter) -> Result<Receipt, MailError> {
        Ok(self.place(tenant)?.send(letter))
    }

    /// Room for a letter of a tenant's.
    pub fn place(&self, tenant: &TenantId) -> Result<Place, MailError> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let held = shares.get(tenant).copied().unwrap_or_default();
        let Some(room) = room.ok().filter(|_| held < SHARE) else {
            failed(MailError::Full);
            return Err(MailError::Full);
        };
        shares.insert(tenant.clone(), held + 1);
        let held = Held { _room: room, shares: Arc::clone(&self.shares), tenant: tenant.clone() };
        Ok(Place { queue: self.queue.clone(), held })
    }

    /// Waits until every letter that was handed in is gone, but no longer than this; the log says how many were left.
    pub async fn finish(&self, longest: Duration) {
        if timeout(longest, self.room.acquire_many(ROOM)).await.is_err() {
            let left = ROOM as usize - self.room.available_permits();
            tracing::error!(left, "mail.stop_cut_short");
        }
    }
}

impl Place {
    /// Hands the letter in.
    pub fn send(self, letter: Letter) -> Receipt {
        let (told, receipt) = oneshot::channel();
        // Nobody is at work only when the process ends; the receipt then says that there was no answer.
        let _ = self.queue.send(Posted { letter, told, held: self.held });
        Receipt(receipt)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        match shares.get_mut(&self.tenant) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(shares.remove(&self.tenant)),
        }
    }
}

impl Receipt {
    /// What came of it, at the latest after this time.
    pub async fn within(self, longest: Duration) -> Result<(), MailError> {
        match timeout(longest, self.0).await {
            Ok(Ok(told)) => told,
            _ => Err(MailError::Silent),
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Post")
    }
}

async fn work(office: Arc<Office>, mut waiting: mpsc::UnboundedReceiver<Posted>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(Posted { letter, told, held }) = waiting.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let office = Arc::clone(&office);
        tokio::spawn(async move {
            let sent = office.send(&letter).await;
            if let Err(error) = sent {
                failed(error);
            } else {
                metrics::counter!("countersign_mails_total", "outcome" => "sent").increment(1);
            }
            // Nobody may wait for it.
            let _ = told.send(sent);
            drop((place, held));
        });
    }
}

/// The log says what was in the way, and nothing of the letter.
fn failed(error: MailError) {
    metrics::counter!("countersign_mails_total", "outcome" => error.code()).increment(1);
    tracing::error!(code = error.code(), detail = %error, "mail.failed");
}

impl Office {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = build(&self.sender, letter, &self.clock)?;
        let mut again = AGAIN.into_iter();
        loop {
            match (self.try_once(letter, &message).await, again.next()) {
                (Err(error), Some(after)) if error.may_pass() => sleep(after).await,
                (tried, _) => return tried,
            }
        }
    }

    async fn try_once(&self, letter: &Letter, message: &Enveloped) -> Result<(), MailError> {
        match &self.way {
            Way::Relay(relay) => {
                let transport = relay.transport(&self.sender)?;
                let talk = transport.send_raw(&message.envelope, &message.bytes);
                within(relay.patience, talk).await.map(drop)
            }
            Way::Folder(folder) => {
                let (folder, bytes) = (folder.clone(), message.bytes.clone());
                let name = format!("{}.eml", self.clock.fresh_uuid().simple());
                let written = tokio::task::spawn_blocking(move || keep(&folder, &name, &bytes)).await;
                written.ok().and_then(Result::ok).ok_or(MailError::Folder)
            }
            Way::DangerousLog => {
                let detail = letter.text.split_whitespace().collect::<Vec<_>>().join(" ");
                tracing::warn!(detail, "mail.shown");
                Ok(())
            }
        }
    }
}

/// Writes a file that appears under its name when it is complete, and that only its owner can read.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let part = folder.join(format!(".{name}"));
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(bytes)?;
    std::fs::rename(part, folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(to: &str) -> Letter {
        Letter {
            sender: None,
            to: to.to_owned(),
            subject: "s".to_owned(),
            text: "It is 123456.".to_owned(),
            html: String::new(),
        }
    }

    fn sender() -> Sender {
        "no-reply@acme.example".parse().unwrap()
    }

    #[tokio::test]
    async fn a_letter_in_a_folder_is_whole_and_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let post = Post::open(Way::Folder(folder.path().to_owned()), sender(), Clock::system());
        let sent = post.send(&tenant("acme"), letter("dana@acme.example")).unwrap();
        let sent = sent.within(Duration::from_mins(1)).await;
        assert_eq!(sent, Ok(()));
        let files: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "{files:?}");
        assert!(std::fs::read_to_string(&files[0]).unwrap().contains("It is 123456."));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&files[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_told_and_not_tried_again() {
        let post = Post::open(Way::Folder("/nowhere/at/all".into()), sender(), Clock::system());
        let told = post.send(&tenant("acme"), letter("dana@acme.example")).unwrap();
        let told = told.within(Duration::from_mins(1)).await;
        assert_eq!(told, Err(MailError::Folder));
        let told = post.send(&tenant("acme"), letter("nobody")).unwrap();
        let told = told.within(Duration::from_mins(1)).await;
        assert_eq!(told, Err(MailError::Address));
    }

    #[tokio::test]
    async fn one_tenant_takes_up_its_share_and_all_together_the_room_and_both_are_given_back() {
        let post = Post::open(Way::Folder("/nowhere/at/all".into()), sender(), Clock::system());
        let take = |of: &str, count: usize| -> Vec<Place> {
            let taken = (0..count).map_while(|_| post.place(&tenant(of)).ok());
            taken.collect()
        };
        let flood = take("acme", 1000);
        assert_eq!((flood.len(), take("bolt", 1).len()), (SHARE, 1), "a neighbour finds room");
        let others: Vec<_> = ["bolt", "core", "dime", "edge"].map(|of| take(of, 1000)).into();
        assert_eq!(others.iter().map(Vec::len).sum::<usize>() + flood.len(), ROOM as usize);
        drop((flood, others));
        let told = take("acme", 1).remove(0).send(letter("dana@acme.example"));
        assert_eq!(told.within(Duration::from_mins(1)).await, Err(MailError::Folder));
        post.finish(Duration::from_mins(1)).await;
        assert!(post.shares.lock().unwrap().is_empty(), "nothing is kept of whom no letter is of");
    }

    #[tokio::test]
    async fn a_stop_waits_for_letters_that_are_handed_in_or_may_be_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let post = Post::open(Way::Folder(folder.path().to_owned()), sender(), Clock::system());
        let place = post.place(&tenant("acme")).unwrap();
        let stopping = tokio::spawn({
            let post = post.clone();
            async move { post.finish(Duration::from_mins(5)).await }
        });
        tokio::task::yield_now().await;
        assert!(!stopping.is_finished());
        drop(place.send(letter("dana@acme.example")));
        stopping.await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "it is gone");
        let held = post.place(&tenant("acme")).unwrap();
        post.finish(Duration::from_millis(1)).await;
        drop(held);
    }

    fn tenant(id: &str) -> TenantId {
        id.parse().unwrap()
    }
}
