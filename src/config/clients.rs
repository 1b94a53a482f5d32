//! `[[client]]` tables: the same in the main settings and in a tenant's file.

use std::collections::HashMap;

use argon2::password_hash::phc::PasswordHash;

use crate::domain::client::{Client, GrantType, Scopes};

use super::fault::Report;
use super::node::Node;
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
    let hash = node.text("secret_hash");
    if let Some(hash) = hash.as_ref().filter(|hash| hash.value.starts_with("$argon2id$"))
        && let Err(problem) = check_hash(hash.value)
    {
        report.fault(hash.span.clone(), problem, "run `countersign secret hash` and paste what it prints");
    }
    let scopes = scopes(node, report);
    let grant_types = if node.has("grant_types") {
        node.texts("grant_types").iter().filter_map(|grant| grant_named(grant.value)).collect()
    } else {
        vec![GrantType::ClientCredentials]
    };
    Some(Client {
        client_id: node.text("client_id")?.value.parse().ok()?,
        secret_hash: Some(hash?.value.to_owned()),
        grant_types,
        scopes,
    })
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
