//! The result page: what came of a callback, without code or state in the address bar.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::binding::Binding;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::AttemptId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::request::{AuthorizationRequest, Outcome, Phase};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::{StoreError, Stored};

use crate::oauth::response::{Answer, AuthorizationResponse};

use super::Broker;
use super::arrival::{Arrived, Leads};
use super::open_link::LoginCookie;

/// How long a result page can be reloaded.
const HANDLE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What the handle in the address bar says, sealed.
#[derive(Serialize, Deserialize)]
struct Handle {
    /// The authorization request.
    request: String,
    /// Whether only the browser with the login's cookie may read it.
    bound: bool,
    /// The keyed hash of the provider's answer that the browser brought.
    answer: String,
    /// When it stops to work.
    until: Timestamp,
}

/// What a result page shows.
#[derive(Debug)]
pub struct Shown {
    /// The link, as it is now.
    pub link: Link,
    /// The attempt, whose name is the customer's reference.
    pub attempt: AttemptId,
    /// How it ended.
    pub result: Ended,
}

/// How a login ended, for its customer.
#[derive(Debug)]
pub enum Ended {
    /// The sign-in is complete.
    Completed {
        /// How it was proved.
        binding: Binding,
    },
    /// The customer must send this code in the chat.
    SendCode {
        /// Six digits, without the prefix.
        code: Secret,
        /// Until when.
        until: Timestamp,
    },
    /// Another callback of the same login is still at work.
    Working,
    /// It failed or was declined.
    Failed(Fault),
}

/// Why there is no result to show.
#[derive(Debug, thiserror::Error)]
pub enum OutcomeError {
    /// The handle is no handle of ours, too old, or of another browser.
    #[error("no result has this handle for this browser")]
    Unknown,
    /// The link ended in another way.
    #[error("the link is {0}")]
    Gone(LinkStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// What tells one answer of a provider from another.
    pub(super) fn hash_of_answer(&self, tenant: &Tenant, response: &AuthorizationResponse) -> String {
        let text = match &response.answer {
            Answer::Code(code) => code.expose(),
            Answer::Error(error) => error,
        };
        self.store.at(&tenant.id).hash("answer", text)
    }

    /// A browser that has brought an answer, and where its result page is.
    pub(super) fn arrived(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        cookies: Vec<LoginCookie>,
        (same_browser, answer): (bool, String),
    ) -> Arrived {
        let own = |cookie: &LoginCookie| same_browser && cookie.name == request.value.cookie_name;
        Arrived {
            handle: self.result_handle(tenant, request, (same_browser, answer)),
            keep: cookies.into_iter().find(own),
            leads: Leads::Result,
        }
    }

    /// The name of a result page.
    fn result_handle(
        &self,
        tenant: &Tenant,
        request: &Stored<AuthorizationRequest>,
        (bound, answer): (bool, String),
    ) -> String {
        let (request, until) = (request.value.key.clone(), self.clock.now() + HANDLE_LIFETIME);
        let handle = Handle { request, bound, answer, until };
        let text = serde_json::to_string(&handle).expect("a handle of texts is JSON");
        self.store.at(&tenant.id).seal_text("result", &text)
    }

    /// What a result page shows to this browser.
    pub async fn outcome(
        &self,
        tenant: &Tenant,
        handle: &str,
        cookies: &[LoginCookie],
    ) -> Result<Shown, OutcomeError> {
        let handle = self.open_handle(tenant, handle)?;
        let store = self.store.at(&tenant.id);
        let request = store.request(&handle.request).await?.ok_or(OutcomeError::Unknown)?.into_value();
        if handle.bound && !self.holds_cookie(tenant, cookies, &request) {
            return Err(OutcomeError::Unknown);
        }
        if handle.bound && !is_answered_by(&request, &handle.answer) {
            return Err(OutcomeError::Unknown);
        }
        let link = store.link(&request.link).await?.ok_or(OutcomeError::Unknown)?;
        show(&request, link.into_value(), self.clock.now())
    }

    fn open_handle(&self, tenant: &Tenant, sealed: &str) -> Result<Handle, OutcomeError> {
        let text = self.store.at(&tenant.id).open_text("result", sealed).ok_or(OutcomeError::Unknown)?;
        let handle: Handle = serde_json::from_str(&text).map_err(|_| OutcomeError::Unknown)?;
        if self.clock.now() >= handle.until { Err(OutcomeError::Unknown) } else { Ok(handle) }
    }

    fn holds_cookie(&self, tenant: &Tenant, cookies: &[LoginCookie], request: &AuthorizationRequest) -> bool {
        let store = self.store.at(&tenant.id);
        cookies
            .iter()
            .filter(|cookie| cookie.name == request.cookie_name)
            .any(|cookie| store.is_hash("cookie", cookie.value.expose(), &request.cookie_hash))
    }
}

/// Whether the browser that set out may see what came of an answer: where another one brought it, only with the same.
pub(super) fn is_answered_by(request: &AuthorizationRequest, answer: &str) -> bool {
    request.brought.as_deref().is_none_or(|brought| brought == answer)
}

fn show(request: &AuthorizationRequest, link: Link, now: Timestamp) -> Result<Shown, OutcomeError> {
    let link = link.as_of(now);
    let result = match request.phase_at(now) {
        Phase::Started | Phase::GivenUp { .. } => return Err(OutcomeError::Unknown),
        Phase::Claimed { .. } => Ended::Working,
        Phase::Provisional(provisional) => {
            Ended::SendCode { code: provisional.code, until: provisional.until }
        }
        Phase::Finished { outcome: Outcome::Completed { binding }, .. } => Ended::Completed { binding },
        Phase::Finished { outcome: Outcome::Failed(fault), .. } => ended_in_failure(&link, fault)?,
    };
    Ok(Shown { link, attempt: request.id.clone(), result })
}

/// A login that was cut off because its link ended shows how the link ended.
fn ended_in_failure(link: &Link, fault: Fault) -> Result<Ended, OutcomeError> {
    let cut_off =
        matches!(fault, Fault { code: Code::LinkFinal | Code::Voided, step: Step::Record | Step::Bind });
    let status = link.status();
    if cut_off && status.is_final() { Err(OutcomeError::Gone(status)) } else { Ok(Ended::Failed(fault)) }
}
