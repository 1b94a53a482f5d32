//! What a change of settings may be refused with, as the API says it.

use crate::flow::settings::SettingsError;
use crate::flow::settings::format::Remark;

use super::{ApiError, BodyFault};

impl From<SettingsError> for ApiError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Unknown => Self::NotFound,
            SettingsError::InFile(_) | SettingsError::Fixed => Self::Conflict(error.to_string()),
            SettingsError::Refused(remarks) => {
                Self::Refused(remarks.into_iter().map(BodyFault::from).collect())
            }
            SettingsError::Unconditional => Self::Unconditional(error.to_string()),
            SettingsError::Stale { version } => Self::Stale { version },
            SettingsError::Conflict(detail) => Self::Conflict(detail),
            SettingsError::Once(error) => error.into(),
            SettingsError::Store(error) => error.into(),
        }
    }
}

impl From<Remark> for BodyFault {
    fn from(remark: Remark) -> Self {
        let Remark { pointer, message, help, column, makes_new_people: _ } = remark;
        Self { pointer, detail: message, help, line: column.map(|_| 1), column }
    }
}
