//! Staff sign in at the tenant's own provider: the checks of a customer's callback, and nobody else learns of it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::form_to;
use crate::harness::browser::{Browser, Page};
use crate::harness::scripted::Scripted;
use crate::harness::staff::{ADMIN, AGENT};
use crate::harness::{Choices, Harness, log};

/// A broker whose tenant's provider lets in whoever the test says.
struct World {
    broker: Harness,
    provider: Scripted,
}

impl World {
    async fn start() -> Self {
        let provider = Scripted::start().await;
        let block = provider.by_issuer("");
        Self::with(provider, block).await
    }

    async fn with(provider: Scripted, block: String) -> Self {
        let choices =
            Choices { provider_block: Some(block), allow: vec![provider.listed()], ..Choices::default() };
        let world = Self { broker: Harness::with(choices).await, provider };
        world.person("dana@acme.example", Some(true));
        world
    }

    /// Who signs in from now on.
    fn person(&self, email: &'static str, verified: Option<bool>) {
        self.provider.person(move |told| {
            told["email"] = json!(email);
            told["email_verified"] = verified.map_or(Value::Null, Value::from);
        });
    }

    fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.broker.origin).parse().unwrap()
    }

    /// From the first page to the provider's answer, which is not loaded.
    async fn reach_callback(&self, browser: &mut Browser, next: &str) -> Url {
        let page = browser.get(&self.url(&format!("/signin?next={next}"))).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        let sent = browser.submit(&page, &form_to(&page, "/signin/provider"), &[]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
        browser.get(&sent.location()).await.location()
    }

    /// The whole way; the redirect at its end is not followed.
    async fn sign_in(&self, browser: &mut Browser) -> Page {
        let callback = self.reach_callback(browser, "/account").await;
        browser.get(&callback).await
    }

    /// The sign-in lets nobody in; the audit has this reason.
    async fn refused(&self, browser: &mut Browser, reason: &str) {
        let answer = self.sign_in(browser).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
        let page = browser.get(&answer.location()).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let reference = page.url.path().rsplit('/').next().unwrap().to_owned();
        assert!(page.html.contains(&reference) && !page.html.contains("dana@"), "{}", page.html);
        assert!(!page.html.contains(reason), "the page is the same whatever the reason");
        assert_eq!(browser.get(&self.url("/account")).await.status, StatusCode::SEE_OTHER, "nobody is in");
        let audit = self.broker.get("/v1/audit?action=staff.refused").await;
        let entry = &audit["items"][0];
        assert_eq!(
            (&entry["object"], &entry["detail"]),
            (&json!(reference), &json!(format!("acme: {reason}")))
        );
    }

    async fn nobody_else_learned(&self) {
        assert!(self.broker.contacts().await.is_empty());
        assert!(self.broker.event_types().await.is_empty());
        assert_eq!(self.broker.get("/v1/attempts").await["items"], json!([]));
    }
}

#[tokio::test]
async fn whoever_has_a_verified_address_of_the_staff_is_let_in_and_nothing_else_is_made() {
    let world = World::start().await;
    let mut browser = Browser::new();
    let answer = world.sign_in(&mut browser).await;
    assert_eq!(
        (answer.status, answer.location().path()),
        (StatusCode::SEE_OTHER, "/account"),
        "{}",
        answer.html
    );
    let page = browser.get(&answer.location()).await;
    assert!(page.html.contains(ADMIN) && page.html.contains("at Acme online banking"), "{}", page.html);
    world.nobody_else_learned().await;
    let asked = &world.provider.asked("/auth")[0];
    for name in ["code_challenge", "state", "nonce"] {
        assert!(asked.query.iter().any(|(known, _)| known == name), "{name}");
    }
    let audit = world.broker.get("/v1/audit?action=staff.signed_in").await;
    assert_eq!(audit["items"][0]["detail"], "provider acme");
    assert!(!audit.to_string().contains("dana"), "the audit holds no addresses");
}

