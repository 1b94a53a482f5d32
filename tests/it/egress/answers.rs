//! What comes back: too much, too slow, too little, or something else.

use std::time::Duration;

use rstest::rstest;
use tokio::io::AsyncWriteExt as _;

use countersign::egress::error::EgressError;
use countersign::egress::guard::Guard;
use countersign::egress::provider::{CAP, ProviderClient, Timeouts};
use countersign::oauth::wire::{Method, OutboundBody};
use countersign::secret::Secret;

use super::server::{Server, ok, read_request};
use super::{LONG, SHORT, client_for, fetch, get, tenant, within};

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/fixtures/egress/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[tokio::test]
async fn a_call_is_sent_as_it_was_built_and_its_answer_read_whole() {
    let server = Server::answering(ok("content-type: application/json; charset=x\r\n", b"{\"a\":1}")).await;
    let mut request = get(&format!("{}token?x=1", server.url()));
    request.method = Method::Post;
    request.headers = vec![("authorization".into(), Secret::new("Basic eA=="))];
    request.body = Some(OutboundBody { content_type: "application/json", text: Secret::new("{\"b\":2}") });
    let answer = client_for(&server.listed()).send(&tenant(), &request, within(LONG)).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"{\"a\":1}"[..]));
    assert_eq!(answer.content_type.as_deref(), Some("application/json; charset=x"));
    let [seen] = server.requests().try_into().unwrap();
    assert!(seen.starts_with("POST /token?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"b\":2}"), "{seen}");
    let agent = format!("user-agent: countersign/{}", env!("CARGO_PKG_VERSION"));
    for line in ["authorization: Basic eA==", "content-type: application/json", &agent] {
        assert_eq!(seen.lines().filter(|seen| *seen == line).count(), 1, "{line} in {seen}");
    }
    assert!(!seen.to_lowercase().contains("expect:"), "{seen}");
}

#[rstest]
#[case("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}", 400, "{}")]
#[case("HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n", 503, "")]
#[case("HTTP/1.1 204 No Content\r\n\r\n", 204, "")]
#[case("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "{}")]
#[case("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end")]
#[tokio::test]
async fn every_status_and_framing_is_an_answer(#[case] wire: &str, #[case] status: u16, #[case] body: &str) {
    let server = Server::answering(wire).await;
    let answer = fetch(&client_for(&server.listed()), &server.url()).await.unwrap();
    assert_eq!((answer.status, String::from_utf8(answer.body).unwrap()), (status, body.to_owned()));
}

