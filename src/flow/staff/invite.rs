//! A one-time link for a member of the staff: looking at it is harmless, pressing its button signs in.

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::entry::Invitation;
use crate::domain::ids::StaffId;
use crate::domain::staff::Member;
use crate::domain::tenant::Tenant;
use crate::egress::mail::MailError;
use crate::egress::mail::post::Receipt;
use crate::flow::{Broker, RACES};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::letters;

/// What the keyed hash of a token is for.
const HASHED: &str = "invitation";
/// What stands in the path before the token.
const PATH: &str = "/signin/invite/";

/// An invitation that was made.
#[derive(Debug)]
pub struct Invited {
    /// Whom it lets in.
    pub member: Member,
    /// The whole link, to be shown once.
    pub url: Secret,
    /// Until when it may be taken up.
    pub expires_at: jiff::Timestamp,
}

/// Why there is no invitation, or why it lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// Nobody of the staff has this id, or no good invitation this token.
    #[error("there is no such invitation")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Makes a one-time link for a member. An older one is worth nothing from now on.
    pub async fn invite_member(
        &self,
        tenant: &Tenant,
        id: &StaffId,
        author: &Actor,
    ) -> Result<Invited, InviteError> {
        let member = tenant.member(id).cloned().ok_or(InviteError::Unknown)?;
        let store = self.store.at(&tenant.id);
        let token = self.clock.fresh_token();
        for _ in 0..RACES {
            let invitation = Invitation {
                member: id.clone(),
                token_hash: store.hash(HASHED, token.expose()),
                by: author.to_string(),
                created_at: self.clock.now(),
                used_at: None,
            };
            let known = store.invitation(id).await?;
            let mut tx = Tx::new();
            tx.put_invitation(known.as_ref(), &invitation);
            tx.audit(self.entry(&author.to_string(), AuditAction::StaffInvited, id.to_string()));
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    let url = format!("{}{PATH}{id}.{}", tenant.origin, token.expose());
                    return Ok(Invited {
                        member,
                        url: Secret::new(url),
                        expires_at: invitation.expires_at(),
                    });
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Sends an invitation to its member's address.
    pub fn mail_invitation(&self, tenant: &Tenant, invited: &Invited) -> Option<Result<Receipt, MailError>> {
        let letter = letters::invitation(tenant, &invited.member, invited.url.expose());
        Some(self.post.as_ref()?.send(&tenant.id, letter))
    }

    /// Whom an invitation would let in. Changes nothing.
    pub async fn look_at_invitation(&self, tenant: &Tenant, handle: &str) -> Result<Member, InviteError> {
        Ok(self.good_invitation(tenant, handle).await?.1)
    }

    /// Takes an invitation up: it lets its member in, once.
    pub async fn accept_invitation(&self, tenant: &Tenant, handle: &str) -> Result<Member, InviteError> {
        for _ in 0..RACES {
            let (stored, member) = self.good_invitation(tenant, handle).await?;
            let mut used = stored.value.clone();
            used.used_at = Some(self.clock.now());
            let mut tx = Tx::new();
            tx.put_invitation(Some(&stored), &used);
            match self.store.at(&tenant.id).commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return Ok(member);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn good_invitation(
        &self,
        tenant: &Tenant,
        handle: &str,
    ) -> Result<(Stored<Invitation>, Member), InviteError> {
        let (id, token) = handle.split_once('.').ok_or(InviteError::Unknown)?;
        let id: StaffId = id.parse().map_err(|_| InviteError::Unknown)?;
        let store = self.store.at(&tenant.id);
        let stored = store.invitation(&id).await?.ok_or(InviteError::Unknown)?;
        let is_it = store.is_hash(HASHED, token, &stored.value.token_hash);
        let member = tenant.member(&id).filter(|_| is_it && stored.value.is_good_at(self.clock.now()));
        let member = member.cloned().ok_or(InviteError::Unknown)?;
        Ok((stored, member))
    }

    /// Forgets what was kept of somebody who is no longer staff, so that whoever has their address later begins anew.
    pub(in crate::flow) async fn forget_member(
        &self,
        tenant: &crate::domain::ids::TenantId,
        id: &StaffId,
    ) -> Result<(), StoreError> {
        let store = self.store.at(tenant);
        for _ in 0..RACES {
            let mut tx = Tx::new();
            if let Some(stored) = store.staff().await? {
                let mut book = stored.value.clone();
                book.forget(id);
                tx.put_staff(Some(&stored), &book);
            }
            if let Some(stored) = store.invitation(id).await? {
                let used_at = stored.value.used_at.or(Some(self.clock.now()));
                tx.put_invitation(Some(&stored), &Invitation { used_at, ..stored.value.clone() });
            }
            for session in store.sessions_of(id).await?.0 {
                tx.delete_session(&session);
            }
            if tx.is_empty() {
                return Ok(());
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    /// An audit entry of a sign-in that let nobody in.
    pub(super) fn refusal(&self, reference: &str, detail: String) -> AuditEntry {
        let entry = self.entry("system", AuditAction::StaffRefused, reference.to_owned());
        AuditEntry { detail: Some(detail), ..entry }
    }
}
