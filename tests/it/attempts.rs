//! Attempts: every opening with its steps, for whoever must find out why a login failed, and nothing
//! of the person in it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign::cli::demo::provider::{PEOPLE, Trick};
use reqwest::{Method, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::{Choices, Harness, MAPPING};

async fn attempts(broker: &Harness, query: &str) -> Vec<Value> {
    broker.get(&format!("/v1/attempts?{query}")).await["items"].as_array().unwrap().clone()
}

/// The newest attempt.
async fn latest(broker: &Harness) -> Value {
    attempts(broker, "limit=1").await.remove(0)
}

fn url(link: &Value) -> &str {
    link["url"].as_str().unwrap()
}

/// Steps with their outcomes.
fn steps(attempt: &Value) -> Vec<(&str, &str)> {
    let laps = attempt["timeline"].as_array().unwrap();
    laps.iter().map(|lap| (lap["step"].as_str().unwrap(), lap["outcome"].as_str().unwrap())).collect()
}

fn time(value: &Value) -> jiff::Timestamp {
    value.as_str().unwrap_or_else(|| panic!("no time: {value}")).parse().unwrap()
}

const DONE: [(&str, &str); 6] = [
    ("claim", "ok"),
    ("exchange", "ok"),
    ("whoami", "ok"),
    ("normalise", "ok"),
    ("bind", "ok"),
    ("record", "ok"),
];

#[tokio::test]
async fn a_login_that_ends_well_tells_its_steps_in_order() {
    let broker = Harness::minimum("none").await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(url(&link)).await;
    let attempt = latest(&broker).await;
    assert_eq!(steps(&attempt), DONE);
    assert_eq!(
        (
            &attempt["authLinkId"],
            &attempt["provider"],
            &attempt["status"],
            &attempt["binding"],
            &attempt["callback"]
        ),
        (&link["id"], &json!("acme"), &json!("completed"), &json!("none"), &json!("eu"))
    );
    let laps = attempt["timeline"].as_array().unwrap();
    assert_eq!((&laps[1]["httpStatus"], &laps[2]["httpStatus"]), (&json!(200), &json!(200)));
    assert!(laps.iter().all(|lap| lap["step"] == "record" || lap["tookMs"].is_u64()), "{attempt}");
    let mut times: Vec<_> = laps.iter().map(|lap| time(&lap["at"])).collect();
    times.insert(0, time(&attempt["openedAt"]));
    times.push(time(&attempt["endedAt"]));
    assert!(times.is_sorted(), "{attempt}");
    assert!(attempt["notes"] == json!([]) && attempt.get("confirmedAt").is_none(), "{attempt}");
    let one = broker.get(&format!("/v1/attempts/{}", attempt["id"].as_str().unwrap())).await;
    assert_eq!(one, attempt);
}

#[tokio::test]
async fn a_sign_in_waits_for_the_chat_and_says_when_it_was_confirmed() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let code = Browser::new().sign_in(url(&link)).await.code().unwrap();
    let waiting = latest(&broker).await;
    assert_eq!((&waiting["status"], steps(&waiting)[4]), (&json!("provisional"), ("bind", "waiting")));
    assert!(waiting.get("endedAt").is_none() && waiting.get("binding").is_none(), "{waiting}");
    broker.clock.advance(Duration::from_secs(100));
    broker.message("conv-1", "+15550100", &code).await;
    let done = latest(&broker).await;
    let mut expected = DONE.to_vec();
    expected[4] = ("bind", "waiting");
    expected.extend([("bind", "ok"), ("record", "ok")]);
    assert_eq!(
        (steps(&done), &done["status"], &done["binding"]),
        (expected, &json!("completed"), &json!("code"))
    );
    let apart = time(&done["confirmedAt"]).duration_since(time(&done["timeline"][4]["at"]));
    assert!(apart.as_secs() >= 100, "{done}");
    assert_eq!(done["timeline"][5].get("tookMs"), None, "waiting for the chat is no part of the recording");
}

