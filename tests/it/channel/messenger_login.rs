//! Messenger's account linking against a real broker and a real provider, with a Facebook that answers whose token it is.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::devices::customer;
use super::facebook::sign;
use super::messenger_world::{World, brought, linked, start, start_with, unlinked, written};
use super::world::META_SECRET;
use crate::harness::browser::Browser;
use crate::harness::{Harness, page};
use countersign::cli::demo::provider::Trick;
use countersign::domain::conversation::Channel;

#[tokio::test]
async fn log_in_in_messenger_ends_in_a_contact_that_facebook_vouches_for() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let back = world.sign_in("BILLY", &link, "allow").await;
    assert!(
        back.as_str().starts_with("https://www.facebook.com/messenger_platform/account_linking/"),
        "{back}"
    );
    assert_eq!(world.broker.status(&link).await["status"], "provisional");
    assert!(world.broker.contacts().await.is_empty());
    let (status, answer) = world.comes_back(&back).await;
    assert_eq!(
        (status, answer),
        (StatusCode::OK, json!({"items": [{"matched": true, "authLinkId": link["id"]}]}))
    );
    let done = world.broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "code", "reached": "native"}));
    assert_eq!(done["profile"]["email"], "billy.bob@example.com");
    assert_eq!(
        world.broker.event_types().await,
        ["auth.link_created", "auth.opened", "auth.provisional", "contact.created", "auth.completed"]
    );
    // The same webhook again changes nothing, and taking the link back ends the verification.
    assert_eq!(world.comes_back(&back).await.1["items"][0]["matched"], false);
    assert_eq!(world.broker.get("/v1/conversations/conv-1").await["verified"], true);
    let now = world.now();
    assert_eq!(world.tells(&[unlinked("BILLY", now)]).await.0, StatusCode::OK);
    assert_eq!(world.broker.get("/v1/conversations/conv-1").await["verified"], false);
    assert_eq!(world.broker.event_types().await.last().unwrap(), "conversation.unverified");
}

#[tokio::test]
async fn a_log_in_button_that_was_forwarded_never_reaches_the_attackers_conversation() {
    let world = start().await;
    let link = world.link("conv-mallory", "MALLORY").await;
    let (_, answer) = world.go_on("BILLY", &link).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "nobody is sent to the provider");
    assert!(!answer.html.contains("MALLORY"), "{}", answer.html);
    let status = world.broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("someone_else")));
    let attempts = world.broker.get("/v1/attempts").await;
    assert_eq!(attempts["items"][0]["code"], "someone_else", "{attempts}");
    assert!(world.broker.provider.authorize_requests().is_empty());
    // The person of the conversation may still sign in.
    let back = world.sign_in("MALLORY", &link, "allow").await;
    assert_eq!(world.comes_back(&back).await.1["items"][0]["matched"], true);
}

#[tokio::test]
async fn a_code_that_somebody_else_brings_back_is_worth_nothing() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let back = world.sign_in("BILLY", &link, "allow").await;
    let code = back.query_pairs().find(|(name, _)| name == "authorization_code").unwrap().1.into_owned();
    let event = json!({"sender": {"id": "MALLORY"}, "recipient": {"id": "PAGE"}, "account_linking": {"status": "linked", "authorization_code": code}});
    let body =
        json!({"object": "page", "entry": [{"id": "PAGE", "messaging": [event]}]}).to_string().into_bytes();
    assert_eq!(world.post((sign(META_SECRET, &body), body)).await.1["items"][0]["matched"], false);
    let status = world.broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("someone_else")));
    assert_eq!(world.comes_back(&back).await.1["items"][0]["matched"], false);
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_webhook_that_is_forged_or_of_another_page_changes_nothing() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let back = world.sign_in("BILLY", &link, "allow").await;
    let (_, body) = world.facebook.lock().unwrap().comes_back(&back);
    for header in [sign("a guess", &body), "sha256=00".to_owned(), "sha1=x".to_owned()] {
        assert_eq!(world.post((header, body.clone())).await.0, StatusCode::FORBIDDEN);
    }
    let foreign = String::from_utf8(body.clone()).unwrap().replace("PAGE", "EGAP").into_bytes();
    assert_eq!(world.post((sign(META_SECRET, &foreign), foreign)).await.0, StatusCode::FORBIDDEN);
    for garbage in [&b"{}"[..], b"no json", br#"{"object": "instagram", "entry": []}"#] {
        let (status, problem) = world.post((sign(META_SECRET, garbage), garbage.to_vec())).await;
        assert_eq!((status, &problem["faults"][0]["pointer"]), (StatusCode::BAD_REQUEST, &json!("/object")));
    }
    assert_eq!(world.broker.status(&link).await["status"], "provisional");
}

