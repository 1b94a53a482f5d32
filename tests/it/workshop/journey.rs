//! A tenant's admin comes once a quarter, in a hurry, with a broken provider: it is found and mended from the pages
//! alone, with and without scripts. And every page is looked at closely.

use countersign::domain::staff::Role;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::tries::{at, settings};
use super::{Shop, words};
use crate::browser::inspector::Inspector;
use crate::browser::{Chromium, Scripts};
use crate::trial::provider::{Provider, Wants};

/// A browser in which the shop's admin is signed in.
pub async fn sign_in(shop: &Shop, browser: &Chromium) {
    let (name, value) = shop.cookie(Role::Admin).await;
    let cookie = json!({"name": name, "value": value, "url": shop.origin, "httpOnly": true});
    browser.command("Network.setCookie", cookie).await;
}

/// A provider that is live and broken twice: its token URL is wrong, and it wants the secret elsewhere.
async fn broken(provider: &Provider) -> Shop {
    provider.script(|script| script.wants = Wants::Basic);
    let shop = at(provider).await;
    let mut broken = settings(&shop, provider);
    broken["tokenUrl"] = json!(format!("{}/oauth/tokens", provider.origin()));
    shop.put_draft(&broken).await;
    shop.api(reqwest::Method::POST, "/v1/providers/acme/publish", Some(json!({"untested": true}))).await;
    shop
}

/// From the provider's page to where a test login begins.
pub async fn to_the_test(browser: &Chromium) {
    browser.press(".tabs a[href$='/test']").await;
    browser.press("section form[action$='/test'] button").await;
    browser.press("#report a[href^='/t/']").await;
    browser.see("main form[action^='/t/'] button").await;
}

/// From there to the provider, and back to how it went.
pub async fn back_from_the_test(browser: &Chromium) {
    browser.press("main form[action^='/t/'] button").await;
    browser.press("#allow").await;
    browser.see("a[href*='/admin/providers/acme/tests/']").await;
}

/// From the provider's page to the report of a test.
async fn try_it(browser: &Chromium) -> String {
    to_the_test(browser).await;
    back_from_the_test(browser).await;
    browser.press("a[href*='/admin/providers/acme/tests/']").await;
    browser.see("#report:not([hx-trigger])").await;
    browser.text("#report > section").await
}

/// Presses keys, wherever the focus is.
async fn keys(browser: &Chromium, keys: &str) {
    browser.driver().action_chain().send_keys(keys).perform().await.unwrap();
}

/// Presses Tab until an element of the page that is awaited has the focus, which must be seen there.
async fn tab_to(browser: &Chromium, css: &str) {
    browser.see(css).await;
    for _ in 0..60 {
        keys(browser, "\u{e004}").await;
        let ask = "const at = document.activeElement;
            return at.matches(arguments[0]) && at.matches(':focus-visible') && getComputedStyle(at).outlineStyle !== 'none'";
        let there = browser.driver().execute(ask, vec![json!(css)]).await.unwrap();
        if there.json() == &json!(true) {
            return;
        }
    }
    panic!("Tab never comes to `{css}`");
}

#[tokio::test]
async fn a_draft_is_found_and_published_by_tab_space_and_enter_alone() {
    let shop = Shop::drafted().await;
    let browser = Chromium::start(Scripts::On).await;
    sign_in(&shop, &browser).await;
    browser.open(&format!("{}/admin/providers", shop.origin)).await;
    for (css, key) in [
        ("table a[href='/admin/providers/acme']", "\u{e007}"),
        (".tabs a[href$='/publish']", "\u{e007}"),
        ("input[name=untested]", " "),
        ("form[action$='/acme/publish'] button", "\u{e007}"),
    ] {
        tab_to(&browser, css).await;
        keys(&browser, key).await;
    }
    browser.see(".notice.good[role=status]").await;
    assert_eq!(shop.provider().await["live"]["version"], 1);
}

