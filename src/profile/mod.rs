//! From what a provider says of a person to a profile, pure: WhoAmI body, verified claims, token
//! response in; known fields, subject, verified flags and warnings out (DESIGN §5.5).
//!
//! | file | what it does |
//! |---|---|
//! | `whoami` | bytes → JSON, strictly |
//! | `expression/` | bounded JMESPath |
//! | `repair`, `mapping` | a tenant's mapping, repaired and compiled |
//! | `unmapped`, `aliases`, `addresses`, `values` | the default normaliser: how providers name and wrap things |
//! | `person` | which object of an answer is who signed in |
//! | `draft` | fields as they come in, and their tidying |
//! | `email`, `name/` | what an address is; how names are cleaned, split and joined |
//! | `verified` | who vouches for an email or phone |
//! | `subject` | who the person is at the provider |
//! | `rules` | what a tenant's rules set for a sign-in |
//!
//! To understand one more provider without a mapping: 1. its payload and what it should give as a
//! file in `fixtures/profile/payloads/` (a test walks them), 2. the spelling, envelope or flag that
//! is missing, in the tables of `aliases`, `addresses` or `verified`.
//! To add a known field: 1. a variant of `ProfileField`, 2. its row in `aliases::ALIASES`, 3. what
//! it must be worth in `draft::Draft::set`, 4. a payload that has it.

mod addresses;
mod aliases;
mod draft;
pub mod email;
pub mod expression;
pub mod fault;
pub mod mapping;
pub mod name;
mod person;
mod repair;
pub mod rules;
mod subject;
pub mod typo;
mod unmapped;
mod values;
mod verified;
pub mod whoami;

use serde_json::Value;

use crate::domain::profile::{ProfileField, SignedIn};
use crate::domain::provider::{Mapping, TrustedField};

use draft::Draft;
use expression::meter::Meter;
use person::Sought;

pub use expression::{Expression, Scope};
pub use fault::{EvalFault, MappingFault};
pub use mapping::CompiledMapping;
pub use rules::{CompiledRules, RuleInput, Ruling};
pub use whoami::{WhoamiFault, parse_whoami};

/// The names at the root of a mapping that no answer can take.
pub const ROOTS: [&str; 3] = ["whoami", "claims", "token_response"];

/// What a text is worth as a known field of a person, by the same rules for providers and for people
/// who type it; or why it is nothing, to be put behind the field's name.
pub fn field_text(field: ProfileField, text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("is blank"),
        text => draft::worth(field, text),
    }
}

/// Whether a field without a meaning of its own may have this name.
pub fn is_field_name(name: &str) -> bool {
    draft::is_extra_name(name) && !name.contains(char::is_control)
}

static NULL: Value = Value::Null;

/// Whether two mappings take the `userId` from the same place of an answer: one that names none, and none at all,
/// leave it to the answer. Mappings that cannot be read take it from nowhere.
pub fn takes_same_user_id(before: Option<&Mapping>, after: Option<&Mapping>) -> bool {
    let of = |mapping: Option<&Mapping>| CompiledMapping::parse(mapping?).ok()?.user_id();
    before == after || of(before) == of(after)
}

/// A provider's rules for profiles, compiled once per revision of its settings.
#[derive(Debug, Clone)]
pub struct Normaliser {
    mapping: Option<CompiledMapping>,
    subject: Option<Expression>,
    trusts_email: bool,
    trusts_phone: bool,
}

/// What a sign-in has brought.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The WhoAmI body; null if there is no WhoAmI.
    pub whoami: &'a Value,
    /// The claims of a verified `id_token`.
    pub claims: Option<&'a Value>,
    /// The token endpoint's answer, without its tokens if the caller is wise.
    pub token_response: Option<&'a Value>,
    /// Further WhoAmI calls by their names, which win over fields of the body.
    pub named: &'a [(String, Value)],
}

impl Normaliser {
    /// Compiles a provider's mapping and subject. Faults name the field, or `subject`.
    pub fn new(
        mapping: Option<&Mapping>,
        subject: Option<&str>,
        trusted: &[TrustedField],
    ) -> Result<Self, MappingFault> {
        let subject = subject.map(|text| {
            repair::parse(text).map(|repaired| repaired.expression).map_err(|fault| fault.in_field("subject"))
        });
        Ok(Self {
            mapping: mapping.map(CompiledMapping::parse).transpose()?,
            subject: subject.transpose()?,
            trusts_email: trusted.contains(&TrustedField::Email),
            trusts_phone: trusted.contains(&TrustedField::Phone),
        })
    }

    /// The mapping as it was compiled, e.g. to show what was repaired.
    pub fn mapping(&self) -> Option<&CompiledMapping> {
        self.mapping.as_ref()
    }

    /// The fields that the mapping writes out; none if the answer decides which there are.
    pub fn written_fields(&self) -> Option<Vec<&str>> {
        self.mapping.as_ref()?.written_fields()
    }

    /// Makes the profile. Warnings say which field was left out and why, never its value.
    pub fn normalise(&self, input: &Input<'_>) -> Result<SignedIn, EvalFault> {
        let meter = Meter::default();
        let absent = |value: Option<_>| value.unwrap_or(&NULL);
        let [whoami, claims, token_response] = ROOTS;
        let roots = [
            (whoami, input.whoami),
            (claims, absent(input.claims)),
            (token_response, absent(input.token_response)),
        ];
        let scope = Scope::of(input.whoami).with_named(input.named).with_roots(&roots);

        let sought = Sought::in_answer(input.whoami);
        let mut draft = Draft::default();
        match &self.mapping {
            Some(mapping) => mapped(&mut draft, mapping, &scope, &meter)?,
            None => unmapped::fill(&mut draft, input, &sought),
        }
        draft.complete_names();
        let person = sought.as_person();
        let subject = match &self.subject {
            Some(expression) => subject::expressed(&mut draft, expression, &scope, &meter)?,
            None => subject::usual(&mut draft, input, person),
        };
        // The tenant trusts it, the mapping says so, or somebody who names the same value vouches.
        let vouches = |field| {
            draft.text(field).is_some_and(|value| {
                draft.flag(field).unwrap_or_else(|| verified::is_vouched(field, value, input, person))
            })
        };
        let is_verified =
            |field, is_trusted: bool| is_trusted && draft.text(field).is_some() || vouches(field);
        let email_vouched = vouches(ProfileField::Email);
        let email_verified = is_verified(ProfileField::Email, self.trusts_email);
        let phone_verified = is_verified(ProfileField::Phone, self.trusts_phone);
        let (profile, warnings) = draft.into_profile();
        Ok(SignedIn {
            profile,
            subject,
            email_verified,
            email_vouched,
            phone_verified,
            warnings,
            ..SignedIn::default()
        })
    }
}

/// The fields that a mapping names.
fn mapped(
    draft: &mut Draft,
    mapping: &CompiledMapping,
    scope: &Scope<'_>,
    meter: &Meter,
) -> Result<(), EvalFault> {
    for (key, found) in mapping.entries(scope, meter)? {
        match found {
            Ok(found) => draft.take(key, &found, meter)?,
            Err(fault) => draft.warn(format!("`{key}` was left out: {fault}")),
        }
    }
    Ok(())
}
