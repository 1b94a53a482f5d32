//! A provider that a test can make misbehave, one endpoint at a time, and the browser of somebody
//! who signs in there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use countersign::cli::demo::provider::DemoProvider;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// What it issues; each may be seen nowhere.
pub const CODE: &str = "canary-code-0123456789";
pub const TOKEN: &str = "canary-access-token-0123456789";
pub const REFRESH: &str = "canary-refresh-token-0123456789";

/// How it wants client id and secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// In the body.
    Body,
    /// In the header.
    Basic,
    /// It knows another secret.
    Another,
}

/// What it does.
#[derive(Debug, Clone)]
pub struct Script {
    /// The redirect URI that is registered; none takes every one.
    pub registered: Option<String>,
    /// What its sign-in page answers instead of itself: a status and a page.
    pub page: Option<(u16, String)>,
    pub wants: Wants,
    /// The token answer in place of the usual one: a status, a content type and a body.
    pub token: Option<(u16, &'static str, String)>,
    /// The same of WhoAmI.
    pub whoami: (u16, &'static str, String),
    /// What it says of itself, by the path that it is asked at.
    pub documents: HashMap<String, Value>,
}

impl Default for Script {
    fn default() -> Self {
        let person = json!({"user": {"id": "u-7", "name": "Billy Bob", "email": "billy.bob@example.com"}});
        Self {
            registered: None,
            page: None,
            wants: Wants::Body,
            token: None,
            whoami: (200, "application/json", person.to_string()),
            documents: HashMap::new(),
        }
    }
}

/// Runs until it is dropped.
pub struct Provider {
    origin: String,
    script: Arc<Mutex<Script>>,
    task: JoinHandle<()>,
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/whoami", get(whoami))
            .fallback(document)
            .with_state(Arc::clone(&script));
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { origin, script, task }
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Changes what it does.
    pub fn script(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// What it says of itself at a path, with its own endpoints.
    pub fn announce(&self, path: &str, issuer: &str, more: &Value) {
        let origin = &self.origin;
        let mut said = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{origin}/authorize"),
            "token_endpoint": format!("{origin}/token"),
            "userinfo_endpoint": format!("{origin}/whoami"),
            "jwks_uri": format!("{origin}/keys"),
            "code_challenge_methods_supported": ["S256"],
        });
        for (name, value) in more.as_object().unwrap() {
            said[name] = value.clone();
        }
        self.script(|script| drop(script.documents.insert(path.to_owned(), said)));
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the browser of somebody who signed in is sent: back, with the code.
pub fn signed_in(authorize: &Url) -> Url {
    back_with(authorize, &[("code", CODE)])
}

/// Back, with these parameters and the state.
pub fn back_with(authorize: &Url, params: &[(&str, &str)]) -> Url {
    let asked: HashMap<_, _> = authorize.query_pairs().into_owned().collect();
    let mut back: Url = asked["redirect_uri"].parse().unwrap();
    back.query_pairs_mut().extend_pairs(params).append_pair("state", &asked["state"]);
    back
}

type Shared = State<Arc<Mutex<Script>>>;

async fn authorize(State(script): Shared, Query(asked): Query<HashMap<String, String>>) -> Response {
    let script = script.lock().unwrap().clone();
    if let Some((status, page)) = script.page {
        return (StatusCode::from_u16(status).unwrap(), axum::response::Html(page)).into_response();
    }
    if script.registered.is_some_and(|registered| asked.get("redirect_uri") != Some(&registered)) {
        let page = "<html><body><h1>Invalid request</h1><p>The redirect_uri is not registered for this client.</p></body></html>";
        return (StatusCode::BAD_REQUEST, axum::response::Html(page)).into_response();
    }
    let page = "<html><body><form action='?redirect_uri=invalid'><h1>Sign in</h1></form>";
    axum::response::Html(format!("{page}{}</body></html>", way_back(&asked))).into_response()
}

/// The link by which somebody with a real browser goes back.
fn way_back(asked: &HashMap<String, String>) -> String {
    let (Some(Ok(mut back)), Some(state)) =
        (asked.get("redirect_uri").map(|uri| uri.parse::<Url>()), asked.get("state"))
    else {
        return String::new();
    };
    back.query_pairs_mut().append_pair("code", CODE).append_pair("state", state);
    format!("<p><a id='allow' href='{}'>Go on</a></p>", back.as_str().replace('&', "&amp;"))
}

async fn token(State(script): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let script = script.lock().unwrap().clone();
    let form: HashMap<String, String> = url::form_urlencoded::parse(&body).into_owned().collect();
    let refused = |status: u16, error: &str| {
        (StatusCode::from_u16(status).unwrap(), axum::Json(json!({"error": error}))).into_response()
    };
    let by_body = form.get("client_secret").is_some_and(|secret| secret == DemoProvider::CLIENT_SECRET);
    let known = match script.wants {
        Wants::Body => by_body,
        Wants::Basic => headers.contains_key(header::AUTHORIZATION) && !form.contains_key("client_secret"),
        Wants::Another => false,
    };
    if !known {
        return refused(401, "invalid_client");
    }
    if form.get("code").map(String::as_str) != Some(CODE) {
        return refused(400, "invalid_grant");
    }
    let usual =
        json!({"access_token": TOKEN, "refresh_token": REFRESH, "token_type": "Bearer", "expires_in": 60});
    let (status, kind, body) = script.token.unwrap_or((200, "application/json", usual.to_string()));
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn whoami(State(script): Shared, headers: HeaderMap) -> Response {
    let script = script.lock().unwrap().clone();
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if bearer != Some(&format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (status, kind, body) = script.whoami;
    (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind)], body).into_response()
}

async fn document(State(script): Shared, uri: axum::http::Uri) -> Response {
    match script.lock().unwrap().documents.get(uri.path()) {
        Some(document) => axum::Json(document.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, axum::response::Html("<h1>Not found</h1>")).into_response(),
    }
}
