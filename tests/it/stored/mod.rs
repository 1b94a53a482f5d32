//! Tenants and providers that are set while the broker runs, over HTTP from end to end.

mod brokers;
mod clients;
mod conditions;
mod files;
mod held;
mod keyed;
mod life;
mod own;
mod places;
mod secrets;
mod snippets;
mod tested;
mod trial;

use countersign::cli::demo::provider::DemoProvider;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::{BOT_SECRET, Choices, Harness, bot_secret_hash};

/// The host of the tenant `shop`, an address of this machine, so that a browser finds it.
pub(crate) const HOST: &str = "127.0.0.2";

/// A broker with an operator, and the store's tenant `shop` with an admin.
pub(crate) struct World {
    pub(crate) broker: Harness,
    operator: String,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    etag: Option<String>,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        Self::of_response(request.send().await.unwrap()).await
    }

    async fn of_response(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let etag = headers.get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        Self { status, etag, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// The same, if it has this status.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The same, if it is a refusal with this code.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.body["code"], code, "{}", answer.text);
        answer
    }

    pub(crate) fn etag(&self) -> &str {
        self.etag.as_deref().unwrap_or_else(|| panic!("no ETag: {}", self.text))
    }

    pub(crate) fn pointers(&self) -> Vec<&str> {
        let faults = self.body["faults"].as_array().unwrap_or_else(|| panic!("no faults: {}", self.text));
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
    }
}

/// What an order demands of the version that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum If<'a> {
    Nothing,
    New,
    Is(&'a str),
}

/// The settings of the main file: the operator's client.
fn main_file() -> String {
    let hash = bot_secret_hash();
    format!("[[client]]\nclient_id = \"ops\"\nsecret_hash = \"{hash}\"\nscopes = [\"admin:all\"]\n")
}

/// Settings of a tenant of the store with an admin, at a host.
fn tenant_at(host: &str) -> Value {
    json!({
        "name": "The Shop",
        "hosts": [host],
        "binding": {"minimum": "none"},
        "clients": [{"clientId": "admin", "secretHash": bot_secret_hash(), "scopes": ["admin:all"]}],
    })
}

impl World {
    /// The tenant has no provider yet.
    pub(crate) async fn start() -> Self {
        Self::start_with(Choices::default()).await
    }

    async fn start_with(choices: Choices) -> Self {
        let world = Self::with(choices).await;
        world.tenant(Method::PUT, "shop", If::New, Some(tenant_at(HOST))).await.is(201);
        world
    }

    /// There is no tenant in the store yet.
    pub async fn with(choices: Choices) -> Self {
        let choices = Choices { main: Some(main_file()), ..choices };
        let broker = Harness::on(TcpListener::bind("0.0.0.0:0").await.unwrap(), choices).await;
        let operator = token_at(&broker, "localhost", "ops").await;
        Self { broker, operator }
    }

    /// The tenant has a live provider, the demo's.
    pub(crate) async fn live() -> Self {
        Self::live_with(Choices::default()).await
    }

    async fn live_with(choices: Choices) -> Self {
        let world = Self::start_with(choices).await;
        world.put("acme", If::New, world.settings()).await.is(201);
        world.post("acme", "publish", json!({"untested": true})).await.is(200);
        world
    }

    /// Settings of the demo's provider.
    fn settings(&self) -> Value {
        let origin = self.broker.provider.origin();
        json!({
            "label": "The Shop's account",
            "clientId": DemoProvider::CLIENT_ID,
            "clientSecret": DemoProvider::CLIENT_SECRET,
            "authorizeUrl": format!("{origin}/auth"),
            "tokenUrl": format!("{origin}/auth/token"),
            "whoamiUrl": format!("{origin}/whoami"),
            "mapping": {"userName": "user.id", "fullName": "user.name", "email": "user.email"},
            "subject": "user.id",
        })
    }

    /// A call of the operator about a tenant.
    pub(crate) async fn tenant(
        &self,
        method: Method,
        path: &str,
        demand: If<'_>,
        body: Option<Value>,
    ) -> Answer {
        let request = self.broker.plain(method, &format!("/v1/tenants/{path}")).header("host", "localhost");
        send(request.bearer_auth(&self.operator), demand, body).await
    }

    /// A call of the tenant's admin.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        demand: If<'_>,
        body: Option<Value>,
    ) -> Answer {
        let token = token_at(&self.broker, HOST, "admin").await;
        let request = self.broker.plain(method, path).header("host", HOST).bearer_auth(token);
        send(request, demand, body).await
    }

    /// Writes the draft of a provider.
    async fn put(&self, id: &str, demand: If<'_>, settings: Value) -> Answer {
        self.call(Method::PUT, &format!("/v1/providers/{id}"), demand, Some(settings)).await
    }

    /// Does something with a provider.
    async fn post(&self, id: &str, what: &str, body: Value) -> Answer {
        let body = Some(body).filter(|body| !body.is_null());
        self.call(Method::POST, &format!("/v1/providers/{id}/{what}"), If::Nothing, body).await
    }

    /// A provider as it is.
    async fn provider(&self, id: &str) -> Answer {
        self.call(Method::GET, &format!("/v1/providers/{id}"), If::Nothing, None).await
    }

    /// Makes a link of the tenant.
    pub async fn link(&self, conversation: &str) -> Answer {
        let body = json!({"conversation": {"id": conversation, "channel": "sms", "handle": "+15550100"}});
        self.call(Method::POST, "/v1/auth-links", If::Nothing, Some(body)).await
    }

    /// How a link is.
    async fn status(&self, link: &Value) -> Value {
        let path = format!("/v1/auth-links/{}", link["id"].as_str().unwrap());
        self.call(Method::GET, &path, If::Nothing, None).await.is(200).body
    }

    /// The tenant's audit of settings, oldest first: action, actor, detail.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        let page = self.call(Method::GET, "/v1/audit?limit=200", If::Nothing, None).await.is(200).body;
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let mut told: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (text(entry, "action"), text(entry, "actor"), text(entry, "detail")))
            .filter(|(action, ..)| {
                ["tenant.", "provider.", "webhook.", "snippet.", "client."]
                    .iter()
                    .any(|start| action.starts_with(start))
            })
            .collect();
        told.reverse();
        told
    }
}

async fn send(request: reqwest::RequestBuilder, demand: If<'_>, body: Option<Value>) -> Answer {
    let request = match demand {
        If::Nothing => request,
        If::New => request.header("if-none-match", "*"),
        If::Is(etag) => request.header("if-match", etag),
    };
    Answer::of(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

/// An access token of a client at a host.
async fn token_at(broker: &Harness, host: &str, client: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", BOT_SECRET)];
    let request = broker.plain(Method::POST, "/v1/oauth/token").header("host", host).form(&form);
    let answer = Answer::of(request).await.is(200);
    answer.body["access_token"].as_str().unwrap().to_owned()
}
