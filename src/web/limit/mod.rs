//! Who may ask how often, and how much may be at work at once. Everything is counted in this
//! process: no stranger makes the store write (DESIGN §9).
//!
//! | limit | counts | per | who is over it gets |
//! |---|---|---|---|
//! | `client` | calls of the API | client | 429 |
//! | `tenant` | calls of the API | tenant | 429 |
//! | `misses` | pages that do not exist, unknown links, bad states | address | 429 in place of the page |
//! | `failures` | client secrets that were wrong | address and tenant | 429 before the secret is looked at |
//! | `client-failures` | the same | client and address | the same |
//! | `staff` | pages that are loaded or sent | member of staff | 429 |
//! | `live` | what the console's pages fetch by themselves, ten times as much | member of staff | 429 |
//! | `sign-ins` | attempts of staff to come in: codes sent and typed, providers, invitations | address | 429 |
//! | `app-sign-ins` | sign-ins of customers to apps that begin | address and tenant | 429 |
//! | `all-app-sign-ins` | the same, four times as many | address | 429 |
//! | `presses` | *Log In* of Meta, before Meta is asked who it was | link | 429 |
//! | `codes` | emailed codes that customers ask for | address | 429 |
//! | `tenant-codes` | letters with such codes, which go to known addresses only | tenant | no letter, and the same answer |
//! | `typed-codes` | emailed codes that customers type | address | 429 |
//! | `customer` | calls of the Client API | customer | 429 |
//! | `files` | files of attempts and of the audit that are on their way, at the same time | client | 429 |
//! | `bodies` | requests whose body is waited for, at the same time | address | 503 |
//!
//! Nobody pays for a neighbour: a link that is known, a good state and a client that proved itself
//! within five minutes are never refused, whatever else comes from their address, and no flood from
//! elsewhere shuts a client out. Only what Meta's *Log In* adds to a link can be judged by nobody but
//! Meta: until it has, it counts as a miss.
//!
//! To add a limit: 1. a field of [`Rates`] with its default, 2. a method of [`Limits`] that takes
//! from it, 3. a row above, 4. a setting in `config/limits.rs`, 5. a case in `tests/it/limits.rs`.

pub mod address;
pub mod at_once;
pub mod bodies;
pub mod headers;
pub mod rate;
pub mod table;
pub mod work;

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::domain::ids::{ClientId, ContactId, StaffId, TenantId};

use address::Address;
use at_once::{AtOnce, Held};
use rate::{Quota, Rate};
use table::Table;
use work::Work;

/// Addresses that are told apart: 2 MiB.
const ADDRESSES: usize = 1 << 17;
/// Clients and tenants that are: only those with a good token come here.
const CLIENTS: usize = 1 << 15;
/// Files of one client that are on their way at the same time.
const FILES: usize = 4;
/// How often in a minute Meta is asked who pressed the button of one link.
const PRESSES: u32 = 10;
/// So many tenants' worth of sign-ins to apps may begin from one address.
const TENANTS: u32 = 4;
/// So many times as often as a member of staff asks for a page, the console's pages may fetch what changed.
const LIVE: u32 = 10;
/// How often an address or a tenant that is over a limit stands in the log.
const LOGGED: u32 = 1;

/// How often, per minute.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// API calls of one client.
    pub client: u32,
    /// API calls of one tenant's clients.
    pub tenant: u32,
    /// Pages from one address that do not exist.
    pub misses: u32,
    /// Wrong client secrets of one tenant from one address.
    pub failures: u32,
    /// Wrong secrets of one client from one address.
    pub client_failures: u32,
    /// Attempts of staff to come in from one address.
    pub sign_ins: u32,
    /// Sign-ins to apps of one tenant that begin from one address.
    pub app_sign_ins: u32,
    /// Pages of one member of staff.
    pub staff: u32,
    /// Emailed codes that customers ask for from one address.
    pub codes: u32,
    /// Letters with codes that go to customers of one tenant.
    pub tenant_codes: u32,
    /// Emailed codes that customers type from one address.
    pub typed_codes: u32,
    /// Calls of the Client API of one customer.
    pub customer: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            client: 120_000,
            tenant: 240_000,
            misses: 600,
            failures: 60,
            client_failures: 20,
            sign_ins: 60,
            app_sign_ins: 300,
            staff: 600,
            codes: 30,
            tenant_codes: 300,
            typed_codes: 120,
            customer: 600,
        }
    }
}

