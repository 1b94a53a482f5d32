//! What a channel posts to us, or the platform hands on as it came: who sent it, and what is in it. Nothing
//! of a body is read before its sender is known.

use crate::channel::apple::gateway::Account;
use crate::channel::apple::large_reply::LargeReply;
use crate::channel::apple::reply::{self, Content, Inbound, ReplyFault};
use crate::channel::signature;
use crate::channel::texts::{self, Told, Written};
use crate::domain::accounts::{AppleBusiness, MetaAccount};
use crate::domain::ask::AskStage;
use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, Handle};
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::confirm::ConfirmError;
use crate::flow::inbound::{InboundMessage, Reading};
use crate::secret::Secret;
use crate::store::StoreError;

pub use crate::channel::signature::apple::is_apples;

/// The most bytes of a body of Apple's when it is unpacked. What is larger comes as a reference.
const UNPACKED: usize = 1024 * 1024;
/// What every gzip begins with (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Who knocks with a webhook, as far as that is known before its body.
#[derive(Clone, Copy)]
pub struct Knock<'a> {
    /// Whose form it has.
    pub channel: Channel,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `X-Hub-Signature-256`.
    pub hub_signature: Option<&'a str>,
    /// Whether the platform handed it on, and has said who it is.
    pub is_handed_on: bool,
}

