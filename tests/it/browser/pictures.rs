//! Every customer page at the widths and in the looks that customers have: nothing may stick out
//! at the side, and axe-core finds nothing. With `COUNTERSIGN_SCREENSHOTS=<folder>` the pictures are kept.

use std::path::PathBuf;
use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONFIRM, CONTINUE, Chromium, END, Scripts};
use crate::harness::{Choices, Harness, MAPPING};

/// What a picture is called, how wide the window is, and whether it is dark.
const LOOKS: [(&str, u32, bool); 5] = [
    ("narrow", 390, false),
    ("tiny", 320, false),
    ("wide", 1280, false),
    ("narrow-dark", 390, true),
    ("wide-dark", 1280, true),
];

/// A customer who looks closely at every page.
struct Viewer {
    broker: Harness,
    browser: Chromium,
    locale: &'static str,
    folder: Option<PathBuf>,
    seen: Vec<String>,
}

impl Viewer {
    async fn start(locale: &'static str) -> Self {
        let tenant = "[return]\nsms = \"sms:+15550199\"".to_owned();
        let provider = format!("{MAPPING}\n[provider.enrich]\nrequired = [\"email\"]");
        let broker = Harness::with(Choices { provider, tenant, ..Choices::default() }).await;
        let browser = Chromium::start(Scripts::On).await;
        browser.command("Network.enable", json!({})).await;
        let headers = json!({"headers": {"Accept-Language": locale}});
        browser.command("Network.setExtraHTTPHeaders", headers).await;
        let folder = std::env::var_os("COUNTERSIGN_SCREENSHOTS").map(PathBuf::from);
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).unwrap();
        }
        Self { broker, browser, locale, folder, seen: Vec::new() }
    }

    /// A link in a conversation of its own, unless one is named.
    async fn link(&self, conversation: &str) -> Value {
        self.broker.link_with(conversation, json!({"locale": self.locale})).await
    }

    /// Looks at the page that is shown, in every look.
    async fn look(&mut self, name: &str) {
        super::catalogue::check(name, self.browser.url().await.path());
        for (look, width, dark) in LOOKS {
            self.dress(width, dark).await;
            let measure = "return [document.documentElement.scrollWidth, window.innerWidth, document.documentElement.dir]";
            let measured = self.browser.driver().execute(measure, vec![]).await.unwrap();
            let measured = measured.json();
            let text = |index: usize| measured[index].to_string().parse::<f64>().unwrap();
            assert!(text(0) <= text(1), "{name} sticks out at {width} pixels: {measured}");
            assert_eq!(measured[2], if self.locale == "ar" { "rtl" } else { "ltr" }, "{name}");
            if let Some(folder) = &self.folder {
                let file = folder.join(format!("{name}.{}.{look}.png", self.locale));
                self.browser.driver().screenshot(&file).await.unwrap();
            }
        }
        self.seen.push(name.to_owned());
    }

    async fn dress(&self, width: u32, dark: bool) {
        let size = json!({"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false});
        self.browser.command("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.browser.command("Emulation.setEmulatedMedia", media).await;
    }

    /// Goes to the demo provider's consent page, with a trick if wanted.
    async fn reach_consent(&self, link: &Value, trick: Option<Trick>) {
        if let Some(trick) = trick {
            self.broker.provider.script(trick);
        }
        self.browser.open(link["url"].as_str().unwrap()).await;
        self.browser.press(CONTINUE).await;
        self.browser.see("input[name=person]").await;
        self.browser.press("form button[type=submit]").await;
        self.browser.see("button[name=decision][value=allow]").await;
    }

    /// Signs in up to the result page.
    async fn sign_in(&self, link: &Value, trick: Option<Trick>) {
        self.reach_consent(link, trick).await;
        self.browser.press("button[name=decision][value=allow]").await;
        self.browser.see(END).await;
    }

    async fn landing_and_decline(&mut self) {
        let link = self.link("conv-decline").await;
        self.browser.open(link["url"].as_str().unwrap()).await;
        self.look("link-landing").await;
        self.browser.press(".doubt button").await;
        self.browser.see("input[name=confirm]").await;
        self.look("link-decline").await;
        self.browser.press(CONFIRM).await;
        self.browser.see(END).await;
        self.look("link-declined").await;
    }

    async fn code_and_completed(&mut self) {
        let link = self.link("conv-code").await;
        self.sign_in(&link, None).await;
        let code = self.browser.code().await;
        self.look("result-code").await;
        self.broker.message("conv-code", "+15550100", &code).await;
        self.browser.driver().refresh().await.unwrap();
        self.browser.see(".mood.good").await;
        self.look("result-completed").await;
        self.browser.open(link["url"].as_str().unwrap()).await;
        self.look("link-used").await;
    }

    async fn failures(&mut self) {
        for (name, trick) in [
            ("result-denied", Trick::Deny),
            ("result-late", Trick::TokenInvalidGrant),
            ("result-busy", Trick::TokenError),
            ("result-setup", Trick::TokenInvalidClient),
            ("result-missing", Trick::WhoamiNobody),
            ("callback-neutral", Trick::WrongState),
        ] {
            let link = self.link(name).await;
            self.sign_in(&link, Some(trick)).await;
            self.look(name).await;
        }
    }

    async fn notices(&mut self) {
        self.browser.open(&format!("{}/a/nothing", self.broker.origin)).await;
        self.look("link-unknown").await;
        let old = self.link("conv-old").await;
        let new = self.link("conv-old").await;
        self.browser.open(old["url"].as_str().unwrap()).await;
        self.look("link-superseded").await;
        let cancel = format!("/v1/auth-links/{}/cancel", new["id"].as_str().unwrap());
        let (status, _) = self.broker.api(Method::POST, &cancel, None).await;
        assert!(status.is_success());
        self.browser.open(new["url"].as_str().unwrap()).await;
        self.look("link-cancelled").await;
        self.browser.open(&self.broker.origin.replace("127.0.0.1", "localhost")).await;
        self.look("wrong-host").await;
        let late = self.link("conv-late").await;
        self.broker.clock.advance(Duration::from_hours(1));
        self.browser.open(late["url"].as_str().unwrap()).await;
        self.look("link-expired").await;
    }
}

#[rstest::rstest]
#[case::english("en")]
#[case::arabic("ar")]
#[tokio::test]
async fn no_page_sticks_out_at_any_width(#[case] locale: &'static str) {
    let mut viewer = Viewer::start(locale).await;
    viewer.landing_and_decline().await;
    viewer.code_and_completed().await;
    viewer.failures().await;
    viewer.notices().await;
    assert_eq!(viewer.seen.len(), 17, "{:?}", viewer.seen);
}
