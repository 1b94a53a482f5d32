//! How lately the customer signed in: what an app asks by `max_age` and `prompt` reaches the tenant's provider, is held
//! against what the provider says of it, and stands in our own id_token (OpenID Connect Core, 3.1.2.1 and 3.1.3.7).

use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use url::Url;

use super::emailed::form_with;
use super::{ask, authorize_url, clients, parameter, redeem, shop_asks, start, with};
use crate::customers::{DANA, Shop, claims, code_of};
use crate::harness::browser::Browser;
use crate::harness::scripted::{Scripted, value};
use crate::harness::{Choices, Harness};

type Asks = Vec<(&'static str, String)>;

/// A broker whose tenant has an OpenID provider, with these settings more.
async fn at_openid(more: &str) -> (Harness, Scripted) {
    let provider = Scripted::start().await;
    let choices = Choices {
        provider_block: Some(provider.by_issuer(more)),
        tenant: clients(),
        allow: vec![provider.listed()],
        ..Choices::default()
    };
    (Harness::with(choices).await, provider)
}

/// From the page of consent to the provider and back, to where the app is answered.
async fn through(broker: &Harness, asks: &Asks) -> Url {
    let mut browser = Browser::new();
    let page = ask(broker, &mut browser, asks).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let sent = browser.submit(&page, &page.form(), &[("decision", "provider:acme")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    let callback = browser.get(&sent.location()).await.location();
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    answer.location()
}

/// The provider says that the customer signed in there so many seconds ago.
fn signed_in_ago(provider: &Scripted, broker: &Harness, seconds: i64) -> i64 {
    let at = broker.clock.now().as_second() - seconds;
    provider.id_token(move |draft| draft.claims["auth_time"] = json!(at));
    at
}

/// The claims of the id_token that the app gets.
async fn id_claims(broker: &Harness, back: &Url) -> Value {
    let code = parameter(back, "code").unwrap_or_else(|| panic!("{back}"));
    let (status, tokens) = redeem(broker, &code, &[]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    claims(tokens["id_token"].as_str().unwrap())
}

fn asked(name: &'static str, words: &str) -> Asks {
    with(shop_asks(), name, Some(words))
}

#[tokio::test]
async fn what_an_app_asks_of_the_sign_in_stands_in_the_request_to_the_provider() {
    let (broker, provider) = at_openid("").await;
    signed_in_ago(&provider, &broker, 0);
    let asks = with(asked("max_age", "300"), "prompt", Some("login consent select_account"));
    through(&broker, &asks).await;
    through(&broker, &shop_asks()).await;
    let sent = provider.asked("/auth");
    let told = |at: usize, name| value(&sent[at].query, name).to_owned();
    assert_eq!(
        (told(0, "max_age"), told(0, "prompt")),
        ("0".to_owned(), "login select_account".to_owned()),
        "a sign-in anew is of no age"
    );
    assert_eq!(
        (told(1, "max_age"), told(1, "prompt")),
        (String::new(), String::new()),
        "only what was asked"
    );
}

#[rstest]
#[case::young_enough("max_age", "300", 200, true)]
#[case::too_old("max_age", "300", 500, false)]
#[case::of_no_age("max_age", "0", 500, false)]
#[case::anew("prompt", "login", 0, true)]
#[case::not_anew("prompt", "login", 500, false)]
#[case::chosen_again("prompt", "select_account", 500, true)]
#[tokio::test]
async fn an_earlier_sign_in_at_the_provider_is_held_against_what_the_app_asked(
    #[case] name: &'static str,
    #[case] words: &str,
    #[case] ago: i64,
    #[case] passes: bool,
) {
    let (broker, provider) = at_openid("").await;
    let at = signed_in_ago(&provider, &broker, ago);
    let back = through(&broker, &asked(name, words)).await;
    if passes {
        assert_eq!(id_claims(&broker, &back).await["auth_time"], at);
    } else {
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "{back}");
        assert!(broker.contacts().await.is_empty(), "nobody is signed in");
    }
}

#[rstest]
#[case("max_age", "300")]
#[case("prompt", "login")]
#[tokio::test]
async fn a_provider_that_does_not_say_when_passes_for_nothing_that_must_be_proved(
    #[case] name: &'static str,
    #[case] words: &str,
) {
    let (broker, provider) = at_openid("").await;
    provider.id_token(|draft| drop(draft.claims.as_object_mut().unwrap().remove("auth_time")));
    let back = through(&broker, &asked(name, words)).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "{back}");
    assert!(broker.contacts().await.is_empty(), "nobody is signed in");
    let back = through(&broker, &asked("prompt", "select_account")).await;
    let claims = id_claims(&broker, &back).await;
    assert!(claims.get("auth_time").is_none(), "nobody said when it was: {claims}");
}

#[tokio::test]
async fn who_stripped_the_prompt_from_the_address_bar_passed_for_signed_in_anew() {
    let (broker, provider) = at_openid("").await;
    // As a provider does that is not asked for the time: an open session suffices, and nobody says since when.
    provider.id_token(|draft| drop(draft.claims.as_object_mut().unwrap().remove("auth_time")));
    let mut browser = Browser::new();
    let page = ask(&broker, &mut browser, &asked("prompt", "login")).await;
    let sent = browser.submit(&page, &page.form(), &[("decision", "provider:acme")]).await;
    let mut stripped = sent.location();
    let kept: Vec<_> = stripped.query_pairs().into_owned().collect();
    let kept = kept.iter().filter(|(name, _)| name != "prompt" && name != "max_age");
    stripped.query_pairs_mut().clear().extend_pairs(kept);
    let callback = browser.get(&stripped).await.location();
    let back = browser.get(&callback).await.location();
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "{back}");
}

#[tokio::test]
async fn the_time_of_the_sign_in_stays_the_same_through_a_refresh() {
    let (broker, provider) = at_openid("").await;
    let at = signed_in_ago(&provider, &broker, 1000);
    let back = through(&broker, &shop_asks()).await;
    let (_, tokens) = redeem(&broker, &parameter(&back, "code").unwrap(), &[]).await;
    broker.clock.advance(std::time::Duration::from_mins(30));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("client_id", super::SHOP), ("refresh_token", refresh)];
    let (_, again) = super::post(&broker, "/v1/oauth/token", &fields).await;
    for tokens in [tokens, again] {
        assert_eq!(claims(tokens["id_token"].as_str().unwrap())["auth_time"], at);
    }
}