#[rstest]
#[case("302 Found")]
#[case("303 See Other")]
#[case("307 Temporary Redirect")]
#[case("308 Permanent Redirect")]
#[tokio::test]
async fn a_redirect_is_not_followed_even_to_a_listed_host(#[case] status: &str) {
    let target = Server::answering(ok("", b"{}")).await;
    let location = target.url();
    let server =
        Server::answering(format!("HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
            .await;
    let client = client_for(&[server.listed(), target.listed()].concat());
    let answer = fetch(&client, &server.url()).await.unwrap();
    assert_eq!(answer.status.to_string(), status[..3]);
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_server_that_never_answers_ends_at_the_deadline() {
    let server = Server::start(|mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = client_for(&server.listed()).send(&tenant(), &get(&server.url()), within(SHORT)).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Timeout);
}

#[rstest]
#[case::head("HTTP/1.1 200 OK\r\nx-slow: ")]
#[case::body("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")]
#[tokio::test]
async fn a_drip_ends_at_the_deadline_of_the_whole_call(#[case] head: &'static str) {
    let server = Server::start(move |mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b"H").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let outcome = client_for(&server.listed()).send(&tenant(), &get(&server.url()), within(SHORT)).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Timeout);
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_the_cap_and_no_larger() {
    for (size, fits) in [(CAP, true), (CAP + 1, false)] {
        let server = Server::answering(ok("", &vec![b'a'; size])).await;
        let outcome = fetch(&client_for(&server.listed()), &server.url()).await;
        match outcome {
            Ok(answer) => assert!(fits && answer.body.len() == size),
            Err(error) => assert!(!fits && error == EgressError::TooLarge, "{error}"),
        }
    }
}

#[tokio::test]
async fn an_announced_size_beyond_the_cap_is_not_waited_for() {
    let server = Server::start(|mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = fetch(&client_for(&server.listed()), &server.url()).await;
    assert_eq!(outcome.unwrap_err(), EgressError::TooLarge);
}

#[tokio::test]
async fn chunks_without_end_stop_at_the_cap() {
    let server = Server::start(|mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [b"1000\r\n".as_slice(), &[b'a'; 0x1000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let outcome = fetch(&client_for(&server.listed()), &server.url()).await;
    assert_eq!(outcome.unwrap_err(), EgressError::TooLarge);
}

#[rstest]
#[case("gzip", "bomb.gz")]
#[case("deflate", "bomb.zlib")]
#[tokio::test]
async fn a_bomb_ends_at_the_cap_of_decoded_bytes(#[case] encoding: &str, #[case] file: &str) {
    let bomb = fixture(file);
    assert!(bomb.len() < CAP / 10, "the wire must not be what is too large");
    let server = Server::answering(ok(&format!("content-encoding: {encoding}\r\n"), &bomb)).await;
    let outcome = fetch(&client_for(&server.listed()), &server.url()).await;
    assert_eq!(outcome.unwrap_err(), EgressError::TooLarge);
}

#[tokio::test]
async fn a_compressed_answer_is_decoded() {
    let server = Server::answering(ok("content-encoding: gzip\r\n", &fixture("small.gz"))).await;
    let answer = fetch(&client_for(&server.listed()), &server.url()).await.unwrap();
    assert_eq!(answer.body, b"{\"ok\":true}");
}

#[rstest]
#[case::no_http(b"SSH-2.0-OpenSSH\r\n".to_vec())]
#[case::nothing(Vec::new())]
#[case::half_a_head(b"HTTP/1.1 200 OK\r\ncontent-le".to_vec())]
#[case::less_than_announced(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":1}".to_vec())]
#[case::no_chunk(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_vec())]
#[case::half_a_chunk(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{}".to_vec())]
#[case::two_lengths(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}".to_vec())]
#[case::no_gzip(ok("content-encoding: gzip\r\n", b"{\"a\":1}"))]
#[case::half_a_gzip(ok("content-encoding: gzip\r\n", &fixture("small.gz")[..20]))]
#[case::many_headers(ok(&"x: y\r\n".repeat(200), b"{}"))]
#[tokio::test]
async fn what_breaks_off_or_is_no_http_is_broken_and_not_asked_again(#[case] wire: Vec<u8>) {
    let server = Server::answering(wire).await;
    let outcome = fetch(&client_for(&server.listed()), &server.url()).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Broken);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn bytes_behind_the_announced_size_are_never_the_next_answer() {
    let server = Server::start(|mut stream, requests| async move {
        while read_request(&mut stream, &requests).await {
            let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
            let wire = format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood{evil}");
            let _ = stream.write_all(wire.as_bytes()).await;
        }
    })
    .await;
    let client = client_for(&server.listed());
    for _ in 0..3 {
        let answer = fetch(&client, &server.url()).await.unwrap();
        assert_eq!(answer.body, b"good");
    }
}

#[tokio::test]
async fn the_total_of_the_settings_ends_a_call_before_a_later_deadline() {
    let server = Server::start(|mut stream, requests| async move {
        read_request(&mut stream, &requests).await;
        std::future::pending::<()>().await;
    })
    .await;
    let guard = Guard::new(Vec::new(), vec![server.listed()[0].parse().unwrap()]);
    let client = ProviderClient::new(guard, Timeouts { connect: LONG, total: SHORT }).unwrap();
    let outcome = client.send(&tenant(), &get(&server.url()), within(LONG)).await;
    assert_eq!(outcome.unwrap_err(), EgressError::Timeout);
}
