//! Turns requests away at once when too many are at work, or wait for the bodies of one address (SECURITY 29).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::intake::Asker;
use super::limit::work::Full;
use super::{Web, measure};

/// Runs the request, if there is a place for it.
pub async fn run(web: &Web, id: &str, request: Request, next: Next) -> Response {
    match web.limits.work.begin(&request) {
        Ok(_place) => {
            let address = |request: &Request| web.address(request.extensions(), request.headers());
            measure::run(web, id, web.limits.work.watch(address, request), next).await
        }
        Err(Full) => Asker::of(&request).turn_away(web.https, id),
    }
}
