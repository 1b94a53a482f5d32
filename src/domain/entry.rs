//! The ways in for staff, while they are under way: a sign-in at the tenant's own provider, and a one-time link.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::StaffId;
use super::request::AuthorizationRequest;

/// How long an invitation may be taken up.
pub const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How long a sign-in at a provider is remembered, from its beginning.
pub const ENTRY_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// A sign-in of staff at the tenant's provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// What is pinned, as in a customer's login; its link is none of ours.
    pub request: AuthorizationRequest,
    /// Where the browser wanted to go: a path of ours.
    pub next: String,
    /// The IANA name of the browser's time zone; empty if it did not say.
    pub zone: String,
    /// Whether somebody was let in. A page that is loaded again then leads there.
    pub let_in: bool,
}

/// A one-time link for one member of the staff. A newer one takes its place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Invitation {
    /// Who it lets in.
    pub member: StaffId,
    /// The keyed hash of what its URL ends with.
    pub token_hash: String,
    /// Who gave it, as an actor of the audit.
    pub by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was taken up; it is worth nothing then.
    pub used_at: Option<Timestamp>,
}

impl Invitation {
    /// Until when it may be taken up.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at + INVITATION_LIFETIME
    }

    /// Whether it may be taken up.
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u128) -> StaffId {
        StaffId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn an_invitation_is_good_for_a_quarter_of_an_hour_and_once() {
        let (member, token_hash, by) = (member(1), String::new(), String::new());
        let mut invitation = Invitation { member, token_hash, by, created_at: now(), used_at: None };
        assert!(invitation.is_good_at(now()) && !invitation.is_good_at(now() + INVITATION_LIFETIME));
        invitation.used_at = Some(now());
        assert!(!invitation.is_good_at(now()));
    }
}
