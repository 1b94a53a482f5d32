//! A sign-in is sent: what the customer will see, what should be known before, and two agents at once.

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use reqwest::StatusCode;
use serde_json::json;

use super::{audit, part, start, verified, with};
use crate::harness::Choices;
use crate::harness::browser::{Browser, Page};
use crate::harness::staff::StaffBrowser;

const PAGE: &str = "/console/conversations/conv-1";
const SEND: &str = "/console/conversations/conv-1/send";
const FRESH: &str = "/console/conversations/conv-1?channel=sms&handle=%2B15550100";

const SNIPPETS: &str = r#"
[[snippet]]
id = "sign-in"
tag = "/auth"
text = { en = "Hi, please sign in at {provider}: {link}", de = "Bitte hier anmelden: {link}" }
[[snippet]]
id = "odd"
text = { en = "Look at {link}." }
"#;

/// What the form of a page would send.
fn fields(page: &Page) -> Vec<(String, String)> {
    let form = page.html.split("id=\"send-form\"").nth(1).unwrap().split("</form>").next().unwrap();
    let fields = form.split("<input type=\"hidden\" name=\"").skip(1).map(|input| {
        let (name, rest) = input.split_once('"').unwrap();
        let value = rest.split("value=\"").nth(1).unwrap().split('"').next().unwrap();
        (name.to_owned(), value.replace("&#43;", "+"))
    });
    fields.filter(|(name, _)| name != "csrf").collect()
}

/// Sends what the page would, with more fields.
async fn press(agent: &mut StaffBrowser, page: &Page, more: &[(&str, &str)]) -> Page {
    let fields = fields(page);
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.extend(more);
    agent.post(SEND, &fields).await
}

#[tokio::test]
async fn the_customer_gets_exactly_what_the_page_shows() {
    let (broker, mut agent) = with(Choices { tenant: SNIPPETS.to_owned(), ..Choices::default() }).await;
    let page = agent.get(FRESH).await;
    let shown = part(&page.html, "send-form");
    assert!(shown.contains("Hi, please sign in at Acme online banking: the link"), "{shown}");
    assert!(
        shown.contains("directly behind `{link}`"),
        "what is odd about a wording is said before: {shown}"
    );
    assert!(
        shown.contains("Please sign in to Acme Bank so we can help you: the link"),
        "our own words are there"
    );
    assert!(!page.html.contains("/a/xxxx"), "no link is shown before there is one");
    assert!(page.html.contains("value=\"sign-in\" checked"), "the first is chosen");
    let sent = press(&mut agent, &page, &[("snippet", "sign-in")]).await;
    assert_eq!((sent.status, sent.location().path()), (StatusCode::SEE_OTHER, PAGE));
    let page = agent.follow(sent).await;
    assert!(
        page.html.contains("The sign-in is ready.") && part(&page.html, "sign-in").contains("Sent by you")
    );
    let message = part(&page.html, "message");
    let (before, url) = message.split_once("http").unwrap();
    assert_eq!(before, "Hi, please sign in at Acme online banking: ");
    let link = broker.get("/v1/auth-links?conversationId=conv-1").await["items"][0].clone();
    assert_eq!(link["sender"]["kind"], "agent");
    assert!(link["sender"]["id"].as_str().unwrap().starts_with("st_"), "{link}");
    assert_eq!(link["conversation"], json!({"id": "conv-1", "channel": "sms", "handle": "+15550100"}));
    assert_eq!(Browser::new().get(&format!("http{url}").parse().unwrap()).await.status, StatusCode::OK);
    let (actor, _) = audit(&broker, "auth_link.created").await.remove(0);
    assert_eq!(actor, format!("staff:{}", link["sender"]["id"].as_str().unwrap()));
}

