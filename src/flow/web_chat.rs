//! A web chat on a page of the tenant's own, which holds our element (`/embed/chat.js`): by what that page shows that a
//! card was sent to it, and how it is proved that the browser which signs in also holds the chat.
//!
//! The proof is the browser's own word. The chat's page sends a form with the card's token into the window of the
//! sign-in, and the browser names the page's origin with it, which no page can forge; a link that is forwarded is
//! loaded, not sent, and names none. `docs/decisions/2026-11-23-web-chat.md` has the attacks.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::binding::Binding;
use crate::domain::conversation::Channel;
use crate::domain::ids::LinkId;
use crate::domain::link::{Link, LinkStatus};
use crate::domain::tenant::Tenant;
use crate::secret::Secret;
use crate::store::StoreError;

use super::Broker;
use super::open_link::LoginCookie;
use super::waiting::{Wait, WaitError};

/// What the keyed hash in a token is for.
const TOKEN: &str = "chat-token";
/// What a pass is sealed for.
const PASS: &str = "chat-pass";
/// How long a browser may take from the chat to *Continue*.
const PASS_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What a browser holds that came from the page of a chat, sealed.
#[derive(Serialize, Deserialize)]
struct Pass {
    /// The link that was sent into that chat.
    link: LinkId,
    /// When it stops to work.
    until: Timestamp,
}

/// A browser that came from the page of a chat to a link.
#[derive(Debug)]
pub struct FromChat {
    /// The link.
    pub link: Link,
    /// What the browser must hold when *Continue* is pressed; none if the page is none of the tenant's.
    pub pass: Option<LoginCookie>,
}

/// Why the page of a chat is told nothing.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The token is none of ours, or its link is gone.
    #[error("no chat has this token")]
    Unknown,
    /// Too many listen already.
    #[error("too many chats listen already")]
    Full,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WaitError> for ChatError {
    fn from(error: WaitError) -> Self {
        match error {
            WaitError::Full => Self::Full,
            WaitError::Store(error) => Self::Store(error),
        }
    }
}

impl Broker {
    /// The token of a link's card. It is the same whenever the message is rendered, so that an order which is sent again
    /// is answered as it was; it says nothing without the key of the tenant's index.
    pub(super) fn chat_token(&self, tenant: &Tenant, link: &Link) -> Option<String> {
        let has_chat = link.conversation.channel == Channel::Webchat && !tenant.chat_origins.is_empty();
        has_chat.then(|| format!("{}.{}", link.id, self.store.at(&tenant.id).hash(TOKEN, link.id.as_str())))
    }

    /// The link whose card has this token, as it is now.
    pub async fn link_of_chat(&self, tenant: &Tenant, token: &str) -> Result<Link, ChatError> {
        let (id, hash) = token.split_once('.').ok_or(ChatError::Unknown)?;
        if !self.store.at(&tenant.id).is_hash(TOKEN, id, hash) {
            return Err(ChatError::Unknown);
        }
        let id: LinkId = id.parse().map_err(|_| ChatError::Unknown)?;
        self.link(tenant, &id).await?.ok_or(ChatError::Unknown)
    }

    /// The link once it is final or another than the page has seen, and at the latest after a while.
    pub async fn wait_for_chat(&self, tenant: &Tenant, id: &LinkId, wait: Wait) -> Result<Link, ChatError> {
        self.wait_for_link_of_chat(tenant, id, wait).await?.ok_or(ChatError::Unknown)
    }

    /// A browser comes from the page of a chat into the window of the sign-in. `proved` says whether the browser itself
    /// named a page of the tenant's; else it goes on as if the link had been pressed anywhere. Writes nothing.
    pub async fn come_from_chat(
        &self,
        tenant: &Tenant,
        token: &str,
        proved: bool,
    ) -> Result<FromChat, ChatError> {
        let link = self.link_of_chat(tenant, token).await?;
        let pass = proved.then(|| self.chat_pass(tenant, &link));
        Ok(FromChat { link, pass })
    }

    fn chat_pass(&self, tenant: &Tenant, link: &Link) -> LoginCookie {
        let pass = Pass { link: link.id.clone(), until: self.clock.now() + PASS_LIFETIME };
        let text = serde_json::to_string(&pass).expect("a pass of texts is JSON");
        let value = Secret::new(self.store.at(&tenant.id).seal_text(PASS, &text));
        let id = link.id.as_str();
        // Chats in two tabs do not take each other's pass.
        let name = format!("{}{}", chat_prefix(self.settings.https), &id[id.len() - NAMED..]);
        LoginCookie { name, value }
    }

    /// Whether one of the passes that a browser holds is for this link.
    pub(super) fn holds_chat(&self, tenant: &Tenant, link: &Link, passes: &[LoginCookie]) -> bool {
        let store = self.store.at(&tenant.id);
        let is_for_it = |pass: &LoginCookie| {
            let text = store.open_text(PASS, pass.value.expose())?;
            let pass: Pass = serde_json::from_str(&text).ok()?;
            Some(pass.link == link.id && self.clock.now() < pass.until)
        };
        link.conversation.channel == Channel::Webchat
            && passes.iter().any(|pass| is_for_it(pass) == Some(true))
    }
}

/// How many digits of a link's id stand in the name of its pass.
const NAMED: usize = 8;

/// What the names of passes begin with; behind it stand eight digits.
pub fn chat_prefix(https: bool) -> &'static str {
    if https { "__Host-csw-" } else { "csw-" }
}

/// Whether a cookie of this name may be a pass.
pub fn is_pass(name: &str, https: bool) -> bool {
    name.strip_prefix(chat_prefix(https)).is_some_and(|digits| digits.len() == NAMED)
}

/// What of a link its chat's page is told: nothing that says who anybody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatNews {
    /// How far it came.
    pub status: LinkStatus,
    /// How it was proved; none before the end.
    pub binding: Option<Binding>,
}

impl ChatNews {
    /// Of a link as it is now.
    pub fn of(link: &Link) -> Self {
        Self { status: link.status(), binding: link.binding().reached }
    }
}
