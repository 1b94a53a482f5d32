//! Limits: who is over one is told so and when to come back, and nobody pays for a neighbour.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::browser::Browser;
use crate::harness::{BOT_SECRET, Choices, Harness, log};

async fn with(limits: &str) -> Harness {
    let main = Some(format!("[server]\ntrusted_proxies = [\"127.0.0.7\"]\n[limits]\n{limits}\n"));
    Harness::with(Choices { main, ..Choices::default() }).await
}

/// A client that calls from another address of this machine.
#[expect(clippy::disallowed_methods, reason = "the harness's client has one address only")]
fn from(address: &str) -> Client {
    let address: IpAddr = address.parse().unwrap();
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.local_address(address).timeout(Duration::from_mins(1)).build().unwrap()
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// How often a broker of its own process has written so far.
async fn writes(broker: &Harness) -> u64 {
    let metrics = broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    let written = metrics.lines().filter(|line| {
        let is = |operation| {
            line.starts_with(&format!("countersign_store_seconds_count{{operation=\"{operation}"))
        };
        is("commit_") || is("reserve")
    });
    written.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn a_client_learns_what_is_left_and_is_told_when_to_come_back() {
    let broker = with("client_calls = 3\n").await;
    let token = broker.token().await;
    for left in [2, 1, 0] {
        let answer = broker.plain(Method::GET, "/v1/events").bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"client\";q=3;w=60");
        assert!(header(&answer, "ratelimit").starts_with(&format!("\"client\";r={left};t=")));
    }
    let answer = broker.plain(Method::GET, "/v1/events").bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = header(&answer, "retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert!(header(&answer, "ratelimit").starts_with("\"client\";r=0;t="));
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(
        (problem["code"].as_str(), problem["status"].as_u64()),
        (Some("too_many_requests"), Some(429))
    );
    assert!(problem["requestId"].is_string());
    broker.clock.advance(Duration::from_secs(wait));
    assert_eq!(broker.api(Method::GET, "/v1/events", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_tenant_over_its_limit_is_told_so() {
    let broker = with("tenant_calls = 2\n").await;
    let statuses: Vec<u16> = {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(broker.api(Method::GET, "/v1/events", None).await.0.as_u16());
        }
        statuses
    };
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn a_flood_of_bad_states_writes_nothing_and_real_logins_from_the_same_address_succeed() {
    let main = Some("[limits]\naddress_misses = 20\n".to_owned());
    let broker = Harness::process(Choices { main, ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(link["url"].as_str().unwrap()).await;
    let before = writes(&broker).await;
    assert!(before > 0, "the link and its opening were written");
    let mut statuses = std::collections::BTreeMap::new();
    for number in 0..500 {
        let path = format!("/idp/eu/oauth/callback?code=c&state=of-nobody-{number:040}");
        let answer = broker.plain(Method::GET, &path).send().await.unwrap();
        let status = answer.status().as_u16();
        *statuses.entry(status).or_insert(0) += 1;
        if status == 429 {
            assert!(header(&answer, "retry-after").parse::<u64>().unwrap() >= 1);
            assert_eq!(header(&answer, "ratelimit-policy"), "\"misses\";q=20;w=60");
            assert!(header(&answer, "content-security-policy").contains("default-src 'none'"));
            let page = answer.text().await.unwrap();
            assert!(page.contains("Too many attempts") && page.contains("class=\"reference\""), "{page}");
        }
    }
    assert!(statuses.keys().eq([&400, &429]) && statuses[&400] < 60, "{statuses:?}");
    // The broker's own leases are renewed meanwhile, a few times a second at most.
    let written = writes(&broker).await - before;
    assert!(written < 50, "the flood was written down: {written} writes for 500 requests");
    // A state that is good goes on, and so does a link that is known.
    let page = browser.arrive(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
    let next = broker.link("conv-2").await;
    assert!(Browser::new().sign_in(next["url"].as_str().unwrap()).await.code().is_some());
}

#[tokio::test]
async fn pages_that_do_not_exist_are_counted_per_address_and_behind_a_proxy_per_forwarded_one() {
    let broker = with("address_misses = 2\n").await;
    let ask = async |client: &Client, path: &str, forwarded: &str| {
        let request = client.get(format!("{}{path}", broker.origin)).header("x-forwarded-for", forwarded);
        request.send().await.unwrap().status().as_u16()
    };
    let (one, two, proxy) = (from("127.0.0.5"), from("127.0.0.6"), from("127.0.0.7"));
    for path in ["/a/nobodys-link", "/wp-admin"] {
        assert_eq!(ask(&one, path, "").await, 404);
    }
    assert_eq!(ask(&one, "/a/r/no-handle", "").await, 429);
    // A stranger cannot choose whom it is counted for.
    assert_eq!(ask(&one, "/nothing", "198.51.100.1").await, 429);
    assert_eq!(ask(&two, "/nothing", "").await, 404);
    let behind = ["198.51.100.1", "198.51.100.2", "198.51.100.1", "198.51.100.1"];
    let mut statuses = Vec::new();
    for address in behind {
        statuses.push(ask(&proxy, "/nothing", address).await);
    }
    assert_eq!(statuses, [404, 404, 404, 429]);
    assert_eq!(ask(&proxy, "/nothing", "2001:db8:1:2::1").await, 404);
    assert_eq!(ask(&proxy, "/nothing", "2001:db8:1:2::2").await, 404);
    assert_eq!(ask(&proxy, "/nothing", "2001:db8:1:2::3").await, 429);
}

#[tokio::test]
async fn wrong_secrets_are_refused_before_they_cost_anything_and_shut_the_bot_out_from_nowhere_else() {
    let broker = with("client_failures = 3\n").await;
    let url = format!("{}/v1/oauth/token", broker.origin);
    let ask = async |client: &Client, secret: &str| {
        let body =
            json!({"grant_type": "client_credentials", "client_id": "acme-bot", "client_secret": secret});
        client.post(&url).json(&body).send().await.unwrap()
    };
    let (attacker, bot) = (from("127.0.0.5"), from("127.0.0.6"));
    for number in 0..3 {
        assert_eq!(ask(&attacker, &format!("guess-{number}")).await.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = ask(&attacker, "guess-4").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "ratelimit-policy"), "\"client-failures\";q=3;w=60");
    assert!(header(&refused, "retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"], "slow_down");
    // Its own address is open to the bot, and once it has proved itself every address is.
    assert_eq!(ask(&bot, BOT_SECRET).await.status(), StatusCode::OK);
    assert_eq!(ask(&attacker, BOT_SECRET).await.status(), StatusCode::OK);
    assert_eq!(ask(&attacker, "guess-5").await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!log::text().contains("guess-"), "a secret stands in the log");
}

#[tokio::test]
async fn right_secrets_may_be_shown_as_often_as_one_likes() {
    let broker = with("client_failures = 2\naddress_failures = 2\n").await;
    for _ in 0..5 {
        broker.fetch_token().await;
        // What was remembered is forgotten: the secret is looked at again.
        broker.clock.advance(Duration::from_mins(6));
    }
}

#[tokio::test]
async fn more_work_than_there_are_places_for_is_turned_away_at_once_but_health_is_answered() {
    let broker = with("requests = 1\n").await;
    let token = broker.token().await;
    let address = broker.origin.trim_start_matches("http://");
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/auth-links HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    crate::harness::eventually("the place is taken", async || {
        let answer = broker.plain(Method::GET, "/v1/events").bearer_auth(&token).send().await.unwrap();
        (answer.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    let answer = broker.plain(Method::GET, "/v1/events").bearer_auth(&token).send().await.unwrap();
    assert_eq!(header(&answer, "retry-after"), "2");
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "overloaded");
    let page = broker.plain(Method::GET, "/a/x").send().await.unwrap();
    assert_eq!((page.status().as_u16(), header(&page, "retry-after")), (503, "1"));
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(broker.plain(Method::GET, path).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    slow.write_all(b"}").await.unwrap();
    let mut answered = String::new();
    slow.read_to_string(&mut answered).await.unwrap();
    assert!(answered.starts_with("HTTP/1.1 422"), "{answered}");
    assert_eq!(broker.api(Method::GET, "/v1/events", None).await.0, StatusCode::OK);
}

/// A connection of another address of this machine that has sent a head and half of its body.
async fn half_sent(broker: &Harness, from: &str) -> TcpStream {
    let there: std::net::SocketAddr = broker.origin.trim_start_matches("http://").parse().unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(there).await.unwrap();
    let head = format!(
        "POST /v1/oauth/token HTTP/1.1\r\nHost: {there}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 5\r\nConnection: close\r\n\r\na=b"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn half_sent_bodies_of_one_address_take_an_eighth_of_the_places_and_nobody_elses() {
    let broker = with("requests = 32\n").await;
    let link = broker.link("conv-1").await;
    let (answers, mut answered) = tokio::sync::mpsc::unbounded_channel();
    let mut ends = Vec::new();
    for _ in 0..60 {
        let (mut reader, writer) = half_sent(&broker, "127.0.0.5").await.into_split();
        let answers = answers.clone();
        tokio::spawn(async move {
            let mut text = String::new();
            // What is turned away may be reset while its body is still on the way.
            let _ = reader.read_to_string(&mut text).await;
            let _ = answers.send(text);
        });
        ends.push(writer);
    }
    let mut next =
        async || tokio::time::timeout(Duration::from_mins(1), answered.recv()).await.unwrap().unwrap();
    for _ in 0..56 {
        let text = next().await;
        assert!(text.starts_with("HTTP/1.1 503") && text.contains("temporarily_unavailable"), "{text}");
    }
    // Four are waited for; everybody else is answered, and so is the address itself where nothing is waited for.
    let page = broker.plain(Method::GET, &format!("/a/{}", token_of(&link))).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(broker.api(Method::GET, "/v1/events", None).await.0, StatusCode::OK);
    let same = from("127.0.0.5");
    let page = same.get(format!("{}/a/{}", broker.origin, token_of(&link))).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    // Their time ends with their bodies: what was waited for is answered, and others are waited for.
    for end in &mut ends {
        let _ = end.write_all(b"&c").await;
    }
    for _ in 0..4 {
        let text = next().await;
        assert!(text.starts_with("HTTP/1.1 400") && text.contains("invalid_request"), "{text}");
    }
    let mut again = half_sent(&broker, "127.0.0.5").await;
    again.write_all(b"&c").await.unwrap();
    let mut text = String::new();
    again.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
}

fn token_of(link: &Value) -> String {
    link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}