#[tokio::test]
async fn an_address_in_other_letters_is_the_same() {
    let world = World::start().await;
    world.person("Dana@ACME.example", Some(true));
    assert_eq!(world.sign_in(&mut Browser::new()).await.location().path(), "/account");
}

#[tokio::test]
async fn an_address_that_nobody_verified_lets_nobody_in() {
    let world = World::start().await;
    for verified in [Some(false), None] {
        world.person("dana@acme.example", verified);
        world.refused(&mut Browser::new(), "email_not_verified").await;
    }
    world.nobody_else_learned().await;
}

#[tokio::test]
async fn what_a_tenant_trusts_of_its_customers_opens_no_page_of_staff() {
    let provider = Scripted::start().await;
    let block = provider.by_urls("trusted = [\"email\"]");
    let world = World::with(provider, block).await;
    for verified in [Some(false), None] {
        world.person("ari@acme.example", verified);
        world.refused(&mut Browser::new(), "email_not_verified").await;
    }
    world.person("ari@acme.example", Some(true));
    let mut browser = Browser::new();
    let answer = world.sign_in(&mut browser).await;
    assert!(browser.get(&answer.location()).await.html.contains(AGENT), "the provider itself says so");
}

#[tokio::test]
async fn a_stranger_and_whoever_has_no_address_are_not_let_in() {
    let world = World::start().await;
    world.person("billy@example.com", Some(true));
    world.refused(&mut Browser::new(), "not_staff").await;
    world.provider.person(|told| {
        told.as_object_mut().unwrap().remove("email");
    });
    world.refused(&mut Browser::new(), "no_email").await;
    world.person("dana@acme.example@evil.example", Some(true));
    world.refused(&mut Browser::new(), "no_email").await;
}

#[tokio::test]
async fn another_account_with_the_same_address_is_not_let_in_later() {
    let provider = Scripted::start().await;
    let block = provider.by_urls("");
    let world = World::with(provider, block).await;
    assert_eq!(world.sign_in(&mut Browser::new()).await.location().path(), "/account");
    world.provider.person(|told| {
        told["sub"] = json!("somebody-else");
        told["email"] = json!("dana@acme.example");
    });
    world.refused(&mut Browser::new(), "other_person").await;
    world.person("ari@acme.example", Some(true));
    world.refused(&mut Browser::new(), "other_person").await;
    world.person("dana@acme.example", Some(true));
    assert_eq!(
        world.sign_in(&mut Browser::new()).await.location().path(),
        "/account",
        "the first one still is"
    );
}

#[tokio::test]
async fn a_sign_in_that_fails_or_is_denied_lets_nobody_in() {
    let world = World::start().await;
    world.provider.callback(|back| {
        back.retain(|(name, _)| name != "code");
        back.push(("error".to_owned(), "access_denied".to_owned()));
    });
    world.refused(&mut Browser::new(), "access_denied at verify").await;
    world.provider.callback(|_| {});
    world.provider.id_token(|draft| draft.claims["nonce"] = json!("another"));
    let mut browser = Browser::new();
    let answer = world.sign_in(&mut browser).await;
    assert!(answer.location().path().starts_with("/signin/refused/"), "{}", answer.location());
    world.nobody_else_learned().await;
}

#[tokio::test]
async fn a_callback_is_for_the_browser_that_began_and_good_once() {
    let world = World::start().await;
    let mut dana = Browser::new();
    let callback = world.reach_callback(&mut dana, "/account").await;
    assert!(callback.query().unwrap().contains("state=s."), "the state says whose it is");
    let stranger = Browser::new().get(&callback).await;
    assert_eq!(stranger.status, StatusCode::BAD_REQUEST, "without the cookie it is nobody's");
    let mut eve = Browser::new();
    world.reach_callback(&mut eve, "/account").await;
    assert_eq!(eve.get(&callback).await.status, StatusCode::BAD_REQUEST, "nor with another one's");
    assert!(world.provider.asked("/token").is_empty(), "nothing left the building");
    let answer = dana.get(&callback).await;
    assert_eq!(answer.location().path(), "/account");
    let again = dana.get(&callback).await;
    assert_eq!(
        (again.status, again.location().path()),
        (StatusCode::SEE_OTHER, "/signin"),
        "who is in goes on"
    );
    assert_eq!(world.provider.asked("/token").len(), 1);
}

