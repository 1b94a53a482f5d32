//! The SDK in a real browser: two tabs of a website of another origin, which know of each other.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use serde_json::json;
use tokio::net::TcpListener;

use super::*;
use crate::browser::{Chromium, Scripts};

/// The page of a website. What happens is written where a test sees it.
const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-shop' BROKER; connect-src BROKER">
<link rel="icon" href="data:,">
<title>Shop</title>
</head>
<body data-events="" data-used="">
<h1>Shop</h1>
<script type="module" nonce="shop">
import { CountersignAuth, CountersignError } from "BROKER/sdk/dom.js";
const told = document.body.dataset;
const own = window.fetch;
window.fetch = (url, init) => {
  if (url.endsWith("/refresh")) told.used += ` ${JSON.parse(init.body).refresh_token}`;
  return own(url, init);
};
const auth = new CountersignAuth({ publicKey: "KEY" });
const show = () => (told.state = auth.isAuthenticated() ? "in" : "out");
auth.onAuthStateChange((event) => {
  told.events += ` ${event.type}:${event.user?.email ?? "nobody"}`;
  show();
});
Object.assign(window, { auth, CountersignError });
show();
told.ready = "yes";
</script>
</body>
</html>"#;

/// A website, a broker, and a browser with two tabs of it.
struct Tabs {
    shop: Shop,
    browser: Chromium,
    tabs: [thirtyfour::WindowHandle; 2],
}

impl Tabs {
    async fn open(customers: &str) -> Self {
        let website = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", website.local_addr().unwrap());
        let tenant = settings(customers, &origin);
        let shop = Shop { office: Office::with(Choices { tenant, ..Choices::default() }).await };
        let page = PAGE.replace("BROKER", &shop.broker().origin).replace("KEY", KEY);
        let pages = Router::new().route("/", get(move || async move { Html(page) }));
        tokio::spawn(async move { axum::serve(website, pages).await });
        let browser = Chromium::start(Scripts::On).await;
        browser.open(&origin).await;
        let first = browser.driver().window().await.unwrap();
        let second = browser.driver().new_tab().await.unwrap();
        browser.driver().switch_to_window(second.clone()).await.unwrap();
        browser.open(&origin).await;
        let tabs = Self { shop, browser, tabs: [first, second] };
        for number in 0..2 {
            tabs.at(number).await;
            tabs.browser.see("body[data-ready='yes'][data-state='out']").await;
        }
        tabs
    }

    /// Goes to a tab.
    async fn at(&self, number: usize) {
        self.browser.driver().switch_to_window(self.tabs[number].clone()).await.unwrap();
    }

    /// What a line of script comes to, once it is there.
    async fn run(&self, script: &str) -> Value {
        let done = self.browser.driver().execute(format!("return {script}"), Vec::new()).await.unwrap();
        done.json().clone()
    }

    /// Signs a customer in, in the tab that is seen.
    async fn sign_in(&self, email: &str) -> Value {
        let before = self.shop.office.letters().len();
        assert_eq!(self.run(&format!("auth.sendOTP({email:?})")).await, json!({"expiresIn": 600}));
        let code = code_of(&self.shop.office.letter(before).await);
        self.run(&format!("auth.verifyOTP({email:?}, {code:?})")).await
    }

