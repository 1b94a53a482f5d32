//! The platform's side of a webhook, which writes down what it is sent and refuses some of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;

/// Every so many-th delivery is refused, so that it comes again.
const REFUSED: usize = 50;

/// What came. A clone shares it.
#[derive(Clone, Default)]
pub struct Receiver {
    came: Arc<Mutex<Came>>,
}

#[derive(Default)]
struct Came {
    asked: usize,
    /// The ids of events, as they were taken for the first time.
    first: Vec<(String, String)>,
    known: HashSet<String>,
    again: u64,
}

impl Receiver {
    /// Starts it on a free port of 127.0.0.1; answers its address too.
    pub async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let receiver = Self::default();
        let router = Router::new().route("/hook", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    /// How many different events were taken.
    pub fn taken(&self) -> usize {
        self.came.lock().unwrap().first.len()
    }

    /// How many came again after they had been taken.
    pub fn again(&self) -> u64 {
        self.came.lock().unwrap().again
    }

    /// How many of these events never came, and how many came before an older one of their conversation.
    pub fn compare(&self, ids: &[String]) -> (u64, u64) {
        let came = self.came.lock().unwrap();
        let places: HashMap<&str, usize> = ids.iter().enumerate().map(|(at, id)| (&**id, at)).collect();
        let missing = ids.iter().filter(|id| !came.known.contains(*id)).count() as u64;
        let mut last: HashMap<&str, usize> = HashMap::new();
        let mut late = 0;
        for (lane, id) in &came.first {
            let Some(&place) = places.get(&**id) else { continue };
            let before = last.insert(lane, place);
            late += u64::from(before.is_some_and(|before| before > place));
        }
        (missing, late)
    }
}

async fn take(State(receiver): State<Receiver>, Json(event): Json<Value>) -> StatusCode {
    let mut came = receiver.came.lock().unwrap();
    came.asked += 1;
    if came.asked % REFUSED == 0 {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let id = event["id"].as_str().unwrap().to_owned();
    let data = &event["data"];
    let lane = data["conversation"]["id"].as_str().or(data["contact"]["id"].as_str()).unwrap_or_default();
    if came.known.insert(id.clone()) {
        came.first.push((lane.to_owned(), id));
    } else {
        came.again += 1;
    }
    StatusCode::NO_CONTENT
}
