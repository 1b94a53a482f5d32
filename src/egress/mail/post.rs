//! The post: letters wait in a bounded queue and go out in the background, so that an answer takes
//! the same time whether there is somebody to write to or not.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lettre::AsyncTransport as _;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::clock::Clock;

use super::message::{Enveloped, Sender, build};
use super::{Letter, MailError, Way, within};

/// Letters that may wait.
const WAITING: usize = 256;
/// Letters that are on their way at once.
const AT_ONCE: usize = 4;
/// After how long it is tried again, each time.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(6)];

/// Where letters are handed in. A clone is the same post.
#[derive(Clone)]
pub struct Post {
    queue: mpsc::Sender<Posted>,
}

/// A letter that was handed in: what comes of it, for whoever wants to wait.
#[derive(Debug)]
pub struct Receipt(oneshot::Receiver<Result<(), MailError>>);

struct Posted {
    letter: Letter,
    told: oneshot::Sender<Result<(), MailError>>,
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
        let (queue, waiting) = mpsc::channel(WAITING);
        tokio::spawn(work(Arc::new(Office { way, sender, clock }), waiting));
        Self { queue }
    }

    /// Hands a letter in. It is tried up to three times; the log says if it did not go out.
    pub fn send(&self, letter: Letter) -> Result<Receipt, MailError> {
        let (told, receipt) = oneshot::channel();
        if self.queue.try_send(Posted { letter, told }).is_ok() {
            return Ok(Receipt(receipt));
        }
        failed(MailError::Full);
        Err(MailError::Full)
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

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Post")
    }
}

async fn work(office: Arc<Office>, mut waiting: mpsc::Receiver<Posted>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(Posted { letter, told }) = waiting.recv().await {
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
            drop(place);
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
        let sent = post.send(letter("dana@acme.example")).unwrap().within(Duration::from_mins(1)).await;
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
        let told = post.send(letter("dana@acme.example")).unwrap().within(Duration::from_mins(1)).await;
        assert_eq!(told, Err(MailError::Folder));
        let told = post.send(letter("nobody")).unwrap().within(Duration::from_mins(1)).await;
        assert_eq!(told, Err(MailError::Address));
    }

    #[tokio::test]
    async fn more_letters_than_there_is_room_for_are_not_taken() {
        let (queue, waiting) = mpsc::channel(2);
        let post = Post { queue };
        assert!(post.send(letter("a@acme.example")).is_ok() && post.send(letter("b@acme.example")).is_ok());
        assert_eq!(post.send(letter("c@acme.example")).unwrap_err(), MailError::Full);
        drop(waiting);
    }
}
