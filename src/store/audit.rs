//! Checkpoints of the audit (DESIGN §3): what makes an entry that was altered, deleted, inserted or
//! moved by somebody with access to the store's files or server show.
//!
//! The entries of a tenant stand in a log. A checkpoint covers the next of them: it holds a tag of
//! each (16 bytes of an HMAC over its position's bytes as they stand), and an HMAC-SHA256 over the
//! checkpoint before it and all these tags. Its key is derived from the active seal key, whose name
//! it has, and the tenant. The head names the last checkpoint, and is changed with it in one batch:
//! of two brokers that seal the same entries one comes too late.
//!
//! A commit with entries puts one `due` entry for all commits of a few seconds, so that a tenant
//! that is idle costs nothing. `audit_verify` reads all this again.

use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::backend::{Durability, Expect, Key};
use super::keys::{Due, DueKind, due_set};
use super::records::{Record, Stored};
use super::tx::{AUDITS, Place, Tx};
use super::{StoreError, TenantStore};

/// Commits of so many milliseconds share their `due` entry.
const WINDOW: i64 = 2_000;
/// So many later it is due: the clocks of two brokers may differ by that.
const SLACK: i64 = 2_000;
/// Entries under one checkpoint, at most: some 12 KiB of tags.
pub(super) const MOST: usize = 512;
/// Bytes of a tag.
pub(super) const TAG: usize = 16;
/// The tag of a position that was empty when it came under a checkpoint.
pub(super) const GONE: [u8; TAG] = [0; TAG];

/// What covers some entries of the audit and the checkpoint before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Its number, from 1 without a gap.
    pub number: u64,
    /// The first position that it covers.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The seal key from which its own key is derived.
    pub key: String,
    /// The tags of its entries one behind the other, in base64url.
    pub tags: String,
    /// The HMAC over the one before and all of this, in base64url.
    pub mac: String,
}

/// The last checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AuditHead {
    /// Its number; 0 if there is none.
    pub number: u64,
    /// The last position that it covers.
    pub last: u64,
    /// Its HMAC.
    pub mac: String,
}

/// What became of a call to seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Entries that came under a checkpoint.
    pub entries: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// Until when the next checkpoint of a tenant is due already, in this process.
#[derive(Debug, Default)]
pub(super) struct Sealing {
    /// The end of the last window whose `due` entry was written, in milliseconds.
    known: AtomicI64,
}

/// What a commit with entries for the auditor must see to.
#[derive(Debug, Clone, Copy)]
pub(super) struct SealingDue {
    /// When the checkpoint is due.
    pub(super) at: Timestamp,
    /// Whether nobody has written this down yet.
    pub(super) is_news: bool,
    window: i64,
}

impl Sealing {
    /// For a commit that begins now.
    pub(super) fn of(&self, now: Timestamp) -> SealingDue {
        let window = (now.as_millisecond().div_euclid(WINDOW) + 1) * WINDOW;
        let at = Timestamp::from_millisecond(window + SLACK).unwrap_or(Timestamp::MAX);
        SealingDue { at, is_news: self.known.load(Ordering::Relaxed) != window, window }
    }

    fn note(&self, due: &SealingDue) {
        self.known.store(due.window, Ordering::Relaxed);
    }
}

impl TenantStore {
    /// The member of the `due` set that asks for a checkpoint.
    pub(super) fn sealing_due(&self, at: Timestamp) -> (Key, Vec<u8>) {
        let due = Due { at, kind: DueKind::AuditSeal, tenant: self.keys.tenant.clone(), id: String::new() };
        (due_set(self.keys.partition), due.to_member())
    }

    /// After a commit. If that took so long that its checkpoint may have been made without it, another one is due.
    pub(super) async fn note_sealing(&self, due: &SealingDue) {
        self.keys.sealing.note(due);
        let late = self.keys.sealing.of(self.store.inner.clock.now());
        if late.window == due.window {
            return;
        }
        let mut tx = Tx::new();
        tx.due(DueKind::AuditSeal, late.at, "");
        match Box::pin(self.commit(tx, Durability::Relaxed)).await {
            Ok(()) => self.keys.sealing.note(&late),
            // The next entry of this tenant brings these under a checkpoint as well.
            Err(error) => tracing::warn!(tenant = %self.keys.tenant, detail = %error, "audit.seal_delayed"),
        }
    }

