//! Bad input to the API: every refusal is a problem document that says where and why, and lists
//! are walked to their end.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{BOT_SECRET, Choices, Harness};

/// An answer, whole.
struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Answer {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Self { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// A problem document of RFC 9457 with our members, and the headers that go with it.
    fn problem(self, status: u16, code: &str) -> Self {
        let body = &self.body;
        assert_eq!((self.status, body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.headers["x-content-type-options"], "nosniff");
        for member in ["type", "title", "detail", "requestId"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        assert_eq!(body["requestId"].as_str(), Some(self.headers["x-request-id"].to_str().unwrap()));
        let known = ["type", "title", "status", "code", "detail", "faults", "requestId", "attemptsLeft"];
        assert!(body.as_object().unwrap().keys().all(|name| known.contains(&&**name)), "{body}");
        self
    }

    fn pointers(&self) -> Vec<&str> {
        let faults = self.body["faults"].as_array().unwrap_or_else(|| panic!("no faults: {}", self.body));
        for fault in faults {
            assert!(!fault["detail"].as_str().unwrap().is_empty(), "{fault}");
        }
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect()
    }
}

async fn ask(broker: &Harness, method: Method, path: &str) -> RequestBuilder {
    broker.plain(method, path).bearer_auth(broker.token().await)
}

async fn post_raw(broker: &Harness, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = ask(broker, Method::POST, path).await.header("content-type", "application/json");
    Answer::of(request.body(body)).await
}

fn order() -> Value {
    json!({"conversation": {"id": "conv-1", "channel": "sms", "handle": "+15550100"}})
}

/// A route of the API: method, path, and the scope in front of it.
type Route = (&'static str, String, String);

/// Every described route, with something in the place of its parameters. The operator's are not here:
/// they answer on the base domain only (`platform.rs`).
fn routes() -> Vec<Route> {
    let document = crate::openapi::document();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = path
            .replace("{id}", "al_x")
            .replace("{field}", "email")
            .replace("{delivery}", "dl_x")
            .replace("{testId}", "pt_x");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let scope = item[method.to_lowercase()]["security"][0]["oauth2"][0].as_str();
            // A channel's own webhooks come with its signature: `channel/` asks them.
            let of_tenants = scope.filter(|scope| *scope != "admin:all" && path != "/v1/inbound/{channel}");
            routes.extend(of_tenants.map(|scope| (method, filled.clone(), scope.to_owned())));
        }
    }
    assert!(routes.len() > 15 && routes.iter().all(|(_, path, _)| !path.contains('{')), "{routes:?}");
    routes
}

#[tokio::test]
async fn every_route_demands_a_token_of_this_tenant_that_is_still_good() {
    let broker = Harness::start().await;
    let token = broker.token().await;
    let own = broker.plain(Method::POST, "/v1/oauth/token").header("host", "beta.test");
    let form =
        [("grant_type", "client_credentials"), ("client_id", "acme-bot"), ("client_secret", BOT_SECRET)];
    let foreign = Answer::of(own.form(&form)).await.body["access_token"].as_str().unwrap().to_owned();
    let mut forged = token.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'A' { 'B' } else { 'A' });
    forged.replace_range(
        forged.len() - 6..forged.len() - 5,
        if forged.as_bytes()[forged.len() - 6] == b'x' { "y" } else { "x" },
    );
    for (method, path, _) in &routes() {
        let plain = || broker.plain(method.parse().unwrap(), path);
        let none = Answer::of(plain()).await.problem(401, "token_missing");
        let challenge = none.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer realm=") && !challenge.contains("error"), "{challenge}");
        for bad in ["x", "a.b.c", &foreign, &forged, "eyJhbGciOiJub25lIn0.e30."] {
            let answer = Answer::of(plain().bearer_auth(bad)).await.problem(401, "invalid_token");
            let challenge = answer.headers["www-authenticate"].to_str().unwrap();
            assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            assert!(!answer.body.to_string().contains(bad) || bad == "x", "a token is not repeated");
        }
        let elsewhere = Answer::of(plain().bearer_auth(&token).header("host", "beta.test")).await;
        elsewhere.problem(401, "invalid_token");
    }
    broker.clock.advance(Duration::from_mins(62));
    let late = broker.plain(Method::GET, "/v1/events").bearer_auth(&token);
    Answer::of(late).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_token_without_the_scope_is_told_which_one_is_missing() {
    let broker = Harness::start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "acme-bot"),
        ("client_secret", BOT_SECRET),
        ("scope", "read:events"),
    ];
    let token = Answer::of(broker.plain(Method::POST, "/v1/oauth/token").form(&form)).await;
    let token = token.body["access_token"].as_str().unwrap().to_owned();
    for (method, path, scope) in routes().iter().filter(|(_, _, scope)| *scope != "read:events") {
        let request = broker.plain(method.parse().unwrap(), path).bearer_auth(&token);
        let answer = Answer::of(request).await.problem(403, "insufficient_scope");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{path}: {challenge}");
    }
    Answer::of(broker.plain(Method::GET, "/v1/events").bearer_auth(&token)).await;
}