#[tokio::test]
async fn of_many_callbacks_at_once_one_is_carried_out() {
    let world = World::start().await;
    let mut browser = Browser::new();
    let callback = world.reach_callback(&mut browser, "/account").await;
    let tries = (0..20).map(|_| {
        let (mut browser, callback) = (browser.clone(), &callback);
        async move { browser.get(callback).await }
    });
    let answers = futures_util::future::join_all(tries).await;
    let let_in = answers.iter().filter(|page| {
        page.headers
            .get_all("set-cookie")
            .iter()
            .any(|cookie| cookie.to_str().unwrap().starts_with("cs-staff="))
    });
    assert_eq!(let_in.count(), 1);
    assert_eq!(world.provider.asked("/token").len(), 1);
}

#[tokio::test]
async fn a_state_lapses_and_is_no_other_tenants() {
    let world = World::start().await;
    let mut browser = Browser::new();
    let callback = world.reach_callback(&mut browser, "/account").await;
    let path = format!("{}?{}", callback.path(), callback.query().unwrap());
    let jar: Vec<_> =
        browser.cookies(&callback).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let foreign =
        world.broker.plain(Method::GET, &path).header("host", "beta.test").header("cookie", jar.join("; "));
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    world.broker.clock.advance(Duration::from_mins(10));
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST);
    let lines = log::lines("state_expired");
    assert!(lines.iter().any(|line| line["event"] == "callback.refused"), "{lines:?}");
}

#[tokio::test]
async fn settings_that_changed_meanwhile_end_the_sign_in_with_what_it_began_with() {
    let world = World::start().await;
    let mut browser = Browser::new();
    let callback = world.reach_callback(&mut browser, "/account").await;
    let file = world.broker.tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("openid email", "openid email profile")).unwrap();
    crate::harness::eventually("the file is read again", async || {
        let tenant = world.broker.broker().tenant_at("127.0.0.1").unwrap();
        (tenant.providers[0].scope.as_deref() == Some("openid email profile")).then_some(())
    })
    .await;
    assert_eq!(browser.get(&callback).await.location().path(), "/account");
}

#[tokio::test]
async fn a_page_that_answers_by_a_form_leads_in_too() {
    let provider = Scripted::start().await;
    let block = provider.by_issuer("response_mode = \"form_post\"");
    let world = World::with(provider, block).await;
    let mut browser = Browser::new();
    let page = browser.get(&world.url("/signin?next=/account")).await;
    let sent = browser.submit(&page, &form_to(&page, "/signin/provider"), &[]).await;
    let form = browser.get(&sent.location()).await;
    let answer = browser.submit(&form, &form.form(), &[]).await;
    assert_eq!(
        (answer.status, answer.location().path()),
        (StatusCode::SEE_OTHER, "/account"),
        "{}",
        answer.html
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_not_found() {
    let world = World::start().await;
    let post = |provider: &str| {
        let request =
            world.broker.plain(Method::POST, "/signin/provider").header("sec-fetch-site", "same-origin");
        request.form(&[("provider", provider.to_owned())]).send()
    };
    for provider in ["nobody", "", "../acme"] {
        assert_eq!(post(provider).await.unwrap().status(), StatusCode::NOT_FOUND, "{provider}");
    }
    let page = world.broker.plain(Method::GET, "/signin/refused/at_x%3Cscript%3E").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(!page.text().await.unwrap().contains("<script>"));
}
