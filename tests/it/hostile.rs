//! Hostile texts: from the provider, from the sender, from the tenant's own settings. Pages show
//! them as text, JSON carries them to the letter, and numbers keep their digits.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use countersign::cli::demo::provider::Trick;

use crate::faults::assert_page_headers;
use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness};

const NASTY: &str =
    "\"><script>alert(1)</script>'&{{7*7}}${7*7}</title><img src=x onerror=alert(1)>\u{202e}\u{2028}";

/// Nothing of a hostile text became markup or turned the line around.
fn assert_harmless(page: &Page) {
    let html = &page.html;
    for bad in ["<script", "<img", "onerror=alert(1)>", "</title><", "\u{202e}", "\u{2028}"] {
        assert!(!html.contains(bad), "{bad:?} in {html}");
    }
    assert!(html.matches("<title>").count() == 1 && html.matches("</html>").count() == 1, "{html}");
    assert_page_headers(page);
}

#[tokio::test]
async fn a_hostile_person_is_text_in_the_contact_and_nothing_on_a_page() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(Trick::WhoamiHostile);
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_harmless(&page);
    assert!(!page.html.contains("mallory"), "a page does not tell who signed in");
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    let contact = &broker.contacts().await[0];
    let name = contact["fullName"].as_str().unwrap();
    assert!(name.starts_with("<script>alert(1)</script>"), "{name}");
    assert!(!name.contains('\u{202e}'), "a name cannot turn the line around");
    assert_eq!(contact["email"], "mallory@example.com");
}

#[tokio::test]
async fn hostile_settings_are_shown_as_text_on_every_page() {
    let label = "\"><script>alert(1)</script>'&</title><img src=x onerror=alert(1)>";
    let tenant = format!("[[snippet]]\nid = \"nasty\"\ntext.en = {}\n", json!(format!("{label} {{link}}")));
    let choices = Choices { name: label, tenant, ..Choices::default() };
    let broker = Harness::with(choices).await;
    let conversation = json!({"id": "conv-1", "channel": "webchat", "handle": NASTY});
    let more = json!({"conversation": conversation, "binding": {"minimum": "code"}, "snippet": "nasty"});
    let link = broker.link_with("conv-1", more).await;
    assert!(link["message"]["text"].as_str().unwrap().contains("<script>"), "a chat is no page");
    let url: url::Url = link["url"].as_str().unwrap().parse().unwrap();
    let mut browser = Browser::new();
    let landing = browser.get(&url).await;
    assert_harmless(&landing);
    let mut decline = url.clone();
    decline.set_path(&format!("{}/decline", url.path()));
    let form = crate::harness::page::Form { action: decline.to_string(), ..Default::default() };
    assert_harmless(&browser.submit(&landing, &form, &[]).await);
    assert_harmless(&browser.sign_in(url.as_str()).await);
    for path in [
        "/a/unknown",
        "/nothing",
        "/a/%3Cscript%3E",
        "/a/%ff",
        "/a/r/%ff",
        "/assets/%ff",
        "/idp/eu/oauth/callback/%ff",
    ] {
        let page = Browser::new().get(&format!("{}{path}", broker.origin).parse().unwrap()).await;
        assert!(page.status.is_client_error(), "{path}");
        assert_harmless(&page);
    }
}

#[tokio::test]
async fn metadata_and_sender_come_back_to_the_letter() {
    let broker = Harness::start().await;
    let metadata = json!({
        NASTY: NASTY,
        "number": serde_json::from_str::<Value>("9007199254740993123.000").unwrap(),
        "nested": {"list": [null, true, "\u{0}\u{7f}\u{ffff}"]},
    });
    let more = json!({"metadata": metadata, "sender": {"kind": "agent", "id": NASTY}});
    let link = broker.link_with("conv-1", more).await;
    let now = broker.status(&link).await;
    assert_eq!(now["metadata"].to_string(), metadata.to_string(), "digits and order too");
    assert_eq!(now["sender"]["id"], NASTY);
    let event = &broker.get("/v1/events").await["items"][0];
    assert_eq!(event["data"]["metadata"].to_string(), metadata.to_string());
}

