//! Test logins from the pages: each step, what it means, and settings to accept.

use countersign::domain::staff::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Shop, words};
use crate::harness::Choices;
use crate::trial::provider::{self, Provider, Wants};

/// A shop whose draft is of a provider that can be made to misbehave.
pub async fn at(provider: &Provider) -> Shop {
    let allow = vec![provider.origin().trim_start_matches("http://").to_owned()];
    Shop::with(Choices { allow, ..Choices::default() }).await
}

pub fn settings(shop: &Shop, provider: &Provider) -> Value {
    let origin = provider.origin();
    let mut settings = shop.settings();
    settings["authorizeUrl"] = json!(format!("{origin}/authorize"));
    settings["tokenUrl"] = json!(format!("{origin}/token"));
    settings["whoamiUrl"] = json!(format!("{origin}/whoami"));
    settings
}

/// The whole test; the text of its report.
async fn try_it(shop: &mut Shop) -> (String, String) {
    let begun = shop.send("/test", "/test", &[]).await;
    let report = begun.location().path().to_owned();
    let html = shop.follow(&begun).await;
    let door = super::attribute(&html, "href=\"/t/").unwrap_or_else(|| panic!("no way in: {}", words(&html)));
    let page = shop.get(&format!("/t/{door}")).await;
    let opened = shop.staff.submit(&page, &page.form(), &[]).await;
    let back = shop.staff.arrive(&provider::signed_in(&opened.location())).await;
    assert!(back.html.contains(&format!("href=\"{report}\"")), "the way back: {}", back.html);
    let html = shop.get(&report).await.html;
    (report, html)
}

#[tokio::test]
async fn a_report_shows_each_step_the_answer_and_the_contact() {
    let provider = Provider::start().await;
    let mut shop = at(&provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    let (_, html) = try_it(&mut shop).await;
    let told = words(&html);
    for step in ["Host names OK", "Sign-in page OK", "Code for a token OK", "WhoAmI OK", "Mapping OK"] {
        assert!(told.contains(step), "no {step}: {told}");
    }
    assert!(told.contains("A login works") && told.contains("email billy.bob@example.com"), "{told}");
    for canary in [provider::CODE, provider::TOKEN, provider::REFRESH, super::DemoProvider::CLIENT_SECRET] {
        assert!(!html.contains(canary), "{canary}");
    }
    assert!(html.contains("•••"), "{told}");
    let audit = shop.audit().await;
    assert!(audit.iter().any(|(action, by)| action == "provider.test_read" && by.starts_with("staff:st_")));
    assert!(audit.iter().any(|(action, by)| action == "provider.tested" && by.starts_with("staff:st_")));
    let test = shop.page("/test").await;
    assert!(words(&test).contains("The latest test Passed"), "{}", words(&test));
    let published = shop.send("/publish", "/publish", &[]).await;
    assert_eq!(published.status, StatusCode::SEE_OTHER, "no tick is needed: {}", words(&published.html));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_a_proposed_setting_accepted_with_one_click_mends_it() {
    let provider = Provider::start().await;
    provider.script(|script| script.wants = Wants::Basic);
    let mut shop = at(&provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    let (report, html) = try_it(&mut shop).await;
    let told = words(&html);
    assert!(told.contains("A login would fail") && told.contains("To mend it:"), "{told}");
    assert!(told.contains("client_auth = \"client_secret_basic\""), "{told}");
    let path = format!("{}/accept", report.trim_start_matches("/admin/providers/acme"));
    let accepted = shop.send_on(&html, &path, &[]).await;
    let after = shop.follow(&accepted).await;
    assert!(words(&after).contains("In the draft"), "{}", words(&after));
    assert_eq!(shop.provider().await["draft"]["settings"]["clientAuth"], "client_secret_basic");
    let late = shop.send_on(&html, &path, &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "the page was older");
    let (_, html) = try_it(&mut shop).await;
    assert!(words(&html).contains("A login works"), "{}", words(&html));
}

#[tokio::test]
async fn a_test_that_fails_before_anybody_signs_in_has_no_door() {
    let provider = Provider::start().await;
    provider.script(|script| script.registered = Some("https://elsewhere.example/".to_owned()));
    let mut shop = at(&provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    let begun = shop.send("/test", "/test", &[]).await;
    let html = shop.follow(&begun).await;
    assert!(!html.contains("href=\"/t/") && !html.contains("hx-trigger=\"every"), "{html}");
    assert!(
        words(&html).contains(&format!("register exactly {}/idp/eu/oauth/callback", shop.origin))
            || words(&html).contains(&format!("Register exactly {}/idp/eu/oauth/callback", shop.origin)),
        "{}",
        words(&html)
    );
    let page = shop.page("/publish").await;
    assert!(words(&page).contains("The latest one failed"), "{}", words(&page));
}

#[tokio::test]
async fn hostile_answers_of_a_provider_stay_text() {
    let provider = Provider::start().await;
    let evil = "<script>alert(1)</script>\u{202e}`x`";
    let person = json!({"user": {"id": "u-7", "name": evil, "email": "billy.bob@example.com", evil: evil}});
    provider.script(|script| script.whoami = (200, "application/json", person.to_string()));
    let mut shop = at(&provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    let (_, html) = try_it(&mut shop).await;
    assert!(
        html.contains("alert(1)") && !html.contains("<script>alert") && !html.contains('\u{202e}'),
        "{html}"
    );
    let failing = json!({"error": "x", "error_description": evil}).to_string();
    provider.script(|script| script.token = Some((400, "application/json", failing)));
    let (_, html) = try_it(&mut shop).await;
    assert!(!html.contains("<script>alert") && !html.contains('\u{202e}'), "{html}");
}

#[tokio::test]
async fn only_staff_is_led_from_the_tests_page_to_its_report() {
    let provider = Provider::start().await;
    let mut shop = at(&provider).await;
    shop.put_draft(&settings(&shop, &provider)).await;
    let begun = shop.send("/test", "/test", &[]).await;
    let html = shop.follow(&begun).await;
    let door = super::attribute(&html, "href=\"/t/").unwrap();
    assert!(shop.get(&format!("/t/{door}")).await.html.contains("/admin/providers/acme/tests/"));
    shop.come_as(Role::Agent).await;
    assert!(!shop.get(&format!("/t/{door}")).await.html.contains("/admin/"));
    shop.staff.tamper(|_, _| None);
    assert!(!shop.get(&format!("/t/{door}")).await.html.contains("/admin/"));
}
