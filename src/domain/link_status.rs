//! The word for a link's state, as the API, events and logs say it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The word for a link's state. `completed`, `cancelled`, `superseded` and `expired` are final; `denied`
/// and `failed` speak of the latest attempt and are left by the next opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "documented at `LinkState`")]
pub enum LinkStatus {
    Created,
    Opened,
    Provisional,
    Denied,
    Failed,
    Completed,
    Cancelled,
    Superseded,
    Expired,
}

impl LinkStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Opened,
        Self::Provisional,
        Self::Denied,
        Self::Failed,
        Self::Completed,
        Self::Cancelled,
        Self::Superseded,
        Self::Expired,
    ];

    /// The word in JSON and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Opened => "opened",
            Self::Provisional => "provisional",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
        }
    }

    /// Whether nothing can follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Superseded | Self::Expired)
    }
}

impl fmt::Display for LinkStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LinkStatus {
    type Err = UnknownLinkStatus;

    fn from_str(text: &str) -> Result<Self, UnknownLinkStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownLinkStatus)
    }
}

/// A word that names no status of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a status of a link; use one of `created opened provisional denied failed completed cancelled superseded expired`"
)]
pub struct UnknownLinkStatus;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_by_its_word() {
        for status in LinkStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
            assert!(UnknownLinkStatus.to_string().contains(status.as_str()));
        }
        assert_eq!("done".parse::<LinkStatus>(), Err(UnknownLinkStatus));
    }
}
