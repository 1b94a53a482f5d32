//! How providers name what we know under eight names: the table of the default normaliser.
//!
//! To widen it: 1. a spelling in [`ALIASES`] (without `_`, `-` and capitals), or an envelope in
//! [`ENVELOPES`], 2. a payload under `fixtures/profile/payloads/` that needs it.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::domain::profile::ProfileField;

/// The spellings of each field, the best first. `first_name`, `firstName` and `First-Name` are one.
pub(super) const ALIASES: [(ProfileField, &[&str]); 8] = [
    (
        ProfileField::Email,
        &[
            "email",
            "mail",
            "emailaddress",
            "primaryemail",
            "defaultemail",
            "useremail",
            "accountemail",
            "contactemail",
            "emailid",
            "emails",
            "emailaddresses",
            "mails",
        ],
    ),
    (
        ProfileField::UserName,
        &[
            "username",
            "preferredusername",
            "login",
            "loginname",
            "screenname",
            "handle",
            "accountname",
            "userprincipalname",
            "samaccountname",
            "nickname",
            "nick",
            "displaylogin",
            "slug",
        ],
    ),
    (
        ProfileField::FullName,
        &[
            "fullname",
            "name",
            "displayname",
            "realname",
            "formattedname",
            "commonname",
            "cn",
            "formatted",
            "full",
        ],
    ),
    (ProfileField::FirstName, &["firstname", "givenname", "forename", "fname", "given", "first"]),
    (ProfileField::LastName, &["lastname", "familyname", "surname", "lname", "family", "last", "sn"]),
    (
        ProfileField::UserId,
        &[
            "userid",
            "sub",
            "id",
            "uid",
            "accountid",
            "userguid",
            "guid",
            "uuid",
            "objectid",
            "memberid",
            "personid",
            "customerid",
            "userkey",
        ],
    ),
    (
        ProfileField::Phone,
        &[
            "phone",
            "phonenumber",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cellphone",
            "defaultphone",
            "telephone",
            "telephonenumber",
            "phones",
            "phonenumbers",
            "msisdn",
        ],
    ),
    (ProfileField::Locale, &["locale", "preferredlanguage", "preferredlocale", "language", "lang"]),
];

/// Objects that hold the person and nothing else of interest.
const ENVELOPES: &[&str] = &[
    "data",
    "user",
    "response",
    "result",
    "profile",
    "account",
    "me",
    "person",
    "identity",
    "viewer",
    "attributes",
    "userinfo",
    "currentuser",
    "member",
    "customer",
    "ocs",
    "body",
    "payload",
    "authenticateduser",
    "meta",
    "oauth",
];

/// Lists that hold one person.
const LISTS: &[&str] =
    &["data", "users", "items", "results", "accounts", "people", "response", "values", "members"];

/// How deep envelopes lie in each other.
const MAX_ENVELOPES: usize = 4;
/// The longest name of a field that is looked up, in bytes.
const MAX_KEY: usize = 24;

/// Every spelling, sorted, with its field and its rank.
static SORTED: LazyLock<Vec<(&'static str, ProfileField, usize)>> = LazyLock::new(|| {
    let ranked = ALIASES.iter().flat_map(|(field, spellings)| {
        spellings.iter().enumerate().map(|(rank, spelling)| (*spelling, *field, rank))
    });
    let mut sorted: Vec<_> = ranked.collect();
    sorted.sort_unstable_by_key(|(spelling, ..)| *spelling);
    sorted
});

/// A key without case, `_`, `-` and spaces; none if it is longer than any that we know.
pub(super) struct Folded {
    bytes: [u8; MAX_KEY],
    length: usize,
}

impl Folded {
    pub(super) fn of(key: &str) -> Option<Self> {
        let (mut bytes, mut length) = ([0; MAX_KEY], 0);
        for byte in key.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
            *bytes.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
        Some(Self { bytes, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| name.as_bytes() == self.as_bytes())
    }

    fn alias(&self) -> Option<(ProfileField, usize)> {
        let sorted = &*SORTED;
        let place =
            sorted.binary_search_by(|(spelling, ..)| spelling.as_bytes().cmp(self.as_bytes())).ok()?;
        Some((sorted[place].1, sorted[place].2))
    }
}

/// What an object says of a person, by our names.
pub(super) struct Person<'a> {
    /// The object itself.
    pub(super) object: &'a Map<String, Value>,
    found: [Option<Spelt<'a>>; 8],
}

#[derive(Clone, Copy)]
struct Spelt<'a> {
    rank: usize,
    key: &'a str,
    value: &'a Value,
}

impl<'a> Person<'a> {
    /// The person in an answer: its top level if that says who it is, else the first envelope
    /// that does.
    pub(super) fn in_answer(answer: &'a Value) -> Option<Self> {
        Self::within(answer, MAX_ENVELOPES)
    }

