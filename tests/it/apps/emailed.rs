//! Customers without an account at any provider sign in to an app by an emailed code; and how both pages look.

use reqwest::StatusCode;

use super::{SHOP_URI, ask, clients, parameter, redeem, shop_asks, userinfo, with};
use crate::browser::inspector::Inspector;
use crate::customers::{DANA, EVE, Shop, code_of};
use crate::harness::Choices;
use crate::harness::browser::{Browser, Page};
use crate::harness::page::Form;

async fn start() -> Shop {
    Shop::of("", Choices { tenant: clients(), ..Choices::default() }).await
}

/// The form of a page that has a field.
pub fn form_with(page: &Page, id: &str) -> Form {
    let html = page.html.split("<form").find(|form| form.contains(&format!("id=\"{id}\""))).unwrap();
    crate::harness::page::forms(&format!("<form{html}")).remove(0)
}

async fn ask_for_code(shop: &Shop, browser: &mut Browser, email: &str) -> Page {
    let page = ask(shop.broker(), browser, &shop_asks()).await;
    let form = form_with(&page, "email");
    let next = browser.submit(&page, &form, &[("email", email), ("decision", "email")]).await;
    for page in [&page, &next] {
        assert!(page.html.len() < 12_000, "a page of customers has {} bytes", page.html.len());
    }
    next
}

async fn type_code(browser: &mut Browser, page: &Page, code: &str) -> Page {
    let form = form_with(page, "code");
    browser.submit(page, &form, &[("code", code), ("decision", "code")]).await
}

#[tokio::test]
async fn a_customer_signs_in_to_an_app_by_an_emailed_code() {
    let shop = start().await;
    let mut browser = Browser::new();
    let page = ask_for_code(&shop, &mut browser, DANA).await;
    assert!(page.html.contains("Type your code") && page.html.contains(DANA), "{}", page.html);
    let code = code_of(&shop.office.letter(0).await);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let again = type_code(&mut browser, &page, wrong).await;
    assert!(again.html.contains("That is not the code") && again.html.contains('4'), "{}", again.html);
    let done = type_code(&mut browser, &again, &code).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let back = done.location();
    assert!(back.as_str().starts_with(SHOP_URI), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("state-1"));
    let (status, tokens) = redeem(shop.broker(), &parameter(&back, "code").unwrap(), &[]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let (_, who) = userinfo(shop.broker(), tokens["access_token"].as_str().unwrap()).await;
    assert_eq!((&who["email"], &who["email_verified"]), (&DANA.into(), &true.into()));
    let spent = type_code(&mut browser, &again, &code).await;
    assert!(spent.html.contains("no longer good"), "{}", spent.html);
}

#[tokio::test]
async fn the_letter_of_an_app_in_a_page_is_that_of_its_website() {
    let web_app = r#"
[[client]]
client_id = "web-app"
auth = "none"
grant_types = ["authorization_code"]
scopes = ["openid"]
redirect_uris = ["https://shop.acme.example/callback"]
"#;
    let tenant = format!("{}{web_app}", clients());
    let shop = Shop::of("", Choices { tenant, ..Choices::default() }).await;
    let mut browser = Browser::new();
    let own = with(shop_asks(), "client_id", Some("web-app"));
    let own =
        with(with(own, "redirect_uri", Some("https://shop.acme.example/callback")), "scope", Some("openid"));
    for (number, asks, is_websites) in [(0, own, true), (1, shop_asks(), false)] {
        let page = ask(shop.broker(), &mut browser, &asks).await;
        let form = form_with(&page, "email");
        browser.submit(&page, &form, &[("email", DANA), ("decision", "email")]).await;
        let letter = shop.office.letter(number).await;
        assert_eq!(letter.contains("\"Acme Shop\" <"), is_websites, "{letter}");
    }
}

#[tokio::test]
async fn a_code_is_good_for_its_address_and_for_the_request_that_asked_for_it() {
    let shop = start().await;
    let mut browser = Browser::new();
    let page = ask_for_code(&shop, &mut browser, DANA).await;
    let code = code_of(&shop.office.letter(0).await);
    let form = form_with(&page, "code");
    for (name, value) in [("email", EVE), ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN")] {
        let other = [(name, value), ("code", code.as_str()), ("decision", "code")];
        let refused = browser.submit(&page, &form, &other).await;
        assert_eq!(refused.status, StatusCode::OK, "{name}");
        assert!(refused.html.contains("That is not the code"), "{name}: {}", refused.html);
    }
    assert_eq!(type_code(&mut browser, &page, &code).await.status, StatusCode::SEE_OTHER);
    let none = ask_for_code(&shop, &mut browser, "no address").await;
    assert!(none.html.contains("no email address"), "{}", none.html);
}

#[tokio::test]
async fn the_pages_on_the_way_into_an_app_are_fit_to_be_seen() {
    let shop = start().await;
    let mut inspector = Inspector::start().await;
    let asks = with(shop_asks(), "scope", Some("openid profile email read:orders"));
    inspector.browser.open(super::authorize_url(shop.broker(), &asks).as_str()).await;
    inspector.look("consent-asked").await;
    inspector.browser.fill("#email", DANA).await;
    inspector.browser.press("form.email button").await;
    inspector.browser.see("#code").await;
    inspector.look("consent-code").await;
    inspector.browser.fill("#code", "0").await;
    inspector.browser.press("main button").await;
    inspector.browser.see("#fault").await;
    inspector.look("consent-code-wrong").await;
}
