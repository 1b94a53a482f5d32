//! A message before it is sent: what the customer would see, and what the agent should know.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::channel::{self, AuthMessage, Capabilities, MessageInput};
use crate::domain::binding::{Binding, BindingPolicy};
use crate::domain::conversation::{Channel, ConversationRef, Handle};
use crate::domain::ids::{ProviderId, SnippetId};
use crate::domain::link::Link;
use crate::domain::provider::Provider;
use crate::domain::tenant::Tenant;
use crate::flow::Broker;
use crate::flow::message::word;
use crate::flow::native::{can_vouch, means_of};
use crate::store::StoreError;

use super::board::Trouble;

/// Stands where the token of a link will stand: as long as one, and good for nothing.
const TOKEN: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// How the person will be proved, from what the tenant demands and what the channel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Not at all: whoever opens the link counts as the person in the chat.
    Nothing,
    /// By the code, as the tenant demands.
    Code,
    /// By the channel itself, for whoever stays in its app.
    Native {
        /// What holds in a browser outside of it.
        outside: Outside,
    },
    /// By the provider's verified phone number or email, if it is the conversation's address; otherwise by the code.
    AddressOrCode,
    /// By the browser, if the customer signs in from the page of the chat; otherwise by the code.
    BrowserOrCode,
    /// By the code, because what the tenant would take cannot be had here.
    CodeInstead {
        /// What the tenant would take.
        minimum: Binding,
        /// Whether it is because the conversation's address is not known.
        no_handle: bool,
    },
}

/// What holds where the channel does not see who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// Nobody signs in there.
    Refused,
    /// The code proves the person.
    Code,
    /// Nothing is proved: whoever signs in there counts as the person in the chat.
    Nothing,
}

impl Proof {
    /// What will prove the person in this conversation. `has_pages` says whether the pages of the tenant's web chat are
    /// known, `vouches` whether the channel itself will say who it was.
    pub fn of(policy: &BindingPolicy, (has_pages, vouches): (bool, bool), at: &ConversationRef) -> Self {
        let minimum = policy.minimum_for(at.channel);
        let has_address = at.channel.has_phone_handles() || at.channel == Channel::Email;
        match minimum {
            Binding::Native if vouches => Self::Native { outside: Outside::Refused },
            Binding::None if vouches => Self::Native { outside: Outside::Nothing },
            _ if vouches => Self::Native { outside: Outside::Code },
            Binding::None => Self::Nothing,
            Binding::Match if has_address && at.handle.is_some() => Self::AddressOrCode,
            Binding::Match => Self::CodeInstead { minimum, no_handle: has_address },
            Binding::Browser if at.channel == Channel::Webchat && has_pages => Self::BrowserOrCode,
            Binding::Browser | Binding::Native => Self::CodeInstead { minimum, no_handle: false },
            Binding::Code => Self::Code,
        }
    }
}

/// What an agent may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The provider; none, and one that is not there, takes the first.
    pub provider: Option<ProviderId>,
    /// The language tag of message and pages.
    pub locale: Option<String>,
}

/// A wording that could be sent.
#[derive(Debug)]
pub struct Draft {
    /// The snippet; none is our own wording.
    pub snippet: Option<SnippetId>,
    /// What an agent types to find it.
    pub tag: Option<String>,
    /// What the customer would see, with [`url`](Drafts::url) for the link.
    pub message: AuthMessage,
}

/// Everything that could be sent into a conversation.
#[derive(Debug)]
pub struct Drafts {
    /// Where the customer would sign in.
    pub provider: Arc<Provider>,
    /// One per snippet, and behind them our own wording.
    pub list: Vec<Draft>,
    /// Stands in the messages where the link will stand.
    pub url: String,
    /// How the person will be proved.
    pub proof: Proof,
    /// If the provider fails for everybody.
    pub trouble: Option<Trouble>,
}

impl Broker {
    /// What could be sent into a conversation; none if the tenant has no provider. Nothing is stored.
    pub async fn desk_drafts(
        &self,
        tenant: &Tenant,
        at: &ConversationRef,
        capabilities: &[String],
        choice: &Choice,
    ) -> Result<Option<Drafts>, StoreError> {
        let chosen = choice.provider.as_ref().and_then(|id| tenant.provider(Some(id)));
        let Some(provider) = chosen.or(tenant.providers.first()).map(Arc::clone) else { return Ok(None) };
        let trouble = self.provider_trouble(tenant, &provider.id).await?;
        let url = format!("{}/a/{TOKEN}", tenant.origin);
        let worded = |snippet| {
            let handle = at.handle.as_ref().map(Handle::as_str);
            let message = MessageInput {
                provider_label: &provider.label,
                handle,
                means: means_of(tenant, at, None),
                capabilities: Capabilities::new(capabilities),
                ..MessageInput::of(at.channel, &url)
            };
            word(tenant, snippet, choice.locale.as_deref(), &message)
        };
        let own = tenant.snippets.iter().map(|snippet| Draft {
            snippet: Some(snippet.id.clone()),
            tag: snippet.tag.clone(),
            message: worded(Some(snippet)),
        });
        let ours = Draft { snippet: None, tag: None, message: worded(None) };
        let list = own.chain([ours]).collect();
        Ok(Some(Drafts {
            provider,
            list,
            url,
            proof: {
                let vouches = can_vouch(tenant, at, None, capabilities);
                Proof::of(&tenant.binding, (!tenant.chat_origins.is_empty(), vouches), at)
            },
            trouble,
        }))
    }

