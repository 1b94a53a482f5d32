//! The audit is told of every version of the settings that goes live: of a tenant's file, of the
//! operator's clients, of the key ring. Brokers that share a store share the memory of what was told
//! last, so that a change is told once, also one that was made while no broker ran.

use std::fmt::{Debug, Write as _};

use zeroize::Zeroizing;

use crate::domain::accounts::{Accounts, MetaAccount};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::client::Client;
use crate::domain::conversation::Channel;
use crate::domain::ids::TenantId;
use crate::domain::tenant::{Directory, Tenant};
use crate::domain::webhook::Webhook;
use crate::secret::Secret;
use crate::store::backend::Partition;
use crate::store::{Durability, KnownSettings, StoreError, Tx};

use super::{Broker, RACES};

/// Who changes settings: whoever may write the file.
const ACTOR: &str = "file";
/// The names of one kind that an entry tells.
const NAMES: usize = 20;

/// Settings that are live now.
#[derive(Debug, Clone)]
pub struct TakenUp {
    /// In whose audit it stands.
    pub tenant: TenantId,
    /// `settings.taken_up` or another action of that kind.
    pub action: AuditAction,
    /// What distinguishes this version from others; none if there are no settings any more.
    pub revision: Option<String>,
    /// What the entry names.
    pub object: String,
    /// What changed, in names of ours.
    pub detail: Option<String>,
}

impl TakenUp {
    /// A tenant's settings, after those of `before` if this broker knows them; none if they stand in no file.
    pub fn tenant(directory: &Directory, id: &TenantId, before: Option<&Tenant>) -> Option<Self> {
        let served = directory.by_id(id)?;
        let revision = served.revision.clone()?;
        let detail = before.and_then(|before| changes(before, &served.tenant));
        let (object, action) = (revision.clone(), AuditAction::SettingsTakenUp);
        Some(Self { tenant: id.clone(), action, revision: Some(revision), object, detail })
    }

    /// A tenant is no longer served.
    pub fn removed(tenant: &TenantId) -> Self {
        let action = AuditAction::SettingsRemoved;
        Self { tenant: tenant.clone(), action, revision: None, object: tenant.to_string(), detail: None }
    }

    /// The operator's clients, which stand in the main settings.
    pub fn operator(platform: &Tenant) -> Self {
        let clients: Vec<_> = platform.clients.iter().map(print_of).collect();
        let names: Vec<_> = platform.clients.iter().map(|client| client.client_id.to_string()).collect();
        Self {
            tenant: platform.id.clone(),
            action: AuditAction::SettingsTakenUp,
            revision: Some(revision_of(&clients.join("\n"))),
            object: "operator-clients".to_owned(),
            detail: (!names.is_empty()).then(|| names.join(" ")),
        }
    }

    /// The key ring, in the words of `states`: names and states of its keys.
    pub fn keys(states: String) -> Self {
        Self {
            tenant: TenantId::platform(),
            action: AuditAction::KeysTakenUp,
            revision: Some(revision_of(&states)),
            object: "key-ring".to_owned(),
            detail: Some(states),
        }
    }
}

impl Broker {
    /// Tells the audit of settings, unless it knows.
    pub async fn note_taken_up(&self, taken: &TakenUp) -> Result<(), StoreError> {
        let store = self.store.at(&taken.tenant);
        let name = if taken.action == AuditAction::KeysTakenUp { "keys" } else { "file" };
        for _ in 0..RACES {
            let known = store.known_settings(name).await?;
            if known.as_ref().is_some_and(|known| known.value.revision == taken.revision) {
                return Ok(());
            }
            let mut tx = Tx::new();
            tx.put_known_settings(known.as_ref(), name, &KnownSettings { revision: taken.revision.clone() });
            let entry = self.entry(ACTOR, taken.action, taken.object.clone());
            tx.audit(AuditEntry { detail: taken.detail.clone(), ..entry });
            // What is lost with the machine is found again at the next start.
            match store.commit(tx, Durability::Relaxed).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict)
    }
}

impl Broker {
    /// At the start: those that stand in files, and those that no longer do. Tells the audit of every tenant's settings that it does not know.
    pub async fn note_all_taken_up(&self, directory: &Directory) -> Result<(), StoreError> {
        for served in directory.behind(None) {
            if let Some(taken) = TakenUp::tenant(directory, &served.tenant.id, None) {
                self.note_taken_up(&taken).await?;
            }
            tokio::task::yield_now().await;
        }
        for partition in Partition::all() {
            for tenant in self.store.tenants(partition).await? {
                let is_served = tenant == TenantId::platform() || directory.by_id(&tenant).is_some();
                let known =
                    if is_served { None } else { self.store.at(&tenant).known_settings("file").await? };
                if known.is_some_and(|known| known.value.revision.is_some()) {
                    self.note_taken_up(&TakenUp::removed(&tenant)).await?;
                }
            }
        }
        Ok(())
    }
}

