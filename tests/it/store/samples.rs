//! Records to store, full of texts that must not be found in the clear.

use countersign::clock::Clock;
use countersign::domain::audit::{AuditAction, AuditEntry};
use countersign::domain::contact::Contact;
use countersign::domain::event::{Event, EventType};
use countersign::domain::ids::{AttemptId, AuditId, ContactId, EventId, LinkId, TenantId};
use countersign::domain::link::Link;
use countersign::domain::request::AuthorizationRequest;
use countersign::store::seal::SealKeys;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Stands in every personal or secret text below.
pub const CANARY: &str = "canary-7f3a";

pub fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

pub fn keys() -> SealKeys {
    SealKeys::new("k1", [("k1".to_owned(), [1; 32])], [2; 32]).unwrap()
}

pub fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A link made at `at` that lives 15 minutes.
pub fn link(clock: &Clock, at: Timestamp) -> Link {
    let id = LinkId::from_uuid(clock.fresh_uuid());
    serde_json::from_value(json!({
        "id": id,
        "token": format!("{CANARY}-token-{id}"),
        "conversation": {"id": format!("{CANARY}-conversation"), "channel": "sms", "handle": format!("{CANARY}-handle")},
        "provider": "acme",
        "route": "eu",
        "sender": null,
        "locale": null,
        "snippet": null,
        "capabilities": [],
        "contact": null,
        "minimum": "code",
        "metadata": {"case": 12_345_678_901_234_567_890_u64},
        "created_at": at,
        "expires_at": at + SignedDuration::from_mins(15),
        "state": "Created",
        "times": {},
        "failure": null,
        "guesses": {"since": null, "count": 3},
        "openings": [],
    }))
    .unwrap()
}

pub fn request(clock: &Clock, link: &Link) -> AuthorizationRequest {
    serde_json::from_value(json!({
        "id": AttemptId::from_uuid(clock.fresh_uuid()),
        "key": "key",
        "link": link.id,
        "provider": "acme",
        "revision": "r1",
        "route": "eu",
        "redirect_uri": "https://acme.example.com/idp/eu/oauth/callback",
        "code_verifier": format!("{CANARY}-verifier"),
        "cookie_hash": "hash",
        "cookie_name": "__Host-cs-12345678",
        "created_at": link.created_at,
        "expires_at": link.created_at + SignedDuration::from_mins(10),
        "phase": "Started",
    }))
    .unwrap()
}

pub fn contact(clock: &Clock, number: u64, at: Timestamp) -> Contact {
    let mut contact = Contact::new(ContactId::from_uuid(clock.fresh_uuid()), number, at);
    contact.email = Some(format!("{CANARY}@Example.com"));
    contact.phone = Some("+1 (555) 0100".to_owned());
    contact.external_id = Some(format!("{CANARY}-crm-{number}"));
    contact.first_name = Some(format!("{CANARY}-name"));
    contact
}

pub fn event(clock: &Clock, tenant: &TenantId, at: Timestamp) -> Event {
    Event {
        id: EventId::from_uuid(clock.fresh_uuid()),
        kind: EventType::Completed,
        timestamp: at,
        tenant: tenant.clone(),
        data: json!({"profile": {"email": format!("{CANARY}@example.com"), "userId": 12_345_678_901_234_567_890_u64}}),
    }
}

pub fn audit(clock: &Clock, at: Timestamp, detail: &str) -> AuditEntry {
    let id = AuditId::from_uuid(clock.fresh_uuid());
    let entry = AuditEntry::new(id, at, "system", AuditAction::LinkCreated, "al_1".to_owned());
    AuditEntry { detail: Some(detail.to_owned()), ..entry }
}
