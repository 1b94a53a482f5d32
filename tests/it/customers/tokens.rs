//! Tokens of the SDK: renewed, copied, ended here or everywhere, and gone with their website.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::harness::eventually;

async fn refresh(shop: &Shop, token: &Value) -> Answer {
    shop.post("refresh", &json!({"refresh_token": token})).await
}

fn access(data: &Value) -> &str {
    data["access_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_refresh_token_gives_a_fresh_pair_and_is_good_no_more() {
    let shop = Shop::start().await;
    let first = shop.sign_in(DANA).await;
    shop.broker().clock.advance(Duration::from_mins(59));
    let second = refresh(&shop, &first["refresh_token"]).await.data().clone();
    let names: Vec<_> = second.as_object().unwrap().keys().collect();
    assert_eq!(names, ["access_token", "refresh_token", "expires_in", "expires_at"]);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    shop.broker().clock.advance(Duration::from_mins(2));
    shop.get(access(&first), "profile").await.refused(401, "invalid_token");
    assert_eq!(shop.get(access(&second), "profile").await.status, 200);
    let claims = claims(access(&second));
    assert_eq!((&claims["email"], &claims["token_source"]), (&json!(DANA), &json!("dom")));

    refresh(&shop, &first["refresh_token"]).await.refused(401, "invalid_refresh_token");
    refresh(&shop, &second["refresh_token"]).await.refused(401, "invalid_refresh_token");
    shop.get(access(&second), "profile").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_token_says_whether_anybody_vouches_for_the_address_in_it() {
    let shop = Shop::start().await;
    let first = shop.sign_in(DANA).await;
    assert_eq!(claims(access(&first))["email_verified"], true);
    let path = format!("/v1/contacts/{}", first["user"]["id"].as_str().unwrap());
    let (status, _) = shop.broker().api(Method::PATCH, &path, Some(json!({"email": EVE}))).await;
    assert!(status.is_success());
    let second = refresh(&shop, &first["refresh_token"]).await.data().clone();
    let told = claims(access(&second));
    assert_eq!((&told["email"], &told["email_verified"]), (&json!(EVE), &json!(false)), "an agent typed it");
}

#[tokio::test]
async fn a_refresh_costs_a_call_of_the_customer() {
    let main = Some("[limits]\ncustomer_calls = 1\n".to_owned());
    let shop = Shop::of("", Choices { main, ..Choices::default() }).await;
    let (dana, eve) = (shop.sign_in(DANA).await, shop.sign_in(EVE).await);
    let next = refresh(&shop, &dana["refresh_token"]).await.data()["refresh_token"].clone();
    let refused = refresh(&shop, &next).await.refused(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(refresh(&shop, &eve["refresh_token"]).await.status, 200, "another customer goes on");
    shop.broker().clock.advance(Duration::from_mins(1));
    assert_eq!(refresh(&shop, &next).await.status, 200, "the sign-in has not ended");
}

#[tokio::test]
async fn two_tabs_that_renew_at_once_both_go_on() {
    let shop = Shop::start().await;
    let first = shop.sign_in(DANA).await;
    let both = futures_util::future::join_all((0..2).map(|_| refresh(&shop, &first["refresh_token"]))).await;
    assert_eq!(
        both[0].data()["refresh_token"],
        both[1].data()["refresh_token"],
        "one step, however many ask"
    );
    assert_eq!(refresh(&shop, &both[1].data()["refresh_token"]).await.status, 200);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_alike() {
    let shop = Shop::start().await;
    let signed_in = shop.sign_in(DANA).await;
    let good = signed_in["refresh_token"].as_str().unwrap();
    let mut forged = good.to_owned();
    forged.replace_range(good.len() - 43.., &"A".repeat(43));
    for bad in ["", "rt_xxx", access(&signed_in), &forged[..forged.len() - 1]] {
        refresh(&shop, &json!(bad)).await.refused(401, "invalid_refresh_token");
    }
    refresh(&shop, &json!(7)).await.refused(422, "invalid");
    shop.post("refresh", &json!({})).await.refused(422, "invalid");
    let elsewhere = shop.request(Method::POST, "refresh").header("host", "beta.test");
    let refused = answer(elsewhere.json(&json!({"refresh_token": good}))).await;
    refused.refused(401, "invalid_refresh_token");
    assert_eq!(refresh(&shop, &json!(good)).await.status, 200, "nothing of this ended it");
}

#[tokio::test]
async fn signing_out_ends_the_tokens_of_this_device_at_once() {
    let shop = Shop::start().await;
    let (here, there) = (shop.sign_in(DANA).await, shop.sign_in(DANA).await);
    let out = shop.call(access(&here), Method::POST, "logout", None).await;
    assert_eq!(out.data(), &json!({"everywhere": false}));
    shop.get(access(&here), "profile").await.refused(401, "invalid_token");
    refresh(&shop, &here["refresh_token"]).await.refused(401, "invalid_refresh_token");
    assert_eq!(shop.get(access(&there), "profile").await.status, 200);
    let audit = shop.broker().get("/v1/audit?action=customer.signed_out").await;
    let actor = format!("customer:{}", here["user"]["id"].as_str().unwrap());
    assert_eq!((&audit["items"][0]["detail"], &audit["items"][0]["actor"]), (&json!("here"), &json!(actor)));
}

#[tokio::test]
async fn signing_out_everywhere_ends_the_tokens_of_every_device() {
    let shop = Shop::start().await;
    let (here, there, eve) = (shop.sign_in(DANA).await, shop.sign_in(DANA).await, shop.sign_in(EVE).await);
    let out = shop.call(access(&here), Method::POST, "logout", Some(json!({"everywhere": true}))).await;
    assert_eq!(out.data(), &json!({"everywhere": true}));
    for data in [&here, &there] {
        shop.get(access(data), "profile").await.refused(401, "invalid_token");
        refresh(&shop, &data["refresh_token"]).await.refused(401, "invalid_refresh_token");
    }
    assert_eq!(shop.get(access(&eve), "profile").await.status, 200, "another customer stays");
}

#[tokio::test]
async fn a_tenant_may_make_access_tokens_shorter() {
    let shop = Shop::with("access_lifetime = \"1m\"").await;
    let data = shop.sign_in(DANA).await;
    assert_eq!(data["expires_in"], 60);
    shop.broker().clock.advance(Duration::from_secs(61));
    shop.get(access(&data), "profile").await.refused(401, "invalid_token");
    let fresh = refresh(&shop, &data["refresh_token"]).await.data().clone();
    assert_eq!(fresh["expires_in"], 60);
    assert_eq!(shop.get(access(&fresh), "profile").await.status, 200);
}

#[tokio::test]
async fn a_website_that_is_taken_out_takes_its_tokens_along() {
    let shop = Shop::start().await;
    let data = shop.sign_in(DANA).await;
    let file = shop.broker().tenant_file();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(KEY, "pk_dom_aaaaaaaaaaaaaaaa")).unwrap();
    eventually("the key is another one", async || (shop.send(DANA).await.status == 401).then_some(())).await;
    shop.get(access(&data), "profile").await.refused(401, "invalid_token");
    refresh(&shop, &data["refresh_token"]).await.refused(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_erased_customer_has_no_tokens() {
    let shop = Shop::start().await;
    let data = shop.sign_in(DANA).await;
    let path = format!("/v1/contacts/{}", data["user"]["id"].as_str().unwrap());
    assert!(shop.broker().api(Method::DELETE, &path, None).await.0.is_success());
    shop.get(access(&data), "profile").await.refused(401, "invalid_token");
    refresh(&shop, &data["refresh_token"]).await.refused(401, "invalid_refresh_token");
    let again = shop.sign_in(DANA).await;
    assert_ne!(again["user"]["id"], data["user"]["id"], "whoever comes later is new");
}
