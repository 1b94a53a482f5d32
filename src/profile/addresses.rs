//! One address out of the lists and objects in which some providers keep several.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::aliases::{Folded, is_one_of};
use super::verified;

/// The address in an entry, the best first.
const VALUES: &[&str] = &[
    "value",
    "email",
    "address",
    "emailaddress",
    "mail",
    "emailid",
    "number",
    "phone",
    "phonenumber",
    "mobile",
    "handle",
    "canonicalform",
];
/// Objects in an entry that hold the address.
const INNER: &[&str] = &["handle~", "email", "emailaddress", "address", "phone"];
/// Lists in an object that holds several.
const LISTS: &[&str] = &[
    "values",
    "email",
    "emails",
    "emailaddresses",
    "elements",
    "items",
    "data",
    "results",
    "resources",
    "phone",
    "phones",
];
const PRIMARY: &[&str] =
    &["primary", "isprimary", "default", "isdefault", "main", "preferred", "ispreferred"];
const VERIFIED: &[&str] = &["verified", "isverified", "confirmed", "isconfirmed", "emailverified"];
/// Objects in an entry that hold its flags.
const FLAGS: &[&str] = &["metadata", "verification"];
/// Where an entry says in words what it is.
const TYPES: &[&str] = &["type", "kind", "label", "usage"];
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
/// How deep lists and objects of addresses lie in each other.
const MAX_DEPTH: usize = 3;

/// The address to take: a verified one before one of which nothing is said, that before one that
/// is said to be unverified; of equals the primary one, then the first.
pub(super) fn best(value: &Value) -> Option<Cow<'_, str>> {
    within(value, MAX_DEPTH)
}

/// The primary one of several entries, or else the first.
pub(super) fn primary(entries: &[Value]) -> Option<&Value> {
    let is_first = |entry: &&Value| entry.as_object().is_some_and(is_primary);
    entries.iter().find(is_first).or_else(|| entries.first())
}

fn within(value: &Value, depth: usize) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
        Value::Array(entries) => {
            let addresses = entries.iter().filter_map(|entry| match entry {
                Value::Object(entry) => Some((rank(entry), of_entry(entry, depth)?)),
                Value::String(text) => Some((2, Cow::Borrowed(text.as_str()))),
                _ => None,
            });
            // `max_by_key` takes the last of equals, and the first one is wanted.
            let best = addresses.rev().max_by_key(|(rank, _)| *rank);
            best.map(|(_, address)| address)
        }
        Value::Object(object) => of_entry(object, depth),
        _ => None,
    }
}

fn of_entry(entry: &Map<String, Value>, depth: usize) -> Option<Cow<'_, str>> {
    if let Some(inner) = object_of(entry, INNER) {
        return within(inner, depth.checked_sub(1)?);
    }
    if let Some(address) = VALUES.iter().find_map(|name| scalar(entry, &[name])) {
        return Some(address);
    }
    let list = entry.iter().find(|(key, value)| value.is_array() && is_one_of(key, LISTS));
    if let Some((_, list)) = list {
        return within(list, depth.checked_sub(1)?);
    }
    KINDS.iter().find_map(|kind| scalar(entry, &[kind]))
}

/// Verified 4, nothing said 2, denied 0; and 1 for the primary one.
fn rank(entry: &Map<String, Value>) -> usize {
    let said = |flags: &Map<String, Value>| verified::said(flags, VERIFIED);
    let verdict = said(entry).or_else(|| flags_in(entry).find_map(said));
    let trust = match verdict {
        Some(true) => 4,
        None => 2,
        Some(false) => 0,
    };
    trust + usize::from(is_primary(entry))
}

fn is_primary(entry: &Map<String, Value>) -> bool {
    let is_set = |flags: &Map<String, Value>| {
        flags.iter().any(|(key, value)| is_one_of(key, PRIMARY) && verified::flag(value) == Some(true))
    };
    let is_named = |(key, value): (&String, &Value)| {
        is_one_of(key, TYPES) && value.as_str().is_some_and(|text| is_one_of(text, PRIMARY))
    };
    is_set(entry) || flags_in(entry).any(is_set) || entry.iter().any(is_named)
}

/// The objects in an entry that hold its flags.
pub(super) fn flags_in(entry: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    entry.iter().filter(|(key, _)| is_one_of(key, FLAGS)).filter_map(|(_, value)| value.as_object())
}

fn object_of<'a>(entry: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    entry.iter().find(|(key, value)| value.is_object() && is_one_of(key, names)).map(|(_, value)| value)
}

/// The first of these fields that is a text or number.
fn scalar<'a>(entry: &'a Map<String, Value>, names: &[&str]) -> Option<Cow<'a, str>> {
    let named =
        |(key, _): &(&'a String, &'a Value)| Folded::of(key).is_some_and(|folded| folded.is_one_of(names));
    entry.iter().filter(named).find_map(|(_, value)| match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text.as_str())),
        Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: &Value) -> Option<String> {
        best(value).map(Cow::into_owned)
    }

    #[test]
    fn the_verified_one_is_taken_then_the_primary_then_the_first() {
        let entry = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified});
        let of = |entries: &[Value]| found(&json!(entries));
        assert_eq!(of(&[entry("a", false, true), entry("b", true, true)]).as_deref(), Some("b"));
        assert_eq!(of(&[entry("a", true, false), entry("b", false, true)]).as_deref(), Some("b"));
        assert_eq!(of(&[entry("a", false, false), entry("b", true, false)]).as_deref(), Some("b"));
        assert_eq!(of(&[entry("a", false, false), entry("b", false, false)]).as_deref(), Some("a"));
        let silent = json!({"email": "c"});
        assert_eq!(of(&[entry("a", true, false), silent.clone()]).as_deref(), Some("c"));
        assert_eq!(of(&[silent, entry("a", false, true)]).as_deref(), Some("a"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn addresses_stand_in_texts_entries_and_objects_by_kind() {
        assert_eq!(found(&json!(["a@x.example", "b@x.example"])).as_deref(), Some("a@x.example"));
        assert_eq!(found(&json!({"value": "a@x.example"})).as_deref(), Some("a@x.example"));
        assert_eq!(
            found(&json!({"personal": "p", "preferred": "a", "business": null})).as_deref(),
            Some("a")
        );
        assert_eq!(found(&json!([1, null])), None);
    }

    #[test]
    fn lists_stand_in_pages_and_flags_in_objects() {
        let page = json!({"page": 1, "values": [{"email": "a", "is_primary": false}, {"email": "b", "is_primary": true}]});
        assert_eq!(found(&page).as_deref(), Some("b"));
        let told = json!([{"value": "a"}, {"value": "b", "metadata": {"primary": true, "verified": true}}]);
        assert_eq!(found(&told).as_deref(), Some("b"));
        assert_eq!(
            found(&json!([{"type": "x", "address": "a"}, {"type": "PRIMARY", "address": "b"}])).as_deref(),
            Some("b")
        );
        let far = json!({"elements": [{"handle": "urn:1", "handle~": {"emailAddress": "a"}}]});
        assert_eq!(found(&far).as_deref(), Some("a"));
    }

    #[test]
    fn a_list_in_a_list_in_a_list_ends() {
        let deep = (0..100).fold(json!("a"), |inner, _| json!({"values": [{"email": inner}]}));
        assert_eq!(found(&deep), None);
    }
}
