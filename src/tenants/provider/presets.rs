//! `preset` and `vars`: what the tenant leaves out is taken from a preset.
//!
//! The preset's settings are put into the tenant's own table before that is read, so that everything behind reads
//! one table. Whatever is wrong with them is told at the place where the preset is named.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::words::suggest;
use crate::preset::{self, Preset, VarFault};

use super::params::texts;

/// A preset with this tenant's values in it.
pub(super) struct Filled {
    preset: &'static Preset,
    /// Its settings, as TOML.
    text: String,
}

/// The preset that a provider names, filled in; none if it names none, or if that cannot be.
pub(super) fn filled(node: &Node<'_>, report: &mut Report) -> Option<Filled> {
    let named = node.text("preset")?;
    // A word that is none was refused by the check of the shape.
    let preset = preset::find(named.value)?;
    let values = texts(node, "vars");
    let settings = match preset.settings(&values) {
        Ok(settings) => settings,
        Err(faults) => {
            for fault in &faults {
                tell(fault, node, &named.span, report);
            }
            return None;
        }
    };
    let text = toml::to_string(&settings).expect("what was read from TOML can be written as it");
    Some(Filled { preset, text })
}

/// The settings of a provider with those of its preset, which stand where it is named.
pub(super) fn merged<'a>(node: &Node<'a>, filled: &'a Filled) -> DeTable<'a> {
    let span = node.raw("preset").map_or_else(|| node.span(), Spanned::span);
    let settings = DeTable::parse(&filled.text).expect("what was written as TOML can be read").into_inner();
    let mut merged = node.to_table();
    for (name, value) in settings {
        merge(&mut merged, name.into_inner().into_owned(), moved(value, &span), &span);
    }
    pin_defaults(&mut merged, filled.preset, &span);
    merged
}

/// Puts one setting in unless it is there. Two tables are put together, and the tenant's entries win.
fn merge<'a>(table: &mut DeTable<'a>, name: String, value: Spanned<DeValue<'a>>, span: &Range<usize>) {
    let Some(own) = table.get_mut(name.as_str()) else {
        table.insert(Spanned::new(span.clone(), name.into()), value);
        return;
    };
    if let (DeValue::Table(own), DeValue::Table(theirs)) = (own.get_mut(), value.into_inner()) {
        for (name, value) in theirs {
            if !own.contains_key(name.get_ref().as_ref()) {
                own.insert(name, value);
            }
        }
    }
}

/// The same value, standing where the preset is named.
fn moved<'a>(value: Spanned<DeValue<'a>>, span: &Range<usize>) -> Spanned<DeValue<'a>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => {
            let entries = table.into_iter();
            let entries = entries
                .map(|(name, value)| (Spanned::new(span.clone(), name.into_inner()), moved(value, span)));
            DeValue::Table(entries.collect())
        }
        DeValue::Array(items) => {
            let mut array = DeArray::new();
            for item in items {
                array.push(moved(item, span));
            }
            DeValue::Array(array)
        }
        other => other,
    };
    Spanned::new(span.clone(), value)
}

/// A value that the tenant did not give counts like one that it gave: a callback must not contradict it.
fn pin_defaults(table: &mut DeTable<'_>, preset: &Preset, span: &Range<usize>) {
    let defaults = preset.vars.iter().filter_map(|asked| Some((asked.name.clone(), asked.default.clone()?)));
    let text = |text: String| Spanned::new(span.clone(), DeValue::String(text.into()));
    let vars = defaults.map(|(name, value)| (Spanned::new(span.clone(), name.into()), text(value)));
    let vars: DeTable<'_> = vars.collect();
    if !vars.is_empty() {
        merge(table, "vars".to_owned(), Spanned::new(span.clone(), DeValue::Table(vars)), span);
    }
}

fn tell(fault: &VarFault, node: &Node<'_>, preset: &Range<usize>, report: &mut Report) {
    let vars = node.table("vars");
    let given = vars.iter().flat_map(Node::text_entries).find(|(name, _)| name.value == fault.name());
    match (fault, given) {
        (VarFault::Missing { name, example, help, .. }, _) => {
            let help = format!("write `vars = {{ {name} = \"{example}\" }}` with your own; {help}");
            report.fault(preset.clone(), fault.to_string(), help);
        }
        (VarFault::Unknown { known, .. }, Some((name, _))) => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            report.fault(name.span, fault.to_string(), suggest(name.value, &known));
        }
        (_, Some((_, value))) => {
            report.fault(value.span, fault.to_string(), "write the value alone, without scheme or path");
        }
        (_, None) => report.fault(preset.clone(), fault.to_string(), "compare `vars` with the preset"),
    }
}
