//! The default normaliser: the profile of an answer that has no mapping. What is understood stands
//! in the tables of `aliases`, `addresses` and `verified`; which object is the person, in `person`.

use serde_json::Value;

use crate::domain::profile::ProfileField;

use super::aliases::{Folded, LOGINS, TELLING_CALLS, is_one_of};
use super::draft::{Draft, weight};
use super::person::{Person, Sought, tells};
use super::values::text_of;
use super::{Input, addresses, email, verified};

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
/// How many extra fields are kept.
const MAX_EXTRAS: usize = 200;

/// The fields that an answer names itself, completed from further calls, the claims and the token
/// response, in this order.
pub(super) fn fill(draft: &mut Draft, input: &Input<'_>, answer: &Sought<'_>) {
    if matches!(answer, Sought::Several) {
        draft.warn(
            "the answer speaks of several people and none was taken; name one in a mapping, as in `users[0].email`",
        );
    }
    let answer = answer.as_person();
    let claims = input.claims.and_then(Value::as_object).map(Person::of);
    let token = input.token_response.and_then(Value::as_object).map(Person::in_token);
    if let Some(person) = answer {
        fill_from(draft, person);
    }
    for (name, value) in input.named {
        fill_from_call(draft, name, value);
    }
    for person in claims.iter().chain(token.iter().flatten().flatten()) {
        fill_from(draft, person);
    }
    for person in answer.into_iter().chain(&claims) {
        fill_from_login(draft, person);
    }
    if let Some(person) = answer {
        keep_extras(draft, person);
    }
}

fn fill_from(draft: &mut Draft, person: &Person<'_>) {
    fill_fields(draft, person, &|_| true);
    if let Some(id) = person.outer_id() {
        fill_one(draft, ProfileField::UserId, id);
    }
}

fn fill_fields(draft: &mut Draft, person: &Person<'_>, counts: &dyn Fn(ProfileField) -> bool) {
    for field in ProfileField::ALL.into_iter().filter(|field| counts(*field)) {
        let Some(best) = person.own(field) else { continue };
        if draft.text(field).is_none() && !fill_one(draft, field, best) {
            // What was said of the best one holds only if no other is any better.
            let said = draft.warnings.len();
            if person.others(field).into_iter().any(|value| fill_one(draft, field, value)) {
                draft.warnings.truncate(said.saturating_sub(1));
            } else {
                draft.warnings.truncate(said);
            }
        }
    }
    if let Some(parts) = person.parts() {
        for part in [ProfileField::FirstName, ProfileField::LastName, ProfileField::FullName] {
            if counts(part)
                && let Some(value) = parts.own(part)
            {
                fill_one(draft, part, value);
            }
        }
    }
    for (key, facet) in person.facets() {
        fill_fields(draft, facet, &|field| counts(field) && tells(key, field));
    }
}

/// Whether the field is filled now.
fn fill_one(draft: &mut Draft, field: ProfileField, value: &Value) -> bool {
    match text_of(field, value) {
        _ if draft.text(field).is_some() => true,
        Some(text) => draft.set(field, &text),
        None => false,
    }
}

/// A further call gives an address if it is named after one, and the rest if its name says that it
/// speaks of the person.
fn fill_from_call(draft: &mut Draft, name: &str, value: &Value) {
    let Some(folded) = Folded::of(name) else { return };
    for field in [ProfileField::Email, ProfileField::Phone] {
        if folded.spells(field)
            && let Some(address) = addresses::best(value)
        {
            fill_one(draft, field, &Value::String(address.into_owned()));
        }
    }
    if folded.is_one_of(TELLING_CALLS)
        && let Some(person) = Sought::in_answer(value).person()
    {
        fill_from(draft, &person);
    }
}

/// Where people sign in with their address, and it stands nowhere else.
fn fill_from_login(draft: &mut Draft, person: &Person<'_>) {
    if draft.text(ProfileField::Email).is_some() {
        return;
    }
    let logins = || person.object.iter().filter(|(key, _)| is_one_of(key, LOGINS));
    for (_, login) in logins() {
        // `#` stands in the names of guests, which are no addresses.
        if draft.text(ProfileField::Email).is_none()
            && let Some(address) = login.as_str().filter(|text| !text.contains('#')).and_then(email::parse)
        {
            draft.set(ProfileField::Email, &address);
        }
    }
}

/// Keeps what the person's object says beside the known fields, but no credentials.
fn keep_extras(draft: &mut Draft, person: &Person<'_>) {
    let (mut left, mut fields) = (MAX_EXTRA, MAX_EXTRAS);
    for (key, value) in person.object {
        let is_known = || ProfileField::named(key).is_some() || verified::flagged_by(key).is_some();
        if value.is_null() || person.uses(key) || is_known() {
            continue;
        }
        if is_one_of(key, CREDENTIALS) {
            draft.warn("a field that looks like a credential was left out");
            continue;
        }
        match (left.checked_sub(weight(value) + key.len()), fields.checked_sub(1)) {
            (Some(weight), Some(rest)) => {
                (left, fields) = (weight, rest);
                draft.keep(key, value.clone());
            }
            _ => draft.warn(
                "extra fields beyond 64 KiB or 200 were left out; name those that are needed in a mapping",
            ),
        }
    }
}
