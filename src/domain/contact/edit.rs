//! A client changes a contact: it patches fields, takes a change back, or answers a suggestion.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Change, Contact, Provenance, Suggestion};

/// The most bytes of one field's value, as JSON.
const MAX_VALUE: usize = 16 * 1024;

/// One field of a patch (RFC 7396).
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Which field.
    pub field: String,
    /// Its new value, or what is changed within an object; none blanks it.
    pub value: Option<Value>,
}

/// Why a contact cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It has as many fields as it may.
    #[error("the contact has no room for another field; blank one first")]
    Full {
        /// The field that finds no room.
        field: String,
    },
    /// A value grew too large.
    #[error("the value would be larger than 16384 bytes of JSON")]
    TooLarge {
        /// Its field.
        field: String,
    },
    /// There is no previous value.
    #[error("`{field}` has no previous value that could be restored")]
    NothingToUndo {
        /// The field.
        field: String,
    },
    /// Nothing is suggested.
    #[error("nothing is suggested for this field")]
    NoSuggestion,
}

impl Contact {
    /// Applies a patch and says what it changed. What stands there already is no change.
    pub fn edit(&mut self, edits: &[Edit], source: &str, now: Timestamp) -> Result<Vec<Change>, EditError> {
        let mut changes = Vec::new();
        for Edit { field, value } in edits {
            let current = self.value(field);
            let wanted = value.as_ref().map(|patch| merged(current.as_ref(), patch));
            if current == wanted {
                continue;
            }
            if wanted.as_ref().is_some_and(is_too_large) {
                return Err(EditError::TooLarge { field: field.clone() });
            }
            if wanted.is_some() && !self.has_room_for(field) {
                return Err(EditError::Full { field: field.clone() });
            }
            self.set(field, wanted.clone());
            let previous = Some(current.clone().unwrap_or_default());
            let provenance = Provenance { previous, ..Provenance::typed(source, now) };
            self.provenance.insert(field.clone(), provenance);
            // Who writes down what was suggested has accepted it.
            if self.suggestions.get(field).is_some_and(|known| Some(&known.value) == wanted.as_ref()) {
                self.suggestions.remove(field);
            }
            changes.push(Change::new(field, current, wanted));
        }
        Ok(changes)
    }

    /// Restores what stood in a field before, which may be nothing, once: what is restored has no previous value itself.
    pub fn undo(&mut self, field: &str, source: &str, now: Timestamp) -> Result<Change, EditError> {
        let known = self.provenance.get_mut(field);
        let previous = known.and_then(|known| known.previous.take());
        let previous = previous.ok_or_else(|| EditError::NothingToUndo { field: field.to_owned() })?;
        let previous = (!previous.is_null()).then_some(previous);
        let current = self.value(field);
        self.set(field, previous.clone());
        self.provenance.insert(field.to_owned(), Provenance::typed(source, now));
        Ok(Change::new(field, current, previous))
    }

    /// Takes over what is suggested for a field; where it came from stays with it. What stands there already is no
    /// change, and keeps what stood there before.
    pub fn accept(&mut self, field: &str) -> Result<Option<Change>, EditError> {
        let Suggestion { value, provenance } =
            self.suggestions.remove(field).ok_or(EditError::NoSuggestion)?;
        let current = self.value(field);
        if current.as_ref() == Some(&value) {
            return Ok(None);
        }
        let previous = Some(current.clone().unwrap_or_default());
        self.set(field, Some(value.clone()));
        self.provenance.insert(field.to_owned(), Provenance { previous, ..provenance });
        Ok(Some(Change::new(field, current, Some(value))))
    }

    /// Forgets what is suggested for a field.
    pub fn dismiss(&mut self, field: &str) -> Result<(), EditError> {
        self.suggestions.remove(field).map(drop).ok_or(EditError::NoSuggestion)
    }
}

/// A JSON merge patch (RFC 7396, 2).
fn merged(current: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut result = current.and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    for (name, value) in patch {
        if value.is_null() {
            result.shift_remove(name);
        } else {
            let inner = merged(result.get(name), value);
            result.insert(name.clone(), inner);
        }
    }
    Value::Object(result)
}

