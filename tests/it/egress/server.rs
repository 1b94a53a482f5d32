//! A server on a free port of this machine that does to a connection what a script says.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Runs until it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Requests,
    task: JoinHandle<()>,
}

/// What was asked, head and body, in order.
pub(super) type Requests = Arc<Mutex<Vec<String>>>;

impl Server {
    /// Runs `script` on each connection.
    pub(super) async fn start<F, S>(script: F) -> Self
    where
        F: Fn(TcpStream, Requests) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    /// The same on a listener from outside.
    pub(super) fn on<F, S>(listener: TcpListener, script: F) -> Self
    where
        F: Fn(TcpStream, Requests) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Requests::default();
        let (counted, noted) = (Arc::clone(&connections), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(script(stream, Arc::clone(&noted)));
            }
        });
        Self { address, connections, requests, task }
    }

    /// Reads one request, answers with these bytes, and closes.
    pub(super) async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |mut stream, requests| {
            let bytes = bytes.clone();
            async move {
                read_request(&mut stream, &requests).await;
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// Answers every request of a connection with these bytes and keeps it open.
    pub(super) async fn keeping_alive(bytes: &'static str) -> Self {
        Self::start(move |mut stream, requests| async move {
            while read_request(&mut stream, &requests).await {
                let _ = stream.write_all(bytes.as_bytes()).await;
            }
        })
        .await
    }

    /// `127.0.0.1:port`, as the operator's list wants it.
    pub(super) fn listed(&self) -> Vec<String> {
        vec![self.address.to_string()]
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads one request and notes it; false if the connection ended before it did.
pub(super) async fn read_request(stream: &mut TcpStream, requests: &Requests) -> bool {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                requests.lock().unwrap().push(text);
                return true;
            }
        }
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            return false;
        }
    }
}

/// An answer with a head, as a provider would write it.
pub(super) fn ok(extra_head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{extra_head}\r\n");
    [head.as_bytes(), body].concat()
}
