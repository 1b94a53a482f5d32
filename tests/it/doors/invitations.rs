//! One-time links: looking spends nothing, the button signs in, once.

use std::time::Duration;

use countersign::domain::actor::Actor;
use countersign::domain::staff::Role;
use reqwest::{Method, StatusCode};

use super::*;
use crate::harness::staff::{ADMIN, AGENT};

/// A fresh link for a member of the tenant `acme`.
async fn invite(broker: &Harness, email: &str) -> Url {
    let office = broker.broker();
    let tenant = office.tenant_at("127.0.0.1").unwrap();
    let member = tenant.member_with(&email.parse().unwrap()).unwrap();
    let invited = office.invite_member(&tenant, &member.id, &Actor::System).await.unwrap();
    invited.url.expose().parse().unwrap()
}

#[tokio::test]
async fn a_link_signs_in_once_and_looking_at_it_spends_nothing() {
    let broker = Harness::start().await;
    let url = invite(&broker, ADMIN).await;
    for _ in 0..3 {
        let page = Browser::new().get(&url).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.html.contains("Dana") && page.html.contains("an admin"), "{}", page.html);
    }
    let head = broker.plain(Method::HEAD, url.path()).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    let mut browser = Browser::new();
    let page = browser.get(&url).await;
    let done = browser.submit(&page, &page.form(), &[]).await;
    assert_eq!((done.status, done.location().path()), (StatusCode::SEE_OTHER, "/admin"));
    let account = browser.get(&format!("{}/account", broker.origin).parse().unwrap()).await;
    assert!(account.html.contains("by an invitation"), "{}", account.html);
    let mut late = Browser::new();
    assert_eq!(late.get(&url).await.status, StatusCode::GONE);
    assert_eq!(late.submit(&page, &page.form(), &[]).await.status, StatusCode::GONE);
    assert!(late.cookies(&url).is_empty());
}

#[tokio::test]
async fn of_many_who_press_at_once_one_is_let_in() {
    let broker = Harness::start().await;
    let url = invite(&broker, AGENT).await;
    let page = Browser::new().get(&url).await;
    let tries = (0..10).map(|_| {
        let page = &page;
        async move { Browser::new().submit(page, &page.form(), &[]).await.status }
    });
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_link_lapses_and_a_newer_one_takes_its_place() {
    let broker = Harness::start().await;
    let (first, second) = (invite(&broker, ADMIN).await, invite(&broker, ADMIN).await);
    assert_eq!(Browser::new().get(&first).await.status, StatusCode::GONE);
    assert_eq!(Browser::new().get(&second).await.status, StatusCode::OK);
    broker.clock.advance(Duration::from_mins(15));
    assert_eq!(Browser::new().get(&second).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn no_other_link_of_the_kind_says_anything() {
    let broker = Harness::start().await;
    let url = invite(&broker, ADMIN).await;
    let (front, token) = url.path().rsplit_once('.').unwrap();
    let agent = broker.broker().tenant_at("127.0.0.1").unwrap();
    let agent = agent.staff.iter().find(|member| member.role == Role::Agent).unwrap().id.clone();
    for path in [
        format!("{front}."),
        format!("{front}.{}", "A".repeat(43)),
        format!("/signin/invite/{agent}.{token}"),
        "/signin/invite/x".to_owned(),
        "/signin/invite/st_00000000000000000000000000000000.x".to_owned(),
    ] {
        let answer = broker.plain(Method::GET, &path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::GONE, "{path}");
        assert!(!answer.text().await.unwrap().contains("Dana"));
    }
    let elsewhere = broker.plain(Method::GET, url.path()).header("host", "beta.test").send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::GONE, "it opens at its own tenant only");
    assert_eq!(Browser::new().get(&url).await.status, StatusCode::OK);
}
