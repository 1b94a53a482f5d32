//! Staff sign in by a code that is sent to their address. Whoever asks is answered alike whether anybody has it: the
//! letter goes out in the background.

use crate::domain::otp::{Asker, Otp, OtpPurpose};
use crate::domain::staff::{Member, StaffEmail};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::otp::{OtpError, OtpMade, OtpOrder, OtpRefused};
use crate::secret::Secret;
use crate::store::{StoreError, Stored};

use super::letters;

/// What the keyed hash of a member is for that a browser keeps.
const MARKED: &str = "staff-mark";

/// Why no code is sent.
#[derive(Debug, thiserror::Error)]
pub enum NoCode {
    /// What was typed is no address.
    #[error("this is no email address")]
    NoAddress,
    /// No mail server is set up.
    #[error("no mail server is set up")]
    NoMail,
    /// Enough were sent there, or the store failed.
    #[error(transparent)]
    Otp(#[from] OtpError),
}

/// Somebody who typed the right code.
#[derive(Debug)]
pub struct CodeTyped {
    /// Who it is.
    pub member: Member,
    /// Where the browser wanted to go.
    pub next: String,
}

impl Broker {
    /// What a browser keeps in which this member has signed in: it opens nothing, and names nobody. A stranger has none.
    pub fn mark_of_member(&self, tenant: &Tenant, member: &Member) -> Secret {
        Secret::new(self.store.at(&tenant.id).hash(MARKED, member.id.as_str()))
    }

    /// Sends a code to an address, if it is one of the staff's, and answers what the browser must show with it. `mark` is
    /// what the browser keeps of the member who signed in there last.
    pub async fn email_code(
        &self,
        tenant: &Tenant,
        address: &str,
        (next, mark): (&str, Option<&Secret>),
    ) -> Result<OtpMade, NoCode> {
        let post = self.post.as_ref().ok_or(NoCode::NoMail)?;
        let address: StaffEmail = address.parse().map_err(|_| NoCode::NoAddress)?;
        let member = tenant.member_with(&address);
        let (purpose, known) = (OtpPurpose::Staff, member.is_some());
        let is_marked = member.zip(mark).is_some_and(|(member, mark)| {
            self.store.at(&tenant.id).is_hash(MARKED, member.id.as_str(), mark.expose())
        });
        let asker = if is_marked { Asker::Known } else { Asker::Anybody };
        let order = OtpOrder { purpose, address: address.as_str(), asker, known, memo: next };
        let made = self.make_otp(&tenant.id, &order).await?;
        tracing::info!(tenant = %tenant.id, otp_id = %made.id, known, "staff.code_asked");
        if let Some(member) = member {
            // A full queue is in the log, and looks to whoever asked like a slow mail server.
            let _ = post.send(&tenant.id, letters::code(tenant, member, &made.digits));
        }
        Ok(made)
    }

    /// What was sent for a ticket, if it can still be typed. Changes nothing.
    pub async fn code_sent(&self, tenant: &Tenant, ticket: &Secret) -> Result<Option<Otp>, StoreError> {
        let stored = self.store.at(&tenant.id).otp(ticket.expose()).await?;
        let now = self.clock.now();
        let is_good =
            |otp: &Otp| otp.purpose == OtpPurpose::Staff && otp.used_at.is_none() && now < otp.expires_at;
        Ok(stored.map(Stored::into_value).filter(is_good))
    }

    /// Somebody typed a code: the member whose it is.
    pub async fn type_code(
        &self,
        tenant: &Tenant,
        ticket: &Secret,
        typed: &str,
    ) -> Result<CodeTyped, OtpRefused> {
        let otp = self.use_otp(&tenant.id, (OtpPurpose::Staff, ticket), typed).await?;
        // Somebody may have been taken out meanwhile.
        let address: StaffEmail = otp.address.parse().map_err(|_| OtpRefused::Unknown)?;
        let member = tenant.member_with(&address).cloned().ok_or(OtpRefused::Unknown)?;
        Ok(CodeTyped { member, next: otp.memo })
    }
}
