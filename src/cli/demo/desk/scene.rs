//! What the demo page remembers: one conversation at a time, with its messages and events.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::conversation::Channel;

use super::app::App;
use super::message::{self, Opens, Sent, Shown};

/// How many events stand in the log.
const EVENTS: usize = 60;
/// How many messages stand in the chat.
const BUBBLES: usize = 100;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The agent, or the platform in its name.
    Business,
    /// The person with the phone.
    Customer,
}

/// A message in the chat.
#[derive(Debug, Clone)]
pub struct Bubble {
    /// Who wrote it.
    pub author: Author,
    /// What stands in it.
    pub shown: Shown,
    /// When.
    pub at: Timestamp,
}

/// A running conversation.
#[derive(Debug)]
pub struct Scene {
    /// The platform's id for it.
    pub conversation: String,
    /// When it began; events from before belong to nobody here.
    began: Timestamp,
    /// The medium.
    pub channel: Channel,
    /// The customer's app.
    pub app: App,
    /// The messages, oldest first.
    pub bubbles: Vec<Bubble>,
    /// The newest auth link.
    pub link: Option<String>,
    /// The form of the newest auth message.
    pub sent: Option<Sent>,
    /// The statuses that the chat has already spoken of.
    pub told: Option<String>,
    /// The events of this conversation, oldest first.
    pub events: Vec<Value>,
    /// Behind which event to read on.
    pub cursor: String,
    /// What the last action ran into, for the agent.
    pub fault: Option<String>,
}

impl Scene {
    /// A fresh conversation: the customer has just asked for something personal.
    pub fn new(conversation: String, cursor: String, now: Timestamp) -> Self {
        let mut scene = Self {
            conversation,
            began: now,
            channel: Channel::Sms,
            app: App::default(),
            bubbles: Vec::new(),
            link: None,
            sent: None,
            told: None,
            events: Vec::new(),
            cursor,
            fault: None,
        };
        scene.say(Author::Customer, "Hi! Can you tell me the status of my order?", now);
        scene.say(Author::Business, "Of course. First I have to make sure that it is really you.", now);
        scene
    }

    /// The customer's address on this channel, as a platform would know it.
    pub fn handle(&self) -> &'static str {
        match self.channel {
            Channel::Email => "billy.bob@example.com",
            channel if channel.has_phone_handles() => "+15550100",
            _ => "demo-customer",
        }
    }

    /// Adds a message.
    pub fn say(&mut self, author: Author, text: impl Into<String>, at: Timestamp) {
        self.bubbles.push(Bubble { author, shown: message::text(&text.into(), None), at });
        if self.bubbles.len() > BUBBLES {
            self.bubbles.remove(0);
        }
    }

    /// Adds the auth message.
    pub fn send_link(&mut self, id: String, message: &Value, opens: &Opens, at: Timestamp) {
        self.link = Some(id);
        self.told = None;
        self.sent = Sent::of(message);
        self.bubbles.push(Bubble { author: Author::Business, shown: message::shown(message, opens), at });
    }

    /// Adds the events that belong to this conversation, or to a contact since it began.
    pub fn note_events(&mut self, events: &[Value], next: String) {
        let at = |event: &Value| event["timestamp"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
        let ours = |event: &&Value| match event["data"]["conversation"]["id"].as_str() {
            Some(id) => id == self.conversation,
            None => at(event).is_some_and(|at| at >= self.began),
        };
        let new: Vec<Value> = events.iter().filter(ours).cloned().collect();
        self.events.extend(new);
        let surplus = self.events.len().saturating_sub(EVENTS);
        self.events.drain(..surplus);
        self.cursor = next;
    }

    /// Lets the business say in the chat how a sign-in went, once per status.
    pub fn tell_status(&mut self, status: &str, first_name: Option<&str>, now: Timestamp) {
        if self.told.as_deref() == Some(status) {
            return;
        }
        let text = match status {
            "completed" => Some(match first_name {
                Some(name) => {
                    format!("Thank you, {name}! I can see your account now. Your order is on its way.")
                }
                None => "Thank you! You are signed in now.".to_owned(),
            }),
            "cancelled" => Some("All right, that link no longer works. Nothing was shared.".to_owned()),
            _ => None,
        };
        if let Some(text) = text {
            self.say(Author::Business, text, now);
        }
        self.told = Some(status.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scene() -> Scene {
        Scene::new("demo-1".to_owned(), "0".to_owned(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn events_of_other_conversations_are_left_out() {
        let mut scene = scene();
        let event = |id: &str| json!({"type": "auth.opened", "data": {"conversation": {"id": id}}});
        let contact = |at: &str| json!({"type": "contact.created", "timestamp": at, "data": {"contact": {}}});
        let (before, since) = (contact("1969-12-31T23:59:59Z"), contact("1970-01-01T00:00:01Z"));
        scene.note_events(&[event("demo-1"), event("demo-2"), before, since], "4".to_owned());
        assert_eq!((scene.events.len(), scene.cursor.as_str()), (2, "4"));
    }

    #[test]
    fn the_chat_hears_of_a_status_once() {
        let mut scene = scene();
        let before = scene.bubbles.len();
        for _ in 0..3 {
            scene.tell_status("completed", Some("Billy"), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(scene.bubbles.len(), before + 1);
        assert!(
            matches!(&scene.bubbles.last().unwrap().shown, Shown::Text { before, .. } if before.contains("Billy"))
        );
    }

    #[test]
    fn a_long_day_is_cut_at_its_beginning() {
        let mut scene = scene();
        let events: Vec<_> = (0..100)
            .map(|n| json!({"type": n.to_string(), "timestamp": "1970-01-01T00:00:01Z", "data": {}}))
            .collect();
        scene.note_events(&events, "100".to_owned());
        assert_eq!((scene.events.len(), scene.events[0]["type"].as_str()), (EVENTS, Some("40")));
    }
}
