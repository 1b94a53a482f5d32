//! The body of a change of a contact: a JSON merge patch (RFC 7396) of the fields that may be
//! changed, read and checked as a whole.

use serde_json::{Map, Value};

use crate::domain::contact::{EXTERNAL_ID, Edit};
use crate::domain::profile::ProfileField;
use crate::profile::{field_text, is_field_name};

/// The known fields that may be changed. `userId` is an identity's.
const KNOWN: [ProfileField; 7] = [
    ProfileField::Email,
    ProfileField::Phone,
    ProfileField::FirstName,
    ProfileField::LastName,
    ProfileField::FullName,
    ProfileField::UserName,
    ProfileField::Locale,
];
/// Members of a contact that only we change.
const OURS: [&str; 10] = [
    "id",
    "customerNumber",
    "identities",
    "provenance",
    "suggestions",
    "conversations",
    "mergedFrom",
    "mergedExternalIds",
    "createdAt",
    "updatedAt",
];
/// How deep lists and objects of a value may lie within each other: what is stored must be readable
/// again, within events and records.
const MAX_DEPTH: usize = 32;
/// A name under which `serde_json` hands on exact numbers.
const RESERVED: &str = "$serde_json::private::Number";

/// A change that can be applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContactPatch {
    /// What is changed.
    pub edits: Vec<Edit>,
    /// Which version the caller has read, if it says so.
    pub version: Option<u64>,
}

/// One thing that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchFault {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong and how to mend it.
    pub detail: String,
}

impl PatchFault {
    /// A fault at a place.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

impl ContactPatch {
    /// Reads a patch, or says everything that is wrong with it.
    pub fn parse(body: &Map<String, Value>) -> Result<Self, Vec<PatchFault>> {
        let (mut patch, mut faults) = (Self::default(), Vec::new());
        for (name, value) in body {
            if let Err(mut wrong) = patch.take(name, value) {
                faults.append(&mut wrong);
            }
        }
        if faults.is_empty() { Ok(patch) } else { Err(faults) }
    }

    fn take(&mut self, name: &str, value: &Value) -> Result<(), Vec<PatchFault>> {
        let wrong = |detail: String| Err(vec![PatchFault::at(pointer(&[name]), detail)]);
        if let Some(field) = KNOWN.into_iter().find(|field| field.as_str() == name) {
            let value = match value {
                Value::Null => None,
                Value::String(text) => match field_text(field, text) {
                    Ok(kept) => Some(Value::String(kept)),
                    Err(reason) => return wrong(format!("the value {reason}; `null` blanks the field")),
                },
                _ => return wrong("use a text, or `null` to blank the field".to_owned()),
            };
            self.edits.push(Edit { field: name.to_owned(), value });
            return Ok(());
        }
        match (name, value) {
            (EXTERNAL_ID, value) => match external_id(value) {
                Ok(value) => self.edits.push(Edit { field: name.to_owned(), value }),
                Err(detail) => return wrong(detail.to_owned()),
            },
            ("fields", Value::Object(fields)) => return self.take_fields(fields),
            ("fields", _) => {
                return wrong("use an object; `null` for a field in it blanks that field".to_owned());
            }
            ("version", value) => match value.as_u64() {
                Some(version) => self.version = Some(version),
                None => return wrong("use the number that the contact had when it was read".to_owned()),
            },
            _ if OURS.contains(&name) => return wrong("this cannot be changed; leave it out".to_owned()),
            _ => return wrong("no such field; put fields of your own into `fields`".to_owned()),
        }
        Ok(())
    }

