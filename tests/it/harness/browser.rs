//! A browser without scripts: cookies per host, redirects by hand, forms.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use url::Url;

use super::page::{self, Form};

/// A page as it arrived.
#[derive(Debug, Clone)]
pub struct Page {
    /// Its status.
    pub status: StatusCode,
    /// Its address.
    pub url: Url,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its text.
    pub html: String,
}

impl Page {
    /// A page of which nothing but its address is known.
    pub fn blank(url: &Url) -> Self {
        let (headers, html) = (reqwest::header::HeaderMap::new(), String::new());
        Self { status: StatusCode::OK, url: url.clone(), headers, html }
    }

    /// The code that it shows.
    pub fn code(&self) -> Option<String> {
        page::code(&self.html)
    }

    /// The first form.
    pub fn form(&self) -> Form {
        page::forms(&self.html).into_iter().next().unwrap_or_else(|| panic!("no form in {}", self.html))
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Url {
        let location = self
            .headers
            .get("location")
            .unwrap_or_else(|| panic!("no redirect but {}: {}", self.status, self.html));
        self.url.join(location.to_str().unwrap()).unwrap()
    }
}

/// Cookies and nothing else. Clones are separate browsers with the same cookies.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<(String, String), String>,
    /// Requests for the first origin go to the second, as a load balancer sends them.
    detour: Option<(String, Url)>,
}

impl Browser {
    /// A fresh one.
    pub fn new() -> Self {
        Self { http: super::http_client(), cookies: BTreeMap::new(), detour: None }
    }

    /// From now on another broker gets what is sent to `origin`.
    pub fn detour(&mut self, origin: &str, to: &str) {
        self.detour = Some((origin.to_owned(), to.parse().unwrap()));
    }

    /// Its cookies for a page, by name.
    pub fn cookies(&self, url: &Url) -> BTreeMap<String, String> {
        let origin = url.origin().ascii_serialization();
        self.cookies
            .iter()
            .filter(|((at, _), _)| *at == origin)
            .map(|((_, name), value)| (name.clone(), value.clone()))
            .collect()
    }

    /// Holds a cookie of an origin.
    pub fn hold(&mut self, origin: &str, name: &str, value: &str) {
        self.cookies.insert((origin.to_owned(), name.to_owned()), value.to_owned());
    }

    /// Takes a cookie away, or gives it another value.
    pub fn tamper(&mut self, change: impl Fn(&str, &str) -> Option<String>) {
        let changed = self.cookies.iter().filter_map(|((at, name), value)| {
            change(name, value).map(|value| ((at.clone(), name.clone()), value))
        });
        self.cookies = changed.collect();
    }

    /// Loads a page and follows nothing.
    pub async fn get(&mut self, url: &Url) -> Page {
        self.send(Method::GET, url, None).await
    }

    /// Sends a form of `from`, with its buttons left out and `more` fields added or replaced.
    pub async fn submit(&mut self, from: &Page, form: &Form, more: &[(&str, &str)]) -> Page {
        let url =
            if form.action.is_empty() { from.url.clone() } else { from.url.join(&form.action).unwrap() };
        let mut fields = form.fields.clone();
        for (name, value) in more {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let mut origin = from.url.clone();
        origin.set_path("");
        self.send(Method::POST, &url, Some((fields, from.url.origin().ascii_serialization()))).await
    }

    /// Opens a link and presses *Continue*: the answer is the redirect to the provider.
    pub async fn open(&mut self, link: &str) -> Page {
        let landing = self.get(&link.parse().unwrap()).await;
        assert_eq!(landing.status, StatusCode::OK, "{}", landing.html);
        let form = landing.form();
        self.submit(&landing, &form, &[]).await
    }

    /// Signs in at the demo provider, from its authorization URL to the callback's URL, which is
    /// not loaded.
    pub async fn sign_in_at_provider(&mut self, authorize: &Url, decision: &str) -> Url {
        let login = self.get(authorize).await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.html);
        let consent = self.submit(&login, &login.form(), &[("person", "billy")]).await;
        let done = self.submit(&consent, &consent.form(), &[("decision", decision)]).await;
        done.location()
    }

    /// Opens a link and signs in, up to the callback's URL.
    pub async fn reach_callback(&mut self, link: &str) -> Url {
        let opened = self.open(link).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
        self.sign_in_at_provider(&opened.location(), "allow").await
    }

    /// Loads a callback and follows it to the result page.
    pub async fn arrive(&mut self, callback: &Url) -> Page {
        let answer = self.get(callback).await;
        if answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        self.get(&answer.location()).await
    }

    /// The whole login, from the link to the result page.
    pub async fn sign_in(&mut self, link: &str) -> Page {
        let callback = self.reach_callback(link).await;
        self.arrive(&callback).await
    }

    async fn send(
        &mut self,
        method: Method,
        url: &Url,
        form: Option<(Vec<(String, String)>, String)>,
    ) -> Page {
        let mut request = self.http.request(method.clone(), url.clone());
        if let Some((_, to)) =
            self.detour.as_ref().filter(|(from, _)| *from == url.origin().ascii_serialization())
        {
            let mut there = url.clone();
            there.set_port(to.port()).unwrap();
            request = self.http.request(method, there).header("host", url.authority());
        }
        let jar: Vec<_> =
            self.cookies(url).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !jar.is_empty() {
            request = request.header("cookie", jar.join("; "));
        }
        if let Some((fields, origin)) = form {
            request = request.header("origin", origin).form(&fields);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        self.remember(url, &headers);
        Page { status, url: url.clone(), headers, html: response.text().await.unwrap() }
    }

    fn remember(&mut self, url: &Url, headers: &reqwest::header::HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let key = (url.origin().ascii_serialization(), name.trim().to_owned());
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
    }
}
