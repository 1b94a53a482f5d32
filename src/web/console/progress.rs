//! How far the newest sign-in of a conversation came, with times, reasons, and what can be done now.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::domain::ids::{ConversationId, StaffId};
use crate::domain::link::{Link, LinkState, LinkStatus, Sender, SenderKind};
use crate::domain::snippet::Snippet;
use crate::domain::tenant::Tenant;
use crate::flow::AuthMessage;
use crate::flow::desk::draft::is_open;
use crate::web::page::{clean, tidy};
use crate::web::staff::{Local, Moment};

use super::panel::language_choices;
use super::rows::{Badge, Choice};
use super::words::{self, Reason};

/// Who looks, and what the members of staff are called.
#[derive(Debug)]
pub struct People {
    /// Who looks.
    pub me: StaffId,
    /// Names by id.
    pub names: HashMap<StaffId, String>,
}

/// How far a sign-in came.
#[derive(Debug)]
pub struct ProgressView {
    /// The link.
    pub link: String,
    /// How it stands.
    pub badge: Badge,
    /// The same in a sentence.
    pub sentence: &'static str,
    /// Why the latest try came to nothing.
    pub reason: Option<Reason>,
    /// The steps that were reached, oldest first.
    pub steps: Vec<StepView>,
    /// Where the customer signs in.
    pub provider: String,
    /// Until when the customer can open the link, or until when the code is good.
    pub until: Option<(&'static str, Moment)>,
    /// Whether it can be taken back.
    pub can_cancel: bool,
    /// Whether it waits for the code.
    pub waits_for_code: bool,
    /// What belongs into the chat, while the link can be opened.
    pub message: Option<MessageView>,
    /// The snippets by which it can be worded again.
    pub snippets: Vec<Choice>,
    /// The languages likewise.
    pub languages: Vec<Choice>,
}

/// A step that was reached.
#[derive(Debug)]
pub struct StepView {
    /// Its class: `good`, `warn`, `bad`, or nothing.
    pub class: &'static str,
    /// What was reached.
    pub text: String,
    /// When.
    pub at: Moment,
}

/// A message with its link.
#[derive(Debug)]
pub struct MessageView {
    /// The whole text, as it is pasted.
    pub text: String,
    /// What stands before the link.
    pub before: String,
    /// The link.
    pub url: String,
    /// What stands behind it.
    pub after: String,
    /// What the sender should know.
    pub warnings: Vec<String>,
}

/// An earlier sign-in in one line.
#[derive(Debug)]
pub struct EarlierView {
    /// How it ended.
    pub badge: Badge,
    /// Who sent it.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Why it came to nothing.
    pub happened: Option<&'static str>,
}

impl People {
    /// Who sent a link.
    pub fn sender(&self, sender: Option<&Sender>) -> String {
        let Some(sender) = sender else { return "somebody".to_owned() };
        match (sender.kind, sender.id.parse::<StaffId>()) {
            (SenderKind::Agent, Ok(id)) => self.member(&id),
            (SenderKind::Agent, Err(_)) => format!("the agent {}", words::plain_name(&sender.id)),
            (SenderKind::Bot, _) => format!("the bot {}", words::plain_name(&sender.id)),
        }
    }

    /// What a member of staff is called.
    pub fn member(&self, id: &StaffId) -> String {
        if *id == self.me {
            return "you".to_owned();
        }
        self.names.get(id).map_or_else(|| "a colleague".to_owned(), |name| words::plain_name(name))
    }

