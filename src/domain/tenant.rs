//! The tenant: a customer of the platform, with hosts, providers, wording and clients of its own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::accounts::Accounts;
use super::binding::BindingPolicy;
use super::client::{Client, GrantType, Registration};
use super::conversation::Channel;
use super::event::EventType;
use super::ids::{ProviderId, StaffId, TenantId, WebhookId};
use super::provider::Provider;
use super::rule::Rules;
use super::setting::SettingFault;
use super::snippet::Snippet;
use super::staff::{Member, StaffEmail};
use super::webhook::Webhook;
use super::website::{CustomerPolicy, Website};

/// A tenant as requests see it: complete, checked, never changed in place.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its name.
    pub id: TenantId,
    /// What customers read.
    pub name: String,
    /// Scheme, canonical host and port, without a slash at the end: links and redirect URIs start with it,
    /// and it is the issuer of the tenant's tokens.
    pub origin: String,
    /// Every host name it answers to, lower case, without port; the canonical one first.
    pub hosts: Vec<String>,
    /// What the chat must prove.
    pub binding: BindingPolicy,
    /// Its OAuth servers, at least one.
    pub providers: Vec<Arc<Provider>>,
    /// Its saved wording.
    pub snippets: Vec<Snippet>,
    /// Where *Back to the chat* leads, per channel.
    pub returns: BTreeMap<Channel, String>,
    /// The origins of the web pages that hold its chat, as browsers write them.
    pub chat_origins: Vec<String>,
    /// Its bots and apps.
    pub clients: Vec<Client>,
    /// How apps become clients by themselves; none where they do not.
    pub registration: Option<Registration>,
    /// What a sign-in tells the platform beside the profile.
    pub rules: Rules,
    /// Where events are sent.
    pub webhooks: Vec<Arc<Webhook>>,
    /// Whether its staff may play the customer in a simulated chat.
    pub simulator: bool,
    /// Its accounts at messaging channels.
    pub accounts: Accounts,
    /// Who may use its pages.
    pub staff: Vec<Member>,
    /// What its customers may do.
    pub customers: CustomerPolicy,
    /// Where they sign in by an emailed code.
    pub websites: Vec<Website>,
}

impl Tenant {
    /// A tenant that is called by its id and has nothing yet: no address, provider, client or member of staff.
    pub fn named(id: TenantId) -> Self {
        Self {
            name: id.to_string(),
            id,
            origin: String::new(),
            hosts: Vec::new(),
            binding: BindingPolicy::default(),
            providers: Vec::new(),
            snippets: Vec::new(),
            returns: BTreeMap::new(),
            chat_origins: Vec::new(),
            clients: Vec::new(),
            registration: None,
            rules: Rules::default(),
            webhooks: Vec::new(),
            simulator: false,
            accounts: Accounts::default(),
            staff: Vec::new(),
            customers: CustomerPolicy::default(),
            websites: Vec::new(),
        }
    }

    /// The provider of this name, or the only one if none is named.
    pub fn provider(&self, id: Option<&ProviderId>) -> Option<&Arc<Provider>> {
        match id {
            Some(id) => self.providers.iter().find(|provider| provider.id == *id),
            None => match self.providers.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        }
    }

