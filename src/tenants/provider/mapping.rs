//! From the provider's answer to a contact: `mapping`, `subject`, `enrich`, `merge_by_email`.

use std::ops::Range;

use crate::config::fault::Report;
use crate::config::node::{Node, Spot, text_of};
use crate::config::words::{nearest, quoted};
use crate::domain::profile::ProfileField;
use crate::domain::provider::{Enrich, EnrichPolicy, Mapping};
use crate::profile::CompiledMapping;

const POLICIES: &[(&str, Enrich)] = &[
    ("fill", Enrich::Fill),
    ("overwrite", Enrich::Overwrite),
    ("suggest", Enrich::Suggest),
    ("ignore", Enrich::Ignore),
];

/// The mapping; what is wrong with it goes into the report.
pub(super) fn mapping(node: &Node<'_>, report: &mut Report) -> Option<Mapping> {
    if let Some(whole) = node.text("mapping") {
        check_expression("mapping", &whole, report);
        return Some(Mapping::Whole(whole.value.to_owned()));
    }
    let table = node.table("mapping")?;
    let fields = table.text_entries();
    if table.is_empty() {
        report.fault(
            table.span(),
            "the mapping names no field",
            "write `email = \"user.email\"`, or leave it out",
        );
    }
    for (name, expression) in &fields {
        check_expression(name.value, expression, report);
    }
    let fields = fields.into_iter().map(|(name, text)| (name.value.to_owned(), text.value.to_owned()));
    Some(Mapping::Fields(fields.collect()))
}

/// What identifies the person.
pub(super) fn subject(node: &Node<'_>, mapping: Option<&Mapping>, report: &mut Report) -> Option<String> {
    if let Some(subject) = node.text("subject") {
        check_expression("subject", &subject, report);
        return Some(subject.value.to_owned());
    }
    let names_id = match mapping {
        Some(Mapping::Whole(expression)) => expression.contains("userId"),
        Some(Mapping::Fields(fields)) => fields.contains_key("userId"),
        None => false,
    };
    if let Some(whoami) = node.text("whoami_url").filter(|_| !names_id) {
        report.warn(
            whoami.span,
            "nothing says what identifies the person, so it may be the user name or the email, which can change hands",
            "write `subject = \"…\"` with the field of the WhoAmI answer that never changes",
        );
    }
    None
}

/// Compiles an expression; a fault has its place within it.
pub(in crate::tenants) fn check_expression(name: &str, expression: &Spot<&str>, report: &mut Report) {
    match CompiledMapping::parse(&Mapping::Whole(expression.value.to_owned())) {
        Err(fault) => {
            let span = span_within(report.source().text(), expression, fault.offset);
            let help = fault.hint.unwrap_or_else(|| "see https://jmespath.org".to_owned());
            report.fault(span, format!("`{name}` is no JMESPath expression: {}", fault.message), help);
        }
        Ok(compiled) => {
            if let Some(repaired) = compiled.repaired() {
                let message = format!("`{name}` was repaired and is read as `{repaired}`");
                report.warn(expression.span.clone(), message, "write it so");
            }
        }
    }
}

/// The place of one byte of a text in the file. With escapes in the text it is the whole of it.
fn span_within(file: &str, text: &Spot<&str>, offset: usize) -> Range<usize> {
    let written = file.get(text.span.clone()).unwrap_or_default();
    match written.find(text.value) {
        Some(quotes) if !text.value.is_empty() => {
            let last = text.span.end.saturating_sub(1);
            let at = (text.span.start + quotes + offset).min(last);
            at..at + 1
        }
        _ => text.span.clone(),
    }
}

/// What a sign-in may do to the contact.
pub(super) fn enrich(node: &Node<'_>, mapping: Option<&Mapping>, report: &mut Report) -> EnrichPolicy {
    let Some(table) = node.table("enrich") else { return EnrichPolicy::default() };
    let mut policy = EnrichPolicy::default();
    for (name, value) in table.entries() {
        let Some(word) = text_of(value) else { continue };
        check_field(&name, mapping, report);
        if let Some((_, rule)) = POLICIES.iter().find(|(known, _)| *known == word.value) {
            policy.fields.insert(name.value.to_owned(), *rule);
        }
    }
    for name in table.texts("required") {
        check_field(&name, mapping, report);
        if !policy.required.iter().any(|known| known == name.value) {
            policy.required.push(name.value.to_owned());
        }
    }
    if let Some(value) = table.raw("required").filter(|_| !policy.required.is_empty())
        && !has_source(node)
    {
        let message = "fields are required, but without `whoami_url` there is nowhere to get them from";
        report.warn(
            value.span(),
            message,
            "every login would fail; add `whoami_url`, or take `required` away",
        );
    }
    policy
}

/// Whether anything says who signed in.
fn has_source(node: &Node<'_>) -> bool {
    ["whoami_url", "whoami", "issuer", "identity"].into_iter().any(|name| node.has(name))
}

/// A field may have any name, but one that nearly is a known one and that no mapping makes is a slip.
fn check_field(name: &Spot<&str>, mapping: Option<&Mapping>, report: &mut Report) {
    let known = ProfileField::ALL.map(ProfileField::as_str);
    let mapped = match mapping {
        Some(Mapping::Whole(expression)) => expression.contains(name.value),
        Some(Mapping::Fields(fields)) => fields.contains_key(name.value),
        None => false,
    };
    if known.contains(&name.value) || mapped {
        return;
    }
    if let Some(word) = nearest(name.value, known) {
        let message = format!("no field is called {}", quoted(name.value));
        report.warn(name.span.clone(), message, format!("did you mean `{word}`?"));
    }
}

/// Tokens are kept for a contact; where nothing says who signed in there is none.
pub(super) fn vault(node: &Node<'_>, report: &mut Report) -> bool {
    let keeps = node.flag("vault").unwrap_or_default();
    if keeps
        && !has_source(node)
        && let Some(value) = node.raw("vault")
    {
        let message = "tokens are kept for a contact, but without `whoami_url` nobody learns whose they are";
        report.warn(value.span(), message, "add `whoami_url`, or take `vault` away");
    }
    keeps
}

/// Joining needs an email that somebody vouches for; where nobody can, the setting does nothing.
pub(super) fn merge_by_email(node: &Node<'_>, report: &mut Report) -> bool {
    let merges = node.flag("merge_by_email").unwrap_or_default();
    if merges
        && !has_source(node)
        && let Some(value) = node.raw("merge_by_email")
    {
        let message =
            "contacts are joined by email, but without `whoami_url` there is nowhere to get it from";
        report.warn(value.span(), message, "add `whoami_url`, or take `merge_by_email` away");
    }
    merges
}
