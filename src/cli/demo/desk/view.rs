//! What the demo page shows, from what the API answers. The same template draws the whole page and
//! its live parts, so that the page works alike with and without JavaScript.

use askama::Template;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::domain::conversation::Channel;

use super::super::provider::Trick;
use super::app::App;
use super::message::{Sent, Shown};
use super::scene::{Author, Bubble, Scene};

/// The whole page.
#[derive(Template)]
#[template(path = "demo/desk/page.html")]
pub struct PageView<'a> {
    /// Its live parts.
    pub live: Live,
    /// The media to choose from, with the chosen one.
    pub channels: &'a [Channel],
    /// The chosen medium.
    pub channel: Channel,
    /// The customer's apps to choose from.
    pub apps: &'a [App],
    /// The chosen one.
    pub app: App,
    /// The provider's faults.
    pub tricks: &'a [Trick],
}

/// The live parts alone.
#[derive(Template)]
#[template(path = "demo/desk/live.html")]
pub struct LiveView {
    /// The parts.
    pub live: Live,
}

/// The parts that change while the page stands.
#[derive(Debug)]
pub struct Live {
    /// What the last action ran into.
    pub fault: Option<String>,
    /// How far the sign-in came.
    pub progress: Progress,
    /// The contact, once known.
    pub card: Option<Card>,
    /// What happened, newest first.
    pub events: Vec<EventRow>,
    /// The form of the message that was sent last, and why.
    pub sent: Option<Sent>,
    /// Where the chat is.
    pub channel: Channel,
    /// The chat, oldest first.
    pub bubbles: Vec<BubbleView>,
    /// Tricks that wait.
    pub scripted: Vec<Trick>,
}

/// How far a sign-in came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The status of the link, or `none`.
    pub status: String,
    /// A sentence for the agent.
    pub sentence: String,
    /// Step and code of a failure.
    pub failure: Option<String>,
    /// The steps that were reached, of [`STEPS`].
    pub reached: usize,
}

/// The steps of a sign-in.
pub const STEPS: [&str; 4] = ["Sent", "Opened", "Signed in", "Verified"];

/// The contact on the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The contact's name, or its number.
    pub title: String,
    /// Our number for it.
    pub number: String,
    /// The first letters of the name.
    pub initials: String,
    /// How it was proved that this is the person in the chat.
    pub binding: String,
    /// The fields.
    pub rows: Vec<CardRow>,
}

/// A field of the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRow {
    /// Its name in the API.
    pub field: String,
    /// Its value.
    pub value: String,
    /// Where the value came from.
    pub source: String,
}

/// An event in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Its id.
    pub id: String,
    /// The time of day, in UTC.
    pub time: String,
    /// Its type.
    pub kind: String,
    /// Step and code of a failure, or the binding.
    pub detail: String,
}

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BubbleView {
    /// Whether the customer wrote it.
    pub mine: bool,
    /// What stands in it.
    pub shown: Shown,
    /// The time of day, in UTC.
    pub time: String,
}

/// The fields in the order of the card; the tenant's own follow.
const FIELDS: [&str; 7] = ["fullName", "firstName", "lastName", "email", "phone", "userName", "locale"];

impl Live {
    /// The live parts for a scene, its link and the contact of that link.
    pub fn new(scene: &Scene, link: Option<&Value>, contact: Option<&Value>, scripted: Vec<Trick>) -> Self {
        Self {
            fault: scene.fault.clone(),
            progress: Progress::of(link),
            card: contact.map(|contact| Card::of(contact, link)),
            events: scene.events.iter().rev().map(event_row).collect(),
            sent: scene.sent.clone(),
            channel: scene.channel,
            bubbles: scene.bubbles.iter().map(bubble_view).collect(),
            scripted,
        }
    }
}

impl BubbleView {
    /// Whether it takes the whole width.
    fn is_wide(&self) -> bool {
        matches!(self.shown, Shown::Letter { .. } | Shown::Element { .. })
    }
}

