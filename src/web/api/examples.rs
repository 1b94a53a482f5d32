//! The examples of the API's description, in one story: Billy signs in at Acme's online banking.

use serde_json::{Value, json};

const LINK: &str = "al_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b";
const CONTACT: &str = "ct_0199a1b2d9e87f6a8b7c6d5e4f3a2b1c";

/// What a sender asks for.
pub fn order() -> Value {
    json!({
        "conversation": {"id": "conv-42", "channel": "sms", "handle": "+15550100"},
        "provider": "acme",
        "expiresIn": 900,
        "sender": {"kind": "bot", "id": "acme-bot"},
        "metadata": {"case": "81"},
    })
}

fn link() -> Value {
    json!({
        "id": LINK,
        "status": "created",
        "final": false,
        "conversation": {"id": "conv-42", "channel": "sms", "handle": "+15550100"},
        "provider": "acme",
        "callback": "eu",
        "sender": {"kind": "bot", "id": "acme-bot"},
        "metadata": {"case": "81"},
        "binding": {"minimum": "code", "reached": null},
        "resends": 0,
        "createdAt": "2026-11-22T09:30:00Z",
        "expiresAt": "2026-11-22T09:45:00Z",
    })
}

/// The same link, with what goes into the chat.
pub fn created_link() -> Value {
    let mut link = link();
    let url = "https://acme.example.com/a/Xb7cV0r1yQm3Kp9sT2uW4z";
    let text = format!("Acme Bank: please sign in here: {url}");
    link["url"] = json!(url);
    link["message"] = json!({"channel": "sms", "carrier": "sms", "reason": "`sms` is the best form of this channel", "text": text,
            "payload": {"type": "text", "text": text, "encoding": "GSM-7", "units": 81, "segments": 1}, "warnings": []});
    link
}

/// The same link, after Billy has sent his code.
pub fn completed_link() -> Value {
    let mut link = link();
    link["status"] = json!("completed");
    link["final"] = json!(true);
    link["binding"] = json!({"minimum": "code", "reached": "code"});
    link["openedAt"] = json!("2026-11-22T09:30:40Z");
    link["provisionalAt"] = json!("2026-11-22T09:31:12Z");
    link["completedAt"] = json!("2026-11-22T09:31:30Z");
    link["profile"] = profile();
    link["contactId"] = json!(CONTACT);
    link["fields"] = json!({});
    link
}

/// The same link, taken back by its sender.
pub fn cancelled_link() -> Value {
    let mut link = link();
    link["status"] = json!("cancelled");
    link["final"] = json!(true);
    link["cancelledAt"] = json!("2026-11-22T09:32:00Z");
    link
}

/// The links of his conversation.
pub fn links() -> Value {
    json!({"items": [completed_link()], "next": null})
}

/// How his sign-in went.
pub fn attempt() -> Value {
    json!({
        "id": "at_0199a1b2c8007a1b9c2d3e4f5a6b7c8d",
        "authLinkId": LINK,
        "provider": "acme",
        "revision": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "callback": "eu",
        "status": "completed",
        "binding": "code",
        "openedAt": "2026-11-22T09:30:40Z",
        "expiresAt": "2026-11-22T09:40:40Z",
        "confirmedAt": "2026-11-22T09:31:30Z",
        "endedAt": "2026-11-22T09:31:30Z",
        "timeline": [
            {"step": "claim", "at": "2026-11-22T09:31:11.800Z", "tookMs": 1, "outcome": "ok"},
            {"step": "exchange", "at": "2026-11-22T09:31:11.801Z", "tookMs": 121, "outcome": "ok", "httpStatus": 200},
            {"step": "whoami", "at": "2026-11-22T09:31:11.922Z", "tookMs": 77, "outcome": "ok", "httpStatus": 200},
            {"step": "normalise", "at": "2026-11-22T09:31:11.999Z", "tookMs": 0, "outcome": "ok"},
            {"step": "bind", "at": "2026-11-22T09:31:11.999Z", "tookMs": 0, "outcome": "waiting"},
            {"step": "record", "at": "2026-11-22T09:31:11.999Z", "outcome": "ok"},
            {"step": "bind", "at": "2026-11-22T09:31:30Z", "tookMs": 0, "outcome": "ok"},
            {"step": "record", "at": "2026-11-22T09:31:30Z", "outcome": "ok"},
        ],
        "notes": ["token response: token_type_missing"],
    })
}

/// A webhook.
pub fn webhook() -> Value {
    json!({
        "id": "crm",
        "url": "https://crm.example.com/countersign",
        "events": ["auth.*", "contact.*"],
        "description": "Tells the CRM who is who",
        "enabled": true,
        "secrets": 1,
        "source": "tenants/acme.toml",
    })
}

