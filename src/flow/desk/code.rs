//! A member of staff passes a confirmation code, where no platform does: the auditor hears who it was, because the
//! code itself only says that the customer sent it.

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::LinkId;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::store::StoreError;

/// How a code came from a page of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// An agent typed what the customer had sent.
    Console,
    /// An agent played the customer.
    Simulator,
}

impl Broker {
    /// Writes down who is about to pass a code, before it is compared.
    pub async fn note_passed_code(
        &self,
        tenant: &Tenant,
        by: &Actor,
        link: &LinkId,
        way: Way,
    ) -> Result<(), StoreError> {
        let detail = match way {
            Way::Console => "in the console",
            Way::Simulator => "in the chat simulator",
        };
        let entry = self.entry(&by.to_string(), AuditAction::CodePassed, link.to_string());
        self.note(&tenant.id, AuditEntry { detail: Some(detail.to_owned()), ..entry }).await
    }
}
