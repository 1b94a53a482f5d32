//! A provider that does what a test says, to the letter. Without a word it is a right OpenID provider
//! that lets Billy in without a page: discovery, PKCE, nonce, `at_hash`, UserInfo, pushed requests.
//!
//! | path | what |
//! |---|---|
//! | `/.well-known/openid-configuration` | metadata |
//! | `/auth` | answers at once, by a redirect or a form |
//! | `/token`, `/me`, `/keys`, `/par` | the endpoints of the metadata |
//!
//! Everything that was asked is kept in order. To misbehave: change metadata, token, id_token, claims
//! of the person or the callback's parameters by a function, or give a path another [`Answer`].

pub mod answer;
pub mod keys;
mod right;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use countersign::cli::demo::provider::DemoProvider;

use answer::Answer;
use keys::{Key, Seal};

/// Who signs in.
pub const SUBJECT: &str = "billy-1";

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// `GET` or `POST`.
    pub method: String,
    /// Its path.
    pub path: String,
    /// The pairs of its query, in order.
    pub query: Vec<(String, String)>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Asked {
    /// The pairs of a form.
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// A header as text; blank if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The value of a parameter; blank if it is not there.
pub fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

/// An id_token before it is signed.
pub struct Draft {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// How it is signed.
    pub seal: Seal,
}

type Change<T> = Arc<dyn Fn(&mut T) + Send + Sync>;
type Script = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

/// What a test may change.
struct Memory {
    asked: Vec<Asked>,
    answers: HashMap<String, Script>,
    grants: HashMap<String, Vec<(String, String)>>,
    pushed: HashMap<String, Vec<(String, String)>>,
    published: Vec<Value>,
    metadata: Change<Value>,
    draft: Change<Draft>,
    token: Change<Value>,
    person: Change<Value>,
    callback: Change<Vec<(String, String)>>,
}

#[derive(Clone)]
struct Shared {
    origin: Arc<str>,
    memory: Arc<Mutex<Memory>>,
}

/// A running provider. It stops with the test.
pub struct Scripted {
    shared: Shared,
    task: JoinHandle<()>,
}

impl Scripted {
    /// Starts it on a free port of 127.0.0.1.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap()).into();
        let memory = Memory {
            asked: Vec::new(),
            answers: HashMap::new(),
            grants: HashMap::new(),
            pushed: HashMap::new(),
            published: vec![Key::rsa().public("rsa-1")],
            metadata: Arc::new(|_| {}),
            draft: Arc::new(|_| {}),
            token: Arc::new(|_| {}),
            person: Arc::new(|_| {}),
            callback: Arc::new(|_| {}),
        };
        let shared = Shared { origin, memory: Arc::new(Mutex::new(memory)) };
        let router = Router::new().fallback(answer_one).with_state(shared.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, task }
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// `host:port`, for the list of addresses that may be called.
    pub fn listed(&self) -> String {
        self.origin().trim_start_matches("http://").to_owned()
    }

    /// A `[[provider]]` that knows the issuer only, with more lines.
    pub fn by_issuer(&self, more: &str) -> String {
        let issuer = self.origin();
        self.block(&format!("issuer = \"{issuer}\"\nscope = \"openid email\"\n{more}"))
    }

    /// A plain `[[provider]]` with each URL written out, with more lines.
    pub fn by_urls(&self, more: &str) -> String {
        let origin = self.origin();
        let whoami =
            if more.contains("whoami_url") { String::new() } else { format!("whoami_url = \"{origin}/me\"") };
        self.block(&format!(
            "authorize_url = \"{origin}/auth\"\ntoken_url = \"{origin}/token\"\n{whoami}\n{more}"
        ))
    }

    fn block(&self, settings: &str) -> String {
        let secret = if ["\"private_key_jwt\"", "\"signed_secret\"", "\"none\""]
            .iter()
            .any(|auth| settings.contains(auth))
        {
            ""
        } else {
            "client_secret = { env = \"ACME_SECRET\" }"
        };
        format!(
            "[[provider]]\nid = \"acme\"\nlabel = \"Acme online banking\"\nclient_id = \"{}\"\n{secret}\n{}",
            DemoProvider::CLIENT_ID,
            settings.replace("{origin}", self.origin()),
        )
    }

    /// Requests for a path so far.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        self.memory().asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// All requests so far.
    pub fn everything(&self) -> Vec<Asked> {
        self.memory().asked.clone()
    }

    /// Gives a path another answer.
    pub fn at(&self, path: &str, script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) {
        self.memory().answers.insert(path.to_owned(), Arc::new(script));
    }

    /// A path answers as it should again.
    pub fn mend(&self, path: &str) {
        self.memory().answers.remove(path);
    }

    /// Which keys it publishes.
    pub fn publish(&self, keys: Vec<Value>) {
        self.memory().published = keys;
    }

    /// Announces a place for pushed requests, and whether it takes no others (RFC 9126, 5).
    pub fn takes_pushed(&self, no_others: bool) {
        let place = format!("{}/par", self.origin());
        self.metadata(move |told| {
            told["pushed_authorization_request_endpoint"] = place.clone().into();
            told["require_pushed_authorization_requests"] = no_others.into();
        });
    }

    /// Changes the metadata.
    pub fn metadata(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.memory().metadata = Arc::new(change);
    }

    /// Changes every id_token before it is signed.
    pub fn id_token(&self, change: impl Fn(&mut Draft) + Send + Sync + 'static) {
        self.memory().draft = Arc::new(change);
    }

    /// Changes the answer of the token endpoint.
    pub fn token(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.memory().token = Arc::new(change);
    }

    /// Changes the answer of the UserInfo endpoint.
    pub fn person(&self, change: impl Fn(&mut Value) + Send + Sync + 'static) {
        self.memory().person = Arc::new(change);
    }

    /// Changes the parameters of the callback.
    pub fn callback(&self, change: impl Fn(&mut Vec<(String, String)>) + Send + Sync + 'static) {
        self.memory().callback = Arc::new(change);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.shared.memory()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer_one(State(shared): State<Shared>, request: Request<axum::body::Body>) -> Response {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let script = {
        let mut memory = shared.memory();
        memory.asked.push(asked.clone());
        memory.answers.get(&asked.path).cloned()
    };
    let answer = match script.map_or(Answer::Right, |script| script(&asked)) {
        Answer::Right => right::answer(&shared, &asked),
        other => other,
    };
    answer.into_response().await
}

/// The one answer that a good person gives.
pub fn billy() -> Value {
    json!({
        "sub": SUBJECT,
        "name": "Billy Bob",
        "given_name": "Billy",
        "family_name": "Bob",
        "email": "billy.bob@example.com",
        "email_verified": true,
    })
}
