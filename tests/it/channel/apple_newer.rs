//! Apple's newer flow against a real broker and a real provider: the phone and the gateway of `messages_app`.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::messages_app::{Gateway, Page};
use super::world::{AppleWorld, BILLY, BUSINESS, GATEWAY, MALLORY, is_success, location};
use crate::harness::browser::Browser;
use crate::harness::{Choices, MAPPING};
use countersign::cli::demo::provider::Trick;

const FAILURE: Page = Page::Closed { status: "failure", error_code: None };
const CANCEL: Page = Page::Closed { status: "cancel", error_code: None };

#[tokio::test]
async fn a_message_in_apple_messages_ends_in_a_contact_that_apple_vouches_for() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    assert_eq!(link["message"]["carrier"], "authenticate_v2", "{link}");
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    assert!(is_success(&page), "{page:?}");
    let waiting = world.status(&link).await;
    assert_eq!(waiting["status"], "provisional");
    assert!(waiting.get("profile").is_none() && world.broker.contacts().await.is_empty(), "{waiting}");

    let (status, answer) = world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!(
        (status, answer),
        (StatusCode::OK, json!({"items": [{"matched": true, "authLinkId": link["id"]}]}))
    );
    let done = world.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "code", "reached": "native"}), "{done}");
    assert_eq!(done["profile"]["email"], "billy.bob@example.com");
    let conversation = world.broker.get("/v1/conversations/conv-1").await;
    assert_eq!((&conversation["verified"], &conversation["binding"]), (&json!(true), &json!("native")));
    assert_eq!(
        world.broker.event_types().await,
        ["auth.link_created", "auth.opened", "auth.provisional", "contact.created", "auth.completed"]
    );
    let asked = &world.broker.provider.token_requests()[0];
    assert!(asked.redirect_uri_fits, "the redirect URI is the one that stands in the message");
}

#[tokio::test]
async fn the_message_is_ready_to_be_posted_and_each_has_a_request_of_its_own() {
    let world = AppleWorld::start("message_version = \"2.1\"").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let payload = &link["message"]["payload"];
    assert_eq!((&payload["sourceId"], &payload["destinationId"]), (&json!(BUSINESS), &json!(BILLY.customer)));
    let data = &payload["interactiveData"]["data"];
    assert_eq!(data["version"], "2.1");
    let redirect = format!("{}/web/inbound/abc/oauth/abcAuth2Redirect", world.broker.origin);
    assert_eq!(data["authenticate"]["oauth2"]["redirectURI"], redirect);
    let again = world
        .broker
        .post(&format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap()), json!({}))
        .await;
    let other = &again["message"]["payload"]["interactiveData"]["data"];
    assert_ne!(other["requestIdentifier"], data["requestIdentifier"]);
    assert_ne!(other["authenticate"]["oauth2"]["state"], data["authenticate"]["oauth2"]["state"]);
    assert!(is_success(&world.sign_in(&BILLY, &again).await.1));
}

#[tokio::test]
async fn the_page_behind_the_redirect_leads_back_by_a_link() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let back = opened.reach_callback("allow").await;
    let page = opened.view.get(&back).await;
    let address = location(&page);
    let number = address
        .strip_prefix("messages-auth://?status=success&error_code=")
        .expect("the success with a number");
    assert!(number.parse::<i32>().is_ok_and(|number| number > 0), "a phone can carry {number}");
    let shown = address.replace('&', "&#38;");
    assert!(page.html.contains(&format!("href=\"{shown}\"")), "{}", page.html);
    assert_eq!(page.headers["refresh"], format!("1; url={address}"));
    assert_eq!(page.headers["cache-control"], "no-store");
    // Nobody is told that it is done before Apple has said so.
    assert!(
        page.html.contains("One moment more") && !page.html.contains("You are signed in"),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn a_success_without_an_exchange_verifies_nobody() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    // Before the sheet was opened, and while the customer is at the provider.
    let sheet =
        BILLY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    let told = Page::Closed { status: "success", error_code: Some(1) };
    let forged = BILLY.reply(BUSINESS, &sheet, &told);
    assert_eq!(world.post(&forged).await, (StatusCode::OK, json!({"items": [{"matched": false}]})));
    let opened = world.press(&BILLY, &link).await;
    assert_eq!(opened.answer.status, StatusCode::SEE_OTHER);
    assert_eq!(world.post(&forged).await.1["items"][0]["matched"], false);
    assert_eq!(world.status(&link).await["status"], "opened");
    assert!(world.broker.contacts().await.is_empty());
    assert_eq!(world.broker.provider.counters().token, 0);
}