fn is_too_large(value: &Value) -> bool {
    serde_json::to_string(value).map_or(true, |text| text.len() > MAX_VALUE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::FIELDS;
    use super::super::tests::{contact, read_at};
    use super::*;

    fn edit(contact: &mut Contact, field: &str, value: Value) -> Vec<Change> {
        let value = (!value.is_null()).then_some(value);
        contact.edit(&[Edit { field: field.to_owned(), value }], "client:crm", read_at(9)).unwrap()
    }

    fn suggest(contact: &mut Contact, field: &str, value: &str) {
        let provenance = Provenance { verified: true, ..Provenance::typed("provider", read_at(3)) };
        contact.suggestions.insert(field.to_owned(), Suggestion { value: value.into(), provenance });
    }

    #[test]
    fn an_edit_keeps_what_stood_there_and_who_wrote_it() {
        let mut contact = contact(1);
        edit(&mut contact, "email", json!("a@x.example"));
        let changes = edit(&mut contact, "email", json!("b@x.example"));
        assert_eq!((&changes[0].from, &changes[0].to), (&json!("a@x.example"), &json!("b@x.example")));
        let known = &contact.provenance["email"];
        assert_eq!((known.source.as_str(), known.at, known.verified), ("client:crm", read_at(9), false));
        assert_eq!(known.previous, Some(json!("a@x.example")));
        assert!(edit(&mut contact, "email", json!("b@x.example")).is_empty(), "it stands there already");
        assert_eq!(edit(&mut contact, "email", Value::Null)[0].to, Value::Null);
        assert_eq!(contact.email, None);
        assert!(edit(&mut contact, "phone", Value::Null).is_empty(), "it is blank already");
    }

    #[test]
    fn objects_are_patched_member_by_member() {
        // The examples of RFC 7396, appendix A, as far as a field can hold them.
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ] {
            let mut contact = contact(1);
            contact.fields.insert("f".to_owned(), before);
            edit(&mut contact, "f", patch);
            assert_eq!(contact.fields["f"], after);
        }
    }

    #[test]
    fn a_record_does_not_grow_for_ever() {
        let mut contact = contact(1);
        (0..FIELDS).for_each(|n| drop(edit(&mut contact, &format!("f{n}"), json!(n))));
        let one_more = Edit { field: "more".to_owned(), value: Some(json!(1)) };
        let full = contact.edit(&[one_more], "client:crm", read_at(9));
        assert_eq!(full, Err(EditError::Full { field: "more".to_owned() }));
        edit(&mut contact, "email", json!("a@x.example"));
        edit(&mut contact, "f1", json!("changed"));
        let large = Edit { field: "f1".to_owned(), value: Some(json!("x".repeat(MAX_VALUE))) };
        assert!(matches!(contact.edit(&[large], "client:crm", read_at(9)), Err(EditError::TooLarge { .. })));
    }

    #[test]
    fn an_undo_restores_the_previous_value_once() {
        let mut contact = contact(1);
        edit(&mut contact, "email", json!("a@x.example"));
        assert!(contact.undo("phone", "client:crm", read_at(10)).is_err(), "nobody wrote there before");
        edit(&mut contact, "email", json!("b@x.example"));
        let change = contact.undo("email", "client:crm", read_at(11)).unwrap();
        assert_eq!((change.from, change.to), (json!("b@x.example"), json!("a@x.example")));
        assert_eq!(contact.email.as_deref(), Some("a@x.example"));
        let again = contact.undo("email", "client:crm", read_at(12)).unwrap_err();
        assert_eq!(again, EditError::NothingToUndo { field: "email".to_owned() });
        edit(&mut contact, "email", Value::Null);
        contact.undo("email", "client:crm", read_at(13)).unwrap();
        assert_eq!(contact.email.as_deref(), Some("a@x.example"), "a blanked field comes back");
    }

    #[test]
    fn what_was_written_into_a_blank_field_can_be_taken_back_once() {
        let mut contact = contact(1);
        edit(&mut contact, "email", json!("a@x.example"));
        let change = contact.undo("email", "client:crm", read_at(10)).unwrap();
        assert_eq!((change.from, change.to, &contact.email), (json!("a@x.example"), Value::Null, &None));
        assert!(contact.undo("email", "client:crm", read_at(11)).is_err(), "once");
    }

    #[test]
    fn what_is_accepted_and_stands_there_already_is_no_change() {
        let mut contact = contact(1);
        edit(&mut contact, "email", json!("old@x.example"));
        edit(&mut contact, "email", json!("new@x.example"));
        suggest(&mut contact, "email", "new@x.example");
        assert_eq!(contact.accept("email"), Ok(None));
        assert_eq!(
            contact.provenance["email"].previous,
            Some(json!("old@x.example")),
            "undo still leads there"
        );
        assert!(contact.suggestions.is_empty());
    }

    #[test]
    fn an_accepted_suggestion_keeps_where_it_came_from() {
        let mut contact = contact(1);
        edit(&mut contact, "email", json!("old@x.example"));
        suggest(&mut contact, "email", "new@x.example");
        assert_eq!(contact.accept("email").unwrap().unwrap().from, json!("old@x.example"));
        let known = &contact.provenance["email"];
        assert_eq!((known.source.as_str(), known.at, known.verified), ("provider", read_at(3), true));
        assert_eq!(known.previous, Some(json!("old@x.example")));
        assert!(contact.suggestions.is_empty() && contact.accept("email") == Err(EditError::NoSuggestion));
        contact.undo("email", "client:crm", read_at(11)).unwrap();
        assert_eq!(contact.email.as_deref(), Some("old@x.example"), "it can be taken back");
    }

    #[test]
    fn a_suggestion_is_gone_when_it_is_dismissed_or_typed() {
        let mut contact = contact(1);
        suggest(&mut contact, "email", "new@x.example");
        suggest(&mut contact, "locale", "de");
        edit(&mut contact, "locale", json!("de"));
        assert_eq!(contact.suggestions.keys().collect::<Vec<_>>(), ["email"]);
        edit(&mut contact, "email", json!("other@x.example"));
        contact.dismiss("email").unwrap();
        assert_eq!(contact.dismiss("email"), Err(EditError::NoSuggestion));
        assert_eq!(contact.email.as_deref(), Some("other@x.example"));
    }
}
