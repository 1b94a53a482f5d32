//! A sign-in makes or enriches the contact of whoever signed in: the same for a link and for a customer's app.

use jiff::Timestamp;

use crate::domain::audit::AuditAction;
use crate::domain::contact::{Contact, EnrichSource};
use crate::domain::conversation::ConversationRef;
use crate::domain::ids::{ContactId, EventId, LinkId};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::store::{StoreError, Tx};

use super::Broker;
use super::identify::Person;

/// What a sign-in says of a person, and on which occasion.
pub(super) struct Occasion<'a> {
    /// Where the customer signed in.
    pub(super) provider: &'a Provider,
    /// Who the provider says it is.
    pub(super) subject: &'a str,
    /// What it told.
    pub(super) signed_in: &'a SignedIn,
    /// When that was read.
    pub(super) read_at: Timestamp,
    /// By which link; none for an app.
    pub(super) link: Option<&'a LinkId>,
    /// In which chat; none for an app.
    pub(super) conversation: Option<&'a ConversationRef>,
}

/// What a sign-in did to its contact.
pub(super) struct Enriched {
    pub(super) contact: Contact,
    /// What tells of it, if it is news.
    pub(super) event: Option<EventId>,
}

impl Broker {
    /// Writes the contact, its identity and what is told of it into the batch. `contact` is the person's, or a new one.
    pub(super) fn write_person(
        &self,
        tx: &mut Tx,
        tenant: &Tenant,
        (person, mut contact): (&Person, Contact),
        occasion: &Occasion<'_>,
    ) -> Enriched {
        let Occasion { provider, subject, signed_in, .. } = occasion;
        let now = self.clock.now();
        let source = EnrichSource {
            provider: provider.id.clone(),
            link: occasion.link.cloned(),
            read_at: occasion.read_at,
            email_verified: signed_in.email_verified,
            phone_verified: signed_in.phone_verified,
        };
        let expected =
            person.external_id.as_ref().map(|external| contact.take_external_id(external, &source));
        let mut changes: Vec<_> = expected.into_iter().collect();
        changes.extend(contact.enrich(&signed_in.profile, &provider.enrich, &source));
        if contact.is_full() {
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, contact = %contact.id, "contact.full");
        }
        contact.link_identity(&provider.id, subject, now);
        if let Some(conversation) = occasion.conversation {
            contact.remember_conversation(conversation);
        }
        contact.touch(now);
        match &person.contact {
            Some(stored) => tx.update_contact(stored, &contact),
            None => tx.create_contact(&contact),
        }
        if person.contact.is_none() || person.joins_by.is_some() {
            tx.create_identity(&provider.id, subject, &contact.id);
        }
        if let Some(way) = person.joins_by {
            let detail = Some(format!("{} by {way}", provider.id));
            self.audit_contact(tx, "customer", AuditAction::IdentityLinked, &contact.id, detail);
        }
        let is_news = person.contact.is_none() || !changes.is_empty();
        let event = is_news.then(|| self.announce_contact(tx, &tenant.id, &contact, &changes));
        Enriched { contact, event }
    }

    /// A record about which nothing is known yet, with a number that was reserved for it.
    pub(super) fn blank_contact(&self, number: u64) -> Contact {
        Contact::new(ContactId::from_uuid(self.clock.fresh_uuid()), number, self.clock.now())
    }

    /// Who signed in without a link: the contact that owns the identity, the one with the same verified email, or nobody
    /// yet.
    pub(super) async fn identify_without_link(
        &self,
        tenant: &Tenant,
        (provider, subject): (&Provider, &str),
        signed_in: &SignedIn,
    ) -> Result<Person, StoreError> {
        let store = self.store.at(&tenant.id);
        let owner = store.identity(&provider.id, subject).await?;
        if let Some(owner) = owner
            && let Some(contact) = store.contact(&owner.value).await?
        {
            return Ok(Person { contact: Some(contact), ..Person::default() });
        }
        let contact = self.same_email(tenant, provider, signed_in).await?;
        let joins_by = contact.is_some().then_some("email");
        Ok(Person { contact, joins_by, ..Person::default() })
    }
}
