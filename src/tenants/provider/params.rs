//! Fixed parameters and headers, and names of the provider's own.

use std::collections::BTreeMap;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::words::{listed, quoted};
use crate::domain::provider::{CallbackNames, NONCE};

/// Parameters of the authorization request that we set ourselves (RFC 6749, 4.1.1; RFC 7636, 4.3;
/// OIDC Core, 3.1.2.1; RFC 9101): a fixed value beside ours would be a second one.
const RESERVED: &[&str] = &[
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "scope",
    "state",
];

/// How many parameters of a callback are kept.
const KEPT: usize = 8;

/// Headers that the message itself or the client authentication needs.
pub(super) const OUR_HEADERS: &[&str] = &[
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What a provider gets beside our own parameters, and what it calls those.
pub(super) struct Params {
    pub(super) authorize: BTreeMap<String, String>,
    pub(super) token: BTreeMap<String, String>,
    pub(super) token_headers: BTreeMap<String, String>,
    pub(super) rename: BTreeMap<String, String>,
    pub(super) callback_names: CallbackNames,
    pub(super) callback_keep: Vec<String>,
}

/// Reads all of it; what would stand twice goes into the report.
pub(super) fn read(node: &Node<'_>, authorize_url: Option<&url::Url>, report: &mut Report) -> Params {
    let rename = rename(node, report);
    let callback_names = callback_names(node, report);
    let params = Params {
        authorize: fixed(node, "authorize_params", &rename, report),
        token: fixed(node, "token_params", &rename, report),
        token_headers: headers(node, "token_headers", report),
        callback_keep: callback_keep(node, &callback_names, report),
        callback_names,
        rename,
    };
    check_nonce(node, report);
    check_authorize_query(node, authorize_url, &params, report);
    params
}

/// What is kept of a callback. What the protocol knows goes its own way.
fn callback_keep(node: &Node<'_>, names: &CallbackNames, report: &mut Report) -> Vec<String> {
    let given = node.texts("callback_keep");
    if let Some(beyond) = given.get(KEPT) {
        let message = format!("at most {KEPT} parameters of a callback are kept");
        report.fault(beyond.span.clone(), message, "keep those that `whoami_url` needs");
    }
    let mut kept = Vec::new();
    for spot in given {
        if names.is_known(spot.value) {
            let message = format!("{} is the protocol's own", quoted(spot.value));
            report.fault(spot.span, message, "take it out: it is read anyway, or goes nowhere else");
        } else if !kept.iter().any(|known| known == spot.value) {
            kept.push(spot.value.to_owned());
        }
    }
    kept
}

/// A table of texts as it is.
pub(super) fn texts(node: &Node<'_>, name: &str) -> BTreeMap<String, String> {
    let entries = node.table(name).map(|table| table.text_entries()).unwrap_or_default();
    entries.into_iter().map(|(name, value)| (name.value.to_owned(), value.value.to_owned())).collect()
}

/// A table of headers, names in lower case. What belongs to the message itself is not ours to choose.
pub(super) fn headers(node: &Node<'_>, name: &str, report: &mut Report) -> BTreeMap<String, String> {
    headers_but(node, name, |_, _| false, report)
}

/// The same of a `WhoAmI` call, which may say that its body is JSON.
pub(super) fn call_headers(node: &Node<'_>, name: &str, report: &mut Report) -> BTreeMap<String, String> {
    headers_but(node, name, |name, value| name == "content-type" && value == "application/json", report)
}

fn headers_but(
    node: &Node<'_>,
    name: &str,
    may: impl Fn(&str, &str) -> bool,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in node.table(name).iter().flat_map(Node::text_entries) {
        let lower = name.value.to_ascii_lowercase();
        if OUR_HEADERS.contains(&lower.as_str()) && !may(&lower, value.value) {
            let message = format!("the header {} is set by Countersign itself", quoted(name.value));
            report.fault(name.span, message, format!("take it out; reserved are {}", listed(OUR_HEADERS)));
        } else if headers.insert(lower, value.value.to_owned()).is_some() {
            report.fault(name.span, "a header that stands twice", "take one of the two away");
        }
    }
    headers
}

/// A table of fixed parameters. None of them may be one that is set for each request.
fn fixed(
    node: &Node<'_>,
    table: &str,
    rename: &BTreeMap<String, String>,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    for (name, value) in node.table(table).iter().flat_map(Node::text_entries) {
        let is_ours = RESERVED.contains(&name.value) && !rename.contains_key(name.value);
        if is_ours || rename.values().any(|theirs| theirs == name.value) {
            let message = format!("`{}` is set by Countersign itself", name.value);
            report.fault(name.span, message, format!("take it out; reserved are {}", listed(RESERVED)));
        } else {
            params.insert(name.value.to_owned(), value.value.to_owned());
        }
    }
    params
}

fn rename(node: &Node<'_>, report: &mut Report) -> BTreeMap<String, String> {
    let mut rename: BTreeMap<String, String> = BTreeMap::new();
    for (ours, theirs) in node.table("rename").iter().flat_map(Node::text_entries) {
        let is_another = ours.value != theirs.value && RESERVED.contains(&theirs.value);
        if is_another || rename.values().any(|known| known == theirs.value) {
            let message = format!("{} would stand in the request twice", quoted(theirs.value));
            report.fault(theirs.span, message, "give each parameter a name of its own");
        } else {
            rename.insert(ours.value.to_owned(), theirs.value.to_owned());
        }
    }
    rename
}

fn callback_names(node: &Node<'_>, report: &mut Report) -> CallbackNames {
    let mut names = CallbackNames::default();
    let Some(table) = node.table("callback_rename") else { return names };
    for (ours, theirs) in table.text_entries() {
        match ours.value {
            "code" => theirs.value.clone_into(&mut names.code),
            _ => theirs.value.clone_into(&mut names.state),
        }
    }
    if names.code == names.state
        || ["error", "iss"].iter().any(|name| [&*names.code, &*names.state].contains(name))
    {
        report.fault(
            table.span(),
            "the parameters of the callback could not be told apart",
            "give each a name of its own",
        );
    }
    names
}

/// A nonce that is the same each time proves nothing.
fn check_nonce(node: &Node<'_>, report: &mut Report) {
    let Some(table) = node.table("authorize_params") else { return };
    if let Some(nonce) = table.text("nonce").filter(|nonce| nonce.value != NONCE) {
        report.fault(
            nonce.span,
            "a fixed nonce proves nothing",
            "write `nonce = \"{nonce}\"` for a fresh one each time",
        );
    }
}

/// The URL's own parameters must not stand beside ours: twice the same is an error (RFC 6749, 3.1).
fn check_authorize_query(node: &Node<'_>, url: Option<&url::Url>, params: &Params, report: &mut Report) {
    let (Some(url), Some(spot)) = (url, node.text("authorize_url")) else { return };
    for (name, _) in url.query_pairs() {
        let doubled = params.authorize.contains_key(name.as_ref());
        let is_ours = RESERVED.contains(&name.as_ref()) || name == "response_type";
        if is_ours || doubled || params.rename.values().any(|theirs| *theirs == name) {
            let message = format!("the parameter {} would stand in the request twice", quoted(&name));
            report.fault(spot.span.clone(), message, "take it out of the URL");
        }
    }
}