#[tokio::test]
async fn what_belongs_to_another_tenant_is_as_unknown_as_what_never_was() {
    let broker = Harness::minimum("none").await;
    let form =
        [("grant_type", "client_credentials"), ("client_id", "acme-bot"), ("client_secret", BOT_SECRET)];
    let token = broker.plain(Method::POST, "/v1/oauth/token").header("host", "beta.test").form(&form);
    let beta = Answer::of(token).await.body["access_token"].as_str().unwrap().to_owned();
    let made = broker.plain(Method::POST, "/v1/auth-links").header("host", "beta.test").bearer_auth(&beta);
    let foreign = Answer::of(made.json(&order())).await;
    assert_eq!(foreign.status, 201, "{}", foreign.body);
    let foreign = foreign.body["id"].as_str().unwrap().to_owned();
    let mut unknown = foreign.clone();
    unknown.replace_range(unknown.len() - 4.., "0000");
    let without_id = |mut body: Value| {
        body.as_object_mut().unwrap().shift_remove("requestId");
        body
    };
    let mut bodies = Vec::new();
    for id in [&*foreign, &*unknown, "al_", "nonsense", "%ff", "%00", "..%2f..", "al_%20"] {
        for (method, tail) in [("GET", ""), ("GET", "?wait=60"), ("POST", "/cancel"), ("POST", "/resend")] {
            let request = ask(&broker, method.parse().unwrap(), &format!("/v1/auth-links/{id}{tail}")).await;
            bodies.push(without_id(Answer::of(request).await.problem(404, "not_found").body));
        }
        let confirm =
            post_raw(&broker, &format!("/v1/auth-links/{id}/confirm"), r#"{"code": "123456"}"#).await;
        bodies.push(without_id(confirm.problem(404, "not_found").body));
    }
    for path in [
        "/v1/conversations/conv-1",
        "/v1/conversations/%ff",
        "/v1/contacts/ct_1",
        "/v1/contacts/%ff",
        "/v1/attempts/at_1",
        "/v1/attempts/%ff",
    ] {
        bodies.push(without_id(
            Answer::of(ask(&broker, Method::GET, path).await).await.problem(404, "not_found").body,
        ));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
}

#[tokio::test]
async fn another_method_is_answered_with_those_that_are_allowed() {
    let broker = Harness::start().await;
    for (method, path, _) in &routes() {
        for other in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if routes().iter().any(|(allowed, at, _)| *allowed == other && at == path) {
                continue;
            }
            let request = ask(&broker, other.parse().unwrap(), path).await;
            let request =
                request.header("x-http-method-override", *method).header("x-method-override", *method);
            let answer = Answer::of(request).await.problem(405, "method_not_allowed");
            let allow = answer.headers["allow"].to_str().unwrap();
            assert!(allow.split(',').any(|word| word.trim() == *method), "{path}: {allow}");
        }
    }
    for path in ["/v1/", "/v1/nothing", "/v1/auth-links/", "/v1/contacts/x/y", "/api/nothing", "/v1//events"]
    {
        Answer::of(ask(&broker, Method::GET, path).await).await.problem(404, "no_such_path");
    }
    assert!(broker.event_types().await.is_empty());
}

#[tokio::test]
async fn at_an_unknown_host_there_is_no_api() {
    let broker = Harness::start().await;
    for host in ["evil.test", "acme.localhost.evil.test", "127.0.0.1.evil.test", "acme.localhost@evil.test"] {
        for (method, path, _) in &routes() {
            let request = ask(&broker, method.parse().unwrap(), path).await.header("host", host);
            Answer::of(request).await.problem(421, "wrong_host");
        }
    }
    let request = ask(&broker, Method::GET, "/v1/events").await.header("host", "evil.test");
    let forwarded = request.header("x-forwarded-host", "127.0.0.1").header("forwarded", "host=127.0.0.1");
    Answer::of(forwarded).await.problem(421, "wrong_host");
}

#[tokio::test]
async fn a_body_that_is_too_large_or_no_json_is_refused() {
    let broker = Harness::start().await;
    let large = vec![b' '; 2 * 1024 * 1024 + 1];
    post_raw(&broker, "/v1/auth-links", large).await.problem(413, "too_large");
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/jsonp"),
        Some("application/json, text/plain"),
    ] {
        let mut request = ask(&broker, Method::POST, "/v1/auth-links").await.body(order().to_string());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        Answer::of(request).await.problem(415, "not_json");
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"] {
        let request = ask(&broker, Method::POST, "/v1/auth-links").await.header("content-type", kind);
        assert_eq!(Answer::of(request.body(order().to_string())).await.status, 201, "{kind}");
    }
}

