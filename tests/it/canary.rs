//! Recognisable secrets go through whole logins; none of them may turn up where it does not belong:
//! in the log, on pages, in addresses and headers, in events, attempts and metrics, in the bytes of
//! the database.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use countersign::cli::demo::provider::{DemoProvider, Trick};

use crate::harness::browser::{Browser, Page};
use crate::harness::redis::{SAFE, Server};
use crate::harness::{BOT_SECRET, Choices, Harness, MAPPING, broker_process, eventually};

/// What the person and the conversation are called.
const PERSONAL: [&str; 5] = ["billy.bob", "Billy", "Billy Bob", "+15550100", "15550100"];

/// What a login has seen, and the pages that the customer got from us.
struct Witness {
    secrets: BTreeSet<String>,
    pages: Vec<Page>,
    confirmation: Option<String>,
}

/// Goes through a login and writes down every secret on the way.
async fn log_in(broker: &Harness, conversation: &str, trick: Option<Trick>) -> Witness {
    let mut secrets: BTreeSet<String> = [BOT_SECRET, DemoProvider::CLIENT_SECRET].map(str::to_owned).into();
    secrets.insert(broker.token().await);
    let link = broker.link(conversation).await;
    let url: url::Url = link["url"].as_str().unwrap().parse().unwrap();
    secrets.insert(url.path_segments().unwrap().next_back().unwrap().to_owned());
    if let Some(trick) = trick {
        broker.provider.script(trick);
    }
    let mut browser = Browser::new();
    let landing = browser.get(&url).await;
    let opened = browser.submit(&landing, &landing.form(), &[]).await;
    secrets.extend(browser.cookies(&url).into_values());
    let callback = browser.sign_in_at_provider(&opened.location(), "allow").await;
    let named = |name: &'static str| callback.query_pairs().filter(move |(known, _)| known == name);
    secrets.extend(named("code").map(|(_, value)| value.into_owned()).filter(|code| code.len() > 20));
    secrets.extend(
        opened.location().query_pairs().filter(|(name, _)| name == "state").map(|(_, v)| v.into_owned()),
    );
    let answer = browser.get(&callback).await;
    let mut pages = vec![landing, opened, answer.clone()];
    let mut confirmation = None;
    if answer.status.is_redirection() {
        let result = browser.get(&answer.location()).await;
        confirmation = result.code();
        pages.push(result);
    }
    if let Some(code) = &confirmation {
        let digits = code.trim_start_matches("CS-");
        let wrong = (digits.parse::<u32>().unwrap() + 1) % 1_000_000;
        broker.message(conversation, "+15550100", &format!("CS-{wrong:06}")).await;
        broker.message(conversation, "+15550100", code).await;
    }
    Witness { secrets, pages, confirmation }
}

/// A secret in the forms in which it could be found. The end of base64 depends on what follows.
fn forms(secret: &str) -> [String; 4] {
    let cut = |encoded: String| {
        let encoded = encoded.trim_end_matches('=');
        encoded[..encoded.len() - 2].to_owned()
    };
    [
        secret.to_owned(),
        cut(STANDARD.encode(secret)),
        cut(URL_SAFE_NO_PAD.encode(secret)),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ]
}

fn assert_absent<'a>(haystack: &[u8], secrets: impl IntoIterator<Item = &'a str>, place: &str) {
    // Bytes that are no text become other ones; every secret is ASCII.
    let text = String::from_utf8_lossy(haystack);
    for secret in secrets {
        for form in forms(secret) {
            if let Some(at) = text.find(&form) {
                let around: String = text[..at].chars().rev().take(120).collect();
                panic!("`{secret}` stands in {place} behind {}", around.chars().rev().collect::<String>());
            }
        }
    }
}

/// The customer's pages show the link's own path where a form or a way back needs it, the masked
/// handle, the code in its place, and nothing else.
fn assert_pages(witness: &Witness) {
    let (landing, opened, answer) = (&witness.pages[0], &witness.pages[1], &witness.pages[2]);
    let token = landing.url.path().rsplit('/').next().unwrap();
    for page in &witness.pages {
        let place = format!("the page {}", page.status);
        let html = page.html.replace(token, "");
        assert_absent(html.as_bytes(), witness.secrets.iter().map(String::as_str), &place);
        assert_absent(html.as_bytes(), PERSONAL, &place);
        for (name, value) in &page.headers {
            let may = name == "set-cookie" || (name == "location" && page.url == opened.url);
            if !may {
                assert_absent(value.as_bytes(), witness.secrets.iter().map(String::as_str), name.as_str());
                assert_absent(value.as_bytes(), PERSONAL, name.as_str());
            }
        }
    }
    let state = |(name, _): &(_, _)| name == "state";
    let authorize: Vec<_> =
        opened.location().query_pairs().into_owned().filter(|pair| !state(pair)).collect();
    assert_absent(
        json!(authorize).to_string().as_bytes(),
        witness.secrets.iter().map(String::as_str),
        "the authorize URL",
    );
    if answer.status.is_redirection() {
        assert!(answer.location().query().is_none());
    }
}

