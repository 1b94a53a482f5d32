//! Events that lie in the store as a crash left them, and a broker that starts and delivers them to a webhook
//! on this machine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Router, body::Bytes};
use countersign::clock::Clock;
use countersign::domain::event::{Event, EventType};
use countersign::domain::ids::{EventId, TenantId};
use countersign::keyring::KeyRing;
use countersign::store::backend::Backend;
use countersign::store::redis::RedisBackend;
use countersign::store::redis::access::Login;
use countersign::store::redis::node::Address;
use countersign::store::redis::topology::Kind;
use countersign::store::seal::SealKeys;
use countersign::store::sqlite::SqliteBackend;
use countersign::store::{Durability, Store, Tx};
use serde_json::json;
use tokio::net::TcpListener;

use crate::broker::Site;
use crate::ledger::Ledger;
use crate::options::{choice, number};
use crate::redis::Redis;

/// Events of a login.
const EACH: u64 = 4;
/// Events that are written together.
const AT_ONCE: u64 = 100;

/// The ids that came, and how many came again.
type Came = Arc<Mutex<(HashSet<String>, u64)>>;

/// Writes `--events` (20000), of a quarter as many conversations, and times how they are delivered.
pub async fn run() {
    let events: u64 = number("--events", 20_000);
    let clock = Clock::system();
    let redis = Redis::start(choice("--store", &["sqlite", "redis"]));
    let (came, receiver) = receive().await;
    let (_ledger, provider) = Ledger::start().await;
    let hook = format!(
        "[[webhook]]\nid = \"hook\"\nurl = \"http://{receiver}/hook\"\nsecret = {{ env = \"BENCH_HOOK\" }}\n"
    );
    let mut site = Site::new(&provider, &redis.url(), &hook, &[receiver]);
    write(&site, &redis.url(), &clock, events).await;
    let began = clock.tick();
    let broker = site.start().await;
    let ready = began.elapsed();
    let mut first = None;
    let took = loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let taken = came.lock().unwrap().0.len() as u64;
        if taken > 0 && first.is_none() {
            first = Some((clock.tick(), taken));
        }
        if taken == events {
            let (at, before) = first.unwrap();
            break (at.elapsed().as_secs_f64(), events - before);
        }
        assert!(began.elapsed() < Duration::from_mins(15), "{taken} of {events} came: look into the log");
    };
    println!("store           {}, in {}", redis.words(), site.folder().display());
    println!("events          {events} of {} conversations, one webhook that answers at once", events / EACH);
    println!(
        "first           {:.1} s after the broker was ready",
        first.unwrap().0.duration_since(began).saturating_sub(ready).as_secs_f64()
    );
    println!(
        "delivered       {:.0}/s ({:.1} s), {} twice",
        took.1 as f64 / took.0,
        took.0,
        came.lock().unwrap().1
    );
    println!("processor       {:.2} ms per event", broker.cpu() * 1e3 / events as f64);
}

/// A webhook that takes everything and writes down what.
async fn receive() -> (Came, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let came = Came::default();
    let router = Router::new().route("/hook", post(take)).with_state(came.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (came, address)
}

async fn take(State(came): State<Came>, headers: HeaderMap, _body: Bytes) -> StatusCode {
    let mut came = came.lock().unwrap();
    let is_new = came.0.insert(headers["webhook-id"].to_str().unwrap().to_owned());
    came.1 += u64::from(!is_new);
    StatusCode::NO_CONTENT
}

/// Writes the events as flows do, those of a conversation one behind the other.
async fn write(site: &Site, url: &str, clock: &Clock, events: u64) {
    let ring = KeyRing::read(&site.folder().join("keys.toml")).unwrap();
    let seal = ring.active_seal();
    let keys = SealKeys::new(
        seal.id(),
        [(seal.id().to_owned(), *seal.expose())],
        *ring.index_keys().expose_active(),
    );
    let store = Store::new(open(site, url, clock), keys.unwrap(), clock.clone());
    let tenant: TenantId = "bench".parse().unwrap();
    for from in (0..events).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let mut tx = Tx::new();
        for number in from..events.min(from + AT_ONCE) {
            let event = event(&tenant, clock, number / EACH);
            tx.event(&event.telling());
            tx.tell_webhooks(&event.id);
        }
        store.at(&tenant).commit(tx, Durability::Durable).await.unwrap();
    }
}

fn open(site: &Site, url: &str, clock: &Clock) -> Arc<dyn Backend> {
    let Some((host, port)) = url.strip_prefix("redis://").and_then(|at| at.split_once(':')) else {
        return Arc::new(SqliteBackend::open(site.folder().join("bench.db"), clock.clone()).unwrap());
    };
    let kind = Kind::One(Address::new(host, port.parse().unwrap()));
    Arc::new(RedisBackend::new(kind, &Login::default(), false, clock.clone()).unwrap())
}

/// About as large as that of a login.
fn event(tenant: &TenantId, clock: &Clock, conversation: u64) -> Event {
    let data = json!({
        "authLinkId": format!("al_{conversation:032}"),
        "conversation": {"id": format!("conv-{conversation}"), "channel": "sms", "handle": "+15550100"},
        "sender": {"kind": "bot", "id": "bot"}, "metadata": {"case": conversation.to_string()},
        "provider": "bench", "status": "completed", "binding": {"minimum": "none", "reached": "none"},
        "contactId": format!("ct_{conversation:032}"),
        "profile": {"email": "a@example.com", "userName": "a", "fullName": "Alex Example"}, "fields": {},
    });
    let id = EventId::from_uuid(clock.fresh_uuid());
    Event { id, kind: EventType::Completed, timestamp: clock.now(), tenant: tenant.clone(), data }
}
