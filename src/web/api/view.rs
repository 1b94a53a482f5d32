//! What the API says of links, conversations, previews and lists. The JSON of contacts and events is
//! their own.
//!
//! Where a member is left out until there is something to say, the schema says so: not required, and
//! never null.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::binding::Binding;
use crate::domain::contact::{Change, Contact};
use crate::domain::conversation::{Channel, Conversation, ConversationRef, Handle};
use crate::domain::event::Event;
use crate::domain::fault::{Code, Step};
use crate::domain::ids::{ContactId, ConversationId, LinkId, ProviderId};
use crate::domain::link::{Link, LinkBinding, LinkStatus, Sender};
use crate::domain::profile::{Profile, SignedIn};
use crate::domain::request::Route;
use crate::flow::create_link::CreatedLink;
use crate::flow::inbound::Reading;
use crate::flow::preview::Preview;
use crate::flow::{AuthMessage, Carrier, Page};

/// An auth link and what became of it. Its URL is told with its message only.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuthLink, examples(super::examples::completed_link))]
pub struct LinkView<'a> {
    id: &'a LinkId,
    status: LinkStatus,
    /// Whether nothing can follow.
    #[serde(rename = "final")]
    is_final: bool,
    conversation: &'a ConversationRef,
    provider: &'a ProviderId,
    callback: Route,
    #[schema(required)]
    sender: Option<&'a Sender>,
    /// The platform's own data, as the sender gave it.
    metadata: &'a Map<String, Value>,
    binding: LinkBinding,
    /// How often its message was rendered again.
    resends: u32,
    created_at: Timestamp,
    /// When it can no longer be opened.
    expires_at: Timestamp,
    /// When the customer pressed *Continue* last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    opened_at: Option<Timestamp>,
    /// When a customer had signed in whom the chat must confirm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    provisional_at: Option<Timestamp>,
    /// When the customer declined at the provider last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    denied_at: Option<Timestamp>,
    /// When an attempt failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    failed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    completed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    cancelled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    superseded_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Timestamp)]
    expired_at: Option<Timestamp>,
    /// Where the latest attempt failed; left out for a customer's own decision on our pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Step)]
    step: Option<Step>,
    /// Why the latest attempt failed, or why the link was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Code)]
    code: Option<Code>,
    /// Who signed in; of a completed link only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Profile)]
    profile: Option<&'a Profile>,
    /// The contact; null where the provider named no person. Of a completed link only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ContactId>)]
    contact_id: Option<&'a Option<ContactId>>,
    /// What rules have set; of a completed link only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Map<String, Value>)]
    fields: Option<&'a Map<String, Value>>,
    /// The contact is not the one that the order named; left out if it is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    contact_mismatch: bool,
}

impl<'a> LinkView<'a> {
    /// The link as it is.
    pub fn of(link: &'a Link) -> Self {
        let (times, completion) = (&link.times, link.completion());
        Self {
            id: &link.id,
            status: link.status(),
            is_final: link.status().is_final(),
            conversation: &link.conversation,
            provider: &link.provider,
            callback: link.route,
            sender: link.sender.as_ref(),
            metadata: &link.metadata,
            binding: link.binding(),
            resends: link.resends,
            created_at: link.created_at,
            expires_at: link.expires_at,
            opened_at: times.opened,
            provisional_at: times.provisional,
            denied_at: times.denied,
            failed_at: times.failed,
            completed_at: times.completed,
            cancelled_at: times.cancelled,
            superseded_at: times.superseded,
            expired_at: times.expired,
            step: link.failure.and_then(|failure| failure.step),
            code: link.failure.map(|failure| failure.code),
            profile: completion.map(|completion| &completion.profile),
            contact_id: completion.map(|completion| &completion.contact),
            fields: completion.map(|completion| &completion.fields),
            contact_mismatch: completion.is_some_and(|completion| completion.contact_mismatch),
        }
    }
}

/// An auth link with its URL and its message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedAuthLink, examples(super::examples::created_link))]
pub struct CreatedLinkView<'a> {
    #[serde(flatten)]
    link: LinkView<'a>,
    /// What goes into the chat.
    #[schema(format = "uri")]
    url: &'a str,
    message: MessageView<'a>,
}

impl<'a> CreatedLinkView<'a> {
    /// A link that was made or told again just now.
    pub fn of(made: &'a CreatedLink) -> Self {
        let message = MessageView::of(&made.message);
        Self { link: LinkView::of(&made.link), url: &made.url, message }
    }
}

/// What to send into the chat.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthMessage)]
pub struct MessageView<'a> {
    channel: Channel,
    /// In which form the channel carries it: the best one that the customer's device and the tenant's settings
    /// allow.
    carrier: Carrier,
    /// Why in this form, in one sentence.
    reason: &'a str,
    /// The text with the link in it, for channels and people that take nothing else.
    text: &'a str,
    /// What the channel's API takes in this form, with the addresses that are known here.
    #[schema(value_type = Object)]
    payload: &'a Value,
    /// What the sender should know: placeholders that nobody fills, costs, what was shortened.
    warnings: &'a [String],
}

impl<'a> MessageView<'a> {
    /// The channel's rendering.
    pub fn of(message: &'a AuthMessage) -> Self {
        let AuthMessage { channel, carrier, reason, text, payload, warnings } = message;
        Self { channel: *channel, carrier: *carrier, reason, text, payload, warnings }
    }
}

