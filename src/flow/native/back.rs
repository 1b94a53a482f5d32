//! The provider has answered a sign-in that the channel vouches for: the phone or the browser goes back
//! into the app that it came from, and learns there how it ended.

use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use crate::channel::apple::relay::{build_back, build_back_failed};
use crate::channel::apple::sheet;
use crate::channel::linking;
use crate::domain::ask::Native;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::request::{AuthorizationRequest, Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::callback::CallbackError;
use crate::secret::Secret;

use super::{Away, SheetEnded};

/// So long a sheet waits for our answer, from the callback on: a bubble that says the truth late is worse than one that
/// says it failed.
const PATIENCE: Duration = Duration::from_secs(8);
/// What is left of that for a failure to be written down by the step that took too long.
const REST: Duration = Duration::from_millis(500);
/// It took longer than the phone waits.
const LATE: Fault = Fault { step: Step::Exchange, code: Code::TokenTimeout };
/// What the codes are sealed for that go through Apple's phone and through Facebook.
pub(super) const RELAY: &str = "relay";
pub(super) const LINKING: &str = "linking";

impl Broker {
    /// How long the calls of a login may take together, from the callback on, where a sheet waits for them.
    pub(in crate::flow) fn patience_of(&self, native: &Native) -> Option<Duration> {
        match native {
            Native::Sheet { .. } | Native::Relay { .. } => Some(self.settings.login_deadline.min(PATIENCE)),
            Native::Linking { .. } => None,
        }
    }

    /// Waits for the login, but not much longer than `until`, and says where it leads. `login` says whether this load of
    /// the callback was the one that signed in; a further one of Messenger's, while that is at work, leads nowhere yet. In
    /// a sheet whatever is wrong is a failure there, a store of ours that does not answer as well, unless it is another
    /// browser than the one that set out: that one learns nothing, and neither does any in Messenger.
    pub(in crate::flow) async fn go_back(
        &self,
        tenant: &Tenant,
        (native, key): (&Native, &str),
        until: Option<Instant>,
        login: impl Future<Output = Result<bool, CallbackError>>,
    ) -> Result<Option<Away>, CallbackError> {
        let done = match until {
            Some(until) => timeout_at((until + REST).into(), login).await,
            None => Ok(login.await),
        };
        let is_ours = !matches!(done, Ok(Ok(false)));
        let (mut ended, refused) = match done {
            Ok(Ok(_)) => (None, None),
            Ok(Err(error)) if stays(native, &error) => return Err(error),
            Ok(Err(CallbackError::Refused(fault))) => (Some(SheetEnded::Failure), Some(fault)),
            Ok(Err(error)) => (Some(closed(tenant, &error)), None),
            // Whatever comes of it yet, the phone has been told that it failed.
            Err(_) => match self.refuse_native(tenant, key, LATE).await {
                Ok(()) => (Some(SheetEnded::Failure), None),
                Err(error) => (Some(closed(tenant, &error)), None),
            },
        };
        let request = match self.store.at(&tenant.id).request(key).await {
            Ok(found) => found.map(crate::store::Stored::into_value),
            Err(error) if is_in_messenger(native) => return Err(error.into()),
            Err(error) => {
                ended = Some(closed(tenant, &error));
                None
            }
        };
        let ended = match (ended, request.as_ref().map(|request| request.phase_at(self.clock.now()))) {
            (Some(ended), _) => ended,
            // A page that was loaded again while the first load is at work must not tell Facebook that it failed. Our own
            // load is over, so that what is still claimed could not be written down.
            (None, Some(Phase::Claimed { .. })) if !is_ours => return Ok(None),
            (None, phase) => ended_at(phase.as_ref()),
        };
        let location = self.location(tenant, native, key, ended).await;
        let known = request.as_ref();
        Ok(Some(Away {
            location: Secret::new(location),
            ended,
            provider: known.map(|request| label_of(tenant, request)).unwrap_or_default(),
            reference: known.map(|request| request.id.to_string()).unwrap_or_default(),
            refused,
        }))
    }

    async fn location(&self, tenant: &Tenant, native: &Native, key: &str, ended: SheetEnded) -> String {
        let store = self.store.at(&tenant.id);
        let succeeded = ended == SheetEnded::Success;
        match native {
            // The number proves the success, so that nobody else must see it.
            Native::Sheet { number, .. } => sheet::build(ended, number.filter(|_| succeeded)),
            Native::Relay { ask, .. } => {
                // An ask is kept as long as its attempt; without it the phone gets nothing.
                let ask = store.ask(ask).await.unwrap_or_else(|error| {
                    closed(tenant, &error);
                    None
                });
                let state = ask.map_or_else(|| Secret::new("-"), |ask| ask.value.state);
                let word = if ended == SheetEnded::Cancelled { "access_denied" } else { "server_error" };
                if succeeded {
                    build_back(&Secret::new(store.seal_text(RELAY, key)), &state)
                } else {
                    build_back_failed(word, &state)
                }
            }
            Native::Linking { back } => {
                let code = succeeded.then(|| Secret::new(store.seal_text(LINKING, key)));
                linking::build_back(back.expose(), code.as_ref())
            }
        }
    }
}

/// How the sign-in stands: only one that waits for the channel's word, or has had it, has succeeded.
fn ended_at(phase: Option<&Phase>) -> SheetEnded {
    match phase {
        Some(Phase::Provisional(_) | Phase::Finished { outcome: Outcome::Completed { .. }, .. }) => {
            SheetEnded::Success
        }
        Some(Phase::Finished { outcome: Outcome::Failed(fault), .. }) if fault.code == Code::AccessDenied => {
            SheetEnded::Cancelled
        }
        _ => SheetEnded::Failure,
    }
}

/// A sheet is closed as a failure for a reason of ours, which the log tells.
fn closed(tenant: &Tenant, error: &dyn std::error::Error) -> SheetEnded {
    let detail = error.to_string();
    tracing::warn!(tenant = %tenant.id, detail, "callback.sheet_closed");
    SheetEnded::Failure
}

/// What customers call the provider of an attempt.
fn label_of(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    let provider = tenant.provider(Some(&request.provider));
    provider.map_or_else(|| request.provider.to_string(), |provider| provider.label.clone())
}

/// Whether a browser gets an ordinary page instead of being sent anywhere.
fn stays(native: &Native, error: &CallbackError) -> bool {
    let is_foreign = matches!(error, CallbackError::Refused(Fault { code: Code::CookieMismatch, .. }));
    is_foreign || is_in_messenger(native)
}

fn is_in_messenger(native: &Native) -> bool {
    matches!(native, Native::Linking { .. })
}
