//! Why no token of a provider is handed out, as the API says it.

use axum::http::StatusCode;

use crate::flow::vault::VaultError;
use crate::web::error::{ApiError, login_status};

/// Why no token of a provider is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultRefusal {
    /// The customer is not verified there.
    NotVerified,
    /// The customer must sign in again.
    SignInAgain,
    /// The provider's tokens are not kept.
    Off,
    /// The provider fails for everybody, or too many are at it.
    OutOfOrder {
        /// After how many seconds another try is worth it.
        retry_after: u32,
    },
    /// The provider gave no fresh token.
    Failed,
    /// The provider did not answer in time.
    TimedOut,
}

impl VaultRefusal {
    /// The status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotVerified | Self::SignInAgain | Self::Off => StatusCode::CONFLICT,
            Self::OutOfOrder { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// A stable code, a title, and what to do.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::NotVerified => (
                "not_verified",
                "The conversation is not verified",
                "nobody is verified there now as this contact by this provider; send a link, and ask again once it is \
                 completed",
            ),
            Self::SignInAgain => (
                "sign_in_again",
                "The customer must sign in again",
                "there is no token that the provider still takes; send a link",
            ),
            Self::Off => (
                "vault_off",
                "The tokens of this provider are not kept",
                "write `vault = true` in the provider's settings; it counts for sign-ins from then on",
            ),
            Self::OutOfOrder { .. } => (
                "provider_out_of_order",
                "The provider cannot be asked now",
                "nothing was changed; try again after `Retry-After`",
            ),
            Self::Failed => (
                "provider_failed",
                "The provider gave no fresh token",
                "the log has the reason under the request id; what is kept stays, so try again",
            ),
            Self::TimedOut => (
                "provider_timeout",
                "The provider did not answer in time",
                "what is kept stays; try again in a few seconds",
            ),
        }
    }

    /// One of each.
    #[cfg(test)]
    pub fn every() -> impl Iterator<Item = Self> {
        [
            Self::NotVerified,
            Self::SignInAgain,
            Self::Off,
            Self::OutOfOrder { retry_after: 2 },
            Self::Failed,
            Self::TimedOut,
        ]
        .into_iter()
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        Self::Vault(match error {
            VaultError::Unknown => return Self::NotFound,
            VaultError::NoProvider(_) => return Self::refused("/provider", error.to_string()),
            VaultError::Store(error) => return error.into(),
            VaultError::NotVerified => VaultRefusal::NotVerified,
            VaultError::SignInAgain => VaultRefusal::SignInAgain,
            VaultError::Off => VaultRefusal::Off,
            VaultError::OutOfOrder(late) => VaultRefusal::OutOfOrder { retry_after: late.why.retry_after() },
            VaultError::Busy => VaultRefusal::OutOfOrder { retry_after: 2 },
            VaultError::Refused(fault) => match login_status(fault.code) {
                StatusCode::GATEWAY_TIMEOUT => VaultRefusal::TimedOut,
                _ => VaultRefusal::Failed,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fault::{Code, Fault, Step};

    #[test]
    fn what_the_provider_did_wrong_is_told_by_its_status() {
        for (code, refusal) in [
            (Code::TokenTimeout, VaultRefusal::TimedOut),
            (Code::TokenFailed, VaultRefusal::Failed),
            (Code::InvalidClient, VaultRefusal::Failed),
            (Code::TokenGarbage, VaultRefusal::Failed),
            (Code::Internal, VaultRefusal::Failed),
        ] {
            let error = ApiError::from(VaultError::Refused(Fault::new(Step::Exchange, code)));
            assert!(matches!(error, ApiError::Vault(told) if told == refusal), "{code:?}: {error:?}");
        }
    }
}