    /// The client of this name.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id.as_str() == id)
    }

    /// The webhook of this name.
    pub fn webhook(&self, id: &WebhookId) -> Option<&Arc<Webhook>> {
        self.webhooks.iter().find(|webhook| webhook.id == *id)
    }

    /// The website with this publishable key.
    pub fn website(&self, public_key: &str) -> Option<&Website> {
        self.websites.iter().find(|website| website.public_key == public_key)
    }

    /// The website with pages of this origin.
    pub fn website_at(&self, origin: &str) -> Option<&Website> {
        self.websites.iter().find(|website| website.allows(origin))
    }

    /// Whether pages of this origin may call the API of customers: those of a website, and those of an app that got its
    /// tokens there.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.website_at(origin).is_some() || self.is_of_app(origin)
    }

    /// Whether an app to which customers sign in is answered at this origin.
    pub fn is_of_app(&self, origin: &str) -> bool {
        let apps = self.clients.iter().filter(|client| client.may(GrantType::AuthorizationCode));
        apps.flat_map(|client| &client.redirect_uris).any(|uri| uri.origin().as_deref() == Some(origin))
    }

    /// The member of staff of this id.
    pub fn member(&self, id: &StaffId) -> Option<&Member> {
        self.staff.iter().find(|member| member.id == *id)
    }

    /// The member of staff with this address.
    pub fn member_with(&self, email: &StaffEmail) -> Option<&Member> {
        self.staff.iter().find(|member| member.email == *email)
    }

    /// Whether anybody is to be told of an event of this type.
    pub fn tells(&self, kind: EventType) -> bool {
        self.webhooks.iter().any(|webhook| webhook.wants(kind))
    }

    /// The snippet with this id or tag.
    pub fn snippet(&self, name: &str) -> Option<&Snippet> {
        self.snippets
            .iter()
            .find(|snippet| snippet.id.as_str() == name || snippet.tag.as_deref() == Some(name))
    }
}

/// A tenant as it is served, and where its settings stand.
#[derive(Debug, Clone)]
pub struct Served {
    /// The last good version of its settings.
    pub tenant: Arc<Tenant>,
    /// The file of its settings; none if they stand in none.
    pub source: Option<String>,
    /// Whether its settings stand in the store.
    pub stored: bool,
    /// The hash of what the file says: 64 hexadecimal digits.
    pub revision: Option<String>,
    /// What is wrong with the newest edit, which is not served then.
    pub faults: Vec<SettingFault>,
}

/// Every tenant, found by its exact host or its name.
#[derive(Debug, Default)]
pub struct Directory {
    by_host: HashMap<String, Arc<Tenant>>,
    by_id: BTreeMap<TenantId, Served>,
    faults: Vec<SettingFault>,
}

impl Directory {
    /// Builds the directory of tenants that stand in no file. The hosts were checked to be distinct.
    pub fn new(tenants: impl IntoIterator<Item = Arc<Tenant>>) -> Self {
        let served =
            |tenant| Served { tenant, source: None, stored: false, revision: None, faults: Vec::new() };
        Self::of(tenants.into_iter().map(served), Vec::new())
    }

    /// Builds the directory, with everything that is wrong in the settings of these tenants and of
    /// those that are not served. The hosts were checked to be distinct.
    pub fn of(served: impl IntoIterator<Item = Served>, faults: Vec<SettingFault>) -> Self {
        let (mut by_host, mut by_id) = (HashMap::new(), BTreeMap::new());
        for served in served {
            for host in &served.tenant.hosts {
                by_host.insert(host.clone(), Arc::clone(&served.tenant));
            }
            by_id.insert(served.tenant.id.clone(), served);
        }
        Self { by_host, by_id, faults }
    }

    /// The tenant of this name.
    pub fn by_id(&self, id: &TenantId) -> Option<&Served> {
        self.by_id.get(id)
    }

    /// The tenants behind a name, by name; all of them behind none.
    pub fn behind(&self, name: Option<&TenantId>) -> impl Iterator<Item = &Served> {
        let from = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.by_id.range::<TenantId, _>((from, Bound::Unbounded)).map(|(_, served)| served)
    }

    /// What is wrong in the settings of all tenants, and of those that are not served.
    pub fn faults(&self) -> &[SettingFault] {
        &self.faults
    }

    /// The tenant that answers on `host` (a host name without port, in any case).
    pub fn by_host(&self, host: &str) -> Option<&Arc<Tenant>> {
        if host.bytes().any(|b| b.is_ascii_uppercase()) {
            return self.by_host.get(&host.to_ascii_lowercase());
        }
        self.by_host.get(host)
    }

    /// How many tenants are served.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is no tenant.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
