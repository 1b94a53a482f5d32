//! The layers of the main settings: flag over environment over file over default. A layer takes
//! the place of the one below it, lists included.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeValue;

use super::environment::Environment;
use super::fault::{Fault, Place};
use super::node::{Node, text_of};
use super::settings::{Flags, SHAPE};
use super::shape::{Field, Kind, Need};
use super::source::Source;
use super::words::{nearest, suggest};

/// What environment variables of ours begin with.
pub const PREFIX: &str = "COUNTERSIGN__";

/// A value as a text, and where it stands.
#[derive(Debug, Clone)]
pub struct Given {
    /// The text; a number in its digits.
    pub text: String,
    /// Where it stands.
    pub place: Place,
}

/// Why a text is no value of its setting.
#[derive(Debug)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: &'static str,
}

impl Problem {
    /// A problem in words.
    pub fn new(message: impl Into<String>, help: &'static str) -> Self {
        Self { message: message.into(), help }
    }
}

/// The layers, and what was found wrong while reading them.
pub struct Layers<'a> {
    flags: &'a Flags,
    environment: &'a Environment,
    file: Option<(Arc<Source>, Node<'a>)>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What somebody should know.
    pub warnings: Vec<Fault>,
    /// Where each setting came from, by `section.key`.
    pub origins: BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    /// The layers; variables that name no setting are at fault.
    pub fn new(
        flags: &'a Flags,
        environment: &'a Environment,
        file: Option<(Arc<Source>, Node<'a>)>,
    ) -> Self {
        let faults =
            environment.starting_with(PREFIX).filter_map(|(name, _)| unknown_variable(name)).collect();
        Self { flags, environment, file, faults, warnings: Vec::new(), origins: BTreeMap::new() }
    }

    /// A setting of one value, parsed. None if it is not set, or if it is wrong (then a fault says so).
    pub fn one<T>(
        &mut self,
        section: &str,
        key: &str,
        parse: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let given = self.given(section, key).into_iter().next()?;
        match parse(given.text.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.refuse(section, key, given.place, &problem);
                None
            }
        }
    }

    /// A setting of many values, parsed; wrong ones are faults.
    pub fn many<T>(
        &mut self,
        section: &str,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Vec<T> {
        let mut values = Vec::new();
        for given in self.given(section, key) {
            match parse(given.text.trim()) {
                Ok(value) => values.push(value),
                Err(problem) => self.refuse(section, key, given.place, &problem),
            }
        }
        values
    }

    /// A setting that another one needs is not there.
    pub fn lacks(&mut self, section: &str, key: &str, why: &'static str) {
        let fault = Fault::new(Place::Default, format!("`{section}.{key}` is missing"));
        self.faults.push(fault.with_help(why));
    }

    fn refuse(&mut self, section: &str, key: &str, place: Place, problem: &Problem) {
        let message = format!("`{section}.{key}`: {}", problem.message);
        self.faults.push(Fault::new(place, message).with_help(problem.help));
    }

    /// The texts of the uppermost layer that has the setting.
    fn given(&mut self, section: &str, key: &str) -> Vec<Given> {
        let values = self
            .in_flags(section, key)
            .or_else(|| self.in_environment(section, key))
            .or_else(|| self.in_file(section, key))
            .unwrap_or_else(|| default_of(section, key));
        if let Some(first) = values.first() {
            self.origins.insert(format!("{section}.{key}"), first.place.to_string());
        }
        values
    }

    fn in_flags(&self, section: &str, key: &str) -> Option<Vec<Given>> {
        let (name, values) = self.flags.of(section, key)?;
        let given = |text: &String| Given { text: text.clone(), place: Place::Flag(name) };
        (!values.is_empty()).then(|| values.iter().map(given).collect())
    }

    fn in_environment(&self, section: &str, key: &str) -> Option<Vec<Given>> {
        let name = variable(section, key);
        let text = self.environment.get(&name)?;
        let place = Place::Variable(name);
        if matches!(field(section, key)?.kind, Kind::List(_)) {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            return Some(parts.map(|part| Given { text: part.to_owned(), place: place.clone() }).collect());
        }
        Some(vec![Given { text: text.to_owned(), place }])
    }

    fn in_file(&self, section: &str, key: &str) -> Option<Vec<Given>> {
        let (source, root) = self.file.as_ref()?;
        let table = root.table(section)?;
        let value = table.raw(key)?;
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let given = items.into_iter().filter_map(|item| {
            let text = match item.get_ref() {
                DeValue::Integer(number) => {
                    u64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string()
                }
                DeValue::Boolean(flag) => flag.to_string(),
                _ => text_of(item)?.value.to_owned(),
            };
            Some(Given { text, place: Place::At(Arc::clone(source), item.span()) })
        });
        Some(given.collect())
    }
}

/// The environment variable of a setting.
pub fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

fn field(section: &str, key: &str) -> Option<&'static Field> {
    match &SHAPE.field(section)?.kind {
        Kind::Table(table) => table.field(key),
        _ => None,
    }
}

fn default_of(section: &str, key: &str) -> Vec<Given> {
    let Some(Field { need: Need::Default(text), kind, .. }) = field(section, key) else { return Vec::new() };
    let given = |text: &str| Given { text: text.trim().to_owned(), place: Place::Default };
    match kind {
        Kind::List(_) => text.split(',').filter(|part| !part.trim().is_empty()).map(given).collect(),
        _ => vec![given(text)],
    }
}

/// Every variable that is a setting, by name.
pub fn variables() -> Vec<String> {
    let mut names = Vec::new();
    for section in SHAPE.fields {
        if let Kind::Table(table) = &section.kind {
            let keys = table.fields.iter().filter(|field| !matches!(field.kind, Kind::Later));
            names.extend(keys.map(|key| variable(section.name, key.name)));
        }
    }
    names
}

fn unknown_variable(name: &str) -> Option<Fault> {
    let known = variables();
    if known.iter().any(|known| known == name) {
        return None;
    }
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = match nearest(name, words.iter().copied()) {
        Some(_) => suggest(name, &words),
        None => format!("variables are named `{PREFIX}SECTION__KEY`, e.g. `{PREFIX}SERVER__LISTEN`"),
    };
    Some(Fault::new(Place::Variable(name.to_owned()), "no setting has this name").with_help(help))
}
