//! The main settings: every one once, with its type, its default and what it means. This table
//! is the documentation; `countersign.toml`, the environment and the flags are read by it.
//!
//! To add a setting: 1. a line in the table of its section, 2. a field in [`super::Config`],
//! 3. its reading in `super::read`.

use super::client_shape::CLIENT;
use super::limits::LIMITS;
use super::mail::MAIL;
use super::shape::{Field, Kind, Need, PLAIN, Table};
use super::text::SEALED_TEXT;

/// Values of the command line, as they were typed.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The settings file; without it `countersign.toml` in the working directory, if there is one.
    pub config: Option<String>,
    /// `--listen`
    pub listen: Vec<String>,
    /// `--base-url`
    pub base_url: Vec<String>,
    /// `--store`
    pub store: Vec<String>,
    /// `--tenants`
    pub tenants: Vec<String>,
    /// `--keys`
    pub keys: Vec<String>,
    /// `--allow-egress`, once per exception
    pub allow_egress: Vec<String>,
}

impl Flags {
    /// The flag of a setting with what was typed.
    pub fn of(&self, section: &str, key: &str) -> Option<(&'static str, &[String])> {
        Some(match (section, key) {
            ("server", "listen") => ("--listen", &self.listen),
            ("server", "base_url") => ("--base-url", &self.base_url),
            ("store", "url") => ("--store", &self.store),
            ("tenants", "dir") => ("--tenants", &self.tenants),
            ("keys", "file") => ("--keys", &self.keys),
            ("egress", "allow") => ("--allow-egress", &self.allow_egress),
            _ => return None,
        })
    }
}

/// The main settings file, `countersign.toml`.
pub static SHAPE: Table = Table {
    doc: "The settings of a Countersign process.",
    fields: &[
        section("server", &SERVER, "How it is reached."),
        section("store", &STORE, "Where everything is kept."),
        section("keys", &KEYS, "The key ring that seals records and signs tokens."),
        section("tenants", &TENANTS, "The tenants."),
        section("egress", &EGRESS, "What it may reach."),
        section("limits", &LIMITS, "How much of the process anybody may take."),
        section("mail", &MAIL, "How letters to staff and customers go out."),
        section("ops", &OPS, "Health, metrics and version."),
        Field {
            name: "client",
            kind: Kind::List(&Kind::Table(&CLIENT)),
            need: Need::Optional,
            doc: "Clients of the platform operator; they work on the bare base domain only. As all of this file they are \
                  fixed until a restart.",
        },
    ],
    each: None,
};

const fn section(name: &'static str, table: &'static Table, doc: &'static str) -> Field {
    Field { name, kind: Kind::Table(table), need: Need::Optional, doc }
}

const fn text(name: &'static str, need: Need, doc: &'static str) -> Field {
    Field { name, kind: Kind::Text(&PLAIN), need, doc }
}

static SERVER: Table = Table {
    doc: "How it is reached.",
    fields: &[
        text("listen", Need::Default("127.0.0.1:8080"), "The address and port to listen on."),
        text(
            "base_url",
            Need::Default("http://localhost:8080"),
            "The base domain with scheme and port, as customers see it; tenant `acme` is served at `acme.` and this host. \
             With `http:` (development) cookies lose `Secure` and the `__Host-` prefix.",
        ),
        Field {
            name: "trusted_proxies",
            kind: Kind::List(&Kind::Text(&PLAIN)),
            need: Need::Default(""),
            doc: "Addresses or networks (`10.0.0.0/8`) of proxies whose forwarded headers count.",
        },
    ],
    each: None,
};

static STORE: Table = Table {
    doc: "Where everything is kept.",
    fields: &[
        text(
            "url",
            Need::Default("sqlite:data/countersign.db"),
            "`sqlite:` and the path of a database file, which is made if it is missing; or a Redis: \
             `redis://[user:password@]host[:port][/database]`, `redis+sentinel://host[:port],…/master`, \
             `redis+cluster://host[:port],…`, each with `rediss` for TLS (docs/redis.md).",
        ),
        Field {
            name: "password",
            kind: Kind::Text(&SEALED_TEXT),
            need: Need::Optional,
            doc: "The password of the Redis, in place of one in the URL: best given as `COUNTERSIGN__STORE__PASSWORD`.",
        },
        text("password_file", Need::Optional, "A file that holds it, in place of `password`."),
        text(
            "tls_ca",
            Need::Optional,
            "A file with the authority that signed the certificates of the Redis (PEM); without it the public ones count.",
        ),
        text("tls_cert", Need::Optional, "A file with the certificate that we show to the Redis (PEM)."),
        text("tls_key", Need::Optional, "A file with its private key (PEM)."),
        Field {
            name: "dangerous_allow_volatile_store",
            kind: Kind::Flag,
            need: Need::Default("false"),
            doc: "Accept a Redis that can lose acknowledged writes; without it the broker refuses one, and says which \
                  of its settings to change.",
        },
    ],
    each: None,
};

static KEYS: Table = Table {
    doc: "The key ring.",
    fields: &[text(
        "file",
        Need::Default("keys.toml"),
        "The key ring file, made by `countersign key new --out keys.toml`.",
    )],
    each: None,
};

static TENANTS: Table = Table {
    doc: "The tenants.",
    fields: &[text(
        "dir",
        Need::Default("tenants"),
        "The folder with one `.toml` file per tenant; the file's name is the tenant's.",
    )],
    each: None,
};

static EGRESS: Table = Table {
    doc: "What it may reach.",
    fields: &[
        Field {
            name: "allow",
            kind: Kind::List(&Kind::Text(&PLAIN)),
            need: Need::Default(""),
            doc: "Exceptions: `host:port` or `tenant=host:port` that may be reached though it is not public or not https.",
        },
        Field {
            name: "ports",
            kind: Kind::List(&Kind::Count(1, 65_535)),
            need: Need::Default("443, 8443"),
            doc: "The ports that URLs of providers may name.",
        },
    ],
    each: None,
};

static OPS: Table = Table {
    doc: "Health, metrics and version.",
    fields: &[text(
        "listen",
        Need::Optional,
        "An address of its own for `/livez`, `/readyz`, `/metrics` and `/version`; without it `/metrics` and \
         `/version` answer on the main address, to loopback peers only.",
    )],
    each: None,
};
