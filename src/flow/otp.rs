//! One-time codes that are sent to an address: made, and compared. Whoever asks learns nothing of the address: for
//! one that nobody has, the same is written, the same is answered, and no code is right.
//!
//! How a code is sent, and what it opens, is for the flow that asks for it.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::confirmation::TypedCode;
use crate::domain::ids::{OtpId, TenantId};
use crate::domain::otp::{Asker, OTP_LIFETIME, Otp, OtpOver, OtpPurpose};
use crate::secret::Secret;
use crate::store::{Durability, StoreError, TenantStore, Tx};

use super::{Broker, RACES};

/// What the keyed hash of a code is for.
const HASHED: &str = "otp-code";

/// A code that is wanted.
#[derive(Debug)]
pub struct OtpOrder<'a> {
    /// What it opens.
    pub purpose: OtpPurpose,
    /// Where it is sent, in normal form.
    pub address: &'a str,
    /// Who asks.
    pub asker: Asker,
    /// Whether anybody has this address; if not, no code will be right.
    pub known: bool,
    /// What the flow wants to know again when the code comes.
    pub memo: &'a str,
}

/// A code that was made, to be sent.
#[derive(Debug)]
pub struct OtpMade {
    /// What whoever asked must show with the code.
    pub ticket: Secret,
    /// Its name.
    pub id: OtpId,
    /// The six digits.
    pub digits: Secret,
}

/// Why no code was made.
#[derive(Debug, thiserror::Error)]
pub enum OtpError {
    /// Enough codes were sent to this address.
    #[error("enough codes were sent to this address")]
    TooMany {
        /// After how long there may be one more.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a code opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum OtpRefused {
    /// No code was sent for this ticket.
    #[error("there is no such code")]
    Unknown,
    /// It is too old or spent, and was not compared.
    #[error(transparent)]
    Over(#[from] OtpOver),
    /// It is another one.
    #[error("the code is wrong")]
    Wrong {
        /// How many more may be tried.
        left: u8,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Makes a code, if its address may have one more.
    pub async fn make_otp(&self, tenant: &TenantId, order: &OtpOrder<'_>) -> Result<OtpMade, OtpError> {
        let store = self.store.at(tenant);
        let counted = order.asker.counted(order.address);
        for _ in 0..RACES {
            let now = self.clock.now();
            let known = store.otp_sent(order.purpose, &counted).await?;
            let before = known.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let sent = before.one_more(now).map_err(too_many)?;
            let (otp, digits, ticket) = self.fresh_otp(&store, order, now);
            let mut tx = Tx::new();
            tx.put_otp_sent(known.as_ref(), (order.purpose, &counted), &sent);
            tx.create_otp(ticket.expose(), &otp);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return Ok(OtpMade { ticket, id: otp.id, digits });
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Compares a code with the one that was sent for this ticket, and spends that if they are the same. What was typed is
    /// counted before it is looked at, so that of many at once no more are compared than may be.
    pub async fn use_otp(
        &self,
        tenant: &TenantId,
        (purpose, ticket): (OtpPurpose, &Secret),
        typed: &str,
    ) -> Result<Otp, OtpRefused> {
        let store = self.store.at(tenant);
        let counted = self.count_otp_guess(&store, purpose, ticket).await?;
        metrics::counter!("countersign_otp_guesses_total").increment(1);
        let digits = TypedCode::parse(typed);
        let bound = counted.bound(digits.as_ref().map_or("", TypedCode::digits));
        if !store.is_hash(HASHED, &bound, &counted.code_hash) {
            return Err(OtpRefused::Wrong { left: counted.guesses_left() });
        }
        for _ in 0..RACES {
            let stored = store.otp(ticket.expose()).await?.ok_or(OtpRefused::Unknown)?;
            let spent = stored.value.clone().spend(self.clock.now())?;
            let mut tx = Tx::new();
            tx.update_otp(&stored, &spent);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return Ok(spent);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn count_otp_guess(
        &self,
        store: &TenantStore,
        purpose: OtpPurpose,
        ticket: &Secret,
    ) -> Result<Otp, OtpRefused> {
        for _ in 0..RACES {
            let stored = store.otp(ticket.expose()).await?;
            let stored =
                stored.filter(|stored| stored.value.purpose == purpose).ok_or(OtpRefused::Unknown)?;
            let counted = stored.value.clone().guess(self.clock.now())?;
            let mut tx = Tx::new();
            tx.update_otp(&stored, &counted);
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => {
                    done?;
                    return Ok(counted);
                }
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// A code for nobody is hashed as well, and then forgotten: what is kept of it is the hash of something else.
    fn fresh_otp(&self, store: &TenantStore, order: &OtpOrder<'_>, now: Timestamp) -> (Otp, Secret, Secret) {
        let digits = Secret::new(format!("{:06}", self.clock.below(1_000_000)));
        let mut otp = Otp {
            id: OtpId::from_uuid(self.clock.fresh_uuid()),
            purpose: order.purpose,
            address: order.address.to_owned(),
            code_hash: String::new(),
            memo: order.memo.to_owned(),
            created_at: now,
            expires_at: now + OTP_LIFETIME,
            guesses: 0,
            used_at: None,
        };
        let nobodys = self.clock.fresh_token();
        let hashed = if order.known { &digits } else { &nobodys };
        otp.code_hash = store.hash(HASHED, &otp.bound(hashed.expose()));
        (otp, digits, self.clock.fresh_token())
    }
}

fn too_many(wait: jiff::SignedDuration) -> OtpError {
    OtpError::TooMany { retry_after: Duration::try_from(wait).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::otp::OtpSent;

    #[test]
    fn a_refusal_says_how_long_to_wait() {
        let OtpError::TooMany { retry_after } = too_many(jiff::SignedDuration::from_mins(3)) else {
            panic!()
        };
        assert_eq!(retry_after, Duration::from_mins(3));
        assert!(OtpSent::default().until().is_none());
    }
}
