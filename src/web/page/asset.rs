//! The files that pages name: embedded, addressed by their hash, kept by browsers for a year.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, header};
use rust_embed::RustEmbed;

/// The embedded stylesheets and the icon.
#[derive(RustEmbed)]
#[folder = "assets/page/"]
struct Files;

/// What the pages of staff add: each kind of file is served as one, in the order of the names, `staff` first.
#[derive(RustEmbed)]
#[folder = "assets/staff/"]
struct StaffFiles;

/// Others' scripts, as they were published.
#[derive(RustEmbed)]
#[folder = "assets/vendor/htmx/"]
struct VendorFiles;

/// A file under an address that changes with its content.
struct Served {
    path: String,
    content_type: &'static str,
    body: String,
    /// The same, compressed (RFC 1952).
    gzip: Vec<u8>,
}

static STYLESHEET: LazyLock<Served> = LazyLock::new(|| Served::new("page", "css", "text/css; charset=utf-8"));
static REFERENCE: LazyLock<Served> =
    LazyLock::new(|| Served::new("reference", "css", "text/css; charset=utf-8"));
static STAFF_STYLE: LazyLock<Served> =
    LazyLock::new(|| Served::of("staff", "css", "text/css; charset=utf-8", &together::<StaffFiles>("css")));
static STAFF_SCRIPT: LazyLock<Served> = LazyLock::new(|| {
    Served::of("staff", "js", "text/javascript; charset=utf-8", &together::<StaffFiles>("js"))
});
static HTMX: LazyLock<Served> = LazyLock::new(|| {
    Served::of("htmx", "js", "text/javascript; charset=utf-8", &together::<VendorFiles>("js"))
});
static ICON: LazyLock<Served> = LazyLock::new(|| Served::new("icon", "svg", "image/svg+xml"));

/// The file `name` of the folder `/assets/` (`page-<hash>.css`, `reference-<hash>.css`,
/// `icon-<hash>.svg`, `staff-<hash>.css` …), or none. An
/// old hash is none too: a page is never kept, so nothing asks for it.
/// Compressed for who takes that (RFC 9110, 12.5.3).
pub fn asset(name: &str, takes_gzip: bool) -> Option<Response> {
    let wanted = |served: &&&Served| served.path.strip_prefix("/assets/") == Some(name);
    let all = [&*STYLESHEET, &*REFERENCE, &*ICON, &*STAFF_STYLE, &*STAFF_SCRIPT, &*HTMX];
    let served = all.into_iter().find(|served| wanted(&served))?;
    let body = if takes_gzip { Body::from(served.gzip.as_slice()) } else { Body::from(served.body.as_str()) };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    if takes_gzip {
        set(header::CONTENT_ENCODING, "gzip");
    }
    set(header::VARY, "accept-encoding");
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

/// Where the files are that the pages of staff name.
#[derive(Debug)]
pub struct StaffAssets {
    /// The stylesheet.
    pub style: &'static str,
    /// Our own script.
    pub script: &'static str,
    /// htmx with its extensions.
    pub htmx: &'static str,
    /// The icon.
    pub icon: &'static str,
}

/// Where the files are that the pages of staff name.
pub fn staff_assets() -> &'static StaffAssets {
    static ASSETS: LazyLock<StaffAssets> = LazyLock::new(|| StaffAssets {
        style: &STAFF_STYLE.path,
        script: &STAFF_SCRIPT.path,
        htmx: &HTMX.path,
        icon: &ICON.path,
    });
    &ASSETS
}

/// Where the icon is.
pub fn icon() -> &'static str {
    &ICON.path
}

impl Served {
    fn new(name: &str, extension: &str, content_type: &'static str) -> Self {
        let file = Files::get(&format!("{name}.{extension}")).expect("the files are embedded");
        let body = std::str::from_utf8(&file.data).expect("the files are UTF-8");
        Self::of(name, extension, content_type, body)
    }

    fn of(name: &str, extension: &str, content_type: &'static str, body: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, body.as_bytes());
        let short = digest.as_ref().iter().take(6).fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every byte");
            text
        });
        let path = format!("/assets/{name}-{short}.{extension}");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body.as_bytes()).expect("memory takes every byte");
        let gzip = encoder.finish().expect("memory takes every byte");
        Self { path, content_type, body: body.to_owned(), gzip }
    }
}

/// The files of a kind, one behind the other.
fn together<F: RustEmbed>(extension: &str) -> String {
    let mut names: Vec<_> = F::iter().filter(|name| name.ends_with(&format!(".{extension}"))).collect();
    // The first one has what the others build on.
    names.sort_by_key(|name| (!name.starts_with("staff.") && !name.starts_with("htmx."), name.to_string()));
    let text = |name: &std::borrow::Cow<'static, str>| {
        let file = F::get(name).expect("the files are embedded");
        String::from_utf8(file.data.into_owned()).expect("the files are UTF-8") + "\n"
    };
    names.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_file_is_kept_for_a_year_under_its_hash() {
        let name = |path: &'static str| path.strip_prefix("/assets/").unwrap();
        let response = asset(name(stylesheet()), false).unwrap();
        assert_eq!(response.headers()["content-type"], "text/css; charset=utf-8");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(asset(name(icon()), false).unwrap().headers()["content-type"], "image/svg+xml");
    }

    #[test]
    fn a_file_is_compressed_for_who_takes_that() {
        let name = staff_assets().htmx.strip_prefix("/assets/").unwrap();
        let (plain, small) = (asset(name, false).unwrap(), asset(name, true).unwrap());
        assert!(!plain.headers().contains_key("content-encoding"));
        assert_eq!(
            (small.headers()["content-encoding"].as_bytes(), HTMX.gzip.len() * 2 < HTMX.body.len()),
            (&b"gzip"[..], true)
        );
    }

    #[test]
    fn no_other_path_is_served() {
        for path in ["page.css", "page-000000000000.css", "../Cargo.toml", stylesheet(), ""] {
            assert!(asset(path, false).is_none(), "{path}");
        }
    }

    #[test]
    fn the_stylesheet_names_nothing_outside() {
        for sheet in [&STYLESHEET, &REFERENCE, &STAFF_STYLE] {
            assert!(!sheet.body.contains("url(") && !sheet.body.contains("@import"));
        }
        assert!(!ICON.body.contains("<script") && !ICON.body.contains("href"));
    }
}
