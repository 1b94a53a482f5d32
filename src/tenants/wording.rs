//! `[[snippet]]` and `[return]`: what is sent into the chat, and the way back to it.

use std::collections::BTreeMap;
use std::ops::Range;

use url::Url;

use crate::config::fault::Report;
use crate::config::node::{Node, Spot};
use crate::config::words::{listed, quoted};
use crate::domain::conversation::Channel;
use crate::domain::snippet::Snippet;

use super::ReadContext;

/// What a wording may hold.
const PLACEHOLDERS: &[&str] = &["{link}", "{tenant}", "{provider}"];

/// The schemes that *Back to the chat* may use: the web, and the apps of the channels. Never one
/// that runs or carries a document (`javascript:`, `data:`).
const RETURN_SCHEMES: &[&str] = &[
    "https",
    "sms",
    "tel",
    "mailto",
    "whatsapp",
    "fb-messenger",
    "instagram",
    "imessage",
    "line",
    "tg",
    "viber",
    "slack",
    "msteams",
];

/// Reads every `[[snippet]]`; what is wrong goes into the report.
pub fn snippets(root: &Node<'_>, report: &mut Report) -> Vec<Snippet> {
    let (mut ids, mut tags) = (BTreeMap::new(), BTreeMap::new());
    let mut snippets = Vec::new();
    for node in root.tables("snippet") {
        unique(&mut ids, node.text("id"), "snippet id", report);
        unique(&mut tags, node.text("tag"), "tag", report);
        snippets.extend(snippet(&node, report));
    }
    snippets
}

/// Reads `[return]`; what is wrong goes into the report.
pub fn returns(root: &Node<'_>, context: &ReadContext<'_>, report: &mut Report) -> BTreeMap<Channel, String> {
    let mut returns = BTreeMap::new();
    for (channel, link) in root.table("return").iter().flat_map(Node::text_entries) {
        match check_return(link.value, context) {
            Ok(()) => {
                if let Ok(channel) = channel.value.parse() {
                    returns.insert(channel, link.value.to_owned());
                }
            }
            Err(problem) => {
                report.fault(link.span, problem, format!("use one of {}", listed(RETURN_SCHEMES)));
            }
        }
    }
    returns
}

/// Notes a name that stands in the file already.
pub fn unique<'a>(
    seen: &mut BTreeMap<&'a str, usize>,
    name: Option<Spot<&'a str>>,
    what: &str,
    report: &mut Report,
) {
    let Some(name) = name else { return };
    let line = report.source().line_and_column(name.span.start).0;
    if let Some(first) = seen.get(name.value) {
        let message = format!("the {what} {} is taken", quoted(name.value));
        report.fault(name.span, message, format!("it stands in line {first} already; choose another"));
    } else {
        seen.insert(name.value, line);
    }
}

fn snippet(node: &Node<'_>, report: &mut Report) -> Option<Snippet> {
    let text = wording(node.table("text").as_ref(), report);
    let mut channels = BTreeMap::new();
    for channel in Channel::ALL {
        if let Some(own) = node.table(channel.as_str()) {
            channels.insert(channel, wording(own.table("text").as_ref(), report));
        }
    }
    let nothing =
        |node: &Node<'_>| node.raw("text").is_none() || node.table("text").is_some_and(|t| t.is_empty());
    let own = Channel::ALL.iter().filter_map(|channel| node.table(channel.as_str()));
    if nothing(node) && own.into_iter().all(|own| nothing(&own)) {
        report.fault(node.span(), "the snippet has no wording", "write `text.en = \"… {link}\"`");
    }
    let tag = node.text("tag").map(|tag| tag.value.to_owned());
    Some(Snippet { id: node.text("id")?.value.parse().ok()?, tag, text, channels })
}

fn wording(node: Option<&Node<'_>>, report: &mut Report) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (locale, text) in node.into_iter().flat_map(Node::text_entries) {
        check_wording(text.value, text.span, report);
        texts.insert(locale.value.to_owned(), text.value.to_owned());
    }
    texts
}

fn check_wording(text: &str, span: Range<usize>, report: &mut Report) {
    if !text.contains("{link}") {
        report.fault(
            span.clone(),
            "the wording does not hold `{link}`",
            "without it the customer gets no link",
        );
    }
    for name in placeholders(text).filter(|name| !PLACEHOLDERS.contains(name)) {
        let help = format!("use {}", listed(PLACEHOLDERS));
        report.fault(span.clone(), format!("nothing is filled in for {}", quoted(name)), help);
    }
}

/// Every `{word}` of a text, braces included.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('{').filter_map(|(start, _)| {
        let length = text[start + 1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let end = start + 1 + length;
        (length > 0 && text[end..].starts_with('}')).then(|| &text[start..=end])
    })
}

fn check_return(link: &str, context: &ReadContext<'_>) -> Result<(), String> {
    if link.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a link back to the chat has no spaces".to_owned());
    }
    let url = Url::parse(link).map_err(|_| format!("{} is no link", quoted(link)))?;
    let development = context.base_url.scheme() == "http" && url.scheme() == "http";
    if !RETURN_SCHEMES.contains(&url.scheme()) && !development {
        return Err(format!("a link back to the chat may not begin with `{}:`", url.scheme()));
    }
    if url.scheme() == "https" && !link.to_ascii_lowercase().starts_with("https://") {
        return Err(format!("{} is no web address", quoted(link)));
    }
    Ok(())
}
