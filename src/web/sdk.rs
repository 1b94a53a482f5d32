//! `/sdk/dom.js` and its types: the module that a tenant's website loads. It is public, the same for every tenant, and
//! served as it is written.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

use super::Web;
use super::oauth::jwks::{etag_of, has};
use super::page::Notice;
use super::segment::Segment;
use super::visit::Visit;

/// The embedded files.
#[derive(RustEmbed)]
#[folder = "assets/sdk/"]
struct Embedded;

/// A file, also compressed.
struct File {
    name: &'static str,
    content_type: &'static str,
    text: String,
    gzip: Vec<u8>,
    etag: String,
}

static FILES: LazyLock<[File; 2]> = LazyLock::new(|| {
    [
        File::new("dom.js", "text/javascript; charset=utf-8"),
        File::new("dom.d.ts", "text/plain; charset=utf-8"),
    ]
});

/// `GET /sdk/{file}`.
pub(super) async fn file(visit: Visit, State(web): State<Arc<Web>>, Segment(name): Segment) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return visit.miss(&web, Notice::Unknown);
    };
    if !matches!(visit.method, Method::GET | Method::HEAD) {
        return visit.wrong_method("GET, HEAD");
    }
    let accepted = visit.headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = accepted.is_some_and(|accepted| accepted.contains("gzip"));
    let is_known = has(&visit.headers, &file.etag);
    let mut response = match (is_known, takes_gzip) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => Response::new(Body::from(file.gzip.as_slice())),
        (false, false) => Response::new(Body::from(file.text.as_str())),
    };
    let headers = response.headers_mut();
    if takes_gzip && !is_known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(&format!("W/{}", file.etag)).expect("a tag is quoted base64url"),
    );
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, file.content_type);
    set(header::VARY, "accept-encoding");
    set(header::CACHE_CONTROL, "public, max-age=3600");
    // Anybody may load a public script; what it may do then is decided by the origins of the API it calls.
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    response
}

impl File {
    fn new(name: &'static str, content_type: &'static str) -> Self {
        let file = Embedded::get(name).expect("the files are embedded");
        let text = String::from_utf8(file.data.into_owned()).expect("the files are UTF-8");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).expect("memory takes every byte");
        let gzip = encoder.finish().expect("memory takes every byte");
        let etag = etag_of(text.as_bytes());
        Self { name, content_type, text, gzip, etag }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes of the module on its way.
    const MOST: usize = 6 * 1000;

    #[test]
    fn the_module_is_small_and_whole() {
        let [script, types] = &*FILES;
        assert!(script.gzip.len() < MOST, "{} bytes", script.gzip.len());
        for never in ["import ", "require(", "eval(", "document.cookie", "?access_token", "innerHTML"] {
            assert!(!script.text.contains(never), "{never}");
        }
        for name in [
            "sendOTP",
            "verifyOTP",
            "getUser",
            "isAuthenticated",
            "onAuthStateChange",
            "getAccessToken",
            "logout",
            "updateProfile",
            "destroy",
        ] {
            assert!(
                script.text.contains(&format!(" {name}(")) && types.text.contains(&format!("  {name}(")),
                "{name}"
            );
        }
    }
}
