//! Callbacks that were refused before anything was claimed leave no trace in the store: anybody can
//! make one. Those whose reason stands in the settings are counted, or a provider that is set up
//! wrongly would look like customers who never come back.

use crate::domain::ids::ProviderId;
use crate::domain::insight::counted::is_counted_alone;
use crate::domain::insight::{Counted, Hour, What};
use crate::domain::request::AuthorizationRequest;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::callback::CallbackError;

/// The attempt that a callback named.
pub(in crate::flow) struct Sighting {
    hour: Hour,
    provider: ProviderId,
}

impl Sighting {
    /// What there is to count it by.
    pub(in crate::flow) fn of(request: &AuthorizationRequest) -> Self {
        Self { hour: Hour::of(request.created_at), provider: request.provider.clone() }
    }
}

impl Broker {
    /// Counts a callback that was refused, if somebody can mend the reason; hands that on.
    pub(in crate::flow) fn count_refusal(
        &self,
        tenant: &Tenant,
        seen: Sighting,
        why: CallbackError,
    ) -> CallbackError {
        if let CallbackError::Refused(fault) = &why
            && is_counted_alone(fault.code)
        {
            let Sighting { hour, provider } = seen;
            self.store.at(&tenant.id).count(Counted { hour, provider, what: What::Failed(*fault) });
        }
        why
    }
}
