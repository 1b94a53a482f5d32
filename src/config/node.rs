//! Reading values out of a checked file. A value that is missing or has the wrong type is simply
//! not there: the check of the shape has already said so.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Spot<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// A table and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Node<'a> {
    /// The file itself.
    pub fn root(document: &'a Spanned<DeTable<'a>>) -> Self {
        Self { table: document.get_ref(), span: 0..0 }
    }

    /// Another table in the place of this one.
    pub fn with<'b>(&self, table: &'b DeTable<'b>) -> Node<'b> {
        Node { table, span: self.span.clone() }
    }

    /// Its settings, as a table of their own.
    pub fn to_table(&self) -> DeTable<'a> {
        self.table.clone()
    }

    /// A value that is a table.
    pub fn of(value: &'a Spanned<DeValue<'a>>) -> Option<Self> {
        Some(Self { table: value.get_ref().as_table()?, span: value.span() })
    }

    /// Where its header stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether the setting is there, of whatever type.
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The value as it was parsed.
    pub fn raw(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(name)
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<Spot<&'a str>> {
        self.raw(name).and_then(text_of)
    }

    /// True or false.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.raw(name)?.get_ref().as_bool()
    }

    /// The texts of a list.
    pub fn texts(&self, name: &str) -> Vec<Spot<&'a str>> {
        let items = self.raw(name).and_then(|value| value.get_ref().as_array());
        items.map(|items| items.iter().filter_map(text_of).collect()).unwrap_or_default()
    }

    /// The word as a type of ours.
    pub fn word<T>(&self, name: &str, known: &[(&str, T)]) -> Option<T>
    where
        T: Copy,
    {
        let given = self.text(name)?.value;
        known.iter().find(|(word, _)| *word == given).map(|(_, value)| *value)
    }

    /// A table.
    pub fn table(&self, name: &str) -> Option<Self> {
        let (key, value) = self.table.get_key_value(name)?;
        Some(Self { table: value.get_ref().as_table()?, span: key.span() })
    }

    /// The tables of a list.
    pub fn tables(&self, name: &str) -> Vec<Self> {
        let items = self.raw(name).and_then(|value| value.get_ref().as_array());
        items
            .into_iter()
            .flatten()
            .filter_map(|item| Some(Self { table: item.get_ref().as_table()?, span: item.span() }))
            .collect()
    }

    /// Every name with its value, in the order of the file.
    pub fn entries(&self) -> Vec<(Spot<&'a str>, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| (Spot { value: key.get_ref().as_ref(), span: key.span() }, value))
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// Every name with its text, in the order of the file.
    pub fn text_entries(&self) -> Vec<(Spot<&'a str>, Spot<&'a str>)> {
        self.entries().into_iter().filter_map(|(key, value)| Some((key, text_of(value)?))).collect()
    }
}

/// A value that is a text.
pub fn text_of<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<Spot<&'a str>> {
    Some(Spot { value: value.get_ref().as_str()?, span: value.span() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_where_they_stand() {
        let text = "name = \"Acme\"\n[[provider]]\nid = \"a\"\n[return]\nsms = \"sms:1\"\n";
        let document = DeTable::parse(text).unwrap();
        let root = Node::root(&document);
        let name = root.text("name").unwrap();
        assert_eq!((name.value, &text[name.span]), ("Acme", "\"Acme\""));
        let provider = &root.tables("provider")[0];
        assert!(text[provider.span()].starts_with("[[provider]]"), "{}", &text[provider.span()]);
        assert_eq!(&text[root.table("return").unwrap().span()], "return");
        assert!(root.text("provider").is_none() && root.texts("name").is_empty());
    }
}
