//! A provider that writes down whom it let in: the truth with which the broker is compared. It knows
//! every person who is named to it, as the parameter `person` that the customer's side adds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What it was asked, per person.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// Codes that were given out.
    pub codes: u64,
    /// Codes that were exchanged.
    pub tokens: u64,
    /// Answers of WhoAmI.
    pub whoami: u64,
}

/// The provider. A clone shares its ledger.
#[derive(Clone, Default)]
pub struct Ledger {
    people: Arc<Mutex<HashMap<String, Asked>>>,
}

impl Ledger {
    /// Starts it on a free port of 127.0.0.1; answers its origin too.
    pub async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let ledger = Self::default();
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/whoami", get(whoami))
            .with_state(ledger.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (ledger, origin)
    }

    /// What was asked of everybody together.
    pub fn sum(&self) -> Asked {
        let people = self.people.lock().unwrap();
        people.values().fold(Asked::default(), |sum, asked| Asked {
            codes: sum.codes + asked.codes,
            tokens: sum.tokens + asked.tokens,
            whoami: sum.whoami + asked.whoami,
        })
    }

    /// What was asked of one person.
    pub fn of(&self, person: &str) -> Asked {
        self.people.lock().unwrap().get(person).copied().unwrap_or_default()
    }

    fn write(&self, person: &str, entry: impl FnOnce(&mut Asked)) {
        entry(self.people.lock().unwrap().entry(person.to_owned()).or_default());
    }
}

async fn authorize(State(ledger): State<Ledger>, Query(query): Query<HashMap<String, String>>) -> Response {
    let person = &query["person"];
    ledger.write(person, |asked| asked.codes += 1);
    let location = format!("{}?code={person}&state={}", query["redirect_uri"], query["state"]);
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

async fn token(State(ledger): State<Ledger>, Form(form): Form<HashMap<String, String>>) -> Json<Value> {
    ledger.write(&form["code"], |asked| asked.tokens += 1);
    Json(json!({"access_token": form["code"], "token_type": "Bearer", "expires_in": 60}))
}

async fn whoami(State(ledger): State<Ledger>, headers: HeaderMap) -> Json<Value> {
    let person = headers[header::AUTHORIZATION].to_str().unwrap().trim_start_matches("Bearer ");
    ledger.write(person, |asked| asked.whoami += 1);
    Json(json!({"user": {"id": person, "name": "Billy Bob", "email": format!("{person}@example.com")}}))
}
