//! The admin's browser comes back: the same checks as for a customer, and the same sign-in. What came
//! of it is written into the test's own record, and nowhere else.

use std::sync::Arc;

use tracing::Instrument as _;

use crate::domain::fault::{Code, Fault, Step};
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::trial::{Stage, StageReport, Trial, TrialPhase};
use crate::flow::Broker;
use crate::flow::callback::{Arrival, Arrived, CallbackError, Leads, check_variables};
use crate::flow::course::Course;
use crate::flow::probe::Target;
use crate::flow::sign_in::Visit;
use crate::flow::trail;
use crate::oauth::complaint::Complaint;
use crate::oauth::response::{AuthorizationResponse, Grant, Verdict};
use crate::oauth::server::Server;
use crate::oauth::shown::Shown;
use crate::store::Stored;

use super::report::{Ended, report};

/// A callback of a test that passed every check.
struct TestLogin {
    tenant: Arc<Tenant>,
    provider: Arc<Provider>,
    server: Server,
    stored: Stored<Trial>,
    request: crate::domain::request::AuthorizationRequest,
    verdict: Verdict,
    params: Vec<(String, String)>,
}

impl Broker {
    /// Carries a test from the callback to its end, and says where its page is.
    pub(in crate::flow) async fn arrive_at_trial(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        arrival: Arrival,
        response: AuthorizationResponse,
    ) -> Result<Arrived, CallbackError> {
        let login = self.check_trial(tenant, &arrival, response).await?;
        let handle = self.store.at(&tenant.id).seal_text("trial", login.stored.value.id.as_str());
        let broker = Arc::clone(self);
        let work = async move { broker.carry_out_trial(login).await };
        let done = tokio::spawn(trail::keep_request(work.in_current_span())).await;
        done.unwrap_or_else(|error| {
            tracing::error!(detail = %error, "trial.task_failed");
            Ok(())
        })?;
        Ok(Arrived { handle, keep: None, leads: Leads::Trial })
    }

    /// Every check of a customer's callback. A browser that is not the one that opened the test has no business here.
    async fn check_trial(
        &self,
        tenant: &Arc<Tenant>,
        arrival: &Arrival,
        response: AuthorizationResponse,
    ) -> Result<TestLogin, CallbackError> {
        let refused = |code| CallbackError::Refused(Fault::new(Step::Verify, code));
        let unknown = || CallbackError::Refused(Fault::new(Step::Find, Code::StateUnknown));
        let stored = self.trial_by_state(tenant, &response.state).await?.ok_or_else(unknown)?;
        let TrialPhase::AtProvider(request) = &stored.value.phase else { return Err(unknown()) };
        let request = (**request).clone();
        let store = self.store.at(&tenant.id);
        if !store.is_hash("state", &response.state, &request.key) {
            return Err(unknown());
        }
        if self.clock.now() >= request.expires_at {
            return Err(refused(Code::StateExpired));
        }
        if !self.is_same_browser(tenant, &arrival.cookies, &request).map_err(refused)? {
            return Err(refused(Code::CookieMismatch));
        }
        let provider = self.tried_with(tenant, &request).await?.ok_or(refused(Code::ProviderChanged))?;
        check_variables(&provider, &arrival.params)?;
        let redirect_uri = arrival.redirect_uri(std::slice::from_ref(&tenant.origin), &request.redirect_uri);
        let verdict = response.verify(&request, &arrival.at(&provider, &redirect_uri, &request))?;
        let server = self.server(tenant, &provider).await?;
        let (tenant, params) = (Arc::clone(tenant), arrival.params.clone());
        Ok(TestLogin { tenant, provider, server, stored, request, verdict, params })
    }

