//! A provider is added: with a preset, by its issuer, by hand.

use countersign::cli::demo::provider::DemoProvider;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Shop, fields, words};
use crate::harness::Choices;
use crate::trial::provider::Provider;

const FORM: &str = "/admin/providers/~new/form";

#[tokio::test]
async fn a_tenant_without_providers_is_led_to_its_first_one() {
    let mut shop = Shop::start().await;
    let list = shop.get("/admin/providers").await.html;
    assert!(list.contains("No provider yet") && list.contains("/admin/providers/~new"), "{list}");
    let choose = shop.get("/admin/providers/~new").await.html;
    for way in ["Paste its address", "Choose a known provider", "Fill it in by hand", "Identity services"] {
        assert!(choose.contains(way), "no {way}: {choose}");
    }
}

#[tokio::test]
async fn presets_are_found_by_a_word_without_any_script() {
    let mut shop = Shop::start().await;
    let found = shop.get("/admin/providers/~new?q=GOOGLE").await.html;
    assert!(found.contains("?preset=google\"") && !found.contains("?preset=github\""), "{found}");
    assert!(found.contains("value=\"GOOGLE\""));
    let none = shop.get("/admin/providers/~new?q=%3Cscript%3Ealert(1)").await.html;
    assert!(none.contains("No known provider") && !none.contains("<script>alert"), "{none}");
}

#[tokio::test]
async fn a_preset_asks_for_its_variables_and_says_beside_the_field_what_is_missing() {
    let mut shop = Shop::start().await;
    let path = format!("{FORM}?preset=auth0");
    let html = shop.get(&path).await.html;
    assert!(html.contains("name=\"vars.domain\"") && html.contains("Before you begin"), "{html}");
    let mut typed = fields(&html, FORM);
    assert!(typed.contains(&("preset".to_owned(), "auth0".to_owned())), "{typed:?}");
    typed.retain(|(name, _)| !["id", "client_id", "client_secret"].contains(&name.as_str()));
    for (name, value) in [("id", "main"), ("client_id", "the-client"), ("client_secret", "canary-secret")] {
        typed.push((name.to_owned(), value.to_owned()));
    }
    let refused = shop.post(FORM, typed.clone()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.html);
    let html = &refused.html;
    assert!(
        html.contains("href=\"#f-vars-domain\"") && html.contains("id=\"f-vars-domain-fault\""),
        "{html}"
    );
    assert!(
        html.contains("value=\"the-client\"") && html.contains("value=\"main\""),
        "what was typed stays: {html}"
    );
    assert!(!html.contains("canary-secret") && html.contains("type it again"), "{html}");

    typed.retain(|(name, _)| name != "vars.domain");
    typed.push(("vars.domain".to_owned(), "acme.eu.auth0.com".to_owned()));
    let made = shop.post(FORM, typed).await;
    assert_eq!(made.location().path(), "/admin/providers/main", "{}", made.html);
    let overview = shop.follow(&made).await;
    assert!(words(&overview).contains("What to do next"), "{overview}");
    let kept = shop.api(Method::GET, "/v1/providers/main", None).await;
    let settings = &kept["draft"]["settings"];
    assert_eq!(
        (&settings["preset"], &settings["vars"]),
        (&json!("auth0"), &json!({"domain": "acme.eu.auth0.com"}))
    );
    assert_eq!(settings["clientSecret"]["set"], true);
    assert_eq!(kept["live"], json!(null), "nothing is live yet");
    let form = shop.get("/admin/providers/main/settings").await.html;
    assert!(form.contains("From the preset: "), "{form}");
}

#[tokio::test]
async fn an_issuer_is_asked_and_what_it_says_is_shown_before_anything_is_kept() {
    let provider = Provider::start().await;
    let origin = provider.origin().to_owned();
    provider.announce(
        "/.well-known/openid-configuration",
        &origin,
        &json!({"scopes_supported": ["openid", "email"]}),
    );
    let allow = vec![origin.trim_start_matches("http://").to_owned()];
    let mut shop = Shop::with(Choices { allow, ..Choices::default() }).await;
    let page = shop.post_few("/admin/providers/~new/discover", &[("issuer", &format!("{origin}/"))]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    assert!(page.html.contains("What it says of itself") && page.html.contains(&format!("{origin}/token")));
    let kept = shop.api(Method::GET, "/v1/providers", None).await;
    assert_eq!(kept["items"], json!([]));

    let mut typed = fields(&page.html, FORM);
    assert!(typed.contains(&("issuer".to_owned(), origin.clone())), "{typed:?}");
    typed.retain(|(name, _)| !["id", "client_id", "client_secret"].contains(&name.as_str()));
    for (name, value) in [("id", "acme"), ("client_id", "c"), ("client_secret", "s")] {
        typed.push((name.to_owned(), value.to_owned()));
    }
    let made = shop.post(FORM, typed).await;
    shop.follow(&made).await;
    assert_eq!(shop.provider().await["draft"]["settings"]["scope"], "openid email");
    let form = shop.page("/settings").await;
    assert!(form.contains(&format!("From the issuer: {origin}/token")), "{form}");
}

#[tokio::test]
async fn an_issuer_that_says_nothing_is_told_with_every_spelling_that_was_tried() {
    let mut shop = Shop::start().await;
    let page =
        shop.post_few("/admin/providers/~new/discover", &[("issuer", "http://10.0.0.1/<b>x</b>")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.html.contains("id=\"issuer-fault\"") && page.html.contains("Nothing was found there"),
        "{}",
        page.html
    );
    assert!(!page.html.contains("<b>x</b>") && page.html.contains("10.0.0.1"), "{}", page.html);
    let empty = shop.post_few("/admin/providers/~new/discover", &[("issuer", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_provider_is_filled_in_by_hand_and_ids_are_not_given_twice() {
    let mut shop = Shop::start().await;
    let origin = shop.broker.provider.origin().to_owned();
    let html = shop.get(FORM).await.html;
    let mut typed = fields(&html, FORM);
    let known = ["id", "client_id", "client_secret", "authorize_url", "token_url", "whoami_url"];
    typed.retain(|(name, _)| !known.contains(&name.as_str()));
    let (authorize, token, whoami) =
        (format!("{origin}/auth"), format!("{origin}/auth/token"), format!("{origin}/whoami"));
    for (name, value) in [
        ("id", "hand"),
        ("client_id", DemoProvider::CLIENT_ID),
        ("client_secret", DemoProvider::CLIENT_SECRET),
        ("authorize_url", &authorize),
        ("token_url", &token),
        ("whoami_url", &whoami),
    ] {
        typed.push((name.to_owned(), value.to_owned()));
    }
    let made = shop.post(FORM, typed.clone()).await;
    let overview = shop.follow(&made).await;
    assert!(overview.contains(&format!("{}/idp/eu/oauth/callback<", shop.origin)), "{overview}");

    let again = shop.post(FORM, typed.clone()).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(words(&again.html).contains("There is a provider with this id already"), "{}", again.html);
    for bad in ["", "Not An Id", "~new", &"x".repeat(64)] {
        typed.retain(|(name, _)| name != "id");
        typed.push(("id".to_owned(), bad.to_owned()));
        let page = shop.post(FORM, typed.clone()).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(page.html.contains("f-id-fault"), "{bad}");
    }
    // A second one has callback paths of its own, since the short ones are taken.
    typed.retain(|(name, _)| name != "id");
    typed.push(("id".to_owned(), "second".to_owned()));
    let made = shop.post(FORM, typed).await;
    let overview = shop.follow(&made).await;
    assert!(overview.contains("/idp/eu/oauth/callback/second"), "{overview}");
}
