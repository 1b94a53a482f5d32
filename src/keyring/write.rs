//! Replacing the key ring file in one step: who reads it sees the old one or the new one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::fault::Faults;

use super::{KeyRing, read_file};

/// Why a key ring file was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// It is no key ring, or everybody can read it.
    #[error(transparent)]
    Unusable(#[from] Faults),
    /// The edit was not to be made.
    #[error(transparent)]
    Refused(E),
    /// Another command edits it.
    #[error("another command is editing `{}`; try again in a moment", .0.display())]
    Busy(PathBuf),
    /// It cannot be written.
    #[error("cannot replace `{}`: {cause}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
}

/// Replaces the file by what `edit` makes of its text, durably, with the same owner and mode. Two
/// commands never edit it at the same time. A symbolic link stays one.
pub fn replace<T, E>(
    path: &Path,
    edit: impl FnOnce(&str, &str) -> Result<(T, Zeroizing<String>), WriteError<E>>,
) -> Result<T, WriteError<E>> {
    let shown = path.display().to_string();
    let before = read_file(path)?;
    let io = |cause| WriteError::Io { path: path.to_owned(), cause };
    let target = fs::canonicalize(path).map_err(io)?;
    let locked = File::open(&target).map_err(io)?;
    match locked.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(WriteError::Busy(path.to_owned())),
        Err(TryLockError::Error(cause)) => return Err(io(cause)),
    }
    // Whoever held the lock before may have put another file into its place.
    if *read_file(path)? != *before || !is_same(&locked, &target).map_err(io)? {
        return Err(WriteError::Busy(path.to_owned()));
    }
    let (done, after) = edit(&shown, &before)?;
    KeyRing::parse(&shown, &after)?;
    put(&target, &locked, &after).map_err(io)?;
    Ok(done)
}

fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    let (a, b) = (file.metadata()?, fs::metadata(path)?);
    Ok((a.dev(), a.ino()) == (b.dev(), b.ino()))
}

/// The folder in which a file stands.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn put(target: &Path, before: &File, text: &str) -> io::Result<()> {
    let folder = folder_of(target);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let passing = folder.join(format!(".{name}.{}.new", std::process::id()));
    let written = write(&passing, before, text).and_then(|()| fs::rename(&passing, target));
    if let Err(cause) = written {
        // It holds keys, and is of no use to anybody.
        let _ = fs::remove_file(&passing);
        return Err(cause);
    }
    File::open(folder)?.sync_all()
}

fn write(passing: &Path, before: &File, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(passing)?;
    file.write_all(text.as_bytes())?;
    let (old, new) = (before.metadata()?, file.metadata()?);
    if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
        chown(passing, Some(old.uid()), Some(old.gid()))?;
    }
    file.set_permissions(fs::Permissions::from_mode(old.mode() & 0o777))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::edit::{Edit, Editor, KeyKind, Pace};
    use super::*;
    use crate::clock::Clock;
    use crate::keyring::edit::EditError;

    fn made(folder: &Path, mode: u32) -> PathBuf {
        let path = folder.join("keys.toml");
        KeyRing::generate(&Clock::system()).write_new(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn rotate(path: &Path) -> Result<Edit, WriteError<EditError>> {
        replace(path, |name, text| {
            let mut editor = Editor::parse(name, text, &Clock::system())?;
            let edit = editor.rotate(KeyKind::Seal, Pace::Careful).map_err(WriteError::Refused)?;
            Ok((edit, editor.into_text()))
        })
    }

    #[test]
    fn the_file_keeps_its_mode_and_nothing_is_left_beside_it() {
        for mode in [0o600, 0o640] {
            let folder = tempfile::tempdir().unwrap();
            let path = made(folder.path(), mode);
            assert!(matches!(rotate(&path), Ok(Edit::Prepared { .. })));
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, mode);
            assert_eq!(KeyRing::read(&path).unwrap().seal_keys().len(), 2);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_symbolic_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        made(&inner, 0o600);
        let link = folder.path().join("keys.toml");
        symlink("inner/keys.toml", &link).unwrap();
        rotate(&link).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(KeyRing::read(&inner.join("keys.toml")).unwrap().seal_keys().len(), 2);
    }

    #[test]
    fn a_refused_edit_leaves_the_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), 0o600);
        rotate(&path).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        assert!(matches!(rotate(&path), Err(WriteError::Refused(EditError::TooEarly { .. }))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(rotate(&path), Err(WriteError::Unusable(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    #[test]
    fn an_edit_that_breaks_the_ring_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), 0o600);
        let before = fs::read_to_string(&path).unwrap();
        let broken = replace::<(), EditError>(&path, |_, text| {
            Ok(((), Zeroizing::new(text.replace("\"active\"", "\"retired\""))))
        });
        assert!(matches!(broken, Err(WriteError::Unusable(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    #[test]
    fn two_commands_do_not_edit_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(folder.path(), 0o600);
        let outer =
            replace::<_, EditError>(&path, |_, text| Ok((rotate(&path), Zeroizing::new(text.to_owned()))));
        assert!(matches!(outer.unwrap(), Err(WriteError::Busy(_))));
    }
}
