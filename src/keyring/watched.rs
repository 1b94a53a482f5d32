//! The key ring file of a running broker: read again when it changes, and taken only if it is good
//! and may follow the one in use.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::config::fault::{Fault, Faults, Place};
use crate::config::read::read_text;
use crate::domain::setting::SettingFault;

use super::{KeyRing, read_file, step};

/// A key ring file, and what is known of it.
#[derive(Debug)]
pub struct Watched {
    path: PathBuf,
    ring: KeyRing,
    /// What the file held when it was last judged.
    judged: [u8; 32],
    /// What it held at the last look, if that is something else: it may be half written.
    seen: Option<[u8; 32]>,
    /// A ring that is good by itself, but may not follow the one in use, or not yet.
    waiting: Option<KeyRing>,
    faults: Vec<SettingFault>,
}

/// What a look at the file found.
#[derive(Debug)]
pub enum Look {
    /// Nothing new.
    Same,
    /// Something new: look again in a moment, it may be half written.
    Changing,
    /// A new ring, which is in use from now on; with [`Watched::faults`] if it is the one before, less what the
    /// file revokes.
    New(KeyRing),
    /// A new text with faults, or one without them that changes nothing: see [`Watched::faults`].
    Judged,
}

impl Watched {
    /// Reads the file for the first time.
    pub fn open(path: &Path) -> Result<Self, Faults> {
        let text = read_file(path)?;
        let ring = KeyRing::parse(&path.display().to_string(), &text)?;
        let judged = hash(text.as_bytes());
        Ok(Self { path: path.to_owned(), ring, judged, seen: None, waiting: None, faults: Vec::new() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The ring in use.
    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// What is wrong with the file; the ring in use is then an earlier one.
    pub fn faults(&self) -> &[SettingFault] {
        &self.faults
    }

    /// Looks at the file. `reindexed` says whether everything was moved from the previous index key
    /// of the ring in use.
    pub fn look(&mut self, reindexed: bool) -> Look {
        let read = read_file(&self.path);
        let found = match &read {
            Ok(text) => hash(text.as_bytes()),
            Err(faults) => hash(faults.to_string().as_bytes()),
        };
        if found == self.judged {
            self.seen = None;
            return self.judge_waiting(reindexed);
        }
        if self.seen != Some(found) {
            self.seen = Some(found);
            return Look::Changing;
        }
        (self.judged, self.seen, self.waiting) = (found, None, None);
        let name = self.path.display().to_string();
        match read.and_then(|text: Zeroizing<String>| KeyRing::parse(&name, &text)) {
            Ok(ring) => self.judge(ring, reindexed),
            Err(faults) => {
                self.faults = faults.iter().map(Fault::told).collect();
                // A text that everybody can read is no new ring, but what it revokes is revoked.
                let exposed = read_text(&self.path).ok().map(Zeroizing::new);
                let ring = exposed.and_then(|text| KeyRing::parse(&name, &text).ok());
                ring.map_or(Look::Judged, |ring| self.revoke(&ring))
            }
        }
    }

    /// A ring that had to wait, for the end of the move to another index key, may follow now.
    fn judge_waiting(&mut self, reindexed: bool) -> Look {
        match &self.waiting {
            Some(ring) if step::check(&self.ring, ring, reindexed).is_empty() => {
                let ring = ring.clone();
                self.waiting = None;
                self.judge(ring, reindexed)
            }
            _ => Look::Same,
        }
    }

    fn judge(&mut self, ring: KeyRing, reindexed: bool) -> Look {
        let problems = step::check(&self.ring, &ring, reindexed);
        let place = Place::File(self.path.display().to_string());
        self.faults = problems.into_iter().map(|problem| Fault::new(place.clone(), problem).told()).collect();
        if self.faults.is_empty() {
            self.ring = ring.clone();
            return Look::New(ring);
        }
        let look = self.revoke(&ring);
        self.waiting = Some(ring);
        look
    }

    /// Takes over what a ring revokes that may not be taken as a whole.
    fn revoke(&mut self, refused: &KeyRing) -> Look {
        match step::with_revoked(&self.ring, refused) {
            Some(ring) => {
                self.ring = ring.clone();
                Look::New(ring)
            }
            None => Look::Judged,
        }
    }
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::edit::{Editor, KeyKind, Pace};
    use super::*;
    use crate::clock::Clock;

    struct World {
        _folder: tempfile::TempDir,
        path: PathBuf,
        watched: Watched,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("keys.toml");
            KeyRing::generate(&Clock::system()).write_new(&path).unwrap();
            let watched = Watched::open(&path).unwrap();
            Self { _folder: folder, path, watched }
        }

        fn edit(&self, edit: impl FnOnce(&mut Editor)) {
            let text = fs::read_to_string(&self.path).unwrap();
            let mut editor = Editor::parse("k", &text, &Clock::system()).unwrap();
            edit(&mut editor);
            fs::write(&self.path, editor.into_text().as_bytes()).unwrap();
        }

        /// Two looks: the first one finds that something changes.
        fn settle(&mut self, reindexed: bool) -> Look {
            assert!(matches!(self.watched.look(reindexed), Look::Changing));
            self.watched.look(reindexed)
        }
    }

    #[test]
    fn a_good_change_is_taken_once_it_stands_still() {
        let mut world = World::new();
        assert!(matches!(world.watched.look(false), Look::Same));
        world.edit(|editor| drop(editor.rotate(KeyKind::Sign, Pace::Now).unwrap()));
        assert!(matches!(world.settle(false), Look::New(_)));
        assert_eq!(world.watched.ring().sign_keys().len(), 2);
        assert!(matches!(world.watched.look(false), Look::Same));
    }

    #[test]
    fn a_broken_or_missing_file_keeps_the_last_good_ring_and_is_told_once() {
        let mut world = World::new();
        let good = fs::read_to_string(&world.path).unwrap();
        for broken in [&good[..good.len() / 2], "", &good.replace("\"active\"", "\"retired\"")] {
            fs::write(&world.path, broken).unwrap();
            assert!(matches!(world.settle(false), Look::Judged));
            assert!(!world.watched.faults().is_empty());
            assert!(matches!(world.watched.look(false), Look::Same), "it is judged once");
        }
        fs::remove_file(&world.path).unwrap();
        assert!(matches!(world.settle(false), Look::Judged));
        assert!(world.watched.faults()[0].message.contains("cannot be read"));
        assert_eq!(world.watched.ring().to_toml().as_str(), good);
        fs::write(&world.path, &good).unwrap();
        fs::set_permissions(&world.path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(world.settle(false), Look::New(_)));
        assert!(world.watched.faults().is_empty());
    }

    #[test]
    fn a_key_is_revoked_although_the_rest_of_the_file_is_refused() {
        let mut world = World::new();
        let kid = world.watched.ring().active_sign().kid().to_owned();
        world.edit(|editor| drop(editor.revoke(&kid).unwrap()));
        fs::set_permissions(&world.path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let Look::New(ring) = world.settle(false) else { panic!("the revocation is taken") };
        assert!(
            ring.sign_keys()
                .iter()
                .any(|key| key.kid() == kid && key.state() == super::super::KeyState::Revoked)
        );
        assert_ne!(ring.active_sign().kid(), kid);
        assert!(world.watched.faults()[0].message.contains("everybody"), "and the fault is told");
        assert!(matches!(world.watched.look(false), Look::Same));
    }

    #[test]
    fn a_dropped_index_key_waits_until_everything_is_moved() {
        let mut world = World::new();
        for _ in 0..2 {
            world.edit(|editor| drop(editor.rotate(KeyKind::Index, Pace::Now).unwrap()));
            assert!(matches!(world.settle(false), Look::New(_)));
        }
        world.edit(|editor| drop(editor.drop_previous_index(Pace::Now).unwrap()));
        assert!(matches!(world.settle(false), Look::Judged));
        assert!(world.watched.faults()[0].message.contains("before everything was moved"));
        assert!(matches!(world.watched.look(false), Look::Same));
        assert!(matches!(world.watched.look(true), Look::New(_)), "without another edit");
        assert!(world.watched.faults().is_empty());
    }
}
