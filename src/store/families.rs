//! Token families of customers: found by their id, listed for their contact.

use crate::domain::family::Family;
use crate::domain::ids::{ContactId, FamilyId};

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Op, Place, Tx};
use super::{StoreError, TenantStore};

/// The families of a contact, by their ids. What stands here may be gone.
const FAMILIES_OF: &str = "families-of-contact";
/// The most families of a contact that are looked at.
const LOOKED_AT: usize = 200;

impl Tx {
    /// A new family.
    pub fn create_family(&mut self, family: &Family) {
        let place = Place::Named(family.id.to_string());
        self.put(place, Some(Expect::Absent), family, Some(family.expires_at()));
        self.family_listed(true, &family.contact, &family.id);
    }

    /// A family with another refresh token.
    pub fn update_family(&mut self, stored: &Stored<Family>, family: &Family) {
        self.replace(stored, family, Some(family.expires_at()));
    }

    /// Ends a family: none of its tokens is good any more.
    pub fn delete_family(&mut self, family: &Stored<Family>) {
        self.ops.push(Op::Delete(family.key.clone()));
        self.family_listed(false, &family.contact, &family.id);
    }

    /// Takes a family that is gone out of its contact's list.
    pub fn forget_family(&mut self, contact: &ContactId, id: &FamilyId) {
        self.family_listed(false, contact, id);
    }

    fn family_listed(&mut self, is_in: bool, contact: &ContactId, id: &FamilyId) {
        let member = id.as_str().as_bytes().to_vec();
        self.list(is_in, Place::Named(contact.to_string()), FAMILIES_OF, member);
    }
}

impl TenantStore {
    /// A family by its id. One whose time is over may still be there.
    pub async fn family(&self, id: &FamilyId) -> Result<Option<Stored<Family>>, StoreError> {
        self.one(self.keys.key(Family::KIND, id.as_str())).await
    }

    /// The families of a contact, oldest first, and the ids of those that are gone.
    pub async fn families_of(
        &self,
        contact: &ContactId,
    ) -> Result<(Vec<Stored<Family>>, Vec<FamilyId>), StoreError> {
        let set = self.keys.key(FAMILIES_OF, contact.as_str());
        let members = self.members(&[set], &[], LOOKED_AT).await?;
        let ids = members.iter().filter_map(|member| std::str::from_utf8(member).ok()?.parse().ok());
        let ids: Vec<FamilyId> = ids.collect();
        let keys = ids.iter().map(|id| self.keys.key(Family::KIND, id.as_str())).collect();
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for (id, found) in ids.into_iter().zip(self.many(keys).await?) {
            match found {
                Some(family) => there.push(family),
                None => gone.push(id),
            }
        }
        Ok((there, gone))
    }
}
