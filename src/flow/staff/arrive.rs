//! A member of the staff comes back from the tenant's provider: the same checks as for a customer, and the same sign-in.
//! Whoever it is, no contact, no conversation and no event learns of it.

use std::sync::Arc;

use tracing::Instrument as _;

use crate::domain::entry::Entry;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::ids::{AttemptId, ProviderId, StaffId};
use crate::domain::profile::{ProfileField, SignedIn};
use crate::domain::provider::Provider;
use crate::domain::request::Phase;
use crate::domain::staff::{Member, StaffEmail};
use crate::domain::tenant::Tenant;
use crate::egress::gate::Pass;
use crate::flow::callback::{Arrival, Arrived, CallbackError, Leads, check_variables};
use crate::flow::course::Course;
use crate::flow::sign_in::Visit;
use crate::flow::tenants::Began;
use crate::flow::{Broker, RACES, trail};
use crate::oauth::response::{AuthorizationResponse, Verdict};
use crate::oauth::server::Server;
use crate::store::{Durability, StoreError, Stored, Tx};

/// How a sign-in of staff ended.
#[derive(Debug)]
pub enum Entered {
    /// This member may come in.
    LetIn {
        /// Who.
        member: Member,
        /// At which provider.
        provider: ProviderId,
        /// Where the browser wanted to go.
        next: String,
        /// The IANA name of its time zone, if it said so.
        zone: String,
    },
    /// The same browser brings the same answer again; it was let in before.
    Again {
        /// Where the browser wanted to go.
        next: String,
    },
    /// Nobody may come in; the reason is in the log and the audit, under this reference.
    Refused {
        /// The reference.
        reference: AttemptId,
    },
}

/// Why somebody who signed in at the provider is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NotLetIn {
    /// The sign-in itself failed.
    #[error("{0}")]
    Failed(Fault),
    /// Who published the provider may not decide who is staff.
    #[error("provider_not_for_staff")]
    NotForStaff,
    /// The provider told no email.
    #[error("no_email")]
    NoEmail,
    /// The provider does not vouch for the email.
    #[error("email_not_verified")]
    NotVerified,
    /// Nobody of the staff has it.
    #[error("not_staff")]
    NotStaff,
    /// The provider names no person.
    #[error("no_subject")]
    NoSubject,
    /// It is another person of the provider than before.
    #[error("other_person")]
    OtherPerson,
    /// The store failed at the end.
    #[error("store_unavailable")]
    Store,
}

/// A callback that passed every check.
struct Entrance {
    tenant: Arc<Tenant>,
    provider: Arc<Provider>,
    stored: Stored<Entry>,
    verdict: Verdict,
    /// The way through to the provider; none if there is nothing to ask it.
    way: Option<Box<(Server, Pass)>>,
}

impl Broker {
    /// Carries a sign-in of staff from the callback to its end.
    pub(in crate::flow) async fn arrive_as_staff(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        arrival: Arrival,
        response: AuthorizationResponse,
    ) -> Result<Arrived, CallbackError> {
        let entered = match self.check_entry(tenant, &arrival, response).await? {
            Checked::Again(next) => Entered::Again { next },
            Checked::First(mut entrance) => {
                if matches!(entrance.verdict, Verdict::Granted(_)) {
                    let server = self.server(tenant, &entrance.provider).await?;
                    let pass = self.enter(&tenant.id, &entrance.provider).await?;
                    entrance.way = Some(Box::new((server, pass)));
                }
                let broker = Arc::clone(self);
                let work = async move { broker.let_in(*entrance).await };
                let done = tokio::spawn(trail::keep_request(work.in_current_span())).await;
                done.unwrap_or_else(|error| {
                    tracing::error!(detail = %error, "staff.task_failed");
                    Err(Fault::new(Step::Claim, Code::StateUnknown).into())
                })?
            }
        };
        Ok(Arrived { handle: String::new(), keep: None, leads: Leads::Staff(Box::new(entered)) })
    }

    /// Every check of a customer's callback. A browser that is not the one that began has no business here.
    async fn check_entry(
        &self,
        tenant: &Arc<Tenant>,
        arrival: &Arrival,
        response: AuthorizationResponse,
    ) -> Result<Checked, CallbackError> {
        let refused = |code| CallbackError::Refused(Fault::new(Step::Verify, code));
        let unknown = || CallbackError::Refused(Fault::new(Step::Find, Code::StateUnknown));
        let stored = self.store.at(&tenant.id).entry_by_state(&response.state).await?.ok_or_else(unknown)?;
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
        match (&request.phase, stored.value.let_in) {
            (Phase::Started, _) => {
                let tenant = Arc::clone(tenant);
                Ok(Checked::First(Box::new(Entrance { tenant, provider, stored, verdict, way: None })))
            }
            (_, true) => Ok(Checked::Again(stored.value.next.clone())),
            _ => Err(unknown()),
        }
    }

