//! A Redis that can lose what it acknowledged is refused, with the setting to change.

use std::time::Duration;

use countersign::clock::Clock;
use countersign::secret::Secret;
use countersign::store::backend::{Backend as _, Commit};
use countersign::store::redis::access::Login;
use countersign::store::redis::topology::Kind;
use countersign::store::redis::{RedisBackend, RedisError};
use rstest::rstest;

use super::{Space, add, backend, one};
use crate::harness::redis::{SAFE, Server};

async fn refused(server: &Server) -> String {
    match one(server).check().await {
        Err(RedisError::Unfit(reason)) => reason,
        other => panic!("it was not refused: {other:?}"),
    }
}

#[rstest]
#[case::no_log(&["--appendonly", "no"], "`appendonly` is `no` and must be `yes`")]
#[case::seldom_fsync(&["--appendfsync", "everysec"], "`appendfsync` is `everysec` and must be `always`")]
#[case::no_fsync(&["--appendfsync", "no"], "`appendfsync` is `no` and must be `always`")]
#[case::no_fsync_while_rewriting(
    &["--no-appendfsync-on-rewrite", "yes"],
    "`no-appendfsync-on-rewrite` is `yes` and must be `no`"
)]
#[case::evicting(
    &["--maxmemory-policy", "allkeys-lru"],
    "`maxmemory-policy` is `allkeys-lru` and must be `noeviction`"
)]
#[tokio::test]
async fn a_redis_that_can_lose_what_it_acknowledged_is_refused_with_the_setting_to_change(
    #[case] unsafe_in: &[&str],
    #[case] said: &str,
) {
    let server = Server::start(&[SAFE, unsafe_in].concat());
    let reason = refused(&server).await;
    assert!(reason.contains(said) && reason.matches("must be").count() == 1, "{reason}");
    assert!(reason.contains("store.dangerous_allow_volatile_store"), "{reason}");
    let space = Space::new();
    let backend = one(&server);
    let unchecked = backend.get(&[space.key("a")]).await;
    assert!(unchecked.is_err(), "who did not ask before is refused too");
    let kind = Kind::One(server.address());
    let accepting = RedisBackend::new(kind, &Login::default(), true, Clock::system()).unwrap();
    accepting.check().await.expect("the operator said that losing it is fine");
    assert_eq!(add(&accepting, &space, "a").await, Commit::Done);
}

#[tokio::test]
async fn every_setting_that_is_wrong_is_named_at_once() {
    let server = Server::start(&["--appendonly", "no", "--maxmemory-policy", "allkeys-random"]);
    let reason = refused(&server).await;
    assert_eq!(reason.matches("must be").count(), 3, "{reason}");
}

#[tokio::test]
async fn a_master_whose_replicas_need_not_have_what_it_acknowledges_is_refused_and_they_are_none_to_use() {
    let master = Server::start(SAFE);
    let replica = master.replica(SAFE);
    assert!(refused(&master).await.contains("`min-replicas-to-write` must be at least `1`"));
    assert!(refused(&replica).await.contains("a replica is named"));
    master.cli(&["config", "set", "min-replicas-to-write", "1"]);
    one(&master).check().await.unwrap();
}

#[tokio::test]
async fn a_replica_that_would_be_an_unsafe_master_is_found_out_before_it_is_one() {
    let master = Server::start(&[SAFE, &["--min-replicas-to-write", "1"]].concat());
    let replica = master.replica(&[]);
    let reason = refused(&master).await;
    assert!(reason.contains(&replica.address().to_string()) && reason.contains("`appendonly`"), "{reason}");
}

#[tokio::test]
async fn a_server_that_keeps_its_settings_to_itself_is_unsafe() {
    let hidden = [SAFE, &["--rename-command", "CONFIG", ""]].concat();
    let server = Server::start(&hidden);
    assert!(refused(&server).await.contains("does not tell its settings"));
}

#[tokio::test]
async fn a_wrong_kind_of_url_is_said() {
    let server = Server::start(SAFE);
    let reason = match backend(Kind::Cluster(vec![server.address()])).check().await {
        Err(RedisError::Unfit(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert!(reason.contains("is no cluster"), "{reason}");
    let node = Server::start(&[SAFE, &["--cluster-enabled", "yes"]].concat());
    assert!(refused(&node).await.contains("redis+cluster:"), "a node of a cluster is no single server");
}

#[tokio::test]
async fn a_password_is_needed_and_must_be_right() {
    let server = Server::start(&[SAFE, &["--requirepass", "canary-right"]].concat());
    let login = |password: Option<&str>| Login { password: password.map(Secret::new), ..Login::default() };
    let open = |login: Login| {
        RedisBackend::new(Kind::One(server.address()), &login, false, Clock::system()).unwrap()
    };
    for (password, said) in
        [(None, "wants a password"), (Some("canary-wrong"), "refuses user name or password")]
    {
        let error = open(login(password)).check().await.unwrap_err();
        assert!(matches!(&error, RedisError::Unfit(reason) if reason.contains(said)), "{error:?}");
        assert!(!format!("{error:?}{error}").contains("canary"));
    }
    let right = open(login(Some("canary-right")));
    right.check().await.unwrap();
    assert_eq!(add(&right, &Space::new(), "a").await, Commit::Done);
    // The same by an ACL user with the rights that docs/redis.md asks for.
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redis.md")).unwrap();
    let rights = page.split("A user of its own needs `").nth(1).unwrap().split('`').next().unwrap();
    let rights: Vec<_> = rights.split_whitespace().collect();
    let user = ["-a", "canary-right", "acl", "setuser", "broker", "on", ">canary-acl", "~{*"];
    assert_eq!(server.cli(&[&user[..], &rights].concat()).trim(), "OK");
    let user = Login { username: Some("broker".to_owned()), ..login(Some("canary-acl")) };
    let user = open(user);
    user.check().await.unwrap();
    assert_eq!(add(&user, &Space::new(), "a").await, Commit::Done);
    user.ping().await.unwrap();
    user.reserve(&Space::new().key("n"), 1).await.unwrap();
    assert!(user.range(&Space::new().key("set"), b"", 1).await.unwrap().is_empty());
    assert!(user.read(&Space::new().key("log"), 0, 1).await.unwrap().is_empty());
    assert_eq!(
        server.cli(&["-a", "canary-right", "keys", "*probe*"]).trim(),
        "",
        "nothing is left of the check"
    );
    // One that lacks a command of the script would do half a batch: it is refused, with the command's name.
    for lacks in ["XADD", "ZREM", "EVALSHA", "INCRBY"] {
        let without = format!("-{}", lacks.to_lowercase());
        let name = format!("without-{lacks}");
        let user = ["-a", "canary-right", "acl", "setuser", &name, "on", ">canary-acl", "~{*"];
        assert_eq!(server.cli(&[&user[..], &rights, &[&without]].concat()).trim(), "OK");
        let user = open(Login { username: Some(name.clone()), ..login(Some("canary-acl")) });
        let error = user.check().await.unwrap_err();
        assert!(error.to_string().contains(&format!("run `{lacks}`")), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_silent_within_two_seconds() {
    let mut server = Server::start(SAFE);
    for is_frozen in [true, false] {
        if is_frozen {
            server.freeze();
        } else {
            server.thaw();
            server.kill();
        }
        let backend = one(&server);
        let checked = tokio::time::timeout(Duration::from_secs(2), backend.check()).await;
        assert!(matches!(checked, Ok(Err(RedisError::Silent(_)))), "{checked:?}");
    }
}
