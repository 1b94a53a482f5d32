//! The fields of an event or span, in the order they came; forbidden ones are struck out here, so
//! that no format can forget it.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// What stands in place of a value that must not be logged.
const STRUCK: &str = "[redacted]";

/// Names whose values are never logged, whoever logs them. The stable `code` of a fault is a fact;
/// an OAuth code has no field of its own.
const FORBIDDEN: [&str; 22] = [
    "assertion",
    "authorization",
    "body",
    "cookie",
    "email",
    "family_name",
    "full_name",
    "given_name",
    "handle",
    "headers",
    "name",
    "nonce",
    "otp",
    "password",
    "phone",
    "query",
    "secret",
    "state",
    "token",
    "uri",
    "url",
    "verifier",
];

/// The longest value, in characters: a fact is short.
const MAX_TEXT: usize = 300;

/// Fields by name.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// Sets a field, replacing an earlier one.
    pub(super) fn put(&mut self, name: &'static str, value: Value) {
        let name = if name == "message" { "event" } else { name };
        let value = if is_forbidden(name) { STRUCK.into() } else { value };
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Sets all fields of another list.
    pub(super) fn overlay(&mut self, other: &Self) {
        for (name, value) in &other.0 {
            self.put(name, value.clone());
        }
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Those that are left.
    pub(super) fn rest(self) -> impl Iterator<Item = (&'static str, Value)> {
        self.0.into_iter()
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let end = value.char_indices().nth(MAX_TEXT).map_or(value.len(), |(end, _)| end);
        self.put(field.name(), value[..end].into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Whether a name is forbidden, or ends in `_` and a forbidden name: `client_secret`, `refresh_token`.
fn is_forbidden(name: &str) -> bool {
    // Our own names are of this form already: nothing is copied for them.
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let name = if name.bytes().all(is_plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.to_ascii_lowercase().replace(['-', '.'], "_"))
    };
    let ends = |forbidden: &&str| {
        name.strip_suffix(*forbidden).is_some_and(|before| before.is_empty() || before.ends_with('_'))
    };
    FORBIDDEN.iter().any(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_promises_a_secret_is_forbidden_in_every_spelling() {
        for name in [
            "token",
            "access_token",
            "id-token",
            "client_secret",
            "Set-Cookie",
            "Authorization",
            "state",
            "code_verifier",
            "http.url",
            "email",
            "first.name",
            "user_name",
            "request_body",
        ] {
            assert!(is_forbidden(name), "{name}");
        }
    }

    #[test]
    fn facts_are_not_forbidden() {
        for name in super::super::KEYS.iter().chain(&[
            "status",
            "kid",
            "reason",
            "method",
            "attempt",
            "username_hash",
        ]) {
            assert!(!is_forbidden(name), "{name}");
        }
    }

    #[test]
    fn the_last_word_on_a_field_counts_and_keeps_its_place() {
        let mut fields = Fields::default();
        fields.put("tenant", "a".into());
        fields.put("step", "find".into());
        fields.put("tenant", "b".into());
        let rest: Vec<_> = fields.rest().collect();
        assert_eq!(rest, [("tenant", "b".into()), ("step", "find".into())]);
    }
}
