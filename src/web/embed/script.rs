//! `GET /embed/chat.js`: the element, with its words in every language. The same for every tenant and every page.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::web::page;
use crate::web::visit::Visit;

/// The script. Any page may load it, also with `crossorigin` and `integrity`.
pub async fn script(visit: Visit) -> Response {
    if !matches!(visit.method, Method::GET | Method::HEAD) {
        return visit.wrong_method("GET, HEAD");
    }
    let element = page::element();
    let known = visit.headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known = known
        .is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == element.etag));
    let mut response = match (is_known, visit.takes_gzip()) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => ([(header::CONTENT_ENCODING, "gzip")], element.gzip.as_slice()).into_response(),
        (false, false) => element.text.as_str().into_response(),
    };
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value| headers.insert(name, HeaderValue::from_static(value));
    set("content-type", "text/javascript; charset=utf-8");
    // A mended script is everywhere within minutes; what is known need not be sent again.
    set("cache-control", "public, max-age=300");
    set("vary", "accept-encoding");
    set("access-control-allow-origin", "*");
    set("cross-origin-resource-policy", "cross-origin");
    set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    headers.insert(header::ETAG, HeaderValue::from_str(&element.etag).expect("a hash in quotes is ASCII"));
    response
}
