//! A receiver of webhooks on a free port of 127.0.0.1, which does what the test says: it answers,
//! redirects, drips, floods, closes, or keeps still. It remembers everything that it got.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The first secret of every test webhook: `ACME_HOOK` in the broker's environment.
pub const HOOK_SECRET: &str = "whsec_dGhlLWZpcnN0LXNlY3JldC1vZi10aGUtdGVzdHMh";
/// The second: `ACME_HOOK_NEXT`.
pub const NEXT_SECRET: &str = "whsec_dGhlLXNlY29uZC1zZWNyZXQtb2YtdGhlLXRlc3Q=";

/// What the receiver does with a message.
#[derive(Debug, Clone)]
pub enum Answer {
    /// This status, nothing else.
    Status(u16),
    /// This status, and when to come again, in seconds.
    Later(u16, u64),
    /// A redirect to this place.
    Redirect(String),
    /// A body that never ends, after this status.
    Huge(u16),
    /// One byte of the head each 200 ms.
    Drip,
    /// Nothing, ever.
    Hang,
    /// The connection is closed.
    Close,
}

/// A message that came.
#[derive(Debug, Clone)]
pub struct Got {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body to the letter.
    pub text: String,
    /// Its body.
    pub body: Value,
}

impl Got {
    /// The type of the event.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }

    /// The conversation or contact that it is about.
    pub fn about(&self) -> String {
        let data = &self.body["data"];
        let id = data["conversation"]["id"].as_str().or_else(|| data["contact"]["id"].as_str());
        id.unwrap_or("nobody").to_owned()
    }
}

type Script = Box<dyn FnMut(&Got) -> Answer + Send>;

struct State {
    got: Vec<Got>,
    script: Script,
}

/// A running receiver. Ends with the test's runtime.
#[derive(Clone)]
pub struct Receiver {
    /// `host:port`, for `egress.allow`.
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// One that answers 204 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = State { got: Vec::new(), script: Box::new(|_| Answer::Status(204)) };
        let receiver = Self { address, state: Arc::new(Mutex::new(state)) };
        let shared = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        receiver
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// A `[[webhook]]` of this receiver, with more lines.
    pub fn webhook(&self, id: &str, more: &str) -> String {
        let url = self.url();
        let secret = if more.contains("secrets") { "" } else { "secret = { env = \"ACME_HOOK\" }" };
        format!("[[webhook]]\nid = \"{id}\"\nurl = \"{url}\"\n{secret}\n{more}\n")
    }

    /// What it does from now on.
    pub fn does(&self, script: impl FnMut(&Got) -> Answer + Send + 'static) {
        self.state.lock().unwrap().script = Box::new(script);
    }

    /// Everything that came so far.
    pub fn got(&self) -> Vec<Got> {
        self.state.lock().unwrap().got.clone()
    }

    /// Forgets what came so far.
    pub fn forget(&self) {
        self.state.lock().unwrap().got.clear();
    }

    /// The ids that came, each conversation's in its order, without repetitions.
    pub fn ids_by_lane(&self) -> BTreeMap<String, Vec<String>> {
        let mut lanes: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for got in self.got() {
            let lane = lanes.entry(got.about()).or_default();
            if !lane.contains(&got.id().to_owned()) {
                lane.push(got.id().to_owned());
            }
        }
        lanes
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(got) = read(&mut stream).await {
            let answer = {
                let mut state = self.state.lock().unwrap();
                let answer = (state.script)(&got);
                state.got.push(got);
                answer
            };
            if !write(&mut stream, &answer).await {
                return;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8(bytes[end..end + length].to_vec()).unwrap();
    Some(Got { headers, body: serde_json::from_str(&text).unwrap(), text })
}

/// Whether the connection goes on.
async fn write(stream: &mut TcpStream, answer: &Answer) -> bool {
    match answer {
        Answer::Status(status) => {
            send(stream, &format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n")).await
        }
        Answer::Later(status, seconds) => {
            let head = format!("HTTP/1.1 {status} x\r\nretry-after: {seconds}\r\ncontent-length: 0\r\n\r\n");
            send(stream, &head).await
        }
        Answer::Redirect(to) => {
            send(stream, &format!("HTTP/1.1 307 x\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")).await
        }
        Answer::Huge(status) => {
            let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            let mut goes_on =
                send(stream, &format!("HTTP/1.1 {status} x\r\ntransfer-encoding: chunked\r\n\r\n")).await;
            while goes_on {
                goes_on = send(stream, &piece).await;
            }
            false
        }
        Answer::Drip => {
            while send(stream, "H").await {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            false
        }
        Answer::Hang => {
            // Until the other side gives up.
            let _ = stream.read_u8().await;
            false
        }
        Answer::Close => false,
    }
}

async fn send(stream: &mut TcpStream, text: &str) -> bool {
    stream.write_all(text.as_bytes()).await.is_ok()
}
