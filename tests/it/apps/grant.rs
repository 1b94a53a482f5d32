//! The grant itself: what an app gets, how long, and what ends it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{
    SEED, SEED_SECRET, SEED_URI, SHOP, SHOP_URI, VERIFIER, ask, bare, clients, code, consent, error,
    parameter, post, redeem, shop_asks, sign_in, start, tokens, userinfo, with,
};
use crate::harness::browser::Browser;
use crate::harness::redis::{SAFE, Server};
use crate::harness::{Choices, Harness, eventually};

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().unwrap_or_else(|| panic!("{name} in {json}"))
}

async fn refresh(broker: &crate::harness::Harness, token: &str) -> (StatusCode, Value) {
    let fields = [("grant_type", "refresh_token"), ("client_id", SHOP), ("refresh_token", token)];
    post(broker, "/v1/oauth/token", &fields).await
}

#[tokio::test]
async fn a_customer_signs_in_to_an_app_at_the_tenants_provider_and_the_app_gets_tokens() {
    let broker = start().await;
    let mut browser = Browser::new();
    let page = ask(&broker, &mut browser, &shop_asks()).await;
    for told in ["Sign in to Acme Shop", "Know who you are", "See your email address", "Acme online banking"]
    {
        assert!(bare(&page.html).contains(told), "{told}: {}", page.html);
    }
    assert!(!page.html.contains("read:orders"), "what was not asked for is not shown");
    let back = consent(&mut browser, &page, "allow").await;
    assert!(back.as_str().starts_with(SHOP_URI), "{back}");
    assert_eq!(parameter(&back, "state").as_deref(), Some("state-1"));
    assert_eq!(parameter(&back, "iss").as_deref(), Some(broker.origin.as_str()), "RFC 9207");
    let (status, tokens) = redeem(&broker, &parameter(&back, "code").unwrap(), &[]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!((text(&tokens, "token_type"), &tokens["expires_in"]), ("Bearer", &Value::from(3600)));
    assert_eq!(text(&tokens, "scope"), "openid profile email");
    assert!(tokens["created_at"].is_i64() && text(&tokens, "refresh_token").starts_with("rt_"));
    let (status, who) = userinfo(&broker, text(&tokens, "access_token")).await;
    assert_eq!(status, StatusCode::OK, "{who}");
    assert_eq!(text(&who, "email"), "billy.bob@example.com");
    let contacts = broker.contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &who["sub"]));
    assert_eq!(contacts[0]["customerNumber"], who["customer_number"]);
    assert_eq!(broker.event_types().await, ["contact.created"], "no conversation is verified by it");
    broker.all_sent().await;
}

/// The claims of an access token.
fn claims(tokens: &Value) -> Value {
    crate::customers::claims(text(tokens, "access_token"))
}

#[tokio::test]
async fn an_app_learns_the_address_if_the_customer_agreed_to_that_and_whether_anybody_vouches_for_it() {
    let broker = start().await;
    let told = claims(&tokens(&broker).await);
    assert_eq!((text(&told, "email"), &told["email_verified"]), ("billy.bob@example.com", &false.into()));
    let asks = with(shop_asks(), "scope", Some("openid profile"));
    let code = parameter(&sign_in(&broker, &asks).await, "code").unwrap();
    let (_, kept) = redeem(&broker, &code, &[]).await;
    let kept = claims(&kept);
    assert!(kept.get("email").is_none() && kept.get("email_verified").is_none(), "{kept}");
}

#[tokio::test]
async fn a_second_sign_in_finds_the_same_contact() {
    let broker = start().await;
    let (first, second) = (tokens(&broker).await, tokens(&broker).await);
    let (_, one) = userinfo(&broker, text(&first, "access_token")).await;
    let (_, two) = userinfo(&broker, text(&second, "access_token")).await;
    assert_eq!((one["sub"].clone(), broker.contacts().await.len()), (two["sub"].clone(), 1));
}

