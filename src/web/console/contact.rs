//! The contact card: each field with where it came from, what is suggested, and a way back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::domain::actor::Actor;
use crate::domain::contact::{Contact, Provenance, Suggestion};
use crate::domain::ids::{ContactId, ConversationId};
use crate::domain::tenant::Tenant;
use crate::flow::contacts::{Condition, ContactError};
use crate::web::Web;
use crate::web::page::tidy;
use crate::web::segment::Segment;
use crate::web::staff::{Agent, Local, Moment, OnDuty, Posted, Said, see_other_saying};

use super::progress::People;
use super::{paths, words};

/// The fields with a meaning of their own, in the order of the card; the tenant's own follow.
pub(super) const FIELDS: [&str; 8] =
    ["fullName", "firstName", "lastName", "email", "phone", "userName", "locale", "externalId"];
/// The most characters that are shown of a value.
const SHOWN: usize = 300;

/// The card.
#[derive(Debug)]
pub struct ContactView {
    /// Our number of the contact.
    pub number: String,
    /// Counts its changes: a form that was drawn for an older one changes nothing.
    pub version: u64,
    /// Its fields that hold something, or for which something is suggested.
    pub fields: Vec<FieldView>,
    /// Where the person has signed in.
    pub identities: Vec<(String, Moment)>,
    /// Where a field is taken back, and where a suggestion is answered.
    pub undo: String,
    /// See [`undo`](Self::undo).
    pub accept: String,
    /// See [`undo`](Self::undo).
    pub dismiss: String,
    /// Where an admin merges another one into it, and where it is erased; none for others.
    pub ends: Option<(String, String)>,
}

/// A field.
#[derive(Debug)]
pub struct FieldView {
    /// Its name in the API.
    pub name: String,
    /// What people call it.
    pub label: String,
    /// What it holds; none if it is blank.
    pub value: Option<String>,
    /// Where that came from.
    pub source: Option<SourceView>,
    /// What an undo would restore; an empty text if the field was blank. What a provider has filled in first has none:
    /// it is undone by the API only.
    pub previous: Option<String>,
    /// What is suggested.
    pub suggestion: Option<(String, SourceView)>,
}

/// Where a value came from.
#[derive(Debug)]
pub struct SourceView {
    /// In words.
    pub text: String,
    /// When it was read there.
    pub at: Moment,
    /// Whether the provider vouches for it.
    pub is_verified: bool,
}

impl ContactView {
    /// The card of a contact.
    pub fn of(tenant: &Tenant, contact: &Contact, people: &People, local: &Local) -> Self {
        let own = contact.fields.keys().chain(contact.suggestions.keys()).map(String::as_str);
        let mut names: Vec<&str> = FIELDS.into_iter().chain(own).collect();
        let mut seen = std::collections::HashSet::new();
        names.retain(|name| seen.insert(*name));
        let field = |name: &str| FieldView::of(tenant, contact, name, people, local);
        let identity = |known: &crate::domain::contact::Identity| {
            let provider = tenant.provider(Some(&known.provider));
            let label = provider.map_or(known.provider.as_str(), |provider| &provider.label);
            (words::plain_name(label), local.moment(known.linked_at))
        };
        Self {
            number: contact.customer_number.clone(),
            version: contact.version,
            fields: names.into_iter().filter_map(field).collect(),
            identities: contact.identities.iter().map(identity).collect(),
            undo: paths::contact(&contact.id, "undo"),
            accept: paths::contact(&contact.id, "accept"),
            dismiss: paths::contact(&contact.id, "dismiss"),
            ends: None,
        }
    }
}

impl ContactView {
    /// The same for an admin, who comes back to this conversation.
    pub fn with_ends(self, id: &ContactId, conversation: &ConversationId) -> Self {
        let end = |verb| paths::contact_of(id, verb, conversation);
        Self { ends: Some((end("merge"), end("erase"))), ..self }
    }
}

