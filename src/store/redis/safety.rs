//! Whether a Redis keeps what it acknowledges (DESIGN §3): asked of every master on every new
//! connection, so that one that became master in a failover is asked too.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Value, cmd, from_redis_value};

use super::access::Access;
use super::fault::Fault;
use super::node::Address;

/// What a server keeps to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pledge {
    /// So many replicas must have a durable commit before it is answered.
    pub(super) replicas: u32,
    /// Its replicas as it names them.
    pub(super) followers: Vec<Address>,
}

/// Settings that must have this value.
const DEMANDED: [(&str, &str); 4] = [
    ("appendonly", "yes"),
    ("appendfsync", "always"),
    ("no-appendfsync-on-rewrite", "no"),
    ("maxmemory-policy", "noeviction"),
];
const REPLICAS: &str = "min-replicas-to-write";
/// The first version that numbers the entries of a log by itself, and judges a script before it runs.
const OLDEST: u32 = 7;

/// What every server is asked first.
pub(super) fn questions() -> Pipeline {
    let mut settings = cmd("CONFIG");
    settings.arg("GET");
    for (name, _) in DEMANDED {
        settings.arg(name);
    }
    settings.arg(REPLICAS);
    let mut questions = Pipeline::with_capacity(2);
    questions.add_command(settings);
    questions.cmd("INFO").arg("server").arg("replication").arg("cluster");
    questions
}

/// Asks a master.
pub(super) async fn check(
    connection: &mut MultiplexedConnection,
    at: &Address,
    access: &Access,
) -> Result<Pledge, Fault> {
    let answers = connection.send_packed_commands(&questions(), 0, 2).await;
    let answers = answers.map_err(|_| Fault::Refused(format!("`{at}` closes the connection")))?;
    let (pledge, role) = examine(answers, at, access)?;
    if role == Role::Master { Ok(pledge) } else { Err(Fault::Moved(None)) }
}

/// Judges the answers to [`questions`].
pub(super) fn examine(answers: Vec<Value>, at: &Address, access: &Access) -> Result<(Pledge, Role), Fault> {
    let [settings, about] = <[Value; 2]>::try_from(answers)
        .map_err(|_| Fault::Refused(format!("`{at}` answers what was not asked")))?;
    let about = About::of(about, at, access)?;
    let settings = match settings.extract_error().map_err(|error| Fault::of(&error, at)) {
        Ok(settings) => from_redis_value(settings).map_err(|_| "it does not tell its settings".to_owned()),
        Err(Fault::Refused(reason) | Fault::Unfit(reason)) => {
            Err(format!("it does not tell its settings (`CONFIG GET`: {reason})"))
        }
        Err(fault) => return Err(fault),
    };
    let (replicas, wrong) = judge(&settings, &about);
    if !wrong.is_empty() {
        let lossy = format!("the redis at `{at}` can lose what it acknowledged: {}", wrong.join(", "));
        if !access.volatile {
            return Err(Fault::Unfit(format!(
                "{lossy}; set it so, or accept the loss with `store.dangerous_allow_volatile_store = true`"
            )));
        }
        if !access.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(detail = lossy, "store.dangerous_volatile");
        }
    }
    Ok((Pledge { replicas, followers: about.followers }, about.role))
}

/// How many replicas a durable commit waits for, and everything that is wrong.
fn judge(settings: &Result<HashMap<String, String>, String>, about: &About) -> (u32, Vec<String>) {
    let has_replicas = !about.followers.is_empty();
    let settings = match settings {
        Ok(settings) => settings,
        // Whoever accepts that is served as well as can be.
        Err(reason) => return (u32::from(has_replicas), vec![reason.clone()]),
    };
    let value = |name: &str| settings.get(name).map_or("", String::as_str);
    let mut wrong: Vec<String> = DEMANDED
        .iter()
        .filter(|(name, wanted)| value(name) != *wanted)
        .map(|(name, wanted)| format!("`{name}` is `{}` and must be `{wanted}`", value(name)))
        .collect();
    let demanded: u32 = value(REPLICAS).parse().unwrap_or(0);
    if demanded == 0 && has_replicas {
        wrong.push(format!("it has replicas, so that `{REPLICAS}` must be at least `1`"));
    }
    (demanded.max(u32::from(has_replicas)), wrong)
}

/// Whether a server takes changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It does.
    Master,
    /// It follows one that does.
    Replica,
}

