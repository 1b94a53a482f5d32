//! What a stored tenant's own admin changes: its document but for hosts and clients, and its webhooks.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{TenantId, WebhookId};
use crate::domain::stored::{Settings, StoredTenant};
use crate::domain::webhook::Webhook;

use super::super::Broker;
use super::super::once::{MadeHere, Once};
use super::change::{Changing, Made};
use super::format::{Part, Remark};
use super::{Precondition, SettingsError};

/// Members of the document that only the operator changes, or that have calls of their own.
const OTHERS: [(&str, &str); 5] = [
    ("hosts", "the platform operator sets the hosts"),
    ("providers", "use `/v1/providers`"),
    ("clients", "use `/v1/clients`"),
    ("webhooks", "use `/v1/webhooks`"),
    ("staff", "use `/v1/staff`"),
];
/// The same, as the trees call them.
const OTHER_SETTINGS: [&str; 4] = ["hosts", "client", "webhook", "staff"];

/// What of a tenant's settings its own admin changes as a whole.
pub fn own_part(mut document: Map<String, Value>) -> Map<String, Value> {
    for (member, _) in OTHERS {
        document.shift_remove(member);
    }
    document
}

impl Broker {
    /// Changes a tenant's document, as its own admin may.
    pub async fn put_own_document(
        &self,
        tenant: &TenantId,
        sent: &Map<String, Value>,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<Vec<Remark>, SettingsError> {
        self.writable(tenant)?;
        let foreign = OTHERS.iter().filter(|(member, _)| sent.contains_key(*member));
        let remarks: Vec<_> = foreign
            .map(|(member, help)| {
                let message = format!("`{member}` is not changed here");
                Remark::new(format!("/{member}"), message, (*help).to_owned())
            })
            .collect();
        if !remarks.is_empty() {
            return Err(SettingsError::Refused(remarks));
        }
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let StoredTenant { document, secrets, .. } = &mut changing.tenant;
            let taken = self.format().take(Part::Tenant, sent, Some(document), secrets);
            let mut settings = taken.map_err(SettingsError::Refused)?;
            for name in OTHER_SETTINGS {
                if let Some(kept) = document.get(name) {
                    settings.insert(name.to_owned(), kept.clone());
                }
            }
            let detail = self.put_document(changing, settings);
            let warnings = self.read_whole(changing)?;
            Ok(Made::new(warnings, AuditAction::TenantChanged, tenant).saying(detail))
        };
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// Makes a webhook.
    pub async fn create_webhook(
        &self,
        tenant: &TenantId,
        sent: &Map<String, Value>,
        author: &Actor,
        once: Option<&Once>,
    ) -> Result<MadeHere<WebhookId>, SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            let made = self.put_webhook_at(changing, None, sent)?;
            Ok(Made::new(made.clone(), AuditAction::WebhookCreated, &made))
        };
        self.change_once(tenant, author, once, change).await
    }

    /// Changes the webhook of this name, all of it.
    pub async fn change_webhook(
        &self,
        tenant: &TenantId,
        id: &WebhookId,
        sent: &Map<String, Value>,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<WebhookId, SettingsError> {
        let mut sent = sent.clone();
        let given = sent.insert("id".to_owned(), json!(id.as_str()));
        if given.is_some_and(|given| given != json!(id.as_str())) {
            return Err(SettingsError::refused("/id", "the id is another than in the path", "leave it out"));
        }
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let place = place_of(&changing.tenant, "webhook", "id", id.as_str())?;
            let made = self.put_webhook_at(changing, Some(place), &sent)?;
            Ok(Made::new(made.clone(), AuditAction::WebhookChanged, &made))
        };
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// Puts a webhook in a place of the list, or behind it.
    fn put_webhook_at(
        &self,
        changing: &mut Changing,
        place: Option<usize>,
        sent: &Map<String, Value>,
    ) -> Result<WebhookId, SettingsError> {
        let mut list = list_of(&changing.tenant.document, "webhook");
        let before = place.and_then(|place| list.get(place)?.as_object().cloned());
        let taken = self.format().take(Part::Webhook, sent, before.as_ref(), &mut changing.tenant.secrets);
        let settings = taken.map_err(SettingsError::Refused)?;
        let place = place.unwrap_or(list.len());
        list.splice(place..list.len().min(place + 1), [Value::Object(settings)]);
        self.put_list(changing, "webhook", list);
        let made = self.read_below(changing, &format!("/webhooks/{place}"), |tenant| {
            tenant.webhooks.get(place).map(|webhook| webhook.id.clone())
        })?;
        // From now on it keeps its name, whatever its URL becomes.
        if let Some(tree) = changing.tenant.document["webhook"][place].as_object_mut() {
            tree.insert("id".to_owned(), json!(made.as_str()));
        }
        changing.reading = None;
        Ok(made)
    }

    /// Takes a webhook away. What waits for it is sent no more.
    pub async fn delete_webhook(
        &self,
        tenant: &TenantId,
        id: &WebhookId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            self.remove(changing, ("webhook", "id"), id.as_str())?;
            Ok(Made::new((), AuditAction::WebhookDeleted, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// The webhooks of a stored tenant and the version of the document that they stand in, both of one record: what this
    /// broker serves may be older for a moment. None of a tenant that stands elsewhere.
    pub async fn stored_webhooks(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<(Vec<Arc<Webhook>>, u64)>, SettingsError> {
        if self.writable(tenant).is_err() {
            return Ok(None);
        }
        let Some(stored) = self.stored_tenant(tenant).await? else { return Ok(None) };
        let read = self.format().read(&stored.id, &stored.document, &stored.live(), &stored.secrets);
        let reading = read.map_err(SettingsError::Refused)?;
        Ok(Some((reading.tenant.webhooks, stored.document_version)))
    }

    pub(super) fn remove(
        &self,
        changing: &mut Changing,
        (list, name): (&str, &str),
        id: &str,
    ) -> Result<(), SettingsError> {
        let place = place_of(&changing.tenant, list, name, id)?;
        let mut items = list_of(&changing.tenant.document, list);
        items.remove(place);
        self.put_list(changing, list, items);
        self.read_whole(changing).map(drop)
    }

    pub(super) fn put_list(&self, changing: &mut Changing, name: &str, list: Vec<Value>) {
        let mut settings = changing.tenant.document.clone();
        settings.insert(name.to_owned(), Value::Array(list));
        self.put_document(changing, settings);
    }

    /// Reads the whole; pointers begin at one of its tables.
    pub(super) fn read_below<T>(
        &self,
        changing: &mut Changing,
        front: &str,
        find: impl Fn(&crate::domain::tenant::Tenant) -> Option<T>,
    ) -> Result<T, SettingsError> {
        match self.read_whole(changing) {
            Ok(_) => {
                let reading = changing.reading.as_ref();
                reading.and_then(|reading| find(&reading.tenant)).ok_or(SettingsError::Unknown)
            }
            Err(SettingsError::Refused(remarks)) => {
                let within = |remark: Remark| {
                    let pointer = remark.pointer.strip_prefix(front).unwrap_or_default().to_owned();
                    Remark { pointer, ..remark }
                };
                Err(SettingsError::Refused(remarks.into_iter().map(within).collect()))
            }
            Err(error) => Err(error),
        }
    }
}

/// The tenant is there, in this version.
pub(super) fn there(changing: &Changing, condition: &Precondition) -> Result<(), SettingsError> {
    if !changing.exists {
        return Err(SettingsError::Unknown);
    }
    condition.demand(Some(changing.tenant.document_version))
}

pub(super) fn list_of(document: &Settings, name: &str) -> Vec<Value> {
    document.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

pub(super) fn place_of(
    tenant: &StoredTenant,
    list: &str,
    name: &str,
    id: &str,
) -> Result<usize, SettingsError> {
    let items = list_of(&tenant.document, list);
    let is_it = |item: &Value| item.get(name).and_then(Value::as_str) == Some(id);
    items.iter().position(is_it).ok_or(SettingsError::Unknown)
}