/// What is counted in this process.
#[derive(Debug)]
pub struct Limits {
    rates: Rates,
    addresses: Table,
    clients: Table,
    files: AtOnce<(TenantId, ClientId)>,
    /// Requests at work.
    pub work: Work,
}

/// A secret that somebody shows, which counts as a wrong one until it is known to be right.
#[derive(Debug)]
pub struct Guess<'l> {
    limits: &'l Limits,
    address: Option<Address>,
    tenant: TenantId,
    client: String,
}

/// A file of a client's that is on its way.
pub type File = Held<(TenantId, ClientId)>;

/// Where the limit of an API call is written down, for the headers of its answer.
#[derive(Debug, Clone, Default)]
pub struct Slip(Arc<OnceLock<Quota>>);

impl Limits {
    /// Nothing is spent yet.
    pub fn new(rates: Rates, work: Work) -> Self {
        let (addresses, clients) = (Table::new(ADDRESSES), Table::new(CLIENTS));
        Self { rates, addresses, clients, files: AtOnce::new(FILES), work }
    }

    /// One more call of the API, by a client with a good token. What is left for the client is answered.
    pub fn call(&self, tenant: &TenantId, client: &ClientId, now: Timestamp) -> Result<Quota, Quota> {
        let (now, own) = (micros(now), (tenant.as_str(), client.as_str()));
        let rate = Rate::per_minute(self.rates.client);
        let left = self.clients.take("client", own, rate, now).inspect_err(over)?;
        let all = Rate::per_minute(self.rates.tenant);
        self.clients.take("tenant", tenant.as_str(), all, now).inspect_err(over).inspect_err(|_| {
            self.clients.give_back("client", own, rate, now);
        })?;
        Ok(left)
    }

    /// One more page that does not exist. Who has no address is in this process.
    pub fn miss(&self, address: Option<Address>, now: Timestamp) -> Result<(), Quota> {
        let Some(address) = address else { return Ok(()) };
        let rate = Rate::per_minute(self.rates.misses);
        let taken = self.addresses.take("misses", address, rate, micros(now));
        taken.map(drop).inspect_err(|quota| self.over_from(address, quota, now))
    }

    /// One more attempt of staff to come in. Who has no address is in this process.
    pub fn sign_in(&self, address: Option<Address>, now: Timestamp) -> Result<(), Quota> {
        let Some(address) = address else { return Ok(()) };
        let rate = Rate::per_minute(self.rates.sign_ins);
        let taken = self.addresses.take("sign-ins", address, rate, micros(now));
        taken.map(drop).inspect_err(|quota| self.over_from(address, quota, now))
    }

