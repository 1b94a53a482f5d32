//! Our own listener, because `axum::serve` lets a client hold a connection for as long as it likes.
//!
//! A connection is always in one phase, and each phase but the handler's own time has its limit:
//!
//! | phase | what the client may take | what happens then |
//! |---|---|---|
//! | head | 10 s to send a whole head, counted from its first byte or from connecting | closed |
//! | body | 30 s to send the whole body | 408, closed |
//! | answer | 30 s without taking a byte of it | closed |
//! | idle | 75 s until the next request: longer than load balancers keep theirs, so that they close first | closed |
//!
//! When there are as many connections as there may be, the address that has the most of them makes room: its
//! oldest one that waits for a request is closed, one every 50 ms until there is room. So a few addresses
//! that ask for nothing keep nobody out.
//!
//! A stop is announced before it happens, so that no request is lost by it. First every answer says
//! `Connection: close`, and for [`Limits::linger`] the listener goes on accepting: a client that was
//! about to ask, on a new connection or on one that it kept, is answered. Then what the kernel has
//! accepted is taken out of its queue and the socket is closed; a later client is refused, which it
//! knows to be safe to try elsewhere. The kernel resets what is still in the queue of a closed socket,
//! and between the last look at the queue and closing lie a few microseconds: a load balancer that
//! watches `/readyz` (503 from the first moment) has stopped to send by then.
//!
//! To add a limit: 1. a field of [`Limits`] with its default, 2. where it is watched: bytes and
//! time in `phase.rs`, requests in `request.rs`, 3. a case in `tests/it/issuer/listener.rs`.

mod connection;
mod per_address;
mod phase;
mod request;
mod stream;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt as _;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use connection::Connection;
use per_address::{Counted, PerAddress};
use phase::Watch;
pub use request::Intake;

/// Between two connections that are closed to make room.
const MAKING_ROOM: Duration = Duration::from_millis(50);

/// What a client may take of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For a whole request head.
    pub head: Duration,
    /// For a whole request body.
    pub body: Duration,
    /// For taking any further byte of an answer.
    pub answer: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// For the requests that run when the listener has stopped.
    pub drain: Duration,
    /// For clients that were about to ask when the listener is told to stop.
    pub linger: Duration,
    /// Connections at the same time; further ones wait in the kernel's queue, and idle ones make room.
    pub connections: usize,
    /// Connections of one address, or IPv6 network of 64 bits; further ones are closed.
    pub connections_per_address: usize,
    /// Peers of which any number of connections is taken: proxies, which speak for many.
    pub uncounted: Vec<IpNet>,
    /// Headers of a request; 431 beyond.
    pub headers: usize,
    /// Bytes of a request head; 431 beyond. At least 8192.
    pub head_bytes: usize,
    /// Bytes of path and query; 414 beyond.
    pub uri_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            drain: Duration::from_secs(10),
            linger: Duration::from_millis(500),
            connections: 10_000,
            connections_per_address: 2_000,
            uncounted: Vec::new(),
            headers: 100,
            head_bytes: 32 * 1024,
            uri_bytes: 8 * 1024,
        }
    }
}

/// Serves `router` until `stop` is ready and a moment longer, then finishes the running requests and
/// returns. The peer's address is in every request as `ConnectInfo<SocketAddr>`.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let (draining, drain) = watch::channel(false);
    let room = Arc::new(Semaphore::new(limits.connections));
    let per_address = PerAddress::new(limits.connections_per_address, limits.uncounted.clone());
    let mut server = Server { router, limits: Arc::new(limits), drain, per_address, tasks: JoinSet::new() };
    server.accept_until(&listener, &room, stop).await;
    draining.send_replace(true);
    let linger = sleep(server.limits.linger);
    server.accept_until(&listener, &room, linger).await;
    server.take_the_queue(&listener, &room);
    drop(listener);
    server.finish().await;
}

/// The running connections.
struct Server {
    router: Router,
    limits: Arc<Limits>,
    drain: watch::Receiver<bool>,
    per_address: PerAddress,
    tasks: JoinSet<()>,
}

impl Server {
    async fn accept_until(
        &mut self,
        listener: &TcpListener,
        room: &Arc<Semaphore>,
        end: impl Future<Output = ()>,
    ) {
        let mut end = std::pin::pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => break,
                (stream, peer, permit) = accept(listener, room, &self.per_address) => {
                    self.take(stream, peer, permit);
                }
            }
        }
    }

    /// Serves a connection, if its address may have one more.
    fn take(&mut self, stream: TcpStream, peer: SocketAddr, permit: OwnedSemaphorePermit) {
        while self.tasks.try_join_next().is_some() {}
        let watch = Watch::new(Arc::clone(&self.limits));
        match self.per_address.count(peer.ip(), &watch) {
            Some(counted) => self.spawn(stream, (peer, watch), permit, counted),
            None => metrics::counter!("countersign_connections_refused_total").increment(1),
        }
    }

    fn spawn(
        &mut self,
        stream: TcpStream,
        (peer, watch): (SocketAddr, Watch),
        permit: OwnedSemaphorePermit,
        counted: Counted,
    ) {
        let connection = Connection {
            router: self.router.clone(),
            limits: Arc::clone(&self.limits),
            drain: self.drain.clone(),
            peer,
            watch,
        };
        self.tasks.spawn(async move {
            connection.run(stream, &counted).await;
            drop((permit, counted));
        });
    }

    /// Takes the connections that the kernel has accepted already: closing the listener would reset
    /// them.
    fn take_the_queue(&mut self, listener: &TcpListener, room: &Arc<Semaphore>) {
        while let Ok(permit) = Arc::clone(room).try_acquire_owned() {
            match listener.accept().now_or_never() {
                Some(Ok((stream, peer))) => self.take(stream, peer, permit),
                Some(Err(_)) | None => break,
            }
        }
    }

    async fn finish(mut self) {
        let open = self.tasks.len();
        let done =
            timeout(self.limits.drain, async { while self.tasks.join_next().await.is_some() {} }).await;
        if done.is_err() {
            tracing::warn!(open = self.tasks.len(), "http.drain_cut");
            self.tasks.shutdown().await;
        } else {
            tracing::info!(open, "http.drained");
        }
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    per_address: &PerAddress,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let permit = loop {
        match timeout(MAKING_ROOM, Arc::clone(room).acquire_owned()).await {
            Ok(permit) => break permit.expect("the semaphore is never closed"),
            Err(_) => per_address.make_room(),
        }
    };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // Out of descriptors or memory: it passes when a connection ends, and not sooner.
                tracing::warn!(error = %error.kind(), "http.accept_failed");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Whether only this one connection is lost.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::ConnectionAborted | K::ConnectionReset | K::Interrupted)
}
