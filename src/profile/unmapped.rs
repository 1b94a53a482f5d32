//! The default normaliser: the profile of an answer that has no mapping. What is understood stands
//! in the tables of `aliases`, `addresses` and `verified`.

use serde_json::Value;

use crate::domain::profile::ProfileField;

use super::Input;
use super::aliases::{ALIASES, Folded, Person};
use super::draft::{Draft, weight};
use super::{addresses, verified};

/// Fields of an answer that are no business of a contact record.
const CREDENTIALS: &[&str] = &[
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "token",
    "apikey",
    "password",
    "passwordhash",
    "secret",
    "clientsecret",
    "authorization",
    "sessionid",
    "sessiontoken",
];
/// The most that extra fields of an unmapped answer may weigh, as JSON text, in bytes.
const MAX_EXTRA: usize = 64 * 1024;

/// The fields that an answer names itself, completed from the claims.
pub(super) fn fill(draft: &mut Draft, input: &Input<'_>, answer: Option<&Person<'_>>) {
    let claims = input.claims.and_then(Value::as_object).map(Person::of);
    for person in answer.into_iter().chain(&claims) {
        fill_from(draft, person);
    }
    for (name, value) in input.named {
        if draft.text(ProfileField::Email).is_none()
            && Folded::of(name).is_some_and(|name| name.is_one_of(ALIASES[0].1))
            && let Some(email) = addresses::best(value)
        {
            draft.fill(ProfileField::Email, email);
        }
    }
    if let Some(person) = answer {
        keep_extras(draft, person);
    }
}

fn fill_from(draft: &mut Draft, person: &Person<'_>) {
    for field in ProfileField::ALL {
        match (field, person.value(field)) {
            (_, None) => {}
            (ProfileField::Email | ProfileField::Phone, Some(value)) => {
                if let Some(address) = addresses::best(value) {
                    draft.fill(field, address);
                }
            }
            (ProfileField::FullName, Some(Value::Object(parts))) => {
                let parts = Person::of(parts);
                for part in [ProfileField::FullName, ProfileField::FirstName, ProfileField::LastName] {
                    if let Some(value) = parts.value(part) {
                        draft.fill(part, value);
                    }
                }
            }
            (_, Some(value)) => draft.fill(field, value),
        }
    }
}

/// Keeps what the person's object says beside the known fields, but no credentials.
fn keep_extras(draft: &mut Draft, person: &Person<'_>) {
    let mut left = MAX_EXTRA;
    for (key, value) in person.object {
        if value.is_null() || person.uses(key) || verified::flagged_by(key).is_some() {
            continue;
        }
        if Folded::of(key).is_some_and(|folded| folded.is_one_of(CREDENTIALS)) {
            draft.warn("a field that looks like a credential was left out");
            continue;
        }
        match left.checked_sub(weight(value) + key.len()) {
            Some(rest) => {
                left = rest;
                draft.keep(key, value.clone());
            }
            None => draft
                .warn("extra fields beyond 64 KiB were left out; name those that are needed in a mapping"),
        }
    }
}
