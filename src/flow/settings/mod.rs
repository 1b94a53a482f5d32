//! Tenants and providers that are set while the broker runs, and stand in no file (DESIGN §4).
//!
//! | file | what it holds |
//! |---|---|
//! | [`mod@format`] | what reads and writes settings, as the flows see it |
//! | `bounds` | how large they may become |
//! | `change` | one change: read, change, check, commit, tell |
//! | [`described`] | the settings as people read of them |
//! | `checks` | what holds of a provider's settings beside what a file must say |
//! | `follow` | how every broker learns of a change, and what is served then |
//! | `for_staff` | at which providers staff may sign in |
//! | [`providers`], [`publish`] | a provider from draft to live |
//! | [`edit`] | some settings of a draft, and what going back would change |
//! | [`samples`] | answers of a provider that a mapping must go on to understand |
//! | [`tenants`] | the tenants, for the operator |
//! | [`own`] | what a tenant's admin changes: its document, webhooks and clients |
//! | [`staff`] | who may use the tenant's pages |
//! | `trail` | what the audit is told |
//!
//! To add a change: 1. a function in the file of its subject that hands a closure to `Broker::change`,
//! 2. its action in `domain/audit.rs`, 3. a handler in `web/api/`, 4. a case in `tests/it/stored/`.

mod accounts;
mod bounds;
mod change;
mod checks;
pub mod clients;
pub mod described;
pub mod edit;
mod follow;
mod for_staff;
pub mod format;
pub mod own;
pub mod providers;
pub mod publish;
pub mod samples;
mod snippets;
pub mod staff;
pub mod tenants;
mod trail;

use crate::domain::ids::TenantId;
use crate::store::StoreError;

use super::Broker;
use super::once::OnceError;
use format::Remark;

pub(super) use follow::Served as ServedSettings;

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such tenant, provider, webhook or client.
    #[error("there is no such thing in this tenant")]
    Unknown,
    /// The tenant stands in a file.
    #[error("the tenant stands in the file `{0}`, so it is changed there and not here")]
    InFile(String),
    /// The tenant was given to the process at its start.
    #[error("the tenant is fixed for as long as this process runs")]
    Fixed,
    /// What was sent cannot be used.
    #[error("the settings are at fault in {} places", .0.len())]
    Refused(Vec<Remark>),
    /// Nobody said which version is changed.
    #[error(
        "say which version you change: send its `ETag` as `If-Match`, or `If-None-Match: *` to make a new one"
    )]
    Unconditional,
    /// It has another version, or is there already.
    #[error("it has version {version}")]
    Stale {
        /// Its version; 0 if it is not there.
        version: u64,
    },
    /// The state of the thing forbids it.
    #[error("{0}")]
    Conflict(String),
    /// Its `Idempotency-Key` does not allow it.
    #[error(transparent)]
    Once(OnceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which version a change is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nobody said.
    #[default]
    Missing,
    /// It is not there yet.
    New,
    /// Whichever there is.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

impl Precondition {
    /// Whether a change of what is there now (none if nothing is) may be made.
    fn demand(&self, version: Option<u64>) -> Result<(), SettingsError> {
        match (self, version) {
            // Nothing is lost where nothing is.
            (Self::Missing, Some(_)) => Err(SettingsError::Unconditional),
            _ => self.allow(version),
        }
    }

    /// The same, where nobody need say.
    fn allow(&self, version: Option<u64>) -> Result<(), SettingsError> {
        match (self, version) {
            (Self::Missing, _) | (Self::New, None) | (Self::Any, Some(_)) => Ok(()),
            (Self::Versions(any_of), Some(version)) if any_of.contains(&version) => Ok(()),
            (_, version) => Err(SettingsError::Stale { version: version.unwrap_or(0) }),
        }
    }
}

impl From<OnceError> for SettingsError {
    fn from(error: OnceError) -> Self {
        match error {
            OnceError::Store(error) => Self::Store(error),
            refused => Self::Once(refused),
        }
    }
}

impl SettingsError {
    /// One fault in what was sent.
    fn refused(pointer: &str, message: &str, help: &str) -> Self {
        Self::Refused(vec![Remark::new(pointer, message, help.to_owned())])
    }
}

/// Where a tenant's settings stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Home {
    /// In the store.
    Store,
    /// In this file.
    File(String),
    /// Nowhere: it was given to the process.
    Process,
}

impl Broker {
    /// Where the settings of a tenant stand; none of one that is not served.
    pub fn home_of(&self, id: &TenantId) -> Option<Home> {
        let directory = self.directory();
        let served = directory.by_id(id)?;
        Some(match (&served.source, served.stored) {
            (Some(file), _) => Home::File(file.clone()),
            (None, true) => Home::Store,
            (None, false) => Home::Process,
        })
    }

    /// Fails if the tenant's settings stand elsewhere than in the store.
    pub(super) fn writable(&self, id: &TenantId) -> Result<(), SettingsError> {
        match self.home_of(id) {
            Some(Home::File(file)) => Err(SettingsError::InFile(file)),
            Some(Home::Process) => Err(SettingsError::Fixed),
            Some(Home::Store) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_which_version_it_is_meant_for() {
        let two = || Precondition::Versions(vec![1, 2]);
        for (condition, version, allowed) in [
            (Precondition::New, None, true),
            (Precondition::New, Some(1), false),
            (Precondition::Any, Some(1), true),
            (Precondition::Any, None, false),
            (two(), Some(2), true),
            (two(), Some(3), false),
            (two(), None, false),
        ] {
            assert_eq!(condition.demand(version).is_ok(), allowed, "{condition:?} {version:?}");
            assert_eq!(condition.allow(version).is_ok(), allowed, "{condition:?} {version:?}");
        }
        assert!(matches!(Precondition::Missing.demand(Some(1)), Err(SettingsError::Unconditional)));
        assert!(Precondition::Missing.demand(None).is_ok());
        assert!(Precondition::Missing.allow(Some(1)).is_ok());
    }
}
