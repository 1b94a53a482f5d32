//! Inbound HTTP: parse, call one flow, render. The URL table stands below, in one place.
//!
//! To add a page or an endpoint: 1. a handler in the folder of its kind (`api/`, `oauth/`,
//! `page/`), 2. a row in the URL table, 3. its scope in `caller.rs` if it is a new one, 4. a test.

pub mod access;
mod api;
pub mod callback;
pub mod caller;
pub mod error;
pub mod health;
pub mod host;
pub mod link_page;
pub mod listener;
pub mod oauth;
pub mod once_json;
pub mod page;
mod segment;
pub mod strict_json;
pub mod visit;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Extension, Router};
use ipnet::IpNet;
use serde_json::Value;

use crate::flow::Broker;
use crate::issuer::Issuer;
use crate::telemetry;

use error::ApiError;
use host::AtTenant;

/// The most bytes of an API body.
const API_BODY: usize = 2 * 1024 * 1024;
/// The most bytes of a body at a callback, a page or the token endpoint.
const SMALL_BODY: usize = 64 * 1024;

/// What handlers need.
#[derive(Debug)]
pub struct Web {
    /// The use cases.
    pub broker: Arc<Broker>,
    /// Our own authorization server.
    pub issuer: Arc<Issuer>,
    /// Whether customers come by https.
    pub https: bool,
    /// The peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
}

impl Web {
    /// Whether what this peer says of others counts.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }
}

/// The name of a request, in its answer, in the log and on its error page.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Every URL and what answers it.
pub fn router(web: Arc<Web>) -> Router {
    let api = Router::new()
        .route("/v1/auth-links", only(post(api::auth_links::create).get(api::link_list::list)))
        .route("/v1/auth-links/{id}", only(get(api::link_list::read)))
        .route("/v1/auth-links/{id}/resend", only(post(api::link_list::resend)))
        .route("/v1/auth-links/{id}/cancel", only(post(api::auth_links::cancel)))
        .route("/v1/auth-links/{id}/confirm", only(post(api::auth_links::confirm)))
        .route("/v1/inbound/messages", only(post(api::inbound::messages)))
        .route("/v1/conversations/{id}", only(get(api::conversations::read)))
        .route("/v1/conversations/{id}/end", only(post(api::conversations::end)))
        .route("/v1/contacts", only(get(api::contacts::list)))
        .route("/v1/contacts/{id}", only(get(api::contacts::read)))
        .route("/v1/mapping/preview", only(post(api::mapping::preview)))
        .route("/v1/events", only(get(api::events::list)))
        .route("/v1/attempts", only(get(api::attempts::list)))
        .route("/v1/attempts/{id}", only(get(api::attempts::read)))
        .layer(DefaultBodyLimit::max(API_BODY));
    let small = Router::new()
        .route("/v1/oauth/token", any(token))
        .route("/v1/oauth/.well-known/jwks.json", any(jwks))
        .route("/api/oauth2/jwks", any(jwks))
        .route("/idp/eu/oauth/callback", any(callback::arrive))
        .route("/idp/eu/oauth/callback/{provider}", any(callback::arrive))
        .route("/web/inbound/abc/oauth/redirect", any(callback::arrive))
        .route("/web/inbound/abc/oauth/redirect/{provider}", any(callback::arrive))
        .route("/web/inbound/abc/oauth/abcAuth2Redirect", any(callback::arrive))
        .route("/web/inbound/abc/oauth/abcAuth2Redirect/{provider}", any(callback::arrive))
        .route("/a/{token}", any(link_page::link))
        .route("/a/{token}/decline", any(link_page::decline))
        .route("/a/r/{handle}", any(callback::result))
        .route("/assets/{*path}", any(link_page::asset))
        .layer(DefaultBodyLimit::max(SMALL_BODY));
    api.merge(small)
        .merge(ops_routes())
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(Arc::clone(&web), stamp))
        .with_state(web)
}

async fn token(AtTenant(tenant): AtTenant, State(web): State<Arc<Web>>, request: Request) -> Response {
    oauth::token(&web.issuer, &tenant, request).await
}

async fn jwks(AtTenant(_): AtTenant, State(web): State<Arc<Web>>, request: Request) -> Response {
    oauth::jwks(&web.issuer, request.method(), request.headers())
}

/// What an operator asks, on an address of its own.
pub fn ops_router(web: Arc<Web>) -> Router {
    ops_routes()
        .layer(Extension(health::OnOps))
        .layer(middleware::from_fn_with_state(Arc::clone(&web), stamp))
        .with_state(web)
}

fn ops_routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/livez", only(get(health::live)))
        .route("/readyz", only(get(health::ready)))
        .route("/version", only(get(health::version)))
}

/// A JSON route: other methods get a problem document and an `Allow` header.
fn only(route: MethodRouter<Arc<Web>>) -> MethodRouter<Arc<Web>> {
    route.fallback(|| async { ApiError::MethodNotAllowed })
}

/// A path that is none of ours: a problem document under `/v1` and `/api`, a page elsewhere.
async fn nothing_here(State(web): State<Arc<Web>>, uri: Uri, request: Request) -> Response {
    if uri.path().starts_with("/v1/") || uri.path().starts_with("/api/") {
        return ApiError::NoSuchPath.into_response();
    }
    link_page::nothing_here(&web, &request)
}

/// Gives the request its id, and every answer the headers that all share.
async fn stamp(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let id = telemetry::request_id(web.broker.clock());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Some(Problem(mut problem)) = response.extensions_mut().remove::<Problem>() {
        problem["requestId"] = Value::String(id.clone());
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        response = Response::from_parts(parts, axum::body::Body::from(problem.to_string()));
    }
    let headers = response.headers_mut();
    headers
        .insert(HeaderName::from_static("x-request-id"), HeaderValue::from_str(&id).expect("an id is ASCII"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    if web.https {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000; includeSubDomains"),
        );
    }
    response
}

/// A problem document on its way out; the request id is added last, by [`stamp`].
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
