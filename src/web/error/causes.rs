//! What each flow may be refused with, as the API says it.
//!
//! To add a flow: its error's `From`, which says for every variant what the caller can do.

use crate::domain::fault::Code;
use crate::flow::confirm::ConfirmError;
use crate::flow::contacts::ContactError;
use crate::flow::contacts::patch::PatchFault;
use crate::flow::create_link::CreateLinkError;
use crate::flow::links::CancelError;
use crate::flow::once::OnceError;
use crate::flow::preview::PreviewError;
use crate::flow::resend::ResendError;
use crate::flow::trial::TrialError;
use crate::flow::waiting::WaitError;
use crate::flow::webhooks::DeliverError;

use super::{ApiError, BodyFault};

impl From<CreateLinkError> for ApiError {
    fn from(error: CreateLinkError) -> Self {
        match error {
            CreateLinkError::Refused { pointer, detail } => Self::refused(pointer, detail),
            CreateLinkError::Once(error) => error.into(),
            CreateLinkError::Store(error) => error.into(),
        }
    }
}

impl From<OnceError> for ApiError {
    fn from(error: OnceError) -> Self {
        match error {
            OnceError::Running => Self::StillRunning(error.to_string()),
            OnceError::Reused => Self::KeyReused(error.to_string()),
            OnceError::Store(error) => error.into(),
        }
    }
}

impl From<ResendError> for ApiError {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::Unknown => Self::NotFound,
            ResendError::Over(_) => Self::Gone(error.to_string()),
            ResendError::ProviderGone => Self::Conflict(error.to_string()),
            ResendError::Refused(error) => error.into(),
            ResendError::Store(error) => error.into(),
        }
    }
}

impl From<TrialError> for ApiError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::Unknown => Self::NotFound,
            TrialError::Store(error) => error.into(),
            TrialError::Wait(error) => error.into(),
            TrialError::Once(error) => error.into(),
        }
    }
}

impl From<WaitError> for ApiError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Full => Self::TooManyWait(error.to_string()),
            WaitError::Store(error) => error.into(),
        }
    }
}

impl From<DeliverError> for ApiError {
    fn from(error: DeliverError) -> Self {
        match error {
            DeliverError::Unknown => Self::NotFound,
            DeliverError::Disabled | DeliverError::Full => Self::Conflict(error.to_string()),
            DeliverError::Store(error) => error.into(),
        }
    }
}

impl From<CancelError> for ApiError {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::Unknown => Self::NotFound,
            CancelError::Final(_) => Self::Gone(error.to_string()),
            CancelError::Store(error) => error.into(),
        }
    }
}

impl From<ConfirmError> for ApiError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Unknown => Self::NotFound,
            ConfirmError::NothingWaits(_) => Self::Conflict(error.to_string()),
            ConfirmError::Wrong { attempts_left } => Self::WrongCode { attempts_left },
            ConfirmError::NotRecorded(fault) if fault.code == Code::StoreUnavailable => Self::Unavailable,
            ConfirmError::Spent(_) | ConfirmError::NotRecorded(_) => Self::Gone(error.to_string()),
            ConfirmError::Store(error) => error.into(),
        }
    }
}

impl From<ContactError> for ApiError {
    fn from(error: ContactError) -> Self {
        match error {
            ContactError::Unknown | ContactError::NoSuggestion => Self::NotFound,
            ContactError::Stale { version } => Self::Stale { version },
            ContactError::OtherStale => Self::Conflict(error.to_string()),
            ContactError::Conflict(detail) => Self::Conflict(detail),
            ContactError::Refused(faults) => {
                let at = |fault: PatchFault| BodyFault::at(fault.pointer, fault.detail);
                Self::Refused(faults.into_iter().map(at).collect())
            }
            ContactError::Store(error) => error.into(),
        }
    }
}

impl From<PreviewError> for ApiError {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::NoProvider(_) => Self::refused("/provider", error.to_string()),
            PreviewError::Mapping(fault) => {
                let pointer =
                    fault.field.as_ref().map_or("/mapping".to_owned(), |field| format!("/mapping/{field}"));
                Self::Refused(vec![BodyFault {
                    pointer,
                    detail: fault.to_string(),
                    help: None,
                    line: Some(fault.line),
                    column: Some(fault.column),
                }])
            }
            PreviewError::Evaluation(fault) => Self::refused("/mapping", fault.to_string()),
        }
    }
}
