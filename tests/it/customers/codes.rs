//! A customer signs in by a code that is sent to an address; nobody else does, and nobody learns who is known.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::*;
use crate::doors::another;
use crate::harness::{MAPPING, eventually};

/// A provider that vouches for addresses.
fn vouching() -> Choices {
    Choices { minimum: "none", provider: format!("{MAPPING}\ntrusted = [\"email\"]"), ..Choices::default() }
}

#[tokio::test]
async fn a_code_signs_in_and_somebody_new_becomes_a_customer() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask(" Dana@Customers.EXAMPLE ").await;
    let signed_in = shop.verify(DANA, &ticket, &code).await;
    let data = signed_in.data();
    assert_eq!((&data["token_type"], &data["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(data["user"]["email"], DANA);
    assert!(data["refresh_token"].as_str().unwrap().starts_with("rt_"), "{data}");
    let claims = claims(data["access_token"].as_str().unwrap());
    let id = &data["user"]["id"];
    let expected = json!({
        "sub": id, "email": DANA, "token_source": "dom", "organization_id": "acme", "org_customer_id": id,
        "customer_number": "CUST-000001", "iss": shop.broker().origin, "aud": "countersign-client-api",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&claims[name], value, "{name} of {claims}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(data["expires_at"].as_i64().unwrap(), claims["exp"].as_i64().unwrap() * 1000);

    let contacts = shop.broker().contacts().await;
    let [contact] = contacts.as_slice() else { panic!("{contacts:?}") };
    assert_eq!((&contact["id"], &contact["email"]), (id, &json!(DANA)));
    assert_eq!(contact["provenance"]["email"]["source"], "email_code");
    assert_eq!(contact["provenance"]["email"]["verified"], true);
    assert_eq!(contact["identities"][0]["provider"], "email_code");
    assert_eq!(shop.broker().event_types().await, ["contact.created"]);
    let audit = shop.broker().get("/v1/audit?action=customer.signed_in").await;
    let entry = &audit["items"][0];
    let detail = json!(format!("to {KEY} at email_code"));
    assert_eq!((&entry["object"], &entry["detail"], &entry["actor"]), (id, &detail, &json!("customer")));
    assert!(!audit.to_string().contains("customers.example"), "no address in the audit");
}

#[tokio::test]
async fn who_comes_again_is_the_same_customer_and_another_address_another() {
    let shop = Shop::start().await;
    let first = shop.sign_in(DANA).await;
    let again = shop.sign_in("DANA@customers.example").await;
    assert_eq!(first["user"]["id"], again["user"]["id"]);
    let eve = shop.sign_in(EVE).await;
    assert_eq!(claims(eve["access_token"].as_str().unwrap())["customer_number"], "CUST-000002");
    assert_eq!(shop.broker().contacts().await.len(), 2);
}

#[tokio::test]
async fn two_first_codes_of_one_address_at_once_are_one_customer() {
    let shop = Shop::start().await;
    let (one, two) = (shop.ask(DANA).await, shop.ask(DANA).await);
    let both = join_all([&one, &two].map(|(ticket, code)| shop.verify(DANA, ticket, code))).await;
    assert_eq!(both[0].data()["user"]["id"], both[1].data()["user"]["id"]);
    assert_eq!(shop.broker().contacts().await.len(), 1);
    assert_eq!(shop.broker().event_types().await, ["contact.created"]);
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike_and_nobody_is_made() {
    let shop = Shop::of("create = false\nmerge_by_email = true", vouching()).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    let known = "billy.bob@example.com";
    let (one, two) = (shop.send(known).await, shop.send(EVE).await);
    let shape = |answer: &Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        let ticket = answer.data()["ticket"].as_str().unwrap().len();
        (answer.status, names, ticket, answer.data()["expiresIn"].clone(), answer.body.to_string().len())
    };
    assert_eq!(shape(&one), shape(&two));
    let code = code_of(&shop.office.letter(0).await);
    let ticket = |answer: &Answer| answer.data()["ticket"].as_str().unwrap().to_owned();
    for left in [4, 3, 2, 1] {
        for (email, sent) in [(known, &one), (EVE, &two)] {
            let wrong = shop.verify(email, &ticket(sent), &another(&code)).await.refused(422, "wrong_code");
            assert_eq!(wrong.body["error"]["attemptsLeft"], left, "{email}");
        }
    }
    for (email, sent) in [(known, &one), (EVE, &two)] {
        shop.verify(email, &ticket(sent), &another(&code)).await.refused(410, "code_over");
    }
    let signed_in = shop.sign_in(known).await;
    let contacts = shop.broker().contacts().await;
    assert_eq!((contacts.len(), &contacts[0]["id"]), (1, &signed_in["user"]["id"]));
    let letters = shop.office.letters();
    assert!(letters.iter().all(|letter| !letter.contains(EVE)), "nothing went to whom nobody knows");
}

#[tokio::test]
async fn an_address_for_which_a_provider_vouched_finds_its_customer_only_if_the_tenant_says_so() {
    for (merge, vouch, joined) in [(true, true, true), (true, false, false), (false, true, false)] {
        let choices = if vouch { vouching() } else { Choices { minimum: "none", ..Choices::default() } };
        let shop = Shop::of(&format!("merge_by_email = {merge}"), choices).await;
        crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
        let billy = shop.broker().contacts().await[0]["id"].clone();
        let signed_in = shop.sign_in("billy.bob@example.com").await;
        assert_eq!(signed_in["user"]["id"] == billy, joined, "merge: {merge}, vouched: {vouch}");
        assert_eq!(shop.broker().contacts().await.len(), if joined { 1 } else { 2 });
    }
}

#[tokio::test]
async fn an_address_that_somebody_typed_lets_nobody_into_a_record() {
    let shop = Shop::of("merge_by_email = true", vouching()).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    let billy = shop.broker().contacts().await[0]["id"].as_str().unwrap().to_owned();
    let body = Some(json!({"email": EVE}));
    let (status, _) = shop.broker().api(Method::PATCH, &format!("/v1/contacts/{billy}"), body).await;
    assert!(status.is_success());
    assert_ne!(shop.sign_in(EVE).await["user"]["id"], billy.as_str(), "an agent was talked into it");
}

#[tokio::test]
async fn of_fifty_guesses_at_once_five_are_compared() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask(DANA).await;
    let wrong = another(&code);
    let answers = join_all((0..50).map(|_| shop.verify(DANA, &ticket, &wrong))).await;
    let compared = answers.iter().filter(|answer| answer.status == 422).count();
    assert!(compared <= 4, "the fifth wrong one is the last: {compared} others said so");
    assert!(answers.iter().all(|answer| [422, 410].contains(&answer.status)), "{answers:?}");
    shop.verify(DANA, &ticket, &code).await.refused(410, "code_over");
    assert!(shop.broker().contacts().await.is_empty());
}

#[tokio::test]
async fn a_code_is_good_once_even_under_a_race() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask(DANA).await;
    let answers = join_all((0..4).map(|_| shop.verify(DANA, &ticket, &code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    shop.verify(DANA, &ticket, &code).await.refused(410, "code_over");
}

#[tokio::test]
async fn a_code_is_for_its_ticket_its_address_and_its_website() {
    let shop = Shop::start().await;
    let (danas, code) = shop.ask(DANA).await;
    let (eves, eves_code) = shop.ask(EVE).await;
    assert_ne!(code, eves_code, "one of a million times they are the same");
    shop.verify(DANA, &eves, &code).await.refused(422, "wrong_code");
    shop.verify(EVE, &danas, &code).await.refused(422, "wrong_code");
    shop.verify(DANA, "no ticket", &code).await.refused(410, "code_over");
    let elsewhere = json!({"publicKey": OTHER_KEY, "email": DANA, "ticket": danas, "code": code});
    let request = shop.broker().plain(Method::POST, "/api/client/v1/otp/verify");
    answer(request.header("origin", OTHER_ORIGIN).json(&elsewhere)).await.refused(422, "wrong_code");
    assert!(shop.verify(DANA, &danas, &code).await.data().is_object());
}

#[tokio::test]
async fn a_code_is_for_its_tenant() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask(DANA).await;
    let request = shop.request(Method::POST, "otp/verify").header("host", "beta.test");
    // The other tenant has a website with the same key and origin.
    answer(request.json(&typed(DANA, &ticket, &code))).await.refused(410, "code_over");
    assert!(shop.verify(DANA, &ticket, &code).await.data().is_object(), "nothing was spent");
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask(DANA).await;
    shop.broker().clock.advance(Duration::from_mins(10));
    shop.verify(DANA, &ticket, &code).await.refused(410, "code_over");
}

#[tokio::test]
async fn only_so_many_codes_go_to_an_address_whether_anybody_has_it_or_not() {
    let shop = Shop::of("create = false\nmerge_by_email = true", vouching()).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    for email in ["billy.bob@example.com", EVE] {
        for _ in 0..5 {
            assert_eq!(shop.send(email).await.status, 200);
        }
        let over = shop.send(email).await.refused(429, "too_many_requests");
        let wait: u64 = over.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((600..=900).contains(&wait), "{wait}");
    }
    eventually("five letters are there", async || (shop.office.letters().len() == 5).then_some(())).await;
    shop.broker().clock.advance(Duration::from_mins(16));
    assert_eq!(shop.send(EVE).await.status, 200);
}

#[tokio::test]
async fn only_so_many_codes_are_asked_for_and_typed_from_a_network_address() {
    let main = Some("[limits]\naddress_codes = 2\naddress_typed_codes = 3\n".to_owned());
    let shop = Shop::of("", Choices { main, ..Choices::default() }).await;
    let (ticket, code) = shop.ask(DANA).await;
    assert_eq!(shop.send(EVE).await.status, 200);
    let over = shop.send("third@customers.example").await.refused(429, "too_many_requests");
    assert!(
        over.headers.contains_key("retry-after")
            && over.headers["ratelimit"].to_str().unwrap().contains("codes")
    );
    for _ in 0..3 {
        shop.verify(DANA, &ticket, &another(&code)).await.refused(422, "wrong_code");
    }
    shop.verify(DANA, &ticket, &code).await.refused(429, "too_many_requests");
    shop.broker().clock.advance(Duration::from_mins(1));
    assert!(shop.verify(DANA, &ticket, &code).await.data().is_object(), "the code was not spent by it");
}

/// A broker that sends two letters a minute for each tenant.
fn two_letters() -> String {
    "[limits]\ntenant_codes = 2\n".to_owned()
}

#[tokio::test]
async fn only_so_many_letters_are_sent_for_one_tenant_and_who_asks_cannot_tell() {
    let shop = Shop::of("", Choices { main: Some(two_letters()), ..Choices::default() }).await;
    for email in [DANA, EVE] {
        shop.ask(email).await;
    }
    assert_eq!(shop.send("third@customers.example").await.status, 200);
    eventually("the log tells of it", async || {
        let log = crate::harness::log::text();
        log.lines().any(|line| line.contains("limit.reached") && line.contains("tenant-codes")).then_some(())
    })
    .await;
    assert_eq!(shop.office.letters().len(), 2);
    shop.broker().clock.advance(Duration::from_mins(1));
    shop.ask("third@customers.example").await;
}

#[tokio::test]
async fn ten_strangers_kept_all_customers_of_a_tenant_from_their_codes() {
    let choices = Choices { main: Some(two_letters()), ..vouching() };
    let shop = Shop::of("create = false\nmerge_by_email = true", choices).await;
    crate::api::sign_in(shop.broker(), "conv-1", "billy").await;
    for stranger in 0..10 {
        assert_eq!(shop.send(&format!("stranger-{stranger}@customers.example")).await.status, 200);
    }
    shop.sign_in("billy.bob@example.com").await;
}

#[tokio::test]
async fn bad_input_is_refused_with_its_place_and_nothing_is_sent() {
    let shop = Shop::start().await;
    for email in
        ["", "dana", "a@b@c.example", "dana@customers.example\r\nBcc: eve@evil.example", "dörte@example.de"]
    {
        shop.send(email).await.refused(422, "invalid_email");
    }
    let missing = shop.post("otp/send", &json!({"publicKey": KEY})).await.refused(422, "invalid");
    assert_eq!(missing.body["error"]["faults"][0]["pointer"], "/email");
    let unknown = json!({"publicKey": KEY, "email": DANA, "admin": true});
    shop.post("otp/send", &unknown).await.refused(422, "invalid");
    let form = shop.request(Method::POST, "otp/send").form(&[("email", DANA)]);
    answer(form).await.refused(415, "not_json");
    let twice = shop.request(Method::POST, "otp/send").header("content-type", "application/json");
    let body = format!("{{\"publicKey\": \"{KEY}\", \"email\": \"{DANA}\", \"email\": \"{EVE}\"}}");
    answer(twice.body(body)).await.refused(400, "malformed");
    let large = json!({"publicKey": KEY, "email": "x".repeat(70_000)});
    shop.post("otp/send", &large).await.refused(413, "too_large");
    for path in ["nothing", "otp/send/x"] {
        shop.post(path, &json!({})).await.refused(404, "no_such_path");
    }
    answer(shop.request(Method::GET, "otp/send")).await.refused(405, "method_not_allowed");
    assert!(shop.office.letters().is_empty());
}

#[tokio::test]
async fn without_the_setting_or_a_mail_server_there_are_no_codes() {
    let tenant = settings("", ORIGIN).replace("email_code = true", "");
    let office = Office::with(Choices { tenant, ..Choices::default() }).await;
    let off = Shop { office };
    off.send(DANA).await.refused(403, "not_enabled");
    let broker = Harness::with(Choices { tenant: settings("", ORIGIN), ..Choices::default() }).await;
    let body = json!({"publicKey": KEY, "email": DANA});
    let request = broker.plain(Method::POST, "/api/client/v1/otp/send").header("origin", ORIGIN).json(&body);
    let refused = answer(request).await.refused(503, "no_mail");
    assert!(refused.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn no_log_line_has_an_address_a_code_or_a_ticket() {
    let shop = Shop::start().await;
    let (ticket, code) = shop.ask("canary.customer@customers.example").await;
    let data = shop.verify("canary.customer@customers.example", &ticket, &code).await.data().clone();
    let log = crate::harness::log::text();
    assert!(log.contains("customer.signed_in"));
    for secret in [
        "canary.customer",
        ticket.as_str(),
        data["refresh_token"].as_str().unwrap(),
        data["access_token"].as_str().unwrap(),
    ] {
        assert!(!log.contains(secret), "it stands in the log");
    }
}

/// The profile as whoever has this token sees it.
pub async fn profile(shop: &Shop, token: &str) -> Value {
    shop.get(token, "profile").await.data()["customer"].clone()
}
