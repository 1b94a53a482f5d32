//! `[webchat]`: the pages that hold the tenant's chat.

use std::collections::BTreeSet;

use url::Url;

use crate::config::fault::Report;
use crate::config::node::{Node, Spot};
use crate::config::text::ORIGIN;
use crate::config::words::quoted;

use super::ReadContext;

/// The most origins of one tenant.
const MOST: usize = 20;

/// Reads the origins of the chat's pages; what is wrong goes into the report. They are compared with what browsers
/// send to the letter, so that one that no browser would send is a fault.
pub fn origins(root: &Node<'_>, context: &ReadContext<'_>, report: &mut Report) -> Vec<String> {
    let Some(node) = root.table("webchat") else { return Vec::new() };
    let listed = node.texts("origins");
    if let Some(surplus) = listed.get(MOST) {
        let message = format!("more than {MOST} origins");
        report.fault(surplus.span.clone(), message, "take away those that are no longer used");
    }
    let mut seen = BTreeSet::new();
    // What has not the form of an origin was told of already.
    for Spot { value, span } in listed.into_iter().filter(|listed| (ORIGIN.holds)(listed.value)) {
        match check(value, context) {
            Ok(()) if !seen.insert(value.to_owned()) => {
                let message = format!("the origin {} stands here twice", quoted(value));
                report.fault(span, message, "take one of them away");
            }
            Ok(()) => {}
            Err((message, help)) => report.fault(span, message, help),
        }
    }
    seen.into_iter().collect()
}

/// Checks one origin, whose form was checked before. The error is what is wrong and how to mend it.
fn check(origin: &str, context: &ReadContext<'_>) -> Result<(), (String, String)> {
    let url = Url::parse(origin);
    let url = url.map_err(|error| {
        (format!("{} is no origin: {error}", quoted(origin)), "write it as `https://host`".to_owned())
    })?;
    let written = url.origin().ascii_serialization();
    if written != origin {
        let message = format!("no browser writes the origin {} in this way", quoted(origin));
        return Err((message, format!("write `{written}`")));
    }
    if url.scheme() == "http" && context.base_url.scheme() == "https" {
        let message = format!("the page at {} is not protected on its way", quoted(origin));
        return Err((
            message,
            "use `https:`: whoever can change a plain page can sign in from it".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn verdict(origin: &str, base_url: &str) -> Option<String> {
        let (base_url, environment) = (base_url.parse().unwrap(), Environment::default());
        let context = ReadContext {
            base_url: &base_url,
            allow: &[],
            ports: &[443],
            dangerous_demo: false,
            environment: &environment,
            keys: std::path::Path::new("no-keys.toml"),
            stored: false,
            without_secrets: false,
        };
        check(origin, &context).err().map(|(message, _)| message)
    }

    #[test]
    fn an_origin_stands_as_browsers_write_it() {
        let base = "https://auth.example";
        for good in ["https://www.acme.example", "https://acme.example:8443", "https://xn--nxasmq6b.example"]
        {
            assert_eq!(verdict(good, base), None, "{good}");
        }
        for bad in ["https://www.acme.example:443", "https://127.1"] {
            assert!(verdict(bad, base).unwrap().contains("no browser"), "{bad}");
        }
    }

    #[test]
    fn a_plain_page_is_for_development_only() {
        assert!(verdict("http://127.0.0.1:3000", "https://auth.example").unwrap().contains("not protected"));
        assert_eq!(verdict("http://127.0.0.1:3000", "http://localhost:8080"), None);
    }
}
