//! The callback: the provider sends the customer back (DESIGN §5.3). This is the heart of the
//! product. Every check comes before the first outgoing call, and a failed check changes nothing.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OnceCell;
use tracing::Instrument as _;

use crate::domain::ask::Native;
use crate::domain::binding::{Binding, Vouch};
use crate::domain::conversation::ConversationRef;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::link::{Link, LinkStatus};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::request::{AuthorizationRequest, Phase};
use crate::domain::tenant::Tenant;
use crate::egress::gate::Pass;
use crate::oauth::response::{AuthorizationResponse, Verdict, parse_response};
use crate::oauth::server::Server;

pub use super::arrival::{Arrival, Arrived, Leads};
pub use crate::oauth::response::{parse_form, parse_query};
use crate::store::{Durability, StoreError, Stored, Tx};

use super::Broker;
use super::app::enter::is_of_app;
use super::course::Course;
use super::health::OutOfOrder;
use super::insight::Sighting;
use super::open_link::LoginCookie;
use super::outcome::is_answered_by;
use super::record::{End, SignIn};
use super::redirect_uris::unregistered;
use super::sign_in::Visit;
use super::staff::enter::is_of_staff;
use super::tenants::Began;
use super::trial::open::is_of_trial;

/// Why a callback has no result page.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// A bad state, in any of its forms: one neutral page, nothing was claimed or written.
    #[error("refused: {0}")]
    Refused(Fault),
    /// The state is good, but the link is final.
    #[error("the link is {0}")]
    Gone(LinkStatus),
    /// The provider is out of order; nothing was claimed, and the same callback may come again.
    #[error(transparent)]
    OutOfOrder(#[from] OutOfOrder),
    /// The store failed; the code was not sent to the provider.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Fault> for CallbackError {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

/// What a callback is about, found by its state.
struct Found {
    request: Stored<AuthorizationRequest>,
    link: Link,
}

/// A callback that passed every check; once it is claimed, a login under way.
struct Login {
    tenant: Arc<Tenant>,
    provider: Arc<Provider>,
    request: Stored<AuthorizationRequest>,
    verdict: Verdict,
    conversation: ConversationRef,
    /// What the chat must prove.
    minimum: Binding,
    /// Whether the browser is the one that opened the link.
    same_browser: bool,
    /// The way through to the provider; none if there is nothing to ask it.
    way: Option<Box<Way>>,
    /// When a phone no longer waits for the answer.
    until: Option<Instant>,
    /// The keyed hash of what the provider answered.
    answer: String,
}

/// The way through to a provider.
struct Way {
    server: Server,
    pass: Pass,
}

impl Broker {
    /// Carries a login from the callback to its end, and says where its result page is.
    pub async fn callback(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        arrival: Arrival,
    ) -> Result<Arrived, CallbackError> {
        let response = parse_response(&arrival.params, &arrival.names(tenant))?;
        if is_of_trial(&response.state) {
            return self.arrive_at_trial(tenant, arrival, response).await;
        }
        if is_of_staff(&response.state) {
            return self.arrive_as_staff(tenant, arrival, response).await;
        }
        if is_of_app(&response.state) {
            return self.arrive_for_app(tenant, arrival, response).await;
        }
        let since = self.clock.tick();
        let mut found = self.find(tenant, &response).await?;
        if arrival.cookies.is_empty() {
            // Whom the channel will name set out in another browser: only the code can prove who sits in front of this one.
            found.request.value.native = None;
        }
        let Some(native) = found.request.value.native.clone() else {
            return self.log_in(tenant, arrival, response, found, None).await.map(|(arrived, _)| arrived);
        };
        let key = found.request.value.key.clone();
        let until = self.patience_of(&native).map(|patience| since + patience);
        let login = self.log_in(tenant, arrival, response, found, until);
        let login = Box::pin(async { login.await.map(|(_, ours)| ours) });
        let away = self.go_back(tenant, (&native, &key), until, login).await?;
        Ok(Arrived { handle: String::new(), keep: None, leads: away.map_or(Leads::Working, Leads::Away) })
    }

    /// The same with what the callback is about; and whether it was this callback that signed in.
    async fn log_in(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        arrival: Arrival,
        response: AuthorizationResponse,
        found: Found,
        until: Option<Instant>,
    ) -> Result<(Arrived, bool), CallbackError> {
        // The second arrival of a phone's sign-in is worth nothing, whoever it is; Messenger's shows where it led.
        let is_native = is_in_sheet(&found.request.value);
        let seen = Sighting::of(&found.request);
        let answer = self.hash_of_answer(tenant, &response);
        let checked = self.verify(tenant, &arrival, response, found);
        let mut login = match checked.map_err(|why| self.count_refusal(tenant, seen, why))? {
            Checked::First(login) => *login,
            Checked::Again(request) if is_native || !is_answered_by(&request.value, &answer) => {
                return Err(Fault::new(Step::Claim, Code::StateUnknown).into());
            }
            Checked::Again(request) => {
                return Ok((self.arrived(tenant, &request, arrival.cookies, (true, answer)), false));
            }
        };
        login.until = until;
        login.answer.clone_from(&answer);
        if matches!(login.verdict, Verdict::Granted(_)) {
            login.way = Some(Box::new(self.way_to(tenant, &login.provider).await?));
        }
        let same_browser = login.same_browser;
        let arrived = self.arrived(tenant, &login.request, arrival.cookies, (same_browser, answer));
        let ours = self.carry_out(login).await?;
        // What another callback with the same state has brought is for the same browser only.
        if ours || (same_browser && !is_native) {
            Ok((arrived, ours))
        } else {
            Err(Fault::new(Step::Claim, Code::StateUnknown).into())
        }
    }

    /// The way through to the provider, before anything of the login is spent.
    async fn way_to(&self, tenant: &Tenant, provider: &Provider) -> Result<Way, OutOfOrder> {
        let server = self.server(tenant, provider).await?;
        Ok(Way { server, pass: self.enter(&tenant.id, provider).await? })
    }

    /// Finds the authorization request by its state, and its link. Reads only.
    async fn find(&self, tenant: &Tenant, response: &AuthorizationResponse) -> Result<Found, CallbackError> {
        let store = self.store.at(&tenant.id);
        let unknown = || Fault::new(Step::Find, Code::StateUnknown);
        let request = store.request_by_state(&response.state).await?.ok_or_else(unknown)?;
        let link = store.link(&request.value.link).await?.ok_or_else(unknown)?;
        Ok(Found { link: link.into_value().as_of(self.clock.now()), request })
    }

    /// Compares the callback with what was pinned when the link was opened.
    fn verify(
        &self,
        tenant: &Arc<Tenant>,
        arrival: &Arrival,
        response: AuthorizationResponse,
        found: Found,
    ) -> Result<Checked, CallbackError> {
        let refused = |code| CallbackError::Refused(Fault::new(Step::Verify, code));
        let Found { request, link } = found;
        let now = self.clock.now();
        if now >= request.value.expires_at {
            return Err(refused(Code::StateExpired));
        }
        let began = self.began_with(tenant, &request.value).ok_or(refused(Code::ProviderChanged))?;
        let Began { provider, origins } = began;
        let redirect_uri = arrival.redirect_uri(&origins, &request.value.redirect_uri);
        check_variables(&provider, &arrival.params)?;
        let verdict =
            response.verify(&request.value, &arrival.at(&provider, &redirect_uri, &request.value))?;
        let same_browser = self.is_same_browser(tenant, &arrival.cookies, &request.value).map_err(refused)?;
        if matches!(request.value.phase, Phase::GivenUp { .. }) {
            return Err(refused(Code::StateUnknown));
        }
        if !matches!(request.value.phase, Phase::Started) {
            let again = same_browser.then(|| Checked::Again(Box::new(request)));
            return again.ok_or(refused(Code::StateUnknown));
        }
        if link.status().is_final() {
            return Err(CallbackError::Gone(link.status()));
        }
        if !same_browser && link.minimum == Binding::Native {
            return Err(refused(Code::CookieMismatch));
        }
        Ok(Checked::First(Box::new(Login {
            tenant: Arc::clone(tenant),
            provider,
            request,
            verdict,
            conversation: link.conversation,
            minimum: link.minimum,
            same_browser,
            way: None,
            until: None,
            answer: String::new(),
        })))
    }

    /// Whether the browser holds this login's cookie. A browser that holds another login's cookie
    /// instead is refused; one that holds none must be confirmed by the chat.
    pub(super) fn is_same_browser(
        &self,
        tenant: &Tenant,
        cookies: &[LoginCookie],
        request: &AuthorizationRequest,
    ) -> Result<bool, Code> {
        if cookies.is_empty() {
            return Ok(false);
        }
        let store = self.store.at(&tenant.id);
        let mut own = cookies.iter().filter(|cookie| cookie.name == request.cookie_name).peekable();
        let held =
            |cookie: &LoginCookie| store.is_hash("cookie", cookie.value.expose(), &request.cookie_hash);
        if own.peek().is_some() && own.all(held) { Ok(true) } else { Err(Code::CookieMismatch) }
    }

    /// Claims and finishes on a task of its own: a browser that goes away must not cut a login in
    /// half. False if another callback with the same state was faster.
    async fn carry_out(self: &Arc<Self>, login: Login) -> Result<bool, CallbackError> {
        let broker = Arc::clone(self);
        // Boxed at once: whatever is put around it moves a pointer, and not the whole login.
        let login = Box::pin(async move {
            let Some(mut login) = broker.claim(login).await? else { return Ok(false) };
            broker.finish(&mut login).await;
            broker.tell_health(&login.tenant.id, &login.provider.id).await;
            Ok(true)
        });
        tokio::spawn(super::trail::keep_request(login.in_current_span())).await.unwrap_or_else(|error| {
            tracing::error!(detail = %error, "callback.task_failed");
            Ok(false)
        })
    }

    /// Marks the request as ours; none if another callback with the same state was faster.
    async fn claim(&self, mut login: Login) -> Result<Option<Login>, CallbackError> {
        let store = self.store.at(&login.tenant.id);
        let mut claimed = login.request.value.clone().claim(self.clock.now())?;
        if !login.same_browser {
            claimed = claimed.change_browser(login.answer.clone());
        }
        let mut tx = Tx::new();
        tx.update_request(&login.request, &claimed);
        match store.commit(tx, Durability::Relaxed).await {
            Err(StoreError::Conflict) => return Ok(None),
            done => done?,
        }
        let Some(stored) = store.request(&claimed.key).await? else { return Ok(None) };
        login.request = stored;
        Ok(Some(login))
    }

    /// From the claim to the end. A failure is written down, so that the next opening starts afresh.
    /// The log names the attempt, which is the reference on the customer's page.
    async fn finish(&self, login: &mut Login) {
        let began = self.clock.tick();
        let mut course = Course::of(&login.request, &self.clock, self.clock.now());
        let mut ended = self.redeem(login, &mut course).await;
        if let Err(fault) = ended {
            course.fail(fault);
            login.request.value.timeline = course.timeline().clone();
            let written = self.record(&login.tenant, &login.request, &End::Failed(fault)).await;
            ended = written.and(Err(fault));
        }
        let (tenant, provider) = (&login.tenant.id, &login.provider.id);
        let (link_id, attempt) = (&login.request.value.link, &login.request.value.id);
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match ended {
            Ok(()) => {
                tracing::info!(%tenant, %provider, %link_id, %attempt, duration_ms, "callback.signed_in");
            }
            Err(Fault { step, code }) => {
                tracing::warn!(%tenant, %provider, %link_id, %attempt, %step, %code, duration_ms, "callback.failed");
            }
        }
    }

    /// Exchange, WhoAmI, normalise; then bind, record and announce.
    async fn redeem(&self, login: &mut Login, course: &mut Course) -> Result<(), Fault> {
        let grant = match &login.verdict {
            Verdict::Granted(grant) => grant,
            Verdict::Refused(fault) => {
                course.note(unregistered(*fault, &login.request.value.redirect_uri));
                return Err(*fault);
            }
        };
        let Way { server, mut pass } = *login.way.take().ok_or(Fault::new(Step::Exchange, Code::Internal))?;
        let exchanged_at = self.clock.now();
        let mut visit = Visit {
            tenant: &login.tenant,
            provider: &login.provider,
            server: &server,
            pass: &mut pass,
            course: &mut *course,
            deadline: login.until.unwrap_or_else(|| self.clock.tick() + self.settings.login_deadline),
            secret: login.provider.client_secret.as_ref(),
            asked: None,
        };
        let signed_in = self.sign_in(&mut visit, grant, Some(&login.conversation)).await;
        // The provider has done its part: its place is free for the next login.
        drop(pass);
        let signed_in = signed_in?;
        course.begin(Step::Bind);
        let bound = bind(login, &signed_in);
        course.begin(Step::Record);
        login.request.value.timeline = course.timeline().clone();
        let Login { tenant, provider, request, .. } = &*login;
        let end = match bound {
            Some(binding) => End::Completed(SignIn {
                provider,
                conversation: &login.conversation.id,
                signed_in: &signed_in,
                exchanged_at,
                binding,
                vouched_at: None,
                number: OnceCell::new(),
            }),
            None => End::Provisional(self.provisional(&request.value, signed_in, exchanged_at)),
        };
        self.record(tenant, request, &end).await
    }
}

/// Whether an Apple sheet waits for the end of this sign-in.
fn is_in_sheet(request: &AuthorizationRequest) -> bool {
    matches!(request.native, Some(Native::Sheet { .. } | Native::Relay { .. }))
}

/// What is proved already, if it is enough. The provider's verified phone or email may be the
/// chat's own address; the browser that opened the link may hold the web chat as well; nothing at
/// all is enough where the tenant says so. All count only for the browser that opened the link; in
/// every other case the chat must confirm the sign-in.
fn bind(login: &Login, signed_in: &SignedIn) -> Option<Binding> {
    let reached = match Vouch::of(signed_in, &login.conversation) {
        Vouch::Same => Binding::Match,
        Vouch::Other | Vouch::Silent if login.request.value.in_chat => Binding::Browser,
        Vouch::Other | Vouch::Silent => Binding::None,
    };
    // The channel's own word is still to come, and is worth more.
    let is_native = login.request.value.native.is_some();
    (login.same_browser && !is_native && reached >= login.minimum).then_some(reached)
}

/// A callback may repeat what the settings say of this tenant's account there, and must not say otherwise.
pub(super) fn check_variables(provider: &Provider, params: &[(String, String)]) -> Result<(), Fault> {
    let is_other = |(name, value): &(String, String)| {
        provider.vars.get(name).is_some_and(|known| !known.eq_ignore_ascii_case(value))
    };
    if params.iter().any(is_other) {
        return Err(Fault::new(Step::Verify, Code::VariableMismatch));
    }
    Ok(())
}

/// What the checks say.
enum Checked {
    /// A first answer: go on.
    First(Box<Login>),
    /// This browser brought this answer before: show what came of it.
    Again(Box<Stored<AuthorizationRequest>>),
}
