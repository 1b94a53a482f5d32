//! Other ways to a Redis: TLS with certificates of both sides, and sentinels.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::harness::redis::{SAFE, Server, wait_until};
use crate::harness::{Choices, Harness, eventually};

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Writes an authority, and a certificate and key of 127.0.0.1 that it signed.
fn write_certificates(folder: &Path) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, "the authority of this test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.signed_by(&key, &authority).unwrap();
    std::fs::write(folder.join("ca.pem"), pem("CERTIFICATE", authority.der())).unwrap();
    std::fs::write(folder.join("own.pem"), pem("CERTIFICATE", own.der())).unwrap();
    std::fs::write(folder.join("own.key"), pem("PRIVATE KEY", &key.serialize_der())).unwrap();
}

#[tokio::test]
async fn a_redis_is_reached_by_tls_when_each_side_knows_the_other() {
    let files = tempfile::tempdir().unwrap();
    write_certificates(files.path());
    let path = |name: &str| files.path().join(name).display().to_string();
    let (authority, own, key) = (path("ca.pem"), path("own.pem"), path("own.key"));
    let tls = ["--tls-port", "{port}", "--port", "0", "--tls-cert-file", &own, "--tls-key-file", &key];
    let both = ["--tls-ca-cert-file", &authority, "--tls-auth-clients", "yes"];
    let server = Server::start(&[SAFE, &tls, &both].concat());
    let url = format!("rediss://127.0.0.1:{}", server.port());
    let all = format!("[store]\ntls_ca = \"{authority}\"\ntls_cert = \"{own}\"\ntls_key = \"{key}\"\n");
    let with = |main: String| Choices { store: Some(url.clone()), main: Some(main), ..Choices::default() };
    let broker = Harness::with(with(all)).await;
    let link = broker.link("conv-1").await;
    assert_eq!(broker.status(&link).await["status"], "created");

    for half in [format!("[store]\ntls_ca = \"{authority}\"\n"), String::new()] {
        let stranger = Harness::with(with(half.clone())).await;
        let (status, _) = stranger.api(Method::GET, "/v1/contacts", None).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "one side does not know the other: {half}");
    }
}

#[tokio::test]
async fn the_sentinels_say_who_the_master_is_and_who_it_is_after_its_end() {
    let mut master = Server::start(&[SAFE, &["--min-replicas-to-write", "1"]].concat());
    let port = master.port();
    let follow = [SAFE, &["--min-replicas-to-write", "1"]].concat();
    let replicas = [master.replica(&follow), master.replica(&follow)];
    let settings = format!(
        "sentinel monitor chief 127.0.0.1 {port} 1\nsentinel down-after-milliseconds chief 1000\n\
         sentinel failover-timeout chief 5000\n"
    );
    let write = |folder: &Path| std::fs::write(folder.join("redis.conf"), settings).unwrap();
    let sentinel = Server::start_with(&["--sentinel"], write);
    wait_until("the sentinel knows the replicas", || {
        sentinel.cli(&["sentinel", "replicas", "chief"]).matches("runid").count() == 2
    });
    // Another one that is not there is passed over.
    let url = format!("redis+sentinel://127.0.0.1:9,127.0.0.1:{}/chief", sentinel.port());
    let broker = Harness::with(Choices { store: Some(url), ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    master.kill();
    let create = async |number: usize| {
        let conversation = json!({"id": format!("conv-2-{number}"), "channel": "sms", "handle": "+15550100"});
        let body = json!({ "conversation": conversation });
        let (status, _) = broker.api(Method::POST, "/v1/auth-links", Some(body)).await;
        assert!(matches!(status, StatusCode::CREATED | StatusCode::SERVICE_UNAVAILABLE), "{status}");
        status == StatusCode::CREATED
    };
    let mut tries = 0;
    eventually("links are made at the new master", async || {
        tries += 1;
        create(tries).await.then_some(())
    })
    .await;
    assert_eq!(broker.status(&link).await["status"], "created", "it was acknowledged");
    let promoted = replicas.iter().filter(|replica| replica.cli(&["role"]).starts_with("master")).count();
    assert_eq!(promoted, 1);
}
