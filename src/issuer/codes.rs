//! Authorization codes (RFC 6749, 4.1): given for a customer who signed in, redeemed once by the client that asked for
//! them. A code that comes twice ends what it gave (RFC 6749, 4.1.2).

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::domain::app::{AppCode, AppRequest, SignInTimes};
use crate::domain::client::{Client, GrantType};
use crate::domain::family::TokenSource;
use crate::domain::ids::ContactId;
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::{Durability, StoreError, Stored, Tx};

use super::Issuer;
use super::families::{CustomerGrant, CustomerTokens, RefreshError};

/// What every code begins with.
const MARK: &str = "ac_";
/// How often a step that lost a race reads again.
const RACES: usize = 24;

/// What a client shows with a code.
#[derive(Debug, Clone)]
pub struct Redemption {
    /// The code.
    pub code: Secret,
    /// Where it came.
    pub redirect_uri: Option<String>,
    /// PKCE's secret.
    pub code_verifier: Option<Secret>,
}

impl Issuer {
    /// A code for an app whose customer signed in.
    pub async fn give_code(
        &self,
        tenant: &Tenant,
        app: &AppRequest,
        (contact, times): (&ContactId, SignInTimes),
    ) -> Result<Secret, StoreError> {
        let code = Secret::new(format!("{MARK}{}", self.clock.fresh_token().expose()));
        let record = AppCode {
            app: app.clone(),
            contact: contact.clone(),
            signed_in_at: times.here,
            authenticated_at: times.authenticated,
            created_at: self.clock.now(),
            gave: None,
        };
        let mut tx = Tx::new();
        tx.create_app_code(code.expose(), &record);
        self.store.at(&tenant.id).commit(tx, Durability::Durable).await?;
        Ok(code)
    }

    /// The tokens for a code. Every refusal looks alike (`invalid_grant`); the log has the reason.
    pub(super) async fn redeem(
        &self,
        tenant: &Tenant,
        client: &Client,
        shown: &Redemption,
    ) -> Result<CustomerTokens, RefreshError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let stored = store.app_code(shown.code.expose()).await?.ok_or(RefreshError::Refused)?;
            self.check_code(tenant, client, &stored, shown).await?;
            let record = &stored.value;
            let contact = store.contact_or_survivor(&record.contact).await?.ok_or(RefreshError::Refused)?;
            let scopes = record.app.scopes.kept_by(&client.scopes);
            let grant = CustomerGrant {
                contact: &contact,
                client: client.client_id.clone(),
                source: TokenSource::OAuth,
                scopes,
                signed_in_at: record.signed_in_at,
                authenticated_at: record.authenticated_at,
                renews: client.may(GrantType::RefreshToken),
                nonce: record.app.nonce.clone(),
            };
            let begun = self.begin(&grant);
            let mut tx = Tx::new();
            let redeemed = AppCode { gave: Some(begun.family.id.clone()), ..record.clone() };
            tx.update_app_code(&stored, &redeemed);
            self.add_family(&store, &mut tx, &begun.family).await?;
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return self.tokens_of(tenant, &store, &grant, begun).await;
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Whether this client may redeem this code, in this way, now.
    async fn check_code(
        &self,
        tenant: &Tenant,
        client: &Client,
        stored: &Stored<AppCode>,
        shown: &Redemption,
    ) -> Result<(), RefreshError> {
        let app = &stored.value.app;
        let refused = |why: &'static str| {
            tracing::info!(tenant = %tenant.id, client = client.client_id.as_str(), why, "code.refused");
            RefreshError::Refused
        };
        if app.client != client.client_id {
            return Err(refused("another_client"));
        }
        if let Some(family) = &stored.value.gave {
            self.end_family(tenant, family).await?;
            return Err(refused("used_twice"));
        }
        if !stored.value.is_good_at(self.clock.now()) {
            return Err(refused("too_old"));
        }
        if shown.redirect_uri.as_deref() != Some(app.redirect_uri.as_str()) {
            return Err(refused("another_redirect_uri"));
        }
        match (&app.code_challenge, &shown.code_verifier) {
            (Some(challenge), Some(verifier)) if proves(verifier, challenge) => Ok(()),
            (Some(_), _) => Err(refused("verifier")),
            // The app meant to use PKCE, and somebody took the challenge out on the way (RFC 9700, 4.8.2).
            (None, Some(_)) => Err(refused("downgrade")),
            (None, None) if client.needs_pkce() => Err(refused("downgrade")),
            (None, None) => Ok(()),
        }
    }
}

/// Whether a verifier is the one of a challenge (RFC 7636, 4.6).
fn proves(verifier: &Secret, challenge: &str) -> bool {
    let text = verifier.expose();
    let is_verifier = (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    is_verifier && bool::from(hash.as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_of_rfc_7636_proves_its_challenge_and_no_other() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(proves(&Secret::new(verifier), challenge));
        for wrong in ["", "short", challenge, &verifier[1..], &format!("{verifier}x"), &"é".repeat(43)] {
            assert!(!proves(&Secret::new(wrong), challenge), "{wrong}");
        }
    }
}
