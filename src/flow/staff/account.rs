//! What a member of the staff sets for themselves, and the browsers that they, or an admin, sign out.

use crate::domain::actor::Actor;
use crate::domain::ids::{SessionId, StaffId};
use crate::domain::staff::StaffSession;
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Tx};

/// How dates and numbers are written for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// A BCP 47 tag.
    pub locale: String,
    /// The IANA name of a time zone.
    pub zone: String,
}

impl Broker {
    /// Keeps how a member wants dates and numbers, for this browser and every later one.
    pub async fn set_preferences(
        &self,
        tenant: &Tenant,
        session: &StaffSession,
        wanted: &Preferences,
    ) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let stored = store.staff().await?;
            let mut book = stored.as_deref().cloned().unwrap_or_default();
            let known = book.enter(&session.staff, self.clock.now());
            known.locale = Some(wanted.locale.clone());
            known.zone = Some(wanted.zone.clone());
            let mut tx = Tx::new();
            tx.put_staff(stored.as_ref(), &book);
            if let Some(here) = store.session(&session.id).await? {
                let Preferences { locale, zone } = wanted.clone();
                tx.update_session(&here, &StaffSession { locale, zone, ..here.value.clone() });
            }
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Signs a browser of a member out. False if it is none of theirs.
    pub async fn end_session_of(
        &self,
        tenant: &Tenant,
        staff: &StaffId,
        id: &SessionId,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let stored = self.store.at(&tenant.id).session(id).await?;
        if stored.is_none_or(|stored| stored.staff != *staff) {
            return Ok(false);
        }
        self.end_session(tenant, id, by).await
    }

    /// Signs every browser of a member out but this one.
    pub async fn end_other_sessions(
        &self,
        tenant: &Tenant,
        here: &StaffSession,
        by: &Actor,
    ) -> Result<(), StoreError> {
        for other in self.sessions_of(tenant, &here.staff).await? {
            if other.id != here.id {
                self.end_session(tenant, &other.id, by).await?;
            }
        }
        Ok(())
    }
}
