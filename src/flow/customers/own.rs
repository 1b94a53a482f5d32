//! What a customer sees and changes of the own record. Every method takes the contact that the token names, and nothing
//! that could name another one.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::contact::prove::UnlinkError;
use crate::domain::contact::{Contact, Identity};
use crate::domain::conversation::Channel;
use crate::domain::ids::{ContactId, ConversationId, ProviderId};
use crate::domain::profile::ProfileField;
use crate::domain::tenant::Tenant;
use crate::flow::contacts::patch::{ContactPatch, PatchFault, pointer};
use crate::flow::contacts::{Condition, ContactError};
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Tx};

/// How many characters the name of a sign-in has: 132 bits.
const SIGN_IN_ID: usize = 22;

/// A conversation in which a customer was verified.
#[derive(Debug, Clone)]
pub struct OwnConversation {
    /// The platform's id.
    pub id: ConversationId,
    /// Its channel.
    pub channel: Channel,
    /// Since when and until when this customer is verified there; none if that is over, or it is somebody else by now.
    pub verified: Option<(Timestamp, Timestamp)>,
}

/// A way to sign in of a customer.
#[derive(Debug, Clone)]
pub struct OwnSignIn {
    /// Its name, which tells nothing of who the customer is there.
    pub id: String,
    /// The provider; none for emailed codes.
    pub provider: Option<ProviderId>,
    /// What customers call it: the provider's label, or the address that gets the codes.
    pub label: String,
    /// Since when we know it.
    pub linked_at: Timestamp,
}

/// Why a way to sign in stays.
#[derive(Debug, thiserror::Error)]
pub enum NotUnlinked {
    /// It cannot be taken away.
    #[error(transparent)]
    Refused(#[from] UnlinkError),
    /// The record is gone.
    #[error("there is no such contact")]
    Gone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Broker {
    /// Changes fields of the own record: those that the tenant lets its customers change.
    pub async fn patch_own(
        &self,
        tenant: &Tenant,
        contact: &ContactId,
        body: &Map<String, Value>,
    ) -> Result<Contact, ContactError> {
        let patch = allowed(body, &tenant.customers.may_change).map_err(ContactError::Refused)?;
        let by = Actor::Customer(contact.clone());
        self.patch_contact(tenant, &by, contact, &patch, &Condition::default()).await
    }

    /// The conversations in which a customer was verified, the latest first.
    pub async fn own_conversations(
        &self,
        tenant: &Tenant,
        contact: &Contact,
    ) -> Result<Vec<OwnConversation>, StoreError> {
        let (store, now) = (self.store.at(&tenant.id), self.clock.now());
        let ids: Vec<_> = contact.conversations.iter().map(|known| known.id.clone()).collect();
        let known = store.conversations(&ids).await?;
        let own = |reference: &crate::domain::conversation::ConversationRef| {
            let there = known.iter().find(|known| known.value.at.id == reference.id);
            let verified = there.and_then(|there| there.value.verified_at(now));
            let is_own = |id: &ContactId| *id == contact.id || contact.merged_from.contains(id);
            let verified = verified.filter(|verified| verified.contact_id.as_ref().is_some_and(is_own));
            OwnConversation {
                id: reference.id.clone(),
                channel: reference.channel,
                verified: verified.map(|verified| (verified.since, verified.until)),
            }
        };
        Ok(contact.conversations.iter().rev().map(own).collect())
    }

    /// The ways to sign in of a customer, the oldest first.
    pub fn own_sign_ins(&self, tenant: &Tenant, contact: &Contact) -> Vec<OwnSignIn> {
        contact.identities.iter().map(|identity| own_sign_in(tenant, identity)).collect()
    }

    /// Takes a way to sign in away, and answers those that are left. The last one stays.
    pub async fn unlink_own(
        &self,
        tenant: &Tenant,
        contact: &ContactId,
        sign_in: &str,
    ) -> Result<Contact, NotUnlinked> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let stored = store.contact_or_survivor(contact).await?.ok_or(NotUnlinked::Gone)?;
            let mut changed = stored.value.clone();
            let gone = changed.unlink_identity(|identity| id_of(identity) == sign_in)?;
            changed.touch(self.clock.now());
            let mut tx = Tx::new();
            tx.update_contact(&stored, &changed);
            tx.delete_identity(&gone.provider, &gone.subject);
            self.forget_tokens_of(&mut tx, tenant, &changed.id, &gone).await?;
            let actor = Actor::Customer(contact.clone()).to_string();
            let detail = Some(gone.provider.to_string());
            self.audit_contact(&mut tx, &actor, AuditAction::IdentityUnlinked, &changed.id, detail);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| changed)?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

fn own_sign_in(tenant: &Tenant, identity: &Identity) -> OwnSignIn {
    let is_code = identity.provider == ProviderId::email_code();
    let label = match tenant.provider(Some(&identity.provider)) {
        _ if is_code => identity.subject.clone(),
        Some(provider) => provider.label.clone(),
        // A provider that the tenant no longer has.
        None => identity.provider.to_string(),
    };
    let provider = (!is_code).then(|| identity.provider.clone());
    OwnSignIn { id: id_of(identity), provider, label, linked_at: identity.linked_at }
}

/// The name of a way to sign in: who the customer is there does not follow from it.
fn id_of(identity: &Identity) -> String {
    let text = format!("{}\n{}\n{}", identity.provider, identity.subject, identity.linked_at);
    let mut id = URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()));
    id.truncate(SIGN_IN_ID);
    id
}

