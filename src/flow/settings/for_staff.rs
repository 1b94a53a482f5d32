//! At which providers of a stored tenant staff may sign in: what a provider says of an address opens the tenant's pages,
//! so that only those may bring one for staff who may decide who is staff. To publish providers for customers takes less.
//! As it is read, a stored provider is for no staff.

use std::sync::Arc;

use crate::domain::actor::Actor;
use crate::domain::stored::StoredProvider;
use crate::domain::tenant::Tenant;

/// What a client needs that decides who is staff; `admin:all` has it, too.
const DECIDES: &str = "write:staff";

/// The tenant, with that said of each of its providers.
pub(super) fn mark(mut tenant: Tenant, stored: &[StoredProvider]) -> Tenant {
    let trusted: Vec<bool> = tenant
        .providers
        .iter()
        .map(|provider| {
            let live =
                stored.iter().find(|known| known.id == provider.id).and_then(|known| known.live.as_ref());
            live.is_some_and(|live| may_decide(&tenant, &live.signed.by))
        })
        .collect();
    for (provider, for_staff) in tenant.providers.iter_mut().zip(trusted) {
        Arc::make_mut(provider).for_staff = for_staff;
    }
    tenant
}

/// Whether who published something may decide who is staff: an admin at the pages, the operator, or a client that may
/// by what it holds now.
fn may_decide(tenant: &Tenant, by: &str) -> bool {
    match by.parse() {
        Ok(Actor::Staff(_) | Actor::Operator(_)) => true,
        Ok(Actor::Client(id)) => {
            tenant.client(id.as_str()).is_some_and(|client| client.scopes.allow(DECIDES))
        }
        Ok(Actor::Customer(_) | Actor::System) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::client::{Client, Scopes};

    fn shop() -> Tenant {
        let client = |id: &str, scopes: &str| Client {
            scopes: Scopes::parse(scopes).unwrap(),
            ..Client::named(id.parse().unwrap())
        };
        let mut tenant = Tenant::named("shop".parse().unwrap());
        tenant.clients = vec![
            client("deploy", "read:providers write:providers write:settings"),
            client("people", "write:staff"),
            client("admin", "admin:all"),
        ];
        tenant
    }

    #[rstest]
    #[case::an_admin_at_the_pages("staff:st_00000000000000000000000000000007", true)]
    #[case::the_operator("operator:ops", true)]
    #[case::who_may_do_everything("client:admin", true)]
    #[case::who_may_make_staff("client:people", true)]
    #[case::as_it_was_written_before_there_was_staff("admin", true)]
    #[case::who_may_only_publish("client:deploy", false)]
    #[case::a_client_that_is_gone("client:gone", false)]
    #[case::nobody("system", false)]
    #[case::no_name("client:", false)]
    fn a_provider_is_for_staff_if_who_published_it_may_decide_who_is_staff(
        #[case] by: &str,
        #[case] may: bool,
    ) {
        assert_eq!(may_decide(&shop(), by), may);
    }
}
