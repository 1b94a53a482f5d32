//! Whether a provider says that an email or phone was verified, and of which one it says so.

use serde_json::{Map, Value};

use crate::domain::profile::ProfileField;

use super::aliases::Folded;
use super::person::{Person, Sought};
use super::{Input, addresses, email};

/// Flags beside an email address.
const EMAIL_FLAGS: &[&str] = &[
    "emailverified",
    "isemailverified",
    "verifiedemail",
    "emailisverified",
    "hasverifiedemail",
    "isverifiedemail",
    "emailconfirmed",
    "isemailconfirmed",
    "emailisconfirmed",
    "confirmedemail",
    "emailvalidated",
    "isemailvalidated",
    "mailverified",
    "mailconfirmed",
    "emailaddressverified",
    "isemailaddressverified",
    "primaryemailverified",
    "useremailverified",
    "emailstatus",
    "emailverificationstatus",
    "xmsedov",
];
/// Flags beside a phone number.
const PHONE_FLAGS: &[&str] = &[
    "phonenumberverified",
    "phoneverified",
    "isphoneverified",
    "isphonenumberverified",
    "verifiedphone",
    "mobileverified",
    "mobilephoneverified",
    "phoneconfirmed",
];
/// Times at which an email was verified. Frameworks keep them beside it: null is never.
const EMAIL_TIMES: &[&str] = &[
    "emailverifiedat",
    "emailconfirmedat",
    "emailvalidatedat",
    "emailverifiedon",
    "emailverifieddate",
    "emailverificationdate",
    "dateemailverified",
    "confirmedat",
];
/// Times at which a phone number was verified.
const PHONE_TIMES: &[&str] =
    &["phoneverifiedat", "phoneconfirmedat", "phonenumberverifiedat", "mobileverifiedat"];
/// Flags in an entry of a list of addresses, where it is clear what they speak of.
const ENTRY_FLAGS: &[&str] = &["verified", "isverified", "confirmed", "isconfirmed", "validated", "status"];
/// Times in such an entry.
const ENTRY_TIMES: &[&str] = &["verifiedat", "confirmedat", "validatedat"];
/// The address in such an entry.
const ENTRY_VALUES: &[&str] = &["value", "address", "number"];
/// What holds addresses that were verified, and no flag.
const VERIFIED_EMAILS: &[&str] =
    &["verifiedemail", "verifiedemails", "verifiedprimaryemail", "verifiedemailaddresses"];
/// How deep the pages of a list lie in each other.
const MAX_PAGES: usize = 3;

/// What a flag says: true, 1, `"true"` and `"verified"`, or false, 0, `"false"` and `"unverified"`;
/// everything else says nothing.
pub(super) fn flag(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(flag) => return Some(*flag),
        Value::Number(number) => number.as_str(),
        Value::String(text) => text,
        _ => return None,
    };
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_one_of(&["true", "1", "verified", "confirmed"]) && !is_text(value, "1") {
        return Some(true);
    }
    let is_no = is_one_of(&["false", "0", "unverified", "unconfirmed", "pending"]) && !is_text(value, "0");
    is_no.then_some(false)
}

/// Whether a name of the answer is a verified flag of email or phone.
pub(super) fn flagged_by(key: &str) -> Option<ProfileField> {
    let folded = Folded::of(Some(key).filter(|key| may_be_flag(key))?)?;
    if folded.is_one_of(EMAIL_FLAGS) {
        return Some(ProfileField::Email);
    }
    folded.is_one_of(PHONE_FLAGS).then_some(ProfileField::Phone)
}

/// What an entry of a list says by one of these flags, or by a time.
pub(super) fn said(entry: &Map<String, Value>, flags: &[&str]) -> Option<bool> {
    entry.iter().find_map(|(key, value)| {
        let folded = Folded::of(key)?;
        let is_flag = folded.is_one_of(flags) || folded.is_one_of(ENTRY_FLAGS);
        if is_flag { flag(value) } else { folded.is_one_of(ENTRY_TIMES).then(|| is_time(value)) }
    })
}

