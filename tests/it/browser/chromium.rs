//! Headless Chromium behind chromedriver, with a profile of its own. It reaches this machine only.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, LoggingPrefsLogLevel};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::Url;

use countersign::domain::staff::Role;

use crate::harness::Harness;
use crate::harness::process::Process;

/// Where Debian puts the browser.
const BROWSER: &str = "/usr/bin/chromium";
/// How long an element may take to appear on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// A browser is several processes: not more of them at once than a small machine bears.
static SEATS: Semaphore = Semaphore::const_new(2);

thread_local! {
    /// How many browsers the test of this thread has. One that has a seat waits for no other: two tests that each wait for
    /// what the other one holds would wait for ever.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// As customers have it.
    On,
    /// As careful customers have it.
    Off,
}

/// A running browser.
pub struct Chromium {
    driver: Option<WebDriver>,
    _process: Process,
    _profile: TempDir,
    _seat: Option<SemaphorePermit<'static>>,
}

impl Chromium {
    /// Starts it.
    pub async fn start(scripts: Scripts) -> Self {
        let seat = if HELD.get() == 0 { Some(SEATS.acquire().await.unwrap()) } else { None };
        let install = "run `./check`, which installs what the tests need";
        assert!(std::path::Path::new(BROWSER).exists(), "`{BROWSER}` is not there: {install}");
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("TMPDIR", profile.path()).env("XDG_CONFIG_HOME", profile.path());
        let process = Process::start("chromedriver", &mut command);
        let port: u16 = process.wait_for(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?
                .trim_end_matches('.')
                .parse()
                .ok()
        });
        let server = format!("http://127.0.0.1:{port}");
        let builder =
            WebDriver::builder(server, capabilities(&profile, scripts)).client(crate::harness::http_client());
        let driver = builder.connect().await.unwrap_or_else(|error| {
            panic!("Chromium does not start: {error}\n{}", process.complaints());
        });
        HELD.set(HELD.get() + 1);
        Self { driver: Some(driver), _process: process, _profile: profile, _seat: seat }
    }

    /// The driver, for what has no method here.
    pub fn driver(&self) -> &WebDriver {
        self.driver.as_ref().expect("it is taken in `drop` only")
    }

    /// Loads a page.
    pub async fn open(&self, url: &str) {
        self.driver().goto(url).await.unwrap();
    }

    /// Waits for an element.
    pub async fn see(&self, css: &str) -> WebElement {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let looked =
                self.driver().query(By::Css(css)).wait(left, Duration::from_millis(50)).first().await;
            match looked {
                Ok(element) => return element,
                Err(error) if is_of_a_page_that_went(&error) && Instant::now() < until => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => self.miss(css, &error).await,
            }
        }
    }

    async fn miss(&self, css: &str, error: &WebDriverError) -> ! {
        let html = self.driver().source().await.unwrap_or_default();
        let at = self.driver().current_url().await;
        let at = at
            .map_or_else(|_| String::new(), |url| format!("{}{}", url.host_str().unwrap_or(""), url.path()));
        panic!("no `{css}` on {at}: {error}\n{html}")
    }

    /// Waits for an element and presses it.
    pub async fn press(&self, css: &str) {
        steadily(async || match self.see(css).await.click().await {
            Err(error) if error.to_string().contains("aborted by navigation") => Ok(()), // pressed, and already away
            done => done,
        })
        .await;
    }

    /// Waits for a field and types into it.
    pub async fn fill(&self, css: &str, text: &str) {
        steadily(async || self.see(css).await.send_keys(text).await).await;
    }

    /// The text of the first element of this kind, once it is there.
    pub async fn text(&self, css: &str) -> String {
        steadily(async || self.see(css).await.text().await).await
    }

    /// The code that the page shows.
    pub async fn code(&self) -> String {
        self.text("output").await
    }

    /// What stands in the address bar.
    pub async fn url(&self) -> Url {
        steadily(async || self.driver().current_url().await).await
    }

    /// What the console said since it was last asked, warnings and policy violations included.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.driver().browser_log().await.unwrap();
        entries.into_iter().map(|entry| format!("{} {}", entry.level, entry.message)).collect()
    }

    /// Every request since it was last asked, those of the browser's own pages left out.
    pub async fn requests(&self) -> Vec<Url> {
        let entries = self.driver().get_log("performance").await.unwrap();
        let sent = entries.iter().filter_map(|entry| {
            let event: Value = serde_json::from_str(&entry.message).unwrap();
            let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
            let is_ours = !params["documentURL"].as_str().unwrap_or_default().starts_with("chrome");
            let url = params["request"]["url"]
                .as_str()
                .filter(|_| method == "Network.requestWillBeSent" && is_ours);
            url.map(|url| url.parse().unwrap())
        });
        sent.collect()
    }

    /// Signs a member of staff in: the browser holds the cookie from now on.
    pub async fn hold_staff(&self, harness: &Harness, role: Role) {
        self.hold_staff_at(harness, "127.0.0.1", role).await;
    }

    /// The same at the pages of the tenant with this address.
    pub async fn hold_staff_at(&self, harness: &Harness, host: &str, role: Role) {
        let (name, value) = harness.staff_cookie_at(host, role, ("en", "UTC")).await;
        let url = harness.origin.replace("127.0.0.1", host);
        let cookie = json!({"name": name, "value": value, "url": url, "httpOnly": true});
        self.command("Network.setCookie", cookie).await;
    }

    /// What axe-core finds wrong with the page as it stands, by the rules of WCAG 2.2 A and AA: a line each.
    pub async fn axe(&self) -> Vec<String> {
        if self.driver().execute("return !window.axe", Vec::new()).await.unwrap().json() == &json!(true) {
            let path =
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/providers/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(path)
                .unwrap_or_else(|_| panic!("axe-core is not there: run `./check`"));
            self.driver().execute(&axe, Vec::new()).await.unwrap();
        }
        let run = r#"
            const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
            return window.axe.run(document, {runOnly: rules, resultTypes: ["violations"]})
                .then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>
                    `${rule.id}: ${rule.help}: ${node.html.slice(0, 200)} (${node.any.concat(node.all).map((check) => check.message).join("; ")})`)));
        "#;
        let found = self.driver().execute(run, Vec::new()).await.unwrap();
        found.convert().unwrap()
    }

    /// A command of the browser's own protocol.
    pub async fn command(&self, method: &str, params: Value) -> Value {
        self.driver().cdp().send_raw(method, params).await.unwrap()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        HELD.set(HELD.get().saturating_sub(1));
        // The process group ends with its owner; asking the driver first would only take longer.
        if let Some(driver) = self.driver.take() {
            let _ = driver.leak();
        }
    }
}

