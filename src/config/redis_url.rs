//! The URL of a Redis store: one server, a master that sentinels name, or a cluster.
//!
//! `redis://[user[:password]@]host[:port][/database]`,
//! `redis+sentinel://[user[:password]@]host[:port][,host[:port]…]/master[/database]`,
//! `redis+cluster://[user[:password]@]host[:port][,host[:port]…]`; with TLS the scheme begins with
//! `rediss`. What stands before the `@` is percent-encoded, and is never shown.

use std::fmt;

use crate::secret::Secret;

use super::layers::Problem;

/// What a fault says about the form.
const HELP: &str = "write e.g. `rediss://redis.example:6379`, `redis+sentinel://a:26379,b:26379/mymaster` or \
                    `redis+cluster://a:6379,b:6379`; `%40` stands for `@` in a password, `%2F` for `/`";
/// Where a server listens if nothing is said.
const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Where a Redis is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// How its servers belong together.
    pub form: RedisForm,
    /// The servers or sentinels that are named: names or addresses without brackets, and ports.
    pub nodes: Vec<(String, u16)>,
    /// Whether they speak TLS.
    pub tls: bool,
    /// The number of the database.
    pub database: u16,
}

/// How the servers of a Redis belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedisForm {
    /// One server.
    One,
    /// Sentinels, which know the master by this name.
    Sentinel(String),
    /// A cluster, known by some of its nodes.
    Cluster,
}

/// How to get in: nothing of it is ever shown.
#[derive(Clone, Default)]
pub struct RedisLogin {
    /// The name of an ACL user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The authority that signed the servers' certificates, in PEM; none is the public ones.
    pub authority: Option<Vec<u8>>,
    /// Our own certificate in PEM.
    pub certificate: Option<Vec<u8>>,
    /// Its private key in PEM.
    pub key: Option<Vec<u8>>,
    /// Whether servers that can lose what they acknowledged are accepted.
    pub dangerous_allow_volatile_store: bool,
}

impl fmt::Debug for RedisLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLogin([redacted])")
    }
}

