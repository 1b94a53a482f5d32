//! The main settings: layers, defaults, and what is said about wrong ones.

use std::path::PathBuf;

use countersign::cli::render_all;
use countersign::config::layers::variables;
use countersign::config::{Config, Environment, Faults, Flags, Loaded, Look, StoreUrl};
use countersign::egress::mail::{Guarded, Way};
use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::{compare_beside, fixtures};

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn flags(text: Option<&NamedTempFile>) -> Flags {
    Flags { config: text.map(|file| file.path().display().to_string()), ..Flags::default() }
}

fn from_file(text: &str) -> Result<Loaded<Config>, Faults> {
    Config::read(&flags(Some(&file(text))), &Environment::default())
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Loaded<Config>, Faults> {
    Config::read(&Flags::default(), &pairs.iter().copied().collect())
}

fn told(result: Result<Loaded<Config>, Faults>) -> String {
    result.unwrap_err().render(Look::Plain)
}

#[test]
fn without_anything_there_are_defaults() {
    let loaded = from_environment(&[]).unwrap();
    let config = loaded.value;
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.base_url.as_str(), "http://localhost:8080/");
    assert_eq!(config.store, StoreUrl::Sqlite(PathBuf::from("data/countersign.db")));
    assert_eq!(config.keys, PathBuf::from("keys.toml"));
    assert_eq!(config.tenants, PathBuf::from("tenants"));
    assert_eq!(config.egress.ports, [443, 8443]);
    assert!(config.egress.allow.is_empty() && config.server.trusted_proxies.is_empty());
    assert!(config.ops.is_none() && config.clients.is_empty());
    assert_eq!(config.origin("server.listen"), "the default");
    assert!(render_all(&loaded.warnings, Look::Plain).contains("`__Host-`"), "http is said at the start");
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let file = file(
        "[server]\nlisten = \"127.0.0.1:1\"\nbase_url = \"https://file.example\"\n[tenants]\ndir = \"from-file\"\n",
    );
    let environment: Environment = [
        ("COUNTERSIGN__SERVER__LISTEN", "127.0.0.1:2"),
        ("COUNTERSIGN__SERVER__BASE_URL", "https://environment.example"),
    ]
    .into_iter()
    .collect();
    let flags = Flags { listen: vec!["127.0.0.1:3".to_owned()], ..flags(Some(&file)) };
    let config = Config::read(&flags, &environment).unwrap().value;
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.server.base_url.as_str(), "https://environment.example/");
    assert_eq!(config.tenants, PathBuf::from("from-file"));
    assert_eq!(config.keys, PathBuf::from("keys.toml"));
    assert_eq!(config.origin("server.listen"), "the flag `--listen`");
    assert!(config.origin("server.base_url").contains("COUNTERSIGN__SERVER__BASE_URL"));
    assert!(config.origin("tenants.dir").ends_with(":5:7"), "{}", config.origin("tenants.dir"));
}

#[test]
fn every_setting_can_be_given_in_the_file() {
    let config = from_file(
        "[server]\nlisten = \"[::1]:9\"\nbase_url = \"https://auth.example:8443\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n\
         [store]\nurl = \"sqlite:///var/lib/countersign.db\"\n[keys]\nfile = \"k\"\n[tenants]\ndir = \"t\"\n\
         [egress]\nallow = [\"acme=localhost:1\"]\nports = [443]\n[ops]\nlisten = \"127.0.0.1:9090\"\n\
         [[client]]\nclient_id = \"operator\"\nscopes = [\"admin:all\"]\n\
         secret_hash = '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8'\n",
    )
    .unwrap_or_else(|faults| panic!("{}", faults.render(Look::Plain)))
    .value;
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.store, StoreUrl::Sqlite(PathBuf::from("/var/lib/countersign.db")));
    assert_eq!(config.egress.allow[0].to_string(), "acme=localhost:1");
    assert_eq!(config.egress.ports, [443]);
    assert_eq!(config.ops.unwrap().port(), 9090);
    assert_eq!(config.clients[0].client_id.as_str(), "operator");
}

