//! A tenant whose settings stand in the store and not in a file: its document, its providers on their
//! way from draft to live, and its secrets.
//!
//! Settings are trees in the vocabulary of the tenant file (`client_id`, `[[webhook]]`), so that one
//! reader and one table of settings serve both. A secret never stands in a tree: the tree holds
//! a reference with a name that nobody can guess, and [`Secrets`] has what that stands for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::ActionWord;
use super::ids::{ProviderId, TenantId};
use super::provider::Revision;
use crate::secret::Secret;

/// Settings by their names in the tenant file.
pub type Settings = Map<String, Value>;

/// Superseded versions of a provider that are kept.
pub const VERSIONS_KEPT: usize = 20;
/// Changes that are kept for the audit, should it not have been told of them yet.
const CHANGES_KEPT: usize = 50;

/// A tenant that stands in no file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredTenant {
    /// Its name.
    pub id: TenantId,
    /// Counts every change of anything here.
    pub version: u64,
    /// Counts the changes of `document`.
    pub document_version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who changed `document` last, and when.
    pub changed: Signed,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// Everything but the providers.
    pub document: Settings,
    /// Its providers, in the order in which they were made.
    pub providers: Vec<StoredProvider>,
    /// What the references in the trees stand for.
    pub secrets: Secrets,
    /// The host names that it has, none if it is deleted.
    pub hosts: Vec<String>,
    /// The latest changes, the last one last.
    pub changes: Vec<Change>,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// As an actor of the audit.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A provider on its way from draft to live.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredProvider {
    /// Its name in the tenant.
    pub id: ProviderId,
    /// Counts every change of anything here.
    pub version: u64,
    /// How many versions were published.
    pub published: u64,
    /// Who changed it last, and when.
    pub changed: Signed,
    /// What logins use.
    pub live: Option<Published>,
    /// What is not published yet.
    pub draft: Option<Draft>,
    /// What was live before, the latest first, at most [`VERSIONS_KEPT`].
    pub history: Vec<Published>,
}

/// Settings that are or were live. Those that were hold no secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Published {
    /// Which version, from 1.
    pub version: u64,
    /// The settings.
    pub settings: Settings,
    /// Their hash without secrets.
    pub revision: Revision,
    /// Who published them, and when.
    pub signed: Signed,
    /// The test login that they passed; none if they were published knowingly without.
    pub tested: Option<Tested>,
}

/// Settings that are worked on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// The settings.
    pub settings: Settings,
    /// Their hash without secrets.
    pub revision: Revision,
    /// The provider's version that they came with: a test is of this and no later draft, since another secret is the
    /// same revision.
    pub version: u64,
    /// Who wrote them, and when.
    pub signed: Signed,
    /// The test login that they passed.
    pub tested: Option<Tested>,
}

/// A test login that was passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// Of these settings.
    #[schema(value_type = String, examples("9f0c6b1d2e"))]
    pub revision: Revision,
    /// When it was passed.
    pub at: Timestamp,
    /// Its name.
    #[schema(examples("te_0199a1b2c3d47e5f8a9b0c1d2e3f4a5b"))]
    pub test_id: String,
}

/// What the audit is told of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The tenant's version that it made.
    pub version: u64,
    /// Who did it, and when.
    pub signed: Signed,
    /// The word of the action.
    pub action: String,
    /// What was changed.
    pub object: String,
    /// Names of settings, no values.
    pub detail: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
}

/// A tenant's secrets, by the names that stand for them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets {
    kept: BTreeMap<String, KeptSecret>,
}

/// A secret and how old it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptSecret {
    /// The secret itself.
    pub value: Secret,
    /// Since when it is this one.
    pub since: Timestamp,
}

/// One setting that is not the same in two versions.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// A JSON pointer (RFC 6901) to the setting.
    #[schema(examples("/tokenUrl"))]
    pub setting: String,
    /// `added`, `removed` or `changed`.
    #[schema(examples("changed"))]
    pub what: &'static str,
    /// What it is; left out of an added one, and of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub before: Option<Value>,
    /// What it becomes; left out of a removed one, and of a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after: Option<Value>,
}

