//! Apps in a page redeem their codes from there: the origins of registered redirect URIs may read what the token endpoint,
//! `userinfo` and `revoke` answer (Fetch, 3.2). None of these looks at a cookie, so that no origin gains more by it than a
//! program has.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::web::Web;
use crate::web::host::{self, Asked};

/// What an app in a page asks.
const PATHS: [&str; 3] = ["/v1/oauth/token", "/v1/oauth/userinfo", "/v1/oauth/revoke"];

/// Whether a request comes from a page and asks for something that apps may read.
pub fn concerns(request: &Request) -> bool {
    PATHS.contains(&request.uri().path()) && request.headers().contains_key(ORIGIN)
}

/// Lets the pages of registered apps read the answer.
pub async fn allow(web: &Web, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let tenant = host::tenant(web, &Asked::of_request(&request)).ok();
    let is_of_app = |origin: &HeaderValue| {
        origin.to_str().is_ok_and(|origin| tenant.is_some_and(|tenant| tenant.is_of_app(origin)))
    };
    let origin = origin.filter(is_of_app);
    let Some(origin) = origin else { return next.run(request).await };
    let mut response = if request.method() == Method::OPTIONS {
        let may = [
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST")),
            (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type")),
            (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
        ];
        (StatusCode::NO_CONTENT, may).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("www-authenticate, retry-after"));
    headers.append(VARY, HeaderValue::from_static("Origin"));
    response
}
