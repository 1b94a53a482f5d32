//! What could be sent into a conversation: each wording as the customer will see it, and what the agent should know
//! before.

use jiff::Timestamp;

use crate::domain::binding::Binding;
use crate::domain::conversation::ConversationRef;
use crate::domain::link::Link;
use crate::domain::tenant::Tenant;
use crate::flow::desk::draft::{Choice as Chosen, Draft, Drafts, Outside, Proof, languages};
use crate::web::page::clean;
use crate::web::staff::Local;

use super::progress::MessageView;
use super::rows::Choice;
use super::{language, paths, words};

/// Why a sign-in was not sent, though nothing was wrong with the form: the agent decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The provider fails for everybody.
    Trouble,
    /// Another one was sent meanwhile.
    Overtaken,
}

/// What the panel is drawn from.
pub struct Basis<'a> {
    /// Whose.
    pub tenant: &'a Tenant,
    /// Where it would be sent.
    pub at: &'a ConversationRef,
    /// Whether the conversation is known so already; otherwise the form must say where it is.
    pub is_known: bool,
    /// The newest link.
    pub newest: Option<&'a Link>,
    /// What the agent chose.
    pub chosen: &'a Chosen,
    /// The snippet that the agent chose.
    pub snippet: Option<&'a str>,
    /// Why the last try was held back.
    pub held: Option<Held>,
    /// Who sent the newest link.
    pub overtaken_by: Option<String>,
}

/// The panel.
#[derive(Debug)]
pub struct PanelView {
    /// Where another provider or language is shown.
    pub show: String,
    /// Where it is sent.
    pub send: String,
    /// Channel and address, where the conversation is not known so yet.
    pub place: Option<(String, String)>,
    /// The newest link that the agent has seen.
    pub seen: String,
    /// The providers to choose from; empty if there is one.
    pub providers: Vec<Choice>,
    /// The chosen provider's id, and what customers call it.
    pub provider: (String, String),
    /// The languages to choose from.
    pub languages: Vec<Choice>,
    /// The chosen language.
    pub locale: String,
    /// The wordings.
    pub drafts: Vec<DraftView>,
    /// How the person will be proved.
    pub proof: ProofView,
    /// What is wrong with the provider.
    pub trouble: Option<String>,
    /// Whether the button says that it is sent in spite of what is wrong with the provider.
    pub despite: bool,
    /// Who has sent one meanwhile.
    pub overtaken_by: Option<String>,
    /// Whether it would take the place of one that is on its way.
    pub replaces: bool,
}

/// A wording.
#[derive(Debug)]
pub struct DraftView {
    /// What is sent for it.
    pub value: String,
    /// What it is called.
    pub name: String,
    /// What an agent types to find it.
    pub tag: Option<String>,
    /// The message.
    pub message: MessageView,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// How the person will be proved, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProofView {
    /// Whether it is a warning.
    pub is_warning: bool,
    /// The words.
    pub text: &'static str,
}

impl PanelView {
    /// The panel.
    pub fn of(basis: &Basis<'_>, drafts: &Drafts, local: &Local) -> Self {
        let Basis { tenant, at, newest, chosen, .. } = basis;
        let locale = chosen.locale.clone().unwrap_or_else(|| "en".to_owned());
        let provider = &drafts.provider;
        let choice = |known: &std::sync::Arc<crate::domain::provider::Provider>| Choice {
            value: known.id.to_string(),
            label: words::plain_name(&known.label),
            is_chosen: known.id == provider.id,
        };
        let providers = tenant.providers.iter().map(choice);
        let trouble = drafts.trouble.map(|trouble| trouble_words(trouble.since, local));
        let snippet = wanted(drafts, basis.snippet);
        Self {
            show: paths::action(&at.id, "message"),
            send: paths::action(&at.id, "send"),
            place: (!basis.is_known).then(|| place(at)),
            seen: newest.map(|link| link.id.to_string()).unwrap_or_default(),
            providers: if tenant.providers.len() > 1 { providers.collect() } else { Vec::new() },
            provider: (provider.id.to_string(), words::plain_name(&provider.label)),
            languages: language_choices(tenant, &locale),
            locale,
            proof: ProofView::of(drafts.proof),
            despite: trouble.is_some(),
            trouble,
            overtaken_by: basis.overtaken_by.clone().filter(|_| basis.held == Some(Held::Overtaken)),
            replaces: newest.is_some_and(|link| !link.status().is_final()),
            drafts: drafts.list.iter().map(|draft| DraftView::of(draft, &drafts.url, &snippet)).collect(),
        }
    }
}

