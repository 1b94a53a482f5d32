//! HTTP by hand: what a test sends is what stands in it, to the byte.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// An answer, taken apart.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    /// Takes the last answer of a connection apart.
    pub(super) fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    /// A header that stands at most once.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice");
        value
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends bytes on a connection of their own and reads until it is closed. The time is a guard
/// against a test that hangs, not a measure.
pub(super) async fn send(to: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // A server that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

/// Reads until the connection is closed.
pub(super) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let end = timeout(Duration::from_secs(30), stream.read_to_end(&mut read)).await;
    // A reset after the answer is an end as well.
    let _ = end.expect("the connection is closed in the end");
    String::from_utf8_lossy(&read).into_owned()
}

/// One request that asks for the connection to be closed.
pub(super) async fn request(
    to: SocketAddr,
    host: &str,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut text = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    let length = body.len().to_string();
    let announced = [("Content-Length", length.as_str())];
    let announced = if body.is_empty() { &[][..] } else { &announced };
    for (name, value) in headers.iter().chain(announced) {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    text.push_str(body);
    Answer::parse(&send(to, text.as_bytes()).await)
}
