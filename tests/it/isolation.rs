//! A provider that hangs, resets or fails costs its own customers something and nobody else; they
//! are turned away calmly, may try again, and the platform is told once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use countersign::app;
use countersign::config::Environment;
use countersign::domain::request::Route;
use countersign::domain::tenant::{Directory, Tenant};
use countersign::egress::gate::Room;
use countersign::egress::guard::Guard;
use countersign::egress::provider::{ProviderClient, Timeouts};
use countersign::egress::webhook::WebhookClient;
use countersign::flow::callback::Arrival;
use countersign::flow::{Broker, Outbound, Settings};
use countersign::keyring::KeyRing;
use countersign::store::Store;
use countersign::store::backend::Backend;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use reqwest::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::faults::assert_page_headers;
use crate::harness::browser::{Browser, Page};
use crate::harness::{Choices, Harness, eventually};

/// What the bad provider does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mood {
    Fine,
    Hangs,
    Resets,
    Fails,
    Refuses,
}

const MOODS: [Mood; 5] = [Mood::Fine, Mood::Hangs, Mood::Resets, Mood::Fails, Mood::Refuses];

/// A provider without pages whose mood can be changed.
struct BadProvider {
    origin: String,
    mood: Arc<AtomicU8>,
    asked: Arc<AtomicU64>,
}

impl BadProvider {
    async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (mood, asked) = (Arc::new(AtomicU8::new(mood as u8)), Arc::<AtomicU64>::default());
        let (now, count) = (Arc::clone(&mood), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&now), Arc::clone(&count)));
            }
        });
        Self { origin, mood, asked }
    }

    fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// The demo's tenant with this provider beside its own.
    fn choices(&self) -> Choices {
        let tenant = format!(
            r#"
[[provider]]
id = "bad"
label = "Acme's old bank"
client_id = "bad"
callback_path = "named"
client_secret = {{ env = "ACME_SECRET" }}
authorize_url = "{0}/auth"
token_url = "{0}/token"
whoami_url = "{0}/whoami"
subject = "user.id"
"#,
            self.origin
        );
        let provider = format!("{}\ncallback_path = \"bare\"", crate::harness::MAPPING);
        let allow = vec![self.origin.trim_start_matches("http://").to_owned()];
        let others = vec![("gamma", "127.0.0.2")];
        Choices { minimum: "none", tenant, provider, allow, others, ..Choices::default() }
    }
}

