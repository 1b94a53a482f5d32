//! The demo provider does what a right OAuth 2 server does, and each of its faults when told so.

use std::collections::HashMap;

use countersign::cli::demo::provider::{ClientAuthUsed, Counters, DemoProvider, Trick, VerifierUsed};
use countersign::clock::Clock;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;
use url::Url;

const REDIRECT_URI: &str = "http://127.0.0.1:9/idp/eu/oauth/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A provider and a client of it.
struct Stage {
    provider: DemoProvider,
    http: Client,
}

impl Stage {
    #[expect(clippy::disallowed_methods, reason = "the test plays browser and client")]
    async fn start() -> Self {
        let provider = DemoProvider::start(Clock::system()).await.unwrap();
        let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { provider, http }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.provider.origin())
    }

    /// Sends a form to a path.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.form(path, form).send().await.unwrap()
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body = serde_urlencoded::to_string(form).unwrap();
        let request = self.http.post(self.at(path)).body(body);
        request.header("content-type", "application/x-www-form-urlencoded")
    }

    async fn login_page(&self, more: &[(&str, &str)]) -> Response {
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", DemoProvider::CLIENT_ID),
            ("redirect_uri", REDIRECT_URI),
            ("state", "the-state"),
            ("scope", "read"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        query.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        query.extend(more.iter().filter(|(_, value)| !value.is_empty()));
        let mut url: Url = self.at("/auth").parse().unwrap();
        url.query_pairs_mut().extend_pairs(query);
        self.http.get(url).send().await.unwrap()
    }

    /// Signs in and presses *Allow* or *Deny*.
    async fn decide(&self, more: &[(&str, &str)], person: &str, decision: &str) -> Response {
        let page = self.login_page(more).await.text().await.unwrap();
        let (_, rest) = page.split_once("name=\"request\" value=\"").unwrap();
        let request = rest.split('"').next().unwrap();
        let login = [("request", request), ("person", person), ("password", "x"), ("trick", "")];
        let consent = self.post("/auth/login", &login).await;
        assert_eq!(consent.status(), StatusCode::OK);
        let consent = [("request", request), ("decision", decision)];
        self.post("/auth/consent", &consent).await
    }

    /// The parameters that come back.
    async fn answer(&self, more: &[(&str, &str)], decision: &str) -> HashMap<String, String> {
        let response = self.decide(more, "billy", decision).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let location: Url = response.headers()["location"].to_str().unwrap().parse().unwrap();
        assert!(location.as_str().starts_with(REDIRECT_URI));
        location.query_pairs().into_owned().collect()
    }

    async fn code(&self) -> String {
        self.answer(&[], "allow").await.remove("code").unwrap()
    }

    async fn exchange(&self, code: &str, changes: &[(&str, &str)]) -> (StatusCode, String) {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
            ("client_id", DemoProvider::CLIENT_ID),
            ("client_secret", DemoProvider::CLIENT_SECRET),
        ];
        form.retain(|(name, _)| !changes.iter().any(|(other, _)| other == name));
        form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let response = self.post("/auth/token", &form).await;
        (response.status(), response.text().await.unwrap())
    }

    async fn token(&self) -> String {
        let (status, body) = self.exchange(&self.code().await, &[]).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn whoami(&self, token: &str) -> (StatusCode, String) {
        let response = self.http.get(self.at("/whoami")).bearer_auth(token).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }
}

