//! A customer comes back from the provider for an app: the same checks as for a link, and the same sign-in. The contact is
//! made or enriched; no conversation is verified by it.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::Instrument as _;

use crate::domain::app::{AppRequest, AppVisit, SignInTimes};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::contact::{Contact, Trace};
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::request::Phase;
use crate::domain::tenant::Tenant;
use crate::egress::gate::Pass;
use crate::flow::callback::{Arrival, Arrived, CallbackError, Leads, check_variables};
use crate::flow::course::Course;
use crate::flow::identify::Person;
use crate::flow::person::{Enriched, Occasion};
use crate::flow::sign_in::Visit;
use crate::flow::tenants::Began;
use crate::flow::{Broker, RACES, trail};
use crate::oauth::response::{AuthorizationResponse, Verdict};
use crate::oauth::server::Server;
use crate::store::{Durability, StoreError, Stored, Tx};

/// How a sign-in to an app ended.
#[derive(Debug)]
pub struct AppArrived {
    /// What the app asked for.
    pub app: AppRequest,
    /// Who signed in, and when; or why nobody did.
    pub end: Result<(Box<Contact>, SignInTimes), Fault>,
}

/// A callback that passed every check.
struct Return {
    tenant: Arc<Tenant>,
    provider: Arc<Provider>,
    stored: Stored<AppVisit>,
    verdict: Verdict,
    /// The way through to the provider; none if there is nothing to ask it.
    way: Option<Box<(Server, Pass)>>,
}

impl Broker {
    /// Carries a sign-in to an app from the callback to its end.
    pub(in crate::flow) async fn arrive_for_app(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        arrival: Arrival,
        response: AuthorizationResponse,
    ) -> Result<Arrived, CallbackError> {
        let mut back = self.check_app_visit(tenant, &arrival, response).await?;
        if matches!(back.verdict, Verdict::Granted(_)) {
            let server = self.server(tenant, &back.provider).await?;
            let pass = self.enter(&tenant.id, &back.provider).await?;
            back.way = Some(Box::new((server, pass)));
        }
        let broker = Arc::clone(self);
        let work = async move { broker.finish_app_visit(back).await };
        let done = tokio::spawn(trail::keep_request(work.in_current_span())).await;
        let arrived = done.unwrap_or_else(|error| {
            tracing::error!(detail = %error, "app.task_failed");
            Err(Fault::new(Step::Claim, Code::StateUnknown).into())
        })?;
        Ok(Arrived { handle: String::new(), keep: None, leads: Leads::App(Box::new(arrived)) })
    }

    /// Every check of a customer's callback. A browser that is not the one that began has no business here: its customer
    /// agreed to nothing.
    async fn check_app_visit(
        &self,
        tenant: &Arc<Tenant>,
        arrival: &Arrival,
        response: AuthorizationResponse,
    ) -> Result<Return, CallbackError> {
        let refused = |code| CallbackError::Refused(Fault::new(Step::Verify, code));
        let unknown = || CallbackError::Refused(Fault::new(Step::Find, Code::StateUnknown));
        let store = self.store.at(&tenant.id);
        let stored = store.app_visit_by_state(&response.state).await?.ok_or_else(unknown)?;
        let request = &stored.value.request;
        if self.clock.now() >= request.expires_at {
            return Err(refused(Code::StateExpired));
        }
        let Began { provider, origins } =
            self.began_with(tenant, request).ok_or(refused(Code::ProviderChanged))?;
        let redirect_uri = arrival.redirect_uri(&origins, &request.redirect_uri);
        check_variables(&provider, &arrival.params)?;
        let verdict = response.verify(request, &arrival.at(&provider, &redirect_uri, request))?;
        if !self.is_same_browser(tenant, &arrival.cookies, request).map_err(refused)? {
            return Err(refused(Code::CookieMismatch));
        }
        if !matches!(request.phase, Phase::Started) {
            return Err(unknown());
        }
        Ok(Return { tenant: Arc::clone(tenant), provider, stored, verdict, way: None })
    }