fn capabilities(profile: &TempDir, scripts: Scripts) -> ChromeCapabilities {
    let mut wanted = ChromeCapabilities::new();
    wanted.set_binary(BROWSER).unwrap();
    let folder = format!("--user-data-dir={}", profile.path().join("profile").display());
    for arg in [
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-breakpad",
        "--no-first-run",
        "--no-proxy-server",
        "--lang=en-US",
        "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE 127.0.0.2 , EXCLUDE localhost",
        &folder,
    ] {
        wanted.add_arg(arg).unwrap();
    }
    if scripts == Scripts::Off {
        let prefs = json!({"profile.managed_default_content_settings.javascript": 2});
        wanted.add_experimental_option("prefs", prefs).unwrap();
    }
    wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
    wanted.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
    wanted
}

/// Does something with a page, once more if the page went away in the middle: then nothing was done.
async fn steadily<T>(mut act: impl AsyncFnMut() -> WebDriverResult<T>) -> T {
    for _ in 0..20 {
        match act().await {
            Err(error) if is_of_a_page_that_went(&error) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            done => return done.unwrap(),
        }
    }
    act().await.unwrap()
}

/// Whether the page was replaced between finding something on it and doing something with it: by a script that
/// swaps a part, by a form that sends itself, or by a redirect. The driver has several words for it.
fn is_of_a_page_that_went(error: &WebDriverError) -> bool {
    let words = error.to_string();
    let gone = [
        "aborted by navigation",
        "no such execution context",
        "does not belong to the document",
        "Cannot find context",
        "loader has changed",
        "cannot determine loading status",
        "detached",
    ];
    matches!(error.as_inner(), WebDriverErrorInner::StaleElementReference(_))
        || gone.iter().any(|word| words.contains(word))
}