#[tokio::test]
async fn a_reply_of_somebody_else_or_from_another_business_changes_nothing() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let (status, answer) = world.post(&MALLORY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!((status, &answer["items"][0]["matched"]), (StatusCode::OK, &json!(false)));
    let (status, answer) = world.post(&BILLY.reply("biz-2", &opened.sheet, &page)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("bad_signature")));
    assert_eq!(world.status(&link).await["status"], "provisional");
    assert_eq!(world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await.1["items"][0]["matched"], true);
}

#[tokio::test]
async fn a_webhook_that_is_forged_stale_or_meant_for_others_changes_nothing() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let before = world.broker.event_types().await;
    let forger = Gateway { key: b"a guess", ..GATEWAY };
    let other = Gateway { platform_id: "platform-2", ..GATEWAY };
    for (gateway, age) in [(&forger, 0), (&other, 0), (&GATEWAY, 3600), (&GATEWAY, -3600)] {
        let (status, answer) = world.post_as(gateway, &reply, age).await;
        assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("bad_signature")), "{age}");
    }
    let (_, body) = GATEWAY.post(&reply, world.broker.clock.now().as_second());
    let (status, answer) = world.send("apple", &[], body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("token_missing")));
    assert_eq!(world.broker.event_types().await, before);
    assert_eq!(world.status(&link).await["status"], "provisional");
}

#[tokio::test]
async fn a_reply_that_comes_again_is_worth_nothing_more() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let reply = BILLY.reply(BUSINESS, &opened.sheet, &page);
    let (one, two) = tokio::join!(world.post(&reply), world.post(&reply));
    assert_eq!((one.0, two.0), (StatusCode::OK, StatusCode::OK), "neither is sent again");
    let matched = [&one, &two].iter().filter(|answer| answer.1["items"][0]["matched"] == true).count();
    assert_eq!(matched, 1, "{one:?} {two:?}");
    world.broker.post("/v1/conversations/conv-1/end", json!(null)).await;
    assert_eq!(world.post(&reply).await, (StatusCode::OK, json!({"items": [{"matched": false}]})));
    assert_eq!(world.broker.get("/v1/conversations/conv-1").await["verified"], false);
    let completed = world.broker.event_types().await.iter().filter(|kind| *kind == "auth.completed").count();
    assert_eq!((completed, world.broker.contacts().await.len()), (1, 1));
}

#[tokio::test]
async fn a_sign_in_that_nobody_replied_to_lapses_after_a_minute() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    world.broker.clock.advance(std::time::Duration::from_secs(61));
    let (_, answer) = world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!(answer["items"][0]["matched"], false);
    let status = world.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("not_confirmed")));
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_second_sheet_or_callback_of_one_message_gets_a_failure() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    assert_eq!(location(&world.press(&BILLY, &link).await.answer), "messages-auth://?status=failure");
    let back = opened.reach_callback("allow").await;
    assert!(is_success(&opened.arrive(&back).await));
    assert_eq!(opened.arrive(&back).await, FAILURE);
    assert_eq!(world.broker.provider.counters().token, 1);
}

