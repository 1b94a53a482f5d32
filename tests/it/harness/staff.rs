//! Staff at the broker's pages: a browser that was let in, with or without scripts.

use countersign::domain::staff::{Role, SignedInBy};
use countersign::flow::staff::session::Browser as Letting;
use url::Url;

use super::Harness;
use super::browser::{Browser, Page};
use super::page::{Form, forms};

/// The addresses of the staff of every tenant of a [`Harness`].
pub const ADMIN: &str = "dana@acme.example";
/// An agent's.
pub const AGENT: &str = "ari@acme.example";

/// A browser without scripts, signed in at the pages of the tenant `acme`.
#[derive(Debug, Clone)]
pub struct StaffBrowser {
    /// The browser.
    pub browser: Browser,
    origin: String,
    csrf: String,
}

impl Harness {
    /// A browser in which a member of staff with this role is signed in.
    pub async fn staff(&self, role: Role) -> StaffBrowser {
        self.staff_at("127.0.0.1", role).await
    }

    /// The same at the pages of the tenant with this address.
    pub async fn staff_at(&self, host: &str, role: Role) -> StaffBrowser {
        let cookie = self.staff_cookie_at(host, role, ("en", "UTC")).await;
        self.let_in(host, cookie).await
    }

    /// The same with another language and time zone.
    pub async fn staff_in(&self, role: Role, locale: &str, zone: &str) -> StaffBrowser {
        let cookie = self.staff_cookie_at("127.0.0.1", role, (locale, zone)).await;
        self.let_in("127.0.0.1", cookie).await
    }

    async fn let_in(&self, host: &str, (name, value): (String, String)) -> StaffBrowser {
        let mut browser = Browser::new();
        let origin = self.origin.replace("127.0.0.1", host);
        browser.hold(&origin, &name, &value);
        let mut staff = StaffBrowser { browser, origin, csrf: String::new() };
        let page = staff.get("/account").await;
        staff.csrf = csrf(&page);
        staff
    }

    /// Name and value of the cookie of a browser that was let in.
    pub async fn staff_cookie(&self, role: Role) -> (String, String) {
        self.staff_cookie_at("127.0.0.1", role, ("en", "UTC")).await
    }

    /// The same at the pages of a tenant, for a language and a time zone.
    pub async fn staff_cookie_at(
        &self,
        host: &str,
        role: Role,
        (locale, zone): (&str, &str),
    ) -> (String, String) {
        let broker = self.broker();
        let tenant = broker.tenant_at(host).expect("the tenant is served at this address");
        let member = tenant.staff.iter().find(|member| member.role == role).expect("the tenant has staff");
        let device = "Test browser".to_owned();
        let letting = Letting { device, locale: locale.to_owned(), zone: zone.to_owned() };
        let begun = broker.begin_session(&tenant, member, SignedInBy::Invite, &letting).await.unwrap();
        let name =
            if self.config.server.base_url.scheme() == "https" { "__Host-cs-staff" } else { "cs-staff" };
        (name.to_owned(), begun.cookie.expose().to_owned())
    }
}

impl StaffBrowser {
    /// Loads a page of ours and follows nothing.
    pub async fn get(&mut self, path: &str) -> Page {
        let url = self.url(path);
        self.browser.get(&url).await
    }

    /// The text of a page that must be there.
    pub async fn text(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.html);
        page.html
    }

    /// Sends a form as one of our pages does.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf.clone();
        self.post_with(path, &csrf, fields).await
    }

    /// The same with another token.
    pub async fn post_with(&mut self, path: &str, csrf: &str, fields: &[(&str, &str)]) -> Page {
        let url = self.url(path);
        let mut all = vec![("csrf".to_owned(), csrf.to_owned())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let form = Form { action: url.to_string(), fields: all, buttons: Vec::new() };
        self.browser.submit(&Page::blank(&url), &form, &[]).await
    }

    /// Follows redirects to our own pages.
    pub async fn follow(&mut self, mut page: Page) -> Page {
        while page.status.is_redirection() {
            let next = page.location();
            page = self.browser.get(&next).await;
        }
        page
    }

    /// The token of its forms.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.origin).parse().unwrap()
    }
}

/// The token of the first form of a page.
pub fn csrf(page: &Page) -> String {
    let fields = forms(&page.html).into_iter().flat_map(|form| form.fields);
    let token = fields.into_iter().find(|(name, _)| name == "csrf");
    token.unwrap_or_else(|| panic!("no form with a token: {} {}", page.status, page.html)).1
}
