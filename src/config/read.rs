//! From the layers to a [`Config`]: one line per setting, all faults at once.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use url::Url;

use crate::egress::allow::Allow;
use crate::egress::mail::Way;
use crate::secret::Secret;

use super::check::{Literals, parse};
use super::environment::Environment;
use super::fault::{Fault, Faults, Place, Report};
use super::layers::{Layers, Problem};
use super::node::Node;
use super::settings::{Flags, SHAPE};
use super::source::Source;
use super::words::quoted;
use super::{Config, Egress, Loaded, RedisLogin, RedisUrl, Server, StoreUrl, clients, limits, mail};

/// The settings file that is used if none is named and it exists.
pub const DEFAULT_FILE: &str = "countersign.toml";

/// The largest settings file, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024;

impl Config {
    /// Reads flags, environment and file into checked settings, or says everything that is wrong.
    pub fn read(flags: &Flags, environment: &Environment) -> Result<Loaded<Self>, Faults> {
        let source = main_file(flags)?;
        let Some(source) = source else { return Self::of(Layers::new(flags, environment, None), None) };
        let mut report = Report::new(Arc::clone(&source));
        let document = parse(&source, Literals::Refused, &mut report);
        let node = Node::root(&document);
        let layers = Layers::new(flags, environment, Some((Arc::clone(&source), node.clone())));
        Self::of(layers, Some((node, report)))
    }

    fn of(mut layers: Layers<'_>, file: Option<(Node<'_>, Report)>) -> Result<Loaded<Self>, Faults> {
        let listen = layers.one("server", "listen", address);
        let base_url = layers.one("server", "base_url", base_url);
        let trusted_proxies = layers.many("server", "trusted_proxies", network);
        let store = layers.one("store", "url", store_url);
        let redis = redis_login(&mut layers, store.as_ref());
        let keys = layers.one("keys", "file", path);
        let tenants = layers.one("tenants", "dir", path);
        let allow = layers.many("egress", "allow", exception);
        let ports = layers.many("egress", "ports", port);
        let limits = limits::read(&mut layers);
        let mail = mail::read(&mut layers, base_url.as_ref());
        let ops = layers.one("ops", "listen", address);
        let mut list = Vec::new();
        let (mut faults, mut warnings) = (layers.faults, layers.warnings);
        if let Some((node, mut report)) = file {
            list = clients::read(&node, &mut report);
            let (more_faults, more_warnings) = report.into_parts();
            // A value of the wrong type is told once: the shape's word comes with the type.
            faults.retain(|fault| !more_faults.iter().any(|other| same_place(fault, other)));
            faults.extend(more_faults);
            warnings.extend(more_warnings);
        }
        let mut warnings = Faults::of(faults, warnings)?;
        let (Some(listen), Some(base_url), Some(store), Some(keys), Some(tenants), Some(limits)) =
            (listen, base_url, store, keys, tenants, limits)
        else {
            return Err(Fault::new(Place::Default, "the settings are not complete").into());
        };
        if base_url.scheme() == "http" {
            warnings.push(insecure_base_url(&layers.origins));
        }
        if let Some(way) = mail.as_ref().map(|mail| &mail.way).filter(|way| !matches!(way, Way::Relay(_))) {
            warnings.push(mail_for_development(way));
        }
        let server = Server { listen, base_url, trusted_proxies };
        let egress = Egress { allow, ports };
        let (store, origins) = (store.0, layers.origins);
        let config =
            Self { server, store, redis, keys, tenants, egress, limits, mail, ops, clients: list, origins };
        Ok(Loaded { value: config, warnings })
    }
}

fn same_place(a: &Fault, b: &Fault) -> bool {
    a.line_and_column().is_some() && a.line_and_column() == b.line_and_column()
}

fn insecure_base_url(origins: &std::collections::BTreeMap<String, String>) -> Fault {
    let origin = origins.get("server.base_url").map_or("the default", String::as_str);
    let message = format!(
        "`server.base_url` is `http:` (from {origin}): cookies lose `Secure` and the `__Host-` prefix"
    );
    Fault::new(Place::Default, message)
        .with_help("use it for development only; in production name an `https:` URL")
        .as_warning()
}

fn mail_for_development(way: &Way) -> Fault {
    let what = match way {
        Way::DangerousLog => "shows sign-in codes and invitations to WHOEVER READS THE LOG",
        _ => "keeps letters in a folder, and sends none",
    };
    Fault::new(Place::Default, format!("`mail.url` is `{}`: it {what}", way.as_str()))
        .with_help(
            "use it for development only; in production name a mail server, e.g. `smtps://user@mail.example`",
        )
        .as_warning()
}

/// The text of the settings file, if there is one.
fn main_file(flags: &Flags) -> Result<Option<Arc<Source>>, Faults> {
    let path = match &flags.config {
        Some(path) => path.as_str(),
        None if fs::exists(DEFAULT_FILE).unwrap_or(false) => DEFAULT_FILE,
        None => return Ok(None),
    };
    let text = read_text(path).map_err(|problem| {
        Fault::new(Place::File(path.to_owned()), problem).with_help("give the settings file with `--config`")
    })?;
    Ok(Some(Source::new(path, text, &SHAPE)))
}