/// What `INFO` says.
#[derive(Debug, PartialEq, Eq)]
struct About {
    role: Role,
    followers: Vec<Address>,
}

impl About {
    /// Reads it; a server that is too old, or one of an unexpected cluster, is none to use.
    fn of(answer: Value, at: &Address, access: &Access) -> Result<Self, Fault> {
        let answer = answer.extract_error().map_err(|error| Fault::of(&error, at))?;
        let text: String = from_redis_value(answer).unwrap_or_default();
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map_or("", str::trim)
        };
        let version = value("redis_version");
        let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major| major < OLDEST) {
            let version = if version.is_empty() { "unknown" } else { version };
            return Err(Fault::Unfit(format!(
                "the redis at `{at}` is of version `{version}`; it must be {OLDEST}.0 or newer"
            )));
        }
        if value("cluster_enabled") == "1" && !access.clustered {
            return Err(Fault::Unfit(format!("`{at}` is a node of a cluster; write `redis+cluster://`")));
        }
        let role = if value("role") == "master" { Role::Master } else { Role::Replica };
        Ok(Self { role, followers: text.lines().filter_map(follower).collect() })
    }
}

/// `slave0:ip=127.0.0.1,port=7001,state=online,…`
fn follower(line: &str) -> Option<Address> {
    let (number, about) = line.strip_prefix("slave")?.split_once(':')?;
    number.parse::<u32>().ok()?;
    let value = |name: &str| about.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    Some(Address::new(value("ip")?, value("port")?.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::access::Login;
    use super::*;

    fn judged(values: [&str; 5], about: &About) -> (u32, Vec<String>) {
        let names = DEMANDED.iter().map(|(name, _)| *name).chain([REPLICAS]);
        let pairs = names.zip(values).map(|(name, value)| (name.to_owned(), value.to_owned()));
        judge(&Ok(pairs.collect()), about)
    }

    fn about(text: &str) -> Result<About, Fault> {
        let access = Access::new(&Login::default(), false, false).unwrap();
        About::of(Value::BulkString(text.as_bytes().to_vec()), &Address::new("r", 1), &access)
    }

    const ONE: &str = "redis_version:7.0.15\r\nrole:master\r\nconnected_slaves:0\r\n";
    const TWO: &str =
        "redis_version:7.2.4\r\nrole:master\r\nslave0:ip=10.0.0.1,port=7001,state=online,offset=1,lag=0\r\n";

    #[test]
    fn a_safe_server_is_accepted_with_as_many_replicas_as_it_demands() {
        let (one, two) = (about(ONE).unwrap(), about(TWO).unwrap());
        assert_eq!(judged(["yes", "always", "no", "noeviction", "0"], &one), (0, Vec::new()));
        assert_eq!(judged(["yes", "always", "no", "noeviction", "2"], &two), (2, Vec::new()));
        assert_eq!(two.followers, [Address::new("10.0.0.1", 7001)]);
    }

    #[test]
    fn every_setting_that_is_wrong_is_named_with_the_value_that_it_must_have() {
        let (demanded, wrong) = judged(["no", "everysec", "yes", "allkeys-lru", "0"], &about(TWO).unwrap());
        let wanted = [
            "`appendonly` is `no` and must be `yes`",
            "`appendfsync` is `everysec` and must be `always`",
            "`no-appendfsync-on-rewrite` is `yes` and must be `no`",
            "`maxmemory-policy` is `allkeys-lru` and must be `noeviction`",
            "it has replicas, so that `min-replicas-to-write` must be at least `1`",
        ];
        assert_eq!(wrong, wanted);
        assert_eq!(demanded, 1, "who accepts the loss still waits for a replica");
        assert_eq!(judge(&Err("silent".to_owned()), &about(ONE).unwrap()), (0, vec!["silent".to_owned()]));
    }

    #[test]
    fn an_old_server_and_a_node_of_a_cluster_are_none_to_use() {
        let old = about("redis_version:6.2.14\r\nrole:master\r\n").unwrap_err();
        assert!(matches!(old, Fault::Unfit(reason) if reason.contains("`6.2.14`") && reason.contains("7.0")));
        assert!(matches!(about("").unwrap_err(), Fault::Unfit(_)));
        let node = about(&format!("{ONE}cluster_enabled:1\r\n")).unwrap_err();
        assert!(matches!(node, Fault::Unfit(reason) if reason.contains("redis+cluster://")));
        assert_eq!(about("redis_version:7.0.15\r\nrole:slave\r\n").unwrap().role, Role::Replica);
    }
}
