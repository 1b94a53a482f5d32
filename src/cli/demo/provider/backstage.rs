//! Behind the demo provider's endpoints: what it remembers, what it was asked, what it will do next.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;

use crate::clock::Clock;

use super::params::Params;
use super::people::Person;
use super::trick::{Stage, Trick};

/// How often each endpoint was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Authorization requests: loads of the login page.
    pub authorize: u64,
    /// Token requests, refused ones included.
    pub token: u64,
    /// WhoAmI requests, refused ones included.
    pub whoami: u64,
    /// Requests for a path that the provider does not have.
    pub unexpected: u64,
}

/// An authorization request as it came (RFC 6749, 4.1.1).
#[derive(Debug, Clone)]
pub struct AuthorizeFact {
    /// Every parameter, in order.
    pub params: Vec<(String, String)>,
}

/// How a client said who it is at the token endpoint (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthUsed {
    /// In an `Authorization: Basic` header.
    Basic,
    /// In the body.
    Body,
    /// In both, which is forbidden.
    Both,
    /// Not at all.
    None,
}

/// How the code verifier compared with the challenge (RFC 7636, 4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifierUsed {
    /// It fits.
    Right,
    /// It does not fit, or there was no challenge for it.
    Wrong,
    /// There was neither challenge nor verifier.
    None,
    /// There was a challenge but no verifier.
    Missing,
    /// The code is not known, so there was nothing to compare with.
    Unknown,
}

/// A token request as it came.
#[derive(Debug, Clone)]
pub struct TokenFact {
    /// The redirect URI, byte for byte.
    pub redirect_uri: Option<String>,
    /// Whether the redirect URI is the one of the authorization request.
    pub redirect_uri_fits: bool,
    /// The code verifier.
    pub verifier: VerifierUsed,
    /// The client's authentication.
    pub client_auth: ClientAuthUsed,
    /// The names of every parameter, in order.
    pub names: Vec<String>,
    /// The status that it was answered with.
    pub status: u16,
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) person: Person,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) expires_at: Timestamp,
    /// The token that it was exchanged for; a second use takes it back (RFC 6749, 4.1.2).
    pub(super) token: Option<String>,
}

/// An authorization request on its way through the pages.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) params: Params,
    pub(super) person: Option<Person>,
}

#[derive(Debug, Default)]
struct Memory {
    counters: Counters,
    authorize: Vec<AuthorizeFact>,
    tokens: Vec<TokenFact>,
    script: VecDeque<Trick>,
    pending: HashMap<String, Pending>,
    grants: HashMap<String, Grant>,
    people: HashMap<String, Person>,
}

/// What a test or the desk may see and set of a running demo provider. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Backstage {
    pub(super) clock: Clock,
    memory: Arc<Mutex<Memory>>,
}

impl Backstage {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, memory: Arc::default() }
    }

    /// Plays a trick at the next request of its stage. Several wait in their order.
    pub fn script(&self, trick: Trick) {
        self.memory().script.push_back(trick);
    }

    /// Forgets every trick that was not played yet.
    pub fn forget_script(&self) {
        self.memory().script.clear();
    }

    /// The tricks that were not played yet.
    pub fn scripted(&self) -> Vec<Trick> {
        self.memory().script.iter().copied().collect()
    }

    /// How often each endpoint was asked.
    pub fn counters(&self) -> Counters {
        self.memory().counters
    }

    /// The authorization requests so far.
    pub fn authorize_requests(&self) -> Vec<AuthorizeFact> {
        self.memory().authorize.clone()
    }

    /// The token requests so far.
    pub fn token_requests(&self) -> Vec<TokenFact> {
        self.memory().tokens.clone()
    }

    /// Takes the next trick of a stage.
    pub(super) fn next_trick(&self, stage: Stage) -> Option<Trick> {
        let mut memory = self.memory();
        let index = memory.script.iter().position(|trick| trick.stage() == stage)?;
        memory.script.remove(index)
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Counters)) {
        add(&mut self.memory().counters);
    }

    /// Notes an authorization request and names it for the pages that follow.
    pub(super) fn begin(&self, params: Params) -> String {
        let request = self.clock.fresh_token().expose().to_owned();
        let mut memory = self.memory();
        memory.counters.authorize += 1;
        memory.authorize.push(AuthorizeFact { params: params.pairs().to_vec() });
        memory.pending.insert(request.clone(), Pending { params, person: None });
        request
    }

    pub(super) fn pending(&self, request: &str) -> Option<Pending> {
        self.memory().pending.get(request).cloned()
    }

    pub(super) fn choose(&self, request: &str, person: Person) {
        if let Some(pending) = self.memory().pending.get_mut(request) {
            pending.person = Some(person);
        }
    }

    /// Ends the way through the pages: a request is answered once.
    pub(super) fn end(&self, request: &str) {
        self.memory().pending.remove(request);
    }

    pub(super) fn put_grant(&self, grant: Grant) -> String {
        let code = self.clock.fresh_token().expose().to_owned();
        self.memory().grants.insert(code.clone(), grant);
        code
    }

    pub(super) fn grant(&self, code: &str) -> Option<Grant> {
        self.memory().grants.get(code).cloned()
    }

    /// Exchanges a code for a token, once; a second try takes the first token back.
    pub(super) fn exchange(&self, code: &str) -> Option<String> {
        let token = self.clock.fresh_token().expose().to_owned();
        let mut memory = self.memory();
        let grant = memory.grants.get_mut(code)?;
        if let Some(first) = grant.token.clone() {
            memory.people.remove(&first);
            return None;
        }
        grant.token = Some(token.clone());
        let person = grant.person;
        memory.people.insert(token.clone(), person);
        Some(token)
    }

    pub(super) fn person(&self, token: &str) -> Option<Person> {
        self.memory().people.get(token).copied()
    }

    pub(super) fn note_token_request(&self, fact: TokenFact) {
        self.memory().tokens.push(fact);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
