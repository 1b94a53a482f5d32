//! Who is verified in a conversation. The name of this block comes from the sign-in itself, never from what anybody
//! typed, and its shape, icon and words are used for nothing else.

use jiff::Timestamp;

use crate::domain::contact::Contact;
use crate::domain::conversation::{Conversation, Verified};
use crate::domain::link::{Completion, Link};
use crate::domain::profile::{Profile, ProfileField};
use crate::domain::tenant::Tenant;
use crate::web::page::clean;
use crate::web::staff::{Local, Moment};

use super::{paths, words};

/// The block, for a conversation in which somebody is verified.
#[derive(Debug)]
pub struct IdentityView {
    /// What the provider called the person.
    pub name: Option<String>,
    /// Our number of the contact.
    pub number: Option<String>,
    /// Where the customer signed in.
    pub provider: String,
    /// How it was proved that this is the person in the chat.
    pub proof: &'static str,
    /// Whether that proves anything.
    pub is_proved: bool,
    /// When the sign-in completed.
    pub since: Moment,
    /// When it stops to hold.
    pub until: Moment,
    /// The provider vouches for another address than the chat's.
    pub mismatch: bool,
    /// It is not the contact that the sender of the link had expected.
    pub contact_mismatch: bool,
    /// What the tenant's rules say of the person.
    pub fields: Vec<(String, String)>,
    /// Where the verification is ended.
    pub end: String,
}

impl IdentityView {
    /// The block; none if nobody is verified at `now`. `proving` is the link that proved it, if it is still kept.
    pub fn of(
        tenant: &Tenant,
        conversation: &Conversation,
        (proving, contact): (Option<&Link>, Option<&Contact>),
        local: &Local,
        now: Timestamp,
    ) -> Option<Self> {
        let verified = conversation.verified_at(now)?;
        let completion = proving.and_then(Link::completion);
        let profile = completion.map(|completion| &completion.profile);
        let said = |test: fn(&Completion) -> bool| completion.is_some_and(test);
        Some(Self {
            name: profile.and_then(name_of).or_else(|| contact.and_then(provided_name)),
            number: contact.map(|contact| contact.customer_number.clone()),
            provider: provider_label(tenant, verified),
            proof: words::proof(verified.binding),
            is_proved: words::is_proof(verified.binding),
            since: local.moment(verified.since),
            until: local.moment(verified.until),
            mismatch: said(|completion| completion.mismatch),
            contact_mismatch: said(|completion| completion.contact_mismatch),
            fields: verified
                .fields
                .iter()
                .map(|(name, value)| (clean(name), super::contact::shown(value)))
                .collect(),
            end: paths::action(&conversation.at.id, "end"),
        })
    }
}

/// What customers call the provider; its id if it is no longer there.
fn provider_label(tenant: &Tenant, verified: &Verified) -> String {
    let provider = tenant.provider(Some(&verified.provider));
    words::plain_name(provider.map_or(verified.provider.as_str(), |provider| &provider.label))
}

/// What a provider called the person.
fn name_of(profile: &Profile) -> Option<String> {
    let text = |field| profile.text(field).map(words::plain_name).filter(|name| !name.is_empty());
    text(ProfileField::FullName)
        .or_else(|| text(ProfileField::UserName))
        .or_else(|| text(ProfileField::Email))
}

/// The contact's name, if a provider said it.
fn provided_name(contact: &Contact) -> Option<String> {
    let is_provided = contact.provenance.get("fullName").is_some_and(|known| known.source == "provider");
    contact.full_name.as_deref().filter(|_| is_provided).map(words::plain_name)
}
