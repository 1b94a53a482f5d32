//! WhoAmI and its like, and a second exchange.

use std::collections::BTreeMap;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::words::quoted;
use crate::domain::provider::call::{Exchange, WhoamiAuth, WhoamiCall, WhoamiMethod};
use crate::tenants::urls;

use super::mapping::check_expression;
use super::{Reading, params};

const METHODS: &[(&str, WhoamiMethod)] = &[("GET", WhoamiMethod::Get), ("POST", WhoamiMethod::Post)];
/// Names that a mapping's input has already (DESIGN §5.5).
const ROOTS: &[&str] = &["whoami", "claims", "token_response"];
/// How many further calls a login may cost.
const MOST: usize = 4;

/// How the settings of a call are named: those of the WhoAmI call have a prefix.
struct Names {
    auth: &'static str,
    method: &'static str,
    params: &'static str,
    headers: &'static str,
}

const OF_WHOAMI: Names = Names {
    auth: "whoami_auth",
    method: "whoami_method",
    params: "whoami_params",
    headers: "whoami_headers",
};
const OF_FURTHER: Names = Names { auth: "auth", method: "method", params: "params", headers: "headers" };

/// What a login calls after the token endpoint, and how the token is found in its answer.
pub(super) struct Calls {
    pub(super) whoami: Option<WhoamiCall>,
    pub(super) further: Vec<(String, WhoamiCall)>,
    pub(super) exchange: Option<Exchange>,
    pub(super) token_path: Option<String>,
}

/// Reads all of it; what is wrong goes into the report.
pub(super) fn read(reading: &Reading<'_>, report: &mut Report) -> Calls {
    let token_path = reading.node.text("token_path");
    if let Some(path) = &token_path {
        check_expression("token_path", path, report);
    }
    Calls {
        whoami: whoami(reading, report),
        further: further(reading, report),
        exchange: exchange(reading, report),
        token_path: token_path.map(|path| path.value.to_owned()),
    }
}

/// The WhoAmI call itself.
fn whoami(reading: &Reading<'_>, report: &mut Report) -> Option<WhoamiCall> {
    if !reading.node.has("whoami_url") {
        for name in [OF_WHOAMI.auth, OF_WHOAMI.method, OF_WHOAMI.params, OF_WHOAMI.headers] {
            if let Some(value) = reading.node.raw(name) {
                let message = format!("`{name}` is of no use without `whoami_url`");
                report.fault(value.span(), message, "add `whoami_url`, or take it away");
            }
        }
        return None;
    }
    call(reading, reading.node, "whoami_url", &OF_WHOAMI, report)
}

/// The further calls, each under a name of its own.
fn further(reading: &Reading<'_>, report: &mut Report) -> Vec<(String, WhoamiCall)> {
    let nodes = reading.node.tables("whoami");
    if let Some(node) = nodes.get(MOST) {
        report.fault(
            node.span(),
            format!("more than {MOST} further calls"),
            "leave out those that are not needed",
        );
    }
    let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
    let mut further = Vec::new();
    for node in &nodes {
        let Some(name) = node.text("name") else { continue };
        if ROOTS.contains(&name.value) || calls.insert(name.value, further.len()).is_some() {
            let message = format!("the name {} is taken", quoted(name.value));
            report.fault(name.span, message, "give each call a name of its own");
            continue;
        }
        let call = call(reading, node, "url", &OF_FURTHER, report);
        further.extend(call.map(|call| (name.value.to_owned(), call)));
    }
    further
}

/// The second exchange.
fn exchange(reading: &Reading<'_>, report: &mut Report) -> Option<Exchange> {
    let node = reading.node;
    if !node.has("exchange_url") {
        if let Some(value) = node.raw("exchange_params") {
            report.fault(
                value.span(),
                "`exchange_params` are of no use without `exchange_url`",
                "add it, or take them away",
            );
        }
        return None;
    }
    let url = reading.url("exchange_url", report)?;
    let params = params::texts(node, "exchange_params");
    if !params.values().any(|value| value.contains("{access_token}")) {
        let span = node.raw("exchange_url").map_or_else(|| node.span(), toml::Spanned::span);
        report.fault(
            span,
            "the second exchange does not send the access token",
            "write `exchange_params = { access_token = \"{access_token}\" }` with the name that the provider wants",
        );
    }
    Some(Exchange { url, params })
}

fn call(
    reading: &Reading<'_>,
    node: &Node<'_>,
    url: &str,
    names: &Names,
    report: &mut Report,
) -> Option<WhoamiCall> {
    let url = urls::take_template(node, url, reading.tenant, reading.context, report);
    let auth = node.text(names.auth).map(|auth| place(auth.value)).unwrap_or_default();
    let method = node.word(names.method, METHODS).unwrap_or_default();
    if let (WhoamiAuth::Header(name), Some(spot)) = (&auth, node.text(names.auth))
        && name != "authorization"
        && params::OUR_HEADERS.contains(&name.as_str())
    {
        let message = format!("the header {} is set by Countersign itself", quoted(name));
        report.fault(spot.span, message, "name the header that the provider reads the token from");
    }
    if let (WhoamiAuth::Body(_), WhoamiMethod::Get, Some(spot)) = (&auth, method, node.text(names.auth)) {
        report.fault(spot.span, "a GET has no body", format!("write `{} = \"POST\"` too", names.method));
    }
    Some(WhoamiCall {
        params: params::texts(node, names.params),
        headers: params::call_headers(node, names.headers, report),
        url: url?,
        auth,
        method,
    })
}

/// A place for the access token, whose form is right.
fn place(text: &str) -> WhoamiAuth {
    match text.split_once(':') {
        Some(("scheme", scheme)) => WhoamiAuth::Scheme(scheme.to_owned()),
        Some(("header", name)) => WhoamiAuth::Header(name.to_ascii_lowercase()),
        Some(("query", name)) => WhoamiAuth::Query(name.to_owned()),
        Some(("body", name)) => WhoamiAuth::Body(name.to_owned()),
        _ => WhoamiAuth::Bearer,
    }
}
