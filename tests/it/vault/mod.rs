//! The token vault: who is given a provider's access token, when, and what is left of it.
//!
//! | file | what it shows |
//! |---|---|
//! | `handing_out` | who is given a token, and who is not |
//! | `refresh` | a fresh one at the provider: rotation, races, refusals and outages |
//! | `ends` | what a sign-in, an end, a merge and an erasure do to what is kept |

mod ends;
mod handing_out;
mod refresh;

use std::sync::{Arc, Mutex};

use countersign::store::backend::{Backend as _, Piece};
use countersign::store::sqlite::SqliteBackend;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::scripted::answer::Answer;
use crate::harness::scripted::{Scripted, value};
use crate::harness::stage::Stage;
use crate::harness::{BOT_SECRET, Choices, Harness, bot_secret_hash};
use crate::openapi;

/// What the provider issues at sign-ins and refreshes begins so, and may be seen nowhere but in an answer of the vault.
const ACCESS: &str = "canary-access-";
const REFRESH: &str = "canary-refresh-";

/// Three more providers: one with the same people and a vault, one without, and one whose tokens cannot be refreshed.
const OTHERS: &str = r#"
[[provider]]
id = "other"
callback_path = "named"
client_id = "Demo Client"
client_secret = { env = "ACME_SECRET" }
authorize_url = "{scripted}/auth"
token_url = "{scripted}/token"
whoami_url = "{scripted}/me"
vault = true
[[provider]]
id = "plain"
callback_path = "named"
client_id = "Demo Client"
client_secret = { env = "ACME_SECRET" }
authorize_url = "{scripted}/auth"
token_url = "{scripted}/token"
whoami_url = "{scripted}/me"
"#;

/// What the provider knows of refresh tokens.
#[derive(Default)]
struct Memory {
    /// Those that it was shown, in order.
    seen: Vec<String>,
    /// How many tokens it issued.
    issued: usize,
    /// The only one that it takes; none takes nothing.
    good: Option<String>,
}

/// A broker with a vault, and a provider that issues tokens with names.
struct World {
    stage: Stage,
    memory: Arc<Mutex<Memory>>,
}

impl World {
    /// A tenant that demands nothing of the chat; the provider gives a new refresh token with each access token.
    async fn start() -> Self {
        Self::with(Choices { minimum: "none", ..Choices::default() }, true).await
    }

    /// The same with other choices; whether refresh tokens are rotated.
    async fn with(choices: Choices, rotates: bool) -> Self {
        let provider = Scripted::start().await;
        let memory = Arc::new(Mutex::new(Memory::default()));
        issue_names(&provider, &memory, rotates);
        let client = client();
        let others = OTHERS.replace("{scripted}", provider.origin());
        let choices = Choices {
            provider_block: Some(provider.by_urls("scope = \"read\"\nvault = true")),
            tenant: format!("{}\n{others}\n{client}", choices.tenant),
            ..choices
        };
        let stage = Stage::of(provider, choices, json!({"provider": "acme"})).await;
        Self { stage, memory }
    }

    fn broker(&self) -> &Harness {
        &self.stage.broker
    }

    /// Billy signs in on the link in `conv-1`, and has this contact.
    async fn sign_in(&mut self) -> String {
        self.stage.sign_in().await;
        let done = self.broker().status(&self.stage.link).await;
        done["contactId"].as_str().unwrap_or_else(|| panic!("no contact in {done}")).to_owned()
    }

    /// The same in another conversation.
    async fn sign_in_at(&mut self, conversation: &str, provider: &str) -> String {
        self.link(conversation, provider).await;
        self.sign_in().await
    }

    /// A link in another conversation, and a browser of its own.
    async fn link(&mut self, conversation: &str, provider: &str) {
        self.stage.link = self.broker().link_with(conversation, json!({"provider": provider})).await;
        self.stage.browser = Browser::new();
    }

    /// Asks for the token of a contact in `conv-1`.
    async fn ask(&self, contact: &str) -> Answered {
        self.ask_with(contact, json!({"provider": "acme", "conversationId": "conv-1"})).await
    }

    async fn ask_with(&self, contact: &str, body: Value) -> Answered {
        ask_at(&self.broker().origin, None, &vault_token(self.broker(), None).await, contact, body).await
    }

    /// Refresh tokens that the provider was shown.
    fn seen(&self) -> Vec<String> {
        self.memory.lock().unwrap().seen.clone()
    }