impl RedisUrl {
    /// Reads a URL, with user name and password if they stand there. Faults repeat nothing of it.
    pub fn parse(text: &str) -> Result<(Self, RedisLogin), Problem> {
        let problem = |message: &str| Problem::new(message, HELP);
        let (scheme, rest) = text.split_once("://").ok_or_else(|| problem("a server is missing"))?;
        let (tls, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => (true, kind),
            None => (false, scheme.strip_prefix("redis").unwrap_or("?")),
        };
        if rest.contains(['?', '#']) {
            return Err(problem("a store URL has no query and no fragment"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (self::login(login)?, hosts),
            None => (RedisLogin::default(), authority),
        };
        let port = if kind == "+sentinel" { SENTINEL_PORT } else { SERVER_PORT };
        let nodes: Vec<_> =
            hosts.split(',').map(|host| node(host, port)).collect::<Option<_>>().ok_or_else(|| {
                problem("the servers cannot be read; each is a name or an address, and perhaps a port")
            })?;
        let (form, database) = match (kind, path.split_once('/').unwrap_or((path, ""))) {
            ("", _) if nodes.len() > 1 => {
                return Err(problem("one server is named by `redis://`; a cluster by `redis+cluster://`"));
            }
            ("", (database, "")) => (RedisForm::One, database),
            ("+cluster", ("", "")) => (RedisForm::Cluster, ""),
            ("+cluster", _) => return Err(problem("a cluster has no databases")),
            ("+sentinel", ("", _)) => return Err(problem("the sentinels' name of the master is missing")),
            ("+sentinel", (master, database)) => (RedisForm::Sentinel(decoded(master)?), database),
            _ => return Err(problem("not a store")),
        };
        let number = if database.is_empty() { Some(0) } else { database.parse().ok() };
        let database = number.ok_or_else(|| problem("a database is a number"))?;
        Ok((Self { form, nodes, tls, database }, login))
    }
}

fn login(text: &str) -> Result<RedisLogin, Problem> {
    let (username, password) = text.split_once(':').map_or((text, None), |(user, word)| (user, Some(word)));
    let filled = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(RedisLogin {
        username: filled(decoded(username)?),
        password: password.map(decoded).transpose()?.and_then(filled).map(Secret::new),
        ..RedisLogin::default()
    })
}

fn node(text: &str, port: u16) -> Option<(String, u16)> {
    let (host, written) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let host: std::net::Ipv6Addr = host.parse().ok()?;
        (host.to_string(), if rest.is_empty() { "" } else { rest.strip_prefix(':')? })
    } else {
        let (host, written) = text.split_once(':').unwrap_or((text, ""));
        let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        (Some(host).filter(|host| !host.is_empty() && host.bytes().all(known))?.to_owned(), written)
    };
    let port = if written.is_empty() { port } else { written.parse().ok().filter(|port| *port != 0)? };
    Some((host, port))
}

/// Takes percent signs back (RFC 3986, 2.1).
pub(super) fn decoded(text: &str) -> Result<String, Problem> {
    let problem = || Problem::new("a percent sign is not followed by two hexadecimal digits of UTF-8", HELP);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        rest = more;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        bytes.push(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(problem)?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> (RedisUrl, RedisLogin) {
        RedisUrl::parse(text).unwrap_or_else(|problem| panic!("{text}: {}", problem.message))
    }

    #[test]
    fn one_server_sentinels_and_a_cluster_are_told_apart() {
        let (url, login) = parse("redis://localhost");
        assert_eq!((url.form, url.tls, url.database), (RedisForm::One, false, 0));
        assert_eq!(url.nodes, [("localhost".to_owned(), 6379)]);
        assert!(login.username.is_none() && login.password.is_none());
        let (url, _) = parse("rediss://[::1]:7000/3");
        assert_eq!((url.nodes[0].clone(), url.tls, url.database), (("::1".to_owned(), 7000), true, 3));
        let (url, _) = parse("rediss+sentinel://a,b:7/mymaster/2");
        assert_eq!(url.form, RedisForm::Sentinel("mymaster".to_owned()));
        assert_eq!(
            (url.nodes.clone(), url.database),
            (vec![("a".to_owned(), 26379), ("b".to_owned(), 7)], 2)
        );
        let (url, _) = parse("redis+cluster://10.0.0.1:7001,10.0.0.2:7001");
        assert_eq!((url.form, url.nodes.len()), (RedisForm::Cluster, 2));
    }

    #[test]
    fn a_login_is_decoded_and_never_shown() {
        let (url, login) = parse("redis://bro%6Ber:can%40ary%2F%25@h/1");
        assert_eq!(login.username.as_deref(), Some("broker"));
        assert_eq!(login.password.as_ref().unwrap().expose(), "can@ary/%");
        assert!(!format!("{url:?}{login:?}").contains("bro"));
        let (_, login) = parse("redis://:p:w@h");
        assert_eq!((login.username, login.password.unwrap().expose()), (None, "p:w"));
    }

    #[test]
    fn what_is_no_redis_is_refused_without_being_repeated() {
        for text in [
            "redis:",
            "redis:h",
            "redis://",
            "redis://canary@",
            "redis://h:0",
            "redis://h:canary",
            "redis://h:70000",
            "redis://a,b",
            "redis://h/canary",
            "redis://h/1/canary",
            "redis://h?canary=1",
            "redis://h#canary",
            "redis://can%zzary@h",
            "redis://can%ffary@h",
            "redis://can%4@h",
            "redis://can ary",
            "redis://[canary]",
            "redis://[::1]canary",
            "redis+sentinel://h",
            "redis+sentinel://h/",
            "redis+sentinel://h/m/canary",
            "redis+cluster://h/1",
            "redis+cluster://h,",
            "redis+canary://h",
            "redisx://h",
        ] {
            let problem = RedisUrl::parse(text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(
                !problem.message.contains("canary") && !problem.message.contains("ary"),
                "{}",
                problem.message
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_the_reader_down(text in "(rediss?(\\+sentinel|\\+cluster)?://)?[ -~é]{0,40}|\\PC{0,60}") {
            if let Ok((url, _)) = RedisUrl::parse(&text) {
                prop_assert!(url.nodes.iter().all(|(host, port)| !host.is_empty() && *port != 0));
            }
        }

        #[test]
        fn every_password_survives_its_encoding(password in "\\PC{1,20}") {
            let mut url = "redis://u:".to_owned();
            for b in password.bytes() {
                write!(url, "%{b:02X}").unwrap();
            }
            let (_, login) = RedisUrl::parse(&(url + "@h")).ok().unwrap();
            let read = login.password.unwrap();
            prop_assert_eq!(read.expose(), password);
        }
    }
}
