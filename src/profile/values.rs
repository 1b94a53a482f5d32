//! What a value of an answer says as a text: providers wrap texts into objects and lists.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::domain::profile::ProfileField;

use super::addresses;
use super::aliases::Folded;

/// In what a single text is wrapped, the best first.
const WRAPS: &[&str] = &["value", "content", "path", "formatted", "code", "tag", "localized"];

/// The text that a value is worth as a field; none if it is none.
pub(super) fn text_of(field: ProfileField, value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        Value::Number(number) if !needs_letters(field) => Some(Cow::Borrowed(number.as_str())),
        Value::Array(_) | Value::Object(_) if matches!(field, ProfileField::Email | ProfileField::Phone) => {
            addresses::best(value)
        }
        Value::Array(entries) if !is_identity(field) => text_of(field, addresses::primary(entries)?),
        Value::Object(object) if field == ProfileField::Locale => locale_of(object),
        Value::Object(object) if field != ProfileField::UserName => wrapped(object),
        _ => None,
    }
}

/// Whether a value can stand for a field: cheaper than its text.
pub(super) fn says_something(field: ProfileField, value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => !needs_letters(field),
        // The parts of a name.
        Value::Object(parts) if field == ProfileField::FullName => !parts.is_empty(),
        Value::Array(_) | Value::Object(_) => text_of(field, value).is_some(),
        Value::Null | Value::Bool(_) => false,
    }
}

fn needs_letters(field: ProfileField) -> bool {
    matches!(field, ProfileField::Email | ProfileField::FullName | ProfileField::Locale)
}

/// Of several ids none is the person's.
fn is_identity(field: ProfileField) -> bool {
    matches!(field, ProfileField::UserId | ProfileField::UserName)
}

/// The text in `{"value": "…"}`, or that of the preferred language in `{"localized": {"en_US": "…"}}`.
fn wrapped(object: &Map<String, Value>) -> Option<Cow<'_, str>> {
    let (key, value) = WRAPS.iter().find_map(|wrap| {
        object.iter().find(|(key, value)| {
            !value.is_null() && Folded::of(key).is_some_and(|folded| folded.as_bytes() == wrap.as_bytes())
        })
    })?;
    match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        Value::Number(number) => Some(Cow::Borrowed(number.as_str())),
        Value::Object(texts) if key == "localized" => {
            let preferred = object.get("preferredLocale").and_then(Value::as_object).and_then(locale_of);
            let preferred = preferred.and_then(|tag| texts.get(&tag.replace('-', "_")));
            preferred.or_else(|| texts.values().next())?.as_str().map(Cow::Borrowed)
        }
        _ => None,
    }
}

/// `de-AT` of `{"language": "de", "country": "AT"}`.
fn locale_of(object: &Map<String, Value>) -> Option<Cow<'_, str>> {
    let part = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (part("language"), part("country")) {
        (Some(language), Some(country)) => Some(Cow::Owned(format!("{language}-{country}"))),
        (Some(language), None) => Some(Cow::Borrowed(language)),
        _ => wrapped(object),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(field: ProfileField, value: &Value) -> Option<String> {
        assert_eq!(says_something(field, value), text_of(field, value).is_some(), "{value}");
        text_of(field, value).map(Cow::into_owned)
    }

    #[test]
    fn a_wrapped_text_is_taken_out() {
        let name = ProfileField::FirstName;
        assert_eq!(text(name, &json!({"value": "Ada"})).as_deref(), Some("Ada"));
        assert_eq!(text(name, &json!({"_content": "Ada"})).as_deref(), Some("Ada"));
        let two = json!({"localized": {"en_US": "Ada", "de_AT": "Adda"}, "preferredLocale": {"country": "AT", "language": "de"}});
        assert_eq!(text(name, &two).as_deref(), Some("Adda"));
        assert_eq!(text(name, &json!({"x": "Ada"})), None);
        assert_eq!(text(name, &json!({"localized": "Ada", "value": null})).as_deref(), Some("Ada"));
        assert_eq!(
            text(name, &json!([{"value": "A"}, {"value": "B", "primary": true}])).as_deref(),
            Some("B")
        );
    }

    #[test]
    fn numbers_are_ids_and_phones_but_no_names_and_emails() {
        let id: Value = serde_json::from_str("12345678901234567890123").unwrap();
        assert_eq!(text(ProfileField::UserId, &id).as_deref(), Some("12345678901234567890123"));
        assert_eq!(text(ProfileField::Phone, &json!(15_550_100)).as_deref(), Some("15550100"));
        assert_eq!(text(ProfileField::Email, &id), None);
        assert_eq!(text(ProfileField::UserName, &json!({"value": "x"})), None);
        assert_eq!(text(ProfileField::UserName, &json!(["x", "y"])), None);
        assert_eq!(text(ProfileField::UserId, &json!([1, 2])), None);
    }

    #[test]
    fn a_locale_in_parts_is_put_together() {
        let locale = ProfileField::Locale;
        assert_eq!(text(locale, &json!({"language": "de", "country": "AT"})).as_deref(), Some("de-AT"));
        assert_eq!(text(locale, &json!({"language": "de"})).as_deref(), Some("de"));
        assert_eq!(text(locale, &json!([{"value": "en"}])).as_deref(), Some("en"));
    }
}
