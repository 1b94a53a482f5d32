//! One request: what every one gets and none can do.

use std::error::Error;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::ServiceExt as _;

use super::Limits;
use super::phase::Watch;

/// Answers one request with the router, within the limits.
pub(super) async fn answer(
    router: Router,
    limits: Arc<Limits>,
    watch: Watch,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response {
    watch.began();
    let guard = Working(watch);
    let is_long = request.uri().path_and_query().is_some_and(|path| path.as_str().len() > limits.uri_bytes);
    let late = Arc::new(AtomicBool::new(false));
    let deadline = Instant::now() + limits.body;
    let mut request =
        request.map(|body| Body::new(Timed { body, deadline, sleep: None, late: Arc::clone(&late) }));
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(Intake { is_long, late: Arc::clone(&late) });
    let response = match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        // The router has said so in its own form, if it could.
        Ok(Ok(response)) if is_long => closing(response, StatusCode::URI_TOO_LONG),
        // Whatever the handler made of half a body, the client is told what was wrong with it.
        Ok(Ok(response)) if late.load(Ordering::Relaxed) => closing(response, StatusCode::REQUEST_TIMEOUT),
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => {
            tracing::error!("http.handler_panicked");
            closing(Response::default(), StatusCode::INTERNAL_SERVER_ERROR)
        }
    };
    guarded(response, guard)
}

/// An answer that says, if the listener stops, that it is the last one of its connection.
pub(super) fn last_if(stops: bool, mut answer: Response) -> Response {
    if stops {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// What the listener found wrong with a request, for whoever answers in the form that its path has.
#[derive(Debug, Clone)]
pub struct Intake {
    is_long: bool,
    late: Arc<AtomicBool>,
}

impl Intake {
    /// The status that the answer must have; none if nothing is wrong so far.
    pub fn refusal(&self) -> Option<StatusCode> {
        if self.is_long {
            return Some(StatusCode::URI_TOO_LONG);
        }
        self.late.load(Ordering::Relaxed).then_some(StatusCode::REQUEST_TIMEOUT)
    }
}

/// The answer after which the connection is closed: the router's, if it has this status, else an empty one.
fn closing(response: Response, status: StatusCode) -> Response {
    let mut response = if response.status() == status { response } else { status.into_response() };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Ties the end of the request to the end of the answer's body.
fn guarded(response: Response, guard: Working) -> Response {
    response.map(|body| Body::new(Guarded { body, _guard: guard }))
}

/// Says, when it is dropped, that the request is no longer at work.
struct Working(Watch);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// An answer's body.
struct Guarded {
    body: Body,
    _guard: Working,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body, of which every byte must have come by the deadline.
struct Timed {
    body: Incoming,
    deadline: Instant,
    /// Made when the body first has to be waited for: most are there with their head.
    sleep: Option<Pin<Box<Sleep>>>,
    late: Arc<AtomicBool>,
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = this.deadline;
        ready!(this.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline))).as_mut().poll(cx));
        this.late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err("the request body did not arrive in time".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
