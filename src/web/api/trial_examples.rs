//! The examples of test logins and discovery in the API's description.

use serde_json::{Value, json};

/// The name of a test.
pub const TEST: &str = "pt_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b";
const REDIRECT_URI: &str = "https://acme.example.com/idp/eu/oauth/callback";

/// A test that failed at the token endpoint.
pub fn test() -> Value {
    json!({
        "id": TEST,
        "provider": "acme",
        "revision": "6f1c0a0e7c1d4b7f9a3e5d2c8b6a4f1e6f1c0a0e7c1d4b7f9a3e5d2c8b6a4f1e",
        "state": "failed",
        "createdAt": "2026-11-22T09:30:00Z",
        "expiresAt": "2026-11-22T09:40:00Z",
        "steps": [
            {"step": "dns", "outcome": "ok", "ms": 12, "found": "addresses: id.acme.example: 2"},
            {"step": "tls", "outcome": "ok", "ms": 48, "found": "id.acme.example: trusted, certificate until 2027-03-01T00:00:00Z"},
            {"step": "discovery", "outcome": "skipped", "ms": 0, "found": "no `issuer` is set"},
            {"step": "jwks", "outcome": "skipped", "ms": 0, "found": "nothing that is signed is read"},
            {"step": "authorize", "outcome": "ok", "ms": 90, "found": "the sign-in page of `id.acme.example` takes the request"},
            {"step": "callback", "outcome": "ok", "ms": 0, "found": "the provider sent a code, on the right address"},
            {"step": "token", "outcome": "failed", "ms": 31, "code": "invalid_client",
             "sent": {"method": "POST", "url": "https://id.acme.example/token",
                      "headers": {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"},
                      "body": {"grant_type": "authorization_code", "code": "•••", "client_id": "acme", "client_secret": "•••"}},
             "received": {"status": 401, "contentType": "application/json", "body": {"error": "invalid_client"}},
             "cause": "the provider does not take our client id or secret (status 401, `invalid_client`)",
             "remedy": "write `client_auth = \"client_secret_basic\"`: so the same secret is taken"},
        ],
        "proposals": [
            {"setting": "clientAuth", "value": "client_secret_basic", "toml": "client_auth = \"client_secret_basic\"",
             "why": "sent so, the provider takes client id and secret"},
        ],
        "warnings": [],
        "redirectUris": redirect_uris(),
    })
}

/// What must be registered at a provider.
pub fn redirect_uris() -> Value {
    json!([
        {"uri": REDIRECT_URI, "callback": "eu", "required": true, "purpose": "links in every channel, and test logins"},
    ])
}

/// A provider as its issuer describes itself.
pub fn discovered() -> Value {
    json!({
        "issuer": "https://id.acme.example/",
        "settings": {"issuer": "https://id.acme.example/", "scope": "openid profile email"},
        "toml": "issuer = \"https://id.acme.example/\"\nscope = \"openid profile email\"\n",
        "announced": {"authorizationEndpoint": "https://id.acme.example/authorize", "tokenEndpoint": "https://id.acme.example/token",
            "userinfoEndpoint": "https://id.acme.example/userinfo", "jwksUri": "https://id.acme.example/jwks", "pushedAuthorizationRequestEndpoint": null,
            "clientAuth": ["client_secret_basic"], "pkce": ["S256"], "scopes": ["openid", "profile", "email"],
            "idTokenAlgs": ["RS256"], "userinfoAlgs": [], "callbackNamesIssuer": true, "mustBePushed": false},
        "presets": [],
        "tried": [{"issuer": "https://id.acme.example", "fault": "the metadata is of the issuer `https://id.acme.example/`; write exactly this, if it is the right one"}],
        "warnings": ["the issuer calls itself `https://id.acme.example/`, and must be written exactly so"],
    })
}