#[rstest]
#[case::nothing("", 1, 0)]
#[case::half("{\"conversation\":\n  {\"id\": ", 2, 9)]
#[case::comma("{\n\n\"a\":,}", 3, 5)]
#[case::no_text("{\"a\": \"\u{1}\"}", 1, 8)]
#[tokio::test]
async fn bad_json_is_told_with_line_and_column(
    #[case] body: &'static str,
    #[case] line: u64,
    #[case] column: u64,
) {
    let broker = Harness::start().await;
    for path in ["/v1/auth-links", "/v1/mapping/preview", "/v1/inbound/messages"] {
        let answer = post_raw(&broker, path, body).await.problem(400, "malformed");
        let fault = &answer.body["faults"][0];
        assert_eq!((fault["line"].as_u64(), fault["column"].as_u64()), (Some(line), Some(column)), "{fault}");
    }
}

#[tokio::test]
async fn bombs_of_json_are_refused_and_the_broker_goes_on() {
    let broker = Harness::start().await;
    let open = |n: usize| "[".repeat(n);
    let nested = format!("{}{}", open(200), "]".repeat(200));
    let bombs = [
        open(1024 * 1024),
        "{\"a\":".repeat(200_000),
        format!("{{\"whoami\": {nested}}}"),
        format!("{{\"conversation\": {nested}}}"),
        format!("{{\"whoami\": {{}}, \"claims\": {nested}}}"),
        "9".repeat(1024 * 1024),
        format!("{{\"whoami\": 1e{}}}", "9".repeat(1000)),
        "\u{feff}{}".to_owned(),
        "{} {}".to_owned(),
        "nul".to_owned(),
    ];
    for bomb in bombs {
        for path in
            ["/v1/auth-links", "/v1/mapping/preview", "/v1/inbound/messages", "/v1/auth-links/al_x/confirm"]
        {
            let head: String = bomb.chars().take(40).collect();
            let answer = post_raw(&broker, path, bomb.clone()).await;
            assert!(
                [400, 422].contains(&answer.status) || head.contains("1e9"),
                "{path} {head}: {}",
                answer.status
            );
            assert!(answer.body.to_string().len() < 2000, "an answer does not repeat the request");
        }
    }
    let latin = post_raw(&broker, "/v1/auth-links", b"{\"a\": \"\xff\"}".to_vec()).await;
    assert!([400, 422].contains(&latin.status));
    broker.link("conv-1").await;
}

