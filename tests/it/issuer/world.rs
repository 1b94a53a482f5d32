//! Keys, two tenants with clients, and a server that mounts the handlers.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::clock::Clock;
use countersign::domain::client::{Client, GrantType, Scopes};
use countersign::domain::tenant::Tenant;
use countersign::issuer::keys::{KeyState, SigningKey, SigningKeys};
use countersign::issuer::{Issuer, secret_hash};
use countersign::secret::Secret;
use countersign::store::Store;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::web::limit::work::Work;
use countersign::web::limit::{Limits, Rates};
use countersign::web::oauth::token::Counted;
use countersign::web::{access, listener, oauth};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::wire::{self, Answer};

/// The secret of the client of seed 001.
pub(super) const SECRET: &str = "secret_def456uvw012";

/// The client of seed 001.
pub(super) const CLIENT: &str = "oauth_client_abc123xyz789";

/// RSA keys as PKCS#8 PEM, made once per process: they take a moment.
pub(super) fn pem(which: usize) -> Secret {
    static KEYS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
    Secret::new(KEYS[which].get_or_init(|| fresh_pem(KeySize::Rsa2048)))
}

/// A key of any size.
pub(super) fn fresh_pem(size: KeySize) -> String {
    let der = KeyPair::generate(size).unwrap().as_der().unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()))
}

/// A key ring: which key has which name and state.
pub(super) fn keys(ring: &[(&str, usize, KeyState)]) -> SigningKeys {
    SigningKeys::new(ring.iter().map(|(kid, which, state)| SigningKey {
        kid: (*kid).to_owned(),
        private: pem(*which),
        state: *state,
    }))
    .unwrap()
}

/// A client whose secret is [`SECRET`]; without a hash it is public.
fn client(id: &str, hash: Option<&str>, grants: &[GrantType], scopes: &str) -> Client {
    Client {
        secret_hash: hash.map(str::to_owned),
        grant_types: grants.to_vec(),
        scopes: Scopes::parse(scopes).unwrap(),
        ..Client::named(id.parse().unwrap())
    }
}

/// A tenant with the clients that the tests need.
pub(super) fn tenant(id: &str) -> Tenant {
    static HASH: OnceLock<String> = OnceLock::new();
    let hash = HASH.get_or_init(|| secret_hash::build(&Secret::new(SECRET), &Clock::system()).unwrap());
    let machine = [GrantType::ClientCredentials];
    Tenant {
        name: id.to_owned(),
        origin: format!("https://{id}.example.com"),
        hosts: vec![format!("{id}.example.com")],
        clients: vec![
            client(CLIENT, Some(hash), &machine, "read:principals write:policies delete:policies"),
            client("operator", Some(hash), &machine, "admin:all"),
            client(
                "app",
                Some(hash),
                &[GrantType::AuthorizationCode, GrantType::RefreshToken],
                "openid read:profile",
            ),
            client("public", None, &machine, "read:profile"),
            client("broken", Some("no hash at all"), &machine, "read:profile"),
            client("my bot:1+%", Some(hash), &machine, "read:profile"),
        ],
        ..Tenant::named(id.parse().unwrap())
    }
}

/// An issuer with tenants `acme` and `globex`, and a server in front of it.
pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) issuer: Arc<Issuer>,
    pub(super) acme: Tenant,
    pub(super) globex: Tenant,
    pub(super) address: SocketAddr,
    pub(super) store: Store,
    _folder: TempDir,
}

fn store(folder: &TempDir, clock: &Clock) -> Store {
    let backend = SqliteBackend::open(folder.path().join("a.db"), clock.clone()).unwrap();
    let keys = SealKeys::new("k", [("k".to_owned(), [1; 32])], [2; 32]).unwrap();
    Store::new(Arc::new(backend), keys, clock.clone())
}

impl World {
    /// Starts it with one active key, `key_1`.
    pub(super) async fn start() -> Self {
        Self::with(keys(&[("key_1", 0, KeyState::Active)])).await
    }

    /// Starts it with a key ring.
    pub(super) async fn with(keys: SigningKeys) -> Self {
        let clock = Clock::system();
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder, &clock);
        let issuer = Arc::new(Issuer::new(keys, store.clone(), clock.clone()));
        let mounted = Arc::new(Mounted {
            issuer: Arc::clone(&issuer),
            limits: Limits::new(Rates::default(), Work::default()),
            clock: clock.clone(),
            tenants: [tenant("acme"), tenant("globex")],
        });
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = router(mounted);
        tokio::spawn(listener::serve(socket, router, listener::Limits::default(), std::future::pending()));
        Self {
            clock,
            issuer,
            acme: tenant("acme"),
            globex: tenant("globex"),
            address,
            store,
            _folder: folder,
        }
    }

    /// One request to `acme`.
    pub(super) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        wire::request(self.address, "acme.example.com", line, headers, body).await
    }

    /// A token request to `acme`, as form.
    pub(super) async fn form(&self, body: &str) -> Answer {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("POST /v1/oauth/token", &form, body).await
    }

    /// A token request to `acme`, as JSON.
    pub(super) async fn json(&self, body: &str) -> Answer {
        self.ask("POST /v1/oauth/token", &[("Content-Type", "application/json")], body).await
    }

    /// A token of a client of `acme` with all its scopes.
    pub(super) async fn token_of(&self, client: &str) -> String {
        let answer = self
            .form(&format!("grant_type=client_credentials&client_id={client}&client_secret={SECRET}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A call of the API of `acme` that needs `read:principals`.
    pub(super) async fn call(&self, authorization: &str) -> Answer {
        self.ask("GET /v1/principals", &[("Authorization", authorization)], "").await
    }
}

struct Mounted {
    issuer: Arc<Issuer>,
    limits: Limits,
    clock: Clock,
    tenants: [Tenant; 2],
}

impl Mounted {
    /// Nobody is counted here; `tests/it/limits.rs` sees to that.
    fn counted(&self) -> Counted<'_> {
        Counted { limits: &self.limits, address: None, ip: None, now: self.clock.now() }
    }

    fn tenant(&self, request: &Request) -> &Tenant {
        let host = request.headers()["host"].to_str().unwrap();
        self.tenants.iter().find(|tenant| tenant.hosts[0] == host).unwrap()
    }
}

fn router(mounted: Arc<Mounted>) -> Router {
    Router::new()
        .route("/v1/oauth/token", any(token))
        .route("/v1/oauth/.well-known/jwks.json", any(jwks))
        .route("/api/oauth2/jwks", any(jwks))
        .route("/v1/principals", get(principals))
        .with_state(mounted)
}

async fn token(State(mounted): State<Arc<Mounted>>, request: Request) -> Response {
    let tenant = mounted.tenant(&request);
    oauth::token(&mounted.issuer, tenant, mounted.counted(), request).await
}

async fn jwks(State(mounted): State<Arc<Mounted>>, request: Request) -> Response {
    oauth::jwks(&mounted.issuer, request.method(), request.headers())
}

async fn principals(State(mounted): State<Arc<Mounted>>, request: Request) -> Response {
    let tenant = mounted.tenant(&request);
    match access::caller_with(&mounted.issuer, tenant, request.headers(), ("read:principals", None)) {
        Ok(caller) => caller.client_id.to_string().into_response(),
        Err(refusal) => {
            let challenge = [("www-authenticate", refusal.www_authenticate(tenant))];
            (refusal.status(), challenge, refusal.to_string()).into_response()
        }
    }
}
