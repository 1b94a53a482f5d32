//! `[[client]]` tables: the same in the main settings and in a tenant's file.

use std::collections::HashMap;
use std::net::IpAddr;

use argon2::password_hash::phc::PasswordHash;
use ipnet::IpNet;

use crate::domain::client::{Client, GrantType, PreviousSecret, Registration, Scopes};
use crate::domain::redirect_uri::RedirectUri;
use crate::oauth::jwk::KeySet;

use super::fault::Report;
use super::node::Node;
use super::text::REDIRECT_URI;
use super::words::{nearest, quoted};

/// The scopes that mean something here (DESIGN §6).
pub const SCOPES: &[&str] = &[
    "admin:all",
    "read:audit",
    "read:auth_links",
    "read:contacts",
    "read:conversations",
    "read:events",
    "read:provider_tokens",
    "read:providers",
    "read:settings",
    "read:staff",
    "write:auth_links",
    "write:clients",
    "write:contacts",
    "write:conversations",
    "write:inbound",
    "write:providers",
    "write:settings",
    "write:snippets",
    "write:staff",
    "write:webhooks",
];

/// The most memory that verifying a hash may take, in KiB: a hash of a file must not be able to
/// bring the process down.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
/// The most rounds that verifying a hash may take.
const MAX_ROUNDS: u32 = 16;

/// Reads every `[[client]]` of a file; what is wrong goes into the report.
pub fn read(root: &Node<'_>, report: &mut Report) -> Vec<Client> {
    let mut seen = HashMap::new();
    let mut clients = Vec::new();
    for node in root.tables("client") {
        if let Some(id) = node.text("client_id") {
            if let Some(line) = seen.get(id.value) {
                let message = format!("the client id {} is taken", quoted(id.value));
                report.fault(
                    id.span.clone(),
                    message,
                    format!("it stands in line {line} already; choose another"),
                );
            } else {
                seen.insert(id.value, report.source().line_and_column(id.span.start).0);
            }
        }
        clients.extend(client(&node, report));
    }
    clients
}

/// Reads `[registration]`.
pub fn read_registration(root: &Node<'_>, report: &mut Report) -> Option<Registration> {
    let node = root.table("registration")?;
    let token_hash = checked_hash(&node, "token_hash", report)?;
    Some(Registration { token_hash, scopes: scopes(&node, report) })
}

/// Whether `text` is an argon2id hash that can be verified at a sane price.
pub fn check_hash(text: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(text).map_err(|_| "this is no argon2id hash in PHC form")?;
    if hash.algorithm.as_str() != "argon2id" {
        return Err("only argon2id hashes are accepted");
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("the hash lacks its salt or its digest");
    }
    let params =
        argon2::Params::try_from(&hash).map_err(|_| "the hash has parameters that argon2 does not take")?;
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_ROUNDS || params.p_cost() > 16 {
        return Err("verifying this hash would cost too much");
    }
    Ok(())
}

fn client(node: &Node<'_>, report: &mut Report) -> Option<Client> {
    let hash = checked_hash(node, "secret_hash", report);
    let grant_types = if node.has("grant_types") {
        node.texts("grant_types").iter().filter_map(|grant| grant_named(grant.value)).collect()
    } else {
        vec![GrantType::ClientCredentials]
    };
    let client = Client {
        name: node.text("name").map(|name| name.value.trim().to_owned()),
        previous_secret: previous_secret(node, report),
        grant_types,
        scopes: scopes(node, report),
        redirect_uris: redirect_uris(node, report),
        pkce_optional: node.text("pkce").is_some_and(|word| word.value == "optional"),
        allow_from: networks(node, report),
        ..Client::named(node.text("client_id")?.value.parse().ok()?)
    };
    let client = match node.text("auth").map_or("client_secret", |word| word.value) {
        "none" => Client { secret_hash: None, previous_secret: None, ..client },
        "private_key_jwt" => Client { keys: keys(node, report), ..client },
        _ => {
            if !node.has("secret_hash") {
                let help = "write `secret_hash`, the argon2id hash of its secret as `countersign secret hash` prints it; or \
                            `auth = \"none\"` for an app that can keep no secret";
                report.fault(node.span(), "`secret_hash` is missing", help);
            }
            Client { secret_hash: hash, ..client }
        }
    };
    check_together(node, &client, report);
    Some(client)
}

/// What fits each by itself, and not together.
fn check_together(node: &Node<'_>, client: &Client, report: &mut Report) {
    let has_auth = |word| node.text("auth").is_some_and(|auth| auth.value == word);
    if has_auth("none") && client.pkce_optional {
        let help = "leave `pkce` out: without it whoever sees a code can redeem it";
        report.fault(node.span(), "a client with `auth = \"none\"` needs PKCE", help);
    }
    if has_auth("none") && client.may(GrantType::ClientCredentials) {
        let help = "give it a secret, or `grant_types = [\"authorization_code\", \"refresh_token\"]`";
        report.fault(node.span(), "a client with `auth = \"none\"` cannot use `client_credentials`", help);
    }
    if client.may(GrantType::AuthorizationCode) && node.texts("redirect_uris").is_empty() {
        let help = "write `redirect_uris = [\"https://app.example/callback\"]`";
        report.fault(node.span(), "`authorization_code` needs at least one redirect uri", help);
    }
    if client.may(GrantType::RefreshToken) && !client.may(GrantType::AuthorizationCode) {
        let help = "add `authorization_code`, or take `refresh_token` out";
        report.warn(node.span(), "`refresh_token` without `authorization_code` gives nothing", help);
    }
    if has_auth("private_key_jwt") && !node.has("jwks") {
        let help = "write `jwks = '{\"keys\": […]}'` with its public keys";
        report.fault(node.span(), "`jwks` is missing", help);
    }
}

