//! A customer's message in a chat, handed on by the platform: it may hold a confirmation code.

use crate::domain::confirmation::TypedCode;
use crate::domain::conversation::{Channel, Handle};
use crate::domain::fault::Code;
use crate::domain::ids::{ConversationId, LinkId};
use crate::domain::link::LinkStatus;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

use super::Broker;
use super::confirm::ConfirmError;

/// A message as the platform passes it.
#[derive(Debug)]
pub struct InboundMessage {
    /// In which conversation.
    pub conversation: ConversationId,
    /// On which channel.
    pub channel: Channel,
    /// Who wrote it.
    pub from: Handle,
    /// What was written.
    pub text: String,
    /// The channel's name for the message, which stays the same when it is sent again; none if nobody knows it.
    pub name: Option<String>,
}

/// What the message was to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// An ordinary message.
    Nothing,
    /// The right code: the link is complete.
    Confirmed(LinkId),
    /// A code, but not the right one.
    Wrong {
        /// Which link waits.
        link: LinkId,
        /// How many more may be tried.
        attempts_left: u8,
    },
    /// A code for a sign-in that takes none any more.
    Spent(LinkId),
}

impl Broker {
    /// Looks for a confirmation code in a message. Only the person of the conversation is heard.
    pub async fn read_message(
        &self,
        tenant: &Tenant,
        message: &InboundMessage,
    ) -> Result<Reading, ConfirmError> {
        let Some(code) = TypedCode::find(&message.text) else { return Ok(Reading::Nothing) };
        let Some(link) = self.waiting_link(tenant, message).await? else { return Ok(Reading::Nothing) };
        match self.confirm_heard(tenant, &link, &code, message.name.as_deref()).await {
            Ok(_) => Ok(Reading::Confirmed(link)),
            Err(ConfirmError::Wrong { attempts_left }) => Ok(Reading::Wrong { link, attempts_left }),
            // Whoever is verified may well write six digits that are an order's number.
            Err(
                ConfirmError::Spent(LinkStatus::Completed)
                | ConfirmError::NothingWaits(_)
                | ConfirmError::Unknown,
            ) => Ok(Reading::Nothing),
            Err(ConfirmError::Spent(_)) => Ok(Reading::Spent(link)),
            Err(ConfirmError::NotRecorded(fault)) if fault.code != Code::StoreUnavailable => {
                Ok(Reading::Spent(link))
            }
            Err(error) => Err(error),
        }
    }

    /// The newest link of the message's conversation, if channel and writer are the right ones.
    async fn waiting_link(
        &self,
        tenant: &Tenant,
        message: &InboundMessage,
    ) -> Result<Option<LinkId>, StoreError> {
        let conversation = self.store.at(&tenant.id).conversation(&message.conversation).await?;
        Ok(conversation.and_then(|conversation| {
            let at = &conversation.value.at;
            let writer = at.handle.as_ref().is_none_or(|handle| handle.is_same(&message.from, at.channel));
            (at.channel == message.channel && writer).then(|| conversation.value.link.clone()).flatten()
        }))
    }
}
