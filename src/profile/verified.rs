//! Whether a provider says that an email or phone was verified, and of which one it says so.

use serde_json::{Map, Value};

use crate::domain::profile::ProfileField;

use super::aliases::{ALIASES, Folded, Person};
use super::{Input, email};

/// Flags beside an email address.
const EMAIL_FLAGS: &[&str] = &[
    "emailverified",
    "isemailverified",
    "verifiedemail",
    "emailisverified",
    "hasverifiedemail",
    "emailconfirmed",
    "isemailconfirmed",
    "mailverified",
    "emailaddressverified",
];
/// Flags beside a phone number.
const PHONE_FLAGS: &[&str] = &[
    "phonenumberverified",
    "phoneverified",
    "isphoneverified",
    "isphonenumberverified",
    "verifiedphone",
    "mobileverified",
    "phoneconfirmed",
];
/// Flags in an entry of a list of addresses, where it is clear what they speak of.
const ENTRY_FLAGS: &[&str] = &["verified", "isverified", "confirmed", "isconfirmed"];
/// The address in such an entry.
const ENTRY_VALUES: &[&str] = &["value", "address", "number"];

/// What a flag says: true, 1 and `"true"`, or false, 0 and `"false"`; everything else says nothing.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_str() {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Whether a name of the answer is a verified flag of email or phone.
pub(super) fn flagged_by(key: &str) -> Option<ProfileField> {
    let folded = Folded::of(key)?;
    if folded.is_one_of(EMAIL_FLAGS) {
        return Some(ProfileField::Email);
    }
    folded.is_one_of(PHONE_FLAGS).then_some(ProfileField::Phone)
}

/// Whether somebody vouches for exactly this value, and nobody denies it. Looked at are the
/// objects that hold the value itself: the claims, the answer, the person in it, further calls,
/// and the lists of addresses in all of these.
pub(super) fn is_vouched(
    field: ProfileField,
    value: &str,
    input: &Input<'_>,
    person: Option<&Person<'_>>,
) -> bool {
    let mut verdict = Verdict { field, value, is_vouched: false, is_denied: false };
    let top = input.whoami.as_object();
    let inner =
        person.map(|person| person.object).filter(|inner| top.is_none_or(|top| !std::ptr::eq(*inner, top)));
    let claims = input.claims.and_then(Value::as_object);
    for object in claims.into_iter().chain(top).chain(inner) {
        verdict.hear_object(object, false);
    }
    for (_, call) in input.named {
        match call {
            Value::Array(entries) => verdict.hear_entries(entries),
            _ => Person::in_answer(call).iter().for_each(|person| verdict.hear_object(person.object, false)),
        }
    }
    verdict.is_vouched && !verdict.is_denied
}

struct Verdict<'v> {
    field: ProfileField,
    value: &'v str,
    is_vouched: bool,
    is_denied: bool,
}

impl Verdict<'_> {
    fn hear_entries(&mut self, entries: &[Value]) {
        for entry in entries.iter().filter_map(Value::as_object) {
            self.hear_object(entry, true);
        }
    }

    fn hear_object(&mut self, object: &Map<String, Value>, is_entry: bool) {
        let flags = if self.field == ProfileField::Email { EMAIL_FLAGS } else { PHONE_FLAGS };
        let (mut is_about_it, mut says) = (false, None);
        for (key, value) in object {
            let Some(folded) = Folded::of(key) else { continue };
            let is_value = folded.is_one_of(ALIASES[self.field as usize].1);
            match value {
                Value::String(text) if is_value || (is_entry && folded.is_one_of(ENTRY_VALUES)) => {
                    is_about_it |= self.is_same(text);
                }
                Value::Number(number) if is_value => is_about_it |= self.is_same(number.as_str()),
                Value::Array(entries) if is_value => self.hear_entries(entries),
                Value::Object(entry) if is_value => self.hear_object(entry, true),
                _ => {}
            }
            if folded.is_one_of(flags) || (is_entry && folded.is_one_of(ENTRY_FLAGS)) {
                says = flag(value).or(says);
            }
        }
        if is_about_it {
            self.is_vouched |= says == Some(true);
            self.is_denied |= says == Some(false);
        }
    }

    fn is_same(&self, text: &str) -> bool {
        if self.field == ProfileField::Email {
            return email::is_same(text.trim(), self.value);
        }
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
        digits(text) == digits(self.value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vouched(field: ProfileField, value: &str, whoami: &Value, claims: Option<&Value>) -> bool {
        let input = Input { whoami, claims, token_response: None, named: &[] };
        is_vouched(field, value, &input, Person::in_answer(whoami).as_ref())
    }

    fn email(value: &str, whoami: &Value) -> bool {
        vouched(ProfileField::Email, value, whoami, None)
    }

    #[test]
    fn a_flag_counts_for_the_value_beside_it_only() {
        let answer = json!({"email": "a@x.example", "email_verified": true});
        assert!(email("A@x.example", &answer));
        assert!(!email("b@x.example", &answer));
    }

    #[test]
    fn flags_are_read_as_providers_write_them() {
        for yes in [json!(true), json!(1), json!("true"), json!("True")] {
            assert!(email("a@x.example", &json!({"mail": "a@x.example", "verifiedEmail": yes})), "{yes}");
        }
        for no in
            [json!(false), json!(0), json!("yes"), json!(null), json!(2), json!("2020-01-01"), json!([true])]
        {
            assert!(!email("a@x.example", &json!({"email": "a@x.example", "email_verified": no})), "{no}");
        }
    }

    #[test]
    fn a_denial_beats_a_voucher() {
        let claims = json!({"email": "a@x.example", "email_verified": true});
        let answer = json!({"email": "a@x.example", "email_verified": false});
        assert!(!vouched(ProfileField::Email, "a@x.example", &answer, Some(&claims)));
        assert!(vouched(ProfileField::Email, "a@x.example", &Value::Null, Some(&claims)));
    }

    #[test]
    fn an_account_that_is_verified_says_nothing_of_its_email_but_an_entry_does() {
        assert!(!email("a@x.example", &json!({"email": "a@x.example", "verified": true})));
        let list =
            json!([{"email": "b@x.example", "verified": true}, {"value": "a@x.example", "verified": false}]);
        let answer = json!({"data": {"name": "B", "emails": list}});
        assert!(email("b@x.example", &answer));
        assert!(!email("a@x.example", &answer));
        for call in [list.clone(), answer] {
            let named = [("emails".to_owned(), call)];
            let input = Input { whoami: &Value::Null, claims: None, token_response: None, named: &named };
            assert!(is_vouched(ProfileField::Email, "b@x.example", &input, None));
        }
    }

    #[test]
    fn phones_are_compared_by_their_digits() {
        let answer = json!({"phone_number": "+1 (555) 0100", "phone_number_verified": true});
        assert!(vouched(ProfileField::Phone, "+15550100", &answer, None));
        assert!(!vouched(ProfileField::Phone, "+15550101", &answer, None));
    }
}
