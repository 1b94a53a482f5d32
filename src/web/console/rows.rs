//! A conversation as one row of a list.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;

use crate::domain::link::{Link, LinkStatus};
use crate::flow::desk::board::{Row, Standing};
use crate::flow::desk::search::Why;
use crate::web::page::clean;
use crate::web::staff::{Local, Moment};

use super::{paths, words};

/// A row.
#[derive(Debug)]
pub struct RowView {
    /// Names the row among the others while the list changes.
    pub key: String,
    /// The conversation's page.
    pub path: String,
    /// The platform's id.
    pub id: String,
    /// What a customer calls the channel.
    pub channel: &'static str,
    /// The customer's address, its middle hidden.
    pub handle: Option<String>,
    /// How it stands.
    pub badge: Badge,
    /// A sign-in is on its way though somebody is verified.
    pub asked_again: bool,
    /// When something happened last.
    pub changed: Moment,
    /// Whether this is the conversation that the page is about.
    pub is_here: bool,
    /// Why it was found, if it was looked for.
    pub why: Option<&'static str>,
}

/// How something stands: always a shape, a colour and words together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// Its class: `good`, `calm`, `warn`, `bad`, or nothing.
    pub class: &'static str,
    /// Its icon.
    pub icon: Icon,
    /// Its words.
    pub text: String,
}

/// The icons of badges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Shield,
    Clock,
    Cross,
    Dot,
}

impl RowView {
    /// A row for a reader.
    pub fn of(row: &Row, local: &Local, now: Timestamp) -> Self {
        let at = &row.conversation.at;
        Self {
            key: key(at.id.as_str()),
            path: paths::conversation(&at.id),
            id: clean(at.id.as_str()),
            channel: at.channel.label(),
            handle: at.handle.as_ref().map(|handle| clean(&handle.masked())),
            badge: Badge::of(row, local, now),
            asked_again: row.standing(now) == Standing::Verified && row.is_waiting(),
            changed: local.ago(changed_at(row), now),
            is_here: false,
            why: None,
        }
    }

    /// The same, found for a reason.
    pub fn found(row: &Row, why: Why, local: &Local, now: Timestamp) -> Self {
        let why = match why {
            Why::Id => "Found by its id",
            Why::Address => "Found by the customer's address",
            Why::Contact => "Found by the contact",
        };
        Self { why: Some(why), ..Self::of(row, local, now) }
    }
}

/// Something to choose in a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

impl Badge {
    /// How a conversation stands.
    pub fn of(row: &Row, local: &Local, now: Timestamp) -> Self {
        if let Some(verified) = row.conversation.verified_at(now) {
            let until = local.moment(verified.until).text;
            if !words::is_proof(verified.binding) {
                let text = "Signed in, not proved".to_owned();
                return Self { class: "warn", icon: Icon::Dot, text };
            }
            return Self { class: "good", icon: Icon::Shield, text: format!("Verified until {until}") };
        }
        match &row.link {
            Some(link) => Self::of_link(link),
            None => Self::nobody(),
        }
    }

    /// How a link stands. A completed one is no longer proof of anything by itself: the conversation says that.
    pub fn of_link(link: &Link) -> Self {
        let status = link.status();
        let (class, icon) = match status {
            LinkStatus::Created | LinkStatus::Opened => ("calm", Icon::Clock),
            LinkStatus::Provisional => ("warn", Icon::Clock),
            LinkStatus::Denied | LinkStatus::Failed | LinkStatus::Expired => ("bad", Icon::Cross),
            LinkStatus::Cancelled if link.failure.is_some() => ("bad", Icon::Cross),
            LinkStatus::Completed => return Self::nobody(),
            LinkStatus::Cancelled | LinkStatus::Superseded => ("", Icon::Dot),
        };
        let text = if class == "bad" && status == LinkStatus::Cancelled {
            "Customer: this wasn't me".to_owned()
        } else {
            words::status(status).to_owned()
        };
        Self { class, icon, text }
    }

    fn nobody() -> Self {
        Self { class: "", icon: Icon::Dot, text: "Not verified".to_owned() }
    }
}

/// A short name for a text, good for one page.
fn key(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// When something happened last that an agent would care for.
fn changed_at(row: &Row) -> Timestamp {
    let link = row.link.as_ref().map(|link| {
        let times = &link.times;
        let reached = [
            times.opened,
            times.provisional,
            times.denied,
            times.failed,
            times.completed,
            times.cancelled,
            times.superseded,
            times.expired,
        ];
        reached.into_iter().flatten().max().unwrap_or(link.created_at)
    });
    link.map_or(row.conversation.updated_at, |at| at.max(row.conversation.updated_at))
}