    /// What a page has written down.
    async fn told(&self, name: &str) -> Vec<String> {
        let text = self.run(&format!("document.body.dataset.{name}")).await;
        text.as_str().unwrap().split_whitespace().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn who_signs_in_in_one_tab_is_signed_in_in_the_other_and_signs_out_of_both() {
    let tabs = Tabs::open("").await;
    tabs.at(0).await;
    assert_eq!(tabs.run("auth.getUser()").await, Value::Null);
    assert_eq!(tabs.run("auth.getAccessToken()").await, Value::Null);
    let wrong = "auth.verifyOTP('x@customers.example', '000000').catch((e) => [e instanceof CountersignError, e.code])";
    assert_eq!(tabs.run(wrong).await, json!([true, "code_over"]));
    let user = tabs.sign_in(DANA).await;
    assert_eq!(user["email"], DANA);
    tabs.browser.see("body[data-state='in']").await;
    let token = tabs.run("auth.getAccessToken()").await;

    tabs.at(1).await;
    tabs.browser.see("body[data-state='in']").await;
    assert_eq!(tabs.told("events").await, [format!("LOGIN:{DANA}")]);
    assert_eq!(tabs.run("auth.getAccessToken()").await, token, "one token for all tabs");
    let known = tabs.run("auth.getUser()").await;
    assert_eq!((&known["id"], &known["email"]), (&user["id"], &json!(DANA)));
    assert_eq!(known["customer"]["customerNumber"], "CUST-000001");
    let renamed = tabs.run("auth.updateProfile({firstName: 'Dana'})").await;
    assert_eq!(renamed["customer"]["firstName"], "Dana");
    let refused =
        tabs.run("auth.updateProfile({email: 'eve@evil.example'}).catch((e) => [e.code, e.status])").await;
    assert_eq!(refused, json!(["invalid", 422]));
    tabs.browser.driver().refresh().await.unwrap();
    tabs.browser.see("body[data-ready='yes'][data-state='in']").await;
    for url in tabs.browser.requests().await {
        assert!(!url.as_str().contains(token.as_str().unwrap()) && url.query().is_none(), "{url}");
    }

    tabs.run("auth.logout({everywhere: true})").await;
    tabs.browser.see("body[data-state='out']").await;
    tabs.at(0).await;
    tabs.browser.see("body[data-state='out']").await;
    let events = tabs.told("events").await;
    assert_eq!(events.last().unwrap(), "LOGOUT:nobody", "{events:?}");
    assert_eq!(tabs.run("auth.getUser()").await, Value::Null);
    assert_eq!(tabs.run("localStorage.length").await, 0);
    let request = tabs.shop.broker().plain(reqwest::Method::GET, "/api/client/v1/profile");
    answer(request.bearer_auth(token.as_str().unwrap())).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_short_token_is_renewed_by_one_tab_for_both() {
    let tabs = Tabs::open("access_lifetime = \"10s\"").await;
    tabs.at(0).await;
    tabs.sign_in(DANA).await;
    for number in [1, 0] {
        tabs.at(number).await;
        tabs.browser.see("body[data-events*='TOKEN_REFRESH']").await;
    }
    let mut used = Vec::new();
    for number in 0..2 {
        tabs.at(number).await;
        used.push(tabs.told("used").await);
    }
    let distinct: std::collections::BTreeSet<_> = used.iter().flatten().collect();
    let all: usize = used.iter().map(Vec::len).sum();
    assert!(all > 0 && used.iter().any(Vec::is_empty), "one tab asks for all: {used:?}");
    assert_eq!(distinct.len(), all, "each refresh token is shown once");
    for number in 0..2 {
        tabs.at(number).await;
        assert_eq!(tabs.run("auth.getUser()").await["email"], DANA);
    }
}

#[tokio::test]
async fn who_is_signed_out_elsewhere_is_signed_out_here_at_the_next_call() {
    let tabs = Tabs::open("").await;
    tabs.at(0).await;
    tabs.sign_in(DANA).await;
    let token = tabs.run("auth.getAccessToken()").await;
    // The storage as another tab leaves it, before this one hears of it: renewed, and then signed out.
    let key = format!("localStorage['countersign:{KEY}']");
    tabs.run(&format!("({key} = JSON.stringify({{...JSON.parse({key}), refreshToken: 'rt_next'}})) && null"))
        .await;
    tabs.run("auth.updateProfile({firstName: 'Dana'})").await;
    let kept = tabs.run(&format!("JSON.parse({key})")).await;
    assert_eq!((&kept["refreshToken"], &kept["user"]["email"]), (&json!("rt_next"), &json!(DANA)));
    tabs.run("localStorage.clear()").await;
    tabs.run("auth.updateProfile({firstName: 'Dina'})").await;
    assert_eq!(tabs.run("localStorage.length").await, 0, "who signed out in the other tab stays out");
    let request = tabs.shop.broker().plain(reqwest::Method::POST, "/api/client/v1/logout");
    let out = answer(request.bearer_auth(token.as_str().unwrap()).json(&json!({"everywhere": true}))).await;
    assert_eq!(out.data(), &json!({"everywhere": true}));
    assert_eq!(tabs.run("auth.getUser()").await, Value::Null);
    for number in 0..2 {
        tabs.at(number).await;
        tabs.browser.see("body[data-state='out']").await;
    }
}

#[test]
fn a_bundler_finds_the_module_and_its_types() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sdk");
    let package: Value =
        serde_json::from_slice(&std::fs::read(folder.join("package.json")).unwrap()).unwrap();
    let entry = &package["exports"]["."];
    for path in [&package["main"], &package["types"], &entry["types"], &entry["default"]] {
        assert!(folder.join(path.as_str().unwrap()).is_file(), "{path}");
    }
    assert_eq!(package["type"], "module");
}

#[test]
fn the_types_are_those_that_a_website_needs() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = root.join("tests/providers/node_modules/typescript/lib/tsc.js");
    assert!(compiler.exists(), "`./check` installs the compiler");
    let flags =
        ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
    let mut command = std::process::Command::new("node");
    command.arg(compiler).args(flags).args(["--lib", "es2022,dom"]).arg(root.join("fixtures/sdk/usage.ts"));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
