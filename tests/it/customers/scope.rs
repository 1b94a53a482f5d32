//! What a customer sees and changes: the own record, as far as the tenant wants that, and nothing of anybody else's.

use reqwest::Method;
use serde_json::json;

use super::codes::profile;
use super::*;
use crate::harness::{BOT_SECRET, MAPPING};

/// Every call of a customer, with a body that would do.
const CALLS: [(&str, &str); 6] = [
    ("GET", "profile"),
    ("PATCH", "profile"),
    ("GET", "conversations"),
    ("GET", "sign-ins"),
    ("DELETE", "sign-ins/AAAAAAAAAAAAAAAAAAAAAA"),
    ("POST", "logout"),
];

#[tokio::test]
async fn a_profile_is_the_customers_own() {
    let shop = Shop::start().await;
    let (dana, eve) = (shop.token(DANA).await, shop.token(EVE).await);
    let seen = shop.get(&dana, "profile").await.data().clone();
    assert_eq!((&seen["user"]["email"], &seen["customer"]["email"]), (&json!(DANA), &json!(DANA)));
    let customer = &seen["customer"];
    assert_eq!(
        (&customer["customerNumber"], &customer["emailVerified"]),
        (&json!("CUST-000001"), &json!(true))
    );
    assert_eq!(customer["mayChange"], json!(["firstName", "lastName", "fullName", "locale"]));
    for hidden in ["provenance", "identities", "suggestions", "externalId", "conversations", "version"] {
        assert!(customer.get(hidden).is_none(), "{hidden}");
    }
    assert_eq!(profile(&shop, &eve).await["customerNumber"], "CUST-000002");
}

#[tokio::test]
async fn a_customer_changes_what_the_tenant_allows_and_nothing_else() {
    let shop = Shop::with("may_change = [\"firstName\", \"phone\", \"colour\"]").await;
    let dana = shop.token(DANA).await;
    let change = |body| shop.call(&dana, Method::PATCH, "profile", Some(body));
    let changed = change(json!({"firstName": "Dana", "phone": "+1 555 0100", "colour": "blue"})).await;
    let customer = &changed.data()["customer"];
    assert_eq!((&customer["firstName"], &customer["phone"]), (&json!("Dana"), &json!("+1 555 0100")));
    assert_eq!((&customer["fields"], &customer["displayName"]), (&json!({"colour": "blue"}), &json!("Dana")));
    for (body, place) in [
        (json!({"email": EVE}), "/email"),
        (json!({"firstName": "Eve", "lastName": "Evil"}), "/lastName"),
        (json!({"customerNumber": "CUST-000009"}), "/customerNumber"),
        (json!({"externalId": "crm-1"}), "/externalId"),
        (json!({"fields": {"vip": true}}), "/fields"),
        (json!({"id": "ct_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"}), "/id"),
        (json!({"firstName": 7}), "/firstName"),
    ] {
        let refused = change(body).await.refused(422, "invalid");
        assert_eq!(refused.body["error"]["faults"][0]["pointer"], place);
    }
    let contact = shop.broker().contacts().await.remove(0);
    let source = contact["provenance"]["firstName"]["source"].as_str().unwrap();
    assert_eq!((&contact["firstName"], source.split(':').next()), (&json!("Dana"), Some("customer")));
    assert_eq!(contact["email"], DANA);
    assert_eq!(shop.broker().event_types().await, ["contact.created", "contact.updated"]);
    let blank = change(json!({"firstName": null})).await;
    assert_eq!(blank.data()["customer"]["firstName"], Value::Null);
}

#[tokio::test]
async fn without_a_good_token_of_a_customer_there_is_nothing() {
    let shop = Shop::start().await;
    let bot = shop.broker().token().await;
    let dana = shop.token(DANA).await;
    let (head, _) = dana.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.{}", "A".repeat(342));
    for (method, path) in CALLS {
        let method: Method = method.parse().unwrap();
        let plain = || shop.request(method.clone(), path);
        let missing = answer(plain()).await.refused(401, "token_missing");
        assert_eq!(missing.headers["www-authenticate"], "Bearer");
        for token in [bot.as_str(), &unsigned, "x", &dana[1..]] {
            let refused = answer(plain().bearer_auth(token)).await.refused(401, "invalid_token");
            assert_eq!(refused.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
        }
        let elsewhere = plain().bearer_auth(&dana).header("host", "beta.test");
        answer(elsewhere).await.refused(401, "invalid_token");
        let nowhere = plain().bearer_auth(&dana).header("host", "nobody.test");
        assert_eq!(answer(nowhere).await.refused(421, "wrong_host").status, 421);
    }
    assert_eq!(shop.get(&dana, "profile").await.status, 200, "none of this ended it");
}

#[tokio::test]
async fn a_customers_token_opens_nothing_of_the_platforms() {
    let shop = Shop::start().await;
    let dana = shop.token(DANA).await;
    for path in ["/v1/contacts", "/v1/events", "/v1/tenant", "/v1/audit", "/v1/auth-links"] {
        let request = shop.broker().plain(Method::GET, path).bearer_auth(&dana);
        let refused = answer(request).await;
        assert_eq!((refused.status, &refused.body["code"]), (401, &json!("invalid_token")), "{path}");
    }
    let form = [("grant_type", "client_credentials"), ("client_id", KEY), ("client_secret", BOT_SECRET)];
    let token = shop.broker().plain(Method::POST, "/v1/oauth/token").form(&form).send().await.unwrap();
    assert_eq!(token.status().as_u16(), 401, "a publishable key is no client of the token endpoint");
}

/// A customer who came by a provider, by a chat, and by a code.
async fn known_everywhere() -> (Shop, String) {
    let provider = format!("{MAPPING}\ntrusted = [\"email\"]");
    let choices = Choices { minimum: "none", provider, ..Choices::default() };
    let shop = Shop::of("merge_by_email = true", choices).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    crate::api::sign_in(shop.broker(), "conv-2", "billy").await;
    crate::api::sign_in(shop.broker(), "conv-3", "amelie").await;
    let token = shop.token("billy.bob@example.com").await;
    (shop, token)
}

#[tokio::test]
async fn conversations_are_those_in_which_the_customer_was_verified() {
    let (shop, billy) = known_everywhere().await;
    shop.broker().post("/v1/conversations/conv-1/end", json!(null)).await;
    let seen = shop.get(&billy, "conversations").await;
    let own = seen.data()["conversations"].as_array().unwrap();
    let ids: Vec<_> = own.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["conv-2", "conv-1"], "the latest first, and none of others'");
    assert_eq!((&own[0]["verified"], &own[0]["channel"]), (&json!(true), &json!("sms")));
    assert!(own[0]["verifiedUntil"].is_string() && own[1]["verifiedUntil"].is_null());
    assert_eq!(own[1]["verified"], false);
    assert!(!seen.body.to_string().contains("+15550100"), "no handle");
    let eve = shop.token(EVE).await;
    assert_eq!(shop.get(&eve, "conversations").await.data(), &json!({"conversations": []}));
}