/// A webhook as it came.
#[derive(Clone, Copy)]
pub struct RawWebhook<'a> {
    /// Who sends it.
    pub knock: Knock<'a>,
    /// The body, byte by byte.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Knock<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Knock").field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RawWebhook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawWebhook").field("knock", &self.knock).finish_non_exhaustive()
    }
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
    /// Whether a body is worth reading: the tenant has an account at the channel, and the sender shows what can be judged
    /// without one.
    pub fn hear_knock(&self, tenant: &Tenant, knock: &Knock<'_>) -> Result<(), RawError> {
        match knock.channel {
            Channel::Apple => {
                let account = tenant.accounts.apple.as_ref().ok_or(RawError::NoAccount)?;
                self.check_apples(account, knock)
            }
            channel => {
                tenant.accounts.meta(channel).ok_or(RawError::NoAccount)?;
                match signature::meta::read(knock.hub_signature) {
                    Err(_) if knock.is_handed_on => Ok(()),
                    Ok(_) => Ok(()),
                    Err(fault) if knock.hub_signature.is_none() => Err(RawError::Unsigned(fault.to_string())),
                    Err(fault) => Err(RawError::Forged(fault.to_string())),
                }
            }
        }
    }

    /// Reads a webhook and does what follows from it: what came of each of its messages, in their order.
    pub async fn take_webhook(
        &self,
        tenant: &Tenant,
        raw: &RawWebhook<'_>,
    ) -> Result<Vec<Reading>, RawError> {
        self.hear_knock(tenant, &raw.knock)?;
        match raw.knock.channel {
            Channel::Apple => {
                let account = tenant.accounts.apple.as_ref().ok_or(RawError::NoAccount)?;
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

    fn check_apples(&self, account: &AppleBusiness, knock: &Knock<'_>) -> Result<(), RawError> {
        if knock.is_handed_on {
            return Ok(());
        }
        let own = Account { platform_id: &account.platform_id, secret: &account.secret };
        let verified = signature::apple::verify(&own, knock.authorization, self.clock.now());
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
            Content::Large(large) => self.take_large(tenant, account, &inbound, large).await,
            Content::Text { text, id } => {
                let from = (Channel::Apple, &inbound.customer);
                self.take_text(tenant, from, text, id.as_deref()).await
            }
            Content::Closed | Content::Other => Ok(Reading::Nothing),
        }
    }

    /// A reply that must be fetched: only for somebody who may have one to write.
    async fn take_large(
        &self,
        tenant: &Tenant,
        account: &AppleBusiness,
        inbound: &Inbound,
        large: &LargeReply,
    ) -> Result<Reading, RawError> {
        if !self.awaits_reply(tenant, &inbound.customer).await? {
            return Ok(Reading::Nothing);
        }
        match self.fetch_large(&tenant.id, account, large).await {
            Ok(Some(reply)) => Ok(self.take_reply(tenant, account, inbound, &reply).await?),
            Ok(None) => Ok(Reading::Nothing),
            Err(error) if error.passes => Err(RawError::NotFetched(error.to_string())),
            Err(error) => {
                // However often Apple sends it, it will be no other.
                let detail = error.to_string();
                tracing::warn!(tenant = %tenant.id, channel = "apple", detail, "inbound.ignored");
                Ok(Reading::Nothing)
            }
        }
    }

    /// Whether a sign-in message that was sent to this customer may still be answered.
    async fn awaits_reply(&self, tenant: &Tenant, customer: &Handle) -> Result<bool, StoreError> {
        let sent = self.store.at(&tenant.id).link_sent_to(Channel::Apple, customer).await?;
        let Some(link) = sent.map(|sent| sent.link.into_value().as_of(self.clock.now())) else {
            return Ok(false);
        };
        let ask = self.ask_of(tenant, &link).await?;
        Ok(!link.status().is_final() && ask.is_some_and(|ask| ask.stage != AskStage::Over))
    }

    async fn take_metas(
        &self,
        tenant: &Tenant,
        account: &MetaAccount,
        raw: &RawWebhook<'_>,
    ) -> Result<Vec<Reading>, RawError> {
        let channel = raw.knock.channel;
        let unread = || RawError::Malformed {
            pointer: "/object",
            detail: format!("is missing or not that of a webhook of `{channel}`"),
        };
        let (accounts, told) = texts::parse_webhook(channel, raw.body).ok_or_else(unread)?;
        // One app may have many pages, and Meta puts what concerns several of them into one webhook.
        if !accounts.is_empty() && !accounts.contains(&account.id) {
            return Err(RawError::Foreign);
        }
        let mut readings = Vec::new();
        for told in told.iter().filter(|told| told.account() == account.id) {
            readings.push(match told {
                Told::Written(Written { from, text, id, .. }) => {
                    self.take_text(tenant, (channel, from), text, id.as_deref()).await?
                }
                Told::Linked(linked) => self.take_linked(tenant, linked).await?,
            });
        }
        Ok(readings)
    }

    /// What a customer wrote may hold a confirmation code for the newest link that was sent there.
    async fn take_text(
        &self,
        tenant: &Tenant,
        (channel, from): (Channel, &Handle),
        text: &Secret,
        name: Option<&str>,
    ) -> Result<Reading, RawError> {
        if TypedCode::find(text.expose()).is_none() {
            return Ok(Reading::Nothing);
        }
        let sent = self.store.at(&tenant.id).link_sent_to(channel, from).await?;
        let Some(sent) = sent else { return Ok(Reading::Nothing) };
        let conversation = sent.link.value.conversation.id.clone();
        let (text, name) = (text.expose().to_owned(), name.map(str::to_owned));
        let message = InboundMessage { conversation, channel, from: from.clone(), text, name };
        self.read_message(tenant, &message).await.map_err(|error| match error {
            ConfirmError::Store(error) => error.into(),
            // Of a code only the store can be in the way.
            _ => StoreError::Conflict.into(),
        })
    }
}

/// Apple packs what it posts; a platform may have unpacked it.
fn read_apples(raw: &RawWebhook<'_>) -> Result<Inbound, RawError> {
    if raw.knock.is_handed_on && !raw.body.starts_with(&GZIP) {
        if raw.body.len() > UNPACKED {
            return Err(RawError::TooLarge);
        }
        return Ok(reply::parse(raw.body)?);
    }
    Ok(reply::parse(&reply::unzip(raw.body, UNPACKED)?)?)
}

fn check_metas(account: &MetaAccount, raw: &RawWebhook<'_>) -> Result<(), RawError> {
    if raw.knock.is_handed_on {
        return Ok(());
    }
    let verified = signature::meta::verify(&account.app_secret, raw.body, raw.knock.hub_signature);
    verified.map_err(|fault| RawError::Forged(fault.to_string()))
}