/// A patch of allowed fields, each by its name: known ones, and the tenant's own.
fn allowed(body: &Map<String, Value>, may_change: &[String]) -> Result<ContactPatch, Vec<PatchFault>> {
    let (mut known, mut own, mut faults) = (Map::new(), Map::new(), Vec::new());
    for (name, value) in body {
        if !may_change.iter().any(|allowed| allowed == name) {
            let detail = match may_change {
                [] => "customers cannot change their profile here".to_owned(),
                names => format!("this cannot be changed; what can is {}", listed(names)),
            };
            faults.push(PatchFault::at(pointer(&[name]), detail));
        } else if ProfileField::named(name).is_some() {
            known.insert(name.clone(), value.clone());
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
    if !own.is_empty() {
        known.insert("fields".to_owned(), Value::Object(own));
    }
    match ContactPatch::parse(&known) {
        Ok(patch) if faults.is_empty() => Ok(patch),
        Ok(_) => Err(faults),
        Err(wrong) => {
            let renamed = |fault: PatchFault| {
                let pointer = fault.pointer.strip_prefix("/fields").unwrap_or(&fault.pointer).to_owned();
                PatchFault { pointer, ..fault }
            };
            faults.extend(wrong.into_iter().map(renamed));
            Err(faults)
        }
    }
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parse(body: &Value, may_change: &[&str]) -> Result<Vec<String>, Vec<String>> {
        let may_change: Vec<String> = may_change.iter().map(|name| (*name).to_owned()).collect();
        allowed(body.as_object().unwrap(), &may_change)
            .map(|patch| patch.edits.into_iter().map(|edit| edit.field).collect())
            .map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
    }

    #[test]
    fn only_allowed_fields_are_changed_and_every_other_is_told() {
        let body = json!({"firstName": "Dana", "colour": "blue", "email": "eve@evil.example", "version": 1});
        assert_eq!(
            parse(&body, &["firstName", "colour"]),
            Err(vec!["/email".to_owned(), "/version".to_owned()])
        );
        let body = json!({"firstName": "Dana", "colour": "blue"});
        assert_eq!(parse(&body, &["firstName", "colour"]).unwrap(), ["firstName", "colour"]);
        assert_eq!(parse(&body, &[]), Err(vec!["/firstName".to_owned(), "/colour".to_owned()]));
    }

    #[test]
    fn a_bad_value_is_told_where_it_stands() {
        let body = json!({"firstName": 5, "phone": "none", "colour": {"$serde_json::private::Number": "1"}});
        let told = parse(&body, &["firstName", "phone", "colour"]).unwrap_err();
        assert_eq!(told, ["/firstName", "/phone", "/colour"]);
        assert_eq!(parse(&json!({"fields": {"x": 1}}), &["colour"]), Err(vec!["/fields".to_owned()]));
    }

    #[test]
    fn a_sign_in_is_named_by_itself_and_tells_nothing() {
        let at = |subject: &str| Identity {
            provider: "acme".parse().unwrap(),
            subject: subject.to_owned(),
            linked_at: Timestamp::UNIX_EPOCH,
        };
        let (one, two) = (id_of(&at("4711")), id_of(&at("4712")));
        assert!(one != two && one.len() == SIGN_IN_ID && !one.contains("4711"));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_changes_allowed_fields_only(name in "\\PC{0,20}", text: String) {
            let body = json!({name.clone(): text.clone(), "firstName": text});
            let may_change = ["firstName".to_owned(), "colour".to_owned()];
            if let Ok(patch) = allowed(body.as_object().unwrap(), &may_change) {
                prop_assert!(patch.edits.iter().all(|edit| may_change.contains(&edit.field)));
                prop_assert_eq!(patch.version, None);
            }
        }
    }
}
