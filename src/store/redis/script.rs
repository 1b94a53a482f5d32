//! A batch as one call of the server-side script `batch.lua`, and what the call answers.

use std::io::Write as _;

use redis::{Cmd, RedisWrite as _, Script, Value, cmd, from_redis_value};

use super::super::backend::{Batch, Commit, Expect};
use super::fault::Fault;

const TEXT: &str = include_str!("batch.lua");
/// Bytes of an argument beside its own.
const FRAME: usize = 16;

/// The script, known by its hash.
pub(super) struct BatchScript {
    hash: String,
}

impl BatchScript {
    pub(super) fn new() -> Self {
        Self { hash: Script::new(TEXT).get_hash().to_owned() }
    }

    /// Teaches a server the script.
    pub(super) fn load() -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(TEXT);
        load
    }

    /// The call for a batch, whose puts all get this version.
    pub(super) fn call(&self, batch: &Batch, version: [u8; 8]) -> Cmd {
        let Batch { expects, deletes, puts, removes, adds, appends } = batch;
        let counts = [expects.len(), deletes.len(), puts.len(), removes.len(), adds.len(), appends.len()];
        let pairs = || removes.iter().chain(adds).chain(appends);
        let keys = expects.iter().map(|(key, _)| key).chain(deletes).chain(puts.iter().map(|put| &put.key));
        let keys = keys.chain(pairs().map(|(key, _)| key));
        let number: usize = counts.iter().sum();
        let bytes = self.hash.len()
            + keys.clone().map(|key| key.as_bytes().len() + FRAME).sum::<usize>()
            + puts.iter().map(|put| put.value.len() + 3 * FRAME).sum::<usize>()
            + pairs().map(|(_, bytes)| bytes.len()).sum::<usize>();
        let mut call = Cmd::with_capacity(9 + 3 * number, bytes + 12 * FRAME);
        call.arg("EVALSHA").arg(&self.hash).arg(number);
        for key in keys {
            call.arg(key.as_bytes());
        }
        for count in counts {
            call.arg(count);
        }
        for (_, expect) in expects {
            match expect {
                Expect::Absent => call.arg(b""),
                Expect::At(version) => call.arg(&version.number().to_be_bytes()),
            };
        }
        for put in puts {
            let mut record = call.writer_for_next_arg();
            for part in [&version[..], &put.value] {
                record.write_all(part).expect("a vector takes every byte");
            }
            drop(record);
            match put.ttl {
                Some(ttl) => {
                    call.arg(u64::try_from(ttl.as_millis()).unwrap_or(MOST_MILLIS).clamp(1, MOST_MILLIS))
                }
                None => call.arg(b""),
            };
        }
        for (_, bytes) in pairs() {
            call.arg(bytes.as_slice());
        }
        call
    }
}

/// The longest time to live that Redis takes, about a million years.
const MOST_MILLIS: u64 = 1 << 55;

/// What the script says became of the batch.
pub(super) fn read(answer: Value) -> Result<Commit, Fault> {
    match from_redis_value::<u8>(answer) {
        Ok(1) => Ok(Commit::Done),
        Ok(0) => Ok(Commit::Conflict),
        _ => Err(Fault::Late("an answer that no batch has".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::super::super::backend::{Key, Partition, Put, Version};
    use super::*;

    fn parts(call: &Cmd) -> Vec<Vec<u8>> {
        call.args_iter()
            .map(|arg| match arg {
                redis::Arg::Simple(bytes) => bytes.to_vec(),
                _ => panic!("no cursor"),
            })
            .collect()
    }

    #[test]
    fn a_batch_stands_in_its_call_in_the_order_of_the_script() {
        let key = |name: &str| Key::new(Partition::new(7), name);
        let put = |name, ttl| Put { key: key(name), value: Bytes::from_static(b"v"), ttl };
        let batch = Batch {
            expects: vec![(key("e"), Expect::At(Version::new(1))), (key("f"), Expect::Absent)],
            deletes: vec![key("d")],
            puts: vec![put("p", Some(Duration::from_secs(2))), put("q", None), put("r", Some(Duration::MAX))],
            removes: vec![(key("s"), b"out".to_vec())],
            adds: vec![(key("s"), b"in".to_vec())],
            appends: vec![(key("l"), b"entry".to_vec())],
        };
        let call = BatchScript::new().call(&batch, *b"versions");
        let parts = parts(&call);
        let texts: Vec<_> = parts.iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        assert_eq!((texts[0].as_str(), texts[1].len(), texts[2].as_str()), ("EVALSHA", 40, "9"));
        assert_eq!(texts[3..12].join(" "), "{07}:e {07}:f {07}:d {07}:p {07}:q {07}:r {07}:s {07}:s {07}:l");
        assert_eq!(texts[12..18].join(" "), "2 1 3 1 1 1");
        assert_eq!((&parts[18][..], &parts[19][..]), (&[0, 0, 0, 0, 0, 0, 0, 1][..], &b""[..]));
        let most = MOST_MILLIS.to_string();
        let rest = ["versionsv", "2000", "versionsv", "", "versionsv", &most, "out", "in", "entry"];
        assert_eq!(texts[20..], rest);
    }

    #[test]
    fn an_answer_that_no_batch_has_leaves_it_open() {
        assert!(matches!(read(Value::Int(1)), Ok(Commit::Done)));
        assert!(matches!(read(Value::Int(0)), Ok(Commit::Conflict)));
        for answer in [Value::Int(2), Value::Nil, Value::Array(Vec::new())] {
            assert!(matches!(read(answer), Err(Fault::Late(_))));
        }
    }
}
