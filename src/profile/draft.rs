//! A profile in the making: fields as they come in, and the tidying at the end.

use serde_json::{Map, Value};

use crate::domain::profile::{Profile, ProfileField};

use super::expression::Found;
use super::expression::meter::Meter;
use super::fault::EvalFault;
use super::{email, name, verified};

/// The longest text of a known field, in bytes.
const MAX_TEXT: usize = 4096;
/// How deep lists and objects of a field may lie within each other. Records and events hold it some
/// levels deeper, and what nests deeper than 128 could not be read again.
const MAX_DEPTH: usize = 64;
/// The most bytes of a field without a meaning of its own, about as JSON: as many as a client may write into one.
const MAX_VALUE: usize = 16 * 1024;
/// How many warnings are kept.
const MAX_WARNINGS: usize = 50;
/// Names that no profile carries: they have a meaning where it is read.
const FORBIDDEN: &[&str] = &["__proto__", "constructor", "prototype", "$serde_json::private::Number"];

/// What has come in so far.
#[derive(Default)]
pub(super) struct Draft {
    texts: [Option<String>; 8],
    extras: Vec<(String, Value)>,
    flags: [Option<bool>; 2],
    pub(super) warnings: Vec<String>,
}

impl Draft {
    pub(super) fn text(&self, field: ProfileField) -> Option<&str> {
        self.texts[field as usize].as_deref()
    }

    /// What the answer or the mapping itself says of email or phone.
    pub(super) fn flag(&self, field: ProfileField) -> Option<bool> {
        self.flags[usize::from(field == ProfileField::Phone)]
    }

    /// Says something once; an answer of ten thousand odd fields does not say ten thousand things.
    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.warnings.len() < MAX_WARNINGS && !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Takes a field that a mapping names. Null and empty ones are left out.
    pub(super) fn take(&mut self, key: &str, found: &Found<'_>, meter: &Meter) -> Result<(), EvalFault> {
        if let Some(field) = ProfileField::named(key) {
            match (found.as_str(), found.as_number()) {
                (Some(text), _) => drop(self.set(field, text)),
                (_, Some(number)) => drop(self.set(field, number.as_str())),
                _ if found.is_null() => {}
                _ => self.warn(format!("`{key}` is neither a text nor a number and was left out")),
            }
            return Ok(());
        }
        if found.is_empty() || found.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(());
        }
        let value = found.to_value(meter)?;
        if let Some(field) = verified::flagged_by(key) {
            self.flags[usize::from(field == ProfileField::Phone)] =
                Some(verified::flag(&value) == Some(true));
            return Ok(());
        }
        self.keep(key, value);
        Ok(())
    }

    /// Keeps a field that has no meaning of its own.
    pub(super) fn keep(&mut self, key: &str, value: Value) {
        if !is_extra_name(key) {
            self.warn("a field with a reserved, empty or endless name was left out");
            return;
        }
        if is_deeper_than(&value, MAX_DEPTH) {
            self.warn(format!("`{key}` nests deeper than {MAX_DEPTH} levels and was left out"));
            return;
        }
        if weight(&value) > MAX_VALUE {
            self.warn(format!("`{key}` is larger than {MAX_VALUE} bytes and was left out"));
            return;
        }
        self.extras.push((key.to_owned(), value));
    }

    /// Sets a known field to what a text is worth: an email must be one, names are cleaned, and
    /// ids stay as they are. Whether it was worth anything.
    pub(super) fn set(&mut self, field: ProfileField, text: &str) -> bool {
        let text = text.trim();
        if text.is_empty() {
            return false;
        }
        match worth(field, text) {
            Ok(kept) => self.texts[field as usize] = Some(kept),
            Err(reason) => self.warn(format!("`{}` {reason} and was left out", field.as_str())),
        }
        self.text(field).is_some()
    }

    /// Splits the full name where parts are missing, and joins the parts where it is.
    pub(super) fn complete_names(&mut self) {
        use ProfileField::{FirstName, FullName, LastName};
        match (self.text(FullName), self.text(FirstName), self.text(LastName)) {
            (Some(_), Some(_), Some(_)) | (None, None, None) => {}
            (Some(full), None, Some(last)) if !shares_a_word(full, last) => {
                // What is called a name is the given one.
                let (given, full) = (full.to_owned(), name::join(full, last));
                self.texts[FirstName as usize] = Some(given);
                self.texts[FullName as usize] = Some(full);
            }
            (Some(full), Some(first), None) if is_family_name(full, first) => {
                let (family, full) = (full.to_owned(), name::join(first, full));
                self.texts[LastName as usize] = Some(family);
                self.texts[FullName as usize] = Some(full);
            }
            (Some(full), first, last) => {
                let parts = match (first, last) {
                    (Some(first), None) => {
                        without_part(full, first).unwrap_or_else(|| name::split(full).last)
                    }
                    (None, Some(last)) => without_part(full, last).unwrap_or_else(|| name::split(full).first),
                    _ => {
                        let name::NameParts { first, last } = name::split(full);
                        self.put_if_any(FirstName, first);
                        last
                    }
                };
                let missing = if self.text(LastName).is_none() { LastName } else { FirstName };
                self.put_if_any(missing, parts);
            }
            (None, first, last) => {
                let full = name::join(first.unwrap_or_default(), last.unwrap_or_default());
                self.put_if_any(FullName, full);
            }
        }
    }

    /// The profile: known fields in their order, then all others.
    pub(super) fn into_profile(self) -> (Profile, Vec<String>) {
        let mut profile = Profile::default();
        for (field, text) in ProfileField::ALL.into_iter().zip(self.texts) {
            profile.set_text(field, text.unwrap_or_default());
        }
        for (key, value) in self.extras {
            profile.set_extra(key, value);
        }
        (profile, self.warnings)
    }

    fn put_if_any(&mut self, field: ProfileField, text: String) {
        if !text.is_empty() && self.texts[field as usize].is_none() {
            self.texts[field as usize] = Some(text);
        }
    }
}

