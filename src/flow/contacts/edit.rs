//! A client changes a contact: patch, undo, and the answers to a suggestion.

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::contact::{Change, Contact, EditError, Trace};
use crate::domain::ids::ContactId;
use crate::domain::profile::ProfileField;
use crate::domain::tenant::Tenant;
use crate::flow::trail::Seen;
use crate::flow::{Broker, RACES};
use crate::store::{Durability, StoreError, Stored, TenantStore, Tx};

use super::patch::{ContactPatch, PatchFault, pointer};
use super::{Condition, ContactError};

/// What a change did.
enum Effect {
    /// Nothing: it stands there already.
    None,
    /// It is not worth an event.
    Quiet,
    /// Fields changed.
    Changed(Vec<Change>),
}

/// Who asks for what.
#[derive(Clone, Copy)]
struct Order<'a> {
    by: &'a Actor,
    contact: &'a ContactId,
    condition: &'a Condition,
    /// Its name in the audit.
    action: AuditAction,
}

impl Broker {
    /// Changes fields. What stands there already is no change, and tells nobody.
    pub async fn patch_contact(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        patch: &ContactPatch,
        condition: &Condition,
    ) -> Result<Contact, ContactError> {
        let condition = Condition { version: patch.version, ..condition.clone() };
        let order = Order { by, contact: id, condition: &condition, action: AuditAction::ContactUpdated };
        let (source, now) = (by.to_string(), self.clock.now());
        let edit = |contact: &mut Contact| {
            let changes = contact.edit(&patch.edits, &source, now)?;
            Ok(if changes.is_empty() { Effect::None } else { Effect::Changed(changes) })
        };
        self.change_contact(tenant, order, edit).await
    }

    /// Restores the previous value of a field.
    pub async fn undo_contact_field(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        field: &str,
        condition: &Condition,
    ) -> Result<Contact, ContactError> {
        let order = Order { by, contact: id, condition, action: AuditAction::ContactUndone };
        let (source, now) = (by.to_string(), self.clock.now());
        let undo = |contact: &mut Contact| {
            contact.undo(field, &source, now).map(|change| Effect::Changed(vec![change]))
        };
        self.change_contact(tenant, order, undo).await
    }

    /// Takes over what is suggested for a field.
    pub async fn accept_suggestion(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        field: &str,
        condition: &Condition,
    ) -> Result<Contact, ContactError> {
        let order = Order { by, contact: id, condition, action: AuditAction::SuggestionAccepted };
        let accept = |contact: &mut Contact| {
            Ok(contact.accept(field)?.map_or(Effect::Quiet, |change| Effect::Changed(vec![change])))
        };
        self.change_contact(tenant, order, accept).await
    }

    /// Forgets what is suggested for a field.
    pub async fn dismiss_suggestion(
        &self,
        tenant: &Tenant,
        by: &Actor,
        id: &ContactId,
        field: &str,
        condition: &Condition,
    ) -> Result<Contact, ContactError> {
        let order = Order { by, contact: id, condition, action: AuditAction::SuggestionDismissed };
        let dismiss = |contact: &mut Contact| contact.dismiss(field).map(|()| Effect::Quiet);
        self.change_contact(tenant, order, dismiss).await
    }

    /// Reads, changes and writes, again after a lost race.
    async fn change_contact(
        &self,
        tenant: &Tenant,
        order: Order<'_>,
        change: impl Fn(&mut Contact) -> Result<Effect, EditError>,
    ) -> Result<Contact, ContactError> {
        let store = self.store.at(&tenant.id);
        for _ in 0..RACES {
            let known = store.contact_or_survivor(order.contact).await?.ok_or(ContactError::Unknown)?;
            order.condition.check(&known.value)?;
            let mut changed = known.value.clone();
            let effect = change(&mut changed)?;
            if matches!(effect, Effect::None) {
                // Nothing changes, but the client is told of the person.
                self.note_seen(&tenant.id, order.by, Seen::contact(&changed)).await?;
                return Ok(changed);
            }
            changed.touch(self.clock.now());
            check_external_id(&store, &known, &changed).await?;
            let tx = self.changed(tenant, order, &known, &changed, &effect);
            match store.commit(tx, Durability::Durable).await {
                Err(StoreError::Conflict) => {}
                done => return Ok(done.map(|()| changed)?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The record with its indexes, event, trace and audit entry.
    fn changed(
        &self,
        tenant: &Tenant,
        order: Order<'_>,
        known: &Stored<Contact>,
        changed: &Contact,
        effect: &Effect,
    ) -> Tx {
        let mut tx = Tx::new();
        tx.update_contact(known, changed);
        let actor = order.by.to_string();
        let mut detail = None;
        if let Effect::Changed(changes) = effect {
            let event = self.announce_contact(&mut tx, &tenant.id, changed, changes);
            tx.trace(&changed.id, &Trace::of_event(event));
            detail = Some(fields_of(changes));
        }
        self.audit_contact(&mut tx, &actor, order.action, &changed.id, detail);
        tx
    }
}

impl From<EditError> for ContactError {
    fn from(error: EditError) -> Self {
        let detail = error.to_string();
        match error {
            EditError::Full { field } | EditError::TooLarge { field } => {
                Self::Refused(vec![PatchFault::at(pointer(&["fields", &field]), detail)])
            }
            EditError::NothingToUndo { .. } => Self::Conflict(detail),
            EditError::NoSuggestion => Self::NoSuggestion,
        }
    }
}

/// An id of the platform belongs to one contact. If another one takes it between this check and the
/// commit, the commit is a conflict.
async fn check_external_id(
    store: &TenantStore,
    known: &Contact,
    changed: &Contact,
) -> Result<(), ContactError> {
    let Some(external) = changed.external_id.as_ref().filter(|_| known.external_id != changed.external_id)
    else {
        return Ok(());
    };
    match store.external_owner(external).await? {
        Some(owner) if known.answers_to(&owner) => Ok(()),
        Some(owner) => Err(ContactError::Conflict(format!("the contact `{owner}` has this `externalId`"))),
        None => Ok(()),
    }
}

/// Which fields, in words that name nobody: the names of a platform's own fields may be personal.
fn fields_of(changes: &[Change]) -> String {
    let word = |change: &Change| ProfileField::named(&change.field).map_or("fields", ProfileField::as_str);
    let mut words: Vec<&str> =
        changes
            .iter()
            .map(|change| {
                if change.field == crate::domain::contact::EXTERNAL_ID { "externalId" } else { word(change) }
            })
            .collect();
    words.dedup();
    words.join(" ")
}
