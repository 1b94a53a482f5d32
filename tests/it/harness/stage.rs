//! A broker, a scripted provider and a customer with a link: the whole way of a login, and what must
//! be so at its end.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::browser::{Browser, Page};
use super::scripted::Scripted;
use super::{Choices, Harness, log};
use crate::faults::assert_page_headers;

/// A login that may begin.
pub struct Stage {
    /// The broker.
    pub broker: Harness,
    /// The provider.
    pub provider: Scripted,
    /// The link that was sent in the chat.
    pub link: Value,
    /// The customer's browser.
    pub browser: Browser,
}

impl Stage {
    /// A tenant whose provider has these settings: each login must be confirmed in the chat.
    pub async fn new(provider: Scripted, block: String) -> Self {
        Self::with(provider, Choices { provider_block: Some(block), ..Choices::default() }).await
    }

    /// The same with other choices.
    pub async fn with(provider: Scripted, choices: Choices) -> Self {
        Self::of(provider, choices, json!({})).await
    }

    /// The same with more members of the link's order.
    pub async fn of(provider: Scripted, mut choices: Choices, order: Value) -> Self {
        choices.allow.push(provider.listed());
        // Other tenants have other addresses of this machine.
        let everywhere = if choices.others.is_empty() { "127.0.0.1:0" } else { "0.0.0.0:0" };
        let broker = Harness::on(TcpListener::bind(everywhere).await.unwrap(), choices).await;
        let link = broker.link_with("conv-1", order).await;
        Self { broker, provider, link, browser: Browser::new() }
    }

    /// A tenant that knows the issuer only, and more settings.
    pub async fn by_issuer(more: &str) -> Self {
        let provider = Scripted::start().await;
        let block = provider.by_issuer(more);
        Self::new(provider, block).await
    }

    /// A tenant that knows each URL, and more settings.
    pub async fn by_urls(more: &str) -> Self {
        let provider = Scripted::start().await;
        let block = provider.by_urls(more);
        Self::new(provider, block).await
    }

    /// The link's address.
    pub fn url(&self) -> String {
        self.link["url"].as_str().unwrap().to_owned()
    }

    /// From the link to the provider's answer, which is not loaded.
    pub async fn reach_callback(&mut self) -> Url {
        let opened = self.browser.open(&self.url()).await;
        assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
        self.browser.get(&opened.location()).await.location()
    }

    /// The whole way, to the page at its end.
    pub async fn sign_in(&mut self) -> Page {
        let callback = self.reach_callback().await;
        self.browser.arrive(&callback).await
    }

    /// The whole way with an answer by a form.
    pub async fn sign_in_by_form(&mut self) -> Page {
        let opened = self.browser.open(&self.url()).await;
        let page = self.browser.get(&opened.location()).await;
        let answer = self.browser.submit(&page, &page.form(), &[]).await;
        if answer.status != StatusCode::SEE_OTHER {
            return answer;
        }
        self.browser.get(&answer.location()).await
    }

    /// The newest attempt.
    pub async fn attempt(&self) -> Value {
        self.broker.get("/v1/attempts?limit=1").await["items"][0].clone()
    }

    /// Sends the page's code in the chat: the link is completed, and there is one contact, which is returned.
    pub async fn confirmed(&self, page: &Page) -> Value {
        let Some(code) = page.code() else {
            panic!("no code, but {}: {}\n{}", page.status, self.attempt().await, page.html)
        };
        assert_eq!(self.broker.message("conv-1", "+15550100", &code).await["matched"], true);
        let done = self.broker.status(&self.link).await;
        assert_eq!((&done["status"], &done["binding"]["reached"]), (&json!("completed"), &json!("code")));
        let mut contacts = self.broker.contacts().await;
        assert_eq!(contacts.len(), 1);
        contacts.remove(0)
    }

    /// The whole way, to Billy's contact.
    pub async fn completes(&mut self) -> Value {
        let page = self.sign_in().await;
        let contact = self.confirmed(&page).await;
        assert_eq!(contact["email"], "billy.bob@example.com", "{contact}");
        contact
    }

    /// The whole way ends at this step with this code, and nobody learns anything.
    pub async fn fails(&mut self, step: &str, code: &str) -> Page {
        let page = self.sign_in().await;
        self.failed(&page, step, code).await;
        page
    }

    /// The login ended at this step with this code: the attempt says so, the page is calm, nothing is
    /// stored.
    pub async fn failed(&self, page: &Page, step: &str, code: &str) {
        let attempt = self.attempt().await;
        assert_eq!((&attempt["step"], &attempt["code"]), (&json!(step), &json!(code)), "{attempt}");
        assert!(page.status.is_client_error() || page.status.is_server_error(), "{}", page.html);
        self.nobody_learned(page, code).await;
        let now = self.broker.status(&self.link).await;
        let denied = if code == "access_denied" { "denied" } else { "failed" };
        assert_eq!((&now["status"], &now["final"]), (&json!(denied), &json!(false)), "{now}");
    }

    /// The callback was refused with this code before anything was claimed: it is in the log, and the
    /// link is as it was.
    pub async fn refused(&self, page: &Page, code: &str) {
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.html);
        self.nobody_learned(page, code).await;
        let lines = log::lines(page.headers["x-request-id"].to_str().unwrap());
        let refused = lines.iter().find(|line| line["event"] == "callback.refused");
        assert_eq!(refused.map(|line| &line["code"]), Some(&json!(code)), "{lines:?}");
        assert_eq!(self.broker.status(&self.link).await["status"], "opened");
        assert!(self.provider.asked("/token").is_empty(), "nothing left the building");
    }

    /// *Continue* led nowhere, because the provider cannot be used: the customer is asked to wait, and
    /// the link has spent nothing. The log says why, by this event.
    pub async fn must_wait(&mut self, event: &str) {
        let page = self.browser.get(&self.url().parse().unwrap()).await;
        let page = if page.status == StatusCode::OK {
            self.browser.submit(&page, &page.form(), &[]).await
        } else {
            page
        };
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.html);
        assert!(page.headers.contains_key("retry-after"));
        self.nobody_learned(&page, event).await;
        let lines = log::lines(page.headers["x-request-id"].to_str().unwrap());
        assert!(lines.iter().any(|line| line["event"] == event && line["detail"].is_string()), "{lines:?}");
        assert_eq!(self.broker.status(&self.link).await["status"], "created");
        assert!(self.provider.asked("/auth").is_empty(), "nobody was sent there");
    }

    /// Makes a link in another conversation of the same tenant and signs in there, with a fresh browser.
    pub async fn again(&mut self, conversation: &str) -> Page {
        self.link = self.broker.link(conversation).await;
        self.browser = Browser::new();
        self.sign_in().await
    }

    /// Neither the page nor the records say anything about anybody.
    async fn nobody_learned(&self, page: &Page, code: &str) {
        assert_page_headers(page);
        for word in [code, "billy", "127.0.0.1", "example.com"] {
            assert!(!page.html.to_lowercase().contains(word), "`{word}` stands in {}", page.html);
        }
        assert!(page.code().is_none());
        assert!(self.broker.contacts().await.is_empty());
        let (_, conversation) = self.broker.api(Method::GET, "/v1/conversations/conv-1", None).await;
        assert_eq!((&conversation["verified"], &conversation["contactId"]), (&json!(false), &Value::Null));
        let events = self.broker.get("/v1/events?limit=200").await.to_string();
        assert!(!events.contains("billy") && !events.contains("\"profile\""), "{events}");
    }
}
