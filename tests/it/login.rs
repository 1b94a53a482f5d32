//! The main job: a link sent in a chat ends in an enriched contact.

use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::json;

use countersign::cli::demo::provider::{ClientAuthUsed, VerifierUsed};

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING};

#[tokio::test]
async fn a_link_sent_in_a_chat_ends_in_an_enriched_contact() {
    let broker = Harness::start().await;
    let link = broker.link_with("conv-1", json!({"metadata": {"case": "81"}})).await;
    assert_eq!((link["status"].as_str(), link["final"].as_bool()), (Some("created"), Some(false)));
    assert!(link["message"]["text"].as_str().unwrap().contains(link["url"].as_str().unwrap()));

    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    let code = page.code().expect("the page shows the code");
    let waiting = broker.status(&link).await;
    assert_eq!(waiting["status"], "provisional");
    assert!(waiting.get("profile").is_none() && waiting.get("contactId").is_none(), "{waiting}");
    assert!(broker.contacts().await.is_empty(), "nobody knows the person before the chat has confirmed it");

    let answer = broker.message("conv-1", "+1 555 0100", &format!("here it is: {code}")).await;
    assert_eq!(answer, json!({"matched": true, "authLinkId": link["id"]}));
    let done = broker.status(&link).await;
    assert_eq!((done["status"].as_str(), done["final"].as_bool()), (Some("completed"), Some(true)));
    assert_eq!(done["binding"], json!({"minimum": "code", "reached": "code"}));
    assert_eq!(done["profile"]["email"], "billy.bob@example.com");
    assert_eq!(done["metadata"]["case"], "81");

    let contact = broker.get(&format!("/v1/contacts/{}", done["contactId"].as_str().unwrap())).await;
    for (field, value) in [
        ("email", "billy.bob@example.com"),
        ("firstName", "Billy"),
        ("lastName", "Bob"),
        ("fullName", "Billy Bob"),
        ("userName", "billy.bob"),
        ("customerNumber", "CUST-000001"),
    ] {
        assert_eq!(contact[field], value, "{field}");
    }
    assert_eq!(contact["provenance"]["email"]["provider"], "acme");
    assert_eq!(contact["provenance"]["email"]["authLinkId"], link["id"]);
    assert_eq!(contact["identities"][0]["subject"], "billy.bob");
    assert_eq!(contact["conversations"][0]["id"], "conv-1");

    let conversation = broker.get("/v1/conversations/conv-1").await;
    assert_eq!(
        (conversation["verified"].as_bool(), conversation["binding"].as_str()),
        (Some(true), Some("code"))
    );
    assert_eq!(conversation["contactId"], done["contactId"]);
    assert_eq!(
        broker.event_types().await,
        ["auth.link_created", "auth.opened", "auth.provisional", "contact.created", "auth.completed"]
    );
}

#[tokio::test]
async fn only_the_last_events_speak_of_the_person() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    for event in broker.get("/v1/events").await["items"].as_array().unwrap() {
        let speaks = event.to_string().contains("billy.bob");
        let may = ["auth.completed", "contact.created"].contains(&event["type"].as_str().unwrap());
        assert_eq!(speaks, may, "{event}");
        assert_eq!(event["tenant"], "acme");
    }
}

#[rstest]
#[case::end_user("eu")]
#[case::abc("abc")]
#[case::abc_auth2("abcAuth2")]
#[tokio::test]
async fn without_a_minimum_a_login_completes_through_each_callback_route(#[case] route: &str) {
    let broker = Harness::minimum("none").await;
    let link = broker.link_with("conv-1", json!({"callback": route})).await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!((page.status, page.code()), (StatusCode::OK, None));
    let done = broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "none", "reached": "none"}));
    let seen = broker.provider.counters();
    assert_eq!((seen.token, seen.whoami), (1, 1));
    let asked = &broker.provider.token_requests()[0];
    assert!(asked.redirect_uri_fits, "the redirect URI is the one of the authorization request");
    assert_eq!(asked.verifier, VerifierUsed::Right);
    assert_eq!(broker.contacts().await.len(), 1);
}