#[tokio::test]
async fn nobody_is_sent_anywhere_but_to_facebook() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    for back in
        ["https://evil.example/", "https://www.facebook.com.evil.example/messenger_platform/account_linking"]
    {
        let mut url: Url = link["url"].as_str().unwrap().parse().unwrap();
        url.query_pairs_mut().append_pair("account_linking_token", "AR").append_pair("redirect_uri", back);
        let page = Browser::new().get(&url).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(!page.html.contains("evil"), "{}", page.html);
        let request = world.broker.plain(Method::POST, &format!("{}?{}", url.path(), url.query().unwrap()));
        let answer = request.header("sec-fetch-site", "same-origin").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn a_token_that_facebook_does_not_know_begins_nothing() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, _, url) = world.press("BILLY", &link).await;
    let made_up: Url = url.as_str().replacen("AR%2B%2F0", "made-up", 1).parse().unwrap();
    let page = view.get(&made_up).await;
    let form = page.form();
    assert_eq!(view.submit(&page, &form, &[]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn however_often_a_forged_log_in_is_sent_facebook_is_asked_a_few_times_a_minute() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let path = Url::parse(link["url"].as_str().unwrap()).unwrap().path().to_owned();
    let back =
        "https%3A%2F%2Fwww.facebook.com%2Fmessenger_platform%2Faccount_linking%3Faccount_linking_token%3DAR";
    let mut statuses = Vec::new();
    for number in 0..50 {
        let path = format!("{path}?account_linking_token=made-up-{number}&redirect_uri={back}");
        let request = world.broker.plain(Method::POST, &path).header("sec-fetch-site", "same-origin");
        statuses.push(request.send().await.unwrap().status().as_u16());
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    let asked = world.facebook.lock().unwrap().asked();
    // Time goes on meanwhile, a press each six seconds.
    assert!((10..25).contains(&asked) && asked + refused == 50, "{asked}: {statuses:?}");
    // A minute later the customer signs in as always.
    world.broker.clock.advance(std::time::Duration::from_mins(1));
    let back = world.sign_in("BILLY", &link, "allow").await;
    assert_eq!(world.comes_back(&back).await.1["items"][0]["matched"], true);
}

#[tokio::test]
async fn who_declines_goes_back_without_a_code_and_a_browser_signs_in_by_the_code() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let back = world.sign_in("BILLY", &link, "deny").await;
    assert!(!back.as_str().contains("authorization_code"), "{back}");
    assert_eq!(world.broker.status(&link).await["status"], "denied");
    // The link itself, outside of Messenger, is an ordinary one.
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let code = page.code().expect("an ordinary page with a code");
    let event = json!({"sender": {"id": "BILLY"}, "recipient": {"id": "PAGE"}, "message": {"text": code}});
    let body =
        json!({"object": "page", "entry": [{"id": "PAGE", "messaging": [event]}]}).to_string().into_bytes();
    assert_eq!(world.post((sign(META_SECRET, &body), body)).await.1["items"][0]["matched"], true);
    assert_eq!(world.broker.status(&link).await["binding"]["reached"], "code");
}

#[tokio::test]
async fn who_stays_in_an_app_that_the_provider_refuses_keeps_what_facebook_added() {
    let world = start_with("blocks_webviews = true").await;
    let shown = async |path: &str| {
        let request = world.broker.plain(Method::GET, path);
        let answer = request.header("user-agent", customer(Channel::Messenger).browser).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.text().await.unwrap()
    };
    let link = world.link("conv-1", "BILLY").await;
    let (_, _, url) = world.press("BILLY", &link).await;
    let pressed = format!("{}?{}", url.path(), url.query().unwrap());
    let out = shown(&pressed).await;
    assert!(page::forms(&out).is_empty(), "{out}");
    let address = format!("value=\"{}\"", link["url"].as_str().unwrap());
    assert!(out.contains(&address), "outside it is an ordinary link: {out}");
    let (_, stay) = out.split_once("class=\"second\" href=\"").unwrap();
    let stay = stay.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(stay, format!("{pressed}&here"));
    let forms = page::forms(&shown(&stay).await);
    assert!(forms[0].action.starts_with(&pressed), "{forms:?}");
    // Where the code is not enough, there is nothing to be had outside.
    let at = json!({"id": "conv-2", "channel": "messenger", "handle": "BILLY"});
    let order = json!({"conversation": at, "binding": {"minimum": "native"}});
    let link = world.broker.post("/v1/auth-links", order).await;
    let (_, _, url) = world.press("BILLY", &link).await;
    let pressed = format!("{}?{}", url.path(), url.query().unwrap());
    assert_eq!(page::forms(&shown(&pressed).await)[0].action, pressed);
}

#[tokio::test]
async fn the_providers_page_copied_out_of_messenger_verifies_nobody_there() {
    let world = start().await;
    let link = world.link("conv-mallory", "MALLORY").await;
    let (mut mallory, answer) = world.go_on("MALLORY", &link).await;
    let mut billy = Browser::new();
    let back = billy.sign_in_at_provider(&answer.location(), "allow").await;
    let page = billy.arrive(&back).await;
    assert!(page.code().is_some(), "an ordinary page, which leads back to nobody at Facebook: {}", page.html);
    // All of the callback that she knows.
    let mut known = back.clone();
    let state = back.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    known.query_pairs_mut().clear().append_pair("state", &state).append_pair("code", "a-guess");
    assert_eq!(mallory.get(&known).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.broker.status(&link).await["status"], "provisional");
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_page_that_facebook_opened_and_somebody_forwarded_counts_for_whoever_facebook_names() {
    let world = start().await;
    let link = world.link("conv-mallory", "MALLORY").await;
    // Mallory pressed the button, and Billy opens what Facebook opened for her: the token is hers.
    let (_, _, url) = world.press("MALLORY", &link).await;
    let mut billy = Browser::new();
    let page = billy.get(&url).await;
    let answer = billy.submit(&page, &page.form(), &[]).await;
    let back = billy.sign_in_at_provider(&answer.location(), "allow").await;
    let code = brought(&billy.get(&back).await.location());
    // Facebook compares the login of the browser with the token, and names Billy (docs/channels.md).
    assert_eq!(world.tells(&[linked("BILLY", &code, world.now())]).await.1["items"][0]["matched"], false);
    let status = world.broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("failed"), &json!("someone_else")));
    assert!(world.broker.contacts().await.is_empty());
}

