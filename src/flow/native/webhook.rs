//! What a channel posts to us, or the platform hands on as it came: who sent it, and what is in it. Nothing
//! of a body is read before its sender is known.

use serde_json::Value;

use crate::channel::apple::gateway::Account;
use crate::channel::apple::reply::{self, Content, Inbound, ReplyFault};
use crate::channel::{linking, signature, texts};
use crate::domain::accounts::{AppleBusiness, MetaAccount};
use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, Handle};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::confirm::ConfirmError;
use crate::flow::inbound::{InboundMessage, Reading};
use crate::secret::Secret;
use crate::store::StoreError;

use super::settle::SettleError;

/// The most bytes of a body of Apple's when it is unpacked. What is larger comes as a reference.
const UNPACKED: usize = 1024 * 1024;
/// What every gzip begins with (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A webhook as it came.
#[derive(Debug)]
pub struct RawWebhook<'a> {
    /// Whose form it has.
    pub channel: Channel,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `X-Hub-Signature-256`.
    pub hub_signature: Option<&'a str>,
    /// Whether the platform handed it on, and has said who it is.
    pub is_handed_on: bool,
    /// The body, byte by byte.
    pub body: &'a [u8],
}

/// Why a webhook is not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The tenant has no account at this channel, or the channel has no webhooks.
    #[error("the tenant has no account at this channel; set it up in `[channel]`")]
    NoAccount,
    /// It is not signed at all.
    #[error("{0}")]
    Unsigned(String),
    /// It is not signed by the channel, not for us, or not now.
    #[error("{0}")]
    Forged(String),
    /// It is of another account than the tenant's.
    #[error("the webhook is of another account than the tenant's")]
    Foreign,
    /// It cannot be read.
    #[error("{detail}")]
    Malformed {
        /// A JSON pointer to the place, empty for the whole.
        pointer: &'static str,
        /// What is wrong there.
        detail: String,
    },
    /// It is too large when it is unpacked.
    #[error("the body is too large when it is unpacked")]
    TooLarge,
    /// What it points at cannot be had now: whoever sent it may send it again.
    #[error("{0}")]
    NotFetched(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SettleError> for RawError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => error.into(),
            SettleError::NotRecorded(fault) => {
                Self::Malformed { pointer: "", detail: format!("the sign-in was not recorded: {fault}") }
            }
        }
    }
}

impl From<ReplyFault> for RawError {
    fn from(fault: ReplyFault) -> Self {
        match fault {
            ReplyFault::TooLarge(_) => Self::TooLarge,
            ReplyFault::Field { pointer, problem } => Self::Malformed { pointer, detail: problem.to_owned() },
            fault => Self::Malformed { pointer: "", detail: fault.to_string() },
        }
    }
}

impl Broker {
    /// Reads a webhook and does what follows from it: what came of each of its messages, in their order.
    pub async fn take_webhook(
        &self,
        tenant: &Tenant,
        raw: &RawWebhook<'_>,
    ) -> Result<Vec<Reading>, RawError> {
        match raw.channel {
            Channel::Apple => {
                let account = tenant.accounts.apple.as_ref().ok_or(RawError::NoAccount)?;
                self.check_apples(account, raw)?;
                self.take_apples(tenant, account, raw).await.map(|reading| vec![reading])
            }
            channel => {
                let account = tenant.accounts.meta(channel).ok_or(RawError::NoAccount)?;
                check_metas(account, raw)?;
                self.take_metas(tenant, account, raw).await
            }
        }
    }

    /// What Meta's question at a new address is answered with; none if it does not know the tenant's word.
    pub fn answer_challenge(&self, tenant: &Tenant, channel: Channel, query: &str) -> Option<String> {
        let account = tenant.accounts.meta(channel)?;
        signature::meta::answer_challenge(account.verify_token.as_ref()?, query)
    }

    fn check_apples(&self, account: &AppleBusiness, raw: &RawWebhook<'_>) -> Result<(), RawError> {
        if raw.is_handed_on {
            return Ok(());
        }
        let own = Account { platform_id: &account.platform_id, secret: &account.secret };
        let verified = signature::apple::verify(&own, raw.authorization, self.clock.now());
        verified.map_err(|fault| match fault {
            signature::apple::AppleFault::Missing => RawError::Unsigned(fault.to_string()),
            fault => RawError::Forged(fault.to_string()),
        })
    }

