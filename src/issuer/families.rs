//! Token families: begun at a sign-in, carried on by their refresh token, ended by whoever revokes them, and by a
//! refresh token that comes back too late (RFC 9700, 4.14.2).
//!
//! A refresh token is `rt_`, the family's id and 256 bits. Kept are keyed hashes only. The next one is made of the one
//! that is shown, a fresh salt and the family's key: so whoever asks again within the join window gets the same one,
//! though it stands nowhere, and on whichever broker that is.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use crate::domain::client::Scopes;
use crate::domain::contact::Contact;
use crate::domain::family::{Family, Standing, TokenSource};
use crate::domain::ids::{ClientId, ContactId, FamilyId};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

use super::Issuer;
use super::customers::{Bearing, Pair};
use super::tokens::MintError;

/// What every refresh token begins with.
pub const MARK: &str = "rt_";
/// The length of what follows the family's id.
const SECRET: usize = 43;
/// The most sign-ins of a contact that are alive at once; with a further one the oldest ends.
const MOST: usize = 50;
/// How often a step that lost a race reads again.
const RACES: usize = 24;

/// A sign-in for which there shall be tokens.
#[derive(Debug, Clone)]
pub struct CustomerGrant<'a> {
    /// Who signed in.
    pub contact: &'a Contact,
    /// For which client; of the SDK its publishable key.
    pub client: ClientId,
    /// How.
    pub source: TokenSource,
    /// What the customer agreed to.
    pub scopes: Scopes,
    /// When the customer signed in.
    pub signed_in_at: Timestamp,
    /// When the customer proved who it is, if that is known: the claim `auth_time`.
    pub authenticated_at: Option<Timestamp>,
    /// Whether there shall be a refresh token.
    pub renews: bool,
    /// What the id_token shall repeat (OpenID Connect Core, 3.1.2.1).
    pub nonce: Option<String>,
}

/// What a sign-in, or a refresh, gives.
#[derive(Debug, Clone)]
pub struct CustomerTokens {
    /// The access token.
    pub access_token: Secret,
    /// For how many seconds it is good.
    pub expires_in: i64,
    /// What it allows.
    pub scope: Scopes,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// The refresh token that is good now.
    pub refresh_token: Option<Secret>,
    /// Where the customer agreed to `openid`.
    pub id_token: Option<Secret>,
    /// The sign-in that they belong to.
    pub family: FamilyId,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// No such refresh token, or not of this client, or too old, or its contact is gone.
    #[error("the refresh token is not good")]
    Refused,
    /// It was replaced before: somebody copied it. Its family is ended.
    #[error("the refresh token was used before; every token of its sign-in is revoked")]
    Reused,
    /// More is asked for than the customer agreed to.
    #[error("the customer did not agree to this scope")]
    Scope,
    /// The active key did not sign.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A family that begins, with its first refresh token.
pub(super) struct Begun {
    pub(super) family: Family,
    pub(super) refresh_token: Secret,
}

impl Issuer {
    /// The tokens of a sign-in: a new family.
    pub async fn mint(
        &self,
        tenant: &Tenant,
        grant: &CustomerGrant<'_>,
    ) -> Result<CustomerTokens, RefreshError> {
        let store = self.store.at(&tenant.id);
        let begun = self.begin(grant);
        let mut tx = Tx::new();
        self.add_family(&store, &mut tx, &begun.family).await?;
        store.commit(tx, Durability::Durable).await?;
        self.tokens_of(tenant, &store, grant, begun).await
    }

    /// A fresh access token for a refresh token, and the refresh token that takes its place. `client` is who asks; a token
    /// of another client's is none.
    pub async fn refresh(
        &self,
        tenant: &Tenant,
        (source, client): (TokenSource, &ClientId),
        shown: &Secret,
        asked: Option<Scopes>,
    ) -> Result<CustomerTokens, RefreshError> {
        let store = self.store.at(&tenant.id);
        let (id, secret) = parse(shown).ok_or(RefreshError::Refused)?;
        for _ in 0..RACES {
            let stored = store.family(&id).await?.ok_or(RefreshError::Refused)?;
            let (family, now) = (&stored.value, self.clock.now());
            if family.client != *client || family.source != source || now >= family.expires_at() {
                return Err(RefreshError::Refused);
            }
            let Some((renewed, refresh_token)) = self.renewed(family, secret, now) else {
                self.end(tenant, &store, &stored, "reused").await?;
                return Err(RefreshError::Reused);
            };
            let scopes = granted(tenant, family, asked.as_ref())?;
            let contact = store.contact_or_survivor(&family.contact).await?.ok_or(RefreshError::Refused)?;
            if let Some(renewed) = renewed {
                let mut tx = Tx::new();
                tx.update_family(&stored, &renewed);
                match store.commit(tx, Durability::Durable).await {
                    Err(StoreError::Conflict) => continue,
                    done => done?,
                }
            }
            let bearing = Bearing { family, contact: &contact, scopes: &scopes, nonce: None };
            let pair = self.sign_customer(tenant, &store, &bearing).await?;
            return Ok(answer(pair, scopes, Some(text_of(&id, &refresh_token)), id));
        }
        Err(StoreError::Conflict.into())
    }

