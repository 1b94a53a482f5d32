//! What holds of a provider's settings beside what the reader of files says: they go with the
//! tenant's other providers, they stay within bounds, and what is fixed stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::ids::ProviderId;
use crate::domain::provider::{Provider, Revision};
use crate::domain::stored::{Settings, StoredProvider, StoredTenant};
use crate::profile::{EvalFault, Input, Normaliser, takes_same_user_id};

use super::format::{Format, Remark};
use super::{SettingsError, bounds};

/// What a provider's settings make, beside the tenant's other providers.
#[derive(Debug)]
pub(super) struct ReadProvider {
    pub(super) provider: Arc<Provider>,
    pub(super) revision: Revision,
    pub(super) warnings: Vec<Remark>,
}

/// Reads a tenant as it would be with these settings of one provider. Pointers begin at the provider.
pub(super) fn read_with(
    format: &dyn Format,
    tenant: &StoredTenant,
    id: &ProviderId,
    settings: &Settings,
) -> Result<ReadProvider, SettingsError> {
    bounds::provider(settings)?;
    let mut trees: Vec<(&ProviderId, &Settings)> = Vec::new();
    for provider in &tenant.providers {
        if provider.id == *id {
            trees.push((id, settings));
        } else if let Some(live) = &provider.live {
            trees.push((&provider.id, &live.settings));
        }
    }
    if trees.iter().all(|(name, _)| *name != id) {
        trees.push((id, settings));
    }
    let place = trees.iter().position(|(name, _)| *name == id).unwrap_or_default();
    let front = format!("/providers/{place}");
    let within = |remark: Remark| {
        let pointer =
            remark.pointer.strip_prefix(&front).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        pointer.map(str::to_owned).map(|pointer| Remark { pointer, ..remark })
    };
    let trees: Vec<_> = trees.into_iter().map(|(_, tree)| tree).collect();
    match format.read(&tenant.id, &tenant.document, &trees, &tenant.secrets) {
        Ok(reading) => {
            let provider = reading.tenant.provider(Some(id)).cloned().ok_or(SettingsError::Unknown)?;
            bounded(&provider)?;
            let warnings = reading.warnings.into_iter().filter_map(within).collect();
            Ok(ReadProvider { revision: provider.revision.clone(), provider, warnings })
        }
        Err(remarks) => {
            // What is wrong elsewhere is so because of these settings, since it was in order before.
            let elsewhere = |remark: Remark| Remark { pointer: String::new(), ..remark };
            let told = |remark: Remark| within(remark.clone()).unwrap_or_else(|| elsewhere(remark));
            Err(SettingsError::Refused(remarks.into_iter().map(told).collect()))
        }
    }
}

/// A mapping that runs out of its bounds on an empty answer does so on every answer.
fn bounded(provider: &Provider) -> Result<(), SettingsError> {
    let (mapping, subject) = (provider.mapping.as_ref(), provider.subject.as_deref());
    let Ok(normaliser) = Normaliser::new(mapping, subject, &provider.trusted) else { return Ok(()) };
    let nothing = json!({});
    let input = Input { whoami: &nothing, claims: None, token_response: None, named: &[] };
    match normaliser.normalise(&input) {
        Err(fault @ (EvalFault::OutOfFuel | EvalFault::TooLarge)) => {
            let pointer = if mapping.is_some() { "/mapping" } else { "/subject" };
            Err(SettingsError::refused(pointer, &fault.to_string(), "it does so on an empty answer already"))
        }
        _ => Ok(()),
    }
}

/// The callback path is registered at the provider: with another one no customer comes back.
pub(super) fn fixed_path(known: &StoredProvider, settings: &Settings) -> Result<(), SettingsError> {
    let path =
        |tree: &Settings| tree.get("callback_path").and_then(Value::as_str).unwrap_or("bare").to_owned();
    let first = known.latest().map(path);
    if first.is_some_and(|first| first != path(settings)) {
        let message =
            "`callbackPath` is fixed when a provider is made: the provider knows our callback URL by it";
        return Err(SettingsError::refused(
            "/callbackPath",
            message,
            "make another provider with the other path",
        ));
    }
    Ok(())
}

