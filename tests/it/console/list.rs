//! The list of conversations, its filters and pages, the search, and a new conversation.

use std::time::Duration;

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{audit, part, plain, start, verified, waiting};
use crate::harness::browser::Browser;

#[tokio::test]
async fn an_empty_console_says_what_to_do_next() {
    let (_broker, mut agent) = start().await;
    let page = agent.text("/console").await;
    assert!(page.contains("<h1>Conversations</h1>") && page.contains("No conversations yet"), "{page}");
    assert!(page.contains("href=\"/console/new\">Send the first sign-in</a>"));
    for (filter, says) in [
        ("waiting", "Nobody is signing in right now"),
        ("verified", "Nobody is verified right now"),
        ("failed", "Nothing failed lately"),
    ] {
        assert!(agent.text(&format!("/console?filter={filter}")).await.contains(says), "{filter}");
    }
}

#[tokio::test]
async fn each_conversation_stands_in_the_list_with_its_state() {
    let (broker, mut agent) = start().await;
    broker.link("sent").await;
    let opened = broker.link("opened").await;
    Browser::new().open(opened["url"].as_str().unwrap()).await;
    waiting(&broker, "coded").await;
    verified(&broker, "proved").await;
    let denied = broker.link("denied").await;
    let mut browser = Browser::new();
    let away = browser.open(denied["url"].as_str().unwrap()).await;
    let back = browser.sign_in_at_provider(&away.location(), "deny").await;
    browser.arrive(&back).await;
    let taken = broker.link("taken").await;
    broker.post(&format!("/v1/auth-links/{}/cancel", taken["id"].as_str().unwrap()), json!({})).await;

    let page = agent.text("/console").await;
    let rows: Vec<String> = page.split("<li id=\"row-").skip(1).map(plain).collect();
    assert_eq!(rows.len(), 6);
    for (id, state) in [
        ("sent", "Sent, not opened"),
        ("opened", "At the provider"),
        ("coded", "Waiting for the code"),
        ("proved", "Verified until"),
        ("denied", "Customer said no"),
        ("taken", "Taken back"),
    ] {
        let row = rows.iter().find(|row| row.contains(id)).unwrap();
        assert!(row.contains(state), "{id}: {row}");
        assert!(row.contains("SMS") && row.contains("+1•••00") && !row.contains("+15550100"), "{row}");
    }
    assert!(rows[0].contains("taken"), "the one that changed last comes first");
    assert!(!page.contains("Billy"), "a list tells of nobody");
    for (filter, wanted) in
        [("waiting", &["sent", "opened", "coded"][..]), ("verified", &["proved"]), ("failed", &["denied"])]
    {
        let page = agent.text(&format!("/console?filter={filter}")).await;
        let rows = page.matches("<li id=\"row-").count();
        assert_eq!(rows, wanted.len(), "{filter}");
        assert!(wanted.iter().all(|id| page.contains(&format!("/console/conversations/{id}\""))), "{filter}");
    }
}

#[tokio::test]
async fn a_verified_customer_who_is_asked_again_is_both() {
    let (broker, mut agent) = start().await;
    verified(&broker, "conv-1").await;
    broker.link("conv-1").await;
    for filter in ["waiting", "verified"] {
        let page = agent.text(&format!("/console?filter={filter}")).await;
        assert!(page.contains("Verified until") && page.contains("Asked again"), "{filter}: {page}");
    }
}

#[tokio::test]
async fn what_time_changes_is_seen_in_the_list() {
    let (broker, mut agent) = start().await;
    broker.link("late").await;
    verified(&broker, "lapsed").await;
    broker.clock.advance(Duration::from_mins(16));
    broker.forget_token().await;
    assert!(agent.text("/console?filter=failed").await.contains("Expired"));
    for _ in 0..13 {
        broker.clock.advance(Duration::from_mins(55));
        agent.get("/console").await;
    }
    let mut agent = broker.staff(Role::Agent).await;
    let page = agent.text("/console").await;
    assert!(!page.contains("Verified until") && page.contains("Not verified"), "{page}");
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let (broker, mut agent) = start().await;
    for number in 0..30 {
        broker.link(&format!("conv-{number:02}")).await;
    }
    let first = agent.text("/console").await;
    assert_eq!(first.matches("<li id=\"row-").count(), 25);
    let older = first.split("href=\"/console?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let second = agent.text(&format!("/console?cursor={older}")).await;
    assert_eq!(second.matches("<li id=\"row-").count(), 5);
    assert!(second.contains("conv-00") && second.contains(">Newest</a>") && !second.contains(">Older</a>"));
    for bad in ["nonsense", &older[1..]] {
        let page = agent.get(&format!("/console?filter=failed&cursor={bad}")).await;
        assert_eq!((page.status, page.location().query()), (StatusCode::SEE_OTHER, Some("filter=failed")));
    }
}

#[tokio::test]
async fn a_part_is_the_rows_and_nothing_around_them() {
    let (broker, _agent) = start().await;
    broker.link("conv-1").await;
    let (name, value) = broker.staff_cookie(Role::Agent).await;
    let part = broker.plain(Method::GET, "/console").header("cookie", format!("{name}={value}"));
    let part = part.header("hx-request", "true").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::OK);
    let html = part.text().await.unwrap();
    assert!(
        html.trim_start().starts_with("<ul class=\"console-rows\">") && html.contains("conv-1"),
        "{html}"
    );
    assert!(!html.contains("<html") && !html.contains("<h1"));
}

