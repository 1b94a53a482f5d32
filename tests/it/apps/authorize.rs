//! The page of consent and everything that is refused before it.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{SEED_URI, SHOP_URI, ask, authorize_url, bare, parameter, shop_asks, start, with};
use crate::harness::browser::Browser;

#[tokio::test]
async fn an_unknown_client_or_address_is_never_redirected() {
    let broker = start().await;
    let mut browser = Browser::new();
    let cases: [(&str, Option<&str>); 12] = [
        ("client_id", None),
        ("client_id", Some("nobody")),
        ("client_id", Some("SHOP-APP")),
        ("redirect_uri", None),
        ("redirect_uri", Some("https://evil.example/callback")),
        ("redirect_uri", Some("http://127.0.0.1:4711/callback/")),
        ("redirect_uri", Some("http://127.0.0.1:4711/callback?x=1")),
        ("redirect_uri", Some("http://127.0.0.1:4711/callback#x")),
        ("redirect_uri", Some("http://localhost:4711/callback")),
        ("redirect_uri", Some("https://shop.example/cb")),
        ("redirect_uri", Some("com.acme.shop:/callback/evil")),
        ("redirect_uri", Some(SEED_URI)),
    ];
    for (name, value) in cases {
        let page = ask(&broker, &mut browser, &with(shop_asks(), name, value)).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{name} {value:?}");
        assert!(page.html.contains("This sign-in cannot begin"), "{}", page.html);
        assert!(!page.headers.contains_key("location"));
    }
    let twice =
        format!("{}&redirect_uri=https%3A%2F%2Fevil.example%2F", authorize_url(&broker, &shop_asks()));
    assert_eq!(browser.get(&twice.parse().unwrap()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_known_app_is_told_what_is_wrong_at_its_own_address() {
    let broker = start().await;
    let mut browser = Browser::new();
    let long = "x".repeat(2001);
    let cases: [(&str, Option<&str>, &str); 17] = [
        ("response_type", None, "invalid_request"),
        ("response_type", Some("token"), "unsupported_response_type"),
        ("response_type", Some("code id_token"), "unsupported_response_type"),
        ("response_mode", Some("fragment"), "invalid_request"),
        ("scope", Some("openid write:auth_links"), "invalid_scope"),
        ("scope", Some("\"quoted\""), "invalid_scope"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge", Some("short"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("prompt", Some("none"), "login_required"),
        ("prompt", Some("none login"), "invalid_request"),
        ("prompt", Some("create"), "invalid_request"),
        ("max_age", Some("soon"), "invalid_request"),
        ("request", Some("eyJ"), "request_not_supported"),
        ("request_uri", Some("https://a.example"), "request_uri_not_supported"),
        ("nonce", Some(&long), "invalid_request"),
    ];
    for (name, value, word) in cases {
        let answer = ask(&broker, &mut browser, &with(shop_asks(), name, value)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name} {value:?}: {}", answer.html);
        let to = answer.location();
        assert!(to.as_str().starts_with(&format!("{SHOP_URI}?")), "{to}");
        assert_eq!(parameter(&to, "error").as_deref(), Some(word), "{name} {value:?}");
        assert_eq!(parameter(&to, "state").as_deref(), Some("state-1"));
        assert_eq!(parameter(&to, "iss").as_deref(), Some(broker.origin.as_str()));
        assert!(parameter(&to, "code").is_none());
    }
    let twice = format!("{}&scope=openid", authorize_url(&broker, &shop_asks()));
    let to = browser.get(&twice.parse().unwrap()).await.location();
    assert_eq!(parameter(&to, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn every_registered_form_of_address_is_answered() {
    let broker = start().await;
    let mut browser = Browser::new();
    for (uri, front) in [
        ("http://127.0.0.1/callback", "http://127.0.0.1/callback?error="),
        ("http://127.0.0.1:65535/callback", "http://127.0.0.1:65535/callback?error="),
        ("com.acme.shop:/callback", "com.acme.shop:/callback?error="),
        ("https://shop.example/cb?from=us", "https://shop.example/cb?from=us&error="),
    ] {
        let asks = with(with(shop_asks(), "redirect_uri", Some(uri)), "prompt", Some("none"));
        let to = ask(&broker, &mut browser, &asks).await.location();
        assert!(to.as_str().starts_with(front), "{to}");
    }
}

#[tokio::test]
async fn a_request_at_another_host_of_the_tenant_goes_on_where_the_provider_answers() {
    let broker = start().await;
    let asked = authorize_url(&broker, &shop_asks());
    let path = asked.as_str().strip_prefix(&broker.origin).unwrap();
    let other = format!("acme.localhost:{}", asked.port().unwrap());
    for method in [Method::GET, Method::HEAD, Method::POST] {
        let answer = broker.plain(method.clone(), path).header("host", &other).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT, "{method}");
        assert_eq!(answer.headers()["location"], asked.as_str(), "{method}");
    }
    let without_port = broker.plain(Method::GET, path).header("host", "127.0.0.1").send().await.unwrap();
    assert_eq!(
        without_port.status(),
        StatusCode::OK,
        "a proxy that leaves the port out goes round in no circle"
    );
}

#[tokio::test]
async fn looking_is_harmless_and_only_our_own_page_goes_on() {
    let broker = start().await;
    let url = authorize_url(&broker, &shop_asks());
    let fields: Vec<_> =
        url.query_pairs().into_owned().chain([("decision".into(), "provider:acme".into())]).collect();
    let plain = broker.plain(Method::POST, "/v1/oauth/authorize");
    let foreign = plain.header("origin", "https://evil.example").form(&fields).send().await.unwrap();
    assert_eq!(foreign.status(), StatusCode::OK, "a form of another site gets the page");
    assert!(bare(&foreign.text().await.unwrap()).contains("Sign in to Acme Shop"));
    let silent = broker.plain(Method::POST, "/v1/oauth/authorize").form(&fields).send().await.unwrap();
    assert_eq!(silent.status(), StatusCode::OK);
    let mut query = url.clone();
    query.query_pairs_mut().append_pair("decision", "provider:acme");
    assert_eq!(Browser::new().get(&query).await.status, StatusCode::OK, "nor does an address");
    let mut browser = Browser::new();
    let page = browser.get(&url).await;
    let unknown = browser.submit(&page, &page.form(), &[("decision", "provider:nobody")]).await;
    assert_eq!(unknown.status, StatusCode::OK, "the page once more");
    let bad = browser.submit(&page, &page.form(), &[("redirect_uri", "https://evil.example/")]).await;
    assert_eq!(bad.status, StatusCode::BAD_REQUEST, "the form is checked again");
}

#[tokio::test]
async fn the_page_is_told_in_the_customers_language_and_keeps_hostile_words_as_words() {
    let broker = start().await;
    let url = authorize_url(&broker, &with(shop_asks(), "state", Some("\"><script>alert(1)</script>")));
    let german = broker.plain(Method::GET, &url[url::Position::BeforePath..]).header("accept-language", "de");
    let answer = german.send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("http://127.0.0.1:4711"), "{policy}");
    let html = bare(&answer.text().await.unwrap());
    assert!(html.contains("Bei Acme Shop anmelden") && html.contains("lang=\"de\""), "{html}");
    assert!(!html.contains("<script"), "{html}");
    let arabic = broker.plain(Method::GET, &url[url::Position::BeforePath..]).header("accept-language", "ar");
    assert!(arabic.send().await.unwrap().text().await.unwrap().contains("dir=\"rtl\""));
}

#[tokio::test]
async fn cancel_tells_the_app() {
    let broker = start().await;
    let page = ask(&broker, &mut Browser::new(), &shop_asks()).await;
    let href = page.html.split("class=\"second\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let to: url::Url = href.replace("&#38;", "&").replace("&amp;", "&").parse().unwrap();
    assert_eq!(parameter(&to, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&to, "state").as_deref(), Some("state-1"));
}

#[tokio::test]
async fn both_metadata_documents_say_where_everything_is() {
    let broker = start().await;
    let read = |path: &'static str| {
        let broker = &broker;
        async move {
            let answer = broker.plain(Method::GET, path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            answer.json::<serde_json::Value>().await.unwrap()
        }
    };
    let said = read("/.well-known/openid-configuration").await;
    assert_eq!(said, read("/.well-known/oauth-authorization-server").await);
    assert_eq!(said["issuer"], broker.origin);
    for (name, path) in [
        ("authorization_endpoint", "/v1/oauth/authorize"),
        ("token_endpoint", "/v1/oauth/token"),
        ("userinfo_endpoint", "/v1/oauth/userinfo"),
        ("revocation_endpoint", "/v1/oauth/revoke"),
        ("introspection_endpoint", "/v1/oauth/introspect"),
        ("jwks_uri", "/v1/oauth/.well-known/jwks.json"),
    ] {
        assert_eq!(said[name], format!("{}{path}", broker.origin), "{name}");
    }
    assert!(said.get("registration_endpoint").is_none(), "it is off");
    assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]));
    let wanted = ["openid", "profile", "email", "phone", "offline_access", "read:profile", "write:profile"];
    assert_eq!(said["scopes_supported"], json!(wanted));
}

#[tokio::test]
async fn an_app_in_a_page_calls_the_client_api_with_its_token_and_sends_no_codes() {
    let broker = start().await;
    let own = super::tokens(&broker).await;
    let call = |method: Method, path: &str, origin: &str| {
        let request = broker.plain(method, &format!("/api/client/v1/{path}")).header("origin", origin);
        request.bearer_auth(own["access_token"].as_str().unwrap())
    };
    let preflight = call(Method::OPTIONS, "profile", "https://shop.example");
    let preflight = preflight.header("access-control-request-method", "GET").send().await.unwrap();
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://shop.example");
    let profile = call(Method::GET, "profile", "https://shop.example").send().await.unwrap();
    assert_eq!(profile.status(), StatusCode::OK);
    assert_eq!(profile.headers()["access-control-allow-origin"], "https://shop.example");
    for origin in ["https://evil.example", "http://shop.example", "https://shop.example:8443", "null"] {
        let refused = call(Method::GET, "profile", origin).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{origin}");
        assert!(!refused.headers().contains_key("access-control-allow-origin"), "{origin}");
    }
    let code = json!({"publicKey": "pk_dom_0123456789abcdef", "email": "dana@customers.example"});
    let send = call(Method::POST, "otp/send", "https://shop.example").json(&code).send().await.unwrap();
    assert_eq!(send.status(), StatusCode::UNAUTHORIZED, "the tenant has no website with this key");
}

#[tokio::test]
async fn only_pages_of_registered_apps_may_read_the_answers() {
    let broker = start().await;
    let ask = |method: Method, path: &'static str, origin: &'static str| {
        let broker = &broker;
        async move {
            let answer = broker.plain(method, path).header("origin", origin).send().await.unwrap();
            let allowed = answer.headers().get("access-control-allow-origin");
            (answer.status(), allowed.map(|allowed| allowed.to_str().unwrap().to_owned()))
        }
    };
    let own = "https://shop.example";
    for path in ["/v1/oauth/token", "/v1/oauth/userinfo", "/v1/oauth/revoke"] {
        let preflight = ask(Method::OPTIONS, path, own).await;
        assert_eq!(preflight, (StatusCode::NO_CONTENT, Some(own.to_owned())), "{path}");
        assert_eq!(ask(Method::POST, path, own).await.1.as_deref(), Some(own), "{path}");
        for foreign in
            ["https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example"]
        {
            assert_eq!(ask(Method::OPTIONS, path, foreign).await, (StatusCode::METHOD_NOT_ALLOWED, None));
            assert_eq!(ask(Method::POST, path, foreign).await.1, None, "{path} {foreign}");
        }
    }
    assert_eq!(ask(Method::POST, "/v1/oauth/introspect", own).await.1, None);
    assert_eq!(ask(Method::GET, "/api/oauth2/jwks", "https://any.example").await.1.as_deref(), Some("*"));
}
