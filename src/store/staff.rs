//! Staff: what is known of those who were here, and the browsers that were let in.

use crate::domain::ids::{SessionId, StaffId};
use crate::domain::staff::{LONGEST, StaffBook, StaffSession};

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::{Op, Place, Tx};
use super::{StoreError, TenantStore};

/// The browsers of a member, by their ids. What stands here may be gone.
const SESSIONS_OF: &str = "sessions-of-staff";
/// Browsers of a member that are looked at together.
const AT_ONCE: usize = 100;

impl Tx {
    /// What is known of a tenant's staff, changed.
    pub fn put_staff(&mut self, stored: Option<&Stored<StaffBook>>, book: &StaffBook) {
        match stored {
            Some(stored) => self.replace(stored, book, None),
            None => self.put(Place::Only, Some(Expect::Absent), book, None),
        }
    }

    /// A browser that was let in.
    pub fn create_session(&mut self, session: &StaffSession) {
        let until = Some(session.created_at + LONGEST);
        self.put(Place::Named(session.id.to_string()), Some(Expect::Absent), session, until);
        self.session_listed(true, session);
    }

    /// A browser that was seen, or set otherwise.
    pub fn update_session(&mut self, stored: &Stored<StaffSession>, session: &StaffSession) {
        self.replace(stored, session, Some(session.created_at + LONGEST));
    }

    /// A browser that was signed out.
    pub fn delete_session(&mut self, stored: &Stored<StaffSession>) {
        self.ops.push(Op::Delete(stored.key.clone()));
        self.session_listed(false, stored);
    }

    /// Takes a browser that is gone out of its member's list.
    pub fn forget_session(&mut self, staff: &StaffId, id: &SessionId) {
        self.list(false, Place::Named(staff.to_string()), SESSIONS_OF, id.as_str().as_bytes().to_vec());
    }

    fn session_listed(&mut self, is_in: bool, session: &StaffSession) {
        let member = session.id.as_str().as_bytes().to_vec();
        self.list(is_in, Place::Named(session.staff.to_string()), SESSIONS_OF, member);
    }
}

impl TenantStore {
    /// What is known of the tenant's staff; none if nobody was here yet.
    pub async fn staff(&self) -> Result<Option<Stored<StaffBook>>, StoreError> {
        self.one(self.keys.key(StaffBook::KIND, "")).await
    }

    /// A browser by its id. One whose time is over may still be there.
    pub async fn session(&self, id: &SessionId) -> Result<Option<Stored<StaffSession>>, StoreError> {
        self.one(self.keys.key(StaffSession::KIND, id.as_str())).await
    }

    /// The browsers of a member, oldest first, and the ids of those that are gone.
    pub async fn sessions_of(
        &self,
        staff: &StaffId,
    ) -> Result<(Vec<Stored<StaffSession>>, Vec<SessionId>), StoreError> {
        let set = self.keys.key(SESSIONS_OF, staff.as_str());
        let (mut there, mut gone, mut after) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            // Whoever signs out every browser means every one, however many there are.
            let members = self.members(std::slice::from_ref(&set), &after, AT_ONCE).await?;
            let ids = members.iter().filter_map(|member| std::str::from_utf8(member).ok()?.parse().ok());
            let ids: Vec<SessionId> = ids.collect();
            let keys = ids.iter().map(|id| self.keys.key(StaffSession::KIND, id.as_str())).collect();
            for (id, found) in ids.into_iter().zip(self.many(keys).await?) {
                match found {
                    Some(session) => there.push(session),
                    None => gone.push(id),
                }
            }
            match members.last().filter(|_| members.len() == AT_ONCE) {
                Some(last) => after.clone_from(last),
                None => return Ok((there, gone)),
            }
        }
    }
}
