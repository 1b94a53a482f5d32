//! The provider has answered a sign-in that the channel vouches for: the phone or the browser goes back
//! into the app that it came from, and learns there how it ended.

use std::time::Duration;

use tokio::time::timeout;

use crate::channel::apple::relay::{build_back, build_back_failed};
use crate::channel::apple::sheet;
use crate::channel::linking;
use crate::domain::ask::Native;
use crate::domain::fault::Code;
use crate::domain::request::{Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::callback::CallbackError;
use crate::secret::Secret;
use crate::store::StoreError;

use super::{Away, SheetEnded};

/// So long a sheet waits for our answer, from the callback on: a bubble that says the truth late is worse than one that
/// says it failed.
pub(in crate::flow) const PATIENCE: Duration = Duration::from_secs(8);
/// What the codes are sealed for that go through Apple's phone and through Facebook.
pub(super) const RELAY: &str = "relay";
pub(super) const LINKING: &str = "linking";

impl Broker {
    /// Waits for the login, and says where it leads. Whatever is wrong with it is a failure there; what is refused is
    /// told to nobody, in Messenger by the neutral page.
    pub(in crate::flow) async fn go_back<T>(
        &self,
        tenant: &Tenant,
        native: &Native,
        key: &str,
        login: impl Future<Output = Result<T, CallbackError>>,
    ) -> Result<Away, CallbackError> {
        let ended = match timeout(PATIENCE, login).await {
            Ok(Ok(_)) => self.ended(tenant, key).await?,
            Ok(Err(error)) if matches!(native, Native::Linking { .. }) => return Err(error),
            Ok(Err(error)) => {
                let detail = error.to_string();
                tracing::warn!(tenant = %tenant.id, detail, "callback.sheet_closed");
                SheetEnded::Failure
            }
            Err(_) => SheetEnded::Failure,
        };
        self.away(tenant, native, key, ended).await.map_err(CallbackError::from)
    }

    /// How the sign-in stands: only one that waits for the channel's word has succeeded.
    async fn ended(&self, tenant: &Tenant, key: &str) -> Result<SheetEnded, StoreError> {
        let request = self.store.at(&tenant.id).request(key).await?;
        Ok(match request.map(|request| request.value.phase_at(self.clock.now())) {
            Some(Phase::Provisional(_)) => SheetEnded::Success,
            Some(Phase::Finished { outcome: Outcome::Failed(fault), .. })
                if fault.code == Code::AccessDenied =>
            {
                SheetEnded::Cancelled
            }
            _ => SheetEnded::Failure,
        })
    }

    async fn away(
        &self,
        tenant: &Tenant,
        native: &Native,
        key: &str,
        ended: SheetEnded,
    ) -> Result<Away, StoreError> {
        let store = self.store.at(&tenant.id);
        let succeeded = ended == SheetEnded::Success;
        let location = match native {
            Native::Sheet { .. } => sheet::build(ended, None),
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
                linking::build_back(back, code.as_ref())
            }
        };
        Ok(Away { location, ended })
    }
}