impl StoredTenant {
    /// A tenant that has nothing yet.
    pub fn new(id: TenantId, signed: Signed) -> Self {
        Self {
            id,
            version: 0,
            document_version: 0,
            created_at: signed.at,
            changed: signed,
            deleted_at: None,
            document: Settings::new(),
            providers: Vec::new(),
            secrets: Secrets::default(),
            hosts: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// The provider of this name.
    pub fn provider(&self, id: &ProviderId) -> Option<&StoredProvider> {
        self.providers.iter().find(|provider| provider.id == *id)
    }

    /// The same, to be changed.
    pub fn provider_mut(&mut self, id: &ProviderId) -> Option<&mut StoredProvider> {
        self.providers.iter_mut().find(|provider| provider.id == *id)
    }

    /// The settings of every live provider.
    pub fn live(&self) -> Vec<&Settings> {
        self.providers.iter().filter_map(|provider| Some(&provider.live.as_ref()?.settings)).collect()
    }

    /// Counts a change and keeps it for the audit. Secrets that nothing refers to any more are forgotten.
    pub fn note(&mut self, change: Change) {
        self.version += 1;
        self.changes.push(Change { version: self.version, ..change });
        let beyond = self.changes.len().saturating_sub(CHANGES_KEPT);
        self.changes.drain(..beyond);
        let mut used = BTreeSet::new();
        references(&self.document, &mut used);
        for provider in &self.providers {
            let trees = provider.live.iter().map(|live| &live.settings);
            for tree in trees.chain(provider.draft.iter().map(|draft| &draft.settings)) {
                references(tree, &mut used);
            }
        }
        self.secrets.kept.retain(|name, _| used.contains(name.as_str()));
    }
}

impl StoredProvider {
    /// A provider that has nothing yet.
    pub fn new(id: ProviderId, signed: Signed) -> Self {
        Self { id, version: 0, published: 0, changed: signed, live: None, draft: None, history: Vec::new() }
    }

    /// Counts a change.
    pub fn sign(&mut self, signed: Signed) {
        self.version += 1;
        self.changed = signed;
    }

    /// Makes settings live. What was live before goes into the history, without its secrets.
    pub fn publish(
        &mut self,
        settings: Settings,
        revision: Revision,
        tested: Option<Tested>,
        signed: Signed,
        secrets: &Secrets,
    ) {
        self.published += 1;
        let version = self.published;
        if let Some(mut before) = self.live.replace(Published { version, settings, revision, signed, tested })
        {
            secrets.take_out_of(&mut before.settings);
            self.history.insert(0, before);
            self.history.truncate(VERSIONS_KEPT);
        }
    }

    /// What a change of it begins with: the draft, or what is live.
    pub fn latest(&self) -> Option<&Settings> {
        self.draft.as_ref().map(|draft| &draft.settings).or_else(|| Some(&self.live.as_ref()?.settings))
    }
}

impl Change {
    /// Its action, as it was written down.
    pub fn word(&self) -> ActionWord {
        ActionWord::written(&self.action)
    }
}

impl Secrets {
    /// Keeps a secret and answers what stands for it in a tree. The name is fresh and never shown, so that no setting
    /// of a client's is taken for a reference.
    pub fn keep(&mut self, value: Secret, since: Timestamp, fresh: Uuid) -> Value {
        let name = format!("SECRET_{}", fresh.simple());
        self.kept.insert(name.clone(), KeptSecret { value, since });
        json!({ "env": name })
    }

    /// The secret that a tree refers to.
    pub fn of(&self, reference: &Value) -> Option<&KeptSecret> {
        self.kept.get(name_of(reference)?)
    }

    /// Carries the secrets of one tree over to another of the same settings, where that has none.
    pub fn carry(&self, from: &Settings, to: &mut Settings) {
        for (name, value) in from.iter().filter(|(_, value)| self.of(value).is_some()) {
            to.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Takes every reference out of a tree.
    fn take_out_of(&self, tree: &mut Settings) {
        tree.retain(|_, value| self.of(value).is_none());
        for value in tree.values_mut() {
            match value {
                Value::Object(inner) => self.take_out_of(inner),
                Value::Array(items) => {
                    items.retain(|item| self.of(item).is_none());
                    items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| self.take_out_of(item));
                }
                _ => {}
            }
        }
    }

    /// Every secret with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.kept.iter().map(|(name, kept)| (name.as_str(), &kept.value))
    }
}

fn name_of(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("env")?.as_str()
}

fn references<'t>(tree: &'t Settings, used: &mut BTreeSet<&'t str>) {
    for value in tree.values() {
        of_value(value, used);
    }
}

fn of_value<'t>(value: &'t Value, used: &mut BTreeSet<&'t str>) {
    match value {
        Value::Object(tree) => match name_of(value) {
            Some(name) => drop(used.insert(name)),
            None => references(tree, used),
        },
        Value::Array(items) => items.iter().for_each(|item| of_value(item, used)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed() -> Signed {
        Signed { by: "client:ops".to_owned(), at: Timestamp::UNIX_EPOCH }
    }

    fn change() -> Change {
        let (action, object) = ("provider.drafted".to_owned(), "acme".to_owned());
        Change { version: 0, signed: signed(), action, object, detail: None, request_id: None }
    }

    fn tree(secret: &Value) -> Settings {
        let rule = json!([{"set": {"env": "prod"}}]);
        json!({"id": "acme", "client_secret": secret, "rule": rule}).as_object().unwrap().clone()
    }

    fn keep(tenant: &mut StoredTenant, value: &str, number: u128) -> Value {
        tenant.secrets.keep(Secret::new(value), signed().at, Uuid::from_u128(number))
    }

    #[test]
    fn a_secret_that_nothing_refers_to_is_forgotten_with_the_next_change() {
        let mut tenant = StoredTenant::new("acme".parse().unwrap(), signed());
        let (old, unused) = (keep(&mut tenant, "old", 1), keep(&mut tenant, "unused", 2));
        let mut provider = StoredProvider::new("acme".parse().unwrap(), signed());
        provider.publish(tree(&old), Revision::new("1"), None, signed(), &tenant.secrets);
        tenant.providers.push(provider);
        tenant.note(change());
        assert!(tenant.secrets.of(&old).is_some() && tenant.secrets.of(&unused).is_none());
        let new = keep(&mut tenant, "new", 3);
        let StoredTenant { providers, secrets, .. } = &mut tenant;
        providers[0].publish(tree(&new), Revision::new("2"), None, signed(), secrets);
        tenant.note(change());
        assert!(tenant.secrets.of(&old).is_none() && tenant.secrets.of(&new).is_some());
        let before = &tenant.providers[0].history[0].settings;
        assert!(!before.contains_key("client_secret"));
        assert_eq!(before["rule"][0]["set"]["env"], "prod", "what looks like a reference is none");
        assert_eq!((tenant.version, tenant.changes.last().unwrap().version), (2, 2));
    }

    #[test]
    fn only_so_many_versions_and_changes_are_kept_and_the_latest_of_them() {
        let mut tenant = StoredTenant::new("acme".parse().unwrap(), signed());
        let mut provider = StoredProvider::new("acme".parse().unwrap(), signed());
        for _ in 0..70 {
            provider.publish(Settings::new(), Revision::new("1"), None, signed(), &tenant.secrets);
            tenant.note(change());
        }
        let versions: Vec<_> = provider.history.iter().map(|published| published.version).collect();
        assert_eq!((versions[0], versions.len(), provider.live.unwrap().version), (69, VERSIONS_KEPT, 70));
        assert_eq!((tenant.changes.len(), tenant.changes[49].version), (CHANGES_KEPT, 70));
    }

    #[test]
    fn secrets_are_carried_over_where_there_are_none() {
        let mut tenant = StoredTenant::new("acme".parse().unwrap(), signed());
        let (one, two) = (keep(&mut tenant, "1", 1), keep(&mut tenant, "2", 2));
        let mut to = json!({"id": "acme"}).as_object().unwrap().clone();
        tenant.secrets.carry(&tree(&one), &mut to);
        assert_eq!(to, json!({"id": "acme", "client_secret": one}).as_object().unwrap().clone());
        let mut other = tree(&two);
        tenant.secrets.carry(&tree(&one), &mut other);
        assert_eq!(other["client_secret"], two);
    }

    #[test]
    fn a_record_survives_its_json_with_every_digit() {
        let mut tenant = StoredTenant::new("acme".parse().unwrap(), signed());
        keep(&mut tenant, "s", 1);
        tenant.document =
            serde_json::from_str(r#"{"rule": [{"set": {"n": 12345678901234567890.10}}]}"#).unwrap();
        let text = serde_json::to_string(&tenant).unwrap();
        let again: StoredTenant = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }
}
