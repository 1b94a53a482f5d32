//! Says when it is time to look at a file: soon after the file system tells of a change, and every
//! two seconds, because some file systems tell of nothing, and what is replaced as a whole says it to
//! nobody who watched the one before. The folder around is not watched: a store that stands beside the
//! key ring would tell of each of its writes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

/// How often somebody looks though nothing was told.
const POLL: Duration = Duration::from_secs(2);
/// How long after a change somebody looks: what changes is mostly not finished at once.
const SETTLE: Duration = Duration::from_millis(150);

/// Wakes whoever waits for changes of a file or a folder.
pub(super) struct Alarm {
    path: PathBuf,
    /// Where the path led when the watch was set up.
    led_to: Option<PathBuf>,
    rings: Arc<Notify>,
    /// It watches as long as it is kept; none if the system has no room for it.
    watcher: Option<RecommendedWatcher>,
}

impl Alarm {
    /// An alarm for a file, or for a folder with its files.
    pub(super) fn on(path: &Path) -> Self {
        let mut alarm =
            Self { path: path.to_owned(), led_to: None, rings: Arc::new(Notify::new()), watcher: None };
        alarm.set_up();
        alarm
    }

    /// Waits for the next time to look; if something was found changing, only a moment.
    pub(super) async fn wait(&mut self, changing: bool) {
        if changing {
            return tokio::time::sleep(SETTLE).await;
        }
        tokio::select! {
            () = self.rings.notified() => {
                tokio::time::sleep(SETTLE).await;
                // A file is mostly replaced, and the new one has to be watched.
                if self.path.is_file() {
                    self.set_up();
                }
            }
            () = tokio::time::sleep(POLL) => self.set_up_again(),
        }
    }

    /// A path that leads elsewhere since has to be watched there.
    fn set_up_again(&mut self) {
        if std::fs::canonicalize(&self.path).ok() != self.led_to {
            self.set_up();
        }
    }

    fn set_up(&mut self) {
        self.led_to = std::fs::canonicalize(&self.path).ok();
        match watcher(&self.path, Arc::clone(&self.rings)) {
            Ok(watcher) => self.watcher = Some(watcher),
            Err(error) => {
                self.watcher = None;
                tracing::info!(file = %self.path.display(), detail = %error, "watch.polling_only");
            }
        }
    }
}

fn watcher(path: &Path, rings: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let watched = path.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| concerns(&event, &watched)) {
            rings.notify_one();
        }
    })?;
    watcher.watch(path, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Whether an event may mean that the file, or a file of the folder, is another one now. Our own
/// reading is told of, too, and what else happens beside the file.
fn concerns(event: &Event, watched: &Path) -> bool {
    let writes = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let same = |path: &Path| path.file_name() == watched.file_name();
    // A ConfigMap changes by a link with such a name.
    let hidden = |name: Option<&OsStr>| name.is_some_and(|name| name.to_string_lossy().starts_with(".."));
    let within =
        |path: &Path| path.parent().is_some_and(same) && path.extension().is_some_and(|end| end == "toml");
    writes && event.paths.iter().any(|path| same(path) || within(path) || hidden(path.file_name()))
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, ModifyKind, RenameMode};

    use super::*;

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(path.into())
    }

    #[test]
    fn changes_of_the_folder_and_its_files_ring() {
        let changed = EventKind::Create(CreateKind::File);
        let renamed = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for (kind, path) in [
            (changed, "/x/tenants/acme.toml"),
            (closed, "/x/tenants/acme.toml"),
            (renamed, "/x/tenants/..data"),
            (renamed, "/x/tenants"),
        ] {
            assert!(concerns(&event(kind, path), Path::new("/x/tenants")), "{path}");
        }
        assert!(concerns(&event(changed, "/x/keys.toml"), Path::new("keys.toml")));
    }

    #[test]
    fn our_own_reading_and_other_files_do_not() {
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let read = EventKind::Access(AccessKind::Close(AccessMode::Read));
        let changed = EventKind::Create(CreateKind::File);
        for (kind, path) in [
            (opened, "/x/tenants/acme.toml"),
            (read, "/x/tenants/acme.toml"),
            (changed, "/x/countersign.db-wal"),
            (changed, "/x/tenants/acme.toml~"),
        ] {
            assert!(!concerns(&event(kind, path), Path::new("/x/tenants")), "{path}");
        }
        assert!(!concerns(&event(changed, "/x/countersign.db"), Path::new("/x/keys.toml")));
    }

    #[tokio::test]
    async fn a_change_wakes_who_waits_and_a_missing_path_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let mut alarm = Alarm::on(folder.path());
        std::fs::write(folder.path().join("acme.toml"), "x").unwrap();
        alarm.wait(false).await;
        Alarm::on(Path::new("no/such/folder")).wait(false).await;
    }
}