#[tokio::test]
async fn a_code_is_good_once_and_a_second_use_ends_what_it_gave() {
    let broker = start().await;
    let code = code(&broker).await;
    let (_, given) = redeem(&broker, &code, &[]).await;
    assert_eq!(userinfo(&broker, text(&given, "access_token")).await.0, StatusCode::OK);
    assert_eq!(error(&redeem(&broker, &code, &[]).await), (400, "invalid_grant"));
    assert_eq!(userinfo(&broker, text(&given, "access_token")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(error(&refresh(&broker, text(&given, "refresh_token")).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn of_many_redemptions_at_once_none_leaves_a_good_token() {
    let broker = std::sync::Arc::new(start().await);
    let code = code(&broker).await;
    let calls = (0..6).map(|_| {
        let (broker, code) = (std::sync::Arc::clone(&broker), code.clone());
        tokio::spawn(async move { redeem(&broker, &code, &[]).await })
    });
    let mut given = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        let (status, tokens) = call.await.unwrap();
        if status == StatusCode::OK {
            given.push(tokens);
        }
    }
    assert!(given.len() <= 1, "{}", given.len());
    for tokens in given {
        assert_eq!(userinfo(&broker, text(&tokens, "access_token")).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_its_address_its_verifier_and_a_minute() {
    let broker = start().await;
    let code = code(&broker).await;
    let wrong: [&[(&str, &str)]; 8] = [
        &[("client_id", SEED), ("client_secret", SEED_SECRET)],
        &[("redirect_uri", "http://127.0.0.1:4712/callback")],
        &[("redirect_uri", "")],
        &[("code_verifier", "")],
        &[("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl")],
        &[("code_verifier", super::CHALLENGE)],
        &[("code", "ac_another")],
        &[("code", "")],
    ];
    for more in wrong {
        let answer = redeem(&broker, &code, more).await;
        let word = if more == [("code", "")] { "invalid_request" } else { "invalid_grant" };
        assert_eq!(error(&answer), (400, word), "{more:?}");
    }
    assert_eq!(redeem(&broker, &code, &[]).await.0, StatusCode::OK, "none of these has spent it");
    let late = super::code(&broker).await;
    broker.clock.advance(Duration::from_mins(1));
    assert_eq!(error(&redeem(&broker, &late, &[]).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn pkce_cannot_be_taken_out_on_the_way() {
    let broker = start().await;
    let plain =
        [("response_type", "code"), ("client_id", SEED), ("redirect_uri", SEED_URI), ("scope", "openid")]
            .map(|(name, value)| (name, value.to_owned()));
    let code = parameter(&sign_in(&broker, &plain).await, "code").unwrap();
    let seed = [("client_id", SEED), ("client_secret", SEED_SECRET), ("redirect_uri", SEED_URI)];
    let with_verifier = redeem(&broker, &code, &seed).await;
    assert_eq!(error(&with_verifier), (400, "invalid_grant"), "the app meant to use PKCE");
    let without = [seed.as_slice(), &[("code_verifier", "")]].concat();
    assert_eq!(redeem(&broker, &code, &without).await.0, StatusCode::OK, "it may do without");
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_reuse_ends_the_sign_in() {
    let broker = start().await;
    let first = tokens(&broker).await;
    let (status, second) = refresh(&broker, text(&first, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let (_, joined) = refresh(&broker, text(&first, "refresh_token")).await;
    assert_eq!(joined["refresh_token"], second["refresh_token"], "a second tab is a moment late");
    broker.clock.advance(Duration::from_secs(11));
    assert_eq!(error(&refresh(&broker, text(&first, "refresh_token")).await), (400, "invalid_grant"));
    assert_eq!(error(&refresh(&broker, text(&second, "refresh_token")).await), (400, "invalid_grant"));
    assert_eq!(userinfo(&broker, text(&second, "access_token")).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn on_redis_a_sign_in_goes_on_and_ends_as_everywhere() {
    let server = Server::start(SAFE);
    let broker =
        Harness::with(Choices { tenant: clients(), store: Some(server.url()), ..Choices::default() }).await;
    let first = tokens(&broker).await;
    let again = refresh(&broker, text(&first, "refresh_token"));
    let (one, other) = tokio::join!(again, refresh(&broker, text(&first, "refresh_token")));
    assert_eq!(
        (one.0, &one.1["refresh_token"]),
        (StatusCode::OK, &other.1["refresh_token"]),
        "one step for both"
    );
    broker.clock.advance(Duration::from_secs(11));
    assert_eq!(error(&refresh(&broker, text(&first, "refresh_token")).await), (400, "invalid_grant"));
    assert_eq!(error(&refresh(&broker, text(&one.1, "refresh_token")).await), (400, "invalid_grant"));
    assert_eq!(userinfo(&broker, text(&one.1, "access_token")).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_app_that_refreshes_too_often_waits() {
    let main = Some("[limits]\ncustomer_calls = 1\n".to_owned());
    let broker = Harness::with(Choices { tenant: clients(), main, ..Choices::default() }).await;
    let first = tokens(&broker).await;
    let (status, second) = refresh(&broker, text(&first, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    let refused = refresh(&broker, text(&second, "refresh_token")).await;
    assert_eq!(error(&refused), (429, "slow_down"));
    broker.clock.advance(Duration::from_mins(1));
    assert_eq!(refresh(&broker, text(&second, "refresh_token")).await.0, StatusCode::OK, "it has not ended");
}

#[tokio::test]
async fn a_token_is_revoked_by_its_own_client_only_and_whatever_is_none_is_no_fault() {
    let broker = start().await;
    let own = tokens(&broker).await;
    for token in [text(&own, "refresh_token"), text(&own, "access_token"), "nothing at all"] {
        let foreign = [("client_id", SEED), ("client_secret", SEED_SECRET), ("token", token)];
        assert_eq!(post(&broker, "/v1/oauth/revoke", &foreign).await.0, StatusCode::OK);
    }
    assert_eq!(userinfo(&broker, text(&own, "access_token")).await.0, StatusCode::OK);
    let fields = [("client_id", SHOP), ("token", text(&own, "refresh_token"))];
    assert_eq!(post(&broker, "/v1/oauth/revoke", &fields).await.0, StatusCode::OK);
    assert_eq!(userinfo(&broker, text(&own, "access_token")).await.0, StatusCode::UNAUTHORIZED);
    let another = tokens(&broker).await;
    let fields = [("client_id", SHOP), ("token", text(&another, "access_token"))];
    assert_eq!(post(&broker, "/v1/oauth/revoke", &fields).await.0, StatusCode::OK);
    assert_eq!(error(&refresh(&broker, text(&another, "refresh_token")).await), (400, "invalid_grant"));
    assert_eq!(
        error(&post(&broker, "/v1/oauth/revoke", &[("client_id", SHOP)]).await),
        (400, "invalid_request")
    );
    let wrong = [("client_id", SEED), ("client_secret", "wrong"), ("token", "x")];
    assert_eq!(error(&post(&broker, "/v1/oauth/revoke", &wrong).await), (401, "invalid_client"));
}

#[tokio::test]
async fn a_client_that_can_prove_itself_learns_what_a_token_is() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let look = |token: String| {
        let broker = &broker;
        async move {
            let fields = [("client_id", SEED), ("client_secret", SEED_SECRET), ("token", token.as_str())];
            post(broker, "/v1/oauth/introspect", &fields).await.1
        }
    };
    let customer = look(text(&own, "access_token").to_owned()).await;
    assert_eq!((&customer["active"], text(&customer, "client_id")), (&Value::from(true), SHOP));
    assert_eq!(text(&customer, "aud"), "countersign-client-api");
    assert!(customer.get("email").is_none(), "nothing personal");
    let machine = look(broker.token().await).await;
    assert_eq!((&machine["active"], text(&machine, "client_id")), (&Value::from(true), "acme-bot"));
    let inactive = serde_json::json!({"active": false});
    assert_eq!(look(text(&own, "refresh_token").to_owned()).await, inactive, "another client's");
    for none in ["", "x", "rt_", text(&own, "id_token")] {
        if !none.is_empty() {
            assert_eq!(look(none.to_owned()).await, inactive, "{none}");
        }
    }
    let public = [("client_id", SHOP), ("token", "x")];
    assert_eq!(error(&post(&broker, "/v1/oauth/introspect", &public).await), (400, "unauthorized_client"));
    let nobody = [("client_id", SEED), ("client_secret", " "), ("token", "x")];
    assert_eq!(error(&post(&broker, "/v1/oauth/introspect", &nobody).await), (401, "invalid_client"));
}

#[tokio::test]
async fn an_erased_contact_has_no_good_token() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let (_, who) = userinfo(&broker, text(&own, "access_token")).await;
    let (status, _) = broker.api(Method::DELETE, &format!("/v1/contacts/{}", text(&who, "sub")), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(userinfo(&broker, text(&own, "access_token")).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(error(&refresh(&broker, text(&own, "refresh_token")).await), (400, "invalid_grant"));
}

#[tokio::test]
async fn a_restarted_broker_knows_every_token() {
    let mut broker = start().await;
    let own = tokens(&broker).await;
    let unused = code(&broker).await;
    broker.restart().await;
    assert_eq!(userinfo(&broker, text(&own, "access_token")).await.0, StatusCode::OK);
    assert_eq!(refresh(&broker, text(&own, "refresh_token")).await.0, StatusCode::OK);
    assert_eq!(redeem(&broker, &unused, &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn json_says_the_same_as_a_form() {
    let broker = start().await;
    let code = code(&broker).await;
    let body = serde_json::json!({
        "grant_type": "authorization_code", "client_id": SHOP, "redirect_uri": SHOP_URI,
        "code_verifier": VERIFIER, "code": code,
    });
    let answer = broker.plain(Method::POST, "/v1/oauth/token").json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_bot_calls_the_api_as_seed_001_prints_it() {
    let broker = start().await;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", SEED_SECRET)];
    let (_, token) = post(&broker, "/v1/oauth/token", &fields).await;
    let bearer = format!("Bearer {}", text(&token, "access_token"));
    let people =
        broker.plain(Method::GET, "/v1/contacts").header("authorization", bearer).send().await.unwrap();
    assert_eq!(people.status(), StatusCode::OK);
    assert!(people.json::<Value>().await.unwrap()["items"].is_array());
}

#[tokio::test]
async fn a_client_comes_from_where_it_may() {
    let broker = start().await;
    let ask = |client: &'static str| {
        let broker = &broker;
        async move {
            let fields =
                [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", SEED_SECRET)];
            post(broker, "/v1/oauth/token", &fields).await
        }
    };
    assert_eq!(ask("machine").await.0, StatusCode::OK);
    assert_eq!(error(&ask("elsewhere").await), (401, "invalid_client"));
}

#[tokio::test]
async fn the_tokens_of_an_apps_customers_come_from_where_the_app_may() {
    let broker = start().await;
    let own = tokens(&broker).await;
    let token = text(&own, "access_token");
    assert_eq!(userinfo(&broker, token).await.0, StatusCode::OK);
    let file = broker.tenant_file();
    let id = format!("client_id = \"{SHOP}\"\n");
    let bound = std::fs::read_to_string(&file)
        .unwrap()
        .replace(&id, &format!("{id}allow_from = [\"192.0.2.0/24\"]\n"));
    std::fs::write(&file, bound).unwrap();
    eventually("the app is bound to its addresses", async || {
        (userinfo(&broker, token).await.0 == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    let profile =
        broker.plain(Method::GET, "/api/client/v1/profile").bearer_auth(token).send().await.unwrap();
    assert_eq!(profile.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_customer_who_declines_at_the_provider_goes_back_to_the_app() {
    let broker = start().await;
    let mut browser = Browser::new();
    let page =
        ask(&broker, &mut browser, &with(shop_asks(), "redirect_uri", Some("com.acme.shop:/callback"))).await;
    let back = consent(&mut browser, &page, "deny").await;
    assert_eq!(back.scheme(), "com.acme.shop");
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("state-1"));
    let told = broker.get("/v1/audit?action=customer.not_signed_in").await["items"][0].clone();
    assert_eq!(told["detail"], format!("to {SHOP} at acme: verify, access_denied"), "{told}");
    assert!(told["object"].as_str().is_some_and(|attempt| attempt.starts_with("at_")), "{told}");
    assert_eq!(broker.contacts().await.len(), 0);
}

#[tokio::test]
async fn another_browser_cannot_finish_what_this_one_began() {
    let broker = start().await;
    let mut browser = Browser::new();
    let page = ask(&broker, &mut browser, &shop_asks()).await;
    let sent = browser.submit(&page, &page.form(), &[("decision", "provider:acme")]).await;
    let callback = browser.sign_in_at_provider(&sent.location(), "allow").await;
    let foreign = Browser::new().get(&callback).await;
    assert_eq!(foreign.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get(&callback).await.status, StatusCode::SEE_OTHER, "the first one can");
    assert_eq!(browser.get(&callback).await.status, StatusCode::BAD_REQUEST, "and once");
    assert_eq!(broker.contacts().await.len(), 1);
}