    fn take_fields(&mut self, fields: &Map<String, Value>) -> Result<(), Vec<PatchFault>> {
        let mut faults = Vec::new();
        for (name, value) in fields {
            let at = || pointer(&["fields", name]);
            if KNOWN.iter().any(|field| field.as_str() == name) || name == EXTERNAL_ID {
                faults
                    .push(PatchFault::at(at(), format!("this field stands outside of `fields`: `/{name}`")));
            } else if !is_field_name(name) {
                let detail = "use a name of 1 to 256 bytes without control characters that is not reserved";
                faults.push(PatchFault::at(at(), detail));
            } else if !is_storable(value, MAX_DEPTH) {
                let detail = format!("use at most {MAX_DEPTH} levels, and no reserved names");
                faults.push(PatchFault::at(at(), detail));
            } else {
                let value = (!value.is_null()).then(|| value.clone());
                self.edits.push(Edit { field: name.clone(), value });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

/// A JSON pointer to a member (RFC 6901, 3).
pub fn pointer(path: &[&str]) -> String {
    let mut pointer = String::new();
    for part in path {
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

fn external_id(value: &Value) -> Result<Option<Value>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text)
            if (1..=200).contains(&text.chars().count()) && !text.contains(char::is_control) =>
        {
            Ok(Some(value.clone()))
        }
        _ => Err("use a text of 1 to 200 characters without control characters, or `null` to blank it"),
    }
}

fn is_storable(value: &Value, depth: usize) -> bool {
    match value {
        Value::Array(items) => depth > 0 && items.iter().all(|item| is_storable(item, depth - 1)),
        Value::Object(members) => {
            depth > 0 && members.iter().all(|(name, inner)| name != RESERVED && is_storable(inner, depth - 1))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Result<ContactPatch, Vec<String>> {
        ContactPatch::parse(body.as_object().unwrap())
            .map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn every_field_that_may_be_changed_is_read() {
        let body = json!({
            "email": " Billy@Example.com ", "phone": "+1 555", "firstName": "Billy", "lastName": null,
            "fullName": "Billy Bob", "userName": "billy", "locale": "de", "externalId": "crm/7",
            "fields": {"tier": "gold", "old": null, "deep": {"a": [1]}}, "version": 3,
        });
        let patch = parse(&body).unwrap();
        let edits: Vec<_> =
            patch.edits.iter().map(|edit| (edit.field.as_str(), edit.value.clone())).collect();
        assert_eq!(edits.len(), 11);
        assert_eq!(edits[0], ("email", Some(json!("Billy@Example.com"))));
        assert_eq!(edits[3], ("lastName", None));
        assert_eq!(edits[9], ("old", None));
        assert_eq!(patch.version, Some(3));
        assert_eq!(parse(&json!({})), Ok(ContactPatch::default()));
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_place() {
        let body = json!({
            "email": "a@b@c", "phone": "none", "firstName": 5, "lastName": " ", "externalId": "", "nickname": "B",
            "id": "ct_1", "version": "3", "fields": {"email": "a@x.example", "a~b/c": {"$serde_json::private::Number": "1"}, "": 1},
        });
        let wrong = parse(&body).unwrap_err();
        assert_eq!(
            wrong,
            [
                "/email",
                "/phone",
                "/firstName",
                "/lastName",
                "/externalId",
                "/nickname",
                "/id",
                "/version",
                "/fields/email",
                "/fields/a~0b~1c",
                "/fields/"
            ]
        );
        assert_eq!(parse(&json!({"fields": null})).unwrap_err(), ["/fields"]);
        assert_eq!(parse(&json!({"externalId": "x".repeat(201)})).unwrap_err(), ["/externalId"]);
    }

    #[test]
    fn a_value_that_could_not_be_read_again_is_refused() {
        let deep = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        assert!(parse(&json!({"fields": {"f": deep(MAX_DEPTH)}})).is_ok());
        assert_eq!(parse(&json!({"fields": {"f": deep(MAX_DEPTH + 1)}})).unwrap_err(), ["/fields/f"]);
    }

    proptest! {
        #[test]
        fn any_members_are_read_or_refused_without_panic(name: String, text: String) {
            for body in [json!({name.clone(): text.clone()}), json!({"fields": {name.clone(): [text.clone()]}}), json!({"email": text.clone()})] {
                let _ = parse(&body);
            }
        }
    }
}
