//! Overview, attempts, binding policy and web chat: the pages by which an admin finds what is wrong.

mod attempts;
pub mod binding;
mod figures;
mod overview;
pub mod webchat;

use countersign::cli::demo::provider::Trick;
use countersign::domain::staff::Role;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::browser::{Browser, Page};
use crate::harness::staff::StaffBrowser;
use crate::harness::{Choices, Harness};

/// A broker whose tenant demands nothing, so that a sign-in completes at once.
async fn open() -> Harness {
    Harness::minimum("none").await
}

/// A broker with another tenant at an address of this machine.
async fn two_tenants() -> Harness {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let others = vec![("gamma", "127.0.0.3")];
    Harness::on(listener, Choices { others, minimum: "none", ..Choices::default() }).await
}

async fn admin(broker: &Harness) -> StaffBrowser {
    broker.staff(Role::Admin).await
}

fn url(link: &Value) -> &str {
    link["url"].as_str().unwrap()
}

/// A link that a customer signs in on.
async fn sign_in(broker: &Harness, conversation: &str) -> (Value, Page) {
    let link = broker.link(conversation).await;
    let page = Browser::new().sign_in(url(&link)).await;
    (link, page)
}

/// A sign-in whose token endpoint does not know our secret.
async fn fail(broker: &Harness, conversation: &str) -> Value {
    let link = broker.link(conversation).await;
    broker.provider.script(Trick::TokenInvalidClient);
    Browser::new().sign_in(url(&link)).await;
    link
}

/// The only attempt at a link, as the API has it.
async fn attempt_of(broker: &Harness, link: &Value) -> Value {
    let id = link["id"].as_str().unwrap();
    broker.get(&format!("/v1/attempts?authLinkId={id}")).await["items"][0].clone()
}

/// What people read of a page: its text without tags, on one line.
fn words(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for part in html.split('<') {
        text.push(' ');
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The row of a table that begins with this heading, as people read it.
fn row(html: &str, heading: &str) -> String {
    let rows = html.split("<tr").map(|row| row.split("</tr>").next().unwrap_or_default());
    let mut found = rows.map(|row| words(&format!("<tr{row}"))).filter(|row| row.starts_with(heading));
    found.next().unwrap_or_else(|| panic!("no row `{heading}` in {}", words(html)))
}

/// A tenant whose name is markup and turns the direction of what follows.
fn hostile() -> Choices {
    Choices { name: "<b>Acme</b>\u{202e}", minimum: "none", ..Choices::default() }
}
