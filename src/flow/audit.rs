//! The platform reads the audit, newest first.

use jiff::Timestamp;

use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::TenantId;
use crate::store::{Asked, Page, StoreError};

use super::Broker;
use super::lists::Part;

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Of this actor.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<AuditAction>,
    /// About this id: as the object, or beside it.
    pub object: Option<String>,
    /// Of this time or later.
    pub since: Option<Timestamp>,
    /// Of this time or earlier.
    pub until: Option<Timestamp>,
}

impl Broker {
    /// A part of the audit. A page may hold fewer than were asked for, and say that there is more.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        query: &AuditQuery,
        part: Part<'_>,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let filter = query.in_words();
        let (cursor, limit) = (part.cursor, part.limit);
        let asked = Asked { cursor, limit, since: query.since, until: query.until, filter: &filter };
        self.store.at(tenant).audit_page(&asked, |entry| query.wants(entry)).await
    }
}

impl AuditQuery {
    fn wants(&self, entry: &AuditEntry) -> bool {
        let is_about = |id: &String| entry.object == *id || entry.ids.contains(id);
        self.actor.as_ref().is_none_or(|actor| entry.actor == *actor)
            && self.action.is_none_or(|action| entry.action == action)
            && self.object.as_ref().is_none_or(is_about)
    }

    /// The question in words, to which its cursors belong.
    fn in_words(&self) -> String {
        let Self { actor, action, object, since, until } = self;
        format!("{actor:?} {action:?} {object:?} {since:?} {until:?}")
    }
}