    /// The person in this object alone.
    pub(super) fn of(object: &'a Map<String, Value>) -> Self {
        let mut person = Self { object, found: [None; 8] };
        for (key, value) in object {
            if let Some((field, rank)) = Folded::of(key).and_then(|folded| folded.alias())
                && says_something(field, value)
            {
                let best = &mut person.found[field as usize];
                if best.is_none_or(|best| rank < best.rank) {
                    *best = Some(Spelt { rank, key, value });
                }
            }
        }
        person
    }

    /// What stands for a field.
    pub(super) fn value(&self, field: ProfileField) -> Option<&'a Value> {
        self.found[field as usize].map(|spelt| spelt.value)
    }

    /// Whether this key of the object stands for a field.
    pub(super) fn uses(&self, key: &str) -> bool {
        self.found.iter().flatten().any(|spelt| spelt.key == key)
    }

    fn within(answer: &'a Value, depth: usize) -> Option<Self> {
        let object = match answer {
            Value::Object(object) => object,
            Value::Array(items) => match items.as_slice() {
                [Value::Object(only)] => only,
                _ => return None,
            },
            _ => return None,
        };
        let person = Self::of(object);
        if person.names_somebody() || depth == 0 {
            return Some(person);
        }
        let inner = object.iter().filter(|(key, value)| is_envelope(key, value));
        let within = inner.filter_map(|(_, value)| Self::within(value, depth - 1));
        let best =
            within.filter(|inner| inner.names_somebody() || inner.value(ProfileField::UserId).is_some());
        Some(best.min_by_key(|inner| !inner.names_somebody()).unwrap_or(person))
    }

    /// An id alone may be that of the answer.
    fn names_somebody(&self) -> bool {
        use ProfileField::{Email, FirstName, FullName, LastName, UserName};
        [Email, UserName, FullName, FirstName, LastName].into_iter().any(|field| self.value(field).is_some())
    }
}

fn is_envelope(key: &str, value: &Value) -> bool {
    let Some(folded) = Folded::of(key) else { return false };
    match value {
        Value::Object(_) => folded.is_one_of(ENVELOPES),
        Value::Array(_) => folded.is_one_of(LISTS),
        _ => false,
    }
}

/// Whether a value can stand for a field: texts and numbers can, a list or object of emails or
/// phones, and an object of the parts of a name.
fn says_something(field: ProfileField, value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => !matches!(field, ProfileField::Email | ProfileField::FullName),
        Value::Array(items) => {
            matches!(field, ProfileField::Email | ProfileField::Phone) && !items.is_empty()
        }
        Value::Object(parts) => {
            matches!(field, ProfileField::Email | ProfileField::Phone | ProfileField::FullName)
                && !parts.is_empty()
        }
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_spelling_stands_twice_and_all_are_folded() {
        for pair in SORTED.windows(2) {
            assert_ne!(pair[0].0, pair[1].0);
        }
        for (spelling, ..) in SORTED.iter() {
            assert_eq!(Folded::of(spelling).unwrap().as_bytes(), spelling.as_bytes());
        }
    }

    #[test]
    fn the_fields_are_in_the_order_of_their_numbers() {
        for (place, (field, _)) in ALIASES.iter().enumerate() {
            assert_eq!(*field as usize, place);
        }
    }

    #[test]
    fn the_best_spelling_that_says_something_wins() {
        let answer = json!({"id": 1, "sub": "s", "email": null, "e-mail": " ", "Mail": "a@x.example"});
        let person = Person::in_answer(&answer).unwrap();
        assert_eq!(person.value(ProfileField::UserId), Some(&json!("s")));
        assert_eq!(person.value(ProfileField::Email), Some(&json!("a@x.example")));
        assert!(person.uses("Mail") && person.uses("sub") && !person.uses("id"));
    }

    #[test]
    fn an_id_alone_does_not_keep_us_from_the_envelope() {
        let answer = json!({"id": "answer-1", "user": {"id": "u1", "name": "Billy Bob"}});
        assert_eq!(Person::in_answer(&answer).unwrap().value(ProfileField::UserId), Some(&json!("u1")));
        let flat = json!({"id": "u1", "login": "billy", "data": {"id": "d1", "name": "a plan"}});
        assert_eq!(Person::in_answer(&flat).unwrap().value(ProfileField::UserId), Some(&json!("u1")));
        let plain = json!({"id": "u1", "data": {"plan": "free"}});
        assert_eq!(Person::in_answer(&plain).unwrap().value(ProfileField::UserId), Some(&json!("u1")));
    }

    #[test]
    fn a_list_is_a_person_only_if_it_holds_one() {
        let one = json!({"data": [{"login": "billy"}]});
        assert!(Person::in_answer(&one).unwrap().value(ProfileField::UserName).is_some());
        let two = json!({"data": [{"login": "billy"}, {"login": "bob"}]});
        assert!(Person::in_answer(&two).unwrap().value(ProfileField::UserName).is_none());
        assert!(Person::in_answer(&json!("billy")).is_none());
    }
}
