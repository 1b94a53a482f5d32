//! The audit as it is read: newest first, by who, what, to what and when.

use jiff::{SignedDuration, Timestamp};

use crate::domain::audit::AuditEntry;

use super::backend::Key;
use super::read::Page;
use super::tx::AUDITS;
use super::{Asked, StoreError, TenantStore};

/// Entries that are read together.
const AT_ONCE: usize = 200;
/// Entries that one page looks at, however few of them are wanted.
const LOOKED_AT: usize = 2_000;
/// So far the times of entries may differ from their order: brokers' clocks do.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

impl TenantStore {
    /// At most `limit` audit entries behind a position, with theirs.
    pub async fn audit_after(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, AuditEntry)>, StoreError> {
        let log = self.keys.key(AUDITS, "");
        let entries = self.store.inner.backend.read(&log, position, limit).await?;
        entries.into_iter().map(|(at, entry)| Ok((at, self.open_entry(&log, &entry)?))).collect()
    }

    /// A part of the audit, newest first, those entries that `keep` wants.
    pub async fn audit_page(
        &self,
        asked: &Asked<'_>,
        keep: impl Fn(&AuditEntry) -> bool + Send,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let log = self.keys.key(AUDITS, "");
        let purpose = format!("cursor audits\0{}", asked.filter);
        let mut behind = self.audit_start(&log, &purpose, asked).await?;
        let (mut items, mut looked_at) = (Vec::new(), 0);
        while behind > 0 && looked_at < LOOKED_AT {
            let after = behind.saturating_sub(AT_ONCE as u64);
            let count = usize::try_from(behind - after).unwrap_or(AT_ONCE);
            let entries = self.store.inner.backend.read(&log, after, count).await?;
            let page_end = behind;
            for (position, entry) in entries.iter().rev().filter(|(position, _)| *position <= page_end) {
                behind = position - 1;
                let Some(entry) = self.readable(&log, *position, entry) else { continue };
                if asked.since.is_some_and(|since| entry.at + SKEW < since) {
                    return Ok(Page { items, next: None });
                }
                let is_in_time = asked.since.is_none_or(|since| entry.at >= since)
                    && asked.until.is_none_or(|until| entry.at <= until);
                if is_in_time && keep(&entry) {
                    items.push(entry);
                }
                if items.len() == asked.limit {
                    let more = behind > 0;
                    return Ok(Page { items, next: more.then(|| self.audit_cursor(&purpose, behind)) });
                }
            }
            // Whatever was there has been looked at.
            behind = behind.min(after);
            looked_at += count;
        }
        Ok(Page { items, next: (behind > 0).then(|| self.audit_cursor(&purpose, behind)) })
    }

    /// The position at which a page begins.
    async fn audit_start(&self, log: &Key, purpose: &str, asked: &Asked<'_>) -> Result<u64, StoreError> {
        if let Some(cursor) = asked.cursor {
            let position = self.open_text(purpose, cursor).and_then(|text| text.parse().ok());
            return position.ok_or(StoreError::BadCursor);
        }
        let known = self.audit_head().await?.map_or(0, |head| head.value.last);
        let end = self.end_of(log, known).await?;
        match asked.until {
            Some(until) => self.last_before(log, end, until + SKEW).await,
            None => Ok(end),
        }
    }

    /// A position behind which every entry is later than `time`: closed in on, since entries stand nearly in the
    /// order of their times.
    async fn last_before(&self, log: &Key, end: u64, time: Timestamp) -> Result<u64, StoreError> {
        let (mut earlier, mut later) = (0, end + 1);
        while earlier + 1 < later {
            let middle = earlier.midpoint(later);
            let found = self.store.inner.backend.read(log, middle - 1, 1).await?;
            // One that does not open may be of any time.
            let is_earlier =
                |entry: &[u8]| self.open_entry(log, entry).map_or(true, |entry| entry.at <= time);
            if found.first().is_some_and(|(_, entry)| is_earlier(entry)) {
                earlier = middle;
            } else {
                later = middle;
            }
        }
        Ok(earlier)
    }

    /// One entry that somebody has altered does not keep an auditor from all others: `audit verify` names it.
    fn readable(&self, log: &Key, position: u64, sealed: &[u8]) -> Option<AuditEntry> {
        let entry = self.open_entry(log, sealed);
        let told = |error: &StoreError| {
            tracing::error!(tenant = %self.keys.tenant, position, detail = %error, "audit.unreadable");
        };
        entry.inspect_err(told).ok()
    }

    pub(super) fn open_entry(&self, log: &Key, sealed: &[u8]) -> Result<AuditEntry, StoreError> {
        let plain = self.keys.open(AUDITS, log.as_bytes(), sealed);
        let plain = plain.map_err(|cause| StoreError::Unreadable { kind: AUDITS, cause })?;
        serde_json::from_slice(&plain)
            .map_err(|error| StoreError::Malformed { kind: AUDITS, column: error.column() })
    }

    /// Sealed, so that a cursor works for its own tenant and question only.
    fn audit_cursor(&self, purpose: &str, behind: u64) -> String {
        self.seal_text(purpose, &behind.to_string())
    }
}