/// What a text is worth as a known field, or why it is nothing.
pub(super) fn worth(field: ProfileField, text: &str) -> Result<String, &'static str> {
    match field {
        _ if text.len() > MAX_TEXT && !is_name_part(field) => Err("is longer than 4096 bytes"),
        ProfileField::Email => email::parse(text).ok_or("is no email address"),
        ProfileField::FullName | ProfileField::FirstName | ProfileField::LastName => {
            let clean = name::clean(text);
            if name::is_name(&clean) { Ok(clean.into_owned()) } else { Err("is no name") }
        }
        ProfileField::Phone if !text.bytes().any(|byte| byte.is_ascii_digit()) => Err("has no digits"),
        _ if text.contains(char::is_control) => Err("has control characters"),
        _ => Ok(text.to_owned()),
    }
}

/// Whether a field without a meaning of its own may have this name.
pub(super) fn is_extra_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 256 && !FORBIDDEN.contains(&name)
}

/// Whether lists and objects lie deeper within each other than that.
fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper_than(item, levels - 1)),
        Value::Object(fields) => {
            levels == 0 || fields.values().any(|field| is_deeper_than(field, levels - 1))
        }
        _ => false,
    }
}

fn is_name_part(field: ProfileField) -> bool {
    matches!(field, ProfileField::FullName | ProfileField::FirstName | ProfileField::LastName)
}

/// What remains of a full name without the part that is known, at either end; none if that part
/// does not stand there as a word.
fn without_part(full: &str, known: &str) -> Option<String> {
    let rest = full.strip_prefix(known).filter(|rest| rest.starts_with(' '));
    let rest = rest.or_else(|| full.strip_suffix(known).filter(|rest| rest.ends_with(' ')));
    rest.map(|rest| rest.trim().to_owned()).or_else(|| (full == known).then(String::new))
}

fn shares_a_word(full: &str, part: &str) -> bool {
    part.split(' ').any(|word| full.contains(word))
}

/// Whether what is called a name is the family name beside a given one: one word with a capital.
fn is_family_name(full: &str, first: &str) -> bool {
    full.starts_with(char::is_uppercase)
        && full.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '\u{2019}'))
        && full.contains(char::is_lowercase)
        && !shares_a_word(full, first)
        && !shares_a_word(first, full)
}