async fn found_and_mended(scripts: Scripts) {
    let provider = Provider::start().await;
    let shop = broken(&provider).await;
    let browser = Chromium::start(scripts).await;
    sign_in(&shop, &browser).await;
    browser.open(&format!("{}/admin/providers", shop.origin)).await;
    browser.press("table a[href='/admin/providers/acme']").await;

    let told = try_it(&browser).await;
    assert!(told.contains("A login would fail") && told.contains("no token endpoint"), "{told}");
    assert!(told.contains("token_url"), "{told}");
    browser.press(".tabs a[href$='/settings']").await;
    let field = browser.see("#f-token-url").await;
    field.clear().await.unwrap();
    field.send_keys(format!("{}/token", provider.origin())).await.unwrap();
    browser.press("#form button[type=submit]").await;
    browser.see(".notice.good[role=status]").await;

    let told = try_it(&browser).await;
    assert!(told.contains("does not take our client id or secret"), "{told}");
    browser.press("form[action$='/accept'] button").await;
    browser.see(".notice.good[role=status]").await;

    let told = try_it(&browser).await;
    assert!(told.contains("A login works"), "{told}");
    browser.press(".tabs a[href$='/publish']").await;
    let changes = browser.text(".ws-changes").await;
    assert!(changes.contains("token_url") && changes.contains("client_secret_basic"), "{changes}");
    browser.press("form[action$='/publish'] button").await;
    browser.see(".notice.good[role=status]").await;

    let live = shop.provider().await["live"]["settings"].clone();
    assert_eq!(live["tokenUrl"], format!("{}/token", provider.origin()));
    assert_eq!(live["clientAuth"], "client_secret_basic");
    let said = browser.console().await;
    let ours: Vec<_> = said.iter().filter(|line| !line.contains(provider.origin())).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[tokio::test]
async fn a_broken_provider_is_found_and_mended_from_the_pages_alone() {
    found_and_mended(Scripts::On).await;
}

#[tokio::test]
async fn a_broken_provider_is_found_and_mended_without_any_script() {
    found_and_mended(Scripts::Off).await;
}

#[tokio::test]
async fn the_playground_is_live_and_presets_are_found_while_one_types() {
    let shop = Shop::live().await;
    let browser = Chromium::start(Scripts::On).await;
    sign_in(&shop, &browser).await;
    browser.open(&format!("{}/admin/providers/acme/mapping", shop.origin)).await;
    let expression = browser.see("#expression").await;
    expression.clear().await.unwrap();
    expression.send_keys("{email: user.email, tier: 'gold'}").await.unwrap();
    // The page was not left: what was typed stands in no address and no reload happened.
    until(&browser, "#made", |text| text.contains("tier") && text.contains("gold")).await;
    expression.send_keys(Key::Backspace).await.unwrap();
    until(&browser, "#made", |text| text.contains('^')).await;
    assert!(browser.url().await.path().ends_with("/mapping"));
    browser.open(&format!("{}/admin/providers/~new", shop.origin)).await;
    browser.fill("#q", "keycloak").await;
    until(&browser, "#presets", |text| text.contains("1 provider\n")).await;
    assert!(browser.console().await.is_empty());
}

/// Waits until the text of an element is so.
async fn until(browser: &Chromium, css: &str, holds: impl Fn(&str) -> bool) {
    let look = async || {
        let found = browser.driver().find(By::Css(css)).await.ok()?;
        let text = found.text().await.ok()?;
        holds(&text).then_some(())
    };
    crate::harness::eventually(&format!("{css} says so"), look).await;
}

#[tokio::test]
async fn every_page_of_a_provider_is_fit_to_be_seen() {
    let provider = Provider::start().await;
    let mut shop = broken(&provider).await;
    let mut inspector = Inspector::start().await;
    sign_in(&shop, &inspector.browser).await;
    let origin = shop.origin.clone();
    let base = format!("{origin}/admin/providers");
    for (path, name) in [
        ("", "providers-list"),
        ("/~new", "provider-choose"),
        ("/~new?q=google", "provider-search"),
        ("/~new/form?preset=auth0", "provider-preset"),
        ("/~new/form", "provider-by-hand"),
        ("/acme", "provider-overview"),
        ("/acme/settings", "provider-settings"),
        ("/acme/secrets", "provider-secrets"),
        ("/acme/test", "provider-test"),
        ("/acme/publish", "provider-publish-nothing"),
        ("/acme/versions", "provider-versions"),
        ("/acme/delete", "provider-delete"),
    ] {
        inspector.browser.open(&format!("{base}{path}")).await;
        inspector.look(name).await;
    }
    inspector.browser.press(".tabs a[href$='/test']").await;
    inspector.browser.press("section form[action$='/test'] button").await;
    inspector.browser.see("#report").await;
    inspector.look("provider-test-waits").await;
    to_the_test(&inspector.browser).await;
    inspector.look("trial-waits").await;
    back_from_the_test(&inspector.browser).await;
    inspector.look("trial-failed").await;
    inspector.browser.press("a[href*='/admin/providers/acme/tests/']").await;
    inspector.browser.see("#report:not([hx-trigger])").await;
    inspector.look("provider-test-failed").await;
    look_at_faults(&mut shop, &mut inspector, &base).await;
    look_at_samples(&mut shop, &mut inspector, &base).await;
}

/// A form with faults, and one that is older than the draft.
async fn look_at_faults(shop: &mut Shop, inspector: &mut Inspector, base: &str) {
    let browser = &inspector.browser;
    browser.open(&format!("{base}/acme/settings")).await;
    for (field, text) in [("#f-mapping", "{email: user.email,\n fullName: }"), ("#f-token-url", "ftp://x")] {
        let element = browser.see(field).await;
        element.clear().await.unwrap();
        element.send_keys(text).await.unwrap();
    }
    browser.press("#form button[type=submit]").await;
    browser.see("#summary").await;
    inspector.look("provider-settings-faults").await;

    let browser = &inspector.browser;
    browser.open(&format!("{base}/acme/settings")).await;
    let scope = browser.see("#f-scope").await;
    let saved = shop.send("/settings", "/settings", &[("scope", "read:theirs")]).await;
    assert!(saved.status.is_redirection(), "{}", words(&saved.html));
    scope.send_keys("read:mine").await.unwrap();
    browser.press("#form button[type=submit]").await;
    browser.see("#stale").await;
    inspector.look("provider-settings-stale").await;
}

/// The playground with a fault and with samples, and a draft that these keep from going live.
async fn look_at_samples(shop: &mut Shop, inspector: &mut Inspector, base: &str) {
    let answer =
        json!({"user": {"id": "u-1", "name": "Billy Bob", "email": "billy@example.com"}}).to_string();
    let sample =
        [("expression", "{email: user.email}"), ("whoami", &*answer), ("name", "Billy, private customer")];
    let saved = shop.post_few("/admin/providers/acme/mapping/samples", &sample).await;
    assert!(saved.status.is_redirection(), "{}", words(&saved.html));
    inspector.browser.open(&format!("{base}/acme/mapping")).await;
    inspector.look("provider-mapping").await;
    let expression = inspector.browser.see("#expression").await;
    expression.clear().await.unwrap();
    expression.send_keys("{email: user.").await.unwrap();
    inspector.browser.press("#bench button.primary").await;
    inspector.browser.see("#made-fault").await;
    inspector.look("provider-mapping-fault").await;
    inspector.browser.open(&format!("{base}/acme/publish")).await;
    inspector.look("provider-publish").await;
    shop.api(reqwest::Method::POST, "/v1/providers/acme/discard", None::<Value>).await;
    let sent = shop.send("/settings", "/settings", &[("scope", "read")]).await;
    assert!(sent.status.is_redirection(), "{}", words(&sent.html));
    shop.post_few("/admin/providers/acme/mapping/samples/delete", &[("sample", "1")]).await;
    let published = shop.send("/publish", "/publish", &[("untested", "yes")]).await;
    assert!(published.status.is_redirection(), "{}", words(&published.html));
    inspector.browser.open(&format!("{base}/acme/versions")).await;
    inspector.look("provider-versions-two").await;
    inspector.browser.open(&format!("{base}/acme/versions/1")).await;
    inspector.look("provider-version").await;
}
