//! The list of attempts, one of them, and the file.

use std::time::Duration;

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use reqwest::StatusCode;
use serde_json::json;

use super::{admin, attempt_of, fail, open, row, sign_in, two_tenants, url, words};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

#[tokio::test]
async fn times_are_those_of_the_reader_wherever_the_broker_is() {
    let broker = open().await;
    let (link, _) = sign_in(&broker, "conv-1").await;
    let opened: jiff::Timestamp =
        attempt_of(&broker, &link).await["openedAt"].as_str().unwrap().parse().unwrap();
    let mut hans = broker.staff_in(Role::Admin, "de-DE", "Asia/Tokyo").await;
    let page = hans.text("/admin/attempts").await;
    let there = opened.in_tz("Asia/Tokyo").unwrap().strftime("%d.%m.%Y, %H:%M").to_string();
    assert!(
        page.contains(&format!(">{there}</time>")) && page.contains("Times are those of Asia/Tokyo."),
        "{there}"
    );
    assert!(page.contains(&format!("<time datetime=\"{opened}\">")), "programs read the same time as ever");
    let mut lost = broker.staff_in(Role::Admin, "xx", "Mars/Olympus").await;
    let page = lost.text("/admin/attempts").await;
    assert!(page.contains(" UTC</time>") && page.contains("Times are those of UTC."));
}

/// How many attempts a page of the list shows.
fn shown(html: &str) -> usize {
    html.matches("href=\"/admin/attempts/at_").count()
}

