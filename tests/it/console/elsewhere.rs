//! Who is at the wrong desk: nobody signed in, staff of another tenant, a form from elsewhere.

use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};
use tokio::net::TcpListener;

use super::{plain, start};
use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness};

/// Every address that is read, for a conversation.
fn reads(id: &str) -> Vec<String> {
    let paths = ["/console", "/console/new", "/console/side", "/console/live"].map(str::to_owned);
    let of = |path: &str| path.replace("{id}", id);
    let own =
        ["/console/conversations/{id}", "/console/conversations/{id}/message", "/console/simulator/{id}"];
    paths.into_iter().chain(own.map(of)).collect()
}

/// Every address that changes something.
fn changes(id: &str, contact: &str) -> Vec<String> {
    let verbs = ["send", "cancel", "resend", "confirm", "end"]
        .map(|verb| format!("/console/conversations/{id}/{verb}"));
    let fields = ["undo", "accept", "dismiss"].map(|verb| format!("/console/contacts/{contact}/{verb}"));
    let more = ["/console/search".to_owned(), format!("/console/simulator/{id}/message")];
    verbs.into_iter().chain(fields).chain(more).collect()
}

#[tokio::test]
async fn who_is_not_signed_in_sees_and_changes_nothing() {
    let (broker, _agent) = start().await;
    let link = broker.link("conv-1").await;
    for path in reads("conv-1") {
        let answer = broker.plain(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        assert!(
            answer.headers()["location"].to_str().unwrap().starts_with("/signin?next=%2Fconsole"),
            "{path}"
        );
        let part = broker.plain(Method::GET, &path).header("hx-request", "true").send().await.unwrap();
        assert_eq!(part.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in changes("conv-1", "ct_00000000000000000000000000000000") {
        let request = broker.plain(Method::POST, &path).header("origin", &broker.origin);
        let answer = request.form(&[("link", link["id"].as_str().unwrap())]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let crossed =
            broker.plain(Method::POST, &path).header("origin", "https://evil.example").send().await.unwrap();
        assert!(crossed.status().is_client_error(), "{path}: {}", crossed.status());
    }
    assert_eq!(broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn a_form_without_the_browsers_own_token_changes_nothing() {
    let (broker, mut agent) = start().await;
    let link = broker.link("conv-1").await;
    for path in changes("conv-1", "ct_00000000000000000000000000000000") {
        let fields = [("link", link["id"].as_str().unwrap())];
        assert_eq!(agent.post_with(&path, "nonsense", &fields).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(broker.status(&link).await["status"], "created");
}

#[tokio::test]
async fn staff_of_one_tenant_finds_nothing_of_another() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let choices = Choices { others: vec![("gamma", "127.0.0.2")], ..Choices::default() };
    let broker = Harness::on(listener, choices).await;
    let other = broker.elsewhere("127.0.0.2");
    let link = other.link("theirs").await;
    Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    let mut agent = broker.staff(Role::Agent).await;
    for path in ["/console/conversations/theirs", "/console/conversations/theirs/message"] {
        assert_eq!(agent.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in changes("theirs", "ct_00000000000000000000000000000000") {
        let fields =
            [("link", link["id"].as_str().unwrap()), ("code", "123456"), ("q", "theirs"), ("field", "email")];
        let page = agent.post(&path, &fields).await;
        match path.as_str() {
            "/console/search" => assert!(page.html.contains("Nothing found")),
            _ => assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}"),
        }
    }
    assert!(agent.text("/console").await.contains("No conversations yet"));
    assert_eq!(other.status(&link).await["status"], "provisional", "and nothing was changed there");
    let (name, value) = broker.staff_cookie(Role::Agent).await;
    let there = broker.origin.replace("127.0.0.1", "127.0.0.2");
    let request = crate::harness::http_client().get(format!("{there}/console"));
    let answer = request.header("cookie", format!("{name}={value}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "a cookie of one tenant is nothing at another");
}

#[tokio::test]
async fn a_cursor_of_another_tenant_is_none() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let choices = Choices { others: vec![("gamma", "127.0.0.2")], ..Choices::default() };
    let broker = Harness::on(listener, choices).await;
    for number in 0..30 {
        broker.link(&format!("conv-{number}")).await;
    }
    let mut agent = broker.staff(Role::Agent).await;
    let page = agent.text("/console").await;
    let cursor = page.split("href=\"/console?cursor=").nth(1).unwrap().split('"').next().unwrap();
    let gamma = broker.broker().tenant_at("127.0.0.2").unwrap();
    let part = countersign::flow::lists::Part { cursor: Some(cursor), limit: 5 };
    let filter = countersign::flow::desk::board::Filter::All;
    let refused = broker.broker().desk_rows(&gamma, filter, part).await;
    assert!(matches!(refused, Err(countersign::flow::StoreError::BadCursor)));
}

#[tokio::test]
async fn what_names_nothing_is_a_calm_page() {
    let (_broker, mut agent) = start().await;
    for path in ["/console/conversations/%FF", "/console/conversations/%00", "/console/nowhere"] {
        let page = agent.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(plain(&page.html).len() > 20, "{path}");
    }
}