    /// The entries of the audit about tokens that were handed out.
    async fn audited(&self) -> Vec<Value> {
        let found = self.broker().get("/v1/audit?limit=200&action=contact.provider_token_read").await;
        found["items"].as_array().unwrap().clone()
    }
}

/// What a call was answered.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    /// The access token.
    #[track_caller]
    fn token(&self) -> &str {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body["accessToken"].as_str().unwrap()
    }

    /// Status and code of a refusal, in which no token stands.
    #[track_caller]
    fn refusal(&self) -> (u16, &str) {
        let text = self.body.to_string();
        assert!(!text.contains(ACCESS) && !text.contains(REFRESH), "{text}");
        (self.status.as_u16(), self.body["code"].as_str().unwrap())
    }
}

/// Issues `canary-access-1`, `canary-refresh-1` and so on.
fn issue_names(provider: &Scripted, memory: &Arc<Mutex<Memory>>, rotates: bool) {
    let known = Arc::clone(memory);
    provider.token(move |told| {
        let mut memory = known.lock().unwrap();
        memory.issued += 1;
        let refresh = format!("{REFRESH}{}", memory.issued);
        told["access_token"] = format!("{ACCESS}{}", memory.issued).into();
        told["refresh_token"] = refresh.clone().into();
        memory.good = Some(refresh);
    });
    let known = Arc::clone(memory);
    provider.at("/token", move |asked| {
        let form = asked.form();
        if value(&form, "grant_type") != "refresh_token" {
            return Answer::Right;
        }
        let mut memory = known.lock().unwrap();
        let shown = value(&form, "refresh_token").to_owned();
        memory.seen.push(shown.clone());
        if memory.good.as_deref() != Some(&*shown) {
            return Answer::with(400, "application/json", r#"{"error": "invalid_grant"}"#);
        }
        memory.issued += 1;
        let access = format!("{ACCESS}{}", memory.issued);
        let mut told = json!({"access_token": access, "token_type": "bearer", "expires_in": 3600});
        if rotates {
            let refresh = format!("{REFRESH}{}", memory.issued);
            told["refresh_token"] = refresh.clone().into();
            memory.good = Some(refresh);
        }
        Answer::json(&told)
    });
}

/// The client that may ask the vault.
pub fn client() -> String {
    format!(
        "[[client]]\nclient_id = \"vault-bot\"\nsecret_hash = \"{}\"\ngrant_types = [\"client_credentials\"]\n\
         scopes = [\"read:provider_tokens\", \"read:contacts\"]\n",
        bot_secret_hash()
    )
}

/// An access token of ours with the scope of the vault, or with another one.
pub async fn vault_token(broker: &Harness, scope: Option<&str>) -> String {
    let mut body =
        json!({"grant_type": "client_credentials", "client_id": "vault-bot", "client_secret": BOT_SECRET});
    if let Some(scope) = scope {
        body["scope"] = scope.into();
    }
    let answer = broker.plain(Method::POST, "/v1/oauth/token").json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// Asks a broker, perhaps under the name of another one; the answer is as it is described.
async fn ask_at(address: &str, host: Option<&str>, token: &str, contact: &str, body: Value) -> Answered {
    let url = format!("{address}/v1/contacts/{contact}/provider-token");
    let mut request = crate::harness::http_client().post(url).bearer_auth(token).json(&body);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.json().await.unwrap();
    let path = "/v1/contacts/{id}/provider-token";
    openapi::check_answer(&openapi::document(), "POST", path, status.as_u16(), &body);
    Answered { status, headers, body }
}

/// The names of the vault's records in the store, read from beside it.
async fn kept(broker: &Harness) -> Vec<String> {
    let (file, clock) = (broker.folder().join("countersign.db"), broker.clock.clone());
    let asked = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let backend = SqliteBackend::open(&file, clock).unwrap();
            let (to, mut pieces) = tokio::sync::mpsc::channel(8);
            let dump = backend.dump(to);
            let take = async {
                let mut names = Vec::new();
                while let Some(some) = pieces.recv().await {
                    for piece in some {
                        if let Piece::Record { key, .. } = piece {
                            names.push(String::from_utf8_lossy(key.as_bytes()).into_owned());
                        }
                    }
                }
                names
            };
            let (dumped, names) = tokio::join!(dump, take);
            dumped.unwrap();
            names
        })
    });
    let names: Vec<String> = asked.await.unwrap();
    assert!(!names.is_empty(), "the store was read");
    names.into_iter().filter(|name| name.contains(":vault:")).collect()
}
