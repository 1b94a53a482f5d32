//! A customer's request for a page: who asks, in which language, with which of our cookies.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};

use crate::domain::tenant::Tenant;
use crate::flow::health::OutOfOrder;
use crate::flow::open_link::{LoginCookie, cookie_prefix};
use crate::flow::web_chat::is_pass;
use crate::flow::{Broker, StoreError};
use crate::secret::Secret;

use super::host::{self, Asked, NoTenant};
use super::limit::address::Address;
use super::limit::{headers, rate::Quota};
use super::page::{Notice, Visitor, busy, notice};
use super::{RequestId, Web};

/// How long a login's cookie lives: as long as the authorization request.
const COOKIE_SECONDS: u64 = 600;

/// What every page handler needs to know of its request.
#[derive(Debug)]
pub struct Visit {
    /// Whose customer it is.
    pub tenant: Arc<Tenant>,
    /// The request's method.
    pub method: Method,
    /// The request's headers.
    pub headers: HeaderMap,
    /// Host and port as they stand in the browser's address bar.
    pub authority: String,
    /// The request's name.
    pub request_id: String,
    /// Whether customers come by https.
    pub https: bool,
    /// Whom limits count it for.
    pub address: Option<Address>,
    /// Where its pages' nonces come from.
    broker: Arc<Broker>,
}

/// A page of a login that is under way, which also finishes where its tenant is no longer served.
#[derive(Debug)]
pub struct Returning(pub Visit);

/// Whether an answer may be compressed by gzip: it is named, and not with the weight nought.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = text(headers, &header::ACCEPT_ENCODING).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = matches!(weight.replace(' ', "").as_str(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

impl FromRequestParts<Arc<Web>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Response> {
        Self::of(parts, web, host::tenant).map_err(|page| *page)
    }
}

impl FromRequestParts<Arc<Web>> for Returning {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, Response> {
        Visit::of(parts, web, host::returned_tenant).map(Self).map_err(|page| *page)
    }
}

impl Visit {
    fn of(
        parts: &Parts,
        web: &Web,
        tenant: impl Fn(&Web, &Asked<'_>) -> Result<Arc<Tenant>, NoTenant>,
    ) -> Result<Self, Box<Response>> {
        let request_id = parts.extensions.get::<RequestId>().map_or(String::new(), |id| id.0.clone());
        let asked = Asked::of(parts);
        let tenant = tenant(web, &asked).map_err(|none| {
            let visitor = Visitor {
                accept_language: text(&parts.headers, &header::ACCEPT_LANGUAGE),
                request_id: &request_id,
                https: web.https,
                ..Visitor::default()
            };
            Box::new(notice(&visitor, nobody(none)))
        })?;
        let trusted = host::peer(&parts.extensions).is_some_and(|peer| web.trusts(peer));
        let authority = asked.authority(trusted).unwrap_or_default().to_owned();
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        let address = web.address(&parts.extensions, &parts.headers);
        let broker = Arc::clone(&web.broker);
        Ok(Self { tenant, method, headers, authority, request_id, https: web.https, address, broker })
    }

    /// The reader of a page, in the language of `locale` if the page belongs to a link.
    pub fn visitor<'a>(&'a self, locale: Option<&'a str>) -> Visitor<'a> {
        Visitor {
            tenant: Some(&self.tenant.name),
            locale,
            accept_language: text(&self.headers, &header::ACCEPT_LANGUAGE),
            request_id: &self.request_id,
            https: self.https,
        }
    }

    /// A page that is a heading and a sentence.
    pub fn notice(&self, what: Notice) -> Response {
        notice(&self.visitor(None), what)
    }

    /// The page of something that is not there, or the one for who asks for too many such pages.
    pub fn miss(&self, web: &Web, what: Notice) -> Response {
        match web.limits.miss(self.address, web.broker.clock().now()) {
            Ok(()) => self.notice(what),
            Err(quota) => too_many(&self.visitor(None), &quota),
        }
    }

    /// The page of a provider that is out of order, which leads to `retry`.
    pub fn out_of_order(&self, provider: &OutOfOrder, retry: Option<&str>) -> Response {
        let (why, retry_after) = (provider.why.as_str(), provider.why.retry_after());
        tracing::info!(tenant = %self.tenant.id, request_id = self.request_id, why, "provider.withheld");
        busy(&self.visitor(provider.locale.as_deref()), &provider.label, retry, retry_after)
    }

    /// The page of a store that does not answer.
    pub fn unavailable(&self, error: &StoreError) -> Response {
        tracing::error!(tenant = %self.tenant.id, request_id = self.request_id, detail = %error, "store.unavailable");
        self.notice(Notice::Unavailable { retry_after: 2 })
    }

    /// The page of a method that the address does not know.
    pub fn wrong_method(&self, allow: &'static str) -> Response {
        let mut response = self.notice(Notice::Method);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }

    /// Every cookie that the browser sent, by name and value.
    pub fn cookie_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
    }

