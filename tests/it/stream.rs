//! `/v1/events/stream`: events as they happen.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{Choices, Harness, http_client};

/// Longer than anything takes that does not wait for its end.
const SOON: Duration = Duration::from_secs(40);

/// A stream that is read.
pub struct Stream {
    answer: Response,
    text: String,
}

impl Stream {
    pub async fn open(request: RequestBuilder) -> Self {
        let answer = request.timeout(Duration::from_mins(3)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self { answer, text: String::new() };
        assert_eq!(stream.block().await.unwrap(), "retry: 2000");
        stream
    }

    async fn at(broker: &Harness, query: &str) -> Self {
        let path = format!("/v1/events/stream{query}");
        Self::open(broker.plain(Method::GET, &path).bearer_auth(broker.token().await)).await
    }

    /// Up to the next empty line; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let piece = timeout(SOON, self.answer.chunk()).await.expect("something comes").ok()??;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// The next event; none at the end.
    pub async fn event(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            if block.starts_with(':') {
                continue;
            }
            let part = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_else(|| panic!("{name} in {block}")).to_owned()
            };
            let event: Value = serde_json::from_str(&part("data: ")).unwrap();
            assert_eq!((part("id: "), part("event: ")), (text(&event["id"]), text(&event["type"])));
            return Some(event);
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_happens_is_heard_at_once_and_as_the_list_has_it() {
    let broker = Harness::start().await;
    broker.link("before").await;
    let mut stream = Stream::at(&broker, "").await;
    broker.link("conv-1").await;
    let heard = stream.event().await.unwrap();
    let listed = broker.get("/v1/events").await["items"][1].clone();
    assert_eq!((&heard, &heard["data"]["conversation"]["id"]), (&listed, &json!("conv-1")));
}

#[tokio::test]
async fn who_comes_back_misses_nothing() {
    let broker = Harness::start().await;
    for number in 0..5 {
        broker.link(&format!("conv-{number}")).await;
    }
    let listed = broker.get("/v1/events").await["items"].as_array().unwrap().clone();
    let mut all = Stream::at(&broker, "?after=0").await;
    for event in &listed {
        assert_eq!(all.event().await.as_ref(), Some(event));
    }
    let last = text(&listed[2]["id"]);
    let mut behind = Stream::at(&broker, &format!("?after={last}")).await;
    assert_eq!(behind.event().await, Some(listed[3].clone()));
    let request = broker.plain(Method::GET, "/v1/events/stream?after=0").bearer_auth(broker.token().await);
    let mut back = Stream::open(request.header("last-event-id", last)).await;
    assert_eq!(back.event().await, Some(listed[3].clone()), "what the browser says beats the address");
    assert_eq!(back.event().await, Some(listed[4].clone()));
    broker.link("conv-9").await;
    assert_eq!(back.event().await.unwrap()["data"]["conversation"]["id"], "conv-9");
}

#[tokio::test]
async fn types_can_be_chosen_in_the_stream_and_in_the_list() {
    let broker = Harness::start().await;
    let mut stream = Stream::at(&broker, "?types=auth.cancelled,contact.*").await;
    for number in 0..3 {
        let link = broker.link(&format!("conv-{number}")).await;
        broker.post(&format!("/v1/auth-links/{}/cancel", text(&link["id"])), json!({})).await;
    }
    for number in 0..3 {
        let event = stream.event().await.unwrap();
        assert_eq!(
            (&event["type"], &event["data"]["conversation"]["id"]),
            (&json!("auth.cancelled"), &json!(format!("conv-{number}")))
        );
    }
    let first = broker.get("/v1/events?types=auth.cancelled&limit=2").await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let path = format!("/v1/events?types=auth.cancelled&limit=2&after={}", text(&first["next"]));
    let rest = broker.get(&path).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert_eq!(broker.get("/v1/events?types=*").await["items"].as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_hears_what_another_broker_did() {
    let one = Harness::start().await;
    let two = one.beside().await;
    let open = async || {
        let request =
            http_client().get(format!("{}/v1/events/stream", two.address)).bearer_auth(one.token().await);
        Stream::open(request).await
    };
    let (mut first, mut second, mut own) = (open().await, open().await, Stream::at(&one, "").await);
    for number in 0..3 {
        one.link(&format!("conv-{number}")).await;
        let here = own.event().await.unwrap();
        assert_eq!(first.event().await.unwrap(), here);
        assert_eq!(second.event().await.unwrap(), here);
    }
    two.stop().await;
    assert_eq!(first.event().await, None, "it ends with its broker, not with a cut");
    one.link("conv-9").await;
    assert!(own.event().await.is_some());
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_is_alive() {
    let broker = Harness::start().await;
    let mut stream = Stream::at(&broker, "").await;
    for _ in 0..2 {
        assert_eq!(stream.block().await.unwrap(), ":");
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let broker = Harness::start().await;
    let mut stream = Stream::at(&broker, "").await;
    broker.clock.advance(Duration::from_secs(3700));
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_client_is_taken_away() {
    let broker = Harness::start().await;
    let mut stream = Stream::at(&broker, "").await;
    let file = broker.tenant_file();
    let edited = std::fs::read_to_string(&file).unwrap().replace("\"acme-bot\"", "\"another-bot\"");
    std::fs::write(&file, edited).unwrap();
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn a_stream_does_not_hold_up_a_stop() {
    let mut broker = Harness::start().await;
    let mut stream = Stream::at(&broker, "").await;
    timeout(Duration::from_secs(9), broker.stop()).await.expect("it ends at once");
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn many_streams_find_an_end() {
    let broker = Harness::start().await;
    let token = broker.token().await;
    let request = || broker.plain(Method::GET, "/v1/events/stream").bearer_auth(&token);
    let mut open = Vec::new();
    for _ in 0..100 {
        open.push(Stream::open(request()).await);
    }
    let refused = request().send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "too_many_wait");
    open.pop();
    crate::harness::eventually("a place is free", async || {
        request().send().await.unwrap().status().is_success().then_some(())
    })
    .await;
}

/// How often the store was asked for a part of a log.
async fn reads(broker: &Harness) -> u64 {
    let told = broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let count = "countersign_store_seconds_count{operation=\"read\"} ";
    told.lines().find_map(|line| line.strip_prefix(count)).map_or(0, |count| count.parse().unwrap())
}

/// A process of its own, since what it counts is of the whole process.
#[tokio::test]
async fn a_page_of_rare_events_is_found_among_many_others_in_large_steps() {
    let broker = Harness::process(Choices::default()).await;
    for _ in 0..100 {
        broker.link("conv-1").await;
    }
    let before = reads(&broker).await;
    let page = broker.get("/v1/events?limit=1&types=auth.completed").await;
    assert_eq!(page, json!({"items": [], "next": null}));
    let after = reads(&broker).await;
    assert!((before + 2..before + 60).contains(&after), "{} reads for 199 events", after - before);
    let page = broker.get("/v1/events?limit=1&types=auth.superseded").await;
    assert_eq!((page["items"].as_array().unwrap().len(), page["next"].is_string()), (1, true));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let broker = Harness::start().await;
    let unknown = format!("?after=evt_{}", "0".repeat(32));
    for (query, pointer) in [
        ("?after=yesterday", "?after"),
        ("?after=7", "?after"),
        (&*unknown, "?after"),
        ("?types=auth.done", "?types"),
        ("?types=auth.*,", "?types"),
        ("?limit=3", "?limit"),
    ] {
        let (status, body) = broker.api(Method::GET, &format!("/v1/events/stream{query}"), None).await;
        assert_eq!(
            (status, &body["faults"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer)),
            "{query}"
        );
    }
    for last in ["yesterday", "7"] {
        let request = broker.plain(Method::GET, "/v1/events/stream").bearer_auth(broker.token().await);
        let refused = request.header("last-event-id", last).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{last}");
        let body: Value = refused.json().await.unwrap();
        assert_eq!(body["faults"][0]["pointer"], "Last-Event-ID");
    }
    let bare = broker.plain(Method::GET, "/v1/events/stream").send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}
