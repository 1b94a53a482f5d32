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
    /// How the customer must sign in.
    #[serde(default, skip_serializing_if = "Demand::is_none")]
    pub demand: Demand,
}

/// What an app asks of the sign-in itself (OpenID Connect Core, 3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// How long ago the customer may have signed in at the provider, in seconds (`max_age`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// Whether the customer must sign in anew (`prompt=login`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
    /// Whether the customer must be able to choose among accounts (`prompt=select_account`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub select_account: bool,
}

impl Demand {
    /// Whether nothing is asked.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it matters how long ago the customer signed in: only a provider that can be asked, and an emailed code,
    /// will do.
    pub fn is_of_time(&self) -> bool {
        self.login || self.max_age.is_some()
    }

    /// How long ago the customer may have signed in at the provider, in seconds. A sign-in anew is one of no age: the word
    /// alone binds nobody to say when it was (OpenID Connect Core, 2, `auth_time`), and a customer can strip it.
    pub fn oldest(&self) -> Option<u32> {
        if self.login { Some(0) } else { self.max_age }
    }

    /// The words of `prompt` that a provider is told.
    pub fn prompts(&self) -> impl Iterator<Item = &'static str> {
        let words = [(self.login, "login"), (self.select_account, "select_account")];
        words.into_iter().filter_map(|(asked, word)| asked.then_some(word))
    }
}

/// When a customer signed in to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInTimes {
    /// When that was here.
    pub here: Timestamp,
    /// When the customer proved who it is, if that is known: by an emailed code just now, at a provider perhaps long ago.
    pub authenticated: Option<Timestamp>,
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
    /// When the customer proved who it is, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authenticated_at: Option<Timestamp>,
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
            demand: Demand::default(),
        };
        let contact = ContactId::from_uuid(uuid::Uuid::from_u128(1));
        let mut code =
            AppCode { app, contact, signed_in_at: now, authenticated_at: None, created_at: now, gave: None };
        assert!(code.is_good_at(now) && !code.is_good_at(now + CODE_LIFETIME));
        code.gave = Some(FamilyId::from_uuid(uuid::Uuid::from_u128(2)));
        assert!(!code.is_good_at(now));
    }

    #[test]
    fn what_is_asked_of_a_sign_in_is_told_to_the_provider_in_its_words() {
        let none = Demand::default();
        assert!(none.is_none() && !none.is_of_time() && none.prompts().next().is_none());
        let both = Demand { login: true, select_account: true, max_age: None };
        assert_eq!(both.prompts().collect::<Vec<_>>(), ["login", "select_account"]);
        assert!(both.is_of_time() && !both.is_none());
        let choice = Demand { select_account: true, ..none };
        assert!(!choice.is_of_time(), "that can be asked of everybody, and be proved by nobody");
        assert!(Demand { max_age: Some(0), ..none }.is_of_time());
        let oldest = [none, choice, Demand { max_age: Some(9), ..none }, Demand { max_age: Some(9), ..both }];
        assert_eq!(oldest.map(|demand| demand.oldest()), [None, None, Some(9), Some(0)]);
    }
}
