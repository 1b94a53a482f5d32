//! Audit entries: who changed or read what, without personal data.
//!
//! To add an action: 1. a line below with its meaning, 2. the entry where it happens,
//! 3. `UPDATE_DOCS=1 cargo test --test it docs::` writes its row of `docs/audit.md`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event::EventType;
use super::ids::AuditId;

/// What kind of thing an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionKind {
    /// A step of a sign-in.
    Login,
    /// A change of a contact.
    Change,
    /// Somebody was told of a person.
    Access,
    /// A change of what the broker works by.
    Settings,
    /// Something that the broker found out about others.
    Health,
    /// Something that was sent to the platform by hand.
    Delivery,
    /// A member of staff came, went, or was let in.
    Staff,
}

macro_rules! audit_actions {
    ($($(#[doc = $doc:literal])* $name:ident: $kind:ident => $text:literal),* $(,)?) => {
        /// What can be done that stands in the audit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction { $($(#[doc = $doc])* $name),* }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word in an entry.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// What kind of thing it is.
            pub const fn kind(self) -> ActionKind {
                match self { $(Self::$name => ActionKind::$kind),* }
            }

            /// What happened, and what the entry names.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*).trim_ascii_start()),* }
            }
        }
    };
}

audit_actions! {
    /// A link was made.
    LinkCreated: Login => "auth_link.created",
    /// The customer pressed *Continue*.
    LinkOpened: Login => "auth_link.opened",
    /// The customer signed in; the chat has not confirmed it yet.
    LinkProvisional: Login => "auth_link.provisional",
    /// The sign-in is complete; `ids` has the contact.
    LinkCompleted: Login => "auth_link.completed",
    /// A sign-in failed; `detail` says why.
    LinkFailed: Login => "auth_link.failed",
    /// The customer declined at the provider.
    LinkDenied: Login => "auth_link.denied",
    /// The link's time is over.
    LinkExpired: Login => "auth_link.expired",
    /// The sender took the link back, or the customer said *This wasn't me*.
    LinkCancelled: Login => "auth_link.cancelled",
    /// A newer link of the conversation took its place.
    LinkSuperseded: Login => "auth_link.superseded",
    /// The message of the link was told again; `detail` counts.
    LinkResent: Login => "auth_link.resent",
    /// A wrong confirmation code came; `detail` says how many are left.
    CodeRefused: Login => "auth_link.code_refused",
    /// A member of staff passed a code that a customer had sent, or played the customer; `detail` says which.
    CodePassed: Login => "auth_link.code_passed",
    /// A customer signed in to an app; `object` is the contact, `detail` names the app's client and where.
    CustomerSignedIn: Login => "customer.signed_in",
    /// Nobody was signed in to an app by the provider; `object` is the attempt, `detail` names the app's client, where, the
    /// step and the code.
    CustomerNotSignedIn: Login => "customer.not_signed_in",
    /// A conversation is no longer verified; `object` is the event that told of it.
    ConversationUnverified: Login => "conversation.unverified",
    /// A customer signed out: `detail` says `here` or `everywhere`.
    CustomerSignedOut: Login => "customer.signed_out",
    /// A sign-in joined a contact that was there; `detail` says at which provider and how.
    IdentityLinked: Change => "contact.identity_linked",
    /// A customer took a sign-in away from the own record; `detail` says at which provider.
    IdentityUnlinked: Change => "contact.identity_unlinked",
    /// A client or the customer changed fields; `detail` names them.
    ContactUpdated: Change => "contact.updated",
    /// A client restored the previous value of a field.
    ContactUndone: Change => "contact.undone",
    /// A client took over what was suggested for a field.
    SuggestionAccepted: Change => "contact.suggestion_accepted",
    /// A client dismissed what was suggested for a field.
    SuggestionDismissed: Change => "contact.suggestion_dismissed",
    /// A contact took in another one; `detail` has the other's id.
    ContactMerged: Change => "contact.merged",
    /// A person was erased.
    ContactErased: Change => "contact.erased",
    /// A client read a completed link with its profile; `ids` has the contact.
    LinkRead: Access => "auth_link.read",
    /// A client read a list with completed links; `ids` has these.
    LinksListed: Access => "auth_link.listed",
    /// A client read who is verified in a conversation; `object` is the link that proved it, `ids` has the contact.
    ConversationRead: Access => "conversation.read",
    /// A client read a contact.
    ContactRead: Access => "contact.read",
    /// A client was given an access token of a provider to act for a contact; `ids` has the link that verified the
    /// conversation, `detail` the provider.
    ProviderTokenRead: Access => "contact.provider_token_read",
    /// A client read a list of contacts; `ids` has these.
    ContactsListed: Access => "contact.listed",
    /// A client read events with profiles; `detail` has their positions, `ids` the contacts.
    EventsRead: Access => "event.read",
    /// A client read a page of this audit.
    AuditRead: Access => "audit.read",
    /// A client took this audit out as CSV.
    AuditExported: Access => "audit.exported",
    /// A version of the tenant's settings went live; `object` is its revision, `detail` what changed.
    SettingsTakenUp: Settings => "settings.taken_up",
    /// The tenant is no longer served.
    SettingsRemoved: Settings => "settings.removed",
    /// Keys went live; `detail` has their names and states. In the audit of `_platform`.
    KeysTakenUp: Settings => "keys.taken_up",
    /// Everything was written into a backup. In the audit of `_platform`.
    StoreExported: Access => "store.exported",
    /// A backup was put into this store; `detail` counts its pieces. In the audit of `_platform`.
    StoreImported: Settings => "store.imported",
    /// The operator made a tenant in the store, or restored one; `detail` names the settings.
    TenantCreated: Settings => "tenant.created",
    /// The settings of a tenant in the store were changed; `detail` names them.
    TenantChanged: Settings => "tenant.changed",
    /// The operator deleted a tenant of the store.
    TenantDeleted: Settings => "tenant.deleted",
    /// A client wrote the draft of a provider; `detail` names the settings.
    ProviderDrafted: Settings => "provider.drafted",
    /// The draft of a provider passed a test login; `detail` is the test.
    ProviderTested: Settings => "provider.tested",
    /// The draft of a provider went live; `detail` has its version, says if it is untested, and names the settings.
    ProviderPublished: Settings => "provider.published",
    /// An earlier version of a provider went live again; `detail` names the settings.
    ProviderRolledBack: Settings => "provider.rolled_back",
    /// A client gave the draft of a provider up.
    ProviderDiscarded: Settings => "provider.discarded",
    /// A provider has another secret; `detail` says what became of the previous one.
    ProviderSecretRotated: Settings => "provider.secret_rotated",
    /// A provider's previous secret was dropped.
    ProviderSecretDropped: Settings => "provider.secret_dropped",
    /// A client deleted a provider.
    ProviderDeleted: Settings => "provider.deleted",
    /// An answer of a provider was saved as a sample, or what must come of it was changed; `detail` has its number.
    SampleSaved: Settings => "provider.sample_saved",
    /// A saved answer of a provider was deleted; `detail` has its number.
    SampleDeleted: Settings => "provider.sample_deleted",
    /// Staff or a client read what a test login told; `detail` is the test.
    TestRead: Access => "provider.test_read",
    /// Staff read the saved answers of a provider.
    SamplesRead: Access => "provider.samples_read",
    /// A client made a webhook; `object` is its id.
    WebhookCreated: Settings => "webhook.created",
    /// A client changed a webhook; `object` is its id.
    WebhookChanged: Settings => "webhook.changed",
    /// A client deleted a webhook; `object` is its id.
    WebhookDeleted: Settings => "webhook.deleted",
    /// A snippet was made; `object` is its id.
    SnippetCreated: Settings => "snippet.created",
    /// A snippet was changed; `object` is its id.
    SnippetChanged: Settings => "snippet.changed",
    /// A snippet was deleted; `object` is its id.
    SnippetDeleted: Settings => "snippet.deleted",
    /// A client of the API was made; `object` is its id, `detail` its scopes.
    ClientCreated: Settings => "client.created",
    /// A client of the API was changed; `object` is its id, `detail` its scopes.
    ClientChanged: Settings => "client.changed",
    /// A client got another secret.
    ClientSecretRotated: Settings => "client.secret_rotated",
    /// A client of the API was deleted; `object` is its id.
    ClientDeleted: Settings => "client.deleted",
    /// A client had an event sent again; `object` is the delivery.
    WebhookResent: Delivery => "webhook.resent",
    /// A client tried a webhook; `object` is its id.
    WebhookTested: Delivery => "webhook.tested",
    /// Somebody became staff; `object` is their id, `detail` their role.
    StaffAdded: Settings => "staff.added",
    /// Somebody's role or name was changed; `object` is their id, `detail` says from which role to which.
    StaffChanged: Settings => "staff.changed",
    /// Somebody is no longer staff; `object` is their id.
    StaffRemoved: Settings => "staff.removed",
    /// Somebody of the staff was given a one-time link to sign in; `object` is their id.
    StaffInvited: Staff => "staff.invited",
    /// Somebody was not let in who signed in at the tenant's provider; `object` is the reference on their page, `detail` the
    /// provider and the reason.
    StaffRefused: Staff => "staff.refused",
    /// A member of staff signed in; `object` is the member, `detail` says by what.
    StaffSignedIn: Staff => "staff.signed_in",
    /// A member of staff was signed out; `object` is the member, `ids` has the browser.
    StaffSignedOut: Staff => "staff.signed_out",
    /// A provider fails for everybody; `object` is its name.
    ProviderUnhealthy: Health => "provider.unhealthy",
    /// A provider works again; `object` is its name.
    ProviderRecovered: Health => "provider.recovered",
}

