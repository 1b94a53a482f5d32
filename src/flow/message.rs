//! The message of a link: the tenant's words in the form that its channel takes.

use crate::channel::{self, AuthMessage, Capabilities, Embed, MessageInput};
use crate::domain::ask::Ask;
use crate::domain::conversation::Handle;
use crate::domain::link::Link;
use crate::domain::provider::Provider;
use crate::domain::snippet::Snippet;
use crate::domain::tenant::Tenant;

use super::Broker;
use super::native::ask::Asking;
use super::native::means_of;

impl Broker {
    /// The URL and the message of a link. A provider that is no longer there is called by its id.
    pub(super) fn render(
        &self,
        tenant: &Tenant,
        provider: Option<&Provider>,
        snippet: Option<&Snippet>,
        link: &Link,
        ask: Option<&Ask>,
    ) -> (String, AuthMessage) {
        let url = format!("{}/a/{}", tenant.origin, link.token.expose());
        let script = format!("{}/embed/chat.js", tenant.origin);
        let token = self.chat_token(tenant, link);
        let version = tenant.accounts.apple.as_ref().map(|account| account.version.as_str());
        let asking = ask.and_then(|ask| Some((ask, Asking::of(ask, provider)?)));
        let route = ask.map(|_| link.route);
        let message = word(
            tenant,
            snippet,
            link.locale.as_deref(),
            &MessageInput {
                provider_label: provider.map_or(link.provider.as_str(), |provider| &provider.label),
                link_id: link.id.as_str(),
                rendering: link.resends,
                handle: link.conversation.handle.as_ref().map(Handle::as_str),
                capabilities: Capabilities::new(&link.capabilities),
                means: means_of(tenant, &link.conversation, route),
                embed: token.as_deref().map(|token| Embed { script: &script, token }),
                ask: asking.as_ref().map(|(ask, asking)| asking.ask(ask, version)),
                ..MessageInput::of(link.conversation.channel, &url)
            },
        );
        (url, message)
    }
}

/// A message in the tenant's words, in the language that was asked for.
pub(super) fn word(
    tenant: &Tenant,
    snippet: Option<&Snippet>,
    asked: Option<&str>,
    message: &MessageInput<'_>,
) -> AuthMessage {
    let locale = asked.unwrap_or("en");
    let wording = snippet.and_then(|snippet| snippet.wording(message.channel, locale));
    let mut message = channel::render(&MessageInput {
        tenant_name: &tenant.name,
        locale,
        wording: wording.map(|wording| wording.text),
        ..*message
    });
    if let (Some(wording), Some(asked)) = (wording, asked)
        && !wording.speaks(asked)
    {
        let warning = format!("the snippet has no wording in `{asked}`; this one is in `{}`", wording.tag);
        message.warnings.push(warning);
    }
    message
}
