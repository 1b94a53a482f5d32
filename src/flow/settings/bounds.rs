//! How large the settings of a stored tenant may become: every broker holds those of all tenants, so that no
//! tenant's admin may fill its memory.

use serde::Serialize;

use crate::domain::stored::{Settings, StoredTenant, VERSIONS_KEPT};

use super::SettingsError;

/// The most bytes of a provider's settings, as JSON.
const PROVIDER: usize = 64 * 1024;
/// The most bytes of everything that is kept of a tenant, as JSON.
const TENANT: usize = 2 * 1024 * 1024;
/// The most clients of a tenant.
pub(super) const CLIENTS: usize = 100;

/// Fails for settings of a provider that are too large.
pub(super) fn provider(settings: &Settings) -> Result<(), SettingsError> {
    if size(settings) <= PROVIDER {
        return Ok(());
    }
    let message = "the settings of a provider are at most 64 KiB";
    Err(SettingsError::refused("", message, "shorten the mapping, or leave out what is a default anyway"))
}

/// Makes room in a tenant that has become too large: the oldest versions of its providers are given up. Fails where that
/// is not enough.
pub(super) fn tenant(tenant: &mut StoredTenant) -> Result<(), SettingsError> {
    let clients = tenant.document.get("client").and_then(|clients| clients.as_array());
    if clients.is_some_and(|clients| clients.len() > CLIENTS) {
        let help = "leave out those that are no longer used";
        return Err(SettingsError::refused("/clients", "a tenant has at most 100 clients", help));
    }
    let mut kept = VERSIONS_KEPT;
    while size(tenant) > TENANT {
        if kept == 0 {
            let help = "delete what is no longer used";
            return Err(SettingsError::refused("", "all settings of a tenant are at most 2 MiB", help));
        }
        kept /= 2;
        tenant.providers.iter_mut().for_each(|provider| provider.history.truncate(kept));
    }
    Ok(())
}

fn size(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::provider::Revision;
    use crate::domain::stored::{Signed, StoredProvider};

    fn signed() -> Signed {
        Signed { by: "client:ops".to_owned(), at: Timestamp::UNIX_EPOCH }
    }

    fn settings(bytes: usize) -> Settings {
        json!({"label": "x".repeat(bytes)}).as_object().unwrap().clone()
    }

    /// A tenant whose providers have been published as often as versions are kept.
    fn published(providers: usize, bytes: usize) -> StoredTenant {
        let mut tenant = StoredTenant::new("acme".parse().unwrap(), signed());
        for number in 0..providers {
            let mut provider = StoredProvider::new(format!("p{number}").parse().unwrap(), signed());
            for _ in 0..=VERSIONS_KEPT {
                provider.publish(settings(bytes), Revision::new("1"), None, signed(), &tenant.secrets);
            }
            tenant.providers.push(provider);
        }
        tenant
    }

    #[test]
    fn settings_of_a_provider_have_a_bound() {
        assert!(provider(&settings(PROVIDER - 100)).is_ok());
        assert!(matches!(provider(&settings(PROVIDER)), Err(SettingsError::Refused(_))));
    }

    #[test]
    fn earlier_versions_make_room_before_a_change_is_refused() {
        let mut small = published(2, 100);
        tenant(&mut small).unwrap();
        assert_eq!(small.providers[1].history.len(), VERSIONS_KEPT);
        let mut large = published(10, 20_000);
        tenant(&mut large).unwrap();
        let kept: Vec<_> = large.providers.iter().map(|provider| provider.history.len()).collect();
        assert!(size(&large) <= TENANT && kept.iter().all(|kept| *kept == 5), "{kept:?}");
        assert_eq!(large.providers[0].history[0].version, 20, "the latest stay");
        let mut vast = published(40, 60_000);
        assert!(matches!(tenant(&mut vast), Err(SettingsError::Refused(_))));
    }

    #[test]
    fn a_tenant_has_so_many_clients() {
        let mut many = StoredTenant::new("acme".parse().unwrap(), signed());
        many.document.insert("client".to_owned(), Value::Array(vec![json!({}); CLIENTS]));
        tenant(&mut many).unwrap();
        many.document.insert("client".to_owned(), Value::Array(vec![json!({}); CLIENTS + 1]));
        assert!(matches!(tenant(&mut many), Err(SettingsError::Refused(_))));
    }
}
