//! A provider's settings go live, go back, or are given up; and its secret is replaced, with the old
//! one as the fallback while both are valid.

use serde_json::Value;

use crate::domain::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::{ProviderId, TenantId};
use crate::domain::stored::{Settings, StoredProvider, StoredTenant};
use crate::secret::Secret;

use super::super::Broker;
use super::change::{Changing, Made};
use super::checks::{read_with, same_places, same_subject};
use super::format::Part;
use super::providers::no_draft;
use super::{Precondition, SettingsError, trail};

/// The settings of a secret and of the one before it.
const SECRET: &str = "client_secret";
const PREVIOUS: &str = "client_secret_previous";

impl Broker {
    /// Makes the draft live. One that has passed no test login goes live only if that is known (`untested`), and one that
    /// makes another profile of a saved sample than it must does not.
    pub async fn publish_provider(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        untested: bool,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        self.writable(tenant)?;
        let checked = self.check_samples(tenant, id).await?;
        let change = |changing: &mut Changing| {
            let known = changing.known(id).ok_or(SettingsError::Unknown)?;
            condition.allow(Some(known.version))?;
            let draft = known.draft.clone().ok_or_else(no_draft)?;
            // The samples are those of the draft that was checked.
            checked.allow(Some(known.version))?;
            let tested = draft.tested.filter(|tested| tested.revision == draft.revision);
            if tested.is_none() && !untested {
                let text = "the draft has not passed a test login; test it first, or publish it knowingly with `{\"untested\": true}`";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            // What was in order when it was drafted may not be any more, beside the others of now.
            let reading = read_with(self.format(), &changing.tenant, id, &draft.settings)?;
            let before = known.live.as_ref().map(|live| live.settings.clone()).unwrap_or_default();
            let mut detail =
                trail::named(&self.format().differences(Part::Provider, &before, &draft.settings));
            if tested.is_none() {
                detail = format!("untested; {detail}");
            }
            let signed = changing.signed.clone();
            let StoredTenant { providers, secrets, .. } = &mut changing.tenant;
            let provider = of(providers, id)?;
            provider.sign(signed.clone());
            provider.draft = None;
            provider.publish(draft.settings, reading.revision, tested, signed, secrets);
            let version = provider.published;
            Ok(Made::new((), AuditAction::ProviderPublished, id)
                .saying(format!("version {version}; {detail}")))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// Gives the draft up.
    pub async fn discard_draft(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            let known = changing.known(id).ok_or(SettingsError::Unknown)?;
            condition.allow(Some(known.version))?;
            if known.draft.is_none() {
                return Err(no_draft());
            }
            if known.live.is_none() {
                let text = "nothing of this provider was ever published; delete it instead";
                return Err(SettingsError::Conflict(text.to_owned()));
            }
            let signed = changing.signed.clone();
            let provider = of(&mut changing.tenant.providers, id)?;
            provider.sign(signed);
            provider.draft = None;
            Ok(Made::new((), AuditAction::ProviderDiscarded, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// Makes an earlier version live again, as a new version. Its settings come back; the secrets stay as they are.
    pub async fn roll_back_provider(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        (version, confirmed): (u64, bool),
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        self.check_samples_of(tenant, id, version).await?;
        let change = |changing: &mut Changing| {
            let known = changing.known(id).ok_or(SettingsError::Unknown)?;
            condition.allow(Some(known.version))?;
            let earlier = known.history.iter().find(|published| published.version == version).cloned();
            let (Some(earlier), Some(live)) = (earlier, known.live.clone()) else {
                let message = format!("there is no earlier version {version}");
                return Err(SettingsError::refused(
                    "/version",
                    &message,
                    "`history` lists those that are kept",
                ));
            };
            let mut settings = earlier.settings;
            changing.tenant.secrets.carry(&live.settings, &mut settings);
            let reading = read_with(self.format(), &changing.tenant, id, &settings)?;
            let (format, tenant) = (self.format(), &changing.tenant);
            same_subject(format, tenant, (known, confirmed), (&settings, &reading.provider))?;
            if same_places(format, tenant, Some(&live.settings), (&settings, &reading.provider)).is_err() {
                let message = format!("version {version} would send the secret to another place than now");
                let help = "put its settings as a draft, with the secret";
                return Err(SettingsError::refused("/version", &message, help));
            }
            let found = self.format().differences(Part::Provider, &live.settings, &settings);
            let signed = changing.signed.clone();
            let StoredTenant { providers, secrets, .. } = &mut changing.tenant;
            let provider = of(providers, id)?;
            provider.sign(signed.clone());
            // It passed its test with other secrets, and some time ago.
            provider.publish(settings, reading.revision, None, signed, secrets);
            let detail =
                format!("version {} is version {version}; {}", provider.published, trail::named(&found));
            Ok(Made::new((), AuditAction::ProviderRolledBack, id).saying(detail))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// Puts another secret in place of the present one, in what is live and in the draft. The present one stays behind it
    /// if it is to be kept (`keep`): it is used where the provider does not take the new one yet.
    pub async fn rotate_secret(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        (secret, keep): (&Secret, bool),
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            let now = changing.signed.at;
            let fresh = changing.tenant.secrets.keep(secret.clone(), now, self.clock.fresh_uuid());
            let made = if keep { "the previous one is kept" } else { "the previous one is dropped" };
            self.with_secrets(changing, id, condition, |tree| {
                let before = tree.insert(SECRET.to_owned(), fresh.clone());
                match before.filter(|_| keep) {
                    Some(before) => drop(tree.insert(PREVIOUS.to_owned(), before)),
                    None => drop(tree.shift_remove(PREVIOUS)),
                }
            })?;
            Ok(Made::new((), AuditAction::ProviderSecretRotated, id).saying(made.to_owned()))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// Forgets the secret before the present one.
    pub async fn drop_previous_secret(
        &self,
        tenant: &TenantId,
        id: &ProviderId,
        condition: &Precondition,
        author: &Actor,
    ) -> Result<(), SettingsError> {
        let change = |changing: &mut Changing| {
            self.with_secrets(changing, id, condition, |tree| drop(tree.shift_remove(PREVIOUS)))?;
            Ok(Made::new((), AuditAction::ProviderSecretDropped, id))
        };
        self.change(tenant, author, change).await.map(drop)
    }

    /// Changes the secrets of what is live and of the draft, which is untested then. Secrets are no part of a revision.
    fn with_secrets(
        &self,
        changing: &mut Changing,
        id: &ProviderId,
        condition: &Precondition,
        edit: impl Fn(&mut Settings),
    ) -> Result<(), SettingsError> {
        let known = changing.known(id).ok_or(SettingsError::Unknown)?;
        condition.allow(Some(known.version))?;
        let signed = changing.signed.clone();
        let provider = of(&mut changing.tenant.providers, id)?;
        provider.sign(signed);
        let mut edited = Vec::new();
        if let Some(live) = provider.live.as_mut().filter(|live| has_secret(&live.settings)) {
            edit(&mut live.settings);
            edited.push(live.settings.clone());
        }
        if let Some(draft) = provider.draft.as_mut().filter(|draft| has_secret(&draft.settings)) {
            edit(&mut draft.settings);
            (draft.version, draft.tested) = (provider.version, None);
            edited.push(draft.settings.clone());
        }
        if let [live, draft] = edited.as_slice() {
            self.goes_with(&changing.tenant, id, live, draft)?;
        }
        if edited.is_empty() {
            let text = "`clientAuth` is `none`: such a provider has no secret";
            return Err(SettingsError::Conflict(text.to_owned()));
        }
        edited.iter().try_for_each(|tree| read_with(self.format(), &changing.tenant, id, tree).map(drop))
    }

    /// Fails if the draft would send the secrets of what is live to another place: whoever wrote it would be handed them
    /// by whoever puts a new one in.
    fn goes_with(
        &self,
        tenant: &StoredTenant,
        id: &ProviderId,
        live: &Settings,
        draft: &Settings,
    ) -> Result<(), SettingsError> {
        let reading = read_with(self.format(), tenant, id, draft)?;
        same_places(self.format(), tenant, Some(live), (draft, &reading.provider)).map_err(
            |error| match error {
                SettingsError::Refused(remarks) => {
                    let place = remarks.into_iter().next().map(|remark| remark.message).unwrap_or_default();
                    SettingsError::Conflict(format!("of the draft {place}: publish or discard it first"))
                }
                other => other,
            },
        )
    }
}

/// Whether settings are of a provider that knows us by a secret: what is live and a draft may differ in this.
fn has_secret(tree: &Settings) -> bool {
    tree.get("client_auth").and_then(Value::as_str) != Some("none")
}

fn of<'p>(
    providers: &'p mut [StoredProvider],
    id: &ProviderId,
) -> Result<&'p mut StoredProvider, SettingsError> {
    providers.iter_mut().find(|provider| provider.id == *id).ok_or(SettingsError::Unknown)
}
