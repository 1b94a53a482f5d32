//! Whether the audit is as it was written: every entry against the checkpoint that covers it, every
//! checkpoint against the one before (docs/audit.md says what this finds, and what it cannot).

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Serialize;
use subtle::ConstantTimeEq as _;

use crate::domain::ids::TenantId;

use super::audit::{AuditHead, Checkpoint, GONE, MOST, TAG, tag};
use super::records::Record;
use super::tx::AUDITS;
use super::{StoreError, TenantStore};

/// Entries that are read together where no checkpoint covers them.
const AT_ONCE: usize = 500;
/// Checks against a broker that seals meanwhile, before the head is taken to be wrong.
const LOOKS: usize = 16;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The entry is another one than was written.
    Altered,
    /// There is no entry at its position, or it was taken out and the later ones moved up.
    Missing,
    /// The entry was put between others.
    Inserted,
    /// The entry stands at another position than before.
    Reordered,
    /// A checkpoint is gone.
    CheckpointMissing,
    /// A checkpoint is another one than was written.
    CheckpointAltered,
    /// The last checkpoint is older than one that is there, or that was printed before: somebody has put back an
    /// earlier state.
    RolledBack,
}

/// The first thing that is wrong in a tenant's audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tampering {
    /// The position of the entry, or the first one under the checkpoint.
    pub position: u64,
    /// What is wrong there.
    pub wrong: Wrong,
    /// In words.
    pub detail: String,
}

/// What was found of a tenant's audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Whose.
    pub tenant: TenantId,
    /// The checkpoints that are good.
    pub checkpoints: u64,
    /// The entries under them.
    pub sealed: u64,
    /// The entries behind, under no checkpoint yet.
    pub unsealed: u64,
    /// The time of the first of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsealed_since: Option<Timestamp>,
    /// The last good checkpoint, to be kept elsewhere and handed to `--since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Anchor>,
    /// The first thing that is wrong; null if nothing is.
    pub tampering: Option<Tampering>,
}

/// A checkpoint in a text that can be kept elsewhere: `tenant:number:position:mac`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Whose.
    pub tenant: TenantId,
    number: u64,
    last: u64,
    mac: String,
}

/// A text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no checkpoint: take `tenant:number:position:…` as `audit verify` prints it")]
pub struct NoAnchor(String);

/// Why a walk ended early.
enum Stop {
    Found(Tampering),
    Store(StoreError),
}

impl TenantStore {
    /// Goes through the whole audit. `anchors` are checkpoints that were printed before, or that `_platform` knows of, of
    /// this tenant or others.
    pub async fn verify_audit(&self, anchors: &[Anchor]) -> Result<Verified, StoreError> {
        let mut verified = Verified {
            tenant: self.keys.tenant.clone(),
            checkpoints: 0,
            sealed: 0,
            unsealed: 0,
            unsealed_since: None,
            checkpoint: None,
            tampering: None,
        };
        let anchors: Vec<_> = anchors.iter().filter(|anchor| anchor.tenant == self.keys.tenant).collect();
        match self.walk(&mut verified, &anchors).await {
            Ok(()) => {}
            Err(Stop::Found(tampering)) => verified.tampering = Some(tampering),
            Err(Stop::Store(error)) => return Err(error),
        }
        Ok(verified)
    }

    async fn walk(&self, verified: &mut Verified, anchors: &[&Anchor]) -> Result<(), Stop> {
        let mut before = AuditHead::default();
        for _ in 0..LOOKS {
            let head = match self.audit_head().await {
                Ok(head) => head.map(|head| head.value).unwrap_or_default(),
                Err(error) => {
                    return Err(unreadable(error, before.last + 1, "the name of the last checkpoint"));
                }
            };
            while before.number < head.number {
                before = self.next_checkpoint(&before, anchors).await?;
                verified.checkpoints = before.number;
                verified.sealed = before.last;
                verified.checkpoint = Some(Anchor::of(&self.keys.tenant, &before));
            }
            if before != head {
                let detail =
                    format!("the audit ends at checkpoint {}, and an older one is named", before.number);
                return Err(found(before.last, Wrong::RolledBack, detail));
            }
            // A broker may have made another one meanwhile; then the head names it, too.
            let further = self.stored_checkpoint(before.number + 1, before.last + 1).await?;
            let named = self.audit_head().await.map_err(Stop::Store)?.map(|head| head.value.number);
            if named.unwrap_or_default() > before.number {
                continue;
            }
            if further.is_some() {
                let detail = format!("checkpoint {} is there, and an older one is named", before.number + 1);
                return Err(found(before.last + 1, Wrong::RolledBack, detail));
            }
            break;
        }
        if let Some(anchor) = anchors.iter().find(|anchor| anchor.number > before.number) {
            let detail = format!("checkpoint {} was made before and is gone", anchor.number);
            return Err(found(before.last + 1, Wrong::RolledBack, detail));
        }
        self.walk_unsealed(before.last, verified).await
    }