fn checked_hash(node: &Node<'_>, name: &str, report: &mut Report) -> Option<String> {
    let hash = node.text(name)?;
    if hash.value.starts_with("$argon2id$")
        && let Err(problem) = check_hash(hash.value)
    {
        report.fault(hash.span, problem, "run `countersign secret hash` and paste what it prints");
    }
    Some(hash.value.to_owned())
}

fn previous_secret(node: &Node<'_>, report: &mut Report) -> Option<PreviousSecret> {
    let hash = checked_hash(node, "previous_secret_hash", report);
    let until = node.text("previous_secret_until");
    match (hash, until) {
        (Some(hash), Some(until)) => {
            if let Ok(until) = until.value.parse() {
                return Some(PreviousSecret { hash, until });
            }
            report.fault(until.span, "there is no such time", "write it in UTC, e.g. `2026-01-31T12:00:00Z`");
            None
        }
        (None, None) => None,
        _ => {
            let help = "write both, or none";
            report.fault(
                node.span(),
                "`previous_secret_hash` and `previous_secret_until` belong together",
                help,
            );
            None
        }
    }
}

fn redirect_uris(node: &Node<'_>, report: &mut Report) -> Vec<RedirectUri> {
    let mut uris = Vec::new();
    // What has not even the form is told already.
    for given in node.texts("redirect_uris").into_iter().filter(|given| (REDIRECT_URI.holds)(given.value)) {
        match RedirectUri::parse(given.value) {
            Ok(uri) => uris.push(uri),
            Err(why) => {
                let message = format!("{} is no redirect uri", quoted(given.value));
                report.fault(given.span, message, why.to_string());
            }
        }
    }
    uris
}

fn networks(node: &Node<'_>, report: &mut Report) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for given in node.texts("allow_from") {
        let address = given.value.parse::<IpAddr>().map(IpNet::from);
        if let Ok(network) = given.value.parse::<IpNet>().map(|network| network.trunc()).or(address) {
            networks.push(network);
        } else {
            let message = format!("{} is no address or network", quoted(given.value));
            report.fault(given.span, message, "write e.g. `192.0.2.7` or `10.0.0.0/8`");
        }
    }
    networks
}

/// The text of a key set that has at least one key of use.
fn keys(node: &Node<'_>, report: &mut Report) -> Option<String> {
    let given = node.text("jwks")?;
    let help = "write a JWK set with RSA or EC public keys: `{\"keys\": [{\"kty\": \"EC\", …}]}`";
    match KeySet::parse(given.value.as_bytes()) {
        Ok(set) if set.is_empty() => {
            report.fault(given.span, "no key of the set can verify a signature", help);
        }
        Ok(set) => {
            if let Some(skipped) = set.skipped().first() {
                let message =
                    format!("key {} of the set cannot be used: {}", skipped.index + 1, skipped.reason);
                report.fault(given.span, message, "write public keys for signatures only");
            }
        }
        Err(why) => report.fault(given.span, why.to_string(), help),
    }
    Some(given.value.to_owned())
}

fn grant_named(name: &str) -> Option<GrantType> {
    GrantType::ALL.into_iter().find(|grant| grant.as_str() == name)
}

/// Scopes that mean nothing are allowed, but one that nearly means something is a slip of the pen.
fn scopes(node: &Node<'_>, report: &mut Report) -> Scopes {
    let given = node.texts("scopes");
    for scope in given.iter().filter(|scope| !SCOPES.contains(&scope.value)) {
        if let Some(word) = nearest(scope.value, SCOPES.iter().copied()) {
            let message = format!("the scope {} means nothing here", quoted(scope.value));
            report.warn(scope.span.clone(), message, format!("did you mean `{word}`?"));
        }
    }
    let list = given.iter().map(|scope| scope.value).collect::<Vec<_>>().join(" ");
    Scopes::parse(&list).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_argon2id_hashes_of_a_sane_price_are_accepted() {
        const SALT_AND_DIGEST: &str = "c29tZXNhbHRzb21lc2FsdA$+Z8kJ6y1tmEiBrWdGIQJzpRZSBG4DnUBPjZc0yqAV1Q";
        let hash = |head: &str| check_hash(&format!("{head}{SALT_AND_DIGEST}"));
        assert_eq!(hash("$argon2id$v=19$m=19456,t=2,p=1$"), Ok(()));
        assert!(hash("$argon2i$v=19$m=19456,t=2,p=1$").is_err());
        assert!(hash("$argon2id$v=19$m=4194304,t=2,p=1$").is_err(), "4 GiB");
        assert!(hash("$argon2id$v=19$m=19456,t=1000,p=1$").is_err());
        for bad in ["", "secret", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$", "$argon2id$v=19$m=x$a$b"] {
            assert!(check_hash(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_scope_of_ours_can_be_asked_for() {
        assert!(Scopes::parse(&SCOPES.join(" ")).is_ok());
        assert!(SCOPES.is_sorted(), "easy to look through");
    }
}