/// An event that was delivered at the second attempt.
pub fn delivery() -> Value {
    json!({
        "id": "dl_0199a1b2d8007a1b9c2d3e4f5a6b7c8d",
        "webhookId": "crm",
        "eventId": "evt_0199a1b2d7007a1b9c2d3e4f5a6b7c8d",
        "type": "auth.completed",
        "state": "delivered",
        "createdAt": "2026-11-22T09:31:30.100Z",
        "endedAt": "2026-11-22T09:31:36.500Z",
        "nextAttemptAt": null,
        "attemptsMade": 2,
        "lastCode": null,
        "attempts": [
            {"at": "2026-11-22T09:31:30.110Z", "tookMs": 31, "status": 503, "code": "status"},
            {"at": "2026-11-22T09:31:36.460Z", "tookMs": 40, "status": 200},
        ],
    })
}

/// The openings of a link.
pub fn attempts() -> Value {
    json!({"items": [attempt()], "next": null})
}

fn profile() -> Value {
    json!({
        "userName": "billy.bob", "fullName": "Billy Bob", "firstName": "Billy", "lastName": "Bob",
        "email": "billy@example.com",
    })
}

/// His record.
pub fn contact() -> Value {
    let source = json!({
        "source": "provider", "provider": "acme", "authLinkId": LINK, "at": "2026-11-22T09:31:10Z",
    });
    json!({
        "id": CONTACT,
        "externalId": null,
        "customerNumber": "CUST-000001",
        "email": "billy@example.com",
        "phone": null,
        "firstName": "Billy",
        "lastName": "Bob",
        "fullName": "Billy Bob",
        "userName": "billy.bob",
        "locale": null,
        "fields": {},
        "identities": [{"provider": "acme", "subject": "billy.bob", "linkedAt": "2026-11-22T09:31:30Z"}],
        "provenance": {"email": source},
        "suggestions": {},
        "conversations": [{"id": "conv-42", "channel": "sms", "handle": "+15550100"}],
        "createdAt": "2026-11-22T09:31:30Z",
        "updatedAt": "2026-11-22T09:31:30Z",
        "version": 1,
    })
}

/// All contacts there are.
pub fn contacts() -> Value {
    json!({"items": [contact()], "next": null})
}

/// His conversation.
pub fn conversation() -> Value {
    json!({
        "id": "conv-42",
        "channel": "sms",
        "handle": "+15550100",
        "authLinkId": LINK,
        "verified": true,
        "contactId": CONTACT,
        "provider": "acme",
        "binding": "code",
        "since": "2026-11-22T09:31:30Z",
        "until": "2026-11-22T21:31:30Z",
        "fields": {},
        "createdAt": "2026-11-22T09:30:00Z",
        "updatedAt": "2026-11-22T09:31:30Z",
    })
}

/// What happened, as far as the reader has not seen it.
pub fn events() -> Value {
    json!({
        "items": [{
            "id": "evt_0199a1b3027c7a1b9c2d3e4f5a6b7c8d",
            "type": "auth.opened",
            "timestamp": "2026-11-22T09:30:40Z",
            "tenant": "acme",
            "data": {
                "authLinkId": LINK,
                "conversation": {"id": "conv-42", "channel": "sms", "handle": "+15550100"},
                "sender": {"kind": "bot", "id": "acme-bot"},
                "metadata": {"case": "81"},
                "provider": "acme",
                "status": "opened",
                "binding": {"minimum": "code", "reached": null},
            },
        }],
        "next": null,
    })
}

/// A customer's message.
pub fn message() -> Value {
    json!({"conversationId": "conv-42", "channel": "sms", "from": "+15550100", "text": "CS-123456"})
}

/// What his message was.
pub fn reading() -> Value {
    json!({"matched": true, "authLinkId": LINK})
}

/// A mapping and what it is tried on.
pub fn sample() -> Value {
    json!({
        "mapping": "{userName: user.id, fullName: user.name, email: user.email}",
        "whoami": {"user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy@example.com"}},
    })
}

/// What the mapping makes of it.
pub fn preview() -> Value {
    json!({
        "profile": profile(),
        "subject": "billy.bob",
        "verified": {"email": false, "phone": false},
        "contactChanges": [{"field": "email", "from": null, "to": "billy@example.com"}],
        "warnings": [],
    })
}

/// What an admin changes in Billy's record.
pub fn patch() -> Value {
    json!({"phone": "+15550100", "locale": null, "fields": {"tier": "gold"}})
}