    /// The checkpoint behind one, if it and its entries are as they were.
    async fn next_checkpoint(&self, before: &AuditHead, anchors: &[&Anchor]) -> Result<AuditHead, Stop> {
        let (number, first) = (before.number + 1, before.last + 1);
        let wrong = |wrong, what: &str| found(first, wrong, format!("checkpoint {number} {what}"));
        let stored = self.stored_checkpoint(number, first).await?;
        let made = stored.ok_or_else(|| wrong(Wrong::CheckpointMissing, "is gone"))?;
        let key = self.keys.audit_key_of(&made.key).ok_or_else(|| {
            let what = format!("needs the seal key `{}`, which is not in the key ring", made.key);
            wrong(Wrong::CheckpointAltered, &what)
        })?;
        let mac = made.mac_with(key, &before.mac);
        let fits = (made.number, made.first) == (number, first) && made.last >= first;
        let tags = URL_SAFE_NO_PAD.decode(&made.tags).unwrap_or_default();
        let whole = fits && (tags.len() / TAG) as u64 == made.last - first + 1 && tags.len() / TAG <= MOST;
        if !whole || !bool::from(mac.as_bytes().ct_eq(made.mac.as_bytes())) {
            return Err(wrong(Wrong::CheckpointAltered, "is another one than was made"));
        }
        for anchor in anchors.iter().filter(|anchor| anchor.number == number) {
            if (anchor.last, &anchor.mac) != (made.last, &made.mac) {
                return Err(wrong(Wrong::RolledBack, "is another one than was made before"));
            }
        }
        let expected: Vec<[u8; TAG]> = tags.as_chunks().0.to_vec();
        self.compare_entries(first, &expected, key).await?;
        Ok(AuditHead { number, last: made.last, mac: made.mac })
    }

    async fn stored_checkpoint(&self, number: u64, first: u64) -> Result<Option<Checkpoint>, Stop> {
        let stored = self.one::<Checkpoint>(self.keys.key(Checkpoint::KIND, &number.to_string())).await;
        match stored {
            Ok(stored) => Ok(stored.map(|stored| stored.value)),
            Err(error) => Err(unreadable(error, first, &format!("checkpoint {number}"))),
        }
    }

    /// The entries under a checkpoint, from position `first`.
    async fn compare_entries(
        &self,
        first: u64,
        expected: &[[u8; TAG]],
        key: &aws_lc_rs::hmac::Key,
    ) -> Result<(), Stop> {
        let log = self.keys.key(AUDITS, "");
        let read = self.store.inner.backend.read(&log, first - 1, expected.len()).await;
        let entries: HashMap<u64, Vec<u8>> =
            read.map_err(|error| Stop::Store(error.into()))?.into_iter().collect();
        let at = |number: usize| first + number as u64;
        let tags: Vec<Option<[u8; TAG]>> =
            (0..expected.len()).map(|number| Some(tag(key, entries.get(&at(number))?))).collect();
        for (number, wanted) in expected.iter().enumerate() {
            let position = at(number);
            if *wanted == GONE {
                let detail = format!("entry {position} was gone before its checkpoint was made");
                return Err(found(position, Wrong::Missing, detail));
            }
            if tags[number] != Some(*wanted) {
                return Err(judge(position, number, expected, &tags));
            }
            if let Err(error) = self.open_entry(&log, &entries[&position]) {
                return Err(unreadable(error, position, &format!("entry {position}")));
            }
        }
        Ok(())
    }

    /// Entries that no checkpoint covers yet: only that they are there and open can be said.
    async fn walk_unsealed(&self, last: u64, verified: &mut Verified) -> Result<(), Stop> {
        let (log, mut behind) = (self.keys.key(AUDITS, ""), last);
        loop {
            let entries = self.store.inner.backend.read(&log, behind, AT_ONCE).await;
            let entries = entries.map_err(|error| Stop::Store(error.into()))?;
            if entries.is_empty() {
                return Ok(());
            }
            for (position, entry) in entries {
                if position != behind + 1 {
                    let detail = format!("entry {} is gone", behind + 1);
                    return Err(found(behind + 1, Wrong::Missing, detail));
                }
                let entry = self.open_entry(&log, &entry);
                let entry =
                    entry.map_err(|error| unreadable(error, position, &format!("entry {position}")))?;
                verified.unsealed += 1;
                verified.unsealed_since.get_or_insert(entry.at);
                behind = position;
            }
        }
    }
}