    /// Claims the sign-in, carries it out, and says whether somebody may come in.
    async fn let_in(&self, entrance: Entrance) -> Result<Entered, CallbackError> {
        let Entrance { tenant, provider, stored, verdict, way } = entrance;
        let stored = self.claim_entry(&tenant, stored).await?;
        let request = &stored.value.request;
        let judged = match (&verdict, way) {
            // It may have been published anew while the browser was there.
            _ if !admits(&tenant, &provider) => Err(NotLetIn::NotForStaff),
            (Verdict::Granted(grant), Some(way)) => {
                let (server, mut pass) = *way;
                let mut course = Course::of(request, &self.clock, self.clock.now());
                let mut visit = Visit {
                    tenant: &tenant,
                    provider: &provider,
                    server: &server,
                    pass: &mut pass,
                    course: &mut course,
                    deadline: self.clock.tick() + self.settings.login_deadline,
                    secret: provider.client_secret.as_ref(),
                    asked: None,
                };
                match self.sign_in(&mut visit, grant, None).await {
                    Ok(signed_in) => self.judge_staff(&tenant, &provider, &signed_in).await,
                    Err(fault) => Err(NotLetIn::Failed(fault)),
                }
            }
            (Verdict::Refused(fault), _) => Err(NotLetIn::Failed(*fault)),
            (Verdict::Granted(_), None) => Err(NotLetIn::Failed(Fault::new(Step::Exchange, Code::Internal))),
        };
        self.tell_health(&tenant.id, &provider.id).await;
        match judged {
            Ok(member) => {
                self.finish_entry(&tenant, &stored, None).await?;
                let Entry { next, zone, .. } = stored.value.clone();
                Ok(Entered::LetIn { member, provider: provider.id.clone(), next, zone })
            }
            Err(why) => {
                let (tenant_id, provider_id, attempt) = (&tenant.id, &provider.id, &request.id);
                tracing::warn!(tenant = %tenant_id, provider = %provider_id, %attempt, reason = %why, "staff.refused");
                let detail = format!("{provider_id}: {why}");
                self.finish_entry(&tenant, &stored, Some(detail)).await?;
                Ok(Entered::Refused { reference: request.id.clone() })
            }
        }
    }

    /// Marks the sign-in as ours. One that another callback has marked is nobody's.
    async fn claim_entry(
        &self,
        tenant: &Tenant,
        stored: Stored<Entry>,
    ) -> Result<Stored<Entry>, CallbackError> {
        let unknown = || CallbackError::Refused(Fault::new(Step::Claim, Code::StateUnknown));
        let store = self.store.at(&tenant.id);
        let mut claimed = stored.value.clone();
        let key = claimed.request.key.clone();
        claimed.request = claimed.request.claim(self.clock.now())?;
        let mut tx = Tx::new();
        tx.update_entry(&stored, &claimed);
        match store.commit(tx, Durability::Relaxed).await {
            Err(StoreError::Conflict) => return Err(unknown()),
            done => done?,
        }
        store.entry_by_key(&key).await?.ok_or_else(unknown)
    }

    /// Writes down how it ended: who may come in, or that nobody may and why.
    async fn finish_entry(
        &self,
        tenant: &Tenant,
        stored: &Stored<Entry>,
        refused: Option<String>,
    ) -> Result<(), StoreError> {
        let mut done = stored.value.clone();
        done.let_in = refused.is_none();
        let mut tx = Tx::new();
        tx.update_entry(stored, &done);
        if let Some(detail) = refused {
            tx.audit(self.refusal(stored.value.request.id.as_str(), detail));
        }
        self.store.at(&tenant.id).commit(tx, Durability::Durable).await
    }

    /// The member whose verified email the provider told, if this person of the provider may be them.
    async fn judge_staff(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        told: &SignedIn,
    ) -> Result<Member, NotLetIn> {
        let member = vouched(tenant, told)?;
        let subject = told.subject.as_deref().ok_or(NotLetIn::NoSubject)?;
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let known = store.staff().await.map_err(|_| NotLetIn::Store)?;
            let mut book = known.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let is_staff = |id: &StaffId| tenant.member(id).is_some();
            let pinned = book.pin(&member.id, (&provider.id, subject), is_staff, self.clock.now());
            if !pinned.map_err(|_| NotLetIn::OtherPerson)? {
                return Ok(member.clone());
            }
            let mut tx = Tx::new();
            tx.put_staff(known.as_ref(), &book);
            match store.commit(tx, Durability::Durable).await {
                Ok(()) => return Ok(member.clone()),
                Err(StoreError::Conflict) => {}
                Err(_) => return Err(NotLetIn::Store),
            }
        }
        Err(NotLetIn::Store)
    }
}

/// What the checks say.
enum Checked {
    /// A first answer: go on.
    First(Box<Entrance>),
    /// This browser brought this answer before, and was let in: it goes where it wanted to.
    Again(String),
}

/// Whether staff may sign in at a provider: with the settings that the sign-in began with, and with those of now.
fn admits(tenant: &Tenant, provider: &Provider) -> bool {
    provider.for_staff && tenant.provider(Some(&provider.id)).is_some_and(|now| now.for_staff)
}

/// The member for whose email the provider itself vouches. What the tenant trusts of its customers' addresses
/// (`trusted`) opens no page of staff: at a provider where anybody may type an address, it would open them to anybody.
fn vouched<'t>(tenant: &'t Tenant, told: &SignedIn) -> Result<&'t Member, NotLetIn> {
    let email = told.profile.text(ProfileField::Email).ok_or(NotLetIn::NoEmail)?;
    if !told.email_vouched {
        return Err(NotLetIn::NotVerified);
    }
    let email: StaffEmail = email.parse().map_err(|_| NotLetIn::NotStaff)?;
    tenant.member_with(&email).ok_or(NotLetIn::NotStaff)
}
