//! Which contact a sign-in belongs to (DESIGN §5.5): the one who owns the identity, the one whom the
//! platform expects, the one with the same verified email, or a new one. Identities never move.

use crate::domain::contact::Contact;
use crate::domain::ids::ContactId;
use crate::domain::link::{ContactHint, Link};
use crate::domain::profile::{ProfileField, SignedIn};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::store::{ContactFilter, StoreError, Stored};

use super::Broker;
use super::record::SignIn;

/// How many contacts with one email are looked at; more than these are a reason to join none.
const SAME_EMAIL: usize = 20;

/// Who signed in.
#[derive(Default)]
pub(super) struct Person {
    /// The contact; none makes a new one.
    pub contact: Option<Stored<Contact>>,
    /// How an identity that nobody owns comes to a contact that is there; none if it owns it already.
    pub joins_by: Option<&'static str>,
    /// The platform's id of a new contact.
    pub external_id: Option<String>,
    /// The contact is not the one whom the platform expects.
    pub mismatch: bool,
}

/// Whom the platform expects.
enum Expected {
    /// It does not say, or the contact was erased.
    Nobody,
    /// A contact.
    Contact(Box<Stored<Contact>>),
    /// Somebody whom we do not know yet, by the platform's id.
    Stranger(String),
}

impl Broker {
    /// Finds the contact of a sign-in whose identity is `owner`'s, if it is anybody's.
    pub(super) async fn identify(
        &self,
        tenant: &Tenant,
        link: &Link,
        sign_in: &SignIn<'_>,
        owner: Option<&ContactId>,
    ) -> Result<Person, StoreError> {
        let expected = self.expected(tenant, link.contact.as_ref()).await?;
        if let Some(owner) = owner
            && let Some(contact) = self.store.at(&tenant.id).contact(owner).await?
        {
            let mismatch = expected.is_other_than(&contact);
            return Ok(Person { contact: Some(contact), mismatch, ..Person::default() });
        }
        if let Expected::Contact(contact) = expected {
            // Two people at one provider are two people, until somebody merges them.
            return Ok(if contact.is_known_at(&sign_in.provider.id) {
                Person { mismatch: true, ..Person::default() }
            } else {
                Person { contact: Some(*contact), joins_by: Some("hint"), ..Person::default() }
            });
        }
        let contact = self.same_email(tenant, sign_in.provider, sign_in.signed_in).await?;
        let joins_by = contact.is_some().then_some("email");
        let mismatch = contact.as_ref().is_some_and(|contact| expected.is_other_than(contact));
        let external_id = match expected {
            Expected::Stranger(external) if contact.is_none() => Some(external),
            _ => None,
        };
        Ok(Person { contact, joins_by, external_id, mismatch })
    }

    /// A hint that was good when the link was made. Merged ones are followed.
    async fn expected(&self, tenant: &Tenant, hint: Option<&ContactHint>) -> Result<Expected, StoreError> {
        let store = self.store.at(&tenant.id);
        let (id, stranger) = match hint {
            Some(ContactHint { id: Some(id), .. }) => (Some(id.clone()), None),
            Some(ContactHint { external_id: Some(external), .. }) => {
                (store.external_owner(external).await?, Some(external))
            }
            _ => return Ok(Expected::Nobody),
        };
        let contact = match &id {
            Some(id) => store.contact_or_survivor(id).await?,
            None => None,
        };
        Ok(match (contact, stranger) {
            (Some(contact), _) => Expected::Contact(Box::new(contact)),
            (None, Some(external)) => Expected::Stranger(external.clone()),
            (None, None) => Expected::Nobody,
        })
    }

    /// The one contact with the same email, if both emails are verified and the tenant wants it. One
    /// whom this provider knows as somebody else is not joined: an address can change hands.
    pub(super) async fn same_email(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        signed_in: &SignedIn,
    ) -> Result<Option<Stored<Contact>>, StoreError> {
        let email = signed_in.profile.text(ProfileField::Email);
        let Some(email) = email.filter(|_| provider.merge_by_email && signed_in.email_verified) else {
            return Ok(None);
        };
        let store = self.store.at(&tenant.id);
        let same = store.contact_ids(ContactFilter::Email(email.to_owned()), None, SAME_EMAIL).await?;
        if same.next.is_some() {
            return Ok(None);
        }
        let field = ProfileField::Email.as_str();
        let is_verified =
            |contact: &Stored<Contact>| contact.provenance.get(field).is_some_and(|known| known.verified);
        let mut verified = store.contacts(&same.items).await?.into_iter().filter(is_verified);
        let only = verified.next().filter(|_| verified.next().is_none());
        Ok(only.filter(|contact| !contact.is_known_at(&provider.id)))
    }
}

impl Expected {
    /// Whether the platform expects somebody else than this contact.
    fn is_other_than(&self, contact: &Contact) -> bool {
        match self {
            Self::Nobody => false,
            Self::Contact(expected) => expected.id != contact.id,
            // Nobody has that id; if this contact has one, it is another one.
            Self::Stranger(_) => contact.external_id.is_some(),
        }
    }
}