#[tokio::test]
async fn a_page_that_is_loaded_again_leads_back_to_facebook_again() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, answer) = world.go_on("BILLY", &link).await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    let first = view.get(&callback).await.location();
    let second = view.get(&callback).await.location();
    brought(&first);
    assert_eq!(world.comes_back(&second).await.1["items"][0]["matched"], true);
    assert_eq!(world.broker.provider.counters().token, 1);
}

/// The sign-in is carried out, and its page waits for the provider.
async fn at_work(broker: &Harness) {
    crate::harness::eventually("the sign-in is carried out", async || {
        let attempts = broker.get("/v1/attempts").await;
        (attempts["items"][0]["status"] == "working").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_loaded_again_while_the_first_load_is_at_work_ends_at_facebook_with_the_code() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, answer) = world.go_on("BILLY", &link).await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    world.broker.provider.script(Trick::WhoamiSlow);
    let (mut again, url) = (view.clone(), callback.clone());
    let first = tokio::spawn(async move { view.get(&url).await });
    let led = crate::harness::eventually("the page leads to Facebook", async || {
        let page = again.get(&callback).await;
        if page.status == StatusCode::SEE_OTHER {
            return Some(page.location());
        }
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(page.headers["refresh"], "2");
        None
    })
    .await;
    first.await.unwrap();
    brought(&led);
    assert_eq!(world.comes_back(&led).await.1["items"][0]["matched"], true);
    assert_eq!(world.broker.provider.counters().token, 1);
}

#[tokio::test]
async fn a_sign_in_that_was_cut_off_goes_back_to_facebook_as_one_that_failed() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let (mut view, answer) = world.go_on("BILLY", &link).await;
    let callback = view.sign_in_at_provider(&answer.location(), "allow").await;
    world.broker.provider.script(Trick::WhoamiHang);
    let (mut again, url) = (view.clone(), callback.clone());
    let first = tokio::spawn(async move { view.get(&url).await });
    at_work(&world.broker).await;
    world.broker.clock.advance(std::time::Duration::from_secs(31));
    let back = again.get(&callback).await.location();
    assert!(
        back.host_str() == Some("www.facebook.com") && !back.as_str().contains("authorization_code"),
        "{back}"
    );
    first.abort();
}