fn with(pointer: &str, value: Value) -> Value {
    let mut body = order();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if !parent.is_empty() && body.pointer(parent).is_none() {
        body[&parent[1..]] = json!({});
    }
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

#[tokio::test]
async fn a_bad_member_of_an_order_is_told_by_its_pointer() {
    let broker = Harness::start().await;
    let cases = [
        ("/conversation/channel", json!("pigeon")),
        ("/conversation/channel", json!("SMS")),
        ("/conversation/channel", json!(7)),
        ("/conversation/id", json!("")),
        ("/conversation/id", json!("c".repeat(201))),
        ("/conversation/id", json!("a\u{0}b")),
        ("/conversation/handle", json!("+1555\n0100")),
        ("/conversation/handle", json!("+1555\u{0}0100")),
        ("/conversation/handle", json!("")),
        ("/conversation/handle", json!("1".repeat(321))),
        ("/binding/minimum", json!("none")),
        ("/binding/minimum", json!("browser")),
        ("/binding/minimum", json!("native")),
        ("/binding/minimum", json!("strong")),
        ("/expiresIn", json!(0)),
        ("/expiresIn", json!(-1)),
        ("/expiresIn", json!(86_401)),
        ("/expiresIn", json!(i64::MAX)),
        ("/expiresIn", json!("900")),
        ("/expiresIn", json!(1.5)),
        ("/provider", json!("nobody")),
        ("/provider", json!("<script>")),
        ("/provider", json!("")),
        ("/snippet", json!("nothing")),
        ("/snippet", json!("")),
        ("/snippet", json!("s".repeat(65))),
        ("/locale", json!("english please")),
        ("/locale", json!("")),
        ("/locale", json!("e")),
        ("/locale", json!("../../etc")),
        ("/callback", json!("other")),
        ("/callback", json!("https://evil.test/")),
        ("/sender/id", json!("")),
        ("/sender/kind", json!("robot")),
        ("/capabilities", json!([""])),
        ("/metadata", json!({"text": "m".repeat(4097)})),
        ("/metadata", json!([])),
        ("/unknown", json!(1)),
        ("/binding/unknown", json!(1)),
        ("/conversation/unknown", json!(1)),
        ("/sender/unknown", json!(1)),
        ("/contact/unknown", json!(1)),
    ];
    for (pointer, value) in cases {
        let body = match pointer.rsplit_once('/').unwrap() {
            ("/sender", "id") => with(pointer, value).tap("/sender/kind", json!("bot")),
            ("/sender", _) => with(pointer, value).tap("/sender/id", json!("x")),
            _ => with(pointer, value),
        };
        let answer = post_raw(&broker, "/v1/auth-links", body.to_string()).await.problem(422, "invalid");
        let pointers = answer.pointers();
        assert!(pointers.iter().any(|told| told.starts_with(pointer)), "{pointers:?}: {}", answer.body);
    }
    assert!(broker.event_types().await.is_empty(), "nothing was made");
}

/// Sets one more member.
trait Tap {
    fn tap(self, pointer: &str, value: Value) -> Self;
}

impl Tap for Value {
    fn tap(mut self, pointer: &str, value: Value) -> Self {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        self.pointer_mut(parent).unwrap()[name] = value;
        self
    }
}

#[tokio::test]
async fn several_faults_are_told_at_once_and_a_member_is_named_once_only() {
    let broker = Harness::start().await;
    let body = with("/locale", json!("?")).tap("/snippet", json!("")).tap("/capabilities", json!([""]));
    let answer = post_raw(&broker, "/v1/auth-links", body.to_string()).await.problem(422, "invalid");
    assert_eq!(answer.pointers(), ["/snippet", "/locale", "/capabilities"]);
    let twice = r#"{"conversation": {"id": "a", "id": "b", "channel": "sms"}}"#;
    assert!([400, 422].contains(&post_raw(&broker, "/v1/auth-links", twice).await.status));
    let missing = post_raw(&broker, "/v1/auth-links", "{}").await.problem(422, "invalid");
    assert_eq!(missing.body["faults"], json!([{"pointer": "/conversation", "detail": "is missing"}]));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_told_where() {
    let broker = Harness::start().await;
    for (path, pointer) in [
        ("/v1/contacts?x=1", "?x"),
        ("/v1/contacts?email=a@b.test&phone=1", "?"),
        ("/v1/contacts?email=", "?email"),
        ("/v1/contacts?cursor=&limit=1", "?cursor"),
        ("/v1/auth-links?conversationId=", "?conversationId"),
        ("/v1/contacts?email=a@b.test&email=c@d.test", "?email"),
        ("/v1/contacts?limit=0", "?limit"),
        ("/v1/contacts?limit=201", "?limit"),
        ("/v1/contacts?limit=-1", "?limit"),
        ("/v1/contacts?limit=many", "?limit"),
        ("/v1/contacts?cursor=nonsense", "?cursor"),
        ("/v1/contacts?conversationId=c&cursor=nonsense", "?cursor"),
        ("/v1/contacts?conversationId=a%00b", "?conversationId"),
        ("/v1/events?after=-1", "?after"),
        ("/v1/events?after=x", "?after"),
        ("/v1/events?after=99999999999999999999", "?after"),
        ("/v1/events?cursor=1", "?cursor"),
    ] {
        let answer = Answer::of(ask(&broker, Method::GET, path).await).await.problem(400, "malformed");
        assert_eq!(answer.pointers(), [pointer], "{path}");
    }
}

/// Signs a person of the demo's provider in, in a conversation of their own.
pub async fn sign_in(broker: &Harness, conversation: &str, person: &str) {
    let link = broker.link(conversation).await;
    sign_in_at(link["url"].as_str().unwrap(), person).await;
}

/// Signs a person of the demo's provider in, by a link.
pub async fn sign_in_at(url: &str, person: &str) {
    let mut browser = Browser::new();
    let opened = browser.open(url).await;
    let login = browser.get(&opened.location()).await;
    let consent = browser.submit(&login, &login.form(), &[("person", person)]).await;
    let done = browser.submit(&consent, &consent.form(), &[("decision", "allow")]).await;
    let page = browser.arrive(&done.location()).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.html);
}

#[tokio::test]
async fn lists_are_walked_one_by_one_to_their_end() {
    let broker = Harness::minimum("none").await;
    for (conversation, person) in [("conv-1", "billy"), ("conv-2", "amelie"), ("conv-3", "hanako")] {
        sign_in(&broker, conversation, person).await;
    }
    let all: Vec<Value> = broker.contacts().await.iter().map(|contact| contact["id"].clone()).collect();
    let mut walked = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = broker.get(&format!("/v1/contacts?limit=1{cursor}")).await;
        walked.extend(page["items"].as_array().unwrap().iter().map(|contact| contact["id"].clone()));
        assert!(walked.len() <= 3, "the walk ends");
        let Some(next) = page["next"].as_str() else { break };
        cursor =
            format!("&cursor={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
    }
    assert_eq!((walked.len(), &walked), (3, &all), "newest first, each once");
    let created: Vec<_> = broker.contacts().await.iter().map(|contact| contact["userName"].clone()).collect();
    assert_eq!(created[2], "billy.bob");

    let all = broker.event_types().await;
    let (mut walked, mut after, mut last) = (Vec::new(), "0".to_owned(), String::new());
    loop {
        let page = broker.get(&format!("/v1/events?limit=1&after={after}")).await;
        for event in page["items"].as_array().unwrap() {
            walked.push(event["type"].as_str().unwrap().to_owned());
            last = event["id"].as_str().unwrap().to_owned();
        }
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(walked, all);
    let nothing_new = broker.get(&format!("/v1/events?after={last}")).await;
    assert_eq!(nothing_new, json!({"items": [], "next": null}));
    broker.link("conv-later").await;
    let news = broker.get(&format!("/v1/events?after={last}")).await;
    assert_eq!(news["items"][0]["type"], "auth.link_created", "a reader keeps the last id and asks again");
    let foreign = format!("/v1/events?after=evt_{}", "0".repeat(32));
    assert_eq!(broker.api(Method::GET, &foreign, None).await.0, StatusCode::BAD_REQUEST);
    let end = broker.event_types().await.len() as u64;
    assert_eq!(broker.get(&format!("/v1/events?after={end}")).await["items"], json!([]));
    for beyond in [end + 1, u64::MAX] {
        // A position of another store: whoever waited behind it would miss what happens until then.
        let path = format!("/v1/events?after={beyond}");
        let refused = Answer::of(ask(&broker, Method::GET, &path).await).await.problem(400, "malformed");
        assert_eq!(refused.pointers(), ["?after"], "{path}");
    }
}

#[tokio::test]
async fn contacts_are_found_by_what_is_known_of_them() {
    let provider = r#"
        mapping = """{"userName": user.id, "fullName": user.name, "email": user.email, "phone": '+1 (555) 010-0100'}"""
        subject = "user.id"
    "#;
    let choices = Choices { minimum: "none", provider: provider.to_owned(), ..Choices::default() };
    let broker = Harness::with(choices).await;
    sign_in(&broker, "conv-1", "billy").await;
    let id = broker.contacts().await[0]["id"].clone();
    for found in [
        "email=billy.bob@example.com",
        "email=Billy.Bob@EXAMPLE.com",
        "email=%20billy.bob@example.com%20",
        "phone=%2B15550100100",
        "phone=%2B1%20555-010%200100",
        "conversationId=conv-1",
    ] {
        let page = broker.get(&format!("/v1/contacts?{found}")).await;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["id"]), (1, &id), "{found}");
    }
    for none in [
        "email=billy@example.com",
        "email=x",
        "phone=%2B15550100101",
        "conversationId=conv-2",
        "externalId=1",
    ] {
        assert_eq!(broker.get(&format!("/v1/contacts?{none}")).await["items"], json!([]), "{none}");
    }
}