/// A conversation: who is verified there, how, since when and until when.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation, examples(super::examples::conversation))]
pub struct ConversationView<'a> {
    id: &'a ConversationId,
    channel: Channel,
    /// The customer's address there, if the platform said it.
    #[schema(required)]
    handle: Option<&'a Handle>,
    /// The newest link; at most one link of a conversation is live.
    #[schema(required)]
    auth_link_id: Option<&'a LinkId>,
    /// Whether somebody is verified there now. If not, what follows is null.
    verified: bool,
    /// The contact; null also where the provider named no person.
    #[schema(required)]
    contact_id: Option<&'a ContactId>,
    #[schema(required)]
    provider: Option<&'a ProviderId>,
    /// How it was proved that who signed in is who is in the chat.
    #[schema(required)]
    binding: Option<Binding>,
    #[schema(required)]
    since: Option<Timestamp>,
    #[schema(required)]
    until: Option<Timestamp>,
    /// What rules have set.
    fields: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> ConversationView<'a> {
    /// The conversation as it is at `now`.
    pub fn of(conversation: &'a Conversation, now: Timestamp) -> Self {
        let verified = conversation.verified_at(now);
        Self {
            id: &conversation.at.id,
            channel: conversation.at.channel,
            handle: conversation.at.handle.as_ref(),
            auth_link_id: conversation.link.as_ref(),
            verified: verified.is_some(),
            contact_id: verified.and_then(|verified| verified.contact_id.as_ref()),
            provider: verified.map(|verified| &verified.provider),
            binding: verified.map(|verified| verified.binding),
            since: verified.map(|verified| verified.since),
            until: verified.map(|verified| verified.until),
            fields: verified.map(|verified| verified.fields.clone()).unwrap_or_default(),
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        }
    }
}

/// Auth links, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuthLinkList, examples(super::examples::links))]
pub struct LinkList<'a> {
    items: Vec<LinkView<'a>>,
    /// The `cursor` of the next page; null at the end. A page may hold fewer than `limit` and still have a next one.
    #[schema(required)]
    next: Option<&'a str>,
}

impl<'a> From<&'a Page<Link>> for LinkList<'a> {
    fn from(page: &'a Page<Link>) -> Self {
        Self { items: page.items.iter().map(LinkView::of).collect(), next: page.next.as_deref() }
    }
}

/// Contacts, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(super::examples::contacts))]
pub struct ContactList {
    items: Vec<Contact>,
    /// The `cursor` of the next page; null at the end.
    #[schema(required)]
    next: Option<String>,
}

impl From<Page<Contact>> for ContactList {
    fn from(page: Page<Contact>) -> Self {
        Self { items: page.items, next: page.next }
    }
}

/// Events, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(examples(super::examples::events))]
pub struct EventList {
    /// The events behind `after`.
    pub items: Vec<Event>,
    /// The `after` of the next page; null when there are no more for now.
    #[schema(required)]
    pub next: Option<String>,
}

/// What a message was to us.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageReading, examples(super::examples::reading))]
pub struct ReadingView {
    /// Whether it held the right code: the link is complete.
    matched: bool,
    /// The link that waits, or waited, for a code, if the message holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = LinkId)]
    auth_link_id: Option<LinkId>,
    /// After a wrong code: how many more may be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = u8)]
    attempts_left: Option<u8>,
}

impl From<Reading> for ReadingView {
    fn from(reading: Reading) -> Self {
        let (matched, auth_link_id, attempts_left) = match reading {
            Reading::Nothing => (false, None, None),
            Reading::Confirmed(link) => (true, Some(link), None),
            Reading::Wrong { link, attempts_left } => (false, Some(link), Some(attempts_left)),
            Reading::Spent(link) => (false, Some(link), Some(0)),
        };
        Self { matched, auth_link_id, attempts_left }
    }
}

/// What a mapping makes of a sample.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MappingPreview, examples(super::examples::preview))]
pub struct PreviewView {
    profile: Profile,
    /// Who this is at the provider; null if the answer names nobody.
    #[schema(required)]
    subject: Option<String>,
    verified: VerifiedView,
    /// What an empty contact would take of the profile.
    contact_changes: Vec<Change>,
    /// What was left out or repaired on the way, and rules that could not be evaluated.
    warnings: Vec<String>,
    /// What the tenant's rules would set; left out if it has no rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Map<String, Value>)]
    fields: Option<Map<String, Value>>,
    /// The mapping after its repair, if one was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = crate::domain::provider::Mapping)]
    repaired: Option<Value>,
}

/// Which addresses the provider vouches for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerifiedAddresses)]
pub struct VerifiedView {
    email: bool,
    phone: bool,
}

impl VerifiedView {
    /// Of a sign-in; nothing is vouched for without one.
    pub fn of(signed_in: Option<&SignedIn>) -> Self {
        Self {
            email: signed_in.is_some_and(|told| told.email_verified),
            phone: signed_in.is_some_and(|told| told.phone_verified),
        }
    }
}

impl From<Preview> for PreviewView {
    fn from(preview: Preview) -> Self {
        let Preview { signed_in, contact_changes, repaired, fields } = preview;
        Self {
            verified: VerifiedView { email: signed_in.email_verified, phone: signed_in.phone_verified },
            profile: signed_in.profile,
            subject: signed_in.subject,
            contact_changes,
            warnings: signed_in.warnings,
            fields,
            repaired: (!repaired.is_empty()).then(|| whole_or_fields(repaired)),
        }
    }
}

/// The repaired expression as a text; of a table mapping, an object with the repaired fields.
fn whole_or_fields(texts: Vec<(Option<String>, String)>) -> Value {
    let mut by_field = BTreeMap::new();
    for (field, text) in texts {
        match field {
            None => return Value::String(text),
            Some(field) => by_field.insert(field, text),
        };
    }
    by_field.into_iter().map(|(field, text)| (field, Value::String(text))).collect()
}
