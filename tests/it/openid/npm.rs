//! A server from npm with many clients, each of which is a provider of the tenant: one process, one
//! broker, one login after the other.

use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::harness::browser::{Browser, Page};
use crate::harness::process::Process;
use crate::harness::{Choices, Harness};

/// How many steps a way through a provider's pages may have.
const STEPS: usize = 12;

/// A client of the server, and the tenant's settings for it.
pub struct Client {
    /// Its name, at the server and in the tenant.
    pub id: &'static str,
    /// Further lines of its `[[provider]]`.
    pub settings: String,
}

/// Everything that takes part.
pub struct Lineup {
    /// The broker, whose tenant has a provider per client.
    pub broker: Harness,
    /// Where the server listens.
    pub origin: String,
    server: Process,
}

impl Lineup {
    /// Starts the server with what `environment` says of the clients, and a broker that knows them all.
    /// Its function gets each client's redirect URI.
    pub async fn start(
        file: &str,
        clients: &[Client],
        environment: impl Fn(&dyn Fn(&str) -> String) -> Vec<(&'static str, String)>,
    ) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/providers");
        assert!(
            folder.join("node_modules/oauth2-mock-server").is_dir(),
            "the providers of the tests are not installed: run `./check`, which installs what the tests need"
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let redirect_uri = |id: &str| format!("{own}/idp/eu/oauth/callback/{id}");
        let mut command = Command::new("node");
        command.arg(file).current_dir(folder).envs(environment(&redirect_uri));
        let server = Process::start("node", &mut command);
        let origin = server.wait_for(|line| line.strip_prefix("READY ").map(str::to_owned));
        let blocks = clients.iter().map(|client| block(client, &origin));
        let choices = Choices {
            provider_block: Some(blocks.collect()),
            allow: vec![origin.trim_start_matches("http://").to_owned()],
            ..Choices::default()
        };
        Self { broker: Harness::on(listener, choices).await, origin, server }
    }

    /// Signs in by a client and gives back the page at the end.
    pub async fn sign_in(&self, id: &str) -> (Value, Page) {
        let link = self.broker.link_with(&conversation(id), json!({"provider": id})).await;
        let mut browser = Browser::new();
        let opened = browser.open(link["url"].as_str().unwrap()).await;
        if opened.status != StatusCode::SEE_OTHER {
            return (link, opened);
        }
        let page = self.walk(&mut browser, opened.location()).await;
        (link, page)
    }

    /// What is wrong with a login by a client that should end with Billy's contact.
    pub async fn completes(&self, id: &str) -> Result<Value, String> {
        let (link, page) = self.sign_in(id).await;
        let Some(code) = page.code() else {
            return Err(format!(
                "{id}: {} {}\n{}",
                page.status,
                self.attempt(&link).await,
                self.server.complaints()
            ));
        };
        self.broker.message(&conversation(id), "+15550100", &code).await;
        let done = self.broker.status(&link).await;
        if done["status"] != "completed" || done["profile"]["email"] != "billy.bob@example.com" {
            return Err(format!("{id}: {done}"));
        }
        Ok(done)
    }

    /// What is wrong with a login by a client that should end at this step with this code.
    pub async fn fails(&self, id: &str, step: &str, code: &str) -> Result<(), String> {
        let (link, page) = self.sign_in(id).await;
        let attempt = self.attempt(&link).await;
        let status = self.broker.status(&link).await;
        let known = status.get("profile").is_some() || status.get("contactId").is_some();
        if attempt["step"] == step && attempt["code"] == code && !known && page.code().is_none() {
            return Ok(());
        }
        Err(format!("{id}: not {step} {code} but {attempt} {}", page.html))
    }

    /// The newest attempt of a link.
    pub async fn attempt(&self, link: &Value) -> Value {
        let attempts = self.broker.get("/v1/attempts?limit=200").await;
        let attempts = attempts["items"].as_array().unwrap();
        attempts.iter().find(|attempt| attempt["authLinkId"] == link["id"]).cloned().unwrap_or_default()
    }

    /// How often the server was asked, e.g. for `POST /token`.
    pub fn asked(&self, request: &str) -> usize {
        self.server.lines().iter().filter(|line| *line == request).count()
    }

    /// Through redirects and forms, back to the broker and to the page there.
    async fn walk(&self, browser: &mut Browser, mut url: Url) -> Page {
        for _ in 0..STEPS {
            let mut page = browser.get(&url).await;
            if page.status == StatusCode::OK && !self.is_ours(&url) {
                page = browser
                    .submit(&page, &page.form(), &[("login", "billy"), ("password", "billy-secret")])
                    .await;
            }
            if !page.status.is_redirection() {
                return page;
            }
            url = page.location();
        }
        panic!("the way through the provider has no end: {url}")
    }

    fn is_ours(&self, url: &Url) -> bool {
        url.origin().ascii_serialization() == self.broker.origin
    }
}

fn conversation(id: &str) -> String {
    format!("conv-{id}")
}

fn block(client: &Client, origin: &str) -> String {
    let Client { id, settings } = client;
    let secret = if settings.contains("\"none\"") || settings.contains("private_key =") {
        ""
    } else {
        "client_secret = { env = \"ACME_SECRET\" }"
    };
    let scope = if settings.contains("scope =") { "" } else { "scope = \"openid email profile\"" };
    format!(
        "[[provider]]\nid = \"{id}\"\nclient_id = \"{id}\"\ncallback_path = \"named\"\nissuer = \"{origin}\"\n{secret}\n{scope}\n{settings}\n"
    )
}
