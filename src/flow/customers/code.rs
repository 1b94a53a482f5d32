//! Customers sign in by a code that is sent to their address. Whoever asks is answered alike, and in the same time,
//! whether anybody is known by it: who that is, is looked up when the answer is on its way.

use std::sync::Arc;

use tracing::Instrument as _;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::ids::{ContactId, ProviderId};
use crate::domain::otp::{Asker, OtpOver, OtpPurpose};
use crate::domain::tenant::Tenant;
use crate::egress::mail::Letter;
use crate::flow::otp::{OtpError, OtpMade, OtpOrder, OtpRefused};
use crate::flow::{Broker, trail};
use crate::profile::email;
use crate::secret::Secret;
use crate::store::StoreError;

use super::SignedInCustomer;

/// Why no code is sent.
#[derive(Debug, thiserror::Error)]
pub enum NoCustomerCode {
    /// The tenant does not let customers in by emailed codes.
    #[error("customers do not sign in by emailed codes here")]
    Off,
    /// No mail server is set up.
    #[error("no mail server is set up")]
    NoMail,
    /// What was typed is no address that letters can be sent to.
    #[error("this is no email address")]
    NoAddress,
    /// Enough were sent there, or the store failed.
    #[error(transparent)]
    Otp(#[from] OtpError),
}

/// What is typed to sign in.
#[derive(Debug)]
pub struct TypedByCustomer<'a> {
    /// What was answered when the code was asked for.
    pub ticket: &'a Secret,
    /// Where it was sent.
    pub address: &'a str,
    /// What [`send_customer_code`](Broker::send_customer_code) was told to remember: where the code was asked for.
    pub place: &'a str,
    /// The client that signs the customer in, for the audit.
    pub client: &'a str,
    /// The code.
    pub code: &'a str,
}

impl Broker {
    /// Sends a code to an address, if somebody may sign in by it, and answers what must be shown with it. `place` says
    /// where it was asked for, and is where it can be typed; `compose` writes the letter to this address with this code, or
    /// none if the tenant has sent so many that there is no other now.
    pub async fn send_customer_code(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        address: &str,
        place: &str,
        compose: impl FnOnce(&str, &Secret) -> Option<Letter> + Send + 'static,
    ) -> Result<OtpMade, NoCustomerCode> {
        if !tenant.customers.email_code {
            return Err(NoCustomerCode::Off);
        }
        let post = self.post.as_ref().ok_or(NoCustomerCode::NoMail)?;
        let address = normal(address).ok_or(NoCustomerCode::NoAddress)?;
        let (purpose, asker) = (OtpPurpose::Customer, Asker::Anybody);
        let order = OtpOrder { purpose, address: &address, asker, known: true, memo: place };
        let made = self.make_otp(&tenant.id, &order).await?;
        tracing::info!(tenant = %tenant.id, otp_id = %made.id, "customer.code_asked");
        // Taken now, so that a stop waits for a letter that is not written yet. A full queue is in the log, and looks to
        // whoever asked like a slow mail server.
        let place = post.place(&tenant.id);
        let (broker, tenant, digits) = (Arc::clone(self), Arc::clone(tenant), made.digits.clone());
        let work = async move {
            let Ok(place) = place else { return };
            match broker.may_enter_by_email(&tenant, &address).await {
                Ok(true) => drop(compose(&address, &digits).map(|letter| place.send(letter))),
                Ok(false) => tracing::info!(tenant = %tenant.id, "customer.code_for_nobody"),
                Err(error) => tracing::error!(tenant = %tenant.id, detail = %error, "store.failed"),
            }
        };
        tokio::spawn(trail::keep_request(work.in_current_span()));
        Ok(made)
    }

    /// A customer typed a code: whose it is. Another address than the code was sent to, and another place than it was
    /// asked for, count as a wrong code.
    pub async fn type_customer_code(
        &self,
        tenant: &Tenant,
        typed: &TypedByCustomer<'_>,
    ) -> Result<SignedInCustomer, OtpRefused> {
        if !tenant.customers.email_code {
            return Err(OtpRefused::Unknown);
        }
        let sent = self.store.at(&tenant.id).otp(typed.ticket.expose()).await?;
        let sent = sent.filter(|sent| sent.purpose == OtpPurpose::Customer).ok_or(OtpRefused::Unknown)?;
        let is_there = sent.memo == typed.place && normal(typed.address).is_some_and(|at| at == sent.address);
        let code = if is_there { typed.code } else { "" };
        let otp = self.use_otp(&tenant.id, (OtpPurpose::Customer, typed.ticket), code).await.inspect_err(
            |why| {
                if let OtpRefused::Wrong { left } = why {
                    tracing::warn!(tenant = %tenant.id, otp_id = %sent.id, left, "customer.code_refused");
                }
            },
        )?;
        // For an address by which nobody may sign in no letter went out: whoever hit the code has only guessed it.
        let entered = self.enter_by_email(tenant, &otp.address).await?;
        let Some(customer) = entered else { return Err(OtpOver::Spent.into()) };
        let entry = self.entry("customer", AuditAction::CustomerSignedIn, customer.contact.id.to_string());
        let detail = Some(format!("to {} at {}", typed.client, ProviderId::EMAIL_CODE));
        self.note(&tenant.id, AuditEntry { detail, ..entry }).await?;
        tracing::info!(tenant = %tenant.id, otp_id = %otp.id, created = customer.created, "customer.signed_in");
        Ok(customer)
    }

    /// Writes down that a customer signed out, on this device only or on all.
    pub async fn note_customer_signed_out(
        &self,
        tenant: &Tenant,
        contact: &ContactId,
        everywhere: bool,
    ) -> Result<(), StoreError> {
        let actor = Actor::Customer(contact.clone()).to_string();
        let entry = self.entry(&actor, AuditAction::CustomerSignedOut, contact.to_string());
        let detail = Some(if everywhere { "everywhere" } else { "here" }.to_owned());
        self.note(&tenant.id, AuditEntry { detail, ..entry }).await
    }
}

/// An address in normal form, if letters can be sent there: ASCII, in small letters.
fn normal(address: &str) -> Option<String> {
    email::parse(address).filter(|address| address.is_ascii()).map(|address| address.to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_one_form_however_it_is_typed() {
        assert_eq!(normal(" Dana@Acme.EXAMPLE ").as_deref(), Some("dana@acme.example"));
        for bad in
            ["", "dana", "a@b@c.example", "dana@acme.example\r\nBcc: eve@evil.example", "dörte@example.de"]
        {
            assert_eq!(normal(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_letters_go_to_has_one_line_one_sign_and_small_letters(text in "\\PC{0,40}|[a-zA-Z.@\r\n ]{0,30}") {
            if let Some(address) = normal(&text) {
                prop_assert_eq!(address.matches('@').count(), 1);
                prop_assert!(address.is_ascii() && address == address.to_lowercase());
                prop_assert!(!address.contains(|c: char| c.is_control() || c.is_whitespace()));
                let again = normal(&address);
                prop_assert_eq!(again.as_ref(), Some(&address));
            }
        }
    }
}
