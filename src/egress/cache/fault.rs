//! Why a provider's metadata or keys are not to be had, and what that means for a login.

use crate::domain::fault::{Code, Fault, Step};
use crate::egress::error::EgressError;
use crate::oauth::issuer::BadIssuer;
use crate::oauth::jwk::NoKeySet;
use crate::oauth::metadata::NoMetadata;

/// Why there is no metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataFault {
    /// The issuer of the settings is none.
    #[error(transparent)]
    Issuer(#[from] BadIssuer),
    /// No answer came.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// None of the answers is metadata of this issuer; this is the most telling one.
    #[error(transparent)]
    Answer(#[from] NoMetadata),
}

/// Why there are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeysFault {
    /// No answer came.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// Another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// A page.
    #[error("the answer is a page by its content type")]
    Page,
    /// The answer is no key set.
    #[error(transparent)]
    Answer(#[from] NoKeySet),
}

impl MetadataFault {
    /// What it means for the login at this step.
    pub fn at(&self, step: Step) -> Fault {
        let code = match self {
            Self::Egress(EgressError::Timeout) => Code::DiscoveryTimeout,
            Self::Egress(EgressError::Unsendable) => Code::Internal,
            Self::Answer(NoMetadata::OtherIssuer { .. }) => Code::DiscoveryMismatch,
            Self::Issuer(_) | Self::Egress(_) | Self::Answer(_) => Code::DiscoveryFailed,
        };
        Fault::new(step, code)
    }

    /// How much it tells: of several answers the one that came closest is shown.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Answer(NoMetadata::OtherIssuer { .. }) => 4,
            Self::Answer(NoMetadata::Type(_) | NoMetadata::Url(_) | NoMetadata::NoIssuer) => 3,
            Self::Answer(NoMetadata::Json | NoMetadata::TooLarge) => 2,
            Self::Answer(NoMetadata::Status(_) | NoMetadata::ContentType) => 1,
            Self::Issuer(_) | Self::Egress(_) => 0,
        }
    }
}

impl KeysFault {
    /// What it means for the login at this step.
    pub fn at(&self, step: Step) -> Fault {
        let code = match self {
            Self::Egress(EgressError::Timeout) => Code::JwksTimeout,
            Self::Egress(EgressError::Unsendable) => Code::Internal,
            Self::Egress(_) | Self::Status(_) | Self::Page | Self::Answer(_) => Code::JwksFailed,
        };
        Fault::new(step, code)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(BadIssuer::Url.into(), Code::DiscoveryFailed)]
    #[case(EgressError::Connect.into(), Code::DiscoveryFailed)]
    #[case(EgressError::Timeout.into(), Code::DiscoveryTimeout)]
    #[case(EgressError::Unsendable.into(), Code::Internal)]
    #[case(NoMetadata::Status(404).into(), Code::DiscoveryFailed)]
    #[case(NoMetadata::OtherIssuer { announced: String::new() }.into(), Code::DiscoveryMismatch)]
    fn a_fault_of_metadata_has_its_code(#[case] fault: MetadataFault, #[case] code: Code) {
        assert_eq!(fault.at(Step::Verify), Fault::new(Step::Verify, code));
    }

    #[rstest]
    #[case(EgressError::Timeout.into(), Code::JwksTimeout)]
    #[case(EgressError::Tls("expired".to_owned()).into(), Code::JwksFailed)]
    #[case(EgressError::Unsendable.into(), Code::Internal)]
    #[case(KeysFault::Status(500), Code::JwksFailed)]
    #[case(KeysFault::Page, Code::JwksFailed)]
    #[case(NoKeySet::Keys.into(), Code::JwksFailed)]
    fn a_fault_of_keys_has_its_code(#[case] fault: KeysFault, #[case] code: Code) {
        assert_eq!(fault.at(Step::IdToken), Fault::new(Step::IdToken, code));
    }
}