    /// Claims the visit, carries out the sign-in, and writes down who it was.
    async fn finish_app_visit(&self, back: Return) -> Result<AppArrived, CallbackError> {
        let Return { tenant, provider, stored, verdict, way } = back;
        let app = stored.value.app.clone();
        let visit = self.claim_app_visit(&tenant, &stored).await?;
        let signed_in_at = self.clock.now();
        let ended = match (&verdict, way) {
            (Verdict::Granted(grant), Some(way)) => {
                let (server, mut pass) = *way;
                let mut course = Course::of(&visit.request, &self.clock, signed_in_at);
                let mut at_provider = Visit {
                    tenant: &tenant,
                    provider: &provider,
                    server: &server,
                    pass: &mut pass,
                    course: &mut course,
                    deadline: self.clock.tick() + self.settings.login_deadline,
                    secret: provider.client_secret.as_ref(),
                    asked: Some((app.demand, visit.request.created_at)),
                };
                let told = self.sign_in(&mut at_provider, grant, None).await;
                drop(pass);
                match told {
                    Ok(told) => {
                        // A clock that is ahead makes no sign-in later than it is.
                        let authenticated = told.authenticated_at.map(|at| at.min(signed_in_at));
                        let times = SignInTimes { here: signed_in_at, authenticated };
                        let contact =
                            self.contact_for_app(&tenant, &provider, &told, (&visit, signed_in_at)).await;
                        contact.map(|contact| (Box::new(contact), times))
                    }
                    Err(fault) => Err(fault),
                }
            }
            (Verdict::Refused(fault), _) => Err(*fault),
            (Verdict::Granted(_), None) => Err(Fault::new(Step::Exchange, Code::Internal)),
        };
        self.tell_health(&tenant.id, &provider.id).await;
        let (tenant_id, provider_id, attempt) = (&tenant.id, &provider.id, &visit.request.id);
        let client = app.client.as_str();
        match &ended {
            Ok((contact, _)) => {
                let contact = &contact.id;
                tracing::info!(tenant = %tenant_id, provider = %provider_id, %attempt, client, %contact, "app.signed_in");
            }
            Err(fault @ Fault { step, code }) => {
                tracing::warn!(tenant = %tenant_id, provider = %provider_id, %attempt, client, %step, %code, "app.failed");
                self.note_app_failure(&tenant, &visit, *fault).await;
            }
        }
        Ok(AppArrived { app, end: ended })
    }

    /// Writes down that nobody was signed in, under the reference of the attempt. The app is told all the same.
    async fn note_app_failure(&self, tenant: &Tenant, visit: &AppVisit, Fault { step, code }: Fault) {
        let object = visit.request.id.to_string();
        let entry = self.entry("customer", AuditAction::CustomerNotSignedIn, object);
        let (client, provider) = (visit.app.client.as_str(), &visit.request.provider);
        let detail = Some(format!("to {client} at {provider}: {step}, {code}"));
        if let Err(error) = self.note(&tenant.id, AuditEntry { detail, ..entry }).await {
            tracing::error!(tenant = %tenant.id, detail = %error, "store.failed");
        }
    }

    /// Marks the visit as ours. One that another callback has marked is nobody's.
    async fn claim_app_visit(
        &self,
        tenant: &Tenant,
        stored: &Stored<AppVisit>,
    ) -> Result<AppVisit, CallbackError> {
        let mut claimed = stored.value.clone();
        claimed.request = claimed.request.claim(self.clock.now())?;
        let mut tx = Tx::new();
        tx.update_app_visit(stored, &claimed);
        match self.store.at(&tenant.id).commit(tx, Durability::Relaxed).await {
            Err(StoreError::Conflict) => Err(Fault::new(Step::Claim, Code::StateUnknown).into()),
            done => Ok(done.map(|()| claimed)?),
        }
    }

    /// The contact of whoever signed in, made or enriched.
    async fn contact_for_app(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        signed_in: &SignedIn,
        (visit, read_at): (&AppVisit, Timestamp),
    ) -> Result<Contact, Fault> {
        let unavailable = |error: StoreError| {
            tracing::error!(tenant = %tenant.id, detail = %error, "store.failed");
            Fault::new(Step::Record, Code::StoreUnavailable)
        };
        let subject = signed_in.subject.as_deref().ok_or(Fault::new(Step::Bind, Code::RequiredMissing))?;
        let store = self.store.at(&tenant.id);
        let mut number = None;
        for _ in 0..RACES {
            let person = self.identify_without_link(tenant, (provider, subject), signed_in).await;
            let person = person.map_err(unavailable)?;
            let contact = match (&person, number) {
                (Person { contact: Some(known), .. }, _) => known.value.clone(),
                (_, Some(number)) => self.blank_contact(number),
                (_, None) => {
                    let drawn = store.next_customer_number().await.map_err(unavailable)?;
                    number = Some(drawn);
                    self.blank_contact(drawn)
                }
            };
            let occasion = Occasion { provider, subject, signed_in, read_at, link: None, conversation: None };
            let mut tx = Tx::new();
            let Enriched { contact, event } =
                self.write_person(&mut tx, tenant, (&person, contact), &occasion);
            if let Some(event) = event {
                tx.trace(&contact.id, &Trace::of_event(event));
            }
            let detail = Some(format!("to {} at {}", visit.app.client.as_str(), provider.id));
            self.audit_contact(&mut tx, "customer", AuditAction::CustomerSignedIn, &contact.id, detail);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return done.map(|()| contact).map_err(unavailable),
            }
        }
        Err(Fault::new(Step::Record, Code::StoreUnavailable))
    }
}
