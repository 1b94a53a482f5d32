//! Who we are at the provider: `client_auth`, `client_secret`, `private_key`.

use crate::config::fault::Report;
use crate::config::node::Node;
use crate::domain::provider::{AssertionNames, ClientAuth, PrivateKey};
use crate::oauth::private_key;
use crate::secret::Secret;
use crate::tenants::secrets;

use super::Reading;

const CLIENT_AUTHS: &[(&str, ClientAuth)] = &[
    ("auto", ClientAuth::Auto),
    ("client_secret_basic", ClientAuth::ClientSecretBasic),
    ("client_secret_post", ClientAuth::ClientSecretPost),
    ("client_secret_jwt", ClientAuth::ClientSecretJwt),
    ("private_key_jwt", ClientAuth::PrivateKeyJwt),
    ("signed_secret", ClientAuth::SignedSecret),
    ("secret_as_user", ClientAuth::SecretAsUser),
    ("none", ClientAuth::None),
];
/// Who we are at a provider.
pub(super) struct Credentials {
    pub(super) client_auth: ClientAuth,
    pub(super) secret: Option<Secret>,
    pub(super) previous: Option<Secret>,
    pub(super) private_key: Option<PrivateKey>,
    pub(super) previous_key: Option<PrivateKey>,
    pub(super) assertion: AssertionNames,
}

/// Reads all of it; what is wrong, missing or of no use goes into the report.
pub(super) fn read(reading: &Reading<'_>, report: &mut Report) -> Credentials {
    let Reading { node, context, .. } = reading;
    let client_auth = node.word("client_auth", CLIENT_AUTHS).unwrap_or_default();
    check(node, client_auth, report);
    let word = |name: &str| node.text(name).map(|word| word.value.to_owned());
    Credentials {
        client_auth,
        secret: secrets::take(node, "client_secret", context, report),
        previous: secrets::take(node, "client_secret_previous", context, report),
        private_key: private_key(reading, "private_key", word("private_key_id"), report),
        previous_key: private_key(reading, "private_key_previous", word("private_key_previous_id"), report),
        assertion: AssertionNames { issuer: word("assertion_issuer"), audience: word("assertion_audience") },
    }
}

/// Our key, which must be one that signs.
fn private_key(
    reading: &Reading<'_>,
    name: &str,
    id: Option<String>,
    report: &mut Report,
) -> Option<PrivateKey> {
    let Reading { node, context, .. } = reading;
    let key = secrets::take_key(node, name, context, report)?;
    if let Err(problem) = private_key::PrivateKey::parse(&key) {
        let span = node.raw(name).map_or_else(|| node.span(), toml::Spanned::span);
        report.fault(
            span,
            format!("`{name}` cannot be used: {problem}"),
            "put a PEM (PKCS#8, PKCS#1 or SEC1) or a JWK there",
        );
        return None;
    }
    Some(PrivateKey { key, id })
}

fn check(node: &Node<'_>, client_auth: ClientAuth, report: &mut Report) {
    let needs_key = matches!(client_auth, ClientAuth::PrivateKeyJwt | ClientAuth::SignedSecret);
    let needs_secret = client_auth != ClientAuth::None && !needs_key;
    let needed = [("client_secret", needs_secret), ("private_key", needs_key)];
    for (name, needed) in needed {
        match (needed, node.raw(name)) {
            (true, None) => report.fault(
                node.span(),
                format!("`{name}` is missing"),
                format!(
                    "write `{name} = {{ env = \"NAME\" }}`, or `client_auth = \"none\"` for a public client"
                ),
            ),
            // A secret may be there for an id_token that it signs.
            (false, Some(value)) if !(name == "client_secret" && needs_key) => report.warn(
                value.span(),
                if name == "client_secret" { "the secret is not used" } else { "the key is not used" },
                "`client_auth` says otherwise; take one of the two away",
            ),
            _ => {}
        }
    }
    let pairs = [
        ("client_secret_previous", "client_secret"),
        ("private_key_id", "private_key"),
        ("private_key_previous", "private_key"),
        ("private_key_previous_id", "private_key_previous"),
        ("assertion_issuer", "private_key"),
    ];
    for (name, other) in pairs {
        if let Some(value) = node.raw(name).filter(|_| !node.has(other)) {
            let message = format!("`{name}` is of no use without `{other}`");
            report.fault(value.span(), message, format!("add `{other}`, or take it away"));
        }
    }
}