    /// One more sign-in to an app of a tenant. Customers share addresses with each other, and with staff of other tenants,
    /// who must not pay for them.
    pub fn app_sign_in(
        &self,
        address: Option<Address>,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<(), Quota> {
        let Some(address) = address else { return Ok(()) };
        let at = micros(now);
        let rate = Rate::per_minute(self.rates.app_sign_ins);
        // However many tenants there are, each of which begins by a write and perhaps a call.
        let all = Rate::per_minute(self.rates.app_sign_ins.saturating_mul(TENANTS));
        let taken = self.addresses.take("all-app-sign-ins", address, all, at).and_then(|_| {
            self.addresses.take("app-sign-ins", (address, tenant.as_str()), rate, at).inspect_err(|_| {
                self.addresses.give_back("all-app-sign-ins", address, all, at);
            })
        });
        taken.map(drop).inspect_err(|quota| self.over_from(address, quota, now))
    }

    /// One more press of Meta's *Log In* for a link. Until Meta has said who it was, it counts as a miss of its address,
    /// too: see [`pressed`](Self::pressed).
    pub fn press(
        &self,
        address: Option<Address>,
        (tenant, token): (&TenantId, &str),
        now: Timestamp,
    ) -> Result<(), Quota> {
        self.miss(address, now)?;
        let rate = Rate::per_minute(PRESSES);
        let taken = self.addresses.take("presses", (tenant.as_str(), token), rate, micros(now));
        taken.map(drop).inspect_err(over).inspect_err(|_| self.pressed(address, now))
    }

    /// What came of a press is known: whatever is to be counted of it is counted by itself.
    pub fn pressed(&self, address: Option<Address>, now: Timestamp) {
        let Some(address) = address else { return };
        self.addresses.give_back("misses", address, Rate::per_minute(self.rates.misses), micros(now));
    }

    /// One more file of a client's, which reads the store until it is sent or dropped; none while it has too many.
    pub fn file(&self, tenant: &TenantId, client: &ClientId) -> Option<File> {
        let file = self.files.take(&(tenant.clone(), client.clone()));
        if file.is_none() {
            metrics::counter!("countersign_limited_total", "limit" => "files").increment(1);
        }
        file
    }

    /// One more thing that a page of the console fetches by itself.
    pub fn live(&self, tenant: &TenantId, member: &StaffId, now: Timestamp) -> Result<(), Quota> {
        let rate = Rate::per_minute(self.rates.staff.saturating_mul(LIVE));
        let taken = self.clients.take("live", (tenant.as_str(), member.as_str()), rate, micros(now));
        taken.map(drop).inspect_err(over)
    }

    /// One more page for a member of staff.
    pub fn page(&self, tenant: &TenantId, member: &StaffId, now: Timestamp) -> Result<(), Quota> {
        let rate = Rate::per_minute(self.rates.staff);
        let taken = self.clients.take("staff", (tenant.as_str(), member.as_str()), rate, micros(now));
        taken.map(drop).inspect_err(over)
    }

    /// One more emailed code that a customer asks for.
    pub fn code(&self, address: Option<Address>, now: Timestamp) -> Result<(), Quota> {
        self.of_address("codes", address, self.rates.codes, now)
    }

    /// One more letter with a code to a customer of a tenant. What is asked for by anybody, and leads to no letter, does
    /// not count: else ten strangers would keep all customers of a tenant from theirs.
    pub fn letter(&self, tenant: &TenantId, now: Timestamp) -> Result<(), Quota> {
        let rate = Rate::per_minute(self.rates.tenant_codes);
        let taken = self.clients.take("tenant-codes", tenant.as_str(), rate, micros(now));
        taken.map(drop).inspect_err(|quota| {
            over(quota);
            let logged = Rate::per_minute(LOGGED);
            if self.clients.take("log", tenant.as_str(), logged, micros(now)).is_ok() {
                tracing::warn!(tenant = %tenant, limit = quota.name, "limit.reached");
            }
        })
    }

    /// One more emailed code that a customer types.
    pub fn typed_code(&self, address: Option<Address>, now: Timestamp) -> Result<(), Quota> {
        self.of_address("typed-codes", address, self.rates.typed_codes, now)
    }

    /// One more call of the Client API, by a customer with a good token. What is left is answered.
    pub fn customer(&self, tenant: &TenantId, contact: &ContactId, now: Timestamp) -> Result<Quota, Quota> {
        let rate = Rate::per_minute(self.rates.customer);
        self.clients
            .take("customer", (tenant.as_str(), contact.as_str()), rate, micros(now))
            .inspect_err(over)
    }

    fn of_address(
        &self,
        name: &'static str,
        address: Option<Address>,
        quota: u32,
        now: Timestamp,
    ) -> Result<(), Quota> {
        let Some(address) = address else { return Ok(()) };
        let taken = self.addresses.take(name, address, Rate::per_minute(quota), micros(now));
        taken.map(drop).inspect_err(|quota| self.over_from(address, quota, now))
    }

    /// One more secret that is not known to be right.
    pub fn guess(
        &self,
        address: Option<Address>,
        tenant: &TenantId,
        client: &str,
        now: Timestamp,
    ) -> Result<Guess<'_>, Quota> {
        let guess = Guess { limits: self, address, tenant: tenant.clone(), client: client.to_owned() };
        let Some(address) = address else { return Ok(guess) };
        let at = micros(now);
        let (rate, all) =
            (Rate::per_minute(self.rates.client_failures), Rate::per_minute(self.rates.failures));
        let own = (address, tenant.as_str(), client);
        let taken = self.addresses.take("client-failures", own, rate, at).and_then(|_| {
            self.addresses.take("failures", (address, tenant.as_str()), all, at).inspect_err(|_| {
                self.addresses.give_back("client-failures", own, rate, at);
            })
        });
        taken.map(|_| guess).inspect_err(|quota| self.over_from(address, quota, now))
    }

    /// Counts a refusal; the log tells of an address once a minute, however much comes from it.
    fn over_from(&self, address: Address, quota: &Quota, now: Timestamp) {
        over(quota);
        if self.addresses.take("log", address, Rate::per_minute(LOGGED), micros(now)).is_ok() {
            tracing::warn!(limit = quota.name, "limit.reached");
        }
    }
}