    /// Whether who looks has sent a link.
    pub fn is_mine(&self, link: &Link) -> bool {
        link.sender.as_ref().is_some_and(|sender| sender.id == self.me.as_str())
    }
}

impl ProgressView {
    /// How far a link came by `now`; `message` is what it says in the chat.
    pub fn of(
        tenant: &Tenant,
        link: &Link,
        (url, message): (String, AuthMessage),
        people: &People,
        local: &Local,
        now: Timestamp,
    ) -> Self {
        let status = link.status();
        let provider = tenant.provider(Some(&link.provider));
        Self {
            link: link.id.to_string(),
            badge: badge(link),
            sentence: words::sentence(status),
            reason: link.failure.map(|failure| Reason::of(failure.code)),
            steps: steps(link, people, local),
            provider: words::plain_name(provider.map_or(link.provider.as_str(), |provider| &provider.label)),
            until: until(link, local, now),
            can_cancel: !status.is_final(),
            waits_for_code: status == LinkStatus::Provisional,
            message: is_open(link, now).then(|| MessageView::of(url, &message)),
            snippets: snippets(tenant, link),
            languages: language_choices(tenant, link.locale.as_deref().unwrap_or("en")),
        }
    }
}

impl EarlierView {
    /// An earlier link.
    pub fn of(link: &Link, people: &People, local: &Local) -> Self {
        Self {
            badge: badge(link),
            by: people.sender(link.sender.as_ref()),
            at: local.moment(link.created_at),
            happened: link.failure.map(|failure| Reason::of(failure.code).happened),
        }
    }
}

impl MessageView {
    /// A message, cut around its link.
    pub fn of(url: String, message: &AuthMessage) -> Self {
        let text = message.text.clone();
        let (before, after) = text.split_once(&url).unwrap_or((&text, ""));
        Self {
            before: before.to_owned(),
            after: after.to_owned(),
            warnings: message.warnings.iter().map(|warning| tidy(warning)).collect(),
            url,
            text,
        }
    }
}

/// Who has sent a sign-in in place of the reader's own, if somebody else has.
pub fn replaced(links: &[Link], people: &People) -> Option<String> {
    let (newest, rest) = links.split_first()?;
    let before = rest.first().filter(|older| older.status() == LinkStatus::Superseded)?;
    (people.is_mine(before) && !people.is_mine(newest)).then(|| people.sender(newest.sender.as_ref()))
}

fn snippets(tenant: &Tenant, link: &Link) -> Vec<Choice> {
    let choice = |snippet: &Snippet| Choice {
        value: snippet.id.to_string(),
        label: clean(snippet.id.as_str()),
        is_chosen: link.snippet.as_deref().and_then(|name| tenant.snippet(name)) == Some(snippet),
    };
    tenant.snippets.iter().map(choice).collect()
}

fn badge(link: &Link) -> Badge {
    if link.status() == LinkStatus::Completed {
        let text = words::status(LinkStatus::Completed).to_owned();
        return Badge { class: "calm", icon: super::rows::Icon::Dot, text };
    }
    Badge::of_link(link)
}

fn until(link: &Link, local: &Local, now: Timestamp) -> Option<(&'static str, Moment)> {
    match &link.state {
        LinkState::Provisional { until, .. } => Some(("The code is good until", local.moment(*until))),
        _ if is_open(link, now) => Some(("The link can be opened until", local.moment(link.expires_at))),
        _ => None,
    }
}

/// Each status with the time when it was reached last, in the order of time.
fn steps(link: &Link, people: &People, local: &Local) -> Vec<StepView> {
    let times = &link.times;
    let reason = link.failure.map(|failure| Reason::of(failure.code).happened);
    let declined = link.failure.is_some() && times.cancelled.is_some();
    let sent = format!("Sent by {}", people.sender(link.sender.as_ref()));
    let failed = reason.map_or_else(|| "Failed".to_owned(), |reason| format!("Failed: {reason}"));
    let is_proved = link.completion().is_some_and(|completion| words::is_proof(completion.binding));
    let completed =
        if is_proved { "Signed in and proved" } else { "Signed in; nothing was demanded as proof" };
    let cancelled = if declined { "The customer said: this wasn't me" } else { "Taken back" };
    let known = [
        (Some(link.created_at), "", clean(&sent)),
        (times.opened, "", "The customer pressed Continue".to_owned()),
        (times.provisional, "warn", "Signed in; the code must come in this chat".to_owned()),
        (times.denied, "bad", "The customer said no at the provider".to_owned()),
        (times.failed, "bad", failed),
        (times.completed, if is_proved { "good" } else { "warn" }, completed.to_owned()),
        (times.cancelled, if declined { "bad" } else { "" }, cancelled.to_owned()),
        (times.superseded, "", "A newer sign-in took its place".to_owned()),
        (times.expired, "bad", "The link's time was over".to_owned()),
    ];
    let mut known: Vec<_> =
        known.into_iter().filter_map(|(at, class, text)| Some((at?, class, text))).collect();
    known.sort_by_key(|(at, ..)| *at);
    known.into_iter().map(|(at, class, text)| StepView { class, text, at: local.moment(at) }).collect()
}

/// The conversation's newest link, if a form that was drawn for another one may not be carried out: somebody else has
/// sent a sign-in meanwhile, and it is still on its way.
pub fn overtaken<'l>(newest: Option<&'l Link>, seen: &str) -> Option<&'l Link> {
    newest.filter(|link| !link.status().is_final() && link.id.as_str() != seen)
}

/// Names a conversation in the query of the live stream.
pub fn live_query(id: &ConversationId) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_str().as_bytes()).collect();
    format!("&conversation={id}")
}