/// Settings that hold a secret, with their names in JSON.
const SECRETS: [(&str, &str); 4] = [
    ("client_secret", "/clientSecret"),
    ("client_secret_previous", "/clientSecretPrevious"),
    ("private_key", "/privateKey"),
    ("private_key_previous", "/privateKeyPrevious"),
];

/// A secret that is not sent anew goes where it went before, and nowhere else: whoever may change settings could read it
/// otherwise, at a server of their own. `before` is where the secrets come from.
pub(super) fn same_places(
    format: &dyn Format,
    tenant: &StoredTenant,
    before: Option<&Settings>,
    (settings, provider): (&Settings, &Provider),
) -> Result<(), SettingsError> {
    let Some(before) = before else { return Ok(()) };
    let is_kept = |name: &str| settings.get(name).is_some_and(|secret| before.get(name) == Some(secret));
    let kept: Vec<_> = SECRETS.iter().filter(|(name, _)| is_kept(name)).collect();
    if kept.is_empty() {
        return Ok(());
    }
    // What cannot be read any more went nowhere.
    let known = read_with(format, tenant, &provider.id, before);
    let known = known.map(|read| places_of(&read.provider)).unwrap_or_default();
    let new: Vec<_> = places_of(provider).difference(&known).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let message = format!("the secret would be sent to another place than before: `{}`", new.join("`, `"));
    let help = "send the secret anew together with the new URL; `null` takes it away";
    let remark = |(_, pointer): &&(&str, &str)| Remark::new(*pointer, message.clone(), help.to_owned());
    Err(SettingsError::Refused(kept.iter().map(remark).collect()))
}

/// Where a provider is sent our credentials. What an issuer says of itself is the issuer's.
fn places_of(provider: &Provider) -> BTreeSet<String> {
    let urls = provider.token_urls().chain(provider.exchange.as_ref().map(|exchange| &exchange.url));
    let origins = urls.map(|url| url.origin().ascii_serialization());
    origins.chain(provider.oidc.issuer.clone()).collect()
}

/// What a provider's settings must have in common with those that are live, so that the same people stay the same
/// (DESIGN §5.5). `provider` is what they make; `confirmed` says that somebody wants it otherwise.
pub(super) fn same_subject(
    format: &dyn Format,
    tenant: &StoredTenant,
    (known, confirmed): (&StoredProvider, bool),
    (settings, provider): (&Settings, &Provider),
) -> Result<(), SettingsError> {
    let Some(live) = known.live.as_ref().filter(|_| !confirmed) else { return Ok(()) };
    let name = match read_with(format, tenant, &known.id, &live.settings) {
        Ok(before) => renames(&before.provider, provider),
        // What cannot be read any more still has its words.
        Err(_) => (live.settings.get("subject") != settings.get("subject")).then_some("subject"),
    };
    let Some(name) = name else { return Ok(()) };
    let message = format!(
        "another `{name}` makes everybody a new person: who signed in before gets a second contact, and the first is found by nobody"
    );
    let help = "send `\"confirmSubjectChange\": true` if that is what you want".to_owned();
    let remark = Remark { makes_new_people: true, ..Remark::new(format!("/{name}"), message, help) };
    Err(SettingsError::Refused(vec![remark]))
}

/// The setting by which people get other names than before, if any does.
fn renames(before: &Provider, after: &Provider) -> Option<&'static str> {
    let issuers = (&before.oidc.issuer, &after.oidc.issuer);
    // An expression may speak of anything, but who vouches for what it finds is another.
    let other_issuer = matches!(issuers, (Some(one), Some(two)) if one != two);
    let is_usual = after.subject.is_none();
    let told = [
        ("subject", before.subject != after.subject),
        ("identity", before.identity != after.identity),
        ("issuer", other_issuer || (is_usual && issuers.0 != issuers.1)),
        ("mapping", is_usual && !takes_same_user_id(before.mapping.as_ref(), after.mapping.as_ref())),
    ];
    told.into_iter().find_map(|(name, differs)| differs.then_some(name))
}