/// An action's word, as it was written down: perhaps by a newer version, which knows more of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, examples("contact.read"))]
pub struct ActionWord(String);

/// One line of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: `client:` or `operator:` and its id, `customer`, `system`, `file` for settings, or
    /// `operator` at the command line.
    #[schema(examples("client:acme-bot"))]
    pub actor: String,
    /// What was done; docs/audit.md lists the words.
    pub action: ActionWord,
    /// To what: an id of ours.
    #[schema(examples("ct_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"))]
    pub object: String,
    /// What else it was about: ids of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// How many things a list or a stream told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub count: Option<u64>,
    /// The request that did it: its answer's `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request_id: Option<String>,
    /// What else an auditor wants to know: ids, codes and words of ours, never personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
}

impl AuditEntry {
    /// An entry that says who did what to what; the rest is added to it.
    pub fn new(id: AuditId, at: Timestamp, actor: &str, action: AuditAction, object: String) -> Self {
        let (actor, action) = (actor.to_owned(), action.into());
        Self { id, at, actor, action, object, ids: Vec::new(), count: None, request_id: None, detail: None }
    }
}

impl ActionWord {
    /// A word that was written down before.
    pub fn written(word: &str) -> Self {
        Self(word.to_owned())
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<AuditAction> for ActionWord {
    fn from(action: AuditAction) -> Self {
        Self(action.as_str().to_owned())
    }
}

impl PartialEq<AuditAction> for ActionWord {
    fn eq(&self, action: &AuditAction) -> bool {
        self.0 == action.as_str()
    }
}

impl AuditAction {
    /// What an event about a link is called here; none for events about anything else.
    pub fn of_link(kind: EventType) -> Option<Self> {
        Some(match kind {
            EventType::LinkCreated => Self::LinkCreated,
            EventType::Opened => Self::LinkOpened,
            EventType::Provisional => Self::LinkProvisional,
            EventType::Completed => Self::LinkCompleted,
            EventType::Failed => Self::LinkFailed,
            EventType::Denied => Self::LinkDenied,
            EventType::Expired => Self::LinkExpired,
            EventType::Cancelled => Self::LinkCancelled,
            EventType::Superseded => Self::LinkSuperseded,
            _ => return None,
        })
    }
}

impl ActionKind {
    /// The word in the docs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "sign-in",
            Self::Change => "change",
            Self::Access => "access",
            Self::Settings => "settings",
            Self::Health => "health",
            Self::Delivery => "delivery",
            Self::Staff => "staff",
        }
    }
}

/// A word that is no action of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an action; docs/audit.md lists them")]
pub struct UnknownAction;

impl FromStr for AuditAction {
    type Err = UnknownAction;

    fn from_str(word: &str) -> Result<Self, UnknownAction> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word).ok_or(UnknownAction)
    }
}

impl fmt::Display for AuditAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_action_only() {
        for action in AuditAction::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert!(action.meaning().ends_with('.'), "{action}");
        }
        assert_eq!("auth_link".parse::<AuditAction>(), Err(UnknownAction));
    }

    #[test]
    fn every_event_of_a_link_has_an_action() {
        for kind in EventType::ALL {
            assert_eq!(AuditAction::of_link(*kind).is_some(), kind.as_str().starts_with("auth."), "{kind}");
        }
    }

    #[test]
    fn an_entry_of_a_newer_version_is_read_and_shown_as_it_stands() {
        let text = r#"{"id":"au_00000000000000000000000000000001","at":"2026-03-01T12:00:00Z","actor":"x","action":"moon.landed","object":"y"}"#;
        let entry: AuditEntry = serde_json::from_str(text).unwrap();
        assert_eq!(entry.action.as_str(), "moon.landed");
        assert_eq!(serde_json::to_string(&entry).unwrap(), text);
    }
}
