//! What every answer gets on its way out: the request's id, its quota, and the headers that all share.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::flow::trail;
use crate::telemetry;

use super::limit::{self, Slip};
use super::{RequestId, Web, client_api, shed};

/// A problem document on its way out; the request id is added last.
#[derive(Debug, Clone)]
pub struct Problem(pub Value);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response =
            ([(header::CONTENT_TYPE, "application/problem+json")], self.0.to_string()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives the request its id, and every answer the headers that all share.
pub(super) async fn stamp(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let id = telemetry::request_id(web.broker.clock());
    request.extensions_mut().insert(RequestId(id.clone()));
    let slip = Slip::default();
    request.extensions_mut().insert(slip.clone());
    let path = request.uri().path().to_owned();
    let response = trail::in_request(&id, shed::run(&web, &id, request, next)).await;
    let mut response = client_api::answer::in_this_form(&path, response);
    if let Some(Problem(mut problem)) = response.extensions_mut().remove::<Problem>() {
        problem["requestId"] = Value::String(id.clone());
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        response = Response::from_parts(parts, axum::body::Body::from(problem.to_string()));
    }
    let headers = response.headers_mut();
    if let Some(quota) = slip.quota() {
        limit::headers::tell(headers, quota);
    }
    headers
        .insert(HeaderName::from_static("x-request-id"), HeaderValue::from_str(&id).expect("an id is ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if web.https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
