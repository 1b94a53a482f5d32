//! Reading the key ring file. Nothing that is said about it holds a word of what stands in it.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use aws_lc_rs::rsa::KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::config::check::{self, Literals};
use crate::config::fault::{Fault, Faults, Place, Report};
use crate::config::node::{Node, Spot};
use crate::config::shape::{Field, Kind, Need, SEALED_TEXT, Table, Words};
use crate::config::source::Source;
use crate::config::text::{KEY_NAME, TIME};

use super::{IndexKeys, KeyRing, KeyState, PEM_FOOT, PEM_HEAD, SealKey, SignKey};

/// How long an RSA modulus may be, in bytes: shorter is not safe, longer is not verified.
const MODULUS: RangeInclusive<usize> = 256..=1024;
const REMAKE: &str = "compare with what `countersign key new` writes";

static STATES: Words = Words {
    what: "a key state",
    known: || KeyState::ALL.iter().map(|state| state.as_str()).collect(),
    later: &[],
};

const fn field(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, need: Need::Required, doc }
}

const fn option(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, need: Need::Optional, doc }
}

static SHAPE: Table = Table {
    doc: "The key ring of Countersign.",
    fields: &[
        field("seal", Kind::List(&Kind::Table(&SEAL)), "The keys that seal records."),
        field("index", Kind::Table(&INDEX), "The key of keyed hashes."),
        field("sign", Kind::List(&Kind::Table(&SIGN)), "The keys that sign tokens."),
    ],
    each: None,
};

static SEAL: Table = Table {
    doc: "A key that seals records.",
    fields: &[
        field("id", Kind::Text(&KEY_NAME), "Its name."),
        field("key", Kind::Text(&SEALED_TEXT), "32 bytes in base64."),
        field("state", Kind::Word(&STATES), "What it is used for."),
        SINCE,
    ],
    each: None,
};

static INDEX: Table = Table {
    doc: "The key of keyed hashes.",
    fields: &[
        field("key", Kind::Text(&SEALED_TEXT), "32 bytes in base64."),
        option("next", Kind::Text(&SEALED_TEXT), "The key to come."),
        option("previous", Kind::Text(&SEALED_TEXT), "The key before."),
        SINCE,
    ],
    each: None,
};

const SINCE: Field = option("since", Kind::Text(&TIME), "Since when it is so.");

static SIGN: Table = Table {
    doc: "A key that signs tokens.",
    fields: &[
        field("kid", Kind::Text(&KEY_NAME), "Its name in tokens."),
        field("key", Kind::Text(&SEALED_TEXT), "An RSA key as PKCS#8 PEM."),
        field("state", Kind::Word(&STATES), "What it is used for."),
        SINCE,
    ],
    each: None,
};

/// Reads a key ring from its text; `name` is what faults call the file.
pub fn parse(name: &str, text: &str) -> Result<KeyRing, Faults> {
    let source = Source::hidden(name, text, &SHAPE);
    let mut report = Report::new(Arc::clone(&source));
    let document = check::parse(&source, Literals::Refused, &mut report);
    let root = Node::root(&document);
    let seal = seal_keys(&root, &mut report);
    let index = root.table("index").and_then(|node| index_keys(&node, &mut report));
    let sign = sign_keys(&root, &mut report);
    let (faults, warnings) = report.into_parts();
    Faults::of(faults, warnings)?;
    let Some(index) = index else {
        return Err(Fault::new(Place::File(name.to_owned()), "the key ring cannot be read").into());
    };
    Ok(KeyRing { seal, index, sign })
}

fn seal_keys(root: &Node<'_>, report: &mut Report) -> Vec<SealKey> {
    let nodes = root.tables("seal");
    check_names(root, &nodes, ("seal", "id"), report);
    let read = |node: &Node<'_>, report: &mut Report| {
        let (key, since) = (symmetric(node, "key", report), since(node, report));
        Some(SealKey { id: node.text("id")?.value.to_owned(), state: state(node)?, key: key?, since })
    };
    nodes.iter().filter_map(|node| read(node, report)).collect()
}

