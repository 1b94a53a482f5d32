//! URLs of a provider: https on an allowed port to a public host, unless the server's own
//! settings list the literal host (SECURITY 11 and 12).

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::fault::Report;
use crate::config::node::{Node, Spot};
use crate::domain::ids::TenantId;
use crate::domain::provider::template::{TemplateError, UrlTemplate};
use crate::egress::address::{check_no_metadata, check_public};

use super::ReadContext;

/// Takes the URL of the setting `name`; what is wrong goes into the report.
pub fn take(
    node: &Node<'_>,
    name: &str,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Url> {
    let Spot { value, span } = node.text(name)?;
    match check(value, tenant, context) {
        Ok(url) => Some(url),
        Err((problem, help)) => {
            report.fault(span, format!("`{name}`: {problem}"), help);
            None
        }
    }
}

/// Takes the URL of the setting `name`, to which only browsers go: it may have any port and a fragment, and be within
/// the reach of its customers only.
pub fn take_visited(
    node: &Node<'_>,
    name: &str,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<Url> {
    let Spot { value, span } = node.text(name)?;
    match check_visited(value, tenant, context) {
        Ok(url) => Some(url),
        Err((problem, help)) => {
            report.fault(span, format!("`{name}`: {problem}"), help);
            None
        }
    }
}

/// Takes the URL of the setting `name`, of which parts may stand in the token answer.
pub fn take_template(
    node: &Node<'_>,
    name: &str,
    tenant: &TenantId,
    context: &ReadContext<'_>,
    report: &mut Report,
) -> Option<UrlTemplate> {
    let Spot { value, span } = node.text(name)?;
    let template = match UrlTemplate::parse(value) {
        Ok(template) => template,
        Err(TemplateError::Url(_)) => {
            // The check of the URL says it better.
            return take(node, name, tenant, context, report).map(UrlTemplate::fixed);
        }
        Err(error) => {
            report.fault(span, format!("`{name}`: {error}"), "write the rest of the URL out");
            return None;
        }
    };
    match check(&template.example(), tenant, context) {
        Ok(_) => Some(template),
        Err((problem, help)) => {
            report.fault(span, format!("`{name}`: {problem}"), help);
            None
        }
    }
}

/// Checks one URL that we call. The error is what is wrong and how to mend it.
fn check(text: &str, tenant: &TenantId, context: &ReadContext<'_>) -> Result<Url, Fault> {
    let url = check_visited(text, tenant, context)?;
    if url.fragment().is_some() {
        return fault("a URL with a fragment is refused", "take away `#` and what follows");
    }
    if is_listed(&url, tenant, context) {
        return Ok(url);
    }
    let port = url.port_or_known_default().unwrap_or(443);
    if !context.ports.contains(&port) {
        let ports = context.ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        return Err((
            format!("port {port} is refused"),
            format!("use one of {ports}, {}", listing(&url, tenant)),
        ));
    }
    if url.host().is_none_or(|host| !is_public(&host)) {
        let help = format!("name a public host, {}", listing(&url, tenant));
        return Err(("the host is not public".to_owned(), help));
    }
    Ok(url)
}

/// Checks what holds of every URL, also of one to which only browsers go.
fn check_visited(text: &str, tenant: &TenantId, context: &ReadContext<'_>) -> Result<Url, Fault> {
    if text.contains(['{', '}']) {
        return fault("only the WhoAmI URLs may have `{…}` in them", "write the URL out");
    }
    // The parser mends spaces and backslashes as browsers do; a setting should need no mending.
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    let rest = text.split_once("://").map(|(_, rest)| rest);
    if text.contains(odd) || rest.is_none_or(|rest| rest.starts_with('/')) {
        return fault("not a URL", "write it as `https://host/path`");
    }
    let url = Url::parse(text)
        .map_err(|problem| (format!("not a URL: {problem}"), "write it as `https://host/path`".to_owned()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return fault(
            "a URL with a user name or password is refused",
            "put our credentials into `client_id` and `client_secret`",
        );
    }
    let Some(host) = url.host() else {
        return fault("the URL has no host", "write it as `https://host/path`");
    };
    if is_metadata(&host) {
        return fault("this is a metadata address, which is never called", "name the provider's own host");
    }
    if url.scheme() != "https" && !is_listed(&url, tenant, context) {
        let help = format!("use `https:`, {}", listing(&url, tenant));
        return Err((format!("`{}:` is refused", url.scheme()), help));
    }
    Ok(url)
}

/// What is wrong, and how to mend it.
type Fault = (String, String);

fn fault<T>(problem: &str, help: &str) -> Result<T, Fault> {
    Err((problem.to_owned(), help.to_owned()))
}

/// Whether the server's own settings allow this literal host.
fn is_listed(url: &Url, tenant: &TenantId, context: &ReadContext<'_>) -> bool {
    matches!(url.scheme(), "http" | "https") && context.allow.iter().any(|rule| rule.covers(tenant, url))
}

/// How the operator allows a host.
fn listing(url: &Url, tenant: &TenantId) -> String {
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => {
            format!("or list it in the server's `egress.allow`: `{tenant}={host}:{port}`")
        }
        _ => "name the provider's https address".to_owned(),
    }
}

/// The literal address of a host; of a name nothing is known before it is dialled.
fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

/// The address at which a cloud hands out credentials.
fn is_metadata(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').eq_ignore_ascii_case("metadata.google.internal"),
        _ => literal(host).is_some_and(|address| check_no_metadata(address).is_err()),
    }
}

/// What can be seen from the literal host; the address that is dialled is checked again by egress.
fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            name != "localhost" && !name.ends_with(".localhost")
        }
        _ => literal(host).is_some_and(|address| check_public(address).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use crate::egress::allow::Allow;

    fn verdict(url: &str, allow: &[&str]) -> Result<String, String> {
        let allow: Vec<Allow> = allow.iter().map(|rule| rule.parse().unwrap()).collect();
        let base_url = "https://auth.example".parse().unwrap();
        let environment = Environment::default();
        let context = ReadContext {
            base_url: &base_url,
            allow: &allow,
            ports: &[443, 8443],
            dangerous_demo: false,
            environment: &environment,
            keys: std::path::Path::new("keys.toml"),
            stored: false,
            without_secrets: false,
        };
        check(url, &"acme".parse().unwrap(), &context).map(String::from).map_err(|(problem, _)| problem)
    }

    #[test]
    fn a_public_https_url_is_accepted() {
        for url in [
            "https://yoursite.com/auth",
            "https://a.example:8443/x?y=1",
            "https://8.8.8.8/",
            "https://[2606:4700::1]/",
        ] {
            assert!(verdict(url, &[]).is_ok(), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "http://a.example/",
            "ftp://a.example/",
            "a.example",
            "https:a.example",
            "https:///a",
            "https://a b/",
            "https://me:pw@a.example/",
            "https://me@a.example/",
            "https://a.example/#x",
            "https://a.example:8080/",
            "https://localhost/",
            "https://x.localhost/",
            "https://127.1/",
            "https://10.0.0.1/",
            "https://0x7f000001/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fc00::1]/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://{domain}.example/",
            "https://a.example\\x",
            "javascript:alert(1)",
        ] {
            assert!(verdict(url, &[]).is_err(), "{url}");
        }
    }

    #[test]
    fn a_listed_literal_host_is_accepted_even_without_tls() {
        assert!(verdict("http://localhost:9000/auth", &["localhost:9000"]).is_ok());
        assert!(verdict("http://localhost:9000/auth", &["acme=localhost:9000"]).is_ok());
        assert!(verdict("http://localhost:9000/auth", &["other=localhost:9000"]).is_err());
        assert!(verdict("ftp://localhost:9000/", &["localhost:9000"]).is_err());
        assert!(verdict("http://me:pw@localhost:9000/", &["localhost:9000"]).is_err());
    }

    #[test]
    fn a_metadata_address_is_refused_even_when_listed() {
        for url in
            ["https://169.254.169.254/", "https://[::ffff:169.254.169.254]/", "https://[fd00:ec2::254]/"]
        {
            assert!(verdict(url, &[]).unwrap_err().contains("metadata"), "{url}");
        }
        let listed = verdict("http://metadata.google.internal/", &["metadata.google.internal:80"]);
        assert!(listed.unwrap_err().contains("metadata"));
    }
}
