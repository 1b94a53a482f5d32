//! Clients: bots and apps that get tokens from our token endpoint.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::ClientId;
use super::redirect_uri::RedirectUri;

/// An OAuth client of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its public name.
    pub client_id: ClientId,
    /// What customers read; else its public name.
    pub name: Option<String>,
    /// The argon2id hash of its secret, in PHC form; none for a client that has none.
    pub secret_hash: Option<String>,
    /// The secret before, while it may still be used.
    pub previous_secret: Option<PreviousSecret>,
    /// Its public keys as a JWK set (RFC 7517, 5), for `private_key_jwt`; such a client has no secret.
    pub keys: Option<String>,
    /// Which grants it may use.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    pub scopes: Scopes,
    /// Where it may be answered.
    pub redirect_uris: Vec<RedirectUri>,
    /// Whether its authorization requests may do without PKCE. Never those of a public client.
    pub pkce_optional: bool,
    /// From where it may come; empty means from anywhere.
    pub allow_from: Vec<IpNet>,
}

/// How apps become clients by themselves (RFC 7591).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The argon2id hash of the initial access token, in PHC form.
    pub token_hash: String,
    /// The most that such a client may ask for.
    pub scopes: Scopes,
}

/// An assertion that a client has shown: it is good once (RFC 7523, 3).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShownAssertion {
    /// When it would be good no longer.
    pub until: Timestamp,
}

/// When a client was here last.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ClientUse {
    /// To within a few minutes.
    pub at: Timestamp,
}

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its argon2id hash, in PHC form.
    pub hash: String,
    /// Until when it may be used.
    pub until: Timestamp,
}

impl Client {
    /// A client without secret, scopes and addresses, for `client_credentials`.
    pub fn named(client_id: ClientId) -> Self {
        Self {
            client_id,
            name: None,
            secret_hash: None,
            previous_secret: None,
            keys: None,
            grant_types: vec![GrantType::ClientCredentials],
            scopes: Scopes::default(),
            redirect_uris: Vec::new(),
            pkce_optional: false,
            allow_from: Vec::new(),
        }
    }

    /// Whether it can prove nothing: an app on a device or in a page (RFC 6749, 2.1).
    pub fn is_public(&self) -> bool {
        self.secret_hash.is_none() && self.keys.is_none()
    }

    /// Whether it may use a grant.
    pub fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether an authorization request of its needs PKCE.
    pub fn needs_pkce(&self) -> bool {
        self.is_public() || !self.pkce_optional
    }

    /// Whether it may come from this address.
    pub fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        self.allow_from.is_empty()
            || address.is_some_and(|address| self.allow_from.iter().any(|network| network.contains(&address)))
    }

    /// What customers read of it.
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(self.client_id.as_str())
    }
}

/// A way to get a token (RFC 6749, 4 and 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// The client acts for itself (RFC 6749, 4.4).
    ClientCredentials,
    /// A customer signed in (RFC 6749, 4.1).
    AuthorizationCode,
    /// A later access token for the same sign-in (RFC 6749, 6).
    RefreshToken,
}

impl GrantType {
    /// Every grant.
    pub const ALL: [Self; 3] = [Self::ClientCredentials, Self::AuthorizationCode, Self::RefreshToken];

    /// The word in requests and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// The scopes of OpenID Connect (Core, 5.4 and 11).
pub const CUSTOMER_SCOPES: [&str; 5] = ["openid", "profile", "email", "phone", "offline_access"];

/// A list of scopes in the order they were given, each once (RFC 6749, 3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads a space-separated list. Scopes are made of visible ASCII without `"` and `\`.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut scopes = Vec::new();
        for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
            let visible = scope.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'"' && b != b'\\');
            if !visible {
                return Err(ScopeError(scope.chars().take(80).collect()));
            }
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Ok(Self(scopes))
    }

    /// Whether `scope` is in the list, or `admin:all`, which means all scopes of the tenant.
    pub fn allow(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope || held == "admin:all")
    }

    /// Whether `scope` itself is in the list.
    pub fn has(&self, scope: &str) -> bool {
        self.iter().any(|held| held == scope)
    }

    /// Every scope, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether who holds this list may have every scope of `wanted`.
    pub fn contain_all(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|scope| self.gives(scope))
    }

    /// Whether who holds `held` may give this list to a client: what customers are asked for may always be given, since it
    /// opens nothing to a client that acts for itself. Whoever may do everything here also gives scopes that mean nothing
    /// here: to others they may mean much, so that nobody else hands out more of them than the own ones.
    pub fn may_be_given_by(&self, held: &Self) -> bool {
        self.iter().all(|scope| CUSTOMER_SCOPES.contains(&scope) || held.allow(scope))
    }

    /// The scopes of this list that who holds `held` may still have.
    #[must_use]
    pub fn kept_by(&self, held: &Self) -> Self {
        Self(self.0.iter().filter(|scope| held.gives(scope)).cloned().collect())
    }

    /// By name, or as a part of `admin:all`: whoever may do everything here may ask for less. What others may mean by
    /// a scope of their own is no part of it.
    fn gives(&self, scope: &str) -> bool {
        let is_ours = scope.starts_with("read:") || scope.starts_with("write:");
        self.0.iter().any(|held| held == scope || (is_ours && held == "admin:all"))
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl TryFrom<String> for Scopes {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

/// A scope with a character that RFC 6749, 3.3 forbids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope: use visible ASCII without quotes and backslashes")]
pub struct ScopeError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_keep_their_order_and_lose_doubles() {
        let scopes = Scopes::parse("read:contacts  write:auth_links read:contacts").unwrap();
        assert_eq!(scopes.to_string(), "read:contacts write:auth_links");
    }

    #[test]
    fn admin_all_allows_every_scope_of_ours_and_may_be_narrowed_to_any() {
        let admin = Scopes::parse("admin:all").unwrap();
        let narrow = Scopes::parse("write:contacts read:events").unwrap();
        assert!(admin.allow("write:contacts") && admin.contain_all(&narrow));
        assert_eq!(narrow.kept_by(&admin), narrow);
        assert!(!admin.contain_all(&Scopes::parse("openid").unwrap()), "others may mean something by it");
        assert!(!narrow.contain_all(&admin));
    }

    #[test]
    fn whoever_may_do_everything_gives_every_scope_and_everybody_else_the_own_ones() {
        let wanted = Scopes::parse("delete:principals read:contacts").unwrap();
        assert!(wanted.may_be_given_by(&Scopes::parse("admin:all").unwrap()));
        assert!(wanted.may_be_given_by(&Scopes::parse("read:contacts delete:principals x").unwrap()));
        for held in ["read:contacts", "read:contacts write:clients", "delete:principals", ""] {
            assert!(!wanted.may_be_given_by(&Scopes::parse(held).unwrap()), "{held}");
        }
        assert!(Scopes::parse("openid offline_access").unwrap().may_be_given_by(&Scopes::default()));
    }

    #[test]
    fn only_scopes_that_are_still_held_are_kept() {
        let token = Scopes::parse("a b c").unwrap();
        let held = Scopes::parse("c x a").unwrap();
        assert_eq!(token.kept_by(&held).to_string(), "a c");
        assert!(token.kept_by(&Scopes::default()).is_empty());
    }

    #[test]
    fn a_quote_in_a_scope_is_refused() {
        assert!(Scopes::parse("read:\"x\"").is_err());
        assert!(Scopes::parse("lire:é").is_err());
    }
}