/// Whole logins on the real program, with its log at the lowest level: one that ends well, and one
/// for each step that can fail.
#[tokio::test]
async fn no_secret_and_no_person_turns_up_where_it_does_not_belong() {
    let provider = format!("{MAPPING}\nclient_auth = \"client_secret_basic\"");
    let broker = Harness::process(Choices { provider, ..Choices::default() }).await;
    let tricks = [
        None,
        Some(Trick::Deny),
        Some(Trick::AuthorizeError),
        Some(Trick::WrongState),
        Some(Trick::TokenInvalidGrant),
        Some(Trick::TokenTwice),
        Some(Trick::TokenPlain),
        Some(Trick::WhoamiRefused),
        Some(Trick::WhoamiGarbage),
        Some(Trick::WhoamiNobody),
    ];
    let mut witnesses = Vec::new();
    for (n, trick) in tricks.into_iter().enumerate() {
        let witness = log_in(&broker, &format!("conv-{n}"), trick).await;
        assert_pages(&witness);
        witnesses.push(witness);
    }
    assert!(witnesses[0].confirmation.is_some() && broker.contacts().await.len() == 1);
    let secrets: BTreeSet<String> = witnesses.iter().flat_map(|witness| witness.secrets.clone()).collect();
    let secrets = || secrets.iter().map(String::as_str).chain(PERSONAL);
    let codes: Vec<String> = witnesses.iter().filter_map(|witness| witness.confirmation.clone()).collect();

    let log = std::fs::read(broker_process::log_file(broker.folder())).unwrap();
    assert!(String::from_utf8_lossy(&log).contains("callback.signed_in"), "the log was written");
    assert_absent(&log, secrets(), "the log");
    assert_absent(&log, codes.iter().map(String::as_str), "the log");
    assert_absent(&log, ["example.com"], "the log");

    let mut read = 0;
    for entry in std::fs::read_dir(broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("countersign.db") {
            let bytes = std::fs::read(&path).unwrap();
            read += bytes.len();
            assert_absent(&bytes, secrets(), "the database");
            assert_absent(&bytes, codes.iter().map(String::as_str), "the database");
            assert_absent(&bytes, ["example.com", "conv-0", "mallory", "auth.completed"], "the database");
        }
    }
    assert!(read > 10_000, "the database was found");

    let events = broker.get("/v1/events?limit=200").await;
    for event in events["items"].as_array().unwrap() {
        let text = event.to_string();
        assert_absent(
            text.as_bytes(),
            witnesses.iter().flat_map(|witness| witness.secrets.iter().map(String::as_str)),
            "an event",
        );
        assert_absent(text.as_bytes(), codes.iter().map(String::as_str), "an event");
        let of_person = ["auth.completed", "contact.created"].contains(&event["type"].as_str().unwrap());
        assert!(of_person || !text.contains("example.com"), "{text}");
    }

    let attempts = broker.get("/v1/attempts?limit=200").await;
    assert_eq!(attempts["items"].as_array().unwrap().len(), witnesses.len());
    let audit = broker.get("/v1/audit?limit=200").await;
    assert!(audit.to_string().contains("auth_link.completed"), "{audit}");
    let mut told = vec![("the attempts", attempts.to_string()), ("the audit", audit.to_string())];
    for path in ["/metrics", "/readyz", "/version"] {
        told.push((path, broker.plain(Method::GET, path).send().await.unwrap().text().await.unwrap()));
    }
    for (place, text) in &told {
        assert_absent(text.as_bytes(), secrets(), place);
        assert_absent(text.as_bytes(), codes.iter().map(String::as_str), place);
        assert_absent(text.as_bytes(), ["example.com", "conv-0", "mallory"], place);
    }

    let link = broker
        .get(&format!("/v1/auth-links/{}", events["items"][0]["data"]["authLinkId"].as_str().unwrap()))
        .await;
    assert!(link.get("url").is_none() && !link.to_string().contains("access_token"), "{link}");
    assert_ne!(link["status"], Value::Null);
}

/// The files of a Redis hold every command that it was ever sent.
#[tokio::test]
async fn no_secret_and_no_person_stands_in_what_redis_was_sent() {
    let server = Server::start(SAFE);
    let broker = Harness::process(Choices { store: Some(server.url()), ..Choices::default() }).await;
    let mut secrets: BTreeSet<String> = PERSONAL.map(str::to_owned).into();
    for (n, trick) in
        [None, Some(Trick::Deny), Some(Trick::TokenTwice), Some(Trick::WhoamiNobody)].into_iter().enumerate()
    {
        let witness = log_in(&broker, &format!("conv-{n}"), trick).await;
        secrets.extend(witness.secrets);
        secrets.extend(witness.confirmation);
    }
    assert_eq!(broker.contacts().await.len(), 1);
    let written = server.written();
    assert!(written.len() > 10_000, "{} bytes", written.len());
    assert!(
        String::from_utf8_lossy(&written).contains("acme"),
        "the keys are readable, so that a search finds"
    );
    assert_absent(&written, secrets.iter().map(String::as_str), "Redis");
    assert_absent(&written, ["example.com", "conv-0", "mallory", "auth.completed"], "Redis");
}

