//! Finding a secret: a reference to an environment variable or a file, one that is sealed with the key ring, or (in
//! the demonstration) the secret itself.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::config::read::read_text;
use crate::config::text::{SEALED, VARIABLE};
use crate::config::words::quoted;
use crate::keyring::{KeyRing, sealed};
use crate::secret::Secret;

use super::{ReadContext, hash_of};

/// The longest secret, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// Takes the secret that the setting `name` refers to; what is wrong goes into the report.
pub fn take(node: &Node<'_>, name: &str, context: &ReadContext<'_>, report: &mut Report) -> Option<Secret> {
    take_value(node.raw(name)?, context, report)
}

/// The same for a private key, which has several lines as a PEM.
pub fn take_key(
    node: &Node<'_>,
    name: &str,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Secret> {
    let value = node.raw(name)?;
    let key = find(value, context, report)?;
    checked(key, value, Lines::Many, report)
}

/// Takes the secret that a value refers to, e.g. one of a list.
pub fn take_value(
    value: &Spanned<DeValue<'_>>,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Secret> {
    let found = find(value, context, report)?;
    checked(found, value, Lines::One, report)
}

/// How many lines a secret may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    One,
    Many,
}

fn find(value: &Spanned<DeValue<'_>>, context: &ReadContext<'_>, report: &mut Report) -> Option<Secret> {
    let found = if let DeValue::String(literal) = value.get_ref() {
        if !context.dangerous_demo {
            return None; // the check of the shape has refused it
        }
        Secret::new(literal.as_ref())
    } else {
        let reference = Node::of(value)?;
        if let Some(variable) = reference.text("env") {
            from_variable(variable.value, variable.span, context, report)?
        } else if let Some(sealed) = reference.text("sealed") {
            from_sealed(sealed.value, sealed.span, context, report)?
        } else {
            let file = reference.text("file")?;
            from_file(file.value, file.span, context, report)?
        }
    };
    Some(found)
}

fn from_variable(
    name: &str,
    span: Range<usize>,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Secret> {
    if !(VARIABLE.holds)(name) {
        return None; // the check of the shape has refused it: it may be the secret itself
    }
    let found = context.environment.get(name);
    if found.is_none() && !context.without_secrets {
        let message = format!("the environment variable {} is not set", quoted(name));
        report.fault(span, message, "set it where the process is started, or use `{ file = \"path\" }`");
    }
    found.map(Secret::new)
}

fn from_file(
    path: &str,
    span: Range<usize>,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Secret> {
    let read = read_text(path).map(zeroize::Zeroizing::new);
    report.depends_on(path.as_ref(), read.as_ref().ok().map(|text| hash_of([text.as_bytes()])));
    match read {
        Ok(text) => Some(Secret::new(text.trim_end_matches(['\r', '\n']))),
        Err(_) if context.without_secrets => None,
        Err(problem) => {
            let message = format!("the file {} {problem}", quoted(path));
            report.fault(span, message, "paths are taken from the working directory of the process");
            None
        }
    }
}

fn from_sealed(
    text: &str,
    span: Range<usize>,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Secret> {
    if !(SEALED.holds)(text) {
        return None; // the check of the shape has refused it: it may be the secret itself
    }
    // A broker that watches its files reads the tenant again when the ring has changed.
    let bytes = std::fs::read(context.keys).map(zeroize::Zeroizing::new);
    report.depends_on(context.keys, bytes.as_ref().ok().map(|bytes| hash_of([bytes.as_slice()])));
    let Ok(ring) = KeyRing::read(context.keys) else {
        if context.without_secrets {
            return None;
        }
        let message = format!(
            "it cannot be opened: the key ring {} cannot be read",
            quoted(&context.keys.display().to_string())
        );
        report.fault(
            span,
            message,
            "name the key ring with `--keys` or `keys.file`; `countersign check` says what is wrong with it",
        );
        return None;
    };
    match sealed::open(&ring, text) {
        Ok(secret) => Some(secret),
        Err(error) => {
            let help = "seal it again with this key ring: `countersign secret seal --keys keys.toml`";
            report.fault(span, format!("it cannot be opened: {error}"), help);
            None
        }
    }
}

fn checked(
    secret: Secret,
    value: &Spanned<DeValue<'_>>,
    lines: Lines,
    report: &mut Report,
) -> Option<Secret> {
    let problem = if secret.is_blank() {
        "the secret is blank"
    } else if secret.expose().len() > MAX_LENGTH {
        "the secret is longer than 64 KiB"
    } else if lines == Lines::One && secret.expose().contains(['\r', '\n', '\0']) {
        "the secret has several lines"
    } else {
        return Some(secret);
    };
    report.fault(value.span(), problem, "put the secret there, and nothing else");
    None
}