#[test]
fn every_setting_can_be_given_in_the_environment() {
    let value = |name: &str| match name {
        "COUNTERSIGN__SERVER__LISTEN" | "COUNTERSIGN__OPS__LISTEN" => "127.0.0.1:7",
        "COUNTERSIGN__SERVER__BASE_URL" => "https://a.example",
        "COUNTERSIGN__SERVER__TRUSTED_PROXIES" => "10.0.0.1, 10.1.0.0/16",
        "COUNTERSIGN__STORE__URL" => "rediss://redis.example",
        "COUNTERSIGN__STORE__PASSWORD" | "COUNTERSIGN__MAIL__PASSWORD" => "p",
        "COUNTERSIGN__STORE__PASSWORD_FILE"
        | "COUNTERSIGN__STORE__TLS_CA"
        | "COUNTERSIGN__STORE__TLS_CERT"
        | "COUNTERSIGN__STORE__TLS_KEY"
        | "COUNTERSIGN__MAIL__PASSWORD_FILE"
        | "COUNTERSIGN__MAIL__TLS_CA" => "clippy.toml",
        "COUNTERSIGN__STORE__DANGEROUS_ALLOW_VOLATILE_STORE" => "true",
        "COUNTERSIGN__KEYS__FILE" | "COUNTERSIGN__TENANTS__DIR" => "path",
        "COUNTERSIGN__MAIL__URL" => "smtps://dana@mail.example",
        "COUNTERSIGN__MAIL__FROM" => "Acme <no-reply@acme.example>",
        "COUNTERSIGN__EGRESS__ALLOW" => "localhost:1,acme=localhost:2",
        "COUNTERSIGN__EGRESS__PORTS" => "443, 444",
        limit if limit.starts_with("COUNTERSIGN__LIMITS__") => "4321",
        other => panic!("give `{other}` a value in this test"),
    };
    let names = variables();
    let pairs: Vec<_> = names.iter().map(|name| (name.as_str(), value(name))).collect();
    let config =
        from_environment(&pairs).unwrap_or_else(|faults| panic!("{}", faults.render(Look::Plain))).value;
    assert_eq!((config.egress.allow.len(), config.server.trusted_proxies.len()), (2, 2));
    assert_eq!(config.egress.ports, [443, 444]);
    assert_eq!(config.origins.len(), names.len());
}

#[test]
fn mail_is_sent_where_the_settings_say_and_its_password_is_seen_by_nobody() {
    let settings = [
        ("COUNTERSIGN__MAIL__URL", "smtp://canary%40acme.example@mail.example:2525"),
        ("COUNTERSIGN__MAIL__FROM", "Acme <no-reply@acme.example>"),
        ("COUNTERSIGN__MAIL__PASSWORD", "canary-password"),
    ];
    let mail = from_environment(&settings).unwrap().value.mail.unwrap();
    let Way::Relay(relay) = &mail.way else { panic!("a mail server") };
    assert_eq!((relay.host.as_str(), relay.port, relay.guarded), ("mail.example", 2525, Guarded::ByStartTls));
    let (user, password) = relay.login.as_ref().unwrap();
    assert_eq!((user.as_str(), password.expose()), ("canary@acme.example", "canary-password"));
    assert!(!format!("{mail:?}").contains("canary-password"), "{mail:?}");
    let local = ("COUNTERSIGN__SERVER__BASE_URL", "http://localhost:8080");
    let log = [("COUNTERSIGN__MAIL__URL", "log"), ("COUNTERSIGN__MAIL__FROM", "a@acme.example"), local];
    let loaded = from_environment(&log).unwrap();
    assert!(render_all(&loaded.warnings, Look::Plain).contains("WHOEVER READS THE LOG"));
    let live = ("COUNTERSIGN__SERVER__BASE_URL", "https://auth.example.com");
    assert!(told(from_environment(&[log[0], log[1], live])).contains("`http:` base URL only"));
    assert!(told(from_environment(&[settings[0]])).contains("`mail.from` is missing"));
    assert!(from_environment(&[]).unwrap().value.mail.is_none());
}

#[test]
fn a_redis_is_named_by_its_url_and_entered_by_secrets_that_nobody_sees() {
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "canary-file\n").unwrap();
    let url =
        ("COUNTERSIGN__STORE__URL", "redis+cluster://canary-user:canary%40url@a.example:7001,b.example");
    let path = password.path().display().to_string();
    let read = |more: &[(&str, &str)]| from_environment(&[&[url], more].concat()).unwrap().value;
    for (more, wanted) in [
        (&[][..], "canary@url"),
        (&[("COUNTERSIGN__STORE__PASSWORD_FILE", &*path)], "canary-file"),
        (
            &[("COUNTERSIGN__STORE__PASSWORD", "canary-env"), ("COUNTERSIGN__STORE__PASSWORD_FILE", &path)],
            "canary-env",
        ),
    ] {
        let config = read(more);
        assert_eq!(config.redis.password.as_ref().unwrap().expose(), wanted);
        assert_eq!(config.redis.username.as_deref(), Some("canary-user"));
        assert!(!format!("{config:?}").contains("canary"), "{config:?}");
        let StoreUrl::Redis(url) = config.store else { panic!("a redis") };
        assert_eq!(url.nodes, [("a.example".to_owned(), 7001), ("b.example".to_owned(), 6379)]);
        assert!(!config.redis.dangerous_allow_volatile_store);
    }
    let volatile = ("COUNTERSIGN__STORE__DANGEROUS_ALLOW_VOLATILE_STORE", "true");
    assert!(read(&[volatile]).redis.dangerous_allow_volatile_store);
    let in_file =
        from_file("[store]\nurl = \"redis://h\"\ndangerous_allow_volatile_store = true\n").unwrap().value;
    assert!(in_file.redis.dangerous_allow_volatile_store && in_file.redis.password.is_none());
}

