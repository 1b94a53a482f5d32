//! What the API says of links and conversations. The contact's JSON is its own.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::conversation::Conversation;
use crate::domain::link::{Link, Times};

/// A link as `GET /v1/auth-links/{id}` shows it. Its URL is told at creation only.
pub fn link(link: &Link) -> Map<String, Value> {
    let mut view = Map::new();
    let completion = link.completion();
    put(&mut view, "id", &link.id);
    put(&mut view, "status", link.status());
    put(&mut view, "final", link.status().is_final());
    put(&mut view, "conversation", &link.conversation);
    put(&mut view, "provider", &link.provider);
    put(&mut view, "callback", link.route);
    put(&mut view, "sender", &link.sender);
    put(&mut view, "metadata", &link.metadata);
    put(&mut view, "binding", link.binding());
    put(&mut view, "resends", link.resends);
    put(&mut view, "createdAt", link.created_at);
    put(&mut view, "expiresAt", link.expires_at);
    put_times(&mut view, &link.times);
    if let Some(failure) = link.failure {
        if let Some(step) = failure.step {
            put(&mut view, "step", step);
        }
        put(&mut view, "code", failure.code);
    }
    if let Some(completion) = completion {
        put(&mut view, "profile", &completion.profile);
        put(&mut view, "contactId", &completion.contact);
        put(&mut view, "fields", &completion.fields);
    }
    view
}

/// A conversation: who was verified there, how, since when and until when.
pub fn conversation(conversation: &Conversation, now: Timestamp) -> Value {
    let mut view = Map::new();
    put(&mut view, "id", &conversation.at.id);
    put(&mut view, "channel", conversation.at.channel);
    put(&mut view, "handle", &conversation.at.handle);
    put(&mut view, "authLinkId", &conversation.link);
    let verified = conversation.verified_at(now);
    put(&mut view, "verified", verified.is_some());
    put(&mut view, "contactId", verified.map(|verified| &verified.contact_id));
    put(&mut view, "provider", verified.map(|verified| &verified.provider));
    put(&mut view, "binding", verified.map(|verified| verified.binding));
    put(&mut view, "since", verified.map(|verified| verified.since));
    put(&mut view, "until", verified.map(|verified| verified.until));
    put(&mut view, "fields", verified.map(|verified| verified.fields.clone()).unwrap_or_default());
    put(&mut view, "createdAt", conversation.created_at);
    put(&mut view, "updatedAt", conversation.updated_at);
    Value::Object(view)
}

fn put_times(view: &mut Map<String, Value>, times: &Times) {
    let named = [
        ("openedAt", times.opened),
        ("provisionalAt", times.provisional),
        ("deniedAt", times.denied),
        ("failedAt", times.failed),
        ("completedAt", times.completed),
        ("cancelledAt", times.cancelled),
        ("supersededAt", times.superseded),
        ("expiredAt", times.expired),
    ];
    for (name, time) in named {
        if let Some(time) = time {
            put(view, name, time);
        }
    }
}

fn put(view: &mut Map<String, Value>, name: &str, value: impl Serialize) {
    view.insert(name.to_owned(), serde_json::to_value(value).expect("our own views are JSON"));
}