#[tokio::test]
async fn what_was_taken_back_before_the_proof_takes_nothing_back_and_the_order_of_a_webhook_counts() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let before = world.now() - 60_000;
    let code = brought(&world.sign_in("BILLY", &link, "allow").await);
    assert_eq!(world.tells(&[linked("BILLY", &code, world.now())]).await.1["items"][0]["matched"], true);
    assert_eq!(world.tells(&[unlinked("BILLY", before)]).await.0, StatusCode::OK);
    assert_eq!(
        world.broker.get("/v1/conversations/conv-1").await["verified"],
        true,
        "an old webhook came late"
    );
    // Linked and taken back, in one webhook.
    let link = world.link("conv-2", "ARI").await;
    let code = brought(&world.sign_in("ARI", &link, "allow").await);
    let later = world.now() + 60_000;
    world.tells(&[linked("ARI", &code, world.now()), unlinked("ARI", later)]).await;
    assert_eq!(world.broker.status(&link).await["status"], "completed");
    assert_eq!(world.broker.get("/v1/conversations/conv-2").await["verified"], false);
}

/// What becomes of a sign-in and of what was said of it, in the order in which it is heard.
async fn heard(events: impl Fn(&str, i64) -> Vec<Value>) -> (World, Value) {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let code = brought(&world.sign_in("BILLY", &link, "allow").await);
    // Facebook told nobody for a while: everything is heard ten seconds after it happened.
    let happened = world.now();
    world.broker.clock.advance(std::time::Duration::from_secs(10));
    for event in events(&code, happened) {
        assert_eq!(world.tells(&[event]).await.0, StatusCode::OK);
    }
    let link = world.broker.status(&link).await;
    (world, link)
}

/// Whether somebody is verified in the chat.
async fn is_verified(world: &World) -> Value {
    world.broker.get("/v1/conversations/conv-1").await["verified"].clone()
}

#[tokio::test]
async fn what_was_taken_back_after_the_sign_in_counts_in_whichever_order_it_is_heard() {
    let (world, link) = heard(|code, at| vec![linked("BILLY", code, at), unlinked("BILLY", at + 1000)]).await;
    assert_eq!((&link["status"], is_verified(&world).await), (&json!("completed"), json!(false)));
    assert_eq!(world.broker.event_types().await.last().unwrap(), "conversation.unverified");

    let (world, link) = heard(|code, at| vec![unlinked("BILLY", at + 1000), linked("BILLY", code, at)]).await;
    assert_eq!((&link["status"], &link["code"]), (&json!("failed"), &json!("taken_back")));
    assert_eq!(is_verified(&world).await, false);
    assert!(world.broker.contacts().await.is_empty(), "nothing of the person was kept");
    // The message is good for another sign-in, which happens after all that.
    let back = world.sign_in("BILLY", &link_of(&world).await, "allow").await;
    let code = brought(&back);
    assert_eq!(world.tells(&[linked("BILLY", &code, world.now())]).await.1["items"][0]["matched"], true);
    assert_eq!(is_verified(&world).await, true);
}

/// The message of the same conversation, once more.
async fn link_of(world: &World) -> Value {
    let links = world.broker.get("/v1/auth-links").await;
    let path = format!("/v1/auth-links/{}/resend", links["items"][0]["id"].as_str().unwrap());
    world.broker.post(&path, json!({})).await
}

