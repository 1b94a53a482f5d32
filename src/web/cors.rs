//! Which answers the scripts of other sites may read (the Fetch standard's CORS protocol). Two APIs are called from pages,
//! each with rules of its own; everything else is no page's business.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use super::{Web, client_api, oauth};

/// Answers a request by its handler, and says so in the headers if a page may read the answer.
pub async fn answer(web: &Web, request: Request, next: Next) -> Response {
    if client_api::cors::concerns(&request) {
        return client_api::cors::guard(web, request, next).await;
    }
    if oauth::cors::concerns(&request) {
        return oauth::cors::allow(web, request, next).await;
    }
    next.run(request).await
}
