//! Every setting: its type, its default, what it means; and the reading of settings files with
//! everything that is wrong in them told at once.
//!
//! | file | what it holds |
//! |---|---|
//! | [`settings`] | the table of the main settings; start here |
//! | [`read`] | from flags, environment and file to [`Config`] |
//! | [`shape`], [`text`] | how a settings file is described |
//! | [`check`], [`node`] | comparing a file with its description; taking values out of it |
//! | [`schema`] | the JSON schema of a description |
//! | [`fault`], [`source`] | what is wrong, where, and how a person sees it, without secrets |
//! | [`client_shape`], [`clients`], [`limits`], [`mail`], [`redis_url`], [`layers`], [`environment`], [`words`] | single settings, and what several share |
//!
//! To add a main setting see [`settings`]; to add a settings *file*: 1. a static
//! [`shape::Table`] that describes it, 2. [`check::parse`] with a [`fault::Report`], 3. read the
//! values with [`node::Node`]. `tenants` and `keyring` do the same.

pub mod check;
pub mod client_shape;
pub mod clients;
pub mod environment;
pub mod fault;
pub mod layers;
pub mod limits;
pub mod mail;
pub mod node;
pub mod read;
pub mod redis_url;
pub mod schema;
pub mod settings;
pub mod shape;
pub mod source;
pub mod text;
pub mod words;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

use crate::domain::client::Client;
use crate::egress::allow::Allow;

pub use environment::Environment;
pub use fault::{Fault, Faults, Look, Place};
pub use limits::Limits;
pub use mail::Mail;
pub use redis_url::{RedisForm, RedisLogin, RedisUrl};
pub use settings::Flags;

/// What was read, with what somebody should know about it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// What was read.
    pub value: T,
    /// What somebody should know; to be logged at start and printed by `check`.
    pub warnings: Vec<Fault>,
}

/// The settings of a process, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// How it is reached.
    pub server: Server,
    /// Where everything is kept.
    pub store: StoreUrl,
    /// How a Redis store is entered; means nothing to others.
    pub redis: RedisLogin,
    /// The key ring file.
    pub keys: PathBuf,
    /// The folder of the tenants' files.
    pub tenants: PathBuf,
    /// What it may reach.
    pub egress: Egress,
    /// How much of it anybody may take.
    pub limits: Limits,
    /// How letters go out; none if none do.
    pub mail: Option<Mail>,
    /// An address of its own for health, metrics and version.
    pub ops: Option<SocketAddr>,
    /// The operator's clients.
    pub clients: Vec<Client>,
    /// Where each setting came from, in words, by `section.key`.
    pub origins: BTreeMap<String, String>,
}

impl Config {
    /// Where a setting came from, in words, for error messages: `server.listen` may be
    /// ``the flag `--listen` `` or `countersign.toml:3:10`.
    pub fn origin(&self, setting: &str) -> &str {
        self.origins.get(setting).map_or("the default", String::as_str)
    }
}

/// How a process is reached.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Scheme, base domain and port as customers see them: no path, query, fragment or login.
    pub base_url: Url,
    /// The peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
}

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A database file.
    Sqlite(PathBuf),
    /// A Redis.
    Redis(RedisUrl),
}

/// What a process may reach.
#[derive(Debug, Clone)]
pub struct Egress {
    /// Exceptions for literal hosts and ports.
    pub allow: Vec<Allow>,
    /// Ports that URLs of providers may name.
    pub ports: Vec<u16>,
}
