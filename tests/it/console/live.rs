//! What open pages hear: that something changed, never about whom; without a gap, and not longer than they may.

use std::time::Duration;

use countersign::domain::staff::Role;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use tokio::time::timeout;

use super::{start, verified};
use crate::harness::Harness;

/// Longer than anything takes that does not wait for its end.
const SOON: Duration = Duration::from_secs(40);

/// A stream that is read.
struct Stream {
    answer: Response,
    text: String,
    /// The position that the latest block has told.
    position: String,
}

impl Stream {
    async fn open(request: RequestBuilder) -> Self {
        let answer = request.timeout(Duration::from_mins(3)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Self { answer, text: String::new(), position: String::new() };
        assert!(stream.block().await.unwrap().starts_with("retry: 1000\nid: "));
        stream
    }

    /// Up to the next empty line; none at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    id.clone_into(&mut self.position);
                }
                return Some(block);
            }
            let piece = timeout(SOON, self.answer.chunk()).await.expect("something comes").ok()??;
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }

    /// Name and data of the next event; none at the end.
    async fn event(&mut self) -> Option<(String, Value)> {
        loop {
            let block = self.block().await?;
            let part = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let (Some(name), Some(data)) = (part("event: "), part("data: ")) {
                return Some((name, serde_json::from_str(&data).unwrap()));
            }
        }
    }

    /// The names of the next events.
    async fn names(&mut self, count: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..count {
            names.push(self.event().await.unwrap().0);
        }
        names
    }
}

async fn request(broker: &Harness, query: &str) -> RequestBuilder {
    let (name, value) = broker.staff_cookie(Role::Agent).await;
    broker.plain(Method::GET, &format!("/console/live{query}")).header("cookie", format!("{name}={value}"))
}

#[tokio::test]
async fn an_open_page_hears_of_changes_and_of_its_own_conversation() {
    let (broker, _agent) = start().await;
    let mut stream = Stream::open(request(&broker, "?after=0&conversation=conv-1").await).await;
    broker.link("conv-2").await;
    let (name, data) = stream.event().await.unwrap();
    assert_eq!((name.as_str(), data["type"].as_str()), ("changed", Some("auth.link_created")));
    let link = broker.link("conv-1").await;
    assert_eq!(stream.names(1).await, ["changed"]);
    let (name, data) = stream.event().await.unwrap();
    assert_eq!((name.as_str(), &data["link"]), ("here", &link["id"]));
}

#[tokio::test]
async fn nothing_that_says_who_anybody_is_goes_through_the_stream() {
    let (broker, _agent) = start().await;
    let mut stream = Stream::open(request(&broker, "?after=0&conversation=conv-1").await).await;
    verified(&broker, "conv-1").await;
    let mut heard = String::new();
    while !heard.contains("auth.completed") {
        heard.push_str(&stream.block().await.unwrap());
    }
    for word in ["illy", "example.com", "+1555", "conv-1", "ct_"] {
        assert!(!heard.contains(word), "`{word}` in {heard}");
    }
}

#[tokio::test]
async fn who_was_cut_off_misses_nothing() {
    let (broker, _agent) = start().await;
    let mut stream = Stream::open(request(&broker, "").await).await;
    broker.link("conv-1").await;
    stream.event().await.unwrap();
    let position = stream.position.clone();
    drop(stream);
    for _ in 0..3 {
        broker.link("conv-1").await;
    }
    let again = request(&broker, "?after=0").await.header("last-event-id", &position);
    let mut stream = Stream::open(again).await;
    let mut types = Vec::new();
    for _ in 0..6 {
        types.push(stream.event().await.unwrap().1["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(types.iter().filter(|kind| *kind == "auth.link_created").count(), 3, "{types:?}");
    assert_eq!(types.iter().filter(|kind| *kind == "auth.superseded").count(), 3, "{types:?}");
}

#[tokio::test]
async fn what_happened_between_the_page_and_its_stream_is_heard() {
    let (broker, mut agent) = start().await;
    broker.link("conv-1").await;
    let page = agent.text("/console").await;
    let connect = page.split("hx-sse:connect=\"/console/live").nth(1).unwrap().split('"').next().unwrap();
    broker.link("conv-2").await;
    let mut stream = Stream::open(request(&broker, connect).await).await;
    assert_eq!(stream.event().await.unwrap().1["type"], "auth.link_created");
}

#[tokio::test]
async fn a_position_of_another_store_begins_anew_and_says_so() {
    let (broker, _agent) = start().await;
    broker.link("conv-1").await;
    let request = request(&broker, "?conversation=conv-1").await.header("last-event-id", "999999");
    let mut stream = Stream::open(request).await;
    assert_eq!(stream.names(2).await, ["changed", "here"], "the page draws itself anew");
    broker.link("conv-2").await;
    assert_eq!(stream.names(1).await, ["changed"]);
}

#[tokio::test]
async fn who_is_signed_out_meanwhile_hears_of_it_and_of_nothing_more() {
    let (broker, _agent) = start().await;
    let mut stream = Stream::open(request(&broker, "").await).await;
    broker.clock.advance(Duration::from_mins(61));
    assert_eq!(stream.names(1).await, ["ended"]);
    assert!(stream.event().await.is_none());
}

#[tokio::test]
async fn a_page_that_only_listens_does_not_keep_its_member_signed_in() {
    let (broker, _agent) = start().await;
    let (name, value) = broker.staff_cookie(Role::Agent).await;
    let ask = async |path: &str, source: Option<&str>| {
        let request = broker.plain(Method::GET, path).header("cookie", format!("{name}={value}"));
        let request = match source {
            Some(source) => request.header("hx-request", "true").header("hx-source", source),
            None => request,
        };
        request.send().await.unwrap().status()
    };
    for _ in 0..3 {
        broker.clock.advance(Duration::from_mins(19));
        assert_eq!(ask("/console", Some("div#live-board")).await, StatusCode::OK);
    }
    broker.clock.advance(Duration::from_mins(4));
    assert_eq!(ask("/console", Some("div#live-board")).await, StatusCode::UNAUTHORIZED, "nobody was there");
}

#[tokio::test]
async fn one_member_keeps_only_so_many_pages_live_and_shuts_nobody_out() {
    let (broker, _agent) = start().await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Stream::open(request(&broker, "").await).await);
    }
    let refused = request(&broker, "").await.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["retry-after"], "30");
    let (name, value) = broker.staff_cookie(Role::Admin).await;
    let colleague = broker.plain(Method::GET, "/console/live").header("cookie", format!("{name}={value}"));
    Stream::open(colleague).await;
    drop(open.pop());
    crate::harness::eventually("a page that was closed makes room", async || {
        let again = request(&broker, "").await.timeout(SOON).send().await.unwrap();
        (again.status() == StatusCode::OK).then_some(())
    })
    .await;
}
