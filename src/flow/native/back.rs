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
use crate::store::StoreError;

use super::{Away, SheetEnded};

/// So long a sheet waits for our answer, from the callback on: a bubble that says the truth late is worse than one that
/// says it failed.
const PATIENCE: Duration = Duration::from_secs(8);
/// What is left of that for a failure to be written down by the step that took too long.
const REST: Duration = Duration::from_millis(500);
/// It was not.
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

    /// Waits for the login, but not much longer than `until`, and says where it leads. In a sheet whatever is wrong with
    /// it is a failure there, unless it is another browser than the one that set out: that one learns nothing, and
    /// neither does any in Messenger.
    pub(in crate::flow) async fn go_back<T>(
        &self,
        tenant: &Tenant,
        (native, key): (&Native, &str),
        until: Option<Instant>,
        login: impl Future<Output = Result<T, CallbackError>>,
    ) -> Result<Away, CallbackError> {
        let done = match until {
            Some(until) => timeout_at((until + REST).into(), login).await,
            None => Ok(login.await),
        };
        let (ended, refused) = match done {
            Ok(Ok(_)) => (None, None),
            Ok(Err(error)) if stays(native, &error) => return Err(error),
            Ok(Err(CallbackError::Refused(fault))) => (Some(SheetEnded::Failure), Some(fault)),
            Ok(Err(error)) => {
                let detail = error.to_string();
                tracing::warn!(tenant = %tenant.id, detail, "callback.sheet_closed");
                (Some(SheetEnded::Failure), None)
            }
            Err(_) => {
                // Whatever comes of it yet, the phone has been told that it failed.
                self.refuse_native(tenant, key, LATE).await?;
                (Some(SheetEnded::Failure), None)
            }
        };
        let request = self.store.at(&tenant.id).request(key).await?.map(crate::store::Stored::into_value);
        let runs = request.as_ref().is_some_and(|request| matches!(request.phase, Phase::Claimed { .. }));
        if ended.is_none() && runs {
            // A page that was loaded again while the first load is at work must not tell Facebook that it failed.
            return Err(Fault::new(Step::Claim, Code::StateUnknown).into());
        }
        let ended = ended.unwrap_or_else(|| self.ended(request.as_ref()));
        let location = self.location(tenant, native, key, ended).await?;
        let known = request.as_ref();
        Ok(Away {
            location: Secret::new(location),
            ended,
            provider: known.map(|request| label_of(tenant, request)).unwrap_or_default(),
            reference: known.map(|request| request.id.to_string()).unwrap_or_default(),
            refused,
        })
    }

    /// How the sign-in stands: only one that waits for the channel's word, or has had it, has succeeded.
    fn ended(&self, request: Option<&AuthorizationRequest>) -> SheetEnded {
        match request.map(|request| request.phase_at(self.clock.now())) {
            Some(Phase::Provisional(_) | Phase::Finished { outcome: Outcome::Completed { .. }, .. }) => {
                SheetEnded::Success
            }
            Some(Phase::Finished { outcome: Outcome::Failed(fault), .. })
                if fault.code == Code::AccessDenied =>
            {
                SheetEnded::Cancelled
            }
            _ => SheetEnded::Failure,
        }
    }

    async fn location(
        &self,
        tenant: &Tenant,
        native: &Native,
        key: &str,
        ended: SheetEnded,
    ) -> Result<String, StoreError> {
        let store = self.store.at(&tenant.id);
        let succeeded = ended == SheetEnded::Success;
        Ok(match native {
            // The number proves the success, so that nobody else must see it.
            Native::Sheet { number, .. } => sheet::build(ended, number.filter(|_| succeeded)),
            Native::Relay { ask, .. } => {
                let ask = store.ask(ask).await?;
                // An ask is kept as long as its attempt; without it the phone gets nothing.
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
        })
    }
}

/// What customers call the provider of an attempt.
fn label_of(tenant: &Tenant, request: &AuthorizationRequest) -> String {
    let provider = tenant.provider(Some(&request.provider));
    provider.map_or_else(|| request.provider.to_string(), |provider| provider.label.clone())
}

/// Whether a browser gets an ordinary page instead of being sent anywhere.
fn stays(native: &Native, error: &CallbackError) -> bool {
    let is_foreign = matches!(error, CallbackError::Refused(Fault { code: Code::CookieMismatch, .. }));
    is_foreign || matches!(native, Native::Linking { .. })
}
