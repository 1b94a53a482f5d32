//! Whether a user may run every command that the store needs. A script whose user lacks one of its commands ends in the
//! middle, with half a batch done: so each is tried by itself first, on keys that nobody else has.

use redis::{Cmd, Pipeline, Value, cmd};

use super::super::backend::{Key, Partition};
use super::fault::Fault;
use super::node::{Lane, Node};
use super::script::BatchScript;

/// Fails with the name of a command that the user may not run at the master of a partition.
pub(super) async fn check(node: &Node, partition: Partition, script: &BatchScript) -> Result<(), Fault> {
    let probes = probes(partition, script);
    let mut commands = Pipeline::with_capacity(probes.len());
    for (_, command) in &probes {
        commands.add_command(command.clone());
    }
    let answers = node.ask_all(Lane::Fast, &commands).await?;
    let refused = probes.iter().zip(answers).find(|(_, answer)| is_refused(answer));
    refused.map_or(Ok(()), |((name, _), _)| {
        Err(Fault::Unfit(format!(
            "`{}` does not let this user run `{name}`, which a store needs (docs/redis.md lists what a user must be allowed)",
            node.address()
        )))
    })
}

/// What the server did not do for other reasons is found where it matters.
fn is_refused(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(error) if error.code() == "NOPERM")
}

/// Each command with its name. They leave nothing behind if all are allowed.
fn probes(partition: Partition, script: &BatchScript) -> Vec<(&'static str, Cmd)> {
    let key = |name: &str| Key::new(partition, &format!("probe:{name}"));
    let (record, set, log, counter) = (key("record"), key("set"), key("log"), key("counter"));
    let command = |name: &'static str, key: &Key, rest: &[&str]| {
        let mut command = cmd(name);
        command.arg(key.as_bytes()).arg(rest);
        (name, command)
    };
    vec![
        command("SET", &record, &["x", "PX", "1000"]),
        command("GETRANGE", &record, &["0", "7"]),
        command("GET", &record, &[]),
        command("MGET", &record, &[]),
        command("PTTL", &record, &[]),
        command("ZADD", &set, &["0", "x"]),
        command("ZRANGE", &set, &["-", "+", "BYLEX", "LIMIT", "0", "1"]),
        command("ZREM", &set, &["x"]),
        command("XADD", &log, &["0-*", "e", "x"]),
        command("XRANGE", &log, &["-", "+", "COUNT", "1"]),
        command("INCRBY", &counter, &["1"]),
        command("DEL", &record, &[]),
        command("DEL", &log, &[]),
        command("DEL", &counter, &[]),
        ("SCRIPT", BatchScript::load()),
        ("EVALSHA", script.call(&super::super::backend::Batch::default(), [0; 8])),
    ]
}