/// What is not the same in two versions, by name; none if only wording or looks differ.
fn changes(before: &Tenant, after: &Tenant) -> Option<String> {
    let mut told = String::new();
    let clients = |tenant: &Tenant| -> Vec<(String, String)> {
        tenant.clients.iter().map(|client| (client.client_id.to_string(), print_of(client))).collect()
    };
    let providers = |tenant: &Tenant| -> Vec<(String, String)> {
        tenant.providers.iter().map(|one| (one.id.to_string(), one.revision.to_string())).collect()
    };
    tell(&mut told, "clients", &clients(before), &clients(after));
    tell(&mut told, "providers", &providers(before), &providers(after));
    tell(&mut told, "webhooks", &webhooks(before), &webhooks(after));
    tell(&mut told, "staff", &staff(before), &staff(after));
    tell(&mut told, "channels", &channels(before), &channels(after));
    tell(&mut told, "websites", &websites(before), &websites(after));
    let others = [
        ("hosts", before.hosts != after.hosts),
        ("binding", format!("{:?}", before.binding) != format!("{:?}", after.binding)),
        ("rules", before.rules.list != after.rules.list),
        ("customers", before.customers != after.customers),
    ];
    for (what, _) in others.into_iter().filter(|(_, differs)| *differs) {
        let _ = write!(told, "{}{what} changed", if told.is_empty() { "" } else { "; " });
    }
    (!told.is_empty()).then_some(told)
}

fn webhooks(tenant: &Tenant) -> Vec<(String, String)> {
    let print = |webhook: &Webhook| print_with(webhook, webhook.secrets.iter());
    tenant.webhooks.iter().map(|webhook| (webhook.id.to_string(), print(webhook))).collect()
}

/// By ids: an address stands in no entry.
fn staff(tenant: &Tenant) -> Vec<(String, String)> {
    tenant.staff.iter().map(|member| (member.id.to_string(), member.role.to_string())).collect()
}

fn channels(tenant: &Tenant) -> Vec<(String, String)> {
    let Accounts { apple, messenger, instagram, whatsapp } = &tenant.accounts;
    let apple =
        apple.iter().map(|account| (Channel::Apple.to_string(), print_with(account, [&account.secret])));
    let of_meta = |account: &MetaAccount| {
        let secrets =
            [Some(&account.app_secret), account.verify_token.as_ref(), account.access_token.as_ref()];
        print_with(account, secrets.into_iter().flatten())
    };
    let meta =
        [(Channel::Messenger, messenger), (Channel::Instagram, instagram), (Channel::Whatsapp, whatsapp)];
    let meta = meta
        .into_iter()
        .filter_map(|(channel, account)| Some((channel.to_string(), of_meta(account.as_ref()?))));
    apple.chain(meta).collect()
}

fn websites(tenant: &Tenant) -> Vec<(String, String)> {
    tenant.websites.iter().map(|website| (website.public_key.clone(), format!("{website:?}"))).collect()
}

/// What something is, together with its secrets, for comparing only.
fn print_with<'a>(settings: &impl Debug, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let mut text = Zeroizing::new(format!("{settings:?}"));
    for secret in secrets {
        text.push('\n');
        text.push_str(secret.expose());
    }
    revision_of(&text)
}

/// Some hexadecimal digits of a text's SHA-256.
fn revision_of(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().take(16).fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// What a client may do and by which secret, for comparing only.
fn print_of(client: &Client) -> String {
    let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.as_str()).collect();
    format!("{:?} {grants:?} {}", client.secret_hash, client.scopes)
}

fn tell(told: &mut String, what: &str, before: &[(String, String)], after: &[(String, String)]) {
    let named = |list: &[(String, String)], name: &str| -> Option<String> {
        list.iter().find(|(known, _)| known == name).map(|(_, print)| print.clone())
    };
    let mut parts = Vec::new();
    for (name, print) in after {
        match named(before, name) {
            None => parts.push(format!("+{name}")),
            Some(older) if older != *print => parts.push(format!("~{name}")),
            Some(_) => {}
        }
    }
    parts.extend(
        before.iter().filter(|(name, _)| named(after, name).is_none()).map(|(name, _)| format!("-{name}")),
    );
    if !parts.is_empty() {
        let more = parts.len().saturating_sub(NAMES);
        parts.truncate(NAMES);
        if more > 0 {
            parts.push(format!("and {more} more"));
        }
        let _ = write!(told, "{}{what} {}", if told.is_empty() { "" } else { "; " }, parts.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, print)| ((*name).to_owned(), (*print).to_owned())).collect()
    }

    #[test]
    fn what_came_went_and_changed_is_told_by_name_only() {
        let mut told = String::new();
        let (before, after) =
            (list(&[("a", "1"), ("b", "1"), ("c", "1")]), list(&[("b", "2"), ("c", "1"), ("d", "1")]));
        tell(&mut told, "clients", &before, &after);
        assert_eq!(told, "clients ~b +d -a");
        tell(&mut told, "providers", &before, &before);
        assert_eq!(told, "clients ~b +d -a");
    }

    #[test]
    fn many_names_are_cut() {
        let many: Vec<_> = (0..50).map(|number| (format!("c{number}"), String::new())).collect();
        let mut told = String::new();
        tell(&mut told, "clients", &[], &many);
        assert!(told.ends_with("+c19 and 30 more"), "{told}");
    }
}
