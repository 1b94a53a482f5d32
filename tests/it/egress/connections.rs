//! How a call gets there: pools, second attempts, TLS, proxies and cookies.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use countersign::egress::error::EgressError;
use countersign::egress::resolver::Lookup;

use super::server::{Server, ok, read_request};
use super::{LONG, client, client_for, fetch, get, resolving_to, tenant, within};

const ANSWER: &str = "HTTP/1.1 200 OK\r\nset-cookie: id=1\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn calls_share_a_connection_but_no_cookie() {
    let server = Server::keeping_alive(ANSWER).await;
    let client = client_for(&server.listed());
    for _ in 0..3 {
        assert_eq!(fetch(&client.clone(), &server.url()).await.unwrap().body, b"{}");
    }
    assert_eq!(server.connections(), 1);
    assert!(server.requests().iter().all(|request| !request.contains("cookie")));
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_while_idle_fails_no_call() {
    let closed = Arc::new(tokio::sync::Notify::new());
    let said = Arc::clone(&closed);
    let server = Server::start(move |mut stream, requests| {
        let said = Arc::clone(&said);
        async move {
            read_request(&mut stream, &requests).await;
            let _ = stream.write_all(ANSWER.as_bytes()).await;
            drop(stream);
            said.notify_one();
        }
    })
    .await;
    let client = client_for(&server.listed());
    for _ in 0..3 {
        assert_eq!(fetch(&client, &server.url()).await.unwrap().status, 200);
        closed.notified().await;
        // Let the pool's own task see the end of the connection.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

/// The server comes up between the first and the second attempt: the lookup of the second starts it.
#[tokio::test]
async fn a_refused_connection_is_tried_once_more() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let attempts = Arc::new(AtomicUsize::new(0));
    let started: Arc<Mutex<Option<std::net::TcpListener>>> = Arc::default();
    let (counted, slot) = (Arc::clone(&attempts), Arc::clone(&started));
    let lookup: Lookup = Arc::new(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            *slot.lock().unwrap() = Some(std::net::TcpListener::bind(address).unwrap());
        }
        Ok(vec![address.ip()])
    });
    let port = address.port();
    let client = client(Vec::new(), &[format!("provider.test:{port}")], &lookup);
    let request = get(&format!("http://provider.test:{port}/"));
    let call = tokio::spawn(async move { client.send(&tenant(), &request, within(LONG)).await });
    let listener = loop {
        if let Some(listener) = started.lock().unwrap().take() {
            break listener;
        }
        tokio::task::yield_now().await;
    };
    listener.set_nonblocking(true).unwrap();
    let server = Server::on(TcpListener::from_std(listener).unwrap(), |mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        let _ = stream.write_all(&ok("", b"{}")).await;
    });
    assert_eq!(call.await.unwrap().unwrap().status, 200);
    assert_eq!((attempts.load(Ordering::SeqCst), server.requests().len()), (2, 1));
}

#[tokio::test]
async fn a_connection_refused_twice_is_given_up() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let lookup: Lookup = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    });
    let client = client(Vec::new(), &[format!("provider.test:{port}")], &lookup);
    let outcome = fetch(&client, &format!("http://provider.test:{port}/")).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Connect);
    assert_eq!(attempts.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn https_never_falls_back_to_plain_text() {
    let server = Server::start(|mut stream, requests| async move {
        let mut first = [0; 1];
        let _ = stream.read_exact(&mut first).await;
        requests.lock().unwrap().push(format!("{first:?}"));
        let _ = stream.write_all(&ok("", b"{}")).await;
    })
    .await;
    let url = server.url().replace("http:", "https:");
    let outcome = fetch(&client_for(&server.listed()), &url).await;
    assert!(matches!(outcome, Err(EgressError::Tls(_))), "{outcome:?}");
    // 22 is the first byte of a TLS handshake (RFC 8446, 5.1).
    assert_eq!(server.requests(), ["[22]"]);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_gets_no_request() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut tls = rustls::ServerConnection::new(Arc::new(self_signed())).unwrap();
        let shaken = tls.complete_io(&mut stream);
        let mut seen = Vec::new();
        let _ = std::io::Read::read_to_end(&mut tls.reader(), &mut seen);
        (shaken.is_err(), seen)
    });
    let client = client(Vec::new(), &[format!("provider.test:{port}")], &resolving_to(&["127.0.0.1"]));
    let outcome = fetch(&client, &format!("https://provider.test:{port}/")).await;
    let Err(EgressError::Tls(reason)) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("certificate"), "{reason}");
    assert_eq!(server.join().unwrap(), (true, Vec::new()));
}

fn self_signed() -> rustls::ServerConfig {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["provider.test".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    builder.unwrap().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap()
}

/// A process cannot change its own environment safely, so the test runs itself again in one that
/// has a proxy.
#[test]
fn a_proxy_in_the_environment_is_ignored() {
    const MARK: &str = "COUNTERSIGN_TEST_BEHIND_PROXY";
    if std::env::var_os(MARK).is_some() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = Server::answering(ok("", b"{}")).await;
            assert_eq!(fetch(&client_for(&server.listed()), &server.url()).await.unwrap().body, b"{}");
        });
        return;
    }
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "egress::connections::a_proxy_in_the_environment_is_ignored"]).env(MARK, "1");
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        again.env(name, &url);
    }
    let output = again.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_header_that_cannot_be_written_is_not_sent() {
    let server = Server::answering(ok("", b"{}")).await;
    let mut request = get(&server.url());
    request.headers =
        vec![("authorization".into(), countersign::secret::Secret::new("a\r\nhost: evil.example"))];
    let outcome = client_for(&server.listed()).send(&tenant(), &request, within(LONG)).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Unsendable);
    assert_eq!(server.connections(), 0);
}