fn index_keys(node: &Node<'_>, report: &mut Report) -> Option<IndexKeys> {
    let mut key = |name| symmetric(node, name, report);
    let (active, next, previous) = (key("key"), key("next"), key("previous"));
    let mut seen = vec![active.clone()];
    for (name, key) in [("next", &next), ("previous", &previous)] {
        if key.is_some() && seen.contains(key) {
            let span = node.text(name).map_or(0..0, |spot| spot.span);
            report.fault(
                span,
                "this key stands here twice",
                "each of `key`, `next` and `previous` is another key",
            );
        }
        seen.push(key.clone());
    }
    Some(IndexKeys { active: active?, next, previous, since: since(node, report) })
}

fn sign_keys(root: &Node<'_>, report: &mut Report) -> Vec<SignKey> {
    let nodes = root.tables("sign");
    check_names(root, &nodes, ("sign", "kid"), report);
    let read = |node: &Node<'_>, report: &mut Report| {
        let spot = node.text("key")?;
        let Some(der) = private_key(spot.value) else {
            let message = "this is no RSA private key of 2048 to 8192 bits in PKCS#8 PEM";
            report.fault(spot.span, message, REMAKE);
            return None;
        };
        let since = since(node, report);
        Some(SignKey { kid: node.text("kid")?.value.to_owned(), state: state(node)?, der, since })
    };
    nodes.iter().filter_map(|node| read(node, report)).collect()
}

/// Names must differ, and exactly one key must be active.
fn check_names(root: &Node<'_>, nodes: &[Node<'_>], (kind, name): (&str, &str), report: &mut Report) {
    let mut seen = HashSet::new();
    for Spot { value, span } in nodes.iter().filter_map(|node| node.text(name)) {
        if !seen.insert(value) {
            report.fault(span, format!("this `{name}` is taken"), "each key of a kind has a name of its own");
        }
    }
    let active: Vec<_> = nodes.iter().filter(|node| state(node) == Some(KeyState::Active)).collect();
    let help = format!("exactly one `[[{kind}]]` has `state = \"active\"`");
    match active.as_slice() {
        [] if root.has(kind) => {
            let span = nodes.first().map_or(0..0, Node::span);
            report.fault(span, format!("no {kind} key is active"), help);
        }
        [] | [_] => {}
        [_, more @ ..] => {
            for node in more {
                report.fault(node.span(), format!("another {kind} key is active already"), help.clone());
            }
        }
    }
}

fn state(node: &Node<'_>) -> Option<KeyState> {
    node.word("state", &KeyState::ALL.map(|state| (state.as_str(), state)))
}

fn since(node: &Node<'_>, report: &mut Report) -> Option<Timestamp> {
    let spot = node.text("since")?;
    let time = spot.value.parse().ok();
    if time.is_none() && (TIME.holds)(spot.value) {
        report.fault(spot.span, "this is not a time", TIME.hint);
    }
    time
}

fn symmetric(node: &Node<'_>, name: &str, report: &mut Report) -> Option<Zeroizing<[u8; 32]>> {
    let spot = node.text(name)?;
    let bytes = STANDARD.decode(spot.value.trim()).ok().map(Zeroizing::new);
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    if key.is_none() {
        report.fault(spot.span, "this is no key of 32 bytes in base64", REMAKE);
    }
    key.map(Zeroizing::new)
}

/// The DER of a PEM text, if it is an RSA key that may sign.
fn private_key(pem: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = pem.trim().strip_prefix(PEM_HEAD)?.strip_suffix(PEM_FOOT)?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    let pair = KeyPair::from_pkcs8(&der).ok()?;
    MODULUS.contains(&pair.public_modulus_len()).then_some(der)
}