    /// Claims the test, signs in, and writes down what came of it.
    async fn carry_out_trial(&self, login: TestLogin) -> Result<(), CallbackError> {
        let TestLogin { tenant, provider, server, stored, request, verdict, params } = login;
        let mut trial = stored.value.clone();
        trial.phase = TrialPhase::Working { at: self.clock.now() };
        // Another callback with the same state was faster: it writes the result.
        match self.put_trial(&tenant, &stored, &trial).await {
            Err(crate::store::StoreError::Conflict) => return Ok(()),
            done => done?,
        }
        let Some(claimed) = self.store.at(&tenant.id).trial(&trial.id).await? else { return Ok(()) };
        let mut shown = Shown::default();
        let secrets =
            [&provider.client_secret, &provider.previous_secret, &request.code_verifier, &request.nonce];
        secrets.into_iter().flatten().for_each(|secret| shown.hide(secret.expose()));
        let target = Target { tenant: &tenant, provider: &provider, deadline: self.probe.deadline() };
        let mut callback = came_back(&target, &request.redirect_uri, &verdict, &shown.pairs(&params));
        match &verdict {
            Verdict::Granted(grant) => {
                shown.hide(grant.code().expose());
                trial.steps.push(callback);
                self.try_grant(&target, &server, &request, grant, shown, &mut trial).await;
            }
            Verdict::Refused(_) => {
                callback.ms = 0;
                trial.steps.push(callback);
                trial.phase = TrialPhase::Done { passed: false };
            }
        }
        self.put_trial(&tenant, &claimed, &trial).await?;
        let passed = matches!(trial.phase, TrialPhase::Done { passed: true });
        if passed {
            self.tested(&tenant, &trial).await;
        }
        Ok(())
    }

    /// Exchange, id_token, WhoAmI, mapping: the functions of every login, with a recorder beside them.
    async fn try_grant(
        &self,
        target: &Target<'_>,
        server: &Server,
        request: &crate::domain::request::AuthorizationRequest,
        grant: &Grant,
        shown: Shown,
        trial: &mut Trial,
    ) {
        let issuing = grant.token_url().map(|url| server.issuing_at(url));
        let server = issuing.as_ref().unwrap_or(server);
        let mut course = Course::recording(request, &self.clock, self.clock.now());
        let ended = match self.probe.enter(target).await {
            Ok(mut pass) => {
                let mut visit = Visit {
                    tenant: target.tenant,
                    provider: target.provider,
                    server,
                    pass: &mut pass,
                    course: &mut course,
                    deadline: self.clock.tick() + self.settings.login_deadline,
                    secret: target.provider.client_secret.as_ref(),
                    asked: None,
                };
                self.sign_in(&mut visit, grant, None).await
            }
            Err(_) => Err(Fault::new(Step::Exchange, Code::Internal)),
        };
        if let Err(fault) = &ended {
            course.fail(*fault);
        }
        let recorder = course.take_recorder().unwrap_or_default();
        let other_ways = match &ended {
            Err(Fault { code: Code::InvalidClient, .. }) => {
                let target = Target { deadline: self.probe.deadline(), ..*target };
                self.probe.other_ways(&target, server).await
            }
            _ => Vec::new(),
        };
        let ended =
            Ended { target, server, recorder: &recorder, timeline: course.timeline(), ended, other_ways };
        report(&ended, shown, &self.clock, trial);
    }
}

/// The step `callback`.
fn came_back(
    target: &Target<'_>,
    redirect_uri: &str,
    verdict: &Verdict,
    params: &serde_json::Value,
) -> StageReport {
    let received =
        crate::domain::trial::Received { status: None, content_type: None, body: Some(params.clone()) };
    let value = |name: &str| params.get(name).and_then(serde_json::Value::as_str);
    let report = match verdict {
        Verdict::Granted(_) => {
            StageReport::ok(Stage::Callback, "the provider sent a code, on the right address")
        }
        Verdict::Refused(Fault { code: Code::AccessDenied, .. }) => StageReport::failed(
            Stage::Callback,
            Code::AccessDenied.as_str(),
            "the provider says that access was denied: whoever signed in pressed *No*, or may not use this client",
            "begin another test and agree; if nobody was asked, allow this person or everybody at the provider's console",
        ),
        Verdict::Refused(Fault { code, .. }) => {
            let (error, description) = (value("error").unwrap_or_default(), value("error_description"));
            match Complaint::of_error(error, description) {
                Some(complaint) => {
                    let (report, _) = crate::flow::probe::complained(target, redirect_uri, complaint);
                    StageReport { step: Stage::Callback, ..report }
                }
                None => StageReport::failed(
                    Stage::Callback,
                    code.as_str(),
                    format!(
                        "the provider sent the error `{error}` back: {}",
                        description.unwrap_or("without a word")
                    ),
                    "look the error up in the provider's documentation; it names a parameter or a setting there",
                ),
            }
        }
    };
    StageReport { received: Some(received), ..report }
}
