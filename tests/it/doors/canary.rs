//! Nothing that opens a door leaks: no code, token, cookie or address in the log, the audit, events, pages of others,
//! metrics, or the raw bytes of the store.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::*;
use crate::harness::log;
use crate::harness::staff::ADMIN;

#[tokio::test]
async fn what_opens_a_door_stands_nowhere_but_where_it_belongs() {
    let mut office = Office::start().await;
    let mut browser = Browser::new();
    let page = office.ask(&mut browser, ADMIN, "/account").await;
    let code = code_of(&office.letter(0).await);
    let ticket = browser.cookies(&office.url("/")).remove("cs-ticket").unwrap();
    let wrong = office.type_code(&mut browser, &page, &another(&code)).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = office.type_code(&mut browser, &page, &code).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(!done.location().as_str().contains(&code));
    let cookie = browser.cookies(&office.url("/")).remove("cs-staff").unwrap();
    let secret = cookie.split_once('.').unwrap().1.to_owned();

    let account = browser.get(&office.url("/account")).await;
    let id = office.broker.broker().tenant_at("127.0.0.1").unwrap().staff[1].id.clone();
    let form = crate::harness::page::Form {
        action: office.url(&format!("/admin/staff/{id}/invite")).to_string(),
        ..form_to(&account, "/signout")
    };
    let invited = browser.submit(&account, &form, &[]).await;
    assert_eq!(invited.status, StatusCode::OK, "{}", invited.html);
    let letter = office.letter(1).await.replace("=\r\n", "");
    let invitation = letter.split("/signin/invite/").nth(1).unwrap();
    let end = invitation.find(|c: char| !c.is_ascii_alphanumeric() && !"._-".contains(c)).unwrap();
    let token = invitation[..end].split_once('.').unwrap().1.to_owned();

    let mut told = String::new();
    for path in ["/account", "/admin/staff", &format!("/admin/staff/{id}")] {
        told.push_str(&browser.get(&office.url(path)).await.html);
    }
    told.push_str(&office.broker.get("/v1/events?limit=200").await.to_string());
    let audit = office.broker.get("/v1/audit?limit=200").await.to_string();
    assert!(audit.contains("staff.signed_in") && audit.contains("staff.invited"), "{audit}");
    assert!(!audit.contains("acme.example"), "the audit holds no addresses");
    told.push_str(&audit);
    let metrics = office.broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("countersign_mails_total") && metrics.contains("countersign_otp_guesses_total"));
    told.push_str(&metrics);
    let logged = log::text();
    for (name, canary) in [("ticket", &ticket), ("cookie", &secret), ("invitation", &token)] {
        assert!(!told.contains(canary.as_str()), "the {name} is told");
        assert!(!logged.contains(canary.as_str()), "the {name} is logged");
    }
    assert!(!stands_alone(&told, &code), "the code is told");
    assert!(!stands_alone(&logged, &code), "the code is logged");
    assert!(!logged.contains("dana@acme.example"), "addresses are not logged");

    office.broker.stop().await;
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(office.broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("countersign.db") {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    assert!(bytes.len() > 4096);
    let code = format!("\"{code}\"");
    for (name, canary) in [
        ("ticket", ticket.as_str()),
        ("cookie", &secret),
        ("invitation", &token),
        ("address", "dana@acme"),
        ("code", &code),
    ] {
        let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!found, "the {name} stands in the store");
    }
}

/// Whether digits stand in a text as a word: within an id or a longer number they do so by chance.
fn stands_alone(text: &str, digits: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '.');
    text.match_indices(digits)
        .any(|(at, _)| edge(text[..at].chars().next_back()) && edge(text[at + digits.len()..].chars().next()))
}

#[tokio::test]
async fn letters_in_the_log_are_shown_with_a_loud_warning_and_with_http_only() {
    let main = "[mail]\nurl = \"log\"\nfrom = \"no-reply@acme.example\"\n".to_owned();
    let broker = Harness::with(Choices { main: Some(main.clone()), ..Choices::default() }).await;
    let mut browser = Browser::new();
    let url: Url = format!("{}/signin", broker.origin).parse().unwrap();
    let page = browser.get(&url).await;
    // The tenant's name tells this test's letter from others'.
    let sent =
        browser.submit(&page, &form_to(&page, "/signin/email"), &[("email", "ari@acme.example")]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let line = eventually("the letter is in the log", async || log::lines("mail.shown").pop()).await;
    assert!(line["detail"].as_str().unwrap().contains("is your sign-in code"), "{line}");
    assert_eq!(line["level"], json!("warn"));
}
