//! A customer's app at our authorization endpoint: what it asks for, the customer on the way to the tenant's provider and
//! back, and the code that the app redeems.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::client::Scopes;
use super::ids::{ClientId, ContactId, FamilyId};
use super::request::AuthorizationRequest;

/// How long a code may be redeemed.
pub const CODE_LIFETIME: SignedDuration = SignedDuration::from_secs(60);
/// How long a code is remembered, so that one that comes twice is known.
pub const CODE_KEPT: SignedDuration = SignedDuration::from_mins(60);
/// How long a customer's way through the provider is remembered, from its beginning.
pub const VISIT_KEPT: SignedDuration = SignedDuration::from_mins(20);

/// What an app asks of a customer: checked against what its client has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRequest {
    /// The app's client.
    pub client: ClientId,
    /// Where it is answered, byte for byte as it asked.
    pub redirect_uri: String,
    /// What it asks for.
    pub scopes: Scopes,
    /// What it gets back with the answer.
    pub state: Option<String>,
    /// What the id_token repeats.
    pub nonce: Option<String>,
    /// PKCE's challenge, always by S256 (RFC 7636).
    pub code_challenge: Option<String>,
}

/// A customer who went to the provider for an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppVisit {
    /// What is pinned, as in a customer's login; its link is none of ours.
    pub request: AuthorizationRequest,
    /// What the app asked for, and the customer agreed to.
    pub app: AppRequest,
}

/// A code that an app redeems once for tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AppCode {
    /// What the customer agreed to; the same client must redeem it.
    pub app: AppRequest,
    /// Who signed in.
    pub contact: ContactId,
    /// When.
    pub signed_in_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// The tokens that it gave; one that comes again ends these.
    pub gave: Option<FamilyId>,
}

impl AppCode {
    /// Whether it may still be redeemed.
    pub fn is_good_at(&self, now: Timestamp) -> bool {
        self.gave.is_none() && now < self.created_at + CODE_LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_a_minute_and_once() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let app = AppRequest {
            client: "app".parse().unwrap(),
            redirect_uri: "https://yourapp.com/callback".to_owned(),
            scopes: Scopes::default(),
            state: None,
            nonce: None,
            code_challenge: None,
        };
        let contact = ContactId::from_uuid(uuid::Uuid::from_u128(1));
        let mut code = AppCode { app, contact, signed_in_at: now, created_at: now, gave: None };
        assert!(code.is_good_at(now) && !code.is_good_at(now + CODE_LIFETIME));
        code.gave = Some(FamilyId::from_uuid(uuid::Uuid::from_u128(2)));
        assert!(!code.is_good_at(now));
    }
}