/// Whether somebody vouches for exactly this value, and nobody denies it. Looked at are the
/// objects that hold the value itself: the claims, the answer, the person in it, the token
/// response, further calls, and the lists of addresses in all of these.
pub(super) fn is_vouched(
    field: ProfileField,
    value: &str,
    input: &Input<'_>,
    person: Option<&Person<'_>>,
) -> bool {
    let mut verdict = Verdict { field, value, is_vouched: false, is_denied: false };
    let top = input.whoami.as_object();
    let token = input.token_response.and_then(Value::as_object);
    for object in [input.claims.and_then(Value::as_object), top, token].into_iter().flatten() {
        verdict.hear_object(object, false);
    }
    if let Some(person) = person {
        person.each_object(&mut |object| {
            if top.is_none_or(|top| !std::ptr::eq(object, top)) {
                verdict.hear_object(object, false);
            }
        });
    }
    for person in token.map(Person::in_token).into_iter().flatten().flatten() {
        person.each_object(&mut |object| verdict.hear_object(object, false));
    }
    for (name, call) in input.named {
        if Folded::of(name).is_some_and(|name| name.spells(field)) || call.is_array() {
            verdict.hear_list(call, MAX_PAGES);
        } else if let Some(person) = Sought::in_answer(call).person() {
            person.each_object(&mut |object| verdict.hear_object(object, false));
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
    /// The entries of a list, or of the lists in a page of one.
    fn hear_list(&mut self, list: &Value, depth: usize) {
        match list {
            Value::Array(entries) => {
                entries.iter().filter_map(Value::as_object).for_each(|entry| self.hear_object(entry, true));
            }
            Value::Object(page) => {
                self.hear_object(page, true);
                if depth > 0 {
                    page.values()
                        .filter(|value| !value.is_string())
                        .for_each(|list| self.hear_list(list, depth - 1));
                }
            }
            _ => {}
        }
    }

    fn hear_object(&mut self, object: &Map<String, Value>, is_entry: bool) {
        let (flags, times) = match self.field {
            ProfileField::Email => (EMAIL_FLAGS, EMAIL_TIMES),
            _ => (PHONE_FLAGS, PHONE_TIMES),
        };
        let (mut is_about_it, mut says) = (false, None);
        for (key, value) in object {
            // Most fields are neither the value nor a flag, and are not looked up.
            let may_be_value = match value {
                Value::String(text) => self.is_same(text),
                Value::Number(number) => self.is_same(number.as_str()),
                Value::Array(_) | Value::Object(_) => true,
                Value::Null | Value::Bool(_) => false,
            };
            let may_be_flag = may_be_flag(key);
            let Some(folded) =
                Some(key).filter(|_| may_be_value || may_be_flag).and_then(|key| Folded::of(key))
            else {
                continue;
            };
            let is_value = may_be_value && folded.spells(self.field);
            match value {
                Value::Array(_) | Value::Object(_) if is_value => self.hear_list(value, 1),
                Value::Array(_) | Value::Object(_) => {}
                _ => {
                    let is_entrys = is_entry && value.is_string() && folded.is_one_of(ENTRY_VALUES);
                    is_about_it |= is_value || (may_be_value && is_entrys);
                }
            }
            if !may_be_flag {
                continue;
            }
            if folded.is_one_of(flags) || (is_entry && folded.is_one_of(ENTRY_FLAGS)) {
                says = flag(value).filter(|_| says != Some(false)).or(says);
            } else if folded.is_one_of(times) || (is_entry && folded.is_one_of(ENTRY_TIMES)) {
                says = says.or(Some(is_time(value)));
            }
            if self.field == ProfileField::Email && folded.is_one_of(VERIFIED_EMAILS) {
                self.hear_verified(value);
            }
        }
        if is_entry && says.is_none() {
            says = addresses::flags_in(object).find_map(|flags| said(flags, &[]));
        }
        if is_about_it {
            self.is_vouched |= says == Some(true);
            self.is_denied |= says == Some(false);
        }
    }

    /// Addresses of which the name says that they were verified.
    fn hear_verified(&mut self, value: &Value) {
        let texts = value.as_array().into_iter().flatten().chain([value]).filter_map(Value::as_str);
        self.is_vouched |= texts.into_iter().any(|text| self.is_same(text));
    }

    fn is_same(&self, text: &str) -> bool {
        if self.field == ProfileField::Email {
            return email::is_same(text.trim(), self.value);
        }
        digits(text).eq(digits(self.value))
    }
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

/// Whether a key may stand in one of the tables: most are turned away here.
fn may_be_flag(key: &str) -> bool {
    let mut before = 0;
    key.len() > 5
        && key.bytes().any(|byte| {
            let pair = [before, byte | 32];
            before = byte | 32;
            matches!(&pair, b"fi" | b"va" | b"st" | b"do")
        })
}

fn is_text(value: &Value, text: &str) -> bool {
    value.as_str() == Some(text)
}

/// Whether a value is a time: seconds or milliseconds, or a text that begins with a year.
fn is_time(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_some_and(|seconds| seconds > 100_000_000),
        Value::String(text) => {
            let year = text.get(..4).and_then(|year| year.parse::<u16>().ok());
            year.is_some_and(|year| year > 1970) && text.as_bytes().get(4) == Some(&b'-')
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vouched(field: ProfileField, value: &str, whoami: &Value, claims: Option<&Value>) -> bool {
        let input = Input { whoami, claims, token_response: None, named: &[] };
        is_vouched(field, value, &input, Sought::in_answer(whoami).person().as_ref())
    }

    fn email(value: &str, whoami: &Value) -> bool {
        vouched(ProfileField::Email, value, whoami, None)
    }

    #[test]
    fn every_flag_is_one_at_first_sight() {
        let tables =
            [EMAIL_FLAGS, PHONE_FLAGS, EMAIL_TIMES, PHONE_TIMES, ENTRY_FLAGS, ENTRY_TIMES, VERIFIED_EMAILS]
                .concat();
        for flag in tables {
            assert!(may_be_flag(flag) && may_be_flag(&flag.to_uppercase()), "{flag}");
        }
        assert!(!may_be_flag("email"));
    }

    #[test]
    fn a_flag_counts_for_the_value_beside_it_only() {
        let answer = json!({"email": "a@x.example", "email_verified": true});
        assert!(email("A@x.example", &answer));
        assert!(!email("b@x.example", &answer));
    }

    #[test]
    fn flags_are_read_as_providers_write_them() {
        for yes in [json!(true), json!(1), json!("true"), json!("True"), json!("VERIFIED")] {
            assert!(email("a@x.example", &json!({"mail": "a@x.example", "verifiedEmail": yes})), "{yes}");
        }
        for no in
            [json!(false), json!(0), json!("yes"), json!(null), json!(2), json!("2020-01-01"), json!([true])]
        {
            assert!(!email("a@x.example", &json!({"email": "a@x.example", "email_verified": no})), "{no}");
        }
    }

    #[test]
    fn a_time_says_that_it_was_done_and_null_that_it_was_not() {
        let at = |time: Value| json!({"email": "a@x.example", "confirmed_at": time});
        for yes in [json!("2019-05-23T09:05:22Z"), json!(1_558_602_322), json!(1_558_602_322_000_u64)] {
            assert!(email("a@x.example", &at(yes)));
        }
        for no in
            [json!(null), json!(""), json!(0), json!("0000-00-00"), json!("soon"), json!(true), json!({})]
        {
            assert!(!email("a@x.example", &at(no)));
        }
        let denied =
            json!({"email": "a@x.example", "email_verified": false, "email_verified_at": "2019-05-23"});
        assert!(!email("a@x.example", &denied));
    }

    #[test]
    fn a_list_of_verified_addresses_vouches_for_its_own() {
        let answer =
            json!({"email": "a@x.example", "verified_primary_email": ["b@x.example", "A@x.example"]});
        assert!(email("a@x.example", &answer));
        assert!(!email("c@x.example", &answer));
        let entries = json!({"id": 1, "emails": [{"value": "a@x.example", "metadata": {"verified": true}}]});
        assert!(email("a@x.example", &entries));
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
