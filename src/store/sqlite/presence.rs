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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::layer::Layer;
use super::overlay::Overlay;

/// Between two looks whether the other process has made room, and how many there are: 5 s together, when a writer
/// that is well looks at least once a second.
const PAUSE: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

/// Our place at the file.
#[derive(Debug)]
pub(super) struct Presence {
    lock: File,
    alone: AtomicBool,
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
        let mut name = path.as_os_str().to_owned();
        name.push("-lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let lock = options.open(name).map_err(NoPlace::File)?;
        let presence = Self { lock, alone: AtomicBool::new(false) };
        presence.settle(connection, overlay)?;
        Ok(presence)
    }

    /// Whether no other process uses the file.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.load(Ordering::Acquire)
    }

    /// Makes room for another process, which has knocked.
    pub(super) fn make_room(&self, connection: &Connection) -> Result<(), NoPlace> {
        // Reads look at the file from here on, before anybody else can change it.
        self.alone.store(false, Ordering::Release);
        self.lock.unlock().map_err(NoPlace::File)?;
        self.share(connection)
    }

    /// Finds out whether we are alone. If so, the overlay knows the whole journal before anybody relies on it.
    pub(super) fn settle(&self, connection: &Connection, overlay: &Overlay) -> Result<(), NoPlace> {
        match self.lock.try_lock() {
            Ok(()) => {
                drop(overlay.current(connection).map_err(NoPlace::Sqlite)?);
                self.alone.store(true, Ordering::Release);
                Ok(())
            }
            Err(std::fs::TryLockError::WouldBlock) => self.share(connection),
            Err(std::fs::TryLockError::Error(error)) => Err(NoPlace::File(error)),
        }
    }

    fn share(&self, connection: &Connection) -> Result<(), NoPlace> {
        for look in 0..LOOKS {
            match self.lock.try_lock_shared() {
                Ok(()) => return Ok(()),
                Err(std::fs::TryLockError::Error(error)) => return Err(NoPlace::File(error)),
                Err(std::fs::TryLockError::WouldBlock) => {}
            }
            if look == 0 {
                knock(connection).map_err(NoPlace::Sqlite)?;
            }
            std::thread::sleep(PAUSE);
        }
        Err(NoPlace::Silent)
    }
}

/// A change that changes nothing.
fn knock(connection: &Connection) -> rusqlite::Result<()> {
    let knock = Layer::default().to_bytes();
    let mut insert = connection.prepare("INSERT INTO journal SELECT max(seq) + 1, ?1 FROM journal")?;
    insert.execute(params![knock]).map(drop)
}
