//! Who the person is at the provider. Together with tenant and provider it is the identity
//! (SECURITY 17), so it is taken as it stands: no case is folded, no digit lost.

use serde_json::Value;

use crate::domain::profile::ProfileField;

use super::Input;
use super::draft::Draft;
use super::expression::meter::Meter;
use super::expression::{Expression, Scope};
use super::fault::EvalFault;
use super::person::Person;

/// The longest subject, in bytes. OpenID Connect allows 255.
const MAX_BYTES: usize = 1024;

/// The subject by the provider's own expression. If that finds nothing there is none: to fall back
/// would let one person have two identities.
pub(super) fn expressed(
    draft: &mut Draft,
    expression: &Expression,
    scope: &Scope<'_>,
    meter: &Meter,
) -> Result<Option<String>, EvalFault> {
    let found = match expression.find(scope, meter) {
        Ok(found) => found,
        Err(fault) if fault.is_of_one_field() => {
            draft.warn(format!("`subject` names nobody: {fault}"));
            return Ok(None);
        }
        Err(fault) => return Err(fault),
    };
    let text = found.as_str().or_else(|| found.as_number().map(serde_json::Number::as_str));
    let subject = text.and_then(checked);
    if subject.is_none() {
        draft.warn("`subject` finds no id in this answer, so that it names nobody");
    }
    Ok(subject)
}

/// The subject by the usual order: the `id_token`'s `sub`, the profile's `userId`, the answer's own
/// id, and with a warning `userName` and `email`, which may pass to another person one day.
pub(super) fn usual(draft: &mut Draft, input: &Input<'_>, person: Option<&Person<'_>>) -> Option<String> {
    if let Some(sub) = input.claims.and_then(|claims| claims.get("sub")) {
        let subject = id(sub);
        if subject.is_none() {
            draft.warn("`sub` of the id_token is no id, so that it names nobody");
        }
        return subject;
    }
    let of_answer = || person?.value(ProfileField::UserId).and_then(id);
    let of_profile = draft.text(ProfileField::UserId).and_then(checked);
    if let Some(subject) = of_profile.or_else(of_answer) {
        return Some(subject);
    }
    for field in [ProfileField::UserName, ProfileField::Email] {
        if let Some(subject) = draft.text(field).and_then(checked) {
            draft.warn(format!(
                "the answer has no id, and `{}` stands in for it; set `subject` to what never changes",
                field.as_str()
            ));
            return Some(subject);
        }
    }
    None
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => checked(text),
        Value::Number(number) => checked(number.as_str()),
        _ => None,
    }
}

fn checked(text: &str) -> Option<String> {
    let is_id = !text.trim().is_empty() && text.len() <= MAX_BYTES && !text.contains(char::is_control);
    is_id.then(|| text.to_owned())
}
