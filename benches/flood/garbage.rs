//! Callbacks with states that nobody made, from many addresses, over connections that are kept.

use std::time::{Duration, Instant};

use countersign::clock::Clock;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpSocket;

use super::Choice;
use super::broker::Broker;

/// Connections, each from an address of its own; the first is the address of the real logins.
const CONNECTIONS: u64 = 50;

/// What the garbage was answered with.
#[derive(Debug, Default)]
pub struct Flood {
    a_second: u64,
    neutral_400: u64,
    too_many_429: u64,
    others: u64,
}

/// Sends garbage for so long, at the rate that was asked for if the machine can.
pub async fn run(broker: &Broker, clock: &Clock, choice: &Choice, span: Duration) -> Flood {
    let began = clock.tick();
    let tasks: Vec<_> = (0..CONNECTIONS)
        .map(|number| {
            let (origin, clock, choice) = (broker.origin.clone(), clock.clone(), *choice);
            tokio::spawn(send(origin, clock, choice, number, began + span))
        })
        .collect();
    let mut flood = Flood::default();
    for task in tasks {
        for (status, count) in task.await.unwrap() {
            match status {
                400 => flood.neutral_400 += count,
                429 => flood.too_many_429 += count,
                _ => flood.others += count,
            }
        }
    }
    let all = flood.neutral_400 + flood.too_many_429 + flood.others;
    flood.a_second = all * 1000 / u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
    flood
}

async fn send(origin: String, clock: Clock, choice: Choice, number: u64, end: Instant) -> [(u16, u64); 3] {
    let authority = origin.trim_start_matches("http://");
    let socket = TcpSocket::new_v4().unwrap();
    let own = if number == 0 { "127.0.0.1:0".to_owned() } else { format!("127.0.1.{number}:0") };
    socket.bind(own.parse().unwrap()).unwrap();
    let mut stream = BufReader::new(socket.connect(authority.parse().unwrap()).await.unwrap());
    let pause = Duration::from_micros(1_000_000 * CONNECTIONS / choice.garbage);
    let mut ticks = tokio::time::interval(pause);
    let mut counts = [(400, 0), (429, 0), (0, 0)];
    let mut state = choice.seed.wrapping_mul(CONNECTIONS).wrapping_add(number);
    while clock.tick() < end {
        ticks.tick().await;
        // Any walk through the numbers will do: nobody made one of these states.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let request = format!(
            "GET /idp/eu/oauth/callback?code=c&state={state:043} HTTP/1.1\r\nHost: {authority}\r\n\r\n"
        );
        stream.get_mut().write_all(request.as_bytes()).await.unwrap();
        let status = read(&mut stream).await;
        let place = counts.iter().position(|(known, _)| *known == status).unwrap_or(2);
        counts[place].1 += 1;
    }
    counts
}

/// One answer; its status.
async fn read(stream: &mut BufReader<tokio::net::TcpStream>) -> u16 {
    let (mut status, mut length, mut line) = (0, 0, String::new());
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).await.unwrap() > 0, "the connection is kept");
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(rest) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap();
        } else if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    status
}