fn nested() -> Value {
    json!({
        "user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy@example.com", "other": "stuff"},
        "roles": ["SomeRole", "OtherRole"],
        "other": "stuff"
    })
}

#[tokio::test]
async fn a_mapping_is_tried_on_a_sample() {
    let broker = Harness::start().await;
    let good = broker.post("/v1/mapping/preview", json!({
        "mapping": "{\"userName\": user.id, \"fullName\": user.name, \"email\": user.email}", "whoami": nested()
    })).await;
    assert_eq!(good["profile"]["email"], "billy@example.com");
    assert_eq!(
        (good["profile"]["firstName"].as_str(), good["profile"]["lastName"].as_str()),
        (Some("Billy"), Some("Bob"))
    );
    assert!(
        good.get("repaired").is_none() && good["contactChanges"].as_array().unwrap().len() >= 4,
        "{good}"
    );
    assert_eq!(good["warnings"], json!([]));

    let printed = "{\\\"userName\\\": user.id, \\\"fullName\\\": user.name, \\\"email\\\": user.email}";
    let repaired = broker.post("/v1/mapping/preview", json!({"mapping": printed, "whoami": nested()})).await;
    assert_eq!(repaired["profile"], good["profile"]);
    assert!(!repaired["repaired"].as_str().unwrap().contains('\\'), "{repaired}");

    let of_provider =
        broker.post("/v1/mapping/preview", json!({"provider": "acme", "whoami": nested()})).await;
    assert_eq!(of_provider["subject"], "billy.bob");
    assert!(broker.contacts().await.is_empty() && broker.event_types().await.is_empty(), "nothing is kept");
}

