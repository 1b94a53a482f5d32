//! One address out of the lists and objects in which some providers keep several.

use serde_json::{Map, Value};

use super::aliases::Folded;
use super::verified;

const VALUES: &[&str] =
    &["value", "email", "address", "emailaddress", "mail", "number", "phone", "phonenumber"];
const PRIMARY: &[&str] = &["primary", "isprimary", "default", "isdefault", "main"];
const VERIFIED: &[&str] = &["verified", "isverified", "confirmed", "isconfirmed", "emailverified"];
/// Keys of an object that holds one address each, the best first.
const KINDS: &[&str] = &[
    "preferred",
    "primary",
    "default",
    "account",
    "personal",
    "home",
    "work",
    "business",
    "mobile",
    "other",
];

/// The address to take: the primary one, of those the verified one, of those the first.
pub(super) fn best(value: &Value) -> Option<&Value> {
    match value {
        Value::String(_) | Value::Number(_) => Some(value),
        Value::Array(entries) => {
            let addresses = entries.iter().filter_map(|entry| match entry {
                Value::Object(entry) => Some((rank(entry), field(entry, VALUES)?)),
                Value::String(_) => Some((0, entry)),
                _ => None,
            });
            // `max_by_key` takes the last of equals, and the first one is wanted.
            addresses.rev().max_by_key(|(rank, _)| *rank).map(|(_, address)| address)
        }
        Value::Object(entry) => {
            field(entry, VALUES).or_else(|| KINDS.iter().find_map(|kind| field(entry, &[kind])))
        }
        _ => None,
    }
}

fn rank(entry: &Map<String, Value>) -> usize {
    let is_set = |names| field(entry, names).and_then(verified::flag) == Some(true);
    2 * usize::from(is_set(PRIMARY)) + usize::from(is_set(VERIFIED))
}

/// The first of these fields that says something.
fn field<'a>(entry: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let named =
        |(key, _): &(&'a String, &'a Value)| Folded::of(key).is_some_and(|folded| folded.is_one_of(names));
    let says_something = |value: &&Value| {
        matches!(value, Value::Bool(_) | Value::Number(_))
            || value.as_str().is_some_and(|text| !text.is_empty())
    };
    entry.iter().filter(named).map(|(_, value)| value).find(says_something)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_primary_one_is_taken_then_the_verified_then_the_first() {
        let entry = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified});
        let of = |entries: &[Value]| best(&json!(entries)).cloned();
        assert_eq!(of(&[entry("a", false, true), entry("b", true, false)]), Some(json!("b")));
        assert_eq!(of(&[entry("a", false, false), entry("b", false, true)]), Some(json!("b")));
        assert_eq!(of(&[entry("a", true, false), entry("b", true, true)]), Some(json!("b")));
        assert_eq!(of(&[entry("a", false, false), entry("b", false, false)]), Some(json!("a")));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn addresses_stand_in_texts_entries_and_objects_by_kind() {
        assert_eq!(best(&json!(["a@x.example", "b@x.example"])), Some(&json!("a@x.example")));
        assert_eq!(best(&json!({"value": "a@x.example"})), Some(&json!("a@x.example")));
        assert_eq!(best(&json!({"personal": "p", "preferred": "a", "business": null})), Some(&json!("a")));
        assert_eq!(best(&json!([1, null])), None);
    }
}
