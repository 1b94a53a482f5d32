//! The agent's console over HTTP, as a browser without scripts sees it; the last file walks through it in a real one.
//!
//! To add a state: 1. a way there in the file of its kind, 2. what the page says and offers, 3. its look in
//! `journey.rs`.

mod contact;
mod conversation;
mod elsewhere;
mod ends;
mod journey;
mod list;
mod live;
mod looks;
mod sending;
mod simulator;

use countersign::domain::staff::Role;
use serde_json::Value;

use crate::harness::browser::{Browser, Page};
use crate::harness::page::{forms, text};
use crate::harness::staff::StaffBrowser;
use crate::harness::{Choices, Harness};

/// A broker and an agent at its console.
async fn start() -> (Harness, StaffBrowser) {
    with(Choices::default()).await
}

/// The same with other choices.
async fn with(choices: Choices) -> (Harness, StaffBrowser) {
    let broker = Harness::with(choices).await;
    let agent = broker.staff(Role::Agent).await;
    (broker, agent)
}

/// A link whose customer has signed in and sees this code.
async fn waiting(broker: &Harness, conversation: &str) -> (Value, String) {
    let link = broker.link(conversation).await;
    let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
    (link, page.code().unwrap())
}

/// A conversation in which Billy is verified.
async fn verified(broker: &Harness, conversation: &str) -> Value {
    let (link, code) = waiting(broker, conversation).await;
    assert_eq!(broker.message(conversation, "+15550100", &code).await["matched"], true);
    link
}

/// Says *This wasn't me*, twice.
async fn decline(browser: &mut Browser, url: &str) {
    let landing = browser.get(&url.parse().unwrap()).await;
    let form = forms(&landing.html).into_iter().find(|form| form.action.ends_with("/decline")).unwrap();
    let asked = browser.submit(&landing, &form, &[]).await;
    let form = forms(&asked.html)
        .into_iter()
        .find(|form| form.action.ends_with("/decline") || !form.fields.is_empty());
    let done = browser.submit(&asked, &form.unwrap(), &[]).await;
    assert!(done.status.is_success() || done.status.as_u16() == 410, "{} {}", done.status, done.html);
}

/// The text of an element with this id, its tags taken out and its white space made even.
fn part(html: &str, id: &str) -> String {
    let start = html.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("no `{id}` in {html}"));
    let open = html[..start].rfind('<').unwrap();
    let name: String = html[open + 1..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let inner = &html[start + html[start..].find('>').unwrap() + 1..];
    let (mut depth, mut at) = (1_usize, 0);
    while depth > 0 {
        let (opens, closes) =
            (inner[at..].find(&format!("<{name}")), inner[at..].find(&format!("</{name}>")));
        let closes = closes.unwrap_or_else(|| panic!("`{id}` is not closed"));
        let opens = opens.filter(|opens| *opens < closes);
        depth = if opens.is_some() { depth + 1 } else { depth - 1 };
        at += opens.unwrap_or(closes) + 1;
    }
    plain(&inner[..at - 1])
}

/// The text of a piece of HTML, its white space made even.
fn plain(html: &str) -> String {
    // Every element stands by itself, as it does for the eye.
    let text = text(&html.replace('<', " <")).replace("&#60;", "<").replace("&#62;", ">");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value of a hidden field of a page's form.
fn hidden(page: &Page, name: &str) -> String {
    let mark = format!("name=\"{name}\" value=\"");
    let start = page.html.find(&mark).unwrap_or_else(|| panic!("no `{name}` in {}", page.html)) + mark.len();
    page.html[start..].split('"').next().unwrap().to_owned()
}

/// The actions that the audit has about a thing, each with who did it, newest first.
async fn audit(broker: &Harness, action: &str) -> Vec<(String, Value)> {
    let page = broker.get(&format!("/v1/audit?action={action}")).await;
    let entries = page["items"].as_array().unwrap().iter();
    entries.map(|entry| (entry["actor"].as_str().unwrap().to_owned(), entry.clone())).collect()
}