    /// A fresh text of 132 random bits that marks our own scripts on one page (CSP Level 3, 7.1).
    pub fn nonce(&self) -> String {
        self.broker.clock().fresh_token().expose()[..22].to_owned()
    }

    /// Our login cookies, each as often as the browser sent it.
    pub fn cookies(&self) -> Vec<LoginCookie> {
        let prefix = cookie_prefix(self.https);
        let ours = self
            .cookie_pairs()
            .filter(|(name, _)| name.starts_with(prefix) && name.len() == prefix.len() + 8);
        ours.map(|(name, value)| LoginCookie { name: name.to_owned(), value: Secret::new(value) }).collect()
    }

    /// What the browser holds that came from the page of a web chat, each as often as it was sent.
    pub fn chat_passes(&self) -> Vec<LoginCookie> {
        let ours = self.cookie_pairs().filter(|(name, _)| is_pass(name, self.https));
        ours.map(|(name, value)| LoginCookie { name: name.to_owned(), value: Secret::new(value) }).collect()
    }

    /// Whether the browser is at the tenant's canonical host, where its redirect URIs are and its cookies come back. The
    /// port does not count: cookies know none, and a proxy that leaves it out must not be sent round in circles.
    pub fn is_at_origin(&self) -> bool {
        let scheme = if self.https { "https" } else { "http" };
        let asked = url::Url::parse(&format!("{scheme}://{}", self.authority)).ok();
        let own = url::Url::parse(&self.tenant.origin).ok();
        asked.zip(own).is_some_and(|(asked, own)| asked.host() == own.host())
    }

    /// Whether a form was sent from a page of ours. `Sec-Fetch-Site` decides where the browser sends
    /// it, else `Origin`; what names neither did not come from a form of ours.
    pub fn is_same_origin(&self) -> bool {
        if let Some(site) = text(&self.headers, &header::HeaderName::from_static("sec-fetch-site")) {
            return site == "same-origin";
        }
        let Some(origin) = text(&self.headers, &header::ORIGIN) else { return false };
        let scheme = if self.https { "https" } else { "http" };
        origin.eq_ignore_ascii_case(&format!("{scheme}://{}", self.authority))
    }

    /// What the browser says that it is.
    pub fn user_agent(&self) -> Option<&str> {
        text(&self.headers, &header::USER_AGENT)
    }

    /// Whether an answer may be compressed by gzip.
    pub fn takes_gzip(&self) -> bool {
        takes_gzip(&self.headers)
    }

    /// Whether a browser or a robot loads the address before anybody asked for it.
    pub fn is_prefetch(&self) -> bool {
        ["sec-purpose", "purpose", "x-purpose", "x-moz"].into_iter().any(|name| {
            let value = self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            value.contains("prefetch") || value.contains("preview") || value.contains("prerender")
        })
    }

    /// The `Set-Cookie` of a login. A provider that answers by a POST from its own site needs a
    /// cookie that follows it there; without TLS browsers refuse `SameSite=None`, and what they do
    /// with a cookie that says nothing comes closest.
    pub fn set_cookie(&self, cookie: &LoginCookie, cross_site: bool) -> HeaderValue {
        let same_site = match (cross_site, self.https) {
            (false, _) => "; SameSite=Lax",
            (true, true) => "; SameSite=None",
            (true, false) => "",
        };
        let (name, value) = (&cookie.name, cookie.value.expose());
        self.cookie(&format!("{name}={value}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly{same_site}"))
    }

    /// The `Set-Cookie` that makes the browser forget one.
    pub fn forget_cookie(&self, name: &str) -> HeaderValue {
        self.cookie(&format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"))
    }

    /// A `Set-Cookie`, which follows https only where the page does.
    pub fn cookie(&self, text: &str) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let value = HeaderValue::from_str(&format!("{text}{secure}"));
        let mut value = value.expect("names and values of our cookies are ASCII");
        value.set_sensitive(true);
        value
    }
}

/// A redirect after a POST or a callback: always 303, so that the next request is a GET.
pub fn see_other(location: &str) -> Response {
    let location = HeaderValue::from_str(location).expect("URLs that we build are ASCII");
    (axum::http::StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// The page of a host that has no tenant. The operator's has no pages.
pub fn nobody(none: NoTenant) -> Notice {
    match none {
        NoTenant::WrongHost => Notice::WrongHost,
        NoTenant::NotYet => Notice::Unavailable { retry_after: 2 },
        NoTenant::Platform => Notice::Unknown,
    }
}

/// The page for who asks for too many pages that are not there.
pub fn too_many(visitor: &Visitor, quota: &Quota) -> Response {
    let retry_after = u32::try_from(headers::retry_after(quota)).unwrap_or(u32::MAX);
    let mut response = notice(visitor, Notice::TooMany { retry_after });
    headers::refuse(response.headers_mut(), quota);
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