#[tokio::test]
async fn a_person_signs_in_and_is_described_as_the_seed_describes() {
    let stage = Stage::start().await;
    let answer = stage.answer(&[], "allow").await;
    assert_eq!(answer["state"], "the-state");
    let (status, body) = stage.exchange(&answer["code"], &[]).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &body["token_type"], &body["scope"]),
        (StatusCode::OK, &"Bearer".into(), &"read".into())
    );
    let (status, person) = stage.whoami(body["access_token"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let person: Value = serde_json::from_str(&person).unwrap();
    assert_eq!(person["user"]["id"], "billy.bob");
    assert_eq!(person["user"]["email"], "billy.bob@example.com");
    assert_eq!(person["roles"][0], "SomeRole");
    let counted = Counters { authorize: 1, token: 1, whoami: 1, unexpected: 0 };
    assert_eq!(stage.provider.counters(), counted);
    let facts = stage.provider.token_requests();
    assert_eq!(facts[0].redirect_uri.as_deref(), Some(REDIRECT_URI));
    assert_eq!((facts[0].verifier, facts[0].client_auth), (VerifierUsed::Right, ClientAuthUsed::Body));
    assert_eq!((facts[0].redirect_uri_fits, facts[0].status), (true, 200));
    let scopes: Vec<_> = stage.provider.authorize_requests()[0]
        .params
        .iter()
        .filter(|(name, _)| name == "scope")
        .cloned()
        .collect();
    assert_eq!(scopes, [("scope".to_owned(), "read".to_owned())]);
}

#[tokio::test]
async fn basic_authentication_is_form_encoded() {
    let stage = Stage::start().await;
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let code = stage.code().await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let request = stage.form("/auth/token", &form);
    let (id, secret) = (encode(DemoProvider::CLIENT_ID), encode(DemoProvider::CLIENT_SECRET));
    let response = request.basic_auth(id, Some(secret)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(stage.provider.token_requests()[0].client_auth, ClientAuthUsed::Basic);
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_redirect_uri_and_verifier() {
    let stage = Stage::start().await;
    for (name, value, expected) in [
        ("redirect_uri", "http://127.0.0.1:9/other", 400),
        ("code_verifier", "another-verifier-another-verifier-another-ver", 400),
        ("code_verifier", "", 400),
        ("client_secret", "wrong", 401),
        ("client_secret", "", 401),
        ("code", "unknown", 400),
        ("grant_type", "password", 400),
    ] {
        let (status, body) = stage.exchange(&stage.code().await, &[(name, value)]).await;
        assert_eq!(status.as_u16(), expected, "{name}={value}: {body}");
    }
    let code = stage.code().await;
    let (_, first) = stage.exchange(&code, &[]).await;
    let first: Value = serde_json::from_str(&first).unwrap();
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(stage.whoami(token).await.0, StatusCode::OK);
    let (status, second) = stage.exchange(&code, &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(second.contains("invalid_grant"));
    assert_eq!(
        stage.whoami(token).await.0,
        StatusCode::UNAUTHORIZED,
        "the second use takes the first token back"
    );
}

#[tokio::test]
async fn a_request_without_pkce_is_a_right_one_and_plain_is_not() {
    let stage = Stage::start().await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let code = stage.answer(&without, "allow").await.remove("code").unwrap();
    assert_eq!(stage.exchange(&code, &[("code_verifier", "")]).await.0, StatusCode::OK);
    let refused = [
        ("code_challenge_method", "plain"),
        ("client_id", "another"),
        ("response_type", "token"),
        ("redirect_uri", "/relative"),
    ];
    for (name, value) in refused {
        assert_eq!(
            stage.login_page(&[(name, value)]).await.status(),
            StatusCode::BAD_REQUEST,
            "{name}={value}"
        );
    }
}

#[tokio::test]
async fn a_denial_goes_back_with_the_state() {
    let stage = Stage::start().await;
    let answer = stage.answer(&[], "deny").await;
    assert_eq!((answer["error"].as_str(), answer["state"].as_str()), ("access_denied", "the-state"));
    assert!(!answer.contains_key("code"));
}

#[tokio::test]
async fn an_answer_can_come_as_a_form() {
    let stage = Stage::start().await;
    let page = stage.decide(&[("response_mode", "form_post")], "billy", "allow").await.text().await.unwrap();
    assert!(page.contains(&format!("action=\"{REDIRECT_URI}\"")));
    assert!(page.contains("name=\"code\"") && page.contains("name=\"state\" value=\"the-state\""));
}

#[tokio::test]
async fn the_browser_gets_each_fault_once() {
    let stage = Stage::start().await;
    stage.provider.script(Trick::Deny);
    assert_eq!(stage.answer(&[], "allow").await["error"], "access_denied");
    stage.provider.script(Trick::AuthorizeError);
    assert_eq!(stage.answer(&[], "allow").await["error"], "server_error");
    stage.provider.script(Trick::NoState);
    assert!(!stage.answer(&[], "allow").await.contains_key("state"));
    stage.provider.script(Trick::WrongState);
    assert_ne!(stage.answer(&[], "allow").await["state"], "the-state");
    stage.provider.script(Trick::WrongIss);
    assert_eq!(stage.answer(&[], "allow").await["iss"], "https://attacker.example");
    stage.provider.script(Trick::TwoCodes);
    let doubled = stage.decide(&[], "billy", "allow").await;
    assert_eq!(doubled.headers()["location"].to_str().unwrap().matches("code=").count(), 2);
    stage.provider.script(Trick::WrongCode);
    let unknown = stage.code().await;
    assert_eq!(stage.exchange(&unknown, &[]).await.0, StatusCode::BAD_REQUEST);
    stage.provider.script(Trick::FormPost);
    assert_eq!(stage.decide(&[], "billy", "allow").await.status(), StatusCode::OK);
    let good = stage.answer(&[], "allow").await;
    assert!(good.contains_key("code") && !good.contains_key("iss"), "then it behaves again");
}

#[tokio::test]
async fn the_token_endpoint_misbehaves_as_told() {
    let stage = Stage::start().await;
    for (trick, status, body) in [
        (Trick::TokenInvalidGrant, 400, "invalid_grant"),
        (Trick::TokenInvalidClient, 401, "invalid_client"),
        (Trick::TokenError, 500, "<html>"),
        (Trick::TokenGarbage, 200, "<html>"),
        (Trick::TokenRedirect, 307, ""),
        (Trick::TokenHuge, 200, "xxxx"),
        (Trick::TokenTwice, 200, "{\"access_token\":\"another\",\"access_token\":"),
        (Trick::TokenMissing, 200, "{\"token_type\""),
        (Trick::TokenTextExpiry, 200, "\"expires_in\":\"3600\""),
        (Trick::TokenPlain, 200, "{\"access_token\""),
        (Trick::TokenNoType, 200, "\"expires_in\":3600"),
    ] {
        let code = stage.code().await;
        stage.provider.script(trick);
        let (given, text) = stage.exchange(&code, &[]).await;
        assert_eq!(given.as_u16(), status, "{trick}");
        assert!(text.contains(body), "{trick}: {}", text.chars().take(200).collect::<String>());
        assert_eq!(text.contains("token_type"), trick_keeps_type(trick) && status == 200, "{trick}");
    }
    assert!(stage.provider.backstage().scripted().is_empty());
}

fn trick_keeps_type(trick: Trick) -> bool {
    matches!(trick, Trick::TokenTwice | Trick::TokenMissing | Trick::TokenTextExpiry | Trick::TokenPlain)
}

#[tokio::test]
async fn the_whoami_endpoint_misbehaves_as_told() {
    let stage = Stage::start().await;
    let token = stage.token().await;
    for (trick, status, body) in [
        (Trick::WhoamiRefused, 401, "invalid_token"),
        (Trick::WhoamiError, 500, "<html>"),
        (Trick::WhoamiGarbage, 200, "<html>"),
        (Trick::WhoamiWrong, 200, "[1,2,3]"),
        (Trick::WhoamiNobody, 200, "ok"),
        (Trick::WhoamiHuge, 200, "xxxx"),
        (Trick::WhoamiHostile, 200, "<script>"),
    ] {
        stage.provider.script(trick);
        let (given, text) = stage.whoami(&token).await;
        assert_eq!(given.as_u16(), status, "{trick}");
        assert!(text.contains(body), "{trick}");
    }
    assert_eq!(stage.whoami(&token).await.0, StatusCode::OK);
    assert_eq!(stage.whoami("unknown").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_fault_can_be_chosen_at_the_login_page() {
    let stage = Stage::start().await;
    let page = stage.login_page(&[]).await.text().await.unwrap();
    for trick in Trick::ALL {
        assert!(page.contains(&format!("value=\"{trick}\"")), "{trick} is not in the menu");
    }
    let (_, rest) = page.split_once("name=\"request\" value=\"").unwrap();
    let request = rest.split('"').next().unwrap();
    let form = [("request", request), ("person", "hanako"), ("trick", "token-500")];
    stage.post("/auth/login", &form).await;
    assert_eq!(stage.provider.backstage().scripted(), [Trick::TokenError]);
    stage.provider.backstage().forget_script();
    assert!(stage.provider.backstage().scripted().is_empty());
}

#[tokio::test]
async fn a_path_that_it_does_not_have_is_counted() {
    let stage = Stage::start().await;
    let response = stage.http.get(stage.at("/admin")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(stage.provider.counters().unexpected, 1);
}