    /// For which client and which contact a refresh token was made, if it names a sign-in of this kind. It is not looked at
    /// whether it is good: that is [`refresh`](Self::refresh).
    pub async fn sign_in_of(
        &self,
        tenant: &Tenant,
        source: TokenSource,
        shown: &Secret,
    ) -> Result<Option<(ClientId, ContactId)>, StoreError> {
        let Some((id, _)) = parse(shown) else { return Ok(None) };
        let family = self.store.at(&tenant.id).family(&id).await?;
        let family = family.map(Stored::into_value).filter(|family| family.source == source);
        Ok(family.map(|family| (family.client, family.contact)))
    }

    /// Ends the family of a refresh token, if it is one of this client's and was not forged (RFC 7009, 2.1). False if it
    /// is none.
    pub async fn revoke_family(
        &self,
        tenant: &Tenant,
        client: &ClientId,
        shown: &Secret,
    ) -> Result<bool, StoreError> {
        let store = self.store.at(&tenant.id);
        let Some((id, _)) = parse(shown) else { return Ok(false) };
        match store.family(&id).await? {
            Some(stored) if stored.client == *client => {
                self.end(tenant, &store, &stored, "revoked").await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Ends one sign-in: none of its tokens is good any more. It may have ended before.
    pub async fn end_family(&self, tenant: &Tenant, id: &FamilyId) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        match store.family(id).await? {
            Some(stored) => self.end(tenant, &store, &stored, "revoked").await,
            None => Ok(()),
        }
    }

    /// Ends every sign-in of a contact: the customer signs out everywhere.
    pub async fn revoke_all_of_contact(&self, tenant: &Tenant, contact: &Contact) -> Result<(), StoreError> {
        let store = self.store.at(&tenant.id);
        for id in contact.merged_from.iter().chain([&contact.id]) {
            loop {
                let (there, gone) = store.families_of(id).await?;
                if there.is_empty() && gone.is_empty() {
                    break;
                }
                let mut tx = Tx::new();
                for family in &there {
                    tx.delete_family(family);
                }
                for family in &gone {
                    tx.forget_family(id, family);
                }
                store.commit(tx, Durability::Durable).await?;
            }
        }
        tracing::info!(tenant = %tenant.id, contact = %contact.id, "tokens.revoked_everywhere");
        Ok(())
    }

    /// What a refresh token is, for whoever may know (RFC 7662): its family, if it is good now.
    pub(super) async fn family_of(
        &self,
        tenant: &Tenant,
        shown: &Secret,
    ) -> Result<Option<Family>, StoreError> {
        let Some((id, secret)) = parse(shown) else { return Ok(None) };
        let Some(stored) = self.store.at(&tenant.id).family(&id).await? else { return Ok(None) };
        let (family, now) = (stored.into_value(), self.clock.now());
        let hash = keyed(&family.key, &["held", secret]);
        let is_good = now < family.expires_at() && !matches!(family.standing(&hash, now), Standing::Reused);
        Ok(Some(family).filter(|_| is_good))
    }

    /// A family that begins now.
    pub(super) fn begin(&self, grant: &CustomerGrant<'_>) -> Begun {
        let (key, secret, now) = (self.clock.fresh_token(), self.clock.fresh_token(), self.clock.now());
        let family = Family {
            id: FamilyId::from_uuid(self.clock.fresh_uuid()),
            contact: grant.contact.id.clone(),
            client: grant.client.clone(),
            source: grant.source,
            scopes: grant.scopes.clone(),
            signed_in_at: grant.signed_in_at,
            authenticated_at: grant.authenticated_at,
            current: Secret::new(keyed(&key, &["held", secret.expose()])),
            key,
            former: None,
            renewed_at: now,
        };
        let refresh_token = text_of(&family.id, &secret);
        Begun { family, refresh_token }
    }

    /// Writes a new family into the batch. What is gone leaves the list; of too many the oldest end.
    pub(super) async fn add_family(
        &self,
        store: &TenantStore,
        tx: &mut Tx,
        family: &Family,
    ) -> Result<(), StoreError> {
        let (there, gone) = store.families_of(&family.contact).await?;
        for id in &gone {
            tx.forget_family(&family.contact, id);
        }
        let beyond = (there.len() + 1).saturating_sub(MOST);
        there.iter().take(beyond).for_each(|oldest| tx.delete_family(oldest));
        tx.create_family(family);
        Ok(())
    }

    /// The tokens of a family that was just written.
    pub(super) async fn tokens_of(
        &self,
        tenant: &Tenant,
        store: &TenantStore,
        grant: &CustomerGrant<'_>,
        begun: Begun,
    ) -> Result<CustomerTokens, RefreshError> {
        let Begun { family, refresh_token } = begun;
        let bearing = Bearing {
            family: &family,
            contact: grant.contact,
            scopes: &grant.scopes,
            nonce: grant.nonce.as_deref(),
        };
        let pair = self.sign_customer(tenant, store, &bearing).await?;
        let refresh_token = grant.renews.then_some(refresh_token);
        Ok(answer(pair, grant.scopes.clone(), refresh_token, family.id.clone()))
    }

    /// The family as it is after this refresh token, if that changes it, and the token that takes its place; none if it
    /// comes back too late.
    fn renewed(&self, family: &Family, secret: &str, now: Timestamp) -> Option<(Option<Family>, Secret)> {
        match family.standing(&keyed(&family.key, &["held", secret]), now) {
            Standing::Current => {
                let salt = self.clock.fresh_token();
                let next = next(&family.key, &salt, secret);
                let hash = Secret::new(keyed(&family.key, &["held", next.expose()]));
                Some((Some(family.clone().renew(hash, salt, now)), next))
            }
            Standing::JustReplaced(salt) => Some((None, next(&family.key, &salt, secret))),
            Standing::Reused => None,
        }
    }

    async fn end(
        &self,
        tenant: &Tenant,
        store: &TenantStore,
        family: &Stored<Family>,
        why: &'static str,
    ) -> Result<(), StoreError> {
        let mut tx = Tx::new();
        tx.delete_family(family);
        store.commit(tx, Durability::Durable).await?;
        let (id, contact, client) = (&family.id, &family.contact, family.client.as_str());
        tracing::info!(tenant = %tenant.id, family = %id, %contact, client, why, "tokens.revoked");
        Ok(())
    }
}

/// What a refresh allows: what the customer agreed to, or less, and nothing that the client has lost.
fn granted(tenant: &Tenant, family: &Family, asked: Option<&Scopes>) -> Result<Scopes, RefreshError> {
    let held = match family.source {
        TokenSource::Dom => family.scopes.clone(),
        TokenSource::OAuth => {
            let client = tenant.client(family.client.as_str()).ok_or(RefreshError::Refused)?;
            family.scopes.kept_by(&client.scopes)
        }
    };
    match asked {
        Some(asked) if asked.is_empty() => Ok(held),
        Some(asked) if family.scopes.contain_all(asked) => Ok(asked.kept_by(&held)),
        Some(_) => Err(RefreshError::Scope),
        None => Ok(held),
    }
}

fn answer(pair: Pair, scope: Scopes, refresh_token: Option<Secret>, family: FamilyId) -> CustomerTokens {
    CustomerTokens {
        access_token: pair.access.token,
        expires_in: pair.expires_in,
        scope,
        created_at: pair.access.issued_at,
        refresh_token,
        id_token: pair.id_token,
        family,
    }
}

/// `rt_`, the digits of the family's id, the secret.
fn text_of(id: &FamilyId, secret: &Secret) -> Secret {
    let digits = id.as_str().rsplit('_').next().unwrap_or_default();
    Secret::new(format!("{MARK}{digits}{}", secret.expose()))
}

/// The family that a refresh token names, and its secret.
fn parse(shown: &Secret) -> Option<(FamilyId, &str)> {
    let rest = shown.expose().strip_prefix(MARK)?;
    let (digits, secret) = rest.split_at_checked(32)?;
    let is_secret = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let whole = secret.len() == SECRET && secret.bytes().all(is_secret);
    let id = format!("tf_{digits}").parse().ok().filter(|_| whole)?;
    Some((id, secret))
}

fn next(key: &Secret, salt: &Secret, secret: &str) -> Secret {
    Secret::new(keyed(key, &["next", salt.expose(), secret]))
}

/// HMAC-SHA-256 of some texts without line breaks, in base64url (43 characters).
fn keyed(key: &Secret, parts: &[&str]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, parts.join("\n").as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_refresh_token_names_its_family_and_holds_a_secret() {
        let id = FamilyId::from_uuid(uuid::Uuid::from_u128(7));
        let secret = crate::clock::Clock::system().fresh_token();
        let text = text_of(&id, &secret);
        assert!(text.expose().starts_with("rt_0"));
        assert_eq!(parse(&text), Some((id, secret.expose())));
    }

    #[test]
    fn the_next_token_depends_on_key_salt_and_secret() {
        let of = |key: &str, salt: &str, secret: &str| {
            next(&Secret::new(key), &Secret::new(salt), secret).expose().to_owned()
        };
        let all = [of("k", "s", "t"), of("l", "s", "t"), of("k", "r", "t"), of("k", "s", "u")];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
        assert_eq!(of("k", "s", "t"), all[0]);
        assert_eq!(all[0].len(), SECRET);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(rt_)?\\PC{0,90}") {
            let _ = parse(&Secret::new(text));
        }
    }
}
