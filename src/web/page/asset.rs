//! The files that pages name: embedded, addressed by their hash, kept by browsers for a year.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use rust_embed::RustEmbed;

/// The embedded stylesheets and the icon.
#[derive(RustEmbed)]
#[folder = "assets/page/"]
struct Files;

/// A file under an address that changes with its content.
struct Served {
    path: String,
    content_type: &'static str,
    body: String,
}

static STYLESHEET: LazyLock<Served> = LazyLock::new(|| Served::new("page", "css", "text/css; charset=utf-8"));
static REFERENCE: LazyLock<Served> =
    LazyLock::new(|| Served::new("reference", "css", "text/css; charset=utf-8"));
static ICON: LazyLock<Served> = LazyLock::new(|| Served::new("icon", "svg", "image/svg+xml"));

/// The file `name` of the folder `/assets/` (`page-<hash>.css`, `reference-<hash>.css`,
/// `icon-<hash>.svg`), or none. An
/// old hash is none too: a page is never kept, so nothing asks for it.
pub fn asset(name: &str) -> Option<Response> {
    let wanted = |served: &&&Served| served.path.strip_prefix("/assets/") == Some(name);
    let served = [&*STYLESHEET, &*REFERENCE, &*ICON].into_iter().find(|served| wanted(&served))?;
    let mut response = Response::new(Body::from(served.body.as_str()));
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, served.content_type);
    set(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // An SVG opened on its own is a document: it gets a policy like one.
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    set(header::REFERRER_POLICY, "no-referrer");
    Some(response)
}

/// Where the stylesheet is.
pub fn stylesheet() -> &'static str {
    &STYLESHEET.path
}

/// Where the stylesheet is that the reference adds.
pub fn reference_stylesheet() -> &'static str {
    &REFERENCE.path
}

/// Where the icon is.
pub fn icon() -> &'static str {
    &ICON.path
}

impl Served {
    fn new(name: &str, extension: &str, content_type: &'static str) -> Self {
        let file = Files::get(&format!("{name}.{extension}")).expect("the files are embedded");
        let short = file.metadata.sha256_hash().iter().take(6).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every byte");
            text
        });
        let path = format!("/assets/{name}-{short}.{extension}");
        let body = String::from_utf8(file.data.into_owned()).expect("the files are UTF-8");
        Self { path, content_type, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_file_is_kept_for_a_year_under_its_hash() {
        let name = |path: &'static str| path.strip_prefix("/assets/").unwrap();
        let response = asset(name(stylesheet())).unwrap();
        assert_eq!(response.headers()["content-type"], "text/css; charset=utf-8");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(asset(name(icon())).unwrap().headers()["content-type"], "image/svg+xml");
    }

    #[test]
    fn no_other_path_is_served() {
        for path in ["page.css", "page-000000000000.css", "../Cargo.toml", stylesheet(), ""] {
            assert!(asset(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_stylesheet_names_nothing_outside() {
        for sheet in [&STYLESHEET, &REFERENCE] {
            assert!(!sheet.body.contains("url(") && !sheet.body.contains("@import"));
        }
        assert!(!ICON.body.contains("<script") && !ICON.body.contains("href"));
    }
}
