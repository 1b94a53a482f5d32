//! Everything that the pages of customers can say, looked at closely: what is rendered in `tests/it/pages.rs`, and those
//! that need a world around them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use countersign::web::page;
use tokio::net::TcpListener;

use super::inspector::Inspector;
use crate::harness::Harness;
use crate::pages::{PLAIN, Shown, every_page};

/// A page as the broker would send it, and its files.
async fn show(State(pages): State<Arc<Vec<Shown>>>, Path(path): Path<String>) -> Response {
    if let Some(file) = path.strip_prefix("assets/") {
        return page::asset(file, true).expect("pages name files that are there").into_response();
    }
    let shown = pages.iter().find(|page| page.name == path).expect("only these are asked for");
    let mut headers = shown.headers.clone();
    // This is no https, and no page should leave before it was looked at.
    for left_out in ["strict-transport-security", "refresh", "location"] {
        headers.remove(left_out);
    }
    (shown.status, headers, shown.body.clone()).into_response()
}

#[tokio::test]
async fn whatever_a_customers_page_says_is_fit_to_be_seen() {
    let mut pages = every_page("en", &PLAIN).await;
    let mut said = BTreeSet::new();
    // Several codes of a failure are one and the same page.
    pages.retain(|page| said.insert(page.body.clone()));
    assert!(pages.len() > 25, "{}", pages.len());
    let pages = Arc::new(pages);
    let router = Router::new().route("/{*path}", get(show)).with_state(Arc::clone(&pages));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let mut customer = Inspector::start().await;
    for page in &*pages {
        customer.browser.open(&format!("{origin}/{}", page.name)).await;
        customer.browser.see("h1").await;
        customer.browser.console().await;
        customer.look_as_customer(&format!("page-{}", page.name)).await;
    }
}

#[tokio::test]
async fn the_reference_is_fit_to_be_seen() {
    let broker = Harness::start().await;
    let mut reader = Inspector::start().await;
    reader.look_at(&broker, "/docs", "docs-home").await;
    reader.look_at(&broker, "/docs/contacts", "docs-group").await;
}

#[test]
fn every_notice_is_among_the_pages_that_are_looked_at() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (source, tests) = (read("src/web/page/notice.rs"), read("tests/it/pages.rs"));
    let variants = source.split("pub enum Notice {").nth(1).unwrap().split("\n}").next().unwrap();
    let variants = variants.lines().map(str::trim).filter(|line| line.starts_with(char::is_uppercase));
    let names: Vec<_> = variants.map(|line| line.trim_end_matches([',', '{', ' '])).collect();
    assert!(names.len() > 15, "{names:?}");
    let unseen: Vec<_> =
        names.iter().filter(|name| !tests.contains(&format!("    Notice::{name}"))).collect();
    assert!(unseen.is_empty(), "give these to NOTICES in tests/it/pages.rs: {unseen:?}");
}
