//! The root that an expression reads: a body, and further values beside it, none of them copied.

use serde_json::Value;

use super::found::Found;

/// Where an expression begins to read. A name is looked up in the roots, then in the named
/// values, then in the body; only the last two are listed by `@`, `*` and `keys(@)`, so that a
/// root does not become a field by accident.
pub struct Scope<'a> {
    body: &'a Value,
    named: &'a [(String, Value)],
    roots: &'a [(&'a str, &'a Value)],
}

impl<'a> Scope<'a> {
    /// A scope of one value alone.
    pub fn of(body: &'a Value) -> Self {
        Self { body, named: &[], roots: &[] }
    }

    /// Adds values that win over fields of the body of the same name.
    #[must_use]
    pub fn with_named(mut self, named: &'a [(String, Value)]) -> Self {
        self.named = named;
        self
    }

    /// Adds values that are found by their name only and win over everything else. A root that is
    /// absent is given as null: otherwise the body could speak in its name.
    #[must_use]
    pub fn with_roots(mut self, roots: &'a [(&'a str, &'a Value)]) -> Self {
        self.roots = roots;
        self
    }

    /// The scope as an expression's current value: the body itself where nothing stands beside it.
    pub(super) fn as_found(&'a self) -> Found<'a> {
        if self.named.is_empty() && self.roots.is_empty() {
            Found::Json(self.body)
        } else {
            Found::Scope(self)
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&'a Value> {
        if let Some((_, value)) = self.roots.iter().find(|(root, _)| *root == name) {
            return Some(value);
        }
        let named = self.named.iter().rev().find(|(own, _)| own == name);
        named.map(|(_, value)| value).or_else(|| self.body.get(name))
    }

    /// The body, if it is a list.
    pub(super) fn list(&self) -> Option<&'a [Value]> {
        self.body.as_array().map(Vec::as_slice)
    }

    pub(super) fn entries(&self) -> Vec<(&'a str, Found<'a>)> {
        let own = self.body.as_object().into_iter().flatten();
        let of_body = own.filter(|(key, _)| !self.is_taken(key)).map(|(key, value)| (key.as_str(), value));
        let named = self.named.iter().map(|(name, value)| (name.as_str(), value));
        of_body.chain(named).map(|(key, value)| (key, Found::Json(value))).collect()
    }

    pub(super) fn width(&self) -> usize {
        let own = self.body.as_object().into_iter().flatten();
        own.filter(|(key, _)| !self.is_taken(key)).count() + self.named.len()
    }

    fn is_taken(&self, key: &str) -> bool {
        self.roots.iter().any(|(root, _)| *root == key) || self.named.iter().any(|(name, _)| name == key)
    }
}