#[tokio::test]
async fn another_language_is_shown_before_it_is_sent() {
    let (broker, mut agent) = with(Choices { tenant: SNIPPETS.to_owned(), ..Choices::default() }).await;
    let page = agent.get(&format!("{PAGE}/message?channel=sms&handle=%2B15550100&locale=de")).await;
    assert_eq!(page.status, StatusCode::OK);
    let shown = part(&page.html, "send-form");
    assert!(shown.contains("Bitte hier anmelden: the link"), "{shown}");
    assert!(shown.contains("has no wording in `de`"), "the other one has none: {shown}");
    assert!(!page.html.contains("csrf="), "no token in an address");
    let page = press(&mut agent, &page, &[("snippet", "sign-in")]).await;
    let page = agent.follow(page).await;
    assert!(part(&page.html, "message").starts_with("Bitte hier anmelden: http"));
    assert!(page.html.contains("<option value=\"de\" selected>German</option>"), "the language stays chosen");
    assert_eq!(broker.event_types().await, ["auth.link_created"]);
}

#[tokio::test]
async fn one_of_several_providers_is_chosen() {
    let second = r#"
[[provider]]
id = "second"
label = "Second door"
client_id = "x"
client_secret = { env = "ACME_SECRET" }
authorize_url = "{origin}/auth"
token_url = "{origin}/auth/token"
whoami_url = "{origin}/whoami"
callback_path = "named"
"#;
    let (broker, mut agent) = with(Choices { tenant: second.to_owned(), ..Choices::default() }).await;
    let page = agent.get(FRESH).await;
    assert!(page.html.contains("<label for=\"provider\">") && page.html.contains("Second door"));
    let page = agent.get(&format!("{PAGE}/message?channel=sms&provider=second")).await;
    assert!(part(&page.html, "send-form").contains("Signs in at Second door"));
    press(&mut agent, &page, &[("snippet", "")]).await;
    let links = broker.get("/v1/auth-links").await;
    assert_eq!(links["items"][0]["provider"], "second");
    broker.clock.advance(std::time::Duration::from_secs(6));
    let seen = links["items"][0]["id"].as_str().unwrap();
    let gone = agent.post(SEND, &[("provider", "gone"), ("snippet", ""), ("seen", seen)]).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(gone.html.contains("the settings have changed"), "{}", gone.html);
}

#[tokio::test]
async fn how_the_person_will_be_proved_is_said_before() {
    for (minimum, place, says, warns) in [
        ("code", "channel=sms&handle=%2B15550100", "sees a code and sends it here", false),
        ("match", "channel=sms&handle=%2B15550100", "vouches for the address of this chat", false),
        ("match", "channel=sms", "address in this chat is not known", true),
        ("match", "channel=slack&handle=U1", "a code will be needed", true),
        ("none", "channel=sms", "Nothing will prove", true),
    ] {
        let (_broker, mut agent) = with(Choices { minimum, ..Choices::default() }).await;
        let page = agent.text(&format!("{PAGE}?{place}")).await;
        assert!(part(&page, "proof").contains(says), "{minimum} {place}: {page}");
        assert_eq!(page.contains("class=\"notice warn\" id=\"proof\""), warns, "{minimum} {place}");
    }
}

#[tokio::test]
async fn that_a_provider_is_out_of_order_is_said_before_anything_is_sent() {
    let (broker, mut agent) = start().await;
    let before = agent.get(FRESH).await;
    for number in 0..30 {
        let link = broker.link(&format!("worn-{number}")).await;
        let mut browser = Browser::new();
        let opened = browser.open(link["url"].as_str().unwrap()).await;
        if opened.status != StatusCode::SEE_OTHER {
            break;
        }
        broker.provider.script(Trick::TokenError);
        let callback = browser.sign_in_at_provider(&opened.location(), "allow").await;
        browser.arrive(&callback).await;
    }
    let page = agent.text(FRESH).await;
    assert!(part(&page, "trouble").contains("The provider is out of order since"), "{page}");
    assert!(part(&page, "send-now").contains("Send it anyway"));
    let sent = async || {
        let links = broker.get("/v1/auth-links?conversationId=conv-1").await;
        links["items"].as_array().unwrap().len()
    };
    let held = press(&mut agent, &before, &[("snippet", "")]).await;
    assert_eq!((held.status, sent().await), (StatusCode::CONFLICT, 0), "the page is older than the trouble");
    assert!(part(&held.html, "trouble").contains("out of order"));
    let done = press(&mut agent, &held, &[("snippet", "")]).await;
    assert_eq!((done.status, sent().await), (StatusCode::SEE_OTHER, 1), "the agent may decide otherwise");

    let mut dana = broker.staff(Role::Admin).await;
    let (seen_by_ari, seen_by_dana) = (agent.get(PAGE).await, dana.get(PAGE).await);
    let done = press(&mut dana, &seen_by_dana, &[("snippet", "")]).await;
    assert_eq!((done.status, sent().await), (StatusCode::SEE_OTHER, 2));
    let held = press(&mut agent, &seen_by_ari, &[("snippet", "")]).await;
    assert_eq!(
        (held.status, sent().await),
        (StatusCode::CONFLICT, 2),
        "who knew of the trouble knew no more"
    );
    assert!(held.html.contains("A sign-in was sent meanwhile by Dana"), "{}", held.html);
    let done = press(&mut agent, &held, &[("snippet", "")]).await;
    assert_eq!((done.status, sent().await), (StatusCode::SEE_OTHER, 3));
}