impl DraftView {
    fn of(draft: &Draft, url: &str, chosen: &str) -> Self {
        let value = draft.snippet.as_ref().map(ToString::to_string).unwrap_or_default();
        let name =
            draft.snippet.as_ref().map_or_else(|| "Standard message".to_owned(), |id| clean(id.as_str()));
        Self {
            name,
            tag: draft.tag.as_deref().map(clean),
            message: MessageView::of(url.to_owned(), &draft.message),
            is_chosen: value == chosen,
            value,
        }
    }
}

impl ProofView {
    /// What an agent should know of how the person will be proved.
    pub fn of(proof: Proof) -> Self {
        let (is_warning, text) = match proof {
            Proof::Nothing => (
                true,
                "Nothing will prove that it is the person in this chat: your business does not ask for it here. \
                 Whoever opens the link counts.",
            ),
            Proof::Code => (
                false,
                "After signing in, the customer sees a code and sends it here in the chat. That proves that it is the \
                 same person.",
            ),
            Proof::AddressOrCode => (
                false,
                "If the provider vouches for the address of this chat, nothing more is needed. Otherwise the customer \
                 sees a code and sends it here.",
            ),
            Proof::BrowserOrCode => (
                false,
                "If the customer signs in from the page of the chat, nothing more is needed. Otherwise the customer \
                 sees a code and sends it here.",
            ),
            Proof::CodeInstead { minimum: Binding::Match, no_handle: true } => (
                true,
                "The customer's address in this chat is not known, so that nothing can be compared with it: a code \
                 will be needed. After signing in, the customer sees it and sends it here.",
            ),
            Proof::Native { outside: Outside::Refused } => (
                false,
                "The customer signs in by the channel’s own message, and the channel says who it was. Nothing else is \
                 taken.",
            ),
            Proof::Native { outside: Outside::Code } => (
                false,
                "The customer signs in by the channel’s own message, and the channel says who it was. Only outside of \
                 the app the customer sees a code and sends it here.",
            ),
            Proof::Native { outside: Outside::Nothing } => (
                true,
                "The customer signs in by the channel’s own message, and the channel says who it was. Outside of the app \
                 nothing is proved: whoever opens the link there counts as the person in this chat.",
            ),
            Proof::CodeInstead { minimum: Binding::Native, .. } => (
                true,
                "Your business takes nobody’s word here but the channel’s own, and it is not known whether the \
                 customer’s device can give it. The sign-in cannot be sent from this page.",
            ),
            Proof::CodeInstead { .. } => (
                true,
                "This channel cannot prove the person by itself: a code will be needed. After signing in, the customer \
                 sees it and sends it here.",
            ),
        };
        Self { is_warning, text }
    }
}

/// The wording that is chosen: the one that was asked for if it is there, otherwise the first.
fn wanted(drafts: &Drafts, asked: Option<&str>) -> String {
    let names = || drafts.list.iter().map(|draft| draft.snippet.as_ref().map_or("", |id| id.as_str()));
    let found = asked.filter(|asked| names().any(|name| name == *asked));
    found.or_else(|| names().next()).unwrap_or_default().to_owned()
}

fn place(at: &ConversationRef) -> (String, String) {
    let handle = at.handle.as_ref().map(|handle| handle.as_str().to_owned()).unwrap_or_default();
    (at.channel.to_string(), handle)
}

/// The languages in which a message can be worded, by name.
pub(super) fn language_choices(tenant: &Tenant, locale: &str) -> Vec<Choice> {
    let mut tags = languages(tenant);
    if !tags.iter().any(|tag| tag.eq_ignore_ascii_case(locale)) {
        tags.push(locale.to_owned());
    }
    let choice = |tag: String| Choice {
        label: language::name(&tag),
        is_chosen: tag.eq_ignore_ascii_case(locale),
        value: tag,
    };
    let mut choices: Vec<_> = tags.into_iter().map(choice).collect();
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    choices
}

fn trouble_words(since: Option<Timestamp>, local: &Local) -> String {
    let since = since.map(|at| format!(" since {}", local.moment(at).text)).unwrap_or_default();
    format!("The provider is out of order{since}: customers who open the link now are asked to wait.")
}
