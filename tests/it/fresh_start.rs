//! From a tenant without anything to its first verified customer: with the pages alone, in real Chromium. The admin
//! comes by an invitation, sets the provider up and tries it, and plays agent and customer with the chat simulator.

use std::time::Duration;

use countersign::cli::demo::provider::DemoProvider;
use countersign::domain::actor::Actor;
use countersign::domain::staff::Role;
use countersign::flow::settings::staff::NewMember;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use crate::browser::{Chromium, Scripts};
use crate::harness::staff::ADMIN;
use crate::harness::{BOT_SECRET, Choices, Harness, bot_secret_hash};

/// The tenant's host: another address of this machine than the operator's, so that a browser finds both.
const HOST: &str = "127.0.0.2";
/// How long it may take from the invitation to the badge. A person needs longer than a script, and a machine under test
/// less than this by far.
const PATIENCE: Duration = Duration::from_mins(3);

/// A broker to which the operator has just added a tenant: a name and a host.
async fn fresh() -> (Harness, String) {
    let hash = bot_secret_hash();
    let main =
        format!("[[client]]\nclient_id = \"ops\"\nsecret_hash = \"{hash}\"\nscopes = [\"admin:all\"]\n");
    let choices = Choices { main: Some(main), ..Choices::default() };
    let broker = Harness::on(TcpListener::bind("0.0.0.0:0").await.unwrap(), choices).await;
    let asked = json!({"grant_type": "client_credentials", "client_id": "ops", "client_secret": BOT_SECRET});
    let token = broker.plain(Method::POST, "/v1/oauth/token").header("host", "localhost").json(&asked);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    let made = broker.plain(Method::PUT, "/v1/tenants/shop").header("host", "localhost");
    let made = made.header("if-none-match", "*").bearer_auth(token["access_token"].as_str().unwrap());
    let made =
        made.json(&json!({"name": "The Shop", "hosts": [HOST], "simulator": true})).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED, "{}", made.text().await.unwrap());
    let origin = broker.origin.replace("127.0.0.1", HOST);
    (broker, origin)
}

/// What `countersign staff invite` prints for the tenant's first admin.
async fn invitation(broker: &Harness) -> Url {
    let office = broker.broker();
    let tenant = "shop".parse().unwrap();
    let new = NewMember { email: ADMIN.to_owned(), role: Role::Admin, name: None };
    let member = office.add_member(&tenant, &new, &Actor::System).await.unwrap();
    let tenant = office.tenant_at(HOST).unwrap();
    office.invite_member(&tenant, &member.id, &Actor::System).await.unwrap().url.expose().parse().unwrap()
}

/// As a customer does at the demo's provider.
async fn sign_in_at_the_provider(browser: &Chromium) {
    browser.press("form[action='/auth/login'] button").await;
    browser.press("button[value=allow]").await;
}

/// Fills the provider's form in by hand, tries it, and publishes it.
async fn set_up_the_provider(broker: &Harness, browser: &Chromium) {
    browser.press("nav a[href='/admin/providers']").await;
    browser.press("main a[href='/admin/providers/~new']").await;
    browser.press("main a[href='/admin/providers/~new/form']").await;
    let at = broker.provider.origin();
    for (field, text) in [
        ("#f-label", "The Shop's account"),
        ("#f-client-id", DemoProvider::CLIENT_ID),
        ("#f-client-secret", DemoProvider::CLIENT_SECRET),
        ("#f-authorize-url", &format!("{at}/auth")),
        ("#f-token-url", &format!("{at}/auth/token")),
        ("#f-whoami-url", &format!("{at}/whoami")),
    ] {
        browser.fill(field, text).await;
    }
    browser.press("#form button[type=submit]").await;
    browser.press(".tabs a[href$='/test']").await;
    browser.press("section form[action$='/test'] button").await;
    browser.press("#report a[href^='/t/']").await;
    browser.press("main form[action^='/t/'] button").await;
    sign_in_at_the_provider(browser).await;
    browser.press("a[href*='/admin/providers/main/tests/']").await;
    browser.see("#report:not([hx-trigger])").await;
    let told = browser.text("#report > section").await;
    assert!(told.contains("A login works"), "{told}");
    browser.press(".tabs a[href$='/publish']").await;
    browser.press("form[action$='/publish'] button").await;
    browser.see(".notice.good[role=status]").await;
}

/// Sends a sign-in into a conversation and plays the customer who follows it.
async fn verify_a_customer(browser: &Chromium, origin: &str) {
    browser.press("nav a[href='/console']").await;
    browser.press("a[href='/console/new']").await;
    browser.fill("#id", "chat-1").await;
    browser.press("#channel option[value='sms']").await;
    browser.fill("#handle", "+15550100").await;
    browser.press("main form button.primary").await;
    browser.press("#send-now").await;
    browser.press("a[href='/console/simulator/chat-1']").await;
    let link = browser.see("#live-chat a").await.attr("href").await.unwrap().unwrap();
    // The customer's phone; afterwards the chat again.
    browser.open(&link).await;
    browser.press("main form[action^='/a/'] button").await;
    sign_in_at_the_provider(browser).await;
    let code = browser.code().await;
    browser.open(&format!("{origin}/console/simulator/chat-1")).await;
    browser.fill("#text", &code).await;
    browser.press(".console-compose button").await;
    browser.see("a[href='/console/conversations/chat-1']").await;
    browser.press("a[href='/console/conversations/chat-1']").await;
    browser.see(".console-identity.is-verified").await;
}

async fn from_nothing_to_the_badge(scripts: Scripts) {
    let (broker, origin) = fresh().await;
    let browser = Chromium::start(scripts).await;
    browser.open(invitation(&broker).await.as_str()).await;
    browser.press("main form button").await;
    set_up_the_provider(&broker, &browser).await;
    verify_a_customer(&browser, &origin).await;
    let who = browser.text("#identity").await;
    assert!(who.contains("Billy Bob") && who.contains("The Shop's account"), "{who}");
    let said = browser.console().await;
    let ours: Vec<_> = said.iter().filter(|line| !line.contains(broker.provider.origin())).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[tokio::test]
async fn the_first_customer_is_verified_within_three_minutes_of_clicks() {
    let journey = from_nothing_to_the_badge(Scripts::On);
    tokio::time::timeout(PATIENCE, journey).await.expect("it ends in time");
}

#[tokio::test]
async fn and_so_it_is_without_any_script() {
    from_nothing_to_the_badge(Scripts::Off).await;
}