#[rstest]
#[case::declined(Trick::Deny, "denied", "verify", "access_denied", None)]
#[case::error(Trick::AuthorizeError, "failed", "verify", "provider_error", None)]
#[case::grant(Trick::TokenInvalidGrant, "failed", "exchange", "invalid_grant", Some(400))]
#[case::client(Trick::TokenInvalidClient, "failed", "exchange", "invalid_client", Some(401))]
#[case::token_error(Trick::TokenError, "failed", "exchange", "token_failed", Some(500))]
#[case::token_garbage(Trick::TokenGarbage, "failed", "exchange", "token_garbage", Some(200))]
#[case::redirect(Trick::TokenRedirect, "failed", "exchange", "token_failed", Some(307))]
#[case::too_large(Trick::TokenHuge, "failed", "exchange", "token_too_large", None)]
#[case::refused(Trick::WhoamiRefused, "failed", "whoami", "whoami_refused", Some(401))]
#[case::garbage(Trick::WhoamiGarbage, "failed", "whoami", "whoami_garbage", Some(200))]
#[tokio::test]
async fn a_failure_stands_at_its_step_with_the_providers_status(
    #[case] trick: Trick,
    #[case] status: &str,
    #[case] step: &str,
    #[case] code: &str,
    #[case] http: Option<u16>,
) {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    broker.provider.script(trick);
    Browser::new().sign_in(url(&link)).await;
    let attempt = latest(&broker).await;
    assert_eq!(
        (&attempt["status"], &attempt["step"], &attempt["code"]),
        (&json!(status), &json!(step), &json!(code))
    );
    let last = attempt["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["step"], &last["outcome"]), (&json!(step), &json!(code)), "{attempt}");
    assert_eq!(last.get("httpStatus").and_then(Value::as_u64), http.map(u64::from), "{attempt}");
    assert!(steps(&attempt)[..steps(&attempt).len() - 1].iter().all(|(_, outcome)| *outcome == "ok"));
    assert_eq!(attempt["endedAt"], broker.status(&link).await[format!("{status}At")]);
}

#[tokio::test]
async fn what_was_tolerated_or_left_out_is_noted_in_our_own_words() {
    let mapping = r#"mapping = {userName = "user.id", email = "user.name", phone = "length(user)", extra = "sum(roles)"}
subject = "user.id""#;
    let broker =
        Harness::with(Choices { provider: mapping.to_owned(), minimum: "none", ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    broker.provider.script(Trick::TokenNoType);
    Browser::new().sign_in(url(&link)).await;
    let attempt = latest(&broker).await;
    let notes = attempt["notes"].to_string();
    for note in [
        "token response: token_type_missing",
        "`email` is no email address",
        "`extra` was left out: `sum` wants",
        "(line 1, column 1)",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[tokio::test]
async fn a_mapping_that_errs_is_told_with_its_words() {
    let mapping = "mapping = \"user.email\"";
    let broker = Harness::with(Choices { provider: mapping.to_owned(), ..Choices::default() }).await;
    let link = broker.link("conv-1").await;
    Browser::new().sign_in(url(&link)).await;
    let attempt = latest(&broker).await;
    assert_eq!(steps(&attempt)[3], ("normalise", "mapping_failed"));
    let notes = attempt["notes"].to_string();
    assert!(
        notes.contains("the mapping gives a string and not an object") && !notes.contains('@'),
        "{notes}"
    );
}

#[tokio::test]
async fn an_opening_that_nobody_came_back_from_was_abandoned() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let older = browser.reach_callback(url(&link)).await;
    broker.clock.advance(Duration::from_secs(5));
    browser.open(url(&link)).await;
    let (new, old) = (latest(&broker).await, attempts(&broker, "").await.remove(1));
    assert_eq!(
        (&new["status"], &old["status"]),
        (&json!("started"), &json!("abandoned")),
        "the browser began anew"
    );
    assert_eq!(time(&old["endedAt"]).duration_since(time(&old["openedAt"])).as_secs(), 5);
    assert_eq!(
        browser.arrive(&older).await.status,
        StatusCode::BAD_REQUEST,
        "the older one is worth nothing"
    );
    broker.clock.advance(Duration::from_mins(10));
    let gone = latest(&broker).await;
    assert_eq!((&gone["id"], &gone["status"]), (&new["id"], &json!("abandoned")));
    assert_eq!((&gone["endedAt"], &gone["timeline"]), (&gone["expiresAt"], &json!([])));
}

#[tokio::test]
async fn a_callback_that_is_refused_leaves_no_trace_in_the_attempt() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    let before = latest(&broker).await;
    let mut other = browser.clone();
    other.tamper(|_, value| Some(format!("{value}x")));
    assert_eq!(other.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
    let mut twice = callback.clone();
    twice.query_pairs_mut().append_pair("state", "x");
    assert_eq!(browser.arrive(&twice).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(latest(&broker).await, before);
    assert!(browser.arrive(&callback).await.code().is_some());
}

#[tokio::test]
async fn a_sign_in_that_is_not_confirmed_says_why() {
    let broker = Harness::start().await;
    let (lapsing, spending) = (broker.link("conv-1").await, broker.link("conv-2").await);
    let code = Browser::new().sign_in(url(&spending)).await.code().unwrap();
    let digits: u32 = code.trim_start_matches("CS-").parse().unwrap();
    for _ in 0..5 {
        broker.message("conv-2", "+15550100", &format!("CS-{:06}", (digits + 1) % 1_000_000)).await;
    }
    let spent = latest(&broker).await;
    assert_eq!((&spent["status"], &spent["code"]), (&json!("failed"), &json!("guesses_spent")));
    assert_eq!(steps(&spent)[4..], [("bind", "waiting"), ("record", "ok"), ("bind", "guesses_spent")]);
    Browser::new().sign_in(url(&lapsing)).await;
    broker.clock.advance(Duration::from_secs(301));
    let lapsed = latest(&broker).await;
    assert_eq!((&lapsed["status"], &lapsed["code"]), (&json!("lapsed"), &json!("not_confirmed")));
    assert_eq!(steps(&lapsed)[4..], [("bind", "waiting"), ("record", "ok"), ("bind", "not_confirmed")]);
}

#[tokio::test]
async fn an_attempt_without_an_end_was_interrupted() {
    let broker = Harness::start().await;
    let link = broker.link("conv-1").await;
    let mut browser = Browser::new();
    let callback = browser.reach_callback(url(&link)).await;
    broker.provider.script(Trick::TokenSlow);
    let arriving = tokio::spawn(async move { browser.arrive(&callback).await.status });
    while broker.provider.counters().token == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let working = latest(&broker).await;
    assert_eq!((&working["status"], steps(&working)), (&json!("working"), vec![("claim", "ok")]));
    broker.clock.advance(Duration::from_secs(31));
    let cut = latest(&broker).await;
    assert_eq!((&cut["status"], &cut["step"]), (&json!("interrupted"), &json!("exchange")));
    assert_eq!(steps(&cut), [("claim", "ok"), ("exchange", "interrupted")]);
    arriving.await.unwrap();
    assert_eq!(latest(&broker).await["status"], "provisional", "it was only slow");
}

#[tokio::test]
async fn attempts_are_found_by_link_provider_status_and_time() {
    let broker = Harness::minimum("none").await;
    let (one, two) = (broker.link("conv-1").await, broker.link("conv-2").await);
    let before = broker.clock.now();
    broker.clock.advance(Duration::from_secs(10));
    for _ in 0..3 {
        Browser::new().open(url(&one)).await;
    }
    broker.clock.advance(Duration::from_secs(10));
    let between = broker.clock.now();
    broker.clock.advance(Duration::from_secs(10));
    Browser::new().sign_in(url(&two)).await;
    let count = async |query: &str| attempts(&broker, query).await.len();
    let (one, two) = (one["id"].as_str().unwrap(), two["id"].as_str().unwrap());
    for (query, expected) in [
        (String::new(), 4),
        (format!("authLinkId={one}"), 3),
        (format!("authLinkId={two}"), 1),
        (format!("authLinkId={one}&status=completed"), 0),
        (format!("authLinkId=al_{}", "0".repeat(32)), 0),
        ("status=completed".to_owned(), 1),
        ("status=started".to_owned(), 3),
        ("status=started&provider=acme".to_owned(), 3),
        ("provider=other".to_owned(), 0),
        (format!("since={before}"), 4),
        (format!("since={between}"), 1),
        (format!("until={between}"), 3),
        (format!("until={before}"), 0),
        (format!("since={before}&until={between}&authLinkId={one}"), 3),
        (format!("since={between}&authLinkId={one}"), 0),
    ] {
        assert_eq!(count(&query).await, expected, "{query}");
    }
    let (mut walked, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = broker.get(&format!("/v1/attempts?authLinkId={one}&limit=2{cursor}")).await;
        walked.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        cursor =
            format!("&cursor={}", url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>());
    }
    assert_eq!(walked.len(), 3);
    for (query, pointer) in [
        ("status=done", "?status"),
        ("since=yesterday", "?since"),
        ("until=2026-13-01T00:00:00Z", "?until"),
        ("authLinkId=x", "?authLinkId"),
        ("provider=A B", "?provider"),
        ("link=x", "?link"),
        ("limit=1000", "?limit"),
        ("code=oops", "?code"),
        ("format=xml", "?format"),
        ("format=csv&limit=5", "?limit"),
    ] {
        let (status, body) = broker.api(Method::GET, &format!("/v1/attempts?{query}"), None).await;
        assert_eq!(
            (status, &body["faults"][0]["pointer"]),
            (StatusCode::BAD_REQUEST, &json!(pointer)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn failures_are_found_by_their_code_and_everything_as_a_file() {
    let broker = Harness::minimum("none").await;
    for (conversation, trick) in [("conv-1", None), ("conv-2", Some(Trick::TokenInvalidGrant))] {
        let link = broker.link(conversation).await;
        if let Some(trick) = trick {
            broker.provider.script(trick);
        }
        Browser::new().sign_in(url(&link)).await;
    }
    let failed = attempts(&broker, "code=invalid_grant").await;
    assert_eq!((failed.len(), &failed[0]["code"]), (1, &json!("invalid_grant")));
    assert!(attempts(&broker, "code=whoami_refused").await.is_empty());
    for accept in [false, true] {
        let path =
            if accept { "/v1/attempts?provider=acme" } else { "/v1/attempts?provider=acme&format=csv" };
        let request = broker.plain(Method::GET, path).bearer_auth(broker.token().await);
        let request = if accept { request.header("accept", "text/csv") } else { request };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8; header=present");
        let text = answer.text().await.unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 3, "{text}");
        assert!(rows[0].starts_with("\"id\",\"authLinkId\",\"provider\""), "{text}");
        let newest =
            format!("\"{}\",\"{}\",\"acme\",", text_of(&failed[0]["id"]), text_of(&failed[0]["authLinkId"]));
        assert!(rows[1].starts_with(&newest) && rows[1].contains("\"invalid_grant\""), "{text}");
        assert!(rows[2].contains("\"completed\",\"\",\"\","), "{text}");
        assert!(!text.contains("billy") && !text.contains("conv-"), "{text}");
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[tokio::test]
async fn a_link_that_was_opened_more_often_than_it_remembers_still_has_every_attempt() {
    let broker = Harness::start().await;
    let (link, other) = (broker.link("conv-1").await, broker.link("conv-2").await);
    for _ in 0..12 {
        Browser::new().open(url(&link)).await;
        Browser::new().open(url(&other)).await;
    }
    let of = attempts(&broker, &format!("authLinkId={}", link["id"].as_str().unwrap())).await;
    assert_eq!(of.len(), 12);
    assert!(of.iter().all(|attempt| attempt["authLinkId"] == link["id"]));
}

/// Every text in a value.
fn texts(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            into.insert(text.clone());
        }
        Value::Number(number) => {
            into.insert(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(members) => members.values().for_each(|member| texts(member, into)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[tokio::test]
async fn nothing_of_the_person_and_no_secret_stands_in_an_attempt() {
    // A mapping that warns of nearly everything, so that the notes have every chance to say too much.
    let provider = r#"mapping = {userName = "user", email = "user.name", fullName = "user.email", phone = "other", lastName = "length(user.name)", extra = "sum(user.email)", joined = "join(user.id, roles)"}
subject = "user.id""#;
    let mut secrets = BTreeSet::from(["+15550100", "15550100", "conv-1", "case-81"].map(str::to_owned));
    let mut raw = String::new();
    for (provider, minimum) in [(provider, "none"), (MAPPING, "code"), ("mapping = \"user.name\"", "none")] {
        let broker =
            Harness::with(Choices { provider: provider.to_owned(), minimum, ..Choices::default() }).await;
        let tricks = [
            None,
            Some(Trick::WhoamiHostile),
            Some(Trick::WhoamiWrong),
            Some(Trick::TokenTwice),
            Some(Trick::Deny),
        ];
        for trick in tricks {
            let link = broker.link_with("conv-1", json!({"metadata": {"case": "case-81"}})).await;
            if let Some(trick) = trick {
                broker.provider.script(trick);
            }
            let mut browser = Browser::new();
            let callback = browser.reach_callback(url(&link)).await;
            let of_query = callback.query_pairs().filter(|(name, _)| name == "code" || name == "state");
            secrets.extend(of_query.map(|(_, value)| value.into_owned()));
            secrets.extend(browser.cookies(&callback).into_values());
            secrets.insert(url(&link).rsplit('/').next().unwrap().to_owned());
            if let Some(code) = browser.arrive(&callback).await.code() {
                // Six digits alone may stand in an id or a time by chance.
                secrets.insert(code.clone());
                broker.message("conv-1", "+15550100", &code).await;
            }
        }
        raw += &broker.get("/v1/attempts?limit=200").await.to_string();
    }
    for person in PEOPLE {
        texts(&person.whoami(), &mut secrets);
    }
    secrets.extend(["script", "Billy", "example.com"].map(str::to_owned));
    assert!(raw.matches("was left out").count() >= 4, "the notes were written: {raw}");
    for secret in secrets {
        assert!(!raw.contains(&secret), "`{secret}` stands in an attempt: {raw}");
    }
}
