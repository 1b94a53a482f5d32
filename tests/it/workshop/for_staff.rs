//! A provider opens the pages of staff only if who published it may decide who is staff.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{HOST, Shop, fields, words};
use crate::harness::browser::{Browser, Page};
use crate::harness::page::Form;
use crate::harness::scripted::Scripted;
use crate::harness::staff::ADMIN;
use crate::harness::{Choices, eventually};

/// A shop, the provider that somebody brings, and the secret of a client that may publish and nothing else.
struct Brought {
    shop: Shop,
    provider: Scripted,
    secret: String,
}

impl Brought {
    async fn start() -> Self {
        let provider = Scripted::start().await;
        // It says of whoever comes that it is the admin.
        provider.person(|told| {
            told["email"] = json!(ADMIN);
            told["email_verified"] = json!(true);
        });
        let shop = Shop::with(Choices { allow: vec![provider.listed()], ..Choices::default() }).await;
        let client = json!({"clientId": "deploy", "scopes": ["read:providers", "write:providers"]});
        let made = shop.api(Method::POST, "/v1/clients", Some(client)).await;
        let secret = made["clientSecret"].as_str().unwrap().to_owned();
        let brought = Self { shop, provider, secret };
        brought.publish("openid email").await;
        brought
    }

    /// The client drafts the provider with this scope, and publishes it.
    async fn publish(&self, scope: &str) {
        let settings = json!({
            "label": "Mallory's account", "issuer": self.provider.origin(), "callbackPath": "named",
            "clientId": "shop", "clientSecret": "a-secret-of-its-own", "scope": scope,
        });
        let there = self.call(Method::GET, "", None, None).await;
        let tag = there.headers().get("etag").map(|tag| tag.to_str().unwrap().to_owned());
        let drafted = self.call(Method::PUT, "", Some(settings), tag.as_deref().or(Some("*"))).await;
        assert!(drafted.status().is_success(), "{}", drafted.text().await.unwrap());
        let published = self.call(Method::POST, "/publish", Some(json!({"untested": true})), None).await;
        assert!(published.status().is_success(), "{}", published.text().await.unwrap());
    }

    async fn call(
        &self,
        method: Method,
        what: &str,
        body: Option<Value>,
        tag: Option<&str>,
    ) -> reqwest::Response {
        let broker = &self.shop.broker;
        let form =
            [("grant_type", "client_credentials"), ("client_id", "deploy"), ("client_secret", &self.secret)];
        let told = broker.plain(Method::POST, "/v1/oauth/token").header("host", HOST).form(&form).send();
        let told: Value = told.await.unwrap().json().await.unwrap();
        let request = broker.plain(method, &format!("/v1/providers/evil{what}")).header("host", HOST);
        let mut request = request.bearer_auth(told["access_token"].as_str().unwrap());
        request = match tag {
            Some("*") => request.header("if-none-match", "*"),
            Some(tag) => request.header("if-match", tag),
            None => request,
        };
        match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        }
    }

    fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.shop.origin).parse().unwrap()
    }

    /// The page with the ways in, of a browser that nobody is in.
    async fn door(&self, browser: &mut Browser) -> Page {
        let page = browser.get(&self.url("/signin?next=/account")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        page
    }

    /// Presses a button for the provider, whether there is one or not.
    async fn press(&self, browser: &mut Browser) -> Page {
        let page = Page::blank(&self.url("/signin"));
        let named = [("provider", "evil"), ("next", "/account"), ("zone", "UTC")];
        let fields = named.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let form = Form { action: self.url("/signin/provider").to_string(), fields, buttons: Vec::new() };
        browser.submit(&page, &form, &[]).await
    }

    /// The admin saves the settings as they are, and publishes them.
    async fn publish_as_admin(&mut self) {
        for (page, action, more) in
            [("/settings", "/settings", &[][..]), ("/publish", "/publish", &[("untested", "yes")])]
        {
            let path = format!("/admin/providers/evil{page}");
            let html = self.shop.get(&path).await.html;
            let path = format!("/admin/providers/evil{action}");
            let mut fields = fields(&html, &path);
            fields.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
            let sent = self.shop.post(&path, fields).await;
            assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", words(&sent.html));
        }
    }

    /// Waits until this broker serves the provider with, or without, staff.
    async fn served(&self, for_staff: bool) {
        eventually("the change is served", async || {
            let tenant = self.shop.broker.broker().tenant_at(HOST).unwrap();
            tenant.providers.iter().any(|provider| provider.for_staff == for_staff).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_provider_of_a_client_that_may_only_publish_lets_nobody_in_as_staff_until_an_admin_published_it() {
    let mut brought = Brought::start().await;
    brought.served(false).await;
    let mut browser = Browser::new();
    let door = brought.door(&mut browser).await;
    assert!(!door.html.contains("Mallory"), "no button leads there: {}", door.html);
    assert_eq!(brought.press(&mut browser).await.status, StatusCode::NOT_FOUND);
    assert!(brought.provider.everything().is_empty(), "nobody was sent there, and nothing was asked");
    let overview = words(&brought.shop.get("/admin/providers/evil").await.html);
    assert!(overview.contains("because the API client deploy published it"), "{overview}");
    brought.publish_as_admin().await;
    brought.served(true).await;
    assert!(brought.door(&mut browser).await.html.contains("Mallory"));
    let sent = brought.press(&mut browser).await;
    let callback = browser.get(&sent.location()).await.location();
    assert_eq!(browser.get(&callback).await.location().path(), "/account");
    let overview = words(&brought.shop.get("/admin/providers/evil").await.html);
    assert!(!overview.contains("Staff sign in"), "{overview}");
}

#[tokio::test]
async fn a_sign_in_that_is_under_way_when_such_a_client_publishes_lets_nobody_in() {
    let mut brought = Brought::start().await;
    brought.publish_as_admin().await;
    brought.served(true).await;
    let mut browser = Browser::new();
    let sent = brought.press(&mut browser).await;
    let callback = browser.get(&sent.location()).await.location();
    brought.publish("openid email profile").await;
    brought.served(false).await;
    let answer = browser.get(&callback).await;
    assert!(answer.location().path().starts_with("/signin/refused/"), "{}", answer.location());
    assert!(brought.provider.asked("/token").is_empty(), "nothing left the building");
    let audit = brought.shop.api(Method::GET, "/v1/audit?action=staff.refused", None).await;
    assert_eq!(audit["items"][0]["detail"], "evil: provider_not_for_staff");
}