#[tokio::test]
async fn a_long_number_keeps_its_digits_from_the_provider_to_the_contact() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    let login = browser.get(&opened.location()).await;
    let consent = browser.submit(&login, &login.form(), &[("person", "hanako")]).await;
    let done = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
    browser.arrive(&done.location()).await;
    let contact = &broker.contacts().await[0];
    assert_eq!(contact["identities"][0]["subject"], "9007199254740993123");
    assert_eq!(contact["userName"], "9007199254740993123");
    assert_eq!(
        (contact["fullName"].as_str(), contact["email"].as_str()),
        (Some("山田 花子"), Some("hanako.yamada@example.net"))
    );
    let events = broker.get("/v1/events").await.to_string();
    assert!(events.contains("9007199254740993123") && !events.contains("9007199254740993000"));
}

#[tokio::test]
async fn an_address_that_is_none_is_left_out_of_profile_and_contact() {
    for bad in ["user.id", "join('@', [user.email, 'evil.test'])", "join('', [user.email, '\\u202e'])"] {
        let provider =
            format!("mapping = '''{{\"userName\": user.id, \"email\": {bad}}}'''\nsubject = \"user.id\"");
        let broker = Harness::with(Choices { minimum: "none", provider, ..Choices::default() }).await;
        let link = broker.link("conv-1").await;
        Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        let done = broker.status(&link).await;
        assert_eq!(done["status"], "completed", "{bad}: {done}");
        assert!(done["profile"].get("email").is_none(), "{bad}: {done}");
        assert_eq!(broker.contacts().await[0]["email"], Value::Null);
    }
}

#[tokio::test]
async fn what_the_listener_refuses_looks_like_every_other_refusal() {
    let broker = Harness::start().await;
    let long = "x".repeat(9000);
    let refused = broker.plain(Method::GET, &format!("/v1/contacts?email={long}")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::URI_TOO_LONG);
    let headers = refused.headers().clone();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(
        (&headers["x-content-type-options"], &headers["cache-control"]),
        (&"nosniff".parse().unwrap(), &"no-store".parse().unwrap())
    );
    let problem: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(
        (&problem["code"], problem["requestId"].as_str()),
        (&"uri_too_long".into(), headers["x-request-id"].to_str().ok())
    );
    let page = broker.plain(Method::GET, &format!("/a/{long}")).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::URI_TOO_LONG);
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn a_host_that_nobody_has_is_told_so_whatever_path_and_method_are_asked_for() {
    let broker = Harness::start().await;
    for (method, path) in
        [(Method::GET, "/v1/nothing"), (Method::PUT, "/v1/contacts"), (Method::GET, "/v1/contacts")]
    {
        for (host, expected) in [("nobody.example", true), ("127.0.0.1", false)] {
            let asked = broker.plain(method.clone(), path).header("host", host).send().await.unwrap();
            let is_misdirected = asked.status() == StatusCode::MISDIRECTED_REQUEST;
            assert_eq!(is_misdirected, expected, "{method} {path} at {host}: {}", asked.status());
        }
    }
}

#[tokio::test]
async fn the_page_of_a_host_that_serves_nobody_finds_what_it_is_dressed_in() {
    let broker = Harness::start().await;
    let at = |path: &str| broker.plain(Method::GET, path).header("host", "nobody.example").send();
    let page = at("/a/unknown").await.unwrap();
    assert_eq!(page.status(), StatusCode::MISDIRECTED_REQUEST);
    let page = page.text().await.unwrap();
    let named: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(named.len(), 2, "its style and its icon: {page}");
    for path in named {
        assert_eq!(at(path).await.unwrap().status(), StatusCode::OK, "{path}");
    }
    assert_eq!(at("/assets/unknown.css").await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
}
