//! A provider with several token endpoints, of which the callback says the right one: it names it by a word, and the
//! address stands here.

use crate::config::fault::Report;
use crate::config::words::quoted;
use crate::domain::provider::CallbackNames;
use crate::domain::provider::call::IssuedBy;
use crate::tenants::urls;

use super::Reading;

/// How many of them there may be.
const MOST: usize = 16;

/// Reads the parameter and the addresses, of which neither stands without the other.
pub(super) fn read(reading: &Reading<'_>, names: &CallbackNames, report: &mut Report) -> Option<IssuedBy> {
    let node = reading.node;
    let parameter = node.text("token_url_from");
    let table = node.table("token_urls");
    let (parameter, table) = match (parameter, table) {
        (None, None) => return None,
        (Some(parameter), Some(table)) => (parameter, table),
        (Some(parameter), None) => {
            let help = "add `token_urls`, or take `token_url_from` out";
            report.fault(parameter.span, "there are no addresses to choose from", help);
            return None;
        }
        (None, Some(table)) => {
            let help = "add `token_url_from`, the parameter of the callback whose values these are";
            report.fault(table.span(), "nothing says which of these is meant", help);
            return None;
        }
    };
    if names.is_known(parameter.value) {
        let message = format!("{} is the protocol's own", quoted(parameter.value));
        report.fault(parameter.span.clone(), message, "name the parameter that says which server it was");
    }
    let entries = table.text_entries();
    if let Some((beyond, _)) = entries.get(MOST) {
        let message = format!("at most {MOST} token endpoints can be told apart");
        report.fault(beyond.span.clone(), message, "keep those that your customers' accounts are at");
    }
    if entries.is_empty() {
        let help = "add what the parameter may say, each with its token endpoint";
        report.fault(table.span(), "there are no addresses to choose from", help);
    }
    if !node.has("subject") {
        report.warn(
            parameter.span.clone(),
            "whoever has one subject at two of these servers is one person here",
            "write `subject`, and only if no two people have the same at different servers; else make each server a \
             provider of its own",
        );
    }
    let take = |name: &str, report: &mut Report| {
        let url = urls::take(&table, name, reading.tenant, reading.context, report)?;
        Some((name.to_owned(), url))
    };
    let urls = entries.iter().filter_map(|(name, _)| take(name.value, report)).collect();
    Some(IssuedBy { parameter: parameter.value.to_owned(), urls })
}
