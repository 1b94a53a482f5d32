//! What every page shares: who reads it, the frame around its content, and its headers.

use askama::Template;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use url::Url;

use super::text::{Text, Words, clean};
use super::{asset, language::Language};

/// Who reads a page, and where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// The business's name, where the host is a tenant's. Landing, decline and result pages need it.
    pub tenant: Option<&'a str>,
    /// The language of the link, a BCP 47 tag, if the page belongs to one.
    pub locale: Option<&'a str>,
    /// The browser's `Accept-Language` header as it came.
    pub accept_language: Option<&'a str>,
    /// What the customer can tell the business when something fails; the log has it too.
    pub request_id: &'a str,
    /// Whether the page is served by https: it then asks for https ever after (RFC 6797).
    pub https: bool,
}

impl Visitor<'_> {
    /// The words in this visitor's language.
    pub(super) fn words(&self) -> Words {
        Words::negotiate(self.locale, self.accept_language)
    }

    /// The name of the business, cleaned for showing.
    pub(super) fn business(&self) -> String {
        clean(self.tenant.unwrap_or_default())
    }
}

/// The frame of a page: everything around its content.
pub(super) struct Frame {
    pub(super) language: &'static Language,
    pub(super) title: String,
    /// What a chat's preview shows; the same for every page of a language.
    pub(super) preview: String,
    pub(super) stylesheet: &'static str,
    pub(super) icon: &'static str,
    pub(super) business: String,
    /// The first letter of the business's name, for its emblem.
    pub(super) initial: String,
    https: bool,
}

impl Frame {
    /// The frame for a page with this heading.
    pub(super) fn new(visitor: &Visitor, words: &Words, heading: &str) -> Self {
        let business = visitor.business();
        let initial = business.chars().find(|c| c.is_alphanumeric());
        let initial = initial.map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        let named = business.is_empty() || heading.contains(&business);
        let title = if named { heading.to_owned() } else { format!("{heading} · {business}") };
        Self {
            language: words.language(),
            title,
            preview: words.say(Text::Preview),
            stylesheet: asset::stylesheet(),
            icon: asset::icon(),
            business,
            initial,
            https: visitor.https,
        }
    }
}

/// Where the forms of a page may lead.
pub(super) enum Forms<'a> {
    /// It has none.
    None,
    /// To us only.
    Here,
    /// To us, and by our redirect to this provider. Chromium holds every redirect after a form
    /// against the policy, and a provider may redirect to others: so any https address, and in
    /// development the provider's own plain origin.
    Provider(&'a Url),
    /// The same for several providers and an app's own address: these sources beside every https address.
    Several(&'a [String]),
}

impl Forms<'_> {
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             form-action {}",
            self.sources()
        )
    }

    fn sources(&self) -> String {
        match self {
            Self::None => "'none'".to_owned(),
            Self::Here => "'self' https:".to_owned(),
            Self::Provider(url) if url.scheme() == "https" => "'self' https:".to_owned(),
            Self::Provider(url) => format!("'self' https: {}", url.origin().ascii_serialization()),
            Self::Several(sources) => format!("'self' https: {}", sources.join(" ")).trim_end().to_owned(),
        }
    }
}

/// What no page asks of a browser.
const PERMISSIONS: &str = "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), \
                           gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// The whole answer: the page with every header that it needs.
pub(super) fn respond(status: StatusCode, frame: &Frame, forms: &Forms, page: &impl Template) -> Response {
    let body = page.render().expect("a template writes to memory, which does not fail");
    let has_forms = !matches!(forms, Forms::None);
    dress(status, body, frame.language.tag(), &forms.policy(), has_forms, frame.https)
}

/// A page without forms that is the same for everybody, in English: it may be kept for five minutes.
pub fn public(body: String, https: bool) -> Response {
    let mut response = dress(StatusCode::OK, body, "en", &Forms::None.policy(), false, https);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// A page with every header that it needs, under this content security policy.
pub fn dress(
    status: StatusCode,
    body: String,
    language: &str,
    policy: &str,
    has_forms: bool,
    https: bool,
) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let policy = HeaderValue::from_str(policy).expect("an origin in ASCII is a header value");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    let language = HeaderValue::from_str(language).expect("a language tag is ASCII");
    headers.insert(header::CONTENT_LANGUAGE, language);
    // A form's POST must carry its origin, or it would be refused as a foreign one.
    let referrer = if has_forms { "same-origin" } else { "no-referrer" };
    let mut set = |name: &'static str, value| headers.insert(name, HeaderValue::from_static(value));
    set("content-type", "text/html; charset=utf-8");
    set("cache-control", "no-store");
    set("x-content-type-options", "nosniff");
    set("x-frame-options", "DENY");
    set("x-robots-tag", "noindex, nofollow");
    set("referrer-policy", referrer);
    set("permissions-policy", PERMISSIONS);
    set("cross-origin-opener-policy", "same-origin");
    set("cross-origin-resource-policy", "same-origin");
    if https {
        set("strict-transport-security", "max-age=31536000");
    }
    response
}

/// A link that a page may show: any address but those that would run or show something of their own.
pub(super) fn safe_link(link: &str) -> Option<String> {
    let scheme = Url::parse(link).ok()?.scheme().to_owned();
    let refused = ["javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source"];
    (!refused.contains(&scheme.as_str())).then(|| link.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_provider_is_named_in_the_policy() {
        let https: Url = "https://id.example/auth".parse().unwrap();
        let plain: Url = "http://127.0.0.1:4711/auth?x=1".parse().unwrap();
        assert_eq!(Forms::Provider(&https).sources(), "'self' https:");
        assert_eq!(Forms::Provider(&plain).sources(), "'self' https: http://127.0.0.1:4711");
    }

    #[test]
    fn a_link_that_runs_something_is_not_shown() {
        for good in ["sms:+15550199", "https://wa.me/1555", "line://ti/p/@acme", "viber://chat?number=1"] {
            assert_eq!(safe_link(good).as_deref(), Some(good));
        }
        for bad in
            ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,x", "/relative", "//host", ""]
        {
            assert!(safe_link(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_title_names_the_business_once() {
        let visitor = Visitor { tenant: Some("acme"), locale: Some("en"), ..Visitor::default() };
        let words = visitor.words();
        assert_eq!(Frame::new(&visitor, &words, "Done").title, "Done · acme");
        let frame = Frame::new(&visitor, &words, "Sign in to acme");
        assert_eq!((frame.title.as_str(), frame.initial.as_str()), ("Sign in to acme", "A"));
    }
}
