//! The table of settings as people read of it: the pages make their forms from this, and from
//! nothing else.

use super::super::Broker;
use super::format::Part;

/// A setting: what it is called, what it means, and what it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name in a tenant's file.
    pub name: &'static str,
    /// Its name in JSON.
    pub member: String,
    /// What it means, in sentences; names and values stand in backticks.
    pub doc: &'static str,
    /// A value as somebody would write it.
    pub example: Option<&'static str>,
    /// What is used where it is left out.
    pub default: Option<&'static str>,
    /// Whether it must be there.
    pub required: bool,
    /// What it may hold.
    pub holds: Holds,
}

/// What a setting may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A text.
    Text,
    /// One of these words.
    Word(Vec<&'static str>),
    /// A whole number from the first to the last.
    Count(u32, u32),
    /// True or false.
    Flag,
    /// Anything that JSON has.
    Json,
    /// A secret: it is written and never read.
    Secret,
    /// Some of these words; any texts if there are none.
    List(Vec<&'static str>),
    /// Settings of their own, and names that the tenant chooses with what each holds.
    Table(Vec<Described>, Option<Box<Holds>>),
    /// A list of tables.
    Tables(Vec<Described>),
    /// One text, or a text per name that the tenant chooses.
    TextOrTable,
}

impl Broker {
    /// The settings of a provider, in the order of the documentation.
    pub fn provider_settings(&self) -> Vec<Described> {
        self.format().describe(Part::Provider)
    }
}
