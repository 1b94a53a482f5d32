//! What lets staff in: emailed codes, one-time links, and sign-ins at a provider.

use crate::domain::entry::{ENTRY_KEPT, Entry, Invitation};
use crate::domain::ids::StaffId;
use crate::domain::otp::{Otp, OtpPurpose, OtpSent};

use super::backend::Expect;
use super::hashed::{OTP, OTP_ADDRESS, STATE};
use super::records::{Record as _, Stored};
use super::tx::{Place, Tx, hashed};
use super::{StoreError, TenantStore};

impl Tx {
    /// A new one-time code, found by the ticket that was given to who asked for it.
    pub fn create_otp(&mut self, ticket: &str, otp: &Otp) {
        self.put(hashed(OTP, ticket), Some(Expect::Absent), otp, Some(otp.expires_at));
    }

    /// A one-time code that somebody guessed at, or used.
    pub fn update_otp(&mut self, stored: &Stored<Otp>, otp: &Otp) {
        self.replace(stored, otp, Some(otp.expires_at));
    }

    /// How often codes were sent to an address, in normal form.
    pub fn put_otp_sent(
        &mut self,
        stored: Option<&Stored<OtpSent>>,
        (purpose, address): (OtpPurpose, &str),
        sent: &OtpSent,
    ) {
        match stored {
            Some(stored) => self.replace(stored, sent, sent.until()),
            None => self.put(
                hashed(OTP_ADDRESS, &sent_to(purpose, address)),
                Some(Expect::Absent),
                sent,
                sent.until(),
            ),
        }
    }

    /// A one-time link, in place of an older one of the same member.
    pub fn put_invitation(&mut self, stored: Option<&Stored<Invitation>>, invitation: &Invitation) {
        let until = Some(invitation.expires_at());
        if let Some(stored) = stored {
            return self.replace(stored, invitation, until);
        }
        let place = Place::Named(invitation.member.as_str().to_owned());
        self.put(place, Some(Expect::Absent), invitation, until);
    }

    /// A new sign-in of staff at a provider, found by its state.
    pub fn create_entry(&mut self, entry: &Entry) {
        let until = Some(entry.request.created_at + ENTRY_KEPT);
        self.put(Place::Named(entry.request.key.clone()), Some(Expect::Absent), entry, until);
    }

    /// A changed one.
    pub fn update_entry(&mut self, stored: &Stored<Entry>, entry: &Entry) {
        self.replace(stored, entry, Some(entry.request.created_at + ENTRY_KEPT));
    }
}

impl TenantStore {
    /// A one-time code by its ticket.
    pub async fn otp(&self, ticket: &str) -> Result<Option<Stored<Otp>>, StoreError> {
        self.hashed(OTP, ticket).await
    }

    /// How often codes were sent to an address, in normal form.
    pub async fn otp_sent(
        &self,
        purpose: OtpPurpose,
        address: &str,
    ) -> Result<Option<Stored<OtpSent>>, StoreError> {
        self.hashed(OTP_ADDRESS, &sent_to(purpose, address)).await
    }

    /// The one-time link of a member.
    pub async fn invitation(&self, member: &StaffId) -> Result<Option<Stored<Invitation>>, StoreError> {
        self.one(self.keys.key(Invitation::KIND, member.as_str())).await
    }

    /// A sign-in of staff by its state.
    pub async fn entry_by_state(&self, state: &str) -> Result<Option<Stored<Entry>>, StoreError> {
        self.hashed(STATE, state).await
    }

    /// The same by its key, see [`request_key`](Self::request_key).
    pub async fn entry_by_key(&self, key: &str) -> Result<Option<Stored<Entry>>, StoreError> {
        self.one(self.keys.key(Entry::KIND, key)).await
    }
}

fn sent_to(purpose: OtpPurpose, address: &str) -> String {
    format!("{}\n{address}", purpose.as_str())
}
