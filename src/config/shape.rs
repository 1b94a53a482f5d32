//! The description of a settings file: which settings there are, of what type, with which
//! default, and what they mean. The reader ([`super::check`]), the JSON schema
//! ([`super::schema`]) and the documentation are made from it, so they cannot disagree.
//!
//! What a value *means* (does this URL leave the building, is this id taken) is not shape; the
//! code that turns a file into types checks it.

use toml::de::DeValue;

pub use super::text::{PLAIN, SEALED_TEXT, Text};

/// A table of settings.
#[derive(Debug)]
pub struct Table {
    /// What the table is for, in a sentence.
    pub doc: &'static str,
    /// The settings with fixed names.
    pub fields: &'static [Field],
    /// Settings whose names are open or come from a list, if there are any.
    pub each: Option<Each>,
}

/// One setting.
#[derive(Debug)]
pub struct Field {
    /// Its name in the file.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether it must be there.
    pub need: Need,
    /// What it means, for the schema and the documentation.
    pub doc: &'static str,
}

/// Whether a setting must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The file is at fault without it.
    Required,
    /// It may be left out, and nothing takes its place.
    Optional,
    /// It may be left out; this is then used (a list is written with commas).
    Default(&'static str),
}

/// Settings whose names are not fixed in the table.
#[derive(Debug)]
pub struct Each {
    /// Which names.
    pub names: Names,
    /// What each of them may hold.
    pub kind: &'static Kind,
    /// What they mean.
    pub doc: &'static str,
}

/// The names of an [`Each`].
#[derive(Debug)]
pub enum Names {
    /// One of a list.
    Words(&'static Words),
    /// Any text of this form.
    Like(&'static Text),
}

/// A list of words.
#[derive(Debug)]
pub struct Words {
    /// What one of them is called, with article: `a channel`.
    pub what: &'static str,
    /// The words of this version.
    pub known: fn() -> Vec<&'static str>,
    /// Words that the format has but this version does not support.
    pub later: &'static [&'static str],
}

/// What a setting may hold.
#[derive(Debug)]
pub enum Kind {
    /// A text of some form.
    Text(&'static Text),
    /// One of a list of words.
    Word(&'static Words),
    /// A whole number within bounds, both included.
    Count(u32, u32),
    /// True or false.
    Flag,
    /// Anything that JSON has.
    Literal,
    /// `{ env = "NAME" }` or `{ file = "path" }`; a literal only where the reader says so.
    Secret,
    /// A table.
    Table(&'static Table),
    /// A list; a list of tables may be written as `[[name]]`.
    List(&'static Kind),
    /// Any of these, told apart by their types.
    Either(&'static [Kind]),
    /// A setting of the format that this version does not support.
    Later,
}

impl Table {
    /// The setting of this fixed name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// What the setting `name` may hold, whether its name is fixed or not.
    pub fn kind_of(&self, name: &str) -> Option<&'static Kind> {
        if let Some(field) = self.field(name) {
            return Some(&field.kind);
        }
        self.each.as_ref().filter(|each| each.names.take(name)).map(|each| each.kind)
    }

    /// Every name that may stand here and that can be listed, for *did you mean*.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.fields.iter().map(|field| field.name).collect();
        if let Some(Each { names: Names::Words(words), .. }) = &self.each {
            names.extend((words.known)());
        }
        names
    }
}

impl Names {
    /// Whether `name` is one of them.
    pub fn take(&self, name: &str) -> bool {
        match self {
            Self::Words(words) => (words.known)().contains(&name),
            Self::Like(text) => (text.holds)(name),
        }
    }
}

impl Kind {
    /// Whether a value is of this type, whatever it says.
    pub fn fits(&self, value: &DeValue<'_>) -> bool {
        match self {
            Self::Text(_) | Self::Word(_) => value.is_str(),
            Self::Count(..) => value.is_integer(),
            Self::Flag => value.is_bool(),
            Self::Literal => true,
            Self::Secret => value.is_str() || value.is_table(),
            Self::Table(_) => value.is_table(),
            Self::List(_) => value.is_array(),
            Self::Either(kinds) => kinds.iter().any(|kind| kind.fits(value)),
            Self::Later => false,
        }
    }

    /// What is wanted, in words with an article.
    pub fn wanted(&self) -> String {
        match self {
            Self::Text(_) => "a text".to_owned(),
            Self::Word(words) => format!("{} in quotes", words.what),
            Self::Count(low, high) => format!("a whole number from {low} to {high}"),
            Self::Flag => "true or false".to_owned(),
            Self::Literal => "a value".to_owned(),
            Self::Secret => "a secret reference".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::List(Kind::Table(_)) => "a list of tables".to_owned(),
            Self::List(Kind::Word(words)) => format!("a list of words, each {}", words.what),
            Self::List(_) => "a list of texts".to_owned(),
            Self::Either(kinds) => kinds.iter().map(Self::wanted).collect::<Vec<_>>().join(" or "),
            Self::Later => "nothing".to_owned(),
        }
    }
}
