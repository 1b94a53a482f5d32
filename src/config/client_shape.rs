//! The table of a `[[client]]`; the same in the main settings and in a tenant's file.

use crate::domain::client::GrantType;

use super::shape::{Field, Kind, Need, PLAIN, Table, Words};
use super::text::{CLIENT_ID, REDIRECT_URI, SCOPE, SEALED_TEXT, SECRET_HASH, TIME};

/// An OAuth client of our token endpoint.
pub static CLIENT: Table = Table {
    doc: "An OAuth client of our token endpoint: a bot or an app.",
    fields: &[
        Field {
            name: "client_id",
            kind: Kind::Text(&CLIENT_ID),
            need: Need::Required,
            doc: "Its public name, unique in the tenant.",
        },
        optional(
            "name",
            Kind::Text(&PLAIN),
            "What customers read when they sign in to it; else its public name.",
        ),
        Field {
            name: "auth",
            kind: Kind::Word(&AUTHS),
            need: Need::Default("client_secret"),
            doc: "How it proves who it is: `client_secret`; `private_key_jwt` with a key of its own, see `jwks`; or `none` \
                  for an app on a device or in a page, which can keep no secret.",
        },
        optional(
            "secret_hash",
            Kind::Text(&SECRET_HASH),
            "The argon2id hash of its secret, as `countersign secret hash` prints it. Needed with `client_secret`.",
        ),
        optional(
            "previous_secret_hash",
            Kind::Text(&SECRET_HASH),
            "The hash of the secret before, which may be used as long as `previous_secret_until` says.",
        ),
        optional("previous_secret_until", Kind::Text(&TIME), "Until when the secret before may be used."),
        optional(
            "jwks",
            Kind::Text(&SEALED_TEXT),
            "Its public keys for `private_key_jwt`: a JWK set (RFC 7517) as JSON, in single quotes.",
        ),
        Field {
            name: "grant_types",
            kind: Kind::List(&Kind::Word(&GRANTS)),
            need: Need::Default("client_credentials"),
            doc: "How it may get tokens.",
        },
        Field {
            name: "scopes",
            kind: Kind::List(&Kind::Text(&SCOPE)),
            need: Need::Default(""),
            doc: "What it may ask for, e.g. `write:auth_links`; `admin:all` means everything of the tenant. For customers' \
                  apps `openid`, `profile`, `email` and `phone`. Scopes that mean nothing here are issued too.",
        },
        Field {
            name: "redirect_uris",
            kind: Kind::List(&Kind::Text(&REDIRECT_URI)),
            need: Need::Default(""),
            doc: "Where customers come back to, for `authorization_code`: compared letter by letter. `https`; for apps on a \
                  device `http://127.0.0.1/…` and `http://[::1]/…` with any port, or a private scheme that is named after \
                  a domain (`com.example.app:/callback`).",
        },
        Field {
            name: "pkce",
            kind: Kind::Word(&PKCE),
            need: Need::Default("required"),
            doc: "Whether `authorization_code` needs PKCE (S256). `optional` is for clients that cannot do it, and for none \
                  with `auth = \"none\"`.",
        },
        Field {
            name: "allow_from",
            kind: Kind::List(&Kind::Text(&PLAIN)),
            need: Need::Default(""),
            doc: "Addresses and networks (`10.0.0.0/8`) from which it may ask for tokens and use them; from anywhere if it \
                  is left out.",
        },
    ],
    each: None,
};

const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { name, kind, need: Need::Optional, doc }
}

static GRANTS: Words = Words {
    what: "a grant type",
    known: || GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
    later: &[],
};

static AUTHS: Words = Words {
    what: "a way for a client to authenticate",
    known: || vec!["client_secret", "private_key_jwt", "none"],
    later: &[],
};

static PKCE: Words = Words { what: "a word for PKCE", known: || vec!["required", "optional"], later: &[] };