/// What happened at the first position whose tag is not the expected one.
fn judge(position: u64, number: usize, expected: &[[u8; TAG]], tags: &[Option<[u8; TAG]>]) -> Stop {
    let (wanted, there) = (expected[number], tags[number]);
    let known: HashSet<_> = expected.iter().collect();
    let is_elsewhere = tags.contains(&Some(wanted));
    let (wrong, what) = match there {
        None => (Wrong::Missing, "is gone"),
        Some(there) if known.contains(&there) && is_elsewhere => {
            (Wrong::Reordered, "changed its place with another one")
        }
        Some(there) if known.contains(&there) => (Wrong::Missing, "was taken out, and later ones moved up"),
        Some(_) if is_elsewhere => (Wrong::Inserted, "was put between others"),
        Some(_) => (Wrong::Altered, "is another one than was written"),
    };
    found(position, wrong, format!("entry {position} {what}"))
}

fn found(position: u64, wrong: Wrong, detail: String) -> Stop {
    Stop::Found(Tampering { position, wrong, detail })
}

/// What does not open was altered; a store that does not answer is no tampering.
fn unreadable(error: StoreError, position: u64, what: &str) -> Stop {
    let wrong = if what.starts_with("entry") { Wrong::Altered } else { Wrong::CheckpointAltered };
    match error {
        StoreError::Unreadable { cause, .. } => {
            found(position, wrong, format!("{what} does not open: {cause}"))
        }
        StoreError::Malformed { .. } => {
            found(position, wrong, format!("{what} opens and is none of this version's"))
        }
        error => Stop::Store(error),
    }
}

impl Anchor {
    pub(super) fn of(tenant: &TenantId, head: &AuditHead) -> Self {
        Self { tenant: tenant.clone(), number: head.number, last: head.last, mac: head.mac.clone() }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.tenant, self.number, self.last, self.mac)
    }
}

impl Serialize for Anchor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Anchor {
    type Err = NoAnchor;

    fn from_str(text: &str) -> Result<Self, NoAnchor> {
        let parse = || {
            let mut parts = text.split(':');
            let (tenant, number, last, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let is_whole = parts.next().is_none() && mac.len() == 43;
            let (number, last) = (number.parse().ok()?, last.parse().ok()?);
            is_whole.then_some(Self { tenant: tenant.parse().ok()?, number, last, mac: mac.to_owned() })
        };
        parse().ok_or_else(|| NoAnchor(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn wrong(expected: &[u8], there: &[u8]) -> Wrong {
        let expected: Vec<_> = expected.iter().map(|tag| [*tag; TAG]).collect();
        let there: Vec<_> = there.iter().map(|tag| (*tag != 0).then_some([*tag; TAG])).collect();
        let number = (0..expected.len()).find(|number| there[*number] != Some(expected[*number])).unwrap();
        let Stop::Found(found) = judge(1, number, &expected, &there) else { panic!("something was found") };
        found.wrong
    }

    #[rstest]
    #[case(&[1, 2, 3], &[1, 9, 3], Wrong::Altered)]
    #[case(&[1, 2, 3], &[1, 0, 3], Wrong::Missing)]
    #[case(&[1, 2, 3], &[1, 3, 4], Wrong::Missing)]
    #[case(&[1, 2, 3], &[1, 3, 2], Wrong::Reordered)]
    #[case(&[1, 2, 3], &[1, 9, 2], Wrong::Inserted)]
    fn what_was_done_to_an_entry_is_named(
        #[case] expected: &[u8],
        #[case] there: &[u8],
        #[case] named: Wrong,
    ) {
        assert_eq!(wrong(expected, there), named);
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_printed() {
        let text = format!("acme:17:4211:{}", "x".repeat(43));
        assert_eq!(text.parse::<Anchor>().unwrap().to_string(), text);
        for bad in ["", "acme", "acme:1:2:short", &format!("{text}:more"), &text.replace("17", "x")] {
            assert!(bad.parse::<Anchor>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_text_that_is_no_checkpoint_is_no_panic(text: String) {
            let _ = text.parse::<Anchor>();
        }
    }
}