#[tokio::test]
async fn a_provider_that_rejects_pkce_has_it_switched_off() {
    let provider = format!("pkce = \"off\"\n{MAPPING}");
    let broker = Harness::with(Choices { minimum: "none", provider, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(broker.status(&link).await["status"], "completed");
    assert_eq!(broker.provider.token_requests()[0].verifier, VerifierUsed::None);
    let asked = &broker.provider.authorize_requests()[0].params;
    assert!(!asked.iter().any(|(name, _)| name.starts_with("code_challenge")), "{asked:?}");
}

#[tokio::test]
async fn a_named_provider_has_its_id_in_the_callback_path() {
    let choices = Choices {
        minimum: "none",
        provider: format!("callback_path = \"named\"\n{MAPPING}"),
        ..Choices::default()
    };
    let broker = Harness::with(choices).await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    assert_eq!(callback.path(), "/idp/eu/oauth/callback/acme");
    let mut elsewhere = callback.clone();
    elsewhere.set_path("/idp/eu/oauth/callback");
    assert_eq!(browser.arrive(&elsewhere).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.arrive(&callback).await.status, StatusCode::OK);
    assert_eq!(broker.status(&link).await["status"], "completed");
}

#[tokio::test]
async fn the_secret_goes_by_basic_where_the_tenant_says_so() {
    let provider = format!("client_auth = \"client_secret_basic\"\n{MAPPING}");
    let broker = Harness::with(Choices { minimum: "none", provider, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(broker.status(&link).await["status"], "completed");
    assert_eq!(broker.provider.token_requests()[0].client_auth, ClientAuthUsed::Basic);
}

#[tokio::test]
async fn a_second_sign_in_of_the_same_person_enriches_the_same_contact() {
    let broker = Harness::minimum("none").await;
    for conversation in ["conv-1", "conv-2"] {
        let link = broker.link(conversation).await;
        Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    }
    let contacts = broker.contacts().await;
    assert_eq!(contacts.len(), 1);
    let conversations = contacts[0]["conversations"].as_array().unwrap();
    assert_eq!((conversations.len(), contacts[0]["version"].as_u64()), (2, Some(2)));
}

#[tokio::test]
async fn a_login_survives_a_restart_of_the_broker() {
    let mut broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    broker.restart().await;
    let page = browser.arrive(&callback).await;
    let code = page.code().expect("the state, the cookie and the verifier are where they were");
    broker.restart().await;
    assert_eq!(broker.message("conv-1", "+15550100", &code).await["matched"], true);
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_the_older_one() {
    let broker = Harness::start().await;
    let older = broker.link("conv-1").await;
    let page = Browser::new().sign_in(older["url"].as_str().unwrap()).await;
    let newer = broker.link("conv-1").await;
    assert_eq!(broker.status(&older).await["status"], "superseded");
    assert_eq!(broker.message("conv-1", "+15550100", &page.code().unwrap()).await["matched"], false);
    let landing = Browser::new().get(&older["url"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(landing.status, StatusCode::GONE);
    assert_eq!(broker.status(&newer).await["status"], "created");
}

#[tokio::test]
async fn a_cancelled_link_ends_a_login_that_is_at_the_provider() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let cancelled =
        broker.post(&format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap()), json!({})).await;
    assert_eq!((cancelled["status"].as_str(), cancelled["final"].as_bool()), (Some("cancelled"), Some(true)));
    assert_eq!(browser.arrive(&callback).await.status, StatusCode::GONE);
    assert_eq!(broker.provider.counters().token, 0, "nothing left the building");
    let path = format!("/v1/auth-links/{}/cancel", link["id"].as_str().unwrap());
    assert_eq!(broker.api(Method::POST, &path, None).await.0, StatusCode::GONE);
}

#[tokio::test]
async fn a_customer_who_says_it_was_not_me_is_asked_once_more_and_believed() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let landing = browser.get(&link["url"].as_str().unwrap().parse().unwrap()).await;
    let decline = crate::harness::page::forms(&landing.html).remove(1);
    let asked = browser.submit(&landing, &decline, &[]).await;
    assert_eq!(
        broker.status(&link).await["status"],
        "created",
        "a scanner that presses buttons spends nothing"
    );
    let done = browser.submit(&asked, &asked.form(), &[("confirm", "yes")]).await;
    assert_eq!(done.status, StatusCode::OK);
    let status = broker.status(&link).await;
    assert_eq!((status["status"].as_str(), status["code"].as_str()), (Some("cancelled"), Some("declined")));
}

#[tokio::test]
async fn a_customer_who_declines_at_the_provider_may_open_the_link_again() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    let mut browser = Browser::new();
    let authorize = browser.open(url).await.location();
    let callback = browser.sign_in_at_provider(&authorize, "deny").await;
    assert_eq!(browser.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
    let status = broker.status(&link).await;
    assert_eq!((status["status"].as_str(), status["code"].as_str()), (Some("denied"), Some("access_denied")));
    assert_eq!(broker.provider.counters().token, 0);
    assert!(browser.sign_in(url).await.code().is_some());
    assert!(broker.event_types().await.contains(&"auth.denied".to_owned()));
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap().parse().unwrap();
    for _ in 0..3 {
        assert_eq!(Browser::new().get(&url).await.status, StatusCode::OK);
    }
    let head = broker.plain(Method::HEAD, url.path()).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(broker.status(&link).await["status"], "created");
    assert_eq!(broker.event_types().await, ["auth.link_created"]);
}

#[tokio::test]
async fn two_browsers_may_open_a_link_and_the_first_completion_wins() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    let url = link["url"].as_str().unwrap();
    let (mut one, mut other) = (Browser::new(), Browser::new());
    let first = one.reach_callback(url).await;
    let second = other.reach_callback(url).await;
    assert_eq!(other.arrive(&second).await.status, StatusCode::OK);
    assert_eq!(one.arrive(&first).await.status, StatusCode::GONE);
    assert_eq!(broker.provider.counters().token, 1);
    let completed = broker.event_types().await.iter().filter(|kind| *kind == "auth.completed").count();
    assert_eq!(completed, 1);
}

#[tokio::test]
async fn logins_of_two_conversations_in_one_browser_do_not_mix() {
    let broker = Harness::start().await;
    let (a, b) = (broker.link("conv-a").await, broker.link("conv-b").await);
    let mut browser = Browser::new();
    let to_a = browser.reach_callback(a["url"].as_str().unwrap()).await;
    let to_b = browser.reach_callback(b["url"].as_str().unwrap()).await;
    let code_b = browser.arrive(&to_b).await.code().unwrap();
    let code_a = browser.arrive(&to_a).await.code().unwrap();
    assert_eq!(broker.message("conv-a", "+15550100", &code_a).await["authLinkId"], a["id"]);
    assert_eq!(broker.message("conv-b", "+15550100", &code_b).await["authLinkId"], b["id"]);
}

#[tokio::test]
async fn a_browser_holds_at_most_eight_logins() {
    let broker = Harness::start().await;
    let mut browser = Browser::new();
    for n in 0..12 {
        let link = broker.link(&format!("conv-{n}")).await;
        browser.open(link["url"].as_str().unwrap()).await;
    }
    let origin = broker.origin.parse().unwrap();
    assert_eq!(browser.cookies(&origin).len(), 8);
}