#[tokio::test]
async fn what_was_taken_back_before_the_sign_in_is_no_obstacle_in_whichever_order_it_is_heard() {
    for at_once in [true, false] {
        let (world, link) = heard(|code, at| {
            let (back, done) = (unlinked("BILLY", at - 1000), linked("BILLY", code, at));
            if at_once { vec![back, done] } else { vec![done, back] }
        })
        .await;
        assert_eq!((&link["status"], is_verified(&world).await), (&json!("completed"), json!(true)));
    }
}

#[tokio::test]
async fn a_link_is_taken_back_for_as_long_as_somebody_is_verified() {
    let world = start().await;
    let at = json!({"id": "conv-1", "channel": "messenger", "handle": "BILLY"});
    let link = world.broker.post("/v1/auth-links", json!({"conversation": at, "expiresIn": 60})).await;
    let code = brought(&world.sign_in("BILLY", &link, "allow").await);
    world.broker.clock.advance(std::time::Duration::from_secs(50));
    world.tells(&[linked("BILLY", &code, world.now())]).await;
    world.broker.clock.advance(std::time::Duration::from_secs(12 * 3600 - 10));
    assert_eq!(world.broker.get("/v1/conversations/conv-1").await["verified"], true);
    world.tells(&[unlinked("BILLY", world.now())]).await;
    assert_eq!(world.broker.get("/v1/conversations/conv-1").await["verified"], false);
}

#[tokio::test]
async fn a_message_that_facebook_sends_again_is_no_further_guess() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let code = page.code().unwrap();
    let wrong = if code == "CS-000000" { "CS-000001" } else { "CS-000000" };
    let first = world.tells(&[written("BILLY", "m-1", wrong)]).await.1;
    assert_eq!(first["items"][0]["attemptsLeft"], 4, "{first}");
    for _ in 0..6 {
        let again = world.tells(&[written("BILLY", "m-1", wrong), written("OTHER", "m-2", "hello")]).await;
        assert_eq!(again.1["items"][0], json!({"matched": false}));
    }
    assert_eq!(world.tells(&[written("BILLY", "m-3", wrong)]).await.1["items"][0]["attemptsLeft"], 3);
    assert_eq!(world.tells(&[written("BILLY", "m-4", &code)]).await.1["items"][0]["matched"], true);
}

#[tokio::test]
async fn one_item_that_comes_to_nothing_does_not_hold_up_the_others_of_a_webhook() {
    let world = start().await;
    let mine = world.link("conv-1", "BILLY").await;
    let over = brought(&world.sign_in("BILLY", &mine, "allow").await);
    world.broker.post(&format!("/v1/auth-links/{}/cancel", mine["id"].as_str().unwrap()), json!({})).await;
    let hers = world.link("conv-2", "ARI").await;
    let good = brought(&world.sign_in("ARI", &hers, "allow").await);
    // One more entry is of another page of the same app.
    let body = json!({"object": "page", "entry": [
        {"id": "OTHER-PAGE", "messaging": [{"sender": {"id": "X"}, "recipient": {"id": "OTHER-PAGE"}, "message": {"text": "hi"}}]},
        {"id": "PAGE", "messaging": [linked("BILLY", &over, world.now()), linked("ARI", &good, world.now())]},
    ]});
    let body = body.to_string().into_bytes();
    let (status, answer) = world.post((sign(META_SECRET, &body), body)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let matched: Vec<_> = answer["items"].as_array().unwrap().iter().map(|item| &item["matched"]).collect();
    assert_eq!(matched, [&json!(false), &json!(true)]);
    assert_eq!(world.broker.status(&hers).await["status"], "completed");
}

#[tokio::test]
async fn what_somebody_hung_on_the_address_does_not_make_it_metas() {
    let world = start().await;
    let link = world.link("conv-1", "BILLY").await;
    for tail in ["?here", "?fbclid=abc"] {
        let mut browser = Browser::new();
        let page = browser.get(&link["url"].as_str().unwrap().parse().unwrap()).await;
        let mut form = page.form();
        form.action = format!("{}{tail}", page.url.path());
        let answer = browser.submit(&page, &form, &[]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{tail}: {}", answer.html);
    }
}
