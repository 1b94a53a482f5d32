//! Whole logins, from the link in the chat to the contact.

use rstest::rstest;
use serde_json::{Value, json};

use super::{CONTINUE, END, Scripts, Setup, World};

/// The fields of a contact that the tests know by heart.
fn is_billy(contact: &Value) {
    for (field, value) in [
        ("email", "billy.bob@example.com"),
        ("firstName", "Billy"),
        ("lastName", "Bob"),
        ("fullName", "Billy Bob"),
        ("userName", "billy.bob"),
    ] {
        assert_eq!(contact[field], value, "{field} of {contact}");
    }
}

/// The one contact, if it is as it should be after the login of `link`.
async fn enriched(world: &World, link: &Value) -> Value {
    let done = world.broker.status(link).await;
    assert_eq!(done["status"], "completed", "{done}");
    let contacts = world.broker.contacts().await;
    assert_eq!(contacts.len(), 1);
    let contact = world.broker.get(&format!("/v1/contacts/{}", done["contactId"].as_str().unwrap())).await;
    is_billy(&contact);
    for field in ["email", "firstName", "lastName", "userName"] {
        let provenance = &contact["provenance"][field];
        assert_eq!(
            (&provenance["provider"], &provenance["authLinkId"]),
            (&json!("acme"), &link["id"]),
            "{field}"
        );
    }
    contact
}

/// Passes the code that the page shows as a message of the chat.
async fn send_code(world: &World, link: &Value) {
    let code = world.browser.code().await;
    assert!(
        world.broker.contacts().await.is_empty(),
        "nobody knows the person before the chat has confirmed it"
    );
    let answer = world.broker.message("conv-1", "+15550100", &format!("Here: {code}")).await;
    assert_eq!(answer, json!({"matched": true, "authLinkId": link["id"]}));
    assert_eq!(world.broker.status(link).await["binding"], json!({"minimum": "code", "reached": "code"}));
}

#[tokio::test]
async fn a_certified_provider_is_read_without_a_mapping() {
    let world = World::start(Setup::oidc()).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.sign_in().await;
    send_code(&world, &link).await;
    let contact = enriched(&world, &link).await;
    assert_eq!(contact["identities"][0]["subject"], "billy");
    assert_eq!(world.exchanges(), 1);
    let conversation = world.broker.get("/v1/conversations/conv-1").await;
    assert_eq!((&conversation["verified"], &conversation["binding"]), (&json!(true), &json!("code")));
}

#[rstest]
#[case::end_user("eu", "/idp/eu/oauth/callback")]
#[case::abc("abc", "/web/inbound/abc/oauth/redirect")]
#[case::abc_auth2("abcAuth2", "/web/inbound/abc/oauth/abcAuth2Redirect")]
#[tokio::test]
async fn the_printed_mapping_works_through_each_callback_route(#[case] route: &str, #[case] path: &str) {
    let world = World::start(Setup::oauth2("none")).await;
    let link = world.broker.link_with("conv-1", json!({"callback": route})).await;
    world.open(&link).await;
    world.sign_in().await;
    world.browser.see(".mood.good").await;
    let requests = world.browser.requests().await;
    assert!(requests.iter().any(|url| url.path() == path), "the browser came back by {path}");
    enriched(&world, &link).await;
    let done = world.broker.status(&link).await;
    assert_eq!(done["binding"], json!({"minimum": "none", "reached": "none"}));
    assert_eq!((world.exchanges(), world.provider.asked("GET /whoami")), (1, 1));
}

#[tokio::test]
async fn a_customer_who_denies_access_may_try_again() {
    let world = World::start(Setup::oauth2("none")).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.reach_consent().await;
    world.browser.press("#deny").await;
    assert_eq!(world.browser.text(END).await, "You did not sign in");
    let status = world.broker.status(&link).await;
    assert_eq!((&status["status"], &status["code"]), (&json!("denied"), &json!("access_denied")));
    assert!(world.broker.contacts().await.is_empty());
    assert_eq!(world.exchanges(), 0);

    world.browser.press("main a.primary").await;
    world.browser.press(CONTINUE).await;
    world.sign_in().await;
    world.browser.see(".mood.good").await;
    enriched(&world, &link).await;
}

#[tokio::test]
async fn a_login_needs_no_scripts() {
    let world = World::start(Setup { scripts: Scripts::Off, ..Setup::oauth2("code") }).await;
    world.browser.open("data:text/html,<noscript><p id=off>off</p></noscript>").await;
    world.browser.see("#off").await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.sign_in().await;
    send_code(&world, &link).await;
    enriched(&world, &link).await;
}

/// The provider's form comes from another site. Browsers send a young cookie that says nothing of
/// `SameSite` along with it, so that the minimum can be reached even without TLS.
#[rstest]
#[case::sent_by_script(Scripts::On)]
#[case::sent_by_hand(Scripts::Off)]
#[tokio::test]
async fn an_answer_by_form_from_another_site_completes_with_the_cookie(#[case] scripts: Scripts) {
    let more = "response_mode = \"form_post\"";
    let world =
        World::start(Setup { more, provider_host: "localhost", scripts, ..Setup::oauth2("none") }).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    assert_eq!(world.browser.url().await.host_str(), Some("localhost"));
    world.sign_in().await;
    world.send_form_by_hand().await;
    world.browser.see(".mood.good").await;
    let bar = world.browser.url().await;
    assert!(bar.path().starts_with("/a/r/") && bar.query().is_none());
    enriched(&world, &link).await;
}

#[tokio::test]
async fn an_answer_by_form_without_the_cookie_falls_back_to_the_code() {
    let more = "response_mode = \"form_post\"";
    let world = World::start(Setup { more, provider_host: "localhost", ..Setup::oauth2("none") }).await;
    let link = world.broker.link("conv-1").await;
    world.open(&link).await;
    world.reach_consent().await;
    world.browser.command("Network.clearBrowserCookies", json!({})).await;
    world.browser.press("#allow").await;
    let code = world.browser.code().await;
    assert_eq!(world.broker.status(&link).await["status"], "provisional");
    world.broker.message("conv-1", "+15550100", &code).await;
    enriched(&world, &link).await;
}