impl FieldView {
    /// A field; none if it is blank and nothing is to be decided.
    fn of(tenant: &Tenant, contact: &Contact, name: &str, people: &People, local: &Local) -> Option<Self> {
        let (value, known) = (contact.value(name), contact.provenance.get(name));
        let suggestion = contact.suggestions.get(name);
        let previous = known.and_then(|known| {
            let is_first = known.source == "provider" && known.previous.as_ref().is_some_and(Value::is_null);
            known.previous.as_ref().filter(|_| !is_first)
        });
        if value.is_none() && suggestion.is_none() && previous.is_none() {
            return None;
        }
        let source = |known: &Provenance| SourceView::of(tenant, known, people, local);
        Some(Self {
            name: name.to_owned(),
            label: words::field(name).map_or_else(|| words::plain_name(name), str::to_owned),
            value: value.as_ref().map(shown),
            source: known.map(source),
            previous: previous.map(shown),
            suggestion: suggestion.map(|Suggestion { value, provenance }| (shown(value), source(provenance))),
        })
    }
}

impl SourceView {
    fn of(tenant: &Tenant, known: &Provenance, people: &People, local: &Local) -> Self {
        let text = match (&known.provider, known.source.parse::<Actor>()) {
            (Some(id), _) if known.source == "provider" => {
                let provider = tenant.provider(Some(id));
                let label = provider.map_or(id.as_str(), |provider| &provider.label);
                format!("From {}", words::plain_name(label))
            }
            _ if known.source == "auth_link" => "Said by whoever sent the link".to_owned(),
            (_, Ok(Actor::Staff(id))) => format!("Typed by {}", people.member(&id)),
            (_, Ok(Actor::Client(id))) => format!("Written by the app {}", words::plain_name(id.as_str())),
            _ => format!("From {}", words::plain_name(&known.source)),
        };
        Self { text, at: local.moment(known.at), is_verified: known.verified }
    }
}

/// A value as people read it: on one line, and not endless.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = tidy(&text);
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// Restores what stood in a field before.
pub async fn undo(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(id) = id.parse::<ContactId>() else { return duty.missing() };
    let (field, condition) = (form.text("field"), condition(&form));
    let done = web.broker.undo_contact_field(duty.tenant(), &duty.actor(), &id, field, &condition).await;
    answer(&duty, &form, done, Said::FieldRestored)
}

/// Takes over what is suggested for a field.
pub async fn accept(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(id) = id.parse::<ContactId>() else { return duty.missing() };
    let (field, condition) = (form.text("field"), condition(&form));
    let done = web.broker.accept_suggestion(duty.tenant(), &duty.actor(), &id, field, &condition).await;
    answer(&duty, &form, done, Said::SuggestionAccepted)
}

/// Forgets what is suggested for a field.
pub async fn dismiss(
    duty: OnDuty<Agent>,
    State(web): State<Arc<Web>>,
    Segment(id): Segment,
    form: Posted,
) -> Response {
    let Ok(id) = id.parse::<ContactId>() else { return duty.missing() };
    let (field, condition) = (form.text("field"), condition(&form));
    let done = web.broker.dismiss_suggestion(duty.tenant(), &duty.actor(), &id, field, &condition).await;
    answer(&duty, &form, done, Said::SuggestionDismissed)
}

/// The version that the form was drawn for; a form that does not say so was drawn for none.
fn condition(form: &Posted) -> Condition {
    Condition { any_of: None, version: Some(form.text("version").parse().unwrap_or(0)) }
}

/// Back to the conversation from which it was done.
fn answer(duty: &OnDuty<Agent>, form: &Posted, done: Result<Contact, ContactError>, said: Said) -> Response {
    let said = match done {
        Ok(_) => said,
        Err(ContactError::Unknown) => return duty.missing(),
        Err(ContactError::Stale { .. }) => Said::ContactStale,
        Err(
            ContactError::NoSuggestion
            | ContactError::OtherStale
            | ContactError::Conflict(_)
            | ContactError::Refused(_),
        ) => Said::NothingToChange,
        Err(ContactError::Store(error)) => return duty.unavailable(&error),
    };
    let back = form.text("conversation").parse::<ConversationId>();
    see_other_saying(&back.map_or_else(|_| "/console".to_owned(), |id| paths::conversation(&id)), said)
}
