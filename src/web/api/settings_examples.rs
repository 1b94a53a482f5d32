//! The examples of settings in the API's description.

use serde_json::{Value, json};

const REVISION: &str = "9f0c6b1d2e3a4f5061728394a5b6c7d8e9f00112233445566778899aabbccdde";

/// What an admin writes.
pub fn provider_settings() -> Value {
    json!({
        "label": "Acme online banking",
        "clientId": "countersign",
        "clientSecret": "correct-horse-battery-staple",
        "scope": "read",
        "authorizeUrl": "https://login.acme.example/authorize",
        "tokenUrl": "https://login.acme.example/token",
        "whoamiUrl": "https://login.acme.example/whoami",
        "mapping": {"fullName": "user.name", "email": "user.email"},
        "subject": "user.id",
    })
}

/// The same as it is shown.
pub fn provider() -> Value {
    let mut settings = provider_settings();
    settings["id"] = json!("acme");
    settings["clientSecret"] = json!({"set": true, "changedAt": "2026-11-22T09:30:00Z"});
    json!({
        "id": "acme",
        "label": "Acme online banking",
        "state": "live",
        "source": "stored",
        "file": null,
        "version": 2,
        "revision": REVISION,
        "health": null,
        "live": {
            "settings": settings,
            "version": 1,
            "publishedAt": "2026-11-22T09:31:00Z",
            "publishedBy": "client:acme-admin",
            "tested": {
                "revision": REVISION,
                "at": "2026-11-22T09:30:40Z",
                "testId": super::trial_examples::TEST,
            },
        },
        "draft": null,
        "history": [],
        "redirectUris": super::trial_examples::redirect_uris(),
        "changedAt": "2026-11-22T09:31:00Z",
        "changedBy": "client:acme-admin",
    })
}

/// A tenant as the operator makes it.
pub fn tenant_settings() -> Value {
    json!({
        "name": "Acme Bank",
        "hosts": ["login.acme.example"],
        "binding": {"minimum": "code", "sms": "match"},
        "clients": [{
            "clientId": "acme-admin",
            "secretHash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "scopes": ["admin:all"],
        }],
    })
}

/// What its own admin may change.
pub fn own_settings() -> Value {
    json!({
        "name": "Acme Bank",
        "binding": {"minimum": "code"},
        "snippets": [{"id": "sign-in", "text": {"en": "Please sign in: {link}"}}],
    })
}

/// A saved wording.
pub fn snippet() -> Value {
    json!({
        "id": "sign-in",
        "tag": "/auth",
        "text": {"en": "Please sign in to {tenant} so we can help you: {link}"},
        "sms": {"text": {"en": "{tenant}: sign in {link}"}},
    })
}

/// Where events are sent.
pub fn webhook_settings() -> Value {
    json!({
        "url": "https://acme.example/events",
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "events": ["auth.*"],
        "description": "the case desk",
    })
}
