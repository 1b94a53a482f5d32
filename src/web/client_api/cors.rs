//! Which origins may call the API of customers, and how browsers are told (the Fetch standard, *CORS protocol*). Origins
//! are compared to the letter with those of the tenant's websites and of its apps' redirect URIs; there is no wildcard,
//! and no cookie takes part.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::domain::tenant::Tenant;
use crate::web::Web;
use crate::web::host::{self, Asked};

use super::UNDER;
use super::answer::ClientError;

/// The methods of this API.
const METHODS: &str = "GET, POST, PATCH, DELETE";
/// The headers that calls carry.
const HEADERS: &str = "authorization, content-type";
/// For how many seconds a browser may remember: a website that was taken out is soon out.
const REMEMBERED: &str = "600";
/// The headers of answers that scripts may read.
const EXPOSED: &str = "ratelimit, ratelimit-policy, retry-after, x-request-id";

/// Whether a request is one to this API.
pub fn concerns(request: &Request) -> bool {
    request.uri().path().starts_with(UNDER)
}

/// Refuses calls from other origins than those of the tenant's websites and apps, answers preflights, and tells browsers that a script may
/// read the answer. Calls without `Origin` come from no page; they pass.
pub async fn guard(web: &Web, request: Request, next: Next) -> Response {
    // A host that serves nobody is told by the handler.
    let Ok(tenant) = host::tenant(web, &Asked::of_request(&request)) else { return next.run(request).await };
    let mut response = match allowed(&tenant, request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(origin)) => {
            let mut response = if is_preflight(&request) {
                preflight()
            } else {
                let mut response = next.run(request).await;
                response
                    .headers_mut()
                    .insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
                response
            };
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            response
        }
        Err(error) => {
            tracing::info!(tenant = %tenant.id, "client.origin_refused");
            error.into_response()
        }
    };
    // What is answered differs by it, also where it is not sent.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// The origin of a call, if it may come from there; none if it comes from no page.
fn allowed(tenant: &Tenant, headers: &HeaderMap) -> Result<Option<HeaderValue>, ClientError> {
    let Some(origin) = origin(headers)? else { return Ok(None) };
    if tenant.allows_origin(origin) {
        Ok(Some(HeaderValue::from_str(origin).map_err(|_| ClientError::Origin)?))
    } else {
        Err(ClientError::Origin)
    }
}

/// What the one `Origin` header says (RFC 6454, 7); none if there is none.
pub fn origin(headers: &HeaderMap) -> Result<Option<&str>, ClientError> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(only), None) => only.to_str().map(Some).map_err(|_| ClientError::Origin),
        _ => Err(ClientError::Origin),
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