#[tokio::test]
async fn of_two_agents_at_once_the_second_is_asked_and_the_first_is_told() {
    let (broker, mut ari) = start().await;
    let mut dana = broker.staff(Role::Admin).await;
    let (seen_by_ari, seen_by_dana) = (ari.get(FRESH).await, dana.get(FRESH).await);
    press(&mut ari, &seen_by_ari, &[("snippet", "")]).await;
    let held = press(&mut dana, &seen_by_dana, &[("snippet", "")]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    assert!(held.html.contains("A sign-in was sent meanwhile by ari@acme.example."), "{}", held.html);
    assert!(part(&held.html, "send-now").contains("Send it anyway"));
    assert_eq!(broker.event_types().await, ["auth.link_created"], "nothing was sent");

    let sent = press(&mut dana, &held, &[("snippet", "")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.html);
    assert!(broker.event_types().await.contains(&"auth.superseded".to_owned()));
    let page = ari.text(PAGE).await;
    assert!(part(&page, "replaced").contains("Dana sent another one after it"), "{page}");
    assert!(part(&page, "earlier").contains("Sent by you"));
    assert!(!dana.text(PAGE).await.contains("id=\"replaced\""), "who replaced it knows");
}

#[tokio::test]
async fn a_button_that_is_pressed_twice_sends_once() {
    let (broker, mut agent) = start().await;
    let page = agent.get(FRESH).await;
    for _ in 0..2 {
        let sent = press(&mut agent, &page, &[("snippet", "")]).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(broker.event_types().await, ["auth.link_created"]);
    broker.clock.advance(std::time::Duration::from_secs(6));
    let later = press(&mut agent, &page, &[("snippet", "")]).await;
    assert_eq!(later.status, StatusCode::CONFLICT, "later it is a second one");
}

#[tokio::test]
async fn a_new_address_is_another_person_and_the_page_says_so() {
    let (broker, mut agent) = start().await;
    verified(&broker, "conv-1").await;
    let page = agent.get(&format!("{PAGE}?channel=sms&handle=%2B15550199")).await;
    assert!(page.html.contains("at another address than before"), "{}", page.html);
    press(&mut agent, &page, &[("snippet", "")]).await;
    assert_eq!(broker.get("/v1/conversations/conv-1").await["verified"], false);
    let same = agent.text(&format!("{PAGE}?channel=sms&handle=%2B1+555+0199")).await;
    assert!(!same.contains("at another address"), "the same number, written otherwise");
}

#[tokio::test]
async fn a_form_that_nobody_would_send_changes_nothing() {
    let (broker, mut agent) = start().await;
    let unplaced = agent.post(SEND, &[("snippet", "")]).await;
    assert_eq!(unplaced.status, StatusCode::NOT_FOUND, "{}", unplaced.html);
    let page = agent.get(FRESH).await;
    let gone = press(&mut agent, &page, &[("snippet", "gone")]).await;
    assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(gone.html.contains("no longer there"), "{}", gone.html);
    assert_eq!(agent.post("/console/conversations/%FF/send", &[]).await.status, StatusCode::NOT_FOUND);
    assert!(broker.event_types().await.is_empty());
}
