//! One connection from accepting to closing.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::per_address::Counted;
use super::phase::{Phase, Watch};
use super::request;
use super::stream::Stream;

/// What a connection needs besides its socket.
pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) drain: watch::Receiver<bool>,
    pub(super) peer: SocketAddr,
    pub(super) watch: Watch,
}

impl Connection {
    /// Serves requests until the client leaves, a limit is reached, somebody else needs the room or the listener
    /// drains.
    pub(super) async fn run(self, stream: TcpStream, counted: &Counted) {
        let Self { router, limits, mut drain, peer, watch } = self;
        // Without it a small answer could wait for the client's acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let io = TokioIo::new(Stream::new(stream, watch.clone()));
        let last = drain.clone();
        let service = service_fn(|request| {
            let answer = request::answer(router.clone(), Arc::clone(&limits), watch.clone(), peer, request);
            let last = last.clone();
            async move {
                let answer = answer.await;
                let stops = *last.borrow();
                Ok::<_, Infallible>(request::last_if(stops, answer))
            }
        });
        let connection = builder(&limits).serve_connection(io, service);
        let mut connection = pin!(connection);
        let mut unwanted = pin!(counted.unwanted().fuse());
        let mut is_unwanted = false;
        let mut draining = pin!(drain.wait_for(|draining| *draining));
        let mut grace = None;
        let mut alarm = Alarm::new();
        poll_fn(|cx| {
            // How it ended is the client's affair: it left, or sent what is no HTTP and was told so.
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if grace.is_none() && draining.as_mut().poll(cx).is_ready() {
                grace = Some(Instant::now() + limits.linger);
            }
            // Who is not asking may be about to: closing at once would cut off its request. Who asks is told
            // that this is the last answer, after which the connection ends by itself.
            let waits = matches!(watch.phase(), Phase::Fresh | Phase::Idle);
            is_unwanted |= unwanted.as_mut().poll(cx).is_ready();
            if is_unwanted && waits {
                return Poll::Ready(());
            }
            let patience = grace.filter(|_| waits);
            alarm.poll(watch.deadline().into_iter().chain(patience).min(), cx)
        })
        .await;
    }
}

/// A timer that is set again only if the deadline moved: it moves in `connection.poll` alone, so
/// looking at it afterwards misses nothing.
struct Alarm {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn new() -> Self {
        Self { at: None, sleep: None }
    }

    fn poll(&mut self, deadline: Option<Instant>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        let Some(at) = deadline else {
            self.at = None;
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if self.at != Some(at) {
            self.at = Some(at);
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // Hyper's own limit counts idle time as head time; the phases tell them apart.
        .header_read_timeout(None)
        .max_headers(limits.headers)
        .max_buf_size(limits.head_bytes)
        .keep_alive(true);
    builder
}
