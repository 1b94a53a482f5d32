//! A stored tenant's snippets: its saved wordings, made, changed and deleted one by one.

use serde_json::{Map, Value, json};

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{SnippetId, TenantId};
use crate::domain::snippet::Snippet;

use super::super::Broker;
use super::super::once::{MadeHere, Once};
use super::change::{Changing, Made};
use super::format::Part;
use super::own::{list_of, place_of, there};
use super::{Precondition, SettingsError};

/// The list in the tree of settings.
const LIST: &str = "snippet";
/// The most snippets that a tenant makes here.
const MOST: usize = 200;

impl Broker {
    /// Makes a snippet; there is none of this name yet.
    pub async fn create_snippet(
        &self,
        tenant: &TenantId,
        sent: &Map<String, Value>,
        author: &Actor,
        once: Option<&Once>,
    ) -> Result<MadeHere<SnippetId>, SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, &Precondition::Any)?;
            let list = list_of(&changing.tenant.document, LIST);
            if list.len() >= MOST {
                let text = format!("a tenant has at most {MOST} snippets; delete one that is no longer used");
                return Err(SettingsError::Conflict(text));
            }
            let place = list.len();
            let snippet = self.put_snippet_at(changing, list, place, sent)?;
            Ok(Made::new(snippet.id.clone(), AuditAction::SnippetCreated, &snippet.id))
        };
        self.change_once(tenant, author, once, change).await
    }

    /// Changes the snippet of this name, all of it.
    pub async fn change_snippet(
        &self,
        tenant: &TenantId,
        id: &SnippetId,
        sent: &Map<String, Value>,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<Snippet, SettingsError> {
        let mut sent = sent.clone();
        let given = sent.insert("id".to_owned(), json!(id.as_str()));
        if given.is_some_and(|given| given != json!(id.as_str())) {
            let message = "the id is another than in the path";
            return Err(SettingsError::refused("/id", message, "leave it out"));
        }
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            let place = place_of(&changing.tenant, LIST, "id", id.as_str())?;
            let list = list_of(&changing.tenant.document, LIST);
            let snippet = self.put_snippet_at(changing, list, place, &sent)?;
            Ok(Made::new(snippet, AuditAction::SnippetChanged, id))
        };
        Ok(self.change(tenant, author, change).await?.0)
    }

    /// Takes a snippet away. Messages that were sent with it stay as they are.
    pub async fn delete_snippet(
        &self,
        tenant: &TenantId,
        id: &SnippetId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            there(changing, condition)?;
            self.remove(changing, (LIST, "id"), id.as_str())?;
            Ok(Made::new((), AuditAction::SnippetDeleted, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// The snippets of a stored tenant and the version of the document that they stand in, both of one record. None of a
    /// tenant that stands elsewhere.
    pub async fn stored_snippets(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<(Vec<Snippet>, u64)>, SettingsError> {
        if self.writable(tenant).is_err() {
            return Ok(None);
        }
        let Some(stored) = self.stored_tenant(tenant).await? else { return Ok(None) };
        let read = self.format().read(&stored.id, &stored.document, &stored.live(), &stored.secrets);
        let reading = read.map_err(SettingsError::Refused)?;
        Ok(Some((reading.tenant.snippets, stored.document_version)))
    }

    /// Puts what was sent at a place of the list, at its end for a new one, and reads it as logins will.
    fn put_snippet_at(
        &self,
        changing: &mut Changing,
        mut list: Vec<Value>,
        place: usize,
        sent: &Map<String, Value>,
    ) -> Result<Snippet, SettingsError> {
        let before = list.get(place).and_then(Value::as_object).cloned();
        let secrets = &mut changing.tenant.secrets;
        let taken = self.format().take(Part::Snippet, sent, before.as_ref(), secrets);
        let settings = taken.map_err(SettingsError::Refused)?;
        list.splice(place..list.len().min(place + 1), [Value::Object(settings)]);
        self.put_list(changing, LIST, list);
        let front = format!("/snippets/{place}");
        self.read_below(changing, &front, |tenant| tenant.snippets.get(place).cloned())
    }
}