impl Progress {
    fn of(link: Option<&Value>) -> Self {
        let Some(link) = link else {
            let sentence = "Nobody is verified in this conversation yet.".to_owned();
            return Self { status: "none".to_owned(), sentence, failure: None, reached: 0 };
        };
        let status = link["status"].as_str().unwrap_or_default();
        let (sentence, reached) = match status {
            "created" => ("The link is in the chat. Nothing happens until the customer presses Continue.", 1),
            "opened" => ("The customer is at the provider.", 2),
            "provisional" => ("Signed in, but not believed yet: the chat has to confirm it.", 3),
            "completed" => ("The person in the chat is the person who signed in.", 4),
            "denied" => ("The customer said no at the provider. The link can be opened again.", 2),
            "failed" => ("This attempt failed. The link can be opened again.", 2),
            "expired" => ("The link’s time is over.", 1),
            "cancelled" => ("The customer said: this wasn’t me.", 1),
            "superseded" => ("A newer link took its place.", 1),
            _ => ("", 0),
        };
        let told = |name: &str| link[name].as_str().map(str::to_owned);
        let failure = match (told("step"), told("code")) {
            (Some(step), Some(code)) => Some(format!("{code} at {step}")),
            (None, code) => code,
            (step, None) => step,
        };
        Self { status: status.to_owned(), sentence: sentence.to_owned(), failure, reached }
    }

    /// Whether the sign-in ended without a verified person.
    pub fn is_bad(&self) -> bool {
        matches!(self.status.as_str(), "denied" | "failed" | "expired" | "cancelled" | "superseded")
    }
}

impl Card {
    fn of(contact: &Value, link: Option<&Value>) -> Self {
        let text = |name: &str| contact[name].as_str().unwrap_or_default().to_owned();
        let number = text("customerNumber");
        let name = text("fullName");
        let title = if name.is_empty() { number.clone() } else { name };
        let initials = title.split_whitespace().filter_map(|word| word.chars().next()).take(2).collect();
        let binding = link.and_then(|link| link["binding"]["reached"].as_str()).unwrap_or("none").to_owned();
        let own = contact["fields"].as_object().into_iter().flatten();
        let own = own.map(|(field, value)| (field.clone(), shown(value)));
        let rows = FIELDS.iter().map(|field| ((*field).to_owned(), shown(&contact[*field]))).chain(own);
        let rows = rows.filter(|(_, value)| !value.is_empty()).map(|(field, value)| {
            let source = source(&contact["provenance"][&field]);
            CardRow { field, value, source }
        });
        Self { title, number, initials, binding, rows: rows.collect() }
    }
}

/// A value as an agent reads it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Where a field came from, and when.
fn source(provenance: &Value) -> String {
    let Some(source) = provenance["source"].as_str() else { return String::new() };
    let from = match provenance["provider"].as_str() {
        Some(provider) if source == "provider" => format!("provider “{provider}”"),
        _ => source.to_owned(),
    };
    match provenance["at"].as_str().and_then(|at| at.parse().ok()) {
        Some(at) => format!("{from}, {}", time_of_day(at)),
        None => from,
    }
}

fn event_row(event: &Value) -> EventRow {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let data = &event["data"];
    let detail = match (data["step"].as_str(), data["code"].as_str(), data["binding"]["reached"].as_str()) {
        (Some(step), Some(code), _) => format!("{code} at {step}"),
        (None, Some(code), _) => code.to_owned(),
        (_, _, Some(binding)) => format!("binding {binding}"),
        _ => String::new(),
    };
    let time = event["timestamp"].as_str().and_then(|at| at.parse().ok()).map(time_of_day);
    EventRow { id: text(&event["id"]), time: time.unwrap_or_default(), kind: text(&event["type"]), detail }
}

fn bubble_view(bubble: &Bubble) -> BubbleView {
    BubbleView {
        mine: bubble.author == Author::Customer,
        shown: bubble.shown.clone(),
        time: time_of_day(bubble.at).chars().take(5).collect(),
    }
}

fn time_of_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_card_tells_the_source_of_each_field() {
        let contact = json!({
            "customerNumber": "CUST-000001", "fullName": "Billy Bob", "email": "billy@example.com", "phone": null,
            "fields": {"tier": "gold"},
            "provenance": {
                "email": {"source": "provider", "provider": "demo", "at": "2026-11-22T14:17:05Z"},
                "tier": {"source": "agent:dana"},
            },
        });
        let link = json!({"binding": {"minimum": "code", "reached": "code"}});
        let card = Card::of(&contact, Some(&link));
        assert_eq!(
            (card.title.as_str(), card.initials.as_str(), card.binding.as_str()),
            ("Billy Bob", "BB", "code")
        );
        let rows: Vec<_> = card.rows.iter().map(|row| (row.field.as_str(), row.source.as_str())).collect();
        let expected = [("fullName", ""), ("email", "provider “demo”, 14:17:05"), ("tier", "agent:dana")];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_failure_is_told_with_step_and_code() {
        let link = json!({"status": "failed", "step": "exchange", "code": "token_timeout"});
        let progress = Progress::of(Some(&link));
        assert!(progress.is_bad());
        assert_eq!(progress.failure.as_deref(), Some("token_timeout at exchange"));
    }
}