#[tokio::test]
async fn who_declines_at_the_provider_cancels_and_who_closes_the_sheet_ends_the_request() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let back = opened.reach_callback("deny").await;
    let shown = opened.view.get(&back).await;
    assert!(shown.html.contains("You did not sign in"), "the link was not taken back: {}", shown.html);
    let page = opened.sheet.follow(&location(&shown));
    assert_eq!(page, CANCEL);
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    let status = world.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("denied"), &json!("access_denied")));

    // Closed while the customer is at the provider: what comes back later is worth nothing.
    let link = world.link("conv-2", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let back = opened.reach_callback("allow").await;
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &CANCEL)).await;
    let status = world.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("sheet_closed")));
    assert_eq!(opened.arrive(&back).await, FAILURE);

    // Closed before our page was reached: the message is used, and the sender is told.
    let link = world.link("conv-3", &BILLY, json!({})).await;
    let sheet =
        BILLY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    world.post(&BILLY.reply(BUSINESS, &sheet, &CANCEL)).await;
    assert_eq!(world.status(&link).await["code"], "sheet_closed");
    assert_eq!(location(&world.press(&BILLY, &link).await.answer), "messages-auth://?status=failure");
    assert_eq!(world.broker.provider.counters().token, 0);
}

#[tokio::test]
async fn what_no_phone_sends_begins_nothing_and_gets_the_neutral_page() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let sheet =
        BILLY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    let with = |name: &str, value: &str| {
        let mut url = sheet.url.clone();
        let pairs: Vec<_> = url.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        url.query_pairs_mut().clear();
        for (known, old) in pairs {
            url.query_pairs_mut().append_pair(&known, if known == name { value } else { &old });
        }
        url
    };
    let state =
        link["message"]["payload"]["interactiveData"]["data"]["authenticate"]["oauth2"]["state"].clone();
    let guess = format!("{}x", state.as_str().unwrap());
    let evil = format!("{}.evil.example/web/inbound/abc/oauth/abcAuth2Redirect", world.broker.origin);
    for url in [
        with("state", "x"),
        with("state", &guess),
        with("client_id", "another"),
        with("redirect_uri", "https://evil.example/"),
        with("redirect_uri", &evil),
        with("redirect_uri", "https://auth.businesschat.apple.com"),
        with("response_type", "token"),
        format!("{}&state=twice", sheet.url).parse().unwrap(),
        format!("{}/web/inbound/abc/oauth/authorize", world.broker.origin).parse().unwrap(),
    ] {
        let page = Browser::new().get(&url).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{url}");
    }
    let refused = [
        (Method::HEAD, StatusCode::METHOD_NOT_ALLOWED),
        (Method::PUT, StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, StatusCode::FORBIDDEN),
    ];
    for (method, status) in refused {
        let path = format!("{}?{}", sheet.url.path(), sheet.url.query().unwrap());
        assert_eq!(world.broker.plain(method, &path).send().await.unwrap().status(), status);
    }
    let path = format!("{}?{}", sheet.url.path(), sheet.url.query().unwrap());
    let prefetch =
        world.broker.plain(Method::GET, &path).header("sec-purpose", "prefetch").send().await.unwrap();
    assert_eq!(prefetch.status(), StatusCode::NO_CONTENT);
    assert_eq!(world.status(&link).await["status"], "created", "nothing was spent");
    assert!(is_success(&world.sign_in(&BILLY, &link).await.1));
}

#[tokio::test]
async fn a_link_that_is_over_closes_the_sheet() {
    let world = AppleWorld::start("").await;
    let older = world.link("conv-1", &BILLY, json!({})).await;
    world.link("conv-1", &BILLY, json!({})).await;
    assert_eq!(location(&world.press(&BILLY, &older).await.answer), "messages-auth://?status=failure");
    let link = world.link("conv-2", &BILLY, json!({"expiresIn": 60})).await;
    world.broker.clock.advance(std::time::Duration::from_secs(61));
    assert_eq!(location(&world.press(&BILLY, &link).await.answer), "messages-auth://?status=failure");
}