/// A provider whose access token is known, and that remembers what it was asked.
async fn provider(answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            // Until the body is there too: a form ends with the last of its fields.
            while !is_whole(&request) {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            seen.lock().unwrap().push_str(&String::from_utf8_lossy(&request));
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
            let answer = format!("{head}content-length: {}\r\n\r\n{answer}", answer.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.trim().parse().unwrap())
}

/// The access token and the code verifier are known to the provider only.
#[tokio::test]
async fn neither_the_access_token_nor_the_code_verifier_is_kept_or_told() {
    let (token, asked) = provider(
        r#"{"access_token": "canary-access-token-4711", "token_type": "Bearer", "refresh_token": "canary-refresh-token-4711"}"#,
    )
    .await;
    let person = r#"{"user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy.bob@example.com"}}"#;
    let (whoami, asked_who) = provider(person).await;
    let choices = Choices {
        token_url: Some(format!("http://{token}/token")),
        whoami_url: Some(format!("http://{whoami}/whoami")),
        allow: vec![token, whoami],
        ..Choices::default()
    };
    let broker = Harness::process(choices).await;
    let witness = log_in(&broker, "conv-1", None).await;
    assert!(asked_who.lock().unwrap().contains("Bearer canary-access-token-4711"));
    let request = asked.lock().unwrap().clone();
    let verifier = request.split("code_verifier=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(verifier.len() >= 43, "{verifier}");
    let secrets = ["canary-access-token-4711", "canary-refresh-token-4711", &*verifier];
    for page in &witness.pages {
        assert_absent(format!("{}{:?}", page.html, page.headers).as_bytes(), secrets, "a page");
    }
    for entry in std::fs::read_dir(broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_absent(&std::fs::read(&path).unwrap(), secrets, &path.display().to_string());
        }
    }
    assert_eq!(broker.contacts().await.len(), 1);
    for list in ["/v1/events", "/v1/contacts", "/v1/conversations/conv-1"] {
        assert_absent(broker.get(list).await.to_string().as_bytes(), secrets, list);
    }
}

/// Where the vault is on, a provider's tokens stand in its answer and nowhere else.
#[tokio::test]
async fn the_tokens_of_the_vault_turn_up_in_its_answer_only() {
    let (token, asked) = provider(
        r#"{"access_token": "canary-access-token-4711", "token_type": "Bearer", "expires_in": 1, "refresh_token": "canary-refresh-token-4711"}"#,
    )
    .await;
    let person = r#"{"user": {"id": "billy.bob", "name": "Billy Bob", "email": "billy.bob@example.com"}}"#;
    let (whoami, _) = provider(person).await;
    let choices = Choices {
        provider: format!("{MAPPING}\nvault = true"),
        tenant: crate::vault::client(),
        token_url: Some(format!("http://{token}/token")),
        whoami_url: Some(format!("http://{whoami}/whoami")),
        allow: vec![token, whoami],
        ..Choices::default()
    };
    let broker = Harness::process(choices).await;
    let witness = log_in(&broker, "conv-1", None).await;
    let contact = broker.contacts().await[0]["id"].as_str().unwrap().to_owned();
    let secrets = ["canary-access-token-4711", "canary-refresh-token-4711"];
    let own = crate::vault::vault_token(&broker, None).await;
    let answer = eventually("the token is refreshed", async || {
        let call = broker.plain(Method::POST, &format!("/v1/contacts/{contact}/provider-token"));
        let body = json!({"provider": "acme", "conversationId": "conv-1"});
        let answer = call.bearer_auth(&own).json(&body).send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        assert_absent(headers.as_bytes(), secrets, "a header");
        let answer = answer.text().await.unwrap();
        let is_refreshed = asked.lock().unwrap().contains("grant_type=refresh_token");
        (is_refreshed && answer.contains("canary-access-token-4711")).then_some(answer)
    })
    .await;
    assert_absent(answer.as_bytes(), ["canary-refresh-token-4711"], "the answer of the vault");
    eventually("the log is written", async || {
        let log = std::fs::read_to_string(broker_process::log_file(broker.folder())).unwrap();
        log.contains("vault.refreshed").then_some(())
    })
    .await;
    for page in &witness.pages {
        assert_absent(format!("{}{:?}", page.html, page.headers).as_bytes(), secrets, "a page");
    }
    for entry in std::fs::read_dir(broker.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_absent(&std::fs::read(&path).unwrap(), secrets, &path.display().to_string());
        }
    }
    let lists = ["/v1/events", "/v1/contacts", "/v1/conversations/conv-1", "/v1/audit", "/v1/attempts"];
    for list in lists {
        assert_absent(broker.get(list).await.to_string().as_bytes(), secrets, list);
    }
    let metrics = broker.plain(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    assert_absent(metrics.as_bytes(), secrets, "the metrics");
}
