//! Figures: counts of an hour, gathered in this process as changes are committed, and written beside
//! them some seconds later. A login waits for none of it, and no two logins share a record for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;

use crate::domain::ids::TenantId;
use crate::domain::insight::{Counted, Hour, Tally};

use super::backend::Expect;
use super::records::{Record as _, Stored};
use super::tx::Place;
use super::{Store, StoreError, TenantStore, Tx};

/// How long an hour's counts are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// Hours that wait to be written, beyond which new ones are not counted: the store was away for long.
const MOST: usize = 50_000;
/// Hours that are read together.
const AT_ONCE: usize = 200;

/// What was counted in this process and is not written yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    hours: Mutex<HashMap<(TenantId, Hour), Tally>>,
}

/// The counts of one hour of one tenant that are to be written.
#[derive(Debug)]
pub struct Gathering {
    /// Whose.
    pub tenant: TenantId,
    /// Which hour.
    pub hour: Hour,
    /// What is to be added to it.
    pub tally: Tally,
}

impl Gathered {
    /// Counts what a change has brought, now that it is done.
    pub(super) fn count(&self, tenant: &TenantId, news: Vec<Counted>) {
        if news.is_empty() {
            return;
        }
        let mut hours = self.hours();
        for counted in news {
            if let Some(tally) = slot(&mut hours, tenant, counted.hour) {
                tally.add(counted);
            }
        }
    }

    /// Adds what waits to be written.
    fn add_waiting(&self, tenant: &TenantId, hour: Hour, tally: &mut Tally) {
        if let Some(waiting) = self.hours().get(&(tenant.clone(), hour)) {
            tally.merge(waiting);
        }
    }

    fn hours(&self) -> MutexGuard<'_, HashMap<(TenantId, Hour), Tally>> {
        self.hours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Everything that was counted here and is not written yet, for whoever writes it.
    pub fn take_figures(&self) -> Vec<Gathering> {
        let hours = std::mem::take(&mut *self.inner.gathered.hours());
        hours.into_iter().map(|((tenant, hour), tally)| Gathering { tenant, hour, tally }).collect()
    }

    /// It could not be written, and is tried again later.
    pub fn put_back_figures(&self, gathering: &Gathering) {
        let mut hours = self.inner.gathered.hours();
        if let Some(tally) = slot(&mut hours, &gathering.tenant, gathering.hour) {
            tally.merge(&gathering.tally);
        }
    }
}

impl TenantStore {
    /// Counts something that no change of a record tells.
    pub fn count(&self, counted: Counted) {
        self.store.inner.gathered.count(self.tenant(), vec![counted]);
    }

    /// The counts of an hour as they are written.
    pub async fn figures_of(&self, hour: Hour) -> Result<Option<Stored<Tally>>, StoreError> {
        self.one(self.keys.key(Tally::KIND, &hour.to_string())).await
    }

    /// The counts of these hours, of each in which there was anything, with what was counted here and is
    /// not written yet. An hour that cannot be read is left out: figures are not worth a page that fails.
    pub async fn figures(&self, hours: &[Hour]) -> Result<Vec<(Hour, Tally)>, StoreError> {
        let mut found = Vec::new();
        for some in hours.chunks(AT_ONCE) {
            let keys = some.iter().map(|hour| self.keys.key(Tally::KIND, &hour.to_string())).collect();
            let read = self.each::<Tally>(keys).await?;
            for (hour, read) in some.iter().zip(read) {
                let written = read.unwrap_or_else(|error| {
                    tracing::warn!(tenant = %self.tenant(), detail = %error, "figures.unreadable");
                    None
                });
                let mut tally = written.map(Stored::into_value).unwrap_or_default();
                self.store.inner.gathered.add_waiting(self.tenant(), *hour, &mut tally);
                if !tally.is_empty() {
                    found.push((*hour, tally));
                }
            }
        }
        Ok(found)
    }
}

impl Tx {
    /// The counts of an hour, in place of those that were `stored`.
    pub fn put_figures(&mut self, stored: Option<&Stored<Tally>>, hour: Hour, tally: &Tally) {
        let until = Some(hour.begins() + KEPT);
        match stored {
            Some(stored) => self.replace(stored, tally, until),
            None => self.put(Place::Named(hour.to_string()), Some(Expect::Absent), tally, until),
        }
    }
}

/// The place of an hour's counts; none if too many wait already.
fn slot<'h>(
    hours: &'h mut HashMap<(TenantId, Hour), Tally>,
    tenant: &TenantId,
    hour: Hour,
) -> Option<&'h mut Tally> {
    let full = hours.len() >= MOST;
    match hours.entry((tenant.clone(), hour)) {
        Entry::Occupied(there) => Some(there.into_mut()),
        Entry::Vacant(_) if full => None,
        Entry::Vacant(free) => Some(free.insert(Tally::default())),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::domain::insight::What;

    use super::*;

    fn counted(hour: i64) -> Counted {
        let hour = Hour::of(Timestamp::from_second(hour * 3600).unwrap());
        Counted { hour, provider: "acme".parse().unwrap(), what: What::Attempt }
    }

    #[test]
    fn where_too_many_hours_wait_new_ones_are_not_counted_but_the_old_ones_go_on() {
        let (gathered, tenant) = (Gathered::default(), "acme".parse().unwrap());
        let most = i64::try_from(MOST).unwrap();
        gathered.count(&tenant, (0..most + 10).map(counted).collect());
        gathered.count(&tenant, vec![counted(0), counted(most + 5)]);
        let hours = gathered.hours();
        assert_eq!(hours.len(), MOST);
        let of =
            |hour| hours.get(&(tenant.clone(), counted(hour).hour)).map(|tally| tally.together().attempts);
        assert_eq!((of(0), of(1), of(most + 5)), (Some(2), Some(1), None));
    }
}
