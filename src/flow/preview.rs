//! An admin tries a mapping on a sample, before any customer does.

use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::domain::contact::{Change, Contact, EnrichSource};
use crate::domain::conversation::ConversationRef;
use crate::domain::ids::{ContactId, LinkId, ProviderId};
use crate::domain::profile::SignedIn;
use crate::domain::provider::{EnrichPolicy, Mapping, Provider};
use crate::domain::sample::Answers;
use crate::domain::tenant::Tenant;
use crate::profile::{CompiledMapping, EvalFault, Input, MappingFault, Normaliser, RuleInput, Ruling};

use crate::store::StoreError;

use super::Broker;
use super::trial::OnTrial;

/// A mapping and what it is tried on.
#[derive(Debug)]
pub struct Sample {
    /// The mapping; none tries the provider's, or the default normaliser.
    pub mapping: Option<Mapping>,
    /// What the WhoAmI endpoint would answer.
    pub whoami: Value,
    /// What a verified id_token would hold.
    pub claims: Option<Value>,
    /// Whose subject, trusted fields and policies are used.
    pub provider: Option<ProviderId>,
    /// In which conversation the sign-in would be, for the rules.
    pub conversation: Option<ConversationRef>,
}

/// What the mapping makes of the sample.
#[derive(Debug)]
pub struct Preview {
    /// Profile, subject and warnings.
    pub signed_in: SignedIn,
    /// What would be written into an empty contact.
    pub contact_changes: Vec<Change>,
    /// The texts that were repaired, as they are now; with their field if the mapping is a table.
    pub repaired: Vec<(Option<String>, String)>,
    /// What the tenant's rules would set; none if it has no rules.
    pub fields: Option<Map<String, Value>>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// There is no such provider.
    #[error("there is no provider `{0}`")]
    NoProvider(ProviderId),
    /// The mapping cannot be read.
    #[error(transparent)]
    Mapping(#[from] MappingFault),
    /// The mapping cannot be evaluated on this sample.
    #[error(transparent)]
    Evaluation(#[from] EvalFault),
}

impl Broker {
    /// Runs a mapping on a sample. Nothing is stored, nothing leaves the building.
    pub fn preview_mapping(&self, tenant: &Tenant, sample: &Sample) -> Result<Preview, PreviewError> {
        preview(Some(tenant), sample, |heard| self.apply_rules(tenant, heard), &self.clock)
    }
}

/// Why a mapping was not tried.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// There is no such provider.
    #[error("there is no such provider")]
    Unknown,
    /// Nothing can be made of the answers.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Runs this mapping (none is the default normaliser) on answers of a provider, as its draft would, or without one as
    /// logins do. Nothing is stored, nothing leaves the building.
    pub async fn try_mapping(
        &self,
        tenant: &Tenant,
        id: &ProviderId,
        mapping: Option<Mapping>,
        answers: &Answers,
    ) -> Result<Preview, TryError> {
        let OnTrial { provider, .. } = self.on_trial(tenant, id).await?.ok_or(TryError::Unknown)?;
        let provider = Provider { mapping, ..(*provider).clone() };
        let mut told = signed_in(&provider, answers)?;
        let claims = answers.rest.get("claims");
        let (profile, whoami) = (&told.profile, &answers.whoami);
        let ruling = self.apply_rules(tenant, &RuleInput { profile, whoami, claims, conversation: None });
        told.warnings.extend(ruling.notes);
        let repaired = match &provider.mapping {
            Some(mapping) => repairs(&CompiledMapping::parse(mapping).map_err(PreviewError::from)?),
            None => Vec::new(),
        };
        let contact_changes = would_change(&told, &provider.enrich, Some(id), &self.clock);
        let fields = (!tenant.rules.list.is_empty()).then_some(ruling.fields);
        Ok(Preview { signed_in: told, contact_changes, repaired, fields })
    }
}

/// What a provider's settings make of answers, as a login would.
pub(super) fn signed_in(provider: &Provider, answers: &Answers) -> Result<SignedIn, PreviewError> {
    let normaliser =
        Normaliser::new(provider.mapping.as_ref(), provider.subject.as_deref(), &provider.trusted)?;
    let is_further = |name: &str| !["claims", "token_response"].contains(&name);
    let further = answers.rest.iter().filter(|(name, _)| is_further(name));
    let named: Vec<(String, Value)> = further.map(|(name, value)| (name.clone(), value.clone())).collect();
    let input = Input {
        whoami: &answers.whoami,
        claims: answers.rest.get("claims").filter(|claims| !claims.is_null()),
        token_response: answers.rest.get("token_response"),
        named: &named,
    };
    Ok(normaliser.normalise(&input)?)
}

/// The place in an expression at which it cannot be read, with a caret below and what is wrong; none if it can.
pub fn place_in(expression: &str) -> Option<String> {
    let mapping = Mapping::Whole(expression.to_owned());
    CompiledMapping::parse(&mapping).err().map(|fault| fault.caret())
}

/// The texts of a mapping that were repaired, as they are now.
fn repairs(mapping: &CompiledMapping) -> Vec<(Option<String>, String)> {
    mapping.repairs().map(|(field, text)| (field.map(str::to_owned), text.to_owned())).collect()
}

/// Runs a mapping on a sample, with a tenant's rules or without a tenant.
pub fn preview(
    tenant: Option<&Tenant>,
    sample: &Sample,
    apply_rules: impl FnOnce(&RuleInput<'_>) -> Ruling,
    clock: &Clock,
) -> Result<Preview, PreviewError> {
    let named = |id: &ProviderId| {
        let found = tenant.and_then(|tenant| tenant.provider(Some(id)));
        found.ok_or_else(|| PreviewError::NoProvider(id.clone()))
    };
    let provider = sample.provider.as_ref().map(named).transpose()?;
    let mapping = sample.mapping.as_ref().or(provider.and_then(|provider| provider.mapping.as_ref()));
    let subject = provider.and_then(|provider| provider.subject.as_deref());
    let trusted = provider.map_or(&[][..], |provider| &provider.trusted);
    let normaliser = Normaliser::new(mapping, subject, trusted)?;
    let claims = sample.claims.as_ref();
    let input = Input { whoami: &sample.whoami, claims, token_response: None, named: &[] };
    let mut signed_in = normaliser.normalise(&input)?;
    let (profile, conversation) = (&signed_in.profile, sample.conversation.as_ref());
    let ruling = apply_rules(&RuleInput { profile, whoami: &sample.whoami, claims, conversation });
    signed_in.warnings.extend(ruling.notes);
    let has_rules = tenant.is_some_and(|tenant| !tenant.rules.list.is_empty());
    let policy = provider.map(|provider| provider.enrich.clone()).unwrap_or_default();
    let contact_changes = would_change(&signed_in, &policy, sample.provider.as_ref(), clock);
    let repaired = normaliser.mapping().map(repairs).unwrap_or_default();
    Ok(Preview { signed_in, contact_changes, repaired, fields: has_rules.then_some(ruling.fields) })
}

/// What an empty contact would take from the profile.
pub(super) fn would_change(
    signed_in: &SignedIn,
    policy: &EnrichPolicy,
    provider: Option<&ProviderId>,
    clock: &Clock,
) -> Vec<Change> {
    let sample = || "sample".parse().expect("`sample` is a provider id");
    let source = EnrichSource {
        provider: provider.cloned().unwrap_or_else(sample),
        link: Some(LinkId::from_uuid(clock.fresh_uuid())),
        read_at: clock.now(),
        email_verified: signed_in.email_verified,
        phone_verified: signed_in.phone_verified,
    };
    let id = ContactId::from_uuid(clock.fresh_uuid());
    Contact::new(id, 0, clock.now()).enrich(&signed_in.profile, policy, &source)
}
