//! What every request is measured by: its duration, and with the feature `otel` its span.

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use super::{Web, cors, intake};

/// Runs the request. A path that is none of ours, and a method that nobody knows, is one word: what
/// a client invents makes no series of its own.
pub async fn run(web: &Web, id: &str, request: Request, next: Next) -> Response {
    let began = web.broker.clock().tick();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = word(request.method());
    let status = tracing::field::Empty;
    let span = tracing::debug_span!("http.request", method, route, request_id = id, status);
    let handle = |request| cors::answer(web, request, next);
    let response = intake::answer(web.https, id, request, handle).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    let status = response.status().as_str().to_owned();
    metrics::histogram!("countersign_http_request_seconds", "route" => route, "method" => method, "status" => status)
        .record(began.elapsed());
    response
}

fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