#[tokio::test]
async fn the_link_of_an_apple_message_opened_in_a_browser_is_an_ordinary_login_by_the_code() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut browser = Browser::new();
    let back = browser.reach_callback(link["url"].as_str().unwrap()).await;
    assert_eq!(back.path(), "/web/inbound/abc/oauth/abcAuth2Redirect");
    let code = browser.arrive(&back).await.code().expect("an ordinary page with a code");
    // The customer writes it in Messages, and Apple posts that to us.
    let text = json!({
        "id": "0198a1b2-0000-4000-8000-000000000002", "v": 1, "type": "text", "body": format!("it is {code}"),
        "sourceId": BILLY.customer, "destinationId": BUSINESS,
    });
    let (_, answer) = world.post(&text).await;
    assert_eq!(answer, json!({"items": [{"matched": true, "authLinkId": link["id"]}]}));
    assert_eq!(world.status(&link).await["binding"]["reached"], "code");
}

#[tokio::test]
async fn a_minimum_of_native_is_taken_where_apple_can_vouch_and_the_link_opens_in_the_chat_only() {
    let world = AppleWorld::start("").await;
    let native = json!({"binding": {"minimum": "native"}});
    let link = world.link("conv-1", &BILLY, native.clone()).await;
    let landing = Browser::new().open(link["url"].as_str().unwrap()).await;
    assert_eq!(landing.status, StatusCode::BAD_REQUEST);
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!(world.status(&link).await["binding"], json!({"minimum": "native", "reached": "native"}));
    let at = json!({"id": "conv-2", "channel": "apple", "handle": BILLY.customer});
    for capabilities in [json!([]), json!(["list"])] {
        let order =
            json!({"conversation": at, "capabilities": capabilities, "binding": {"minimum": "native"}});
        let (status, answer) = world.broker.api(Method::POST, "/v1/auth-links", Some(order)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer["faults"][0]["pointer"], "/binding/minimum");
    }
}

#[tokio::test]
async fn no_code_in_the_chat_confirms_what_apple_will_vouch_for() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    let path = format!("/v1/auth-links/{}/confirm", link["id"].as_str().unwrap());
    for guess in 0..6 {
        let code = json!({"code": format!("CS-00000{guess}")});
        assert_eq!(world.broker.api(Method::POST, &path, Some(code)).await.0, StatusCode::CONFLICT);
    }
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!(world.status(&link).await["binding"]["reached"], "native", "guesses have spent nothing");
}

#[tokio::test]
async fn a_provider_that_fails_makes_the_bubble_say_so() {
    let choices = Choices {
        tenant: super::world::apple(""),
        whoami_url: Some("http://127.0.0.1:1/whoami".to_owned()),
        allow: vec!["127.0.0.1:1".to_owned()],
        ..Choices::default()
    };
    let world = AppleWorld::with(choices).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let back = opened.reach_callback("allow").await;
    let shown = opened.view.get(&back).await;
    let page = opened.sheet.follow(&location(&shown));
    assert_eq!(page, FAILURE);
    let attempts = world.broker.get("/v1/attempts").await;
    let attempt = attempts["items"][0]["id"].as_str().unwrap();
    assert!(shown.html.contains(attempt), "the page names the attempt: {}", shown.html);
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    let status = world.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("whoami_failed")));
}

#[tokio::test]
async fn a_named_provider_has_its_own_callback_in_the_message() {
    let provider = format!("callback_path = \"named\"\n{MAPPING}");
    let choices = Choices { tenant: super::world::apple(""), provider, ..Choices::default() };
    let world = AppleWorld::with(choices).await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let oauth2 = &link["message"]["payload"]["interactiveData"]["data"]["authenticate"]["oauth2"];
    assert!(oauth2["redirectURI"].as_str().unwrap().ends_with("/abcAuth2Redirect/acme"), "{oauth2}");
    assert!(is_success(&world.sign_in(&BILLY, &link).await.1));
}

