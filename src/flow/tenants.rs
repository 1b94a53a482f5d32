//! Which tenants are served, and with which settings a running login finishes: those it began with
//! (DESIGN §4). A version that was superseded stays in memory until no login can need it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::TenantId;
use crate::domain::provider::Provider;
use crate::domain::request::{AuthorizationRequest, CODE_LIFETIME, REQUEST_LIFETIME};
use crate::domain::tenant::{Directory, Tenant};

use super::Broker;

/// How long a superseded version can bring a login to its callback: a login that began in the last
/// moment has no longer.
pub const SUPERSEDED_FOR: SignedDuration = REQUEST_LIFETIME;

/// Superseded versions of one tenant that are kept at most, the latest: whoever changes settings all the time fills no
/// memory. A login that began before that many changes has to begin again.
const KEPT: usize = 20;

/// The tenants of this moment and those of the moments before.
#[derive(Debug)]
pub(super) struct Known {
    directory: Arc<Directory>,
    /// Per tenant, the latest last.
    former: HashMap<TenantId, Vec<Former>>,
}

/// A version of a tenant that is no longer served.
#[derive(Debug, Clone)]
struct Former {
    tenant: Arc<Tenant>,
    until: Timestamp,
}

/// What a login began with.
pub(super) struct Began {
    /// The provider, in the revision that is pinned.
    pub(super) provider: Arc<Provider>,
    /// The tenant's origins, the present one first.
    pub(super) origins: Vec<String>,
}

impl Known {
    pub(super) fn new(directory: Arc<Directory>) -> Self {
        Self { directory, former: HashMap::new() }
    }

    /// The same with other tenants. Of those that change, what a running login needs is kept.
    fn followed_by(&self, directory: Arc<Directory>, now: Timestamp) -> Self {
        let mut former = self.remembered(now);
        for before in self.directory.behind(None).map(|served| &served.tenant) {
            let after = directory.by_id(&before.id).map(|served| &served.tenant);
            if after.is_none_or(|after| differ(before, after)) {
                let version = Former { tenant: Arc::clone(before), until: now + SUPERSEDED_FOR };
                let versions = former.entry(before.id.clone()).or_default();
                versions.push(version);
                versions.drain(..versions.len().saturating_sub(KEPT));
            }
        }
        Self { directory, former }
    }

    /// The versions that a login can need still.
    fn remembered(&self, now: Timestamp) -> HashMap<TenantId, Vec<Former>> {
        let mut former = self.former.clone();
        for versions in former.values_mut() {
            versions.retain(|version| now < version.until + CODE_LIFETIME);
        }
        former.retain(|_, versions| !versions.is_empty());
        former
    }

    /// The versions of a tenant that were superseded, and are not over by more than `grace`; latest first.
    fn former(
        &self,
        id: &TenantId,
        now: Timestamp,
        grace: SignedDuration,
    ) -> impl Iterator<Item = &Arc<Tenant>> {
        let versions = self.former.get(id).into_iter().flatten().rev();
        versions.filter(move |version| now < version.until + grace).map(|version| &version.tenant)
    }
}

/// Whether a login that began with one version cannot finish with the other.
fn differ(before: &Arc<Tenant>, after: &Arc<Tenant>) -> bool {
    if Arc::ptr_eq(before, after) {
        return false;
    }
    let revisions = |tenant: &Tenant| -> Vec<_> {
        tenant.providers.iter().map(|provider| (provider.id.clone(), provider.revision.clone())).collect()
    };
    before.origin != after.origin || before.hosts != after.hosts || revisions(before) != revisions(after)
}

impl Broker {
    /// Serves these tenants from now on, and no others. Running logins finish with what they began with.
    pub(super) fn replace_directory(&self, directory: &Arc<Directory>) {
        let now = self.clock.now();
        self.tenants.rcu(|known| known.followed_by(Arc::clone(directory), now));
    }

    /// Forgets the superseded versions that no login can need any more.
    pub fn forget_superseded(&self) {
        let now = self.clock.now();
        let is_over = |version: &Former| now >= version.until + CODE_LIFETIME;
        if self.tenants.load().former.values().flatten().any(is_over) {
            self.tenants.rcu(|known| Known {
                directory: Arc::clone(&known.directory),
                former: known.remembered(now),
            });
        }
    }

