//! The token vault: one record per contact and provider. Its name is made of ids of ours, so that it
//! does not move when the index key is replaced.

use std::collections::BTreeSet;

use crate::domain::contact::Contact;
use crate::domain::ids::{ContactId, ProviderId};
use crate::domain::vault::VaultRecord;

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Op, Place, Tx};
use super::{StoreError, TenantStore};

impl Tx {
    /// Keeps tokens, in place of the `stored` ones.
    pub fn put_tokens(&mut self, stored: Option<&Stored<VaultRecord>>, record: &VaultRecord) {
        if let Some(stored) = stored {
            self.replace(stored, record, Some(record.until));
        } else {
            let place = Place::Named(name_of(&record.contact, &record.provider));
            self.put(place, Some(Expect::Absent), record, Some(record.until));
        }
    }

    /// Deletes tokens, if they are as they were read.
    pub fn forget_tokens(&mut self, stored: &Stored<VaultRecord>) {
        self.ops.push(Op::Expect(stored.key.clone(), stored.version));
        self.ops.push(Op::Delete(stored.key.clone()));
    }

    /// Deletes all tokens of a contact: it has none at a provider where it is nobody.
    pub(super) fn forget_tokens_of(&mut self, contact: &Contact) {
        let providers: BTreeSet<_> = contact.identities.iter().map(|identity| &identity.provider).collect();
        for provider in providers {
            self.forget::<VaultRecord>(Place::Named(name_of(&contact.id, provider)));
        }
    }
}

impl TenantStore {
    /// The tokens of a contact at a provider. They may be over already.
    pub async fn tokens(
        &self,
        contact: &ContactId,
        provider: &ProviderId,
    ) -> Result<Option<Stored<VaultRecord>>, StoreError> {
        self.one(self.keys.key(VaultRecord::KIND, &name_of(contact, provider))).await
    }
}

/// Neither of the two holds a colon.
fn name_of(contact: &ContactId, provider: &ProviderId) -> String {
    format!("{contact}:{provider}")
}