#[tokio::test]
async fn a_conversation_is_found_by_id_address_email_and_name() {
    let (broker, mut agent) = start().await;
    verified(&broker, "order-4711").await;
    broker.link("other-1").await;
    for (sought, why) in [
        ("order-4711", "Found by its id"),
        ("ORDER-47", "Found by its id"),
        ("Billy.Bob@Example.com", "Found by the contact"),
        ("billy bo", "Found by the contact"),
    ] {
        let page = agent.post("/console/search", &[("q", sought)]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.html.contains("/console/conversations/order-4711\"") && page.html.contains(why),
            "{sought}: {}",
            page.html
        );
        assert!(!page.html.contains("other-1") && !page.url.as_str().contains("illy"), "{sought}");
    }
    let page = agent.post("/console/search", &[("q", "+1 (555) 0100")]).await;
    assert!(page.html.contains("order-4711") && page.html.contains("other-1"), "{}", page.html);
    assert!(page.html.contains("2 conversations."));
    let page = agent.post("/console/search", &[("q", "nobody <b>")]).await;
    assert!(
        page.html.contains("Nothing found") && page.html.contains("value=\"nobody &#60;b&#62;\""),
        "{}",
        page.html
    );
    let empty = agent.post("/console/search", &[("q", "  ")]).await;
    assert_eq!((empty.status, empty.location().path()), (StatusCode::SEE_OTHER, "/console"));
}

#[tokio::test]
async fn whom_a_search_tells_of_stands_in_the_audit() {
    let (broker, mut agent) = start().await;
    verified(&broker, "conv-1").await;
    agent.post("/console/search", &[("q", "billy.bob@example.com")]).await;
    agent.post("/console/search", &[("q", "conv-1")]).await;
    let entries = audit(&broker, "contact.listed").await;
    assert_eq!(entries.len(), 1, "an id tells of nobody");
    let contact = broker.contacts().await.remove(0);
    assert!(entries[0].0.starts_with("staff:st_"), "{}", entries[0].0);
    assert_eq!(entries[0].1["ids"], json!([contact["id"]]));
}

#[tokio::test]
async fn a_new_conversation_leads_to_its_page_and_stores_nothing() {
    let (broker, mut agent) = start().await;
    let form = agent.text("/console/new").await;
    assert!(form.contains("<label for=\"id\">") && !form.contains("aria-invalid"));
    let page = agent.get("/console/new?id=chat+7&channel=whatsapp&handle=%2B15550107").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER);
    let there = page.location();
    assert_eq!(
        there.as_str(),
        format!("{}/console/conversations/chat%207?channel=whatsapp&handle=%2B15550107", broker.origin)
    );
    let page = agent.follow(page).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.html.contains("WhatsApp") && part(&page.html, "sign-in").contains("No sign-in was sent"));
    assert!(agent.text("/console").await.contains("No conversations yet"));
}

#[tokio::test]
async fn a_faulty_form_keeps_what_was_typed_and_points_at_the_fault() {
    let (_broker, mut agent) = start().await;
    let long = "x".repeat(201);
    let page = agent.get(&format!("/console/new?id={long}&channel=smoke&handle=%2B15550107")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains(&long) && page.html.contains("value=\"+15550107\""), "{}", page.html);
    for field in ["id", "channel"] {
        assert!(page.html.contains(&format!("href=\"#{field}\"")), "{field}");
        assert!(page.html.contains(&format!("id=\"{field}-fault\"")), "{field}");
    }
    assert_eq!(page.html.matches("aria-invalid=\"true\"").count(), 2);
    assert!(page.html.contains("data-focus"));
}

#[tokio::test]
async fn any_id_that_a_platform_may_have_leads_to_its_own_page() {
    let (broker, mut agent) = start().await;
    for id in ["a/b?c#d e+f%", "ümlaut ✓", "<script>alert(1)</script>", "\"quoted\" 'id'"] {
        broker.link(id).await;
        let list = agent.text("/console").await;
        let path =
            list.split("class=\"console-row\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let page = agent.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(plain(&page.html).contains(id), "{id}: {}", page.html);
        assert!(!page.html.contains("<script>alert"), "{id}");
    }
}