    /// Puts the next entries of the audit under a checkpoint. When all are, the `due` entry that asked for it goes
    /// in the same batch. A conflict means that somebody else seals them.
    pub async fn seal_audit(&self, due: Option<&Due>) -> Result<Sealed, StoreError> {
        let head = self.audit_head().await?;
        let known = head.as_ref().map(|head| head.value.clone()).unwrap_or_default();
        let log = self.keys.key(AUDITS, "");
        let entries = self.store.inner.backend.read(&log, known.last, MOST).await?;
        let mut tx = Tx::new();
        let checkpoint = self.checkpoint(&known, &entries);
        if let Some(checkpoint) = &checkpoint {
            let name = Place::Named(checkpoint.number.to_string());
            tx.put(name, Some(Expect::Absent), checkpoint, None);
            let (number, last, mac) = (checkpoint.number, checkpoint.last, checkpoint.mac.clone());
            let next = AuditHead { number, last, mac };
            match &head {
                Some(head) => tx.replace(head, &next, None),
                None => tx.put(Place::Only, Some(Expect::Absent), &next, None),
            }
        }
        let covered = checkpoint.as_ref().map_or(known.last, |made| made.last);
        let more = entries.len() == MOST || entries.last().is_some_and(|(last, _)| *last > covered);
        if let Some(due) = due.filter(|_| !more) {
            tx.not_due(due.kind, due.at, &due.id);
        }
        self.commit(tx, Durability::Durable).await?;
        Ok(Sealed { entries: covered - known.last, more })
    }

    /// Whether nothing more can come under a checkpoint, because the head names an older one than the last: somebody
    /// has put back an earlier state of it.
    pub async fn is_sealing_stuck(&self) -> Result<bool, StoreError> {
        let head = self.audit_head().await?;
        let number = head.as_ref().map_or(0, |head| head.number) + 1;
        let further = self.one::<Checkpoint>(self.keys.key(Checkpoint::KIND, &number.to_string())).await;
        let is_there = match further {
            Ok(further) => further.is_some(),
            Err(StoreError::Unreadable { .. } | StoreError::Malformed { .. }) => true,
            Err(error) => return Err(error),
        };
        // Another broker may have made it meanwhile; then the head names it, too.
        let version = |head: &Option<Stored<AuditHead>>| head.as_ref().map(Stored::version);
        Ok(is_there && version(&self.audit_head().await?) == version(&head))
    }

    /// The last checkpoint; none if there was none yet.
    pub(super) async fn audit_head(&self) -> Result<Option<Stored<AuditHead>>, StoreError> {
        self.one(self.keys.key(AuditHead::KIND, "")).await
    }

    /// The checkpoint of the entries behind the head; none if there are none.
    fn checkpoint(&self, head: &AuditHead, entries: &[(u64, Vec<u8>)]) -> Option<Checkpoint> {
        let (last, _) = entries.last()?;
        let (first, most) = (head.last + 1, head.last + MOST as u64);
        // Where somebody has made a hole, it is written down as one.
        let last = (*last).min(most);
        let (id, key) = self.keys.audit_key();
        let mut tags = vec![0; usize::try_from(last - head.last).ok()? * TAG];
        for (position, entry) in entries.iter().filter(|(position, _)| *position <= last) {
            let at = usize::try_from(position - first).ok()? * TAG;
            tags[at..at + TAG].copy_from_slice(&tag(key, entry));
        }
        let mut made = Checkpoint {
            number: head.number + 1,
            first,
            last,
            at: self.store.inner.clock.now(),
            key: id.to_owned(),
            tags: URL_SAFE_NO_PAD.encode(tags),
            mac: String::new(),
        };
        made.mac = made.mac_with(key, &head.mac);
        Some(made)
    }
}

impl Checkpoint {
    /// Its HMAC, behind the checkpoint with the HMAC `before`.
    pub(super) fn mac_with(&self, key: &hmac::Key, before: &str) -> String {
        let mut context = hmac::Context::with_key(key);
        let numbers = [self.number, self.first, self.last, self.at.as_millisecond().cast_unsigned()];
        let texts = ["checkpoint", before, &self.key, &self.tags];
        for text in texts {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        for number in numbers {
            context.update(&number.to_be_bytes());
        }
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}

/// The tag of an entry, as it stands in the log.
pub(super) fn tag(key: &hmac::Key, entry: &[u8]) -> [u8; TAG] {
    let mut context = hmac::Context::with_key(key);
    context.update(b"entry");
    context.update(entry);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&context.sign().as_ref()[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn commits_of_one_window_write_their_due_entry_once() {
        let sealing = Sealing::default();
        let first = sealing.of(at(10_100));
        assert!(first.is_news && first.at == at(14_000));
        assert!(sealing.of(at(10_200)).is_news, "until the first is committed every one writes it");
        sealing.note(&first);
        assert!(!sealing.of(at(11_999)).is_news);
        assert!(sealing.of(at(12_000)).is_news);
    }

    #[test]
    fn no_two_checkpoints_have_one_mac() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let made = Checkpoint {
            number: 1,
            first: 1,
            last: 2,
            at: at(5),
            key: "k".into(),
            tags: "ab".into(),
            mac: String::new(),
        };
        let others = [
            Checkpoint { number: 2, ..made.clone() },
            Checkpoint { first: 2, ..made.clone() },
            Checkpoint { last: 3, ..made.clone() },
            Checkpoint { at: at(6), ..made.clone() },
            Checkpoint { key: "ka".into(), tags: "b".into(), ..made.clone() },
            Checkpoint { tags: "abc".into(), ..made.clone() },
        ];
        let mac = made.mac_with(&key, "before");
        assert!(others.iter().all(|other| other.mac_with(&key, "before") != mac));
        assert_ne!(made.mac_with(&key, "another"), mac);
    }
}
