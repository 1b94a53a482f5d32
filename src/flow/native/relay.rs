//! Apple's phone redeems a code at our token endpoint (older flow). What it gets is a relay token, good for nothing but
//! to come back encrypted in its reply: neither the provider's code nor its token nor our secret reaches a phone.

use serde_json::Value;

use crate::channel::apple::relay::{build_token, parse_redeeming};
use crate::domain::ask::Native;
use crate::domain::request::Phase;
use crate::domain::tenant::Tenant;
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Tx};

use super::back::RELAY;

/// How long the phone may think that its token lives: as long as its reply is waited for.
const SECONDS: u32 = 60;

/// Why a code is not redeemed (RFC 6749, 5.2).
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// It is not what a phone posts.
    #[error("invalid_request")]
    Request,
    /// Another client than the one in Apple's register.
    #[error("invalid_client")]
    Client,
    /// The code is not ours, too old, or was redeemed before.
    #[error("invalid_grant")]
    Grant,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Gives a relay token for a relay code, once.
    pub async fn redeem_relay(&self, tenant: &Tenant, query: &str, form: &str) -> Result<Value, RedeemError> {
        let account = tenant.accounts.apple.as_ref().ok_or(RedeemError::Client)?;
        let redeeming = parse_redeeming(query, form).map_err(|_| RedeemError::Request)?;
        if redeeming.client_id != account.client_id {
            return Err(RedeemError::Client);
        }
        let store = self.store.at(&tenant.id);
        let key = store.open_text(RELAY, redeeming.code.expose()).ok_or(RedeemError::Grant)?;
        for _ in 0..RACES {
            let request = store.request(&key).await?.ok_or(RedeemError::Grant)?;
            let waits = matches!(request.value.phase_at(self.clock.now()), Phase::Provisional(_));
            let Some(Native::Relay { ask, token: None }) = request.value.native.clone().filter(|_| waits)
            else {
                return Err(RedeemError::Grant);
            };
            let token = self.clock.fresh_token();
            let mut redeemed = request.value.clone();
            redeemed.native = Some(Native::Relay { ask, token: Some(token.clone()) });
            let mut tx = Tx::new();
            tx.update_request(&request, &redeemed);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| build_token(&token, SECONDS))?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}