    /// Every tenant that is served.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.tenants.load().directory)
    }

    /// The tenant that answers on `host`, a host name without port.
    pub fn tenant_at(&self, host: &str) -> Option<Arc<Tenant>> {
        self.tenants.load().directory.by_host(host).cloned()
    }

    /// The tenant to which a running login comes back on `host`. If the host serves nobody any more, the
    /// one that it served until a few minutes ago, in its present version if there still is one.
    pub fn returned_tenant_at(&self, host: &str) -> Option<Arc<Tenant>> {
        let known = self.tenants.load();
        if let Some(tenant) = known.directory.by_host(host) {
            return Some(Arc::clone(tenant));
        }
        let (host, now) = (host.to_ascii_lowercase(), self.clock.now());
        let former = known.former.values().flatten().filter(|version| now < version.until);
        let latest = former
            .filter(|version| version.tenant.hosts.contains(&host))
            .max_by_key(|version| version.until)?;
        let present = known.directory.by_id(&latest.tenant.id).map(|served| &served.tenant);
        Some(Arc::clone(present.unwrap_or(&latest.tenant)))
    }

    /// What a login began with, at its callback; none if it is no longer known.
    pub(super) fn began_with(&self, tenant: &Arc<Tenant>, request: &AuthorizationRequest) -> Option<Began> {
        let (known, now) = (self.tenants.load(), self.clock.now());
        let former: Vec<_> = known.former(&tenant.id, now, SignedDuration::ZERO).collect();
        let versions = || std::iter::once(tenant).chain(former.iter().copied());
        let provider = versions().find_map(|version| pinned(version, request))?;
        Some(Began { provider, origins: versions().map(|version| version.origin.clone()).collect() })
    }

    /// The provider of a sign-in that the chat confirms, as it was when the login began: a code may come
    /// a few minutes after the last callback.
    pub(super) fn confirmed_with(
        &self,
        tenant: &Tenant,
        request: &AuthorizationRequest,
    ) -> Option<Arc<Provider>> {
        if let Some(provider) = pinned(tenant, request) {
            return Some(provider);
        }
        let (known, now) = (self.tenants.load(), self.clock.now());
        known.former(&tenant.id, now, CODE_LIFETIME).find_map(|version| pinned(version, request))
    }
}

/// The request's provider in the request's revision, if this version has it.
fn pinned(tenant: &Tenant, request: &AuthorizationRequest) -> Option<Arc<Provider>> {
    tenant.provider(Some(&request.provider)).filter(|provider| provider.revision == request.revision).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str, host: &str) -> Arc<Tenant> {
        Arc::new(Tenant {
            origin: format!("https://{host}"),
            hosts: vec![host.to_owned()],
            ..Tenant::named(id.parse().unwrap())
        })
    }

    fn former(known: &Known, id: &str, now: Timestamp, grace: SignedDuration) -> usize {
        known.former(&id.parse().unwrap(), now, grace).count()
    }

    #[test]
    fn of_one_that_changes_all_the_time_the_latest_versions_are_kept() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let directory = |host: usize| {
            Arc::new(Directory::new([tenant("a", &format!("h{host}.example")), tenant("b", "b.example")]))
        };
        let mut known = Known { directory: directory(0), former: HashMap::new() };
        for host in 1..=100 {
            known = known.followed_by(directory(host), now);
        }
        assert_eq!(former(&known, "a", now, SignedDuration::ZERO), KEPT);
        let latest = known.former(&"a".parse().unwrap(), now, SignedDuration::ZERO).next().unwrap();
        assert_eq!(latest.hosts, ["h99.example"]);
    }

    #[test]
    fn only_versions_that_a_login_could_need_are_kept() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let minutes = |count| start + SignedDuration::from_mins(count);
        let directory = |tenants: &[&Arc<Tenant>]| Arc::new(Directory::new(tenants.iter().copied().cloned()));
        let (a, b) = (tenant("a", "a.example"), tenant("b", "b.example"));
        let same = Arc::new(Tenant { name: "another name".to_owned(), ..(*a).clone() });
        let moved = tenant("a", "elsewhere.example");
        let known = Known { directory: directory(&[&a, &b]), former: HashMap::new() };
        let known = known.followed_by(directory(&[&same, &b]), minutes(0));
        assert!(known.former.is_empty(), "a name is nothing to a login");
        let known = known.followed_by(directory(&[&moved]), minutes(1));
        assert_eq!((former(&known, "a", minutes(2), SignedDuration::ZERO), known.former.len()), (1, 2));
        let known = known.followed_by(directory(&[&moved]), minutes(12));
        assert_eq!(
            former(&known, "b", minutes(12), SignedDuration::ZERO),
            0,
            "no callback after ten minutes"
        );
        assert_eq!(former(&known, "b", minutes(12), CODE_LIFETIME), 1, "but a code for five more");
        assert!(
            known.followed_by(directory(&[&moved]), minutes(16)).former.is_empty(),
            "then it is forgotten"
        );
    }
}