    async fn take_apples(
        &self,
        tenant: &Tenant,
        account: &AppleBusiness,
        raw: &RawWebhook<'_>,
    ) -> Result<Reading, RawError> {
        let inbound = read_apples(raw)?;
        if inbound.business != account.business_id {
            return Err(RawError::Foreign);
        }
        match &inbound.content {
            Content::Reply(reply) => Ok(self.take_reply(tenant, account, &inbound, reply).await?),
            Content::Large(large) => match self.fetch_large(&tenant.id, account, large).await {
                Ok(Some(reply)) => Ok(self.take_reply(tenant, account, &inbound, &reply).await?),
                Ok(None) => Ok(Reading::Nothing),
                Err(error) => Err(RawError::NotFetched(error.to_string())),
            },
            Content::Text(text) => self.take_text(tenant, Channel::Apple, &inbound.customer, text).await,
            Content::Closed | Content::Other => Ok(Reading::Nothing),
        }
    }

    async fn take_metas(
        &self,
        tenant: &Tenant,
        account: &MetaAccount,
        raw: &RawWebhook<'_>,
    ) -> Result<Vec<Reading>, RawError> {
        let unread = || RawError::Malformed {
            pointer: "/object",
            detail: format!("is missing or not that of a webhook of `{}`", raw.channel),
        };
        let (accounts, written) = texts::parse_webhook(raw.channel, raw.body).ok_or_else(unread)?;
        if accounts.iter().any(|named| *named != account.id) {
            return Err(RawError::Foreign);
        }
        let mut readings = Vec::new();
        for written in written.iter().filter(|written| written.account == account.id) {
            readings.push(self.take_text(tenant, raw.channel, &written.from, &written.text).await?);
        }
        if raw.channel == Channel::Messenger {
            let linked = linking::parse_webhook(raw.body).unwrap_or_default();
            for linked in linked.iter().filter(|linked| linked.page == account.id) {
                readings.push(self.take_linked(tenant, linked).await?);
            }
        }
        Ok(readings)
    }

    /// What a customer wrote may hold a confirmation code for the newest link that was sent there.
    async fn take_text(
        &self,
        tenant: &Tenant,
        channel: Channel,
        from: &Handle,
        text: &Secret,
    ) -> Result<Reading, RawError> {
        if TypedCode::find(text.expose()).is_none() {
            return Ok(Reading::Nothing);
        }
        let sent = self.store.at(&tenant.id).link_sent_to(channel, from).await?;
        let Some(link) = sent else { return Ok(Reading::Nothing) };
        let conversation = link.value.conversation.id.clone();
        let message =
            InboundMessage { conversation, channel, from: from.clone(), text: text.expose().to_owned() };
        self.read_message(tenant, &message).await.map_err(|error| match error {
            ConfirmError::Store(error) => error.into(),
            // Of a code only the store can be in the way.
            _ => StoreError::Conflict.into(),
        })
    }
}

/// Apple packs what it posts; a platform may have unpacked it.
fn read_apples(raw: &RawWebhook<'_>) -> Result<Inbound, RawError> {
    if raw.is_handed_on && !raw.body.starts_with(&GZIP) {
        if raw.body.len() > UNPACKED {
            return Err(RawError::TooLarge);
        }
        return Ok(reply::parse(raw.body)?);
    }
    Ok(reply::parse(&reply::unzip(raw.body, UNPACKED)?)?)
}

fn check_metas(account: &MetaAccount, raw: &RawWebhook<'_>) -> Result<(), RawError> {
    if raw.is_handed_on {
        return Ok(());
    }
    if raw.hub_signature.is_none() {
        return Err(RawError::Unsigned(signature::meta::MetaFault::Form.to_string()));
    }
    let verified = signature::meta::verify(&account.app_secret, raw.body, raw.hub_signature);
    verified.map_err(|fault| RawError::Forged(fault.to_string()))
}

/// Whether a token in `Authorization` is one of Apple's, and not one of ours: they have different algorithms. Neither is
/// believed for that.
pub fn is_apples(authorization: &str) -> bool {
    use base64::Engine as _;
    let token = authorization.split_whitespace().nth(1).unwrap_or_default();
    let header = token.split('.').next().unwrap_or_default();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).ok();
    let header = header.and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    header.is_some_and(|header| header["alg"] == "HS256")
}
