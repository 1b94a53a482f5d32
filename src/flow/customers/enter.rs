//! Whose contact an address is to which a code was sent: the one who came by it before, the one for whom a provider
//! vouched with it where the tenant wants that, or a new one. What others typed into a record lets nobody into it.

use crate::domain::audit::AuditAction;
use crate::domain::contact::{Contact, Trace};
use crate::domain::ids::{ContactId, ProviderId};
use crate::domain::profile::ProfileField;
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::store::{ContactFilter, Durability, StoreError, Stored, Tx};

/// How many contacts with one email are looked at; more than these are a reason to take none.
const SAME_EMAIL: usize = 20;

/// Who signed in by an emailed code.
#[derive(Debug)]
pub struct SignedInCustomer {
    /// The record, as it is now.
    pub contact: Contact,
    /// The address, in normal form.
    pub email: String,
    /// Whether this sign-in made the record.
    pub created: bool,
}

/// Whose an address is.
enum Owner {
    /// Of somebody who came by it before.
    Known(Box<Stored<Contact>>),
    /// Of somebody for whom a provider vouched with it.
    Vouched(Box<Stored<Contact>>),
    /// Of nobody whom we know.
    Nobody,
}

impl Broker {
    /// Whether somebody may sign in by a code to this address.
    pub(super) async fn may_enter_by_email(
        &self,
        tenant: &Tenant,
        address: &str,
    ) -> Result<bool, StoreError> {
        Ok(tenant.customers.create || !matches!(self.owner_of_address(tenant, address).await?, Owner::Nobody))
    }

    /// The contact of somebody who has proved to read an address; none if nobody may sign in by it.
    pub(super) async fn enter_by_email(
        &self,
        tenant: &Tenant,
        address: &str,
    ) -> Result<Option<SignedInCustomer>, StoreError> {
        let store = self.store.at(&tenant.id);
        // Drawn once, however often a race is lost.
        let mut number = None;
        for _ in 0..RACES {
            let owner = self.owner_of_address(tenant, address).await?;
            let signed_in =
                |contact, created| SignedInCustomer { contact, email: address.to_owned(), created };
            let (tx, contact) = match owner {
                Owner::Known(stored) => return Ok(Some(signed_in(stored.into_value(), false))),
                Owner::Vouched(stored) => self.joined(&stored, address),
                Owner::Nobody if !tenant.customers.create => return Ok(None),
                Owner::Nobody => {
                    let drawn = match number {
                        Some(drawn) => drawn,
                        None => *number.insert(store.next_customer_number().await?),
                    };
                    self.created(tenant, address, drawn)
                }
            };
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return Ok(Some(signed_in(contact, number.is_some())));
                }
            }
        }
        Err(StoreError::Conflict)
    }

    async fn owner_of_address(&self, tenant: &Tenant, address: &str) -> Result<Owner, StoreError> {
        let store = self.store.at(&tenant.id);
        if let Some(owner) = store.identity(&ProviderId::email_code(), address).await?
            && let Some(contact) = store.contact_or_survivor(&owner.value).await?
        {
            return Ok(Owner::Known(Box::new(contact)));
        }
        if !tenant.customers.merge_by_email {
            return Ok(Owner::Nobody);
        }
        let same = store.contact_ids(ContactFilter::Email(address.to_owned()), None, SAME_EMAIL).await?;
        if same.next.is_some() {
            return Ok(Owner::Nobody);
        }
        let field = ProfileField::Email.as_str();
        let is_verified =
            |contact: &Stored<Contact>| contact.provenance.get(field).is_some_and(|known| known.verified);
        let mut verified = store.contacts(&same.items).await?.into_iter().filter(is_verified);
        let only = verified.next().filter(|_| verified.next().is_none());
        Ok(only.map_or(Owner::Nobody, |contact| Owner::Vouched(Box::new(contact))))
    }

    /// The record of somebody who was not here before.
    fn created(&self, tenant: &Tenant, address: &str, number: u64) -> (Tx, Contact) {
        let now = self.clock.now();
        let mut contact = Contact::new(ContactId::from_uuid(self.clock.fresh_uuid()), number, now);
        let changes: Vec<_> = contact.prove_email(address, now).into_iter().collect();
        contact.link_identity(&ProviderId::email_code(), address, now);
        contact.touch(now);
        let mut tx = Tx::new();
        tx.create_contact(&contact);
        tx.create_identity(&ProviderId::email_code(), address, &contact.id);
        let event = self.announce_contact(&mut tx, &tenant.id, &contact, &changes);
        tx.trace(&contact.id, &Trace::of_event(event));
        (tx, contact)
    }

    /// A record that gets another way to sign in.
    fn joined(&self, stored: &Stored<Contact>, address: &str) -> (Tx, Contact) {
        let now = self.clock.now();
        let mut contact = stored.value.clone();
        contact.prove_email(address, now);
        contact.link_identity(&ProviderId::email_code(), address, now);
        contact.touch(now);
        let mut tx = Tx::new();
        tx.update_contact(stored, &contact);
        tx.create_identity(&ProviderId::email_code(), address, &contact.id);
        let detail = Some(format!("{} by email", ProviderId::EMAIL_CODE));
        self.audit_contact(&mut tx, "customer", AuditAction::IdentityLinked, &contact.id, detail);
        (tx, contact)
    }
}
