//! Audit entries: who changed or read what, without personal data.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::AuditId;

/// One line of the audit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it, e.g. `client:acme-bot`, `customer` or `system`.
    pub actor: String,
    /// What was done, e.g. `auth_link.completed`.
    pub action: String,
    /// To what: an id of ours.
    pub object: String,
    /// What else an auditor wants to know: ids, codes and words of ours, never personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