impl Guess<'_> {
    /// The secret was right, or nobody looked at it.
    pub fn forgive(self, now: Timestamp) {
        let Some(address) = self.address else { return };
        let (limits, now) = (self.limits, micros(now));
        let own = (address, self.tenant.as_str(), self.client.as_str());
        let (rate, all) =
            (Rate::per_minute(limits.rates.client_failures), Rate::per_minute(limits.rates.failures));
        limits.addresses.give_back("client-failures", own, rate, now);
        limits.addresses.give_back("failures", (address, self.tenant.as_str()), all, now);
    }
}

impl Slip {
    /// Writes down what is left.
    pub fn note(&self, quota: Quota) {
        // Two extractors of one handler are one call.
        let _ = self.0.set(quota);
    }

    /// What was written down.
    pub fn quota(&self) -> Option<&Quota> {
        self.0.get()
    }
}

fn over(quota: &Quota) {
    metrics::counter!("countersign_limited_total", "limit" => quota.name).increment(1);
}

fn micros(now: Timestamp) -> u64 {
    u64::try_from(now.as_microsecond()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        let rates = Rates {
            client: 3,
            tenant: 4,
            misses: 2,
            failures: 3,
            client_failures: 2,
            sign_ins: 2,
            ..Rates::default()
        };
        Limits::new(rates, Work::default())
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    fn address(number: u8) -> Address {
        Address::of([192, 0, 2, number].into())
    }

    #[test]
    fn a_client_over_its_limit_leaves_the_others_of_the_tenant_and_the_other_tenants_alone() {
        let limits = limits();
        let (acme, beta) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        let (one, two): (ClientId, ClientId) = ("one".parse().unwrap(), "two".parse().unwrap());
        let left = [2, 1, 0].map(|left| (left, limits.call(&acme, &one, now()).unwrap().remaining));
        assert!(left.iter().all(|(wanted, left)| wanted == left), "{left:?}");
        assert_eq!(limits.call(&acme, &one, now()).unwrap_err().name, "client");
        assert!(limits.call(&acme, &two, now()).is_ok());
        assert_eq!(limits.call(&acme, &two, now()).unwrap_err().name, "tenant");
        assert!(limits.call(&beta, &one, now()).is_ok());
        let later = now() + jiff::SignedDuration::from_mins(1);
        // What the tenant's limit refused was not taken from the client's.
        assert_eq!(limits.call(&acme, &two, later).unwrap().remaining, 2);
    }

    #[test]
    fn wrong_secrets_from_one_address_shut_the_client_out_from_nowhere_else() {
        let limits = limits();
        let acme = "acme".parse().unwrap();
        let guess =
            |number, client: &str| limits.guess(Some(address(number)), &acme, client, now()).map(drop);
        assert!(guess(1, "bot").is_ok() && guess(1, "bot").is_ok());
        assert_eq!(guess(1, "bot").unwrap_err().name, "client-failures");
        assert!(guess(2, "bot").is_ok());
        assert!(guess(1, "app").is_ok());
        assert_eq!(guess(1, "another").unwrap_err().name, "failures");
    }

    #[test]
    fn right_secrets_are_not_counted() {
        let limits = limits();
        let acme = "acme".parse().unwrap();
        for _ in 0..100 {
            limits.guess(Some(address(1)), &acme, "bot", now()).unwrap().forgive(now());
        }
    }

    #[test]
    fn attempts_to_come_in_are_counted_per_address() {
        let limits = limits();
        let count = |number| limits.sign_in(Some(address(number)), now());
        assert!(count(1).is_ok() && count(1).is_ok() && count(2).is_ok());
        assert_eq!(count(1).unwrap_err().name, "sign-ins");
        assert!(limits.sign_in(None, now()).is_ok());
    }

    #[test]
    fn customers_who_sign_in_to_apps_leave_staff_and_other_tenants_alone() {
        let limits = Limits::new(Rates { app_sign_ins: 1, sign_ins: 1, ..Rates::default() }, Work::default());
        let (acme, beta) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        let enter = |tenant| limits.app_sign_in(Some(address(1)), tenant, now());
        assert!(enter(&acme).is_ok());
        assert_eq!(enter(&acme).unwrap_err().name, "app-sign-ins");
        assert!(enter(&beta).is_ok() && limits.sign_in(Some(address(1)), now()).is_ok());
        assert!(limits.app_sign_in(None, &acme, now()).is_ok());
    }

    #[test]
    fn an_address_that_goes_through_the_tenants_is_refused_at_the_fifth_and_its_neighbour_is_not() {
        let limits = Limits::new(Rates { app_sign_ins: 30, ..Rates::default() }, Work::default());
        let tenant = |number: usize| format!("tenant-{number}").parse().unwrap();
        for number in 1..=4 {
            for _ in 0..30 {
                assert!(limits.app_sign_in(Some(address(1)), &tenant(number), now()).is_ok(), "{number}");
            }
            let refused = limits.app_sign_in(Some(address(1)), &tenant(number), now()).unwrap_err();
            assert!(number == 4 || refused.name == "app-sign-ins", "{refused:?}");
        }
        assert_eq!(
            limits.app_sign_in(Some(address(1)), &tenant(5), now()).unwrap_err().name,
            "all-app-sign-ins"
        );
        assert!(limits.app_sign_in(Some(address(2)), &tenant(5), now()).is_ok());
    }

    #[test]
    fn a_button_is_pressed_so_often_and_counts_as_a_miss_until_it_is_known_what_came_of_it() {
        let limits = limits();
        let acme: TenantId = "acme".parse().unwrap();
        let press = |number, token| limits.press(Some(address(number)), (&acme, token), now());
        assert!(press(1, "one").is_ok() && press(1, "two").is_ok());
        assert_eq!(press(1, "three").unwrap_err().name, "misses");
        limits.pressed(Some(address(1)), now());
        assert!(press(1, "three").is_ok());
        for number in 2..=10 {
            assert!(press(number, "one").is_ok());
        }
        assert_eq!(press(11, "one").unwrap_err().name, "presses");
        assert!(
            limits.miss(Some(address(11)), now()).is_ok() && limits.miss(Some(address(11)), now()).is_ok()
        );
    }

    #[test]
    fn codes_and_calls_of_customers_are_counted_each_for_itself() {
        let rates = Rates { codes: 1, typed_codes: 1, customer: 1, ..Rates::default() };
        let limits = Limits::new(rates, Work::default());
        let (acme, beta): (TenantId, TenantId) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        assert!(
            limits.code(Some(address(1)), now()).is_ok()
                && limits.typed_code(Some(address(1)), now()).is_ok()
        );
        assert_eq!(limits.code(Some(address(1)), now()).unwrap_err().name, "codes");
        assert_eq!(limits.typed_code(Some(address(1)), now()).unwrap_err().name, "typed-codes");
        assert!(limits.code(Some(address(2)), now()).is_ok() && limits.code(None, now()).is_ok());
        let contact = ContactId::from_uuid(uuid::Uuid::from_u128(1));
        assert_eq!(limits.customer(&acme, &contact, now()).unwrap().remaining, 0);
        assert_eq!(limits.customer(&acme, &contact, now()).unwrap_err().name, "customer");
        assert!(limits.customer(&beta, &contact, now()).is_ok());
    }

    #[test]
    fn a_flood_of_letters_of_one_tenant_is_no_neighbours_and_is_over_in_a_while() {
        let limits = Limits::new(Rates { tenant_codes: 2, ..Rates::default() }, Work::default());
        let (acme, beta): (TenantId, TenantId) = ("acme".parse().unwrap(), "beta".parse().unwrap());
        let send = |tenant, at| limits.letter(tenant, at).map_err(|over| over.name);
        assert!(send(&acme, now()).is_ok() && send(&acme, now()).is_ok());
        assert_eq!((send(&acme, now()), send(&beta, now())), (Err("tenant-codes"), Ok(())));
        assert!(send(&acme, now() + jiff::SignedDuration::from_mins(1)).is_ok());
    }

    #[test]
    fn misses_are_counted_per_address_and_forgotten_with_time() {
        let limits = limits();
        assert!(limits.miss(Some(address(1)), now()).is_ok() && limits.miss(Some(address(1)), now()).is_ok());
        assert!(limits.miss(Some(address(1)), now()).is_err());
        assert!(limits.miss(Some(address(2)), now()).is_ok());
        assert!(limits.miss(None, now()).is_ok());
        assert!(limits.miss(Some(address(1)), now() + jiff::SignedDuration::from_secs(31)).is_ok());
    }
}