/// Reads a settings file: UTF-8, at most [`MAX_FILE`] bytes. The error is in words.
pub fn read_text(path: impl AsRef<std::path::Path>) -> Result<String, String> {
    let told = |error: &std::io::Error| format!("cannot be read: {}", error.to_string().to_lowercase());
    let size = fs::metadata(&path).map_err(|error| told(&error))?.len();
    if size > MAX_FILE {
        return Err(format!("is larger than {MAX_FILE} bytes"));
    }
    let bytes = fs::read(&path).map_err(|error| told(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let lines = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|b| *b == b'\n').count();
        format!("is not UTF-8 (line {lines})")
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn address(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| {
        let help = "write address and port, e.g. `127.0.0.1:8080`, `0.0.0.0:443` or `[::]:443`";
        Problem::new(format!("{} is no address", quoted(text)), help)
    })
}

fn base_url(text: &str) -> Result<Url, Problem> {
    let problem = |message: &str| {
        Problem::new(message, "write scheme, host and perhaps port, e.g. `https://auth.example.com`")
    };
    let url = Url::parse(text).map_err(|told| problem(&format!("not a URL ({told})")))?;
    if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
        return Err(problem("not a web address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("a base URL holds no user name and password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(problem("a base URL has no path, query or fragment"));
    }
    Ok(url)
}

fn network(text: &str) -> Result<IpNet, Problem> {
    let single = text.parse::<IpAddr>().map(IpNet::from);
    single.or_else(|_| text.parse()).map_err(|_| {
        Problem::new(
            format!("{} is no network", quoted(text)),
            "write an address or a network, e.g. `10.0.0.0/8`",
        )
    })
}

fn exception(text: &str) -> Result<Allow, Problem> {
    text.parse().map_err(|_| {
        let help = "write `host:port`, or `tenant=host:port` for one tenant; no wildcards";
        Problem::new(format!("{} is no exception", quoted(text)), help)
    })
}

fn port(text: &str) -> Result<u16, Problem> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| Problem::new(format!("{} is no port", quoted(text)), "write numbers from 1 to 65535"))
}

fn path(text: &str) -> Result<PathBuf, Problem> {
    if text.is_empty() {
        return Err(Problem::new("a path is missing", "name a file or folder"));
    }
    Ok(PathBuf::from(text))
}

/// The URL may hold a password, so that a fault repeats nothing of it.
fn store_url(text: &str) -> Result<(StoreUrl, RedisLogin), Problem> {
    let problem = |message: &str| {
        let help = "write `sqlite:` and a path, e.g. `sqlite:data/countersign.db`, or the URL of a Redis, e.g. \
                    `rediss://redis.example:6379`";
        Problem::new(message, help)
    };
    match text.split_once(':') {
        Some(("sqlite", path)) if path.trim_start_matches('/').is_empty() => {
            Err(problem("`sqlite:` needs the path of a file"))
        }
        Some(("sqlite", path)) => {
            Ok((StoreUrl::Sqlite(PathBuf::from(sqlite_path(path))), RedisLogin::default()))
        }
        Some((scheme, _)) if scheme.starts_with("redis") => {
            RedisUrl::parse(text).map(|(url, login)| (StoreUrl::Redis(url), login))
        }
        _ => Err(problem("not a store")),
    }
}

/// What stands in the URL, and beside it.
fn redis_login(layers: &mut Layers<'_>, store: Option<&(StoreUrl, RedisLogin)>) -> RedisLogin {
    let has_tls = store.is_none_or(|(url, _)| matches!(url, StoreUrl::Redis(url) if url.tls));
    let pem = |text: &str| {
        if !has_tls {
            return Err(Problem::new("the store does not speak TLS", "write `rediss` in `store.url`"));
        }
        file(text).map(String::into_bytes)
    };
    let authority = layers.one("store", "tls_ca", pem);
    let certificate = layers.one("store", "tls_cert", pem);
    let key = layers.one("store", "tls_key", pem);
    let one_of = |text: &str| match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Problem::new("not a choice", "write `true` or `false`")),
    };
    let volatile = layers.one("store", "dangerous_allow_volatile_store", one_of);
    let word = |text: &str| match text.trim_end_matches(['\r', '\n']) {
        text if text.trim().is_empty() => Err(Problem::new("the password is blank", "leave the setting out")),
        text => Ok(Secret::new(text)),
    };
    let typed = layers.one("store", "password", word);
    let kept = layers.one("store", "password_file", |path| word(&file(path)?));
    let in_url = store.map(|(_, login)| login.clone()).unwrap_or_default();
    RedisLogin {
        username: in_url.username,
        password: typed.or(kept).or(in_url.password),
        authority,
        certificate,
        key,
        dangerous_allow_volatile_store: volatile.unwrap_or(false),
    }
}

fn file(path: &str) -> Result<String, Problem> {
    read_text(path).map_err(|told| Problem::new(format!("the file {told}"), "name a file that we can read"))
}

/// `sqlite:///var/x.db` is the URL spelling of the path `/var/x.db`.
fn sqlite_path(path: &str) -> &str {
    path.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}
