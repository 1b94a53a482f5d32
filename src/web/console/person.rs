//! What the pages share on which an admin ends a contact: whom it is about, and the way back.

use axum::response::Response;

use crate::domain::contact::Contact;
use crate::domain::ids::{ContactId, ConversationId};
use crate::flow::contacts::Condition;
use crate::flow::trail::Seen;
use crate::web::Web;
use crate::web::staff::{Admin, OnDuty, Posted};

use super::contact::{FIELDS, shown};
use super::{paths, words};

/// How many contacts with one address are shown to choose from.
const FOUND: usize = 10;

/// A contact as far as it takes to tell people apart.
#[derive(Debug)]
pub struct PersonView {
    /// Its id, for a form.
    pub id: String,
    /// Our number of it.
    pub number: String,
    /// Counts its changes.
    pub version: u64,
    /// What is known, as label and value.
    pub facts: Vec<(String, String)>,
}

impl PersonView {
    /// The contact, in a few lines.
    pub fn of(contact: &Contact) -> Self {
        let own = contact.fields.keys().map(String::as_str);
        let fact = |name: &str| {
            let label = words::field(name).map_or_else(|| words::plain_name(name), str::to_owned);
            Some((label, shown(&contact.value(name)?)))
        };
        Self {
            id: contact.id.to_string(),
            number: contact.customer_number.clone(),
            version: contact.version,
            facts: FIELDS.into_iter().chain(own).filter_map(fact).collect(),
        }
    }
}

/// The contact that an address names, if it is still the same one; the admin is told of it. One that went up in another
/// is not there: whoever ends a contact must have that one before the eyes.
pub async fn open(duty: &OnDuty<Admin>, web: &Web, id: &str) -> Result<Contact, Box<Response>> {
    let missing = || Box::new(duty.missing());
    let id: ContactId = id.parse().map_err(|_| missing())?;
    let contact = web.broker.contact(duty.tenant(), &id).await;
    let contact = contact.map_err(|error| Box::new(duty.unavailable(&error)))?;
    let contact = contact.filter(|contact| contact.id == id).ok_or_else(missing)?;
    duty.saw(web, Seen::contact(&contact)).await?;
    Ok(contact)
}

/// Others that an email address, a phone number, an id or a name leads to; the admin is told of them.
pub async fn others(
    duty: &OnDuty<Admin>,
    web: &Web,
    sought: &str,
    but: &ContactId,
) -> Result<Vec<Contact>, Box<Response>> {
    let tenant = duty.tenant();
    let read = async {
        let mut found = web.broker.desk_search(tenant, sought).await?.contacts;
        if let Ok(id) = sought.parse::<ContactId>() {
            found.extend(web.broker.contact(tenant, &id).await?);
        }
        Ok(found)
    };
    let mut found: Vec<Contact> = read.await.map_err(|error| Box::new(duty.unavailable(&error)))?;
    let mut seen = std::collections::HashSet::from([but.clone()]);
    found.retain(|contact| seen.insert(contact.id.clone()));
    found.truncate(FOUND);
    duty.saw(web, Seen::contacts(&found)).await?;
    Ok(found)
}

/// The version that the form was drawn for.
pub fn condition(form: &Posted) -> Condition {
    Condition { any_of: None, version: Some(form.text("version").parse().unwrap_or(0)) }
}

/// The page from which the admin came: a conversation, or the list of them.
pub fn back(conversation: &str) -> String {
    conversation
        .parse::<ConversationId>()
        .map_or_else(|_| "/console".to_owned(), |id| paths::conversation(&id))
}