#[tokio::test]
async fn the_stricter_of_the_tenant_and_the_app_counts() {
    let (broker, provider) = at_openid("max_age = 100\nprompt = \"consent\"").await;
    signed_in_ago(&provider, &broker, 0);
    through(&broker, &with(asked("max_age", "900"), "prompt", Some("select_account"))).await;
    let sent = provider.asked("/auth");
    assert_eq!(
        (value(&sent[0].query, "max_age"), value(&sent[0].query, "prompt")),
        ("100", "consent select_account")
    );
    signed_in_ago(&provider, &broker, 400);
    let back = through(&broker, &asked("max_age", "900")).await;
    assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"), "{back}");
}

#[rstest]
#[case("prompt", "login")]
#[case("max_age", "0")]
#[tokio::test]
async fn a_provider_of_plain_oauth_is_not_offered_for_a_sign_in_that_must_be_of_now(
    #[case] name: &'static str,
    #[case] words: &str,
) {
    let broker = start().await;
    let answer = Browser::new().get(&authorize_url(&broker, &asked(name, words))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.html);
    assert_eq!(parameter(&answer.location(), "error").as_deref(), Some("login_required"));
    let mut browser = Browser::new();
    let page = ask(&broker, &mut browser, &shop_asks()).await;
    let forced = [("decision", "provider:acme"), (name, words)];
    let answer = browser.submit(&page, &page.form(), &forced).await;
    assert_eq!(
        parameter(&answer.location(), "error").as_deref(),
        Some("login_required"),
        "nor by its button"
    );
}

#[tokio::test]
async fn an_emailed_code_is_a_sign_in_of_now() {
    let shop = Shop::of("", Choices { tenant: clients(), ..Choices::default() }).await;
    let broker = shop.broker();
    let mut browser = Browser::new();
    let page = ask(broker, &mut browser, &with(asked("max_age", "0"), "prompt", Some("login"))).await;
    assert!(!page.html.contains("provider:acme"), "{}", page.html);
    let asked = [("email", DANA), ("decision", "email")];
    let next = browser.submit(&page, &form_with(&page, "email"), &asked).await;
    let code = code_of(&shop.office.letter(0).await);
    let done =
        browser.submit(&next, &form_with(&next, "code"), &[("code", &code), ("decision", "code")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.html);
    let now = broker.clock.now().as_second();
    let told = id_claims(broker, &done.location()).await["auth_time"].as_i64().unwrap();
    assert!((now - 60..=now).contains(&told), "{told} is not of now, {now}");
}
