//! The part of a callback that leaves the building: code → token → id_token → WhoAmI → profile →
//! rules. A test login goes the same way.
//!
//! To add a call to the provider: 1. its request and its reading in `oauth`, 2. a step here that
//! sends it by [`Visit::send`], 3. its faults as codes.

mod exchange;
mod id_token;
mod whoami;

use std::time::Instant;

use jiff::Timestamp;
use serde_json::Value;
use tracing::Instrument as _;

use crate::domain::app::Demand;
use crate::domain::conversation::ConversationRef;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::domain::trial::Findings;
use crate::egress::error::EgressError;
use crate::egress::gate::Pass;
use crate::oauth::id_token::Verified;
use crate::oauth::response::Grant;
use crate::oauth::server::Server;
use crate::oauth::wire::{OutboundRequest, ProviderAnswer};
use crate::profile::{Input, RuleInput};
use crate::secret::Secret;

use super::Broker;
use super::course::Course;

/// A login's visit to its provider.
pub(super) struct Visit<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) provider: &'a Provider,
    pub(super) server: &'a Server,
    pub(super) pass: &'a mut Pass,
    pub(super) course: &'a mut Course,
    pub(super) deadline: Instant,
    /// Our secret that the provider took: the one in use, or the previous one while only that is known there.
    pub(super) secret: Option<&'a Secret>,
    /// What an app asks of the sign-in beyond the settings, and when it asked.
    pub(super) asked: Option<(Demand, Timestamp)>,
}

/// What signed tokens say.
struct Vouched {
    /// The id_token of a login of OpenID Connect.
    id_token: Option<Verified>,
    /// The access token, where the person's data come from it.
    access_token: Option<Verified>,
}

/// What the provider said of the person.
#[derive(Debug)]
pub(super) struct Told {
    /// Where the person's own data stand; null if nobody was asked.
    whoami: Value,
    /// The claims of the verified id_token.
    claims: Option<Value>,
    /// The token answer without what opens doors.
    token_response: Value,
    /// Further calls by their names.
    further: Vec<(String, Value)>,
}

impl Broker {
    /// Redeems the grant, at the server that has issued it, and learns who signed in.
    pub(super) async fn sign_in(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        conversation: Option<&ConversationRef>,
    ) -> Result<SignedIn, Fault> {
        let Some(token_url) = grant.token_url() else {
            return self.redeem_grant(visit, grant, conversation).await;
        };
        let server = visit.server.issuing_at(token_url);
        self.redeem_grant(&mut visit.at(&server), grant, conversation).await
    }

    async fn redeem_grant(
        &self,
        visit: &mut Visit<'_>,
        grant: &Grant,
        conversation: Option<&ConversationRef>,
    ) -> Result<SignedIn, Fault> {
        let token = self.exchange(visit, grant).await?;
        let vouched = self.check_tokens(visit, grant, &token).await?;
        let authenticated_at = vouched.id_token.as_ref().and_then(Verified::authenticated_at);
        let token = self.exchange_again(visit, token).await?;
        let tokens = conversation.and_then(|_| self.tokens_to_keep(visit, &token));
        let told = self.ask(visit, grant, token, vouched).await?;
        visit.course.told(&told);
        let mut signed_in = self.normalise(visit, &told)?;
        visit.course.note(&signed_in.warnings);
        check_required(visit.provider, &signed_in)?;
        let (profile, claims) = (&signed_in.profile, told.claims.as_ref());
        let ruling = self
            .apply_rules(visit.tenant, &RuleInput { profile, whoami: &told.whoami, claims, conversation });
        visit.course.note(&ruling.notes);
        signed_in.fields = ruling.fields;
        signed_in.tokens = tokens;
        signed_in.authenticated_at = authenticated_at;
        Ok(signed_in)
    }

    /// From the provider's words to ours.
    fn normalise(&self, visit: &mut Visit<'_>, told: &Told) -> Result<SignedIn, Fault> {
        let Visit { tenant, provider, course, .. } = visit;
        course.begin(Step::Normalise);
        let mut failed = |detail: String| {
            course.note([format!("mapping: {detail}")]);
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, detail, "mapping.failed");
            Fault::new(Step::Normalise, Code::MappingFailed)
        };
        let normaliser = self.normaliser(tenant, provider).map_err(|fault| failed(fault.to_string()))?;
        let input = Input {
            whoami: &told.whoami,
            claims: told.claims.as_ref(),
            token_response: Some(&told.token_response),
            named: &told.further,
        };
        normaliser.normalise(&input).map_err(|fault| failed(fault.to_string()))
    }
}

impl Told {
    /// As a test login shows it.
    pub(super) fn findings(&self) -> Findings {
        Findings {
            whoami: self.whoami.clone(),
            claims: self.claims.clone(),
            token_response: self.token_response.clone(),
            further: self.further.iter().cloned().collect(),
            ..Findings::default()
        }
    }
}

impl Visit<'_> {
    /// The same visit at another server.
    fn at<'v>(&'v mut self, server: &'v Server) -> Visit<'v> {
        let Self { tenant, provider, server: _, pass, course, deadline, secret, asked } = self;
        Visit { tenant, provider, server, pass, course, deadline: *deadline, secret: *secret, asked: *asked }
    }

    /// Sends a request of the running step. What is in the way of an answer is noted: the words name hosts of the
    /// tenant's own settings, addresses and types, and quote nothing of what was sent or read.
    async fn send(
        &mut self,
        step: Step,
        request: &OutboundRequest,
        fault_of: impl Fn(&EgressError) -> Fault,
    ) -> Result<ProviderAnswer, Fault> {
        let (tenant, provider) = (&self.tenant.id, &self.provider.id);
        let span = tracing::debug_span!("provider.call", %tenant, %provider, %step);
        let answer = self.pass.send(request, self.deadline).instrument(span).await;
        self.course.called(step, request, answer.as_ref());
        answer.map_err(|error| {
            self.course.note([format!("{step}: {error}")]);
            fault_of(&error)
        })
    }
}

/// A field that the tenant requires is there and not empty.
fn check_required(provider: &Provider, signed_in: &SignedIn) -> Result<(), Fault> {
    let profile = signed_in.profile.as_map();
    let missing = |name: &String| profile.get(name).is_none_or(Value::is_null);
    if provider.enrich.required.iter().any(missing) {
        return Err(Fault::new(Step::Normalise, Code::RequiredMissing));
    }
    Ok(())
}