#[tokio::test]
async fn a_bad_mapping_is_told_with_its_place() {
    let broker = Harness::start().await;
    let cases = [
        (json!("{\"a\":\n  user."), "/mapping", true),
        (json!("{\"email\": steal(user.email)}"), "/mapping", true),
        (json!({"email": "user.email", "userName": "user..id"}), "/mapping/userName", true),
        (json!("user.id"), "/mapping", false),
        (json!("[".repeat(2000)), "/mapping", true),
        (json!(7), "/mapping", false),
    ];
    for (mapping, pointer, placed) in cases {
        let body = json!({"mapping": mapping, "whoami": nested()});
        let answer = post_raw(&broker, "/v1/mapping/preview", body.to_string()).await.problem(422, "invalid");
        assert_eq!(answer.pointers(), [pointer]);
        let fault = &answer.body["faults"][0];
        assert_eq!(fault["line"].is_u64() && fault["column"].is_u64(), placed, "{fault}");
    }
}

#[tokio::test]
async fn a_sample_need_not_be_an_object() {
    let broker = Harness::start().await;
    for whoami in [json!([1, 2]), json!("text"), json!(null), json!(12)] {
        let preview = broker.post("/v1/mapping/preview", json!({"whoami": whoami})).await;
        assert_eq!((&preview["profile"], &preview["subject"]), (&json!({}), &Value::Null), "{preview}");
    }
    let unknown = post_raw(&broker, "/v1/mapping/preview", r#"{"whoami": {}, "provider": "x"}"#).await;
    assert_eq!(unknown.problem(422, "invalid").pointers(), ["/provider"]);
}
