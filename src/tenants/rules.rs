//! `[[rule]]`: what a sign-in tells the platform beside the profile.

use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::DeValue;

use crate::config::fault::Report;
use crate::config::node::{Node, Spot};
use crate::config::words::{listed, quoted};
use crate::domain::profile::ProfileField;
use crate::domain::rule::{Rule, Rules};
use crate::profile::rules::{MAX_RULES, NAMES, unknown_names};

use super::provider::check_expression;
use super::revision;

/// The most bytes of what one rule sets, as JSON: it goes into every event and conversation.
const MAX_SET: usize = 4096;
/// How deep lists and tables may lie within each other there.
const MAX_DEPTH: usize = 16;
/// A name under which `serde_json` hands on exact numbers.
const RESERVED: &str = "$serde_json::private::Number";

/// Reads every `[[rule]]`; what is wrong goes into the report.
pub fn read(root: &Node<'_>, report: &mut Report) -> Rules {
    let nodes = root.tables("rule");
    if let Some(beyond) = nodes.get(MAX_RULES) {
        let help = "join some of them with `||`, or decide further on the platform";
        report.fault(beyond.span(), format!("a tenant has at most {MAX_RULES} rules"), help);
    }
    let list: Vec<Rule> = nodes.iter().filter_map(|node| rule(node, report)).collect();
    let revision = revision::of_rules(&list);
    Rules { list, revision }
}

fn rule(node: &Node<'_>, report: &mut Report) -> Option<Rule> {
    let when = node.text("when");
    if let Some(when) = &when {
        check_expression("when", when, report);
        check_names(when, report);
    }
    let set = node.table("set").map(|table| set(&table, report));
    Some(Rule { when: when?.value.to_owned(), set: set? })
}

/// A name that is always null is a slip, though the rule can be evaluated.
fn check_names(when: &Spot<&str>, report: &mut Report) {
    for name in unknown_names(when.value) {
        let message = format!("{} is always null in a rule", quoted(&name));
        let help = match name.as_str() {
            "true" | "false" | "null" => format!("the value is written in backticks: `` `{name}` ``"),
            known if ProfileField::named(known).is_some() => format!("did you mean `profile.{name}`?"),
            _ => format!("a rule reads {}: did you mean `whoami.{name}`?", listed(&NAMES)),
        };
        report.warn(when.span.clone(), message, help);
    }
}

fn set(table: &Node<'_>, report: &mut Report) -> Map<String, Value> {
    let mut set = Map::new();
    if table.is_empty() {
        report.fault(table.span(), "the rule sets nothing", "write `set = { queue = \"vip\" }`");
    }
    for (name, value) in table.entries() {
        match json(value, 1) {
            Ok(value) => {
                set.insert(name.value.to_owned(), value);
            }
            Err((span, problem)) => {
                report.fault(
                    span,
                    problem,
                    "use texts, numbers, true or false, and lists and tables of these",
                );
            }
        }
    }
    if serde_json::to_string(&set).is_ok_and(|text| text.len() > MAX_SET) {
        let message = format!("the rule sets more than {MAX_SET} bytes");
        report.fault(table.span(), message, "set a word, and let the platform look up the rest");
    }
    set
}

/// A value as JSON, or what of it is none.
pub(super) fn json(
    value: &Spanned<DeValue<'_>>,
    depth: usize,
) -> Result<Value, (Range<usize>, &'static str)> {
    let span = || value.span();
    if depth > MAX_DEPTH {
        return Err((span(), "this lies too deep"));
    }
    match value.get_ref() {
        DeValue::String(text) => Ok(Value::String(text.as_ref().to_owned())),
        DeValue::Boolean(flag) => Ok(Value::Bool(*flag)),
        DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
            .map(Value::from)
            .map_err(|_| (span(), "this number is too large")),
        DeValue::Float(digits) => {
            let number = digits.as_str().parse::<f64>().ok().and_then(Number::from_f64);
            number.map(Value::Number).ok_or_else(|| (span(), "this is no number that JSON has"))
        }
        DeValue::Datetime(_) => Err((span(), "a date or time must stand in quotes")),
        DeValue::Array(items) => items.iter().map(|item| json(item, depth + 1)).collect(),
        DeValue::Table(table) => {
            let mut members: Vec<_> = table.iter().collect();
            members.sort_by_key(|(name, _)| name.span().start);
            let members = members.into_iter().map(|(name, inner)| {
                if name.get_ref().as_ref() == RESERVED {
                    return Err((name.span(), "this name is reserved"));
                }
                Ok((name.get_ref().as_ref().to_owned(), json(inner, depth + 1)?))
            });
            members.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
    }
}