    /// The message of a link, with its URL, for whoever carries it into the chat. It is not counted as a resend.
    pub async fn desk_message(
        &self,
        tenant: &Tenant,
        link: &Link,
    ) -> Result<(String, AuthMessage), StoreError> {
        let provider = tenant.provider(Some(&link.provider)).map(AsRef::as_ref);
        let snippet = link.snippet.as_deref().and_then(|name| tenant.snippet(name));
        let ask = self.ask_of(tenant, link).await?;
        Ok(self.render(tenant, provider, snippet, link, ask.as_ref()))
    }
}

/// What the platform said of the customer's device when it sent the newest sign-in, if that went to the same place: somebody
/// else has another device. What holds for 24 hours is not known any more.
pub fn device_of(newest: Option<&Link>, at: &ConversationRef) -> Vec<String> {
    let there =
        |link: &&Link| link.conversation.channel == at.channel && link.conversation.handle == at.handle;
    let said = newest.filter(there).map(|link| link.capabilities.as_slice()).unwrap_or_default();
    let words = said.iter().flat_map(|words| words.split(',')).map(str::trim);
    words.filter(|word| !word.eq_ignore_ascii_case("template_only")).map(str::to_owned).collect()
}

/// Whether a link can still be opened.
pub fn is_open(link: &Link, now: Timestamp) -> bool {
    !link.status_at(now).is_final() && now < link.expires_at
}

/// The tags of the languages that have a standard message.
pub fn standard_languages() -> impl Iterator<Item = &'static str> {
    channel::languages()
}

/// The languages in which a message can be worded: those of the tenant's snippets and those of ours.
pub fn languages(tenant: &Tenant) -> Vec<String> {
    let own = tenant.snippets.iter().flat_map(|snippet| {
        let channels = snippet.channels.values().flat_map(|texts| texts.keys());
        snippet.text.keys().chain(channels).cloned()
    });
    let mut seen = BTreeSet::new();
    let mut tags: Vec<String> = own.chain(standard_languages().map(str::to_owned)).collect();
    tags.retain(|tag| seen.insert(tag.to_ascii_lowercase()));
    tags.sort_by_key(|tag| tag.to_ascii_lowercase());
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(minimum: Binding, channel: Channel, handle: Option<&str>) -> Proof {
        let policy = BindingPolicy { minimum: Some(minimum), ..BindingPolicy::default() };
        let handle = handle.map(|handle| Handle::parse(handle).unwrap());
        let at = ConversationRef { id: "c".parse().unwrap(), channel, handle };
        Proof::of(&policy, (false, false), &at)
    }

    #[test]
    fn a_channel_that_vouches_proves_the_person_whatever_less_is_demanded() {
        let of = |minimum, vouches| {
            let policy = BindingPolicy { minimum: Some(minimum), ..BindingPolicy::default() };
            let at = ConversationRef { id: "c".parse().unwrap(), channel: Channel::Apple, handle: None };
            Proof::of(&policy, (false, vouches), &at)
        };
        assert_eq!(of(Binding::Code, true), Proof::Native { outside: Outside::Code });
        assert_eq!(of(Binding::None, true), Proof::Native { outside: Outside::Nothing });
        assert_eq!(of(Binding::Native, true), Proof::Native { outside: Outside::Refused });
        let instead = Proof::CodeInstead { minimum: Binding::Native, no_handle: false };
        assert_eq!(of(Binding::Native, false), instead);
    }

    #[test]
    fn a_channel_that_cannot_reach_the_minimum_needs_the_code() {
        let sms = Channel::Sms;
        assert_eq!(proof(Binding::Match, sms, Some("+15550100")), Proof::AddressOrCode);
        let no_handle = Proof::CodeInstead { minimum: Binding::Match, no_handle: true };
        assert_eq!(proof(Binding::Match, sms, None), no_handle);
        let never = Proof::CodeInstead { minimum: Binding::Match, no_handle: false };
        assert_eq!(proof(Binding::Match, Channel::Slack, Some("U123")), never);
        assert_eq!(proof(Binding::Code, sms, None), Proof::Code);
        assert_eq!(proof(Binding::None, sms, None), Proof::Nothing);
    }

    #[test]
    fn a_web_chat_proves_the_browser_where_its_pages_are_known() {
        let of = |has_pages, channel| {
            let policy = BindingPolicy { minimum: Some(Binding::Browser), ..BindingPolicy::default() };
            let at = ConversationRef { id: "c".parse().unwrap(), channel, handle: None };
            Proof::of(&policy, (has_pages, false), &at)
        };
        let instead = Proof::CodeInstead { minimum: Binding::Browser, no_handle: false };
        assert_eq!(of(true, Channel::Webchat), Proof::BrowserOrCode);
        assert_eq!(of(false, Channel::Webchat), instead);
        assert_eq!(of(true, Channel::Sms), instead);
    }
}
