//! Customers' apps: who is on the way to the provider for one, and the codes that they redeem.

use jiff::Timestamp;

use crate::domain::app::{AppCode, AppVisit, CODE_KEPT, VISIT_KEPT};
use crate::domain::client::{ClientUse, ShownAssertion};

use super::backend::Expect;
use super::hashed::{APP_CODE, ASSERTION, STATE};
use super::records::{Record as _, Stored};
use super::tx::{Place, Tx, hashed};
use super::{StoreError, TenantStore};

impl Tx {
    /// A customer goes to the provider, found by the state.
    pub fn create_app_visit(&mut self, visit: &AppVisit) {
        let until = Some(visit.request.created_at + VISIT_KEPT);
        self.put(Place::Named(visit.request.key.clone()), Some(Expect::Absent), visit, until);
    }

    /// A customer who came back.
    pub fn update_app_visit(&mut self, stored: &Stored<AppVisit>, visit: &AppVisit) {
        self.replace(stored, visit, Some(visit.request.created_at + VISIT_KEPT));
    }

    /// A new code.
    pub fn create_app_code(&mut self, code: &str, record: &AppCode) {
        let until = Some(record.created_at + CODE_KEPT);
        self.put(hashed(APP_CODE, code), Some(Expect::Absent), record, until);
    }

    /// A client showed an assertion of this name: whoever shows it again meets a conflict.
    pub fn create_shown_assertion(&mut self, client: &str, name: &str, until: Timestamp) {
        let place = hashed(ASSERTION, &format!("{client}\n{name}"));
        self.put(place, Some(Expect::Absent), &ShownAssertion { until }, Some(until));
    }

    /// A client was here; the name is a hash of its id.
    pub fn put_client_use(&mut self, name: &str, seen: &ClientUse) {
        self.put(Place::Named(name.to_owned()), None, seen, None);
    }

    /// A code that was redeemed.
    pub fn update_app_code(&mut self, stored: &Stored<AppCode>, record: &AppCode) {
        self.replace(stored, record, Some(record.created_at + CODE_KEPT));
    }
}

impl TenantStore {
    /// A customer on the way to the provider, by the state.
    pub async fn app_visit_by_state(&self, state: &str) -> Result<Option<Stored<AppVisit>>, StoreError> {
        self.hashed(STATE, state).await
    }

    /// When clients of these names were here last.
    pub async fn client_uses(&self, names: &[String]) -> Result<Vec<Option<ClientUse>>, StoreError> {
        let keys = names.iter().map(|name| self.keys.key(ClientUse::KIND, name)).collect();
        Ok(self.many(keys).await?.into_iter().map(|found| found.map(Stored::into_value)).collect())
    }

    /// A code.
    pub async fn app_code(&self, code: &str) -> Result<Option<Stored<AppCode>>, StoreError> {
        self.hashed(APP_CODE, code).await
    }
}