/// About how long a value is as JSON.
pub(super) fn weight(value: &Value) -> usize {
    let within =
        |object: &Map<String, Value>| object.iter().map(|(key, value)| key.len() + 4 + weight(value)).sum();
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.as_str().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum::<usize>() + 2,
        Value::Object(object) => within(object),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ProfileField::{FirstName, FullName, LastName};

    fn completed(known: &[(ProfileField, &str)]) -> [Option<String>; 3] {
        let mut draft = Draft::default();
        for (field, text) in known {
            draft.set(*field, text);
        }
        draft.complete_names();
        [FullName, FirstName, LastName].map(|field| draft.text(field).map(str::to_owned))
    }

    fn names(full: &str, first: &str, last: &str) -> [Option<String>; 3] {
        [full, first, last].map(|text| (!text.is_empty()).then(|| text.to_owned()))
    }

    #[test]
    fn what_is_missing_of_a_name_is_completed() {
        assert_eq!(completed(&[(FullName, "Billy Bob")]), names("Billy Bob", "Billy", "Bob"));
        assert_eq!(completed(&[(FirstName, "Billy"), (LastName, "Bob")]), names("Billy Bob", "Billy", "Bob"));
        assert_eq!(completed(&[(LastName, "Bob")]), names("Bob", "", "Bob"));
        assert_eq!(completed(&[(FullName, "Cher"), (FirstName, "Cher")]), names("Cher", "Cher", ""));
        assert_eq!(
            completed(&[(FullName, "Mary Jane Watson"), (FirstName, "Mary Jane")]),
            names("Mary Jane Watson", "Mary Jane", "Watson")
        );
        assert_eq!(
            completed(&[(FullName, "William Bob"), (FirstName, "Billy")]),
            names("William Bob", "Billy", "Bob")
        );
        assert_eq!(
            completed(&[(FullName, "Jan van Eyck"), (LastName, "van Eyck")]),
            names("Jan van Eyck", "Jan", "van Eyck")
        );
        assert_eq!(
            completed(&[(FullName, "Ana María"), (LastName, "Ruiz Gómez")]),
            names("Ana María Ruiz Gómez", "Ana María", "Ruiz Gómez")
        );
        assert_eq!(
            completed(&[(FullName, "Fournier"), (FirstName, "Léa")]),
            names("Léa Fournier", "Léa", "Fournier")
        );
        assert_eq!(completed(&[(FullName, "billyb"), (FirstName, "Billy")]), names("billyb", "Billy", ""));
        assert_eq!(completed(&[]), names("", "", ""));
    }

    #[test]
    fn what_is_no_name_is_left_out_with_a_word() {
        let mut draft = Draft::default();
        draft.set(FullName, "undefined undefined");
        assert_eq!(draft.warnings, ["`fullName` is no name and was left out"]);
        assert_eq!(draft.text(FullName), None);
    }

    #[test]
    fn a_field_that_could_not_be_read_again_from_an_event_is_left_out() {
        let nested = |levels| (0..levels).fold(Value::from(1), |inner, _| Value::Array(vec![inner]));
        let mut draft = Draft::default();
        draft.keep("fine", nested(MAX_DEPTH));
        draft.keep("deep", nested(MAX_DEPTH + 1));
        assert_eq!(draft.warnings, ["`deep` nests deeper than 64 levels and was left out"]);
        let (profile, _) = draft.into_profile();
        let change = serde_json::json!({"data": {"changes": [{"to": {"fields": profile.as_map()}}]}});
        assert!(serde_json::from_str::<Value>(&change.to_string()).is_ok());
    }

    #[test]
    fn ids_keep_what_stands_in_them() {
        let mut draft = Draft::default();
        draft.set(ProfileField::UserId, " <b>|a b ");
        assert_eq!(draft.text(ProfileField::UserId), Some("<b>|a b"));
        draft.set(ProfileField::UserName, "a\u{0}b");
        assert_eq!(draft.text(ProfileField::UserName), None);
        assert_eq!(draft.warnings.len(), 1);
    }
}
