//! Whether other processes use the same file. A process that is alone knows what the journal holds
//! without looking; others must look before each read. A lock on a file beside the store says which:
//! exclusive for one that is alone, shared for several. Who comes second knocks by a row in the
//! journal that changes nothing; the writer of the first sees it and makes room.
//!
//! So nothing that one process has acknowledged is ever unknown to another: as long as one holds
//! the exclusive lock, no other one gets as far as a commit.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::layer::Layer;
use super::overlay::Overlay;

/// Between two looks whether the other process has made room, and how many there are: 5 s together, when a writer
/// that is well looks at least once a second.
const PAUSE: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

/// Between two knocks, in looks: the first one may be read with the rest of the journal, as if it were no knock.
const KNOCK_EVERY: u32 = 50;

/// Our place at the file. Only the writer's thread changes it.
#[derive(Debug)]
pub(super) struct Presence {
    lock: File,
    place: AtomicU8,
}

/// Who else is at the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nobody.
    Alone = 0,
    /// Perhaps others: whoever reads looks first.
    Shared = 1,
    /// We hold no lock: others may believe that they are alone, so nothing may be written.
    Lost = 2,
}

/// Why there is no place for us.
#[derive(Debug)]
pub(super) enum NoPlace {
    /// The lock's file cannot be used.
    File(io::Error),
    /// The knock could not be written.
    Sqlite(rusqlite::Error),
    /// The other process does not make room.
    Silent,
}

impl Presence {
    /// Takes a place at the store file `path`.
    pub(super) fn enter(path: &Path, connection: &Connection, overlay: &Overlay) -> Result<Self, NoPlace> {
        // By its one true name, whatever link leads to it: two locks would be none.
        let mut name = std::fs::canonicalize(path).map_err(NoPlace::File)?.into_os_string();
        name.push("-lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(name).map_err(NoPlace::File)?;
        let presence = Self { lock, place: AtomicU8::new(Place::Lost as u8) };
        presence.settle(connection, overlay)?;
        Ok(presence)
    }

    /// Whether no other process uses the file.
    pub(super) fn is_alone(&self) -> bool {
        self.place() == Place::Alone
    }

    /// What is known of others.
    pub(super) fn place(&self) -> Place {
        match self.place.load(Ordering::Acquire) {
            0 => Place::Alone,
            1 => Place::Shared,
            _ => Place::Lost,
        }
    }

    /// Makes room for another process, which has knocked.
    pub(super) fn make_room(&self, connection: &Connection) -> Result<(), NoPlace> {
        // Reads look at the file from here on, before anybody else can change it.
        self.take(Place::Lost);
        self.lock.unlock().map_err(NoPlace::File)?;
        self.share(connection)
    }

    /// Finds out whether we are alone. If so, the overlay knows the whole journal before anybody relies on it.
    pub(super) fn settle(&self, connection: &Connection, overlay: &Overlay) -> Result<(), NoPlace> {
        // Asking for the exclusive lock gives the shared one up, whether it is got or not (flock(2)).
        self.take(Place::Lost);
        match self.lock.try_lock() {
            Ok(()) => {
                drop(overlay.current(connection).map_err(NoPlace::Sqlite)?);
                self.take(Place::Alone);
                Ok(())
            }
            Err(std::fs::TryLockError::WouldBlock) => self.share(connection),
            Err(std::fs::TryLockError::Error(error)) => Err(NoPlace::File(error)),
        }
    }

    fn share(&self, connection: &Connection) -> Result<(), NoPlace> {
        for look in 0..LOOKS {
            match self.lock.try_lock_shared() {
                Ok(()) => {
                    self.take(Place::Shared);
                    return Ok(());
                }
                Err(std::fs::TryLockError::Error(error)) => return Err(NoPlace::File(error)),
                Err(std::fs::TryLockError::WouldBlock) => {}
            }
            if look % KNOCK_EVERY == 0 {
                knock(connection).map_err(NoPlace::Sqlite)?;
            }
            std::thread::sleep(PAUSE);
        }
        Err(NoPlace::Silent)
    }

    fn take(&self, place: Place) {
        self.place.store(place as u8, Ordering::Release);
    }
}

/// A change that changes nothing.
fn knock(connection: &Connection) -> rusqlite::Result<()> {
    let knock = Layer::default().to_bytes();
    let mut insert = connection.prepare("INSERT INTO journal SELECT max(seq) + 1, ?1 FROM journal")?;
    insert.execute(params![knock]).map(drop)
}
