//! The listener against clients that send half, too much, or nothing.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use countersign::web::listener::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::wire::{Answer, read_to_end, send};

/// Two signals between a test and the handler `/slow`.
#[derive(Clone, Default)]
struct Signals {
    entered: Arc<Notify>,
    leave: Arc<Notify>,
}

fn router(signals: Signals) -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/echo", post(async |body: Bytes| body))
        .route("/ignore", post(async || "done"))
        .route("/large", get(async || "x".repeat(32 * 1024 * 1024)))
        .route("/panic", get(async || -> StatusCode { panic!("a handler's bug") }))
        .route(
            "/slow",
            get(async |State(signals): State<Signals>| {
                signals.entered.notify_one();
                signals.leave.notified().await;
                "finished"
            }),
        )
        .with_state(signals)
}

/// A listener that runs until it is told to stop.
struct Running {
    address: SocketAddr,
    signals: Signals,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn run(limits: Limits) -> Running {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let signals = Signals::default();
    let (stop, stopped) = oneshot::channel();
    let stopped = async move {
        if stopped.await.is_err() {
            pending::<()>().await;
        }
    };
    let task = tokio::spawn(serve(socket, router(signals.clone()), limits, stopped));
    Running { address, signals, stop, task }
}

/// Limits that a test can wait for.
fn short() -> Limits {
    let moment = Duration::from_millis(200);
    Limits { head: moment, body: moment, answer: moment, idle: moment, ..Limits::default() }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Reads one answer without waiting for the end of the connection.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.ends_with(end) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "closed after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    text
}

#[tokio::test]
async fn a_request_gets_its_answer_and_the_handler_knows_the_peer() {
    let running = run(Limits::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    assert!(read_until(&mut stream, "hello").await.starts_with("HTTP/1.1 200 OK\r\n"));
    stream.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let peer = Answer::parse(&read_to_end(&mut stream).await);
    assert_eq!(peer.body, stream.local_addr().unwrap().to_string());
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let running = run(Limits::default()).await;
    let two = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let text = send(running.address, two).await;
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2);
    assert!(text.find("one").unwrap() < text.find("hello").unwrap());
}

#[tokio::test]
async fn a_head_that_does_not_end_is_closed_however_slowly_it_drips() {
    let running = run(short()).await;
    for start in [&b""[..], b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX-Long"] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(start).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "");
    }
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // More drips than the limit has time for: the loop ends because the connection does.
    while stream.write_all(b"X").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_second_head_that_does_not_end_is_closed_too() {
    let running = run(Limits { idle: Duration::from_hours(1), ..short() }).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "hello").await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed_but_outlives_the_limit_for_heads() {
    let running = run(Limits { idle: Duration::from_millis(900), ..short() }).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(GET).await.unwrap();
        read_until(&mut stream, "hello").await;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_408() {
    let running = run(short()).await;
    let half = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf";
    let answer = Answer::parse(&send(running.address, half).await);
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    let chunked = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n";
    assert_eq!(Answer::parse(&send(running.address, chunked).await).status, 408);
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_hold_the_connection() {
    let running = run(short()).await;
    let half = b"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf";
    assert!(send(running.address, half).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut() {
    let running = run(short()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let got = read_to_end(&mut stream).await;
    assert!(got.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(got.len() < 32 * 1024 * 1024, "the whole answer came, {} bytes", got.len());
}

#[tokio::test]
async fn a_handler_may_take_longer_than_any_limit_of_the_client() {
    let running = run(short()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    running.signals.entered.notified().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    running.signals.leave.notify_one();
    assert_eq!(Answer::parse(&read_to_end(&mut stream).await).body, "finished");
}

#[tokio::test]
async fn what_is_no_http_is_400() {
    let running = run(Limits::default()).await;
    let garbage: [&[u8]; 7] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
    ];
    for bytes in garbage {
        let answer = Answer::parse(&send(running.address, bytes).await);
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    let running = run(short()).await;
    let both = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /peer HTTP/1.1\r\nHost: a\r\n\r\n";
    let text = send(running.address, both).await;
    // RFC 9112, 6.3: refused, or the chunks count and the connection ends after the answer.
    assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    let answer = Answer::parse(&text);
    assert!(answer.status == 400 || answer.header("connection") == Some("close"), "{text}");
}

#[tokio::test]
async fn heads_that_are_too_large_are_431_and_paths_414() {
    let running = run(Limits::default()).await;
    let get = |path: &str, headers: &str| {
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    };
    let many = "X-Header: 1\r\n".repeat(1000);
    let cases = [
        (get("", &many), 431),
        (get("", &format!("Cookie: {}\r\n", "c".repeat(1024 * 1024))), 431),
        (get("", &format!("Cookie: {}\r\n", "c".repeat(16 * 1024))), 200),
        (get(&format!("?{}", "q".repeat(10_000)), ""), 414),
        (get(&format!("?{}", "q".repeat(100 * 1024)), ""), 431),
        (get(&format!("?{}", "q".repeat(8000)), ""), 200),
    ];
    for (bytes, status) in cases {
        let answer = Answer::parse(&send(running.address, &bytes).await);
        assert_eq!(answer.status, status, "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn a_handler_that_panics_costs_its_own_request_only() {
    let running = run(Limits::default()).await;
    let answer = send(running.address, b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(Answer::parse(&answer).status, 500);
    let next = send(running.address, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(Answer::parse(&next).status, 200);
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_for_one_to_end() {
    let running = run(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = TcpStream::connect(running.address).await.unwrap();
    first.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    running.signals.entered.notified().await;
    let mut second = TcpStream::connect(running.address).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(Duration::from_millis(200), second.read(&mut byte)).await;
    assert!(early.is_err(), "answered although there is no room");
    running.signals.leave.notify_one();
    assert!(read_to_end(&mut first).await.ends_with("finished"));
    assert!(read_to_end(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn idle_connections_of_the_busiest_address_make_room_when_there_is_none() {
    let running = run(Limits { connections: 3, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        read_until(&mut stream, "hello").await;
        idle.push(stream);
    }
    let mut late = TcpStream::connect(running.address).await.unwrap();
    late.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(20), read_to_end(&mut late)).await;
    assert!(answered.expect("long before the idle limit").ends_with("hello"));
    assert!(read_to_end(&mut idle[0]).await.is_empty(), "the oldest was closed");
}

#[tokio::test]
async fn a_drain_finishes_the_running_request_closes_the_idle_ones_and_takes_no_new() {
    let running = run(Limits::default()).await;
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    idle.write_all(GET).await.unwrap();
    read_until(&mut idle, "hello").await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    let mut busy = TcpStream::connect(running.address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    running.signals.entered.notified().await;

    running.stop.send(()).unwrap();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!running.task.is_finished());

    running.signals.leave.notify_one();
    let answer = Answer::parse(&read_to_end(&mut busy).await);
    assert_eq!((answer.status, answer.body.as_str()), (200, "finished"));
    assert_eq!(answer.header("connection"), Some("close"));
    running.task.await.unwrap();
}

#[tokio::test]
async fn a_request_that_comes_while_the_listener_stops_is_answered() {
    let running = run(Limits { connections: 50, ..Limits::default() }).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        streams.push(stream);
    }
    running.stop.send(()).unwrap();
    for mut stream in streams {
        assert!(read_to_end(&mut stream).await.ends_with("hello"));
    }
    running.task.await.unwrap();
}

#[tokio::test]
async fn a_drain_does_not_wait_for_ever() {
    let running = run(Limits { drain: Duration::from_millis(200), ..Limits::default() }).await;
    let mut busy = TcpStream::connect(running.address).await.unwrap();
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    running.signals.entered.notified().await;
    running.stop.send(()).unwrap();
    running.task.await.unwrap();
    assert_eq!(read_to_end(&mut busy).await, "");
}

#[tokio::test]
async fn who_asks_while_the_listener_lingers_is_answered_and_told_that_it_was_the_last_time() {
    let running = run(Limits { linger: Duration::from_secs(3), ..Limits::default() }).await;
    let mut kept = TcpStream::connect(running.address).await.unwrap();
    kept.write_all(GET).await.unwrap();
    read_until(&mut kept, "hello").await;
    let mut silent = TcpStream::connect(running.address).await.unwrap();
    running.stop.send(()).unwrap();
    let mut new = TcpStream::connect(running.address).await.unwrap();
    // The second one sees that the stop has begun: the first one may have come before it.
    new.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut new).await.ends_with("hello"));
    for stream in [&mut kept, &mut silent] {
        stream.write_all(GET).await.unwrap();
        let answer = Answer::parse(&read_to_end(stream).await);
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    }
    running.task.await.unwrap();
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_another_one_has_its_own() {
    let running = run(Limits { connections_per_address: 2, ..Limits::default() }).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(GET).await.unwrap();
        read_until(&mut stream, "hello").await;
        streams.push(stream);
    }
    let mut third = TcpStream::connect(running.address).await.unwrap();
    let mut byte = [0; 1];
    assert!(matches!(third.read(&mut byte).await, Ok(0) | Err(_)), "the third one is closed");
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
    let mut elsewhere = socket.connect(running.address).await.unwrap();
    elsewhere.write_all(GET).await.unwrap();
    read_until(&mut elsewhere, "hello").await;
    drop(streams.pop());
    loop {
        let mut again = TcpStream::connect(running.address).await.unwrap();
        if again.write_all(GET).await.is_ok() && matches!(again.read(&mut byte).await, Ok(1)) {
            break;
        }
    }
}