#[tokio::test]
async fn agents_and_other_tenants_find_nothing() {
    let broker = open().await;
    let (link, _) = sign_in(&broker, "conv-1").await;
    let id = attempt_of(&broker, &link).await["id"].as_str().unwrap().to_owned();
    let mut agent = broker.staff(Role::Agent).await;
    for path in
        ["/admin/attempts".to_owned(), format!("/admin/attempts/{id}"), "/admin/attempts.csv".to_owned()]
    {
        let page = agent.get(&path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!page.html.contains(&id));
    }
    let mut dana = admin(&broker).await;
    for missing in [format!("at_{}", "0".repeat(32)), "at_1".to_owned(), "x".to_owned(), format!("{id}x")] {
        let page = dana.get(&format!("/admin/attempts/{missing}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{missing}");
    }
}

#[tokio::test]
async fn the_attempt_of_another_tenant_is_not_there() {
    let broker = two_tenants().await;
    let link = broker.elsewhere("127.0.0.3").link("conv-1").await;
    Browser::new().open(url(&link)).await;
    let state = broker.broker();
    let gamma = state.tenant_at("127.0.0.3").unwrap();
    let part = countersign::flow::lists::Part { cursor: None, limit: 1 };
    let theirs = state.attempts(&gamma, &Default::default(), part).await.unwrap().items.remove(0);
    let mut dana = admin(&broker).await;
    let page = dana.get(&format!("/admin/attempts/{}", theirs.id)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(shown(&dana.text("/admin/attempts").await), 0);
}

#[tokio::test]
async fn without_any_link_the_list_says_what_to_do_next_and_with_one_that_it_waits() {
    let broker = open().await;
    let mut dana = admin(&broker).await;
    let page = dana.text("/admin/attempts").await;
    assert!(
        page.contains("No attempts yet") && page.contains("href=\"/console\"") && !page.contains("<table")
    );
    broker.link("conv-1").await;
    assert!(dana.text("/admin/attempts").await.contains("Nobody has opened a link yet"));
    assert!(dana.text("/admin/attempts?status=failed").await.contains("No attempt is like that"));
}

#[tokio::test]
async fn a_row_tells_when_where_and_how_it_ended() {
    let broker = open().await;
    sign_in(&broker, "conv-1").await;
    broker.clock.advance(Duration::from_mins(3));
    fail(&broker, "conv-2").await;
    let page = admin(&broker).await.text("/admin/attempts").await;
    let text = words(&page);
    assert!(
        text.contains(
            "just now Failed The provider does not accept our client ID or secret Exchanging the code"
        ),
        "{text}"
    );
    assert!(text.contains("3 min ago Verified Proved by: nothing proved Acme online banking SMS"), "{text}");
    assert_eq!(shown(&page), 2);
}

#[tokio::test]
async fn the_list_is_filtered_by_everything_that_its_form_has() {
    let broker = open().await;
    let (link, _) = sign_in(&broker, "conv-1").await;
    broker.clock.advance(Duration::from_mins(10));
    let between = broker.clock.now().to_string()[..16].to_owned();
    broker.clock.advance(Duration::from_mins(10));
    fail(&broker, "conv-2").await;
    broker.provider.script(Trick::Deny);
    sign_in(&broker, "conv-3").await;
    let mut dana = admin(&broker).await;
    for (query, expected) in [
        (String::new(), 3),
        ("status=completed".to_owned(), 1),
        ("status=failed".to_owned(), 1),
        ("code=access_denied".to_owned(), 1),
        ("code=invalid_client&status=denied".to_owned(), 0),
        ("provider=acme&code=invalid_client".to_owned(), 1),
        ("provider=other".to_owned(), 0),
        (format!("from={between}"), 2),
        (format!("to={between}"), 1),
        (format!("from={between}&to={between}"), 0),
        (format!("link={}", link["id"].as_str().unwrap()), 1),
        ("status=&code=&provider=&from=&to=&link=".to_owned(), 3),
    ] {
        let page = dana.text(&format!("/admin/attempts?{query}")).await;
        assert_eq!(shown(&page), expected, "{query}");
    }
    let page = dana.text("/admin/attempts?status=failed&provider=acme").await;
    assert!(
        page.contains("<option value=\"failed\" selected>")
            && page.contains("<option value=\"acme\" selected>")
    );
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_keeps_what_was_typed_and_points_at_it() {
    let broker = open().await;
    sign_in(&broker, "conv-1").await;
    let mut dana = admin(&broker).await;
    let page =
        dana.get("/admin/attempts?from=yesterday&link=%3Cscript%3Ealert(1)%3C/script%3E&status=odd").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(shown(&page.html), 0, "what was not understood is not ignored");
    assert!(page.html.contains("value=\"yesterday\"") && page.html.contains("href=\"#filter-from\""));
    assert!(page.html.contains("id=\"filter-link-fault\"") && page.html.contains("aria-invalid=\"true\""));
    assert!(!page.html.contains("<script>alert"));
    let lost = dana.get("/admin/attempts?cursor=nonsense").await;
    assert_eq!(lost.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(lost.html.contains("Start from the newest"));
}

#[tokio::test]
async fn older_attempts_are_reached_page_by_page_each_once() {
    let broker = open().await;
    let link = broker.link("conv-1").await;
    let other = broker.link("conv-2").await;
    for _ in 0..30 {
        Browser::new().open(url(&link)).await;
        Browser::new().open(url(&other)).await;
    }
    let mut dana = admin(&broker).await;
    let first = dana.text("/admin/attempts").await;
    assert_eq!(shown(&first), 50);
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = dana.text(&next.replace("&#38;", "&").replace("&amp;", "&")).await;
    assert_eq!(shown(&second), 10);
    assert!(!second.contains("rel=\"next\"") && second.contains(">Newest</a>"));
    let ids = |html: &str| {
        let parts = html.split("href=\"/admin/attempts/").skip(1);
        parts
            .map(|part| part.split('"').next().unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(ids(&first).is_disjoint(&ids(&second)));
}

#[tokio::test]
async fn a_failed_attempt_says_where_why_and_what_to_do() {
    let broker = open().await;
    let link = fail(&broker, "conv-1").await;
    let attempt = attempt_of(&broker, &link).await;
    let id = attempt["id"].as_str().unwrap();
    let page = admin(&broker).await.text(&format!("/admin/attempts/{id}")).await;
    let text = words(&page);
    assert!(text.contains("It stopped at “Exchanging the code” ( invalid_client )."), "{text}");
    assert!(text.contains("Usual cause The secret was changed or has expired at the provider"), "{text}");
    assert!(page.contains("href=\"/admin/providers/acme/secrets\">Replace the secret</a>"));
    assert!(row(&page, "Exchanging the code").ends_with("invalid_client HTTP 401"));
    assert_eq!(page.matches("<rect class=\"in-bar").count(), 2);
    assert!(page.contains("<title id=\"chart-title\">") && page.contains("Taking the answer, once:"));
    assert!(page.contains(id) && page.contains(link["id"].as_str().unwrap()));
}

#[tokio::test]
async fn an_attempt_that_ended_well_tells_its_steps_and_its_proof() {
    let broker = Harness::start().await;
    let (link, page) = sign_in(&broker, "conv-1").await;
    let id = attempt_of(&broker, &link).await["id"].as_str().unwrap().to_owned();
    let mut dana = admin(&broker).await;
    let path = format!("/admin/attempts/{id}");
    assert!(words(&dana.text(&path).await).contains("Waits for the code"));
    broker.message("conv-1", "+15550100", &page.code().unwrap()).await;
    let done = dana.text(&path).await;
    assert!(words(&done).contains("Proved by code in the chat") && done.contains(">Verified</span>"));
    assert_eq!(done.matches("<rect class=\"in-bar").count(), 8);
}

#[tokio::test]
async fn a_customer_who_did_not_come_back_left_no_step() {
    let broker = open().await;
    let link = broker.link("conv-1").await;
    Browser::new().open(url(&link)).await;
    let id = attempt_of(&broker, &link).await["id"].as_str().unwrap().to_owned();
    let mut dana = admin(&broker).await;
    let path = format!("/admin/attempts/{id}");
    assert!(dana.text(&path).await.contains("the customer is at the provider."));
    broker.clock.advance(Duration::from_mins(10));
    let gone = dana.text(&path).await;
    assert!(gone.contains("Did not come back") && gone.contains("No step was reached"));
}

#[tokio::test]
async fn names_stay_text_and_nothing_is_of_a_person() {
    let evil = r#"[[provider]]
id = "evil"
label = "<img src=x onerror=alert(1)>\u202e"
callback_path = "named"
client_id = "<b>"
client_secret = { env = "ACME_SECRET" }
authorize_url = "{origin}/auth"
token_url = "{origin}/auth/token""#;
    let broker = Harness::with(Choices { tenant: evil.to_owned(), ..Choices::default() }).await;
    let link = broker.link_with("conversation-of-billy", json!({"provider": "evil"})).await;
    Browser::new().open(url(&link)).await;
    let id = attempt_of(&broker, &link).await["id"].as_str().unwrap().to_owned();
    let mut dana = admin(&broker).await;
    let page =
        dana.text(&format!("/admin/attempts/{id}")).await + dana.text("/admin/attempts").await.as_str();
    assert!(page.contains("&#60;img src=x") && !page.contains("<img") && !page.contains('\u{202e}'));
    for word in ["conversation-of-billy", "5550100", "billy", "ct_"] {
        assert!(!words(&page).contains(word), "{word}");
    }
}

#[tokio::test]
async fn the_file_has_the_same_attempts_and_no_formula() {
    let broker = open().await;
    sign_in(&broker, "conv-1").await;
    let link = fail(&broker, "conv-2").await;
    let mut dana = admin(&broker).await;
    let file = dana.get("/admin/attempts.csv").await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("attempts.csv"));
    let lines: Vec<_> = file.html.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("\"attempt\",\"opened_at\""));
    assert!(lines[1].contains(link["id"].as_str().unwrap()));
    assert!(lines[1].ends_with(
        "\"failed\",\"exchange\",\"invalid_client\",\"The provider does not accept our client ID or secret\""
    ));
    let filtered = dana.get("/admin/attempts.csv?status=completed").await;
    assert_eq!(filtered.html.lines().count(), 2);
    assert_eq!(dana.get("/admin/attempts.csv?status=odd").await.status, StatusCode::NOT_FOUND);
    assert_eq!(dana.get("/admin/attempts.csv?cursor=odd").await.status, StatusCode::NOT_FOUND);
}