async fn serve(mut stream: TcpStream, mood: Arc<AtomicU8>, asked: Arc<AtomicU64>) {
    let mut head = vec![0; 8192];
    let Ok(1..) = stream.read(&mut head).await else { return };
    asked.fetch_add(1, Ordering::SeqCst);
    let body = json!({"access_token": "t", "token_type": "Bearer", "user": {"id": "7"}}).to_string();
    let (status, body) = match MOODS[usize::from(mood.load(Ordering::SeqCst))] {
        Mood::Fine => ("200 OK", body),
        Mood::Hangs => return std::future::pending().await,
        Mood::Resets => return,
        Mood::Fails => ("500 Internal Server Error", "out of order".to_owned()),
        Mood::Refuses => ("400 Bad Request", json!({"error": "invalid_grant"}).to_string()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// A login at the bad provider, up to the callback's address, which is not loaded.
async fn reach(broker: &Harness, conversation: &str) -> (Browser, Url) {
    let link = broker.link_with(conversation, json!({"provider": "bad"})).await;
    let mut browser = Browser::new();
    let opened = browser.open(link["url"].as_str().unwrap()).await;
    assert_eq!(opened.status, StatusCode::SEE_OTHER, "{}", opened.html);
    (browser, callback_of(&opened.location()))
}

/// Where the provider sends a customer back who signed in.
fn callback_of(authorize: &Url) -> Url {
    let value = |name: &str| {
        let mut pairs = authorize.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
    };
    let mut callback: Url = value("redirect_uri").parse().unwrap();
    callback.query_pairs_mut().append_pair("code", "c").append_pair("state", &value("state"));
    callback
}

/// The page of a customer who is kept from the provider.
fn assert_turned_away(page: &Page) {
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{}", page.html);
    assert_page_headers(page);
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    assert!(page.html.contains("old bank") && page.html.contains("class=\"reference\""), "{}", page.html);
    assert!(page.html.contains("Try again"), "{}", page.html);
}

async fn told(broker: &Harness) -> Vec<Value> {
    let events = broker.get("/v1/events?limit=200").await;
    let all = events["items"].as_array().unwrap().clone();
    all.into_iter().filter(|event| event["type"].as_str().unwrap().starts_with("provider.")).collect()
}

/// Five logins that fail at the provider.
async fn wear_out(broker: &Harness, prefix: &str) {
    for number in 0..5 {
        let (mut browser, callback) = reach(broker, &format!("{prefix}-{number}")).await;
        assert_eq!(browser.arrive(&callback).await.status, StatusCode::BAD_GATEWAY);
    }
}

#[rstest]
#[case::hangs(Mood::Hangs)]
#[case::resets(Mood::Resets)]
#[case::fails(Mood::Fails)]
#[tokio::test]
async fn while_a_provider_is_dead_every_login_elsewhere_succeeds(#[case] mood: Mood) {
    let provider = BadProvider::start(mood).await;
    let broker = Harness::on(TcpListener::bind("0.0.0.0:0").await.unwrap(), provider.choices()).await;
    let mut begun = Vec::new();
    for number in 0..20 {
        begun.push(reach(&broker, &format!("dead-{number}")).await);
    }
    let arrive = |(mut browser, callback): (Browser, Url)| async move { browser.arrive(&callback).await };
    let dead: Vec<_> = begun.into_iter().map(|begun| tokio::spawn(arrive(begun))).collect();
    for number in 0..5 {
        let link = broker.link_with(&format!("here-{number}"), json!({"provider": "acme"})).await;
        let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(broker.status(&link).await["status"], "completed");
    }
    let other = broker.elsewhere("127.0.0.2");
    for number in 0..5 {
        let link = other.link(&format!("there-{number}")).await;
        let page = Browser::new().sign_in(link["url"].as_str().unwrap()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert_eq!(other.status(&link).await["status"], "completed");
    }
    for page in dead {
        let page = page.await.unwrap();
        assert!(page.status.is_server_error(), "{}", page.status);
        assert_page_headers(&page);
    }
    let told = eventually("the platform is told", async || {
        let told = told(&broker).await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["type"], &told[0]["data"]["provider"]),
        (&json!("provider.unhealthy"), &json!("bad"))
    );
}

#[tokio::test]
async fn a_breaker_opens_is_probed_and_closes_and_nobody_loses_a_login_by_it() {
    let provider = BadProvider::start(Mood::Fails).await;
    let broker = Harness::with(provider.choices()).await;
    let (mut early, callback) = reach(&broker, "early").await;
    let late = broker.link_with("late", json!({"provider": "bad"})).await;
    wear_out(&broker, "worn").await;
    let asked = provider.asked();

    // Nobody is sent there, and who was there already has spent nothing.
    let mut browser = Browser::new();
    assert_turned_away(&browser.open(late["url"].as_str().unwrap()).await);
    assert_eq!(broker.status(&late).await["status"], "created");
    assert_turned_away(&early.arrive(&callback).await);
    assert_turned_away(&early.arrive(&callback).await);
    assert_eq!(provider.asked(), asked);
    assert_eq!(broker.get("/readyz").await["status"], "ok");

    // The probe fails: it was a whole login, whose customer may try again, and it stays open.
    broker.clock.advance(Duration::from_secs(2));
    let opened = browser.open(late["url"].as_str().unwrap()).await;
    assert_eq!(browser.arrive(&callback_of(&opened.location())).await.status, StatusCode::BAD_GATEWAY);
    assert_turned_away(&early.arrive(&callback).await);

    // The provider is back: the first callback goes on where it was, and two more close the breaker.
    provider.set(Mood::Fine);
    broker.clock.advance(Duration::from_secs(2));
    assert_eq!(early.arrive(&callback).await.status, StatusCode::OK);
    for number in 0..2 {
        let (mut browser, callback) = reach(&broker, &format!("back-{number}")).await;
        assert_eq!(browser.arrive(&callback).await.status, StatusCode::OK);
    }
    let told = told(&broker).await;
    let types: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["provider.unhealthy", "provider.recovered"], "{told:?}");
    assert_eq!(told[1]["data"]["unhealthySince"], told[0]["data"]["since"]);
    assert!(told.iter().all(|event| event["data"].get("profile").is_none()));
}

#[tokio::test]
async fn what_customers_do_wrong_opens_no_breaker() {
    let provider = BadProvider::start(Mood::Refuses).await;
    let broker = Harness::with(provider.choices()).await;
    for number in 0..12 {
        let (mut browser, callback) = reach(&broker, &format!("conv-{number}")).await;
        assert_eq!(browser.arrive(&callback).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(told(&broker).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_slow_provider_has_so_many_places_and_who_finds_none_may_try_again() {
    let provider = BadProvider::start(Mood::Hangs).await;
    let main = Some("[limits]\nprovider_logins = 2\n".to_owned());
    let broker = Harness::with(Choices { main, ..provider.choices() }).await;
    let mut inside = Vec::new();
    for number in 0..2 {
        let (mut browser, callback) = reach(&broker, &format!("in-{number}")).await;
        inside.push(tokio::spawn(async move { browser.arrive(&callback).await.status }));
    }
    eventually("two are inside", async || (provider.asked() == 2).then_some(())).await;
    let (mut third, callback) = reach(&broker, "third").await;
    assert_turned_away(&third.arrive(&callback).await);
    assert_eq!(provider.asked(), 2);
    for status in inside {
        assert_eq!(status.await.unwrap(), StatusCode::GATEWAY_TIMEOUT);
    }
    provider.set(Mood::Fine);
    assert_eq!(third.arrive(&callback).await.status, StatusCode::OK);
}

/// Two brokers over one store.
fn brokers(broker: &Harness) -> ([Arc<Broker>; 2], Arc<Tenant>) {
    let secret = countersign::cli::demo::provider::DemoProvider::CLIENT_SECRET;
    let environment: Environment = [("ACME_SECRET".to_owned(), secret.to_owned())].into_iter().collect();
    let tenants = app::read_tenants(&broker.config, &environment).unwrap().value;
    let tenants: Vec<Arc<Tenant>> = tenants.tenants().cloned().collect();
    let acme = Arc::clone(tenants.iter().find(|tenant| tenant.id.as_str() == "acme").unwrap());
    let path = broker.folder().join("countersign.db");
    let backend: Arc<dyn Backend> = Arc::new(SqliteBackend::open(path, broker.clock.clone()).unwrap());
    let one = || {
        let ring = KeyRing::read(&broker.config.keys).unwrap();
        let seals = ring.seal_keys().iter().map(|key| (key.id().to_owned(), *key.expose()));
        let keys = SealKeys::new(ring.active_seal().id(), seals, *ring.index_keys().expose_active());
        let store = Store::new(Arc::clone(&backend), keys.unwrap(), broker.clock.clone());
        let guard = Guard::new(broker.config.egress.ports.clone(), broker.config.egress.allow.clone());
        let client = ProviderClient::new(guard.clone(), Timeouts::default()).unwrap();
        let webhook = WebhookClient::new(guard).unwrap();
        let outbound = Outbound::new(client, webhook, &broker.clock, Room::default());
        let settings = Settings { https: false, login_deadline: Duration::from_secs(9) };
        let tenants = Directory::new(tenants.clone());
        Arc::new(Broker::new(store, outbound, broker.clock.clone(), tenants, settings))
    };
    ([one(), one()], acme)
}

/// A login at the bad provider through one broker.
async fn log_in(broker: &Arc<Broker>, tenant: &Arc<Tenant>, token: &str) {
    let opened = broker.open_link(tenant, token, &[], &[]).await.unwrap();
    let callback = callback_of(&opened.authorize_url);
    let params = callback.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
    let arrival = Arrival {
        route: Route::EndUser,
        provider: Some("bad".to_owned()),
        posted: false,
        params: params.collect(),
        cookies: vec![opened.cookie],
    };
    broker.callback(tenant, arrival).await.unwrap();
}

#[tokio::test]
async fn two_brokers_over_one_store_announce_a_change_once() {
    let provider = BadProvider::start(Mood::Fails).await;
    let mut broker = Harness::with(provider.choices()).await;
    let mut tokens = Vec::new();
    for number in 0..20 {
        let link = broker.link_with(&format!("conv-{number}"), json!({"provider": "bad"})).await;
        tokens.push(link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
    }
    broker.stop().await;
    let mut tokens = tokens.iter();
    {
        let ([one, two], acme) = brokers(&broker);
        for _ in 0..5 {
            let (first, second) = (tokens.next().unwrap(), tokens.next().unwrap());
            tokio::join!(log_in(&one, &acme, first), log_in(&two, &acme, second));
        }
        assert!(one.open_link(&acme, tokens.next().unwrap(), &[], &[]).await.is_err());
        provider.set(Mood::Fine);
        broker.clock.advance(Duration::from_secs(2));
        for _ in 0..3 {
            let (first, second) = (tokens.next().unwrap(), tokens.next().unwrap());
            tokio::join!(log_in(&one, &acme, first), log_in(&two, &acme, second));
        }
    }
    broker.restart().await;
    let told = told(&broker).await;
    let types: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["provider.unhealthy", "provider.recovered"], "{told:?}");
}