#[tokio::test]
async fn a_device_or_a_tenant_that_cannot_gets_a_rich_link() {
    let world = AppleWorld::start("").await;
    for order in [json!({"capabilities": ["list"]}), json!({"callback": "eu"})] {
        let link = world.link("conv-1", &BILLY, order).await;
        assert_eq!(link["message"]["carrier"], "rich_link", "{link}");
    }
    let nameless = json!({"conversation": {"id": "conv-9", "channel": "apple"}, "capabilities": ["auth"]});
    let link: Value = world.broker.post("/v1/auth-links", nameless).await;
    assert_eq!(link["message"]["carrier"], "rich_link", "without an address nobody could vouch");
}

#[tokio::test]
async fn a_browser_with_another_sheets_cookie_gets_the_neutral_page() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let mut opened = world.press(&BILLY, &link).await;
    let back = opened.reach_callback("allow").await;
    let other = world.link("conv-2", &MALLORY, json!({})).await;
    let mut stranger = world.press(&MALLORY, &other).await;
    assert_eq!(stranger.view.get(&back).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.broker.provider.counters().token, 0);
    assert!(is_success(&opened.arrive(&back).await), "the right sheet can still finish");
}

#[tokio::test]
async fn a_provider_that_never_answers_closes_the_sheet_and_says_what_was_late() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    world.broker.provider.script(Trick::WhoamiHang);
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    assert_eq!(page, FAILURE);
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    let status = world.status(&link).await;
    assert_eq!(
        (&status["status"], &status["code"]),
        (&json!("failed"), &json!("whoami_timeout")),
        "{status}"
    );
}

#[tokio::test]
async fn a_message_that_could_not_be_opened_for_a_moment_may_be_pressed_again() {
    let world = AppleWorld::start("").await;
    let link = world.link("conv-1", &BILLY, json!({})).await;
    let sheet =
        BILLY.press(&link["message"]["payload"], &world.registered()).unwrap_or_else(|f| panic!("{f}"));
    world.post(&BILLY.reply(BUSINESS, &sheet, &FAILURE)).await;
    world.post(&BILLY.reply(BUSINESS, &sheet, &FAILURE)).await;
    assert_eq!(world.status(&link).await["code"], "sheet_closed");
    let failures = world.broker.event_types().await.iter().filter(|kind| *kind == "auth.failed").count();
    assert_eq!(failures, 1, "the sender is told once");
    let (opened, page) = world.sign_in(&BILLY, &link).await;
    assert!(is_success(&page));
    world.post(&BILLY.reply(BUSINESS, &opened.sheet, &page)).await;
    assert_eq!(world.status(&link).await["binding"]["reached"], "native");
}

#[tokio::test]
async fn an_order_that_is_sent_again_after_a_resend_is_answered_with_its_own_message() {
    let world = AppleWorld::start("").await;
    let at = json!({"id": "conv-1", "channel": "apple", "handle": BILLY.customer});
    let order = json!({"conversation": at, "capabilities": ["auth"]});
    let token = world.broker.token().await;
    let send = async || {
        let request = world.broker.plain(Method::POST, "/v1/auth-links").bearer_auth(&token);
        let answer = request.header("idempotency-key", "order-1").json(&order).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    };
    let link = send().await;
    let path = format!("/v1/auth-links/{}/resend", link["id"].as_str().unwrap());
    for _ in 0..2 {
        world.broker.post(&path, json!({})).await;
    }
    assert_eq!(send().await["message"], link["message"]);
}

#[tokio::test]
async fn a_minimum_of_native_may_lean_on_the_address_that_is_known_of_the_conversation() {
    let world = AppleWorld::start("").await;
    world.link("conv-1", &BILLY, json!({})).await;
    let at = json!({"id": "conv-1", "channel": "apple"});
    let order = json!({"conversation": at, "capabilities": ["auth"], "binding": {"minimum": "native"}});
    let link = world.broker.post("/v1/auth-links", order).await;
    assert_eq!(link["message"]["carrier"], "authenticate_v2", "{link}");
}
