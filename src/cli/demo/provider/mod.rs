//! A small, right OAuth 2 server (RFC 6749, 4.1; RFC 7636) with three people and a menu of faults.
//! It listens on a free port of 127.0.0.1, has a login and a consent page, Basic and body
//! authentication, codes that are used once, PKCE S256, and the nested WhoAmI of the seed. It takes
//! every redirect URI, so it must never listen anywhere else.
//!
//! | path | what |
//! |---|---|
//! | `GET /auth` | authorization endpoint: the login page |
//! | `POST /auth/login`, `POST /auth/consent` | its pages |
//! | `POST /auth/token` | token endpoint |
//! | `GET /whoami` | who it is |
//!
//! To add a fault: 1. a row in `trick.rs`, 2. what it answers in `misbehave.rs` (the compiler
//! asks), 3. a case in `tests/it/demo_provider.rs`.

mod backstage;
mod misbehave;
mod params;
mod people;
mod sign_in;
mod token;
mod trick;
mod whoami;

use std::io;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;

pub use backstage::{AuthorizeFact, Backstage, ClientAuthUsed, Counters, TokenFact, VerifierUsed};
pub use people::{PEOPLE, Person};
pub use trick::{Stage, Trick, UnknownTrick};

/// A running demo provider. It stops when this is dropped.
#[derive(Debug)]
pub struct DemoProvider {
    origin: String,
    backstage: Backstage,
    task: JoinHandle<()>,
}

impl DemoProvider {
    /// Its only client. The name has a space, as the seed's has.
    pub const CLIENT_ID: &str = "Demo Client";
    /// That client's secret. Its characters must be encoded in every form of authentication.
    pub const CLIENT_SECRET: &str = "demo+secret/100% public:&";

    /// Starts it on a free port of 127.0.0.1.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let backstage = Backstage::new(clock);
        let router = router(backstage.clone());
        let task = tokio::spawn(async move {
            // It ends with an error only if the listening socket breaks; then every request fails.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { origin, backstage, task })
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What it remembers and will do next; a handle that may be kept.
    pub fn backstage(&self) -> Backstage {
        self.backstage.clone()
    }

    /// Plays a trick at the next request of its stage.
    pub fn script(&self, trick: Trick) {
        self.backstage.script(trick);
    }

    /// How often each endpoint was asked.
    pub fn counters(&self) -> Counters {
        self.backstage.counters()
    }

    /// The authorization requests so far.
    pub fn authorize_requests(&self) -> Vec<AuthorizeFact> {
        self.backstage.authorize_requests()
    }

    /// The token requests so far.
    pub fn token_requests(&self) -> Vec<TokenFact> {
        self.backstage.token_requests()
    }

    /// Stops it: its port is free again.
    pub fn shutdown(self) {
        self.task.abort();
    }
}

impl Drop for DemoProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn router(backstage: Backstage) -> Router {
    Router::new()
        .route("/auth", get(sign_in::authorize))
        .route("/auth/login", post(sign_in::login))
        .route("/auth/consent", post(sign_in::consent))
        .route("/auth/token", post(token::token))
        .route("/whoami", get(whoami::whoami))
        .route("/style.css", get(sign_in::stylesheet))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
        .fallback(unexpected)
        .with_state(backstage)
}

async fn unexpected(State(backstage): State<Backstage>, uri: Uri) -> (StatusCode, String) {
    backstage.count(|counters| counters.unexpected += 1);
    (StatusCode::NOT_FOUND, format!("the demo provider has no {}", uri.path()))
}