#[test]
fn the_flag_for_egress_takes_the_place_of_the_list_below() {
    let file = file("[egress]\nallow = [\"localhost:1\"]\n");
    let flags =
        Flags { allow_egress: vec!["a.example:2".into(), "x=b.example:3".into()], ..flags(Some(&file)) };
    let config = Config::read(&flags, &Environment::default()).unwrap().value;
    let allow: Vec<_> = config.egress.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["a.example:2", "x=b.example:3"]);
}

#[test]
fn a_broken_file_is_refused_with_the_report_beside_it() {
    for path in fixtures("main") {
        let flags = Flags { config: Some(path.display().to_string()), ..Flags::default() };
        let faults = Config::read(&flags, &Environment::default()).unwrap_err();
        let report = [render_all(faults.warnings(), Look::Plain), faults.render(Look::Plain)].concat();
        assert!(!report.contains("canary") && !format!("{faults:?}").contains("canary"), "{report}");
        compare_beside(&path, &report);
    }
}

#[test]
fn faults_of_every_layer_come_at_once_and_name_their_source() {
    let file = file("[server]\nbase_url = \"x\"\n");
    let environment: Environment =
        [("COUNTERSIGN__STORE__URL", "redis://me:canary@h/first"), ("COUNTERSIGN__SEVER__LISTEN", "x")]
            .into_iter()
            .collect();
    let flags = Flags { listen: vec!["nowhere".to_owned()], ..flags(Some(&file)) };
    let told = told(Config::read(&flags, &environment));
    for part in [
        "`--listen`",
        "COUNTERSIGN__STORE__URL",
        "a database is a number",
        "did you mean `COUNTERSIGN__SERVER__LISTEN`",
        ":2:12",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn a_named_file_must_exist() {
    let flags = Flags { config: Some("no/such.toml".to_owned()), ..Flags::default() };
    assert!(told(Config::read(&flags, &Environment::default())).contains("no/such.toml"));
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for (name, value) in [
        ("COUNTERSIGN__SERVER__LISTEN", "localhost:80"),
        ("COUNTERSIGN__SERVER__LISTEN", ""),
        ("COUNTERSIGN__SERVER__BASE_URL", "auth.example.com"),
        ("COUNTERSIGN__SERVER__BASE_URL", "https://a.example/x"),
        ("COUNTERSIGN__SERVER__BASE_URL", "https://a.example?x"),
        ("COUNTERSIGN__SERVER__BASE_URL", "https://me@a.example"),
        ("COUNTERSIGN__SERVER__BASE_URL", "mailto:a@b.example"),
        ("COUNTERSIGN__SERVER__TRUSTED_PROXIES", "10.0.0.0/33"),
        ("COUNTERSIGN__STORE__URL", "sqlite:"),
        ("COUNTERSIGN__STORE__URL", "postgres://x"),
        ("COUNTERSIGN__STORE__URL", "redis+cluster://x/1"),
        ("COUNTERSIGN__STORE__URL", "redis:x"),
        ("COUNTERSIGN__STORE__PASSWORD", " "),
        ("COUNTERSIGN__STORE__PASSWORD_FILE", "no/such"),
        ("COUNTERSIGN__STORE__TLS_CA", "Cargo.toml"),
        ("COUNTERSIGN__STORE__DANGEROUS_ALLOW_VOLATILE_STORE", "yes"),
        ("COUNTERSIGN__KEYS__FILE", ""),
        ("COUNTERSIGN__EGRESS__ALLOW", "localhost"),
        ("COUNTERSIGN__EGRESS__PORTS", "443,0"),
        ("COUNTERSIGN__MAIL__URL", "x"),
    ] {
        assert!(told(from_environment(&[(name, value)])).contains(name), "{name}={value}");
    }
}

proptest! {
    #[test]
    fn no_text_brings_the_reader_down(text in "\\PC{0,120}|(\\[server\\]|\\[\\[client\\]\\]|listen|=|\"|\n|allow|\\[|\\]|5){0,20}") {
        match from_file(&text) {
            Ok(loaded) => prop_assert!(loaded.value.egress.ports.len() < 100),
            Err(faults) => prop_assert!(!faults.render(Look::Colours).is_empty()),
        }
    }
}