#[tokio::test]
async fn a_way_to_sign_in_can_be_taken_away_but_not_the_last() {
    let (shop, billy) = known_everywhere().await;
    let seen = shop.get(&billy, "sign-ins").await.data()["signIns"].clone();
    let [provider, code] = seen.as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((&provider["kind"], &provider["label"]), (&json!("provider"), &json!("Acme online banking")));
    assert_eq!((&code["kind"], &code["label"]), (&json!("email_code"), &json!("billy.bob@example.com")));
    assert!(!seen.to_string().contains("\"billy.bob\""), "who he is there is nobody's business");
    let eve = shop.token(EVE).await;
    let path = |one: &Value| format!("sign-ins/{}", one["id"].as_str().unwrap());
    shop.call(&eve, Method::DELETE, &path(provider), None).await.refused(404, "not_found");
    let left = shop.call(&billy, Method::DELETE, &path(provider), None).await;
    assert_eq!(left.data()["signIns"], json!([code]));
    shop.call(&billy, Method::DELETE, &path(provider), None).await.refused(404, "not_found");
    shop.call(&billy, Method::DELETE, &path(code), None).await.refused(409, "last_sign_in");
    let id = claims(&billy)["sub"].clone();
    crate::api::sign_in(shop.broker(), "conv-9", "billy").await;
    let there = shop.broker().get("/v1/conversations/conv-9").await;
    assert_ne!(there["contactId"], id, "whoever comes by the provider is somebody else now");
    let audit = shop.broker().get("/v1/audit?action=contact.identity_unlinked").await;
    assert_eq!((&audit["items"][0]["object"], &audit["items"][0]["detail"]), (&id, &json!("acme")));
}

#[tokio::test]
async fn a_customer_who_calls_too_often_waits_and_nobody_else_does() {
    let main = Some("[limits]\ncustomer_calls = 2\n".to_owned());
    let shop = Shop::of("", Choices { main, ..Choices::default() }).await;
    let (dana, eve) = (shop.token(DANA).await, shop.token(EVE).await);
    let first = shop.get(&dana, "profile").await;
    assert_eq!(first.headers["ratelimit"].to_str().unwrap().split(';').nth(1), Some("r=1"));
    assert_eq!(shop.get(&dana, "sign-ins").await.status, 200);
    let over = shop.get(&dana, "profile").await.refused(429, "too_many_requests");
    assert!(over.headers.contains_key("retry-after"));
    assert_eq!(shop.get(&eve, "profile").await.status, 200);
}

#[tokio::test]
async fn answers_are_those_of_the_description() {
    let (shop, billy) = known_everywhere().await;
    let document = crate::openapi::document();
    let check = |method: &str, path: &str, answer: &Answer| {
        let path = format!("/api/client/v1/{path}");
        crate::openapi::check_answer(&document, method, &path, answer.status, &answer.body);
    };
    let (ticket, code) = shop.ask(DANA).await;
    check("POST", "otp/send", &shop.send(DANA).await);
    check("POST", "otp/send", &shop.send("nobody").await);
    let signed_in = shop.verify(DANA, &ticket, &code).await;
    check("POST", "otp/verify", &signed_in);
    check("POST", "otp/verify", &shop.verify(DANA, &ticket, &code).await);
    let body = json!({"refresh_token": signed_in.data()["refresh_token"]});
    check("POST", "refresh", &shop.post("refresh", &body).await);
    for path in ["profile", "conversations", "sign-ins"] {
        check("GET", path, &shop.get(&billy, path).await);
        check("GET", path, &shop.get("x", path).await);
    }
    let change = Some(json!({"firstName": "Billy"}));
    check("PATCH", "profile", &shop.call(&billy, Method::PATCH, "profile", change).await);
    let refused = shop.call(&billy, Method::PATCH, "profile", Some(json!({"email": EVE}))).await;
    check("PATCH", "profile", &refused);
    check("POST", "logout", &shop.call(&billy, Method::POST, "logout", None).await);
}
