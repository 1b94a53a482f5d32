//! The part of a callback that leaves the building: code → token → WhoAmI → profile → rules.

use std::time::Instant;

use serde_json::Value;
use tracing::Instrument as _;

use crate::domain::conversation::ConversationRef;
use crate::domain::fault::{Code, Fault, Step};
use crate::domain::profile::SignedIn;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::egress::error::EgressError;
use crate::egress::gate::Pass;
use crate::oauth::response::Grant;
use crate::oauth::token::{TokenResponse, build_token_request, parse_token_response};
use crate::oauth::whoami::{build_whoami_request, check_whoami_answer};
use crate::profile::{Input, RuleInput, parse_whoami};

use super::Broker;
use super::course::Course;

impl Broker {
    /// Redeems the grant and learns who signed in.
    pub(super) async fn sign_in(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        grant: &Grant,
        conversation: &ConversationRef,
        course: &mut Course,
        pass: &mut Pass,
    ) -> Result<SignedIn, Fault> {
        let deadline = self.clock.tick() + self.settings.login_deadline;
        let token = self.exchange(tenant, provider, grant, deadline, course, pass).await?;
        let whoami = self.ask_whoami(tenant, provider, &token, deadline, course, pass).await?;
        let mut signed_in = self.normalise(tenant, provider, &token, &whoami, course)?;
        course.note(&signed_in.warnings);
        check_required(provider, &signed_in)?;
        let profile = &signed_in.profile;
        let heard = RuleInput { profile, whoami: &whoami, claims: None, conversation: Some(conversation) };
        let ruling = self.apply_rules(tenant, &heard);
        course.note(&ruling.notes);
        signed_in.fields = ruling.fields;
        Ok(signed_in)
    }

    /// The token call (RFC 6749, 4.1.3).
    async fn exchange(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        grant: &Grant,
        deadline: Instant,
        course: &mut Course,
        pass: &mut Pass,
    ) -> Result<TokenResponse, Fault> {
        course.begin(Step::Exchange);
        let request = build_token_request(provider, grant);
        let answer = pass.send(&request, deadline).instrument(span(tenant, provider, Step::Exchange)).await;
        let answer = answer.map_err(|error| unanswered(course, &error, error.at_token()))?;
        course.answered(answer.status);
        let token = parse_token_response(&answer)?;
        course.note(token.quirks.iter().map(|quirk| format!("token response: {quirk}")));
        if !token.quirks.is_empty() {
            tracing::info!(tenant = %tenant.id, provider = %provider.id, quirks = ?token.quirks, "provider.quirks");
        }
        Ok(token)
    }

    /// The WhoAmI call; without a WhoAmI URL the login proves authentication only.
    async fn ask_whoami(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        token: &TokenResponse,
        deadline: Instant,
        course: &mut Course,
        pass: &mut Pass,
    ) -> Result<Value, Fault> {
        let Some(url) = &provider.whoami_url else { return Ok(Value::Null) };
        course.begin(Step::Whoami);
        let request = build_whoami_request(url, token);
        let answer = pass.send(&request, deadline).instrument(span(tenant, provider, Step::Whoami)).await;
        let answer = answer.map_err(|error| unanswered(course, &error, error.at_whoami()))?;
        course.answered(answer.status);
        let body = check_whoami_answer(&answer)?;
        course.note(body.quirk.map(|quirk| format!("WhoAmI: {quirk}")));
        parse_whoami(body.json).map_err(|fault| {
            course.note([format!("WhoAmI: {fault}")]);
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, detail = %fault, "whoami.garbage");
            Fault::new(Step::Whoami, Code::WhoamiGarbage)
        })
    }

    /// From the provider's words to ours.
    fn normalise(
        &self,
        tenant: &Tenant,
        provider: &Provider,
        token: &TokenResponse,
        whoami: &Value,
        course: &mut Course,
    ) -> Result<SignedIn, Fault> {
        course.begin(Step::Normalise);
        let mut failed = |detail: String| {
            course.note([format!("mapping: {detail}")]);
            tracing::warn!(tenant = %tenant.id, provider = %provider.id, detail, "mapping.failed");
            Fault::new(Step::Normalise, Code::MappingFailed)
        };
        let normaliser = self.normaliser(tenant, provider).map_err(|fault| failed(fault.to_string()))?;
        let told = without_tokens(&token.body);
        let input = Input { whoami, claims: None, token_response: Some(&told), named: &[] };
        normaliser.normalise(&input).map_err(|fault| failed(fault.to_string()))
    }
}

/// A call without an answer, with what was in its way. The words name hosts of the tenant's own settings, addresses
/// and types, and quote nothing of what was sent or read.
fn unanswered(course: &mut Course, error: &EgressError, fault: Fault) -> Fault {
    course.note([format!("{}: {error}", fault.step)]);
    fault
}

/// The span of a call to the provider, for traces.
fn span(tenant: &Tenant, provider: &Provider, step: Step) -> tracing::Span {
    tracing::debug_span!("provider.call", tenant = %tenant.id, provider = %provider.id, %step)
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

/// The token answer as a mapping may see it: what it says of the person, not what opens doors.
fn without_tokens(body: &Value) -> Value {
    let Value::Object(members) = body else { return Value::Null };
    let tokens = ["access_token", "refresh_token", "id_token"];
    let kept = members.iter().filter(|(name, _)| !tokens.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}
